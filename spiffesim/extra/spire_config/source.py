"""Sources: the configuration files of services, and the other files that they name, through the volumes."""

from __future__ import annotations

import re
from pathlib import Path

import attrs

from spiffesim.extra.spire_config.compose import Compose, Service, is_file, read_text
from spiffesim.extra.spire_config.document import Note, Place, Section
from spiffesim.extra.spire_config.hcl import read_hcl

# SPIRE: pkg/common/config/config.go (ExpandEnv) expands as Go's os.Expand does.
_VARIABLE = re.compile(r"\$(?:\{([^}]*)\}|(\w+|\$))")


@attrs.frozen
class Reference:
    """A file that a configuration names.

    Attributes:
        path: Its path in the container.
        place: Where it is named.
    """

    path: str
    place: Place


class Source:
    """The files of one service.

    Args:
        compose: The compose file.
        service: The service.
        notes: Takes remarks.
    """

    def __init__(self, compose: Compose, service: Service, notes: list[Note]) -> None:
        self.directory = compose.directory
        self.service = service
        self.notes = notes

    def configuration(self) -> Section:
        """The configuration file that the service's command names, with what the command overrides.

        Raises:
            InvalidConfiguration: If it is in no volume, does not exist, or cannot be read.
        """
        command = self.service.command
        assert command is not None
        document = self._document(command.config, command.place, expand=command.expand_env)
        section = document.section(command.kind) if command.kind in document else Section(document.place, {})
        for place in command.override(section):
            self.notes.append(Note(place, f"overridden by the command of {self.service.name}"))
        document.entries[command.kind] = section
        return document

    def plugin_data(self, path: str, place: Place) -> Section:
        """A file of plugin data (``plugin_data_file``)."""
        return self._document(path, place)

    def find(self, reference: Reference) -> Path | None:
        """The file on the host; None if it does not exist, or could not.

        Raises:
            InvalidConfiguration: If there is something else than a file.
        """
        path = self.service.locate(reference.path).host
        return path if path is not None and is_file(path, reference.place) else None

    def read(self, reference: Reference) -> str | None:
        """The text of a file; None if it does not exist.

        Raises:
            InvalidConfiguration: If it cannot be read.
        """
        path = self.find(reference)
        return None if path is None else read_text(path, reference.place)

    def shown(self, path: Path) -> str:
        """A path relative to the directory of the configuration, if it is in there."""
        try:
            return path.relative_to(self.directory.absolute()).as_posix()
        except ValueError:
            return str(path)

    def where(self, reference: Reference) -> str:
        """How to call a file that does not exist."""
        location = self.service.locate(reference.path)
        if location.host is not None:
            return f"{self.shown(location.host)} does not exist"
        return f"{reference.path} of {self.service.name} is in no directory of the host"

    def _document(self, path: str, place: Place, *, expand: bool = False) -> Section:
        reference = Reference(path, place)
        text = self.read(reference)
        host = self.service.locate(path).host
        if text is None or host is None:
            raise place.error(
                f"the configuration file {path} cannot be read: {self.where(reference)}; map it with a volume",
                code="missing_file",
            )
        return read_hcl(self._expanded(text) if expand else text, self.shown(host))

    def _expanded(self, text: str) -> str:
        """The text with environment variables put in: those that the compose file sets."""
        environment = self.service.environment

        def value(match: re.Match[str]) -> str:
            name = match[1] or match[2] or ""
            if name == "$":
                return "$"
            return str(environment[name].value) if name in environment else ""

        return _VARIABLE.sub(value, text)
