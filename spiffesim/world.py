"""The world that the nodes of one simulation share: clock, streams, journal, and each other by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, SupportsIndex, TypeVar, Unpack

from spiffesim.agentconfig import AgentSettings
from spiffesim.clock import Clock
from spiffesim.configuration import Settings
from spiffesim.entries import EntryOptions, SelectorLike
from spiffesim.errors import InvalidTopology
from spiffesim.golang import valid_string
from spiffesim.instants import Microseconds
from spiffesim.journal import Journal, Level
from spiffesim.links import Links
from spiffesim.plugins.workload_attestor import ProcessAttributes
from spiffesim.randomness import Randomness
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.x509.edges import EdgeMemo
from spiffesim.timetable import Timetable

_FOREIGN: Final = re.compile(r"[^A-Za-z0-9._-]")
_DOTS: Final = (".", "..")

if TYPE_CHECKING:  # names in the Protocol only: the world stands below all of them
    from spiffesim.agent import Agent
    from spiffesim.plugins.key_manager import KeyManager
    from spiffesim.plugins.node_attestor import NodeAttestor
    from spiffesim.plugins.upstream_authority import UpstreamAuthority
    from spiffesim.plugins.workload_attestor import Process, WorkloadAttestor
    from spiffesim.server import Server
    from spiffesim.workload import Workload


class NestOptions(Settings, total=False):
    """What may be said of a nested server: the settings that differ from its parent's, and these."""

    via: Agent | None
    process: Process | None
    key_manager: KeyManager | str | None


class AgentOptions(AgentSettings, total=False):
    """What may be said of a new agent: its settings, and these."""

    attestor: NodeAttestor | None
    workload_attestors: Sequence[WorkloadAttestor] | None


class WorkloadOptions(EntryOptions, total=False):
    """What may be said of a workload: the fields of its entry, and these."""

    name: str | None
    process: Process | None
    selectors: Iterable[SelectorLike] | None


class ProcessOptions(ProcessAttributes, total=False):
    """What may be said of a process: its attributes, and its name in the simulation."""

    name: str | None


class Maker(Protocol):
    """Who makes new nodes: the convenience methods of the nodes themselves come here."""

    def nest(self, parent: Server, name: str, **options: Unpack[NestOptions]) -> Server:
        """Nest a server."""
        ...

    def agent(self, server: Server, name: str | None = None, **options: Unpack[AgentOptions]) -> Agent:
        """Attest an agent."""
        ...

    def workload(self, agent: Agent, path: SpiffeId | str, **options: Unpack[WorkloadOptions]) -> Workload:
        """Register and start a workload."""
        ...

    def process(self, agent: Agent, **options: Unpack[ProcessOptions]) -> Workload:
        """Start a workload without registering it."""
        ...


class Placed(Protocol):
    """What a roll knows of a node."""

    @property
    def name(self) -> str:
        """Its name in the simulation."""
        ...

    @property
    def depth(self) -> int:
        """How many servers stand above it."""
        ...


class Reached(Placed, Protocol):
    """What a call arrives at."""

    @property
    def running(self) -> bool:
        """Whether it answers."""
        ...


_Node = TypeVar("_Node", bound=Placed)


class Roll(Mapping[str, _Node], Generic[_Node]):
    """The nodes of one kind by name; they come parents first, then by name, whenever they were made."""

    def __init__(self) -> None:
        self._nodes: dict[str, _Node] = {}
        self._in_order = True

    def add(self, node: _Node) -> None:
        """Take a node, whose name is free."""
        if self._nodes:
            last = next(reversed(self._nodes.values()))
            self._in_order &= _place(last) < _place(node)
        self._nodes[node.name] = node

    def __getitem__(self, name: str) -> _Node:
        return self._nodes[name]

    def __contains__(self, name: object) -> bool:
        return name in self._nodes

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[str]:
        if not self._in_order:
            self._nodes = {node.name: node for node in sorted(self._nodes.values(), key=_place)}
            self._in_order = True
        return iter(self._nodes)

    def __repr__(self) -> str:
        return repr(dict(self))


def _place(node: Placed) -> tuple[int, str]:
    return node.depth, node.name


class World:
    """What all nodes of a simulation share.

    Attributes:
        clock: The one clock.
        randomness: The named streams.
        journal: What happened.
        timetable: What happens next.
        links: Which nodes cannot reach each other.
        memo: Signature checks that succeeded; never pickled.
        max_depth: The deepest that servers may nest; None for no limit.
        servers: The servers.
        agents: The agents.
        workloads: The workloads.
        upstreams: The upstream authorities of root servers, by name.
        reserved: Names that only those may have who ask for them.
        builder: Who makes new nodes.
    """

    builder: Maker

    def __init__(
        self, clock: Clock, randomness: Randomness, max_depth: int | None = None, level: Level = "info"
    ) -> None:
        self.clock = clock
        self.randomness = randomness
        self.max_depth = max_depth
        self.journal = Journal(clock, level)
        self.timetable = Timetable(clock)
        self.memo = EdgeMemo()
        self.servers: Roll[Server] = Roll()
        self.agents: Roll[Agent] = Roll()
        self.workloads: Roll[Workload] = Roll()
        self.upstreams: dict[str, UpstreamAuthority] = {}
        self.links = Links()
        self.reserved: frozenset[str] = frozenset()
        self._numbers: dict[str, int] = {}  # where the search for a free name goes on: none becomes free again

    @property
    def now(self) -> Microseconds:
        """The present instant."""
        return self.clock.instant

    def note(self, node: str, kind: str, **facts: Any) -> None:
        """Note an event in the journal."""
        self.journal.record(node, kind, facts)

    def reaches(self, caller: Placed, called: Reached) -> bool:
        """Whether a call from one node arrives at the other."""
        return called.running and self.links.whole(caller.name, called.name)

    def __contains__(self, name: object) -> bool:
        return name in self.servers or name in self.agents or name in self.workloads or name in self.upstreams

    def claim(self, name: str) -> str:
        """A name for a new node.

        Raises:
            InvalidTopology: If it is empty, not a text that UTF-8 can write, or taken.
        """
        if not name or not valid_string(name):
            raise InvalidTopology(
                f"a node's name is a text that is not empty and that UTF-8 can write, not {name!r}",
                code="node_name",
                name=name,
            )
        if name in self:
            raise InvalidTopology(
                f"there is a node named {name!r} already; names are unique in a simulation, choose another",
                code="equal_names",
                name=name,
            )
        return name

    def free_name(self, wish: str) -> str:
        """The wished name, or the first of ``wish#2``, ``wish#3``, ... that is free."""
        number = self._numbers.get(wish, 1)
        while (name := wish if number == 1 else f"{wish}#{number}") in self or name in self.reserved:
            number += 1
        self._numbers[wish] = number
        return name

    def __getstate__(self) -> tuple[list[tuple[Node, dict[str, Any]]], dict[str, Any]]:
        """What each node is made of, parents first, and the rest: from each node to the next would be too deep."""
        nodes = [node for roll in self._rolls for node in roll.values()]
        return [(node, node.__dict__) for node in nodes], {**self.__dict__, "memo": None}

    def __setstate__(self, state: tuple[list[tuple[Node, dict[str, Any]]], dict[str, Any]]) -> None:
        nodes, own = state
        for node, its_own in nodes:
            node.__dict__.update(its_own)
        self.__dict__.update(own)
        self.memo = EdgeMemo()

    @property
    def _rolls(self) -> tuple[Mapping[str, Node], ...]:
        return self.servers, self.agents, self.workloads

    def node(self, name: str) -> Node | None:
        """The node of a name; None if there is none."""
        return next((roll[name] for roll in self._rolls if name in roll), None)


class Node:
    """A server, agent or workload, which pickles as a place in its world: what it is made of, the world writes."""

    world: World
    name: str

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        if self.world.node(self.name) is not self:
            return super().__reduce_ex__(protocol)  # it was never done
        return _node, (type(self), self.world, self.name)


def _node(kind: type[Node], world: World, name: str) -> Node:
    """The node of a name; while its world is still being read, one that gets what it is made of later."""
    found = world.node(name) if world.__dict__ else None
    return object.__new__(kind) if found is None else found


def path_of(name: str) -> str:
    """The path of the SPIFFE ID that a node gets by its name: ``/web`` for ``web``.

    What a path cannot have becomes an underscore, and what SPIRE keeps for itself moves below
    ``/server``; names are free.
    """
    segments = (_FOREIGN.sub("_", segment) for segment in name.split("/"))
    path = "".join(f"/{segment.replace('.', '_') if segment in _DOTS else segment}" for segment in segments if segment)
    return f"/server{path}" if path in ("", "/spire") or path.startswith("/spire/") else path
