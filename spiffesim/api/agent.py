"""Agents: join tokens, attestation, renewal, ban and eviction.

SPIRE: pkg/server/api/agent/v1/service.go
"""

from __future__ import annotations

from datetime import timedelta

from spiffesim.api.entry import EntryService
from spiffesim.authority import IssuedSvid
from spiffesim.authorization import OPERATOR, Caller, denied
from spiffesim.errors import AttestationFailed
from spiffesim.keys import Draw
from spiffesim.nodes import Node
from spiffesim.plugins.node_attestor import Attestation
from spiffesim.profiles import AGENT_SVID
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.x509svid import X509Svid


class AgentService(EntryService):
    """The agent service; its join tokens may create entries."""

    def create_join_token(
        self,
        *,
        ttl: timedelta = timedelta(minutes=10),
        token: str | None = None,
        agent_id: SpiffeId | str | None = None,
        caller: Caller | X509Svid = OPERATOR,
    ) -> str:
        """A token with which one agent can attest once.

        Args:
            ttl: How long it can be used, at least a second.
            token: The token; by default a random UUID.
            agent_id: A second ID for the agent, to parent entries on.
            caller: Who calls.

        SPIRE: pkg/server/api/agent/v1/service.go (CreateJoinToken)
        """
        self.authorize("create_join_token", caller)
        stream = f"{self.name} join token"
        drawn = token or self.world.randomness.uuid(stream, self.world.randomness.count(stream))
        self.join_tokens.create(drawn, ttl, self.world.now)
        if agent_id is not None:
            parent = self.trust_domain.id(f"/spire/agent/join_token/{drawn}")
            self.create_entry(
                parent_id=parent, spiffe_id=SpiffeId.parse(agent_id), selectors=[f"spiffe_id:{parent}"], caller=caller
            )
        return drawn

    def admit_agent(self, attestation_type: str, attestation: Attestation) -> IssuedSvid:
        """Sign the SVID of an agent that has proved what it is, and record it.

        Raises:
            AttestationFailed: If an operator has banned the agent.
            Refused: If its ID would be the server's.

        SPIRE: pkg/server/api/agent/v1/service.go (AttestAgent)
        """
        agent_id = self.trust_domain.id(f"/spire/agent{attestation.path}")
        known = self.nodes.get(agent_id)
        if known is not None and known.banned:
            raise AttestationFailed(
                "failed to attest: agent is banned",
                status="PERMISSION_DENIED",
                hint=f"{agent_id}; an operator can delete it on {self.name}, and it can attest again",
                spiffe_id=agent_id,
            )
        svid = self._sign_agent_svid(agent_id)
        selectors = tuple(sorted(set(attestation.selectors)))
        self.nodes.record(Node(agent_id, attestation_type, selectors, attestation.can_reattest, svid))
        self.world.note(
            self.name,
            "Agent attestation request completed",
            agent_id=agent_id,
            node_attestor_type=attestation_type,
        )
        return svid

    def renew_agent(self, caller: Caller | X509Svid) -> IssuedSvid:
        """A new SVID for an agent that cannot attest again; the old one is good until the new one is used."""
        caller = self.authorize("renew_agent", caller)
        node = self._node_of("renew_agent", caller)
        if node.can_reattest:
            raise denied("renew_agent", caller, "agent must reattest instead of renew", "AGENT_MUST_REATTEST")
        node.new_svid = self._sign_agent_svid(node.spiffe_id)
        return node.new_svid

    def _sign_agent_svid(self, agent_id: SpiffeId) -> IssuedSvid:
        draw = Draw.next(self.world.randomness, f"{self.name} agent {agent_id}")
        return self.ca.sign_svid(
            AGENT_SVID, draw, spiffe_id=str(agent_id), now=self.world.now, ttl=self.config.ttl_of_agents
        )

    def ban_agent(self, agent_id: SpiffeId | str, *, caller: Caller | X509Svid = OPERATOR) -> None:
        """Refuse an agent from now on; SVIDs already issued stay valid."""
        self.authorize("ban_agent", caller)
        node = self.nodes.ban(agent_id)
        self._close()
        self.world.note(self.name, "Agent banned", agent_id=node.spiffe_id)

    def delete_agent(self, agent_id: SpiffeId | str, *, caller: Caller | X509Svid = OPERATOR) -> None:
        """Forget an agent (evict): it has to attest again, if its attestor allows."""
        self.authorize("delete_agent", caller)
        node = self.nodes.delete(agent_id)
        self._close()
        self.world.note(self.name, "Agent deleted", agent_id=node.spiffe_id)
