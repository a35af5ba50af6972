"""SVIDs: those of entries, for agents; CAs, for nested servers; and those that an operator mints without an entry.

SPIRE: pkg/server/api/svid/v1/service.go
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from spiffesim.api import Service
from spiffesim.authority import IssuedSvid
from spiffesim.authorization import OPERATOR, Caller
from spiffesim.entries import RegistrationEntry
from spiffesim.errors import NotFound, Refused
from spiffesim.instants import span
from spiffesim.keys import Draw, Key
from spiffesim.plugins.upstream_authority import MintedCa
from spiffesim.profiles import WORKLOAD_SVID
from spiffesim.spiffe import jose
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.jwtsvid import JwtSvid
from spiffesim.spiffe.witsvid import WitSvid
from spiffesim.spiffe.x509svid import X509Svid

_WIT_SVID_TTL: Final = timedelta(hours=1)


class SvidService(Service):
    """The SVID service."""

    def new_x509_svid(self, caller: Caller, entry_id: str, *, key_type: str = "ec-p256") -> IssuedSvid:
        """Sign the X509-SVID of an entry, for the agent that calls."""
        entry = self._authorized_entry("new_x509_svid", caller, entry_id)
        draw = Draw.next(
            self.world.randomness,
            f"{self.name} svid {entry.parent_id} {entry.spiffe_id} {' '.join(map(str, entry.selectors))}",
        )
        return self.ca.sign_svid(
            WORKLOAD_SVID,
            draw,
            spiffe_id=str(entry.spiffe_id),
            now=self.world.now,
            ttl=span(entry.x509_svid_ttl or self.config.default_x509_svid_ttl),
            dns_names=entry.dns_names,
            key_type=key_type,
        )

    def new_jwt_svid(self, caller: Caller, entry_id: str, audience: Iterable[str]) -> str:
        """Sign a JWT-SVID for an entry, for the agent that calls."""
        entry = self._authorized_entry("new_jwt_svid", caller, entry_id)
        kept = [name for name in audience if name]
        self._check_audience(kept)
        stream = f"{self.name} jti {entry.id}"
        jti = self._draw_jti(stream) if entry.jwt_svid_include_jti else ""
        ttl = span(entry.jwt_svid_ttl or self.config.default_jwt_svid_ttl)
        return self.ca.sign_jwt(str(entry.spiffe_id), kept, now=self.world.now, ttl=ttl, jti=jti)

    def _draw_jti(self, stream: str) -> str:
        return jose.b64url(self.world.randomness.bytes(stream, self.world.randomness.count(stream), 16))

    def _check_audience(self, audience: list[str]) -> None:
        if not audience:
            raise Refused("at least one audience is required", status="INVALID_ARGUMENT", hint=f"server {self.name}")

    def _authorized_entry(self, method: str, caller: Caller, entry_id: str) -> RegistrationEntry:
        caller = self.authorize(method, caller)
        entry = self.cache.get(entry_id)
        node = self._node_of(method, caller)
        if entry is None or not self.cache.authorizes(node.spiffe_id, node.selectors_at(self.world.now), entry):
            raise NotFound(
                "entry not found or not authorized",
                status="NOT_FOUND",
                hint=f"entry {entry_id!r} for {caller.spiffe_id} on {self.name}",
                entry_id=entry_id,
            )
        return entry

    def new_downstream_x509_ca(
        self, key: Key, *, preferred_ttl: timedelta = timedelta(0), caller: Caller | X509Svid = OPERATOR
    ) -> MintedCa:
        """Sign the CA of a nested server; only a downstream may call.

        Args:
            key: The key of the nested server's CA.
            preferred_ttl: How long it would like to live; zero for this server's ``ca_ttl``.
            caller: Who calls.

        Raises:
            NotAuthorized: If no entry with the caller's SPIFFE ID is downstream.
        """
        caller = self.authorize("new_downstream_x509_ca", caller)
        draw = Draw.next(self.world.randomness, f"{self.name} downstream {caller.spiffe_id}")
        return self.ca.sign_downstream_ca(draw, key, now=self.world.now, ttl=preferred_ttl)

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
            ttl: How long it lives; by default ``default_x509_svid_ttl``. Capped by the CA.
            dns_names: DNS names for its SAN; the first also becomes the common name.
            caller: Who calls.
        """
        self.authorize("mint_x509_svid", caller)
        workload_id = self._workload_id("CSR URI SAN is invalid", spiffe_id)
        names = self.entries.check_minted_dns_names(tuple(dns_names))
        draw = Draw.next(self.world.randomness, f"{self.name} mint {workload_id}")
        svid = self.ca.sign_svid(
            WORKLOAD_SVID,
            draw,
            spiffe_id=str(workload_id),
            now=self.world.now,
            ttl=span(ttl or self.config.default_x509_svid_ttl),
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
        """Mint a JWT-SVID without a registration entry (``spire-server jwt mint``)."""
        self.authorize("mint_jwt_svid", caller)
        workload_id = self._workload_id("invalid SPIFFE ID", spiffe_id)
        kept = [name for name in ([audience] if isinstance(audience, str) else audience) if name]
        self._check_audience(kept)
        lifetime = span(ttl or self.config.default_jwt_svid_ttl)
        return JwtSvid.parse(self.ca.sign_jwt(str(workload_id), kept, now=self.world.now, ttl=lifetime))

    def mint_wit_svid(
        self,
        spiffe_id: SpiffeId | str,
        *,
        ttl: timedelta | None = None,
        caller: Caller | X509Svid = OPERATOR,
    ) -> WitSvid:
        """Mint a WIT-SVID over a new key, which comes with it; behind the feature flag ``wit-svid``."""
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
        token = self.ca.sign_wit(str(workload_id), key, now=self.world.now, ttl=span(ttl or _WIT_SVID_TTL))
        return WitSvid.parse(token, private_key_der=key.pkcs8)

    def _workload_id(self, prefix: str, spiffe_id: SpiffeId | str) -> SpiffeId:
        """The ID of a workload of this trust domain.

        SPIRE: pkg/server/api/id.go
        """
        workload_id = SpiffeId.parse(spiffe_id)
        problem = ""
        if not workload_id.member_of(self.trust_domain):
            problem = f'"{workload_id}" is not a member of trust domain "{self.trust_domain}"'
        elif not workload_id.path:
            problem = f'"{workload_id}" is not a workload in trust domain "{self.trust_domain}"; path is empty'
        elif workload_id.path == "/spire" or workload_id.path.startswith("/spire/"):
            problem = (
                f'"{workload_id}" is not a workload in trust domain "{self.trust_domain}"; '
                "path is in the reserved namespace"
            )
        if problem:
            raise Refused(f"{prefix}: {problem}", status="INVALID_ARGUMENT", spiffe_id=workload_id)
        return workload_id
