"""A directory of SPIRE configuration that a test may spoil."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from spiffesim.errors import InvalidConfiguration
from spiffesim.extra.spire_config import Deployment, deploy
from spiffesim.extra.spire_config.document import Items, Node, Section

EXAMPLE = Path(__file__).parents[3] / "examples" / "nested"
COMPOSE = "docker-compose.yaml"


class Folder:
    """A copy of ``examples/nested``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        shutil.copytree(EXAMPLE, path)

    def edit(self, file: str, old: str, new: str) -> Folder:
        """Replace what stands in a file exactly once."""
        text = (self.path / file).read_text()
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {file}"
        (self.path / file).write_text(text.replace(old, new))
        return self

    def write(self, file: str, content: str | bytes) -> Folder:
        """Write a file."""
        data = content if isinstance(content, bytes) else content.encode()
        (self.path / file).parent.mkdir(parents=True, exist_ok=True)
        (self.path / file).write_bytes(data)
        return self

    def line_of(self, file: str, text: str) -> int:
        """The line of a file where a text first stands, from 1."""
        lines = (self.path / file).read_text().splitlines()
        return next(number for number, line in enumerate(lines, 1) if text in line)

    def remove(self, file: str) -> Folder:
        """Remove a file."""
        (self.path / file).unlink()
        return self

    def deploy(self) -> Deployment:
        """Start what the directory describes."""
        return deploy(self.path, seed=7)

    def notes(self) -> list[str]:
        """The notes on what the directory describes."""
        return [str(note) for note in self.deploy().notes]

    def refused(self) -> InvalidConfiguration:
        """The error that the directory meets."""
        with pytest.raises(InvalidConfiguration) as refused:
            self.deploy()
        return refused.value


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A directory of configuration as it should be."""
    return Folder(tmp_path / "nested")


def plain(node: Node) -> object:
    """The values of a document, without their places."""
    if isinstance(node, Section):
        return {key: plain(value) for key, value in node.entries.items()}
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return node.value
