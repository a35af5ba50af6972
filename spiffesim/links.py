"""Links: which pairs of nodes cannot reach each other."""

from __future__ import annotations

from typing import TypeAlias

Pair: TypeAlias = tuple[str, str]


class Links:
    """The links between nodes that are cut; all others are whole."""

    def __init__(self) -> None:
        self._cut: set[Pair] = set()

    def whole(self, one: str, other: str) -> bool:
        """Whether the link between two nodes is not cut."""
        return not self._cut or _pair(one, other) not in self._cut

    def cut(self, one: str, other: str) -> bool:
        """Cut the link between two nodes; False if it was cut already."""
        known = len(self._cut)
        self._cut.add(_pair(one, other))
        return len(self._cut) > known

    def heal(self, one: str, other: str) -> bool:
        """Join them again; False if the link was whole."""
        known = len(self._cut)
        self._cut.discard(_pair(one, other))
        return len(self._cut) < known


def _pair(one: str, other: str) -> Pair:
    return (one, other) if one <= other else (other, one)
