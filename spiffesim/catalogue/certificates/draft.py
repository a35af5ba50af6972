"""A certificate that has yet to be signed, field by field: each is DER, so that each can be wrong in any way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from spiffesim.catalogue.certificates.signer import ECDSA_SHA256, Signer
from spiffesim.catalogue.hierarchy import Hierarchy
from spiffesim.instants import Microseconds
from spiffesim.keys import Key
from spiffesim.spiffe.x509 import der

KEY_USAGE: Final = "2.5.29.15"
ALTERNATIVE_NAMES: Final = "2.5.29.17"
BASIC_CONSTRAINTS: Final = "2.5.29.19"
NAME_CONSTRAINTS: Final = "2.5.29.30"
EXTENDED_KEY_USAGE: Final = "2.5.29.37"
SUBJECT_KEY_ID: Final = "2.5.29.14"
AUTHORITY_KEY_ID: Final = "2.5.29.35"


def extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    """An Extension: its value is the DER inside the OCTET STRING."""
    return der.sequence(der.oid(oid), der.boolean(True) if critical else b"", der.octet_string(value))


# The bits of a key usage.
DIGITAL_SIGNATURE: Final = 0
KEY_ENCIPHERMENT: Final = 2
KEY_AGREEMENT: Final = 4
KEY_CERT_SIGN: Final = 5
CRL_SIGN: Final = 6

NO_NAME: Final = der.sequence()


def usage(*bits: int) -> bytes:
    """The value of a key usage with these bits, of which there is at least one."""
    return der.bit_string(bytes((sum(0x80 >> bit for bit in bits),)), 7 - max(bits))


def ca(path_length: int | None = None) -> bytes:
    """The value of the basic constraints of a CA."""
    return der.sequence(der.boolean(True), b"" if path_length is None else der.integer(path_length))


def uri(text: str) -> bytes:
    """A URI as a general name."""
    return der.tlv(0x86, text.encode())


def dns(text: str) -> bytes:
    """A DNS name as a general name."""
    return der.tlv(0x82, text.encode())


def directory(name: bytes) -> bytes:
    """A Name as a general name."""
    return der.tlv(0xA4, name)


def address(*octets: int) -> bytes:
    """An IP address (or, in a constraint, an address and a mask) as a general name."""
    return der.tlv(0x87, bytes(octets))


def key_id(octets: bytes) -> bytes:
    """The value of an authority key identifier that is the identifier of a key."""
    return der.sequence(der.tlv(0x80, octets))


def _plain_signature(draft: Draft, tbs: bytes) -> bytes:
    return draft.signer.sign(tbs)


@attrs.define(slots=False, eq=False)
class Draft:
    """A certificate that has yet to be signed.

    Attributes:
        hierarchy: Where more keys come from.
        key: Its own key; ``spki`` says the same, until an edit makes it say something else.
        signer: Who signs it.
        version: The whole ``[0]``; empty for version 1.
        serial: An INTEGER.
        algorithm: The AlgorithmIdentifier inside of what is signed.
        issuer: A Name.
        not_before: A Time.
        not_after: A Time.
        subject: A Name.
        spki: A SubjectPublicKeyInfo.
        extensions: OID and whole Extension, in their order.
        outer_algorithm: The AlgorithmIdentifier outside; None for the same.
        make_signature: What makes the signature, of the draft and the bytes to sign.
        make_tbs: What the encoded TBSCertificate goes through before it is signed.
        make_der: What the finished certificate goes through.
    """

    hierarchy: Hierarchy
    key: Key | Signer
    signer: Key | Signer
    version: bytes
    serial: bytes
    algorithm: bytes
    issuer: bytes
    not_before: bytes
    not_after: bytes
    subject: bytes
    spki: bytes
    extensions: list[tuple[str, bytes]]
    outer_algorithm: bytes | None = None
    make_signature: Callable[[Draft, bytes], bytes] = _plain_signature
    make_tbs: Callable[[bytes], bytes] | None = None
    make_der: Callable[[bytes], bytes] | None = None

    @classmethod
    def of(cls, tbs: bytes, hierarchy: Hierarchy, key: Key, signer: Key) -> Draft:
        """A real certificate's bytes to sign, taken apart."""
        start, end = der.whole(tbs, der.SEQUENCE)
        fields = [tbs[begin:stop] for _, begin, _, stop in der.values(tbs, start, end)]
        version, serial, algorithm, issuer, validity, subject, spki, extensions = fields
        begin, end = der.whole(validity, der.SEQUENCE)
        not_before, not_after = (validity[first:last] for _, first, _, last in der.values(validity, begin, end))
        return cls(
            hierarchy,
            key,
            signer,
            version,
            serial,
            algorithm,
            issuer,
            not_before,
            not_after,
            subject,
            spki,
            _extensions(extensions),
        )

    # Edits

    def put(self, oid: str, value: bytes, *, critical: bool = False) -> None:
        """Put an extension in the place of the one that is there, or at the end."""
        self.write(oid, extension(oid, value, critical=critical))

    def write(self, oid: str, written: bytes) -> None:
        """Put a whole Extension, as it is given, in the place of the one that is there, or at the end."""
        places = [place for place, (known, _) in enumerate(self.extensions) if known == oid]
        if places:
            self.extensions[places[0]] = oid, written
        else:
            self.extensions.append((oid, written))

    def drop(self, oid: str) -> None:
        """Leave an extension out."""
        self.extensions = [(known, written) for known, written in self.extensions if known != oid]

    def name(self, *names: bytes, critical: bool = False) -> None:
        """Give it these alternative names."""
        self.put(ALTERNATIVE_NAMES, der.sequence(*names), critical=critical)

    def live(self, begin: Microseconds, end: Microseconds) -> None:
        """Let it be valid from one instant to another."""
        self.not_before, self.not_after = der.time(begin), der.time(end)

    def rekey(self, key: Key | Signer) -> None:
        """Give it another key, and the identifier of that key."""
        self.key, self.spki = key, key.spki
        self.put(SUBJECT_KEY_ID, der.octet_string(key.key_id))

    def sign_with(self, signer: Key | Signer) -> None:
        """Let another key sign it, with that key's algorithm."""
        self.signer = signer
        self.algorithm = signer.algorithm if isinstance(signer, Signer) else ECDSA_SHA256

    def issued_by(self, issuer: Draft) -> None:
        """Let it be issued by another one: its name, its key, and the identifier of its key."""
        self.issuer = issuer.subject
        self.sign_with(issuer.key)
        self.put(AUTHORITY_KEY_ID, key_id(issuer.key.key_id))

    def copy(self) -> Draft:
        """Another draft of the same certificate."""
        return attrs.evolve(self, extensions=[*self.extensions])

    # The certificate

    def encode(self) -> bytes:
        """The certificate, signed."""
        tbs = der.sequence(
            self.version,
            self.serial,
            self.algorithm,
            self.issuer,
            der.sequence(self.not_before, self.not_after),
            self.subject,
            self.spki,
            der.tlv(0xA3, der.sequence(*(written for _, written in self.extensions))) if self.extensions else b"",
        )
        if self.make_tbs is not None:
            tbs = self.make_tbs(tbs)
        signature = self.make_signature(self, tbs)
        outside = self.algorithm if self.outer_algorithm is None else self.outer_algorithm
        certificate = der.sequence(tbs, outside, der.bit_string(signature))
        return certificate if self.make_der is None else self.make_der(certificate)


def _extensions(field: bytes) -> list[tuple[str, bytes]]:
    outside, _ = der.whole(field, 0xA3)
    start, end = der.content_at(field, outside, len(field), der.SEQUENCE)
    found = []
    for _, begin, inside, stop in der.values(field, start, end):
        oid, oid_end = der.content_at(field, inside, stop, der.OID)
        found.append((der.dotted(field[oid:oid_end]), field[begin:stop]))
    return found
