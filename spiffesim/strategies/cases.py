"""Cases: documents that are right, or wrong in exactly one named way, drawn from the catalogue.

Half of what is drawn is right; the other half has one defect, or one oddity, which only looks wrong. A counterexample
shrinks to the one defect, at the smallest depth, and says it: ``x509_svid_case('leaf_is_ca')``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypedDict, TypeVar, Unpack

from hypothesis import strategies as st

from spiffesim import catalogue
from spiffesim.catalogue import (
    BundleCase,
    BundleMapCase,
    Case,
    Defect,
    JwtSvidCase,
    Kind,
    SpiffeIdCase,
    WitSvidCase,
    X509SvidCase,
)
from spiffesim.catalogue.certificates.collisions import COLLISIONS

_CaseT = TypeVar("_CaseT", bound=Case)

_NUMBERS: Final = st.integers(0, 2**16)


class CaseOptions(TypedDict, total=False):
    """What may be drawn.

    Attributes:
        defects: The names of the defects and oddities that may be drawn; by default all.
        oddities: Whether there are oddities among them, where no names are given; there are by default.
    """

    defects: Iterable[str]
    oddities: bool


def x509_svid_cases(*, max_depth: int = 3, **options: Unpack[CaseOptions]) -> st.SearchStrategy[X509SvidCase]:
    """X.509-SVIDs, with what the validator holds.

    Args:
        max_depth: How many intermediates there may be; a defect that needs more has them all the same.
        **options: What may be drawn; see ``CaseOptions``.

    Raises:
        InvalidInput: If there is no such defect.
    """
    found = _defects("x509-svid", options)
    return st.tuples(found, st.integers(0, max_depth), _NUMBERS).map(
        lambda drawn: X509SvidCase.make(drawn[0], depth=drawn[1], number=drawn[2])
    )


def key_collision_cases(*, max_depth: int = 3) -> st.SearchStrategy[X509SvidCase]:
    """X.509-SVIDs of which several certificates have the same key; in all others the keys are distinct.

    Args:
        max_depth: How many intermediates there may be; a collision that needs more has them all the same.
    """
    return x509_svid_cases(max_depth=max_depth, defects=[str(collision) for collision in COLLISIONS])


def jwt_svid_cases(**options: Unpack[CaseOptions]) -> st.SearchStrategy[JwtSvidCase]:
    """JWT-SVIDs, with what the validator holds.

    Args:
        **options: What may be drawn; see ``CaseOptions``.

    Raises:
        InvalidInput: If there is no such defect.
    """
    return _cases(JwtSvidCase.make, "jwt-svid", options)


def wit_svid_cases(**options: Unpack[CaseOptions]) -> st.SearchStrategy[WitSvidCase]:
    """WIT-SVIDs with the proofs of their holders, and with what the validator holds.

    Args:
        **options: What may be drawn; see ``CaseOptions``.

    Raises:
        InvalidInput: If there is no such defect.
    """
    return _cases(WitSvidCase.make, "wit-svid", options)


def spiffe_id_cases(**options: Unpack[CaseOptions]) -> st.SearchStrategy[SpiffeIdCase]:
    """Texts that are SPIFFE IDs, or are not for one reason.

    Args:
        **options: What may be drawn; see ``CaseOptions``.

    Raises:
        InvalidInput: If there is no such defect.
    """
    return _cases(SpiffeIdCase.make, "spiffe-id", options)


def bundle_cases(**options: Unpack[CaseOptions]) -> st.SearchStrategy[BundleCase]:
    """Bundle documents.

    Args:
        **options: What may be drawn; see ``CaseOptions``.

    Raises:
        InvalidInput: If there is no such defect.
    """
    return _cases(BundleCase.make, "bundle", options)


def bundle_map_cases(**options: Unpack[CaseOptions]) -> st.SearchStrategy[BundleMapCase]:
    """Bundle map documents.

    Args:
        **options: What may be drawn; see ``CaseOptions``.

    Raises:
        InvalidInput: If there is no such defect.
    """
    return _cases(BundleMapCase.make, "bundle-map", options)


def _cases(make: Callable[..., _CaseT], kind: Kind, options: CaseOptions) -> st.SearchStrategy[_CaseT]:
    """Cases that have nothing but a defect and a number."""
    return st.tuples(_defects(kind, options), _NUMBERS).map(lambda drawn: make(drawn[0], number=drawn[1]))


def _defects(kind: Kind, options: CaseOptions) -> st.SearchStrategy[Defect | None]:
    """None, or a defect; None is the simplest, and then those that stand first in the catalogue."""
    names = options.get("defects")
    if names is not None:
        known = tuple(catalogue.defect(name, kind) for name in names)
    else:
        oddities = catalogue.oddities(kind) if options.get("oddities", True) else ()
        known = (*catalogue.defects(kind), *oddities)
    return st.none() | st.sampled_from(known)
