"""The CA of a server: what it signs with the authorities on its keyring.

SPIRE: pkg/server/ca/ca.go
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import attrs

from spiffesim.authority import IssuedCertificate, IssuedSvid, JwtAuthority, X509Authority
from spiffesim.chain import Chain
from spiffesim.errors import NoActiveAuthority, Refused
from spiffesim.instants import SECOND, Microseconds, moment, rfc3339, span
from spiffesim.keys import Draw, Key
from spiffesim.plugins.upstream_authority import MintedCa
from spiffesim.profiles import (
    AGENT_SVID,
    DOWNSTREAM_CA,
    JWT_HEADER,
    SERVER_SVID,
    WIT_HEADER,
    WORKLOAD_SVID,
    Profile,
    jwt_claims,
    wit_claims,
)
from spiffesim.server.keyring import MOST_FAILURES, Keyring
from spiffesim.server.slots import Slots
from spiffesim.spiffe import jose
from spiffesim.spiffe.markup import pretty_fields

# SPIRE: pkg/server/ca/ca.go, behind what the services put in front of it
_FAILURES: Final = {
    WORKLOAD_SVID.name: "failed to sign X509-SVID: invalid workload X509-SVID: invalid X509-SVID",
    AGENT_SVID.name: "failed to sign X509 SVID: invalid agent X509-SVID: invalid X509-SVID",
    SERVER_SVID.name: "invalid server X509-SVID: invalid X509-SVID",
}


@attrs.frozen
class Health:
    """What the health checks of a server found.

    Attributes:
        problems: What is wrong, by the name of the check: ``server.ca`` cannot sign, or rotations failed too often
            for ``server.ca.rotator``.
    """

    problems: Mapping[str, str]

    _repr_pretty_ = pretty_fields

    @property
    def live(self) -> bool:
        """Whether ``/live`` says yes."""
        return not self.problems

    @property
    def ready(self) -> bool:
        """Whether ``/ready`` says yes; of these checks both depend alike."""
        return not self.problems


class ServerCa:
    """Signs with the authorities of a keyring.

    Args:
        keyring: The server's.
    """

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring

    @property
    def authority(self) -> X509Authority:
        """The X.509 authority that signs now.

        Raises:
            NoActiveAuthority: If there is none.
        """
        authority = self.keyring.x509.current.authority
        if not isinstance(authority, X509Authority):
            raise NoActiveAuthority("X509 CA is not available for signing", status="INTERNAL", hint=self.keyring.name)
        return authority

    def authority_at(self, now: Microseconds) -> X509Authority:
        """The X.509 authority that signs, or signed, at an instant.

        Raises:
            NoActiveAuthority: If there is none.
        """
        authority = self.keyring.x509_authority_at(now)
        return self.authority if authority is None else authority

    def health(self, now: Microseconds) -> Health:
        """Whether it can sign, and whether its rotations have succeeded often enough since the process started.

        SPIRE: pkg/server/ca/ca_health.go, pkg/server/ca/rotator/rotator_health.go
        """
        problems = {}
        try:
            if now > self.authority.not_after:
                ended = f"already expired as of {rfc3339(self.authority.not_after)}"
                problems["server.ca"] = f"invalid workload X509-SVID: invalid X509-SVID: {ended}"
        except NoActiveAuthority as refusal:
            problems["server.ca"] = refusal.message
        if self.keyring.failures > MOST_FAILURES:
            problems["server.ca.rotator"] = "rotations exceed the threshold number of failures"
        return Health(problems)

    def _token_authority(self, slots: Slots, kind: str) -> JwtAuthority:
        authority = slots.current.authority
        if not isinstance(authority, JwtAuthority):
            raise NoActiveAuthority(
                f"{kind} key is not available for signing", status="INTERNAL", hint=self.keyring.name
            )
        return authority

    def sign_svid(
        self,
        profile: Profile,
        draw: Draw,
        *,
        spiffe_id: str,
        now: Microseconds,
        ttl: Microseconds,
        dns_names: tuple[str, ...] = (),
        key_type: str = "ec-p256",
    ) -> IssuedSvid:
        """Sign an X509-SVID over a new key.

        Raises:
            Refused: If the CA has expired, with SPIRE's text.
        """
        authority = self.authority_at(now)
        certificate = authority.sign(
            profile, draw, draw.key(key_type), spiffe_id=spiffe_id, now=now, ttl=ttl, dns_names=dns_names
        )
        self._check_alive(_FAILURES[profile.name], certificate, now)
        return IssuedSvid(certificate, authority.chain)

    def _check_alive(self, failure: str, certificate: IssuedCertificate, now: Microseconds) -> None:
        """Refuse a certificate that has ended, because its CA has. SPIRE: pkg/server/credvalidator/validator.go."""
        if now > certificate.not_after:
            raise Refused(
                f"{failure}: already expired as of {rfc3339(certificate.not_after)}",
                status="INTERNAL",
                hint=f"the CA of {self.keyring.name} ended {moment(now) - moment(certificate.not_after)} ago; advance the "
                "simulation so that it rotates",
                not_after=moment(certificate.not_after),
                at=moment(now),
            )

    def sign_downstream_ca(self, draw: Draw, key: Key, *, now: Microseconds, ttl: timedelta) -> MintedCa:
        """Sign the CA of a nested server.

        SPIRE: pkg/server/api/svid/v1/service.go (NewDownstreamX509CA) takes the key and the TTL of
        the request and nothing else.
        """
        authority = self.authority
        certificate = authority.sign(
            DOWNSTREAM_CA,
            draw,
            key,
            spiffe_id=str(self.keyring.trust_domain.spiffe_id),
            now=now,
            ttl=span(ttl) if ttl > timedelta(0) else span(self.keyring.config.ca_ttl),
        )
        failure = "failed to sign downstream X.509 CA: invalid downstream X509 CA: invalid X509 CA"
        self._check_alive(failure, certificate, now)
        view = self.keyring.view
        return MintedCa(
            Chain(certificate, authority.chain), tuple(view.roots), top=authority.top, elements=view.x509_elements
        )

    def check_jwt_svids(self) -> None:
        """Check that JWT-SVIDs are not disabled.

        Raises:
            Refused: UNIMPLEMENTED, with SPIRE's text.
        """
        if self.keyring.config.disable_jwt_svids:
            raise Refused("JWT functionality is disabled", status="UNIMPLEMENTED", hint=f"server {self.keyring.name}")

    def sign_jwt(
        self, spiffe_id: str, audience: Sequence[str], *, now: Microseconds, ttl: Microseconds, jti: str = ""
    ) -> str:
        """Sign a JWT-SVID.

        Raises:
            Refused: If JWT-SVIDs are disabled, or the key has expired.
        """
        self.check_jwt_svids()
        authority = self._token_authority(self.keyring.jwt, "JWT")
        expires_at = min(now + ttl, authority.not_after) // SECOND
        self._check_unexpired(expires_at, now, "JWT")
        claims = jwt_claims(
            spiffe_id=spiffe_id,
            audience=audience,
            issued_at=now // SECOND,
            expires_at=expires_at,
            issuer=self.keyring.config.jwt_issuer,
            jti=jti,
        )
        return authority.sign(JWT_HEADER, claims)

    def sign_wit(self, spiffe_id: str, key: Key, *, now: Microseconds, ttl: Microseconds) -> str:
        """Sign a WIT-SVID over a workload's key."""
        authority = self._token_authority(self.keyring.wit, "WIT")
        expires_at = min(now + ttl, authority.not_after) // SECOND
        self._check_unexpired(expires_at, now, "WIT")
        public_key = key.public_key
        confirmation = {**jose.jwk_of(public_key), "alg": jose.algorithm_for(public_key)}
        claims = wit_claims(
            spiffe_id=spiffe_id,
            confirmation=confirmation,
            issued_at=now // SECOND,
            expires_at=expires_at,
            issuer=self.keyring.config.wit_issuer,
        )
        return authority.sign(WIT_HEADER, claims)

    def _check_unexpired(self, expires_at: int, now: Microseconds, kind: str) -> None:
        if expires_at * SECOND <= now:
            end = rfc3339(expires_at * SECOND)
            raise Refused(
                f'failed to sign {kind}-SVID: invalid {kind}-SVID "exp" claim: already expired as of {end}',
                status="INTERNAL",
                hint=f"the {kind} key of {self.keyring.name} has ended; advance the simulation so that it rotates",
            )
