"""What servers do when a root is tainted: they leave it from the top down, and only then say so."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import timedelta

import pytest

from spiffesim import Simulation
from spiffesim.ledger import X509Element
from spiffesim.server import Server
from spiffesim.server.taint import TaintWorker
from spiffesim.spiffe.validation import validate_x509_svid
from tests.oracles.naive import naive

PREPARING = "Current root CA is signed by a tainted upstream authority, preparing rotation"
FORCED = "Server SVID signed using a tainted authority, forcing rotation of the Server SVID"
NEXT = "Next authority is tainted, prepare new X.509 authority"
FAILED = "Failed to process tainted keys on upstream authority"
ABORTED = "Failed to force intermediate bundle rotation"
TAINTED, REVOKED = "X.509 authority tainted", "X.509 authority revoked"


def make(*names: str) -> Simulation:
    """A root and servers below it, one below the other, each with a workload."""
    sim = Simulation("example.org", seed=1)
    server = sim.root
    server.workload("/root")
    for name in names:
        server = server.nest(name)
        server.workload(f"/at-{name}")
    return sim


def replaced(server: Server) -> str:
    """Replace the authority of a root, once all have heard of the new one; the ID of the old one."""
    old = server.get_x509_authority_state().active.authority_id
    prepared = server.prepare_x509_authority()
    server.world.timetable.run(server.world.clock.instant + 10_000_000)
    server.activate_x509_authority(prepared.authority_id)
    return old


def taint(server: Server) -> str:
    old = replaced(server)
    server.taint_x509_authority(old)
    return old


def kinds(sim: Simulation, node: str, since: int) -> list[str]:
    return [event.kind for event in list(sim.journal)[since:] if event.node == node]


def tainted(server: Server) -> list[tuple[str, bool]]:
    return [(str(element), element.tainted) for element in server.view.x509_elements]


# A root


def test_the_roots_own_svid_is_renewed_at_its_next_check() -> None:
    sim = make()
    old, before = replaced(sim.root), sim.root.svid
    sim.advance(seconds=7)
    assert sim.root.svid == before
    sim.root.taint_x509_authority(old)
    assert [event.kind for event in sim.journal][-2:] == [FORCED, "X.509 authority tainted successfully"]
    sim.advance(seconds=2)
    assert sim.root.svid == before
    sim.advance(seconds=1)
    assert sim.root.svid != before
    after = sim.root.svid
    sim.advance(minutes=1)
    assert sim.root.svid == after


def test_an_svid_of_the_new_authority_stays() -> None:
    sim = make()
    old = replaced(sim.root)
    sim.advance(hours=1)
    sim.root.taint_x509_authority(old)
    assert not sim.journal.where(kind=FORCED)


# Below it


def test_every_tier_rotates_before_it_says_that_the_root_is_tainted() -> None:
    sim = make("first", "second")
    since = len(sim.journal)
    old = taint(sim.root)
    new = sim.root.get_x509_authority_state().active.authority_id
    before = [sim.servers[name].svid for name in ("first", "second")]
    sim.advance(seconds=5)
    expected = [TAINTED, PREPARING, "X509 CA prepared", "X509 CA activated", FORCED]
    for name in ("first", "second"):
        assert kinds(sim, name, since) == expected
        assert tainted(sim.servers[name]) == [(old, True), (new, False)]
        assert sim.journal.where(kind=TAINTED, node=name)[0].data == {"subject_key_id": old}
    sim.advance(seconds=5)
    after = [sim.servers[name].svid for name in ("first", "second")]
    assert all(one != other for one, other in zip(before, after, strict=True))
    sim.advance(seconds=20)
    sim.root.revoke_x509_authority(old)
    sim.advance(seconds=5)
    for name, server in sim.servers.items():
        assert tainted(server) == [(new, False)]
        assert len(sim.journal.where(kind=REVOKED, node=name)) == (name != "root")
    sim.advance(seconds=10)
    for workload in sim.workloads.values():
        validate_x509_svid(workload.fetch_x509_svid(), sim.root.bundle, at=sim.now)


def test_settling_brings_a_taint_all_the_way_down() -> None:
    sim = make("first", "second")
    old = taint(sim.root)
    sim.settle()
    assert all(tainted(server)[0] == (old, True) for server in sim.servers.values())


def test_a_server_that_has_left_the_root_already_only_says_so() -> None:
    sim = make("first")
    old = replaced(sim.root)
    first = sim.servers["first"]
    first.activate_x509_authority(first.prepare_x509_authority().authority_id)
    sim.advance(seconds=10)
    since = len(sim.journal)
    sim.root.taint_x509_authority(old)
    sim.advance(seconds=5)
    assert kinds(sim, "first", since) == [TAINTED, FORCED]  # its own SVID came from the CA before
    assert tainted(first)[0] == (old, True)


@pytest.mark.parametrize("tainted_too", [True, False])
def test_what_is_prepared_takes_over_unless_it_is_tainted_too(tainted_too: bool) -> None:
    sim = make("first")
    first = sim.servers["first"]
    if tainted_too:
        first.prepare_x509_authority()
    old = replaced(sim.root)
    if not tainted_too:
        first.prepare_x509_authority()
    prepared = first.get_x509_authority_state().prepared
    since = len(sim.journal)
    sim.root.taint_x509_authority(old)
    sim.advance(seconds=5)
    said = kinds(sim, "first", since)
    assert said[:3] == [TAINTED, PREPARING, NEXT]  # SPIRE says so of both
    assert ("X509 CA prepared" in said) is tainted_too
    assert (first.get_x509_authority_state().active == prepared) is not tainted_too


def test_a_taint_and_a_revocation_between_two_polls_are_not_seen() -> None:
    sim = make("first")
    old = taint(sim.root)
    sim.root.revoke_x509_authority(old)
    sim.advance(minutes=1)
    assert tainted(sim.servers["first"])[0] == (old, False)
    assert not sim.journal.where(node="first", kind=TAINTED)


def test_a_mint_brings_a_taint_as_well_as_a_poll_does() -> None:
    sim = make("first")
    old = taint(sim.root)
    since = len(sim.journal)
    sim.servers["first"].prepare_x509_authority()
    assert kinds(sim, "first", since) == [
        TAINTED,
        "X509 CA prepared",
        PREPARING,
        NEXT,
        "X509 CA activated",
        FORCED,
    ]
    assert tainted(sim.servers["first"])[0] == (old, True)


# When it fails


def poison(sim: Simulation, name: str = "first") -> Server:
    """Let a server have the old root tainted and untainted: then its worker can do nothing about a taint."""
    server = sim.servers[name]
    old = replaced(sim.root)
    server.activate_x509_authority(server.prepare_x509_authority().authority_id)
    server.taint_x509_upstream_authority(old)
    sim.root.prepare_jwt_authority()
    sim.advance(seconds=10)
    assert [flag for key_id, flag in tainted(server) if key_id == old] == [True, False]
    sim.root.taint_x509_authority(old)
    return server


def waits(sim: Simulation) -> list[float]:
    """How long it waited after each failure."""
    failed = sim.journal.where(kind=FAILED)
    ends = [event.at for event in (*failed[1:], *sim.journal.where(kind=ABORTED))]
    return [(end - event.at).total_seconds() for event, end in zip(failed, ends, strict=True)]


def test_a_root_that_is_tainted_already_is_tried_for_a_minute_and_then_nothing_ever_is() -> None:
    sim = make("first")
    server = poison(sim)
    sim.advance(minutes=2)
    nominal = [5.0, 7.5, 11.25, 16.875]
    assert waits(sim) == [pytest.approx(wait, rel=0.1) for wait in nominal]
    (event,) = sim.journal.where(kind=ABORTED)
    assert event.data["error"] == (
        "could not taint X509 CA in datastore: rpc error: code = InvalidArgument desc = root CA is already tainted"
    )
    # The worker has ended: the next taint is heard of, and nothing is done about it.
    another = taint(sim.root)
    since = len(sim.journal)
    sim.advance(minutes=2)
    assert kinds(sim, "first", since) == [TAINTED]
    assert (another, False) in tainted(server)
    assert server.stopped == ""


def test_a_restart_begins_with_a_new_worker() -> None:
    sim = make("first")
    server = poison(sim)
    sim.advance(minutes=2)
    assert server.loop(TaintWorker).ended
    sim.root.revoke_x509_authority(sim.root.keyring.x509.next.authority_id)  # or else it would try that again
    server.shut_down("restarted")
    server.restart()
    assert not server.loop(TaintWorker).ended
    another = taint(sim.root)
    sim.advance(seconds=20)
    assert (another, True) in tainted(server)


def test_while_it_is_busy_one_set_of_roots_waits_and_others_are_dropped() -> None:
    sim = make("first")
    server = poison(sim)
    sim.advance(seconds=6)
    worker = server.loop(TaintWorker)
    busy = worker.roots
    assert busy
    second, third = ((root,) for root in server.view.roots[-2:])
    worker.take(second)
    worker.take(third)
    assert (worker.roots, worker.waiting) == (busy, second)


def test_an_unreachable_parent_is_tried_again_until_it_is_there() -> None:
    sim = make("first", "second")
    middle, lowest = sim.servers["first"], sim.servers["second"]
    old = taint(sim.root)
    (entry,) = middle.list_entries(by_spiffe_id="spiffe://example.org/second")
    middle.update_entry(entry.id, mask=["downstream"], downstream=False)
    sim.advance(seconds=16)
    assert tainted(lowest)[0] == (old, False)  # not before its own CA is safe
    assert sim.journal.where(kind=FAILED)[0].data["error"].startswith("failed to prepare x509 authority: ")
    middle.update_entry(entry.id, mask=["downstream"], downstream=True)
    sim.advance(seconds=15)
    assert tainted(lowest)[0] == (old, True)
    assert not sim.journal.where(kind=ABORTED)
    assert lowest.loop(TaintWorker).failures == 0


def test_a_suspended_machine_has_as_much_patience_left_as_before() -> None:
    sim = make("first")
    server = poison(sim)
    sim.advance(seconds=6)
    worker = server.loop(TaintWorker)
    due, before = worker.retry_at, worker._began
    assert due is not None
    worker.shift(1000)
    assert (worker.retry_at, worker._began) == (due + 1000, before + 1000)


# Both engines


def failing(sim: Simulation) -> None:
    poison(sim)
    sim.advance(minutes=3)


def plain(sim: Simulation) -> None:
    sim.advance(minutes=40)
    old = taint(sim.root)
    sim.advance(minutes=1)
    sim.root.revoke_x509_authority(old)
    sim.advance(minutes=1)


@pytest.mark.parametrize("story", [failing, plain])
def test_it_makes_no_difference_which_ticks_are_left_out(story: Callable[[Simulation], None]) -> None:
    fast, slow = make("first", "second"), naive(make("first", "second"))
    for sim in (fast, slow):
        story(sim)
    assert fast.journal.digest() == slow.journal.digest()
    svids = [[workload.fetch_x509_svid() for workload in sim.workloads.values()] for sim in (fast, slow)]
    assert svids[0] == svids[1]


def test_the_waits_are_drawn() -> None:
    def waited(seed: int) -> list[float]:
        sim = Simulation("example.org", seed=seed)
        sim.root.nest("first")
        poison(sim)
        sim.advance(minutes=2)
        return waits(sim)

    assert waited(1) == waited(1) != waited(2)


def test_a_worker_at_work_pickles() -> None:
    sim = make("first")
    poison(sim)
    sim.advance(seconds=20)
    other = pickle.loads(pickle.dumps(sim))
    for world in (sim, other):
        world.advance(timedelta(minutes=2))
    assert other.journal.digest() == sim.journal.digest()
    assert sim.journal.where(kind=ABORTED)


def test_elements_go_by_their_key_ids() -> None:
    sim = make()
    (root,) = sim.root.view.roots
    assert X509Element(root).subject_key_id == sim.root.get_x509_authority_state().active.authority_id
