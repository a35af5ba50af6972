"""Agents: join tokens, attestation, renewal, ban and eviction.

SPIRE: pkg/server/api/agent/v1/service.go
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import lru_cache

from spiffesim.authority import IssuedSvid
from spiffesim.authorization import OPERATOR, Caller
from spiffesim.entries import Selector
from spiffesim.errors import AlreadyExists, AttestationFailed, InvalidSpiffeId, NotAuthorized, Refused
from spiffesim.keys import Draw
from spiffesim.nodes import Node
from spiffesim.plugins.node_attestor import Attestation
from spiffesim.plugins.node_attestor.join_token import agent_id_of, check_ttl
from spiffesim.profiles import AGENT_SVID
from spiffesim.server.api.entry import EntryService
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
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
            agent_id: A second ID for the agent, to parent entries on. It is given by an entry, which
                goes when the agent is deleted.
            caller: Who calls.

        Raises:
            Refused: INVALID_ARGUMENT for a TTL of less than a second or an ID that no workload can
                have, INTERNAL if the token is given out already, or is no part of an ID and ``agent_id`` is given.

        SPIRE: pkg/server/api/agent/v1/service.go (CreateJoinToken)
        """
        caller = self.authorize("create_join_token", caller)
        check_ttl(ttl)
        alias = None if agent_id is None else self._workload_id("invalid agent ID", agent_id)
        stream = f"{self.name} join token"
        drawn = token or self.world.randomness.uuid(stream, self.world.randomness.count(stream))
        self.join_tokens.create(drawn, ttl, self.now)
        if alias is not None:
            parent = self._parent_of_alias(drawn)
            with suppress(AlreadyExists):  # SPIRE: the entry that is there is as good
                self.create_entry(parent_id=parent, spiffe_id=alias, selectors=[_own_selector(parent)], caller=caller)
        return drawn

    def _parent_of_alias(self, token: str) -> SpiffeId:
        try:
            return agent_id_of(token, self.trust_domain)
        except InvalidSpiffeId as error:
            raise Refused(
                "failed to create join token registration entry: failed to create join token ID: " + error.reason,
                status="INTERNAL",
                hint=str(error),
            ) from None

    def admit_agent(self, attestation_type: str, attestation: Attestation) -> IssuedSvid:
        """Sign the SVID of an agent that has proved what it is, and record it.

        Raises:
            AttestationFailed: If an operator has banned the agent.
            Refused: If the CA cannot sign.

        SPIRE: pkg/server/api/agent/v1/service.go (AttestAgent)
        """
        agent_id = _agent_id(self.trust_domain, attestation.path)
        known = self.nodes.get(agent_id)
        if known is not None and known.banned:
            raise AttestationFailed(
                "failed to attest: agent is banned",
                status="PERMISSION_DENIED",
                hint=f"{agent_id}; an operator can delete it on {self.name}, and it can attest again",
                spiffe_id=agent_id,
            )
        svid = self._sign_agent_svid(agent_id)
        selectors = _in_order(tuple(attestation.selectors))
        self.nodes.record(Node(agent_id, attestation_type, selectors, attestation.can_reattest, svid))
        if self.nodes.refresh_due == 0:
            self.wake()
        self.note(
            "Agent attestation request completed",
            agent_id=str(agent_id),
            node_attestor_type=attestation_type,
        )
        return svid

    def renew_agent(self, caller: Caller | X509Svid) -> IssuedSvid:
        """A new SVID for an agent that cannot attest again; the old one is good until the new one is used.

        Args:
            caller: The agent.

        Raises:
            NotAuthorized: If the caller is not an active agent, or has to attest again instead.
        """
        node = self._calling_agent("renew_agent", caller)
        if node.can_reattest:
            raise NotAuthorized(
                "agent must reattest instead of renew",
                status="PERMISSION_DENIED",
                hint=f"{node.spiffe_id} attests with {node.attestation_type}",
                detail="AGENT_MUST_REATTEST",
            )
        svid = self._sign_agent_svid(node.spiffe_id)
        self.nodes.record(node.renewed(svid))
        return svid

    def _sign_agent_svid(self, agent_id: SpiffeId) -> IssuedSvid:
        draw = Draw.next(self.world.randomness, f"{self.name} agent {agent_id}")
        return self.ca.sign_svid(AGENT_SVID, draw, spiffe_id=str(agent_id), now=self.now, ttl=self.config.ttl_of_agents)

    def get_agent(self, agent_id: SpiffeId | str, *, caller: Caller | X509Svid = OPERATOR) -> Node:
        """The record of an agent.

        Raises:
            NotFound: If no such agent has attested.
        """
        self.authorize("get_agent", caller)
        return self.nodes.find(agent_id)

    def list_agents(self, *, caller: Caller | X509Svid = OPERATOR) -> list[Node]:
        """The records of all agents, in the order in which they first attested."""
        self.authorize("list_agents", caller)
        return list(self.nodes)

    def count_agents(self, *, caller: Caller | X509Svid = OPERATOR) -> int:
        """How many agents have attested."""
        self.authorize("count_agents", caller)
        return len(self.nodes)

    def ban_agent(self, agent_id: SpiffeId | str, *, caller: Caller | X509Svid = OPERATOR) -> None:
        """Refuse an agent from now on; SVIDs already issued stay valid.

        Raises:
            NotFound: If no such agent has attested.
        """
        self.authorize("ban_agent", caller)
        node = self.nodes.ban(agent_id)
        self._close()
        self.note("Agent banned", agent_id=node.spiffe_id)

    def delete_agent(self, agent_id: SpiffeId | str, *, caller: Caller | X509Svid = OPERATOR) -> None:
        """Forget an agent (evict): it has to attest again, if its attestor allows.

        Raises:
            NotFound: If no such agent has attested.
        """
        self.authorize("delete_agent", caller)
        node = self.nodes.delete(agent_id)
        self._close()
        if node.attestation_type == "join_token":
            self._delete_alias(node.spiffe_id)
        self.note("Agent deleted", agent_id=node.spiffe_id)

    def _delete_alias(self, agent_id: SpiffeId) -> None:
        """Delete the entry that came with the agent's join token; other children are the operator's.

        SPIRE: pkg/server/datastore/sqlstore/sqlstore.go (deleteAttestedNodeAndSelectors)
        """
        for entry in self.entries.list(by_parent_id=agent_id):
            if entry.selectors == (_own_selector(agent_id),):
                self.entries.delete(entry.id)
                self.note(
                    "Cascade-deleted registration entry on attested node deletion",
                    entry_id=entry.id,
                    spiffe_id=entry.spiffe_id,
                    parent_id=agent_id,
                )


# What is attested again every half hour is the same: both are kept.


@lru_cache(maxsize=4096)
def _agent_id(trust_domain: TrustDomain, path: str) -> SpiffeId:
    return trust_domain.id(f"/spire/agent{path}")


@lru_cache(maxsize=4096)
def _in_order(selectors: tuple[Selector, ...]) -> tuple[Selector, ...]:
    return tuple(sorted(set(selectors)))


def _own_selector(agent_id: SpiffeId) -> Selector:
    return Selector("spiffe_id", str(agent_id))
