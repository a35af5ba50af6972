"""When authorities are prepared and activated in nested deployments, to the second, read off the journal.

SPIRE: pkg/server/ca/manager/slot.go, pkg/server/ca/rotator/rotator.go; no test of SPIRE's asserts these instants.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, TypeAlias

import pytest

from spiffesim import Simulation
from spiffesim.clock import EPOCH

Line: TypeAlias = tuple[str, str, str]
"""When, what, and when the CA ends: ``("12h00m10s", "prepare", "36h00m10s")``."""

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
TICK: Final = timedelta(seconds=10)
_VERBS: Final = {"X509 CA prepared": "prepare", "X509 CA activated": "activate"}
_JWT_VERBS: Final = {"JWT key prepared": "prepare", "JWT key activated": "activate"}


def since(span: timedelta) -> str:
    """``12h00m10s``."""
    seconds = span // timedelta(seconds=1)
    return f"{seconds // 3600}h{seconds // 60 % 60:02}m{seconds % 60:02}s"


def timeline(sim: Simulation, node: str, verbs: dict[str, str] = _VERBS) -> list[Line]:
    """All that became of the CAs of a server."""
    found = []
    for event in sim.journal.where(node=node):
        if event.kind in verbs:
            ends = datetime.fromisoformat(event.data["expiration"])
            found.append((since(event.at - EPOCH), verbs[event.kind], since(ends - EPOCH)))
    return found


def activations(sim: Simulation, node: str) -> list[timedelta]:
    return [event.at - EPOCH for event in sim.journal.where(node=node, kind="X509 CA activated")]


def nested_at_one_and_two_hours(hours: float) -> Simulation:
    """Three tiers with the default ``ca_ttl``, each started an hour after the one above."""
    sim = Simulation("example.org", seed=1)
    sim.advance(hours=1)
    nested = sim.root.nest("nested")
    sim.advance(hours=1)
    nested.nest("below")
    sim.travel_to(EPOCH + timedelta(hours=hours))
    return sim


def test_a_root_with_a_ca_ttl_of_24_hours_rotates_every_12_hours_and_a_tick() -> None:
    sim = Simulation("example.org", seed=1)
    sim.advance(hours=48)
    assert timeline(sim, "root") == [
        ("0h00m00s", "prepare", "24h00m00s"),
        ("0h00m00s", "activate", "24h00m00s"),
        ("12h00m10s", "prepare", "36h00m10s"),
        ("20h00m10s", "activate", "36h00m10s"),
        ("24h00m20s", "prepare", "48h00m20s"),
        ("32h00m20s", "activate", "48h00m20s"),
        ("36h00m30s", "prepare", "60h00m30s"),
        ("44h00m30s", "activate", "60h00m30s"),
    ]


def test_a_server_nested_an_hour_later_rotates_in_bursts_near_each_rotation_of_its_parent() -> None:
    assert timeline(nested_at_one_and_two_hours(35), "nested") == [
        ("1h00m00s", "prepare", "24h00m00s"),
        ("1h00m00s", "activate", "24h00m00s"),
        ("12h30m10s", "prepare", "24h00m00s"),  # by the first CA of the root, which has prepared its second
        ("20h10m10s", "activate", "24h00m00s"),
        ("20h10m20s", "prepare", "36h00m10s"),  # by the second
        ("22h05m10s", "activate", "36h00m10s"),
        ("28h05m20s", "prepare", "36h00m10s"),
        ("33h22m00s", "activate", "36h00m10s"),
        ("33h22m10s", "prepare", "48h00m20s"),
        ("34h41m10s", "activate", "48h00m20s"),
    ]


def test_a_server_nested_below_that_one_rotates_once_more_in_each_burst() -> None:
    assert timeline(nested_at_one_and_two_hours(24), "below") == [
        ("2h00m00s", "prepare", "24h00m00s"),
        ("2h00m00s", "activate", "24h00m00s"),
        ("13h00m10s", "prepare", "24h00m00s"),
        ("20h20m10s", "activate", "24h00m00s"),
        ("20h20m20s", "prepare", "24h00m00s"),
        ("22h10m10s", "activate", "24h00m00s"),
        ("22h10m20s", "prepare", "36h00m10s"),
        ("23h23m30s", "activate", "36h00m10s"),
    ]


def test_jwt_keys_are_capped_by_nobody_and_rotate_without_bursts() -> None:
    sim = nested_at_one_and_two_hours(36)
    for node, started in (("root", 0), ("nested", 1), ("below", 2)):
        rotated = ((12, "prepare", 36), (20, "activate", 36), (24, "prepare", 48), (32, "activate", 48))
        expected = [
            (since((started + after) * HOUR + ticks * TICK), verb, since((started + ends) * HOUR + ticks * TICK))
            for (after, verb, ends), ticks in zip(rotated, (1, 1, 2, 2), strict=True)
        ]
        assert timeline(sim, node, _JWT_VERBS)[2:6] == expected


def test_the_leaf_of_the_suite_configuration_rotates_every_50_seconds() -> None:
    sim = Simulation("example.org", seed=1, ca_ttl=HOUR)
    intermediate = sim.root.nest("intermediate")
    sim.advance(minutes=2)
    intermediate.nest("leaf", ca_ttl=timedelta(seconds=90))
    sim.advance(minutes=3)
    assert timeline(sim, "leaf") == [
        ("0h02m00s", "prepare", "0h03m30s"),
        ("0h02m00s", "activate", "0h03m30s"),
        ("0h02m50s", "prepare", "0h04m20s"),
        ("0h03m20s", "activate", "0h04m20s"),
        ("0h03m40s", "prepare", "0h05m10s"),
        ("0h04m10s", "activate", "0h05m10s"),
        ("0h04m30s", "prepare", "0h06m00s"),
        ("0h05m00s", "activate", "0h06m00s"),
    ]
    assert [verb for _, verb, _ in timeline(sim, "intermediate")] == ["prepare", "activate"]


def test_a_ca_of_a_minute_prepares_at_the_first_tick_after_30_seconds_and_activates_after_50() -> None:
    sim = Simulation("example.org", seed=1, ca_ttl=timedelta(minutes=1))
    sim.advance(minutes=2)
    assert timeline(sim, "root")[2:4] == [("0h00m40s", "prepare", "0h01m40s"), ("0h01m00s", "activate", "0h01m40s")]
    # 30 s and 50 s are ticks themselves, and at these it is not yet past half, and not yet past five sixths.
    assert all(ends > when for when, _, ends in timeline(sim, "root"))


def test_with_equal_ttls_tier_n_activates_n_plus_1_times_in_each_cycle_of_the_root() -> None:
    sim = Simulation("example.org", seed=1)
    server = sim.root
    for tier in range(1, 4):
        sim.advance(hours=1)
        server = server.nest(f"tier{tier}")
    sim.advance(days=5)
    cycles = list(pairwise(activations(sim, "root")[1:]))
    assert len(cycles) >= 7
    for begin, end in cycles:
        assert end - begin == 12 * HOUR + TICK
        for tier in range(1, 4):
            within = [at for at in activations(sim, f"tier{tier}") if begin < at <= end]
            assert len(within) == tier + 1


def test_where_each_tier_has_a_sixth_of_the_ttl_above_it_activates_once_in_each_cycle_of_its_own() -> None:
    sim = Simulation("example.org", seed=1, ca_ttl=216 * HOUR)
    sim.advance(hours=1)
    middle = sim.root.nest("middle", ca_ttl=36 * HOUR)
    sim.advance(hours=1)
    middle.nest("lowest", ca_ttl=6 * HOUR)
    sim.advance(days=60)
    for node, ttl in (("root", 216 * HOUR), ("middle", 36 * HOUR), ("lowest", 6 * HOUR)):
        cycles = [later - earlier for earlier, later in pairwise(activations(sim, node)[1:])]
        assert len(cycles) >= 11
        assert all(ttl / 2 <= cycle <= ttl / 2 + 2 * TICK for cycle in cycles)
        lives = [life_of(event.data) for event in sim.journal.where(node=node, kind="X509 CA prepared")]
        assert all(ttl - 2 * TICK <= life <= ttl for life in lives)  # a parent signs up to one tick late


def life_of(data: dict[str, str]) -> timedelta:
    return datetime.fromisoformat(data["expiration"]) - datetime.fromisoformat(data["issued_at"])


@pytest.mark.parametrize(
    ("ttl", "lead"),
    [
        (HOUR, HOUR / 3),
        (24 * HOUR, 8 * HOUR),
        (42 * DAY, 14 * DAY),  # a third up to here
        (50 * DAY, 18 * DAY),  # L/2 - 7 d
        (60 * DAY, 23 * DAY),
        (90 * DAY, 23 * DAY),  # which is less than a third
    ],
)
def test_a_prepared_root_is_distributed_so_long_before_it_signs(ttl: timedelta, lead: timedelta) -> None:
    sim = Simulation("example.org", seed=1, ca_ttl=ttl)
    agent = sim.root.agent()
    sim.advance(ttl * 2)
    prepared, activated = (
        [event.at for event in sim.journal.where(node="root", kind=kind)][1:]
        for kind in ("X509 CA prepared", "X509 CA activated")
    )
    assert len(activated) >= 2
    leads = [later - earlier for earlier, later in zip(prepared, activated, strict=False)]
    assert all(lead - TICK <= found <= lead + TICK for found in leads)
    # and by then everybody has it
    sim.travel_to(activated[-1] + ttl)
    sim.settle()
    assert agent.view.bundle.x509_der == sim.root.bundle.x509_der
