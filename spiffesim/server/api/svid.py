"""SVIDs: those of entries, for agents; CAs, for nested servers; and those that an operator mints without an entry.

SPIRE: pkg/server/api/svid/v1/service.go
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from spiffesim.authority import IssuedSvid
from spiffesim.authorization import OPERATOR, Caller
from spiffesim.entries import RegistrationEntry, check_minted_dns_names
from spiffesim.errors import NotFound, Refused
from spiffesim.instants import SECOND, Microseconds, span
from spiffesim.keys import Draw, Key
from spiffesim.nodes import Node
from spiffesim.plugins.upstream_authority import MintedCa
from spiffesim.profiles import WORKLOAD_SVID, read_audience
from spiffesim.server.api import Service
from spiffesim.spiffe import jose
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.jwtsvid import JwtSvid
from spiffesim.spiffe.witsvid import WitSvid
from spiffesim.spiffe.x509svid import X509Svid

_WIT_SVID_TTL: Final = timedelta(hours=1)


class SvidService(Service):
    """The SVID service."""

    # For agents

    def new_x509_svid(self, caller: Caller | X509Svid, entry_id: str, *, key_type: str = "ec-p256") -> IssuedSvid:
        """Sign the X509-SVID of an entry, for the agent that calls.

        Args:
            caller: The agent.
            entry_id: The entry.
            key_type: The type of the new key.

        Raises:
            NotAuthorized: If the caller is not an active agent.
            NotFound: If there is no such entry, or it is not the agent's.
            Refused: INTERNAL, if the CA cannot sign.
        """
        node = self._calling_agent("new_x509_svid", caller)
        return self.sign_entry(self._entry_of(node, entry_id), node.spiffe_id, now=self.now, key_type=key_type)

    def sign_entry(
        self, entry: RegistrationEntry, agent_id: SpiffeId, *, now: Microseconds, key_type: str
    ) -> IssuedSvid:
        """Sign the X509-SVID of an entry as of an instant, for an agent that may have it.

        Raises:
            Refused: INTERNAL, if the CA cannot sign.
        """
        stream = f"{self.name} svid {entry.parent_id} {entry.spiffe_id} {' '.join(map(str, entry.selectors))}"
        if entry.parent_id != agent_id:
            stream += f" for {agent_id}"  # so that agents who share the entry do not share the draws
        return self.ca.sign_svid(
            WORKLOAD_SVID,
            Draw.next(self.world.randomness, stream),
            spiffe_id=str(entry.spiffe_id),
            now=now,
            ttl=span(entry.x509_svid_ttl or self.config.default_x509_svid_ttl),
            dns_names=entry.dns_names,
            key_type=key_type,
        )

    def new_jwt_svid(self, caller: Caller | X509Svid, entry_id: str, audience: Iterable[str]) -> str:
        """Sign a JWT-SVID for an entry, for the agent that calls.

        Args:
            caller: The agent.
            entry_id: The entry.
            audience: Whom it is for.

        Raises:
            NotAuthorized: If the caller is not an active agent.
            NotFound: If there is no such entry, or it is not the agent's.
            Refused: UNIMPLEMENTED, if JWT-SVIDs are disabled; for an empty audience; INTERNAL, if the
                key has expired.
        """
        node = self._calling_agent("new_jwt_svid", caller)
        self.ca.check_jwt_svids()
        entry = self._entry_of(node, entry_id)
        kept = self._audience(audience)
        jti = self._draw_jti(f"{self.name} jti {entry.id}") if entry.jwt_svid_include_jti else ""
        ttl = span(entry.jwt_svid_ttl or self.config.default_jwt_svid_ttl)
        return self.ca.sign_jwt(str(entry.spiffe_id), kept, now=self.now, ttl=ttl, jti=jti)

    def _draw_jti(self, stream: str) -> str:
        return jose.b64url(self.world.randomness.bytes(stream, self.world.randomness.count(stream), 16))

    def _audience(self, audience: str | Iterable[str]) -> list[str]:
        """The audience without empty names, of which at least one is left.

        SPIRE: pkg/server/credtemplate/builder.go (BuildWorkloadJWTSVIDClaims)
        """
        names = read_audience(audience)
        if not names:
            raise Refused("at least one audience is required", status="INVALID_ARGUMENT", hint=f"server {self.name}")
        kept = [name for name in names if name]
        if not kept:
            raise Refused(
                "failed to sign JWT-SVID: invalid JWT-SVID audience: cannot be empty",
                status="INTERNAL",
                hint=f"server {self.name} drops empty names, and was given no others",
            )
        return kept

    def _entry_of(self, node: Node, entry_id: str) -> RegistrationEntry:
        """The entry, if it is among those of the agent."""
        entry = self.cache.get(entry_id)
        if entry is None or not self.cache.authorizes(
            node.spiffe_id, self.nodes.shown_selectors(node.spiffe_id), entry
        ):
            raise NotFound(
                "entry not found or not authorized",
                status="NOT_FOUND",
                hint=f"entry {entry_id!r} for {node.spiffe_id} on {self.name}",
                entry_id=entry_id,
            )
        return entry

    # For nested servers

    def new_downstream_x509_ca(
        self, key: Key, *, preferred_ttl: timedelta = timedelta(0), caller: Caller | X509Svid
    ) -> MintedCa:
        """Sign the CA of a nested server; only a downstream may call.

        Args:
            key: The key of the nested server's CA.
            preferred_ttl: How long it would like to live; zero for this server's ``ca_ttl``.
            caller: Who calls.

        Raises:
            NotAuthorized: If no entry with the caller's SPIFFE ID is downstream.
            Refused: INTERNAL, if the CA cannot sign.
        """
        caller = self.authorize("new_downstream_x509_ca", caller)
        draw = Draw.next(self.world.randomness, f"{self.name} downstream {caller.spiffe_id}")
        return self.ca.sign_downstream_ca(draw, key, now=self.now, ttl=preferred_ttl)

    # For operators

    def mint_x509_svid(
        self,
        spiffe_id: SpiffeId | str,
        *,
        ttl: timedelta | None = None,
        dns_names: Iterable[str] = (),
        caller: Caller | X509Svid = OPERATOR,
    ) -> X509Svid:
        """Mint an X509-SVID without a registration entry (``spire-server x509 mint``).

        Args:
            spiffe_id: Any workload ID of the trust domain.
            ttl: How long it lives, in whole seconds (a fraction counts as one); by default
                ``default_x509_svid_ttl``. Capped by the CA.
            dns_names: DNS names for its SAN; the first also becomes the common name.
            caller: Who calls.

        Raises:
            Refused: INVALID_ARGUMENT, if the ID is not that of a workload of this trust domain, or a
                DNS name is not one; INTERNAL, if the CA cannot sign.
        """
        self.authorize("mint_x509_svid", caller)
        workload_id = self._workload_id("CSR URI SAN is invalid", spiffe_id)
        names = check_minted_dns_names(dns_names)
        draw = Draw.next(self.world.randomness, f"{self.name} mint {workload_id}")
        svid = self.ca.sign_svid(
            WORKLOAD_SVID,
            draw,
            spiffe_id=str(workload_id),
            now=self.now,
            ttl=_lifetime(ttl, self.config.default_x509_svid_ttl),
            dns_names=names,
        )
        return svid.draw()

    def mint_jwt_svid(
        self,
        spiffe_id: SpiffeId | str,
        audience: str | Iterable[str],
        *,
        ttl: timedelta | None = None,
        caller: Caller | X509Svid = OPERATOR,
    ) -> JwtSvid:
        """Mint a JWT-SVID without a registration entry (``spire-server jwt mint``).

        Args:
            spiffe_id: Any workload ID of the trust domain.
            audience: Whom it is for: one name or several.
            ttl: How long it lives, as for X509-SVIDs; by default ``default_jwt_svid_ttl``.
            caller: Who calls.

        Raises:
            Refused: UNIMPLEMENTED, if JWT-SVIDs are disabled; INVALID_ARGUMENT, if the ID is not that
                of a workload of this trust domain, or there is no audience; INTERNAL, if the key has
                expired.
        """
        self.authorize("mint_jwt_svid", caller)
        self.ca.check_jwt_svids()
        workload_id = self._workload_id("invalid SPIFFE ID", spiffe_id)
        kept = self._audience(audience)
        lifetime = _lifetime(ttl, self.config.default_jwt_svid_ttl)
        return JwtSvid.parse(self.ca.sign_jwt(str(workload_id), kept, now=self.now, ttl=lifetime))

    def mint_wit_svid(
        self, spiffe_id: SpiffeId | str, *, ttl: timedelta | None = None, caller: Caller | X509Svid = OPERATOR
    ) -> WitSvid:
        """Mint a WIT-SVID over a new key, which comes with it; behind the feature flag ``wit-svid``.

        Args:
            spiffe_id: Any workload ID of the trust domain.
            ttl: How long it lives, as for X509-SVIDs; by default an hour.
            caller: Who calls.

        Raises:
            Refused: UNIMPLEMENTED without the feature flag; INVALID_ARGUMENT, if the ID is not that of
                a workload of this trust domain; INTERNAL, if the key has expired.
        """
        self.authorize("mint_wit_svid", caller)
        if not self.config.wit_svids:
            raise Refused(
                "WIT functionality is disabled",
                status="UNIMPLEMENTED",
                hint='give the server feature_flags={"wit-svid"}',
            )
        workload_id = self._workload_id("invalid SPIFFE ID", spiffe_id)
        key = Draw.next(self.world.randomness, f"{self.name} mint wit {workload_id}").key()
        # SPIRE: the default is an hour, whatever is configured (pkg/server/credtemplate/builder.go).
        token = self.ca.sign_wit(str(workload_id), key, now=self.now, ttl=_lifetime(ttl, _WIT_SVID_TTL))
        return WitSvid.parse(token, private_key_der=key.pkcs8)


def _lifetime(ttl: timedelta | None, default: timedelta) -> Microseconds:
    """The lifetime that a request asks for: whole seconds, as ``spire-server x509 mint`` sends them, or the default."""
    if ttl is None or ttl <= timedelta(0):
        return span(default)
    return -(-span(ttl) // SECOND) * SECOND
