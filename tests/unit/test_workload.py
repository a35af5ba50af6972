"""The Workload API: what a process gets, in which order SPIRE looks, and in which words it refuses."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key

from spiffesim import JwtSvid, RegistrationEntry, Simulation, SpiffeId, Workload
from spiffesim.errors import (
    BadSignature,
    Expired,
    InvalidInput,
    InvalidSvid,
    NoIdentityIssued,
    Refused,
    Unavailable,
    UntrustedDomain,
    ValidationError,
)
from spiffesim.plugins.workload_attestor import Process
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.x509svid import X509Svid

WEB = "spiffe://example.org/web"


@pytest.fixture
def sim() -> Simulation:
    return Simulation("example.org", seed=1)


@pytest.fixture
def web(sim: Simulation) -> Workload:
    return sim.workload("/web")


@pytest.fixture
def stranger(sim: Simulation) -> Workload:
    """A process that no entry matches."""
    return sim.root.agent().process(uid=4711)


def register(sim: Simulation, path: str, *, uid: int = 1, entry_id: str = "", **fields: Any) -> RegistrationEntry:
    parent = sim.root.agent().spiffe_id
    return sim.root.create_entry(
        id=entry_id, spiffe_id=f"spiffe://example.org{path}", parent_id=parent, selectors=[f"unix:uid:{uid}"], **fields
    )


def paths(svids: tuple[Any, ...]) -> list[str]:
    return [svid.spiffe_id.path for svid in svids]


# X.509


def test_a_workload_gets_its_chain_and_its_key(web: Workload) -> None:
    svid = web.fetch_x509_svid()
    leaf = x509.load_der_x509_certificate(svid.chain[0])
    assert len(svid.chain) == 1  # the root is not presented
    assert load_der_private_key(svid.private_key_der, None).public_key() == leaf.public_key()
    assert web.fetch_x509_svids() == (svid,)
    assert web.fetch_x509_svid() == svid  # the same until it is renewed
    assert (web.spiffe_id, web.not_after, web.depth) == (svid.spiffe_id, svid.not_after, 1)
    assert repr(web) == "<Workload web>"


def test_a_workload_of_a_nested_server_presents_the_cas_below_the_root(sim: Simulation) -> None:
    nested = sim.root.nest("a").nest("b")
    svid = nested.workload("/web").fetch_x509_svid()
    assert len(svid.chain) == 3
    certificates = [x509.load_der_x509_certificate(der) for der in (*svid.chain, sim.root.bundle.x509_der[0])]
    for child, issuer in pairwise(certificates):
        child.verify_directly_issued_by(issuer)


def test_there_is_one_svid_an_entry_and_the_first_has_the_lowest_entry_id(sim: Simulation) -> None:
    register(sim, "/b", entry_id="2", hint="second")
    register(sim, "/a", entry_id="3")
    register(sim, "/c", entry_id="1", hint="first")
    sim.settle()
    process = sim.root.agent().process(uid=1)
    assert paths(process.fetch_x509_svids()) == ["/c", "/b", "/a"]
    assert [svid.hint for svid in process.fetch_x509_svids()] == ["first", "second", ""]
    assert process.fetch_x509_svid().spiffe_id.path == "/c"
    assert process.spiffe_id.path == "/c"
    assert paths(process.fetch_jwt_svids(audience="db")) == ["/c", "/b", "/a"]
    assert process.fetch_jwt_svid(audience="db").hint == "first"
    assert process.default_svid.spiffe_id == "spiffe://example.org/c"


def test_of_two_entries_with_one_hint_the_older_is_served(sim: Simulation) -> None:
    register(sim, "/old", entry_id="9", hint="same")
    sim.advance(seconds=1)
    register(sim, "/new", entry_id="1", hint="same")
    register(sim, "/plain", entry_id="5")
    register(sim, "/also-plain", entry_id="6")
    sim.settle()
    process = sim.root.agent().process(uid=1)
    assert paths(process.fetch_x509_svids()) == ["/plain", "/also-plain", "/old"]
    assert paths(process.fetch_jwt_svids(audience="db")) == ["/plain", "/also-plain", "/old"]
    with pytest.raises(NoIdentityIssued, match=r"none of its entries has SPIFFE ID spiffe://example\.org/new"):
        process.fetch_jwt_svid(audience="db", spiffe_id="spiffe://example.org/new")


@pytest.mark.parametrize("ids", ["12", "21"])
def test_of_two_entries_of_one_age_with_one_hint_the_lower_id_is_served(sim: Simulation, ids: str) -> None:
    for number in ids:
        register(sim, f"/{number}", entry_id=number, hint="same")
    sim.settle()
    assert paths(sim.root.agent().process(uid=1).fetch_x509_svids()) == ["/1"]


def test_a_process_without_entry_is_told_what_is_nearest(sim: Simulation, stranger: Workload) -> None:
    with pytest.raises(NoIdentityIssued, match="root-agent has no entries; register one, and settle or advance"):
        stranger.fetch_x509_svid()
    parent = sim.root.agent().spiffe_id
    sim.root.create_entry(spiffe_id=WEB, parent_id=parent, selectors=["unix:uid:4711", "unix:gid:7", "unix:user:x"])
    sim.settle()
    for call in (
        stranger.fetch_x509_svid,
        stranger.fetch_x509_svids,
        stranger.fetch_x509_bundles,
        stranger.fetch_jwt_bundles,
        lambda: stranger.fetch_jwt_svid(audience="db"),
        lambda: stranger.fetch_jwt_svids(audience="db"),
        lambda: stranger.validate_x509_svid(()),
        lambda: stranger.spiffe_id,
        lambda: stranger.not_after,
    ):
        with pytest.raises(NoIdentityIssued) as refused:
            call()
        assert (refused.value.status, refused.value.message) == ("PERMISSION_DENIED", "no identity issued")
        assert str(refused.value) == (
            "no identity issued (workload root-agent-process: the nearest entry is spiffe://example.org/web, "
            "which also wants unix:gid:7, unix:user:x)"
        )
        assert (refused.value.workload, refused.value.selectors) == (stranger.name, stranger.selectors)


def test_what_is_not_minted_yet_has_no_end(sim: Simulation) -> None:
    register(sim, "/web", disable_x509_svid_prefetch=True)
    sim.settle()
    process = sim.root.agent().process(uid=1)
    assert process.spiffe_id == SpiffeId(WEB)
    with pytest.raises(NoIdentityIssued, match=f"its agent holds no SVID for {WEB} yet"):
        _ = process.not_after
    assert process.fetch_x509_svid().not_after == process.not_after


def test_entries_for_a_secret_store_are_not_served(sim: Simulation, stranger: Workload) -> None:
    register(sim, "/web", uid=4711, store_svid=True)
    sim.settle()
    with pytest.raises(NoIdentityIssued):
        stranger.fetch_x509_svid()


def test_admin_and_downstream_entries_are_served_like_others(sim: Simulation) -> None:
    svids = [sim.workload(path, **{path[1:]: True}).fetch_x509_svid() for path in ("/admin", "/downstream")]  # type: ignore[arg-type]  # by name
    assert paths(tuple(svids)) == ["/admin", "/downstream"]


# Bundles


def test_bundles_are_the_own_one_and_those_that_its_entries_federate_with(sim: Simulation) -> None:
    others = [sim.add_trust_domain(name) for name in ("example.net", "example.com", "example.edu")]
    for other in others:
        sim.root.set_federated_bundle(other.bundle)
    register(sim, "/a", federates_with=["example.net"], hint="same", entry_id="1")
    register(
        sim, "/b", federates_with=["example.com"], hint="same", entry_id="2"
    )  # hidden by its hint, and yet counted
    register(sim, "/c", uid=2, federates_with=["example.edu"])
    sim.settle()
    process = sim.root.agent().process(uid=1)
    fetched = process.fetch_x509_bundles()
    assert [str(bundle.trust_domain) for bundle in fetched] == ["example.org", "example.com", "example.net"]
    for bundle, server in zip(fetched, (sim.root, others[1], others[0]), strict=True):
        assert bundle == SpiffeBundle(server.trust_domain, x509_der=server.bundle.x509_der)
    keys = {str(bundle.trust_domain): bundle for bundle in process.fetch_jwt_bundles()}
    assert list(keys) == ["example.org", "example.com", "example.net"]
    assert keys["example.com"] == SpiffeBundle("example.com", jwt_spki=others[1].bundle.jwt_spki)


def test_a_federated_bundle_that_the_agent_has_lost_is_left_out(sim: Simulation) -> None:
    other = sim.add_trust_domain("example.com")
    sim.root.set_federated_bundle(other.bundle)
    register(sim, "/a", federates_with=["example.com"])
    sim.settle()
    del sim.root.federated[other.trust_domain]
    sim.root.agent().sync()
    assert [str(bundle.trust_domain) for bundle in sim.root.agent().process(uid=1).fetch_x509_bundles()] == [
        "example.org"
    ]


# JWT


def test_a_token_is_for_the_audience_asked_for(web: Workload) -> None:
    svid = web.fetch_jwt_svid(audience="db")
    assert svid.audience == ("db",)
    assert web.fetch_jwt_svid(audience=["db", "cache"]).audience == ("db", "cache")
    assert web.fetch_jwt_svid(audience="caf\u00e9").audience == ("caf\u00e9",)
    with pytest.raises(InvalidInput, match="an audience is a text that UTF-8 can write, not 5"):
        web.fetch_jwt_svid(audience=["db", 5])  # type: ignore[list-item]  # the point
    assert web.fetch_jwt_svid(audience="db", spiffe_id=WEB) == svid
    assert web.fetch_jwt_svid(audience="db", spiffe_id=SpiffeId(WEB)) == svid
    assert web.fetch_jwt_svid(audience="db", spiffe_id="") == svid  # as in SPIRE: not asked for


def test_a_token_of_several_identities_can_be_chosen(sim: Simulation) -> None:
    for path in ("/a", "/b"):
        register(sim, path)
    sim.settle()
    process = sim.root.agent().process(uid=1)
    assert paths(process.fetch_jwt_svids(audience="db", spiffe_id="spiffe://example.org/b")) == ["/b"]


def test_tokens_are_all_given_or_none(sim: Simulation) -> None:
    register(sim, "/a", entry_id="1")
    gone = register(sim, "/b", entry_id="2")
    sim.settle()
    sim.root.delete_entry(gone.id)
    sim.root.reload_entries()  # the agent has not heard of it yet
    with pytest.raises(Unavailable, match="code = NotFound desc = entry not found or not authorized"):
        sim.root.agent().process(uid=1).fetch_jwt_svid(audience="db")


def test_fetching_a_token_is_refused_in_spires_order(sim: Simulation, web: Workload, stranger: Workload) -> None:
    def answer(workload: Workload, audience: Any, spiffe_id: str | None = None) -> tuple[str, str]:
        with pytest.raises(Refused) as refused:
            workload.fetch_jwt_svid(audience=audience, spiffe_id=spiffe_id)
        return refused.value.status, refused.value.message

    # The audience, the SPIFFE ID, the identity; then the server is asked.
    assert answer(stranger, [], "nonsense") == ("INVALID_ARGUMENT", "audience must be specified")
    assert answer(stranger, ["db"], "nonsense") == (
        "INVALID_ARGUMENT",
        "invalid requested SPIFFE ID: scheme is missing or invalid",
    )
    assert answer(stranger, ["db"], WEB) == ("PERMISSION_DENIED", "no identity issued")
    assert answer(web, ["db"], "spiffe://example.org/other") == ("PERMISSION_DENIED", "no identity issued")
    # Only an empty list is no audience; empty names are the server's business.
    assert answer(web, "") == (
        "UNAVAILABLE",
        "could not fetch JWT-SVID: failed to fetch JWT SVID: rpc error: code = Internal desc = "
        "failed to sign JWT-SVID: invalid JWT-SVID audience: cannot be empty",
    )
    sim.root.disable_jwt_svids()
    assert answer(web, "db") == (
        "UNAVAILABLE",
        "could not fetch JWT-SVID: failed to fetch JWT SVID: rpc error: code = Unimplemented desc = "
        "JWT functionality is disabled",
    )


def test_a_token_needs_no_x509_svid(sim: Simulation) -> None:
    register(sim, "/web", disable_x509_svid_prefetch=True)
    sim.settle()
    process = sim.root.agent().process(uid=1)
    process.fetch_jwt_svid(audience="db")
    assert process.agent.identities(process.selectors) == []


# Validation of X.509-SVIDs


def test_a_peers_svid_is_taken_as_value_chain_der_or_pem(sim: Simulation, web: Workload) -> None:
    svid = sim.root.nest("a").workload("/db").fetch_x509_svid()
    for form in (svid, svid.chain, svid.chain_der, svid.chain_pem, svid.chain_pem.decode()):
        assert web.validate_x509_svid(form) == SpiffeId("spiffe://example.org/db")


def test_a_peers_svid_is_judged_at_the_present_instant(sim: Simulation, web: Workload) -> None:
    svid = web.fetch_x509_svid()
    sim.advance(hours=1)
    web.validate_x509_svid(svid)  # the last instant counts
    sim.advance(microseconds=1)
    with pytest.raises(Expired, match=r"spiffe://example\.org/web expired 0:00:00\.000001 ago"):
        web.validate_x509_svid(svid)


def test_a_peer_of_another_trust_domain_needs_a_bundle(sim: Simulation, web: Workload) -> None:
    other = sim.add_trust_domain("example.com")
    foreign = other.workload("/db").fetch_x509_svid()
    with pytest.raises(UntrustedDomain, match=r"example\.com"):
        web.validate_x509_svid(foreign)
    sim.root.set_federated_bundle(other.bundle)
    friend = sim.workload("/friend", federates_with=["example.com"])
    sim.settle()
    assert str(friend.validate_x509_svid(foreign)) == "spiffe://example.com/db"
    with pytest.raises(UntrustedDomain):
        web.validate_x509_svid(foreign)  # the entry decides, not the agent


def test_what_is_forged_or_no_svid_is_refused(sim: Simulation, web: Workload) -> None:
    svid = web.fetch_x509_svid()
    forged = X509Svid((svid.chain[0][:-1] + bytes([svid.chain[0][-1] ^ 1]),), svid.private_key_der)
    with pytest.raises(BadSignature):
        web.validate_x509_svid(forged)
    web.validate_x509_svid(svid)
    for nonsense in (b"\x30\x80", "no PEM", b"-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n"):
        with pytest.raises((InvalidSvid, ValidationError)):
            web.validate_x509_svid(nonsense)
    with pytest.raises(ValidationError, match="no certificate"):
        web.validate_x509_svid(())


# Validation of JWT-SVIDs


def test_a_token_is_taken_as_value_or_text_by_anybody(sim: Simulation, web: Workload, stranger: Workload) -> None:
    svid = web.fetch_jwt_svid(audience="db")
    for form in (svid, svid.token, svid.token.encode()):
        for validator in (web, stranger):  # SPIRE asks for no identity here
            read = validator.validate_jwt_svid(form, audience="db")
            assert isinstance(read, JwtSvid)
            assert (read.token, read.spiffe_id, read.audience) == (svid.token, SpiffeId(WEB), ("db",))


def refusal(workload: Workload, token: Any, audience: str = "db") -> str:
    with pytest.raises(Refused) as refused:
        workload.validate_jwt_svid(token, audience=audience)
    assert refused.value.status == "INVALID_ARGUMENT"
    return refused.value.message


def test_validating_a_token_is_refused_in_spires_order_and_words(sim: Simulation, web: Workload) -> None:
    svid = web.fetch_jwt_svid(audience="db")
    other = sim.add_trust_domain("example.com").workload("/x").fetch_jwt_svid(audience="db")
    header, payload, signature = svid.token.split(".")
    forged = f"{header}.{payload}.{signature[:5]}{'A' if signature[5] != 'A' else 'B'}{signature[6:]}"
    assert refusal(web, "", "") == "audience must be specified"
    assert refusal(web, "") == "svid must be specified"
    assert refusal(web, b"") == "svid must be specified"
    assert refusal(web, "nonsense") == (
        "unable to parse JWT token: go-jose/go-jose: compact JWS format must have three parts"
    )
    assert refusal(web, other) == 'no keys found for trust domain "example.com"'
    assert refusal(web, forged) == "go-jose/go-jose: error in cryptographic primitive"
    assert refusal(web, svid, "cache") == 'expected audience in ["cache"] (audience=["db"])'
    sim.advance(minutes=6)
    web.validate_jwt_svid(svid, audience="db")  # SPIRE allows a minute
    sim.advance(seconds=1)
    assert refusal(web, svid) == "token has expired"


def test_a_refused_token_carries_the_verdict(web: Workload) -> None:
    with pytest.raises(Refused) as refused:
        web.validate_jwt_svid(web.fetch_jwt_svid(audience="db"), audience="cache")
    assert refused.value.code == "intended"
    assert [rule.name for rule in refused.value.verdict.failures] == ["intended"]


def test_a_spelling_that_only_go_reads_comes_back_in_the_standards(web: Workload) -> None:
    svid = web.fetch_jwt_svid(audience="db")
    header, payload, signature = svid.token.split(".")
    odd = f"{header[:10]}\r\n{header[10:]}.{payload}\n.{signature}"
    with pytest.raises(InvalidSvid):
        JwtSvid.parse(odd)
    assert web.validate_jwt_svid(odd, audience="db") == svid


def test_federated_keys_are_those_of_the_workloads_own_entries(sim: Simulation, web: Workload) -> None:
    other = sim.add_trust_domain("example.com")
    token = other.workload("/x").fetch_jwt_svid(audience="db")
    sim.root.set_federated_bundle(other.bundle)
    friend = sim.workload("/friend", federates_with=["example.com"])
    sim.settle()
    assert str(friend.validate_jwt_svid(token, audience="db").spiffe_id) == "spiffe://example.com/x"
    assert refusal(web, token) == 'no keys found for trust domain "example.com"'


def test_every_claim_of_a_foreign_token_comes_back(sim: Simulation) -> None:
    # SPIRE's agent takes away what allowed_foreign_jwt_claims does not list.
    other = sim.add_trust_domain("example.com", jwt_issuer="https://example.com")
    sim.root.set_federated_bundle(other.bundle)
    friend = sim.workload("/friend", federates_with=["example.com"])
    sim.settle()
    claims = friend.validate_jwt_svid(other.workload("/x").fetch_jwt_svid(audience="db"), audience="db").claims
    assert sorted(claims) == ["aud", "exp", "iat", "iss", "sub"]
    assert (claims["iss"], claims["sub"]) == ("https://example.com", "spiffe://example.com/x")


# Processes


def test_a_process_is_attested_by_what_the_system_says_of_it(sim: Simulation) -> None:
    register(sim, "/web", uid=1001)
    sim.settle()
    agent = sim.root.agent()
    assert agent.process(uid=1001, gid=5).spiffe_id == SpiffeId(WEB)
    with pytest.raises(NoIdentityIssued):
        agent.process(uid=1002).fetch_x509_svid()


def test_a_workload_of_its_own_matches_no_other_entry(sim: Simulation) -> None:
    first, second = sim.workload("/web"), sim.workload("/web")
    assert (first.name, second.name) == ("web", "web#2")
    assert first.fetch_x509_svid().serial_number != second.fetch_x509_svid().serial_number
    assert len(first.fetch_x509_svids()) == 1
    with_more = sim.workload("/more", process=Process(uid=7))
    assert [str(selector) for selector in with_more.selectors] == ["unix:uid:7", "declared:name:more"]


def test_a_workload_judges_by_the_clock_of_its_node() -> None:
    sim = Simulation("example.org", seed=1)
    here, there = sim.workload("/here"), sim.root.agent("other").workload("/there")
    svid, token = there.fetch_x509_svid(), there.fetch_jwt_svid(audience="here")
    assert here.validate_x509_svid(svid) == there.spiffe_id
    assert here.validate_jwt_svid(token, audience="here").spiffe_id == there.spiffe_id
    sim.skew(here.agent, 7200)
    with pytest.raises(Expired, match="expired 1:00:00 ago"):
        here.validate_x509_svid(svid)
    with pytest.raises(Refused, match="token has expired"):
        here.validate_jwt_svid(token, audience="here")
    assert there.validate_x509_svid(svid) == there.spiffe_id
