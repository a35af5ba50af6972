"""A server: its identity, what it does as time goes by, and what a refusing parent means to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from spiffesim import Simulation
from spiffesim.authorization import Caller
from spiffesim.errors import NoIdentityIssued, NotAuthorized, Refused
from spiffesim.instants import SECOND, moment
from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.node_attestor.declared import DeclaredNodeAttestor
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority
from spiffesim.plugins.workload_attestor import Process
from spiffesim.server import Server
from spiffesim.server.loops import BundlePruner
from tests.oracles.naive import naive

START = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def sim() -> Simulation:
    return Simulation("example.org", seed=1)


def uris(certificate: x509.Certificate) -> list[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def kinds(server: Server) -> list[str]:
    return [event.kind for event in server.world.journal.where(node=server.name)]


# Identity


def test_every_server_has_the_identity_of_the_one_server(sim: Simulation) -> None:
    nested = sim.root.nest("nested")
    for server, depth in ((sim.root, 0), (nested, 1)):
        assert uris(server.svid.leaf) == ["spiffe://example.org/spire/server"]
        assert (str(server.spiffe_id), server.depth) == ("spiffe://example.org/spire/server", depth)
        assert server.not_after == START + DAY
        assert len(server.svid.chain) == depth + 1
    assert (sim.root.parent, nested.parent, sim.root.via, nested.via) == (None, sim.root, None, sim.root.agent())
    assert (repr(sim.root), repr(nested)) == ("<Server root>", "<Server nested>")
    assert sim.root.upstream_authority is None
    assert nested.upstream_authority is not None
    assert nested.upstream_authority.name == "spire"


def test_the_server_svid_is_made_when_somebody_looks_and_then_stays(sim: Simulation) -> None:
    svid = sim.root.svid
    assert sim.root.svid == svid
    assert svid.not_after == START + timedelta(hours=1)
    sim.advance(minutes=29, seconds=59)
    assert sim.root.svid == svid
    sim.advance(seconds=1)  # the first check past its half-life, which is at 29:55
    assert sim.root.svid != svid
    assert sim.root.svid.not_before == START + timedelta(minutes=29, seconds=50)


def test_the_server_svid_has_the_key_type_of_the_ca() -> None:
    sim = Simulation(seed=1, ca_key_type="rsa-2048")
    assert isinstance(sim.root.svid.leaf.public_key(), rsa.RSAPublicKey)


def test_a_server_says_that_it_is_up_and_what_cannot_be_kept() -> None:
    sim = Simulation(seed=1, ca_ttl=timedelta(hours=1))
    assert kinds(sim.root) == [
        "X509 CA prepared",
        "X509 CA activated",
        "JWT key prepared",
        "JWT key activated",
        "default_x509_svid_ttl is too high for the configured ca_ttl value. SVIDs with shorter lifetimes may be "
        "issued. Please set default_x509_svid_ttl to 10m or less, or the ca_ttl to 6h or more, to guarantee the full "
        "default_x509_svid_ttl lifetime when CA rotations are scheduled.",
        "Starting Server APIs",
    ]


# Nesting


def test_a_nested_server_starts_from_its_parents_settings(sim: Simulation) -> None:
    nested = sim.root.nest("nested", ca_ttl=timedelta(hours=2), ca_key_type="ec-p384")
    below = nested.nest("below", ca_key_type="ec-p256")
    assert (below.config.ca_ttl, below.config.ca_key_type) == (timedelta(hours=2), "ec-p256")
    assert (nested.not_after, below.not_after) == (START + timedelta(hours=2), START + timedelta(hours=2))
    assert sim.root.config.ca_ttl == DAY


def test_nesting_registers_a_downstream_and_nothing_else(sim: Simulation) -> None:
    sim.root.nest("nested")
    (entry,) = sim.root.list_entries()
    assert (str(entry.spiffe_id), entry.downstream, entry.admin) == ("spiffe://example.org/nested", True, False)
    assert entry.parent_id == sim.root.agent().spiffe_id
    assert [str(selector) for selector in entry.selectors] == ["declared:name:nested"]


def test_a_nested_server_without_downstream_entry_is_refused(sim: Simulation) -> None:
    agent = sim.root.agent("one", attestor=DeclaredNodeAttestor("one"))
    process = Process(uid=7)
    with pytest.raises(NoIdentityIssued):  # SPIRE's server would wait for ever
        sim.root.nest("nested", process=process)
    entry = sim.root.create_entry(
        spiffe_id="spiffe://example.org/nested", parent_id=agent.spiffe_id, selectors=["unix:uid:7"]
    )
    sim.settle()
    with pytest.raises(NotAuthorized) as refused:
        sim.root.nest("nested", process=process)
    assert refused.value.status == "PERMISSION_DENIED"
    assert refused.value.message == (
        "authorization denied for method /spire.api.server.svid.v1.SVID/NewDownstreamX509CA"
    )
    assert list(sim.servers) == ["root"]
    sim.root.update_entry(entry.id, mask=["downstream"], downstream=True)
    assert sim.root.nest("nested", process=process).not_after == START + DAY


def test_the_first_svid_of_a_nested_server_decides(sim: Simulation) -> None:
    agent = sim.root.agent("one")
    for entry_id, downstream in (("1", False), ("2", True)):
        sim.root.create_entry(
            id=entry_id,
            spiffe_id=f"spiffe://example.org/{entry_id}",
            parent_id=agent.spiffe_id,
            selectors=["unix:uid:7"],
            downstream=downstream,
        )
    sim.settle()
    with pytest.raises(NotAuthorized):  # SPIRE: spire.go takes the default SVID
        sim.root.nest("nested", process=Process(uid=7))


# Time


def test_a_root_prepares_after_half_and_activates_after_five_sixths(sim: Simulation) -> None:
    first = sim.root.bundle.x509_der
    sim.advance(hours=12, seconds=9)
    assert sim.root.bundle.x509_der == first
    sim.advance(seconds=1)  # the first check after more than half
    assert len(sim.root.bundle.x509_der) == 2
    assert sim.root.not_after == START + DAY
    sim.advance(hours=7, minutes=59, seconds=59)
    assert sim.root.not_after == START + DAY
    sim.advance(seconds=1)
    assert sim.now == START + timedelta(hours=20, seconds=10)
    assert sim.root.not_after == START + DAY + timedelta(hours=12, seconds=10)
    assert kinds(sim.root)[-2:] == ["X509 CA activated", "JWT key activated"]


def test_after_a_long_step_every_server_signs_with_a_living_ca(sim: Simulation) -> None:
    below = sim.root.nest("a").nest("b")
    web, peer = below.workload("/web"), sim.workload("/peer")
    sim.advance(days=60)
    for server in sim.servers.values():
        assert server.not_after > sim.now
    assert peer.validate_x509_svid(web.fetch_x509_svid()).path == "/web"
    assert peer.validate_jwt_svid(web.fetch_jwt_svid(audience="peer"), audience="peer").spiffe_id.path == "/web"
    assert below.not_after <= sim.root.not_after


def test_a_parent_that_refuses_is_noted_and_the_old_ca_signs_on(sim: Simulation) -> None:
    nested = sim.root.nest("nested")
    web = nested.workload("/web")
    (entry,) = sim.root.list_entries(downstream=True)
    sim.root.delete_entry(entry.id)
    sim.advance(hours=13)
    failures = [event for event in sim.journal.where(node="nested") if event.kind.startswith("Unable to rotate")]
    # It tries both at every check from the first after half on, which are 360.
    checks = [START + timedelta(hours=12, seconds=10 * number) for number in range(1, 361)]
    for kind in ("Unable to rotate X509 CA", "Unable to rotate JWT key"):
        assert [event.at for event in failures if event.kind == kind] == checks
    assert len(failures) == 720
    assert web.fetch_x509_svid().not_after > sim.now
    # Nor does it learn of the new root: its own SVID has ended, and the parent refuses the connection.
    assert (len(nested.view.roots), len(sim.root.view.roots)) == (1, 2)
    sim.advance(hours=10, minutes=50)
    assert web.fetch_x509_svid().not_after == START + DAY  # capped by its CA
    sim.advance(hours=1)
    assert nested.not_after == START + DAY
    assert nested.agent().stopped.startswith("current SVID has already expired and rotate agent SVID failed")


def test_a_nested_server_recovers_when_it_is_registered_again(sim: Simulation) -> None:
    nested = sim.root.nest("nested")
    (entry,) = sim.root.list_entries(downstream=True)
    sim.root.delete_entry(entry.id)
    sim.advance(days=2)
    with pytest.raises(Refused, match="already expired as of 2030-01-02T00:00:00Z"):
        nested.mint_x509_svid("spiffe://example.org/web")
    sim.root.create_entry(
        spiffe_id=entry.spiffe_id, parent_id=entry.parent_id, selectors=entry.selectors, downstream=True
    )
    sim.settle()
    sim.advance(minutes=5)
    assert nested.not_after > sim.now
    peer = sim.workload("/peer")
    assert peer.validate_x509_svid(nested.workload("/web").fetch_x509_svid()).path == "/web"


def test_a_server_svid_that_cannot_be_renewed_is_noted(sim: Simulation) -> None:
    nested = sim.root.nest("nested")
    sim.root.delete_entry(sim.root.list_entries(downstream=True)[0].id)
    sim.advance(days=1)
    svid = nested.svid
    assert svid.not_after == START + DAY  # capped by its CA, and renewed ever more often
    assert sim.journal.where(kind="Could not rotate server SVID") == []
    sim.advance(minutes=1)
    failures = sim.journal.where(kind="Could not rotate server SVID")
    assert [event.at for event in failures] == [START + DAY + timedelta(seconds=5 * number) for number in range(1, 13)]
    assert {event.node for event in failures} == {"nested"}
    assert "already expired" in failures[0].data["error"]
    assert nested.svid == svid


def test_a_server_that_gets_no_key_keeps_its_svid(monkeypatch: pytest.MonkeyPatch) -> None:
    sim = Simulation("example.org", seed=1, ca_key_type="rsa-2048", jwt_key_type="ec-p256")
    svid = sim.root.svid
    monkeypatch.setattr("spiffesim.primes.PAIRS", 2)  # the CA's and the server's
    sim.advance(minutes=40)
    assert sim.root.svid == svid
    failures = sim.journal.where(kind="Could not rotate server SVID")
    assert [event.at for event in failures] == [START + timedelta(minutes=30, seconds=5 * n) for n in range(121)]
    assert "all that the packaged primes give" in failures[0].data["error"]
    monkeypatch.undo()
    sim.advance(seconds=5)
    assert sim.root.svid.not_after == sim.now + timedelta(hours=1)


def test_a_disk_upstream_signs_each_new_ca_and_the_root_stays(sim: Simulation) -> None:
    ca = ExternalCa("corp")
    disk = DiskUpstreamAuthority(certificate=ca.certificate_pem, private_key=ca.private_key_pem)
    sim = Simulation(seed=1, upstream_authority=disk)
    web, peer = sim.root.nest("a").workload("/web"), sim.workload("/peer")
    first = web.fetch_x509_svid()
    assert sim.root.upstream_authority is disk
    assert sim.root.bundle.x509_der == (ca.certificate,)
    assert len(first.chain) == 3  # the leaf, a's CA, and root's own
    sim.advance(days=3)
    assert sim.root.bundle.x509_der == (ca.certificate,)
    second = web.fetch_x509_svid()
    assert set(first.chain).isdisjoint(second.chain)
    assert peer.validate_x509_svid(second).path == "/web"


def test_disabled_jwt_svids_still_relay_the_keys_of_downstreams(sim: Simulation) -> None:
    sim.root.disable_jwt_svids()
    nested = sim.root.nest("nested", disable_jwt_svids=False)
    token = nested.workload("/web").fetch_jwt_svid(audience="db")
    assert sim.workload("/db").validate_jwt_svid(token, audience="db").spiffe_id.path == "/web"
    assert nested.config.disable_jwt_svids is False
    assert set(nested.bundle.jwt_spki) == set(sim.root.bundle.jwt_spki)
    with pytest.raises(Refused, match="JWT functionality is disabled"):
        sim.root.mint_jwt_svid("spiffe://example.org/web", "db")
    off = Simulation(seed=1, disable_jwt_svids=True)
    assert len(off.root.bundle.jwt_spki) == 0  # and no key is made


def test_what_the_parent_learns_is_polled(sim: Simulation) -> None:
    nested = sim.root.nest("nested")
    assert not nested.poll_upstream()
    assert not sim.root.poll_upstream()
    sim.root.keyring.prepare_x509(sim.world.now)
    assert nested.bundle != sim.root.bundle
    assert nested.poll_upstream()
    assert nested.bundle.x509_der == sim.root.bundle.x509_der
    assert not nested.poll_upstream()


def test_a_caller_shows_what_it_holds(sim: Simulation) -> None:
    agent = sim.root.agent()
    assert sim.root.authenticate(agent.svid) == Caller(
        agent.spiffe_id, serial=agent.svid.serial_number, not_after=agent.caller.not_after
    )


# What is announced everywhere


def pruning(server: Server) -> datetime | None:
    """When the bundle of a server is pruned next."""
    assert server.world.timetable.next is not None
    planned = server.loop(BundlePruner).planned
    return None if planned is None else moment(planned)


def test_a_key_that_is_announced_is_pruned_in_time_by_those_who_had_waited_for_a_later_end(sim: Simulation) -> None:
    deep = sim.root.nest("nested").nest("deep")
    assert pruning(deep) == pruning(sim.root) == START + timedelta(hours=48)
    sim.root.nest("sister")
    assert pruning(deep) == START + timedelta(hours=48)  # its key ends no sooner
    sim.root.nest("brief", ca_ttl=timedelta(hours=2))
    assert pruning(deep) == pruning(sim.root) == START + timedelta(hours=30)
    other = sim.add_trust_domain("example.com")
    assert pruning(other) == START + timedelta(hours=48)
    sim.servers["brief"].nest("briefer", ca_ttl=timedelta(hours=1))
    assert pruning(other) == START + timedelta(hours=48)
    sim.servers["nested"].nest("keyless", disable_jwt_svids=True)  # which announces none
    assert pruning(deep) == START + timedelta(hours=30)


def test_both_engines_prune_it_at_the_same_tick() -> None:
    def pruned(sim: Simulation) -> tuple[list[datetime], str]:
        sim.stop(sim.root.nest("brief", ca_ttl=timedelta(hours=2)))
        sim.stop(sim.root.agent())
        sim.advance(hours=31)
        events = sim.journal.where(kind="Pruning JWT signing key due to expiration", node="root")
        return [event.at for event in events], sim.journal.digest()

    fast, slow = (
        pruned(prepare(Simulation("example.org", seed=1, ca_ttl=20 * DAY))) for prepare in (lambda sim: sim, naive)
    )
    assert fast == slow
    assert fast[0] == [START + timedelta(hours=30)]


def test_what_is_not_out_of_date_is_not_pruned_whoever_calls(sim: Simulation) -> None:
    bundle = sim.root.bundle
    assert not sim.root.prune_bundle()
    assert sim.root.bundle is bundle
    sim.root.keyring.prepare_x509(sim.root.now)
    sim.world.clock.move(sim.world.now + 48 * 3600 * SECOND)
    with_two = sim.root.bundle
    assert not sim.root.prune_bundle()  # both have ended, and the last ones stay
    assert sim.root.bundle is with_two


def test_a_bundle_that_was_never_stored_waits_for_no_prune(sim: Simulation) -> None:
    assert sim.root.prune_due == sim.world.now + 48 * 3600 * SECOND
    sim.root.view.forget()
    assert sim.root.prune_due is None
