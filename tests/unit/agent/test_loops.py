"""The loops of an agent: when they tick, how far they back off, and how taints are worked off."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from spiffesim import Simulation
from spiffesim.agent import Agent
from spiffesim.agent.loops import LOOPS, Subscriptions, SvidMinter, SvidRotator, Synchronizer, TaintProcessor
from spiffesim.clock import EPOCH
from spiffesim.instants import SECOND
from spiffesim.loop import Loop


def world(seed: int = 1) -> tuple[Simulation, Agent]:
    sim = Simulation("example.org", seed=seed)
    return sim, sim.root.agent()


def loop_of(agent: Agent, kind: type[Loop]) -> Loop:
    (found,) = (loop for loop in agent.loops if isinstance(loop, kind))
    return found


def gaps(loop: Loop) -> list[float]:
    assert loop.grid is not None
    ticks = [loop.grid.at(tick) for tick in range(1, 400)]
    return [(later - earlier) / SECOND for earlier, later in itertools.pairwise(ticks)]


def test_each_loop_has_a_place_and_a_name_of_its_own_in_the_order_of_their_start() -> None:
    assert [kind.place for kind in LOOPS] == sorted({kind.place for kind in LOOPS})
    assert len({kind.name for kind in LOOPS}) == len(LOOPS)


@pytest.mark.parametrize(("kind", "period"), [(Synchronizer, 5), (SvidMinter, 0.5), (SvidRotator, 5)])
def test_an_agent_ticks_at_jittered_intervals(kind: type[Loop], period: float) -> None:
    found = gaps(loop_of(world()[1], kind))
    assert 0.9 * period <= min(found) < 0.93 * period
    assert 1.07 * period < max(found) <= 1.1 * period


def test_the_first_sync_comes_after_at_most_five_seconds() -> None:
    firsts = []
    for seed in range(12):
        agent = world(seed)[1]
        grid = loop_of(agent, Synchronizer).grid
        assert grid is not None
        firsts.append((grid.at(1) - grid.start) / SECOND)
        assert (grid.at(2) - grid.start) / SECOND == pytest.approx(10, abs=0.25)
    assert max(firsts) == 5  # of those that would be later
    assert 4.75 <= min(firsts) < 5


def test_a_sync_backs_off_to_48_intervals_and_no_further_than_eight_minutes() -> None:
    sim, agent = world()
    assert loop_of(agent, Synchronizer).longest == 48  # four minutes
    slow = sim.root.agent("slow", sync_interval=timedelta(seconds=30))
    assert loop_of(slow, Synchronizer).longest == 16


def test_loops_that_wait_for_nothing_but_a_time_have_no_grid() -> None:
    agent = world()[1]
    for kind in (TaintProcessor, Subscriptions):
        loop = loop_of(agent, kind)
        assert (loop.grid, loop.retry_at, loop.due()) == (None, None, None)


def test_what_was_dropped_is_minted_within_half_a_second() -> None:
    sim = Simulation("example.org", seed=1)
    web = sim.workload("/web")
    sim.advance(seconds=11)
    agent, first = web.agent, web.fetch_x509_svid()
    (entry,) = agent.matching(web.selectors)
    agent.cache.drop(entry.id)
    agent.wake()
    sim.advance(seconds=0.55)
    held = agent.cache.svid(entry)
    assert held is not None
    assert held.draw() != first


def test_an_agent_renews_its_own_svid_around_its_half() -> None:
    sim, agent = world()
    first = agent.svid
    sim.advance(minutes=26)
    assert agent.svid == first
    sim.advance(minutes=8)
    assert agent.svid != first


def told(sim: Simulation, kind: str, begun: float) -> list[tuple[float, dict[str, object]]]:
    return [((event.at - EPOCH).total_seconds() - begun, event.data) for event in sim.journal.where(kind=kind)]


def test_tainted_svids_are_worked_off_a_hundred_every_five_seconds_beginning_at_once() -> None:
    sim, agent = world()
    sim.advance(seconds=60)
    taints = loop_of(agent, TaintProcessor)
    assert isinstance(taints, TaintProcessor)
    taints.schedule(tuple(f"entry {number}" for number in range(250)), ())
    sim.advance(seconds=2)
    taints.schedule(("one more",), ())  # which does not wait for the others
    sim.advance(seconds=60)
    left = told(sim, "There are tainted X.509 SVIDs left to be processed", 60)
    assert left == [(0, {"count": 150}), (5, {"count": 50})]
    assert [at for at, _ in told(sim, "Finished processing all tainted entries", 60)] == [2, 10]
    assert taints.retry_at is None


def test_a_suspended_machine_works_off_the_rest_afterwards() -> None:
    sim, agent = world()
    taints = loop_of(agent, TaintProcessor)
    assert isinstance(taints, TaintProcessor)
    taints.schedule(tuple(f"entry {number}" for number in range(150)), ())
    sim.advance(seconds=1)
    sim.pause(agent)
    sim.advance(seconds=100)
    sim.resume(agent)
    sim.advance(seconds=60)
    assert [at for at, _ in told(sim, "Finished processing all tainted entries", 0)] == [105]


def test_streams_are_looked_at_until_none_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = iter((True, True, False))
    monkeypatch.setattr(Agent, "answer_streams", lambda _: next(waiting))
    sim, agent = world()
    subscriptions = loop_of(agent, Subscriptions)
    assert isinstance(subscriptions, Subscriptions)
    subscriptions.wait()
    sim.advance(seconds=1.2)
    assert subscriptions.failures > 0
    sim.advance(seconds=60)
    assert subscriptions.failures == 0
    assert subscriptions.retry_at is None
    assert list(waiting) == []


def test_streams_that_wait_are_looked_at_after_longer_and_longer() -> None:
    sim, agent = world()
    subscriptions = loop_of(agent, Subscriptions)
    assert isinstance(subscriptions, Subscriptions)
    waits = []
    for failures in range(12):
        subscriptions.failures = failures
        subscriptions.wait()
        assert subscriptions.retry_at is not None
        waits.append((subscriptions.retry_at - sim.world.now) / SECOND)
    for wait, expected in zip(waits, (min(0.5 * 1.5**step, 12) for step in range(12)), strict=True):
        assert 0.9 * expected <= wait <= 1.1 * expected


def test_an_agent_with_nothing_to_do_asks_for_no_tick_for_hours() -> None:
    day = timedelta(days=1)
    sim = Simulation("example.org", seed=1, ca_ttl=10 * day, default_x509_svid_ttl=day)
    sim.workload("/web")
    sim.advance(minutes=1)
    assert sim.world.timetable.next is not None
    assert sim.world.timetable.next > sim.world.now + 3600 * SECOND
