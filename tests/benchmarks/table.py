"""The table that ``make bench`` prints: what was measured, against what, its bound, and whether it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

import attrs

from tests.benchmarks import primitives

X509: Final = "X.509-SVID"
JWT: Final = "JWT-SVID"
CHAINS: Final = "Validation of an X.509-SVID with d intermediates, parsed"
CASES: Final = "Cases of the catalogue"
DEPLOYMENTS: Final = "Deployments"
TIME: Final = "Virtual time"
IMPORTS: Final = "A fresh interpreter"
PEERS: Final = "Side by side, without a memo"
GROUPS: Final = (X509, JWT, CHAINS, CASES, DEPLOYMENTS, TIME, IMPORTS, PEERS)

_HEAD: Final = ("what / against what", "raw", "ours", "ratio", "(median)", "bound")
_WIDTHS: Final = (70, 10, 10, 11, 10, 11)


class Timed(Protocol):
    """What something took in a process of its own."""

    @property
    def seconds(self) -> float:
        """How long it took, by the clock on the wall."""

    @property
    def verifications(self) -> float:
        """How long the processor worked on it, in raw P-256 verifications of the same run."""

    @property
    def verification(self) -> float:
        """What one of those took, in seconds."""


@attrs.frozen(kw_only=True)
class Row:
    """One figure.

    Attributes:
        group: Under which heading it stands, one of ``GROUPS``.
        what: What was measured.
        against: What it is measured in.
        figure: How much it is.
        bound: How much it may be; None where there is no bound.
        median: The same, but over all rounds.
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
    median: float | None = None
    raw: float | None = None
    ours: float | None = None
    unit: str = "x"
    below: bool = False

    @classmethod
    def of_time(cls, group: str, what: str, timed: Timed, seconds: float) -> Row:
        """The row of something that may take this long on the machine of reference."""
        return cls(
            group=group,
            what=what,
            against="verifications",
            figure=timed.verifications,
            bound=seconds / primitives.REFERENCE,
            below=True,
            raw=timed.verification,
            ours=timed.seconds,
        )

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
            "" if self.median is None else f"({_number(self.median, '')})",
            "" if self.bound is None else f"{'<' if self.below else ''}{_number(self.bound, self.unit)}",
        )
        verdict = "" if self.bound is None else "holds" if self.holds else "MISSED"
        return f"{_line(cells)}  {verdict}".rstrip()


def first_to_hold(rows: Iterable[Row]) -> Row:
    """The first of several measurements of one figure whose bound holds; where none does, the best of them."""
    seen: list[Row] = []
    for row in rows:
        seen.append(row)
        if row.holds:
            break
    return min(seen, key=lambda row: row.figure)


class Table:
    """The rows of one run."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def enter(self, row: Row) -> None:
        """Take one more row; a bound that is missed fails the test.

        Raises:
            AssertionError: If it is.
        """
        self.rows.append(row)
        assert row.holds, f"{row.what}: {row.figure:.3g} {row.unit} ({row.against}), more than {row.bound}"

    def lines(self) -> Iterator[str]:
        """The table as text."""
        yield _line(_HEAD)
        for group in GROUPS:
            rows = [row for row in self.rows if row.group == group]
            if rows:
                yield group
                yield from map(str, rows)
        missed = sum(not row.holds for row in self.rows)
        yield f"{len(self.rows)} figures, {f'{missed} bounds missed' if missed else 'all bounds hold'}"


def _line(cells: tuple[str, ...]) -> str:
    first, *others = cells
    return first.ljust(_WIDTHS[0]) + "".join(cell.rjust(width) for cell, width in zip(others, _WIDTHS[1:], strict=True))


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for unit, size in (("us", 1e-6), ("ms", 1e-3)):
        if seconds < 1000 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.2f} s"


def _number(figure: float, unit: str) -> str:
    whole = figure >= 100 or figure == int(figure)
    return f"{figure:,.0f} {unit}".strip() if whole else f"{figure:.2f} {unit}".strip()
