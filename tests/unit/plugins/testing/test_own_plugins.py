"""Our own plugins pass the suites that third parties' plugins have to pass."""

from __future__ import annotations

from datetime import timedelta

from spiffesim.plugins.key_manager.memory import MemoryKeyManager
from spiffesim.plugins.node_attestor.declared import DeclaredNodeAttestor
from spiffesim.plugins.node_attestor.join_token import JoinTokenAttestor
from spiffesim.plugins.node_attestor.x509pop import X509PopAttestor, X509PopVerifier
from spiffesim.plugins.testing import (
    KeyManagerConformance,
    NodeAttestorConformance,
    StandInServer,
    UpstreamAuthorityConformance,
    WorkloadAttestorConformance,
)
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority
from spiffesim.plugins.upstream_authority.spire import SpireUpstreamAuthority
from spiffesim.plugins.workload_attestor import DockerContainer, KubernetesPod, Process
from spiffesim.plugins.workload_attestor.declared import DeclaredWorkloadAttestor
from spiffesim.plugins.workload_attestor.docker import DockerWorkloadAttestor
from spiffesim.plugins.workload_attestor.k8s import K8sWorkloadAttestor
from spiffesim.plugins.workload_attestor.unix import UnixWorkloadAttestor
from spiffesim.randomness import Randomness
from tests.oracles import certificates as made
from tests.unit.keyrings import NOW, spire_upstream, started
from tests.unit.plugins.test_disk import INTERMEDIATE, ISSUING, ROOT, disk
from tests.unit.plugins.test_x509pop import NODE, NODE_KEY
from tests.unit.plugins.test_x509pop import ROOT as PKI_ROOT


class TestDiskAsItsOwnRoot(UpstreamAuthorityConformance):
    at = made.AT

    def upstream_authority(self) -> DiskUpstreamAuthority:
        return disk(ROOT)


class TestDiskWithABundle(UpstreamAuthorityConformance):
    at = made.AT

    def upstream_authority(self) -> DiskUpstreamAuthority:
        return disk(ISSUING, INTERMEDIATE, bundle=(ROOT,))


class TestSpire(UpstreamAuthorityConformance):
    # A parent signs for its own trust domain, whoever asks: SPIRE nests within one.
    test_the_ca_is_for_the_trust_domain_that_asks = None  # type: ignore[assignment]  # how a rule is taken away

    def upstream_authority(self) -> SpireUpstreamAuthority:
        return spire_upstream(started())


class TestMemory(KeyManagerConformance):
    def key_manager(self) -> MemoryKeyManager:
        return MemoryKeyManager(Randomness(1), "root")


class TestJoinToken(NodeAttestorConformance):
    def server(self) -> StandInServer:
        server = super().server()
        server.join_tokens.create("token", timedelta(minutes=10), NOW)
        return server

    def node_attestor(self) -> JoinTokenAttestor:
        return JoinTokenAttestor("token")

    def impostor(self) -> JoinTokenAttestor:
        return JoinTokenAttestor("guess")


class TestX509Pop(NodeAttestorConformance):
    def server(self) -> StandInServer:
        server = super().server()
        server.node_attestors["x509pop"] = X509PopVerifier([PKI_ROOT.der])
        return server

    def node_attestor(self) -> X509PopAttestor:
        return X509PopAttestor([NODE.der], NODE_KEY)

    def impostor(self) -> X509PopAttestor:
        return X509PopAttestor([NODE.der], made.key("thief"))


class TestDeclaredNode(NodeAttestorConformance):
    def node_attestor(self) -> DeclaredNodeAttestor:
        return DeclaredNodeAttestor("one", selectors=["declared:rack:7"])

    def impostor(self) -> DeclaredNodeAttestor:
        return DeclaredNodeAttestor("spiffe://other.org/spire/agent/one")


class TestUnix(WorkloadAttestorConformance):
    def workload_attestor(self) -> UnixWorkloadAttestor:
        return UnixWorkloadAttestor()

    def process(self) -> Process:
        return Process(uid=1001, gid=100)


class TestDocker(WorkloadAttestorConformance):
    def workload_attestor(self) -> DockerWorkloadAttestor:
        return DockerWorkloadAttestor()

    def process(self) -> Process:
        return Process(docker=DockerContainer(labels={"a": "b"}))


class TestK8s(WorkloadAttestorConformance):
    def workload_attestor(self) -> K8sWorkloadAttestor:
        return K8sWorkloadAttestor()

    def process(self) -> Process:
        return Process(kubernetes=KubernetesPod())


class TestDeclaredWorkload(WorkloadAttestorConformance):
    def workload_attestor(self) -> DeclaredWorkloadAttestor:
        return DeclaredWorkloadAttestor()

    def process(self) -> Process:
        return Process(selectors=["declared:name:web"])
