"""The authorities of one server: what fills their slots, and when."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from spiffesim.authority import JwtAuthority, X509Authority
from spiffesim.chain import ders
from spiffesim.configuration import CaSubject
from spiffesim.errors import NotSupported, Refused
from spiffesim.instants import moment
from spiffesim.ledger import Ledger
from spiffesim.plugins.upstream_authority import CaRequest, MintedCa
from spiffesim.server.keyring import Keyring
from spiffesim.server.slots import ACTIVE, OLD, PREPARED, Slots
from tests.oracles import issuing, profiles
from tests.oracles.tokens import AT
from tests.unit.keyrings import (
    DAY,
    EXAMPLE_ORG,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    FakeParent,
    jwt_authority,
    make_keyring,
    nested,
    rotate,
    spire_upstream,
    started,
)
from tests.unit.plugins.test_inspection import Answer


def x509_of(slots: Slots) -> X509Authority:
    assert isinstance(slots.current.authority, X509Authority)
    return slots.current.authority


def state(slots: Slots) -> tuple[str, str, str, str]:
    return slots.current.id, slots.current.status, slots.next.id, slots.next.status


# The first authorities


def test_a_root_starts_with_a_self_signed_ca_and_a_jwt_key() -> None:
    keyring = started()
    authority = x509_of(keyring.x509)
    profiles.assert_is_self_signed_ca(authority.certificate.der, now=AT)
    assert state(keyring.x509) == state(keyring.jwt) == ("A", ACTIVE, "B", "")
    assert keyring.wit.current.empty
    assert keyring.view.roots == [authority.certificate]
    assert keyring.view.jwt_authorities == [keyring.jwt.current.authority]
    assert keyring.trust_domain == EXAMPLE_ORG
    assert list(keyring.key_manager.key_ids()) == ["x509-CA-A", "JWT-Signer-A"]
    assert keyring.key_manager.get_key("x509-CA-A") is authority.key


def test_the_journal_says_so_in_spires_words() -> None:
    keyring = started()
    authority, token = keyring.x509.current.authority, keyring.jwt.current.authority
    assert isinstance(authority, X509Authority)
    assert isinstance(token, JwtAuthority)
    span = {"issued_at": "2030-01-01T00:00:00Z", "expiration": "2030-01-02T00:00:00Z"}
    ids = {"local_authority_id": authority.key.key_id.hex(), "upstream_authority_id": ""}
    assert [(event.node, event.kind, event.data) for event in keyring.journal] == [
        (
            "root",
            "X509 CA prepared",
            {"slot": "A", **span, "self_signed": True, **ids},
        ),
        ("root", "X509 CA activated", {"slot": "A", **span, **ids}),
        ("root", "JWT key prepared", {"slot": "A", **span, "local_authority_id": token.key_id}),
        ("root", "JWT key activated", {"slot": "A", **span, "local_authority_id": token.key_id}),
    ]


def test_nothing_is_drawn_before_somebody_looks() -> None:
    keyring = started()
    certificate = x509_of(keyring.x509).certificate
    assert certificate._der is None  # type: ignore[attr-defined]  # a record of ours
    assert keyring.jwt.current.authority._key_id is None  # type: ignore[union-attr]  # likewise


def test_a_configured_subject_and_key_types_are_used() -> None:
    subject = CaSubject(country=["DE", "FR"], organization="Müller", common_name="CA")
    keyring = started(ca_subject=subject, ca_key_type="ec-p384", jwt_key_type="rsa-2048", ca_ttl=timedelta(days=90))
    certificate = profiles.read(x509_of(keyring.x509).certificate.der)
    expected = issuing.name_of(
        {
            "country": ["DE", "FR"],
            "organization": ["Müller"],
            "common_name": "CA",
            "serial_number": str(certificate.serial_number),
        }
    )
    assert certificate.subject.public_bytes() == expected.public_bytes()
    assert certificate.not_valid_after_utc == AT + timedelta(days=90)
    assert [keyring.key_manager.get_key(name).type for name in keyring.key_manager.key_ids()] == [  # type: ignore[union-attr]  # it lists what it has
        "ec-p384",
        "rsa-2048",
    ]


def test_wit_keys_are_made_behind_the_flag_and_stay_in_the_local_bundle() -> None:
    parent = started(feature_flags="wit-svid", ca_key_type="ec-p384")
    child = nested(parent, feature_flags="wit-svid")
    for keyring in (parent, child):
        assert keyring.view.wit_authorities == [keyring.wit.current.authority]
        assert state(keyring.wit) == ("A", ACTIVE, "B", "")
    wit = parent.key_manager.get_key("WIT-Signer-A")
    assert wit is not None
    assert wit.type == "ec-p384"
    assert parent.journal.where(node="root", kind="WIT key activated")


def test_disabled_jwt_svids_mean_no_jwt_key() -> None:
    keyring = started(disable_jwt_svids=True)
    assert keyring.jwt.current.empty
    assert keyring.view.jwt_authorities == []
    assert list(keyring.key_manager.key_ids()) == ["x509-CA-A"]


# Rotation


def test_a_day_goes_as_in_spires_slots() -> None:
    keyring = started()
    first = x509_of(keyring.x509)
    rotate(keyring, NOW + 12 * HOUR)  # not before half-time is over
    assert state(keyring.x509) == ("A", ACTIVE, "B", "")
    rotate(keyring, NOW + 12 * HOUR + 10 * SECOND)
    assert state(keyring.x509) == state(keyring.jwt) == ("A", ACTIVE, "B", PREPARED)
    assert x509_of(keyring.x509) is first
    assert len(keyring.view.roots) == len(keyring.view.jwt_authorities) == 2  # long before it signs
    rotate(keyring, NOW + 20 * HOUR)
    assert x509_of(keyring.x509) is first
    rotate(keyring, NOW + 20 * HOUR + 10 * SECOND)
    assert state(keyring.x509) == state(keyring.jwt) == ("B", ACTIVE, "A", OLD)
    second = x509_of(keyring.x509)
    assert second.not_after == NOW + 36 * HOUR + 10 * SECOND
    rotate(keyring, NOW + 24 * HOUR + 20 * SECOND)
    assert state(keyring.x509) == ("B", ACTIVE, "A", PREPARED)
    rotate(keyring, NOW + 32 * HOUR + 20 * SECOND)
    assert state(keyring.x509) == ("A", ACTIVE, "B", OLD)
    kinds = [event.kind for event in keyring.journal if event.kind.startswith("X509")]
    assert kinds == ["X509 CA prepared", "X509 CA activated"] * 3


@pytest.mark.parametrize("days", [1, 3, 30, 365])
def test_after_a_long_step_the_authorities_that_sign_are_alive(days: int) -> None:
    keyring = started(feature_flags="wit-svid")
    now = NOW + days * DAY + 7 * HOUR
    rotate(keyring, now)
    for slots in (keyring.x509, keyring.jwt, keyring.wit):
        assert slots.current.status == ACTIVE
        assert not slots.current.should_activate_next(now)
        assert slots.current.not_after > now
    before = keyring.journal.digest()
    rotate(keyring, now)
    assert keyring.journal.digest() == before  # there is nothing left to do


def test_each_key_is_another_one() -> None:
    keyring = started()
    for day in range(1, 6):
        rotate(keyring, NOW + day * DAY)
    ids = [root.subject_key_id for root in keyring.view.roots]
    assert len(set(ids)) == len(ids) >= 5
    kids = [authority.key_id for authority in keyring.view.jwt_authorities]
    assert len(set(kids)) == len(kids) == len(ids)


def test_a_second_prepare_discards_the_first_but_its_root_stays() -> None:
    # As in SPIRE's pkg/server/ca/manager/manager.go (PrepareX509CA).
    keyring = started()
    keyring.prepare_x509(NOW)
    first = keyring.x509.next.authority
    keyring.prepare_x509(NOW)
    assert keyring.x509.next.authority is not first
    assert len(keyring.view.roots) == 3


# Below another server


def test_a_nested_ca_is_signed_and_capped_by_its_parents() -> None:
    parent = started()
    now = NOW + HOUR
    child = nested(parent, now=now)
    authority = x509_of(child.x509)
    profiles.assert_is_downstream_ca(
        authority.certificate.der, x509_of(parent.x509).certificate.der, number=1, now=moment(now)
    )
    assert authority.not_after == NOW + 24 * HOUR  # not 25
    assert child.jwt.current.not_after == now + DAY  # a token key is never capped
    assert authority.chain is not None
    assert list(authority.chain) == [authority.certificate]
    assert child.journal.where(node="nested", kind="X509 CA prepared")[0].data["self_signed"] is False


def test_chains_hold_all_cas_but_the_root() -> None:
    root = started()
    tiers = [root]
    for name in ("a", "b", "c"):
        tiers.append(nested(tiers[-1], name))
    authorities = [x509_of(tier.x509) for tier in tiers]
    for depth, authority in enumerate(authorities[1:], 1):
        expected = [above.certificate.der for above in authorities[depth:0:-1]]
        assert list(ders(authority.chain or ())) == expected
        number = max(depth - 1, 1)
        profiles.assert_is_downstream_ca(expected[0], authorities[depth - 1].certificate.der, number=number, now=AT)
    assert authorities[0].chain is None


def test_a_nested_server_knows_as_many_roots_as_its_parent() -> None:
    # Not those that the root has added since and its parent has not polled yet.
    root = started()
    middle = nested(root, "middle")
    root.prepare_x509(NOW)
    assert len(root.view.roots) == 2
    leaf = nested(middle, "leaf")
    assert len(leaf.view.roots) == len(middle.view.roots) == 1
    assert nested(root, "other").view.roots == root.view.roots


def test_a_nested_ca_rotates_with_its_own_thresholds() -> None:
    parent = started()
    child = nested(parent, now=NOW + HOUR)
    # It lives for 23 hours: prepared after 12:30, activated after 20:10 (SPIRE checks every 10 s).
    upstream = child.upstream
    assert upstream is not None
    upstream.parent.now = now = NOW + 12 * HOUR + 30 * MINUTE + 10 * SECOND  # type: ignore[attr-defined]  # ours
    rotate(child, now)
    assert state(child.x509) == ("A", ACTIVE, "B", PREPARED)
    assert child.x509.next.not_after == NOW + 24 * HOUR
    # What takes over lives for 11:29:50 in all, and is past its own half-time by now.
    rotate(child, NOW + 20 * HOUR + 10 * MINUTE + 20 * SECOND)
    assert state(child.x509) == ("B", ACTIVE, "A", PREPARED)


class Refusing:
    """An upstream authority that can be switched off."""

    name = "refusing"

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.off = False

    def mint_x509_ca(self, request: CaRequest) -> MintedCa:
        if self.off:
            raise Refused("connection refused", status="UNAVAILABLE")
        minted: MintedCa = self.inner.mint_x509_ca(request)
        return minted

    def publish_jwt_key(self, authority: JwtAuthority) -> Any:
        if self.off:
            raise Refused("connection refused", status="UNAVAILABLE")
        return self.inner.publish_jwt_key(authority)


def test_a_server_whose_first_mint_fails_does_not_start() -> None:
    parent = started()
    upstream = Refusing(spire_upstream(parent))
    upstream.off = True
    keyring = make_keyring("nested", ledger=parent.view.ledger, upstream=upstream)
    with pytest.raises(Refused, match="connection refused"):
        keyring.start(NOW)
    assert keyring.x509.current.empty


def test_a_rotation_that_fails_is_noted_and_tried_again() -> None:
    parent = started(ca_ttl=timedelta(days=9))
    upstream = Refusing(spire_upstream(parent))
    child = make_keyring("nested", ledger=parent.view.ledger, upstream=upstream, randomness=parent.randomness)
    child.start(NOW)
    first, token = x509_of(child.x509), child.jwt.current.authority
    upstream.off = True
    upstream.inner.parent.now = now = NOW + 21 * HOUR
    child.rotate(now)
    failed = [(event.kind, event.data["error"]) for event in child.journal if event.kind.startswith("Unable")]
    assert failed == [
        ("Unable to rotate X509 CA", "connection refused"),
        ("Unable to rotate JWT key", "connection refused"),
    ]
    assert x509_of(child.x509) is first  # it goes on signing, with ever shorter SVIDs
    assert child.jwt.current.authority is token
    assert child.x509.next.empty
    known = len(child.view.jwt_authorities)
    assert child.failures == 2
    upstream.off = False
    child.rotate(now)
    assert child.failures == 2  # no success takes any away
    assert x509_of(child.x509) is not first
    assert child.jwt.current.authority is not token
    assert len(child.view.jwt_authorities) == known + 1


def test_without_a_ca_no_token_key_is_tried() -> None:
    # As in SPIRE's rotator.go: a token key could not be stored.
    upstream = Refusing(spire_upstream(started()))
    upstream.off = True
    child = make_keyring("nested", upstream=upstream, feature_flags="wit-svid")
    with pytest.raises(Refused, match="connection refused"):
        child.start(NOW)
    assert [event.kind for event in child.journal] == ["Unable to rotate X509 CA"]
    assert child.failures == 1
    upstream.off = False
    child.start(NOW)
    assert not any(slots.current.empty for slots in (child.x509, child.jwt, child.wit))


def test_a_start_ends_with_the_first_failure_and_tries_the_rest_all_the_same() -> None:
    upstream = Refusing(spire_upstream(started()))
    child = make_keyring("nested", upstream=upstream, feature_flags="wit-svid")
    child.start(NOW)
    upstream.off = True
    with pytest.raises(Refused, match="connection refused"):
        child.start(NOW + 13 * HOUR)
    failed = [event.kind for event in child.journal if event.kind.startswith("Unable")]
    assert failed == ["Unable to rotate X509 CA", "Unable to rotate JWT key"]
    assert child.wit.next.status == PREPARED


@pytest.mark.parametrize("prepare", [Keyring.prepare_x509, Keyring.prepare_jwt])
def test_a_prepare_that_fails_has_emptied_the_slot_all_the_same(prepare: Callable[[Keyring, int], None]) -> None:
    # As in SPIRE, whose Prepare resets the slot first; what was there can still be asked for.
    upstream = Refusing(spire_upstream(started()))
    child = make_keyring("nested", upstream=upstream)
    child.start(NOW)
    slot = (child.x509 if prepare is Keyring.prepare_x509 else child.jwt).next
    prepare(child, NOW)
    prepared = slot.authority
    assert slot.status == PREPARED
    upstream.off = True
    with pytest.raises(Refused, match="connection refused"):
        prepare(child, NOW)
    assert (slot.status, slot.empty, slot.authority) == (OLD, True, prepared)


# Publishing token keys


def test_a_token_key_goes_up_to_the_top() -> None:
    root = started()
    middle = nested(root, "middle")
    leaf = nested(middle, "leaf")
    key = leaf.jwt.current.authority
    assert isinstance(key, JwtAuthority)
    for keyring in (leaf, middle, root):
        assert key.key_id in [known.key_id for known in keyring.view.jwt_authorities]
    assert isinstance(middle.upstream.parent, FakeParent)  # type: ignore[union-attr]  # ours
    assert "publish_jwt_authority spiffe://example.org/middle" in middle.upstream.parent.called  # type: ignore[union-attr]  # ours
    # A sibling learns it when it polls.
    sibling = nested(root, "sibling")
    assert key.key_id in [known.key_id for known in sibling.view.jwt_authorities]
    late = jwt_authority("late")
    leaf.publish(late, NOW)
    assert late not in sibling.view.jwt_authorities
    assert sibling.view.catch_up(root.view)
    assert late in sibling.view.jwt_authorities


def test_a_key_that_is_announced_is_known_everywhere_and_nothing_else_with_it() -> None:
    root = started()
    middle, sibling = nested(root, "middle"), nested(root, "sibling")
    pending = jwt_authority("pending")
    root.publish(pending, NOW)
    assert pending not in sibling.view.jwt_authorities
    leaf = make_keyring(
        "leaf", ledger=root.view.ledger, upstream=spire_upstream(middle, "leaf"), randomness=root.randomness
    )
    leaf.start(NOW, everywhere=True)
    for keyring in (root, middle, sibling):
        assert leaf.jwt.current.authority in keyring.view.jwt_authorities
    assert pending not in sibling.view.jwt_authorities
    assert pending not in middle.view.jwt_authorities
    # The next one below the same parent need not ask all the way up again at this instant.
    parent = middle.upstream.parent  # type: ignore[union-attr]  # ours
    asked = len(parent.called)
    other = make_keyring(
        "other", ledger=root.view.ledger, upstream=spire_upstream(middle, "other"), randomness=root.randomness
    )
    other.start(NOW, everywhere=True)
    assert len(parent.called) == asked
    assert other.jwt.current.authority in root.view.jwt_authorities


class Third:
    """A third party's upstream authority, right in what it mints."""

    name = "third"

    def __init__(self, publishes: bool) -> None:
        self.publishes = publishes
        self.published: list[str] = []
        self.requests: list[CaRequest] = []

    def mint_x509_ca(self, request: CaRequest) -> MintedCa:
        self.requests.append(request)
        return Answer(request).minted()

    def publish_jwt_key(self, authority: JwtAuthority) -> None:
        if not self.publishes:
            raise NotSupported("publishing upstream is unsupported")
        self.published.append(authority.key_id)


WARNING = (
    "UpstreamAuthority plugin does not support JWT-SVIDs. Workloads managed by this server may have trouble "
    "communicating with workloads outside this cluster when using JWT-SVIDs."
)


def test_a_server_whose_upstream_publishes_nothing_warns_once_and_keeps_the_key() -> None:
    root = started(upstream=Third(publishes=False))
    child = nested(root)
    child.publish(jwt_authority("another"), NOW)
    root.publish(jwt_authority("third"), NOW)
    warnings = root.journal.where(kind=WARNING)
    # The one whose upstream authority it is, whoever the key is from.
    assert [(event.node, event.data) for event in warnings] == [("root", {"plugin_name": "third"})]
    assert len(root.view.jwt_authorities) == 4


def test_an_upstream_that_publishes_gets_the_keys_of_all_servers_below() -> None:
    third = Third(publishes=True)
    root = started(upstream=third)
    child = nested(root)
    assert third.published == [
        keyring.jwt.current.authority.key_id  # type: ignore[union-attr]  # they have started
        for keyring in (root, child)
    ]
    assert root.journal.where(kind=WARNING) == []


# Certified by a third party


def test_a_third_partys_ca_signs_and_its_chain_is_presented() -> None:
    third = Third(publishes=False)
    keyring = started(upstream=third, ca_ttl=timedelta(hours=7))
    authority = x509_of(keyring.x509)
    assert [profiles.read(der).subject.rfc4514_string() for der in ders(authority.chain or ())] == ["CN=ca"]
    assert [profiles.read(root.der).subject.rfc4514_string() for root in keyring.view.roots] == ["CN=root"]
    request = third.requests[0]
    assert (request.preferred_ttl, request.at, request.trust_domain) == (timedelta(hours=7), AT, EXAMPLE_ORG)
    assert request.key is authority.key
    assert request.public_key == authority.key.public_key
    # The serial number in the subject of SPIRE's CSR is a throw-away.
    named = issuing.name_of(
        {"country": ["US"], "organization": ["SPIFFE"], "serial_number": str(wanted_serial(request))}
    )
    assert request.subject == named.public_bytes()
    assert wanted_serial(request) != request.serial_number
    child = nested(keyring)
    profiles.read(x509_of(child.x509).certificate.der).verify_directly_issued_by(
        profiles.read(authority.certificate.der)
    )


def wanted_serial(request: CaRequest) -> int:
    draw = request.draw
    return draw.randomness.serial(f"serial {draw.name} csr", draw.counter)


def test_a_third_partys_root_is_in_the_bundle_once() -> None:
    keyring = started(upstream=Third(publishes=False))
    keyring.prepare_x509(NOW)
    assert len(keyring.view.roots) == 1


class Wrong(Third):
    """It mints a CA of another trust domain."""

    def mint_x509_ca(self, request: CaRequest) -> MintedCa:
        return Answer(request, ca={"uris": ("spiffe://other.org",)}).minted()


class Empty(Third):
    """It answers nothing at all."""

    def mint_x509_ca(self, request: CaRequest) -> MintedCa:
        return None  # type: ignore[return-value]  # that is the point


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [
        (Wrong, "INVALID_ARGUMENT", "X509 CA minted by upstream authority is invalid: "),
        (Empty, "INTERNAL", r"upstreamauthority\(third\): plugin closed stream unexpectedly"),
    ],
)
def test_a_wrong_answer_is_refused_and_its_roots_are_not_stored(kind: type[Third], status: str, text: str) -> None:
    keyring = make_keyring(upstream=kind(publishes=False))
    with pytest.raises(Refused, match=text) as caught:
        keyring.start(NOW)
    assert caught.value.status == status
    assert keyring.view.roots == []
    assert keyring.x509.current.empty


# Same seed, same bytes


def documents(keyring: Keyring) -> tuple[bytes, ...]:
    return (*keyring.view.bundle.x509_der, keyring.view.bundle.marshal())


def test_the_same_seed_gives_the_same_authorities() -> None:
    first, second = started(), started()
    rotate(first, NOW + 2 * DAY)
    rotate(second, NOW + 2 * DAY)
    assert documents(first) == documents(second)
    assert first.journal.digest() == second.journal.digest()
    other = started(ledger=Ledger(EXAMPLE_ORG), name="other")
    assert other.view.bundle.x509_der != started().view.bundle.x509_der  # servers share no streams


def test_a_keyring_pickles() -> None:
    keyring = nested(started())
    rotate(keyring, NOW + HOUR)
    other = pickle.loads(pickle.dumps(keyring))
    for ring in (keyring, other):
        ring.upstream.parent.now = NOW + 13 * HOUR  # type: ignore[union-attr]  # ours
        rotate(ring, NOW + 13 * HOUR)
    assert documents(other) == documents(keyring)
    assert other.journal.digest() == keyring.journal.digest()
