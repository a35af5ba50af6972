"""Upstream authorities: who signs a server's CA, and where its JWT keys are published.

A server has none (its CA is self-signed) or one.

SPIRE: pkg/server/plugin/upstreamauthority, doc/plugin_server_upstreamauthority_disk.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import attrs

from spiffesim.authority import JwtAuthority
from spiffesim.chain import CertificateLike, Chain
from spiffesim.instants import Microseconds, moment
from spiffesim.keys import Draw, Key
from spiffesim.ledger import X509Element
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.markup import pretty_fields
from spiffesim.spiffe.x509.certificate import read_certificate

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

    from spiffesim.server.keyring import Keyring


@attrs.frozen
class CaRequest:
    """What a server asks to be signed: what SPIRE puts into a CSR, and what goes with it.

    Attributes:
        trust_domain: The server's; its ID, which has no path, is the URI of the CA.
        key: The key of the CA.
        preferred_ttl: How long the CA would like to live.
        now: The present instant, in microseconds (``at`` is the datetime).
        draw: Where a serial number may be drawn from, the same for the same seed.
    """

    trust_domain: TrustDomain
    key: Key
    preferred_ttl: timedelta
    now: Microseconds
    draw: Draw
    _subject: Callable[[], bytes] = attrs.field(alias="subject")

    _repr_pretty_ = pretty_fields

    @property
    def at(self) -> datetime:
        """The present instant, an aware-UTC datetime."""
        return moment(self.now)

    @property
    def subject(self) -> bytes:
        """The subject that the CSR asks for, a Name as DER."""
        return self._subject()

    @property
    def public_key(self) -> CertificatePublicKeyTypes:
        """The public key to certify."""
        return self.key.public_key

    @property
    def serial_number(self) -> int:
        """A serial number for the certificate, drawn for this request."""
        return self.draw.serial


@attrs.frozen
class MintedCa:
    """What an upstream authority answers.

    Attributes:
        chain: The new CA certificate, and those above it that are presented with it; no root.
        roots: The roots that it leads to.
        top: Within SPIRE, the certificate whose subject those of all nested CAs are copied from.
        elements: Within SPIRE, the roots with their taint.
    """

    chain: Chain | Sequence[CertificateLike]
    roots: Sequence[CertificateLike]
    top: CertificateLike | None = None
    elements: Sequence[X509Element] = ()

    _repr_pretty_ = pretty_fields

    @classmethod
    def from_der(cls, chain: Iterable[bytes], roots: Iterable[bytes]) -> MintedCa:
        """An answer made of certificates as DER.

        Args:
            chain: The new CA certificate first.
            roots: The roots.

        Raises:
            InvalidSvid: If one is not a certificate.
        """
        return cls(
            tuple(read_certificate(certificate) for certificate in chain),
            tuple(read_certificate(certificate) for certificate in roots),
        )


class Receiver(Protocol):
    """The server that took a published JWT key over, and hands it on to its own upstream authority."""

    @property
    def keyring(self) -> Keyring:
        """Its authorities, and who signs them."""
        ...

    @property
    def now(self) -> Microseconds:
        """The present instant by its own clock."""
        ...

    def changed(self) -> None:
        """Let those look again who fetch from it."""
        ...


@runtime_checkable
class UpstreamAuthority(Protocol):
    """What a server asks of its upstream authority."""

    @property
    def name(self) -> str:
        """The name of the plugin, such as ``disk``."""
        ...

    def mint_x509_ca(self, request: CaRequest) -> MintedCa:
        """Sign a CA.

        SPIRE's own check follows: the answer must have a chain and roots, and a leaf that the new CA
        signs must validate.

        Raises:
            Refused: If it will not.
        """
        ...

    def publish_jwt_key(self, authority: JwtAuthority) -> Receiver | None:
        """Take a JWT key of the server, or of a server below it, for the whole trust domain.

        Returns:
            The SPIRE server that took it; None where it is published somewhere else.

        Raises:
            NotSupported: If there is no such thing here; then the key stays in the server's own bundle.
            Refused: If it will not.
        """
        ...
