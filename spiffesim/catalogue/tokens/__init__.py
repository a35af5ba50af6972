"""JWT-SVIDs and WIT-SVIDs that are right, or wrong in one way: made by editing real tokens, stage by stage."""

from __future__ import annotations

from typing import Any, Final

from spiffesim.catalogue.shelf import Shelf
from spiffesim.catalogue.tokens.algorithm import ALGORITHM
from spiffesim.catalogue.tokens.bundles import BUNDLES
from spiffesim.catalogue.tokens.case import JwtSvidCase, WitSvidCase
from spiffesim.catalogue.tokens.claims import CLAIMS
from spiffesim.catalogue.tokens.confirmation import CONFIRMATION, PROOF
from spiffesim.catalogue.tokens.header import HEADER
from spiffesim.catalogue.tokens.jwt_oddities import JWT_ODDITIES
from spiffesim.catalogue.tokens.payload import PAYLOAD
from spiffesim.catalogue.tokens.serialization import SERIALIZATION
from spiffesim.catalogue.tokens.signature import SIGNATURE
from spiffesim.catalogue.tokens.times import TIMES
from spiffesim.catalogue.tokens.wit import WIT
from spiffesim.catalogue.tokens.wit_oddities import WIT_ODDITIES

SHELVES: Final[tuple[Shelf[Any], ...]] = (
    SERIALIZATION,
    HEADER,
    ALGORITHM,
    SIGNATURE,
    BUNDLES,
    PAYLOAD,
    CLAIMS,
    TIMES,
    JWT_ODDITIES,
    WIT,
    CONFIRMATION,
    PROOF,
    WIT_ODDITIES,
)
"""Everything that can be wrong, subject by subject."""

__all__ = ["SHELVES", "JwtSvidCase", "WitSvidCase"]
