"""The k8s workload attestor: SPIRE's vocabulary for a pod and its container."""

from __future__ import annotations

from spiffesim.plugins.workload_attestor import KubernetesPod, Process, WorkloadAttestor
from spiffesim.plugins.workload_attestor.k8s import K8sWorkloadAttestor


def found(process: Process) -> list[str]:
    return [str(selector) for selector in K8sWorkloadAttestor().attest(process)]


def test_a_pod_is_described_as_spire_describes_it() -> None:
    pod = KubernetesPod(
        namespace="shop",
        service_account="web",
        name="web-1",
        uid="1234",
        node_name="node-1",
        labels={"app": "web", "a": "b:c"},
        owners=[("ReplicaSet", "web", "5678"), ("Deployment", "shop", "9")],
        images=[("web:1", "web@sha256:ab"), ("proxy:2", "")],
        init_images=[("init:3", "init@sha256:cd")],
        container_name="web",
        container_image=("web:1", "web@sha256:ab"),
    )
    assert isinstance(K8sWorkloadAttestor(), WorkloadAttestor)
    assert [text.removeprefix("k8s:") for text in found(Process(kubernetes=pod))] == [
        "sa:web",
        "ns:shop",
        "node-name:node-1",
        "pod-uid:1234",
        "pod-name:web-1",
        "pod-image-count:2",
        "pod-image:proxy:2",
        "pod-image:web:1",
        "pod-image:web@sha256:ab",
        "pod-init-image-count:1",
        "pod-init-image:init:3",
        "pod-init-image:init@sha256:cd",
        "pod-label:a:b:c",
        "pod-label:app:web",
        "pod-owner:ReplicaSet:web",
        "pod-owner-uid:ReplicaSet:5678",
        "pod-owner:Deployment:shop",
        "pod-owner-uid:Deployment:9",
        "container-name:web",
        "container-image:web:1",
        "container-image:web@sha256:ab",
    ]


def test_a_pod_of_which_little_is_known_has_an_account_a_namespace_and_counts() -> None:
    assert found(Process(kubernetes=KubernetesPod())) == [
        "k8s:sa:default",
        "k8s:ns:default",
        "k8s:pod-image-count:0",
        "k8s:pod-init-image-count:0",
    ]


def test_a_process_outside_of_pods_has_none_of_that() -> None:
    assert found(Process(uid=1001)) == []
