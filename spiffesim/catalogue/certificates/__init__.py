"""X.509-SVIDs that are right, or wrong in one way: made by editing real certificates, field by field or byte by byte."""

from __future__ import annotations

from spiffesim.catalogue.certificates.case import X509SvidCase
from spiffesim.catalogue.certificates.leaf import LEAF

SHELVES = (LEAF,)
"""Everything that can be wrong, subject by subject."""

__all__ = ["SHELVES", "X509SvidCase"]
