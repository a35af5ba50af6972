"""SPIFFE IDs that are right, or wrong in one way."""

from __future__ import annotations

from typing import Any, Final

from spiffesim.catalogue.shelf import Shelf

SHELVES: Final[tuple[Shelf[Any], ...]] = ()
"""Everything that can be wrong, subject by subject."""
