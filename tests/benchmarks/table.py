"""The table that ``make bench`` prints: what was measured, against what, its bound, and whether it holds."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

_WIDTHS = (58, 9, 9, 8, 8, 8)


@attrs.frozen(kw_only=True)
class Row:
    """One figure.

    Attributes:
        group: Under which heading it stands.
        what: What was measured.
        against: What it is measured in.
        figure: How much it is.
        bound: How much it may be; None where there is no bound.
        middle: The median over the rounds, where ``figure`` is about the best ones.
        raw: What one of ``against`` takes, in seconds.
        ours: What was measured, in seconds.
        unit: What the figure is: a multiple by default.
        below: Whether the bound itself is already too much: whoever is ahead is not level.
    """

    group: str
    what: str
    against: str
    figure: float
    bound: float | None
    middle: float | None = None
    raw: float | None = None
    ours: float | None = None
    unit: str = "x"
    below: bool = False

    @property
    def holds(self) -> bool:
        """Whether the figure is within its bound."""
        return self.bound is None or (self.figure < self.bound if self.below else self.figure <= self.bound)

    def __str__(self) -> str:
        cells = (
            f"  {self.what} / {self.against}",
            _duration(self.raw),
            _duration(self.ours),
            _number(self.figure, self.unit),
            "" if self.middle is None else f"({_number(self.middle, '').strip()})",
            "" if self.bound is None else f"{'<' if self.below else ''}{_number(self.bound, self.unit)}",
        )
        verdict = "" if self.bound is None else "holds" if self.holds else "MISSED"
        return f"{_line(cells)}  {verdict}".rstrip()


class Table:
    """The rows of one run, in the order in which they were measured."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(self, row: Row) -> Row:
        """Take one more row."""
        self.rows.append(row)
        return row

    def lines(self) -> Iterator[str]:
        """The table as text."""
        yield _line(("what / against what", "raw", "ours", "ratio", "(median)", "bound"))
        heading = ""
        for row in self.rows:
            if row.group != heading:
                heading = row.group
                yield heading
            yield str(row)
        missed = sum(not row.holds for row in self.rows)
        yield f"{len(self.rows)} figures, {missed} bounds missed" if missed else f"{len(self.rows)} figures, all bounds hold"


def _line(cells: tuple[str, ...]) -> str:
    first, *others = cells
    return first.ljust(_WIDTHS[0]) + "".join(
        cell.rjust(width + 1) for cell, width in zip(others, _WIDTHS[1:], strict=True)
    )


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for unit, size in (("us", 1e-6), ("ms", 1e-3)):
        if seconds < 1000 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.2f} s"


def _number(figure: float, unit: str) -> str:
    digits = 0 if figure >= 100 or figure == int(figure) else 2
    return f"{figure:.{digits}f} {unit}".strip()
