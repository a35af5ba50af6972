"""The ``docker`` workload attestor: the container that a process runs in.

SPIRE: pkg/agent/plugin/workloadattestor/docker/docker.go
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from spiffesim.entries import Selector
from spiffesim.plugins.workload_attestor import DockerContainer, Process


class DockerWorkloadAttestor:
    """Asks Docker; of a process outside of containers it knows nothing."""

    name = "docker"

    def attest(self, process: Process) -> Iterable[Selector]:
        """``label:<name>:<value>``, ``env:<NAME=value>``, ``image_id`` and ``image_config_digest``."""
        container = process.docker
        return (Selector(self.name, value) for value in _values(container)) if container is not None else ()


def _values(container: DockerContainer) -> Iterator[str]:
    yield from (f"label:{name}:{value}" for name, value in container.labels)
    yield from (f"env:{variable}" for variable in container.env)
    if container.image:
        yield f"image_id:{container.image}"
    if container.image_config_digest:
        yield f"image_config_digest:{container.image_config_digest}"
