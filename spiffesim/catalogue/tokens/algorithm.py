"""What can be wrong with the algorithm of a JWT-SVID, and with the key that it is used with."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.shelf import Shelf
from spiffesim.catalogue.tokens.draft import JwtDraft
from spiffesim.catalogue.tokens.signing import (
    authenticate,
    ed25519_key,
    joined,
    secp256k1_key,
    sign,
    sign_without_salt,
    small_rsa_key,
    split,
)
from spiffesim.spiffe import jose
from spiffesim.spiffe.jose.jsontext import write_json
from spiffesim.spiffe.rules.jwt import JWT_SVID
from spiffesim.spiffe.x509.pem import write_pem

ALGORITHM: Final = Shelf[JwtDraft](JWT_SVID)

# Nobody's signature


@ALGORITHM("algorithm", clause="RFC 8725 3.2")
def alg_none(draft: JwtDraft) -> None:
    """The algorithm is none, and there is no signature."""
    draft.header["alg"] = "none"
    draft.signature = b""


@ALGORITHM("algorithm")
def alg_none_signed(draft: JwtDraft) -> None:
    """The algorithm is none, but there is a signature, which is right."""
    draft.header["alg"] = "none"


@ALGORITHM("algorithm")
def alg_none_capitalized(draft: JwtDraft) -> None:
    """The algorithm is None with a capital letter, and there is no signature."""
    draft.header["alg"] = "None"
    draft.signature = b""


@ALGORITHM("algorithm")
def alg_none_in_capitals(draft: JwtDraft) -> None:
    """The algorithm is NONE in capitals, and there is no signature."""
    draft.header["alg"] = "NONE"
    draft.signature = b""


# Everybody's signature: the public key as the secret


@ALGORITHM("algorithm", clause="RFC 8725 3.1")
def hs256_with_public_key_der(draft: JwtDraft) -> None:
    """The token is authenticated by HS256, with the DER of the public key as the secret."""
    _authenticate(draft, draft.hierarchy.key("jwt").spki)


@ALGORITHM("algorithm", clause="RFC 8725 3.1")
def hs256_with_public_key_pem(draft: JwtDraft) -> None:
    """The token is authenticated by HS256, with the PEM of the public key as the secret."""
    _authenticate(draft, write_pem("PUBLIC KEY", draft.hierarchy.key("jwt").spki))


@ALGORITHM("algorithm", clause="RFC 8725 3.1")
def hs256_with_public_jwk(draft: JwtDraft) -> None:
    """The token is authenticated by HS256, with the JWK of the public key as the secret."""
    _authenticate(draft, write_json(jose.jwk_of(draft.private_key.public_key())))


@ALGORITHM("algorithm", clause="RFC 7518 3.2")
def hs256_with_empty_secret(draft: JwtDraft) -> None:
    """The token is authenticated by HS256 with an empty secret."""
    _authenticate(draft, b"")


def _authenticate(draft: JwtDraft, secret: bytes) -> None:
    draft.header["alg"] = "HS256"
    draft.signature = authenticate(secret, draft.signed)


# Other algorithms


@ALGORITHM("algorithm")
def alg_eddsa(draft: JwtDraft) -> None:
    """The token is signed by EdDSA with an Ed25519 key."""
    draft.header["alg"] = "EdDSA"
    draft.signature = ed25519_key(draft.hierarchy, "jwt").sign(draft.signed)


@ALGORITHM("algorithm")
def alg_es256k(draft: JwtDraft) -> None:
    """The token is signed by ES256K with a key on the curve secp256k1."""
    draft.header["alg"] = "ES256K"
    draft.private_key = secp256k1_key(draft.hierarchy, "jwt")


@ALGORITHM("algorithm")
def alg_of_encryption(draft: JwtDraft) -> None:
    """The algorithm is ECDH-ES, which encrypts and signs nothing."""
    draft.header["alg"] = "ECDH-ES"


@ALGORITHM("algorithm", clause="RFC 7515 4.1.1")
def alg_lower_case(draft: JwtDraft) -> None:
    """The algorithm is es256 in lower case."""
    draft.header["alg"] = "es256"


@ALGORITHM("algorithm")
def alg_with_space(draft: JwtDraft) -> None:
    """The algorithm has a space behind it."""
    draft.header["alg"] = "ES256 "


@ALGORITHM("algorithm")
def alg_empty(draft: JwtDraft) -> None:
    """The algorithm is an empty text."""
    draft.header["alg"] = ""


@ALGORITHM("algorithm", clause="RFC 7515 4.1.1")
def alg_missing(draft: JwtDraft) -> None:
    """The header names no algorithm."""
    del draft.header["alg"]


@ALGORITHM("algorithm", clause="RFC 7515 4.1.1")
def alg_number(draft: JwtDraft) -> None:
    """The algorithm is a number."""
    draft.header["alg"] = 256


@ALGORITHM("algorithm", clause="RFC 7515 4.1.1")
def alg_null(draft: JwtDraft) -> None:
    """The algorithm is null."""
    draft.header["alg"] = None


@ALGORITHM("algorithm", clause="RFC 7515 4.1.1")
def alg_array(draft: JwtDraft) -> None:
    """The algorithm is an array with the right one in it."""
    draft.header["alg"] = ["ES256"]


# An algorithm that is allowed, with a key that is not for it


@ALGORITHM("key_type", clause="RFC 7518 3.4")
def p256_key_for_es384(draft: JwtDraft) -> None:
    """The token is signed by ES384 with a P-256 key, and r and s are padded to 48 bytes."""
    draft.header["alg"] = "ES384"
    draft.signature = joined(*split(sign("ES384", draft.private_key, draft.signed)), 48)


@ALGORITHM("key_type", clause="RFC 7518 3.4")
def p384_key_for_es256(draft: JwtDraft) -> None:
    """The token is signed by ES256 with a P-384 key, r and s having 48 bytes."""
    draft.private_key = draft.hierarchy.key("jwt of another curve", "ec-p384").private_key
    draft.publish(draft.private_key)


@ALGORITHM("key_type")
def ec_key_for_rs256(draft: JwtDraft) -> None:
    """The header says RS256, but the key is an EC key and has signed by ECDSA."""
    draft.header["alg"] = "RS256"


@ALGORITHM("key_type")
def rsa_key_for_es256(draft: JwtDraft) -> None:
    """The header says ES256, but the key is an RSA key and has signed by RS256."""
    draft.sign_with("RS256", draft.hierarchy.key("jwt", "rsa-2048").private_key)
    draft.header["alg"] = "ES256"


@ALGORITHM("key_size")
def small_rsa(draft: JwtDraft) -> None:
    """The token is signed by RS256 with an RSA key of 2047 bits."""
    draft.sign_with("RS256", small_rsa_key())


@ALGORITHM("key_size", clause="RFC 7518 3.5")
def small_rsa_pss(draft: JwtDraft) -> None:
    """The token is signed by PS256 with an RSA key of 2047 bits."""
    draft.sign_with("PS256", small_rsa_key())


# The right key, and another scheme than the header says


def _rsa_right(draft: JwtDraft) -> None:
    draft.sign_with("RS256", draft.hierarchy.key("jwt", "rsa-2048").private_key)


@ALGORITHM("signature", clause="RFC 7518 3.3", repair=_rsa_right)
def pss_as_rs256(draft: JwtDraft) -> None:
    """The header says RS256, but the signature is one of PS256."""
    _rsa_right(draft)
    draft.algorithm = "PS256"


@ALGORITHM("signature", clause="RFC 7518 3.5", repair=_rsa_right)
def pkcs1_as_ps256(draft: JwtDraft) -> None:
    """The header says PS256, but the signature is one of RS256."""
    _rsa_right(draft)
    draft.header["alg"] = "PS256"


@ALGORITHM("signature", clause="RFC 7518 3.3", repair=_rsa_right)
def sha512_as_rs256(draft: JwtDraft) -> None:
    """The header says RS256, but what is signed is the SHA-512."""
    _rsa_right(draft)
    draft.algorithm = "RS512"


@ALGORITHM("signature", clause="RFC 7518 3.4")
def sha384_as_es256(draft: JwtDraft) -> None:
    """The header says ES256, but what is signed is the SHA-384."""
    draft.algorithm = "ES384"


@ALGORITHM("signature", clause="RFC 7518 3.5", repair=_rsa_right)
def pss_without_salt(draft: JwtDraft) -> None:
    """The salt of the PS256 signature is empty, and not as long as the digest."""
    _rsa_right(draft)
    draft.header["alg"] = "PS256"
    draft.signature = sign_without_salt(draft.hierarchy.key("jwt", "rsa-2048").private_key, draft.signed)  # type: ignore[arg-type]  # RSA, as asked
