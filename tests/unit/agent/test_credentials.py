"""An agent's own identity: when it is renewed, and what becomes of it when it is turned away or tainted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from spiffesim import Simulation
from spiffesim.agent import Agent
from spiffesim.errors import Refused
from spiffesim.plugins.node_attestor.declared import DeclaredNodeAttestor
from spiffesim.plugins.node_attestor.join_token import JoinTokenAttestor
from tests.unit.agents import create, kinds

SECOND = timedelta(seconds=1)


@pytest.fixture
def sim() -> Simulation:
    return Simulation("example.org", seed=1)


@pytest.fixture
def agent(sim: Simulation) -> Agent:
    return sim.root.agent("one", attestor=DeclaredNodeAttestor("one"))


def test_the_default_timeline_of_an_agent_with_one_entry(sim: Simulation, agent: Agent) -> None:
    """SPIRE's default settings: each event within the interval in which a real deployment has it."""
    start, own = sim.now, agent.svid
    assert (own.not_before, own.not_after) == (start - 10 * SECOND, start + 3600 * SECOND)
    sim.advance(minutes=1)
    created = sim.now
    entry = create(agent)
    sim.run_until(lambda _: agent.cached_x509_svids, limit=timedelta(minutes=1), step=SECOND / 10)
    assert sim.now - created <= 11 * SECOND
    minted, stream = sim.now, agent.process(uid=1).watch_x509()
    assert len(list(stream)) == 1
    sim.run_until(lambda _: agent.svid != own, limit=timedelta(hours=1))
    assert 1610 * SECOND <= sim.now - start <= 1740 * SECOND
    sim.travel_to(minted + 1740 * SECOND)
    (renewed,) = stream
    assert 1610 * SECOND <= renewed.at - minted <= 1740 * SECOND
    sim.root.delete_entry(entry.id)
    sim.advance(seconds=11)
    assert agent.cached_x509_svids == 0
    sim.root.delete_agent(agent.spiffe_id)
    sim.advance(seconds=6)
    assert kinds(sim)[-1] == "Agent needs to re-attest; will attempt to re-attest"
    assert not agent.stopped
    end = agent.not_after
    sim.cut(agent, sim.root)
    sim.run_until(lambda _: agent.stopped, limit=timedelta(hours=2))
    assert timedelta(0) < sim.now - end <= 133 * SECOND


def test_who_may_not_renew_any_more_is_found_out_at_the_renewal(sim: Simulation) -> None:
    """Its server has been told meanwhile that this agent can attest again."""
    token = sim.root.create_join_token()
    agent = sim.root.agent("one", attestor=JoinTokenAttestor(token))
    node = sim.root.get_agent(agent.spiffe_id)
    sim.root.nodes.record(type(node)(node.spiffe_id, "x509pop", (), can_reattest=True, svid=node.svid))
    sim.advance(minutes=30)
    assert kinds(sim)[:2] == ["Could not rotate agent SVID", "Agent needs to re-attest; will attempt to re-attest"]
    assert sim.journal.where(node="one")[1].data == {"reason": "AGENT_MUST_REATTEST"}
    assert agent.stopped == "Agent failed re-attestation; removing SVID and shutting down"
    assert agent.credentials.storage.svid is None


def test_who_must_attest_again_and_can_begins_anew(sim: Simulation, agent: Agent) -> None:
    agent.credentials.reattestable = False  # as if its server had said so, and has changed its mind
    loops = agent.loops
    agent.attestor.can_reattest = True  # type: ignore[misc]  # the declared one's
    sim.advance(minutes=30)
    assert agent.stopped.startswith("Agent failed re-attestation")
    assert agent.loops != loops


def test_an_svid_is_judged_tainted_once(sim: Simulation, agent: Agent) -> None:
    roots = sim.root.view.roots
    agent.credentials.judge([])
    assert not agent.credentials.tainted
    agent.credentials.judge(roots)
    agent.credentials.judge(roots)
    assert kinds(sim) == ["Agent SVID is tainted by a root authority, forcing rotation"]
    sim.advance(seconds=6)
    assert kinds(sim)[-1] == "Successfully reattested node"
    assert not agent.credentials.tainted


def test_a_server_that_has_gone_and_one_that_is_another_are_told_apart(sim: Simulation, agent: Agent) -> None:
    agent.credentials.connect()
    sim.cut(agent, sim.root)
    with pytest.raises(Refused, match="connection refused"):
        agent.credentials.connect()
    assert not agent.credentials.connected


# The connection


def test_a_connection_lasts_until_a_call_fails_or_either_process_ends() -> None:
    sim = Simulation("example.org", seed=1, key_manager="disk")
    agent = sim.root.agent("one", attestor=DeclaredNodeAttestor("one"))
    agent.sync()
    credentials = agent.credentials
    calls: list[Callable[[], object]] = [
        lambda: None,
        lambda: sim.stop(sim.root),
        lambda: sim.start(sim.root),
        credentials.connect,
        lambda: sim.advance(seconds=11),
        lambda: sim.stop(agent),
    ]
    found = []
    for call in calls:
        call()
        found.append(credentials.connected)
    assert found == [True, False, False, True, True, False]


def test_it_is_known_from_when_on_the_server_cannot_be_reached(sim: Simulation, agent: Agent) -> None:
    credentials, ample = agent.credentials, 100
    ca_ends = sim.root.keyring.x509.current.not_after
    sim.advance(seconds=11)
    for connected in (True, False):
        credentials.connected = connected
        assert credentials.server_fails_from == ca_ends - ample * 10**6 + 1
    agent.skew = 10**6
    assert credentials.server_fails_from == sim.root.own_svid.record.not_after - 10**6 + 1
    agent.skew = 0
    sim.cut(agent, sim.root)
    for connected in (True, False):
        credentials.connected = connected
        assert credentials.server_fails_from == 0


@pytest.mark.parametrize(("attestor", "connected"), [(DeclaredNodeAttestor("two"), True), (None, False)])
def test_an_agent_that_attests_again_is_connected_at_once_and_one_that_renews_at_its_next_sync(
    sim: Simulation, attestor: DeclaredNodeAttestor | None, connected: bool
) -> None:
    agent = sim.root.agent("two") if attestor is None else sim.root.agent("two", attestor=attestor)
    own = agent.svid
    sim.run_until(lambda _: agent.svid != own, limit=timedelta(hours=1))
    assert agent.credentials.connected is connected
    assert agent.behind is not connected
    sim.advance(seconds=6)
    assert agent.credentials.connected
    assert not agent.behind
