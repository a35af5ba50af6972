"""What an operator does to the authorities of a server out of turn, and what a server then says of them."""

from __future__ import annotations

from datetime import timedelta

from spiffesim import Simulation
from spiffesim.server import Server

TELLING = timedelta(seconds=10)
"""Time enough for agents and one tier of servers to hear of something."""


def replaced(sim: Simulation, server: Server, kind: str = "x509") -> str:
    """Prepare another authority, let it be heard of, and activate it; the ID of the old one."""
    old: str = getattr(server, f"get_{kind}_authority_state")().active.authority_id
    prepared = getattr(server, f"prepare_{kind}_authority")()
    sim.advance(TELLING)
    getattr(server, f"activate_{kind}_authority")(prepared.authority_id)
    return old


def taints_of_root(server: Server, subject_key_id: str) -> list[bool]:
    """Whether a root is tainted, for each time that a server has it."""
    return [element.tainted for element in server.view.x509_elements if element.subject_key_id == subject_key_id]


def taints_of_key(server: Server, key_id: str) -> list[bool]:
    """Whether a JWT key is tainted, for each time that a server has it."""
    return [element.tainted for element in server.view.jwt_elements if element.key_id == key_id]
