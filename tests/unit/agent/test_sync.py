"""Sync: what an agent does without its server, after it, and about authorities that are tainted."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from spiffesim import Simulation
from spiffesim.agent import Agent
from spiffesim.errors import Unavailable
from spiffesim.plugins.node_attestor.declared import DeclaredNodeAttestor
from spiffesim.spiffe.bundle import SpiffeBundle
from tests.oracles.naive import naive
from tests.unit.agents import create, kinds

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


@pytest.fixture
def sim() -> Simulation:
    return Simulation("example.org", seed=1)


@pytest.fixture
def agent(sim: Simulation) -> Agent:
    return sim.root.agent("one", attestor=DeclaredNodeAttestor("one"))


def when(sim: Simulation, kind: str) -> list[float]:
    return [event.instant / 1e6 for event in sim.journal.where(kind=kind, node="one")]


# Without the server


def test_failed_syncs_come_ever_less_often_up_to_four_minutes(sim: Simulation, agent: Agent) -> None:
    sim.cut(agent, sim.root)
    sim.advance(minutes=29)
    gaps = [after - before for before, after in pairwise(when(sim, "Synchronize failed"))]
    nominal = [7.5, 11.25, 16.875, 25.3125, 37.96875, 56.953125, 85.4296875, 128.14453125, 192.216796875, 240, 240, 240]
    assert len(gaps) >= 10
    for gap, step in zip(gaps, nominal, strict=False):
        assert 0.9 * step <= gap <= 1.1 * step + 0.001
    (first, *_) = sim.journal.where(kind="Synchronize failed")
    assert first.data["error"].startswith(
        "failed to fetch authorized entries: rpc error: code = Unavailable desc = connection error"
    )


def test_a_long_interval_backs_off_to_eight_minutes() -> None:
    sim = Simulation("example.org", seed=1, agent_ttl=2 * DAY)
    agent = sim.root.agent("one", sync_interval=timedelta(minutes=1))
    sim.cut(agent, sim.root)
    sim.advance(hours=3)
    gaps = [after - before for before, after in pairwise(when(sim, "Synchronize failed"))]
    assert gaps[0] == pytest.approx(90, rel=0.11)
    assert all(gap == pytest.approx(480, rel=0.11) for gap in gaps[6:])
    assert len(gaps) > 10


def test_what_is_held_is_served_while_the_server_is_away_even_past_its_end(sim: Simulation) -> None:
    sim = Simulation("example.org", seed=1, agent_ttl=DAY)
    agent = sim.root.agent("one")
    web = agent.workload("/web")
    late = agent.process(uid=1)
    create(agent, disable_x509_svid_prefetch=True)
    sim.settle()
    sim.advance(minutes=1)
    svid = web.fetch_x509_svid()
    sim.cut(agent, sim.root)
    stream = web.watch_x509()
    assert len(list(stream)) == 1
    sim.advance(hours=3)
    assert web.fetch_x509_svid() == svid
    assert svid.not_after < sim.now
    assert list(stream) == []  # open, and silent
    with pytest.raises(Unavailable, match="context deadline exceeded"):
        late.fetch_x509_svid()
    assert len(web.fetch_x509_bundles()) == 1
    sim.heal(agent, sim.root)
    sim.advance(minutes=5)
    (update,) = stream
    assert update.svids[0].not_after > sim.now
    late.fetch_x509_svid()


def test_a_token_past_its_half_life_is_served_until_it_has_ended(sim: Simulation, agent: Agent) -> None:
    web = agent.workload("/web")
    token = web.fetch_jwt_svid(audience="db")
    sim.cut(agent, sim.root)
    assert web.fetch_jwt_svid(audience="db") == token
    sim.advance(seconds=299)
    assert web.fetch_jwt_svid(audience="db") == token
    web.validate_jwt_svid(token, audience="db")
    sim.advance(seconds=1)
    with pytest.raises(Unavailable, match=r'unable to renew JWT for "spiffe://example\.org/web"') as refused:
        web.fetch_jwt_svid(audience="db")
    assert "rpc error: code = Unavailable desc = connection error" in refused.value.message


@pytest.mark.parametrize("again", [True, False])
def test_an_agent_outlives_its_server_until_a_renewal_fails_after_its_end(sim: Simulation, again: bool) -> None:
    agent = sim.root.agent("one", attestor=DeclaredNodeAttestor("one", can_reattest=again))
    end = agent.not_after
    sim.advance(seconds=1)
    sim.cut(agent, sim.root)
    sim.travel_to(end)
    assert not agent.stopped
    sim.advance(seconds=133)
    what = "reattest agent" if again else "rotate agent SVID"
    assert agent.stopped.startswith(f"current SVID has already expired and {what} failed: ")
    assert kinds(sim)[-1] == "Cache manager crashed"
    gaps = [after - before for before, after in pairwise(when(sim, f"Could not {what}"))]
    assert gaps[0] == pytest.approx(7.5, rel=0.11)
    assert max(gaps) <= 132.001


def test_an_agent_catches_up_with_all_that_happened_meanwhile(sim: Simulation, agent: Agent) -> None:
    create(agent)
    sim.cut(agent, sim.root)
    sim.advance(minutes=20)
    sim.settle()  # which goes over no link that is cut
    assert agent.cached_x509_svids == 0
    sim.heal(agent, sim.root)
    sim.settle()
    assert agent.cached_x509_svids == 1
    sim.advance(minutes=5)
    assert not agent.behind


# Tainted authorities


def taint(sim: Simulation) -> None:
    """Let the active root authority be tainted, once another one is active."""
    old = sim.root.get_x509_authority_state().active
    prepared = sim.root.prepare_x509_authority()
    assert old is not None
    sim.advance(seconds=6)
    sim.root.activate_x509_authority(prepared.authority_id)
    sim.root.taint_x509_authority(old.authority_id)


def test_svids_of_a_tainted_authority_are_minted_again_within_seconds(sim: Simulation, agent: Agent) -> None:
    web = agent.workload("/web")
    old, own = web.fetch_x509_svid(), agent.svid
    stream = web.watch_x509()
    assert len(list(stream)) == 1
    taint(sim)
    list(stream)
    sim.advance(seconds=12)
    updates = list(stream)  # no error in between: the sync that found it told of the old one
    assert updates[-1].svids[0] == web.fetch_x509_svid() != old
    assert agent.svid != own
    noted = kinds(sim)
    for kind in (
        "New tainted X.509 authorities found",
        "Scheduled rotation for SVID entries due to tainted X.509 authorities",
        "Agent SVID is tainted by a root authority, forcing rotation",
        "Tainted X.509 SVIDs",
        "Finished processing all tainted entries",
    ):
        assert noted.count(kind) == 1
    assert sim.journal.where(kind="Tainted X.509 SVIDs", node="one")[0].data == {"tainted_svids": 1}
    sim.advance(minutes=10)
    assert kinds(sim).count("New tainted X.509 authorities found") == 1


def test_tainted_svids_are_dropped_a_hundred_every_five_seconds(sim: Simulation, agent: Agent) -> None:
    for number in range(250):
        create(agent, f"/{number}", selectors=[f"unix:uid:{number}"])
    sim.settle()
    taint(sim)
    sim.advance(seconds=30)
    batches = sim.journal.where(kind="Tainted X.509 SVIDs", node="one")
    assert [batch.data["tainted_svids"] for batch in batches] == [100, 100, 50]
    assert [after.at - before.at for before, after in pairwise(batches)] == [5 * SECOND] * 2
    left = sim.journal.where(kind="There are tainted X.509 SVIDs left to be processed", node="one")
    assert [event.data["count"] for event in left] == [150, 50]
    assert agent.cached_x509_svids == 250


def test_a_suspended_machine_goes_on_with_its_batches_afterwards(sim: Simulation, agent: Agent) -> None:
    for number in range(150):
        create(agent, f"/{number}", selectors=[f"unix:uid:{number}"])
    sim.settle()
    taint(sim)
    sim.run_until(lambda sim: bool(when(sim, "Tainted X.509 SVIDs")), limit=12 * SECOND)
    sim.advance(seconds=2)
    sim.pause(agent)
    sim.advance(minutes=1)
    sim.resume(agent)
    sim.advance(seconds=5)
    first, second = when(sim, "Tainted X.509 SVIDs")
    assert second - first == pytest.approx(65, abs=0.001)


def test_tokens_of_a_tainted_key_are_not_served_again(sim: Simulation, agent: Agent) -> None:
    web = agent.workload("/web")
    token = web.fetch_jwt_svid(audience="db")
    sim.root.prepare_jwt_authority()
    old, new = (element.key_id for element in sim.root.view.jwt_elements)
    sim.root.activate_jwt_authority(new)
    sim.root.taint_jwt_authority(old)
    assert web.fetch_jwt_svid(audience="db") == token
    sim.advance(seconds=12)
    assert web.fetch_jwt_svid(audience="db") != token
    (removed,) = sim.journal.where(
        kind="JWT-SVIDs were removed from the JWT cache because they were issued by a tainted authority"
    )
    assert removed.data == {"jwt_authority_key_ids": old, "tainted_jwt_svids": 1}


# Another authority


def strangers(agent: Agent) -> None:
    """Let the agent know none of the authorities that its server has."""
    other = Simulation("example.org", seed=99)
    agent.view = type(agent.view)(other.root.view.ledger)
    agent.credentials.connected = False  # of a server that it knows already it does not ask
    agent.wake()


def test_an_agent_that_never_rebootstraps_ends_at_once(sim: Simulation, agent: Agent) -> None:
    strangers(agent)
    sim.advance(seconds=6)
    assert kinds(sim)[-2:] == ["Synchronize failed, non-recoverable error", "Cache manager crashed"]
    assert agent.stopped.startswith("failed to sync with SPIRE Server: failed to fetch authorized entries: ")
    assert agent.stopped.endswith('x509: certificate signed by unknown authority"')


def test_an_agent_that_rebootstraps_waits_for_a_while_and_then_begins_anew(sim: Simulation) -> None:
    agent = sim.root.agent("one", attestor=DeclaredNodeAttestor("one"), rebootstrap_mode="auto")
    web = agent.workload("/web")
    strangers(agent)
    sim.advance(minutes=9)
    ignored = sim.journal.where(kind="Trust Bundle and Server don't agree, ignoring for now", node="one")
    assert ignored[0].data == {"time_left": "600s"}
    assert 90 < len(ignored) < 125
    web.fetch_x509_svid()
    sim.advance(minutes=2)
    assert agent.stopped == "shutting down for rebootstrapping"
    sim.start(agent)
    assert not agent.stopped
    assert agent.view.bundle == sim.root.bundle


def test_settling_makes_no_agent_wait_longer_for_its_old_server(sim: Simulation) -> None:
    agent = sim.root.agent("one", attestor=DeclaredNodeAttestor("one"), rebootstrap_mode="auto")
    strangers(agent)
    sim.root.changed()
    sim.settle()
    assert kinds(sim) == ["Trust Bundle and Server don't agree, ignoring for now"]
    sim.advance(minutes=11)
    assert agent.stopped == "shutting down for rebootstrapping"


def test_a_taint_finds_nothing_where_nothing_is_held(sim: Simulation, agent: Agent) -> None:
    assert agent.cached_x509_svids == 0
    taint(sim)
    sim.advance(seconds=12)
    assert "New tainted X.509 authorities found" in kinds(sim)
    assert "Scheduled rotation for SVID entries due to tainted X.509 authorities" not in kinds(sim)


# Both engines


def story(prepare: Any, level: Any) -> tuple[str, SpiffeBundle, object]:
    sim = prepare(Simulation("example.org", seed=3, journal=level))
    agent = sim.root.agent("one", attestor=DeclaredNodeAttestor("one"), x509_svid_cache_max_size=3)
    token = sim.root.agent("token", key_manager="memory")
    webs = [one.workload(f"/{one.name}/{number}") for one in (agent, token) for number in range(4)]
    sim.advance(minutes=40)
    stream = webs[0].watch_x509()
    sim.cut(agent, sim.root)
    sim.advance(minutes=17)
    webs[1].fetch_x509_svid()
    sim.heal(agent, sim.root)
    sim.advance(minutes=21)
    sim.stop(token)
    sim.cut(token, sim.root)
    sim.start(token)
    sim.advance(seconds=50)
    sim.heal(token, sim.root)
    sim.advance(minutes=3)
    taint(sim)
    sim.advance(minutes=55)
    seen = [(update.at, update.svids) for update in stream], token.stopped
    return sim.journal.digest(), agent.view.bundle, seen


@pytest.mark.parametrize("level", ["info", "debug"])
def test_an_outage_is_the_same_to_an_engine_that_really_ticks(level: str) -> None:
    assert story(lambda sim: sim, level) == story(naive, level)
