"""What an x509pop agent and its server send each other: JSON, as SPIRE writes it.

SPIRE: pkg/common/plugin/x509pop/x509pop.go
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from spiffesim.spiffe.jsontext import JsonError, read_object

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

    from spiffesim.keys import PrivateKey

NONCE_SIZE: Final = 32
RSA: Final = "rsa_signature"
ECDSA: Final = "ecdsa_signature"


class BrokenMessageError(ValueError):
    """A message is not what it has to be, or does not prove anything; the text is SPIRE's."""


def write(message: Mapping[str, Any]) -> bytes:
    """A message as JSON: bytes in base64, without spaces."""
    return json.dumps(message, separators=(",", ":"), default=_base64).encode()


def _base64(value: bytes) -> str:
    return b64encode(value).decode()


def payload(chain: Sequence[bytes]) -> bytes:
    """The first message: a chain of certificates as DER, the leaf first."""
    return write({"certificates": list(chain)})


def read_payload(data: bytes) -> list[bytes]:
    """The certificates of the first message.

    Raises:
        BrokenMessageError: If it has none.
    """
    message = _read("failed to unmarshal data", data)
    certificates = message.get("certificates") or []
    if not isinstance(certificates, list):
        raise BrokenMessageError("failed to unmarshal data: certificates are not an array")
    if not certificates:
        raise BrokenMessageError("no certificate to attest")
    return [_bytes("failed to unmarshal data", certificate) for certificate in certificates]


def challenge(public_key: CertificatePublicKeyTypes, nonce: bytes) -> bytes:
    """The server's question to the holder of a key.

    Raises:
        BrokenMessageError: If no such key can answer.
    """
    kind = _kind(public_key)
    return write({RSA: {"nonce": nonce} if kind == RSA else None, ECDSA: {"nonce": nonce} if kind == ECDSA else None})


def response(private_key: PrivateKey, question: bytes, nonce: bytes) -> bytes:
    """The agent's answer: a signature over the SHA-256 of both nonces.

    Args:
        private_key: The key of the leaf.
        question: The challenge.
        nonce: The agent's own nonce.

    Raises:
        BrokenMessageError: If the question is not for such a key.
    """
    kind = _kind(private_key.public_key())
    signed = _nonce("challenge", _part("challenge", kind, question)) + nonce
    if kind == RSA:
        return write({RSA: {"nonce": nonce, "signature": _sign_pss(private_key, signed)}, ECDSA: None})
    r, s = _sign_ecdsa(private_key, signed)
    return write({RSA: None, ECDSA: {"nonce": nonce, "r": r, "s": s}})


def _sign_ecdsa(private_key: Any, signed: bytes) -> tuple[bytes, bytes]:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    signature = private_key.sign(signed, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    r, s = (number.to_bytes((number.bit_length() + 7) // 8, "big") for number in decode_dss_signature(signature))
    return r, s


def _sign_pss(private_key: Any, signed: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    # Not SPIRE: without a salt, so that the same nonces give the same bytes; SPIRE's server accepts any length.
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 0)
    signature: bytes = private_key.sign(signed, scheme, hashes.SHA256())
    return signature


def verify(public_key: CertificatePublicKeyTypes, question: bytes, answer: bytes) -> None:
    """Check an answer.

    Raises:
        BrokenMessageError: If it does not prove possession of the key.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    kind = _kind(public_key)
    part = _part("response", kind, answer)
    signed = _nonce("challenge", _part("challenge", kind, question)) + _nonce("response", part)
    name = "challenge response"
    key: Any = public_key
    try:
        if kind == RSA:
            scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
            key.verify(_bytes(name, part.get("signature")), signed, scheme, hashes.SHA256())
        else:
            numbers = (int.from_bytes(_bytes(name, part.get(member)), "big") for member in ("r", "s"))
            key.verify(encode_dss_signature(*numbers), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise BrokenMessageError(f"{kind.partition('_')[0].upper()} signature verify failed") from None


def _kind(public_key: object) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(public_key, rsa.RSAPublicKey):
        return RSA
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        return ECDSA
    raise BrokenMessageError(f"unsupported public key type {type(public_key).__name__}")


def _part(name: str, kind: str, data: bytes) -> Mapping[str, Any]:
    """The part of a challenge or a response that is for a kind of key."""
    part = _read(f"unable to unmarshal {name}", data).get(kind)
    if not isinstance(part, dict):
        raise BrokenMessageError(f"expecting {kind.partition('_')[0].upper()} {name}")
    return part


def _nonce(name: str, part: Mapping[str, Any]) -> bytes:
    nonce = _bytes(name, part.get("nonce"))
    if len(nonce) != NONCE_SIZE:
        raise BrokenMessageError(f"invalid {name} nonce")
    return nonce


def _read(failure: str, data: bytes) -> dict[str, Any]:
    try:
        return read_object(data)
    except JsonError as error:
        raise BrokenMessageError(f"{failure}: it {error}") from None


def _bytes(name: str, value: object) -> bytes:
    try:
        return b64decode(value, validate=True) if isinstance(value, str) else b""
    except (Base64Error, ValueError):
        raise BrokenMessageError(f"{name}: a value is not base64") from None
