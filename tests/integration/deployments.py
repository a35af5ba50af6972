"""The deployments of SPIRE's integration suites.

SPIRE: test/integration/suites
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs

from spiffesim import Simulation, Workload
from spiffesim.agent import Agent
from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.node_attestor.x509pop import X509PopAttestor, X509PopVerifier
from spiffesim.plugins.workload_attestor import DockerContainer, Process
from spiffesim.server import Server
from spiffesim.spiffe.x509.certificate import read_certificate

WORKLOAD = 1001
"""The user that all suites run their workloads as."""


@attrs.define
class Deployment:
    """A tree of servers, each with an agent that attests with x509pop and a registered workload."""

    sim: Simulation
    pki: ExternalCa
    agents: dict[str, Agent] = attrs.Factory(dict)
    workloads: dict[str, Workload] = attrs.Factory(dict)

    @property
    def servers(self) -> list[Server]:
        return list(self.sim.servers.values())

    def server(self, name: str) -> Server:
        return self.sim.servers[name]

    def start_agent(self, server: Server) -> Agent:
        """Let the server's agent attest."""
        server.node_attestors["x509pop"] = X509PopVerifier([self.pki.certificate])
        name = f"{server.name}-agent"
        agent = server.agent(name, attestor=X509PopAttestor(*self.pki.issue(name)))
        self.agents[server.name] = agent
        return agent

    def nest(self, parent: Server, name: str, *, x509_svid_ttl: timedelta = timedelta(0), **settings: Any) -> Server:
        """Register a server downstream, let its entry come down to the agent, and start it and its agent."""
        agent = self.agents[parent.name]
        label = {"org.integration.name": name}
        parent.create_entry(
            parent_id=agent.spiffe_id,
            spiffe_id=parent.trust_domain.id(f"/{name}"),
            selectors=[f"docker:label:org.integration.name:{name}"],
            downstream=True,
            x509_svid_ttl=x509_svid_ttl,
        )
        self.sim.advance(seconds=12)
        server = parent.nest(name, via=agent, process=Process(docker=DockerContainer(labels=label)), **settings)
        self.start_agent(server)
        return server

    def register_workloads(self) -> None:
        """One workload on every agent, and time for all to sync."""
        for name, agent in self.agents.items():
            agent.server.create_entry(
                parent_id=agent.spiffe_id,
                spiffe_id=agent.server.trust_domain.id(f"/{name}/workload"),
                selectors=[f"unix:uid:{WORKLOAD}"],
            )
            self.workloads[name] = agent.process(name=f"{name}/workload", uid=WORKLOAD)
        self.sim.advance(seconds=12)


def deploy(**settings: Any) -> Deployment:
    """A root server with its agent."""
    deployment = Deployment(Simulation("domain.test", seed=11, **settings), ExternalCa("agents"))
    deployment.start_agent(deployment.sim.root)
    return deployment


def subject_key_id(certificate: bytes) -> str:
    """The subject key identifier of a certificate, as SPIRE writes it."""
    identifier = read_certificate(certificate).subject_key_id
    assert identifier is not None
    return identifier.hex()
