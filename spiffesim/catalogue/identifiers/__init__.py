"""SPIFFE IDs that are right, or wrong in one way."""

from __future__ import annotations

from typing import Any, Final

from spiffesim.catalogue.identifiers.authority import AUTHORITY
from spiffesim.catalogue.identifiers.case import SpiffeIdCase
from spiffesim.catalogue.identifiers.oddities import ODDITIES
from spiffesim.catalogue.identifiers.path import PATH
from spiffesim.catalogue.shelf import Shelf

SHELVES: Final[tuple[Shelf[Any], ...]] = (AUTHORITY, PATH, ODDITIES)
"""Everything that can be wrong, subject by subject."""

__all__ = ["SHELVES", "SpiffeIdCase"]
