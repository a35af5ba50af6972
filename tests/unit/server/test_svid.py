"""The SVID of a server: renewed at half of its life, by whoever looks, as if its checks had done it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from spiffesim import Simulation
from spiffesim.errors import Refused
from spiffesim.instants import SECOND
from spiffesim.server.loops import SvidRotator
from tests.oracles.naive import naive

DAY = timedelta(days=1)
HOUR = 3600 * SECOND
AMPLE = 100 * SECOND


@pytest.fixture
def sim() -> Simulation:
    return Simulation("example.org", seed=1)


def planned(sim: Simulation) -> int | None:
    """In how many seconds the server checks its SVID."""
    assert sim.world.timetable.next is not None
    loop = sim.root.find_loop(SvidRotator)
    assert loop is not None
    return None if loop.planned is None else (loop.planned - sim.world.now) // SECOND


# When it is renewed


def test_one_that_nobody_looked_at_is_what_checks_every_five_seconds_would_have_made_of_it() -> None:
    span = timedelta(hours=3)
    fast, slow = (prepare(Simulation("example.org", seed=1, ca_ttl=span)) for prepare in (lambda sim: sim, naive))
    for hours in (0.4, 0.2, 2, 0.01, 3):
        fast.advance(hours=hours)
        slow.advance(hours=hours)
        assert fast.root.svid == slow.root.svid
        assert fast.root.svid.not_after > fast.now
    assert fast.journal.digest() == slow.journal.digest()


def test_its_renewal_is_an_event_only_when_its_ca_has_ended(sim: Simulation) -> None:
    sim.advance(seconds=1)
    assert planned(sim) == 24 * 3600 + 5 - 1
    before = sim.root.svid
    sim.advance(hours=1)
    assert sim.root.svid != before


@pytest.mark.parametrize(
    "options", [{"journal": "debug"}, {"ca_key_type": "rsa-2048", "jwt_key_type": "ec-p256"}], ids=str
)
def test_where_somebody_minds_each_renewal_is_an_event(options: dict[str, Any]) -> None:
    assert planned(Simulation("example.org", seed=1, **options)) == 1800


def test_those_who_poll_a_bundle_mind_as_well(sim: Simulation) -> None:
    other = sim.add_trust_domain("example.com")
    assert planned(sim) == 24 * 3600 + 5
    for _ in range(2):
        sim.root.poll_from(other)
    assert sim.root.pollers == [other]
    assert planned(sim) == 1800


def test_a_ca_that_takes_over_signs_the_next_one_at_half_of_the_life_of_the_last() -> None:
    sim = Simulation("example.org", seed=1, default_x509_svid_ttl=timedelta(hours=4))
    sim.root.activate_x509_authority(sim.root.prepare_x509_authority().authority_id)
    first = sim.root.svid
    assert planned(sim) == 7200  # the others have to learn where it leads
    sim.advance(hours=2)
    assert sim.root.svid != first
    assert sim.root.own_svid.record.certificate.issuer is sim.root.ca.authority


def test_a_tainted_one_is_renewed_at_the_next_check_and_any_other_is_not(sim: Simulation) -> None:
    first, own = sim.root.svid, sim.root.own_svid
    own.notify_tainted([])
    assert planned(sim) == 24 * 3600 + 5
    own.notify_tainted(sim.root.view.roots)
    assert own.tainted
    assert planned(sim) == 5
    sim.advance(seconds=5)
    second = sim.root.svid
    assert second != first
    sim.advance(seconds=5)
    assert sim.root.svid == second


@pytest.mark.parametrize("change", ["pause", "skew"])
def test_it_is_the_same_to_both_engines_when_the_server_stood_still_or_its_clock_was_set(change: str) -> None:
    def story(sim: Simulation) -> list[bytes]:
        found = []
        for number in range(4):
            sim.advance(minutes=47)
            if change == "pause":
                sim.pause(sim.root)
                sim.advance(minutes=20)
                sim.resume(sim.root)
            else:
                sim.skew(sim.root, 600 * (-1) ** number)
            found.append(sim.root.svid.chain_der)
            sim.advance(seconds=7)
            found.append(sim.root.svid.chain_der)
        return [*found, sim.journal.digest().encode()]

    assert story(Simulation("example.org", seed=2)) == story(naive(Simulation("example.org", seed=2)))


# What others rely on


def test_in_a_quiet_world_whoever_connects_need_not_have_it_renewed(sim: Simulation) -> None:
    own = sim.root.own_svid
    steady = own.steady
    sim.advance(hours=11)
    assert steady is not None
    assert own.steady is steady  # long out of date, and it leads where that leads which is shown
    assert own.valid_until == sim.root.keyring.x509.current.not_after - AMPLE
    assert own.record is not steady
    assert own.record.certificate.issuer is steady.certificate.issuer


def without_ca_for_long(sim: Simulation) -> None:
    sim.world.clock.move(sim.root.keyring.x509.current.not_after - AMPLE + 1)


def with_another_ca(sim: Simulation) -> None:
    sim.root.activate_x509_authority(sim.root.prepare_x509_authority().authority_id)


@pytest.mark.parametrize(
    ("settings", "disturb"),
    [
        ({"default_x509_svid_ttl": timedelta(seconds=99)}, lambda sim: None),
        ({"journal": "debug"}, lambda sim: None),
        ({}, lambda sim: sim.root.own_svid.notify_tainted(sim.root.view.roots)),
        ({}, with_another_ca),
        ({}, without_ca_for_long),
        ({}, lambda sim: sim.stop(sim.root)),
    ],
    ids=["short", "debug", "tainted", "another CA", "the CA ends soon", "stopped"],
)
def test_in_any_doubt_one_has_to_look(settings: dict[str, Any], disturb: Callable[[Simulation], object]) -> None:
    assert Simulation("example.org", seed=1).root.own_svid.steady is not None
    sim = Simulation("example.org", seed=1, **settings)
    disturb(sim)
    assert sim.root.own_svid.steady is None


def test_it_is_valid_as_long_as_its_renewal_is_sure(sim: Simulation) -> None:
    ca_ends = sim.root.keyring.x509.current.not_after
    assert sim.root.valid_until == ca_ends - AMPLE
    debug = Simulation("example.org", seed=1, journal="debug")
    assert debug.root.valid_until == ca_ends - AMPLE
    short = Simulation("example.org", seed=1, default_x509_svid_ttl=timedelta(seconds=80))
    assert short.root.valid_until == short.world.now + 80 * SECOND


# Its end


def test_it_ends_with_the_process_and_the_next_process_has_another(sim: Simulation) -> None:
    first = sim.root.svid
    assert sim.root.shown is not None
    sim.stop(sim.root)
    assert [server.shown for server in sim.servers.values()] == [None]
    sim.start(sim.root)
    assert sim.root.own_svid.held
    assert sim.root.svid != first


def test_whoever_needs_one_before_there_is_any_has_it_signed(sim: Simulation) -> None:
    own = sim.root.own_svid
    own.end()
    assert own.due == 0
    assert own.record.not_after == sim.world.now + HOUR
    sim.world.clock.move(sim.world.now + 25 * HOUR)  # and nobody rotated anything
    assert own.record.not_after == sim.root.keyring.x509.current.not_after
    own.end()
    with pytest.raises(Refused, match="already expired"):
        _ = own.record


def test_one_whose_ca_has_ended_stays_what_it_is() -> None:
    sim = Simulation("example.org", seed=1, ca_ttl=timedelta(hours=2))
    nested = sim.root.nest("nested")
    sim.root.delete_entry(sim.root.list_entries(downstream=True)[0].id)
    sim.advance(hours=2, seconds=1)
    last = nested.own_svid.record
    sim.advance(minutes=10)
    assert nested.own_svid.record is last
    assert last.not_after == nested.keyring.x509.current.not_after
    assert sim.journal.where(kind="Could not rotate server SVID", node="nested")
