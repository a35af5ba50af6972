"""What an operator does to a server's own authorities out of turn."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias

import pytest

from spiffesim import Simulation
from spiffesim.errors import NotAuthorized, Refused
from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority
from spiffesim.server import Server
from spiffesim.server.api.authoritystate import AuthorityState, AuthorityStates
from spiffesim.server.api.localauthority import LocalAuthorityService
from spiffesim.server.slots import ACTIVE, OLD, PREPARED, Slots
from spiffesim.spiffe.validation import validate_x509_svid
from spiffesim.spiffe.x509.certificate import read_certificate
from tests.oracles.naive import naive

Call: TypeAlias = Callable[[Server], Any]
Case: TypeAlias = tuple[str, Call, str, Call | None, str, str]
"""Of which kind, what is done before, the method, its argument, and the refusal."""
DAY = timedelta(days=1)


def make(**options: Any) -> Server:
    return Simulation("example.org", seed=1, **options).root


def key_id_of(certificate: bytes) -> str:
    return (read_certificate(certificate).subject_key_id or b"").hex()


class Corporate:
    """A CA in files of which there may be another one tomorrow."""

    def __init__(self, folder: Any) -> None:
        self.certificate, self.private_key = folder / "ca.pem", folder / "key.pem"
        self.old = self.write("old")
        self.upstream = DiskUpstreamAuthority(certificate=self.certificate, private_key=self.private_key)

    def write(self, name: str) -> str:
        ca = ExternalCa(name)
        self.certificate.write_bytes(ca.certificate_pem)
        self.private_key.write_bytes(ca.private_key_pem)
        return key_id_of(ca.certificate)


@pytest.fixture
def corporate(tmp_path: Any) -> Corporate:
    return Corporate(tmp_path)


def replaced(server: Server, kind: str = "x509") -> str:
    """Prepare and activate another authority; the ID of the old one."""
    old = getattr(server, f"get_{kind}_authority_state")().active.authority_id
    prepared = getattr(server, f"prepare_{kind}_authority")()
    getattr(server, f"activate_{kind}_authority")(prepared.authority_id)
    return str(old)


# What there is


def test_a_server_shows_its_active_its_prepared_and_its_old_authority() -> None:
    server = make()
    end = server.world.clock.now + DAY
    current = server.keyring.x509.current
    active = AuthorityState(current.authority_id, end)
    assert server.get_x509_authority_state() == AuthorityStates(active)
    prepared = server.prepare_x509_authority()
    assert server.get_x509_authority_state() == AuthorityStates(active, prepared=prepared)
    assert key_id_of(server.bundle.x509_der[1]) == prepared.authority_id
    assert server.activate_x509_authority(prepared.authority_id) == prepared
    assert server.get_x509_authority_state() == AuthorityStates(prepared, old=active)


def test_a_jwt_authority_goes_by_its_key_id() -> None:
    server = make()
    (key_id,) = server.bundle.jwt_authorities
    assert server.get_jwt_authority_state().active.authority_id == key_id
    prepared = server.prepare_jwt_authority()
    assert list(server.bundle.jwt_authorities) == [key_id, prepared.authority_id]
    server.activate_jwt_authority(prepared.authority_id)
    states = server.get_jwt_authority_state()
    assert (states.active.authority_id, states.prepared) == (prepared.authority_id, None)
    assert states.old is not None
    assert states.old.authority_id == key_id
    assert server.mint_jwt_svid("spiffe://example.org/web", "db").header["kid"] == prepared.authority_id


def test_a_nested_server_says_who_signed_its_ca() -> None:
    server = make()
    nested = server.nest("nested")
    above = server.get_x509_authority_state().active.authority_id
    assert nested.get_x509_authority_state().active.upstream_authority_subject_key_id == above
    assert nested.prepare_x509_authority().upstream_authority_subject_key_id == above
    assert nested.get_jwt_authority_state().active.upstream_authority_subject_key_id == ""


def test_what_was_prepared_first_is_discarded_by_a_second_prepare() -> None:
    server = make()
    first, second = server.prepare_x509_authority(), server.prepare_x509_authority()
    assert server.get_x509_authority_state().prepared == second
    with pytest.raises(Refused, match="unexpected authority ID"):
        server.activate_x509_authority(first.authority_id)
    assert len(server.bundle.x509_der) == 3  # its root stays


def test_the_new_authority_signs_from_now_on() -> None:
    server = make()
    web = server.workload("/web")
    before = web.fetch_x509_svid()
    replaced(server)
    assert web.fetch_x509_svid() == before
    minted = server.mint_x509_svid("spiffe://example.org/db")
    assert read_certificate(minted.chain[0]).authority_key_id != read_certificate(before.chain[0]).authority_key_id
    validate_x509_svid(minted, server.bundle, at=server.world.clock.now)


@pytest.mark.parametrize("minutes", [45, 90])
def test_a_renewal_that_nobody_has_read_yet_is_signed_by_who_signed_then(minutes: int) -> None:
    def deployment() -> Simulation:
        sim = Simulation("example.org", seed=1)
        sim.workload("/web")
        return sim

    fast, slow = deployment(), naive(deployment())
    for sim in (fast, slow):
        sim.advance(minutes=minutes)
        replaced(sim.root)
        sim.advance(minutes=1)
    svids = [sim.workloads["web"].fetch_x509_svid() for sim in (fast, slow)]
    assert svids[0] == svids[1]
    assert fast.journal.digest() == slow.journal.digest()
    fast.advance(hours=1)
    assert fast.workloads["web"].fetch_x509_svid() != svids[0]


# Preconditions, in SPIRE's words: what is done first, the call, and the refusal


def current(kind: str) -> Call:
    return lambda server: slots_of(server, kind).current.authority_id


def following(kind: str) -> Call:
    return lambda server: slots_of(server, kind).next.authority_id


def slots_of(server: Server, kind: str) -> Slots:
    slots: Slots = getattr(server.keyring, kind)
    return slots


def initializing(kind: str) -> Call:
    def begin(server: Server) -> None:
        slots_of(server, kind).current.status = PREPARED

    return begin


def nothing(_: Server) -> str:
    return ""


def other(_: Server) -> str:
    return "another"


def prepare(kind: str) -> Call:
    return lambda server: getattr(server, f"prepare_{kind}_authority")()


def replace(kind: str) -> Call:
    return lambda server: replaced(server, kind)


STATE, PREPARE, ACTIVATE, TAINT, REVOKE = (
    "get_{}_authority_state",
    *(f"{verb}_{{}}_authority" for verb in ("prepare", "activate", "taint", "revoke")),
)
INVALID = "INVALID_ARGUMENT"
UNSUPPORTED = "unsupported local authority status"
NOT_OLD = "invalid authority ID: only Old local authority can be revoked"


def both(kind: str) -> list[Case]:
    name = {"x509": "X.509", "jwt": "JWT"}[kind]
    activate, taint, revoke = (verb.format(kind) for verb in (ACTIVATE, TAINT, REVOKE))
    not_tainted = {"x509": "root CA", "jwt": "key"}[kind]
    tainted = {"x509": "root CA is already tainted", "jwt": "key is already tainted"}[kind]

    def taint_old(server: Server) -> None:
        getattr(server, taint)(replaced(server, kind))

    return [
        (kind, initializing(kind), STATE.format(kind), None, "UNAVAILABLE", "server is initializing"),
        (kind, initializing(kind), PREPARE.format(kind), None, "UNAVAILABLE", "server is initializing"),
        (kind, nothing, activate, nothing, INVALID, "no authority ID provided"),
        (kind, nothing, activate, other, INVALID, "unexpected authority ID"),
        (kind, prepare(kind), activate, current(kind), INVALID, "unexpected authority ID"),
        (
            kind,
            replace(kind),
            activate,
            following(kind),
            "INTERNAL",
            f"only Prepared authorities can be activated: {UNSUPPORTED}: OLD",
        ),
        (kind, nothing, taint, nothing, INVALID, "no authority ID provided"),
        (kind, nothing, taint, current(kind), INVALID, "unable to taint current local authority"),
        (kind, replace(kind), taint, other, INVALID, "unexpected authority ID"),
        (
            kind,
            prepare(kind),
            taint,
            following(kind),
            INVALID,
            f"only Old local authorities can be tainted: {UNSUPPORTED}: PREPARED",
        ),
        (kind, taint_old, taint, following(kind), "INTERNAL", f"failed to taint {name} authority: {tainted}"),
        (kind, nothing, revoke, nothing, INVALID, "invalid authority ID: no authority ID provided"),
        (kind, nothing, revoke, current(kind), INVALID, "invalid authority ID: unable to use current authority"),
        (
            kind,
            replace(kind),
            revoke,
            following(kind),
            "INTERNAL",
            f"failed to revoke {name} authority: it is not possible to revoke an untainted {not_tainted}",
        ),
    ]


REFUSALS: list[Case] = [
    *both("x509"),
    *both("jwt"),
    ("x509", replace("x509"), REVOKE.format("x509"), other, INVALID, NOT_OLD),
    ("x509", prepare("x509"), REVOKE.format("x509"), following("x509"), INVALID, NOT_OLD),
    (
        "jwt",
        prepare("jwt"),
        REVOKE.format("jwt"),
        following("jwt"),
        INVALID,
        "invalid authority ID: unable to use a prepared key",
    ),
    (
        "jwt",
        nothing,
        REVOKE.format("jwt"),
        other,
        INVALID,
        "invalid authority ID: no JWT authority found with provided authority ID",
    ),
]


def refusal_of(server: Server, method: str, *arguments: str) -> Refused:
    with pytest.raises(Refused) as refused:
        getattr(server, method)(*arguments)
    return refused.value


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: f"{case[2]}: {case[5]}"[:90])
def test_what_is_out_of_turn_is_refused_in_spires_words_and_changes_nothing(case: Case) -> None:
    kind, before, method, argument, status, message = case
    server = make()
    before(server)
    slots, bundle = slots_of(server, kind), server.bundle
    ids = (slots.current.authority_id, slots.next.authority_id, slots.current.status, slots.next.status)
    refusal = refusal_of(server, method, *([] if argument is None else [argument(server)]))
    assert (refusal.status, refusal.message) == (status, message)
    assert ids == (slots.current.authority_id, slots.next.authority_id, slots.current.status, slots.next.status)
    assert server.bundle is bundle


@pytest.mark.parametrize("kind", ["x509", "jwt"])
def test_in_turn_an_authority_is_prepared_activated_tainted_and_revoked(kind: str) -> None:
    server = make()
    old = replaced(server, kind)
    end = server.world.clock.now + DAY
    before = server.view.sequence_number
    tainted = getattr(server, f"taint_{kind}_authority")(old)
    assert tainted == AuthorityState(old, end if kind == "x509" else None)  # SPIRE says no end of a JWT key
    assert server.view.sequence_number == before + 1
    assert [element.tainted for element in getattr(server.view, f"{kind}_elements")] == [True, False]
    assert getattr(server, f"revoke_{kind}_authority")(old) == AuthorityState(old)
    assert server.view.sequence_number == before + 2
    assert len(getattr(server.view, f"{kind}_elements")) == 1
    name = {"x509": "X.509", "jwt": "JWT"}[kind]
    said = [event for event in server.world.journal if event.kind.startswith(f"{name} authority")]
    assert [(event.kind, event.data) for event in said] == [
        (f"{name} authority tainted successfully", {"local_authority_id": old}),
        (f"{name} authority revoked successfully", {"local_authority_id": old}),
    ]


def test_any_tainted_jwt_key_of_the_bundle_can_be_revoked() -> None:
    server = make()
    first = replaced(server, "jwt")
    server.taint_jwt_authority(first)
    server.prepare_jwt_authority()
    assert first not in (server.keyring.jwt.current.authority_id, server.keyring.jwt.next.authority_id)
    server.revoke_jwt_authority(first)
    assert first not in server.bundle.jwt_authorities


@pytest.mark.parametrize("method", [STATE, PREPARE, ACTIVATE, TAINT, REVOKE])
def test_without_jwt_svids_there_are_no_jwt_authorities(method: str) -> None:
    server = make(disable_jwt_svids=True)
    refusal = refusal_of(server, method.format("jwt"), *([] if method in (STATE, PREPARE) else ["another"]))
    assert (refusal.status, refusal.message) == ("UNIMPLEMENTED", "JWT functionality is disabled")
    assert server.get_x509_authority_state().prepared is None  # the X.509 ones are


def test_only_operators_may(corporate: Corporate) -> None:
    server = make(upstream_authority=corporate.upstream)
    stranger = server.workload("/web").fetch_x509_svid()
    admin = server.agent().workload("/admin", admin=True).fetch_x509_svid()
    assert server.get_x509_authority_state(caller=admin) == server.get_x509_authority_state()
    methods = [
        name for name in dir(type(server)) if re.fullmatch(r"\w+_(x509|jwt)_(upstream_)?authority(_state)?", name)
    ]
    methods.remove("publish_jwt_authority")
    assert len(methods) == 12
    for method in methods:
        with pytest.raises(NotAuthorized, match="LocalAuthority/") as refused:
            getattr(server, method)(caller=stranger)
        assert refused.value.status == "PERMISSION_DENIED"


def test_a_prepare_that_fails_leaves_the_former_one_old(corporate: Corporate) -> None:
    server = make(upstream_authority=corporate.upstream)
    prepared = server.prepare_x509_authority()
    server.keyring.upstream = DiskUpstreamAuthority(certificate="", private_key="")
    refusal = refusal_of(server, "prepare_x509_authority")
    assert refusal.status == "INTERNAL"
    assert refusal.message.startswith("failed to prepare X.509 authority: unable to load upstream CA key")
    assert server.get_x509_authority_state().old == prepared
    refusal = refusal_of(server, "activate_x509_authority", server.keyring.x509.next.authority_id)
    assert refusal.message == f"only Prepared authorities can be activated: {UNSUPPORTED}: OLD"
    server.keyring.upstream = corporate.upstream
    assert server.prepare_x509_authority() != prepared


def test_a_key_that_cannot_be_had_is_a_failed_prepare() -> None:
    server = make(ca_key_type="rsa-2048", jwt_key_type="ec-p256")
    used = server.randomness._rsa_pairs[2048]
    from spiffesim.primes import PAIRS

    used.update(range(PAIRS))
    refusal = refusal_of(server, "prepare_x509_authority")
    assert (refusal.status, refusal.hint) == ("INTERNAL", None)
    assert refusal.message.startswith("failed to prepare X.509 authority: this world already holds")
    assert server.prepare_jwt_authority().authority_id


# With an upstream authority


def test_with_an_upstream_authority_local_roots_are_neither_tainted_nor_revoked(corporate: Corporate) -> None:
    for server in (make(upstream_authority=corporate.upstream), make().nest("nested")):
        old = replaced(server)
        for method, verb in (("taint_x509_authority", "tainted"), ("revoke_x509_authority", "revoked")):
            refusal = refusal_of(server, method, old)
            assert refusal.status == "FAILED_PRECONDITION"
            assert refusal.message == f"local authority can't be {verb} if there is an upstream authority"
    alone = make()
    alone.taint_x509_authority(replaced(alone))


@pytest.mark.parametrize(
    ("method", "prefix"),
    [
        ("taint_x509_upstream_authority", "provided subject key id is not valid"),
        ("revoke_x509_upstream_authority", "invalid subject key ID"),
    ],
)
def test_only_who_signed_the_old_ca_is_tainted_and_revoked(corporate: Corporate, method: str, prefix: str) -> None:
    refusal = refusal_of(make(), method, "another")
    assert (refusal.status, refusal.message) == ("FAILED_PRECONDITION", "upstream authority is not configured")
    server = make(upstream_authority=corporate.upstream)

    def refused(subject_key_id: str) -> str:
        refusal = refusal_of(server, method, subject_key_id)
        assert refusal.status == "INVALID_ARGUMENT"
        return refusal.message

    assert refused("") == f"{prefix}: no subject key ID provided"
    old = corporate.old
    assert refused(old.upper()) == f"{prefix}: unable to use upstream authority singing current authority"
    assert refused("another") == f"{prefix}: upstream authority didn't sign the old local authority"
    new = corporate.write("new")
    prepared = server.prepare_x509_authority()
    assert prepared.upstream_authority_subject_key_id == new
    assert refused(new) == f"{prefix}: only upstream authorities signing an old authority can be used"
    server.activate_x509_authority(prepared.authority_id)
    assert refused(new) == f"{prefix}: unable to use upstream authority singing current authority"
    server.taint_x509_upstream_authority(old)  # now it is in turn


def test_an_upstream_authority_is_tainted_and_revoked(corporate: Corporate) -> None:
    server = make(upstream_authority=corporate.upstream)
    old, new = corporate.old, corporate.write("new")
    server.activate_x509_authority(server.prepare_x509_authority().authority_id)
    refusal = refusal_of(server, "revoke_x509_upstream_authority", old)
    assert refusal.status == "INTERNAL"
    assert refusal.message == (
        "failed to revoke X.509 upstream authority: it is not possible to revoke an untainted root CA"
    )
    assert server.taint_x509_upstream_authority(old.upper()) == old
    refusal = refusal_of(server, "taint_x509_upstream_authority", old)
    assert (refusal.status, refusal.message) == (
        "INTERNAL",
        "failed to taint upstream authority: root CA is already tainted",
    )
    assert [(str(element), element.tainted) for element in server.view.x509_elements] == [(old, True), (new, False)]
    forced = "Server SVID signed using a tainted authority, forcing rotation of the Server SVID"
    assert server.world.journal.where(kind=forced)
    assert server.revoke_x509_upstream_authority(old.upper()) == old
    assert [key_id_of(der) for der in server.bundle.x509_der] == [new]
    said = [(event.kind, event.data) for event in server.world.journal if event.kind.startswith("X.509 upstream")]
    assert said == [
        ("X.509 upstream authority tainted successfully", {"subject_key_id": old.upper()}),
        ("X.509 upstream authority successfully revoked", {"subject_key_id": old.upper()}),
    ]


# SPIRE's surprises


def test_the_parents_intermediate_cannot_be_tainted_on_a_server_of_the_second_tier() -> None:
    root = make()
    first = root.nest("first")
    second = first.nest("second")
    old = second.get_x509_authority_state().active.upstream_authority_subject_key_id
    replaced(first)
    replaced(second)
    refusal = refusal_of(second, "taint_x509_upstream_authority", old)
    assert refusal.status == "INTERNAL"
    assert refusal.message == "failed to taint upstream authority: no ca found with provided subject key ID"
    above = first.get_x509_authority_state().active.upstream_authority_subject_key_id
    replaced(root)
    replaced(first)
    first.taint_x509_upstream_authority(above)  # one tier higher a root of the bundle has signed


def test_only_the_most_recent_old_authority_can_be_tainted() -> None:
    server = make()
    first = replaced(server)
    prepared = server.prepare_x509_authority()
    refusal = refusal_of(server, "taint_x509_authority", first)
    assert refusal.message == "unexpected authority ID"
    server.activate_x509_authority(prepared.authority_id)
    second = server.keyring.x509.next.authority_id
    assert server.taint_x509_authority(second).authority_id == second


def test_the_scheduled_rotation_takes_the_old_slot_when_the_new_authority_is_at_its_half() -> None:
    sim = Simulation("example.org", seed=1)
    server = sim.root
    old = replaced(server)
    sim.advance(hours=12)
    assert server.keyring.x509.next.status == OLD
    sim.advance(seconds=10)
    assert server.keyring.x509.next.status == PREPARED
    refusal = refusal_of(server, "taint_x509_authority", old)
    assert refusal.message == "unexpected authority ID"
    assert server.keyring.x509.current.status == ACTIVE
    assert sim.journal.where(kind="X509 CA prepared")[-1].data["slot"] == "A"


def test_the_taint_of_an_upstream_authority_on_the_first_tier_is_undone_by_the_next_update() -> None:
    sim = Simulation("example.org", seed=1)
    first = sim.root.nest("first")
    old = replaced(sim.root)
    sim.advance(seconds=10)
    replaced(first)
    first.taint_x509_upstream_authority(old)
    tainted = [(str(element), element.tainted) for element in first.view.x509_elements]
    assert tainted[0] == (old, True)
    sim.root.prepare_jwt_authority()  # any change above
    sim.advance(seconds=10)
    tainted = [(str(element), element.tainted) for element in first.view.x509_elements]
    assert (tainted[0], tainted[-1]) == ((old, True), (old, False))
    for method, message in (
        ("taint", "failed to taint upstream authority: root CA is already tainted"),
        ("revoke", "failed to revoke X.509 upstream authority: it is not possible to revoke an untainted root CA"),
    ):
        refusal = refusal_of(first, f"{method}_x509_upstream_authority", old)
        assert (refusal.status, refusal.message) == ("INTERNAL", message)
    # A taint at the root then drives the taint worker into the ground, and the root is not revoked any more.
    sim.root.taint_x509_authority(old)
    sim.advance(minutes=2)
    (event,) = sim.journal.where(kind="Failed to force intermediate bundle rotation", node="first")
    assert event.data["error"].endswith("code = InvalidArgument desc = root CA is already tainted")
    sim.root.revoke_x509_authority(old)
    sim.advance(seconds=10)
    assert not sim.journal.where(kind="X.509 authority revoked")
    assert key_id_of(first.bundle.x509_der[0]) == old


def test_a_service_without_a_server_around_it_does_nothing_by_itself() -> None:
    service = LocalAuthorityService(make().world, "alone")
    for act in (
        service.changed,
        service.let_agents_catch_up,
        service.leave_tainted,
        lambda: service.notify_tainted(()),
    ):
        with pytest.raises(NotImplementedError):
            act()


def test_states_pickle() -> None:
    states = make().get_x509_authority_state()
    assert pickle.loads(pickle.dumps(states)) == states
