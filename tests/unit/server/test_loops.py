"""The loops of a server: at which ticks they do their work, and that they ask for none while there is nothing to do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from spiffesim import Simulation
from spiffesim.clock import EPOCH
from spiffesim.instants import SECOND
from spiffesim.loop import Loop
from spiffesim.server import Server
from spiffesim.server.loops import (
    LOOPS,
    NESTED,
    BundleUpdater,
    CaRotator,
    EntryPruner,
    EntryReloader,
    Recycler,
    Redialer,
    SvidRotator,
    UpstreamPoller,
    WorkloadApiWatcher,
)

MINUTE = timedelta(minutes=1)


def seconds(sim: Simulation, kind: str, node: str = "root") -> list[float]:
    """When something happened, in seconds since the start."""
    return [(event.at - EPOCH).total_seconds() for event in sim.journal.where(kind=kind, node=node)]


def loop_of(server: Server, kind: type[Loop]) -> Loop:
    (found,) = (loop for loop in server.loops if isinstance(loop, kind))
    return found


def test_each_loop_has_a_place_and_a_name_of_its_own() -> None:
    kinds = (*LOOPS, *NESTED)
    assert len({kind.place for kind in kinds}) == len({kind.name for kind in kinds[:-1]}) + 1 == len(kinds)
    assert [kind.place for kind in LOOPS] == sorted(kind.place for kind in LOOPS)


@pytest.mark.parametrize(
    ("kind", "period"),
    [(CaRotator, 10), (UpstreamPoller, 5), (SvidRotator, 5), (EntryReloader, 5), (EntryPruner, 300), (Recycler, 180)],
)
def test_the_periods_are_those_of_spire(kind: type[Loop], period: int) -> None:
    assert kind.period == period * SECOND


def test_authorities_rotate_at_ticks_ten_seconds_apart() -> None:
    sim = Simulation("example.org", seed=1, ca_ttl=timedelta(seconds=95))
    sim.advance(minutes=20)
    rotated = seconds(sim, "X509 CA activated")
    assert len(rotated) > 10
    assert all(at % 10 == 0 for at in rotated)


def test_a_server_renews_its_svid_at_the_first_tick_past_its_half() -> None:
    sim = Simulation("example.org", seed=1, default_x509_svid_ttl=MINUTE)
    first = sim.root.svid
    sim.advance(seconds=29.999)  # from -10 s to 60 s, so that the half lies at 25 s; the tick after it comes at 30 s
    assert sim.root.svid == first
    sim.advance(seconds=0.001)
    assert sim.root.svid != first


def test_agents_see_an_entry_from_the_next_tick_of_the_entry_cache_on() -> None:
    sim = Simulation("example.org", seed=1)
    agent = sim.root.agent()
    sim.advance(seconds=11)
    sim.root.create_entry(spiffe_id="spiffe://example.org/web", parent_id=agent.spiffe_id, selectors=["unix:uid:1"])
    sim.advance(seconds=3.999)
    assert len(sim.root.cache) == 0
    sim.advance(seconds=0.001)
    assert len(sim.root.cache) == 1


def test_an_expired_entry_is_pruned_at_a_tick_five_minutes_apart() -> None:
    sim = Simulation("example.org", seed=1)
    sim.workload("/web", expires_at=sim.now + timedelta(seconds=301))
    sim.advance(seconds=599)
    assert seconds(sim, "Pruned an expired registration") == []
    sim.advance(seconds=1)
    assert seconds(sim, "Pruned an expired registration") == [600]


def test_a_nested_server_learns_a_root_at_the_next_of_its_polls() -> None:
    sim = Simulation("example.org", seed=1)
    sim.advance(seconds=2)
    nested = sim.root.nest("nested")
    sim.advance(seconds=6)
    sim.root.prepare_x509_authority()
    sim.advance(seconds=3.999)
    assert len(nested.bundle.x509_der) == 1
    sim.advance(seconds=0.001)  # 12 s: ten after it was started
    assert len(nested.bundle.x509_der) == 2


def test_loops_that_wait_for_nothing_but_a_time_have_no_grid() -> None:
    nested = Simulation("example.org", seed=1).root.nest("nested")
    for kind in (Redialer, WorkloadApiWatcher):
        loop = loop_of(nested, kind)
        assert (loop.grid, loop.retry_at, loop.due()) == (None, None, None)


def waits(loop: Redialer | WorkloadApiWatcher, count: int) -> list[float]:
    found = []
    for _ in range(count):
        loop.wait()
        assert loop.retry_at is not None
        found.append((loop.retry_at - loop.node.world.now) / SECOND)
    return found


def test_a_broken_connection_is_dialled_again_after_1_6_times_as_long_each_time_up_to_two_minutes() -> None:
    redialer = loop_of(Simulation("example.org", seed=1).root.nest("nested"), Redialer)
    assert isinstance(redialer, Redialer)
    expected = [min(1.6**step, 120) for step in range(14)]
    for wait, around in zip(waits(redialer, 14), expected, strict=True):
        assert 0.8 * around <= wait <= 1.2 * around


def test_the_workload_api_is_tried_again_after_a_second_more_each_time_up_to_thirty() -> None:
    watcher = loop_of(Simulation("example.org", seed=1).root.nest("nested"), WorkloadApiWatcher)
    assert isinstance(watcher, WorkloadApiWatcher)
    assert waits(watcher, 40) == [min(step, 30) for step in range(1, 41)]


def test_a_nested_server_catches_up_after_its_link_and_its_agent_were_gone() -> None:
    sim = Simulation("example.org", seed=1, ca_ttl=timedelta(hours=1))
    nested = sim.root.nest("nested")
    agent = nested.via
    assert agent is not None
    sim.advance(minutes=10)  # the connection is made anew every three
    sim.cut("nested", "root")
    sim.advance(minutes=5)
    sim.heal("nested", "root")
    sim.advance(minutes=5)
    sim.stop(agent)
    sim.advance(minutes=2)
    sim.start(agent)
    sim.advance(minutes=30)
    assert nested.bundle.x509_der == sim.root.bundle.x509_der
    assert len(nested.bundle.x509_der) > 1


def test_a_nested_server_that_starts_before_its_agent_waits_for_the_workload_api() -> None:
    sim = Simulation("example.org", seed=1)
    nested = sim.root.nest("nested")
    agent = nested.via
    assert agent is not None
    sim.stop(nested)
    sim.stop(agent)
    sim.start(nested)
    sim.advance(seconds=10)
    assert not nested.running
    sim.start(agent)
    sim.advance(minutes=2)
    assert nested.running


def test_authorities_that_ended_a_day_ago_are_pruned_at_a_tick_six_hours_apart() -> None:
    sim = Simulation("example.org", seed=1, ca_ttl=timedelta(hours=5))
    sim.advance(hours=29.9)  # the first ended 24.9 h ago
    (first, *_) = sim.root.bundle.x509_der
    sim.advance(hours=0.2)
    assert first not in sim.root.bundle.x509_der
    assert sim.root.bundle.x509_der


class Endpoint:
    """Stands for a bundle client: it counts polls, and asks for an interval."""

    def __init__(self) -> None:
        self.due: int | None = 0
        self.interval = 300
        self.polled = 0

    def poll(self) -> int:
        self.polled += 1
        return self.interval * SECOND


def test_a_bundle_endpoint_is_polled_at_once_and_then_at_the_interval_that_its_bundle_asks_for() -> None:
    sim, endpoint = Simulation("example.org", seed=1), Endpoint()
    sim.advance(seconds=2.5)
    loop = BundleUpdater(sim.root, endpoint, 3)  # type: ignore[arg-type]
    assert loop.key == (0, "root", BundleUpdater.place + 3)
    sim.world.timetable.add([loop])
    for seconds, polled in ((0, 1), (299, 1), (1, 2), (300, 3)):
        sim.advance(seconds=seconds)
        assert endpoint.polled == polled
    endpoint.interval = 75
    for seconds, polled in ((300, 4), (75, 5), (74, 5), (1, 6)):
        sim.advance(seconds=seconds)
        assert endpoint.polled == polled
    endpoint.due = None
    loop.node.world.timetable.wake(loop)
    sim.advance(seconds=1000)
    assert endpoint.polled == 6


def test_a_quiet_tree_of_servers_has_nothing_to_do_for_hours() -> None:
    day = timedelta(days=1)
    sim = Simulation("example.org", seed=1, ca_ttl=day, default_x509_svid_ttl=day)
    sim.root.nest("nested")
    sim.advance(minutes=1)
    assert sim.world.timetable.next is not None
    assert sim.world.timetable.next > sim.world.now + 3600 * SECOND
