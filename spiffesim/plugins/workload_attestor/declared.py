"""The ``declared`` workload attestor: a process has the selectors that it was given. SPIRE has none such."""

from __future__ import annotations

from collections.abc import Iterable

from spiffesim.entries import Selector
from spiffesim.plugins.workload_attestor import Process


class DeclaredWorkloadAttestor:
    """Takes selectors as given."""

    name = "declared"

    def attest(self, process: Process) -> Iterable[Selector]:
        """The selectors that the process simply has."""
        return process.selectors
