"""Authorities: the keys that sign, and the certificates and SVIDs that they sign.

Everything here is a record first and a document when somebody looks: ``IssuedCertificate.der`` is
where a certificate is encoded and signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from spiffesim import rotation
from spiffesim.chain import CertificateLike, Chain, ders
from spiffesim.instants import Microseconds, whole_second
from spiffesim.keys import Draw, Key
from spiffesim.profiles import (
    Profile,
    Template,
    ca_subject,
    downstream_subject,
    svid_subject,
)
from spiffesim.spiffe import jose
from spiffesim.spiffe.x509svid import X509Svid


class IssuedCertificate:
    """A certificate that one of our authorities signs when somebody looks at it.

    Attributes:
        profile: Which of SPIRE's profiles it has.
        key: The key that it certifies.
        spiffe_id: The text of its URI SAN.
        not_before: When it begins, in microseconds.
        not_after: When it ends; never after its issuer.
        issuer: The authority that signs it; None for a self-signed one.
    """

    __slots__ = (
        "_der",
        "_draw",
        "_subject",
        "dns_names",
        "issuer",
        "key",
        "not_after",
        "not_before",
        "profile",
        "spiffe_id",
    )

    def __init__(
        self,
        profile: Profile,
        draw: Draw,
        key: Key,
        *,
        spiffe_id: str,
        not_before: Microseconds,
        not_after: Microseconds,
        issuer: X509Authority | None = None,
        subject: bytes | None = None,
        dns_names: tuple[str, ...] = (),
    ) -> None:
        self.profile = profile
        self.key = key
        self.spiffe_id = spiffe_id
        self.not_before = not_before
        self.not_after = not_after
        self.issuer = issuer
        self.dns_names = dns_names
        self._draw = draw
        self._subject = subject
        self._der: bytes | None = None

    @property
    def serial(self) -> int:
        """The serial number."""
        return self._draw.serial

    def chance(self, purpose: str) -> float:
        """A draw in [0, 1) that belongs to this certificate alone."""
        return self._draw.chance(purpose)

    @property
    def subject(self) -> bytes:
        """The DER of the subject."""
        if self._subject is None:
            if not self.profile.ca:
                self._subject = svid_subject(self.dns_names)
            elif self.issuer is None:
                self._subject = ca_subject(self.serial)
            else:
                self._subject = self.issuer.downstream_subject
        return self._subject

    @property
    def subject_key_id(self) -> bytes:
        """The subject key identifier."""
        return self.key.key_id

    @property
    def der(self) -> bytes:
        """The DER, encoded and signed at the first look."""
        if self._der is None:
            key, issuer = self.key, self.issuer
            if issuer is None:
                template = Template(self.profile, issuer=self.subject, issuer_key_id=None, key_type=key.type)
                signer = key
            else:
                template = issuer.template(self.profile)
                signer = issuer.key
            spki, key_id = key.public
            tbs = template.tbs(
                serial=self._draw.serial,
                not_before=self.not_before,
                not_after=self.not_after,
                subject=self.subject,
                spki=spki,
                key_id=key_id,
                spiffe_id=self.spiffe_id,
                dns_names=self.dns_names,
            )
            self._der = template.certificate(tbs, signer.sign(tbs))
        return self._der


class X509Authority:
    """A CA key with its certificate, and the chain that it presents.

    Args:
        key: The key that signs.
        certificate: The CA certificate.
        chain: What is presented below the root: the certificate itself and those above it.
            None for a self-signed CA, which is the root.
        top: The certificate whose subject all subjects below are made of: the topmost one of ours.
    """

    __slots__ = ("_downstream_subject", "_templates", "certificate", "chain", "key", "top")

    def __init__(
        self, key: Key, certificate: CertificateLike, chain: Chain | None = None, top: CertificateLike | None = None
    ) -> None:
        self.key = key
        self.certificate = certificate
        self.chain = chain
        self.top = top if top is not None else certificate
        self._templates: dict[str, Template] = {}
        self._downstream_subject: bytes | None = None

    @property
    def not_after(self) -> Microseconds:
        """When its certificate ends."""
        return self.certificate.not_after

    @property
    def depth(self) -> int:
        """How many certificates it presents below the root."""
        return len(self.chain) if self.chain is not None else 0

    @property
    def downstream_subject(self) -> bytes:
        """The subject of every CA that it signs.

        SPIRE: pkg/server/credtemplate/builder.go copies the signer's subject with another OU, so the
        subjects of a whole tree are that of its topmost CA with ``DOWNSTREAM-<n>``, n counting the
        signer's chain and not the depth.
        """
        if self._downstream_subject is None:
            self._downstream_subject = downstream_subject(self.top.subject, max(self.depth, 1))
        return self._downstream_subject

    def template(self, profile: Profile) -> Template:
        """The profile encoded once for this authority."""
        template = self._templates.get(profile.name)
        if template is None:
            self.key.private_key  # noqa: B018  # signs next, and gives the key identifier: it is drawn once for both
            template = self._templates[profile.name] = Template(
                profile,
                issuer=self.certificate.subject,
                issuer_key_id=self.certificate.subject_key_id,
                key_type=self.key.type,
            )
        return template

    def validity(self, now: Microseconds, ttl: Microseconds) -> tuple[Microseconds, Microseconds]:
        """When a certificate begins and ends that is issued now."""
        return whole_second(now - rotation.BACKDATE), whole_second(min(now + ttl, self.certificate.not_after))

    def sign(
        self,
        profile: Profile,
        draw: Draw,
        key: Key,
        *,
        spiffe_id: str,
        now: Microseconds,
        ttl: Microseconds,
        dns_names: tuple[str, ...] = (),
        subject: bytes | None = None,
    ) -> IssuedCertificate:
        """Issue a certificate: backdated by 10 s, and never beyond our own end.

        SPIRE: pkg/server/ca/ca.go, pkg/server/credtemplate/builder.go
        """
        not_before, not_after = self.validity(now, ttl)
        return IssuedCertificate(
            profile,
            draw,
            key,
            spiffe_id=spiffe_id,
            not_before=not_before,
            not_after=not_after,
            issuer=self,
            dns_names=dns_names,
            subject=subject,
        )


@attrs.frozen
class IssuedSvid:
    """An X.509-SVID as a record: the leaf, and the chain that its issuer presents."""

    certificate: IssuedCertificate
    issuers: Chain | None

    @property
    def spiffe_id(self) -> str:
        """The text of its SPIFFE ID."""
        return self.certificate.spiffe_id

    @property
    def not_before(self) -> Microseconds:
        """When it begins."""
        return self.certificate.not_before

    @property
    def not_after(self) -> Microseconds:
        """When it ends."""
        return self.certificate.not_after

    @property
    def key(self) -> Key:
        """Its private key."""
        return self.certificate.key

    def renew_after(self, check: Microseconds, target: Microseconds = 0) -> Microseconds:
        """From when on an agent that checks so often renews it; see ``rotation.renew_after``."""
        return rotation.renew_after(
            self.not_before, self.not_after, self.certificate.chance("rotation"), check=check, target=target
        )

    def draw(self, hint: str = "") -> X509Svid:
        """The real document."""
        chain = [self.certificate.der]
        if self.issuers is not None:
            chain += ders(self.issuers)
        return X509Svid(chain, self.certificate.key.pkcs8, hint)


class JwtAuthority:
    """A key that signs tokens, under a key ID that has nothing to do with it."""

    __slots__ = ("_key_id", "_source", "not_after")

    def __init__(self, draw: Draw, key: Key, not_after: Microseconds) -> None:
        self._source: tuple[Draw, Key] | bytes = (draw, key)
        self._key_id: str | None = None
        self.not_after = not_after

    @classmethod
    def published(cls, key_id: str, spki: bytes, not_after: Microseconds = 0) -> JwtAuthority:
        """A public key that a downstream published."""
        authority = cls.__new__(cls)
        authority._source = spki
        authority._key_id = key_id
        authority.not_after = not_after
        return authority

    @property
    def key_id(self) -> str:
        """The key ID: 32 random letters and digits."""
        if self._key_id is None:
            draw = self._own[0]
            self._key_id = draw.randomness.text("kid " + draw.name, draw.counter)
        return self._key_id

    @property
    def spki(self) -> bytes:
        """The public key as a DER SubjectPublicKeyInfo."""
        return self._source if isinstance(self._source, bytes) else self._source[1].spki

    @property
    def published_as(self) -> tuple[str, bytes, Microseconds] | None:
        """All that a downstream said when it published this key; None for a key of ours."""
        return (self.key_id, self._source, self.not_after) if isinstance(self._source, bytes) else None

    @property
    def _own(self) -> tuple[Draw, Key]:
        assert not isinstance(self._source, bytes)  # a published key never signs here
        return self._source

    def sign(self, header: Mapping[str, str], claims: Mapping[str, Any]) -> str:
        """A compact JWS over the claims; the header gains ``alg`` and ``kid``."""
        private_key = self._own[1].private_key
        full = {"alg": jose.algorithm_for(private_key), "kid": self.key_id, **header}
        return jose.sign(full, claims, private_key)
