"""The ``k8s`` workload attestor: the pod and the container that a process runs in.

SPIRE: pkg/agent/plugin/workloadattestor/k8s/k8s.go
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from spiffesim.entries import Selector
from spiffesim.plugins.workload_attestor import KubernetesPod, Process


class K8sWorkloadAttestor:
    """Asks the kubelet; of a process outside of pods it knows nothing."""

    name = "k8s"

    def attest(self, process: Process) -> Iterable[Selector]:
        """``ns``, ``sa``, ``pod-label:<name>:<value>``, ``container-image`` and the others of SPIRE's."""
        pod = process.kubernetes
        return (Selector(self.name, value) for value in _values(pod)) if pod is not None else ()


def _values(pod: KubernetesPod) -> Iterator[str]:
    yield f"sa:{pod.service_account}"
    yield f"ns:{pod.namespace}"
    named = (("node-name", pod.node_name), ("pod-uid", pod.uid), ("pod-name", pod.name))
    yield from (f"{name}:{value}" for name, value in named if value)
    for name, images in (("pod", pod.images), ("pod-init", pod.init_images)):
        yield f"{name}-image-count:{len(images)}"
        yield from (f"{name}-image:{form}" for image in images for form in image if form)
    yield from (f"pod-label:{name}:{value}" for name, value in pod.labels)
    for kind, name, uid in pod.owners:
        yield f"pod-owner:{kind}:{name}"
        yield f"pod-owner-uid:{kind}:{uid}"
    if pod.container_name:
        yield f"container-name:{pod.container_name}"
    yield from (f"container-image:{form}" for form in pod.container_image if form)
