"""Forger: a thief of an authority's private key, who mints whatever that key can sign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from spiffesim.authority import IssuedCertificate, IssuedSvid, JwtAuthority, X509Authority
from spiffesim.chain import Chain
from spiffesim.errors import InvalidInput, InvalidSpiffeId
from spiffesim.instants import SECOND, Microseconds, microseconds, moment, span, whole_second
from spiffesim.keys import Draw
from spiffesim.profiles import DOWNSTREAM_CA, JWT_HEADER, WORKLOAD_SVID, read_audience
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.jwtsvid import JwtSvid
from spiffesim.spiffe.x509svid import X509Svid

if TYPE_CHECKING:
    from spiffesim.world import World

_HOUR = timedelta(hours=1)


class Forger:
    """Who has the private key of an authority, and with it everything that the key can sign.

    No server asks who it is, caps a lifetime, or looks at an entry; and a rotation takes nothing away. What it mints
    validates until its end, or until the authority is revoked.

    Make one with ``Simulation.steal(...)``.

    Attributes:
        x509: The X.509 authority; None without its key.
        jwt: The JWT authority; None without its key.
    """

    def __init__(self, world: World, *, x509: X509Authority | None = None, jwt: JwtAuthority | None = None) -> None:
        self._world = world
        self.x509 = x509
        self.jwt = jwt

    def mint_x509_svid(
        self,
        spiffe_id: SpiffeId | str,
        *,
        at: datetime | None = None,
        ttl: timedelta = _HOUR,
        dns_names: Iterable[str] = (),
    ) -> X509Svid:
        """An X509-SVID with any SPIFFE ID, even one that SPIRE keeps for itself.

        Args:
            spiffe_id: The ID; a path is below the trust domain of the stolen CA.
            at: When it begins, any instant; by default now.
            ttl: How long it lives, even beyond the CA.
            dns_names: DNS names for its SAN.

        Raises:
            InvalidInput: If the key of no X.509 authority was stolen, or a lifetime is none.
            InvalidSpiffeId: If that is no SPIFFE ID.
            ClockError: If it would live beyond the years 1 to 9999.
        """
        authority = self._x509()
        named = self._named(authority, spiffe_id)
        certificate = self._sign(authority, named, at, ttl, ca=False, dns_names=tuple(dns_names))
        return IssuedSvid(certificate, authority.chain).draw()

    def mint_ca(self, *, at: datetime | None = None, ttl: timedelta = _HOUR) -> Forger:
        """An intermediate CA below the stolen one, over a key of the thief's own.

        Args:
            at: When it begins; by default now.
            ttl: How long it lives, even beyond the CA above.

        Returns:
            A forger with the new CA.

        Raises:
            InvalidInput: As for an X509-SVID.
            ClockError: As for an X509-SVID.
        """
        authority = self._x509()
        certificate = self._sign(authority, _trust_domain(authority), at, ttl, ca=True)
        chain = Chain(certificate, authority.chain)
        return Forger(self._world, x509=X509Authority(certificate.key, certificate, chain, authority.top))

    def mint_jwt_svid(
        self,
        spiffe_id: SpiffeId | str,
        audience: str | Iterable[str],
        *,
        at: datetime | None = None,
        ttl: timedelta = _HOUR,
        claims: Mapping[str, Any] | None = None,
    ) -> JwtSvid:
        """A JWT-SVID with any SPIFFE ID and any other claims.

        Args:
            spiffe_id: The whole ID.
            audience: Whom it is for: one name or several.
            at: When it is issued, any instant; by default now.
            ttl: How long it lives, even beyond the key.
            claims: Other claims, or other values of these.

        Raises:
            InvalidInput: If the key of no JWT authority was stolen, or a lifetime is none.
            InvalidSpiffeId: If that is no SPIFFE ID.
            InvalidSvid: If the claims make no JWT-SVID.
            ClockError: As for an X509-SVID.
        """
        if self.jwt is None:
            raise InvalidInput(
                "the key of no JWT authority was stolen: steal from a server that has one", code="no_key"
            )
        begin, end = self._validity(at, ttl)
        full = {
            "sub": str(SpiffeId.parse(spiffe_id)),
            "aud": read_audience(audience),
            "iat": begin // SECOND,
            "exp": end // SECOND,
            **(claims or {}),
        }
        return JwtSvid.parse(self.jwt.sign(JWT_HEADER, full))

    def _x509(self) -> X509Authority:
        if self.x509 is None:
            raise InvalidInput("the key of no X.509 authority was stolen: steal from a server", code="no_key")
        return self.x509

    def _named(self, authority: X509Authority, spiffe_id: SpiffeId | str) -> str:
        text = str(spiffe_id)
        if text.startswith("/"):
            text = _trust_domain(authority) + text
        return str(SpiffeId.parse(text))

    def _validity(self, at: datetime | None, ttl: timedelta) -> tuple[Microseconds, Microseconds]:
        begin = self._world.now if at is None else microseconds(at)
        end = begin + span(ttl)
        if end <= begin:
            raise InvalidInput(f"a lifetime is longer than nothing, not {ttl}", code="ttl")
        moment(end)
        return whole_second(begin), whole_second(end)

    def _sign(
        self,
        authority: X509Authority,
        named: str,
        at: datetime | None,
        ttl: timedelta,
        *,
        ca: bool,
        dns_names: tuple[str, ...] = (),
    ) -> IssuedCertificate:
        begin, end = self._validity(at, ttl)
        kind = "ca" if ca else "svid"
        draw = Draw.next(self._world.randomness, f"forged {kind} {authority.key.key_id.hex()} {named}")
        return IssuedCertificate(
            DOWNSTREAM_CA if ca else WORKLOAD_SVID,
            draw,
            draw.key(),
            spiffe_id=named,
            not_before=begin,
            not_after=end,
            issuer=authority,
            dns_names=dns_names,
        )

    def __repr__(self) -> str:
        held = [kind for kind, authority in (("X.509", self.x509), ("JWT", self.jwt)) if authority is not None]
        return f"<Forger with {' and '.join(held) or 'nothing'}>"


def _trust_domain(authority: X509Authority) -> str:
    """The ID of the trust domain that a CA signs for."""
    from spiffesim.spiffe.x509.certificate import read_certificate

    uris = read_certificate(authority.certificate.der).uris
    if not uris:
        raise InvalidSpiffeId("the stolen CA names no trust domain: give a whole SPIFFE ID")
    return uris[0]
