"""The system that a lifecycle is run against by default: a simulated one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from spiffesim.errors import SpiffeSimError
from spiffesim.server import Server
from spiffesim.simulation import Simulation
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.strategies.deployment import tier
from spiffesim.strategies.lifecycle.system import Authorities, X509Documents

_ROOT_CA: Final = timedelta(days=30)
_RULE: Final = 6
_NEWS: Final = timedelta(minutes=2)
"""How long a new authority is known before it signs."""


class SimulatedSystem:
    """A simulated deployment, whose CAs live for a sixth of what the CA above lives for; the root CA for a month.

    Args:
        seed: The seed of the simulation.

    Attributes:
        sim: The simulation.
        trust_domain: The name of its trust domain.
    """

    refuses: tuple[type[Exception], ...] = (SpiffeSimError,)

    def __init__(self, *, seed: int = 1) -> None:
        self.sim = Simulation("example.org", seed=seed, key_manager="disk", **_settings(_ROOT_CA))
        self.trust_domain = self.sim.root.trust_domain.name

    @property
    def now(self) -> datetime:
        """The present instant."""
        return self.sim.now

    # Operators

    def nest(self, parent: str, name: str) -> None:
        """Nest a server, which attests through an agent of its own."""
        above = self.sim.servers[parent]
        via = above.agent(_agent(name))
        above.nest(name, via=via, key_manager="disk", **_settings(above.config.ca_ttl / _RULE))

    def register(self, server: str, workload: str) -> None:
        """Start an agent, and a workload on it."""
        self.sim.servers[server].agent(_agent(workload)).workload(workload, name=workload)

    def deregister(self, workload: str) -> None:
        """Delete the entries of a workload's agent."""
        agent = self.sim.workloads[workload].agent
        for entry in agent.server.list_entries():
            if entry.parent_id == agent.spiffe_id:
                agent.server.delete_entry(entry.id)

    def rotate(self, server: str) -> None:
        """Prepare authorities, wait until they are known, and activate them."""
        rotating = self.sim.servers[server]
        x509, jwt = rotating.prepare_x509_authority(), rotating.prepare_jwt_authority()
        self.sim.advance(_NEWS)
        rotating.activate_x509_authority(x509.authority_id)
        rotating.activate_jwt_authority(jwt.authority_id)

    def taint(self, server: str) -> Authorities:
        """Taint what signed before."""
        tainting = self.sim.servers[server]
        x509, jwt = _before(tainting)
        if x509:
            tainting.taint_x509_authority(x509)
        tainting.taint_jwt_authority(jwt)
        return Authorities(x509, jwt)

    def revoke(self) -> None:
        """Revoke what signed before."""
        x509, jwt = _before(self.sim.root)
        self.sim.root.revoke_x509_authority(x509)
        self.sim.root.revoke_jwt_authority(jwt)

    # Faults

    def advance(self, seconds: int) -> None:
        """Let time pass."""
        self.sim.advance(seconds=seconds)

    def cut(self, node: str) -> None:
        """Cut a link."""
        self.sim.cut(*self._link(node))

    def skew(self, workload: str, seconds: int) -> None:
        """Set a clock."""
        self.sim.skew(_agent(workload), seconds)

    def heal(self, node: str) -> None:
        """Join a link again, and set the clock right."""
        below, above = self._link(node)
        self.sim.heal(below, above)
        if below != node:
            self.sim.skew(below, 0)

    def _link(self, node: str) -> tuple[str, str]:
        """The names of the two that a link joins: the lower one, and the server above it."""
        if node in self.sim.workloads:
            agent = self.sim.workloads[node].agent
            return agent.name, agent.server.name
        above = self.sim.servers[node].parent
        assert above is not None
        return node, above.name

    # Looks

    def sequence_number(self, server: str) -> int:
        """The sequence number of a bundle."""
        return self.sim.servers[server].bundle.sequence_number or 0

    def fetch_x509_svid(self, workload: str) -> X509Documents:
        """Fetch an X509-SVID."""
        svid = self.sim.workloads[workload].fetch_x509_svid()
        return X509Documents(svid.chain, svid.private_key_der)

    def fetch_jwt_svid(self, workload: str, audience: str) -> str:
        """Fetch a JWT-SVID."""
        return self.sim.workloads[workload].fetch_jwt_svid(audience=audience).token

    def fetch_bundles(self, workload: str) -> Sequence[SpiffeBundle]:
        """Fetch the X.509 and the JWT bundles, and join those of the same trust domain."""
        fetching = self.sim.workloads[workload]
        tokens = {bundle.trust_domain: bundle.jwt_spki for bundle in fetching.fetch_jwt_bundles()}
        return [
            SpiffeBundle(bundle.trust_domain, x509_der=bundle.x509_der, jwt_spki=tokens.get(bundle.trust_domain, {}))
            for bundle in fetching.fetch_x509_bundles()
        ]

    def validate_x509_svid(self, workload: str, chain: Sequence[bytes]) -> str:
        """Validate a chain."""
        return str(self.sim.workloads[workload].validate_x509_svid(chain))

    def validate_jwt_svid(self, workload: str, token: str, audience: str) -> str:
        """Validate a token."""
        return str(self.sim.workloads[workload].validate_jwt_svid(token, audience=audience).spiffe_id)


def _settings(ca_ttl: timedelta) -> dict[str, Any]:
    """Tokens live for an hour: long enough to outlive the revocation of their key."""
    return {**tier(ca_ttl), "default_jwt_svid_ttl": timedelta(hours=1)}


def _agent(node: str) -> str:
    return f"agent of {node}"


def _before(server: Server) -> Authorities:
    """The authorities that signed before; of a nested server the JWT key only: its root is not its own."""
    x509 = server.keyring.x509.next.authority_id if server.parent is None else ""
    return Authorities(x509, server.keyring.jwt.next.authority_id)
