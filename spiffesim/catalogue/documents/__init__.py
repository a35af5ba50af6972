"""Bundles and bundle maps that are right, or wrong in one way."""

from __future__ import annotations

from typing import Any, Final

from spiffesim.catalogue.documents.authorities import AUTHORITIES
from spiffesim.catalogue.documents.case import BundleCase, BundleMapCase
from spiffesim.catalogue.documents.certificates import CERTIFICATES
from spiffesim.catalogue.documents.keys import KEYS
from spiffesim.catalogue.documents.maps import INHERITED, MAP_ODDITIES, MAPS
from spiffesim.catalogue.documents.oddities import ODDITIES
from spiffesim.catalogue.documents.text import TEXT
from spiffesim.catalogue.shelf import Shelf

SHELVES: Final[tuple[Shelf[Any], ...]] = (
    *(TEXT, KEYS, CERTIFICATES, AUTHORITIES, ODDITIES),
    *(MAPS, INHERITED, MAP_ODDITIES),
)
"""Everything that can be wrong, subject by subject."""

__all__ = ["SHELVES", "BundleCase", "BundleMapCase"]
