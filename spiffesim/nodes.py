"""The agents that a server has attested, and whether one of them may call it.

SPIRE: pkg/server/endpoints/middleware.go (AgentAuthorizer), pkg/server/api/agent/v1/service.go
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from spiffesim.authority import IssuedSvid
from spiffesim.authorization import Caller, denied
from spiffesim.entries import Selector
from spiffesim.entries.admission import reason_of
from spiffesim.entries.rejection import Rejected, refused
from spiffesim.errors import InvalidSpiffeId, NotFound
from spiffesim.instants import Microseconds, moment
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.spiffe.markup import pretty_fields


@attrs.frozen
class Node:
    """The record of an attested agent.

    Attributes:
        spiffe_id: The agent's ID.
        attestation_type: The node attestor.
        selectors: What the attestor found.
        can_reattest: Whether it may attest again, instead of renewing.
        svid: Its current SVID; None once it is banned.
        new_svid: The one it has renewed to and not used yet.
    """

    spiffe_id: SpiffeId
    attestation_type: str
    selectors: tuple[Selector, ...]
    can_reattest: bool
    svid: IssuedSvid | None
    new_svid: IssuedSvid | None = None

    _repr_pretty_ = pretty_fields

    @property
    def banned(self) -> bool:
        """Whether an operator has banned it."""
        return self.svid is None

    @property
    def serial_number(self) -> int | None:
        """The serial number of its current SVID; None once it is banned."""
        return None if self.svid is None else self.svid.certificate.serial

    # An agent renews every half hour and shows itself with it: attrs.evolve takes three times as long as these do.

    def renewed(self, svid: IssuedSvid) -> Node:
        """The record once the agent has renewed to another SVID."""
        return Node(self.spiffe_id, self.attestation_type, self.selectors, self.can_reattest, self.svid, svid)

    def promoted(self) -> Node:
        """The record once the agent has used its new SVID."""
        return Node(self.spiffe_id, self.attestation_type, self.selectors, self.can_reattest, self.new_svid)

    def selectors_at(self, now: Microseconds) -> tuple[Selector, ...]:
        """The selectors that node aliases see: none once the stored SVID has expired.

        SPIRE: pkg/server/cache/entrycache/fullcache_ds.go
        """
        return self.selectors if self.svid is not None and self.svid.not_after > now else ()


class Nodes:
    """The attested agents of one server, in the order in which they first attested.

    What node aliases see of them is as old as what agents see of entries: both are looked at together.
    """

    def __init__(self, trust_domain: TrustDomain) -> None:
        self._trust_domain = trust_domain
        self._nodes: dict[SpiffeId, Node] = {}
        self._shown: dict[SpiffeId, tuple[Selector, ...]] = {}
        self._refresh_due: Microseconds | None = None

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes.values())

    def __len__(self) -> int:
        return len(self._nodes)

    def get(self, spiffe_id: SpiffeId) -> Node | None:
        """The record of an agent, or None."""
        return self._nodes.get(spiffe_id)

    def record(self, node: Node) -> None:
        """Store a record; an earlier SVID of the agent is at once no longer active."""
        self._nodes[node.spiffe_id] = node
        if self._shown.get(node.spiffe_id, ()) != node.selectors:
            self._refresh_due = 0

    # What node aliases see

    def shown_selectors(self, agent_id: SpiffeId) -> tuple[Selector, ...]:
        """The selectors that node aliases see of an agent."""
        return self._shown.get(agent_id, ())

    def show(self, agent_id: SpiffeId, now: Microseconds) -> None:
        """Let node aliases see an agent as it is now; whatever else is pending stays pending."""
        self._see(self._nodes[agent_id], now)

    @property
    def refresh_due(self) -> Microseconds | None:
        """From when on a refresh would bring anything, by the server's clock; None if never."""
        return self._refresh_due

    def refresh(self, now: Microseconds) -> bool:
        """Let node aliases see all agents as they are now, those whose SVID has expired not at all; True if that is news.

        SPIRE: pkg/server/cache/entrycache/fullcache_ds.go
        """
        if self._refresh_due is None or now < self._refresh_due:
            return False
        self._refresh_due = None
        before, self._shown = self._shown, {}
        for node in self._nodes.values():
            self._see(node, now)
        return self._shown != before

    def _see(self, node: Node, now: Microseconds) -> None:
        """Show the selectors of an agent, and look again when its SVID has ended."""
        selectors = node.selectors_at(now)
        if selectors and node.svid is not None:
            self._shown[node.spiffe_id] = selectors
            ends = node.svid.not_after
            self._refresh_due = ends if self._refresh_due is None else min(self._refresh_due, ends)

    # Who may call

    def authorize(self, method: str, caller: Caller, now: Microseconds) -> Node:
        """The record of the agent that calls; its new SVID becomes current at its first use.

        Raises:
            NotAuthorized: With SPIRE's reason in ``detail``.
        """
        agent_id = caller.spiffe_id
        if agent_id is None:
            raise denied(method, caller)
        if now > caller.not_after:
            ended = moment(caller.not_after)
            raise denied(method, caller, f'agent "{agent_id}" SVID is expired, since {ended}', "AGENT_EXPIRED")
        node = self._nodes.get(agent_id)
        if node is None:
            raise denied(method, caller, f'agent "{agent_id}" is not attested', "AGENT_NOT_ATTESTED")
        if node.svid is None:
            raise denied(method, caller, f'agent "{agent_id}" is banned', "AGENT_BANNED")
        if caller.presents(node.svid):
            return node
        if caller.presents(node.new_svid):
            return self._promoted(node)
        reason = (
            f'agent "{agent_id}" expected to have serial number "{node.serial_number}"; has "{caller.serial_number}"'
        )
        raise denied(method, caller, reason, "AGENT_NOT_ACTIVE")

    def knows(self, caller: Caller) -> bool:
        """Whether an agent shows an SVID that counts, though it may have ended."""
        node = None if caller.spiffe_id is None else self._nodes.get(caller.spiffe_id)
        return node is not None and (caller.presents(node.svid) or caller.presents(node.new_svid))

    def _promoted(self, node: Node) -> Node:
        promoted = node.promoted()
        self.record(promoted)
        return promoted

    def find(self, spiffe_id: SpiffeId | str) -> Node:
        """The record of an agent.

        Raises:
            Refused: INVALID_ARGUMENT, with SPIRE's text, if that is not the ID of an agent.
            NotFound: If no such agent has attested.
        """
        agent_id = self._agent_id(spiffe_id)
        node = self._nodes.get(agent_id)
        if node is None:
            raise NotFound("agent not found", status="NOT_FOUND", hint=str(agent_id), spiffe_id=agent_id)
        return node

    def ban(self, spiffe_id: SpiffeId | str) -> Node:
        """Take an agent's access away; the SVIDs that it holds stay valid."""
        banned = attrs.evolve(self.find(spiffe_id), svid=None, new_svid=None)
        self.record(banned)
        return banned

    def delete(self, spiffe_id: SpiffeId | str) -> Node:
        """Forget an agent (evict); it has to attest again."""
        return self._nodes.pop(self.find(spiffe_id).spiffe_id)

    def _agent_id(self, spiffe_id: SpiffeId | str) -> SpiffeId:
        """SPIRE: pkg/server/api/id.go (TrustDomainAgentIDFromProto)."""
        try:
            agent_id = SpiffeId.parse(spiffe_id)
        except InvalidSpiffeId as error:
            raise refused("invalid agent ID", Rejected(reason_of(error))) from None
        problem = ""
        if not agent_id.member_of(self._trust_domain):
            problem = f'"{agent_id}" is not a member of trust domain "{self._trust_domain}"'
        elif not agent_id.path:
            problem = f'"{agent_id}" is not an agent in trust domain "{self._trust_domain}"; path is empty'
        elif not agent_id.path.startswith("/spire/agent/"):
            problem = (
                f'"{agent_id}" is not an agent in trust domain "{self._trust_domain}"; '
                "path is not in the agent namespace"
            )
        if problem:
            raise refused("invalid agent ID", Rejected(problem))
        return agent_id
