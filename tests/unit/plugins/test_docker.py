"""The docker workload attestor: SPIRE's vocabulary for a container."""

from __future__ import annotations

from spiffesim.plugins.workload_attestor import DockerContainer, Process, WorkloadAttestor
from spiffesim.plugins.workload_attestor.docker import DockerWorkloadAttestor


def found(process: Process) -> list[str]:
    return [str(selector) for selector in DockerWorkloadAttestor().attest(process)]


def test_a_container_has_labels_environment_and_image() -> None:
    container = DockerContainer(
        labels={"b": "2", "org.example.name": "nestedA-server"},
        image="nginx:1.27",
        image_config_digest="sha256:ab",
        env=["PATH=/bin", "A=b:c"],
    )
    assert isinstance(DockerWorkloadAttestor(), WorkloadAttestor)
    assert found(Process(docker=container)) == [
        "docker:label:b:2",
        "docker:label:org.example.name:nestedA-server",
        "docker:env:PATH=/bin",
        "docker:env:A=b:c",
        "docker:image_id:nginx:1.27",
        "docker:image_config_digest:sha256:ab",
    ]


def test_a_process_outside_of_containers_has_none_of_that() -> None:
    assert found(Process(uid=1001)) == []
    assert found(Process(docker=DockerContainer())) == []


def test_labels_may_be_pairs_and_their_order_does_not_matter() -> None:
    assert DockerContainer(labels=[("b", "2"), ("a", "1")]) == DockerContainer(labels={"a": "1", "b": "2"})
