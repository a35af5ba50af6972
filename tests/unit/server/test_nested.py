"""How a nested server stays in touch with the one above; the stories are told with the faults."""

from __future__ import annotations

import pytest

from spiffesim import Simulation
from spiffesim.errors import SpiffeSimError
from spiffesim.instants import SECOND
from spiffesim.ledger import X509Element
from spiffesim.server.nested import Nested
from tests.unit.bundles import Root

UNSTORED = "Failed to store X.509 CAs received by the upstream authority plugin."


@pytest.fixture
def sim() -> Simulation:
    sim = Simulation("example.org", seed=1)
    sim.root.nest("nested").agent()
    return sim


def roots(sim: Simulation) -> int:
    return len(sim.servers["nested"].view.roots)


def test_a_root_has_nobody_to_poll(sim: Simulation) -> None:
    assert not sim.root.poll_upstream()
    assert not sim.root.upstream_due
    sim.root.tick_upstream()
    sim.root.recycle()
    assert sim.root.recycling_due is None


def test_the_first_poll_comes_after_five_seconds_and_opens_the_channel(sim: Simulation) -> None:
    channel = sim.servers["nested"].channel
    assert channel is not None
    sim.advance(seconds=4)
    assert not channel.open
    sim.advance(seconds=1)
    assert channel.connected


def test_to_settle_needs_a_channel(sim: Simulation) -> None:
    sim.root.keyring.prepare_x509(sim.root.now)
    sim.root.changed()
    sim.cut("root", "nested")
    sim.settle()
    assert roots(sim) == 1
    sim.heal("root", "nested")
    sim.settle()
    assert roots(sim) == 2


def test_to_settle_does_not_wait_for_a_channel_that_is_being_dialled(sim: Simulation) -> None:
    sim.advance(seconds=10)
    sim.cut("root", "nested")
    sim.root.keyring.prepare_x509(sim.root.now)
    sim.root.changed()
    sim.heal("root", "nested")
    sim.settle()
    assert roots(sim) == 1
    sim.advance(minutes=3)
    assert roots(sim) == 2


def test_a_server_that_has_ended_hears_nothing(sim: Simulation) -> None:
    sim.stop("nested")
    sim.root.keyring.prepare_x509(sim.root.now)
    sim.root.changed()
    sim.settle()
    assert roots(sim) == 1
    sim.start("nested")
    sim.settle()
    assert roots(sim) == 2


def test_how_a_process_ends_and_goes_on_is_the_servers_own_matter(sim: Simulation) -> None:
    with pytest.raises(NotImplementedError):
        Nested.crash(sim.root, SpiffeSimError("no"))
    with pytest.raises(NotImplementedError):
        Nested.proceed(sim.root)


def test_a_root_that_cannot_be_revoked_is_noted_at_each_poll_and_nothing_else_is_learnt(sim: Simulation) -> None:
    nested = sim.servers["nested"]
    nested.view.sync_roots([X509Element(Root("R")), X509Element(Root("again", key="R"), tainted=True)])
    known = nested.bundle
    sim.root.keyring.prepare_x509(sim.root.now)
    sim.root.changed()
    sim.settle()
    failure, *_ = sim.journal.where(node="nested", kind=UNSTORED)
    assert failure.data["error"].endswith("it is not possible to revoke an untainted root CA")
    assert nested.bundle == known
    nested.view.forget()
    sim.root.changed()
    sim.settle()
    assert nested.view.roots == sim.root.view.roots


def test_a_connection_that_could_not_be_made_anew_is_due_at_once(sim: Simulation) -> None:
    sim.advance(seconds=10)
    nested = sim.servers["nested"]
    found = [nested.recycling_due]
    nested.skew = 2 * 3600 * SECOND  # by its clock the SVID of the server above has ended
    found.append(nested.recycling_due)
    assert found[0] is not None
    assert found[0] > sim.world.now
    assert found[1] == 0
