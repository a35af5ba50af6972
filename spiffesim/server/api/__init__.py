"""The services of a server, as SPIRE divides its API: one room each, and what they share in the doorway.

Every method takes its ``caller``: the operator on the server's own socket where nothing else is said,
a ``Caller``, or an X509-SVID that the caller shows.

SPIRE: pkg/server/api
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spiffesim.authorization import AGENT, DOWNSTREAM, POLICY, Caller, allows, denied
from spiffesim.daemon import Daemon
from spiffesim.entries.admission import workload_id
from spiffesim.entries.rejection import Rejected, refused
from spiffesim.errors import Refused, ValidationError
from spiffesim.instants import microseconds, moment
from spiffesim.spiffe.validation import validate_x509_svid
from spiffesim.spiffe.x509svid import X509Svid

if TYPE_CHECKING:
    from spiffesim.configuration import ServerConfig
    from spiffesim.entries import Entries, EntryCache, RegistrationEntry
    from spiffesim.nodes import Node, Nodes
    from spiffesim.plugins.node_attestor.join_token import JoinTokens
    from spiffesim.server.ca import ServerCa
    from spiffesim.server.keyring import Keyring
    from spiffesim.server.view import View
    from spiffesim.spiffe.bundle import SpiffeBundle
    from spiffesim.spiffe.ids import SpiffeId, TrustDomain


class Service(Daemon):
    """What every service of a server works on, and who may call it."""

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

    def changed(self) -> None:
        """Let those look again who fetch from here: agents and nested servers."""
        raise NotImplementedError  # the server does it, which all services together make up

    def authenticate(self, caller: Caller | X509Svid) -> Caller:
        """The caller that holds this X509-SVID, as the TLS handshake would find it.

        Raises:
            Refused: UNAUTHENTICATED, if it does not validate against the bundle of its trust domain,
                or is of another trust domain and not among ``admin_ids``.
            Unavailable: If the server does not run.

        SPIRE: pkg/server/endpoints/auth.go
        """
        self.check_running()
        if isinstance(caller, Caller):
            return caller
        bundles = [self.bundle, *self.federated.values()]
        try:
            spiffe_id = validate_x509_svid(caller, bundles, at=moment(self.now), memo=self.world.memo)
        except ValidationError as error:
            raise Refused(f"client certificate is refused: {error}", status="UNAUTHENTICATED") from error
        if not spiffe_id.member_of(self.trust_domain) and spiffe_id not in self.config.admin_ids:
            raise Refused(f'unexpected trust domain in ID "{spiffe_id}"', status="UNAUTHENTICATED", hint=self.name)
        return Caller(spiffe_id, serial=caller.serial_number, not_after=microseconds(caller.not_after))

    def authorize(self, method: str, caller: Caller | X509Svid) -> Caller:
        """The caller, if it may call this method.

        Raises:
            NotAuthorized: PERMISSION_DENIED, with SPIRE's text.

        SPIRE: pkg/server/api/middleware/authorization_opa.go
        """
        caller = self.authenticate(caller)
        if not allows(method, caller, self.config.admin_ids, lambda: self._entries_of(caller)):
            if AGENT not in POLICY[method][1]:
                raise denied(method, caller, self._why_not_downstream(method, caller))
            self.nodes.authorize(method, caller, self.now)
        return caller

    def _entries_of(self, caller: Caller) -> tuple[RegistrationEntry, ...]:
        """The entries with the caller's SPIFFE ID, as they are now and not as agents see them."""
        return () if caller.spiffe_id is None else self.entries.of_spiffe_id(caller.spiffe_id)

    def _why_not_downstream(self, method: str, caller: Caller) -> str:
        if DOWNSTREAM not in POLICY[method][1] or caller.spiffe_id is None:
            return ""
        return (
            f"no entry of {self.name} with SPIFFE ID {caller.spiffe_id} is downstream; create one with downstream=True"
        )

    def _calling_agent(self, method: str, caller: Caller | X509Svid) -> Node:
        """The record of the agent that calls a method which is for agents alone."""
        return self.nodes.authorize(method, self.authenticate(caller), self.now)

    def _workload_id(self, prefix: str, spiffe_id: SpiffeId | str) -> SpiffeId:
        """The ID of a workload of this trust domain, or a refusal that begins with the prefix."""
        try:
            return workload_id(spiffe_id, self.trust_domain)
        except Rejected as reason:
            raise refused(prefix, reason) from None
