"""The conformance suite for workload attestors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable

from spiffesim.entries import Selector
from spiffesim.plugins.testing.suite import Conformance, require
from spiffesim.plugins.workload_attestor import Process, WorkloadAttestor


class WorkloadAttestorConformance(Conformance):
    """What an agent demands of a workload attestor."""

    @abstractmethod
    def workload_attestor(self) -> WorkloadAttestor:
        """The workload attestor under test, made anew."""

    @abstractmethod
    def process(self) -> Process:
        """A process that it knows something of."""

    def plugin(self) -> WorkloadAttestor:
        """The workload attestor under test."""
        return self.workload_attestor()

    def selectors(self, process: Process) -> list[Selector]:
        """What it finds out about a process."""
        found = self.plugin().attest(process)
        require(isinstance(found, Iterable), f"it gave {type(found).__name__}, not selectors")
        selectors = list(found)
        for selector in selectors:
            require(isinstance(selector, Selector), f"{selector!r} is no Selector")
        return selectors

    def test_a_known_process_has_selectors(self) -> None:
        """Something is found out about a process that it knows."""
        require(self.selectors(self.process()), "it found nothing out")

    def test_selectors_have_its_name_as_their_type(self) -> None:
        """What is found out are selectors of the plugin's own type."""
        name = self.plugin().name
        for selector in self.selectors(self.process()):
            require(selector.type == name, f"{selector} is not of type {name}")

    def test_an_unknown_process_has_none_and_is_no_error(self) -> None:
        """A process of which nobody says anything has no selectors; SPIRE's plugins do not fail there either."""
        plugin = self.plugin()
        try:
            found = list(plugin.attest(Process()))
        except Exception as error:
            raise AssertionError(f"it raised {type(error).__name__}: {error}") from error
        require(not found, f"it found {', '.join(map(str, found))}")

    def test_the_same_process_is_the_same_each_time(self) -> None:
        """An agent asks at every call; the answer is the same while the process is."""
        plugin, process = self.plugin(), self.process()
        first, second = (list(plugin.attest(process)) for _ in range(2))
        require(first == second, f"it was {first}, and then {second}")
