"""Actions: what operators do to a simulation, as values, for fuzzers of your own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeVar

import attrs
from hypothesis import strategies as st

from spiffesim.errors import InvalidInput, SpiffeSimError
from spiffesim.server.server import Server
from spiffesim.simulation import Simulation

_Node = TypeVar("_Node")
_Deed: TypeAlias = Callable[..., object]

_NUMBERS: Final = st.integers(0, 9)
_KINDS: Final = st.sampled_from(("x509", "jwt"))


def _pick(nodes: Sequence[_Node], number: int) -> _Node:
    """The node with a number, counted round: whatever there is of, there is one of every number."""
    if not nodes:
        raise InvalidInput("there is no such node", code="no_node")
    return nodes[number % len(nodes)]


def _server(sim: Simulation, number: int) -> Server:
    return _pick(list(sim.servers.values()), number)


def _daemon(sim: Simulation, number: int) -> str:
    return _pick([*sim.servers, *sim.agents], number)


def _link(sim: Simulation, number: int) -> tuple[str, str]:
    nested = [(server.name, server.parent.name) for server in sim.servers.values() if server.parent is not None]
    return _pick([*nested, *((agent.name, agent.server.name) for agent in sim.agents.values())], number)


# What operators do. Each has the name of its action.


def _advance(sim: Simulation, minutes: int) -> None:
    sim.advance(minutes=minutes)


def _settle(sim: Simulation) -> None:
    sim.settle()


def _nest(sim: Simulation, server: int) -> None:
    _server(sim, server).nest(sim.world.free_name("nested"))


def _register(sim: Simulation, server: int) -> None:
    _server(sim, server).workload(f"/{sim.world.free_name('registered')}")


def _deregister(sim: Simulation, workload: int) -> None:
    found = _pick(list(sim.workloads.values()), workload)
    held = set(found.selectors)
    for entry in found.agent.server.list_entries():
        if entry.parent_id == found.agent.spiffe_id and set(entry.selectors) <= held and not entry.downstream:
            found.agent.server.delete_entry(entry.id)


def _prepare(sim: Simulation, server: int, kind: str) -> None:
    getattr(_server(sim, server), f"prepare_{kind}_authority")()


def _activate(sim: Simulation, server: int, kind: str) -> None:
    _change(_server(sim, server), "activate", kind)


def _taint(sim: Simulation, server: int, kind: str) -> None:
    _change(_server(sim, server), "taint", kind)


def _revoke(sim: Simulation, server: int, kind: str) -> None:
    _change(_server(sim, server), "revoke", kind)


def _change(server: Server, verb: str, kind: str) -> None:
    getattr(server, f"{verb}_{kind}_authority")(getattr(server.keyring, kind).next.authority_id)


def _ban(sim: Simulation, agent: int) -> None:
    banned = _pick(list(sim.agents.values()), agent)
    banned.server.ban_agent(banned.spiffe_id)


def _cut(sim: Simulation, link: int) -> None:
    sim.cut(*_link(sim, link))


def _heal(sim: Simulation, link: int) -> None:
    sim.heal(*_link(sim, link))


def _skew(sim: Simulation, node: int, seconds: int) -> None:
    sim.skew(_daemon(sim, node), seconds)


def _stop(sim: Simulation, node: int) -> None:
    sim.stop(_daemon(sim, node))


def _start(sim: Simulation, node: int) -> None:
    sim.start(_daemon(sim, node))


_ACTIONS: Final[Mapping[str, tuple[_Deed, Mapping[str, st.SearchStrategy[Any]]]]] = MappingProxyType(
    {
        "advance": (_advance, {"minutes": st.integers(1, 24 * 60)}),
        "settle": (_settle, {}),
        "nest": (_nest, {"server": _NUMBERS}),
        "register": (_register, {"server": _NUMBERS}),
        "deregister": (_deregister, {"workload": _NUMBERS}),
        "prepare": (_prepare, {"server": _NUMBERS, "kind": _KINDS}),
        "activate": (_activate, {"server": _NUMBERS, "kind": _KINDS}),
        "taint": (_taint, {"server": _NUMBERS, "kind": _KINDS}),
        "revoke": (_revoke, {"server": _NUMBERS, "kind": _KINDS}),
        "ban": (_ban, {"agent": _NUMBERS}),
        "cut": (_cut, {"link": _NUMBERS}),
        "heal": (_heal, {"link": _NUMBERS}),
        "skew": (_skew, {"node": _NUMBERS, "seconds": st.integers(-600, 600)}),
        "stop": (_stop, {"node": _NUMBERS}),
        "start": (_start, {"node": _NUMBERS}),
    }
)
ACTIONS: Final = tuple(_ACTIONS)
"""The names of all actions."""


@attrs.frozen(init=False, repr=False)
class OperatorAction:
    """Something that an operator does. Its repr is the call that makes it.

    Nodes are numbers, counted round among those that there are when it is applied: so an action can be drawn before
    anybody knows to what, and applied to any simulation.

    Args:
        name: One of ``ACTIONS``.
        **arguments: The numbers of nodes, and what else it takes.

    Raises:
        InvalidInput: If there is no such action, or it takes other arguments.
    """

    name: str
    arguments: Mapping[str, Any] = attrs.field(hash=False)

    def __init__(self, name: str, /, **arguments: Any) -> None:
        if name not in _ACTIONS or set(arguments) != set(_ACTIONS[name][1]):
            known = ", ".join(f"{action}({', '.join(takes)})" for action, (_, takes) in _ACTIONS.items())
            raise InvalidInput(
                f"{name!r:.80} with {', '.join(arguments) or 'nothing'} is none of {known}", code="action"
            )
        self.__attrs_init__(name, MappingProxyType(arguments))

    def apply(self, sim: Simulation) -> SpiffeSimError | None:
        """Do it.

        Args:
            sim: To which simulation.

        Returns:
            The refusal, if it was refused; None if it was done.
        """
        try:
            _ACTIONS[self.name][0](sim, **self.arguments)
        except SpiffeSimError as refusal:
            return refusal
        return None

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(repr(self))

    def __repr__(self) -> str:
        said = [repr(self.name), *(f"{name}={value!r}" for name, value in self.arguments.items())]
        return f"OperatorAction({', '.join(said)})"


@st.composite
def operator_actions(draw: st.DrawFn, /, *, names: Collection[str] = ACTIONS) -> OperatorAction:
    """What operators do, as values: ``@given(st.lists(operator_actions()))``, and ``action.apply(sim)`` for each.

    Args:
        draw: Hypothesis'.
        names: Which actions are drawn, the simplest first; some of ``ACTIONS``.
    """
    name = draw(st.sampled_from(list(names)))
    if name not in _ACTIONS:
        raise InvalidInput(f"there is no action {name!r:.80}; there is {', '.join(ACTIONS)}", code="action")
    return OperatorAction(name, **draw(st.fixed_dictionaries(dict(_ACTIONS[name][1]))))
