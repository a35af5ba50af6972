"""The services of a server, as SPIRE divides its API: one room each, and what they share in the doorway.

SPIRE: pkg/server/api
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spiffesim.authorization import (
    ADMIN,
    AGENT,
    ANYONE,
    DOWNSTREAM,
    LOCAL,
    POLICY,
    Caller,
    denied,
    roles,
)
from spiffesim.errors import Refused, ValidationError
from spiffesim.instants import microseconds, moment
from spiffesim.spiffe.validation import validate_x509_svid
from spiffesim.spiffe.x509svid import X509Svid

if TYPE_CHECKING:
    from spiffesim.ca import ServerCa
    from spiffesim.configuration import ServerConfig
    from spiffesim.entries import Entries, EntryCache
    from spiffesim.keyring import Keyring
    from spiffesim.ledger import View
    from spiffesim.nodes import Node, Nodes
    from spiffesim.plugins.node_attestor.join_token import JoinTokens
    from spiffesim.spiffe.bundle import SpiffeBundle
    from spiffesim.spiffe.ids import TrustDomain
    from spiffesim.world import World


class Service:
    """What every service of a server works on, and who may call it."""

    world: World
    name: str
    config: ServerConfig
    view: View
    keyring: Keyring
    ca: ServerCa
    entries: Entries
    cache: EntryCache
    nodes: Nodes
    join_tokens: JoinTokens
    federated: dict[TrustDomain, SpiffeBundle]

    @property
    def trust_domain(self) -> TrustDomain:
        """The trust domain that it serves."""
        return self.view.ledger.trust_domain

    @property
    def bundle(self) -> SpiffeBundle:
        """The bundle of its trust domain, as it knows it."""
        return self.view.bundle

    def authenticate(self, svid: X509Svid) -> Caller:
        """The caller that holds this X509-SVID, as the TLS handshake would find it.

        Raises:
            Refused: UNAUTHENTICATED, if it does not validate against the bundle of its trust domain.
        """
        bundles = [self.bundle, *self.federated.values()]
        try:
            spiffe_id = validate_x509_svid(svid, bundles, at=moment(self.world.now), memo=self.world.memo)
        except ValidationError as error:
            raise Refused(f"client certificate is refused: {error}", status="UNAUTHENTICATED") from error
        if spiffe_id.trust_domain != self.trust_domain and spiffe_id not in self.config.admin_ids:
            raise Refused(f'unexpected trust domain in ID "{spiffe_id}"', status="UNAUTHENTICATED")
        return Caller(spiffe_id, serial=svid.serial_number, not_after=microseconds(svid.not_after))

    def authorize(self, method: str, caller: Caller | X509Svid) -> Caller:
        """The caller, if it may call this method.

        SPIRE: pkg/server/api/middleware/authorization_opa.go decides in this order: anyone, local,
        admin, downstream, agent.

        Raises:
            NotAuthorized: PERMISSION_DENIED, with SPIRE's text.
        """
        if isinstance(caller, X509Svid):
            caller = self.authenticate(caller)
        allowed = POLICY[method][1]
        if ANYONE in allowed:
            return caller
        entries = () if caller.spiffe_id is None else self.entries.of_spiffe_id(caller.spiffe_id)
        role = roles(caller, self.config.admin_ids, entries)
        if role in allowed:
            return caller
        if role in (LOCAL, ADMIN) or AGENT not in allowed:
            raise denied(method, caller, self._why_not_downstream(caller) if DOWNSTREAM in allowed else "")
        self.nodes.authorize(method, caller, self.world.now)
        return caller

    def _why_not_downstream(self, caller: Caller) -> str:
        if caller.spiffe_id is None:
            return ""
        return f"no entry of {self.name} with SPIFFE ID {caller.spiffe_id} is downstream"

    def _node_of(self, method: str, caller: Caller) -> Node:
        return self.nodes.authorize(method, caller, self.world.now)
