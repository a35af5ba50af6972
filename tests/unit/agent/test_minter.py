"""Minting: what an agent asks its server for, and when it asks again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from spiffesim import Simulation
from spiffesim.agent import Agent
from spiffesim.errors import InvalidConfiguration, Refused
from spiffesim.journal import Level
from spiffesim.plugins.node_attestor.declared import DeclaredNodeAttestor
from tests.unit.agents import create

DAY = timedelta(days=1)


@pytest.fixture
def sim() -> Simulation:
    return Simulation("example.org", seed=1)


@pytest.fixture
def agent(sim: Simulation) -> Agent:
    return sim.root.agent("one", attestor=DeclaredNodeAttestor("one"))


def test_what_was_refused_is_asked_for_again_once_the_server_has_changed() -> None:
    sim = Simulation("example.org", seed=1)
    agent = sim.root.agent("one", attestor=DeclaredNodeAttestor("one"))
    entry = create(agent)
    sim.settle()
    found = [agent.minter.pending]
    agent.cache.drop(entry.id)
    agent.cache.plan()
    found.append(agent.minter.pending)
    agent.minter._refuse(entry, Refused("no", status="INTERNAL"))
    found.append(agent.minter.pending)
    sim.root.changed()
    found.append(agent.minter.pending)
    sim.advance(seconds=1)
    found.append(agent.minter.pending)
    assert found == [False, True, False, True, False]
    assert agent.cached_x509_svids == 1


def test_what_could_not_be_asked_is_asked_again_half_as_much_at_a_time(sim: Simulation, agent: Agent) -> None:
    for number in range(3):
        create(agent, f"/{number}", selectors=[f"unix:uid:{number}"], disable_x509_svid_prefetch=True)
    sim.settle()
    sim.cut(agent, sim.root)
    streams = [agent.process(uid=number).watch_x509() for number in range(3)]
    sim.advance(minutes=1)
    failures = sim.journal.where(kind="SVID sync failed", node="one")
    assert failures[0].data["error"].startswith("failed to batch new X509 SVID(s): rpc error: code = Unavailable")
    assert len(failures) == 10  # after 0.5, 0.75, 1.1, ... s
    sim.heal(agent, sim.root)
    sim.advance(minutes=1)
    assert agent.cached_x509_svids == 3
    assert [len(list(stream)) for stream in streams] == [1, 1, 1]


# How many, how often


def test_more_than_five_hundred_svids_take_more_than_one_call(sim: Simulation, agent: Agent) -> None:
    for number in range(600):
        create(agent, f"/{number}", selectors=[f"unix:uid:{number}"])
    sim.root.reload_entries()
    agent.sync()
    assert agent.cached_x509_svids == 500
    sim.advance(seconds=1)
    assert agent.cached_x509_svids == 600


def test_a_small_cache_holds_what_is_asked_for(sim: Simulation) -> None:
    agent = sim.root.agent("one", x509_svid_cache_max_size=2)
    for number in range(4):
        create(agent, f"/{number}", selectors=[f"unix:uid:{number}"])
    sim.advance(seconds=12)
    assert agent.cached_x509_svids == 2
    for number in range(4):
        agent.process(uid=number).fetch_x509_svid()
        sim.advance(milliseconds=1)
    assert agent.cached_x509_svids == 4
    sim.advance(seconds=6)
    assert agent.cached_x509_svids == 2
    assert agent.identities(agent.process(uid=3).selectors)  # the last that somebody asked for


def test_a_workload_beyond_the_size_of_the_cache_gets_its_svid_when_it_asks(sim: Simulation) -> None:
    agent = sim.root.agent("one", x509_svid_cache_max_size=1)
    first, second = agent.workload("/first"), agent.workload("/second")
    assert agent.cached_x509_svids == 1
    assert first.fetch_x509_svid() != second.fetch_x509_svid()


def test_an_agent_of_a_target_renews_earlier_and_says_when_it_cannot() -> None:
    sim = Simulation("example.org", seed=1, default_x509_svid_ttl=4 * DAY, ca_ttl=30 * DAY)
    agent = sim.root.agent("one", availability_target=3 * DAY)
    web, short = agent.workload("/web"), agent.workload("/short", x509_svid_ttl=DAY)
    assert short.fetch_x509_svid().not_after == sim.now + DAY
    warning = "X509 SVID lifetime isn't long enough to guarantee the availability_target, falling back to the default"
    assert [event.data["spiffe_id"] for event in sim.journal if event.kind.startswith(warning)] == [
        "spiffe://example.org/short"
    ]
    stream = web.watch_x509()
    start = next(stream).at
    sim.advance(days=2)
    assert timedelta(minutes=-11) < next(stream).at - (start + DAY) < timedelta(minutes=1)
    with pytest.raises(InvalidConfiguration, match="availability_target must be at least 24h0m0s"):
        sim.root.agent("two", availability_target=timedelta(hours=23))


def test_renewals_are_noted_only_for_who_asks_for_details() -> None:
    noted = []
    levels: tuple[Level, ...] = ("info", "debug")
    for level in levels:
        sim = Simulation("example.org", seed=1, journal=level)
        web = sim.workload("/web")
        sim.advance(hours=1)
        noted.append((len(sim.journal.where(kind="Renewing X509-SVID")), web.fetch_x509_svid()))
    assert noted[0][0] == 0
    assert noted[1][0] == 2
    assert noted[0][1] == noted[1][1]
