"""Cases: documents that are right, or wrong in exactly one named way, drawn from the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from hypothesis import strategies as st

from spiffesim import catalogue
from spiffesim.catalogue import Defect, Kind, X509SvidCase
from spiffesim.catalogue.case import Case

_CaseT = TypeVar("_CaseT", bound=Case)

_NUMBERS: Final = st.integers(0, 2**16)


def x509_svid_cases(
    *, max_depth: int = 3, defects: Iterable[str] | None = None, oddities: bool = True
) -> st.SearchStrategy[X509SvidCase]:
    """X.509-SVIDs: half of them right, the others wrong in one way, or only odd.

    A counterexample shrinks to the one defect, at the smallest depth, and says it: ``x509_svid_case('leaf_is_ca')``.

    Args:
        max_depth: How many intermediates there may be; a defect that needs more has them all the same.
        defects: The names of those that may be drawn; by default all.
        oddities: Whether there are some that only look wrong.

    Raises:
        InvalidInput: If there is no such defect.
    """
    found = _defects("x509-svid", defects, oddities=oddities)
    depths = st.integers(0, max_depth)
    return st.tuples(found, depths, _NUMBERS).map(
        lambda drawn: X509SvidCase.make(drawn[0], depth=drawn[1], number=drawn[2])
    )


def _cases(
    make: Callable[..., _CaseT], kind: Kind, defects: Iterable[str] | None, *, oddities: bool
) -> st.SearchStrategy[_CaseT]:
    """Cases that have nothing but a defect and a number."""
    found = _defects(kind, defects, oddities=oddities)
    return st.tuples(found, _NUMBERS).map(lambda drawn: make(drawn[0], number=drawn[1]))


def _defects(kind: Kind, names: Iterable[str] | None, *, oddities: bool) -> st.SearchStrategy[Any]:
    """None, or a defect; None is the simplest, and then those that stand first in the catalogue."""
    if names is not None:
        known: tuple[Defect, ...] = tuple(catalogue.defect(name, kind) for name in names)
    else:
        known = (*catalogue.defects(kind), *(catalogue.oddities(kind) if oddities else ()))
    return st.none() | st.sampled_from(known)
