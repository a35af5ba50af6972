"""Signature algorithms and keys of certificates: which ones count, and how each is checked.

Spec: RFC 5280 4.1.1.2, RFC 4055, RFC 5758, RFC 8410
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from spiffesim.errors import InvalidSvid
from spiffesim.spiffe import der

if TYPE_CHECKING:
    from spiffesim.spiffe.certificate import Certificate

MIN_RSA_BITS: Final = 2048
CURVES: Final = ("secp256r1", "secp384r1", "secp521r1")

_ECDSA: Final = {
    "1.2.840.10045.4.3.2": "SHA256",
    "1.2.840.10045.4.3.3": "SHA384",
    "1.2.840.10045.4.3.4": "SHA512",
}
_RSA: Final = {
    "1.2.840.113549.1.1.11": "SHA256",
    "1.2.840.113549.1.1.12": "SHA384",
    "1.2.840.113549.1.1.13": "SHA512",
}
_HASHES: Final = {
    "SHA256": ("2.16.840.1.101.3.4.2.1", 32),
    "SHA384": ("2.16.840.1.101.3.4.2.2", 48),
    "SHA512": ("2.16.840.1.101.3.4.2.3", 64),
}
_NAMES: Final = {
    "1.2.840.10045.4.1": "ECDSA with SHA-1",
    "1.2.840.113549.1.1.5": "RSA with SHA-1",
    "1.2.840.113549.1.1.4": "RSA with MD5",
}


def _pss(digest: str) -> bytes:
    """The one AlgorithmIdentifier of RSASSA-PSS with this hash, throughout, and a salt of its length."""
    name, size = _HASHES[digest]
    inner = der.sequence(der.oid(name), b"\x05\x00")
    mask = der.sequence(der.oid("1.2.840.113549.1.1.8"), inner)
    parameters = der.sequence(der.tlv(0xA0, inner), der.tlv(0xA1, mask), der.tlv(0xA2, der.integer(size)))
    return der.sequence(der.oid("1.2.840.113549.1.1.10"), parameters)


# An AlgorithmIdentifier in DER, the kind of key that it takes, and what it is made of.
_ALGORITHMS: Final[dict[bytes, tuple[str, str]]] = {
    **{der.sequence(der.oid(name)): ("ec", digest) for name, digest in _ECDSA.items()},
    **{der.sequence(der.oid(name), b"\x05\x00"): ("rsa", digest) for name, digest in _RSA.items()},
    **{_pss(digest): ("pss", digest) for digest in _HASHES},
    der.sequence(der.oid("1.3.101.112")): ("ed25519", ""),
}


_P256: Final = der.sequence(der.oid("1.2.840.10045.2.1"), der.oid("1.2.840.10045.3.1.7"))
_KEY_ALGORITHMS: Final = (
    _P256,
    der.sequence(der.oid("1.2.840.10045.2.1"), der.oid("1.3.132.0.34")),
    der.sequence(der.oid("1.2.840.10045.2.1"), der.oid("1.3.132.0.35")),
    der.sequence(der.oid("1.2.840.113549.1.1.1"), b"\x05\x00"),
    der.sequence(der.oid("1.3.101.112")),
)


def is_supported(algorithm: bytes) -> bool:
    """Whether an AlgorithmIdentifier, as DER, is a signature algorithm that we take."""
    return algorithm in _ALGORITHMS


def name_of(algorithm: bytes) -> str:
    """The name of a signature algorithm that we do not take, for a person."""
    start, _ = der.whole(algorithm, der.SEQUENCE)
    inside, stop = der.content_at(algorithm, start, len(algorithm), der.OID)
    dotted = der.dotted(algorithm[inside:stop])
    known = _NAMES.get(dotted)
    return f"{known} ({dotted})" if known else f"algorithm {dotted}"


@lru_cache(maxsize=None)
def _arguments(algorithm: bytes) -> tuple[str, tuple[Any, ...]]:
    """The kind of key, and what its ``verify`` takes after the signature and the data."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding

    kind, digest = _ALGORITHMS[algorithm]
    if kind == "ed25519":
        return kind, ()
    chosen = getattr(hashes, digest)()
    if kind == "ec":
        return kind, (ec.ECDSA(chosen),)
    if kind == "rsa":
        return kind, (padding.PKCS1v15(), chosen)
    return "rsa", (padding.PSS(padding.MGF1(chosen), _HASHES[digest][1]), chosen)


def verifies(child: Certificate, issuer: Certificate) -> bool:
    """Whether the signature of a certificate verifies under the key of another one.

    Both its algorithm and the key have to be ones that we take.
    """
    check = child.signature_check
    if check is None:
        algorithm = child.signature_algorithm
        check = child.signature_check = _arguments(algorithm) if algorithm in _ALGORITHMS else ("", ())
    if key_kind(issuer) != check[0]:
        return False
    key: Any = issuer.public_key
    try:
        key.verify(child.signature, child.tbs, *check[1])
    except _invalid_signature():
        return False
    return True


@lru_cache(maxsize=1)
def _invalid_signature() -> type[Exception]:
    from cryptography.exceptions import InvalidSignature

    return InvalidSignature


def key_kind(certificate: Certificate) -> str:
    """``"ec"``, ``"rsa"`` or ``"ed25519"``, or ``"?"`` where nothing can be checked with the key."""
    kind = certificate.key_kind
    if kind is None:
        kind = certificate.key_kind = "ec" if certificate.spki.startswith(_P256, 2) else _kind(certificate)
    return kind


def _kind(certificate: Certificate) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    try:
        key = certificate.public_key
    except InvalidSvid:
        return "?"
    kinds = ((ec.EllipticCurvePublicKey, "ec"), (rsa.RSAPublicKey, "rsa"), (ed25519.Ed25519PublicKey, "ed25519"))
    return next((name for kind, name in kinds if isinstance(key, kind)), "?")


def key_problem(certificate: Certificate) -> str | None:
    """Why the key of a certificate may sign no certificate, to follow its name, or None."""
    spki = certificate.spki
    if spki.startswith(_P256, 2):
        return None
    kind = key_kind(certificate)
    if kind == "?":
        return "has a public key that cannot be used"
    if not spki.startswith(_KEY_ALGORITHMS, 2) and not spki.startswith(_KEY_ALGORITHMS, 4):
        name = getattr(getattr(certificate.public_key, "curve", None), "name", kind)
        return f"has a key of type {name}, which is not among {', '.join(CURVES)}, RSA and Ed25519"
    size = getattr(certificate.public_key, "key_size", 0)
    if kind == "rsa" and size < MIN_RSA_BITS:
        return f"has an RSA key of {size} bits, {MIN_RSA_BITS - size} fewer than {MIN_RSA_BITS}"
    return None
