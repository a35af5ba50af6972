"""Keys that several certificates of a chain share, on purpose: nowhere else do any two.

A validator that goes by keys where names count, or keeps what it knows of one certificate under its key alone, shows it
here.
"""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.certificates.draft import BASIC_CONSTRAINTS, ca
from spiffesim.catalogue.shelf import Shelf
from spiffesim.spiffe.rules.x509 import X509_SVID

COLLISIONS: Final = Shelf[Chain](X509_SVID)
_KEYS: Final = "RFC 5280 6.1"  # nothing in there asks whether keys are distinct


def _share(chain: Chain, *places: int) -> None:
    """Give certificates the key of the root; those that are issuers sign with it."""
    for place in places:
        if place:
            chain.rekey(place, chain.root.key)
        else:
            chain.leaf.rekey(chain.root.key)


@COLLISIONS("known_authority")
def another_name_of_same_key_in_bundle(chain: Chain) -> None:
    """The bundle has a root with the key of the one that the chain leads to, and with another name."""
    another = chain.another_root("another")
    another.rekey(chain.root.key)
    another.sign_with(chain.root.key)
    chain.authorities[:] = [another]


@COLLISIONS("leaf_not_ca")
def ca_of_roots_key(chain: Chain) -> None:
    """The leaf has the key of the root and is a CA certificate, as the root is."""
    _share(chain, 0)
    chain.leaf.put(BASIC_CONSTRAINTS, ca(), critical=True)


@COLLISIONS("signature", clause=_KEYS, answer="accepted")
def leaf_of_roots_key(chain: Chain) -> None:
    """The leaf has the key of the root."""
    _share(chain, 0)


@COLLISIONS("signature", clause=_KEYS, answer="accepted", depth=1)
def intermediate_of_roots_key(chain: Chain) -> None:
    """The intermediate above the leaf has the key of the root."""
    _share(chain, 1)


@COLLISIONS("signature", clause=_KEYS, answer="accepted", depth=1)
def one_key_for_all(chain: Chain) -> None:
    """All certificates of the chain have the key of the root."""
    _share(chain, *range(chain.depth + 1))


@COLLISIONS("signature", clause=_KEYS, answer="accepted")
def another_name_of_same_key_beside_root(chain: Chain) -> None:
    """The bundle has, before the root, another one with its key and another name."""
    another = chain.another_root("another")
    another.rekey(chain.root.key)
    another.sign_with(chain.root.key)
    chain.authorities.insert(0, another)
