"""Simulation: whole SPIFFE trust domains under one virtual clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Unpack

from spiffesim import topology
from spiffesim.agent import Agent
from spiffesim.builder import Builder
from spiffesim.clock import EPOCH, Clock, present
from spiffesim.configuration import ServerConfig, Settings, configure
from spiffesim.errors import InvalidTopology
from spiffesim.journal import Journal
from spiffesim.keys import Randomness, draw_seed
from spiffesim.plugins.upstream_authority import UpstreamAuthority
from spiffesim.server import Server
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.markup import pretty_lines
from spiffesim.tree import Tree, tree_of
from spiffesim.workload import Workload
from spiffesim.world import WorkloadOptions, World

if TYPE_CHECKING:
    import networkx as nx


class Simulation:
    """One or more SPIFFE trust domains in this process, under virtual time.

    Args:
        trust_domain: The name of the first trust domain.
        seed: What all randomness is derived from: same seed, same bytes. Without one, a seed is
            drawn (``repr`` shows it) and the simulation starts at the real present.
        start: When it begins; by default ``EPOCH`` with a seed, the real present without.
        max_depth: The deepest that servers may nest; None for no limit, 99 for SPIRE's own.
        upstream_authority: Who signs the root server's CA; None for a self-signed root.
        root: The name of the root server.
        **settings: The settings of ``ServerConfig`` for the root server; nested servers start from their parent's.

    Example:
        >>> import spiffesim
        >>> sim = spiffesim.Simulation("example.org", seed=1)
        >>> web, db = sim.workload("/web"), sim.workload("/db")
        >>> db.validate_x509_svid(web.fetch_x509_svid())
        SpiffeId('spiffe://example.org/web')
    """

    def __init__(
        self,
        trust_domain: TrustDomain | str = "example.org",
        *,
        seed: int | str | None = None,
        start: datetime | None = None,
        max_depth: int | None = None,
        upstream_authority: UpstreamAuthority | None = None,
        root: str = "root",
        **settings: Unpack[Settings],
    ) -> None:
        begins = start or (EPOCH if seed is not None else present())
        self.seed = draw_seed() if seed is None else seed
        self._start = start if start is not None or seed is not None else begins
        self.world = World(Clock(begins), Randomness(self.seed), max_depth)
        self._builder = self.world.builder = Builder(self.world)
        self.root = self.add_trust_domain(trust_domain, root=root, upstream_authority=upstream_authority, **settings)

    def add_trust_domain(
        self,
        trust_domain: TrustDomain | str,
        *,
        root: str | None = None,
        upstream_authority: UpstreamAuthority | None = None,
        **settings: Unpack[Settings],
    ) -> Server:
        """Another trust domain, with nothing in common with the others but the clock.

        Args:
            trust_domain: Its name.
            root: The name of its root server; by default the trust domain's.
            upstream_authority: Who signs its root server's CA.
            **settings: The settings of ``ServerConfig``.

        Returns:
            Its root server.
        """
        name = TrustDomain.parse(trust_domain)
        if any(server.trust_domain == name for server in self.world.servers.values()):
            raise InvalidTopology(f"this simulation has a trust domain {name} already", code="equal_names")
        config = configure(ServerConfig(), **settings)
        return self._builder.root(root or name.name, name, config, upstream_authority)

    # What there is

    @property
    def now(self) -> datetime:
        """The present instant, an aware-UTC datetime."""
        return self.world.clock.now

    @property
    def journal(self) -> Journal:
        """Everything that happened."""
        return self.world.journal

    @property
    def servers(self) -> Mapping[str, Server]:
        """The servers by name, parents first."""
        return MappingProxyType(self.world.servers)

    @property
    def agents(self) -> Mapping[str, Agent]:
        """The agents by name."""
        return MappingProxyType(self.world.agents)

    @property
    def workloads(self) -> Mapping[str, Workload]:
        """The workloads by name."""
        return MappingProxyType(self.world.workloads)

    @property
    def graph(self) -> nx.DiGraph[str]:
        """The deployment as a networkx graph, as it is now; see ``spiffesim.topology.graph_of``."""
        return topology.graph_of(self.world)

    @classmethod
    def from_graph(
        cls,
        graph: Any,
        trust_domain: TrustDomain | str = "example.org",
        *,
        agents: bool = False,
        workloads: bool = False,
        **options: Any,
    ) -> Simulation:
        """A deployment from any networkx arborescence.

        Args:
            graph: A directed graph. A node whose attribute ``kind`` does not say otherwise is a server
                named ``str(node)``; agents that nothing names are made when first needed.
            trust_domain: The name of the trust domain of a root that does not say its own.
            agents: Whether each server gets an agent at once.
            workloads: Whether each server gets a workload ``/<server>`` at once.
            **options: As for ``Simulation``.

        Raises:
            InvalidTopology: If the graph is undirected, cyclic, empty, has two roots, or two nodes
                of the same name.
        """
        first, *others = topology.plans(graph, trust_domain)
        simulation = cls(
            first.trust_domain, root=first.root, upstream_authority=first.upstream, **{**options, **first.settings}
        )
        first.build(simulation.root)
        for plan in others:
            plan.build(
                simulation.add_trust_domain(
                    plan.trust_domain, root=plan.root, upstream_authority=plan.upstream, **plan.settings
                )
            )
        for server in list(simulation.servers.values()):
            if agents or workloads:
                server.agent()
            if workloads:
                server.workload(f"/{server.name}")
        return simulation

    # Conveniences

    def workload(self, path: str, **options: Unpack[WorkloadOptions]) -> Workload:
        """Register a workload on the root server's first agent, and start it; see ``Agent.workload``."""
        return self.root.workload(path, **options)

    # Time

    def advance(self, duration: timedelta | None = None, **spans: float) -> datetime:
        """Move time forward once; at the instant of arrival everything that fell due on the way is done.

        That is: CA and JWT keys are prepared and activated, the SVIDs of servers, agents and
        workloads are renewed past their half-life, and everything settles.

        Args:
            duration: How far.
            **spans: Or the arguments of ``timedelta``: ``hours=2``.

        Returns:
            The present instant.
        """
        step = duration if duration is not None else timedelta(**spans)
        self.world.clock.advance(step)
        self.world.journal.cause = "advance"
        try:
            for server in self.world.servers.values():
                server.catch_up()
                for agent in server.agents:
                    agent.renew_if_due()
            self._settle()
        finally:
            self.world.journal.cause = ""
        return self.now

    def settle(self) -> None:
        """At the present instant, let everything that is pending reach everybody.

        Upstream bundles, then registration entries, then agents with the minting that follows,
        parents before children.
        """
        self.world.journal.cause = "settle"
        try:
            self._settle()
        finally:
            self.world.journal.cause = ""

    def _settle(self) -> None:
        while self._settle_once():
            pass  # what an agent's sync brings about (attesting again) is for its server to reload

    def _settle_once(self) -> bool:
        changed = False
        for server in self.world.servers.values():
            changed |= server.poll_upstream()
            changed |= server.reload_entries()
        for agent in self.world.agents.values():
            changed |= agent.sync()
        return changed

    def tree(self) -> Tree:
        """The deployment as a tree, as it is now; print it, or let a notebook draw it."""
        return tree_of(self.world)

    def _repr_svg_(self) -> str:
        return self.tree().svg()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        pretty_lines(f"{self!r}\n{self.tree().text(limit=100)}", printer, cycle)

    def __repr__(self) -> str:
        start = "" if self._start is None else f", start={self._start!r}"
        return f"Simulation({self.root.trust_domain.name!r}, seed={self.seed!r}{start})"
