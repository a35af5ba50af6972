"""Certificates taken apart into their DER values, changed, and signed again: shapes that no builder makes.

Written apart from :mod:`spiffesim.spiffe.x509.der`, which it is there to test.
"""

from __future__ import annotations

from typing import Any

import attrs
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
ECDSA_SHA384 = bytes.fromhex("300a06082a8648ce3d040303")
ECDSA_SHA1 = bytes.fromhex("300906072a8648ce3d0401")


def tlv(tag: int, *content: bytes) -> bytes:
    """One value in DER."""
    body = b"".join(content)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = f"{len(body):x}"
    octets = bytes.fromhex(size.rjust(len(size) + len(size) % 2, "0"))
    return bytes([tag, 128 + len(octets)]) + octets + body


def sequence(*content: bytes) -> bytes:
    return tlv(0x30, *content)


def children(value: bytes) -> list[bytes]:
    """The values inside of a constructed value, each whole."""
    _, rest = _head(value)
    found = []
    while rest:
        start, content = _head(rest)
        end = start + len(content)
        found.append(rest[:end])
        rest = rest[end:]
    return found


def _head(value: bytes) -> tuple[int, bytes]:
    """Where the content of the first value begins, and that content."""
    length, start = value[1], 2
    if length >= 128:
        start += length - 128
        length = int.from_bytes(value[2:start], "big")
    return start, value[start : start + length]


def content(value: bytes) -> bytes:
    """What is inside of a value."""
    return _head(value)[1]


def extension(name: str, value: bytes, *, critical: bool = False) -> bytes:
    """An extension with the hexadecimal content of its object identifier."""
    flag = b"\x01\x01\xff" if critical else b""
    return sequence(tlv(6, bytes.fromhex(name)), flag, tlv(4, value))


@attrs.frozen
class Parts:
    """The values of a certificate, each whole; ``version`` and ``extensions`` may be absent (empty)."""

    version: bytes
    serial: bytes
    inner_algorithm: bytes
    issuer: bytes
    validity: bytes
    subject: bytes
    spki: bytes
    extensions: tuple[bytes, ...]
    outer_algorithm: bytes
    signature: bytes

    @classmethod
    def of(cls, certificate: bytes) -> Parts:
        """Those of a certificate of version 3 with extensions."""
        tbs, outer, signature = children(certificate)
        version, serial, inner, issuer, validity, subject, spki, wrapped = children(tbs)
        extensions = tuple(children(children(wrapped)[0]))
        return cls(version, serial, inner, issuer, validity, subject, spki, extensions, outer, signature)

    @property
    def tbs(self) -> bytes:
        """The bytes that are signed."""
        fields = (self.version, self.serial, self.inner_algorithm, self.issuer, self.validity, self.subject, self.spki)
        extensions = tlv(0xA3, sequence(*self.extensions)) if self.extensions else b""
        return sequence(*fields, extensions)

    @property
    def der(self) -> bytes:
        """The whole certificate."""
        return sequence(self.tbs, self.outer_algorithm, self.signature)


def signed(parts: Parts, key: ec.EllipticCurvePrivateKey, digest: hashes.HashAlgorithm | None = None) -> bytes:
    """A certificate of these parts with a signature that is right."""
    made = key.sign(parts.tbs, ec.ECDSA(digest or hashes.SHA256(), deterministic_signing=True))
    return attrs.evolve(parts, signature=tlv(3, b"\x00", made)).der


def remade(certificate: bytes, key: ec.EllipticCurvePrivateKey, **changes: Any) -> bytes:
    """A certificate with other values, signed again."""
    return signed(attrs.evolve(Parts.of(certificate), **changes), key)


def forged(certificate: bytes) -> bytes:
    """A certificate whose signature is well-formed and wrong."""
    parts = Parts.of(certificate)
    numbers = children(content(parts.signature)[1:])
    return attrs.evolve(parts, signature=tlv(3, b"\x00", sequence(*reversed(numbers)))).der
