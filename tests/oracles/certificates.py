"""Certificates made by ``cryptography``'s builder, in the shapes of SPIRE unless told otherwise.

Keys are a function of their names, so the same test makes the same bytes in every run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import Any

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AT = datetime(2030, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
TD = "spiffe://example.org"
WEB = f"{TD}/web"
BOTH = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
SIGNER = ("key_cert_sign", "crl_sign")
USER = ("digital_signature", "key_encipherment", "key_agreement")

_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
_CURVES: dict[str, ec.EllipticCurve] = {
    "p256": ec.SECP256R1(),
    "p384": ec.SECP384R1(),
    "p521": ec.SECP521R1(),
    "k256": ec.SECP256K1(),
}


@cache
def key(name: str, kind: str = "p256") -> Any:
    """The private key with this name: on a curve, ``ed25519``, or ``rsa-<bits>`` (new in each process)."""
    seed = hashlib.shake_256(f"{kind} {name}".encode()).digest(32)
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    if kind.startswith("rsa-"):
        return rsa.generate_private_key(65537, int(kind[4:]))
    # The top bit is off so that the number is below the order of every curve.
    return ec.derive_private_key(int.from_bytes(seed, "big") >> 1 | 1, _CURVES[kind])


def pkcs8(private_key: Any) -> bytes:
    """A private key as PKCS#8 DER."""
    return bytes(private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def named(common_name: str) -> x509.Name:
    """A name with one attribute, or the empty one."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])


def usage(*names: str) -> x509.KeyUsage:
    """A key usage with these bits set."""
    return x509.KeyUsage(**{name: name in names for name in _USAGES})


@attrs.frozen(slots=False)
class Issued:
    """A certificate as DER, with its private key."""

    der: bytes
    key: Any = attrs.field(eq=False)

    @cached_property
    def certificate(self) -> x509.Certificate:
        """The certificate as ``cryptography`` has it."""
        return x509.load_der_x509_certificate(self.der)

    @property
    def subject(self) -> x509.Name:
        """Whom it is about."""
        return self.certificate.subject

    @property
    def key_id(self) -> bytes:
        """Its subject key identifier."""
        return self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


@attrs.frozen(kw_only=True)
class Shape:
    """What a certificate says; every test changes what it is about."""

    subject: x509.Name
    key: Any
    issuer: x509.Name | None = None
    serial: int = 1
    not_before: datetime = AT - DAY
    not_after: datetime = AT + DAY
    constraints: tuple[bool, int | None] | None = (False, None)
    constraints_critical: bool = True
    uris: Sequence[str] = ()
    names: Sequence[x509.GeneralName] = ()
    names_critical: bool = False
    usage: Sequence[str] | None = USER
    usage_critical: bool = True
    purposes: Sequence[x509.ObjectIdentifier] | None = None
    purposes_critical: bool = False
    key_id: bytes | None = b""  # empty: the SHA-1 of the key
    authority_key_id: bytes | None = b""  # empty: the issuer's
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = ()
    digest: Any = None  # SHA-256

    def signed_by(self, signer: Issued | None) -> Issued:
        """The certificate; without a signer it signs itself."""
        issuer = self.subject if signer is None else signer.subject
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(issuer if self.issuer is None else self.issuer)
            .public_key(self.key.public_key())
            .serial_number(self.serial)
            .not_valid_before(self.not_before)
            .not_valid_after(self.not_after)
        )
        for extension, critical in self._extensions(signer):
            builder = builder.add_extension(extension, critical)
        signing_key = self.key if signer is None else signer.key
        deterministic = True if isinstance(signing_key, ec.EllipticCurvePrivateKey) else None
        digest = None if isinstance(signing_key, ed25519.Ed25519PrivateKey) else self.digest or hashes.SHA256()
        made = builder.sign(signing_key, digest, ecdsa_deterministic=deterministic)
        return Issued(made.public_bytes(Encoding.DER), self.key)

    def _extensions(self, signer: Issued | None) -> Iterable[tuple[x509.ExtensionType, bool]]:
        if self.usage is not None:
            yield usage(*self.usage), self.usage_critical
        if self.purposes is not None:
            yield x509.ExtendedKeyUsage(self.purposes), self.purposes_critical
        if self.constraints is not None:
            yield x509.BasicConstraints(*self.constraints), self.constraints_critical
        if self.key_id == b"":
            yield x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False
        elif self.key_id is not None:
            yield x509.SubjectKeyIdentifier(self.key_id), False
        if self.authority_key_id == b"" and signer is not None:
            yield x509.AuthorityKeyIdentifier(signer.key_id, None, None), False
        elif self.authority_key_id:
            yield x509.AuthorityKeyIdentifier(self.authority_key_id, None, None), False
        names = (*map(x509.UniformResourceIdentifier, self.uris), *self.names)
        if names:
            yield x509.SubjectAlternativeName(names), self.names_critical
        yield from self.extensions


def root(name: str = "root", **changes: Any) -> Issued:
    """A CA certificate that signs itself."""
    return _ca(name, changes).signed_by(None)


def intermediate(signer: Issued, name: str = "intermediate", **changes: Any) -> Issued:
    """A CA certificate below another one."""
    return _ca(name, changes).signed_by(signer)


def leaf(signer: Issued, *uris: str, **changes: Any) -> Issued:
    """The certificate of a workload, with the SPIFFE ID of /web if no other is given."""
    shape = Shape(subject=named("workload"), key=key("workload"), uris=uris or (WEB,), purposes=BOTH)
    return attrs.evolve(shape, **changes).signed_by(signer)


def _ca(name: str, changes: dict[str, Any]) -> Shape:
    shape = Shape(subject=named(name), key=key(name), uris=(TD,), usage=SIGNER, constraints=(True, None))
    return attrs.evolve(shape, **changes)


def ders(*issued: Issued) -> list[bytes]:
    """Certificates as DER."""
    return [each.der for each in issued]
