"""The compose file: which containers there are, what they share, and what starts them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import attrs

from spiffesim.extra.spire_config.commandline import CommandLine, kind_of, read_command, words
from spiffesim.extra.spire_config.document import Items, Node, Note, Place, Scalar, Section, text_of
from spiffesim.extra.spire_config.volumes import Location, Mount, locate, read_mounts
from spiffesim.extra.spire_config.yamltext import read_yaml

# Docker looks for them in this order.
NAMES: Final = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")

_VARIABLE: Final = re.compile(r"\$(?:\$|\{([A-Za-z_]\w*)(?::?-([^}]*))?\}|([A-Za-z_]\w*))")
_ORDER: Final = "not simulated: who needs whom decides the order"
_NETWORK: Final = "not simulated: there are no sockets, and every service reaches every other"
_REASONS: Final = {
    "depends_on": _ORDER,
    "healthcheck": _ORDER,
    "pid": "not simulated: an agent sees every process that shares its socket",
    "ports": _NETWORK,
    "expose": _NETWORK,
    "network_mode": _NETWORK,
    "restart": "not simulated: nothing crashes",
    "extends": "not simulated: write what it takes over into the service itself",
}


@attrs.frozen
class Service:
    """A container.

    Attributes:
        name: Its name.
        place: Where it stands in the compose file.
        image: The name of its image.
        command: What starts it; None if it is not of SPIRE.
        mounts: Its volumes.
        labels: Its labels.
        environment: Its environment variables.
        user: Whom it runs as, where the file says.
        names: What the others can call it by.
        labels_place: Where its labels stand.
    """

    name: str
    place: Place
    image: str
    command: CommandLine | None
    mounts: tuple[Mount, ...]
    labels: dict[str, Scalar]
    environment: dict[str, Scalar]
    user: str
    names: frozenset[str]
    labels_place: Place

    def locate(self, path: str) -> Location:
        """Where a path of the container lies."""
        return locate(self.mounts, self.name, path)

    def sees(self, location: Location) -> bool:
        """Whether the container sees what lies there."""
        return any(mount.shows(location) for mount in self.mounts)


@attrs.frozen
class Compose:
    """A compose file.

    Attributes:
        place: Its place.
        directory: Where it lies.
        services: Its containers by name, in the order of the file.
    """

    place: Place
    directory: Path
    services: dict[str, Service]


def read_compose(directory: Path, notes: list[Note]) -> Compose:
    """Read the compose file of a directory.

    Args:
        directory: The directory.
        notes: Takes remarks on what is not simulated.

    Raises:
        InvalidConfiguration: If there is none, or it cannot be read.
    """
    here = Place(str(directory), 1)
    present = [name for name in NAMES if is_file(directory / name, here)]
    if not present:
        found = "this is a file" if directory.is_file() else f"there is no {NAMES[-1]}"
        raise here.error(f"{found}; name the directory that holds a {NAMES[-1]}", code="missing_file")
    name = present[0]
    document = read_yaml(read_text(directory / name, Place(name, 1)), name)
    notes.extend(Note(Place(other, 1), f"not read: {name} comes first") for other in present[1:])
    node = document.get("services")
    if not isinstance(node, Section) or not node.entries:
        raise document.place_of("services").error("there are no services", code="missing_key")
    services = {
        service: _service(service, _section(body, "a service"), directory, notes)
        for service, body in node.entries.items()
    }
    document.get("volumes")  # what matters of a volume is its name
    notes.extend(document.remarks({"version": "not simulated: compose files need none"}))
    return Compose(document.place, directory, services)


def is_file(path: Path, place: Place) -> bool:
    """Whether there is a file.

    Raises:
        InvalidConfiguration: If there is something else, or it cannot be looked at; where it is named is the place.
    """
    try:
        if path.is_file():
            return True
        other = path.exists()
    except OSError as error:
        raise place.error(f"{path} cannot be looked at: {error.strerror}", code="unreadable_file") from None
    if other:
        raise place.error(f"{path} is no file", code="unreadable_file")
    return False


def read_text(path: Path, place: Place) -> str:
    """The text of a file.

    Raises:
        InvalidConfiguration: If it cannot be read, or is no UTF-8; where it is named is the place.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise place.error(f"{path} is no text in UTF-8", code="unreadable_file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise place.error(f"{path} cannot be read: {reason}", code="unreadable_file") from None


def _section(node: Node, what: str) -> Section:
    if not isinstance(node, Section):
        raise node.place.error(f"{what} is a mapping", code="value")
    return node


def _service(name: str, body: Section, directory: Path, notes: list[Note]) -> Service:
    _interpolate(body, notes)
    image = body.text("image")
    argv = words(body.get("entrypoint")) + words(body.get("command"))
    kind = kind_of(image, argv)
    labels = _pairs(body.get("labels"))
    names = {name, body.text("hostname"), body.text("container_name"), *_aliases(body)}
    service = Service(
        name=name,
        place=body.place,
        image=image,
        command=read_command(kind, argv, body.place) if kind else None,
        mounts=tuple(read_mounts(body.get("volumes"), directory, notes)),
        labels=labels,
        environment=_pairs(body.get("environment")),
        user=body.text("user"),
        names=frozenset(names - {""}),
        labels_place=body.place_of("labels"),
    )
    notes.extend(body.remarks(_REASONS))
    return service


def _pairs(node: Node | None) -> dict[str, Scalar]:
    """Labels or environment variables, written as a mapping or as a list of ``KEY=VALUE``."""
    if node is None:
        return {}
    if isinstance(node, Section):
        return {key: Scalar(value.place, text_of(value)) for key, value in node.entries.items()}
    items = node.items if isinstance(node, Items) else (node,)
    pairs: dict[str, Scalar] = {}
    for item in items:
        key, _, value = text_of(item).partition("=")
        if key in pairs:
            raise item.place.error(f"{key} is there twice", code="repeated_key")
        pairs[key] = Scalar(item.place, value)
    return pairs


def _aliases(body: Section) -> list[str]:
    """The network aliases of a service."""
    networks = body.get("networks")
    if not isinstance(networks, Section):
        return []
    found = [node for node in networks.entries.values() if isinstance(node, Section)]
    return [alias for network in found for alias in network.texts("aliases")]


def _interpolate(section: Section, notes: list[Note]) -> None:
    """Put in what ``${NAME:-default}`` stands for, as docker does; the simulation has no environment of its own."""

    def plain(node: Node) -> Node:
        if isinstance(node, Scalar) and isinstance(node.value, str) and "$" in node.value:
            return Scalar(node.place, _VARIABLE.sub(lambda match: _default(match, node.place, notes), node.value))
        if isinstance(node, Items):
            return Items(node.place, tuple(plain(item) for item in node.items))
        if isinstance(node, Section):
            _interpolate(node, notes)
        return node

    for key, node in section.entries.items():
        section.entries[key] = plain(node)


def _default(match: re.Match[str], place: Place, notes: list[Note]) -> str:
    if match[0] == "$$":
        return "$"
    name, default = match[1] or match[3], match[2]
    if default is None:
        notes.append(Note(place, f"the simulation has no environment: ${name} is empty"))
    else:
        notes.append(Note(place, f"the simulation has no environment: ${name} is its default, {default!r}"))
    return default or ""
