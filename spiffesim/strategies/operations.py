"""Operations: what operators do to a deployment of a state machine, forced rotations included."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from spiffesim.agent import Agent
from spiffesim.authority import JwtAuthority, X509Authority
from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.node_attestor.x509pop import X509PopAttestor, X509PopVerifier
from spiffesim.server import Server
from spiffesim.server.taint import TaintWorker
from spiffesim.spiffe.jwtsvid import JwtSvid
from spiffesim.spiffe.x509svid import X509Svid
from spiffesim.strategies.deployment import AGENTS, SERVERS, WORKLOADS, knows, leads_to, tier
from spiffesim.strategies.outages import Outages

AUDIENCE: Final = "peer"
_YEARS: Final = timedelta(days=3650)
STEPS: Final = ("prepare", "activate", "taint", "revoke")
_STEPS: Final = st.sampled_from(STEPS)
_DEEPEST: Final = 3
_LEAST_CA: Final = timedelta(minutes=30)


class Operations(Outages):
    """The rules for operators.

    Attributes:
        largest: How many servers, agents and workloads the world may have; beyond that no more are added.
        revoked_roots: What was minted under a revoked root, by the root's ID, for each server that then has to
            refuse it.
        revoked_tokens: Tokens under a revoked JWT key, by the key's ID, with the name of the root server that revoked it.
    """

    largest: ClassVar[int] = 20

    def __init__(self) -> None:
        super().__init__()
        self.revoked_roots: dict[str, tuple[frozenset[str], X509Svid]] = {}
        self.revoked_tokens: dict[str, tuple[str, JwtSvid]] = {}

    @property
    def has_room(self) -> bool:
        """Whether the world may grow."""
        return len(self.daemons) + len(self.sim.workloads) < self.largest

    # Nodes and entries

    @precondition(lambda self: self.has_room)
    @rule(agent=AGENTS, minutes=st.integers(5, 60))
    def start_workload(self, agent: str, minutes: int) -> None:
        """Register a workload, and start it."""
        self.touch()
        self.ask(self.sim.agents[agent].workload, f"/{self.name('workload')}", x509_svid_ttl=timedelta(minutes=minutes))

    @precondition(lambda self: self.has_room)
    @rule(server=SERVERS, again=st.booleans())
    def start_agent(self, server: str, again: bool) -> None:
        """Attest an agent: with a join token, or so that it can attest again."""
        self.touch()
        attested_by = self.sim.servers[server]
        attestor = _attestor(attested_by, self._made) if again else None
        agent = self.ask(attested_by.agent, self.name("agent"), attestor=attestor)
        if agent is None:
            return
        self.deadline = min(self.deadline, agent.credentials.svid.not_after)
        if self._hopeless(attested_by):
            self.lose(agent)

    @precondition(lambda self: self.has_room)
    @rule(server=SERVERS, disk=st.booleans())
    def nest(self, server: str, disk: bool) -> None:
        """Nest a server whose CA lives for a sixth of its parent's."""
        parent = self.sim.servers[server]
        ca_ttl = parent.config.ca_ttl / 6
        if parent.depth < _DEEPEST and ca_ttl >= _LEAST_CA and (parent.agents or not parent.stopped):
            self.touch()
            keys = "disk" if disk else "memory"
            nested = self.ask(parent.nest, self.name("server"), key_manager=keys, **tier(ca_ttl))
            if nested is not None:
                self._place(nested)

    def _place(self, nested: Server) -> None:
        self.deadline = min(self.deadline, nested.keyring.x509.current.not_after)
        if nested.via is None or nested.via.name in self.lost or self._hopeless(nested.parent):
            self.lose(nested)

    def _hopeless(self, server: Server | None) -> bool:
        """Whether a server is lost itself, and not only what was below it: a root never is."""
        return server is not None and server.parent is not None and server.name in self.lost

    @rule(workload=WORKLOADS, minutes=st.integers(5, 60))
    def update_entry(self, workload: str, minutes: int) -> None:
        """Let the SVIDs of a workload live for longer or shorter."""
        self.touch()
        server = self.sim.workloads[workload].agent.server
        for entry_id in self._entry_ids(workload):
            self.ask(server.update_entry, entry_id, mask=["x509_svid_ttl"], x509_svid_ttl=timedelta(minutes=minutes))

    @rule(workload=WORKLOADS)
    def delete_entry(self, workload: str) -> None:
        """Take away what a workload was registered with."""
        self.touch()
        for entry_id in self._entry_ids(workload):
            self.ask(self.sim.workloads[workload].agent.server.delete_entry, entry_id)

    def _entry_ids(self, workload: str) -> list[str]:
        agent, selectors = self.sim.workloads[workload].agent, set(self.sim.workloads[workload].selectors)
        return [
            entry.id
            for entry in self.ask(agent.server.list_entries) or ()
            if entry.parent_id == agent.spiffe_id and set(entry.selectors) <= selectors and not entry.downstream
        ]

    @rule(agent=AGENTS)
    def ban_agent(self, agent: str) -> None:
        """Ban an agent, for good."""
        banned = self.sim.agents[agent]
        self.touch()
        self.lose(banned)
        self.ask(banned.server.ban_agent, banned.spiffe_id)

    @rule(agent=AGENTS)
    def evict_agent(self, agent: str) -> None:
        """Let a server forget an agent. One that can attest again does so at its next call."""
        evicted = self.sim.agents[agent]
        self.touch()
        if not evicted.credentials.reattestable or self.broken_since is not None:
            self.lose(evicted)
        self.ask(evicted.server.delete_agent, evicted.spiffe_id)

    @precondition(lambda self: self.has_room and not self.partners)
    @rule()
    def federate(self) -> None:
        """Another trust domain, and trust both ways between the root servers."""
        self.touch()
        theirs = self.sim.add_trust_domain(f"{self.name('partner')}.example", key_manager="disk")
        ours = self.sim.root
        answers = [self.ask(ours.federate_with, theirs), self.ask(theirs.federate_with, ours)]
        web = self.ask(ours.workload, f"/{self.name('web')}", federates_with=[theirs.trust_domain.name])
        db = self.ask(theirs.workload, f"/{self.name('db')}", federates_with=[ours.trust_domain.name])
        if web is not None and db is not None and None not in answers:
            self.partners.append((web.name, db.name))

    # X.509 authorities

    @rule(server=SERVERS, step=_STEPS)
    def force_x509_authority(self, server: str, step: str) -> None:
        """Prepare, activate, taint or revoke a CA by force."""
        self._step("x509", server, step)

    def _step(self, kind: str, server: str, step: str) -> None:
        getattr(self, f"_{step}_{kind}")(self.sim.servers[server])

    def _prepare_x509(self, server: Server) -> None:
        """Prepare a CA by force."""
        self.touch()
        self.ask(server.prepare_x509_authority)

    def _activate_x509(self, server: Server) -> None:
        """Let the prepared CA sign. Agents that do not know its root yet may never hear of it."""
        prepared = server.keyring.x509.next
        if not self._asks_for(server.activate_x509_authority, prepared.authority_id):
            return
        authority = server.ca.authority
        for agent in self.sim.agents.values():
            if agent.server in set(self.below(server)) and not knows(agent, authority.top):
                self.lose(agent)

    def _taint_x509(self, server: Server) -> None:
        """Taint the CA that signed before."""
        self._asks_for(server.taint_x509_authority, server.keyring.x509.next.authority_id)

    def _revoke_x509(self, server: Server) -> None:
        """Revoke the CA that signed before, whose key has been stolen."""
        authority, root = server.keyring.x509.next.authority, server.keyring.x509.next.authority_id
        forged = None
        if isinstance(authority, X509Authority):
            forged = self.sim.steal(authority).mint_x509_svid("/forged", ttl=_YEARS)
        heard = frozenset(self._have_tainted(server, root))
        if not self._asks_for(server.revoke_x509_authority, root):
            return
        assert forged is not None
        self.revoked_roots[root] = (heard, forged)
        self.lose(*(node for node in self.below(server) if _hangs_on(node, root)))

    def _have_tainted(self, server: Server, root: str) -> list[str]:
        """A server and those below it that have this root, down to the first that has it untainted or not at all."""
        held = [element.tainted for element in server.view.x509_elements if element.subject_key_id == root]
        if not held or not all(held):
            return []
        return [server.name, *(name for nested in server.children for name in self._have_tainted(nested, root))]

    def _asks_for(self, call: Callable[[str], object], authority_id: str) -> bool:
        """Whether a forced change of an X.509 authority was made; federated trust domains may not follow it."""
        self.touch()
        if self.ask(call, authority_id) is None:
            return False
        self.partners = []
        return True

    @rule(server=SERVERS)
    def replace_x509_authority(self, server: str) -> None:
        """Rest; then prepare, activate, taint and revoke as the book says, with time enough in between."""
        self._replace("x509", server)

    @rule(server=SERVERS)
    def replace_jwt_authority(self, server: str) -> None:
        """The same with the JWT key."""
        self._replace("jwt", server)

    def _replace(self, kind: str, server: str) -> None:
        self.rest(0)
        replacing = self.sim.servers[server]
        for step in STEPS:
            self._step(kind, server, step)
            self.rest(0)
            if (kind, step) == ("x509", "taint"):
                self.check_everybody_left(replacing, replacing.keyring.x509.next.authority_id)

    def check_everybody_left(self, server: Server, root: str) -> None:
        """Once a root is tainted, and that has reached everybody, nobody is left that hangs on it.

        Not claimed: of nested servers that have given up after a minute of failures, which hear of no taint until
        they start again, and of all below them.
        """
        if not any(element.tainted and element.subject_key_id == root for element in server.view.x509_elements):
            return
        deaf = {found.name for node in self.below(server) if _is_deaf(node) for found in self.below(node)}
        for node in self.below(server):
            if node.name not in self.lost | deaf:
                assert not _hangs_on(node, root), f"{node.name} still hangs on the tainted root {root}"

    @rule(server=SERVERS, revoke=st.booleans())
    def taint_x509_upstream_authority(self, server: str, revoke: bool) -> None:
        """Taint, below, the root that signed the CA before, and revoke it there: it comes back from above.

        SPIRE can neither taint nor revoke it again then, so nothing is claimed of that server any more.
        """
        tainting = self.sim.servers[server]
        above = tainting.keyring.x509.next.upstream_authority_id
        if not self._asks_for(tainting.taint_x509_upstream_authority, above):
            return
        self.lose(tainting)
        if revoke:
            self.ask(tainting.revoke_x509_upstream_authority, above)

    # JWT authorities

    @rule(server=SERVERS, step=_STEPS)
    def force_jwt_authority(self, server: str, step: str) -> None:
        """Prepare, activate, taint or revoke a JWT key by force."""
        self._step("jwt", server, step)

    def _prepare_jwt(self, server: Server) -> None:
        """Prepare a JWT key by force."""
        self.touch()
        self.ask(server.prepare_jwt_authority)

    def _activate_jwt(self, server: Server) -> None:
        """Let the prepared JWT key sign."""
        self.touch()
        self.ask(server.activate_jwt_authority, server.keyring.jwt.next.authority_id)

    def _taint_jwt(self, server: Server) -> None:
        """Taint the JWT key that signed before."""
        self.touch()
        self.ask(server.taint_jwt_authority, server.keyring.jwt.next.authority_id)

    def _revoke_jwt(self, server: Server) -> None:
        """Revoke the JWT key that signed before, which has been stolen."""
        self.touch()
        authority = server.keyring.jwt.next.authority
        if not isinstance(authority, JwtAuthority):
            return
        spiffe_id = server.trust_domain.id("/forged")
        forged = self.sim.steal(authority).mint_jwt_svid(spiffe_id, AUDIENCE, ttl=_YEARS)
        if self.ask(server.revoke_jwt_authority, authority.key_id) is not None:
            self.revoked_tokens[authority.key_id] = (server.name, forged)
            assert authority.key_id not in server.bundle.jwt_spki, f"{server.name} still has the key that it revoked"


def _hangs_on(node: Server | Agent, root: str) -> bool:
    """Whether a node has not left a root."""
    if isinstance(node, Agent):
        return leads_to(node.credentials.svid, root)
    authority = node.keyring.x509.current.authority
    shown = None if node.channel is None else node.channel.client.held_svid or node.channel.source
    return leads_to(shown, root) or leads_to(authority if isinstance(authority, X509Authority) else None, root)


def _is_deaf(node: Server | Agent) -> bool:
    return isinstance(node, Server) and any(isinstance(loop, TaintWorker) and loop.ended for loop in node.loops)


def _attestor(server: Server, number: int) -> X509PopAttestor:
    """A certificate that an agent attests with, as often as it likes."""
    ca = ExternalCa(f"nodes of {server.name}")  # the same each time
    server.node_attestors["x509pop"] = X509PopVerifier([ca.certificate])
    return X509PopAttestor(*ca.issue(f"node-{number}"))
