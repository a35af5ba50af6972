"""The engine against one that really ticks every loop: the same journal and the same documents, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from itertools import cycle
from typing import Any, Final, TypeAlias, TypeVar

import attrs
import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from spiffesim import Simulation
from spiffesim.agent import Agent
from spiffesim.agent import loops as agentloops
from spiffesim.agent.loops import Synchronizer
from spiffesim.errors import SpiffeSimError
from spiffesim.grid import Grid
from spiffesim.instants import SECOND
from spiffesim.journal import Level
from spiffesim.loop import Loop
from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.node_attestor.x509pop import X509PopAttestor, X509PopVerifier
from spiffesim.server import Server
from spiffesim.server import loops as serverloops
from spiffesim.server.api.authoritystate import AuthorityState
from spiffesim.server.loops import CaRotator, EntryReloader
from spiffesim.workload import Workload
from tests.oracles.naive import naive
from tests.properties.worlds import few

HOUR: Final = 3600

# ------------------------------------------------------------------------------------------------- what may happen

Thing = TypeVar("Thing")
Act: TypeAlias = Callable[["Deployment", int], object]
ACTS: Final[dict[str, Act]] = {}
"""What may happen between two steps of time; the number says to which of several."""


def act(function: Act) -> Act:
    ACTS[function.__name__] = function
    return function


@attrs.define
class Deployment:
    """A world, and what acts need to know of it."""

    sim: Simulation
    made: int = 0

    def name(self) -> str:
        self.made += 1
        return f"made{self.made}"

    def server(self, pick: int) -> Server:
        return one(self.sim.servers, pick)

    def agent(self, pick: int) -> Agent:
        return one(self.sim.agents, pick)

    def daemon(self, pick: int) -> Server | Agent:
        both: dict[str, Server | Agent] = {**self.sim.servers, **self.sim.agents}
        return one(both, pick)


def one(roll: Mapping[str, Thing], pick: int) -> Thing:
    """One of them; which one says a number."""
    if not roll:
        raise NoneThereError
    return list(roll.values())[pick % len(roll)]


class NoneThereError(Exception):
    """There is nobody to whom it could happen."""


def there(state: AuthorityState | None) -> AuthorityState:
    if state is None:
        raise NoneThereError
    return state


@act
def nothing(deployment: Deployment, pick: int) -> None:
    """Let the next step of time begin where the last one ended."""


@act
def settle(deployment: Deployment, pick: int) -> None:
    deployment.sim.settle()


@act
def fetch_x509_svid(deployment: Deployment, pick: int) -> object:
    return one(deployment.sim.workloads, pick).fetch_x509_svid().chain


@act
def fetch_jwt_svid(deployment: Deployment, pick: int) -> object:
    return one(deployment.sim.workloads, pick).fetch_jwt_svid(audience="peer").token


@act
def workload(deployment: Deployment, pick: int) -> object:
    ttl = timedelta(seconds=(20, 45, 90, 600)[pick % 4])
    return deployment.agent(pick).workload(f"/{deployment.name()}", x509_svid_ttl=ttl)


@act
def create_entry(deployment: Deployment, pick: int) -> object:
    """As an operator does, for a process that runs already; a third of the entries expire."""
    agent = deployment.agent(pick)
    fields: Any = {"x509_svid_ttl": timedelta(seconds=30 + pick)}
    if pick % 3 == 0:
        fields["expires_at"] = deployment.sim.now + timedelta(seconds=400)
    name = deployment.name()
    agent.process(name=name, uid=deployment.made)
    return agent.server.create_entry(
        spiffe_id=f"spiffe://example.org/{name}",
        parent_id=agent.spiffe_id,
        selectors=[f"unix:uid:{deployment.made}"],
        **fields,
    )


@act
def update_entry(deployment: Deployment, pick: int) -> object:
    server = deployment.server(pick)
    entry = one({entry.id: entry for entry in server.list_entries()}, pick)
    changed: Any = {"dns_names": [f"dns{pick}"], "x509_svid_ttl": timedelta(seconds=20 + pick)}
    return server.update_entry(entry.id, mask=list(changed), **changed)


@act
def delete_entry(deployment: Deployment, pick: int) -> object:
    server = deployment.server(pick)
    return server.delete_entry(one({entry.id: entry for entry in server.list_entries()}, pick).id)


@act
def ban_agent(deployment: Deployment, pick: int) -> None:
    agent = deployment.agent(pick)
    agent.server.ban_agent(agent.spiffe_id)


@act
def evict_agent(deployment: Deployment, pick: int) -> None:
    agent = deployment.agent(pick)
    agent.server.delete_agent(agent.spiffe_id)


@act
def attest(deployment: Deployment, pick: int) -> None:
    deployment.agent(pick).attest()


@act
def nest(deployment: Deployment, pick: int) -> object:
    return deployment.server(pick).nest(deployment.name())


@act
def agent(deployment: Deployment, pick: int) -> object:
    return deployment.server(pick).agent(deployment.name())


# Authorities by force; what SPIRE's preconditions forbid is an answer like any other.


@act
def prepare_x509(deployment: Deployment, pick: int) -> None:
    deployment.server(pick).prepare_x509_authority()


@act
def activate_x509(deployment: Deployment, pick: int) -> None:
    server = deployment.server(pick)
    server.activate_x509_authority(there(server.get_x509_authority_state().prepared).authority_id)


@act
def taint_x509(deployment: Deployment, pick: int) -> None:
    server = deployment.server(pick)
    server.taint_x509_authority(there(server.get_x509_authority_state().old).authority_id)


@act
def revoke_x509(deployment: Deployment, pick: int) -> None:
    server = deployment.server(pick)
    server.revoke_x509_authority(there(server.get_x509_authority_state().old).authority_id)


@act
def replace_x509(deployment: Deployment, pick: int) -> None:
    """Prepare, activate, and taint the one that signed till now, in one go."""
    for step in (prepare_x509, activate_x509, taint_x509):
        step(deployment, pick)


@act
def taint_upstream(deployment: Deployment, pick: int) -> None:
    """Taint, below, whatever signed the CA that was active before."""
    server = deployment.server(pick)
    old = there(server.get_x509_authority_state().old)
    server.taint_x509_upstream_authority(old.upstream_authority_subject_key_id)


@act
def prepare_jwt(deployment: Deployment, pick: int) -> None:
    deployment.server(pick).prepare_jwt_authority()


@act
def activate_jwt(deployment: Deployment, pick: int) -> None:
    server = deployment.server(pick)
    server.activate_jwt_authority(there(server.get_jwt_authority_state().prepared).authority_id)


@act
def taint_jwt(deployment: Deployment, pick: int) -> None:
    server = deployment.server(pick)
    server.taint_jwt_authority(there(server.get_jwt_authority_state().old).authority_id)


@act
def revoke_jwt(deployment: Deployment, pick: int) -> None:
    server = deployment.server(pick)
    server.revoke_jwt_authority(there(server.get_jwt_authority_state().old).authority_id)


# Faults


def link(deployment: Deployment, pick: int) -> tuple[Server | Agent, Server]:
    """A server or an agent, and the server that it calls."""
    daemon = deployment.daemon(pick)
    above = daemon.server if isinstance(daemon, Agent) else daemon.parent
    if above is None:
        raise NoneThereError
    return daemon, above


@act
def cut(deployment: Deployment, pick: int) -> None:
    deployment.sim.cut(*link(deployment, pick))


@act
def heal(deployment: Deployment, pick: int) -> None:
    deployment.sim.heal(*link(deployment, pick))


@act
def stop(deployment: Deployment, pick: int) -> None:
    deployment.sim.stop(deployment.daemon(pick))


@act
def start(deployment: Deployment, pick: int) -> None:
    deployment.sim.start(deployment.daemon(pick))


@act
def pause(deployment: Deployment, pick: int) -> None:
    deployment.sim.pause(deployment.daemon(pick))


@act
def resume(deployment: Deployment, pick: int) -> None:
    deployment.sim.resume(deployment.daemon(pick))


@act
def skew(deployment: Deployment, pick: int) -> None:
    deployment.sim.skew(deployment.daemon(pick), (0, 1.5, -2, 40, -300)[pick % 5])


@act
def slow(deployment: Deployment, pick: int) -> None:
    deployment.sim.slow(deployment.server(pick), 3 + pick)


@act
def fail(deployment: Deployment, pick: int) -> None:
    deployment.sim.fail(deployment.server(pick))


@act
def recover(deployment: Deployment, pick: int) -> None:
    deployment.sim.recover(deployment.server(pick))


@act
def lose_datastore(deployment: Deployment, pick: int) -> None:
    deployment.sim.lose_datastore(deployment.server(pick))


@act
def fork(deployment: Deployment, pick: int) -> None:
    """Go on with a copy of the world."""
    deployment.sim = deployment.sim.fork()


# ------------------------------------------------------------------------------------------------------- the worlds


@attrs.frozen
class Placed:
    """A server of a world, with its agents and workloads.

    Attributes:
        parent: The number of the server above it among those before it, modulo their number.
        ca_ttl: In seconds.
        svid_ttl: In seconds.
        agents: Whether each of its agents can attest again.
        workloads: The TTL of each of its workloads' SVIDs, in seconds.
    """

    parent: int
    ca_ttl: int
    svid_ttl: int
    agents: tuple[bool, ...] = (False,)
    workloads: tuple[int, ...] = ()

    @property
    def settings(self) -> Any:
        return {"ca_ttl": timedelta(seconds=self.ca_ttl), "default_x509_svid_ttl": timedelta(seconds=self.svid_ttl)}


@attrs.frozen
class Step:
    """So much time, and then what happens."""

    seconds: float
    act: str = "nothing"
    pick: int = 0


@attrs.frozen
class Plan:
    """A world, and what becomes of it."""

    servers: tuple[Placed, ...]
    steps: tuple[Step, ...]
    seed: int = 0

    def deployment(self, prepare: Callable[[Simulation], Simulation], *, debug: bool = False) -> Deployment:
        first, *others = self.servers
        level: Level = "debug" if debug else "info"
        sim = prepare(Simulation("example.org", seed=self.seed, journal=level, **first.settings))
        made = [sim.root]
        for number, placed in enumerate(others, 1):
            made.append(made[placed.parent % number].nest(f"server{number}", **placed.settings))
        for server, placed in zip(made, self.servers, strict=True):
            self._populate(server, placed)
        return Deployment(sim)

    def _populate(self, server: Server, placed: Placed) -> None:
        for number, again in enumerate(placed.agents):
            attestor = None
            if again:
                ca = ExternalCa(f"nodes of {server.name}")
                server.node_attestors["x509pop"] = X509PopVerifier([ca.certificate])
                attestor = X509PopAttestor(*ca.issue(f"{server.name} {number}"))
            made = server.agent(f"{server.name} agent {number}", attestor=attestor)
            for place, ttl in enumerate(placed.workloads):
                path = f"/{server.name}/{number}/{place}"
                made.workload(path, x509_svid_ttl=timedelta(seconds=ttl) if ttl else None)

    def run(self, deployment: Deployment) -> list[object]:
        """Let it all happen; what was answered."""
        answers: list[object] = []
        for step in self.steps:
            deployment.sim.advance(seconds=step.seconds)
            answers.append(answer(partial(ACTS[step.act], deployment, step.pick)))
        return answers


def answer(call: Callable[[], object]) -> object:
    """What somebody is told who asks, be it an error of ours."""
    try:
        return call()
    except (SpiffeSimError, NoneThereError) as error:
        return str(error)


def documents(sim: Simulation) -> Iterator[tuple[str, object]]:
    """Everything that can be looked at."""
    for server in sim.servers.values():
        yield from ((server.name, answer(partial(look, server))) for look in (_own_chain, _entries, _nodes))
        yield server.name, server.bundle
    for agent in sim.agents.values():
        yield agent.name, answer(partial(_own_chain, agent))
        yield agent.name, (agent.view.bundle, agent.stopped)
    for workload in sim.workloads.values():
        yield workload.name, answer(partial(_held, workload))
        yield workload.name, answer(partial(_token, workload))


def _own_chain(node: Server | Agent) -> object:
    return node.svid.chain


def _entries(server: Server) -> object:
    return [(entry.id, entry.revision_number) for entry in server.list_entries()]


def _nodes(server: Server) -> object:
    return [(node.spiffe_id, node.serial_number) for node in server.list_agents()]


def _held(workload: Workload) -> object:
    return [(svid.chain, svid.private_key_der) for svid in workload.fetch_x509_svids()]


def _token(workload: Workload) -> object:
    return workload.fetch_jwt_svid(audience="peer").token


def outcome(plan: Plan, prepare: Callable[[Simulation], Simulation], *, debug: bool) -> dict[str, object]:
    """All that can be told of a plan afterwards."""
    deployment = plan.deployment(prepare, debug=debug)
    answers = [str(said) for said in plan.run(deployment)]
    seen = list(documents(deployment.sim))
    return {"journal": deployment.sim.journal.json_lines(), "answers": answers, "documents": seen}


def compare(plan: Plan) -> dict[str, object]:
    """Run a plan under both engines, with a journal of everything and without."""
    told: dict[str, object] = {}
    for debug in (False, True):
        told, ticked = (outcome(plan, prepare, debug=debug) for prepare in (as_it_is, naive))
        for kind in told:
            assert told[kind] == ticked[kind], f"{kind}, {debug=}"
    return told


def as_it_is(sim: Simulation) -> Simulation:
    return sim


def plans() -> st.SearchStrategy[Plan]:
    """Small worlds, in which much happens in little time."""
    seconds = st.one_of(
        st.floats(0, 12, width=32), st.sampled_from((0.5, 5, 10, 60)), st.integers(1, 600), st.just(HOUR / 4)
    )
    placed = st.builds(
        Placed,
        parent=st.integers(0, 4),
        ca_ttl=st.sampled_from((60, 75, 180, 600, HOUR, 24 * HOUR)),
        svid_ttl=st.sampled_from((20, 40, 61, 300, HOUR)),
        agents=st.lists(st.booleans(), max_size=2).map(tuple),
        workloads=st.lists(st.sampled_from((0, 20, 33, 90, 3 * HOUR)), max_size=3).map(tuple),
    )
    steps = st.builds(Step, seconds=seconds, act=st.sampled_from(sorted(ACTS)), pick=st.integers(0, 20))
    return st.builds(
        Plan,
        servers=st.lists(placed, min_size=1, max_size=4).map(tuple),
        steps=st.lists(steps, min_size=1, max_size=8).map(tuple),
        seed=st.integers(0, 99),
    )


EVERYTHING: Final = (
    *(("create_entry", 1), ("workload", 2), ("update_entry", 0), ("fetch_jwt_svid", 2), ("settle", 0), ("nothing", 0)),
    *(("prepare_x509", 0), ("activate_x509", 0), ("taint_x509", 0), ("fetch_x509_svid", 1), ("revoke_x509", 0)),
    *(("prepare_jwt", 1), ("activate_jwt", 1), ("taint_jwt", 1), ("revoke_jwt", 1), ("replace_x509", 1)),
    *(
        ("taint_upstream", 2),
        ("cut", 2),
        ("cut", 5),
        ("heal", 2),
        ("heal", 5),
        ("pause", 1),
        ("pause", 4),
        ("resume", 1),
    ),
    *(("resume", 4), ("skew", 8), ("fork", 0), ("skew", 5), ("slow", 1), ("fail", 2), ("recover", 1), ("recover", 2)),
    *(("stop", 1), ("stop", 6), ("start", 1), ("start", 6), ("nest", 0), ("agent", 1), ("lose_datastore", 2)),
    *(("delete_entry", 1), ("evict_agent", 0), ("attest", 0), ("evict_agent", 1), ("ban_agent", 2), ("nothing", 0)),
)


def in_turn(seconds: Sequence[float], acts: Iterable[tuple[str, int]]) -> Iterator[Step]:
    """One act after another, with these spans of time between them."""
    for span, (name, pick) in zip(cycle(seconds), acts, strict=False):
        yield Step(span, name, pick)


def look(after: float, before: float) -> Iterator[Step]:
    """Ask for an SVID eight times a second."""
    yield Step(after, "fetch_x509_svid", 0)
    yield from (Step(0.125, "fetch_x509_svid", 0) for _ in range(int(8 * (before - after))))


EXAMPLES: Final = (
    # SPIRE's suite: a root and an intermediate of an hour, a leaf of 90 s
    Plan(
        (
            Placed(0, HOUR, HOUR, workloads=(0,)),
            Placed(0, HOUR, 300, workloads=(60, 90)),
            Placed(1, 90, 20, (False, True), workloads=(0, 30)),
        ),
        (Step(120.25), Step(600, "fetch_x509_svid", 3), Step(0.5, "create_entry", 2), Step(900, "fetch_jwt_svid", 1)),
        seed=1,
    ),
    # everything that can happen, one after another
    Plan(
        (
            Placed(0, 3 * HOUR, 300, (True, False), (0, 40)),
            Placed(0, HOUR, 200, (False,), (20, 0)),
            Placed(1, 600, 90, (True,), (25,)),
        ),
        tuple(in_turn((5, 0.5, 31.125, 10, 0, 73), EVERYTHING)),
        seed=2,
    ),
    # a close look at how an entry gets to a new agent, and to one that has synced for a while
    Plan(
        (Placed(0, HOUR, HOUR, (False,)),),
        (Step(0, "create_entry", 1), *look(5, 5.4), Step(42.5, "create_entry", 1), *look(0, 11)),
        seed=0,  # the first tick would be late, if it did not come after five seconds
    ),
    # what only a long time brings about: agents renew, and sync on their own
    Plan(
        (Placed(0, 3 * HOUR, 1200, (True, False), (0, 600)),), (Step(2 * HOUR), Step(HOUR, "update_entry", 1)), seed=3
    ),
)


@given(plan=plans())
@example(plan=EXAMPLES[0])
@example(plan=EXAMPLES[1])
@example(plan=EXAMPLES[2])
@example(plan=EXAMPLES[3])
@few(12)
def test_both_engines_tell_the_same_story(plan: Plan) -> None:
    told = compare(plan)
    event(f"{len(plan.servers)} servers")
    assert "X509 CA activated" in str(told["journal"])


# ---------------------------------------------------------------------------------------------------- planted bugs

Plant: TypeAlias = Callable[[pytest.MonkeyPatch], None]


def a_tick_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Grid.next

    def following(self: Grid, instant: int, *, after: bool = False) -> int:
        return right(self, right(self, instant, after=after), after=True)

    monkeypatch.setattr(Grid, "next", following)


def one_too_late_only_when_a_tick_has_been(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Grid.next

    def following(self: Grid, instant: int, *, after: bool = False) -> int:
        at = right(self, instant)
        return right(self, at, after=True) if after else at

    monkeypatch.setattr(Grid, "next", following)


def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Grid, "at", lambda self, tick: self.start + tick * self.period)


def no_early_first_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Grid.at
    monkeypatch.setattr(Grid, "at", lambda self, tick: right(Grid(self.start, self.period, self.jitter), tick))


def nobody_is_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(self: Server) -> None:
        self.revision += 1

    monkeypatch.setattr(Server, "changed", changed)


def only_the_server_is_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(self: Server) -> None:
        self.revision += 1
        self.wake()

    monkeypatch.setattr(Server, "changed", changed)


def due_too_late(loop: type[Loop], by: int) -> Plant:
    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        right = loop.due

        def due(self: Loop) -> int | None:
            at = right(self)
            return None if at is None else max(at, self.node.world.now) + by * SECOND

        monkeypatch.setattr(loop, "due", due)

    plant.__name__ = f"{loop.name}_{by}_s_too_late"
    return plant


PLANTS: Final[tuple[Plant, ...]] = (
    a_tick_too_late,
    one_too_late_only_when_a_tick_has_been,
    no_jitter,
    no_early_first_tick,
    nobody_is_woken,
    only_the_server_is_woken,
    due_too_late(CaRotator, 10),
    due_too_late(EntryReloader, 5),
    due_too_late(Synchronizer, 6),
    due_too_late(agentloops.SvidRotator, 6),
    due_too_late(serverloops.SvidRotator, 5),
)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    assert any(parts(plan) for plan in EXAMPLES)


def parts(plan: Plan) -> bool:
    """Whether the engines tell different stories."""
    try:
        compare(plan)
    except AssertionError:
        return True
    return False


def test_everything_that_can_happen_is_among_the_examples() -> None:
    assert {step.act for plan in EXAMPLES for step in plan.steps} == set(ACTS)
