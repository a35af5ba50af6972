"""Every fault, its inverse, and what happens in between; told under both engines."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest

from spiffesim import Simulation
from spiffesim.errors import (
    ClockError,
    InvalidInput,
    InvalidTopology,
    NoIdentityIssued,
    Refused,
    SpiffeSimError,
    Unavailable,
)
from spiffesim.server import Server
from spiffesim.workload import Workload
from tests.oracles.naive import naive

Story = Callable[[Simulation], object]


def world(sim: Simulation) -> Simulation:
    """A root and a nested server, both with their keys on disk, and a workload on each."""
    nested = sim.root.nest("nested", key_manager="disk")
    nested.workload("/web")
    sim.workload("/db")
    sim.advance(seconds=20)
    return sim


def told(story: Story, **options: object) -> Simulation:
    """The world after a story, which both engines tell alike."""
    settings: dict[str, object] = {"seed": 1, "key_manager": "disk", "ca_ttl": timedelta(hours=2), **options}
    fast, slow = (world(engine(Simulation("example.org", **settings))) for engine in (lambda sim: sim, naive))  # type: ignore[arg-type]
    for sim in (fast, slow):
        story(sim)
    assert fast.journal.json_lines() == slow.journal.json_lines()
    assert chains(fast) == chains(slow)
    return fast


def chains(sim: Simulation) -> list[object]:
    return [answer(workload) for workload in sim.workloads.values()]


def answer(workload: Workload) -> object:
    try:
        return workload.fetch_x509_svid().chain
    except SpiffeSimError as error:
        return str(error)


def kinds(sim: Simulation, node: str) -> list[str]:
    return list(dict.fromkeys(event.kind for event in sim.journal.where(node=node)))


def runs(sim: Simulation, node: str = "nested") -> bool:
    return sim.servers[node].running


def count(sim: Simulation, kind: str, node: str) -> int:
    return len(sim.journal.where(kind=kind, node=node))


def validates(sim: Simulation) -> bool:
    return bool(sim.workloads["db"].validate_x509_svid(sim.workloads["web"].fetch_x509_svid()))


# Links


def test_an_agent_that_is_cut_off_serves_what_it_has_and_recovers_when_healed() -> None:
    def story(sim: Simulation) -> None:
        first = sim.workloads["web"].fetch_x509_svid()
        sim.cut("nested-agent", sim.servers["nested"])
        sim.advance(minutes=40)
        assert sim.workloads["web"].fetch_x509_svid() == first  # past its half-life
        sim.heal("nested", "nested-agent")
        sim.advance(minutes=5)
        assert sim.workloads["web"].fetch_x509_svid() != first

    sim = told(story)
    assert count(sim, "Synchronize failed", "nested-agent") > 5
    assert validates(sim)


def test_an_agent_that_is_cut_off_until_its_svid_has_expired_ends_and_can_be_started() -> None:
    # SPIRE issue 1562: after a long outage the agent's SVID has expired.
    def story(sim: Simulation) -> None:
        sim.cut("root", "root-agent")
        sim.advance(hours=1, minutes=10)
        assert sim.agents["root-agent"].stopped
        with pytest.raises(Unavailable):
            sim.workloads["db"].fetch_x509_svid()
        sim.heal("root", "root-agent")
        sim.start("root-agent")
        sim.advance(minutes=3)

    told(story)


def test_cutting_and_healing_twice_is_one_event_each() -> None:
    def story(sim: Simulation) -> None:
        for verb in (sim.heal, sim.cut, sim.cut, sim.heal, sim.heal):
            verb("root", "nested")

    sim = told(story)
    assert count(sim, "Link cut", "root") == count(sim, "Link healed", "root") == 1


@pytest.mark.parametrize("pair", [("root", "nested-agent"), ("nested", "nested"), ("nested-agent", "root-agent")])
def test_what_does_not_talk_cannot_be_cut(pair: tuple[str, str]) -> None:
    sim = world(Simulation("example.org", seed=1))
    with pytest.raises(InvalidTopology, match=f"no link between {pair[0]} and {pair[1]}; {pair[0]} can be cut from"):
        sim.cut(*pair)
    sim.cut("nested", "root-agent")
    sim.cut("nested", "nested-agent")


def test_only_nodes_of_this_simulation_can_be_broken() -> None:
    sim, other = Simulation("example.org", seed=1), Simulation("example.org", seed=1)
    web = sim.workload("/web")
    for stranger in ("nobody", web, other.root, None, 7):
        with pytest.raises(InvalidInput, match="no server and no agent of this simulation"):
            sim.stop(stranger)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="this is for servers"):
        sim.lose_datastore("root-agent")
    with pytest.raises(InvalidTopology, match="root can be cut from nobody"):
        other.cut("root", "root")


def test_two_trust_domains_can_be_cut_from_each_other() -> None:
    sim = Simulation("example.org", seed=1)
    other = sim.add_trust_domain("example.com")
    sim.cut(sim.root, other)
    assert not sim.world.reaches(other, sim.root)
    sim.heal(other, sim.root)
    assert sim.world.reaches(other, sim.root)


def test_a_world_with_faults_pickles() -> None:
    sim = world(Simulation("example.org", seed=1, key_manager="disk"))
    sim.cut("root", "nested")
    sim.advance(minutes=1)
    sim.pause("nested-agent")
    copy = pickle.loads(pickle.dumps(sim))
    for each in (sim, copy):
        each.heal("root", "nested")
        each.resume("nested-agent")
        each.advance(minutes=30)
    assert copy.journal.digest() == sim.journal.digest()


# The server above is gone


def test_a_nested_server_that_is_cut_off_polls_in_vain_and_lives_on_its_ca() -> None:
    # Server reference: current CA keeps signing until its end, then every signature fails.
    def story(sim: Simulation) -> None:
        sim.cut("nested", "root")
        sim.advance(minutes=65)
        assert validates(sim)
        sim.advance(minutes=60)
        with pytest.raises(Refused, match="already expired"):
            sim.servers["nested"].mint_x509_svid("spiffe://example.org/late")
        sim.heal("nested", "root")
        sim.advance(minutes=5)

    sim = told(story)
    polls = sim.journal.where(kind="Failed to fetch bundle while polling", node="nested")
    assert polls[0].data["error"] == (
        "rpc error: code = Internal desc = failed to get bundle: rpc error: code = Unavailable desc = connection error: "
        'desc = "transport: Error while dialing: dial tcp: connect: connection refused"'
    )
    (cut,) = sim.journal.where(kind="Link cut", node="nested")
    assert (polls[0].at - cut.at) == (polls[1].at - polls[0].at) == timedelta(seconds=5)
    rotations = sim.journal.where(kind="Unable to rotate X509 CA", node="nested")
    assert "unable to request a new Downstream X509CA: rpc error: code = Unavailable" in rotations[0].data["error"]
    assert (rotations[1].at - rotations[0].at) == timedelta(seconds=10)
    keys = sim.journal.where(kind="Unable to rotate JWT key", node="nested")
    assert "failed to push JWT authority: rpc error: code = Unavailable" in keys[0].data["error"]
    assert sim.servers["nested"].not_after > sim.now


def test_after_a_long_outage_the_channel_is_dialled_within_144_seconds() -> None:
    back: list[timedelta] = []

    def story(sim: Simulation) -> None:
        sim.cut("nested", "root")
        sim.advance(hours=1)
        before = len(sim.journal.where(kind="Failed to fetch bundle while polling"))
        sim.heal("nested", "root")
        sim.advance(seconds=150)
        polls = sim.journal.where(kind="Failed to fetch bundle while polling")
        back.append(polls[-1].at - polls[before - 1].at)

    sim = told(story)
    assert timedelta(seconds=5) <= back[0] <= timedelta(seconds=144)
    channel = sim.servers["nested"].channel
    assert channel is not None
    assert channel.connected


def test_a_short_outage_is_over_with_the_next_dial() -> None:
    def story(sim: Simulation) -> None:
        sim.cut("nested", "root")
        sim.advance(seconds=1)
        sim.heal("nested", "root")
        sim.advance(seconds=10)

    assert count(told(story), "Failed to fetch bundle while polling", "nested") <= 1


def test_a_parent_that_stops_and_starts_with_its_keys_on_disk_is_the_same_as_before() -> None:
    def story(sim: Simulation) -> None:
        sim.stop("root")
        sim.advance(minutes=3)
        with pytest.raises(Unavailable, match="root: Server stopped gracefully; start it"):
            sim.root.list_entries()
        sim.start("root")
        sim.advance(minutes=10)

    sim = told(story)
    assert sim.root.running
    assert len(sim.root.bundle.x509_authorities) == 1
    assert validates(sim)
    assert count(sim, "Synchronize failed", "root-agent") > 1


def test_a_server_whose_keys_are_in_memory_comes_back_with_another_ca() -> None:
    def story(sim: Simulation) -> None:
        sim.stop("root")
        sim.start("root")
        sim.advance(minutes=1)

    sim = told(story, key_manager="memory")
    assert len(sim.root.bundle.x509_authorities) == 2
    assert sim.agents["root-agent"].stopped  # it does not know the new root, and cannot ask
    assert "unknown authority" in sim.agents["root-agent"].stopped


def test_stopping_and_starting_twice_does_nothing() -> None:
    def story(sim: Simulation) -> None:
        for verb in (sim.start, sim.stop, sim.stop, sim.start, sim.start):
            for node in ("nested", "nested-agent"):
                verb(node)
        sim.advance(minutes=1)

    sim = told(story)
    assert count(sim, "Server stopped gracefully", "nested") == 1
    assert count(sim, "Agent stopped gracefully", "nested-agent") == 1
    assert count(sim, "Starting", "nested") == 1
    assert validates(sim)


# A nested server starts again


def restarted(sim: Simulation, node: str = "nested") -> Server:
    sim.stop(node)
    sim.start(node)
    return sim.servers[node]


def test_a_restarted_server_with_a_journal_dies_after_five_seconds_without_its_parent() -> None:
    def story(sim: Simulation) -> None:
        sim.cut("nested", "root")
        nested = restarted(sim)
        assert runs(sim)  # it serves from the CA that it has
        sim.advance(seconds=4)
        assert runs(sim)
        sim.advance(seconds=1)
        assert nested.stopped.startswith(
            "Server crashed: upstreamauthority(spire): failed to fetch bundle from upstream"
        )
        sim.heal("nested", "root")
        sim.advance(minutes=1)
        assert not runs(sim)
        sim.start("nested")
        sim.advance(minutes=5)
        assert runs(sim)

    sim = told(story)
    assert count(sim, "Fatal run error", "nested") == 1
    assert validates(sim)


def test_a_restarted_server_that_has_to_mint_dies_at_once_without_its_parent() -> None:
    def story(sim: Simulation) -> None:
        sim.cut("nested", "root")
        sim.advance(minutes=65)
        assert "unable to request a new Downstream X509CA" in restarted(sim).stopped
        sim.heal("nested", "root")
        sim.start("nested")
        sim.advance(minutes=10)
        assert sim.servers["nested"].running

    sim = told(story)
    assert count(sim, "Fatal run error", "nested") == 1
    assert validates(sim)


def test_a_first_start_of_new_keys_without_the_parent_fails() -> None:
    sim = Simulation("example.org", seed=1)
    sim.root.nest("nested")
    sim.cut("nested", "root")
    assert "unable to request a new Downstream X509CA" in restarted(sim).stopped
    sim.heal("nested", "root")
    sim.start("nested")
    assert runs(sim)


def test_a_restarted_server_hangs_while_the_workload_api_is_silent_and_starts_by_itself() -> None:
    def story(sim: Simulation) -> None:
        sim.cut("nested", "root-agent")
        sim.stop("nested")
        sim.advance(minutes=65)  # a new CA is due
        sim.start("nested")
        nested = sim.servers["nested"]
        assert nested.stopped == "starting: waiting for the Workload API"
        sim.start("nested")  # it is starting already
        sim.advance(minutes=10)
        assert not runs(sim)
        sim.heal("nested", "root-agent")
        sim.advance(seconds=30)
        assert runs(sim)
        sim.advance(minutes=10)

    sim = told(story)
    waits = [event.at for event in sim.journal.where(kind="Failed to watch the Workload API", node="nested")]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(waits)]
    assert gaps[:4] == [1, 2, 3, 4]
    assert gaps[-1] == 30 or len(gaps) < 30
    assert count(sim, "Fatal run error", "nested") == 0


def test_a_server_that_starts_and_hangs_can_be_stopped() -> None:
    def story(sim: Simulation) -> None:
        sim.stop("root-agent")
        sim.stop("nested")
        sim.advance(minutes=65)
        sim.start("nested")
        sim.advance(minutes=1)
        sim.stop("nested")
        sim.advance(minutes=1)
        assert sim.servers["nested"].stopped == "Server stopped gracefully"

    told(story)


def test_a_restarted_server_with_a_journal_waits_for_the_workload_api_and_serves_meanwhile() -> None:
    def story(sim: Simulation) -> None:
        sim.cut("nested", "root-agent")
        nested = restarted(sim)
        sim.advance(minutes=1)
        assert runs(sim)
        assert nested.waits
        sim.advance(minutes=65)
        assert count(sim, "Unable to rotate X509 CA", "nested") == 0  # it is stuck inside the call
        sim.heal("nested", "root-agent")
        sim.advance(minutes=1)
        assert not sim.servers["nested"].waits
        sim.advance(hours=1)

    sim = told(story)
    assert validates(sim)


def test_a_server_without_an_entry_hangs_at_its_start() -> None:
    def story(sim: Simulation) -> None:
        (entry,) = sim.root.list_entries(downstream=True)
        sim.stop("nested")
        sim.root.delete_entry(entry.id)
        sim.advance(minutes=65)
        sim.start("nested")
        sim.advance(hours=1)
        assert sim.servers["nested"].stopped == "starting: waiting for the Workload API"

    sim = told(story)
    assert "no identity issued" in sim.journal.where(kind="Failed to watch the Workload API")[0].data["error"]


# The entry above is gone, or the agent beside


def test_a_downstream_without_entry_is_refused_at_once_and_polls_until_its_svid_ends() -> None:
    def story(sim: Simulation) -> None:
        (entry,) = sim.root.list_entries(downstream=True)
        sim.advance(minutes=1)
        ends.append(sim.servers["nested"].channel.default_svid.not_after)  # type: ignore[union-attr]
        sim.root.delete_entry(entry.id)
        sim.advance(hours=2)

    ends: list[int] = []
    sim = told(story)
    first = sim.journal.where(kind="Failed to fetch bundle while polling", node="nested")[0]
    assert ends[0] < first.instant <= ends[0] + 200_000_000  # at the first reconnection after its end
    assert "remote error: tls: bad certificate" in first.data["error"]


def test_a_nested_server_outlives_its_agent_until_its_svid_ends() -> None:
    def story(sim: Simulation) -> None:
        sim.stop("root-agent")
        sim.advance(minutes=20)
        assert count(sim, "Failed to fetch bundle while polling", "nested") == 0
        sim.advance(minutes=50)
        assert count(sim, "Failed to fetch bundle while polling", "nested") > 0
        sim.start("root-agent")
        sim.advance(minutes=5)

    sim = told(story, agent_ttl=timedelta(hours=2))
    channel = sim.servers["nested"].channel
    assert channel is not None
    assert channel.connected


# Clocks


def test_an_agent_whose_clock_is_a_day_fast_trusts_nobody_until_it_is_set_right() -> None:
    def story(sim: Simulation) -> None:
        sim.skew("nested-agent", 24 * 3600)
        sim.advance(minutes=1)
        sim.skew("nested-agent", 0)
        sim.advance(minutes=10)

    sim = told(story)
    failures = sim.journal.where(node="nested-agent")
    assert any("x509: certificate has expired or is not yet valid" in str(event) for event in failures)


def test_a_server_whose_clock_is_slow_refuses_those_who_are_right() -> None:
    def story(sim: Simulation) -> None:
        sim.skew("nested", -3600)
        sim.cut("nested", "nested-agent")
        sim.advance(seconds=10)
        sim.heal("nested", "nested-agent")
        sim.advance(minutes=2)
        sim.skew("nested", 0)
        sim.advance(minutes=10)

    sim = told(story)
    assert any("tls: bad certificate" in str(event) for event in sim.journal.where(node="nested-agent"))
    assert sim.agents["nested-agent"].running
    assert validates(sim)


def test_a_small_skew_disturbs_nobody() -> None:
    def story(sim: Simulation) -> None:
        sim.skew("nested", 5)
        sim.skew("nested", 5)
        sim.skew("nested-agent", -3)
        sim.advance(hours=2)

    sim = told(story)
    assert count(sim, "Synchronize failed", "nested-agent") == 0
    assert count(sim, "Clock set", "nested") == 1
    assert validates(sim)


def test_a_clock_shows_no_time_beyond_the_year_9999() -> None:
    sim = Simulation("example.org", seed=1)
    with pytest.raises(ClockError):
        sim.skew("root", 3e11)
    for nonsense in ("1", None, float("nan"), 1e300):
        with pytest.raises(InvalidInput, match="a number of seconds"):
            sim.skew("root", nonsense)  # type: ignore[arg-type]
    assert sim.root.skew == 0


# Suspended machines


def test_an_agent_that_sleeps_answers_nobody_and_goes_on_where_it_was() -> None:
    def story(sim: Simulation) -> None:
        sim.pause("root-agent")
        sim.pause("root-agent")
        with pytest.raises(Unavailable):
            sim.workloads["db"].fetch_x509_svid()
        sim.advance(minutes=31)
        assert count(sim, "Synchronize failed", "root-agent") == 0
        sim.resume("root-agent")
        sim.resume("root-agent")
        sim.advance(minutes=1)
        sim.workloads["db"].fetch_x509_svid()

    sim = told(story)
    assert count(sim, "Machine suspended", "root-agent") == count(sim, "Machine resumed", "root-agent") == 1


def test_what_was_left_to_wait_is_waited_after_a_pause() -> None:
    sim = world(Simulation("example.org", seed=1))
    rotator = sim.root.loops[0]
    before = rotator.grid
    sim.pause("root")
    sim.advance(seconds=33)
    sim.resume("root")
    assert before is not None
    assert rotator.grid is not None
    assert rotator.grid.start - before.start == 33_000_000


def test_a_laptop_that_sleeps_for_longer_than_its_svid_lives_comes_back_expired() -> None:
    def story(sim: Simulation) -> None:
        sim.pause("nested-agent")
        sim.advance(hours=3)
        sim.resume("nested-agent")
        sim.advance(minutes=10)

    sim = told(story)
    assert sim.agents["nested-agent"].stopped  # a join token is good once


def test_a_server_that_sleeps_is_unreachable_from_all_sides() -> None:
    def story(sim: Simulation) -> None:
        sim.pause("root")
        sim.advance(minutes=10)
        with pytest.raises(Unavailable, match="root is suspended; resume it"):
            sim.root.list_entries()
        sim.resume("root")
        sim.advance(minutes=5)
        sim.pause("nested")
        sim.advance(minutes=10)
        sim.resume("nested")
        sim.advance(minutes=5)

    sim = told(story)
    assert count(sim, "Failed to fetch bundle while polling", "nested") > 10
    assert count(sim, "Synchronize failed", "root-agent") > 1
    assert validates(sim)


def test_who_sleeps_can_be_stopped_and_who_is_stopped_cannot_sleep() -> None:
    def story(sim: Simulation) -> None:
        sim.pause("nested")
        sim.stop("nested")
        with pytest.raises(InvalidInput, match="nested does not run"):
            sim.pause("nested")
        sim.start("nested")
        sim.advance(minutes=1)

    assert told(story).servers["nested"].running


# Upstream authorities


def test_an_upstream_authority_that_fails_is_noted_until_it_recovers() -> None:
    def story(sim: Simulation) -> None:
        sim.fail("nested", "out of order")
        sim.advance(minutes=65)
        sim.recover("nested")
        sim.recover("nested")
        sim.advance(minutes=1)

    sim = told(story)
    rotations = sim.journal.where(kind="Unable to rotate X509 CA", node="nested")
    assert rotations[0].data["error"] == "upstreamauthority(spire): out of order"
    assert rotations[-1].at < sim.now - timedelta(seconds=50)
    assert count(sim, "Upstream authority recovered", "nested") == 1


def test_a_jwt_key_that_takes_too_long_is_not_used_although_it_is_known_above() -> None:
    def story(sim: Simulation) -> None:
        sim.slow("nested", 6)
        sim.advance(minutes=62)
        assert len(sim.root.view.jwt_authorities) > len(sim.servers) + 1
        sim.slow("nested", 4)
        sim.advance(minutes=1)

    sim = told(story)
    late = sim.journal.where(kind="Unable to rotate JWT key", node="nested")
    assert "context deadline exceeded" in late[0].data["error"]
    assert late[-1].at < sim.now - timedelta(seconds=50)


def test_the_delays_on_the_way_up_add_up() -> None:
    def story(sim: Simulation) -> None:
        deep = sim.servers["nested"].nest("deep", key_manager="disk")
        sim.advance(seconds=20)
        sim.slow("nested", 3)
        sim.slow("deep", 3)
        sim.advance(minutes=65)
        assert deep.running

    sim = told(story)
    assert count(sim, "Unable to rotate JWT key", "nested") == 0
    assert count(sim, "Unable to rotate JWT key", "deep") > 0


def test_a_self_signed_root_has_no_upstream_authority_to_break() -> None:
    sim = Simulation("example.org", seed=1)
    for verb in (sim.fail, lambda server: sim.slow(server, 1)):
        with pytest.raises(InvalidInput, match="its CA is self-signed"):
            verb("root")
    sim.recover("root")


# Datastores


def test_a_server_that_loses_its_datastore_begins_anew() -> None:
    def story(sim: Simulation) -> None:
        sim.lose_datastore("nested")
        sim.advance(minutes=10)

    sim = told(story)
    nested = sim.servers["nested"]
    assert nested.running
    assert not nested.list_entries()
    assert nested.count_agents() == 0
    assert sim.agents["nested-agent"].stopped
    assert len(nested.bundle.x509_authorities) == 1


def test_a_root_that_loses_its_datastore_has_one_root_and_no_entries() -> None:
    def story(sim: Simulation) -> None:
        sim.stop("root")
        sim.lose_datastore("root")
        assert not sim.root.running
        sim.start("root")
        sim.advance(minutes=10)

    sim = told(story)
    assert len(sim.root.bundle.x509_authorities) == 1
    assert len(sim.root.bundle.jwt_authorities) == 1
    assert not sim.root.list_entries()
    assert sim.root.agent("another").workload("/new").fetch_x509_svid().chain


# Conveniences while something is broken


def test_conveniences_over_a_cut_link_are_refused_and_leave_nothing_behind() -> None:
    sim = world(Simulation("example.org", seed=1, key_manager="disk"))
    before = sim.root.count_entries(), sorted(sim.servers), sorted(sim.agents), sorted(sim.workloads)
    sim.cut("root", "root-agent")
    for make in (lambda: sim.workload("/new"), lambda: sim.root.nest("new")):
        with pytest.raises(Unavailable):
            make()
    sim.heal("root", "root-agent")
    sim.cut("root", "nested")
    with pytest.raises(SpiffeSimError):
        sim.servers["nested"].nest("new")
    sim.heal("root", "nested")
    sim.pause("root-agent")
    with pytest.raises(Unavailable):
        sim.workload("/new")
    sim.resume("root-agent")
    sim.stop("root")
    for refused in (lambda: sim.workload("/new"), lambda: sim.root.nest("new"), lambda: sim.root.agent("new")):
        with pytest.raises(Unavailable):
            refused()
    sim.start("root")
    assert before == (sim.root.count_entries(), sorted(sim.servers), sorted(sim.agents), sorted(sim.workloads))
    sim.advance(minutes=5)
    assert sim.workload("/new").fetch_x509_svid().chain
    assert sim.root.nest("newer").running


def test_a_workload_of_an_agent_that_has_ended_gets_nothing() -> None:
    sim = world(Simulation("example.org", seed=1))
    sim.stop("root-agent")
    with pytest.raises((Unavailable, NoIdentityIssued)):
        sim.workloads["db"].fetch_x509_svid()


def test_a_key_manager_is_known_by_its_name() -> None:
    with pytest.raises(InvalidInput, match="one of memory, disk"):
        Simulation("example.org", seed=1, key_manager="tape")
    assert Simulation("example.org", seed=1, key_manager="disk").root.keyring.key_manager.name == "disk"
