"""Registration: the entries of ``entries.json``, or those of the nested tutorial, each for the server that it is meant for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from spiffesim.entries import RegistrationEntry, is_node_alias, parse_entries
from spiffesim.errors import InvalidConfiguration, InvalidEntry, InvalidInput, Refused
from spiffesim.extra.spire_config.compose import Service, read_text
from spiffesim.extra.spire_config.document import Note, Place, did_you_mean
from spiffesim.extra.spire_config.layout import Layout

if TYPE_CHECKING:
    from spiffesim.agent import Agent
    from spiffesim.server import Server

FILE: Final = "entries.json"
_AUDITABLE: Final = ("revision_number", "created_at")  # the server counts and writes these itself


class Registration(Protocol):
    """Where the registration entries come from."""

    def register(self, servers: Iterable[Server], agents: Iterable[Agent]) -> None:
        """Create the entries that are possible by now.

        Args:
            servers: All servers that there are.
            agents: The agents that have attested since the last time.
        """
        ...

    def finish(self, agents: Iterable[Agent]) -> None:
        """Complain of entries that nobody can have."""
        ...


class TutorialEntries:
    """The entries of the nested tutorial, derived from who shares whose socket.

    An agent whose socket nested servers use gets a downstream entry for each of them; every other agent
    gets a workload of the user 1001.

    Args:
        services: The services that attest through an agent, by the agent's name.
        places: Where the agents stand, by name.
        notes: Takes a remark on each entry.
    """

    def __init__(self, services: dict[str, list[Service]], places: dict[str, Place], notes: list[Note]) -> None:
        self._services = services
        self._places = places
        self._notes = notes

    def register(self, servers: Iterable[Server], agents: Iterable[Agent]) -> None:  # noqa: ARG002 - of the Protocol
        """Create the entries for the agents that have attested since the last time."""
        for agent in agents:
            nested = self._services.get(agent.name, [])
            for service in nested:
                self._downstream(agent, service)
            if not nested:
                self._workload(agent)

    def finish(self, agents: Iterable[Agent]) -> None:
        """Nothing is left."""

    def _downstream(self, agent: Agent, service: Service) -> None:
        label = next(
            (name for name, label in service.labels.items() if label.value == service.name), "org.example.name"
        )
        selector = f"docker:label:{label}:{service.name}"
        place = service.labels[label].place if label in service.labels else service.labels_place
        path = f"/{service.name.removesuffix('-server')}"
        self._create(agent, path, selector, place, downstream=True)

    def _workload(self, agent: Agent) -> None:
        place = self._places[agent.name]
        if not any(attestor.name == "unix" for attestor in agent.workload_attestors):
            text = f"no {FILE}, and {agent.name} has no unix attestor: no workload is registered there"
            self._notes.append(Note(place, text))
            return
        self._create(agent, f"/{agent.name.removesuffix('-agent')}/workload", "unix:uid:1001", place)

    def _create(self, agent: Agent, path: str, selector: str, place: Place, *, downstream: bool = False) -> None:
        spiffe_id = agent.server.trust_domain.id(path)
        text = f"no {FILE}: registered {spiffe_id} under {agent.name} for {selector}{', downstream' * downstream}"
        self._notes.append(Note(place, text))
        _created(
            place,
            lambda: agent.server.create_entry(
                spiffe_id=spiffe_id, parent_id=agent.spiffe_id, selectors=[selector], downstream=downstream
            ),
        )


class FileEntries:
    """The entries of a file, in the form of ``spire-server entry create -data``.

    SPIRE's operators hand each server its own file; here one file serves all servers, and an entry
    goes to the server that knows its parent.

    Args:
        path: The file.
        notes: Takes remarks.

    Raises:
        InvalidConfiguration: If it cannot be read.
    """

    def __init__(self, path: Path, notes: list[Note]) -> None:
        self._notes = notes
        text = read_text(path, Place(FILE, 1))
        self._layout = Layout(text, FILE)
        remarks: list[str] = []
        try:
            entries = parse_entries(text, note=remarks.append)
        except InvalidEntry as error:
            raise _complaint(error, self._layout) from error
        for remark in remarks:
            place = self._layout.place(remark)
            notes.append(Note(place, _without(place, remark)))
        items = [(entry, self._layout.place(f"entries[{index}]")) for index, entry in enumerate(entries)]
        self._aliases = [item for item in items if is_node_alias(item[0])]
        self._pending = [item for item in items if not is_node_alias(item[0])]
        self._aliased: set[str] = set()

    def register(self, servers: Iterable[Server], agents: Iterable[Agent]) -> None:
        """Create the entries whose parents there are by now, in the order of the file."""
        for agent in agents:
            self._alias(agent)
        everywhere = list(servers)
        while sum(self._place(item, everywhere) for item in list(self._pending)):
            pass  # an entry may be the parent of one above it

    def finish(self, agents: Iterable[Agent]) -> None:
        """Complain of the entries whose parent nobody is.

        Raises:
            InvalidConfiguration: Naming the nearest agent.
        """
        for entry, place in self._aliases:
            if entry.spiffe_id.path not in self._aliased:
                self._notes.append(Note(place, f"no agent has the selectors of {entry.spiffe_id}: not created"))
        for entry, place in self._pending:
            known = {str(agent.spiffe_id): agent.name for agent in agents}
            near = did_you_mean(str(entry.parent_id), known)
            there_are = "".join(f"; {name} is {spiffe_id}" for spiffe_id, name in known.items())
            problem = f"no agent and no entry is its parent {entry.parent_id}{near or there_are}"
            raise self._layout.place(f"{place.key}.parent_id").error(problem, code="parent")

    def _alias(self, agent: Agent) -> None:
        """Create the node aliases that an agent's node fits, on its server."""
        node = agent.server.nodes.get(agent.spiffe_id)
        for entry, place in self._aliases:
            if node is not None and entry.matches(node.selectors) and not _knows(agent.server, entry):
                self._aliased.add(entry.spiffe_id.path)
                _created(place, _creation(agent.server, entry))

    def _place(self, item: tuple[RegistrationEntry, Place], servers: Sequence[Server]) -> bool:
        entry, place = item
        parents = [server for server in servers if entry.parent_id in set(_parents(server))]
        for server in parents:
            _created(place, _creation(server, entry))
        if parents:
            self._pending.remove(item)
        return bool(parents)


def _parents(server: Server) -> Iterator[Any]:
    """The IDs that an entry of a server may have as its parent."""
    yield from (agent.spiffe_id for agent in server.agents)
    yield from (entry.spiffe_id for entry in server.list_entries())


def _knows(server: Server, entry: RegistrationEntry) -> bool:
    return any(
        (other.spiffe_id, other.parent_id, set(other.selectors))
        == (entry.spiffe_id, entry.parent_id, set(entry.selectors))
        for other in server.list_entries()
    )


def _creation(server: Server, entry: RegistrationEntry) -> Callable[[], RegistrationEntry]:
    fields = {
        field.name: getattr(entry, field.name)
        for field in attrs.fields(RegistrationEntry)
        if field.name not in _AUDITABLE
    }
    return lambda: server.create_entry(**fields)


def _created(place: Place, create: Callable[[], RegistrationEntry]) -> None:
    try:
        create()
    except (Refused, InvalidInput) as error:
        raise place.error(str(error), code=error.code) from error


def _complaint(error: InvalidEntry, layout: Layout) -> InvalidConfiguration:
    message = str(error)
    place = layout.place(message)
    return place.error(_without(place, message), code=error.code)


def _without(place: Place, remark: str) -> str:
    """A remark without the path that its place says already."""
    return remark.removeprefix(f"{place.key}: ") if place.key else remark
