"""Forks: two worlds with one past, each going its own way."""

from __future__ import annotations

import gc
import pickle
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spiffesim import Simulation
from spiffesim.cli.tutorial import nested_tutorial
from spiffesim.errors import InvalidInput, SpiffeSimError
from spiffesim.fork import _RECORDS
from spiffesim.journal import diff
from spiffesim.keys import Draw
from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority
from spiffesim.randomness import Randomness
from tests.oracles.naive import naive

Action = tuple[str, int]


def made() -> Simulation:
    sim = Simulation("example.org", seed=1, ca_ttl=timedelta(hours=2), root="root")
    sim.root.nest("nested").workload("/db")
    sim.workload("/web")
    return sim


def act(sim: Simulation, action: Action) -> None:
    """Do something, and note in the journal that it was refused if it was."""
    name, number = action
    server = list(sim.servers.values())[number % len(sim.servers)]
    agent = list(sim.agents.values())[number % len(sim.agents)]
    calls: dict[str, Callable[[], object]] = {
        "advance": lambda: sim.advance(minutes=5 * number),
        "settle": sim.settle,
        "workload": lambda: server.workload(f"/w{number}"),
        "rsa": lambda: sim.root.agent(f"rsa-{number}", workload_key_type="rsa-2048").workload(f"/rsa/{number}"),
        "nest": lambda: server.nest(f"n{number}"),
        "delete entry": lambda: server.delete_entry(next((entry.id for entry in server.entries), "none")),
        "ban": lambda: agent.server.ban_agent(agent.spiffe_id),
        "evict": lambda: agent.server.delete_agent(agent.spiffe_id),
        "no jwt": server.disable_jwt_svids,
        "look": lambda: documents(sim),
    }
    try:
        calls[name]()
    except SpiffeSimError as error:
        sim.world.note("test", "refused", error=str(error))


NAMES = ("advance", "settle", "workload", "rsa", "nest", "delete entry", "ban", "evict", "no jwt", "look")
ACTIONS = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 60)), max_size=4)


def documents(sim: Simulation) -> list[object]:
    """All documents that anybody can get."""
    found: list[object] = [server.bundle for server in sim.servers.values()]
    for workload in sim.workloads.values():
        try:
            svid = workload.fetch_x509_svid()
            found += [svid.chain_der, svid.private_key_der, workload.fetch_jwt_svid(audience="a").token]
        except SpiffeSimError as error:
            found.append(str(error))
    return found


def told(sim: Simulation) -> tuple[str, list[object]]:
    return sim.journal.json_lines(), documents(sim)


def unforked(*actions: Action) -> Simulation:
    sim = made()
    for action in actions:
        act(sim, action)
    return sim


@given(past=ACTIONS, here=ACTIONS, there=ACTIONS)
@settings(max_examples=15, deadline=None)
def test_each_branch_is_as_if_there_were_no_other(past: list[Action], here: list[Action], there: list[Action]) -> None:
    original = unforked(*past)
    fork = original.fork()
    for number in range(4):  # by turns
        for sim, actions in ((original, here), (fork, there)):
            for action in actions[number : number + 1]:
                act(sim, action)
    assert told(fork) == told(unforked(*past, *there))
    assert told(original) == told(unforked(*past, *here))


def test_a_fork_has_the_same_past_and_streams() -> None:
    sim = made()
    fork = sim.fork()
    assert (fork.now, fork.seed, repr(fork)) == (sim.now, sim.seed, repr(sim))
    assert told(fork) == told(sim)
    for one in (sim, fork):
        one.advance(days=2)
    assert told(fork) == told(sim)
    sim.root.nest("only here")
    assert told(fork) != told(sim)
    assert "only here" not in fork.servers
    assert diff(sim.journal, fork.journal).common == len(fork.journal)


def test_a_fork_forks_and_pickles() -> None:
    sim = made()
    third = pickle.loads(pickle.dumps(sim.fork().fork()))
    for one in (sim, third):
        one.advance(hours=5)
    assert told(third) == told(sim)


def test_a_world_under_another_engine_forks_too() -> None:
    sim, slow = made(), naive(made()).fork()
    for one in (sim, slow):
        one.advance(hours=1)
    assert type(slow.world.timetable) is not type(sim.world.timetable)
    assert told(slow) == told(sim)


PARTS = {
    "CaSubject",
    "Jitter",
    "Profile",
    "Randomness",
    "Template",
    "_AuthorityId",
    "_Instant",
    "_KeyId",
    "_UpstreamAuthorityId",
}


def reachable(start: object) -> Iterator[Any]:
    seen, waiting = {id(start)}, [start]
    while waiting:
        found = waiting.pop()
        yield found
        for other in gc.get_referents(found):
            if id(other) not in seen and not isinstance(other, (type, ModuleType)) and not callable(other):
                seen.add(id(other))
                waiting.append(other)


def test_what_two_branches_share_never_changes() -> None:
    sim = nested_tutorial(1)
    sim.advance(days=2)
    fork = sim.fork()
    theirs = {id(found) for found in reachable(fork)}
    shared = {type(found) for found in reachable(sim) if id(found) in theirs}
    ours = {
        kind
        for kind in shared
        if kind.__module__.startswith("spiffesim.") and not kind.__module__.startswith("spiffesim.spiffe")
    }
    # Records, and what those are made of: of the streams, the draws, and not the counts.
    assert {kind.__name__ for kind in ours - _RECORDS} <= PARTS
    assert Randomness in ours
    assert Draw in shared
    assert sim.world.randomness is not fork.world.randomness


def test_a_world_thousands_of_servers_deep_forks() -> None:
    sim = Simulation(seed=1)
    deepest = sim.root
    for number in range(400):
        deepest = deepest.nest(f"s{number}")
    fork = sim.fork()
    assert len(fork.servers) == 401
    assert fork.servers["s399"].bundle == deepest.bundle


def test_plugins_go_along() -> None:
    corporate = ExternalCa("Corporate root")
    upstream = DiskUpstreamAuthority(certificate=corporate.certificate_pem, private_key=corporate.private_key_pem)
    sim = Simulation(seed=1, upstream_authority=upstream, ca_ttl=timedelta(hours=4))
    fork = sim.fork()
    assert fork.root.upstream_authority is not sim.root.upstream_authority
    for one in (sim, fork):
        one.advance(hours=12)
    assert told(fork) == told(sim)


def test_a_plugin_that_holds_a_lock_does_not() -> None:
    sim = Simulation(seed=1)
    sim.root.node_attestors["mine"] = threading.Lock()
    with pytest.raises(
        InvalidInput, match=r"^this world cannot be copied: cannot pickle '_thread.lock' object; "
    ) as caught:
        sim.fork()
    assert caught.value.code == "not_data"
    del sim.root.node_attestors["mine"]
    assert sim.fork().now == sim.now
