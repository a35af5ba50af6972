"""The start of an agent's process: what it has on its disk, how long it tries, and when it gives up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from spiffesim import Simulation
from spiffesim.agent import Agent
from spiffesim.errors import AttestationFailed, Unavailable
from spiffesim.plugins.node_attestor.declared import DeclaredNodeAttestor
from tests.unit.agents import kinds

LOST = "you have requested rebootstrap support but the NodeAttestor plugin or the spire server configuration is not"


@pytest.fixture
def sim() -> Simulation:
    return Simulation("example.org", seed=1)


def make(sim: Simulation, *, again: bool = True, **options: Any) -> Agent:
    agent = sim.root.agent("one", attestor=DeclaredNodeAttestor("one", can_reattest=again), **options)
    agent.workload("/web")
    return agent


def restarted(sim: Simulation, agent: Agent, after: timedelta = timedelta(minutes=1)) -> list[str]:
    """What is noted when an agent was stopped for a while."""
    sim.stop(agent)
    sim.advance(after)
    before = len(kinds(sim))
    sim.start(agent)
    return kinds(sim)[before:]


def strangers(agent: Agent) -> None:
    """Let the agent know none of the authorities that its server has."""
    agent.view = type(agent.view)(Simulation("example.org", seed=99).root.view.ledger)
    agent.wake()


# What is on the disk


def test_an_svid_on_the_disk_is_used_again(sim: Simulation) -> None:
    agent = make(sim)
    svid = agent.svid
    assert restarted(sim, agent) == ["Starting", "SVID loaded", "Starting Workload and SDS APIs"]
    assert agent.svid == svid
    sim.workloads["web"].fetch_x509_svid()


def test_an_old_svid_is_renewed_as_soon_as_it_is_loaded(sim: Simulation) -> None:
    agent = make(sim, again=False)
    noted = restarted(sim, agent, timedelta(minutes=50))
    assert noted[-2:] == ["Starting Workload and SDS APIs", "Successfully rotated agent SVID"]


def test_an_svid_that_has_expired_is_left(sim: Simulation) -> None:
    noted = restarted(sim, make(sim), timedelta(hours=1))
    assert noted[1:4] == [
        "SVID key recovered, but SVID is expired. Generating new keypair",
        "SVID is not found. Starting node attestation",
        "Node attestation was successful",
    ]


def test_keys_in_memory_are_lost(sim: Simulation) -> None:
    noted = restarted(sim, make(sim, key_manager="memory"))
    assert noted[1] == "SVID recovered, but no keys found. Generating new keypair"
    assert noted[-1] == "Starting Workload and SDS APIs"


def test_an_agent_that_cannot_attest_again_is_lost_with_its_keys(sim: Simulation) -> None:
    agent = sim.root.agent("one", key_manager="memory")
    assert kinds(sim)[0].startswith("Node attestation is not reattestable and the 'memory' key manager is in use")
    restarted(sim, agent)
    sim.advance(minutes=2)
    assert kinds(sim)[-1] == "Agent crashed"
    assert "join token does not exist or has already been used" in agent.stopped


def test_other_keys_do_not_help(sim: Simulation) -> None:
    agent = make(sim)
    sim.stop(agent)
    agent.credentials.storage.keys = (sim.root.agent("two").credentials.svid.key,)
    sim.start(agent)
    assert "SVID recovered, but no SVID key found. Generating new keypair" in kinds(sim)


def test_a_key_without_an_svid_does_not_help_either(sim: Simulation) -> None:
    agent = make(sim)
    sim.root.ban_agent(agent.spiffe_id)
    sim.advance(seconds=6)
    sim.root.delete_agent(agent.spiffe_id)
    sim.start(agent)
    assert "Keys recovered, but no SVID found. Generating new keypair" in kinds(sim)
    assert not agent.stopped


# How long it tries


def test_a_start_without_the_server_is_tried_for_a_minute_and_serves_nothing(sim: Simulation) -> None:
    agent = make(sim)
    sim.stop(agent)
    sim.cut(agent, sim.root)
    sim.start(agent)
    with pytest.raises(Unavailable):
        sim.workloads["web"].fetch_x509_svid()
    sim.advance(minutes=1)
    assert kinds(sim).count("Failed to initialize manager") == 4
    assert kinds(sim)[-1] == "Agent crashed"
    assert agent.stopped.startswith("failed to fetch authorized entries: rpc error: code = Unavailable")
    assert not agent.loops


@pytest.mark.parametrize("lost", [False, True])
def test_a_start_succeeds_as_soon_as_the_server_is_back(sim: Simulation, lost: bool) -> None:
    agent = make(sim, key_manager="memory" if lost else "disk")
    sim.stop(agent)
    sim.cut(agent, sim.root)
    sim.start(agent)
    sim.advance(seconds=20)
    assert agent.stopped == "starting"
    sim.heal(agent, sim.root)
    sim.advance(seconds=20)
    assert not agent.stopped
    tried = "Failed to retrieve attestation result" if lost else "Failed to initialize manager"
    (first, *_) = sim.journal.where(kind=tried, node="one")
    assert first.data["retry_interval"].startswith(("4.", "5"))
    sim.workloads["web"].fetch_x509_svid()


def test_an_agent_that_rebootstraps_tries_for_a_day(sim: Simulation) -> None:
    agent = make(sim, rebootstrap_mode="always")
    sim.stop(agent)
    sim.cut(agent, sim.root)
    sim.start(agent)
    sim.advance(hours=23)
    assert agent.stopped == "starting"
    sim.advance(hours=2)
    assert kinds(sim)[-1] == "Agent crashed"


# Turned away


def test_a_banned_agent_ends_at_once(sim: Simulation) -> None:
    agent = make(sim)
    sim.stop(agent)
    sim.root.ban_agent(agent.spiffe_id)
    sim.start(agent)
    assert kinds(sim)[-2:] == ["Agent is banned: removing SVID and shutting down", "Agent crashed"]
    sim.start(agent)  # without an SVID it has to attest
    assert agent.stopped == "rpc error: code = PermissionDenied desc = failed to attest: agent is banned"
    assert not agent.loops


def test_an_evicted_agent_attests_at_its_next_start(sim: Simulation) -> None:
    agent = make(sim)
    sim.stop(agent)
    sim.root.delete_agent(agent.spiffe_id)
    sim.start(agent)
    assert kinds(sim)[-2:] == ["Agent needs to re-attest: removing SVID and shutting down", "Agent crashed"]
    sim.start(agent)
    assert not agent.stopped


def test_a_banned_agent_whose_keys_were_in_memory_has_nothing_left(sim: Simulation) -> None:
    agent = make(sim, key_manager="memory")
    sim.root.ban_agent(agent.spiffe_id)
    sim.advance(seconds=6)
    sim.root.delete_agent(agent.spiffe_id)
    sim.start(agent)
    noted = kinds(sim)
    assert noted[noted.index("Starting") + 1] == "SVID is not found. Starting node attestation"
    assert not agent.stopped


# Another authority


def test_a_server_of_another_authority_is_waited_for_and_then_taken(sim: Simulation) -> None:
    agent = make(sim, rebootstrap_mode="auto", rebootstrap_delay=timedelta(minutes=3))
    sim.stop(agent)
    strangers(agent)
    sim.start(agent)
    sim.advance(minutes=10)
    assert "Trust Bundle and Server don't agree, ignoring for now" in kinds(sim)
    assert agent.stopped == "Agent needs to rebootstrap. shutting down"
    sim.start(agent)
    assert not agent.stopped


def test_without_an_svid_another_authority_is_taken_in_the_same_start(sim: Simulation) -> None:
    agent = make(sim, rebootstrap_mode="auto", rebootstrap_delay=timedelta(minutes=3), key_manager="memory")
    sim.stop(agent)
    strangers(agent)
    sim.start(agent)
    sim.advance(minutes=10)
    assert "Trust Bundle and Server don't agree, rebootstrapping" in kinds(sim)
    assert not agent.stopped


def test_an_agent_that_never_rebootstraps_tries_for_a_minute(sim: Simulation) -> None:
    agent = make(sim)
    sim.stop(agent)
    strangers(agent)
    sim.start(agent)
    sim.advance(minutes=2)
    assert "x509: certificate signed by unknown authority" in agent.stopped


def test_who_cannot_attest_again_cannot_rebootstrap(sim: Simulation) -> None:
    agent = make(sim, again=False, rebootstrap_mode="auto")
    assert kinds(sim)[0].startswith(LOST)
    assert kinds(sim)[0].endswith("allowing it. Disabling")
    assert agent.rebootstrap_mode == "never"
    with pytest.raises(AttestationFailed, match=LOST):
        sim.root.agent("two", rebootstrap_mode="always")
