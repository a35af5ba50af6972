"""Public keys as certificates say them: which may sign certificates, at what cost, and which a leaf may have.

Nothing is loaded here. Loading a key costs a quarter of a signature check, and a stranger chooses how
large it is.

Spec: RFC 5280 4.1.2.7, RFC 3279 2.3, RFC 5480 2, RFC 8410 3 to 5
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from spiffesim.spiffe.x509 import der
from spiffesim.spiffe.x509.fields import key_algorithm, key_bits

MIN_RSA_BITS: Final = 2048

MAX_RSA_BITS: Final = 8192
"""How large an RSA key that signs may be: as in Go's TLS, which SPIRE uses; SPIRE makes 2,048 and 4,096 bits."""

MAX_EXPONENT: Final = (1 << 31) - 1
"""How large its exponent may be: as in Go, whose own is an int32; nearly all have 65,537."""

_RSA: Final = der.oid("1.2.840.113549.1.1.1")
_EC: Final = der.oid("1.2.840.10045.2.1")
_ED25519: Final = der.oid("1.3.101.112")
_ED448: Final = der.oid("1.3.101.113")
_NULL: Final = b"\x05\x00"

# Named curves, and how many octets a coordinate has.
_P256: Final = der.oid("1.2.840.10045.3.1.7")
_P384: Final = der.oid("1.3.132.0.34")
_P521: Final = der.oid("1.3.132.0.35")
_COORDINATES: Final = {_P256: 32, _P384: 48, _P521: 66, der.oid("1.3.132.0.10"): 32}

_AT_P256: Final = der.sequence(_EC, _P256)
_UNCOMPRESSED_P256: Final = b"\x30\x59" + _AT_P256 + b"\x03\x42\x00\x04"


class Signer(NamedTuple):
    """A key, as one that signs certificates.

    Attributes:
        family: What its signatures are made with (``"ec"``, ``"rsa"``, ``"ed25519"``); empty where
            none is checked, whatever it says.
        cost: What the check of one costs, in checks of P-256.
        problem: Why it may sign no certificate, to follow the name of its own, or None.
    """

    family: str
    cost: int = 1
    problem: str | None = None


_OTHER: Final = Signer("", 1, "has a key that is not one of P-256, P-384, P-521, RSA and Ed25519")
_ON_P256: Final = Signer("ec")
_SIGNERS: Final = {
    _AT_P256: _ON_P256,
    der.sequence(_EC, _P384): Signer("ec", 8),
    der.sequence(_EC, _P521): Signer("ec", 10),
    der.sequence(_ED25519): Signer("ed25519", 2),
}
_RSA_ALGORITHM: Final = der.sequence(_RSA, _NULL)


def signer_of(spki: bytes) -> Signer:
    """What a SubjectPublicKeyInfo says about signatures of its key; whether it can be loaded is not asked."""
    if spki.startswith(_AT_P256, 2):  # as nearly all are
        return _ON_P256
    algorithm = key_algorithm(spki)
    return _rsa_signer(key_bits(spki)) if algorithm == _RSA_ALGORITHM else _SIGNERS.get(algorithm, _OTHER)


def _rsa_signer(bits: bytes) -> Signer:
    try:
        modulus, exponent = _rsa_numbers(bits)
    except der.DerError:
        return Signer("", 1, "has a public key that cannot be used")
    size = modulus.bit_length()
    if size > MAX_RSA_BITS:
        return Signer("", 1, f"has an RSA key of {size} bits, {size - MAX_RSA_BITS} more than {MAX_RSA_BITS}")
    if exponent > MAX_EXPONENT:
        return Signer("", 1, f"has an RSA key whose exponent has {exponent.bit_length()} bits, more than 31")
    # An exponent of 31 bits costs twice what 65,537 does, and four times what a key of half the size does.
    cost = 1 + (size * size >> 23)
    if size < MIN_RSA_BITS:
        return Signer("rsa", cost, f"has an RSA key of {size} bits, {MIN_RSA_BITS - size} fewer than {MIN_RSA_BITS}")
    return Signer("rsa", cost)


def _rsa_numbers(bits: bytes) -> tuple[int, int]:
    """The modulus and the exponent of an RSAPublicKey (RFC 8017 A.1.1)."""
    start, end = der.whole(bits, der.SEQUENCE)
    inside, stop = der.content_at(bits, start, end, der.INTEGER)
    modulus = der.integer_of(bits, inside, stop)
    inside, last = der.content_at(bits, stop, end, der.INTEGER)
    exponent = der.integer_of(bits, inside, last)
    # RFC 8017 3.1: the exponent is prime to an even number, and the modulus is the product of odd primes.
    if last != end or modulus < 3 or exponent < 3 or not modulus & exponent & 1:
        raise der.DerError("this is not an RSA public key")
    return modulus, exponent


# Leaves. Their keys sign handshakes and proofs, and nothing here checks such a signature: what they are is
# judged by the form of the key alone, and no size or curve is refused that can make a signature.

_WITHOUT_SIGNATURES: Final = {
    der.oid("1.3.101.110"): "X25519",  # RFC 8410 5: for key agreement
    der.oid("1.3.101.111"): "X448",
    der.oid("1.2.840.10046.2.1"): "Diffie-Hellman",  # RFC 3279 2.3.3
    der.oid("1.2.840.113549.1.3.1"): "Diffie-Hellman",
    der.oid("1.3.132.1.12"): "ECDH",  # RFC 5480 2.1.2 and 3
    der.oid("1.3.132.1.13"): "ECMQV",
    der.oid("1.2.840.113549.1.1.7"): "RSAES-OAEP",  # RFC 4055 1.2
}


def leaf_key_problem(spki: bytes) -> str | None:
    """Why a leaf may not have this key, to follow its name, or None."""
    if len(spki) == 91 and spki.startswith(_UNCOMPRESSED_P256):  # as nearly all are
        return None
    algorithm = key_algorithm(spki)
    start, end = der.whole(algorithm, der.SEQUENCE)
    middle = der.content_at(algorithm, start, end, der.OID)[1]
    name, parameters = algorithm[start:middle], algorithm[middle:]
    if name in _WITHOUT_SIGNATURES:
        return f"has a key for {_WITHOUT_SIGNATURES[name]}, which makes no signatures"
    judge = _JUDGES.get(name)
    return judge(parameters, key_bits(spki)) if judge is not None else None


def _ec_problem(curve: bytes, point: bytes) -> str | None:
    if curve[:1] != b"\x06":
        return "has an elliptic-curve key that does not name its curve"  # RFC 5480 2.1.1
    if point[:1] not in (b"\x02", b"\x03", b"\x04"):
        return "has an elliptic-curve key whose point is neither uncompressed nor compressed"  # RFC 5480 2.2
    size = _COORDINATES.get(curve)
    if size is not None and len(point) != 1 + size * (1 + (point[0] == 4)):
        return f"has an elliptic-curve key whose point has {len(point)} octets, which is not that of its curve"
    return None


def _edwards_problem(size: int, parameters: bytes, key: bytes) -> str | None:
    if parameters:
        return "has an Edwards-curve key with parameters, which must be absent"  # RFC 8410 3
    return None if len(key) == size else f"has an Edwards-curve key of {len(key)} octets, not {size}"  # RFC 8032 5


def _rsa_problem(parameters: bytes, bits: bytes) -> str | None:
    if parameters != _NULL:
        return "has an RSA key whose parameters are not NULL"  # RFC 3279 2.3.1
    try:
        _rsa_numbers(bits)
    except der.DerError:
        return "has an RSA key that is not an odd modulus and an odd exponent"  # RFC 8017 3.1
    return None


_JUDGES: Final[dict[bytes, Callable[[bytes, bytes], str | None]]] = {
    _EC: _ec_problem,
    _RSA: _rsa_problem,
    _ED25519: partial(_edwards_problem, 32),
    _ED448: partial(_edwards_problem, 57),
}
