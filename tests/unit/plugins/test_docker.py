"""The docker workload attestor: SPIRE's vocabulary for a container."""

from __future__ import annotations

import pytest

from spiffesim.errors import InvalidInput
from spiffesim.plugins.workload_attestor import DockerContainer, KubernetesPod, Process, WorkloadAttestor
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


def test_what_is_no_container_or_label_is_refused_at_once() -> None:
    with pytest.raises(InvalidInput, match=r"docker is a DockerContainer, not {'labels': {'a': '1'}}"):
        Process(docker={"labels": {"a": "1"}})  # type: ignore[arg-type]  # the point
    with pytest.raises(InvalidInput, match=r"kubernetes is a KubernetesPod, not 'pod'"):
        Process(kubernetes="pod")  # type: ignore[arg-type]  # the point
    for label in ("a:1", ("a", "b", "c")):
        with pytest.raises(InvalidInput, match=r"labels are \{name: value\}, and images pairs of texts"):
            DockerContainer(labels=[label])  # type: ignore[list-item]  # the point
    assert Process(docker=DockerContainer(labels={"a": "1"}), kubernetes=KubernetesPod()).docker is not None
