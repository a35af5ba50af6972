"""How long it takes until everybody knows: five seconds a server at most, and five and a half more for its agents.

SPIRE: pkg/server/plugin/upstreamauthority/spire/spire.go (a poll every five seconds),
pkg/agent/manager/manager.go (a sync every 4.5 to 5.5 seconds)
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from spiffesim import Simulation, SpiffeBundle

SERVERS = ("root", "A", "B", "A/leaf", "B/leaf", "B/leaf/leaf")
POLL = timedelta(seconds=5)
SYNC = timedelta(seconds=5.5)


def deployment(seed: int) -> Simulation:
    """Two branches, one of them deeper, all started at instants of their own, each server with an agent."""
    sim = Simulation("example.org", seed=seed)
    for name in SERVERS[1:]:
        sim.advance(seconds=7.3)
        parent, _, _ = name.rpartition("/")
        sim.servers[parent or "root"].nest(name)
    for name in SERVERS:
        sim.servers[name].agent(f"{name} agent")
    sim.advance(minutes=1)
    return sim


def arrivals(sim: Simulation, knows: Callable[[SpiffeBundle], bool]) -> dict[str, timedelta]:
    """How long after now each node has first known something."""
    began, seen = sim.now, dict[str, datetime]()
    views = {name: server.view for name, server in sim.servers.items()}
    views |= {name: agent.view for name, agent in sim.agents.items()}

    def everybody(sim: Simulation) -> bool:
        for name, view in views.items():
            if name not in seen and knows(view.bundle):
                seen[name] = sim.now
        return len(seen) == len(views)

    sim.run_until(everybody, limit=timedelta(minutes=1))
    return {name: at - began for name, at in seen.items()}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_jwt_key_goes_up_at_once_and_comes_down_on_the_other_side_poll_by_poll(seed: int) -> None:
    sim = deployment(seed)
    key_id = sim.servers["A/leaf"].prepare_jwt_authority().authority_id
    late = arrivals(sim, lambda bundle: key_id in bundle.jwt_authorities)
    assert [late[name] for name in ("A/leaf", "A", "root")] == [timedelta(0)] * 3  # the call itself went up
    for hops, name in enumerate(("B", "B/leaf", "B/leaf/leaf"), start=1):
        assert timedelta(0) < late[name] <= hops * POLL
    for name in SERVERS:
        assert late[name] < late[f"{name} agent"] <= late[name] + SYNC


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_root_comes_down_poll_by_poll(seed: int) -> None:
    sim = deployment(seed)
    roots = len(sim.root.bundle.x509_der)
    sim.root.prepare_x509_authority()
    late = arrivals(sim, lambda bundle: len(bundle.x509_der) > roots)
    assert late["root"] == timedelta(0)
    for name in SERVERS[1:]:
        parent = name.rpartition("/")[0] or "root"
        assert late[parent] < late[name] <= late[parent] + POLL
    for name in SERVERS:
        assert late[name] < late[f"{name} agent"] <= late[name] + SYNC


def test_what_is_tainted_on_the_way_is_tainted_below_only_after_the_server_has_left_it() -> None:
    sim = deployment(4)
    old = sim.root.get_x509_authority_state().active.authority_id
    sim.root.prepare_x509_authority()
    sim.advance(seconds=30)
    prepared = sim.root.get_x509_authority_state().prepared
    assert prepared is not None
    sim.root.activate_x509_authority(prepared.authority_id)
    sim.root.taint_x509_authority(old)
    sim.advance(minutes=1)
    for name in SERVERS[1:]:
        (activated,) = [event.at for event in sim.journal.where(kind="X509 CA activated", node=name)][1:]
        (noticed,) = sim.journal.where(kind="New tainted X.509 authorities found", node=f"{name} agent")
        assert activated < noticed.at
        assert sim.servers[name].svid.leaf.issuer == sim.servers[name].svid.certificates[1].subject


def test_entries_never_leave_their_server() -> None:
    sim = deployment(5)
    sim.servers["A"].workload("/only-here")
    sim.advance(minutes=1)
    assert [
        str(entry.spiffe_id) for entry in sim.servers["A"].list_entries(by_spiffe_id="spiffe://example.org/only-here")
    ]
    for name in SERVERS:
        if name != "A":
            assert not sim.servers[name].list_entries(by_spiffe_id="spiffe://example.org/only-here")
