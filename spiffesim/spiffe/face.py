"""A face: what a value shows of itself, as lines for a terminal and as HTML for a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from spiffesim.spiffe.markup import Markup, columns, pretty_lines, printable, tag

GOOD: Final = "good"
BAD: Final = "bad"
FAINT: Final = "faint"

Span: TypeAlias = tuple[float, float]

# Colours are those of the notebook, where it says some, so that a dark theme stays dark.
_STYLE: Final = Markup("""
.spiffesim { font: 13px/1.5 ui-sans-serif, system-ui, sans-serif; color: var(--jp-content-font-color1, #1e293b);
  border: 1px solid var(--jp-border-color2, #e2e8f0); border-radius: 8px; padding: 12px 16px; width: fit-content;
  max-width: 100%; box-sizing: border-box; }
.spiffesim .title { font-size: 15px; font-weight: 600; }
.spiffesim .badge { font-size: 11px; font-weight: 600; border-radius: 9px; padding: 1px 9px; margin-left: 10px;
  color: #fff; background: #64748b; vertical-align: 2px; }
.spiffesim .badge.good { background: #15803d; } .spiffesim .badge.bad { background: #b91c1c; }
.spiffesim .facts { color: var(--jp-content-font-color2, #64748b); }
.spiffesim .note { color: #b91c1c; margin-top: 4px; }
.spiffesim .scroll { max-height: 34em; overflow: auto; margin-top: 10px; }
.spiffesim table { border-collapse: collapse; margin: 0; font-size: 12px; }
.spiffesim th { text-align: left; font-weight: 600; color: var(--jp-content-font-color2, #64748b); }
.spiffesim th, .spiffesim td { padding: 3px 18px 3px 0; text-align: left; vertical-align: top; background: none; }
.spiffesim tbody tr { border-top: 1px solid var(--jp-border-color3, #f1f5f9); background: none; }
.spiffesim td { font-family: ui-monospace, Menlo, Consolas, monospace; white-space: pre; }
.spiffesim td:last-child { white-space: pre-wrap; overflow-wrap: anywhere; min-width: 24em; padding-right: 0; }
.spiffesim tr.bad td { color: #b91c1c; } .spiffesim tr.good td:first-child { color: #15803d; }
.spiffesim tr.faint td { color: var(--jp-content-font-color3, #94a3b8); }
.spiffesim .span { width: 12em; height: 8px; margin-top: 6px; border-radius: 4px; background: #94a3b833; }
.spiffesim .span div { height: 8px; min-width: 2px; border-radius: 4px; background: #6366f1; }
""")


@attrs.frozen
class Row:
    """A row of a table.

    Attributes:
        cells: Its texts.
        mood: Whether it is ``good``, ``bad`` or ``faint``; an empty text for none of them.
        span: Where its time lies within that of the whole table, each end from 0 to 1.
    """

    cells: tuple[str, ...]
    mood: str = ""
    span: Span | None = None


@attrs.frozen
class Face:
    """What a value shows of itself.

    Attributes:
        title: What it is.
        facts: What else there is to say of all of it.
        badge: A judgement of it in one word, or an empty text.
        mood: Whether that is ``good`` or ``bad``.
        notes: What is wrong with it, a sentence each.
        head: The names of the table's columns.
        rows: The table.
    """

    title: str
    facts: tuple[str, ...] = ()
    badge: str = ""
    mood: str = ""
    notes: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()

    def text(self) -> str:
        """Lines for a terminal."""
        badge = f": {self.badge}" if self.badge else ""
        lines = [printable(f"{self.title}{badge}")]
        lines += [f"  {printable(line)}" for line in (", ".join(self.facts), *self.notes) if line]
        if self.rows:
            lines += ["", *columns([self.head, *(row.cells for row in self.rows)])]
        return "\n".join(lines)

    def html(self) -> str:
        """HTML for a notebook: one block, which brings its style along."""
        badge = tag("span", self.badge, class_=f"badge {self.mood}") if self.badge else ""
        return tag(
            "div",
            tag("style", _STYLE),
            tag("div", tag("span", self.title, class_="title"), badge),
            tag("div", " · ".join(self.facts), class_="facts"),
            *(tag("div", note, class_="note") for note in self.notes),
            self._table() if self.rows else "",
            class_="spiffesim",
        )

    def _table(self) -> Markup:
        timed = any(row.span is not None for row in self.rows)
        names = [*self.head[:2], "validity", *self.head[2:]] if timed else self.head
        head = tag("thead", tag("tr", *(tag("th", name) for name in names)))
        body = tag("tbody", *(_row(row, timed) for row in self.rows))
        return tag("div", tag("table", head, body), class_="scroll")


class Shown:
    """Shows its face: as lines when it is printed and in IPython and Hypothesis, as HTML in a notebook."""

    __slots__ = ()

    if TYPE_CHECKING:

        def _face(self) -> Face:
            raise NotImplementedError

    def __str__(self) -> str:
        return self._face().text()

    def _repr_html_(self) -> str:
        return self._face().html()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        pretty_lines(self._face().text(), printer, cycle)


def _row(row: Row, timed: bool) -> Markup:
    cells = [tag("td", cell) for cell in row.cells]
    if timed:
        cells.insert(2, tag("td", _bar(row.span) if row.span is not None else ""))
    return tag("tr", *cells, class_=row.mood or None)


def _bar(span: Span) -> Markup:
    start, end = span
    return tag("div", tag("div", style=f"margin-left:{start:.1%};width:{end - start:.1%}"), class_="span")
