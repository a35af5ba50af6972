"""Volumes: where the files and sockets of a container really lie, and which containers share them."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from pathlib import Path

import attrs

from spiffesim.extra.spire_config.document import Items, Node, Note, Section, text_of


@attrs.frozen
class Location:
    """A path of a container as everybody knows it.

    Attributes:
        root: ``host``, ``volume <name>`` or ``service <name>``: what lies in no volume is the container's own.
        path: The path there.
    """

    root: str
    path: str

    @property
    def host(self) -> Path | None:
        """The path on the host; None if it is in a named volume or in the container's own image."""
        return Path(self.path) if self.root == "host" else None

    def __str__(self) -> str:
        return self.path if self.root == "host" else f"{self.path} of {self.root}"


@attrs.frozen
class Mount:
    """A volume of a service.

    Attributes:
        source: Where it lies.
        target: Where the container sees it.
    """

    source: Location
    target: str

    def locate(self, path: str) -> Location | None:
        """Where a path of the container lies; None if it is not in this volume."""
        if path != self.target and not path.startswith(f"{self.target.rstrip('/')}/"):
            return None
        rest = path[len(self.target) :].lstrip("/")
        return attrs.evolve(self.source, path=posixpath.normpath(posixpath.join(self.source.path, rest)))

    def shows(self, location: Location) -> bool:
        """Whether a container with this volume sees what lies there."""
        inside = self.source.path.rstrip("/") + "/"
        return location.root == self.source.root and f"{location.path}/".startswith(inside)


def locate(mounts: tuple[Mount, ...], service: str, path: str) -> Location:
    """Where a path of a container lies: in its innermost volume, else in the container itself."""
    path = posixpath.normpath(path)
    for mount in sorted(mounts, key=lambda mount: len(mount.target), reverse=True):
        location = mount.locate(path)
        if location is not None:
            return location
    return Location(f"service {service}", path)


def read_mounts(node: Node | None, directory: Path, notes: list[Note]) -> Iterator[Mount]:
    """The ``volumes`` of a service.

    Args:
        node: What the compose file says.
        directory: The directory that relative host paths start from.
        notes: Takes remarks on what is not simulated.

    Raises:
        InvalidConfiguration: If a volume is neither ``SOURCE:TARGET`` nor a mapping.
    """
    for item in node.items if isinstance(node, Items) else () if node is None else (node,):
        if isinstance(item, Section):
            mount = _long(item, directory)
            notes.extend(item.remarks({}))
        else:
            mount = _short(item, directory)
        if mount is not None:
            yield mount


def _short(item: Node, directory: Path) -> Mount | None:
    source, colon, rest = text_of(item).partition(":")
    target = rest.partition(":")[0] if colon else source
    if not target.startswith("/"):
        raise item.place.error(
            f"{text_of(item)!r} is no volume; write SOURCE:TARGET with an absolute TARGET", code="volume"
        )
    return Mount(_source(source, directory), posixpath.normpath(target)) if colon else None


def _long(section: Section, directory: Path) -> Mount | None:
    kind = section.text("type", "volume")
    target = section.required("target", "a volume has a target")
    source = section.text("source")
    if kind not in ("bind", "volume") or not source:
        return None
    located = _host(source, directory) if kind == "bind" else Location(f"volume {source}", "/")
    return Mount(located, posixpath.normpath(target))


def _source(source: str, directory: Path) -> Location:
    if source.startswith((".", "/", "~")):
        return _host(source, directory)
    return Location(f"volume {source}", "/")


def _host(source: str, directory: Path) -> Location:
    # Not resolved: what is not there yet cannot be, and two spellings of one path come out the same.
    return Location("host", os.path.normpath(directory.absolute() / Path(source).expanduser()))
