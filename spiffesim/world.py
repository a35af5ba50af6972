"""The world that the nodes of one simulation share: clock, streams, journal, and each other by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, Unpack

from spiffesim.clock import Clock
from spiffesim.configuration import Settings
from spiffesim.entries import EntryOptions, SelectorLike
from spiffesim.errors import InvalidTopology
from spiffesim.instants import Microseconds
from spiffesim.journal import Journal
from spiffesim.keys import Randomness
from spiffesim.plugins.workload_attestor import ProcessAttributes
from spiffesim.spiffe.edges import EdgeMemo

if TYPE_CHECKING:  # names in the Protocol only: the world stands below all of them
    from spiffesim.agent import Agent
    from spiffesim.plugins.key_manager import KeyManager
    from spiffesim.plugins.node_attestor import NodeAttestor
    from spiffesim.plugins.workload_attestor import Process, WorkloadAttestor
    from spiffesim.server import Server
    from spiffesim.workload import Workload


class NestOptions(Settings, total=False):
    """What may be said of a nested server: the settings that differ from its parent's, and these."""

    via: Agent | None
    process: Process | None
    key_manager: KeyManager | None


class AgentOptions(TypedDict, total=False):
    """What may be said of a new agent."""

    attestor: NodeAttestor | None
    workload_attestors: Sequence[WorkloadAttestor] | None
    workload_key_type: str


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

    def workload(self, agent: Agent, path: str, **options: Unpack[WorkloadOptions]) -> Workload:
        """Register and start a workload."""
        ...

    def process(self, agent: Agent, **options: Unpack[ProcessOptions]) -> Workload:
        """Start a workload without registering it."""
        ...


class World:
    """What all nodes of a simulation share.

    Attributes:
        clock: The one clock.
        randomness: The named streams.
        journal: What happened.
        memo: Signature checks that succeeded; never pickled.
        max_depth: The deepest that servers may nest; None for no limit.
        builder: Who makes new nodes.
    """

    builder: Maker

    def __init__(self, clock: Clock, randomness: Randomness, max_depth: int | None = None) -> None:
        self.clock = clock
        self.randomness = randomness
        self.max_depth = max_depth
        self.journal = Journal()
        self.memo = EdgeMemo()
        self.servers: dict[str, Server] = {}
        self.agents: dict[str, Agent] = {}
        self.workloads: dict[str, Workload] = {}
        self.upstreams: dict[str, Any] = {}

    @property
    def now(self) -> Microseconds:
        """The present instant."""
        return self.clock.instant

    def note(self, node: str, kind: str, **facts: Any) -> None:
        """Note an event in the journal."""
        self.journal.note(self.now, node, kind, **facts)

    def __contains__(self, name: object) -> bool:
        return any(name in nodes for nodes in (self.servers, self.agents, self.workloads, self.upstreams))

    def claim(self, name: str) -> str:
        """A name for a new node.

        Raises:
            InvalidTopology: If it is empty, not a text, or taken.
        """
        if not isinstance(name, str) or not name:
            raise InvalidTopology(
                f"a node's name is a text that is not empty, not {name!r}", code="node_name", name=name
            )
        if name in self:
            raise InvalidTopology(
                f"there is a node named {name!r} already; names are unique in a simulation",
                code="equal_names",
                name=name,
            )
        return name

    def free_name(self, wish: str) -> str:
        """The wished name, or the first of ``wish#2``, ``wish#3``, ... that is free."""
        return next(name for name in _numbered(wish) if name not in self)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "memo": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.memo = EdgeMemo()


def _numbered(wish: str) -> Iterator[str]:
    yield wish
    number = 2
    while True:
        yield f"{wish}#{number}"
        number += 1
