"""What can be wrong with a signature whose algorithm and key are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.certificates.draft import SUBJECT_KEY_ID, Draft
from spiffesim.catalogue.certificates.signer import ecdsa, rsa, signer
from spiffesim.catalogue.shelf import Shelf
from spiffesim.spiffe.rules.x509 import X509_SVID
from spiffesim.spiffe.x509 import der

SIGNATURES: Final = Shelf[Chain](X509_SVID)

ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""How many points the curve P-256 has."""

_SEC1: Final = "SEC 1 4.1.4"
_RFC3279: Final = "RFC 3279 2.2.3"


def _numbers(draft: Draft, tbs: bytes) -> tuple[int, int]:
    """The two numbers of the right signature."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    return decode_dss_signature(draft.signer.sign(tbs))


def _signature(r: int, s: int) -> bytes:
    return der.sequence(der.integer(r), der.integer(s))


def _with_numbers(change: Callable[[int, int], bytes]) -> Callable[[Draft, bytes], bytes]:
    """What makes a signature of the two numbers of the right one."""
    return lambda draft, tbs: change(*_numbers(draft, tbs))


def _flipped(draft: Draft, tbs: bytes) -> bytes:
    right = draft.signer.sign(tbs)
    return right[:-1] + bytes((right[-1] ^ 1,))


# Changed


@SIGNATURES("signature")
def leaf_signature_flipped(chain: Chain) -> None:
    """One bit of the leaf's signature is flipped."""
    chain.leaf.make_signature = _flipped


@SIGNATURES("signature", depth=1)
def intermediate_signature_flipped(chain: Chain) -> None:
    """One bit of the signature of the intermediate above the leaf is flipped."""
    chain.intermediate.make_signature = _flipped


@SIGNATURES("signature", depth=2)
def topmost_signature_flipped(chain: Chain) -> None:
    """One bit of the signature of the topmost of several intermediates is flipped."""
    chain.topmost.make_signature = _flipped


@SIGNATURES("signature")
def leaf_changed_after_signing(chain: Chain) -> None:
    """The SPIFFE ID of the leaf was changed after it was signed."""
    old, new = b"/workload/", b"/Workload/"
    chain.leaf.make_der = lambda certificate: certificate.replace(old, new)
    chain.spiffe_id = chain.spiffe_id.replace(old.decode(), new.decode())


@SIGNATURES("signature", depth=1)
def intermediate_changed_after_signing(chain: Chain) -> None:
    """The serial number of the intermediate above the leaf was changed after it was signed."""
    serial = chain.intermediate.serial
    changed = serial[:-1] + bytes((serial[-1] ^ 1,))
    chain.intermediate.make_der = lambda certificate: certificate.replace(serial, changed, 1)


@SIGNATURES("signature")
def signature_of_another_leaf(chain: Chain) -> None:
    """The leaf carries the signature of another certificate of the same issuer."""
    chain.leaf.make_signature = lambda draft, tbs: draft.signer.sign(tbs + b"\0")


# Made by somebody else, or in another way


@SIGNATURES("signature")
def signed_by_sibling(chain: Chain) -> None:
    """The leaf was signed with another key than that of the issuer which it names."""
    chain.leaf.signer = chain.hierarchy.key("sibling")


@SIGNATURES("signature")
def signed_by_itself(chain: Chain) -> None:
    """The leaf names its issuer, and was signed with its own key."""
    chain.leaf.signer = chain.leaf.key


@SIGNATURES("signature", depth=1)
def signed_by_root(chain: Chain) -> None:
    """The leaf names the intermediate as its issuer, and was signed with the root's key."""
    chain.leaf.signer = chain.root.key


@SIGNATURES("signature")
def root_of_another_key(chain: Chain) -> None:
    """The bundle has a root with the name and the key identifier of the right one, and another key."""
    impostor, right = chain.another_root("impostor"), chain.root
    impostor.subject = impostor.issuer = right.subject
    impostor.put(SUBJECT_KEY_ID, der.octet_string(right.key.key_id))
    chain.authorities[:] = [impostor]


@SIGNATURES("signature")
def hash_other_than_said(chain: Chain) -> None:
    """The leaf says that it is signed with SHA-256, and is signed with SHA-384."""
    chain.leaf.make_signature = lambda draft, tbs: ecdsa(draft.signer, "SHA384").sign(tbs)


@SIGNATURES("signature")
def rsa_hash_other_than_said(chain: Chain) -> None:
    """The leaf says that it is signed with RSA and SHA-256, and is signed with SHA-1."""
    issuer = signer(chain.hierarchy, "rsa-2048")
    chain.rekey(1, issuer)
    chain.leaf.make_signature = lambda _, tbs: rsa(issuer, "SHA1").sign(tbs)


@SIGNATURES("signature")
def algorithm_of_another_key(chain: Chain) -> None:
    """The leaf says that it is signed with RSA, and its issuer's key is on the curve P-256."""
    chain.leaf.algorithm = signer(chain.hierarchy, "rsa-2048").algorithm


# Of other numbers


@SIGNATURES("signature")
def signature_missing(chain: Chain) -> None:
    """The signature of the leaf has no bytes."""
    chain.leaf.make_signature = lambda _draft, _tbs: b""


@SIGNATURES("signature", clause=_SEC1)
def signature_of_zeros(chain: Chain) -> None:
    """Both numbers of the leaf's ECDSA signature are 0."""
    chain.leaf.make_signature = lambda _draft, _tbs: _signature(0, 0)


@SIGNATURES("signature", clause=_SEC1)
def first_number_zero(chain: Chain) -> None:
    """The first number of the leaf's ECDSA signature is 0."""
    chain.leaf.make_signature = _with_numbers(lambda _, s: _signature(0, s))


@SIGNATURES("signature", clause=_SEC1)
def second_number_zero(chain: Chain) -> None:
    """The second number of the leaf's ECDSA signature is 0."""
    chain.leaf.make_signature = _with_numbers(lambda r, _: _signature(r, 0))


@SIGNATURES("signature", clause=_SEC1)
def first_number_too_large(chain: Chain) -> None:
    """The first number of the leaf's ECDSA signature is larger by the order of the curve."""
    chain.leaf.make_signature = _with_numbers(lambda r, s: _signature(r + ORDER, s))


@SIGNATURES("signature", clause=_SEC1)
def second_number_too_large(chain: Chain) -> None:
    """The second number of the leaf's ECDSA signature is larger by the order of the curve."""
    chain.leaf.make_signature = _with_numbers(lambda r, s: _signature(r, s + ORDER))


@SIGNATURES("signature", clause=_SEC1)
def second_number_negative(chain: Chain) -> None:
    """The second number of the leaf's ECDSA signature is smaller by the order of the curve."""
    chain.leaf.make_signature = _with_numbers(lambda r, s: _signature(r, s - ORDER))


# In another encoding


@SIGNATURES("signature", clause=_RFC3279)
def signature_without_der(chain: Chain) -> None:
    """The leaf's ECDSA signature is its two numbers of 32 bytes, as in a JWT."""
    chain.leaf.make_signature = _with_numbers(lambda r, s: r.to_bytes(32, "big") + s.to_bytes(32, "big"))


@SIGNATURES("signature", clause=_RFC3279)
def byte_after_signature(chain: Chain) -> None:
    """A byte follows the leaf's ECDSA signature inside of its BIT STRING."""
    chain.leaf.make_signature = lambda draft, tbs: draft.signer.sign(tbs) + b"\0"


@SIGNATURES("signature", clause=_RFC3279)
def third_number_in_signature(chain: Chain) -> None:
    """The leaf's ECDSA signature has a third number."""
    chain.leaf.make_signature = _with_numbers(
        lambda r, s: der.sequence(der.integer(r), der.integer(s), der.integer(1)),
    )


@SIGNATURES("signature", clause="ITU-T X.690 8.3.2")
def signature_with_leading_zeros(chain: Chain) -> None:
    """The first number of the leaf's ECDSA signature has more leading zeros than it needs."""
    chain.leaf.make_signature = _with_numbers(
        lambda r, s: der.sequence(der.tlv(der.INTEGER, r.to_bytes(34, "big")), der.integer(s)),
    )


# Oddities


@SIGNATURES("signature", clause=_SEC1, answer="accepted")
def signature_mirrored(chain: Chain) -> None:
    """The second number of the leaf's ECDSA signature is the order of the curve minus the one that was made."""
    chain.leaf.make_signature = _with_numbers(lambda r, s: _signature(r, ORDER - s))


@SIGNATURES("signature", clause="RFC 5280 6.1", answer="accepted")
def root_signature_flipped(chain: Chain) -> None:
    """One bit of the root's signature is flipped, which nobody has to check, as the root is in the bundle."""
    chain.root.make_signature = _flipped


@SIGNATURES("signature", clause="RFC 5280 6.1", answer="accepted")
def root_signed_by_another(chain: Chain) -> None:
    """The root in the bundle was issued by another one, which is not there."""
    chain.root.issued_by(chain.another_root("above"))
