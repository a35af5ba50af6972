"""The topology: a networkx graph of who gets its authority from whom, out of a simulation and into one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import networkx as nx

from spiffesim.configuration import SETTINGS
from spiffesim.errors import InvalidTopology, NoIdentityIssued, Refused

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from spiffesim.world import World

UPSTREAM: Final = "upstream_authority"
SERVER: Final = "server"
AGENT: Final = "agent"
WORKLOAD: Final = "workload"
KINDS: Final = (UPSTREAM, SERVER, AGENT, WORKLOAD)


def graph_of(world: World) -> nx.DiGraph[str]:
    """The deployment as a graph: one arborescence a trust domain.

    An edge means "gets its authority from", and points downwards. Nodes are names, with the
    attributes ``kind``, ``object``, ``spiffe_id``, ``depth`` (servers above), ``not_after`` and
    ``trust_domain``; nested servers have ``via``, the agent through which they attest.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    for name, upstream in world.upstreams.items():
        graph.add_node(name, kind=UPSTREAM, object=upstream, spiffe_id=None, depth=0, not_after=None)
    for name, server in world.servers.items():
        graph.add_node(name, kind=SERVER, object=server, spiffe_id=server.spiffe_id, depth=server.depth)
        graph.nodes[name].update(not_after=server.not_after, trust_domain=server.trust_domain)
        if server.parent is not None:
            graph.add_edge(server.parent.name, name)
        elif server.upstream_name:
            graph.add_edge(server.upstream_name, name)
            graph.nodes[server.upstream_name]["trust_domain"] = server.trust_domain
        if server.via is not None:
            graph.nodes[name]["via"] = server.via.name
    for name, agent in world.agents.items():
        graph.add_node(name, kind=AGENT, object=agent, spiffe_id=agent.spiffe_id, depth=agent.server.depth + 1)
        graph.nodes[name].update(not_after=agent.not_after, trust_domain=agent.server.trust_domain)
        graph.add_edge(agent.server.name, name)
    for name, workload in world.workloads.items():
        spiffe_id, not_after = _identity(workload)
        depth = workload.agent.server.depth + 1
        graph.add_node(name, kind=WORKLOAD, object=workload, spiffe_id=spiffe_id, depth=depth, not_after=not_after)
        graph.nodes[name]["trust_domain"] = workload.agent.server.trust_domain
        graph.add_edge(workload.agent.name, name)
    return graph


def _identity(workload: Any) -> tuple[Any, Any]:
    try:
        return workload.spiffe_id, workload.not_after
    except (NoIdentityIssued, Refused):
        return None, None


def check(graph: Any) -> list[Any]:
    """The roots of a graph, if it is a deployment.

    Returns:
        Its roots; several only if each names another ``trust_domain``.

    Raises:
        InvalidTopology: Undirected, empty, cyclic, with a node of two parents, with two roots,
            with nodes whose names are equal, or with a kind in the wrong place.
    """
    if not isinstance(graph, nx.DiGraph):
        raise _invalid(
            "undirected",
            "a deployment is a directed graph: give an nx.DiGraph whose edges point from parent to child",
        )
    if not graph:
        raise _invalid("empty", "the graph has no nodes; a deployment has at least a root server")
    _check_names(graph)
    for node, parents in graph.in_degree():
        if parents > 1:
            raise _invalid("two_parents", f"node {node!r} has {parents} parents; each node has at most one", node)
    roots = [node for node, parents in graph.in_degree() if not parents]
    if not nx.is_directed_acyclic_graph(graph):
        cycle = " -> ".join(str(edge[0]) for edge in nx.find_cycle(graph))
        raise _invalid("cyclic", f"the graph has a cycle: {cycle}; authority flows from a root down", cycle)
    if len(roots) > len({graph.nodes[root].get("trust_domain", "") for root in roots}):
        raise _invalid(
            "two_roots",
            f"the graph has {len(roots)} roots ({', '.join(map(str, roots[:5]))}); a trust domain has one; "
            'several trust domains need the attribute "trust_domain" on each root',
            roots,
        )
    for node in graph:
        _check_place(graph, node)
    return roots


def _check_names(graph: Any) -> None:
    seen: dict[str, Any] = {}
    for node in graph:
        other = seen.setdefault(str(node), node)
        if other is not node:
            raise _invalid("equal_names", f"nodes {other!r} and {node!r} would both be named {str(node)!r}", node)


_PARENTS: Final = {UPSTREAM: (None,), SERVER: (None, UPSTREAM, SERVER), AGENT: (SERVER,), WORKLOAD: (AGENT, SERVER)}


def _check_place(graph: Any, node: Any) -> None:
    kind = kind_of(graph, node)
    if kind not in KINDS:
        raise _invalid("kind", f"node {node!r} is of kind {kind!r}; there are {', '.join(KINDS)}", node)
    parent = next(iter(graph.predecessors(node)), None)
    above = None if parent is None else kind_of(graph, parent)
    if above not in _PARENTS[kind]:
        place = "at the root" if parent is None else f"under the {above} {parent!r}"
        raise _invalid("place", f"the {kind} {node!r} cannot stand {place}", node)


def kind_of(graph: Any, node: Any) -> str:
    """The kind of a node; one that does not say is a server."""
    return str(graph.nodes[node].get("kind", SERVER))


def below(graph: Any, root: Any) -> Iterator[tuple[Hashable, Hashable]]:
    """The edges (parent, child) under a root: parents first, agents and workloads before servers."""
    queue = [root]
    while queue:
        later = []
        for parent in queue:
            children = sorted(graph.successors(parent), key=lambda child: kind_of(graph, child) == SERVER)
            for child in children:
                yield parent, child
                later.append(child)
        # An agent that a nested server attests through may stand anywhere at this level.
        queue = sorted(later, key=lambda child: kind_of(graph, child) == SERVER)


class Plan:
    """What it takes to rebuild one trust domain of a graph.

    Attributes:
        trust_domain: Its name.
        root: The name of its root server.
        upstream: The upstream authority above the root, or None.
    """

    def __init__(self, graph: Any, top: Any, trust_domain: Any) -> None:
        self._graph = graph
        self.upstream = None
        if kind_of(graph, top) == UPSTREAM:
            self.upstream = graph.nodes[top].get("object")
            top = next(iter(graph.successors(top)))
        self._top = top
        self.root = str(top)
        self.trust_domain = graph.nodes[top].get("trust_domain", trust_domain)
        self.settings = settings_of(graph.nodes[top])

    def build(self, root: Any) -> None:
        """Make everything below the root server.

        Args:
            root: The root server, which is there already.
        """
        made = {self._top: root}
        for parent, child in below(self._graph, self._top):
            made[child] = self._make(made, parent, child)

    def _make(self, made: dict[Any, Any], parent: Any, child: Any) -> Any:
        attributes = self._graph.nodes[child]
        kind = attributes.get("kind", SERVER)
        above = made[parent]
        if kind == AGENT:
            return above.agent(str(child))
        if kind == WORKLOAD:
            spiffe_id = attributes.get("spiffe_id")
            path = spiffe_id.path if spiffe_id is not None else f"/{child}"
            return above.workload(path, name=str(child))
        via = attributes.get("via")
        return above.nest(str(child), via=made.get(via), **settings_of(attributes))


def settings_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Those attributes of a node that are settings of a server."""
    return {name: value for name, value in attributes.items() if name in SETTINGS}


def plans(graph: Any, trust_domain: Any) -> list[Plan]:
    """A plan for each trust domain of a graph.

    Raises:
        InvalidTopology: As ``check`` does.
    """
    return [Plan(graph, root, trust_domain) for root in check(graph)]


def tree(parents: Sequence[int], *, key_types: Sequence[str], workloads: Sequence[int] = ()) -> nx.DiGraph[str]:
    """A deployment from a vector of parents.

    Args:
        parents: For servers 1, 2, ... the number of the server above.
        key_types: CA key types, dealt out to the servers in turn.
        workloads: For each workload the number of its server.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    for number in range(len(parents) + 1):
        graph.add_node(f"s{number}", kind=SERVER, ca_key_type=key_types[number % len(key_types)])
    graph.add_edges_from((f"s{parent}", f"s{number}") for number, parent in enumerate(parents, 1))
    for number, server in enumerate(workloads):
        agent, workload = f"s{server}-agent{number}", f"w{number}"
        graph.add_node(agent, kind=AGENT)
        graph.add_node(workload, kind=WORKLOAD)
        graph.add_edges_from(((f"s{server}", agent), (agent, workload)))
    return graph


def _invalid(code: str, message: str, where: Any = None) -> InvalidTopology:
    return InvalidTopology(message, code=code, where=where)
