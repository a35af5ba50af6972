"""An agent: attestation, sync, renewal, and what becomes of it when its server turns it away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from spiffesim import Selector, Simulation
from spiffesim.agent import Agent
from spiffesim.channel import AMPLE
from spiffesim.errors import AttestationFailed, NoIdentityIssued, Refused, Unavailable
from spiffesim.plugins.node_attestor.declared import DeclaredNodeAttestor
from spiffesim.plugins.node_attestor.join_token import JoinTokenAttestor
from spiffesim.plugins.node_attestor.x509pop import X509PopAttestor, X509PopVerifier
from spiffesim.plugins.workload_attestor import DockerContainer, Process
from spiffesim.plugins.workload_attestor.declared import DeclaredWorkloadAttestor
from spiffesim.plugins.workload_attestor.unix import UnixWorkloadAttestor
from tests.oracles import certificates as pki
from tests.unit.agents import create, kinds

START = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def sim() -> Simulation:
    return Simulation("example.org", seed=1)


@pytest.fixture
def agent(sim: Simulation) -> Agent:
    return sim.root.agent("one", attestor=DeclaredNodeAttestor("one"))


# Attestation


def test_an_agent_has_the_identity_that_its_attestation_gave_it(sim: Simulation) -> None:
    token = sim.root.create_join_token(token="t")
    agent = sim.root.agent(attestor=JoinTokenAttestor(token))
    assert str(agent.spiffe_id) == "spiffe://example.org/spire/agent/join_token/t"
    assert agent.svid.spiffe_id == agent.spiffe_id
    assert (agent.not_after, agent.depth, repr(agent)) == (START + timedelta(hours=1), 1, "<Agent root-agent>")
    assert sim.root.nest("nested").agent().depth == 2


def test_the_lifetime_of_agents_is_a_setting_of_the_server() -> None:
    sim = Simulation(seed=1, agent_ttl=timedelta(hours=3))
    assert sim.root.agent().not_after == START + timedelta(hours=3)


def test_an_agent_that_has_not_attested_has_no_identity(sim: Simulation) -> None:
    agent = Agent(sim.world, "new", sim.root, JoinTokenAttestor(""), workload_attestors=())
    with pytest.raises(AttestationFailed, match=r"agent new has not attested \(call attest\(\)\)") as refused:
        _ = agent.spiffe_id
    assert refused.value.status == "FAILED_PRECONDITION"


def test_an_agent_that_cannot_attest_does_not_come_into_being(sim: Simulation) -> None:
    with pytest.raises(AttestationFailed, match="join token does not exist or has already been used"):
        sim.root.agent("one", attestor=JoinTokenAttestor("nonsense"))
    assert list(sim.agents) == []
    assert sim.root.agent("one").name == "one"


def test_a_new_agent_knows_at_once_what_its_server_has_for_it(sim: Simulation) -> None:
    entry = sim.root.create_entry(
        spiffe_id="spiffe://example.org/web",
        parent_id="spiffe://example.org/spire/agent/declared/late",
        selectors=["unix:uid:1"],
    )
    sim.settle()
    agent = sim.root.agent("late", attestor=DeclaredNodeAttestor("late"))
    assert agent.process(uid=1).fetch_x509_svid().spiffe_id == entry.spiffe_id
    assert agent.view.bundle == sim.root.bundle


def test_entries_that_its_server_has_not_looked_at_stay_pending(sim: Simulation) -> None:
    sim.root.create_entry(
        spiffe_id="spiffe://example.org/web",
        parent_id="spiffe://example.org/spire/agent/declared/late",
        selectors=["unix:uid:1"],
    )
    web = sim.root.agent("late", attestor=DeclaredNodeAttestor("late")).process(uid=1)
    with pytest.raises(NoIdentityIssued):
        web.fetch_x509_svid()
    sim.settle()
    web.fetch_x509_svid()


# Sync


def test_a_sync_brings_entries_and_bundles(sim: Simulation, agent: Agent) -> None:
    web = agent.process(uid=1)
    other = sim.add_trust_domain("example.com")
    sim.root.set_federated_bundle(other.bundle)
    create(agent, federates_with=["example.com"])
    agent.sync()
    assert agent.federated == {}  # the server has not looked at its store yet
    sim.root.reload_entries()
    agent.sync()
    assert agent.federated == {other.trust_domain: other.bundle}
    assert not agent.behind
    assert str(web.fetch_x509_svid().spiffe_id) == "spiffe://example.org/web"


def test_a_changed_federated_bundle_is_news(sim: Simulation, agent: Agent) -> None:
    other = sim.add_trust_domain("example.com")
    sim.root.set_federated_bundle(other.bundle)
    create(agent, federates_with=["example.com"])
    sim.settle()
    sim.root.set_federated_bundle(Simulation("example.com", seed=9).root.bundle)
    agent.sync()
    assert agent.federated[other.trust_domain] != other.bundle
    del sim.root.federated[other.trust_domain]
    agent.sync()
    assert agent.federated == {}


def test_a_new_workload_has_the_bundles_that_it_federates_with_and_no_news_of_others(sim: Simulation) -> None:
    agent = sim.root.agent()
    first, second = (sim.add_trust_domain(name) for name in ("example.com", "example.net"))
    sim.root.set_federated_bundle(first.bundle)
    agent.workload("/a", federates_with=["example.com"])
    sim.root.set_federated_bundle(Simulation("example.com", seed=9).root.bundle)  # pending
    sim.root.set_federated_bundle(second.bundle)
    agent.workload("/b", federates_with=["example.com", "example.net"])
    assert agent.federated == {first.trust_domain: first.bundle, second.trust_domain: second.bundle}
    sim.settle()
    assert agent.federated[first.trust_domain] != first.bundle


def test_an_entry_that_federates_with_its_own_trust_domain_ends_all_syncs(sim: Simulation, agent: Agent) -> None:
    web = agent.workload("/web", federates_with=["example.org"])  # SPIRE's server does not mind
    other = agent.process(uid=1)
    create(agent, "/other")
    sim.settle()
    (failure, *_) = sim.journal.where(kind="Synchronize failed")
    assert failure.data["error"].startswith(
        "failed to fetch federated bundle: rpc error: code = InvalidArgument desc = getting a federated bundle for the server's own trust domain is not allowed"
    )
    assert [str(bundle.trust_domain) for bundle in web.fetch_x509_bundles()] == ["example.org"]
    with pytest.raises(NoIdentityIssued):
        other.fetch_x509_svid()
    sim.root.delete_entry(sim.root.list_entries(by_federates_with=["example.org"])[0].id)
    sim.settle()
    other.fetch_x509_svid()


def test_a_changed_entry_gets_another_svid(sim: Simulation, agent: Agent) -> None:
    web = agent.process(uid=1)
    entry = create(agent)
    sim.settle()
    first = web.fetch_x509_svid()
    sim.root.update_entry(entry.id, mask=["dns_names"], dns_names=["web.example.org"])
    sim.settle()
    second = web.fetch_x509_svid()
    assert second.serial_number != first.serial_number
    assert "web.example.org" in second.leaf.subject.rfc4514_string()


def test_a_deleted_entry_takes_its_identity_along(sim: Simulation, agent: Agent) -> None:
    web = agent.process(uid=1)
    entry = create(agent)
    sim.settle()
    web.fetch_x509_svid()
    sim.root.delete_entry(entry.id)
    web.fetch_x509_svid()  # until the next sync
    sim.settle()
    with pytest.raises(NoIdentityIssued):
        web.fetch_x509_svid()


def test_what_could_not_be_minted_is_tried_again_at_the_next_sync(sim: Simulation, agent: Agent) -> None:
    web = agent.process(uid=1)
    entry = create(agent)
    agent.learn(entry)  # before its server knows that it may
    (failure,) = sim.journal.where(kind="Failed to mint X509 SVID")
    assert failure.data["entry_id"] == entry.id
    assert "entry not found or not authorized" in failure.data["error"]
    sim.root.reload_entries()
    agent.sync()
    assert len(sim.journal.where(kind="Failed to mint X509 SVID")) == 1
    web.fetch_x509_svid()


def test_an_svid_that_is_missing_is_minted_for_who_asks(sim: Simulation, agent: Agent) -> None:
    web = agent.process(uid=1)
    create(agent, disable_x509_svid_prefetch=True)
    sim.settle()
    assert agent.identities(web.selectors) == []
    svid = web.fetch_x509_svid()
    assert len(agent.identities(web.selectors)) == 1
    assert web.fetch_x509_svid() == svid


def test_who_asks_for_what_cannot_be_minted_waits_for_ever(sim: Simulation, agent: Agent) -> None:
    web = agent.process(uid=1)
    entry = create(agent, disable_x509_svid_prefetch=True)
    sim.settle()
    sim.root.delete_entry(entry.id)
    sim.root.reload_entries()
    with pytest.raises(
        Unavailable, match=rf"context deadline exceeded .*agent one has no SVID for entry {entry.id}"
    ) as refused:
        web.fetch_x509_svid()
    assert refused.value.status == "DEADLINE_EXCEEDED"


def test_the_type_of_workload_keys_is_a_setting_of_the_agent(sim: Simulation) -> None:
    svid = sim.root.agent("rsa", workload_key_type="RSA-2048").workload("/web").fetch_x509_svid()
    assert svid.leaf.public_key().key_size == 2048  # type: ignore[union-attr]  # an RSA key
    with pytest.raises(ValueError, match='key type "dsa" is unknown'):
        sim.root.agent("dsa", workload_key_type="dsa")


def test_an_agent_that_gets_no_key_tries_again(sim: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = sim.root.agent("rsa", workload_key_type="rsa-2048")
    held = agent.workload("/held")
    svid = held.fetch_x509_svid()
    with monkeypatch.context() as poor:
        poor.setattr("spiffesim.primes.PAIRS", 1)
        late = agent.workload("/late")
        sim.advance(minutes=40)  # past the half-life of the one, and nothing for the other
        assert held.fetch_x509_svid() == svid
        with pytest.raises(Unavailable, match="context deadline exceeded"):
            late.fetch_x509_svid()
    failures = sim.journal.where(kind="Failed to mint X509 SVID", node="rsa")
    assert failures
    assert all("all that the packaged primes give" in failure.data["error"] for failure in failures)
    sim.settle()
    assert held.fetch_x509_svid() != svid
    assert late.fetch_x509_svid().not_after > sim.now


# Turned away


def test_a_banned_agent_stops_at_its_next_sync(sim: Simulation, agent: Agent) -> None:
    web = agent.workload("/web")
    sim.root.ban_agent(agent.spiffe_id)
    web.fetch_x509_svid()
    sim.settle()
    assert agent.stopped == "Agent is banned: removing SVID and shutting down"
    assert kinds(sim) == ["Synchronize failed", agent.stopped]
    for call in (
        web.fetch_x509_svid,
        web.fetch_x509_bundles,
        web.fetch_jwt_bundles,
        lambda: web.fetch_jwt_svid(audience=()),
        lambda: web.validate_jwt_svid("", audience=""),
    ):
        with pytest.raises(
            Unavailable, match=r"the Workload API is unavailable \(agent one: Agent is banned"
        ) as refused:
            call()
        assert refused.value.status == "UNAVAILABLE"
    agent.sync()
    sim.advance(hours=2)
    assert kinds(sim) == ["Synchronize failed", agent.stopped]  # it does nothing any more


def test_a_stopped_agent_can_be_started_again_once_it_is_unbanned(sim: Simulation, agent: Agent) -> None:
    web = agent.workload("/web")
    sim.root.ban_agent(agent.spiffe_id)
    sim.settle()
    with pytest.raises(AttestationFailed, match="agent is banned"):
        agent.attest()
    assert agent.stopped
    sim.root.delete_agent(agent.spiffe_id)
    agent.attest()
    assert agent.stopped == ""
    web.fetch_x509_svid()


def test_what_is_registered_on_a_stopped_agent_waits_for_its_start(sim: Simulation, agent: Agent) -> None:
    sim.root.ban_agent(agent.spiffe_id)
    sim.settle()
    web = agent.workload("/web")
    with pytest.raises(Unavailable):
        web.fetch_x509_svid()
    sim.root.delete_agent(agent.spiffe_id)
    agent.attest()
    web.fetch_x509_svid()


def test_an_evicted_agent_attests_again_where_it_can(sim: Simulation, agent: Agent) -> None:
    web = agent.workload("/web")
    before, held = agent.svid, web.fetch_x509_svid()
    sim.root.delete_agent(agent.spiffe_id)
    sim.settle()
    _, event = sim.journal.where(node="one")
    assert event.kind == "Agent needs to re-attest; will attempt to re-attest"
    assert event.data == {"reason": "AGENT_NOT_ATTESTED"}
    assert agent.svid.serial_number != before.serial_number
    assert web.fetch_x509_svid() == held  # its caches are kept
    assert not agent.behind


def test_an_evicted_agent_with_a_join_token_ends(sim: Simulation) -> None:
    agent = sim.root.agent("one")
    sim.root.delete_agent(agent.spiffe_id)
    sim.settle()
    assert agent.stopped == "Agent failed re-attestation; removing SVID and shutting down"
    assert kinds(sim) == [
        "Synchronize failed",
        "Agent needs to re-attest; will attempt to re-attest",
        agent.stopped,
    ]
    assert sim.journal.where(kind=agent.stopped)[0].data == {"error": "attestation method is not re-attestable"}


def test_an_agent_whose_attestation_fails_ends(sim: Simulation, agent: Agent) -> None:
    agent.attestor = JoinTokenAttestor("used up")
    agent.attestor.can_reattest = True
    sim.root.delete_agent(agent.spiffe_id)
    sim.settle()
    assert agent.stopped == "Agent failed re-attestation; removing SVID and shutting down"
    assert "join token does not exist" in sim.journal[-1].data["error"]


def test_two_agents_with_one_identity_turn_each_other_out(sim: Simulation, agent: Agent) -> None:
    twin = sim.root.agent("twin", attestor=DeclaredNodeAttestor("one"))
    assert twin.spiffe_id == agent.spiffe_id
    sim.settle()  # which ends all the same
    sim.settle()
    reasons = [event.data["reason"] for event in sim.journal.where(node="one") if "reason" in event.data]
    assert reasons == ["AGENT_NOT_ACTIVE", "AGENT_NOT_ACTIVE"]


# Renewal


@pytest.mark.parametrize("hours", [1, 5, 1000])
def test_after_a_step_an_agent_is_as_good_as_new(sim: Simulation, hours: int) -> None:
    for name, attestor in (("one", DeclaredNodeAttestor("one")), ("two", None)):
        agent = sim.root.agent(name, attestor=attestor)
        before = agent.svid
        sim.advance(hours=hours)
        assert agent.svid.serial_number != before.serial_number
        assert timedelta(minutes=20) < agent.not_after - sim.now <= timedelta(hours=1)
        agent.workload(f"/{name}").fetch_x509_svid()
    assert set(kinds(sim, "one")) == {"Successfully reattested node"}
    assert set(kinds(sim, "two")) == {"Successfully rotated agent SVID"}


def test_what_is_well_before_its_half_life_is_kept_and_what_is_well_past_it_renewed(
    sim: Simulation, agent: Agent
) -> None:
    web = agent.workload("/web")
    before = agent.svid, web.fetch_x509_svid()
    sim.advance(minutes=26)
    assert (agent.svid, web.fetch_x509_svid()) == before
    sim.advance(minutes=8)
    assert agent.svid != before[0]
    assert web.fetch_x509_svid() != before[1]


def test_settling_renews_nothing(sim: Simulation, agent: Agent) -> None:
    web = agent.workload("/web")
    svid = web.fetch_x509_svid()
    sim.pause(agent)
    sim.advance(minutes=45)
    sim.resume(agent)
    sim.settle()
    assert web.fetch_x509_svid() == svid
    sim.advance(minutes=1)
    assert web.fetch_x509_svid() != svid


@pytest.mark.parametrize("attestor", [None, DeclaredNodeAttestor("one")])
@pytest.mark.parametrize("minutes", [1, 45, 600])
def test_a_ban_is_found_out_however_long_the_step(sim: Simulation, attestor: Any, minutes: int) -> None:
    agent = sim.root.agent("one", attestor=attestor)
    sim.root.ban_agent(agent.spiffe_id)
    sim.advance(minutes=minutes)
    assert agent.stopped == "Agent is banned: removing SVID and shutting down"


@pytest.mark.parametrize("minutes", [1, 45, 600])
def test_an_eviction_is_found_out_however_long_the_step(sim: Simulation, agent: Agent, minutes: int) -> None:
    join_token = sim.root.agent("two")
    for evicted in (agent, join_token):
        sim.root.delete_agent(evicted.spiffe_id)
    sim.advance(minutes=minutes)
    assert kinds(sim)[:2] == ["Synchronize failed", "Agent needs to re-attest; will attempt to re-attest"]
    assert agent.stopped == ""
    assert join_token.stopped == "Agent failed re-attestation; removing SVID and shutting down"


def test_an_svid_that_was_renewed_by_hand_is_used_and_counts(sim: Simulation) -> None:
    agent = sim.root.agent("one")
    renewed = sim.root.renew_agent(agent.caller)
    sim.advance(hours=2)
    node = sim.root.get_agent(agent.spiffe_id)
    assert node.svid is not renewed
    assert agent.stopped == ""


def test_an_agent_whose_certificate_has_ended_lives_as_long_as_its_svid(sim: Simulation) -> None:
    ca = pki.root("nodes", not_before=START - pki.DAY, not_after=START + pki.DAY)
    node = pki.leaf(ca, "x509pop://node", not_before=START - pki.DAY, not_after=START + timedelta(minutes=10))
    sim.root.node_attestors["x509pop"] = X509PopVerifier([ca.der])
    agent = sim.root.agent("one", attestor=X509PopAttestor([node.der], node.key))
    web = agent.workload("/web")
    sim.advance(minutes=45)
    assert set(kinds(sim)) == {"Could not reattest agent"}
    assert "certificate verification failed" in sim.journal.where(node="one")[0].data["error"]
    assert web.fetch_x509_svid().not_after > START + timedelta(hours=1)  # it still syncs
    sim.advance(minutes=16)
    # SPIRE: the sync finds it out first, over the connection that is still there.
    assert agent.stopped == "Agent failed re-attestation; removing SVID and shutting down"
    assert sim.journal.where(node="one")[-2].data == {"reason": "AGENT_EXPIRED"}
    with pytest.raises(Unavailable):
        web.fetch_x509_svid()


# Workload attestation


def test_selectors_come_from_all_attestors_each_once(sim: Simulation) -> None:
    process = Process(
        uid=1, user="web", docker=DockerContainer(labels={"a": "b"}), selectors=["test:x", "unix:uid:1", "test:x"]
    )
    everything = sim.root.agent("all").selectors(process)
    assert [str(selector) for selector in everything] == ["unix:uid:1", "unix:user:web", "docker:label:a:b", "test:x"]
    some = sim.root.agent("some", workload_attestors=[DeclaredWorkloadAttestor(), UnixWorkloadAttestor()])
    assert [str(selector) for selector in some.selectors(process)] == ["test:x", "unix:uid:1", "unix:user:web"]
    assert sim.root.agent("none", workload_attestors=[]).selectors(process) == ()


def test_entries_and_identities_are_found_by_selectors(sim: Simulation, agent: Agent) -> None:
    entry = create(agent)
    sim.settle()
    (identity,) = agent.identities([Selector("unix", "uid:1"), Selector("unix", "gid:1")])
    assert identity.entry == entry
    assert agent.matching([Selector("unix", "uid:1")]) == [entry]
    assert agent.matching([]) == []
    assert agent.nearest([]) == entry


def test_a_token_is_cached_and_a_refusal_is_passed_on(sim: Simulation, agent: Agent) -> None:
    web = agent.workload("/web")
    token = web.fetch_jwt_svid(audience="db")
    assert web.fetch_jwt_svid(audience="db") == token
    sim.root.disable_jwt_svids()
    sim.advance(minutes=3)
    assert web.fetch_jwt_svid(audience="db") == token
    assert sim.journal[-1].kind == "Unable to renew JWT; returning cached copy"
    assert sim.journal[-1].data["spiffe_id"] == "spiffe://example.org/web"
    with pytest.raises(
        Refused, match="could not fetch JWT-SVID: failed to fetch JWT SVID: rpc error: code = Unimplemented"
    ):
        web.fetch_jwt_svid(audience="cache")


def test_a_banned_agents_token_request_says_so(sim: Simulation, agent: Agent) -> None:
    web = agent.workload("/web")
    sim.root.ban_agent(agent.spiffe_id)
    with pytest.raises(Unavailable) as refused:
        web.fetch_jwt_svid(audience="db")
    assert refused.value.message == (
        "could not fetch JWT-SVID: failed to fetch JWT SVID: rpc error: code = PermissionDenied desc = "
        "authorization denied for method /spire.api.server.svid.v1.SVID/NewJWTSVID"
    )
    assert refused.value.upstream == "PERMISSION_DENIED"


def test_a_pause_renews_nothing_and_loses_nothing(sim: Simulation, agent: Agent) -> None:
    web = agent.workload("/web")
    sim.advance(minutes=20)
    sim.pause(agent)
    with pytest.raises(Unavailable, match="its machine is suspended"):
        web.fetch_x509_svid()
    sim.advance(minutes=30)
    sim.resume(agent)
    assert web.fetch_x509_svid().not_after == START + timedelta(hours=1)
    sim.advance(seconds=6)
    assert web.fetch_x509_svid().not_after > START + timedelta(hours=1)


def test_a_banned_agent_with_something_to_mint_only_notes_it_until_its_sync(sim: Simulation, agent: Agent) -> None:
    create(agent, disable_x509_svid_prefetch=True)
    sim.settle()
    sim.root.ban_agent(agent.spiffe_id)
    agent.process(uid=1).watch_x509()
    sim.advance(seconds=6)
    failed = sim.journal.where(kind="SVID sync failed", node="one")
    assert failed[0].data["error"].startswith("failed to batch new X509 SVID(s): rpc error: code = PermissionDenied")
    assert agent.stopped == "Agent is banned: removing SVID and shutting down"


def test_an_expired_svid_cannot_be_judged_and_stays(sim: Simulation, agent: Agent) -> None:
    web = agent.workload("/web")
    svid = web.fetch_x509_svid()
    entry_ids = tuple(agent.cache.svids)
    sim.cut(agent, sim.root)
    sim.advance(minutes=61)
    agent.synchronization.taint((*entry_ids, "another"), tuple(sim.root.view.roots))
    assert sim.journal.where(kind="Failed to check if SVID is signed by tainted authority", node="one")
    assert sim.journal[-1].data == {"tainted_svids": 0}
    assert web.fetch_x509_svid() == svid


def test_what_comes_from_another_root_is_not_tainted(sim: Simulation, agent: Agent) -> None:
    agent.workload("/web")
    entry_ids = tuple(agent.cache.svids)
    agent.synchronization.taint(entry_ids, ())
    assert agent.cached_x509_svids == 1
    agent.synchronization.taint(entry_ids, tuple(sim.root.view.roots))
    assert agent.cached_x509_svids == 0


def test_who_attests_while_its_machine_sleeps_goes_on_afterwards(sim: Simulation, agent: Agent) -> None:
    before = agent.svid
    sim.pause(agent)
    agent.attest()
    assert agent.svid != before
    sim.resume(agent)
    sim.advance(hours=1)
    assert kinds(sim)[-1] == "Successfully reattested node"


# What nested servers rely on


def test_it_says_until_when_it_is_sure_to_renew_in_time(sim: Simulation, agent: Agent) -> None:
    sure = sim.root.keyring.x509.current.not_after - AMPLE * agent.sync_interval
    changes: list[Callable[[], object]] = [
        lambda: None,
        lambda: sim.skew(agent, 1),
        lambda: sim.skew(sim.root, 1),
        lambda: sim.pause(agent),
        lambda: sim.resume(agent),
        lambda: sim.cut(agent, sim.root),
        lambda: sim.advance(seconds=11),  # its syncs fail
    ]
    found = []
    for change in changes:
        change()
        found.append(agent.renews_until)
    later = sure - 1_000_000
    assert found == [sure, None, later, None, later, later, None]
    rsa = sim.root.agent("rsa", workload_key_type="rsa-2048")
    assert rsa.skew == 0
    sim.skew(rsa, 1)
    assert rsa.renews_until is None  # its keys may be used up
