"""Tokens, keys and bundles made with `cryptography` and by hand, so that what is judged was never made by the judge."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeAlias

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from spiffesim.spiffe.bundle import SpiffeBundle

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

AT = datetime(2030, 1, 1, tzinfo=UTC)
NOW = int(AT.timestamp())  # 1893456000
MINUTE = timedelta(minutes=1)

WEB = "spiffe://example.org/web"
KEY_ID = "first"

CURVES: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
ALGORITHM_OF = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "RSA": "RS256"}
HASHES: dict[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
SIZES = {"256": 32, "384": 48, "512": 66}


def ec_key(number: int = 1, curve: str = "P-256") -> ec.EllipticCurvePrivateKey:
    """A key that is the same in every run."""
    return ec.derive_private_key(10**30 + number, CURVES[curve])


@lru_cache
def rsa_key(bits: int = 2048, number: int = 1) -> rsa.RSAPrivateKey:
    """A key of its own for every size and number, new in every run."""
    assert number
    return rsa.generate_private_key(65537, bits)


def key_for(algorithm: str) -> PrivateKey:
    """A key that fits an algorithm."""
    return (
        ec_key(curve={"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[algorithm])
        if algorithm[0] == "E"
        else rsa_key()
    )


def spki(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def pkcs8(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def bundle_of(key: PrivateKey | None = None, *, kid: str = KEY_ID, trust_domain: str = "example.org") -> SpiffeBundle:
    """A bundle with one JWT key."""
    return SpiffeBundle(trust_domain, jwt_spki={kid: spki(ec_key() if key is None else key)})


# JWS by hand


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def raw_signature(algorithm: str, key: PrivateKey, data: bytes) -> bytes:
    """The signature of a JWS by RFC 7518 3, with whatever key."""
    digest = HASHES[algorithm[2:]]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        # Deterministic, because tokens are among the names of tests, which have to be the same in every process.
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest, deterministic_signing=True)))
        size = max(SIZES[algorithm[2:]], (key.key_size + 7) // 8)
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    if algorithm[0] == "P":
        return key.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    return key.sign(data, padding.PKCS1v15(), digest)


def sealed(header: bytes, payload: bytes, *, algorithm: str = "ES256", key: PrivateKey | None = None) -> str:
    """A compact JWS over bytes that need not be JSON."""
    signed = f"{b64(header)}.{b64(payload)}"
    return f"{signed}.{b64(raw_signature(algorithm, ec_key() if key is None else key, signed.encode()))}"


def compact(header: Mapping[str, Any], claims: Mapping[str, Any], *, key: PrivateKey | None = None) -> str:
    """A compact JWS over a header and claims, signed by ``alg`` where that is an algorithm, else by ES256."""
    algorithm: Any = header.get("alg")
    known = isinstance(algorithm, str) and algorithm[:2] in ("ES", "RS", "PS") and algorithm[2:] in HASHES
    algorithm = algorithm if known else "ES256"
    return sealed(json.dumps(header).encode(), json.dumps(claims).encode(), algorithm=algorithm, key=key)


HEADER: dict[str, Any] = {"alg": "ES256", "kid": KEY_ID, "typ": "JWT"}
CLAIMS: dict[str, Any] = {"aud": ["reports"], "exp": NOW + 300, "iat": NOW, "sub": WEB}

DROP = object()
"""What takes a member away."""


def changed(members: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**members, **changes}.items() if value is not DROP}


def jwt_svid(
    claims: Mapping[str, Any] | None = None, header: Mapping[str, Any] | None = None, *, key: PrivateKey | None = None
) -> str:
    """A right JWT-SVID, but for the members that are given; it lives for five minutes from ``AT`` on."""
    return compact(changed(HEADER, header or {}), changed(CLAIMS, claims or {}), key=key)


# JWK by hand


def jwk(key: PrivateKey) -> dict[str, str]:
    """A public key by RFC 7518 6."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        numbers = key.public_key().public_numbers()
        curve = {256: "P-256", 384: "P-384", 521: "P-521"}[key.key_size]
        size = (key.key_size + 7) // 8
        return {
            "kty": "EC",
            "crv": curve,
            "x": b64(numbers.x.to_bytes(size, "big")),
            "y": b64(numbers.y.to_bytes(size, "big")),
        }
    public = key.public_key().public_numbers()
    return {
        "kty": "RSA",
        "n": b64(public.n.to_bytes((public.n.bit_length() + 7) // 8, "big")),
        "e": b64(public.e.to_bytes((public.e.bit_length() + 7) // 8, "big")),
    }


# WIT-SVIDs

HOLDER = ec_key(77)
WIT_HEADER: dict[str, Any] = {"alg": "ES256", "kid": KEY_ID, "typ": "wit+jwt"}
WIT_CLAIMS: dict[str, Any] = {
    "cnf": {"jwk": {**jwk(HOLDER), "alg": "ES256"}},
    "exp": NOW + 3600,
    "iat": NOW,
    "jti": "1",
    "sub": WEB,
}


def wit_svid(
    claims: Mapping[str, Any] | None = None, header: Mapping[str, Any] | None = None, *, key: PrivateKey | None = None
) -> str:
    """A right WIT-SVID, but for the members that are given; it lives for an hour from ``AT`` on."""
    return compact(changed(WIT_HEADER, header or {}), changed(WIT_CLAIMS, claims or {}), key=key)


def wit_bundle(key: PrivateKey | None = None, *, kid: str = KEY_ID) -> SpiffeBundle:
    """A bundle with one WIT key."""
    return SpiffeBundle("example.org", wit_spki={kid: spki(ec_key() if key is None else key)})


def proof_text(token: str, *, key: PrivateKey = HOLDER, algorithm: str = "ES256") -> tuple[bytes, bytes]:
    """A WIMSE workload proof token: what is signed, and the signature."""
    header = {"typ": "wpt+jwt", "alg": algorithm}
    claims = {"aud": "https://db", "exp": NOW + 86400, "wth": b64(hashlib.sha256(token.encode()).digest())}
    signed = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}".encode()
    return signed, raw_signature(algorithm, key, signed)
