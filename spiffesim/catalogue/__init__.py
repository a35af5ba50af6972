"""The catalogue: documents that are right, or wrong in exactly one named way.

    >>> from spiffesim import catalogue
    >>> case = catalogue.x509_svid_case("leaf_is_ca")
    >>> case.defect.sentence, case.defect.clause, case.should_pass
    ('The leaf is a CA certificate.', 'X509-SVID 4.1', False)
    >>> [answer.name for answer in case.examine().failures]
    ['leaf_not_ca']
    >>> case.repaired.examine().ok
    True

``defects()`` lists what can be wrong, ``oddities()`` what only looks wrong, and ``defect()`` finds one by its name. A
function for each kind of document makes a case of it: :func:`spiffe_id_case`, :func:`x509_svid_case`,
:func:`jwt_svid_case`, :func:`wit_svid_case`, :func:`bundle_case` and :func:`bundle_map_case`. These are real DER and real
tokens, signed by keys of a trust domain that exists for them alone. :mod:`spiffesim.strategies` draws them for
Hypothesis, and :mod:`spiffesim.compare` puts them to validators.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from spiffesim.catalogue import certificates, documents, identifiers, tokens
from spiffesim.catalogue.case import Case
from spiffesim.catalogue.certificates import X509SvidCase
from spiffesim.catalogue.documents import BundleCase, BundleMapCase
from spiffesim.catalogue.identifiers import SpiffeIdCase
from spiffesim.catalogue.shelf import Defect, Kind
from spiffesim.catalogue.tokens import JwtSvidCase, WitSvidCase
from spiffesim.errors import InvalidInput

__all__ = [
    "KINDS",
    "BundleCase",
    "BundleMapCase",
    "Case",
    "Defect",
    "JwtSvidCase",
    "Kind",
    "SpiffeIdCase",
    "WitSvidCase",
    "X509SvidCase",
    "bundle_case",
    "bundle_map_case",
    "defect",
    "defects",
    "jwt_svid_case",
    "oddities",
    "spiffe_id_case",
    "wit_svid_case",
    "x509_svid_case",
]

_SHELVES: Final = (*identifiers.SHELVES, *certificates.SHELVES, *tokens.SHELVES, *documents.SHELVES)
KINDS: Final[tuple[Kind, ...]] = ("spiffe-id", "x509-svid", "jwt-svid", "wit-svid", "bundle", "bundle-map")


@cache
def _all() -> tuple[Defect, ...]:
    return tuple(found for shelf in _SHELVES for found in shelf)


def defects(kind: Kind | None = None) -> tuple[Defect, ...]:
    """What can be wrong.

    Args:
        kind: With what kind of document; by default with any.

    Raises:
        InvalidInput: If there is no such kind.
    """
    _check_kind(kind)
    return tuple(found for found in _all() if not found.is_oddity and kind in (None, found.kind))


def oddities(kind: Kind | None = None) -> tuple[Defect, ...]:
    """What only looks wrong, and must be accepted.

    Args:
        kind: In what kind of document; by default in any.

    Raises:
        InvalidInput: If there is no such kind.
    """
    _check_kind(kind)
    return tuple(found for found in _all() if found.is_oddity and kind in (None, found.kind))


def defect(name: str, kind: Kind | None = None) -> Defect:
    """The defect, or the oddity, with this name.

    Args:
        name: Its name.
        kind: Of what kind of document; needed only where several kinds have one of this name.

    Raises:
        InvalidInput: If there is none.
    """
    found = [one for one in _all() if one.name == name and kind in (None, one.kind)]
    if len(found) != 1:
        raise InvalidInput(_no_such(name, kind, found), code="defect", name=name)
    return found[0]


def _no_such(name: str, kind: Kind | None, found: list[Defect]) -> str:
    if found:
        kinds = " and ".join(repr(one.kind) for one in found)
        return f"there is a defect {name!r:.80} of {kinds}: say of which kind"
    return f"there is no defect {name!r:.80}{f' of {kind!r}' if kind else ''}; catalogue.defects() lists them"


def x509_svid_case(name: str | None = None, /, *, depth: int = 0, number: int = 0) -> X509SvidCase:
    """An X.509-SVID.

    Args:
        name: What is wrong with it: a defect or an oddity; by default nothing.
        depth: How many intermediates stand between the leaf and the root; more, where the defect needs them.
        number: Tells it from others: another SPIFFE ID, other serial numbers, other keys.

    Raises:
        InvalidInput: If there is no such defect, or the number is not one from 0 to 2**63 - 1.
    """
    return X509SvidCase.make(_named(name, "x509-svid"), depth=depth, number=_counted(number))


def jwt_svid_case(name: str | None = None, /, *, number: int = 0) -> JwtSvidCase:
    """A JWT-SVID.

    Args:
        name: What is wrong with it: a defect or an oddity; by default nothing.
        number: Tells it from others: another SPIFFE ID, other keys.

    Raises:
        InvalidInput: If there is no such defect, or the number is not one from 0 to 2**63 - 1.
    """
    return JwtSvidCase.make(_named(name, "jwt-svid"), number=_counted(number))


def wit_svid_case(name: str | None = None, /, *, number: int = 0) -> WitSvidCase:
    """A WIT-SVID, and the proof that its holder has the key in it.

    Args:
        name: What is wrong with it: a defect or an oddity; by default nothing.
        number: Tells it from others: another SPIFFE ID, other keys.

    Raises:
        InvalidInput: If there is no such defect, or the number is not one from 0 to 2**63 - 1.
    """
    return WitSvidCase.make(_named(name, "wit-svid"), number=_counted(number))


def spiffe_id_case(name: str | None = None, /, *, number: int = 0) -> SpiffeIdCase:
    """A SPIFFE ID.

    Args:
        name: What is wrong with it: a defect or an oddity; by default nothing.
        number: Tells it from others: another path.

    Raises:
        InvalidInput: If there is no such defect, or the number is not one from 0 to 2**63 - 1.
    """
    return SpiffeIdCase.make(_named(name, "spiffe-id"), number=_counted(number))


def bundle_case(name: str | None = None, /, *, number: int = 0) -> BundleCase:
    """A bundle document with an X.509, a JWT and a WIT authority.

    Args:
        name: What is wrong with it: a defect or an oddity; by default nothing.
        number: Tells it from others: other keys, other key IDs, another sequence number.

    Raises:
        InvalidInput: If there is no such defect, or the number is not one from 0 to 2**63 - 1.
    """
    return BundleCase.make(_named(name, "bundle"), number=_counted(number))


def bundle_map_case(name: str | None = None, /, *, number: int = 0) -> BundleMapCase:
    """A bundle map document with the bundles of two trust domains.

    Args:
        name: What is wrong with it: a defect or an oddity; by default nothing.
        number: Tells it from others: other keys, other key IDs, other sequence numbers.

    Raises:
        InvalidInput: If there is no such defect, or the number is not one from 0 to 2**63 - 1.
    """
    return BundleMapCase.make(_named(name, "bundle-map"), number=_counted(number))


def _check_kind(kind: object) -> None:
    if kind is not None and kind not in KINDS:
        raise InvalidInput(f"there is no kind {kind!r:.40} of document, only {', '.join(KINDS)}", code="kind")


def _counted(number: object) -> int:
    if not isinstance(number, int) or not 0 <= number < 1 << 63:
        raise InvalidInput(f"the number of a case is one from 0 to 2**63 - 1, not {number!r:.40}", code="number")
    return number


def _named(name: str | None, kind: Kind) -> Defect | None:
    return None if name is None else defect(name, kind)
