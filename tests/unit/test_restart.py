"""What a server that starts again finds of its authorities."""

from __future__ import annotations

import pickle
from datetime import timedelta
from typing import Any

import pytest

from spiffesim import Simulation
from spiffesim.errors import Refused
from spiffesim.plugins.key_manager.disk import DiskKeyManager
from spiffesim.plugins.upstream_authority.spire import SpireUpstreamAuthority
from spiffesim.server import Server
from spiffesim.server.ca import ServerCa
from spiffesim.server.cajournal import CAP
from spiffesim.server.keyring import Keyring
from spiffesim.server.slots import ACTIVE, OLD, PREPARED
from spiffesim.spiffe.validation import validate_x509_svid
from tests.oracles.naive import naive
from tests.unit.keyrings import DAY, HOUR, MINUTE, NOW, SECOND, rotate, spire_upstream, started

NO_RECORD = "There is not a CA journal record that matches any of the local X509 authority IDs"
LOADED = "Journal loaded"


def on_disk(**options: Any) -> Keyring:
    return started(keys=DiskKeyManager, **options)


def restart(keyring: Keyring, now: int = NOW + HOUR) -> list[str]:
    """End the process and start it again; what it noted."""
    keyring.shut_down()
    assert keyring.x509.current.authority is None
    assert keyring.due() == 0
    since = len(keyring.journal)
    keyring.load(now)
    keyring.start(now)
    return [event.kind for event in list(keyring.journal)[since:]]


def ids(keyring: Keyring) -> list[str]:
    return [slots.current.authority_id for slots in (keyring.x509, keyring.jwt, keyring.wit)]


# Keys in memory, and on disk


def test_keys_in_memory_are_gone_and_everything_is_made_anew() -> None:
    keyring = started()
    before = ids(keyring)
    said = restart(keyring)
    made = ["X509 CA prepared", "X509 CA activated", "JWT key prepared", "JWT key activated"]
    assert said == [NO_RECORD, LOADED, *made]
    assert keyring.journal.where(kind=LOADED)[0].data == {"x509_cas": 0, "jwt_keys": 0, "wit_keys": 0}
    assert all(new != old for new, old in zip(ids(keyring)[:2], before[:2], strict=True))
    # Each start adds a root and a JWT key, and takes none away.
    assert (len(keyring.view.roots), len(keyring.view.jwt_authorities)) == (2, 2)
    restart(keyring)
    assert (len(keyring.view.roots), len(keyring.view.jwt_authorities)) == (3, 3)


def test_keys_on_disk_sign_on() -> None:
    keyring = on_disk(feature_flags="wit-svid")
    before = ids(keyring)
    said = restart(keyring)
    assert said == [LOADED, "X509 CA activated", "JWT key activated", "WIT key activated"]
    assert keyring.journal.where(kind=LOADED)[0].data == {"x509_cas": 1, "jwt_keys": 1, "wit_keys": 1}
    assert ids(keyring) == before
    assert len(keyring.view.roots) == 1
    assert (keyring.x509.current.status, keyring.x509.next.id, keyring.x509.next.authority) == (ACTIVE, "B", None)


def test_what_signed_when_is_remembered_across_restarts() -> None:
    keyring = started()
    first = keyring.x509.current.authority
    restart(keyring)
    assert keyring.x509_authority_at(NOW) is keyring.x509_authority_at(NOW + HOUR - 1) is first
    assert keyring.x509_authority_at(NOW + HOUR) is keyring.x509.current.authority is not first
    assert keyring.x509_authority_at(NOW - 1) is None


def test_a_prepared_and_an_old_authority_are_found_again() -> None:
    keyring = on_disk()
    keyring.prepare_x509(NOW)
    prepared = keyring.x509.next.authority_id
    restart(keyring)
    assert (keyring.x509.next.authority_id, keyring.x509.next.status) == (prepared, PREPARED)
    keyring.activate_next(keyring.x509, NOW + HOUR)
    old = keyring.x509.next.authority_id
    restart(keyring)
    assert (keyring.x509.current.id, keyring.x509.current.authority_id) == ("B", prepared)
    assert (keyring.x509.next.authority_id, keyring.x509.next.status) == (old, OLD)  # it can still be tainted


def test_after_a_restart_instants_are_whole_seconds() -> None:
    keyring = on_disk(now=NOW + 123_456)
    assert keyring.x509.current.issued_at == NOW + 123_456
    restart(keyring)
    assert keyring.x509.current.issued_at == keyring.jwt.current.issued_at == NOW
    assert keyring.jwt.current.not_after == NOW + DAY


def test_a_server_that_was_down_too_long_rotates_at_once() -> None:
    keyring = on_disk()
    first = ids(keyring)
    said = restart(keyring, NOW + 21 * HOUR)  # past the instant at which the next one takes over
    assert said[:3] == [LOADED, "X509 CA prepared", "X509 CA activated"]
    assert ids(keyring)[0] != first[0]
    assert keyring.x509.current.id == "B"


def test_what_has_ended_is_not_used_again() -> None:
    keyring = on_disk()
    said = restart(keyring, NOW + 2 * DAY)
    assert said[:3] == [LOADED, "X509CA slot unusable", "JWT key slot unusable"]
    (event,) = keyring.journal.where(kind="X509CA slot unusable")
    entry = keyring.ca_journal.record.x509[0]
    assert event.data == {
        "error": "slot expired",
        "slot": "A",
        "issued_at": "2030-01-01T00:00:00Z",
        "status": "ACTIVE",
        "local_authority_id": (entry.authority.certificate.subject_key_id or b"").hex(),  # type: ignore[union-attr]  # a CA
        "upstream_authority_id": "",
    }
    assert keyring.x509.current.not_after == NOW + 3 * DAY


def test_a_key_that_another_took_the_place_of_is_not_used_again() -> None:
    keyring = on_disk()
    for _ in range(2):
        keyring.prepare_x509(NOW)
    keyring.prepare_x509(NOW)
    keyring.key_manager.generate_key("JWT-Signer-A", "ec-p256")
    said = restart(keyring)
    (event,) = keyring.journal.where(kind="JWT key slot unusable")
    assert event.data["error"] == "public key does not match key manager key"
    # Of the CAs only the last that was prepared and the active one are looked at: both can be used.
    assert said.count("X509CA slot unusable") == 2
    errors = [event.data["error"] for event in keyring.journal.where(kind="X509CA slot unusable")]
    assert set(errors) == {"public key does not match key manager key"}
    assert (keyring.x509.current.id, keyring.x509.next.status) == ("A", PREPARED)


def test_what_is_no_longer_in_the_bundle_is_not_used_again() -> None:
    keyring = on_disk(feature_flags="wit-svid")
    kept = ids(keyring)
    keyring.prepare_x509(NOW)
    keyring.activate_next(keyring.x509, NOW)
    revoked = keyring.x509.next.authority_id
    keyring.view.taint_x509(revoked)
    keyring.view.revoke_x509(revoked)
    keyring.view.taint_jwt(kept[1])
    keyring.view.revoke_jwt(kept[1])
    keyring.view.wit_authorities.clear()
    restart(keyring)
    assert keyring.x509.current.id == "B"
    assert keyring.x509.next.authority_id == ""  # the old one is not even old
    assert ids(keyring)[1:] != kept[1:]
    assert not keyring.journal.where(kind="JWT key slot unusable")


def test_after_ten_prepares_the_active_authority_is_forgotten() -> None:
    keyring = on_disk()
    active = keyring.x509.current.authority_id
    for _ in range(CAP - 1):
        keyring.prepare_x509(NOW)
    copy = pickle.loads(pickle.dumps(keyring))
    restart(copy)
    assert copy.x509.current.authority_id == active
    keyring.prepare_x509(NOW)
    prepared = keyring.x509.next.authority_id
    said = restart(keyring)
    assert said[:-2].count("X509CA slot unusable") == CAP - 1  # all went through the same slot
    assert (keyring.x509.current.id, keyring.x509.current.authority_id) == ("B", prepared)  # it signs from now on
    assert keyring.x509.next.authority_id == ""


def test_a_status_that_cannot_be_written_down_is_noted() -> None:
    keyring = on_disk()
    active = keyring.x509.current.authority_id
    for _ in range(CAP):
        keyring.prepare_x509(NOW)
    keyring.activate_next(keyring.x509, NOW)
    (event,) = keyring.journal.where(kind="Failed to update status on X509CA journal entry")
    assert event.data == {"error": f'no journal entry found with authority ID "{active}"'}
    assert not keyring.journal.where(kind="Failed to update to activated status on X509CA journal entry")


# Below another server


def below(root: Keyring) -> Keyring:
    keyring = on_disk(name="nested", ledger=root.view.ledger, upstream=spire_upstream(root), randomness=root.randomness)
    parent = upstream_of(keyring).parent
    parent.now = NOW
    return keyring


def upstream_of(keyring: Keyring) -> Any:
    assert isinstance(keyring.upstream, SpireUpstreamAuthority)
    return keyring.upstream


def test_a_nested_server_signs_on_without_a_call_to_the_one_above() -> None:
    keyring = below(started())
    before, parent = ids(keyring), upstream_of(keyring).parent
    asked = len(parent.called)
    restart(keyring)
    assert ids(keyring) == before
    assert len(parent.called) == asked
    assert keyring.x509.current.upstream_authority_id == parent.keyring.x509.current.authority_id
    restart(keyring, NOW + 13 * HOUR)  # now a prepare is due
    assert len(parent.called) == asked + 2


def test_its_ca_need_not_be_in_the_bundle() -> None:
    root = started()
    keyring = below(root)
    assert len(keyring.view.roots) == 1
    assert keyring.x509.current.authority_id not in [str(element) for element in keyring.view.x509_elements]
    restart(keyring)
    assert keyring.x509.current.id == "A"


def test_the_warning_of_a_process_comes_again_in_the_next_one() -> None:
    keyring = started()
    keyring.failures, keyring._warned = 3, True
    restart(keyring)
    assert (keyring.failures, keyring._warned) == (0, False)


def test_a_lost_datastore_is_a_lost_journal() -> None:
    keyring = on_disk()
    before = ids(keyring)
    keyring.forget()
    assert restart(keyring)[:2] == [NO_RECORD, LOADED]
    assert ids(keyring)[0] != before[0]


def test_after_a_restart_rotation_goes_on() -> None:
    keyring = on_disk()
    restart(keyring)
    rotate(keyring, NOW + 12 * HOUR + 10 * SECOND)
    assert keyring.x509.next.status == PREPARED
    restart(keyring, NOW + 12 * HOUR + 10 * MINUTE)
    rotate(keyring, NOW + 20 * HOUR + 10 * SECOND)
    assert (keyring.x509.current.id, keyring.x509.next.status) == ("B", OLD)


# Whole servers


def deployment(**options: Any) -> Simulation:
    sim = Simulation("example.org", seed=1, **options)
    nested = sim.root.nest("nested", key_manager=DiskKeyManager(sim.world.randomness, "nested"))
    nested.workload("/web")
    return sim


def again(server: Server) -> None:
    server.shut_down("stopped")
    server.restart()
    assert server.stopped == ""


def test_each_restart_with_keys_in_memory_adds_a_root_and_what_was_signed_before_stays_good() -> None:
    sim = deployment()
    before = sim.workloads["web"].fetch_x509_svid()
    for count in (2, 3):
        again(sim.root)
        assert (len(sim.root.bundle.x509_der), len(sim.root.bundle.jwt_spki)) == (count, 1 + count)
        validate_x509_svid(before, sim.root.bundle, at=sim.now)


def test_a_nested_server_with_keys_on_disk_restarts_unnoticed() -> None:
    sim = deployment()
    bundle = sim.root.bundle
    before = sim.workloads["web"].fetch_x509_svid()
    again(sim.servers["nested"])
    sim.advance(minutes=50)
    after = sim.workloads["web"].fetch_x509_svid()
    assert after != before
    assert after.chain[1:] == before.chain[1:]  # the same CA has signed
    assert sim.root.bundle is bundle


@pytest.mark.parametrize("name", ["root", "nested"])
def test_it_makes_no_difference_to_a_restart_which_ticks_are_left_out(name: str) -> None:
    fast, slow = deployment(), naive(deployment())
    for sim in (fast, slow):
        sim.advance(minutes=50)
        again(sim.servers[name])
        sim.advance(minutes=50)
    assert fast.journal.digest() == slow.journal.digest()
    assert fast.workloads["web"].fetch_x509_svid() == slow.workloads["web"].fetch_x509_svid()


def test_too_many_failed_rotations_make_a_server_unhealthy_until_it_starts_again() -> None:
    sim = deployment(ca_ttl=timedelta(hours=2))
    nested = sim.servers["nested"]
    (entry,) = sim.root.list_entries(by_spiffe_id="spiffe://example.org/nested")
    sim.advance(minutes=59)
    sim.root.update_entry(entry.id, mask=["downstream"], downstream=False)
    while nested.keyring.failures < 10:
        sim.advance(seconds=5)
    assert nested.keyring.failures == 10
    assert (nested.health.live, nested.health.ready, nested.health.problems) == (True, True, {})
    sim.advance(seconds=10)
    assert (nested.health.live, nested.health.ready) == (False, False)
    assert nested.health.problems == {"server.ca.rotator": "rotations exceed the threshold number of failures"}
    sim.root.update_entry(entry.id, mask=["downstream"], downstream=True)
    sim.advance(minutes=1)
    assert nested.keyring.x509.next.status == PREPARED  # it rotates again, and yet
    assert not nested.health.live
    again(nested)
    assert nested.health.live


def test_a_ca_that_has_ended_or_is_not_there_is_unhealthy() -> None:
    keyring = started()
    ca = ServerCa(keyring)
    assert ca.health(NOW + DAY).live
    ended = "invalid workload X509-SVID: invalid X509-SVID: already expired as of 2030-01-02T00:00:00Z"
    assert ca.health(NOW + DAY + 1).problems == {"server.ca": ended}
    keyring.shut_down()
    assert ca.health(NOW).problems == {"server.ca": "X509 CA is not available for signing"}


def test_a_start_that_needs_an_upstream_that_refuses_ends_at_once() -> None:
    sim = deployment()
    nested = sim.servers["nested"]
    (entry,) = sim.root.list_entries(by_spiffe_id="spiffe://example.org/nested")
    sim.root.update_entry(entry.id, mask=["downstream"], downstream=False)
    again(nested)  # its CA is on disk
    nested.shut_down("stopped")
    sim.advance(hours=13)
    nested.restart()  # a prepare is due
    assert nested.stopped.startswith("Server crashed: ")
    assert nested.keyring.x509.current.authority is None
    with pytest.raises(Refused, match="X509 CA is not available"):
        nested.ca.authority  # noqa: B018
