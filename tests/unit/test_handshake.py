"""The handshake between two nodes, each with a clock and a bundle of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from spiffesim import Simulation
from spiffesim.errors import Unavailable
from spiffesim.handshake import Handshake
from spiffesim.instants import SECOND
from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority
from spiffesim.server.view import View

HOUR = 3600 * SECOND


@pytest.fixture
def sim() -> Simulation:
    sim = Simulation("example.org", seed=1)
    sim.root.agent()
    return sim


def shake(sim: Simulation) -> Handshake:
    agent = sim.root.agent()
    return Handshake(agent, sim.root, agent.credentials.svid, agent.view)


def reason(sim: Simulation) -> str:
    failure = shake(sim).failure
    assert failure is not None
    return f"{failure[0]} / {failure[1]}"


def test_two_nodes_with_right_clocks_and_one_bundle_shake_hands(sim: Simulation) -> None:
    shake(sim).check()
    assert shake(sim).failure is None


def test_what_a_link_does_not_carry_is_refused(sim: Simulation) -> None:
    sim.cut("root", "root-agent")
    with pytest.raises(Unavailable, match="connection refused") as caught:
        shake(sim).check()
    assert caught.value.status == "UNAVAILABLE"


def test_a_client_whose_clock_is_fast_finds_the_server_expired(sim: Simulation) -> None:
    sim.root.agent().skew = 2 * HOUR
    assert "certificate has expired or is not yet valid: current time 2030-01-01T02:00:00Z is after" in reason(sim)


def test_a_client_whose_clock_is_slow_finds_the_server_not_yet_valid(sim: Simulation) -> None:
    sim.root.agent().skew = -10 * SECOND
    shake(sim).check()
    sim.root.agent().skew = -11 * SECOND
    assert "current time 2029-12-31T23:59:49Z is before 2029-12-31T23:59:50Z" in reason(sim)


def test_a_server_whose_clock_is_fast_finds_the_client_expired(sim: Simulation) -> None:
    sim.root.skew = 3600 * SECOND
    shake(sim).check()
    sim.root.skew = 3601 * SECOND
    assert reason(sim).startswith('connection error: desc = "error reading server preface: remote error: tls: bad cert')
    assert "root refuses the SVID of root-agent: x509: certificate has expired" in reason(sim)


def test_a_server_that_leads_to_another_root_is_unknown(sim: Simulation) -> None:
    agent = sim.root.agent()
    other = View(agent.view.ledger)
    with pytest.raises(Unavailable, match="x509: certificate signed by unknown authority"):
        Handshake(agent, sim.root, None, other).check()
    Handshake(agent, sim.root, None, None).check()  # who takes anybody looks at nothing


def test_a_server_renews_its_svid_as_long_as_its_ca_lives(sim: Simulation) -> None:
    assert shake(sim).server_fails_from == sim.world.now + 24 * HOUR - 100 * SECOND + 1


def test_a_client_with_another_clock_has_to_look_at_each_svid(sim: Simulation) -> None:
    sim.root.agent().skew = SECOND
    assert shake(sim).server_fails_from == sim.world.now + HOUR - SECOND + 1


@pytest.mark.parametrize("settings", [{"default_x509_svid_ttl": timedelta(seconds=80)}, {"ca_key_type": "rsa-2048"}])
def test_a_server_whose_renewal_is_not_sure_is_looked_at_each_time(settings: dict[str, Any]) -> None:
    sim = Simulation("example.org", seed=1, **settings)
    sim.root.agent()
    shown = sim.root.shown
    assert shown is not None
    assert shake(sim).server_fails_from == shown.not_after + 1


def test_a_ca_from_outside_leads_to_the_root_that_signed_it() -> None:
    company = ExternalCa("Company")
    upstream = DiskUpstreamAuthority(certificate=company.certificate_pem, private_key=company.private_key_pem)
    sim = Simulation("example.org", seed=1, upstream_authority=upstream)
    sim.root.agent()
    shake(sim).check()
    other = Simulation("example.org", seed=2)
    agent = sim.root.agent()
    with pytest.raises(Unavailable, match="unknown authority"):
        Handshake(agent, sim.root, None, other.root.view).check()


# A connection that is there already


def connected(sim: Simulation, trusts: View) -> Handshake:
    return Handshake(sim.root.agent(), sim.root, None, trusts, connected=True)


@pytest.mark.parametrize("level", ["info", "debug"])  # with an SVID that need not be renewed to be judged, and without
def test_who_is_connected_does_not_ask_again_where_the_server_leads(level: Any) -> None:
    sim = Simulation("example.org", seed=1, journal=level)
    agent = sim.root.agent()
    stranger = View(agent.view.ledger)
    connected(sim, stranger).check()
    with pytest.raises(Unavailable, match="unknown authority"):
        Handshake(agent, sim.root, None, stranger).check()
    assert (sim.root.steady_svid is None) == (level == "debug")


def test_a_connection_ends_with_its_link_and_with_the_svid_of_the_server(sim: Simulation) -> None:
    agent = sim.root.agent()
    connected(sim, agent.view).check()
    agent.skew = 2 * HOUR
    with pytest.raises(Unavailable, match="certificate has expired"):
        connected(sim, agent.view).check()
    agent.skew = 0
    sim.cut("root", "root-agent")
    with pytest.raises(Unavailable, match="connection refused"):
        connected(sim, agent.view).check()


def test_a_server_that_shows_nothing_is_reached_by_none_and_judged_by_nobody(sim: Simulation) -> None:
    handshake = shake(sim)
    assert handshake._problem_of_server() == ""
    sim.root.own_svid.end()
    assert sim.root.shown is None
    assert handshake._problem_of_server() == ""
