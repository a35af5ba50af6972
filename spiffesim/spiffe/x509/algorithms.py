"""Signature algorithms and keys of certificates: which ones count, and how each is checked.

Spec: RFC 5280 4.1.1.2, RFC 4055, RFC 5758, RFC 8410
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from spiffesim.errors import InvalidSvid
from spiffesim.spiffe.x509 import der
from spiffesim.spiffe.x509.certificate import Certificate
from spiffesim.spiffe.x509.publickey import Signer, signer_of

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
    # RFC 4055 5: the parameters of RSA with PKCS #1 v1.5 are NULL, or absent.
    **{der.sequence(der.oid(name), b"\x05\x00"): ("rsa", digest) for name, digest in _RSA.items()},
    **{der.sequence(der.oid(name)): ("rsa", digest) for name, digest in _RSA.items()},
    **{_pss(digest): ("pss", digest) for digest in _HASHES},
    der.sequence(der.oid("1.3.101.112")): ("ed25519", ""),
}


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


@cache
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


_NOTHING: Final[tuple[str, tuple[Any, ...]]] = ("none", ())  # not the name of a family, so nothing verifies


def verifies(child: Certificate, issuer: Certificate) -> bool:
    """Whether the signature of a certificate verifies under the key of another one.

    Both its algorithm and the key have to be ones that we take.
    """
    check = child.signature_check
    if check is None:
        algorithm = child.signature_algorithm
        check = child.signature_check = _arguments(algorithm) if algorithm in _ALGORITHMS else _NOTHING
    if (issuer.signer or signer(issuer)).family != check[0]:
        return False
    try:
        key: Any = issuer.public_key
        key.verify(child.signature, child.tbs, *check[1])
    # ValueError: a key that cannot be loaded, or a hash that is longer than a tiny RSA key.
    except (_invalid_signature(), ValueError):
        return False
    return True


@cache
def _invalid_signature() -> type[Exception]:
    from cryptography.exceptions import InvalidSignature

    return InvalidSignature


def signer(certificate: Certificate) -> Signer:
    """The key of a certificate, as one that signs others; worked out once a certificate."""
    found = certificate.signer
    if found is None:
        found = certificate.signer = signer_of(certificate.spki)
    return found


def key_problem(certificate: Certificate) -> str | None:
    """Why the key of a certificate may sign no certificate, to follow its name, or None."""
    problem = signer(certificate).problem
    if problem is not None:
        return problem
    try:
        certificate.public_key  # noqa: B018  # it is loaded
    except InvalidSvid:
        return "has a public key that cannot be used"
    return None
