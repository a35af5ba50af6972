"""The nested SPIRE tutorial, through the public API: a root server, and nestedA and nestedB below it.

Nobody says where a key comes from, and nobody waits: each step of the published tutorial is a call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.node_attestor.x509pop import X509PopAttestor, X509PopVerifier
from spiffesim.plugins.workload_attestor import DockerContainer, Process
from spiffesim.plugins.workload_attestor.docker import DockerWorkloadAttestor
from spiffesim.plugins.workload_attestor.unix import UnixWorkloadAttestor
from spiffesim.simulation import Simulation

if TYPE_CHECKING:
    from spiffesim.agent import Agent
    from spiffesim.plugins.workload_attestor import WorkloadAttestor
    from spiffesim.server import Server

NESTED: Final = ("nestedA", "nestedB")


def nested_tutorial(seed: int | str) -> Simulation:
    """The tutorial's deployment, running.

    Args:
        seed: What everything is drawn from.
    """
    sim = Simulation("example.org", seed=seed, root="root-server")
    root_agent = _attested(sim.root, "root-agent", DockerWorkloadAttestor())
    for name in NESTED:
        sim.root.create_entry(
            spiffe_id=f"spiffe://example.org/{name}",
            parent_id=root_agent.spiffe_id,
            selectors=[f"docker:label:org.example.name:{name}-server"],
            downstream=True,
        )
    sim.settle()

    servers = [sim.root.nest(f"{name}-server", via=root_agent, process=_container(name)) for name in NESTED]
    agents = [
        _attested(server, f"{name}-agent", UnixWorkloadAttestor(), DockerWorkloadAttestor())
        for name, server in zip(NESTED, servers, strict=True)
    ]
    for name, agent in zip(NESTED, agents, strict=True):
        agent.server.create_entry(
            spiffe_id=f"spiffe://example.org/{name}/workload",
            parent_id=agent.spiffe_id,
            selectors=["unix:uid:1001"],
        )
    sim.settle()

    for name, agent in zip(NESTED, agents, strict=True):
        agent.process(name=f"{name}/workload", uid=1001)
    return sim


def _attested(server: Server, name: str, *workload_attestors: WorkloadAttestor) -> Agent:
    """An agent that shows its server a certificate."""
    ca = ExternalCa(f"nodes of {server.name}")
    server.node_attestors["x509pop"] = X509PopVerifier([ca.certificate])
    return server.agent(name, attestor=X509PopAttestor(*ca.issue(name)), workload_attestors=workload_attestors)


def _container(name: str) -> Process:
    """What Docker says of a nested server."""
    return Process(docker=DockerContainer(labels={"org.example.name": f"{name}-server"}))
