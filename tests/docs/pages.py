"""The documentation as tests read it: pages, and the blocks of code on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]*)#?([^)\s]*)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


@attrs.frozen
class Block:
    """A fenced block.

    Attributes:
        language: What stands behind the fence.
        text: What stands between the fences.
        line: Where it begins on its page.
        output: What the page says that it prints: the ``text`` block right after it, or None.
    """

    language: str
    text: str
    line: int
    output: str | None = None


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    source = page.read_text(encoding="utf-8")
    found = list(_FENCE.finditer(source))
    for fence, following in zip(found, [*found[1:], None][: len(found)], strict=True):
        answered = (
            following is not None
            and following[1] == "text"
            and not source[fence.end() : following.start()].strip().removesuffix(":").removeprefix("prints")
        )
        line = source.count("\n", 0, fence.start()) + 1
        yield Block(fence[1], fence[2], line, following[2] if answered and following else None)


def links(page: Path) -> list[tuple[str, str]]:
    """The targets of a page's links to files of the project, itself included, each with the anchor there."""
    found: list[tuple[str, str]] = _LINK.findall(page.read_text(encoding="utf-8"))
    return [(target, anchor) for target, anchor in found if "://" not in target]


def anchors(page: Path) -> set[str]:
    """What a link can name on a page: its headings, as GitHub writes them."""
    headings = _HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def name_of(page: Path) -> str:
    """A page's path inside the project."""
    return page.relative_to(ROOT).as_posix()
