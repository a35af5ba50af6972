"""What can be wrong with a leaf."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.certificates.draft import (
    ALTERNATIVE_NAMES,
    BASIC_CONSTRAINTS,
    uri_names,
)
from spiffesim.catalogue.shelf import Shelf
from spiffesim.spiffe.rules.x509 import X509_SVID
from spiffesim.spiffe.x509 import der

LEAF: Final = Shelf[Chain](X509_SVID)


@LEAF("leaf_not_ca", clause="X509-SVID 4.1")
def leaf_is_ca(chain: Chain) -> None:
    """The leaf is a CA certificate."""
    chain.leaf.put(BASIC_CONSTRAINTS, der.sequence(der.boolean(True)), critical=True)


@LEAF("one_uri")
def two_spiffe_ids(chain: Chain) -> None:
    """The leaf has two SPIFFE IDs."""
    chain.leaf.put(ALTERNATIVE_NAMES, uri_names(chain.spiffe_id, chain.spiffe_id + "/second"))
