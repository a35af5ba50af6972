"""The lifecycle of a trust domain as a state machine, whose counterexamples run as scripts."""

from __future__ import annotations

import sys
from collections.abc import Collection
from functools import partialmethod
from typing import Any, ClassVar, Final

from hypothesis import currently_in_test_context, note
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from spiffesim.errors import InvalidInput
from spiffesim.strategies.deployment import drawn, names_of
from spiffesim.strategies.lifecycle.model import ROOT
from spiffesim.strategies.lifecycle.trials import Trials

SERVERS: Final = names_of(lambda machine: machine.model.parents)
"""Names of servers, for rules of your own."""

WORKLOADS: Final = names_of(lambda machine: machine.model.homes)
"""Names of registered workloads, for rules of your own; such a rule needs ``@needs_workload``."""

STEPS: Final = (
    *("nest", "register", "deregister", "rotate", "taint", "revoke"),
    *("advance", "cut", "skew", "heal"),
    *("fetch", "forge_x509_svid", "forge_jwt_svid"),
)
"""The names of all steps, which are methods: operators', time and faults, looks."""


def needs_workload(step: Any) -> Any:
    """Let a rule of your own run only while a workload is registered.

    Args:
        step: The rule.

    Returns:
        The rule with this precondition.
    """
    return precondition(lambda self: bool(self.model.homes))(step)


class Lifecycle(Trials):
    """A Hypothesis state machine over the lifecycle of a trust domain: operators, time, faults and thieves.

    It begins with a root server; each server comes with a workload of the same name. Each step is given the time that
    its news takes, and then all is looked at. Its rules take names and numbers only, so what Hypothesis prints of a
    failure runs as a script; see ``script_of``.

    Subclass it to give it your validator or your system, and to add rules and invariants. With ``only=`` a subclass
    takes some of the steps only: so it finds sooner what it is aimed at.

    Args:
        only: As a keyword of the subclass: which of ``STEPS`` it takes, besides rules of its own; by default all.

    Attributes:
        system: What makes the system under test: ``SimulatedSystem``, or a ``System`` of yours.
        validator: The validator under test, which judges what is fetched and what is forged; by default this library's.
        most_servers: How many servers there may be.
        deepest: How many servers may stand above one.
        most_workloads: How many workloads there may be.
        most_broken: How much may be broken at once.
        minutes: For how many minutes it lets time pass at once.
        skews: How wrong it sets clocks, in seconds.

    Example:
        >>> from hypothesis import settings
        >>> from hypothesis.stateful import run_state_machine_as_test
        >>> from spiffesim.strategies.lifecycle import Lifecycle
        >>> run_state_machine_as_test(Lifecycle, settings=settings(max_examples=1, deadline=None))
    """

    most_servers: ClassVar[int] = 3
    deepest: ClassVar[int] = 2
    most_workloads: ClassVar[int] = 4
    most_broken: ClassVar[int] = 1
    minutes: ClassVar[st.SearchStrategy[int]] = st.sampled_from((1, 10, 45, 90, 300, 1500))
    skews: ClassVar[st.SearchStrategy[int]] = st.sampled_from((-600, 7200))

    def __init_subclass__(cls, *, only: Collection[str] = STEPS) -> None:
        super().__init_subclass__()
        if unknown := [name for name in only if name not in STEPS]:
            raise InvalidInput(f"there is no step {unknown[0]!r:.80}; there is {', '.join(STEPS)}", code="step")
        for name in STEPS:
            if name not in only and name not in vars(cls):
                setattr(cls, name, partialmethod(getattr(cls, name)))  # still a method, and no longer a rule

    def __init__(self) -> None:
        super().__init__()
        self.register(ROOT, f"/{ROOT}")
        if currently_in_test_context():
            note(_import_of(type(self)))  # the first line of the script that Hypothesis prints

    # Operators

    @precondition(lambda self: len(self.model.parents) < self.most_servers and self.parents)
    @rule(
        parent=names_of(lambda machine: machine.parents),
        name=drawn(lambda machine: f"s{len(machine.model.parents)}"),
    )
    def nest(self, parent: str, name: str) -> None:
        """Nest a server, and register a workload with it."""
        self.world.nest(parent, name)
        self.model.parents[name] = parent
        self.register(name, f"/{name}")

    @property
    def parents(self) -> list[str]:
        """The servers below which another one may be nested."""
        whole = filter(self.model.is_whole, self.model.parents)
        return [server for server in whole if self.model.depth(server) < self.deepest]

    @precondition(lambda self: len(self.model.homes) < self.most_workloads and self.whole_servers)
    @rule(
        server=names_of(lambda machine: machine.whole_servers),
        workload=drawn(lambda machine: f"/w{len(machine.model.homes) + len(machine.model.deregistered)}"),
    )
    def register(self, server: str, workload: str) -> None:
        """Register a workload, and start it."""
        self.world.register(server, workload)
        self.model.homes[workload] = server
        self.wait()

    @property
    def whole_servers(self) -> list[str]:
        """The servers with which all is well."""
        return [server for server in self.model.parents if self.model.is_whole(server)]

    @precondition(lambda self: self.whole_workloads)
    @rule(workload=names_of(lambda machine: machine.whole_workloads))
    def deregister(self, workload: str) -> None:
        """Take away what a workload was registered with."""
        self.world.deregister(workload)
        self.model.deregistered[workload] = self.model.homes.pop(workload)
        self.wait()

    @property
    def whole_workloads(self) -> list[str]:
        """The workloads with which all is well."""
        return [workload for workload in self.model.homes if self.model.is_whole(workload)]

    @precondition(lambda self: self.whole_servers)
    @rule(server=names_of(lambda machine: machine.whole_servers))
    def rotate(self, server: str) -> None:
        """Replace the authorities of a server. Who is out of touch may never find back."""
        self._rotate(server)
        self.wait()

    def _rotate(self, server: str) -> None:
        self.world.rotate(server)
        self.model.rotate(server)

    @precondition(lambda self: self.whole_servers)
    @rule(server=names_of(lambda machine: machine.whole_servers))
    def taint(self, server: str) -> None:
        """Replace the authorities of a server, and taint the old ones."""
        self._rotate(server)
        self.wait()
        self.model.taint(server, *self.world.taint(server))
        self.wait()

    @precondition(lambda self: self.model.revocable)
    @rule()
    def revoke(self) -> None:
        """Revoke at the root server what was tainted there."""
        self.world.revoke()
        self.model.revoke()
        self.wait()

    # Time and faults

    @rule(minutes=drawn(lambda machine: machine.minutes).flatmap(lambda minutes: minutes))
    def advance(self, minutes: int) -> None:
        """Let time pass."""
        self.world.advance(minutes * 60)
        self.wait()

    @precondition(lambda self: self.fragile)
    @rule(node=names_of(lambda machine: machine.fragile))
    def cut(self, node: str) -> None:
        """Cut a nested server from the one above, or the agent of a workload from its server."""
        self.model.broken[node] = self.world.now
        self.world.cut(node)
        self.wait()

    @property
    def fragile(self) -> list[str]:
        """What may break: nested servers and workloads with which all is well."""
        full = len(self.model.broken) >= self.most_broken
        return [] if full else [*filter(self.model.is_whole, self.model.nested), *self.whole_workloads]

    @precondition(lambda self: self.whole_workloads and self.fragile)
    @rule(
        workload=names_of(lambda machine: machine.whole_workloads),
        seconds=drawn(lambda machine: machine.skews).flatmap(lambda skews: skews),
    )
    def skew(self, workload: str, seconds: int) -> None:
        """Set the clock of a workload's agent wrong."""
        self.model.broken[workload] = self.world.now
        self.model.skews[workload] = seconds
        self.world.skew(workload, seconds)
        self.wait()

    @precondition(lambda self: self.model.broken)
    @rule(node=names_of(lambda machine: machine.model.broken))
    def heal(self, node: str) -> None:
        """Put right what is broken, and wait until everybody has tried again."""
        self.world.heal(node)
        self.model.skews.pop(node, None)
        self.wait()
        self.world.advance(round(self.recovery.total_seconds()))
        del self.model.broken[node]

    # Looks

    @needs_workload
    @rule(workload=WORKLOADS)
    def fetch(self, workload: str) -> None:
        """Let the validator judge what a workload fetches: now, at its first and last instants, and beyond them."""
        self.check_validator(workload)

    @precondition(lambda self: self.whole_workloads)
    @rule(workload=names_of(lambda machine: machine.whole_workloads))
    def forge_x509_svid(self, workload: str) -> None:
        """Show the validator and a workload all forgeries of the X509-SVID that the workload fetches."""
        self.check_forgeries(workload, self.fetch_x509(workload))

    @precondition(lambda self: self.whole_workloads)
    @rule(workload=names_of(lambda machine: machine.whole_workloads))
    def forge_jwt_svid(self, workload: str) -> None:
        """Show them all forgeries of the JWT-SVID that it fetches."""
        self.check_forgeries(workload, self.fetch_jwt(workload))

    @invariant()
    def all_holds(self) -> None:
        """Everything that is claimed; a subclass adds its own with ``@invariant()``."""
        self.check_everything()


def _import_of(machine: type) -> str:
    """The line that imports a machine, from the package that exports it, if there is one."""
    module, name = machine.__module__, machine.__qualname__.partition(".")[0]
    if module == "__main__":
        return f"# {name} is defined in this very script"
    package = module.rpartition(".")[0]
    exported = getattr(sys.modules.get(package), name, None) is machine
    return f"from {package if exported else module} import {name}"


def script_of(error: BaseException) -> str:
    """The counterexample that Hypothesis has added to an error, as a script.

    Args:
        error: What a ``Lifecycle`` failed with.

    Returns:
        The script, from its import to the last step; empty if there is none.
    """
    lines = [line for text in getattr(error, "__notes__", ()) for line in text.splitlines()]
    begin = next((number for number, line in enumerate(lines) if line.startswith("state = ")), None)
    if begin is None:
        return ""
    end = next((number for number, line in enumerate(lines) if line == "state.teardown()"), len(lines))
    return "\n".join(lines[max(begin - 1, 0) : end + 1]) + "\n"
