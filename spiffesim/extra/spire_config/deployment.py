"""Deployment: what a directory of SPIRE configuration describes, running."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import attrs

from spiffesim.extra.spire_config.agent import AgentFile, read_agent
from spiffesim.extra.spire_config.assembly import Assembly
from spiffesim.extra.spire_config.commandline import AGENT, SERVER
from spiffesim.extra.spire_config.compose import Compose, is_file, read_compose
from spiffesim.extra.spire_config.document import Note, Place
from spiffesim.extra.spire_config.links import Links
from spiffesim.extra.spire_config.registration import FILE, FileEntries, Registration, TutorialEntries
from spiffesim.extra.spire_config.server import ServerFile, read_server
from spiffesim.extra.spire_config.source import Source
from spiffesim.simulation import Simulation
from spiffesim.spiffe.markup import pretty_fields


@attrs.frozen
class Deployment:
    """A running deployment.

    Attributes:
        simulation: The simulation.
        notes: What the configuration says that is not simulated, and what was made up: file by file.
    """

    simulation: Simulation
    notes: tuple[Note, ...]

    _repr_pretty_ = pretty_fields


def deploy(
    directory: str | os.PathLike[str],
    *,
    seed: int | str | None = None,
    start: datetime | None = None,
    max_depth: int | None = None,
) -> Deployment:
    """Start what a directory of SPIRE configuration describes.

    Args:
        directory: Where the compose file lies, with the configuration files that it names, and perhaps
            ``entries.json``.
        seed: As for ``Simulation``.
        start: As for ``Simulation``.
        max_depth: As for ``Simulation``.

    Raises:
        InvalidConfiguration: If SPIRE would not start with it or would wait forever, or it cannot be
            simulated. The facts ``file``, ``line`` and ``key`` say where.
    """
    notes: list[Note] = []
    compose = read_compose(Path(directory), notes)
    servers: dict[str, ServerFile] = {}
    agents: dict[str, AgentFile] = {}
    for name, service in compose.services.items():
        kind = service.command.kind if service.command is not None else ""
        if kind == SERVER:
            servers[name] = read_server(Source(compose, service, notes))
        elif kind == AGENT:
            agents[name] = read_agent(Source(compose, service, notes))
    links = Links(compose, servers, agents)
    assembly = Assembly(compose, links, _registration(compose, links, notes), notes)
    simulation = assembly.run(seed=seed, start=start, max_depth=max_depth)
    return Deployment(simulation, _by_file(notes))


def _registration(compose: Compose, links: Links, notes: list[Note]) -> Registration:
    path = compose.directory / FILE
    if is_file(path, Place(FILE, 1)):
        return FileEntries(path, notes)
    places = {name: agent.source.service.place for name, agent in links.agents.items()}
    return TutorialEntries(links.nested(), places, notes)


def _by_file(notes: list[Note]) -> tuple[Note, ...]:
    """The notes file by file, in the order in which the files were first remarked on, line by line."""
    files = list(dict.fromkeys(note.place.file for note in notes))
    return tuple(sorted(notes, key=lambda note: (files.index(note.place.file), note.place.line)))
