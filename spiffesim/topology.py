"""The topology: a networkx graph of who gets its authority from whom, out of a simulation and into one."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import networkx as nx

from spiffesim.configuration import SETTINGS, ServerConfig
from spiffesim.errors import InvalidTopology, Refused
from spiffesim.plugins.upstream_authority import UpstreamAuthority
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.world import path_of

if TYPE_CHECKING:
    from spiffesim.agent import Agent
    from spiffesim.server import Server
    from spiffesim.workload import Workload
    from spiffesim.world import World

UPSTREAM: Final = "upstream_authority"
SERVER: Final = "server"
AGENT: Final = "agent"
WORKLOAD: Final = "workload"
KINDS: Final = (UPSTREAM, SERVER, AGENT, WORKLOAD)


# Out of a simulation


def graph_of(world: World) -> nx.DiGraph[str]:
    """The deployment as a graph: one arborescence a trust domain.

    An edge means "gets its authority from", and points downwards. Nodes are names, with the
    attributes ``kind``, ``object``, ``spiffe_id``, ``depth`` (servers above) and ``not_after``; nested
    servers have ``via``, the name of the agent through which they attest. What has no SVID has None
    for ``spiffe_id`` and ``not_after``.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    for name, upstream in world.upstreams.items():
        graph.add_node(name, kind=UPSTREAM, object=upstream, spiffe_id=None, depth=0, not_after=None)
    for server in world.servers.values():
        _add(graph, SERVER, server, server.parent.name if server.parent is not None else server.upstream_name)
        if server.via is not None:
            graph.nodes[server.name]["via"] = server.via.name
    for agent in world.agents.values():
        _add(graph, AGENT, agent, agent.server.name)
    for workload in world.workloads.values():
        _add(graph, WORKLOAD, workload, workload.agent.name)
    return graph


def _add(graph: nx.DiGraph[str], kind: str, node: Server | Agent | Workload, above: str) -> None:
    spiffe_id: SpiffeId | None
    not_after: datetime | None
    try:
        spiffe_id, not_after = node.spiffe_id, node.not_after
    except Refused:
        spiffe_id, not_after = None, None
    graph.add_node(node.name, kind=kind, object=node, spiffe_id=spiffe_id, depth=node.depth, not_after=not_after)
    if above:
        graph.add_edge(above, node.name)


# Into one


def check(graph: Any) -> list[Hashable]:
    """The roots of a graph, if it is a deployment.

    Raises:
        InvalidTopology: Undirected, empty, cyclic, with a node of two parents, with nodes whose names
            are equal, or with a kind in the wrong place.
    """
    if not isinstance(graph, nx.DiGraph):
        raise _invalid(
            "undirected",
            "a deployment is a directed graph: give an nx.DiGraph whose edges point from parent to child",
        )
    if not graph:
        raise _invalid("empty", "the graph has no nodes; a deployment has at least a root server")
    _check_names(graph)
    if not nx.is_directed_acyclic_graph(graph):
        cycle = [edge[0] for edge in nx.find_cycle(graph)]
        way = " -> ".join(map(str, [*cycle, cycle[0]]))
        raise _invalid("cyclic", f"the graph has a cycle: {way}; authority flows from a root down", cycle)
    for node, parents in graph.in_degree():
        if parents > 1:
            raise _invalid("two_parents", f"node {node!r} has {parents} parents; each node has at most one", node)
    for node in graph:
        _check_place(graph, node)
    return [node for node, parents in graph.in_degree() if not parents]


def _check_names(graph: Any) -> None:
    seen: dict[str, Any] = {}
    for node in graph:
        other = seen.setdefault(str(node), node)
        if other is not node:
            raise _invalid("equal_names", f"nodes {other!r} and {node!r} would both be named {str(node)!r}", node)


_PARENTS: Final = {UPSTREAM: (None,), SERVER: (None, UPSTREAM, SERVER), AGENT: (SERVER,), WORKLOAD: (AGENT, SERVER)}


def _check_place(graph: Any, node: Any) -> None:
    kind = _kind(graph, node)
    if kind not in KINDS:
        raise _invalid("kind", f"node {node!r} is of kind {kind!r}; there are {', '.join(KINDS)}", node)
    parent = next(iter(graph.predecessors(node)), None)
    above = None if parent is None else _kind(graph, parent)
    if above not in _PARENTS[kind]:
        place = "at the root" if above is None else f"under the {above} {parent!r}"
        raise _invalid("place", f"the {kind} {node!r} cannot stand {place}", node)


def _kind(graph: Any, node: Any) -> str:
    """The kind of a node; one that does not say is a server."""
    return str(graph.nodes[node].get("kind", SERVER))


class Plan:
    """What it takes to rebuild one trust domain of a graph.

    Args:
        graph: The graph.
        top: The topmost node.
        trust_domain: The trust domain, unless the root says its own.
        given: The settings that win over those of servers that the graph was made of.

    Attributes:
        trust_domain: Its name.
        root: The name of its root server.
        upstream: The upstream authority above the root, or None.
        upstream_name: Its name; empty without one.
        settings: The settings of the root server.
    """

    def __init__(self, graph: Any, top: Any, trust_domain: TrustDomain | str, given: Mapping[str, Any]) -> None:
        self._graph = graph
        self._given = given
        self.upstream: UpstreamAuthority | None = None
        self.upstream_name = ""
        if _kind(graph, top) == UPSTREAM:
            self.upstream_name = str(top)
            self.upstream, top = _upstream(graph, top)
        self._top = top
        self.root = str(top)
        self.trust_domain = _trust_domain(graph.nodes[top], trust_domain)
        self.settings = self._settings(graph.nodes[top])

    def build(self, root: Server) -> None:
        """Make everything below the root server.

        Args:
            root: The root server, which is there already.
        """
        made: dict[str, Any] = {self.root: root}
        for node in self._order():
            parent = next(iter(self._graph.predecessors(node)))
            made[str(node)] = self._make(made, parent, node)

    def _order(self) -> Iterator[Hashable]:
        """Parents first, agents before the servers that attest through them, otherwise as in the graph."""
        below = nx.descendants(self._graph, self._top)
        place = {node: number for number, node in enumerate(self._graph) if node in below}
        by_name = {str(node): node for node in place}
        order: nx.DiGraph[Any] = nx.DiGraph()
        order.add_nodes_from(place)
        order.add_edges_from(self._graph.subgraph(place).edges())
        for node in place:
            via = self._graph.nodes[node].get("via")
            if via is not None:
                order.add_edge(self._via(by_name, node, via), node)
        if not nx.is_directed_acyclic_graph(order):
            raise _invalid("via", "some servers would attest through agents that stand below themselves")
        ranks = {AGENT: 0, WORKLOAD: 1, SERVER: 2}
        return nx.lexicographical_topological_sort(order, lambda node: (ranks[_kind(self._graph, node)], place[node]))

    def _via(self, by_name: Mapping[str, Any], node: Any, via: Any) -> Any:
        agent = by_name.get(str(via))
        if agent is None or _kind(self._graph, agent) != AGENT:
            raise _invalid("via", f"node {node!r} attests through {via!r}, which is no agent of its trust domain", node)
        return agent

    def _make(self, made: Mapping[str, Any], parent: Any, node: Any) -> Any:
        attributes, name, above = self._graph.nodes[node], str(node), made[str(parent)]
        kind = _kind(self._graph, node)
        if kind == AGENT:
            return above.agent(name, **_agent_options(attributes))
        if kind == WORKLOAD:
            return _make_workload(above.agent() if _kind(self._graph, parent) == SERVER else above, name, attributes)
        via = attributes.get("via")
        return above.nest(name, via=None if via is None else made[str(via)], **self._settings(attributes))

    def _settings(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of a server: those among its attributes, or else those of its object that were not given anew."""
        config = getattr(attributes.get("object"), "config", None)
        kept = {name: getattr(config, name) for name in SETTINGS} if isinstance(config, ServerConfig) else {}
        said = {name: value for name, value in attributes.items() if name in SETTINGS}
        return {name: value for name, value in kept.items() if name not in self._given} | said


def _upstream(graph: Any, top: Any) -> tuple[UpstreamAuthority, Any]:
    """An upstream authority, and the root server below it."""
    upstream, below = graph.nodes[top].get("object"), list(graph.successors(top))
    if not isinstance(upstream, UpstreamAuthority):
        raise _invalid("upstream", f'the upstream authority {top!r} needs an attribute "object" that is one', top)
    if len(below) != 1:
        raise _invalid("upstream", f"the upstream authority {top!r} has {len(below)} roots below it, not one", top)
    return upstream, below[0]


def _trust_domain(attributes: Mapping[str, Any], default: TrustDomain | str) -> TrustDomain:
    """The trust domain of a root: what it says, or that of its SPIFFE ID."""
    said = attributes.get("trust_domain") or attributes.get("spiffe_id") or default
    return TrustDomain.parse(said)


def _agent_options(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The type of an agent's workload keys: the attribute, or that of its object. It attests with a join token."""
    name = "workload_key_type"
    config = getattr(attributes.get("object"), "config", None)
    key_type = attributes.get(name) or getattr(config, name, None)
    return {name: key_type} if key_type else {}


def _make_workload(agent: Any, name: str, attributes: Mapping[str, Any]) -> Any:
    """A workload as the graph has it: where it says that there is no SPIFFE ID, an unregistered process."""
    if "spiffe_id" not in attributes:
        return agent.workload(path_of(name), name=name)
    spiffe_id = attributes["spiffe_id"]
    return agent.process(name=name) if spiffe_id is None else agent.workload(SpiffeId.parse(spiffe_id).path, name=name)


def plans(graph: Any, trust_domain: TrustDomain | str, given: Mapping[str, Any]) -> list[Plan]:
    """A plan for each trust domain of a graph.

    Args:
        graph: The graph.
        trust_domain: The trust domain of a root that does not say its own.
        given: The settings that win over those of servers that the graph was made of.

    Raises:
        InvalidTopology: As ``check`` does, and if two roots are of one trust domain.
    """
    made = [Plan(graph, root, trust_domain, given) for root in check(graph)]
    if len({plan.trust_domain for plan in made}) < len(made):
        raise _invalid(
            "two_roots",
            f"the graph has {len(made)} roots ({', '.join(plan.root for plan in made[:5])}); a trust domain has one; "
            'several trust domains need the attribute "trust_domain" on each root',
            [plan.root for plan in made],
        )
    return made


class Tree(nx.DiGraph):  # type: ignore[type-arg]  # when the program runs networkx' classes take no arguments
    """A graph whose ``repr`` says how ``tree`` made it."""

    def __repr__(self) -> str:
        return f"tree({self.graph.get('made_of', '')})"


def tree(
    parents: Sequence[int],
    *,
    key_types: Sequence[str] = ("ec-p256",),
    workloads: Sequence[int] = (),
    workload_key_types: Sequence[str] = ("ec-p256",),
    ca_hours: Sequence[int] = (24,),
) -> Tree:
    """A deployment from a vector of parents.

    Args:
        parents: For servers 1, 2, ... the number of the server above.
        key_types: CA key types, dealt out to the servers in turn.
        workloads: For each workload the number of its server; each gets an agent of its own.
        workload_key_types: The types of the workloads' keys, dealt out in turn.
        ca_hours: For how many hours the servers' CAs live, dealt out in turn.
    """
    said = {
        "key_types": key_types,
        "workloads": workloads,
        "workload_key_types": workload_key_types,
        "ca_hours": ca_hours,
    }
    graph = Tree(made_of=", ".join([f"{[*parents]}", *(f"{name}={[*values]}" for name, values in said.items())]))
    for number in range(len(parents) + 1):
        ca_ttl = timedelta(hours=ca_hours[number % len(ca_hours)])
        graph.add_node(f"s{number}", kind=SERVER, ca_key_type=key_types[number % len(key_types)], ca_ttl=ca_ttl)
    graph.add_edges_from((f"s{parent}", f"s{number}") for number, parent in enumerate(parents, 1))
    for number, server in enumerate(workloads):
        key_type = workload_key_types[number % len(workload_key_types)]
        graph.add_node(f"a{number}", kind=AGENT, workload_key_type=key_type)
        graph.add_node(f"w{number}", kind=WORKLOAD)
        graph.add_edges_from(((f"s{server}", f"a{number}"), (f"a{number}", f"w{number}")))
    return graph


def _invalid(code: str, message: str, where: Any = None) -> InvalidTopology:
    return InvalidTopology(message, code=code, where=where)
