"""What can be wrong with a chain whose certificates are each right: what is there, what is missing, in which order."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.certificates.chain import DAY, Chain
from spiffesim.catalogue.certificates.draft import AUTHORITY_KEY_ID, SUBJECT_KEY_ID, Draft, key_id
from spiffesim.catalogue.hierarchy import NOW
from spiffesim.catalogue.shelf import Shelf
from spiffesim.profiles import ca_subject
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.rules.x509 import X509_SVID
from spiffesim.spiffe.x509 import der
from spiffesim.spiffe.x509.limits import MAX_CHAIN

SHAPE: Final = Shelf[Chain](X509_SVID)

_PATH: Final = "RFC 5280 6.1"
_KEY_IDS: Final = "RFC 5280 4.2.1.1"
_ORDER: Final = "RFC 8446 4.4.2"


def _sibling(chain: Chain) -> Draft:
    """An intermediate with the name and the issuer of the lowest one, and another key."""
    sibling = chain.intermediate.copy()
    sibling.rekey(chain.hierarchy.key("sibling"))
    sibling.serial = der.integer(chain.hierarchy.draw("sibling").serial)
    return sibling


# What is presented


@SHAPE("chain_present")
def empty_chain(chain: Chain) -> None:
    """No certificate is presented."""
    chain.presented.clear()


@SHAPE("chain_size")
def chain_too_long(chain: Chain) -> None:
    """The leaf is presented once more than certificates are read."""
    chain.presented[1:1] = [chain.leaf] * MAX_CHAIN


@SHAPE("known_authority", depth=1)
def intermediate_missing(chain: Chain) -> None:
    """The intermediate above the leaf is not presented."""
    del chain.presented[1]


@SHAPE("known_authority", depth=2)
def topmost_intermediate_missing(chain: Chain) -> None:
    """The topmost of several intermediates is not presented."""
    del chain.presented[-1]


@SHAPE("known_authority", depth=1)
def sibling_presented(chain: Chain) -> None:
    """Another CA of the same name and issuer is presented in place of the one that issued the leaf."""
    chain.presented[1] = _sibling(chain)


@SHAPE("known_authority")
def loop(chain: Chain) -> None:
    """The leaf leads to two CAs that have issued each other, and to no authority."""
    one, other = chain.another_root("one"), chain.another_root("other")
    one.issued_by(other)
    other.issued_by(one)
    chain.leaf.issued_by(one)
    chain.presented[1:] = [one, other]


@SHAPE("known_authority")
def leaf_signed_itself(chain: Chain) -> None:
    """The leaf is its own issuer."""
    chain.leaf.issued_by(chain.leaf)


@SHAPE("known_authority")
def own_root_presented(chain: Chain) -> None:
    """The chain ends at a root that is presented with it, and is not in the bundle."""
    own = chain.another_root("own")
    chain.topmost.issued_by(own)
    chain.presented.append(own)


@SHAPE("signature")
def own_root_of_same_name(chain: Chain) -> None:
    """The chain ends at a root that is presented with it, and that has only the name of the one in the bundle."""
    own = chain.another_root("own")
    own.subject = own.issuer = chain.root.subject
    chain.topmost.issued_by(own)
    chain.presented.append(own)


@SHAPE("known_authority", clause="RFC 5280 6.1.3")
def issuer_name_differs(chain: Chain) -> None:
    """The leaf was signed by its issuer, and names another one."""
    chain.leaf.issuer = ca_subject(chain.number)


@SHAPE("known_authority", clause="RFC 5280 6.1.3", depth=1)
def issuer_name_of_intermediate_differs(chain: Chain) -> None:
    """The topmost intermediate was signed by the root, and names another issuer."""
    chain.topmost.issuer = ca_subject(chain.number)


# What the validator holds


@SHAPE("known_authority")
def another_root_in_bundle(chain: Chain) -> None:
    """The bundle has another root than the one that the chain leads to."""
    chain.authorities[:] = [chain.another_root("another")]


@SHAPE("known_authority")
def another_root_of_same_name_in_bundle(chain: Chain) -> None:
    """The bundle has a root with the name of the one that the chain leads to, and with another key."""
    another = chain.another_root("another")
    another.subject = another.issuer = chain.root.subject
    chain.authorities[:] = [another]


@SHAPE("known_authority")
def root_presented_and_not_in_bundle(chain: Chain) -> None:
    """The root is presented with the chain, and the bundle has another one."""
    chain.presented.append(chain.root)
    chain.authorities[:] = [chain.another_root("another")]


@SHAPE("x509_authorities")
def empty_bundle(chain: Chain) -> None:
    """The bundle has no authorities."""
    chain.authorities.clear()


@SHAPE("trust_domain")
def bundle_of_another_trust_domain(chain: Chain) -> None:
    """The one bundle that is held is of another trust domain, though it has the right root."""
    chain.trust_domain = TrustDomain("other.example")


# Oddities: more than is needed


@SHAPE("known_authority", clause=_ORDER, answer="accepted")
def root_presented(chain: Chain) -> None:
    """The root is presented with the chain."""
    chain.presented.append(chain.root)


@SHAPE("known_authority", clause=_ORDER, answer="accepted")
def leaf_presented_twice(chain: Chain) -> None:
    """The leaf is presented twice."""
    chain.presented.append(chain.leaf)


@SHAPE("known_authority", clause=_ORDER, answer="accepted", depth=1)
def intermediate_presented_twice(chain: Chain) -> None:
    """The intermediate above the leaf is presented twice."""
    chain.presented.insert(1, chain.intermediate)


@SHAPE("known_authority", clause=_ORDER, answer="accepted", depth=2)
def intermediates_turned_round(chain: Chain) -> None:
    """The intermediates are presented from the topmost to the lowest."""
    chain.presented[1:] = chain.presented[:0:-1]


@SHAPE("known_authority", clause=_ORDER, answer="accepted")
def unrelated_certificate(chain: Chain) -> None:
    """A CA certificate that has nothing to do with the leaf is presented right after it."""
    chain.presented.insert(1, chain.another_root("unrelated"))


@SHAPE("not_after", clause=_ORDER, answer="accepted")
def unrelated_certificate_that_ended(chain: Chain) -> None:
    """A CA certificate that has ended, and has nothing to do with the leaf, is presented after the others."""
    unrelated = chain.another_root("unrelated")
    unrelated.live(NOW - 2 * DAY, NOW - DAY)
    chain.presented.append(unrelated)


@SHAPE("signature", clause=_PATH, answer="accepted", depth=1)
def sibling_presented_too(chain: Chain) -> None:
    """Another CA of the same name and issuer is presented before the one that issued the leaf."""
    chain.presented.insert(1, _sibling(chain))


# Oddities: more than one way


@SHAPE("not_after", clause=_PATH, answer="accepted", depth=1)
def renewed_intermediate(chain: Chain) -> None:
    """An earlier certificate of the intermediate above the leaf, which has ended, is presented before the new one."""
    earlier = chain.intermediate.copy()
    earlier.live(NOW - 2 * DAY, NOW - DAY)
    chain.presented.insert(1, earlier)


@SHAPE("not_after", clause=_PATH, answer="accepted")
def earlier_root_in_bundle(chain: Chain) -> None:
    """The bundle has an earlier root too, with the same name and key, which has ended."""
    earlier = chain.root.copy()
    earlier.live(NOW - 8 * DAY, NOW - DAY)
    chain.authorities.insert(0, earlier)


@SHAPE("signature", clause=_PATH, answer="accepted")
def two_roots_of_same_name(chain: Chain) -> None:
    """The bundle has another root of the same name before the right one, and nothing has key identifiers."""
    another = chain.another_root("another")
    another.subject = another.issuer = chain.root.subject
    chain.authorities.insert(0, another)
    for draft in (another, chain.root, chain.topmost):
        draft.drop(SUBJECT_KEY_ID)
        draft.drop(AUTHORITY_KEY_ID)


@SHAPE("known_authority", clause=_PATH, answer="accepted")
def root_twice_in_bundle(chain: Chain) -> None:
    """The bundle has the root twice."""
    chain.authorities.append(chain.root)


@SHAPE("known_authority", clause=_PATH, answer="accepted")
def cross_signed_root(chain: Chain) -> None:
    """The bundle has another root than the one the chain leads to, whose key that other root has certified."""
    another = chain.another_root("another")
    cross = chain.root.copy()
    cross.issued_by(another)
    chain.presented.append(cross)
    chain.authorities[:] = [another]


@SHAPE("known_authority", clause=_PATH, answer="accepted")
def cross_signed_root_beside_root(chain: Chain) -> None:
    """The bundle has the root, and another one that has certified its key, and that certificate is presented."""
    another = chain.another_root("another")
    cross = chain.root.copy()
    cross.issued_by(another)
    chain.presented.append(cross)
    chain.authorities.insert(0, another)


@SHAPE("known_authority", clause=_PATH, answer="accepted", depth=1)
def intermediate_in_bundle(chain: Chain) -> None:
    """The bundle has the intermediate above the leaf as its authority, and not the root."""
    chain.authorities[:] = [chain.intermediate]


# Oddities: key identifiers


@SHAPE("known_authority", clause=_PATH, answer="accepted")
def no_key_ids(chain: Chain) -> None:
    """No certificate has key identifiers."""
    for place in range(chain.depth + 2):
        chain.draft(place).drop(SUBJECT_KEY_ID)
        chain.draft(place).drop(AUTHORITY_KEY_ID)


@SHAPE("known_authority", clause=_PATH, answer="accepted")
def key_id_of_another(chain: Chain) -> None:
    """The authority key identifier of the leaf is not that of its issuer, whose signature is right."""
    chain.leaf.put(AUTHORITY_KEY_ID, key_id(chain.hierarchy.key("sibling").key_id))


@SHAPE("known_authority", clause=_PATH, answer="accepted")
def own_key_id_made_up(chain: Chain) -> None:
    """The subject key identifier of the leaf's issuer is made up, and not the one that the leaf names."""
    chain.issuer.put(SUBJECT_KEY_ID, der.octet_string(b"made up"))


@SHAPE("known_authority", clause=_KEY_IDS, answer="accepted")
def key_id_by_name_and_number(chain: Chain) -> None:
    """The authority key identifier of the leaf is the name and the serial number of the issuer's certificate."""
    issuer = chain.issuer
    name = der.tlv(0xA1, der.tlv(0xA4, issuer.issuer))
    number = der.tlv(0x82, issuer.serial[2:])  # its length takes one byte
    chain.leaf.put(AUTHORITY_KEY_ID, der.sequence(name, number))
