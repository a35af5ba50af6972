"""What an x509pop agent and its server send each other: JSON, as SPIRE writes it.

SPIRE: pkg/common/plugin/x509pop/x509pop.go
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from spiffesim.spiffe.jose.jsontext import JsonError, read_object

NONCE_SIZE: Final = 32
RSA: Final = "rsa_signature"
ECDSA: Final = "ecdsa_signature"

Parts: TypeAlias = Mapping[str, Mapping[str, bytes] | None]
"""A challenge or a response: what is for an RSA key, and what is for an ECDSA key."""


class BrokenMessageError(ValueError):
    """A message is not what it has to be, or does not prove anything; the text is SPIRE's."""


# Writing


def payload(chain: Sequence[bytes]) -> bytes:
    """The first message: a chain of certificates as DER, the leaf first."""
    return _write({"certificates": list(chain)})


def challenge(public_key: object, nonce: bytes) -> bytes:
    """The server's question to the holder of a key.

    Raises:
        BrokenMessageError: If no such key can answer.
    """
    return _write({RSA: None, ECDSA: None, _kind(public_key, "public"): {"nonce": nonce}})


def response(private_key: object, question: Parts, nonce: bytes) -> bytes:
    """The agent's answer: a signature over the SHA-256 of both nonces.

    Args:
        private_key: The key of the leaf.
        question: The challenge.
        nonce: The agent's own nonce.

    Raises:
        BrokenMessageError: If the question is not for such a key.
    """
    kind = _kind(private_key, "private")
    asked = _part("challenge", kind, question)
    signed = _nonces(asked["nonce"], nonce)
    sign = _sign_pss if kind == RSA else _sign_ecdsa
    return _write({RSA: None, ECDSA: None, kind: {"nonce": nonce, **sign(private_key, signed)}})


def _write(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":"), default=_base64).encode()


def _base64(value: bytes) -> str:
    return b64encode(value).decode()


def _sign_ecdsa(private_key: Any, signed: bytes) -> dict[str, bytes]:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    signature = private_key.sign(signed, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    r, s = (number.to_bytes((number.bit_length() + 7) // 8, "big") for number in decode_dss_signature(signature))
    return {"r": r, "s": s}


def _sign_pss(private_key: Any, signed: bytes) -> dict[str, bytes]:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    # Not SPIRE: without a salt, so that the same nonces give the same bytes; SPIRE's server accepts any length.
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 0)
    return {"signature": private_key.sign(signed, scheme, hashes.SHA256())}


# Reading


def read_payload(data: bytes) -> list[bytes]:
    """The certificates of the first message.

    Raises:
        BrokenMessageError: If it has none.
    """
    if not data:
        raise BrokenMessageError("missing attestation payload")
    certificates = _read("failed to unmarshal data", data).get("certificates") or []
    if not isinstance(certificates, list):
        raise BrokenMessageError("failed to unmarshal data: certificates are not an array")
    if not certificates:
        raise BrokenMessageError("no certificate to attest")
    return [_bytes("failed to unmarshal data", certificate) for certificate in certificates]


def read_parts(name: str, data: bytes) -> Parts:
    """A challenge or a response.

    Args:
        name: What it is called in the error: ``challenge``, ``challenge response``.
        data: The message as it travels.

    Raises:
        BrokenMessageError: If it is not such a message.
    """
    failure = f"unable to unmarshal {name}"
    message = _read(failure, data)
    return {kind: _read_part(failure, kind, message.get(kind)) for kind in (RSA, ECDSA)}


def _read_part(failure: str, kind: str, part: object) -> Mapping[str, bytes] | None:
    if part is None:
        return None
    if not isinstance(part, dict):
        raise BrokenMessageError(f"{failure}: {kind} is not an object")
    return {name: _bytes(failure, part.get(name)) for name in ("nonce", "signature", "r", "s")}


def _read(failure: str, data: bytes) -> dict[str, Any]:
    try:
        return read_object(data)
    except JsonError as error:
        raise BrokenMessageError(f"{failure}: it {error}") from None


def _bytes(failure: str, value: object) -> bytes:
    """Bytes in base64; as in Go, null and what is missing are none."""
    try:
        return b"" if value is None else b64decode(value, validate=True)  # type: ignore[arg-type]  # TypeError is one of these
    except (TypeError, ValueError):
        raise BrokenMessageError(f"{failure}: a value is not base64") from None


# Judging


def verify(public_key: object, nonce: bytes, answer: Parts) -> None:
    """Check an answer.

    Args:
        public_key: The key of the leaf.
        nonce: The nonce of the challenge.
        answer: The response.

    Raises:
        BrokenMessageError: If it does not prove possession of the key.
    """
    from cryptography.exceptions import InvalidSignature

    kind = _kind(public_key, "public")
    part = _part("response", kind, answer)
    signed = _nonces(nonce, part["nonce"])
    try:
        (_verify_pss if kind == RSA else _verify_ecdsa)(public_key, part, signed)
    except InvalidSignature:
        raise BrokenMessageError(f"{_name(kind)} signature verify failed") from None


def _verify_pss(public_key: Any, part: Mapping[str, bytes], signed: bytes) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
    public_key.verify(part["signature"], signed, scheme, hashes.SHA256())


def _verify_ecdsa(public_key: Any, part: Mapping[str, bytes], signed: bytes) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    r, s = (int.from_bytes(part[member], "big") for member in ("r", "s"))
    public_key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))


def _kind(key: object, half: str) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        return RSA
    if isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey):
        return ECDSA
    raise BrokenMessageError(f"unsupported {half} key type {type(key).__name__}")


def _name(kind: str) -> str:
    return kind.partition("_")[0].upper()


def _part(name: str, kind: str, message: Parts) -> Mapping[str, bytes]:
    """The part of a challenge or a response that is for a kind of key."""
    part = message[kind]
    if part is None:
        raise BrokenMessageError(f"expecting {_name(kind)} {name}")
    return part


def _nonces(ours: bytes, theirs: bytes) -> bytes:
    for name, nonce in (("challenge", ours), ("response", theirs)):
        if len(nonce) != NONCE_SIZE:
            raise BrokenMessageError(f"invalid {name} nonce")
    return ours + theirs
