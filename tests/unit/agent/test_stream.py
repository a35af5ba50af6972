"""Streams: what a workload hears, when, and how it ends."""

from __future__ import annotations

import pickle
from datetime import timedelta

import pytest

from spiffesim import Simulation, Workload
from spiffesim.agent import Agent
from spiffesim.errors import NoIdentityIssued, Unavailable
from spiffesim.plugins.node_attestor.declared import DeclaredNodeAttestor
from tests.unit.agents import create

SECOND = timedelta(seconds=1)


@pytest.fixture
def sim() -> Simulation:
    return Simulation("example.org", seed=1)


@pytest.fixture
def agent(sim: Simulation) -> Agent:
    return sim.root.agent("one", attestor=DeclaredNodeAttestor("one"))


@pytest.fixture
def web(agent: Agent) -> Workload:
    return agent.workload("/web")


def test_the_present_comes_first_and_at_once(sim: Simulation, web: Workload) -> None:
    (update,) = web.watch_x509()
    assert update.at == sim.now
    assert update.spiffe_ids == (web.spiffe_id,)
    assert update.svids == web.fetch_x509_svids()
    assert update.bundles == web.fetch_x509_bundles()


def test_each_renewal_is_heard_of_at_its_instant(sim: Simulation, web: Workload) -> None:
    start, stream = sim.now, web.watch_x509()
    assert repr(stream) == "<X509Stream of web>"
    (first,) = stream
    assert list(stream) == []
    sim.advance(hours=2)
    updates = list(stream)
    ages = [(update.at - start) / SECOND for update in updates]
    assert len(ages) in (4, 5)
    assert 1620 <= ages[0] <= 1730
    serials = [update.svids[0].serial_number for update in (first, *updates)]
    assert len(set(serials)) == len(serials)
    assert updates[-1].svids[0] == web.fetch_x509_svid()


def test_reading_or_not_makes_no_difference_to_what_is_renewed() -> None:
    ends = []
    for watched in (False, True):
        sim = Simulation("example.org", seed=1)
        web = sim.workload("/web")
        stream = web.watch_x509() if watched else None
        sim.advance(hours=9)
        ends.append(web.fetch_x509_svid())
        assert stream is None or [update.svids for update in stream][-1] == (ends[-1],)
    assert ends[0] == ends[1]


def test_a_new_root_is_told_to_everybody(sim: Simulation, web: Workload) -> None:
    stream, bundles, keys = web.watch_x509(), web.watch_x509_bundles(), web.watch_jwt_bundles()
    assert [len(list(each)) for each in (stream, bundles, keys)] == [1, 1, 1]
    sim.advance(hours=13)  # past the preparation of the next CA and key
    assert len(list(stream)) > 20  # each renewal besides
    (with_root,), (with_key,) = list(bundles), list(keys)
    assert [len(bundle.x509_authorities) for bundle in with_root.bundles] == [2]
    assert [len(bundle.jwt_authorities) for bundle in with_key.bundles] == [2]
    assert with_root.bundles == web.fetch_x509_bundles()
    assert with_key.bundles == web.fetch_jwt_bundles()


def test_another_entry_is_told_with_its_svid(sim: Simulation, agent: Agent) -> None:
    create(agent)
    sim.settle()
    process = agent.process(uid=1)
    stream = process.watch_x509()
    assert [update.spiffe_ids for update in stream] == [(process.spiffe_id,)]
    entry = create(agent, "/other")
    sim.advance(seconds=12)
    (update,) = stream  # SPIRE's first one of the instant, still without the new SVID, was not read in time
    assert [str(spiffe_id) for spiffe_id in sorted(update.spiffe_ids)] == [
        "spiffe://example.org/other",
        "spiffe://example.org/web",
    ]
    sim.root.update_entry(entry.id, mask=["hint"], hint="new")
    sim.advance(seconds=12)
    (update,) = stream
    assert "new" in [svid.hint for svid in update.svids]
    sim.root.delete_entry(entry.id)
    sim.advance(seconds=12)
    assert [update.spiffe_ids for update in stream] == [(process.spiffe_id,)]


def test_a_federated_bundle_is_told_to_those_who_need_it(sim: Simulation, agent: Agent) -> None:
    other = sim.add_trust_domain("example.com")
    sim.root.set_federated_bundle(other.bundle)
    near, far = agent.workload("/near", federates_with=["example.com"]), agent.workload("/far")
    heard, unheard = near.watch_x509_bundles(), far.watch_x509_bundles()
    assert [len(list(heard)), len(list(unheard))] == [1, 1]
    sim.root.set_federated_bundle(Simulation("example.com", seed=9).root.bundle)
    sim.advance(seconds=6)
    (update,) = heard
    assert str(next(iter(update.bundles)).trust_domain) == "example.org"
    assert update.bundles == near.fetch_x509_bundles()
    assert list(unheard) == []


def test_whoever_loses_its_last_identity_is_told_that_and_nothing_more(sim: Simulation, agent: Agent) -> None:
    entry = create(agent)
    sim.settle()
    stream = agent.process(uid=1).watch_x509()
    sim.root.delete_entry(entry.id)
    sim.advance(seconds=12)
    assert next(stream).svids  # the present one, which nobody had read
    for _ in range(2):
        with pytest.raises(NoIdentityIssued, match="no identity issued"):
            next(stream)
    create(agent)
    sim.advance(seconds=12)
    assert not agent.streams
    with pytest.raises(NoIdentityIssued):
        list(stream)


def test_a_process_that_nobody_knows_is_refused(agent: Agent) -> None:
    with pytest.raises(NoIdentityIssued):
        list(agent.process(uid=7).watch_x509())


@pytest.mark.parametrize("ending", ["stop", "ban"])
def test_the_end_of_the_agent_is_the_end_of_all_streams(
    sim: Simulation, agent: Agent, web: Workload, ending: str
) -> None:
    stream = web.watch_x509()
    if ending == "stop":
        sim.stop(agent)
    else:
        sim.root.ban_agent(agent.spiffe_id)
        sim.advance(seconds=6)
    assert next(stream).svids
    with pytest.raises(Unavailable, match="the Workload API is unavailable"):
        next(stream)
    with pytest.raises(Unavailable):
        web.watch_x509()
    with pytest.raises(Unavailable):
        web.watch_jwt_bundles()


def test_whoever_hangs_up_hears_nothing_more(sim: Simulation, agent: Agent, web: Workload) -> None:
    stream, other = web.watch_x509(), web.watch_x509()
    stream.close()
    stream.close()
    assert agent.streams == [other]
    sim.advance(hours=1)
    assert list(stream) == []
    assert len(list(other)) > 1


def test_a_stream_waits_until_all_svids_are_there(sim: Simulation, agent: Agent) -> None:
    create(agent, disable_x509_svid_prefetch=True)
    sim.settle()
    start, stream = sim.now, agent.process(uid=1).watch_x509()
    assert list(stream) == []
    sim.advance(seconds=2)
    (update,) = stream
    assert 0.45 <= (update.at - start) / SECOND <= 1.4
    waited = sim.journal.where(kind="Waiting for SVID to get cached", node="one")
    assert 1 <= len(waited) <= 2
    assert waited[0].data == {"selectors": ["unix:uid:1"]}


def test_while_the_server_is_away_a_stream_that_waits_asks_ever_less_often(sim: Simulation, agent: Agent) -> None:
    create(agent, disable_x509_svid_prefetch=True)
    sim.settle()
    sim.cut(agent, sim.root)
    stream = agent.process(uid=1).watch_x509()
    sim.advance(minutes=10)
    assert list(stream) == []
    assert 45 < len(sim.journal.where(kind="Waiting for SVID to get cached")) < 65  # every 12 s in the end
    sim.heal(agent, sim.root)
    sim.advance(minutes=10)
    assert len(list(stream)) == 1


def test_a_stream_pickles_with_its_world(sim: Simulation, web: Workload) -> None:
    stream = web.watch_x509()
    sim.advance(hours=1)
    again, there = pickle.loads(pickle.dumps((stream, sim)))
    assert [update.at for update in again] == [update.at for update in stream]
    for each in (sim, there):
        each.advance(hours=1)
    assert [update.svids for update in again] == [update.svids for update in stream]


def test_who_has_lost_its_identity_hears_that_although_the_agent_has_ended_too(sim: Simulation, agent: Agent) -> None:
    entry = create(agent)
    sim.settle()
    stream = agent.process(uid=1).watch_x509()
    assert len(list(stream)) == 1
    sim.root.delete_entry(entry.id)
    sim.settle()
    sim.stop(agent)
    with pytest.raises(NoIdentityIssued):
        next(stream)
