"""Assembly: starts the servers, agents and workloads of a deployment, each when those that it needs are there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import datetime

from spiffesim.agent import Agent
from spiffesim.entries import RegistrationEntry, Selector
from spiffesim.errors import InvalidConfiguration, SpiffeSimError
from spiffesim.extra.spire_config.agent import AgentFile
from spiffesim.extra.spire_config.compose import Compose, Service
from spiffesim.extra.spire_config.document import Note, Place
from spiffesim.extra.spire_config.links import Links
from spiffesim.extra.spire_config.materials import Materials
from spiffesim.extra.spire_config.processes import attributes_for, attributes_of
from spiffesim.extra.spire_config.registration import Registration
from spiffesim.extra.spire_config.server import ServerFile
from spiffesim.plugins.workload_attestor import Process
from spiffesim.server import Server
from spiffesim.simulation import Simulation


class Assembly:
    """Puts a deployment together, wave by wave: servers, their agents, the entries that are possible then.

    Args:
        compose: The compose file.
        links: How its servers and agents hang together.
        registration: Where the registration entries come from.
        notes: Takes remarks.
    """

    def __init__(self, compose: Compose, links: Links, registration: Registration, notes: list[Note]) -> None:
        self._compose = compose
        self._links = links
        self._registration = registration
        self._notes = notes
        self._materials = Materials()
        self._servers: dict[str, Server] = {}
        self._agents: dict[str, Agent] = {}
        self._simulation: Simulation | None = None

    def run(self, *, seed: int | str | None, start: datetime | None, max_depth: int | None) -> Simulation:
        """Start everything.

        Raises:
            InvalidConfiguration: If SPIRE would refuse, or wait forever.
        """
        while ready := [server for server in self._links.servers.values() if self._is_ready(server)]:
            for server in ready:
                if server.name in self._links.parents:
                    self._servers[server.name] = self._nest(server)
                else:
                    self._servers[server.name] = self._root(server, seed, start, max_depth)
            self._attest(self._links.agents.values())
        self._check_complete()
        assert self._simulation is not None  # there is a root, and it needs nobody
        self._registration.finish(self._agents.values())
        self._start_workloads()
        return self._simulation

    def _is_ready(self, server: ServerFile) -> bool:
        parent, via = self._links.parents.get(server.name), self._links.vias.get(server.name)
        there = (parent is None or parent in self._servers) and (via is None or via in self._agents)
        return there and server.name not in self._servers

    def _check_complete(self) -> None:
        for server in self._links.servers.values():
            if server.name not in self._servers:
                parent, via = self._links.parents[server.name], self._links.vias[server.name]
                raise server.place.error(
                    f"{server.name} waits for {parent} and {via}, and they for it; one server needs no upstream",
                    code="cycle",
                )

    # Servers

    def _root(
        self, config: ServerFile, seed: int | str | None, start: datetime | None, max_depth: int | None
    ) -> Server:
        upstream = self._materials.upstream(config)
        try:
            if self._simulation is None:
                self._simulation = Simulation(
                    config.trust_domain,
                    seed=seed,
                    start=start,
                    max_depth=max_depth,
                    upstream_authority=upstream,
                    root=config.name,
                    **config.settings,
                )
                server = self._simulation.root
            else:
                server = self._simulation.add_trust_domain(
                    config.trust_domain, root=config.name, upstream_authority=upstream, **config.settings
                )
        except SpiffeSimError as error:
            place = config.place if config.upstream is None else config.upstream.place
            raise place.error(str(error), code=error.code) from error
        return self._with_verifier(config, server)

    def _nest(self, config: ServerFile) -> Server:
        assert config.upstream is not None
        parent, via = self._servers[self._links.parents[config.name]], self._agents[self._links.vias[config.name]]
        process = Process(**attributes_of(config.source.service))
        selectors = via.selectors(process)
        if not via.identities(selectors):
            raise self._waits_forever(config.source.service, via, selectors)
        try:
            server = parent.nest(config.name, via=via, process=process, **config.settings)
        except SpiffeSimError as error:
            raise config.upstream.place.error(str(error), code=error.code) from error
        return self._with_verifier(config, server)

    def _with_verifier(self, config: ServerFile, server: Server) -> Server:
        verifier = self._materials.verifier(config)
        if verifier is not None:
            server.node_attestors[verifier.name] = verifier
        return server

    def _waits_forever(self, service: Service, via: Agent, selectors: tuple[Selector, ...]) -> InvalidConfiguration:
        """An error for a nested server that no entry matches: what comes nearest."""
        own = [str(selector) for selector in selectors]
        wanted = [
            (entry, [str(selector) for selector in entry.selectors if selector not in selectors])
            for entry in via.server.authorized_entries(via.caller)
        ]
        place = service.labels_place
        if not wanted:
            reason = f"{via.name} has no entries at all"
        else:
            entry, missing = min(wanted, key=lambda item: (len(item[1]), service.name not in str(item[1]), item[0].id))
            near = difflib.get_close_matches(missing[0], own, 1, 0.3)
            reason = f"the nearest entry, {entry.spiffe_id}, wants {' and '.join(missing)}"
            if near:
                reason += f"; the nearest that {service.name} has is {near[0]}"
                place = _place_of_label(service, near[0])
        return place.error(
            f"no registration entry of {via.name} matches {service.name}, which in SPIRE would wait for an SVID "
            f"forever: {reason}; {via.name} finds {', '.join(own) or 'nothing'}",
            code="no_entry",
            service=service.name,
            selectors=selectors,
        )

    # Agents

    def _attest(self, agents: Iterable[AgentFile]) -> None:
        """Attest the agents whose servers there are, and create the entries that are possible then."""
        new: list[Agent] = []
        for config in agents:
            server = self._servers.get(self._links.server_of[config.name])
            if server is not None and config.name not in self._agents:
                self._agents[config.name] = self._agent(config, server)
                new.append(self._agents[config.name])
        self._registration.register(self._servers.values(), new)
        assert self._simulation is not None
        self._simulation.settle()

    def _agent(self, config: AgentFile, server: Server) -> Agent:
        self._materials.check_bundle(config, server)
        try:
            attestor = self._materials.attestor(config, self._links.servers[server.name], server)
            return server.agent(
                config.name,
                attestor=attestor,
                workload_attestors=config.workload_attestors,
                workload_key_type=config.workload_key_type,
            )
        except InvalidConfiguration:
            raise
        except SpiffeSimError as error:
            raise config.proof.place.error(str(error), code=error.code) from error

    # Workloads

    def _start_workloads(self) -> None:
        for service in self._compose.services.values():
            if service.command is None:
                self._start_service(service)
        for agent in self._agents.values():
            authorized = {entry.id for entry in agent.server.authorized_entries(agent.caller)}
            entries = agent.server.list_entries()
            parents = {entry.parent_id for entry in entries}
            # Those that ask for more come first: their processes may serve for others too.
            for entry in sorted(entries, key=lambda entry: -len(entry.selectors)):
                if entry.id not in authorized:
                    continue
                if not entry.downstream and not entry.store_svid and entry.spiffe_id not in parents:
                    self._start_process(agent, entry)

    def _start_service(self, service: Service) -> None:
        """Start what a container that is not SPIRE's runs, on each agent whose socket it sees."""
        agents = [self._agents[name] for name, agent in self._links.agents.items() if service.sees(agent.socket)]
        if not agents:
            self._note(service.place, "not simulated: no part of SPIRE, and sees no agent's socket")
        for agent in agents:
            name = service.name if len(agents) == 1 else f"{service.name} on {agent.name}"
            workload = agent.process(name=name, **attributes_of(service))
            if not agent.identities(workload.selectors):
                near = agent.nearest(workload.selectors)
                wanted = "" if near is None else f"; the nearest, {near.spiffe_id}, wants {_words(near.selectors)}"
                self._note(service.labels_place, f"no entry of {agent.name} matches {name}{wanted}")

    def _start_process(self, agent: Agent, entry: RegistrationEntry) -> None:
        """Start a process that an entry matches, if no container is one."""
        assert self._simulation is not None
        there = (workload for workload in self._simulation.workloads.values() if workload.agent is agent)
        if any(entry.matches(workload.selectors) for workload in there):
            return
        attributes = attributes_for(entry.selectors)
        found = agent.selectors(Process(**attributes))
        place = self._links.agents[agent.name].place
        if entry.matches(found):
            name = entry.spiffe_id.path.lstrip("/")
            free = name if name not in self._simulation.world else f"{name} on {agent.name}"
            agent.process(name=free, **attributes)
            self._note(place, f"started a process with {_words(entry.selectors)}, for {entry.spiffe_id}")
        else:
            missing = [selector for selector in entry.selectors if selector not in found]
            text = f"nothing on {agent.name} can have {_words(missing)}, which {entry.spiffe_id} asks for"
            self._note(place, text)

    def _note(self, place: Place, text: str) -> None:
        self._notes.append(Note(place, text))


def _words(selectors: Iterable[Selector]) -> str:
    return " and ".join(str(selector) for selector in selectors)


def _place_of_label(service: Service, selector: str) -> Place:
    places = (label.place for name, label in service.labels.items() if selector == f"docker:label:{name}:{label.value}")
    return next(places, service.labels_place)
