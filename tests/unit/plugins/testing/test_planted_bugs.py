"""Each rule of the conformance suites catches a plugin that breaks it: bugs planted on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from spiffesim.authority import JwtAuthority
from spiffesim.entries import Selector
from spiffesim.errors import NotSupported, Refused
from spiffesim.keys import Draw, Key
from spiffesim.plugins.key_manager.memory import MemoryKeyManager
from spiffesim.plugins.node_attestor import Attestation, AttestingServer
from spiffesim.plugins.testing import (
    KeyManagerConformance,
    NodeAttestorConformance,
    UpstreamAuthorityConformance,
    WorkloadAttestorConformance,
)
from spiffesim.plugins.testing.suite import Conformance
from spiffesim.plugins.upstream_authority import CaRequest, MintedCa
from spiffesim.plugins.workload_attestor import Process
from spiffesim.randomness import Randomness
from tests.unit.plugins.test_inspection import Answer


class Planted:
    """A suite over a plugin with a bug."""

    def __init__(self, suite: Any, make: Callable[[], Any], **methods: Any) -> None:
        factories: dict[Any, str] = {
            UpstreamAuthorityConformance: "upstream_authority",
            KeyManagerConformance: "key_manager",
            NodeAttestorConformance: "node_attestor",
            WorkloadAttestorConformance: "workload_attestor",
        }
        made = {factories[suite]: make, **methods}
        body = {name: staticmethod(method) for name, method in made.items()}
        self.suite: Conformance = type("Suite", (suite,), body)()

    def breaks(self, rule: str) -> str:
        """What the rule says of the plugin."""
        with pytest.raises(AssertionError) as caught:
            getattr(self.suite, rule)()
        return str(caught.value)


def complete(suite: Any, planted: Iterable[Any]) -> bool:
    """Whether there is a bug for every rule of a suite."""
    rules = {name for name in dir(suite) if name.startswith("test_")}
    return rules == {case.values[0] for case in planted}


# Upstream authorities


class RightAuthority:
    """An upstream authority without a bug."""

    name = "right"

    def mint_x509_ca(self, request: CaRequest) -> Any:
        ca = {"uris": (str(request.trust_domain.spiffe_id),), **self.ca(request)}
        return Answer(request, ca=ca, root=self.root(request)).minted()

    def ca(self, request: CaRequest) -> dict[str, Any]:
        return {}

    def root(self, request: CaRequest) -> dict[str, Any]:
        return {}

    def publish_jwt_key(self, authority: JwtAuthority) -> Any:
        raise NotSupported("publishing upstream is unsupported")


def authority(**methods: Any) -> Callable[[], RightAuthority]:
    """An upstream authority some of whose methods are others."""
    return type("Authority", (RightAuthority,), methods)


def with_ca(**changes: Any) -> Callable[[], RightAuthority]:
    return authority(ca=lambda self, request: changes)


def answering(change: Callable[[MintedCa], Any]) -> Callable[[], RightAuthority]:
    return authority(mint_x509_ca=lambda self, request: change(RightAuthority().mint_x509_ca(request)))


class Caching(RightAuthority):
    """It answers every request with the answer to the first."""

    def __init__(self) -> None:
        self.first: MintedCa | None = None

    def mint_x509_ca(self, request: CaRequest) -> MintedCa:
        self.first = self.first or super().mint_x509_ca(request)
        return self.first


class Counting(RightAuthority):
    """Every root that it makes ends a second later than the one before."""

    made = 0

    def root(self, request: CaRequest) -> dict[str, Any]:
        self.made += 1
        return {"ends": timedelta(days=30, seconds=self.made)}


NOTHING: dict[str, Any] = {}
CLOCK = iter(range(1000))


class Careless(RightAuthority):
    """It takes what is not in the request."""

    def ca(self, request: CaRequest) -> dict[str, Any]:
        return {"ends": timedelta(days=1, seconds=-next(CLOCK))}


class Hollow(RightAuthority):
    """It comes back from a pickle as another one."""

    def __init__(self, name: str = "hollow") -> None:
        self.name = name

    def __reduce__(self) -> Any:
        return Hollow, ("other",)


class Unpicklable(RightAuthority):
    def __init__(self) -> None:
        self.socket = lambda: None


def one_short(minted: MintedCa) -> MintedCa:
    return MintedCa((), minted.roots)


AUTHORITIES = [
    pytest.param("test_it_has_a_name", authority(name=""), "its name is ''", id="nameless"),
    pytest.param("test_it_pickles", Unpicklable, "it does not pickle: ", id="unpicklable"),
    pytest.param("test_it_pickles", Hollow, "it comes back as 'other'", id="another one"),
    pytest.param(
        "test_the_answer_has_a_chain_and_roots",
        answering(lambda _: None),
        "it answered NoneType, not a MintedCa",
        id="nothing",
    ),
    pytest.param(
        "test_the_answer_has_a_chain_and_roots",
        answering(lambda minted: MintedCa((), minted.roots)),
        "the chain is empty; it begins with the new CA",
        id="no chain",
    ),
    pytest.param(
        "test_the_answer_has_a_chain_and_roots",
        answering(lambda minted: MintedCa(minted.chain, ())),
        "there are no roots",
        id="no roots",
    ),
    pytest.param(
        "test_the_answer_has_a_chain_and_roots",
        answering(lambda minted: MintedCa((b"der",), minted.roots)),  # type: ignore[arg-type]  # that is the bug
        "MintedCa.from_der takes certificates as DER: ",
        id="bytes",
    ),
    pytest.param(
        "test_the_ca_certifies_the_key_that_was_asked_for",
        Caching,
        "request 1 got a CA over another key than its own (ec-p384)",
        id="cached",
    ),
    pytest.param(
        "test_the_ca_certifies_the_key_that_was_asked_for",
        answering(one_short),
        "request 0 got a CA over another key than its own (ec-p256)",
        id="no CA",
    ),
    pytest.param("test_the_ca_may_sign_certificates", with_ca(ca=False), "cA constraint is not set", id="no cA"),
    pytest.param(
        "test_the_ca_may_sign_certificates",
        with_ca(usages=("crl_sign",)),
        "keyCertSign key usage must be set",
        id="no keyCertSign",
    ),
    pytest.param(
        "test_the_ca_may_sign_certificates",
        with_ca(usages=None),
        "keyCertSign key usage must be set",
        id="no key usage",
    ),
    pytest.param(
        "test_the_ca_may_sign_certificates",
        with_ca(usages=("key_cert_sign", "key_encipherment")),
        "only keyCertSign, cRLSign, or digitalSignature key usage can be set",
        id="too much key usage",
    ),
    pytest.param(
        "test_the_ca_may_sign_certificates",
        with_ca(uris=("spiffe://example.org/server",)),
        "its URIs are ('spiffe://example.org/server',), not spiffe://example.org",
        id="another ID",
    ),
    pytest.param(
        "test_the_ca_may_sign_certificates",
        with_ca(ends=timedelta(seconds=-1)),
        "it lives from 2029-12-31T00:00:00Z to 2029-12-31T23:59:59Z; now it is 2030-01-01T00:00:00Z",
        id="expired",
    ),
    pytest.param(
        "test_the_ca_is_for_the_trust_domain_that_asks",
        with_ca(uris=("spiffe://example.org",)),
        "a server of conformance.test got a CA with the URIs ('spiffe://example.org',)",
        id="its own trust domain",
    ),
    pytest.param(
        "test_the_ca_is_for_the_trust_domain_that_asks",
        authority(mint_x509_ca=lambda self, request: NOTHING["ca"]),
        "it raised KeyError",
        id="an error of its own",
    ),
    pytest.param(
        "test_the_ca_ends_no_later_than_its_issuer",
        with_ca(ends=timedelta(days=31)),
        "it ends at 2030-02-01T00:00:00Z, its issuer at 2030-01-31T00:00:00Z",
        id="outliving",
    ),
    pytest.param(
        "test_a_leaf_below_the_ca_validates",
        with_ca(issuer="somebody"),
        "X509 CA minted by upstream authority is invalid: X509 CA produced an invalid X509-SVID chain: ",
        id="another issuer",
    ),
    pytest.param(
        "test_the_roots_are_the_same_for_every_ca", Counting, "its roots are other ones the second time", id="new roots"
    ),
    pytest.param(
        "test_the_same_request_gives_the_same_answer", Careless, "an equal request got other bytes; ", id="careless"
    ),
    pytest.param(
        "test_publishing_takes_the_key_or_says_that_it_cannot",
        authority(publish_jwt_key=lambda self, authority: True),
        "it returned True, which is no server",
        id="a truth",
    ),
    pytest.param(
        "test_publishing_takes_the_key_or_says_that_it_cannot",
        authority(publish_jwt_key=lambda self, authority: NOTHING["key"]),
        "it raised KeyError ('key'), not NotSupported or Refused",
        id="a failure",
    ),
]


@pytest.mark.parametrize(("rule", "make", "problem"), AUTHORITIES)
def test_a_broken_upstream_authority_is_caught(rule: str, make: Callable[[], Any], problem: str) -> None:
    assert problem in Planted(UpstreamAuthorityConformance, make).breaks(rule)


@pytest.mark.parametrize(
    "make",
    [
        RightAuthority,
        authority(publish_jwt_key=lambda self, authority: None),
        authority(publish_jwt_key=lambda self, authority: Server()),
        with_ca(uris=()),
        with_ca(usages=("key_cert_sign", "digital_signature")),
    ],
)
def test_a_right_upstream_authority_passes_all_rules(make: Callable[[], Any]) -> None:
    suite = Planted(UpstreamAuthorityConformance, make).suite
    suite.test_it_pickles = None  # type: ignore[assignment,method-assign]  # classes made in a test do not pickle
    assert "test_it_pickles" not in suite.check()
    assert len(suite.rules()) == 10


class Server:
    """A SPIRE server that takes a key over."""

    keyring = None


def test_an_authority_for_one_trust_domain_may_refuse_the_others() -> None:
    def mint(self: RightAuthority, request: CaRequest) -> MintedCa:
        if request.trust_domain.name != "example.org":
            raise Refused("not for you", status="PERMISSION_DENIED")
        minted: MintedCa = RightAuthority().mint_x509_ca(request)
        return minted

    suite = Planted(UpstreamAuthorityConformance, authority(mint_x509_ca=mint)).suite
    suite.test_the_ca_is_for_the_trust_domain_that_asks()  # type: ignore[attr-defined]  # the rule's own


# Key managers


class OfOneType(MemoryKeyManager):
    def generate_key(self, key_id: str, key_type: str) -> Key:
        return super().generate_key(key_id, "ec-p256")


class Lying(MemoryKeyManager):
    def generate_key(self, key_id: str, key_type: str) -> Key:
        key = Key.foreign(super().generate_key(key_id, "ec-p256").private_key)
        key.type = key_type.lower()
        return key


class Mixed(MemoryKeyManager):
    """The public key that it shows is another one's."""

    def generate_key(self, key_id: str, key_type: str) -> Key:
        key = Key.foreign(super().generate_key(key_id, key_type).private_key)
        key._encoded = (b"spki", b"key id")
        return key


class Raw(MemoryKeyManager):
    def generate_key(self, key_id: str, key_type: str) -> Any:
        return super().generate_key(key_id, key_type).private_key


class Frozen(MemoryKeyManager):
    def generate_key(self, key_id: str, key_type: str) -> Key:
        return self.get_key(key_id) or super().generate_key(key_id, key_type)


class Forgetful(MemoryKeyManager):
    def get_key(self, key_id: str) -> Key | None:
        return None


class Shared(MemoryKeyManager):
    def generate_key(self, key_id: str, key_type: str) -> Key:
        key = Draw(Randomness(1), "shared", 0).key(key_type)
        self._keys[key_id] = key
        return key


class Sorted(MemoryKeyManager):
    def key_ids(self) -> Iterable[str]:
        return sorted(self._keys)


class Generous(MemoryKeyManager):
    def get_key(self, key_id: str) -> Key:
        return super().get_key(key_id) or self.generate_key(key_id, "ec-p256")


class Easy(MemoryKeyManager):
    def generate_key(self, key_id: str, key_type: str) -> Key:
        return super().generate_key(key_id, "ec-p256" if key_type == "ed25519" else key_type)


class Failing(MemoryKeyManager):
    def generate_key(self, key_id: str, key_type: str) -> Key:
        return super().generate_key(key_id, key_type if key_type != "ed25519" else NOTHING[key_type])


class Hoarding(MemoryKeyManager):
    def generate_key(self, key_id: str, key_type: str) -> Key:
        self._keys[key_id] = Draw(self._randomness, key_id, 0).key()
        return super().generate_key(key_id, key_type)


class Secret(MemoryKeyManager):
    name = ""


class Local(MemoryKeyManager):
    def __init__(self, randomness: Randomness, server: str) -> None:
        super().__init__(randomness, server)
        self.socket = lambda: None


SEEDS = iter(range(1000))

KEY_MANAGERS = [
    pytest.param("test_it_has_a_name", Secret, "its name is ''"),
    pytest.param("test_it_pickles", Local, "it does not pickle: "),
    pytest.param("test_keys_are_of_the_type_that_was_asked_for", OfOneType, "gave a key of type ec-p256"),
    pytest.param("test_keys_are_of_the_type_that_was_asked_for", Lying, "gave another kind of private key"),
    pytest.param(
        "test_keys_are_of_the_type_that_was_asked_for", Mixed, "its public key is not that of its private key"
    ),
    pytest.param("test_keys_are_of_the_type_that_was_asked_for", Raw, "PrivateKey, not a Key"),
    pytest.param("test_an_unknown_type_is_refused", Easy, 'it made a key of type "ed25519"'),
    pytest.param("test_an_unknown_type_is_refused", Failing, "it raised KeyError ('ed25519'), not InvalidInput"),
    pytest.param("test_an_unknown_type_is_refused", Hoarding, "it kept a key that it refused"),
    pytest.param("test_a_new_key_takes_the_place_of_the_old_one", Frozen, "the second key is the first one"),
    pytest.param("test_a_new_key_takes_the_place_of_the_old_one", Forgetful, "get_key does not give the second key"),
    pytest.param("test_every_id_has_a_key_of_its_own", Shared, "two IDs share a key"),
    pytest.param("test_every_id_has_a_key_of_its_own", Sorted, "key_ids gives ['JWT-Signer-A', 'x509-CA-A', "),
    pytest.param("test_every_id_has_a_key_of_its_own", Generous, "there is a key under an ID that nobody has used"),
    pytest.param(
        "test_the_same_calls_give_the_same_keys",
        lambda _, server: MemoryKeyManager(Randomness(next(SEEDS)), server),
        "made anew, it makes other keys",
    ),
]


@pytest.mark.parametrize(("rule", "make", "problem"), KEY_MANAGERS)
def test_a_broken_key_manager_is_caught(rule: str, make: Callable[..., Any], problem: str) -> None:
    assert problem in Planted(KeyManagerConformance, lambda: make(Randomness(1), "root")).breaks(rule)


# Node attestors


@attrs.define
class RightNode:
    """A node attestor without a bug."""

    claim: str = "node-1"
    name: str = "right"
    can_reattest: bool = True

    def attest(self, server: AttestingServer, now: int) -> Any:
        if self.claim != "node-1":
            raise Refused("who?", status="PERMISSION_DENIED")
        return self.proved(server)

    def proved(self, server: AttestingServer) -> Any:
        return Attestation(f"/right/{self.claim}", (Selector("right", "rack:7"),), self.can_reattest)


def node(**methods: Any) -> Callable[[], RightNode]:
    return type("Node", (RightNode,), methods)


def proving(path: Any = "/right/node-1", *selectors: Any, can_reattest: bool = True) -> Callable[[], RightNode]:
    return node(proved=lambda self, server: Attestation(path, selectors, can_reattest))


class Wandering(RightNode):
    seen = 0

    def proved(self, server: AttestingServer) -> Attestation:
        Wandering.seen += 1
        return Attestation(f"/right/{Wandering.seen}", (), True)


NODES = [
    pytest.param("test_it_has_a_name", lambda: RightNode(name=""), "its name is ''"),
    pytest.param("test_it_pickles", node(), "it does not pickle: "),
    pytest.param(
        "test_the_agent_gets_an_id", node(proved=lambda self, server: "/a"), "it gave str, not an Attestation"
    ),
    pytest.param("test_the_agent_gets_an_id", proving("/right/a b"), "its path '/right/a b' makes no agent ID: "),
    pytest.param("test_the_agent_gets_an_id", proving("/right/"), "its path '/right/' makes no agent ID: "),
    pytest.param("test_the_agent_gets_an_id", proving(""), "its path '' does not begin with a slash"),
    pytest.param("test_the_agent_gets_an_id", proving("right"), "its path 'right' does not begin with a slash"),
    pytest.param("test_selectors_have_its_name_as_their_type", proving("/a", "right:a"), "'right:a' is no Selector"),
    pytest.param(
        "test_selectors_have_its_name_as_their_type",
        proving("/a", Selector("wrong", "a")),
        "wrong:a is not of type right",
    ),
    pytest.param(
        "test_both_halves_agree_on_attesting_again",
        proving("/a", can_reattest=False),
        "the agent's half says True, the attestation False",
    ),
    pytest.param("test_who_can_attest_again_is_the_same_again", Wandering, "it was /right/"),
    pytest.param(
        "test_an_impostor_is_refused",
        node(attest=lambda self, server, now: Attestation("/a")),
        "the impostor was attested: ",
    ),
    pytest.param(
        "test_an_impostor_is_refused",
        node(attest=lambda self, server, now: NOTHING["claim"]),
        "it raised KeyError ('claim'), not Refused",
    ),
    pytest.param(
        "test_the_same_world_gives_the_same_answer", Wandering, "in a world made anew it gives another answer"
    ),
]


@pytest.mark.parametrize(("rule", "make", "problem"), NODES)
def test_a_broken_node_attestor_is_caught(rule: str, make: Callable[..., Any], problem: str) -> None:
    def impostor() -> RightNode:
        attestor: RightNode = make()
        attestor.claim = "node-2"
        return attestor

    assert problem in Planted(NodeAttestorConformance, make, impostor=impostor).breaks(rule)


@pytest.mark.parametrize("can_reattest", [True, False])
def test_a_right_node_attestor_passes_all_rules(can_reattest: bool) -> None:
    planted = Planted(
        NodeAttestorConformance,
        lambda: RightNode(can_reattest=can_reattest),
        impostor=lambda: RightNode(claim="node-2"),
    )
    assert len(planted.suite.check()) == 8


# Workload attestors


class RightWorkload:
    """A workload attestor without a bug."""

    name = "right"

    def attest(self, process: Process) -> Any:
        return [Selector(self.name, f"uid:{process.uid}")] if process.uid is not None else []


def workload(**methods: Any) -> Callable[[], RightWorkload]:
    return type("Workload", (RightWorkload,), methods)


def finding(*selectors: Any) -> Callable[[], RightWorkload]:
    return workload(attest=lambda self, process: selectors)


class Used(RightWorkload):
    """It answers once."""

    def __init__(self) -> None:
        self.answers = iter([Selector("right", "a")])

    def attest(self, process: Process) -> Any:
        return self.answers


WORKLOADS = [
    pytest.param("test_it_has_a_name", workload(name=None), "its name is None"),
    pytest.param("test_it_pickles", workload(), "it does not pickle: "),
    pytest.param("test_a_known_process_has_selectors", finding(), "it found nothing out"),
    pytest.param("test_a_known_process_has_selectors", finding("right:a"), "'right:a' is no Selector"),
    pytest.param(
        "test_a_known_process_has_selectors",
        workload(attest=lambda self, process: None),
        "it gave NoneType, not selectors",
    ),
    pytest.param("test_selectors_have_its_name_as_their_type", finding(Selector("a", "b")), "a:b is not of type right"),
    pytest.param(
        "test_an_unknown_process_has_none_and_is_no_error", finding(Selector("right", "b")), "it found right:b"
    ),
    pytest.param(
        "test_an_unknown_process_has_none_and_is_no_error",
        workload(attest=lambda self, process: [Selector("right", process.docker.image)]),
        "it raised AttributeError: ",
    ),
    pytest.param("test_the_same_process_is_the_same_each_time", Used, "it was [Selector('right', 'a')], and then []"),
]


@pytest.mark.parametrize(("rule", "make", "problem"), WORKLOADS)
def test_a_broken_workload_attestor_is_caught(rule: str, make: Callable[..., Any], problem: str) -> None:
    planted = Planted(WorkloadAttestorConformance, make, process=lambda: Process(uid=1))
    assert problem in planted.breaks(rule)


def test_a_right_workload_attestor_passes_all_rules() -> None:
    assert len(Planted(WorkloadAttestorConformance, RightWorkload, process=lambda: Process(uid=1)).suite.check()) == 6


# All of them


@pytest.mark.parametrize(
    ("suite", "planted"),
    [
        (UpstreamAuthorityConformance, AUTHORITIES),
        (KeyManagerConformance, KEY_MANAGERS),
        (NodeAttestorConformance, NODES),
        (WorkloadAttestorConformance, WORKLOADS),
    ],
)
def test_there_is_a_bug_for_every_rule(suite: Any, planted: list[Any]) -> None:
    assert complete(suite, planted)


def test_by_hand_all_broken_rules_are_named_at_once() -> None:
    suite = Planted(
        UpstreamAuthorityConformance, authority(name="", mint_x509_ca=lambda self, request: NOTHING["ca"])
    ).suite
    with pytest.raises(AssertionError) as caught:
        suite.check()
    lines = str(caught.value).splitlines()
    assert "test_it_has_a_name: its name is ''" in lines
    assert "test_the_answer_has_a_chain_and_roots: KeyError('ca')" in lines
    assert len(lines) == 10  # all but publishing


@pytest.mark.parametrize(
    "suite", [UpstreamAuthorityConformance, KeyManagerConformance, NodeAttestorConformance, WorkloadAttestorConformance]
)
def test_every_rule_says_what_it_is(suite: Any) -> None:
    for name in dir(suite):
        if name.startswith("test_"):
            assert getattr(suite, name).__doc__
