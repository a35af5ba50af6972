"""X.509-SVIDs that are right, or wrong in one way: made by editing real certificates, field by field or byte by byte."""

from __future__ import annotations

from spiffesim.catalogue.certificates.algorithms import ALGORITHMS
from spiffesim.catalogue.certificates.case import X509SvidCase
from spiffesim.catalogue.certificates.collisions import COLLISIONS
from spiffesim.catalogue.certificates.encoding import ENCODING
from spiffesim.catalogue.certificates.fields import FIELDS
from spiffesim.catalogue.certificates.issuers import ISSUERS
from spiffesim.catalogue.certificates.keys import KEYS
from spiffesim.catalogue.certificates.leaf import LEAF
from spiffesim.catalogue.certificates.limits import LIMITS
from spiffesim.catalogue.certificates.names import NAMES
from spiffesim.catalogue.certificates.shape import SHAPE
from spiffesim.catalogue.certificates.signatures import SIGNATURES
from spiffesim.catalogue.certificates.validity import VALIDITY
from spiffesim.catalogue.certificates.values import VALUES

SHELVES = (
    SHAPE,
    NAMES,
    LEAF,
    ISSUERS,
    LIMITS,
    VALIDITY,
    SIGNATURES,
    ALGORITHMS,
    KEYS,
    FIELDS,
    ENCODING,
    VALUES,
    COLLISIONS,
)
"""Everything that can be wrong, subject by subject."""

__all__ = ["SHELVES", "X509SvidCase"]
