"""What can be wrong with the signature of a JWT-SVID."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from spiffesim.catalogue.hierarchy import HIERARCHIES
from spiffesim.catalogue.shelf import Shelf
from spiffesim.catalogue.tokens.draft import JwtDraft
from spiffesim.catalogue.tokens.signing import P256_ORDER, joined, split
from spiffesim.spiffe.jose.compact import b64url_bytes
from spiffesim.spiffe.jose.jsontext import write_json
from spiffesim.spiffe.rules.jwt import JWT_SVID

SIGNATURE: Final = Shelf[JwtDraft](JWT_SVID)

_SIZE: Final = 64
"""How many bytes an ES256 signature has."""

# Of no meaning at all


@SIGNATURE("signature", clause="RFC 7515 5.2")
def signature_empty(draft: JwtDraft) -> None:
    """The signature is empty."""
    draft.signature = b""


@SIGNATURE("signature", clause="RFC 7518 3.4")
def signature_all_zero(draft: JwtDraft) -> None:
    """The signature is 64 bytes of zero."""
    draft.signature = bytes(_SIZE)


@SIGNATURE("signature", clause="RFC 7518 3.4")
def signature_r_zero(draft: JwtDraft) -> None:
    """The r of the signature is zero."""
    draft.signature = joined(0, split(draft.signature)[1])


@SIGNATURE("signature", clause="RFC 7518 3.4")
def signature_s_zero(draft: JwtDraft) -> None:
    """The s of the signature is zero."""
    draft.signature = joined(split(draft.signature)[0], 0)


@SIGNATURE("signature", clause="RFC 7518 3.4")
def signature_r_order(draft: JwtDraft) -> None:
    """The r of the signature is the order of the curve."""
    draft.signature = joined(P256_ORDER, split(draft.signature)[1])


@SIGNATURE("signature", clause="RFC 7518 3.4")
def signature_s_order(draft: JwtDraft) -> None:
    """The s of the signature is the order of the curve."""
    draft.signature = joined(split(draft.signature)[0], P256_ORDER)


# Of the right numbers, written in another way


@SIGNATURE("signature", clause="RFC 7518 3.4")
def signature_der(draft: JwtDraft) -> None:
    """The signature is in DER, as in certificates, and not r and s in 64 bytes."""
    draft.signature = encode_dss_signature(*split(draft.signature))


@SIGNATURE("signature", clause="RFC 7518 3.4")
def signature_padded(draft: JwtDraft) -> None:
    """The r and the s of the signature have 33 bytes each, the first being zero."""
    draft.signature = joined(*split(draft.signature), 33)


@SIGNATURE("signature", clause="RFC 7518 3.4")
def signature_swapped(draft: JwtDraft) -> None:
    """The r and the s of the signature have changed places."""
    draft.signature = joined(*reversed(split(draft.signature)))


@SIGNATURE("signature", clause="RFC 7518 3.4")
def signature_little_endian(draft: JwtDraft) -> None:
    """The r and the s of the signature are written from their last byte to their first."""
    half = _SIZE // 2
    draft.signature = draft.signature[:half][::-1] + draft.signature[half:][::-1]


@SIGNATURE("signature", clause="RFC 7518 3.4")
def signature_truncated(draft: JwtDraft) -> None:
    """The last byte of the signature is missing."""
    draft.signature = draft.signature[:-1]


@SIGNATURE("signature", clause="RFC 7518 3.4")
def signature_too_long(draft: JwtDraft) -> None:
    """There is one more byte behind the signature."""
    draft.signature += b"\0"


def _rsa(draft: JwtDraft) -> None:
    """Sign by RS256."""
    draft.sign_with("RS256", draft.hierarchy.key("jwt", "rsa-2048").private_key)


@SIGNATURE("signature", clause="RFC 8017 8.2.2", repair=_rsa)
def rsa_signature_padded(draft: JwtDraft) -> None:
    """The RS256 signature has one byte more than the key, a zero before all others."""
    _rsa(draft)
    draft.signature = b"\0" + draft.signature


# Of something else


@SIGNATURE("signature", clause="RFC 7515 5.2")
def signature_bit_flipped(draft: JwtDraft) -> None:
    """One bit of the signature was changed."""
    position, bit = divmod(draft.number % (8 * _SIZE), 8)
    changed = bytearray(draft.signature)
    changed[position] ^= 1 << bit
    draft.signature = bytes(changed)


@SIGNATURE("signature", clause="RFC 7515 5.2")
def signature_of_another_token(draft: JwtDraft) -> None:
    """The signature is that of another token."""
    draft.signature = JwtDraft(draft.hierarchy, draft.number + HIERARCHIES).signature


@SIGNATURE("signature", clause="RFC 7515 5.2")
def claims_changed(draft: JwtDraft) -> None:
    """The token was signed for another audience, which somebody has changed."""
    right = draft.claims_part
    draft.claims_part = b64url_bytes(write_json({**draft.claims, "aud": ["payments"]}))
    draft.seal()
    draft.claims_part = right


@SIGNATURE("signature", clause="RFC 7515 5.2")
def header_changed(draft: JwtDraft) -> None:
    """The token was signed under a header without typ, which somebody has added."""
    right = draft.header_part
    draft.header_part = b64url_bytes(write_json({"alg": "ES256", "kid": draft.kid}))
    draft.seal()
    draft.header_part = right


@SIGNATURE("signature", clause="RFC 7515 5.2")
def signature_over_claims_only(draft: JwtDraft) -> None:
    """What is signed are the claims alone, without the header."""
    header = draft.header_part
    draft.header_part = b""
    draft.seal()
    draft.header_part = header


@SIGNATURE("signature", clause="RFC 7515 5.1")
def signature_over_json(draft: JwtDraft) -> None:
    """What is signed is the JSON of header and claims, not their base64url."""
    parts = draft.header_part, draft.claims_part
    draft.header_part, draft.claims_part = draft.header_json, draft.claims_json
    draft.seal()
    draft.header_part, draft.claims_part = parts


# By somebody else


@SIGNATURE("signature", clause="RFC 7515 5.2")
def signed_by_stranger(draft: JwtDraft) -> None:
    """The token was signed with a key that the bundle does not hold, under the key ID of one that it does."""
    draft.private_key = draft.hierarchy.key("stranger").private_key


@SIGNATURE("signature", clause="JWT-SVID 6.2")
def signed_by_wit_key_under_jwt_kid(draft: JwtDraft) -> None:
    """The token was signed with the key for WIT-SVIDs, under the key ID of the key for JWT-SVIDs."""
    draft.private_key = draft.hierarchy.key("wit").private_key


@SIGNATURE("signature", clause="JWT-SVID 6.2")
def signed_by_ca_key(draft: JwtDraft) -> None:
    """The token was signed with the key of the X.509 authority, under the key ID of the key for JWT-SVIDs."""
    draft.private_key = draft.hierarchy.key("root").private_key


@SIGNATURE("signature", clause="RFC 7515 5.2")
def signed_by_stranger_without_kid(draft: JwtDraft) -> None:
    """The token names no key, and was signed with none that the bundle holds."""
    del draft.header["kid"]
    draft.private_key = draft.hierarchy.key("stranger").private_key
