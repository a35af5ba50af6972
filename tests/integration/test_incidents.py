"""Incidents that people have reported to SPIRE: each reproduced, and then absent with the documented remedy.

The numbers are those of issues and pull requests of https://github.com/spiffe/spire.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from spiffesim import Simulation
from spiffesim.errors import Refused, Unavailable, UnknownAuthority
from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.node_attestor.declared import DeclaredNodeAttestor
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority
from spiffesim.server import Server
from spiffesim.workload import Workload

HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)
BACKDATED = timedelta(seconds=10)


def lives(sim: Simulation, workload: Workload, *, every: timedelta, during: timedelta) -> Iterator[timedelta]:
    """How long the SVIDs were to live that a workload was given."""
    end = sim.now + during
    while sim.now < end:
        svid = workload.fetch_x509_svid()
        yield svid.not_after - svid.not_before - BACKDATED
        sim.advance(every)


# 7199, 5097: a downstream CA near its end truncates SVIDs


def tiers(*ca_ttls: timedelta, apart: timedelta = HOUR) -> tuple[Simulation, Workload]:
    """Servers nested in one another, each started a while after the one above."""
    sim = Simulation("example.org", seed=1, ca_ttl=ca_ttls[0])
    server = sim.root
    for tier, ca_ttl in enumerate(ca_ttls[1:], start=1):
        sim.advance(apart)
        server = server.nest(f"tier-{tier}", ca_ttl=ca_ttl)
    return sim, server.workload("/web", x509_svid_ttl=HOUR)


def test_with_equal_ca_ttls_a_downstream_ca_near_its_end_truncates_svids() -> None:
    sim, workload = tiers(DAY, DAY, DAY)
    assert not any("too high" in event.kind for event in sim.journal)  # no server has warned
    shortest = min(lives(sim, workload, every=timedelta(minutes=5), during=2 * DAY))
    assert shortest < timedelta(minutes=40)  # of an hour
    ends = [event.data["expiration"] for event in sim.journal.where(kind="X509 CA activated", node="tier-2")]
    left = [
        datetime.fromisoformat(str(end)) - event.at
        for end, event in zip(ends, sim.journal.where(kind="X509 CA activated", node="tier-2"), strict=True)
    ]
    assert min(left) < timedelta(hours=3)  # it activates a CA that has lived most of its time


def test_an_upstream_ca_that_lives_six_times_longer_truncates_nothing() -> None:
    sim, workload = tiers(36 * DAY, 6 * DAY, DAY)
    assert set(lives(sim, workload, every=timedelta(minutes=25), during=4 * DAY)) == {HOUR}


def test_a_ca_that_is_cut_to_a_few_seconds_signs_nothing_for_a_while() -> None:
    """In its worst form the downstream CA ends before the next check activates another."""
    brief = timedelta(minutes=2)
    sim, _ = tiers(brief, brief, brief, brief, apart=timedelta(seconds=7))
    sim.advance(minutes=30)
    errors = [event.data["error"] for event in sim.journal if "error" in event.data]
    assert any("already expired as of" in str(error) for error in errors)

    sim, workload = tiers(36 * HOUR, 6 * HOUR, HOUR)
    sim.advance(DAY)
    assert not [event for event in sim.journal if "error" in event.data]
    workload.fetch_x509_svid()


# 1190: JWT-SVIDs across servers of one trust domain


def test_jwt_svids_are_good_only_where_the_servers_share_their_keys() -> None:
    ca = ExternalCa("corp")

    def cluster(seed: int) -> Workload:
        upstream = DiskUpstreamAuthority(certificate=ca.certificate_pem, private_key=ca.private_key_pem)
        return Simulation("example.org", seed=seed, upstream_authority=upstream).workload("/web")

    here, there = cluster(1), cluster(2)
    assert there.validate_x509_svid(here.fetch_x509_svid()) == here.spiffe_id  # X.509 has a common root
    token = here.fetch_jwt_svid(audience="peer")
    assert here.validate_jwt_svid(token, audience="peer").spiffe_id == here.spiffe_id
    with pytest.raises(Refused, match=r'public key "\w+" not found in trust domain "example\.org"'):
        there.validate_jwt_svid(token, audience="peer")

    sim = Simulation("example.org", seed=3)
    here, there = (sim.root.nest(name).workload(f"/{name}") for name in ("a", "b"))
    token = here.fetch_jwt_svid(audience="peer")
    assert there.validate_jwt_svid(token, audience="peer").spiffe_id == here.spiffe_id


# 5317: scaling up: a new root CA and a new nested CA sign before everybody knows the root


def scaled_up(sim: Simulation, *, patience: timedelta) -> tuple[Workload, Workload]:
    """A root server whose new CA signs at once, and a nested server that is started under it."""
    old = sim.root.nest("nestedA").workload("/nestedA/workload")
    sim.advance(minutes=1)
    authority_id = sim.root.prepare_x509_authority().authority_id
    sim.advance(patience)
    sim.root.activate_x509_authority(authority_id)
    new = sim.root.nest("nestedB").workload("/nestedB/workload")
    return old, new


def test_after_a_scale_up_old_workloads_reject_new_ones_until_the_root_has_come_round() -> None:
    sim = Simulation("example.org", seed=5)
    old, new = scaled_up(sim, patience=timedelta(0))
    with pytest.raises(UnknownAuthority):
        old.validate_x509_svid(new.fetch_x509_svid())
    sim.advance(seconds=11)  # a poll of its server, and a sync of its agent
    assert old.validate_x509_svid(new.fetch_x509_svid()) == new.spiffe_id


def test_a_root_that_is_prepared_ahead_of_a_scale_up_is_known_to_all() -> None:
    sim = Simulation("example.org", seed=5)
    old, new = scaled_up(sim, patience=timedelta(seconds=11))
    assert old.validate_x509_svid(new.fetch_x509_svid()) == new.spiffe_id


# 6083: keys missing in some bundles after a rolling restart


def regions(sim: Simulation) -> list[Server]:
    servers = [sim.root.nest(f"region-{number}") for number in range(3)]
    sim.advance(seconds=20)
    return servers


def test_a_server_that_was_out_of_touch_lacks_the_keys_of_a_rolling_restart_until_it_is_back() -> None:
    sim = Simulation("example.org", seed=6)
    first, second, third = regions(sim)
    sim.cut(third, sim.root)
    for server in (first, second):
        sim.stop(server)
        sim.start(server)
    sim.advance(minutes=1)
    known = len(sim.root.bundle.jwt_authorities)
    assert [len(server.bundle.jwt_authorities) for server in (first, second, third)] == [known, known, known - 2]
    token = first.mint_jwt_svid("spiffe://example.org/web", "peer")
    assert token.header["kid"] not in third.bundle.jwt_authorities

    sim.heal(third, sim.root)
    sim.advance(minutes=3)  # its channel dials again after two at the latest
    assert set(third.bundle.jwt_authorities) == set(sim.root.bundle.jwt_authorities)
    assert token.header["kid"] in third.bundle.jwt_authorities


def test_a_restarted_server_that_has_kept_its_keys_learns_of_new_ones_without_minting() -> None:
    """What went wrong: only a mint made such a server listen to the one above. The remedy is a subscription."""
    sim = Simulation("example.org", seed=6, key_manager="disk")
    first, second, _ = regions(sim)
    sim.stop(second)
    sim.start(second)
    minted = len(sim.journal.where(kind="X509 CA prepared", node=second.name))
    prepared = first.prepare_jwt_authority().authority_id
    sim.advance(seconds=12)
    assert prepared in second.bundle.jwt_authorities
    assert len(sim.journal.where(kind="X509 CA prepared", node=second.name)) == minted


# 4699: more keys in a bundle than a relying party takes


def keys_after_restarts(key_manager: str, ca_ttl: timedelta = DAY) -> int:
    sim = Simulation("example.org", seed=7, ca_ttl=6 * ca_ttl, default_x509_svid_ttl=HOUR)
    servers = [sim.root.nest(f"cluster-{number}", ca_ttl=ca_ttl, key_manager=key_manager) for number in range(5)]
    for _ in range(3):
        sim.advance(hours=2)
        for server in servers:
            sim.stop(server)
            sim.start(server)
    sim.advance(seconds=20)
    return len(sim.root.bundle.jwt_authorities)


def test_restarts_without_keys_fill_a_bundle_and_those_with_keys_do_not() -> None:
    assert keys_after_restarts("memory") == 1 + 5 * 4
    assert keys_after_restarts("disk") == 1 + 5


def test_short_lived_cas_fill_a_bundle_and_long_lived_ones_do_not() -> None:
    def keys_of_two_days(ca_ttl: timedelta) -> int:
        sim = Simulation("example.org", seed=8, ca_ttl=ca_ttl, default_x509_svid_ttl=timedelta(minutes=5))
        sim.advance(2 * DAY)
        return len(sim.root.bundle.jwt_authorities)

    assert keys_of_two_days(HOUR) > 45  # each stays for a day after its end
    assert keys_of_two_days(timedelta(days=7)) == 1


# 6837: a TTL that is too short for the checks


def too_short(svid_ttl: timedelta, ca_ttl: timedelta) -> tuple[Simulation, Workload]:
    sim = Simulation("elsewhere.test", seed=9)
    sim.advance(milliseconds=300)  # no real server begins on a whole second
    root = sim.add_trust_domain("domain.test", ca_ttl=ca_ttl, default_x509_svid_ttl=svid_ttl)
    return sim, root.workload("/workload")


def worst_remainder(sim: Simulation, workload: Workload) -> timedelta:
    """How little an SVID had left, of those that were there at any second of ten minutes."""
    remainders = []
    for _ in range(600):
        remainders.append(workload.fetch_x509_svid().not_after - sim.now)
        sim.advance(seconds=1)
    return min(remainders)


def test_ten_seconds_are_too_short_and_twenty_are_not() -> None:
    """Backdated by ten seconds, an SVID of ten is at half of its life when it is made, and again at every sync."""
    sim, workload = too_short(timedelta(seconds=10), timedelta(minutes=1))
    assert worst_remainder(sim, workload) < timedelta(seconds=5)
    sim.cut("domain.test", workload.agent)
    sim.advance(seconds=10)
    assert workload.fetch_x509_svid().not_after < sim.now  # one lost sync, and what is served has expired

    sim, workload = too_short(timedelta(seconds=20), timedelta(minutes=3))
    assert worst_remainder(sim, workload) > timedelta(seconds=7)
    sim.cut("domain.test", workload.agent)
    sim.advance(seconds=7)
    assert workload.fetch_x509_svid().not_after > sim.now


# 1562: an agent whose SVID has expired


def test_an_agent_whose_svid_expired_in_an_outage_ends_and_works_again_once_it_is_started() -> None:
    """It used to run on, healthy and useless; now it ends, so that a supervisor starts it and it attests again."""
    sim = Simulation("example.org", seed=10)
    agent = sim.root.agent("node", attestor=DeclaredNodeAttestor("node"))
    web = agent.workload("/web")
    sim.cut(sim.root, agent)
    sim.advance(hours=2)
    assert agent.stopped.startswith("current SVID has already expired and reattest agent failed")
    with pytest.raises(Unavailable):
        web.fetch_x509_svid()

    sim.heal(sim.root, agent)
    sim.advance(hours=1)
    assert agent.stopped  # nobody has started it
    sim.start(agent)
    sim.advance(seconds=6)
    assert web.validate_x509_svid(web.fetch_x509_svid()) == web.spiffe_id


def test_an_agent_survives_an_outage_that_is_shorter_than_its_svid() -> None:
    sim = Simulation("example.org", seed=10)
    agent = sim.root.agent("node", attestor=DeclaredNodeAttestor("node"))
    web = agent.workload("/web")
    sim.cut(sim.root, agent)
    sim.advance(minutes=50)
    sim.heal(sim.root, agent)
    sim.advance(minutes=5)  # its back-off has grown to four
    assert not agent.stopped
    assert web.validate_x509_svid(web.fetch_x509_svid()) == web.spiffe_id
