"""The tree of a deployment: who gets its authority from whom, as lines for a terminal, or drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import attrs

from spiffesim.errors import Refused
from spiffesim.instants import microseconds, rfc3339
from spiffesim.spiffe.markup import columns, pretty_lines

if TYPE_CHECKING:
    from spiffesim.agent import Agent
    from spiffesim.server import Server
    from spiffesim.workload import Workload
    from spiffesim.world import World

UPSTREAM: Final = "upstream authority"
SERVER: Final = "server"
AGENT: Final = "agent"
WORKLOAD: Final = "workload"

DEEPEST: Final = 16  # levels that are indented; of what stands deeper, the number of levels left out is told


@attrs.frozen
class Branch:
    """One node of a tree.

    Attributes:
        name: Its name in the simulation.
        kind: ``upstream authority``, ``server``, ``agent`` or ``workload``.
        spiffe_id: Its SPIFFE ID, or an empty text if it has none.
        not_after: When what it signs with or presents ends; None if there is nothing.
        note: What else there is to say of it, such as through which agent a nested server attests.
        level: How many nodes stand above it.
        more: For it and the nodes above it, the lowest last and at most ``DEEPEST`` of them, whether
            siblings follow.
    """

    name: str
    kind: str
    spiffe_id: str = ""
    not_after: datetime | None = None
    note: str = ""
    level: int = 0
    more: tuple[bool, ...] = ()


@attrs.frozen
class Tree:
    """A deployment at one instant: its nodes, each above those that get their authority from it.

    Printed, it is lines; a notebook draws it.

    Attributes:
        trust_domains: Their names.
        now: The instant.
        branches: The nodes, parents first, each followed by everything below it.
    """

    trust_domains: tuple[str, ...]
    now: datetime
    branches: tuple[Branch, ...]

    @property
    def summary(self) -> str:
        """How many nodes there are of each kind."""
        counts = dict.fromkeys((SERVER, AGENT, WORKLOAD), 0)
        for branch in self.branches:
            counts[branch.kind] = counts.get(branch.kind, 0) + 1
        return ", ".join(f"{number:,} {_plural(kind, number)}" for kind, number in counts.items())

    def text(self, limit: int | None = None) -> str:
        """The tree as lines.

        Args:
            limit: How many nodes it shows at most; None for all.
        """
        shown = self.branches[:limit]
        rows = [
            (f"{_lines(branch)}{branch.name}", branch.kind, branch.spiffe_id, self.ends(branch), branch.note)
            for branch in shown
        ]
        left_out = len(self.branches) - len(shown)
        rest = [f"... and {left_out:,} more"] if left_out else []
        head = f"{', '.join(self.trust_domains)} at {rfc3339(microseconds(self.now))}: {self.summary}"
        return "\n".join([head, "", *columns(rows), *rest])

    def ends(self, branch: Branch) -> str:
        """When what a node signs with or presents ends."""
        if branch.not_after is None:
            return ""
        verb = "until" if branch.not_after >= self.now else "ended"
        return f"{verb} {rfc3339(microseconds(branch.not_after))}"

    def svg(self, limit: int = 300) -> str:
        """The tree as a drawing, an SVG document.

        Args:
            limit: How many nodes it shows at most.
        """
        from spiffesim.drawing import draw

        return draw(self, limit)

    def __str__(self) -> str:
        return self.text()

    def _repr_svg_(self) -> str:
        return self.svg()

    _repr_pretty_ = pretty_lines


def _plural(kind: str, number: int) -> str:
    return kind if number == 1 else f"{kind}s".replace("ys", "ies")


def _lines(branch: Branch) -> str:
    """The lines in front of a name; far down they begin with how many levels are not drawn."""
    if not branch.more:
        return ""
    hidden = branch.level - len(branch.more)
    start = f"+{hidden} " if hidden else ""
    trunk = "".join("│   " if more else "    " for more in branch.more[:-1])
    return f"{start}{trunk}{'├── ' if branch.more[-1] else '└── '}"


def tree_of(world: World) -> Tree:
    """The tree of a world as it is now."""
    names = dict.fromkeys(server.trust_domain.name for server in world.servers.values())
    return Tree(tuple(names), world.clock.now, tuple(_branches(world)))


def _branches(world: World) -> Iterator[Branch]:
    below = _children(world)
    stack: list[tuple[Branch, int, tuple[bool, ...]]] = [(top, 0, ()) for top in reversed(below[""])]
    while stack:
        node, level, more = stack.pop()
        yield attrs.evolve(node, level=level, more=more)
        children = below.get(node.name, ())
        for place, child in enumerate(reversed(children)):
            stack.append((child, level + 1, (*more, place > 0)[-DEEPEST:]))


def _children(world: World) -> Mapping[str, Sequence[Branch]]:
    """The nodes by the name of the one above; agents stand before nested servers, roots under the empty text."""
    below: dict[str, list[Branch]] = {"": []}
    for name, upstream in world.upstreams.items():
        below[""].append(Branch(name, UPSTREAM, note=upstream.name))
    for agent in world.agents.values():
        below.setdefault(agent.server.name, []).append(_agent(agent))
    for server in world.servers.values():
        above = server.parent.name if server.parent is not None else server.upstream_name
        below.setdefault(above, []).append(_server(server))
    for workload in world.workloads.values():
        below.setdefault(workload.agent.name, []).append(_workload(workload))
    return below


def _server(server: Server) -> Branch:
    notes = [f"via {server.via.name}" if server.via is not None else "", server.stopped]
    not_after = None if server.stopped else server.not_after
    return Branch(server.name, SERVER, str(server.spiffe_id), not_after, "; ".join(filter(None, notes)))


def _agent(agent: Agent) -> Branch:
    return Branch(agent.name, AGENT, str(agent.spiffe_id), agent.not_after, agent.stopped)


def _workload(workload: Workload) -> Branch:
    try:
        return Branch(workload.name, WORKLOAD, str(workload.spiffe_id), workload.not_after)
    except Refused as refusal:
        return Branch(workload.name, WORKLOAD, note=refusal.message)
