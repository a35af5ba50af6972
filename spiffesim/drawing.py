"""The drawing of a tree: a row a node, a colour and a shape a kind, as an SVG document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import TYPE_CHECKING, Final

from spiffesim.instants import microseconds, rfc3339
from spiffesim.spiffe.markup import Markup, printable, shorten, tag, width

if TYPE_CHECKING:
    from spiffesim.tree import Branch, Tree

_MARGIN: Final = 20
_TOP: Final = 84  # where the rows begin
_ROW: Final = 26
_INDENT: Final = 22
_CHARACTER: Final = 7.25  # the width of one, in 12 px monospace, rounded up
_GAP: Final = 28
_BESIDE: Final = 13  # from a shape to its name, and from a name to its note
_LONGEST: Final = 64  # characters of a text; the whole is in its title

_SANS: Final = "ui-sans-serif, system-ui, 'Helvetica Neue', Arial, sans-serif"
_MONO: Final = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_INK: Final = "#1e293b"
_FAINT: Final = "#64748b"
_LINE: Final = "#cbd5e1"
_WRONG: Final = "#b91c1c"
_COLOURS: Final = {"upstream authority": "#9f1239", "server": "#4338ca", "agent": "#0f766e", "workload": "#b45309"}
# Within 14 by 14 pixels around the origin.
_SHAPES: Final = {
    "upstream authority": "M0 -7 L6 -4.5 V0 Q6 5 0 7.5 Q-6 5 -6 0 V-4.5 Z",  # a shield
    "server": "M-7 -6 H7 V-0.75 H-7 Z M-7 0.75 H7 V6 H-7 Z",  # a rack
    "agent": "M-6.5 0 A6.5 6.5 0 1 1 6.5 0 A6.5 6.5 0 1 1 -6.5 0 Z",  # a disc
    "workload": "M0 -7 L6.2 -3.5 V3.5 L0 7 L-6.2 3.5 V-3.5 Z",  # a box
}


def draw(tree: Tree, limit: int) -> str:
    """A tree as an SVG document.

    Args:
        tree: The tree.
        limit: How many nodes it shows at most.
    """
    shown = tree.branches[:limit]
    left_out = len(tree.branches) - len(shown)
    at = _columns(tree, shown)
    height = _TOP + _ROW * (len(shown) + bool(left_out)) + _MARGIN // 2
    parts = [tag("rect", width=at[-1], height=height, rx=8, fill="#ffffff", stroke="#e2e8f0")]
    parts += [*_heading(tree, at), *_trunks(shown)]
    for place, branch in enumerate(shown):
        parts += _node(tree, branch, _middle(place), at)
    if left_out:
        parts.append(_text(f"... and {left_out:,} more", _MARGIN, _middle(len(shown)), fill=_FAINT))
    return tag(
        "svg",
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {at[-1]} {height}",
        width=at[-1],
        height=height,
        font_family=_MONO,
        font_size=12,
    )


def _columns(tree: Tree, shown: Sequence[Branch]) -> tuple[int, int, int, int]:
    """Where the kinds, the IDs and the ends begin, and how wide it all is."""
    kinds = _MARGIN + _GAP + max(_note_at(branch) + _wide(_note(branch)) for branch in shown)
    ids = kinds + _GAP + max(_wide(branch.kind) for branch in shown)
    ends = ids + _GAP + max(_wide(branch.spiffe_id) for branch in shown)
    return kinds, ids, ends, ends + _MARGIN + max(_wide(tree.ends(branch)) for branch in shown)


def _wide(text: str) -> int:
    """How many pixels a text takes."""
    return ceil(width(_short(text)) * _CHARACTER)


def _short(text: str) -> str:
    return shorten(printable(text), _LONGEST)


def _node_at(branch: Branch) -> int:
    """Where the shape of a node stands, from the left."""
    return _MARGIN + 8 + _INDENT * len(branch.more)


def _note_at(branch: Branch) -> int:
    return _node_at(branch) + _BESIDE + _wide(branch.name) + _BESIDE


def _note(branch: Branch) -> str:
    level = f"level {branch.level}" if branch.level > len(branch.more) else ""
    return ", ".join(filter(None, (level, branch.note)))


def _middle(place: int) -> int:
    return _TOP + _ROW * place + _ROW // 2


def _heading(tree: Tree, at: Sequence[int]) -> Iterator[Markup]:
    names = ", ".join(tree.trust_domains)
    yield _text(names, _MARGIN, 28, font_family=_SANS, font_size=17, font_weight=600, fill=_INK)
    told = f"{tree.summary} · {rfc3339(microseconds(tree.now))}"
    yield _text(told, _MARGIN, 48, font_family=_SANS, fill=_FAINT)
    for name, left in zip(("kind", "SPIFFE ID", "validity"), at, strict=False):
        yield _text(name, left, _TOP - 10, font_family=_SANS, font_size=11, fill=_FAINT)


def _trunks(shown: Sequence[Branch]) -> Iterator[Markup]:
    """The line from each node to the one above; straight, where they are so deep that they stand below each other."""
    last: dict[int, int] = {}  # the row of the last node of each level
    for place, branch in enumerate(shown):
        last[branch.level] = place
        if branch.level:
            left, top, middle = _node_at(branch), _middle(last[branch.level - 1]), _middle(place)
            bend = (
                f"M{left} {top} V{middle}"
                if branch.level > len(branch.more)
                else f"M{left - _INDENT} {top} V{middle} H{left}"
            )
            yield tag("path", d=bend, fill="none", stroke=_LINE)


def _node(tree: Tree, branch: Branch, middle: int, at: Sequence[int]) -> Iterator[Markup]:
    colour = _COLOURS[branch.kind]
    left, ended = _node_at(branch), branch.not_after is not None and branch.not_after < tree.now
    yield tag("path", d=_SHAPES[branch.kind], transform=f"translate({left} {middle})", fill=colour, stroke="#ffffff")
    yield _text(branch.name, left + _BESIDE, middle + 4, font_weight=600, fill=_INK)
    yield _text(_note(branch), _note_at(branch), middle + 4, font_family=_SANS, font_size=11, fill=_FAINT)
    yield _text(branch.kind, at[0], middle + 4, font_family=_SANS, fill=colour)
    yield _text(branch.spiffe_id, at[1], middle + 4, fill=_INK)
    yield _text(tree.ends(branch), at[2], middle + 4, fill=_WRONG if ended else _FAINT)


def _text(text: str, left: int, baseline: int, **attributes: object) -> Markup:
    """A text, shortened; the whole of it shows when somebody points at it."""
    if not text:
        return Markup()
    title = tag("title", text) if _short(text) != text else Markup()
    return tag("text", _short(text), title, x=left, y=baseline, **attributes)
