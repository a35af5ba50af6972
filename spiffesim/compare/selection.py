"""Selections: the cases of the catalogue one after the other, and those that are smaller than a given one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from itertools import count as numbers
from typing import Final

from spiffesim import catalogue
from spiffesim.catalogue import KINDS, Case, Defect, Kind
from spiffesim.compare.validator import check_kinds
from spiffesim.errors import InvalidInput

_CHAINS: Final = "x509-svid"  # the one kind whose cases have a depth
_MAKERS: Final[Mapping[Kind, Callable[..., Case]]] = {
    "spiffe-id": catalogue.spiffe_id_case,
    "x509-svid": catalogue.x509_svid_case,
    "jwt-svid": catalogue.jwt_svid_case,
    "wit-svid": catalogue.wit_svid_case,
    "bundle": catalogue.bundle_case,
    "bundle-map": catalogue.bundle_map_case,
}


def cases(
    count: int | None = None, *, kinds: Sequence[Kind] = KINDS, max_depth: int = 4, first: int = 0
) -> Iterator[Case]:
    """The cases of the catalogue: what is right, every defect with its repaired twin, and every oddity.

    They come round by round. A round has one number; it goes through all kinds and defects, then again through those
    with chains, each a certificate longer. The same call gives the same cases.

    Args:
        count: How many; by default without end.
        kinds: Of what kinds of document.
        max_depth: How many intermediates chains have at most, unless a defect needs more.
        first: The number of the first round.

    Raises:
        InvalidInput: If there is no such kind, or a number is less than 0.
    """
    check_kinds(kinds)
    for name, value in (("count", count or 0), ("max_depth", max_depth), ("first", first)):
        if value < 0:
            raise InvalidInput(f"{name} is {value}, less than 0", code=name)
    rounds = (_round(kinds, max_depth, number) for number in numbers(first))
    return islice(chain.from_iterable(rounds), count)


def _round(kinds: Sequence[Kind], max_depth: int, number: int) -> Iterator[Case]:
    ways = [(kind, defect) for kind in kinds for defect in (None, *catalogue.defects(kind), *catalogue.oddities(kind))]
    for step in range(max_depth + 1):
        for kind, defect in ways:
            for depth in _depths(kind, defect, max_depth)[step : step + 1]:
                yield from _with_twin(make(kind, defect, depth=depth, number=number))


def _with_twin(case: Case) -> Iterator[Case]:
    yield case
    if case.defect is not None:
        yield case.repaired


def _depths(kind: Kind, defect: Defect | None, max_depth: int) -> range:
    """The depths that cases with a defect are made with; one where there is no depth, or the defect sets it."""
    if kind != _CHAINS:
        return range(1)
    least = 0 if defect is None else defect.depth
    return range(least, max(least, max_depth) + 1)


def make(kind: Kind, defect: Defect | None, *, depth: int, number: int) -> Case:
    """A case of a kind.

    Args:
        kind: Of what kind of document.
        defect: What is wrong with it.
        depth: How many intermediates stand in it, if it is a chain.
        number: Tells it from others.
    """
    name = defect.name if defect is not None else None
    return _MAKERS[kind](name, number=number, **({"depth": depth} if kind == _CHAINS else {}))


def size(case: Case) -> tuple[int, int]:
    """How large a case is: first by depth, then by number."""
    return getattr(case, "depth", 0), case.number


def smaller(case: Case) -> Iterator[Case]:
    """The cases with the same defect that are worth a look when one shows something: smaller ones, the smallest first.

    Args:
        case: That case; if its defect is not of the catalogue, there are none.
    """
    if case.defect is not None and case.defect not in catalogue.defects() + catalogue.oddities():
        return
    depth, number = size(case)
    for lower in _depths(case.kind, case.defect, depth):
        for other in sorted({0, number}):
            if (lower, other) < (depth, number):
                made = make(case.kind, case.defect, depth=lower, number=other)
                yield made.repaired if case.twin else made
