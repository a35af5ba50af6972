"""A simulation: what it begins with, what a step of time does, and that it travels to another process."""

from __future__ import annotations

import math
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

import spiffesim
from spiffesim import EPOCH, Simulation, TrustDomain
from spiffesim.errors import (
    ClockError,
    Expired,
    InvalidConfiguration,
    InvalidTopology,
    InvalidTrustDomain,
    Refused,
    SpiffeSimError,
)
from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.node_attestor.declared import DeclaredNodeAttestor
from spiffesim.plugins.node_attestor.x509pop import X509PopAttestor, X509PopVerifier
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority


@pytest.fixture
def sim() -> Simulation:
    return Simulation("example.org", seed=1)


# The first screens


def test_the_first_screen() -> None:
    sim = spiffesim.Simulation("example.org")
    web, db = sim.workload("/web"), sim.workload("/db")
    svid = web.fetch_x509_svid()
    assert db.validate_x509_svid(svid) == spiffesim.SpiffeId("spiffe://example.org/web")
    sim.advance(hours=2)
    with pytest.raises(spiffesim.errors.Expired):
        db.validate_x509_svid(svid)
    assert db.validate_x509_svid(web.fetch_x509_svid()) == svid.spiffe_id


def test_the_nested_tutorial() -> None:
    sim = spiffesim.Simulation("example.org", seed=7)
    a, b = sim.root.nest("nestedA"), sim.root.nest("nestedB")
    token = a.workload("/nestedA/workload").fetch_jwt_svid(audience="nested-test")
    svid = b.workload("/nestedB/workload").validate_jwt_svid(token, audience="nested-test")
    assert svid.claims == {
        "aud": ["nested-test"],
        "exp": 1893456300,
        "iat": 1893456000,
        "sub": "spiffe://example.org/nestedA/workload",
    }


# The beginning


def test_with_a_seed_it_begins_at_the_epoch(sim: Simulation) -> None:
    assert sim.now == EPOCH == datetime(2030, 1, 1, tzinfo=UTC)
    assert (sim.seed, repr(sim), str(sim.root.trust_domain)) == (1, "Simulation('example.org', seed=1)", "example.org")
    assert (list(sim.servers), len(sim.agents), len(sim.workloads)) == (["root"], 0, 0)
    assert [event.node for event in sim.journal] == ["root"] * 5


def test_without_a_seed_it_begins_at_the_present_and_can_be_repeated() -> None:
    sim = Simulation("example.org")
    assert abs(sim.now - datetime.now(UTC)) < timedelta(minutes=1)
    assert sim.now.microsecond == 0
    again = eval(repr(sim), {"Simulation": Simulation, "datetime": __import__("datetime")})
    assert (again.seed, again.now) == (sim.seed, sim.now)
    assert again.workload("/web").fetch_x509_svid() == sim.workload("/web").fetch_x509_svid()
    assert Simulation("example.org").seed != sim.seed


@pytest.mark.parametrize("seed", [1, None, "a test"])
def test_the_start_is_what_is_said(seed: int | str | None) -> None:
    start = datetime(2031, 5, 6, 7, 8, 9, 999, tzinfo=timezone(timedelta(hours=2)))
    sim = Simulation(seed=seed, start=start)
    assert sim.now == datetime(2031, 5, 6, 5, 8, 9, tzinfo=UTC)
    assert f"start={start!r}" in repr(sim)
    with pytest.raises(ClockError, match="no time zone"):
        Simulation(seed=seed, start=datetime(2031, 5, 6))


def test_another_seed_is_another_world() -> None:
    worlds = [Simulation("example.org", seed=seed) for seed in (1, 2, "1")]
    assert len({world.root.bundle.x509_der for world in worlds}) == 3
    assert Simulation("example.org", seed=1).root.bundle == worlds[0].root.bundle


def test_settings_are_those_of_the_root_server() -> None:
    sim = Simulation(TrustDomain("example.com"), seed=1, root="top", ca_ttl=timedelta(hours=3), jwt_issuer="me")
    assert (sim.root.name, sim.root.config.ca_ttl, sim.root.config.jwt_issuer) == ("top", timedelta(hours=3), "me")
    with pytest.raises(InvalidConfiguration, match="a server has no setting 'ca_tll'"):
        Simulation(seed=1, ca_tll=1)  # type: ignore[call-arg]  # the point
    with pytest.raises(InvalidTrustDomain):
        Simulation("Example.org")


# Several trust domains


def test_trust_domains_have_nothing_in_common_but_the_clock(sim: Simulation) -> None:
    other = sim.add_trust_domain("example.com", ca_key_type="ec-p384")
    named = sim.add_trust_domain(TrustDomain("example.net"), root="net")
    assert [other.name, named.name] == ["example.com", "net"]
    assert sim.root.config.ca_key_type == "ec-p256"
    svid = other.workload("/web").fetch_x509_svid()
    with pytest.raises(SpiffeSimError):
        sim.workload("/db").validate_x509_svid(svid)
    assert str(other.workload("/db").validate_x509_svid(svid)) == "spiffe://example.com/web"
    sim.advance(days=2)
    assert other.not_after > sim.now


def test_a_trust_domain_is_there_once(sim: Simulation) -> None:
    with pytest.raises(InvalidTopology, match=r"this simulation has a trust domain example\.org already") as refused:
        sim.add_trust_domain("example.org")
    assert refused.value.code == "equal_names"
    assert list(sim.servers) == ["root"]


def test_federation_by_hand(sim: Simulation) -> None:
    other = sim.add_trust_domain("example.com")
    sim.root.set_federated_bundle(other.bundle)
    other.set_federated_bundle(sim.root.bundle)
    ours = sim.workload("/web", federates_with=["example.com"])
    theirs = other.workload("/web", federates_with=["example.org"])
    sim.settle()
    assert str(ours.validate_x509_svid(theirs.fetch_x509_svid())) == "spiffe://example.com/web"
    assert str(theirs.validate_x509_svid(ours.fetch_x509_svid())) == "spiffe://example.org/web"
    token = theirs.fetch_jwt_svid(audience="web")
    assert str(ours.validate_jwt_svid(token, audience="web").spiffe_id) == "spiffe://example.com/web"


# Time


def test_time_moves_as_far_as_is_said(sim: Simulation) -> None:
    assert sim.advance(hours=1, minutes=30) == EPOCH + timedelta(minutes=90)
    assert sim.advance(timedelta(minutes=30)) == EPOCH + timedelta(hours=2)
    assert sim.advance(timedelta(minutes=30), seconds=1) == EPOCH + timedelta(hours=2, minutes=30, seconds=1)
    assert sim.advance() == sim.now
    with pytest.raises(ClockError, match="time does not go backwards"):
        sim.advance(hours=-1)
    with pytest.raises(ClockError, match="past the end of time"):
        sim.advance(days=365 * 9000)
    with pytest.raises(ClockError, match=r"such as advance\(seconds=60\), not 3600$"):
        sim.advance(3600)  # type: ignore[arg-type]  # the point
    for span in (math.inf, math.nan, 1e300):
        with pytest.raises(ClockError, match=r"^0:00:00 and {'days': .*} are no step of time: "):
            sim.advance(days=span)
    with pytest.raises(TypeError):
        sim.advance(hour=1)  # type: ignore[call-arg]  # the point
    assert sim.now == EPOCH + timedelta(hours=2, minutes=30, seconds=1)


def test_what_time_brings_about_is_noted_as_the_doing_of_a_loop(sim: Simulation) -> None:
    sim.workload("/web")
    sim.advance(days=1)
    causes = {event.kind: event.cause for event in sim.journal if event.at > EPOCH}
    assert causes["X509 CA activated"] == "ca rotator"
    assert causes["Successfully rotated agent SVID"] == "svid rotator"
    agent = sim.root.agent("one", attestor=DeclaredNodeAttestor("one"))
    sim.root.delete_agent(agent.spiffe_id)
    sim.settle()
    (event,) = sim.journal.where(node="one", kind="Agent needs to re-attest; will attempt to re-attest")
    assert (event.at, event.cause) == (sim.now, "settle")
    assert {event.cause for event in sim.journal.where(kind="Agent deleted")} == {"operator"}


def test_one_long_step_and_many_short_ones_are_the_same() -> None:
    """Down to the byte, and to the instant: how often one stops to look changes nothing."""

    def after(*steps: timedelta) -> Simulation:
        sim = Simulation("example.org", seed=1)
        sim.root.nest("a").nest("b").workload("/web")
        for step in steps:
            sim.advance(step)
        return sim

    many, one = after(*[timedelta(minutes=20)] * 300), after(timedelta(hours=100))
    assert many.journal.digest() == one.journal.digest()
    for sim in (many, one):
        peer = sim.workload("/peer")
        for server in sim.servers.values():
            assert server.not_after > sim.now
        svid = sim.workloads["web"].fetch_x509_svid()
        assert svid.not_after - sim.now > timedelta(minutes=20)
        assert peer.validate_x509_svid(svid).path == "/web"
    assert many.workloads["web"].fetch_x509_svid() == one.workloads["web"].fetch_x509_svid()
    assert [server.bundle for server in many.servers.values()] == [server.bundle for server in one.servers.values()]


def test_a_root_of_a_day_makes_two_cas_a_day(sim: Simulation) -> None:
    sim.advance(days=5)
    prepared = [event.at - EPOCH for event in sim.journal.where(kind="X509 CA prepared")]
    # Each check is the first after more than half of the lifetime of the CA that signs since the last activation.
    half = timedelta(hours=12, seconds=10)
    assert prepared == [number * half for number in range(10)]
    activated = [event.at - EPOCH for event in sim.journal.where(kind="X509 CA activated")]
    assert activated == [timedelta(0)] + [number * half + timedelta(hours=20, seconds=10) for number in range(9)]


def test_settling_reaches_everybody_and_then_changes_nothing(sim: Simulation) -> None:
    a = sim.root.nest("a")
    b = a.nest("b")
    peers = [server.workload("/peer") for server in (sim.root, a, b)]
    b.keyring.prepare_jwt(sim.world.now)  # published up to the root, and now to go down all other ways
    sim.root.keyring.prepare_x509(sim.world.now)
    other = sim.root.nest("other").workload("/peer")
    sim.settle()
    bundles = {peer.agent.view.bundle.marshal() for peer in (*peers, other)}
    documents = {tuple(sorted(peer.fetch_jwt_bundles().marshal().decode().split())) for peer in (*peers, other)}
    assert len(documents) == 1
    assert len({server.bundle.x509_der for server in sim.servers.values()}) == 1
    assert len(bundles) <= 4  # they count their changes each for itself
    before = sim.journal.digest()
    sim.settle()
    assert sim.journal.digest() == before


def test_settling_takes_no_time_and_rotates_nothing(sim: Simulation) -> None:
    web = sim.workload("/web")
    svid, bundle = web.fetch_x509_svid(), sim.root.bundle
    sim.settle()
    assert (sim.now, web.fetch_x509_svid(), sim.root.bundle) == (EPOCH, svid, bundle)


@pytest.mark.parametrize(("gate", "nested"), [("gate", "nested"), ("nested", "gate")])
def test_a_server_comes_after_the_agent_that_it_attests_through_whatever_their_names(gate: str, nested: str) -> None:
    def world() -> Simulation:
        sim = Simulation("example.org", seed=1)
        sim.root.nest(nested, via=sim.root.nest(gate).agent())
        return sim

    closed, open_ = world(), world()
    (entry,) = closed.servers[gate].list_entries()
    closed.servers[gate].delete_entry(entry.id)
    for sim in (closed, open_):
        sim.advance(
            hours=12, seconds=10
        )  # past the half-life of its CA: on the way its agent had heard of the deletion
    (failure,) = closed.journal.where(node=nested, kind="Unable to rotate X509 CA")
    assert failure.at == closed.now
    assert open_.journal.where(node=nested, kind="Unable to rotate X509 CA") == []
    assert len(open_.journal.where(node=nested, kind="X509 CA prepared")) == 2


def test_settling_goes_through_the_agent_before_the_server_that_attests_through_it() -> None:
    sim = Simulation("example.org", seed=1)
    sim.root.nest("first", via=sim.root.nest("later").agent())
    assert [server.name for server in sim._in_order()] == ["root", "later", "first"]
    sim.root.keyring.prepare_x509(sim.root.now)
    sim.root.changed()
    sim.settle()
    assert {len(server.view.roots) for server in sim.servers.values()} == {2}


def test_a_server_may_attest_through_an_agent_far_below_its_parent() -> None:
    sim = Simulation("example.org", seed=1)
    deep = sim.root.nest("z").nest("y").nest("x")
    sim.root.nest("a", via=deep.agent()).nest("b", via=sim.root.agent())
    sim.advance(hours=13)
    prepared = [(event.at, event.node) for event in sim.journal.where(kind="X509 CA prepared") if event.at > EPOCH]
    # At one instant parents come before children, and then names, whoever attests through whom.
    assert prepared == [(EPOCH + timedelta(hours=12, seconds=10), name) for name in ("root", "a", "z", "b", "y", "x")]
    assert list(sim.servers) == ["root", "a", "z", "b", "y", "x"]  # which are parents first, then by name


# Pickle


def everything() -> Simulation:
    """A world with one of each, in the middle of its life."""
    corp, nodes = ExternalCa("corp"), ExternalCa("nodes")
    disk = DiskUpstreamAuthority(certificate=corp.certificate_pem, private_key=corp.private_key_pem)
    sim = Simulation("example.org", seed=1, upstream_authority=disk, feature_flags=["wit-svid"])
    sim.root.node_attestors["x509pop"] = X509PopVerifier([nodes.certificate])
    gate = sim.root.agent("gate", attestor=X509PopAttestor(*nodes.issue("gate")))
    a = sim.root.nest("a", via=gate, ca_key_type="rsa-2048")
    b = a.nest("b", ca_key_type="ec-p384")
    other = sim.add_trust_domain("example.com")
    sim.root.set_federated_bundle(other.bundle)
    web = b.workload("/web", dns_names=["web.example.org"])
    sim.workload("/peer", federates_with=["example.com"])
    other.workload("/web", name="theirs")
    web.fetch_jwt_svid(audience="db")
    web.fetch_x509_svid()
    sim.advance(hours=13)
    sim.root.keyring.prepare_jwt(sim.world.now)  # pending
    sim.root.create_join_token(token="pending")
    return sim


def life_after(sim: Simulation) -> list[Any]:
    """All that can be seen of what a world does from now on."""
    web, peer = sim.workloads["web"], sim.workloads["peer"]
    seen: list[Any] = [web.fetch_x509_svid(), web.fetch_jwt_svid(audience="db"), peer.fetch_x509_bundles()]
    sim.settle()
    seen += [peer.validate_x509_svid(seen[0]), peer.validate_jwt_svid(seen[1], audience="db")]
    for hours in (1, 30, 2000):
        sim.advance(hours=hours)
        seen += [web.fetch_x509_svids(), web.fetch_jwt_svid(audience="db"), peer.fetch_jwt_bundles().marshal()]
        seen += [server.svid for server in sim.servers.values()] + [agent.svid for agent in sim.agents.values()]
    new = sim.servers["b"].nest("c").workload("/new")
    seen += [new.fetch_x509_svid(), sim.root.mint_wit_svid("spiffe://example.org/x"), sim.root.create_join_token()]
    return [*seen, sim.journal.json_lines()]


def test_a_world_that_travels_goes_on_as_the_one_that_stayed() -> None:
    sim = everything()
    copy = pickle.loads(pickle.dumps(sim))
    assert repr(copy) == repr(sim)
    assert copy.journal.digest() == sim.journal.digest()
    here, there = life_after(sim), life_after(copy)
    assert there == here
    assert life_after(everything()) == here


def test_a_world_travels_before_anybody_has_looked_at_its_documents() -> None:
    sim = Simulation("example.org", seed=1)
    sim.root.nest("a").workload("/web")
    copy = pickle.loads(pickle.dumps(sim))
    assert copy.workloads["web"].fetch_x509_svid() == sim.workloads["web"].fetch_x509_svid()


@pytest.mark.parametrize("hours", [0, 21])
def test_a_deep_world_travels_too(hours: int) -> None:
    sim = Simulation("example.org", seed=1)
    server = sim.root
    for number in range(120):
        server = server.nest(f"s{number}")
    server.workload("/web")
    sim.advance(hours=hours)
    copy = pickle.loads(pickle.dumps(sim))
    assert copy.workloads["web"].fetch_x509_svid() == sim.workloads["web"].fetch_x509_svid()


# Errors


def test_errors_say_who_and_by_how_much(sim: Simulation) -> None:
    web, peer = sim.workload("/web"), sim.workload("/peer")
    svid = web.fetch_x509_svid()
    sim.advance(hours=2)
    with pytest.raises(Expired) as refused:
        peer.validate_x509_svid(svid)
    assert str(refused.value) == ("spiffe://example.org/web expired 1:00:00 ago (not after 01:00:00Z, now 02:00:00Z)")
    with pytest.raises(Refused) as not_found:
        sim.root.get_entry("x")
    for error in (refused.value, not_found.value):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), again.code) == (type(error), str(error), error.code)
