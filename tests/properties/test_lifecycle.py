"""The lifecycle: without a bug nothing is found, and a planted one is found at once, as a script that runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from spiffesim import Simulation
from spiffesim.errors import InvalidInput, Refused
from spiffesim.strategies.actions import ACTIONS, OperatorAction, operator_actions
from spiffesim.strategies.lifecycle import SERVERS, Lifecycle, SimulatedSystem, script_of
from tests.properties import planted
from tests.properties.worlds import few

ROOT: Final = Path(__file__).parents[2]
HARD: Final = settings(
    max_examples=1000,
    stateful_step_count=5,
    phases=[Phase.generate, Phase.shrink],
    database=None,
    derandomize=False,
    report_multiple_bugs=False,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)
SEEDS: Final = (1, 2, 3)

TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(few(25), stateful_step_count=10, suppress_health_check=[HealthCheck.too_slow])


@attrs.frozen
class Found:
    """What a hunt has found."""

    error: BaseException
    script: str

    @property
    def steps(self) -> list[str]:
        """The steps of the counterexample, without the looks in between."""
        lines = [line for line in self.script.splitlines() if line.startswith("state.")]
        return [line for line in lines if line not in ("state.all_holds()", "state.teardown()")]


def hunt(machine: type[Lifecycle], number: int) -> Found:
    """The counterexample that a machine comes to with a seed."""
    with pytest.raises((AssertionError, Refused)) as found:
        run_state_machine_as_test(seed(number)(machine), settings=HARD)
    return Found(found.value, script_of(found.value))


def check(found: Found) -> None:
    assert len(found.steps) <= 5, found.script
    with pytest.raises(type(found.error)) as again:
        exec(found.script, {})
    assert str(again.value) == str(found.error)


@pytest.mark.parametrize("number", SEEDS)
@pytest.mark.parametrize("machine", planted.VALIDATORS, ids=lambda machine: machine.__name__)
def test_a_bug_in_a_validator_is_found(machine: type[Lifecycle], number: int) -> None:
    found = hunt(machine, number)
    assert "the validator accepts the" in str(found.error)
    check(found)


@pytest.mark.parametrize("number", SEEDS)
@pytest.mark.parametrize("plant", planted.DEPLOYMENTS, ids=lambda plant: plant.__name__)
def test_a_bug_in_a_deployment_is_found(plant: planted.Plant, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    check(hunt(planted.DEPLOYMENTS[plant], number))


@pytest.mark.parametrize("aimed", planted.AIMED)
def test_without_a_bug_an_aimed_machine_finds_nothing(aimed: type[Lifecycle]) -> None:
    run_state_machine_as_test(seed(1)(aimed), settings=settings(HARD, max_examples=20))


def test_the_script_runs_in_an_interpreter_of_its_own() -> None:
    found = hunt(planted.ForgetsNotBefore, 1)
    assert found.script.startswith(
        "from tests.properties.planted import ForgetsNotBefore\nstate = ForgetsNotBefore()\n"
    )
    run = subprocess.run([sys.executable, "-c", found.script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert f"AssertionError: {str(found.error).splitlines()[0]}" in run.stderr


def test_a_script_of_a_right_machine_runs_through() -> None:
    script = """
from spiffesim.strategies.lifecycle import Lifecycle
state = Lifecycle()
state.nest(name='s1', parent='root')
state.register(server='s1', workload='/w2')
state.all_holds()
state.taint(server='root')
state.revoke()
state.cut(node='/w2')
state.advance(minutes=45)
state.heal(node='/w2')
state.skew(seconds=-600, workload='/root')
state.fetch(workload='/w2')
state.forge_x509_svid(workload='/w2')
state.forge_jwt_svid(workload='/w2')
state.deregister(workload='/w2')
state.all_holds()
state.teardown()
"""
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


def test_an_error_without_a_counterexample_has_no_script() -> None:
    assert script_of(AssertionError("by hand")) == ""


# ------------------------------------------------------------------------------------------------- users


def test_users_add_rules_and_invariants() -> None:
    drilled: list[str] = []

    class Drilled(Lifecycle):
        @rule(server=SERVERS)
        def drill(self, server: str) -> None:
            drilled.append(server)

        @invariant()
        def few_are_lost(self) -> None:
            assert len(self.model.lost) <= len(self.model.parents) + len(self.model.homes) + len(
                self.model.deregistered
            )

    run_state_machine_as_test(seed(1)(Drilled), settings=settings(HARD, max_examples=10))
    assert "root" in drilled


def test_a_machine_takes_only_the_steps_that_it_is_aimed_at() -> None:
    taken: list[str] = []

    class Aimed(Lifecycle, only=("nest",)):
        most_servers = 2

        @rule(server=SERVERS)
        def drill(self, server: str) -> None:
            taken.append(server)

        def rotate(self, server: str) -> None:
            taken.append(f"rotates {server}")

    class AlsoRotates(Aimed):
        """Takes what it is based on."""

    run_state_machine_as_test(seed(1)(AlsoRotates), settings=settings(HARD, max_examples=20))
    assert set(taken) == {"root", "s1"}
    by_hand = AlsoRotates()
    by_hand.advance(minutes=5)
    by_hand.rotate("root")
    assert (by_hand.world.now.minute, taken[-1]) == (9, "rotates root")


def test_a_step_that_there_is_not_is_refused() -> None:
    with pytest.raises(InvalidInput, match="there is no step 'fly'; there is nest, register"):

        class Flying(Lifecycle, only=("nest", "fly")):
            """Nothing flies."""


def test_users_pass_a_system_of_their_own() -> None:
    class Forgetful(SimulatedSystem):
        """Its sequence numbers begin anew after each rotation."""

        counted = 1000

        def sequence_number(self, server: str) -> int:
            self.counted -= 1
            return self.counted

    class Mine(Lifecycle):
        system = Forgetful

    with pytest.raises(AssertionError, match="the bundle of root fell from 999 to 998"):
        run_state_machine_as_test(seed(1)(Mine), settings=settings(HARD, max_examples=10))


def test_what_is_no_refusal_fails_the_machine() -> None:
    class Broken(SimulatedSystem):
        def fetch_jwt_svid(self, workload: str, audience: str) -> str:
            raise KeyError(workload)

    class Mine(Lifecycle):
        system = Broken

    with pytest.raises(KeyError, match="/root"):
        run_state_machine_as_test(seed(1)(Mine), settings=settings(HARD, max_examples=10))


# ------------------------------------------------------------------------------------------------- actions

Actions: TypeAlias = list[OperatorAction]


@settings(few(30))
@given(st.lists(operator_actions(), max_size=12))
def test_actions_apply_to_any_simulation_and_are_done_or_refused(actions: Actions) -> None:
    sim = Simulation("example.org", seed=1, key_manager="disk")
    sim.workload("/web")
    refusals = [action.apply(sim) for action in actions]
    again = Simulation("example.org", seed=1, key_manager="disk")
    again.workload("/web")
    copies: Any = eval(repr(actions), {"OperatorAction": OperatorAction})
    assert copies == actions
    assert [str(action.apply(again)) for action in copies] == [str(refusal) for refusal in refusals]
    assert list(again.servers) == list(sim.servers)


def test_a_counterexample_shows_actions_as_the_calls_that_make_them() -> None:
    @settings(HARD, max_examples=50)
    @seed(1)
    @given(st.lists(operator_actions(names=["nest"])))
    def nobody_nests(actions: Actions) -> None:
        assert not actions

    with pytest.raises(AssertionError) as found:
        nobody_nests()
    assert "actions=[OperatorAction('nest', server=0)]" in "\n".join(found.value.__notes__)


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_can_be_done(name: str) -> None:
    sim = Simulation("example.org", seed=1)
    sim.workload("/web")
    server, kind = {"server": 0}, {"server": 0, "kind": "x509"}
    before = {
        "activate": [OperatorAction("prepare", **kind)],
        "taint": [OperatorAction("prepare", **kind), OperatorAction("activate", **kind)],
        "revoke": [OperatorAction(verb, **kind) for verb in ("prepare", "activate", "taint")],
    }
    takes: dict[str, dict[str, Any]] = {
        "advance": {"minutes": 5},
        "settle": {},
        "nest": server,
        "register": server,
        "deregister": {"workload": 0},
        "ban": {"agent": 0},
        "cut": {"link": 0},
        "heal": {"link": 0},
        "skew": {"node": 1, "seconds": 5},
        "stop": {"node": 1},
        "start": {"node": 1},
    }
    for action in (*before.get(name, ()), OperatorAction(name, **takes.get(name, kind))):
        assert action.apply(sim) is None


def test_an_action_that_is_none_is_refused() -> None:
    OperatorAction("nest", server=1)
    for name, arguments in (("fly", {}), ("nest", {}), ("nest", {"agent": 1})):
        with pytest.raises(InvalidInput, match="is none of"):
            OperatorAction(name, **arguments)


def test_an_action_on_what_is_not_there_is_a_refusal() -> None:
    sim = Simulation("example.org", seed=1)
    refusal = OperatorAction("ban", agent=3).apply(sim)
    assert isinstance(refusal, InvalidInput)
    sim.workload("/web")
    assert OperatorAction("ban", agent=3).apply(sim) is None
