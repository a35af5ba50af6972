"""Processes that have what entries ask for."""

from __future__ import annotations

import pytest

from spiffesim.entries import Selector
from spiffesim.extra.spire_config.processes import attributes_for
from spiffesim.plugins.workload_attestor import Process
from spiffesim.plugins.workload_attestor.docker import DockerWorkloadAttestor
from spiffesim.plugins.workload_attestor.k8s import K8sWorkloadAttestor
from spiffesim.plugins.workload_attestor.unix import UnixWorkloadAttestor

ATTESTORS = (UnixWorkloadAttestor(discover_workload_path=True), DockerWorkloadAttestor(), K8sWorkloadAttestor())


def found(*selectors: str) -> set[str]:
    """What the attestors find out about the process made for some selectors."""
    process = Process(**attributes_for(map(Selector.parse, selectors)))
    return {str(selector) for attestor in ATTESTORS for selector in attestor.attest(process)}


@pytest.mark.parametrize(
    "selectors",
    [
        ["unix:uid:1001"],
        ["unix:user:web", "unix:gid:5", "unix:group:web"],
        ["unix:path:/bin/web", "unix:sha256:00ff"],
        ["unix:supplementary_gid:7", "unix:supplementary_gid:8", "unix:supplementary_group:web"],
        ["docker:label:org.example.name:web:1", "docker:label:b:c", "docker:env:A=B"],
        ["docker:image_id:nginx:1.27", "docker:image_config_digest:sha256:00"],
        ["k8s:ns:prod", "k8s:sa:web", "k8s:pod-label:app:web", "k8s:pod-name:web-0", "k8s:pod-uid:0-1"],
        ["k8s:container-name:web", "k8s:container-image:nginx", "k8s:node-name:n1", "k8s:pod-image:nginx"],
        ["unix:uid:0", "docker:label:a:b", "k8s:ns:x"],
    ],
)
def test_the_process_has_every_selector(selectors: list[str]) -> None:
    assert found(*selectors) >= set(selectors)


def test_a_user_that_is_not_asked_for_is_nobody() -> None:
    assert "unix:uid:65534" in found("unix:path:/bin/web")
    assert "unix:uid:7" in found("unix:path:/bin/web", "unix:uid:7")


@pytest.mark.parametrize(
    "selectors", [["unix:uid:1", "unix:uid:2"], ["unix:uid:x"], ["systemd:id:web"], ["k8s:pod-owner:a:b"]]
)
def test_what_no_process_can_have_it_has_not(selectors: list[str]) -> None:
    assert not found(*selectors) >= set(selectors)
