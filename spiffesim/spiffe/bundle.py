"""The bundle as a value: the authorities of one trust domain.

Spec: SPIFFE Trust Domain and Bundle 3 and 4
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import attrs

from spiffesim.errors import InvalidBundle, InvalidSvid
from spiffesim.spiffe import jwks
from spiffesim.spiffe.authorities import Authorities, Pairs, pairs_of
from spiffesim.spiffe.face import Face, Shown
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.jose import jsontext
from spiffesim.spiffe.requirements import clause_of
from spiffesim.spiffe.x509.pem import read_certificates, write_pem

if TYPE_CHECKING:
    import ssl

    from cryptography import x509

    from spiffesim.spiffe.x509.certificate import Anchors

_SECOND: Final = timedelta(seconds=1)


def _trust_domain(name: TrustDomain | str) -> TrustDomain:
    return TrustDomain.parse(name)


def _ders(certificates: Iterable[bytes | bytearray | memoryview]) -> tuple[bytes, ...]:
    # Copies of what its owner may change: the value never does.
    return tuple(dict.fromkeys(bytes(der) if isinstance(der, bytearray | memoryview) else der for der in certificates))


@attrs.frozen(slots=False, repr=False)  # not slotted: keys and certificates are loaded when somebody looks
class SpiffeBundle(Shown):
    """The authorities of one trust domain; it never changes.

    Args:
        trust_domain: Whose authorities they are.
        x509_der: CA certificates, as DER; a repeated one counts once.
        jwt_spki: What signs JWT-SVIDs: key ID to SubjectPublicKeyInfo DER.
        wit_spki: What signs WIT-SVIDs, likewise.
        sequence_number: Counts the versions of the bundle.
        refresh_hint: How often consumers should look for a newer one.

    Raises:
        InvalidBundle: If a number is negative, or a key ID is used twice.

    Spec: SPIFFE Trust Domain and Bundle 4
    """

    trust_domain: TrustDomain = attrs.field(converter=_trust_domain)
    x509_der: tuple[bytes, ...] = attrs.field(default=(), converter=_ders)
    _jwt_pairs: Pairs = attrs.field(default=(), alias="jwt_spki", converter=pairs_of)
    _wit_pairs: Pairs = attrs.field(default=(), alias="wit_spki", converter=pairs_of)
    sequence_number: int | None = None
    refresh_hint: timedelta | None = None

    def __attrs_post_init__(self) -> None:
        if self.sequence_number is not None and self.sequence_number < 0:
            raise InvalidBundle(
                f"the bundle's sequence number is {self.sequence_number}, less than 0",
                code="spiffe_sequence",
                clause=clause_of("spiffe_sequence"),
            )
        if self.refresh_hint is not None and self.refresh_hint < timedelta(0):
            raise InvalidBundle(
                f"the bundle's refresh hint is {self.refresh_hint}, less than 0",
                code="spiffe_refresh_hint",
                clause=clause_of("spiffe_refresh_hint"),
            )
        shared = next((key_id for key_id, _ in self._wit_pairs if key_id in self.jwt_spki), None)
        if shared is not None:
            raise InvalidBundle(
                f"a JWT key and a WIT key of the bundle have the key ID {shared!r:.80}",
                code="unique_key_id",
                clause=clause_of("unique_key_id"),
            )

    # Documents

    @classmethod
    def parse(cls, trust_domain: TrustDomain | str, data: bytes | str) -> SpiffeBundle:
        """Read a bundle document, a JWK Set.

        Ignored are exactly the entries that the standard says to ignore: an unknown or missing ``kty``
        or ``use``, and x509-svid entries without certificate. Every other defect refuses the document.

        Args:
            trust_domain: Whose bundle it is; the document does not say.
            data: The JSON text, at most 4 MiB of it.

        Raises:
            InvalidBundle: With the index of the entry, where it is one; the code is the rule of
                :func:`examine_bundle` that failed.

        Spec: SPIFFE Trust Domain and Bundle 4.1
        """
        document = jwks.read_document("a bundle", data)
        return cls(trust_domain, **jwks.read_bundle(document))

    @classmethod
    def from_pem(cls, trust_domain: TrustDomain | str, pem: bytes | str) -> SpiffeBundle:
        """A bundle of the CA certificates in a PEM text.

        Raises:
            InvalidBundle: If there is none, something else, or a certificate that is not a CA's.
        """
        try:
            certificates = read_certificates(pem)
        except ValueError as error:
            raise InvalidBundle(f"the bundle cannot be read: {error}", code="pem", clause="RFC 7468 5") from None
        return cls.from_x509_authorities(trust_domain, certificates)

    @classmethod
    def from_x509_authorities(cls, trust_domain: TrustDomain | str, certificates: Iterable[bytes]) -> SpiffeBundle:
        """A bundle of CA certificates, each as DER.

        Raises:
            InvalidBundle: If one cannot be read, or is not a CA's.
        """
        bundle = cls(trust_domain, x509_der=certificates)
        bundle.anchors  # noqa: B018  # reads and checks them
        return bundle

    def marshal(self) -> bytes:
        """The bundle document, as ``spire-server bundle show -format spiffe`` prints it.

        A sequence number or refresh hint of 0 is left out, as SPIRE does.

        Raises:
            InvalidBundle: If an authority is not a CA's, or has a key with which no SVID can be signed.

        SPIRE: cmd/spire-server/cli/bundle/common.go
        """
        return jsontext.write_json(self.document(), indent=4) + b"\n"

    def pem(self) -> bytes:
        """The X.509 authorities as PEM, as ``spire-server bundle show`` prints them."""
        return b"".join(write_pem("CERTIFICATE", der) for der in self.x509_der)

    def document(self) -> dict[str, Any]:
        """The bundle document as an object of JSON; see `marshal`."""
        document: dict[str, Any] = {
            "keys": jwks.write_keys(self.anchors.certificates, self._jwt_pairs, self._wit_pairs),
        }
        if self.sequence_number:
            document["spiffe_sequence"] = self.sequence_number
        if self.refresh_hint:
            document["spiffe_refresh_hint"] = -(-self.refresh_hint // _SECOND)  # SPIRE: rounded up
        return document

    # Authorities

    @cached_property
    def x509_authorities(self) -> tuple[x509.Certificate, ...]:
        """The CA certificates, as ``cryptography`` has them.

        Raises:
            InvalidBundle: If one cannot be loaded, or is not a CA's.
        """
        from spiffesim.spiffe.x509.certificate import load_certificate

        authorities = self.anchors.certificates
        try:
            return tuple(load_certificate(authority.der) for authority in authorities)
        except ValueError as error:
            raise InvalidBundle(
                f"an X.509 authority of {self.trust_domain} cannot be loaded: {error}",
                code="certificate_encoding",
                clause="RFC 5280 4.1",
            ) from None

    @cached_property
    def anchors(self) -> Anchors:
        """The CA certificates, as the path search reads them.

        Raises:
            InvalidBundle: If one cannot be read, or is not a CA's.
        """
        from spiffesim.spiffe.x509.certificate import Anchors, read_certificate

        try:
            return Anchors(jwks.check_ca(read_certificate(der)) for der in self.x509_der)
        except InvalidSvid as error:
            raise InvalidBundle(
                f"the bundle of {self.trust_domain} cannot be used: {error}", code=error.code, clause=error.clause
            ) from None

    @cached_property
    def jwt_spki(self) -> Mapping[str, bytes]:
        """What signs JWT-SVIDs: key ID to SubjectPublicKeyInfo DER."""
        return MappingProxyType(dict(self._jwt_pairs))

    @cached_property
    def wit_spki(self) -> Mapping[str, bytes]:
        """What signs WIT-SVIDs: key ID to SubjectPublicKeyInfo DER."""
        return MappingProxyType(dict(self._wit_pairs))

    @cached_property
    def jwt_authorities(self) -> Authorities:
        """What signs JWT-SVIDs: key ID to public key."""
        return Authorities(self.jwt_spki)

    @cached_property
    def wit_authorities(self) -> Authorities:
        """What signs WIT-SVIDs: key ID to public key."""
        return Authorities(self.wit_spki)

    @cached_property
    def x509_bundle(self) -> SpiffeBundle:
        """The X.509 authorities alone."""
        return SpiffeBundle(self.trust_domain, x509_der=self.x509_der)

    @cached_property
    def jwt_bundle(self) -> SpiffeBundle:
        """The JWT authorities alone."""
        return SpiffeBundle(self.trust_domain, jwt_spki=self._jwt_pairs)

    @cached_property
    def wit_bundle(self) -> SpiffeBundle:
        """The WIT authorities alone."""
        return SpiffeBundle(self.trust_domain, wit_spki=self._wit_pairs)

    def configure_trust(self, ssl_context: ssl.SSLContext) -> None:
        """Let a TLS context trust the X.509 authorities (as trustme's method of that name does)."""
        from spiffesim.spiffe import tls

        tls.configure_trust(self, ssl_context)

    # What was loaded is not carried along, and keys cannot be.
    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in attrs.fields(SpiffeBundle)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        counts = f"{len(self.x509_der)} X.509, {len(self._jwt_pairs)} JWT, {len(self._wit_pairs)} WIT authorities"
        sequence = "" if self.sequence_number is None else f", sequence number {self.sequence_number}"
        return f"<SpiffeBundle {self.trust_domain}: {counts}{sequence}>"

    def _face(self) -> Face:
        from spiffesim.spiffe import faces

        return faces.of_bundle(self)
