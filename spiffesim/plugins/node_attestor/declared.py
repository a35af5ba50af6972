"""The ``declared`` node attestor: a node says who it is, and is believed. For tests only; SPIRE has none."""

from __future__ import annotations

from collections.abc import Iterable

from spiffesim.entries import Selector
from spiffesim.errors import AttestationFailed
from spiffesim.instants import Microseconds
from spiffesim.plugins.node_attestor import Attestation, AttestingServer
from spiffesim.spiffe.ids import SpiffeId


class DeclaredNodeAttestor:
    """Takes an agent ID as given.

    Args:
        agent_id: The whole ID (``spiffe://example.org/spire/agent/test/one``), or a name, which becomes
            ``/spire/agent/declared/<name>``.
        selectors: Selectors of the node, for node aliases; ``type:value``.
        can_reattest: Whether the agent attests again instead of renewing.
    """

    name = "declared"

    def __init__(
        self, agent_id: SpiffeId | str, *, selectors: Iterable[Selector | str] = (), can_reattest: bool = True
    ) -> None:
        self.agent_id = agent_id
        self.can_reattest = can_reattest
        self._selectors = tuple(Selector.parse(selector) for selector in selectors)

    def attest(self, server: AttestingServer, now: Microseconds) -> Attestation:  # noqa: ARG002 - the Protocol's
        """Prove nothing.

        Raises:
            AttestationFailed: If the ID is not that of an agent of the server's trust domain.
            InvalidSpiffeId: If it is none at all.
        """
        return Attestation(self._path(server), self._selectors, self.can_reattest)

    def _path(self, server: AttestingServer) -> str:
        if isinstance(self.agent_id, str) and "://" not in self.agent_id:
            return f"/{self.name}/{self.agent_id.lstrip('/')}"
        agent_id = SpiffeId.parse(self.agent_id)
        if not agent_id.member_of(server.trust_domain):
            problem = f'"{agent_id}" is not a member of trust domain "{server.trust_domain}"'
        elif agent_id.path.startswith("/spire/agent/"):
            return agent_id.path.removeprefix("/spire/agent")
        else:
            problem = (
                f'"{agent_id}" is not an agent in trust domain "{server.trust_domain}"; '
                "path is not in the agent namespace"
            )
        raise AttestationFailed(
            problem,
            status="INVALID_ARGUMENT",
            hint=f"an agent ID of server {server.name} begins with {server.trust_domain.spiffe_id}/spire/agent/",
            spiffe_id=agent_id,
        )

    def __repr__(self) -> str:
        return f"<DeclaredNodeAttestor {self.agent_id}>"
