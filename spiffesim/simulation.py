"""Simulation: whole SPIFFE trust domains under one virtual clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Unpack

from spiffesim import topology
from spiffesim.agent import Agent
from spiffesim.builder import Builder
from spiffesim.clock import EPOCH, Clock, Spans, present, step_of
from spiffesim.configuration import SETTINGS, ServerConfig, Settings, configure
from spiffesim.errors import ClockError, InvalidTopology
from spiffesim.faults import Faults
from spiffesim.fork import fork
from spiffesim.instants import rfc3339
from spiffesim.journal import OPERATOR, SETTLE, Journal, Level
from spiffesim.plugins.key_manager import KeyManager
from spiffesim.plugins.upstream_authority import UpstreamAuthority
from spiffesim.randomness import Randomness, draw_seed
from spiffesim.server import Server
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.spiffe.markup import pretty_lines
from spiffesim.tree import Tree, tree_of
from spiffesim.workload import Workload
from spiffesim.world import WorkloadOptions, World, path_of

if TYPE_CHECKING:
    import networkx as nx


class SimulationOptions(Settings, total=False):
    """What may be said of a simulation: the settings of its root servers, and these."""

    seed: int | str | None
    start: datetime | None
    max_depth: int | None
    upstream_authority: UpstreamAuthority | None
    key_manager: KeyManager | str | None
    journal: Level


class Simulation(Faults):
    """One or more SPIFFE trust domains in this process, under virtual time.

    Args:
        trust_domain: The name of the first trust domain.
        seed: What all randomness is derived from: same seed, same bytes. Without one, a seed is
            drawn (``repr`` shows it) and the simulation starts at the real present.
        start: When it begins; by default ``EPOCH`` with a seed, the real present without.
        max_depth: The deepest that servers may nest; None for no limit, 99 for SPIRE's own.
        upstream_authority: Who signs the root server's CA; None for a self-signed root.
        key_manager: Where the root server keeps its keys: ``"memory"`` (they end with its process), ``"disk"``,
            or an object like those.
        journal: How much the journal notes; ``"debug"`` for each renewal of a workload's SVID, too.
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
        key_manager: KeyManager | str | None = None,
        journal: Level = "info",
        root: str = "root",
        **settings: Unpack[Settings],
    ) -> None:
        begins = start or (EPOCH if seed is not None else present())
        self.seed = draw_seed() if seed is None else seed
        self._start = start if start is not None or seed is not None else begins
        self.world = World(Clock(begins), Randomness(self.seed), max_depth, journal)
        self._builder = self.world.builder = Builder(self.world)
        self.root = self.add_trust_domain(
            trust_domain, root=root, upstream_authority=upstream_authority, key_manager=key_manager, **settings
        )

    def add_trust_domain(
        self,
        trust_domain: TrustDomain | str,
        *,
        root: str | None = None,
        upstream_authority: UpstreamAuthority | None = None,
        key_manager: KeyManager | str | None = None,
        **settings: Unpack[Settings],
    ) -> Server:
        """Another trust domain, with nothing in common with the others but the clock.

        Args:
            trust_domain: Its name.
            root: The name of its root server; by default the trust domain's.
            upstream_authority: Who signs its root server's CA.
            key_manager: Where its root server keeps its keys: ``"memory"``, ``"disk"``, or an object like those.
            **settings: The settings of ``ServerConfig``.

        Returns:
            Its root server.
        """
        name = TrustDomain.parse(trust_domain)
        if any(server.trust_domain == name for server in self.world.servers.values()):
            raise InvalidTopology(f"this simulation has a trust domain {name} already", code="equal_names")
        config = configure(ServerConfig(), **settings)
        return self._builder.root(name.name if root is None else root, name, config, upstream_authority, key_manager)

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
        return self.world.servers

    @property
    def agents(self) -> Mapping[str, Agent]:
        """The agents by name, those of parents first."""
        return self.world.agents

    @property
    def workloads(self) -> Mapping[str, Workload]:
        """The workloads by name, those of parents first."""
        return self.world.workloads

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
        **options: Unpack[SimulationOptions],
    ) -> Simulation:
        """A deployment from any networkx arborescence.

        Args:
            graph: A directed graph. A node whose attribute ``kind`` does not say otherwise is a server
                named ``str(node)``; agents that nothing names are made when first needed.
            trust_domain: The name of the trust domain of a root that does not say its own.
            agents: Whether each server gets an agent at once.
            workloads: Whether each server gets a workload ``/<server>`` at once.
            **options: As for ``Simulation``; settings are those of the servers that do not say otherwise.

        Raises:
            InvalidTopology: If the graph is undirected, cyclic, empty, has two roots, two nodes of the
                same name or a node with two parents, or says of a node what cannot be. Each has a
                ``code`` of its own.
        """
        given = {name: value for name, value in options.items() if name in SETTINGS}
        first, *others = topology.plans(graph, trust_domain, given)
        started: Any = {**options, **first.settings, "root": first.root}
        if first.upstream is not None:
            started["upstream_authority"] = first.upstream
        simulation = cls(first.trust_domain, **started)
        simulation._build(first, simulation.root, graph)
        for plan in others:
            settings: Any = {**given, **plan.settings}
            root = simulation.add_trust_domain(
                plan.trust_domain, root=plan.root, upstream_authority=plan.upstream, **settings
            )
            simulation._build(plan, root, graph)
        if agents or workloads:
            simulation._people(workloads=workloads)
        return simulation

    def _build(self, plan: topology.Plan, root: Server, graph: Any) -> None:
        """Make what stands below a root, while nothing else takes a name of the graph's."""
        if plan.upstream_name and plan.upstream_name != root.upstream_name:
            self._builder.rename_upstream(root, plan.upstream_name)
        self.world.reserved = frozenset(map(str, graph))
        plan.build(root)
        self.world.reserved = frozenset()

    def _people(self, *, workloads: bool) -> None:
        """Give every server an agent, and a workload."""
        for server in list(self.servers.values()):
            agent = server.agent()
            if workloads:
                agent.workload(path_of(server.name))

    # Conveniences

    def workload(self, path: SpiffeId | str, **options: Unpack[WorkloadOptions]) -> Workload:
        """Register a workload on the root server's first agent, and start it; see ``Agent.workload``."""
        return self.root.workload(path, **options)

    # Time

    def advance(self, duration: timedelta = timedelta(0), **spans: Unpack[Spans]) -> datetime:
        """Let time pass, and everything happen that falls due on the way, each at its instant.

        Args:
            duration: How far.
            **spans: How much farther, in the words of ``timedelta``: ``hours=2``.

        Returns:
            The present instant.

        Raises:
            ClockError: If that is backwards, past the year 9999, or no span at all.
        """
        self.world.timetable.run(self.world.clock.after(step_of(duration, spans)))
        return self.now

    def travel_to(self, instant: datetime) -> datetime:
        """Let time pass until an instant.

        Args:
            instant: An aware datetime.

        Returns:
            The present instant.

        Raises:
            ClockError: If that is past, beyond the year 9999, or a datetime without a time zone.
        """
        self.world.timetable.run(self.world.clock.until(instant))
        return self.now

    def run_until(
        self,
        predicate: Callable[[Simulation], object],
        *,
        limit: timedelta | datetime,
        step: timedelta = timedelta(seconds=1),
    ) -> datetime:
        """Let time pass until something is the case.

        Args:
            predicate: Asks the simulation. It is called now, after each instant at which something happens,
                and every ``step`` in between, since validity ends without anything happening.
            limit: How long at most: a span, or an aware datetime.
            step: The longest time between two calls.

        Returns:
            The present instant, the first at which it was found to be the case.

        Raises:
            ClockError: With ``code`` "limit" if the limit passes, with the simulation at the limit; or if
                the limit is past, beyond the year 9999 or without a time zone, or the step not positive.
        """
        clock, timetable = self.world.clock, self.world.timetable
        end, pace = clock.limit(limit), step_of(step, {}) // timedelta(microseconds=1)
        if pace <= 0:
            raise ClockError(f"a step between two looks takes time, not {step}", duration=step)
        while not predicate(self):
            if clock.instant >= end:
                raise ClockError(f"by {rfc3339(end)} it was not the case", code="limit", at=self.now)
            soonest, pause = timetable.next, min(clock.instant + pace, end)
            timetable.run(pause if soonest is None else min(soonest, pause))
        return self.now

    def fork(self) -> Simulation:
        """An independent copy of the simulation, as it is now, to find out what would be if.

        Both have the same past and the same streams: where the same happens to both, they draw the same
        keys and serial numbers. A node of the copy is found by its name, as in ``copy.servers["root"]``.

        Raises:
            InvalidInput: If a plugin of yours holds what cannot be copied.
        """
        self.journal.seal()
        return fork(self)

    def settle(self) -> None:
        """At the present instant, let everything that is pending reach everybody.

        Upstream bundles, then registration entries, then agents with the minting that follows,
        parents before children. Nothing is rotated or renewed, and no loop ticks sooner or later for it.
        """
        journal = self.world.journal
        try:
            journal.cause = SETTLE
            while self._pass():
                pass  # what a server published has to come down again, on all the other ways
        finally:
            journal.cause = OPERATOR

    def _pass(self) -> bool:
        """Once down from the roots: each server, then its agents; True if anything changed."""
        before = self._revisions()
        for server in self._in_order():
            server.poll_upstream()
            server.poll_endpoints()
            server.reload_entries()
            for agent in sorted(server.agents, key=lambda agent: agent.name):
                if agent.behind:
                    agent.sync()
        return self._revisions() != before

    def _revisions(self) -> list[int]:
        return [node.revision for node in self.servers.values()]

    def _in_order(self) -> Iterable[Server]:
        """The servers, parents first and then by name, but none before whose agent it attests through."""
        order: dict[str, Server] = {}
        for server in self.world.servers.values():
            waiting = [server]
            while waiting:
                last = waiting[-1]
                above = last.parent, last.via.server if last.via is not None else None
                missing = [other for other in above if other is not None and other.name not in order]
                if not missing:
                    order[waiting.pop().name] = last
                waiting += missing
        return order.values()

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
