"""Selectors: what an attestor found out about a node or a workload, and how two sets of them compare."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

import attrs

from spiffesim.errors import InvalidEntry


@attrs.frozen(order=True, cache_hash=True, repr=False)
class Selector:
    """One thing that an attestor found out, such as ``unix:uid:1001``.

    Args:
        type: Who found it out: the name of the attestor, such as ``unix``.
        value: What it found, such as ``uid:1001``.

    Raises:
        InvalidEntry: If either is not a text. Empty ones are refused by the server, in SPIRE's words.
    """

    type: str
    value: str

    def __attrs_post_init__(self) -> None:
        if self.type.__class__ is not str or self.value.__class__ is not str:
            raise InvalidEntry(
                f"a selector is made of two texts, not of {self.type!r} and {self.value!r}", code="selector_type"
            )

    @classmethod
    def parse(cls, text: str | Selector) -> Selector:
        """Read ``type:value``; only the first colon separates.

        Raises:
            InvalidEntry: If there is no colon.

        SPIRE: cmd/spire-server/util/util.go (ParseSelector)
        """
        if isinstance(text, Selector):
            return text
        if not isinstance(text, str):
            raise InvalidEntry(
                f"a selector is a Selector or a text such as 'unix:uid:1001', not a {type(text).__name__}",
                code="selector_type",
            )
        kind, colon, value = text.partition(":")
        if not colon:
            raise InvalidEntry(
                f'selector "{text}" must be formatted as type:value', code="selector_format", selector=text
            )
        return cls(kind, value)

    def __str__(self) -> str:
        return f"{self.type}:{self.value}"

    def __repr__(self) -> str:
        return f"Selector({self.type!r}, {self.value!r})"


SelectorLike: TypeAlias = Selector | str


def read_selectors(selectors: Iterable[SelectorLike] | None) -> tuple[Selector, ...]:
    """Selectors from selectors and texts, in the order given.

    Raises:
        InvalidEntry: If they are no collection of selectors.
    """
    if isinstance(selectors, tuple) and all(item.__class__ is Selector for item in selectors):
        return selectors
    return tuple(Selector.parse(item) for item in read_items(selectors, "selectors", "unix:uid:1001"))


def read_items(items: Iterable[Any] | None, name: str, example: str) -> Iterable[Any]:
    """A collection that is neither one text nor a mapping; None is an empty one.

    Raises:
        InvalidEntry: If it is a lone text, which would be read letter by letter, or no collection.
    """
    if items is None:
        return ()
    if isinstance(items, str | bytes | dict) or not isinstance(items, Iterable):
        raise InvalidEntry(
            f"{name} is a collection, such as [{example!r}], not a {type(items).__name__}",
            code="field_type",
            field=name,
        )
    return items


def _exact(held: frozenset[Any], wanted: frozenset[Any]) -> bool:
    return held == wanted


def _subset(held: frozenset[Any], wanted: frozenset[Any]) -> bool:
    return bool(held) and held <= wanted


def _superset(held: frozenset[Any], wanted: frozenset[Any]) -> bool:
    return held >= wanted


def _any(held: frozenset[Any], wanted: frozenset[Any]) -> bool:
    return not held.isdisjoint(wanted)


_MATCHES: Final[dict[str, Callable[[frozenset[Any], frozenset[Any]], bool]]] = {
    "exact": _exact,
    "any": _any,
    "superset": _superset,
    "subset": _subset,
}


def matcher(name: str) -> Callable[[frozenset[Any], frozenset[Any]], bool]:
    """How what an entry holds compares with what a filter wants: exact, any, superset or subset.

    Raises:
        InvalidEntry: For any other name.

    SPIRE: cmd/spire-server/cli/entry/show.go (parseToSelectorMatch)
    """
    match = _MATCHES.get(name) if isinstance(name, str) else None
    if match is None:
        raise InvalidEntry(
            f'match behavior "{name}" unknown; it is one of {", ".join(_MATCHES)}', code="match_unknown", match=name
        )
    return match
