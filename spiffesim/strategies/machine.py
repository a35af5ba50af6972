"""The state machine: operators, time and faults, in any order that Hypothesis thinks of."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import rule

from spiffesim.strategies.deployment import WORKLOADS
from spiffesim.strategies.invariants import Invariants
from spiffesim.strategies.operations import AUDIENCE

_SPANS: Final = st.one_of(
    st.builds(timedelta, seconds=st.integers(0, 120)),
    st.builds(timedelta, minutes=st.integers(1, 90)),
    st.builds(timedelta, hours=st.integers(1, 24)),
)


class TrustDomainMachine(Invariants):
    """A Hypothesis state machine over a SPIFFE deployment: operator actions, time and faults, with invariants.

    Subclass it to say which deployment, which faults, and what else is to hold; its rules call only methods that
    users have as well. Each step has a name and takes names of nodes, so that a counterexample reads like a runbook.

    Attributes:
        worlds: A strategy of the simulations that it begins with; by default up to four servers in three tiers.
        faults: Which verbs of the simulation it may use; by default all. None of them: ``()``.
        clocks: How wrong it may set clocks, in seconds.
        spans: For how long it lets time pass at once.
        largest: How many nodes and workloads it lets a world have.

    Example:
        >>> from hypothesis import settings
        >>> from hypothesis import strategies as st
        >>> from hypothesis.stateful import run_state_machine_as_test
        >>> import spiffesim
        >>> from spiffesim.strategies import TrustDomainMachine
        >>> class Calm(TrustDomainMachine):
        ...     worlds = st.builds(spiffesim.Simulation, seed=st.just(1))
        ...     faults = ()
        >>> run_state_machine_as_test(Calm, settings=settings(max_examples=1, stateful_step_count=5, deadline=None))
    """

    spans: ClassVar[st.SearchStrategy[timedelta]] = _SPANS

    # Time

    @rule(data=st.data())
    def advance(self, data: st.DataObject) -> None:
        """Let time pass."""
        self.sim.advance(data.draw(self.spans, label="span"))

    @rule()
    def settle(self) -> None:
        """Let everything that is pending reach everybody."""
        self.sim.settle()

    @rule()
    def fork(self) -> None:
        """Go on with a copy of the world."""
        self.sim = self.sim.fork()

    # Looks

    @rule(workload=WORKLOADS, peer=WORKLOADS)
    def look(self, workload: str, peer: str) -> None:
        """Let a workload judge what another one fetches; whatever is broken, the answer is a judgement or a refusal."""
        fetching, judge = self.sim.workloads[workload], self.sim.workloads[peer]
        svid = self.ask(fetching.fetch_x509_svid)
        if svid is not None:
            self.check_x509_svid_ends_in_time(fetching, svid)
            self.ask(judge.validate_x509_svid, svid)
        token = self.ask(fetching.fetch_jwt_svid, audience=AUDIENCE)
        if token is not None:
            self.check_jwt_svid_ends_in_time(fetching, token)
            self.ask(judge.validate_jwt_svid, token, audience=AUDIENCE)
