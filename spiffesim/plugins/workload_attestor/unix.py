"""The ``unix`` workload attestor: a process' user, groups and executable.

SPIRE: pkg/agent/plugin/workloadattestor/unix/unix_posix.go
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from spiffesim.entries import Selector
from spiffesim.plugins.workload_attestor import Process


class UnixWorkloadAttestor:
    """Asks the operating system.

    Args:
        discover_workload_path: Whether to look at the executable too (SPIRE: ``discover_workload_path``,
            there off by default).
    """

    name = "unix"

    def __init__(self, *, discover_workload_path: bool = False) -> None:
        self.discover_workload_path = discover_workload_path

    def attest(self, process: Process) -> Iterable[Selector]:
        """``uid``, ``user``, ``gid``, ``group``, the supplementary groups, and perhaps ``path`` and ``sha256``.

        Not SPIRE: a process of which the operating system says only some of these has the others not; there it
        always has a user and a group.
        """
        return (Selector(self.name, value) for value in self._values(process))

    def _values(self, process: Process) -> Iterator[str]:
        if process.uid is not None:
            yield f"uid:{process.uid}"
        if process.user:
            yield f"user:{process.user}"
        if process.gid is not None:
            yield f"gid:{process.gid}"
        if process.group:
            yield f"group:{process.group}"
        yield from (f"supplementary_gid:{gid}" for gid in process.supplementary_gids)
        yield from (f"supplementary_group:{group}" for group in process.supplementary_groups)
        if self.discover_workload_path and process.path:
            yield f"path:{process.path}"
            if process.sha256:
                yield f"sha256:{process.sha256}"
