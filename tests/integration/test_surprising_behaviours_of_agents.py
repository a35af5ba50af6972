"""What an agent does that its operators seldom expect: ``docs/reference/surprising-behaviours.md``, row by row."""

from __future__ import annotations

from datetime import timedelta

import pytest

from spiffesim import Simulation
from spiffesim.errors import Expired, NoIdentityIssued, Unavailable
from spiffesim.plugins.node_attestor.declared import DeclaredNodeAttestor
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.jwtsvid import JwtSvid
from tests.integration.authorities import replaced

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
COM = TrustDomain("example.com")


@pytest.fixture
def sim() -> Simulation:
    return Simulation("example.org", seed=14)


# Tokens


def test_tokens_with_a_jti_are_cached_all_the_same(sim: Simulation) -> None:
    web = sim.workload("/web", jwt_svid_include_jti=True)
    first, second = (web.fetch_jwt_svid(audience="all") for _ in range(2))
    assert first == second
    (entry,) = sim.root.list_entries(by_spiffe_id="spiffe://example.org/web")
    minted = [JwtSvid(sim.root.new_jwt_svid(web.agent.caller, entry.id, ["all"])) for _ in range(2)]
    assert len({token.claims["jti"] for token in (first, *minted)}) == 3  # the server makes each unique


@pytest.mark.parametrize(("size", "evicted"), [(2, True), (3, False)])
def test_a_full_jwt_cache_evicts_even_when_it_replaces(sim: Simulation, size: int, evicted: bool) -> None:
    agent = sim.root.agent("agent", jwt_svid_cache_max_size=size)
    for path, ttl in (("/long", 3600), ("/short", 60)):
        sim.root.create_entry(
            spiffe_id=f"spiffe://example.org{path}",
            parent_id=agent.spiffe_id,
            selectors=["unix:uid:1"],
            jwt_svid_ttl=ttl,
        )
    sim.advance(seconds=10)
    process = agent.process(uid=1)

    def fetch(path: str) -> JwtSvid:
        return process.fetch_jwt_svid(audience="all", spiffe_id=f"spiffe://example.org{path}")

    long, short = fetch("/long"), fetch("/short")
    sim.advance(seconds=50)
    assert fetch("/short") != short  # there were two tokens, and there still are no more
    assert (fetch("/long") != long) is evicted


# Taint


def test_a_taint_notifies_before_it_renews(sim: Simulation) -> None:
    stream = sim.workload("/web").watch_x509()
    (before,) = (update.svids[0] for update in stream)
    old = replaced(sim, sim.root)
    sim.advance(seconds=10)
    assert {update.svids[0] for update in stream} == {before}
    sim.root.taint_x509_authority(old)
    sim.advance(seconds=10)
    told = [update.svids[0] for update in stream]
    assert told[0] == before
    assert told[-1] != before
    sim.advance(seconds=10)
    assert not list(stream)


# Entries


def test_an_entry_hidden_by_its_hint_still_federates(sim: Simulation) -> None:
    agent = sim.root.agent()
    sim.root.set_federated_bundle(sim.add_trust_domain(COM).bundle)
    for path, federates_with in (("/older", ()), ("/younger", (COM,))):
        sim.root.create_entry(
            spiffe_id=f"spiffe://example.org{path}",
            parent_id=agent.spiffe_id,
            selectors=["unix:uid:1"],
            hint="internal",
            federates_with=federates_with,
        )
        sim.advance(seconds=10)
    process = agent.process(uid=1)

    def ids() -> list[str]:
        return [svid.spiffe_id.path for svid in process.fetch_x509_svids()]

    def foreign() -> list[TrustDomain]:
        return [bundle.trust_domain for bundle in process.fetch_x509_bundles()][1:]

    def fetch() -> JwtSvid:
        return process.fetch_jwt_svid(audience="all", spiffe_id="spiffe://example.org/younger")

    assert ids() == ["/older"]
    assert foreign() == [COM]
    with pytest.raises(NoIdentityIssued):
        fetch()
    (younger,) = sim.root.list_entries(by_spiffe_id="spiffe://example.org/younger")
    hidden, shown = sim, sim.fork()
    shown.root.update_entry(younger.id, mask=["hint"], hint="external")
    hidden.root.delete_entry(younger.id)
    hidden.advance(seconds=10)
    assert foreign() == []
    shown.advance(seconds=10)
    process = shown.workloads[process.name]
    assert sorted(ids()) == ["/older", "/younger"]
    fetch()


# Outages and renewals


def test_expired_svids_are_served_during_an_outage() -> None:
    sim = Simulation("example.org", seed=14, default_x509_svid_ttl=5 * MINUTE, agent_ttl=2 * HOUR)
    web, peer = sim.workload("/web"), sim.root.agent("other").workload("/peer")
    agent_ends = sim.now + 2 * HOUR
    sim.cut(web.agent, "root")
    sim.advance(HOUR)
    peer.validate_x509_svid(peer.fetch_x509_svid())
    expired = web.fetch_x509_svid()
    assert expired.not_after < sim.now
    with pytest.raises(Expired):
        peer.validate_x509_svid(expired)
    sim.travel_to(agent_ends)
    assert web.fetch_x509_svid() == expired
    sim.advance(10 * MINUTE)
    with pytest.raises(Unavailable):
        web.fetch_x509_svid()


@pytest.mark.parametrize(("ttl", "advanced"), [(40 * HOUR, True), (200 * HOUR, False)])
def test_an_availability_target_only_advances_a_renewal(ttl: timedelta, advanced: bool) -> None:
    def renewal(target: timedelta | None) -> timedelta:
        sim = Simulation("example.org", seed=14, ca_ttl=300 * DAY)
        web = sim.root.agent("agent", availability_target=target).workload("/web", x509_svid_ttl=ttl)
        begin, stream = sim.now, web.watch_x509()
        sim.advance(ttl * 0.6)
        return next(update.at for update in stream if update.at > begin) - begin

    nominal, with_target = renewal(None), renewal(DAY)
    assert 0.45 * ttl - MINUTE <= nominal <= 0.55 * ttl + MINUTE
    if advanced:
        assert ttl - DAY - 10 * MINUTE <= with_target + 10 * SECOND <= ttl - DAY + MINUTE
    else:  # a day before its end would be later
        assert with_target == nominal


@pytest.mark.parametrize(
    ("keys", "mode", "ends"), [("memory", "never", True), ("memory", "auto", False), ("disk", "never", False)]
)
def test_an_unknown_root_ends_an_agent(keys: str, mode: str, ends: bool) -> None:
    sim = Simulation("example.org", seed=14, key_manager=keys)
    attestor = DeclaredNodeAttestor("one")
    agent = sim.root.agent("agent", attestor=attestor, rebootstrap_mode=mode)  # type: ignore[arg-type]
    sim.advance(seconds=10)
    sim.stop("root")
    sim.start("root")
    sim.advance(MINUTE)
    assert bool(agent.stopped) is ends
    assert ("certificate signed by unknown authority" in agent.stopped) is ends
