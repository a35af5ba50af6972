"""What the tests of agents have in common."""

from __future__ import annotations

from typing import Any

from spiffesim import RegistrationEntry, Simulation
from spiffesim.agent import Agent


def create(agent: Agent, path: str = "/web", **fields: Any) -> RegistrationEntry:
    """An entry of an operator, for a process of user 1 on an agent's node."""
    said = {"spiffe_id": f"spiffe://example.org{path}", "parent_id": agent.spiffe_id, "selectors": ["unix:uid:1"]}
    return agent.server.create_entry(**{**said, **fields})


def kinds(sim: Simulation, node: str = "one") -> list[str]:
    """What happened on a node."""
    return [event.kind for event in sim.journal.where(node=node)]
