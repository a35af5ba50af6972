"""JSON Web Signatures and Keys: a strict reader, deterministic signatures, keys in and out.

PyJWT's algorithm classes check signatures and convert keys (a check costs 1.05 times the bare one);
its decoder is not used: it reads the wall clock, and takes padded segments, equal members and NaN.
Signing goes to ``cryptography`` directly, because PyJWT draws a random number for every ECDSA
signature, and here the same claims must give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from spiffesim.errors import InvalidInput
from spiffesim.spiffe.jose.compact import Jws, b64url, b64url_bytes, read_jws, unb64url
from spiffesim.spiffe.jose.jsontext import write_json
from spiffesim.spiffe.jose.jwk import MAX_RSA_BITS, BrokenKey, check_public, jwk_of, key_of

if TYPE_CHECKING:
    from jwt.algorithms import Algorithm

__all__ = [
    "ALGORITHMS",
    "MAX_RSA_BITS",
    "MIN_RSA_BITS",
    "BrokenKey",
    "Jws",
    "PrivateKey",
    "PublicKey",
    "algorithm_for",
    "b64url",
    "check_public",
    "check_signature",
    "describe",
    "fits",
    "jwk_of",
    "key_of",
    "read_jws",
    "sign",
    "too_small",
    "unb64url",
    "verify",
]

PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512")
"""The signature algorithms of JWT-SVID 2.1 and WIT-SVID 2.3, in their order."""

MIN_RSA_BITS: Final = 2048
"""The smallest RSA key that may sign (RFC 7518 3.3 and 3.5)."""

_CURVES: Final = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}
_BY_CURVE: Final = {curve: algorithm for algorithm, curve in _CURVES.items()}


# Signing


def sign(header: Mapping[str, str], claims: Mapping[str, Any], private_key: PrivateKey) -> str:
    """A compact JWS over claims, the same bytes whenever header, claims and key are the same.

    Args:
        header: With ``alg``: ES256, ES384 or ES512 (RFC 6979), or RS256, RS384 or RS512.
        claims: Written in the order given.
        private_key: A key that fits ``alg``.

    Raises:
        InvalidInput: If the key does not fit, or the algorithm cannot be deterministic (PS256, PS384, PS512).
    """
    algorithm = header.get("alg", "")
    signer = _signers().get(algorithm)
    if signer is None or not fits(algorithm, private_key):
        raise InvalidInput(
            f"cannot sign with alg {algorithm!r} and {describe(private_key)}: the deterministic algorithms are "
            "ES256, ES384 and ES512, each with its own curve, and RS256, RS384 and RS512",
            code="algorithm",
            clause="RFC 7518 3.1",
        )
    signed = _header_bytes(tuple(header.items())) + b"." + b64url_bytes(write_json(claims))
    return (signed + b"." + b64url_bytes(signer(private_key, signed))).decode("ascii")


@lru_cache(maxsize=1024)
def _header_bytes(members: tuple[tuple[str, str], ...]) -> bytes:
    """A key signs thousands of tokens under the same header."""
    return b64url_bytes(write_json(dict(members)))


Signer: TypeAlias = Callable[[Any, bytes], bytes]


@lru_cache(maxsize=1)
def _signers() -> dict[str, Signer]:
    signers: dict[str, Signer] = {}
    for bits, digest, size in (("256", hashes.SHA256, 32), ("384", hashes.SHA384, 48), ("512", hashes.SHA512, 66)):
        signers[f"ES{bits}"] = _ecdsa_signer(ec.ECDSA(digest(), deterministic_signing=True), size)
        signers[f"RS{bits}"] = _rsa_signer(digest())
    return signers


def _ecdsa_signer(algorithm: ec.ECDSA, size: int) -> Signer:
    def signer(private_key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
        r, s = decode_dss_signature(private_key.sign(data, algorithm))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    return signer


def _rsa_signer(digest: hashes.HashAlgorithm) -> Signer:
    scheme = padding.PKCS1v15()
    return lambda private_key, data: cast("bytes", private_key.sign(data, scheme, digest))


# Verifying


def fits(algorithm: str, key: object) -> bool:
    """Whether a key is of the type and curve that an algorithm is for, whatever its size."""
    curve = getattr(key, "curve", None)
    if curve is not None:
        return _BY_CURVE.get(curve.name) == algorithm
    return algorithm[:2] in ("RS", "PS") and isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey)


def too_small(key: PublicKey, smallest: int = MIN_RSA_BITS) -> bool:
    """Whether it is an RSA key of fewer bits, by default of less than 2048, with which nothing may be signed."""
    return key.key_size < smallest and not hasattr(key, "curve")


def check_signature(
    algorithm: str, public_key: PublicKey, signed: bytes, signature: bytes, *, smallest: int = MIN_RSA_BITS
) -> bool:
    """Whether the raw signature over the bytes verifies; false too if the key is not for the algorithm.

    Args:
        algorithm: One of ``ALGORITHMS``, else nothing verifies.
        public_key: The key.
        signed: The bytes under the signature.
        signature: The raw signature (ECDSA: r and s, not DER).
        smallest: How many bits an RSA key must have.
    """
    return (
        algorithm in ALGORITHMS
        and fits(algorithm, public_key)
        and not too_small(public_key, smallest)
        and _algorithms()[algorithm].verify(signed, public_key, signature)
    )


def verify(jws: Jws, public_key: PublicKey) -> bool:
    """Whether a token's signature verifies under a key, by the ``alg`` of its header."""
    algorithm = jws.header.get("alg")
    return isinstance(algorithm, str) and check_signature(algorithm, public_key, jws.signed, jws.signature)


@lru_cache(maxsize=1)
def _algorithms() -> dict[str, Algorithm]:
    # Imported when the first signature is checked: PyJWT costs 40 ms, and minting an X509-SVID needs none of it.
    from jwt.algorithms import ECAlgorithm, RSAAlgorithm, RSAPSSAlgorithm

    found: dict[str, Algorithm] = {}
    for bits, digest in (("256", hashes.SHA256), ("384", hashes.SHA384), ("512", hashes.SHA512)):
        found[f"ES{bits}"] = ECAlgorithm(digest)
        found[f"RS{bits}"] = RSAAlgorithm(digest)
        found[f"PS{bits}"] = RSAPSSAlgorithm(digest)
    return found


def algorithm_for(key: object) -> str:
    """The algorithm that SPIRE signs with, given the key, public or private: ES256, ES384, ES512 or RS256.

    Raises:
        InvalidInput: If a JWT-SVID cannot be signed with such a key.

    SPIRE: pkg/common/cryptoutil/keys.go
    """
    # Not SPIRE: it has no P-521 keys, and so no ES512.
    for algorithm in ("ES256", "ES384", "ES512", "RS256"):
        if fits(algorithm, key):
            break
    else:
        raise InvalidInput(f"no algorithm of JWT-SVID 2.1 is for {describe(key)}", code="key_type")
    if too_small(cast("PublicKey", key)):
        size = cast("PublicKey", key).key_size
        raise InvalidInput(
            f"unsupported RSA key size: {size // 8} (bytes; {MIN_RSA_BITS // 8} are needed)",
            code="key_size",
            clause="RFC 7518 3.3",
        )
    return algorithm


def describe(key: object) -> str:
    """A key as a person names it: ``a P-256 key``, ``an RSA key of 2048 bits``."""
    curve = getattr(key, "curve", None)
    if curve is not None:
        names = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
        return f"a {names.get(curve.name, curve.name)} key"
    if isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        return f"an RSA key of {key.key_size} bits"
    return f"a {type(key).__name__}"
