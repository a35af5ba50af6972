"""Markup: texts of others made harmless, and put into columns for terminals and into tags for notebooks.

Names of nodes, subjects of certificates and key IDs may hold anything. Here they lose what could
move a cursor, turn the reading direction around, or end a tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from unicodedata import combining, east_asian_width

import attrs

ELLIPSIS: Final = "…"


# Texts


def printable(text: object) -> str:
    """A text of which everything can be seen: control and format characters are written as escapes."""
    raw = str(text)
    if raw.isprintable():
        return raw
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in raw)


def width(text: str) -> int:
    """How many columns of a terminal a printable text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def shorten(text: str, limit: int) -> str:
    """A text of at most so many characters, without its middle if it is longer."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return f"{text[: limit - 1 - tail]}{ELLIPSIS}{text[len(text) - tail :]}"


def listed(texts: Sequence[str], most: int) -> str:
    """Texts with commas between them; of more than so many, the others are only counted."""
    shown = ", ".join(texts[:most])
    return shown if len(texts) <= most else f"{shown} and {len(texts) - most} more"


def columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows of texts as lines whose columns stand below each other, two spaces apart."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(map(_padded, row, widths)).rstrip() for row in cells]


def _padded(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))


# Tags


class Markup(str):
    """A text that is markup already, and goes into a tag as it is."""

    __slots__ = ()


def escape(text: object) -> Markup:
    """A text as markup: what can be seen of it, and nothing that a browser would act on."""
    from html import escape

    return text if isinstance(text, Markup) else Markup(escape(printable(text)))


def tag(name: str, *content: object, **attributes: object) -> Markup:
    """An element, for HTML and for XML.

    Args:
        name: Of the element.
        *content: Its text and its children; what is not markup already is escaped.
        **attributes: Its attributes, likewise. A ``_`` stands for ``-``; one at the end only keeps
            away from Python's keywords. Those that are None are left out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{''.join(map(escape, content))}</{name}>")


# Terminals: what IPython and Hypothesis call ``_repr_pretty_``


def pretty_lines(value: object, printer: Any, _cycle: bool) -> None:
    """Show a value as its lines.

    Args:
        value: Whatever has a ``str`` of several lines.
        printer: IPython's or Hypothesis'.
    """
    for number, line in enumerate(str(value).splitlines()):
        if number:
            printer.break_()
        printer.text(line)


def pretty_fields(value: Any, printer: Any, cycle: bool) -> None:
    """Show a value as the call that makes it, without the fields that are at their default.

    Args:
        value: Of a class of ``attrs``.
        printer: IPython's or Hypothesis'.
        cycle: Whether it is inside of itself.
    """
    name = type(value).__name__
    if cycle:
        printer.text(f"{name}(...)")
        return
    fields = [field for field in attrs.fields(type(value)) if getattr(value, field.name) != field.default]
    with printer.group(4, f"{name}(", ")"):
        for number, field in enumerate(fields):
            printer.text("," if number else "")
            printer.breakable(" " if number else "")
            printer.text(f"{field.alias}=")
            printer.pretty(getattr(value, field.name))
