"""The suites about agents and their entries: evict-agent, node-re-attestation, join-token, entries.

SPIRE: test/integration/suites
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from spiffesim import Simulation
from spiffesim.errors import AttestationFailed, NoIdentityIssued, Unavailable
from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.node_attestor.join_token import JoinTokenAttestor
from spiffesim.plugins.node_attestor.x509pop import X509PopAttestor, X509PopVerifier
from tests.integration.deployments import deploy

TRY = timedelta(seconds=30)


def waiting_for(kind: str, node: str) -> Callable[[Simulation], bool]:
    """Whether a node has logged a line."""
    return lambda sim: bool(sim.journal.where(kind=kind, node=node))


def test_a_banned_agent_shuts_down_and_an_evicted_one_attests_again() -> None:
    deployment = deploy()
    sim, root, agent = deployment.sim, deployment.sim.root, deployment.agents["root"]
    agent_id = agent.spiffe_id
    deployment.register_workloads()
    deployment.workloads["root"].fetch_x509_svid()

    root.ban_agent(agent_id)
    assert sim.journal.where(kind="Agent banned", node="root")
    sim.run_until(waiting_for("Agent is banned: removing SVID and shutting down", "root-agent"), limit=TRY)
    with pytest.raises(Unavailable):
        deployment.workloads["root"].fetch_x509_svid()

    sim.start(agent)
    sim.advance(TRY)
    assert agent.stopped  # it cannot start while it is banned
    with pytest.raises(Unavailable):
        deployment.workloads["root"].fetch_x509_svid()

    root.delete_agent(agent_id)
    assert sim.journal.where(kind="Agent deleted", node="root")
    sim.start(agent)
    sim.advance(seconds=12)
    assert sim.journal.where(kind="SVID is not found. Starting node attestation", node="root-agent")
    assert sim.journal.where(kind="Node attestation was successful", node="root-agent")
    deployment.workloads["root"].fetch_x509_svid()

    sim.stop(agent)
    sim.start(agent)
    sim.advance(seconds=12)
    deployment.workloads["root"].fetch_x509_svid()


def test_of_two_evicted_agents_only_the_one_with_a_certificate_attests_again() -> None:
    deployment = deploy()
    sim, root, with_certificate = deployment.sim, deployment.sim.root, deployment.agents["root"]
    token = root.create_join_token(agent_id="spiffe://domain.test/node")
    with_token = root.agent("with-token", attestor=JoinTokenAttestor(token))
    assert {node.spiffe_id for node in root.list_agents()} == {with_certificate.spiffe_id, with_token.spiffe_id}

    for agent in (with_certificate, with_token):
        root.delete_agent(agent.spiffe_id)
    assert not root.list_agents()
    sim.run_until(lambda _: [node.spiffe_id for node in root.list_agents()] == [with_certificate.spiffe_id], limit=TRY)
    for agent in (with_certificate, with_token):
        sim.stop(agent)
        sim.start(agent)
    sim.advance(TRY)
    assert [node.spiffe_id for node in root.list_agents()] == [with_certificate.spiffe_id]
    assert not with_certificate.stopped


def test_a_join_token_is_good_for_one_agent() -> None:
    sim = Simulation("domain.test", seed=3)
    token = sim.root.create_join_token(agent_id="spiffe://domain.test/node")
    agent = sim.root.agent("agent", attestor=JoinTokenAttestor(token))
    sim.root.create_entry(
        parent_id="spiffe://domain.test/node", spiffe_id="spiffe://domain.test/workload", selectors=["unix:uid:0"]
    )
    sim.advance(seconds=12)
    assert str(agent.process(uid=0).fetch_x509_svid().spiffe_id) == "spiffe://domain.test/workload"
    with pytest.raises(AttestationFailed, match="failed to attest: join token does not exist or has already been used"):
        sim.root.agent("bad agent", attestor=JoinTokenAttestor(token))


def test_entries_reach_every_agent_of_a_node_alias_and_leave_it_again() -> None:
    sim = Simulation("domain.test", seed=4)
    root, pki = sim.root, ExternalCa("agents")
    root.node_attestors["x509pop"] = X509PopVerifier([pki.certificate])
    agents = [
        root.agent(
            f"agent-{number}",
            attestor=X509PopAttestor(*pki.issue(f"agent-{number}", uris=["x509pop://domain.test/cluster/test"])),
        )
        for number in (1, 2)
    ]
    token = root.create_join_token(agent_id="spiffe://domain.test/cluster/test")
    agents.append(root.agent("agent-3", attestor=JoinTokenAttestor(token)))

    def create(entry_id: str, parent: str, uid: int, **fields: object) -> None:
        root.create_entry(
            id=entry_id,
            parent_id=parent,
            spiffe_id=f"spiffe://domain.test/workload-{entry_id}",
            selectors=[f"unix:uid:{uid}"],
            **fields,  # type: ignore[arg-type]
        )

    cluster = "spiffe://domain.test/cluster/test"
    root.create_entry(
        parent_id="spiffe://domain.test/spire/server", spiffe_id=cluster, selectors=["x509pop:san:cluster:test"]
    )
    create("agent-1", str(agents[0].spiffe_id), 1001)
    create("agent-2", str(agents[1].spiffe_id), 1001)
    create("shared", cluster, 1002)
    create("with-dns", cluster, 1003, dns_names=["example.org"])
    create("prefetch-disabled", cluster, 1004, disable_x509_svid_prefetch=True)
    sim.advance(seconds=12)

    for agent in agents[:2]:
        assert agent.cached_x509_svids == 3  # the one without prefetch waits for somebody to ask
        own = agent.process(uid=1001).fetch_x509_svid()
        assert str(own.spiffe_id) == f"spiffe://domain.test/workload-{agent.name}"
    dns = [agent.process(uid=1003) for agent in agents]
    for agent, workload in zip(agents, dns, strict=True):
        shared = agent.process(uid=1002).fetch_x509_svid()
        assert str(shared.spiffe_id) == "spiffe://domain.test/workload-shared"
        assert workload.fetch_x509_svid().parsed[0].dns_names == ("example.org",)
        agent.process(uid=1004).fetch_x509_svid()

    root.update_entry("with-dns", mask=["dns_names"], dns_names=["example.com"])
    sim.run_until(
        lambda _: all(each.fetch_x509_svid().parsed[0].dns_names == ("example.com",) for each in dns), limit=TRY
    )
    root.delete_entry("with-dns")
    sim.advance(seconds=12)
    for workload in dns:
        with pytest.raises(NoIdentityIssued, match="no identity issued"):
            workload.fetch_x509_svid()
