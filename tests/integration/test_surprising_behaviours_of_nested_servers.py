"""What nested servers do that their operators seldom expect: ``docs/reference/surprising-behaviours.md``, row by row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest

from spiffesim import Simulation
from spiffesim.authorization import Caller
from spiffesim.entries import RegistrationEntry
from spiffesim.errors import AlreadyExists, NotAuthorized, Refused, ValidationError
from spiffesim.handshake import Handshake
from spiffesim.instants import moment
from spiffesim.keys import Draw
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority
from spiffesim.server import Server
from spiffesim.spiffe import validate_x509_svid
from spiffesim.spiffe.x509.certificate import read_certificate
from spiffesim.spiffe.x509.pem import write_pem
from tests.integration.authorities import replaced, taints_of_key, taints_of_root
from tests.oracles import certificates as made
from tests.oracles.profiles import names_in, read

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
SERIAL_NUMBER, UNIT = "2.5.4.5", "2.5.4.11"
WAITING: Final = "starting: waiting for the Workload API"
GIVES_UP: Final = "Failed to force intermediate bundle rotation"
ENDED: Final = "Fatal run error"


def deploy(*names: str, **settings: Any) -> tuple[Simulation, list[Server]]:
    """A root, and servers nested one in the other with their keys on disk, ten seconds later."""
    sim = Simulation("example.org", seed=12, **settings)
    servers = [sim.root]
    for name in names:
        servers.append(servers[-1].nest(name, key_manager="disk"))
    sim.advance(seconds=10)
    return sim, servers


def entry_of(name: str, parent: Server) -> RegistrationEntry:
    """The entry that makes a downstream of a nested server."""
    (entry,) = parent.list_entries(by_spiffe_id=f"spiffe://example.org/{name}")
    return entry


def set_downstream(name: str, parent: Server, downstream: bool) -> None:
    parent.update_entry(entry_of(name, parent).id, mask=["downstream"], downstream=downstream)


def restarted(sim: Simulation, name: str) -> Server:
    sim.stop(name)
    sim.start(name)
    return sim.servers[name]


def refusal(call: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(Refused) as refused:
        call(*arguments)
    return refused.value.message


def tell(sim: Simulation) -> str:
    """Let a root have something new to say, and a server below it hear it; the ID of a JWT key."""
    prepared = sim.root.prepare_jwt_authority()
    sim.advance(seconds=5)
    return prepared.authority_id


# How long things live


def test_a_child_is_caught_in_the_rotation_of_its_parent() -> None:
    sim = Simulation("example.org", seed=12)
    sim.advance(HOUR)
    first, brief = sim.root.nest("first"), sim.root.nest("brief", ca_ttl=4 * HOUR)
    sim.advance(HOUR)
    second = first.nest("second")
    sim.run_until(lambda sim: len(sim.journal.where(kind="X509 CA prepared", node="first")) > 1, limit=DAY)
    above, below = sim.root.get_x509_authority_state(), first.get_x509_authority_state()
    assert above.prepared is not None  # the next CA of the root lives longer, and does not sign yet
    assert below.prepared is not None
    assert below.prepared.expires_at == above.active.expires_at
    sim.advance(4 * DAY)
    times = {
        server: [event.at for event in sim.journal.where(kind="X509 CA activated", node=server.name)]
        for server in (sim.root, first, second, brief)
    }
    begin, end = times[sim.root][1:3]
    assert [sum(begin <= at < end for at in times[server]) for server in (sim.root, first, second)] == [1, 2, 3]
    # A CA that lives for a sixth of its parent's is never caught, and rotates at a pace of its own.
    assert {later - at for at, later in zip(times[brief][1:], times[brief][2:], strict=False)} == {
        2 * HOUR + 10 * SECOND
    }


def test_an_svid_is_cut_to_what_is_left_of_the_ca() -> None:
    sim, (root,) = deploy(default_x509_svid_ttl=HOUR)
    nested = root.nest("nested", ca_ttl=HOUR)

    def shortest(span: timedelta) -> timedelta:
        lifetimes = []
        for _ in range(span // (10 * SECOND)):
            lifetimes.append(nested.mint_x509_svid("spiffe://example.org/db").not_after - sim.now)
            sim.advance(seconds=10)
        return min(lifetimes)

    assert HOUR / 6 - 10 * SECOND <= shortest(3 * HOUR) <= HOUR / 6
    sim.fail(nested)
    assert shortest(nested.not_after - sim.now) <= 20 * SECOND
    sim.travel_to(nested.not_after + SECOND)
    assert "already expired" in refusal(nested.mint_x509_svid, "spiffe://example.org/db")
    assert root.mint_x509_svid("spiffe://example.org/db").not_after - sim.now == HOUR


def test_only_the_immediate_signer_caps_a_lifetime() -> None:
    sim, _ = deploy()
    lives = {"not_before": sim.now - HOUR, "uris": ()}
    top = made.root("top", not_after=sim.now + 12 * HOUR, **lives)
    middle = made.intermediate(top, "middle", not_after=sim.now + 6 * HOUR, **lives)
    signer = made.intermediate(middle, "signer", not_after=sim.now + 12 * HOUR, **lives)
    upstream = DiskUpstreamAuthority(
        certificate=b"".join(write_pem("CERTIFICATE", each.der) for each in (signer, middle)),
        private_key=write_pem("PRIVATE KEY", made.pkcs8(signer.key)),
        bundle=write_pem("CERTIFICATE", top.der),
    )
    server = sim.add_trust_domain("example.com", upstream_authority=upstream)
    assert server.not_after == sim.now + 12 * HOUR  # it would like 24
    svid = server.mint_x509_svid("spiffe://example.com/web", ttl=8 * HOUR)
    assert svid.not_after == sim.now + 8 * HOUR
    validate_x509_svid(svid, server.bundle, at=sim.now + 6 * HOUR)
    with pytest.raises(ValidationError):
        validate_x509_svid(svid, server.bundle, at=sim.now + 7 * HOUR)


def test_the_ttl_of_a_downstream_entry_does_not_limit_the_ca() -> None:
    sim, (root, nested) = deploy("nested")
    root.update_entry(entry_of("nested", root).id, mask=["x509_svid_ttl"], x509_svid_ttl=60)
    sim.advance(HOUR)
    assert nested.channel is not None
    shown = nested.channel.client.default_svid
    assert shown.not_after - shown.not_before == 70_000_000  # it begins ten seconds ago
    begin = sim.now
    nested.activate_x509_authority(nested.prepare_x509_authority().authority_id)
    assert nested.not_after == root.not_after > begin + 20 * HOUR


# What things are called


def subject_of(server: Server, attribute: str) -> str:
    """An attribute of the subject of a server's CA."""
    names = dict(pair for names in names_in(read(server.ca.authority.certificate.der).subject) for pair in names)
    return {oid.dotted_string: text for oid, text in names.items()}[attribute]


def test_the_cas_of_two_tiers_have_the_same_name() -> None:
    sim, servers = deploy("first", "second", "third")
    root, first, second, third = (read(server.ca.authority.certificate.der) for server in servers)
    assert first.subject == second.subject == second.issuer  # as if it had signed itself
    assert len({root.subject, first.subject, third.subject}) == 3
    one, other = (read_certificate(server.ca.authority.certificate.der) for server in servers[1:3])
    assert one.subject_key_id != other.subject_key_id
    assert other.authority_key_id == one.subject_key_id
    chain = servers[2].mint_x509_svid("spiffe://example.org/db").chain
    validate_x509_svid(chain, servers[0].bundle, at=sim.now)


def test_a_nested_ca_inherits_the_serial_number_of_the_root() -> None:
    sim, servers = deploy("first", "second", "third", "fourth")
    numbers = [subject_of(server, SERIAL_NUMBER) for server in servers]
    assert len(set(numbers)) == 1
    assert len({read(server.ca.authority.certificate.der).serial_number for server in servers}) == 5
    other = sim.add_trust_domain("example.com")
    assert subject_of(other, SERIAL_NUMBER) not in numbers
    assert [subject_of(server, UNIT) for server in servers[1:]] == [f"DOWNSTREAM-{count}" for count in (1, 1, 2, 3)]


def test_a_nested_server_takes_any_server_for_its_parent() -> None:
    sim, (root, nested) = deploy("nested")
    sibling, foreign = root.nest("sibling"), sim.add_trust_domain("example.com")
    assert nested.spiffe_id == sibling.spiffe_id == root.spiffe_id
    assert nested.channel is not None
    assert sibling.channel is not None
    svid, trusts = nested.channel.default_svid, nested.channel.via.view
    assert Handshake(nested, root, svid, trusts).failure is None
    assert Handshake(nested, sibling, svid, trusts).failure is None
    assert Handshake(nested, foreign, svid, trusts).failure is not None
    # And above nobody asks for which server a downstream calls.
    key = Draw.next(sim.world.randomness, "a CA for whoever").key()
    for channel in (nested.channel, sibling.channel):
        minted, *_ = root.new_downstream_x509_ca(key, caller=Caller.holding(channel.default_svid)).chain
        assert read(minted.der).subject == read(nested.ca.authority.certificate.der).subject
    with pytest.raises(NotAuthorized):
        root.new_downstream_x509_ca(key, caller=root.workload("/web").fetch_x509_svid())


# When it starts, and when it may no longer


def test_a_nested_server_without_its_entry_polls_until_its_svid_ends() -> None:
    sim, (root, nested) = deploy("nested")
    assert nested.channel is not None
    end = moment(nested.channel.default_svid.not_after)
    root.delete_entry(entry_of("nested", root).id)
    assert "authorization denied" in refusal(nested.prepare_x509_authority)
    sim.travel_to(end)
    heard = tell(sim)
    assert heard in nested.bundle.jwt_authorities
    sim.advance(seconds=200)  # a connection lives for three minutes, ten per cent more or less
    unheard = tell(sim)
    assert heard in nested.bundle.jwt_authorities
    assert unheard not in nested.bundle.jwt_authorities
    nested.mint_x509_svid("spiffe://example.org/db")  # from the CA that it has


def test_a_restarted_server_ends_without_its_upstream() -> None:
    sim, _ = deploy("nested")
    sim.stop("nested")
    sound, alone, silent = sim.fork(), sim.fork(), sim.fork()
    sound.start("nested")
    sound.advance(DAY)
    assert sound.servers["nested"].running
    alone.cut("nested", "root")
    alone.start("nested")
    alone.advance(seconds=4)
    alone.servers["nested"].mint_x509_svid("spiffe://example.org/db")
    alone.advance(seconds=1)
    assert alone.servers["nested"].stopped.startswith("Server crashed: ")
    silent.advance(13 * HOUR)  # a CA is to be prepared
    silent.cut("nested", "root-agent")
    silent.start("nested")
    silent.advance(HOUR)
    assert silent.servers["nested"].stopped == WAITING
    silent.heal("nested", "root-agent")
    silent.advance(seconds=30)
    assert silent.servers["nested"].running


def test_a_server_without_identity_waits_and_one_with_the_wrong_one_fails() -> None:
    sim = Simulation("example.org", seed=12)
    sim.root.nest("nested")  # with its keys in memory, so that each start is a first one
    sim.advance(seconds=10)
    assert restarted(sim.fork(), "nested").running
    without, wrong, another = sim.fork(), sim.fork(), sim.fork()
    without.root.delete_entry(entry_of("nested", without.root).id)
    without.advance(seconds=10)
    assert restarted(without, "nested").stopped == WAITING
    without.advance(DAY)
    assert without.servers["nested"].stopped == WAITING
    assert not without.journal.where(kind=ENDED)
    set_downstream("nested", wrong.root, False)
    wrong.advance(seconds=10)
    assert restarted(wrong, "nested").stopped.startswith("Server crashed: ")
    # The identity that comes first counts, and that is the one of the entry with the lowest ID.
    entry = entry_of("nested", another.root)
    another.root.create_entry(
        id="-", spiffe_id="spiffe://example.org/other", parent_id=entry.parent_id, selectors=entry.selectors
    )
    another.advance(seconds=12)
    assert restarted(another, "nested").stopped.startswith("Server crashed: ")


def test_a_rotator_that_failed_eleven_times_stays_unhealthy() -> None:
    sim, (root,) = deploy(ca_ttl=1000 * HOUR)
    nested = root.nest("nested", ca_ttl=HOUR, disable_jwt_svids=True)
    for count in range(1, 12):
        assert nested.health.live
        sim.advance(minutes=10)
        sim.fail(nested)
        sim.run_until(lambda _, count=count: nested.keyring.failures == count, limit=2 * HOUR)  # type: ignore[misc]
        sim.recover(nested)
    sim.advance(DAY)
    rotated = sim.journal.where(kind="X509 CA activated", node="nested")
    assert sim.now - rotated[-1].at < HOUR
    assert not nested.health.live
    assert nested.health.problems == {"server.ca.rotator": "rotations exceed the threshold number of failures"}
    assert restarted(sim, "nested").health.live


def test_without_a_ca_no_token_keys_are_rotated() -> None:
    sim, (root,) = deploy()
    nested = root.nest("nested", ca_ttl=HOUR)
    sim.advance(seconds=10)
    with_ca, without_ca = sim.fork(), sim.fork()

    def failed(sim: Simulation) -> list[int]:
        return [
            len(sim.journal.where(kind=f"Unable to rotate {kind}", node="nested")) for kind in ("X509 CA", "JWT key")
        ]

    with_ca.fail(nested.name)
    with_ca.advance(minutes=40)
    assert failed(with_ca)[0] == failed(with_ca)[1] > 0
    without_ca.fail(nested.name)
    restarted(without_ca, "nested")
    assert failed(without_ca) == [1, 0]


def test_wit_keys_never_leave_their_server() -> None:
    sim, (root, nested) = deploy("nested", feature_flags="wit-svid")
    nested.workload("/web")
    sim.advance(DAY)
    own, above = set(nested.bundle.wit_authorities), set(root.bundle.wit_authorities)
    assert own
    assert above
    assert not own & above
    assert not sim.agents["nested-agent"].view.bundle.wit_authorities
    assert set(nested.bundle.jwt_authorities) == set(root.bundle.jwt_authorities)


# Taint and revocation, from above and from below


def test_a_tainted_jwt_key_is_a_second_element_below() -> None:
    sim, (root, nested) = deploy("nested")
    web, below = root.workload("/web"), nested.workload("/below")
    token = web.fetch_jwt_svid(audience="all")
    old = replaced(sim, root, "jwt")
    root.taint_jwt_authority(old)
    sim.advance(seconds=5)
    assert (taints_of_key(root, old), taints_of_key(nested, old)) == ([True], [False, True])
    root.revoke_jwt_authority(old)
    sim.advance(MINUTE)
    assert sim.journal.where(kind="New tainted JWT authorities found", node="nested-agent")
    assert (taints_of_key(root, old), taints_of_key(nested, old)) == ([], [False, True])
    below.validate_jwt_svid(token, audience="all")
    assert "not found" in refusal(lambda: web.validate_jwt_svid(token, audience="all"))


def test_a_jwt_key_tainted_below_comes_back_untainted() -> None:
    sim, (_, nested) = deploy("nested")
    old = replaced(sim, nested, "jwt")
    nested.taint_jwt_authority(old)
    sim.advance(MINUTE)
    assert taints_of_key(nested, old) == [True]
    revoking = sim.fork()
    tell(sim)
    assert taints_of_key(nested, old) == [True, False]
    assert refusal(nested.taint_jwt_authority, old).endswith("key is already tainted")
    assert refusal(nested.revoke_jwt_authority, old).endswith("another key found with the same KeyID")
    nested = revoking.servers["nested"]
    nested.revoke_jwt_authority(old)
    revoking.advance(MINUTE)
    assert taints_of_key(nested, old) == []
    tell(revoking)
    assert taints_of_key(nested, old) == [False]


def test_a_root_that_was_never_seen_tainted_stays_below() -> None:
    sim, (root, _) = deploy("nested")
    old = replaced(sim, root)
    sim.advance(seconds=10)
    seen, unseen = sim.fork(), sim.fork()
    for each, wait in ((seen, 5), (unseen, 0)):
        each.root.taint_x509_authority(old)
        each.advance(seconds=wait)
        each.root.revoke_x509_authority(old)
        each.advance(MINUTE)
        assert taints_of_root(each.root, old) == []
    assert taints_of_root(seen.servers["nested"], old) == []
    assert taints_of_root(unseen.servers["nested"], old) == [False]
    unseen.advance(2 * DAY - HOUR)  # it ends a day after its beginning, and a day later it can be pruned
    assert taints_of_root(unseen.servers["nested"], old) == [False]
    unseen.advance(7 * HOUR)
    assert taints_of_root(unseen.servers["nested"], old) == []


def test_a_server_with_an_upstream_cannot_taint_its_own_authority() -> None:
    sim, (root, nested, below) = deploy("nested", "below")
    sibling = root.nest("sibling")
    above = replaced(sim, root)
    sim.advance(seconds=10)
    old = replaced(sim, nested)
    refused = "local authority can't be tainted if there is an upstream authority"
    assert refusal(nested.taint_x509_authority, old) == refused
    nested.taint_x509_upstream_authority(above)
    sim.advance(MINUTE)
    assert [taints_of_root(server, above) for server in (nested, below)] == [[True], [True]]
    assert [taints_of_root(server, above) for server in (root, sibling)] == [[False], [False]]
    root.taint_x509_authority(above)  # where there is no upstream authority


def test_the_taint_worker_gives_up_after_a_minute() -> None:
    sim, (root, _) = deploy("nested")
    old = replaced(sim, root)
    sim.advance(seconds=10)
    root.taint_x509_authority(old)
    set_downstream("nested", root, False)
    patient, late = sim.fork(), sim.fork()
    for each, outage in ((patient, 20 * SECOND), (late, 2 * MINUTE)):
        each.advance(outage)
        set_downstream("nested", each.root, True)
        each.advance(HOUR)
    assert taints_of_root(patient.servers["nested"], old) == [True]
    assert not patient.journal.where(kind=GIVES_UP)
    assert taints_of_root(late.servers["nested"], old) == [False]
    (given_up,) = late.journal.where(kind=GIVES_UP)
    assert MINUTE / 2 < given_up.at - sim.now < MINUTE + 5 * SECOND
    nested = restarted(late, "nested")
    late.advance(MINUTE)
    assert taints_of_root(nested, old) == [True]


# What stays


def test_expired_authorities_are_pruned_later_in_each_tier() -> None:
    sim = Simulation("example.org", seed=12)
    servers = [sim.root]
    for name in ("first", "second"):
        sim.advance(minutes=40)
        servers.append(servers[-1].nest(name))  # each looks every six hours, counted from its start
    sim.run_until(lambda sim: sim.root.get_x509_authority_state().prepared, limit=DAY)
    root = sim.root.get_x509_authority_state().prepared
    assert root is not None
    end = root.expires_at
    assert end is not None

    def pruned(server: Server) -> list[timedelta]:
        """When it did so, counted from the end of the root."""
        events = sim.journal.where(kind="Pruning CA certificate due to expiration", node=server.name)
        return [event.at - end for event in events if event.data["subject_key_id"] == root.authority_id]

    sim.travel_to(end + 26 * HOUR)
    assert [len(pruned(server)) for server in servers] == [0, 1, 1]
    tell(sim)
    sim.advance(seconds=10)
    assert [taints_of_root(server, root.authority_id) for server in servers] == [[False]] * 3
    sim.advance(2 * DAY)
    assert [taints_of_root(server, root.authority_id) for server in servers] == [[]] * 3
    lasts = [pruned(server)[-1] for server in servers]
    assert 24 * HOUR <= lasts[0] <= 30 * HOUR < lasts[1] < lasts[2] <= 36 * HOUR


def test_short_lives_leave_thousands_of_jwt_keys() -> None:
    sim = Simulation("example.org", seed=12, ca_ttl=HOUR)
    sim.root.nest("leaf", ca_ttl=timedelta(seconds=90))
    sim.advance(2 * DAY)
    assert 1730 <= len(sim.root.view.jwt_elements) <= 2220


def test_a_downstream_may_publish_a_key_under_any_key_id() -> None:
    sim, (root, nested) = deploy("nested")
    web = root.workload("/web")
    token = web.fetch_jwt_svid(audience="all")
    web.validate_jwt_svid(token, audience="all")
    (key_id, *_) = root.bundle.jwt_authorities
    assert token.key_id == key_id
    key = Draw.next(sim.world.randomness, "somebody's key").key()
    with pytest.raises(NotAuthorized):
        root.publish_jwt_authority(key_id, key.spki, caller=web.fetch_x509_svid())
    assert nested.channel is not None
    root.publish_jwt_authority(key_id, key.spki, caller=Caller.holding(nested.channel.default_svid))
    sim.advance(seconds=10)
    assert "error in cryptographic primitive" in refusal(lambda: web.validate_jwt_svid(token, audience="all"))


def test_the_same_id_may_be_registered_in_every_tier() -> None:
    sim, servers = deploy("nested")
    workloads = []
    for server, name in zip(servers, ("above.example.org", "below.example.org"), strict=True):
        workloads.append(server.workload("/web", name=name, dns_names=[name]))
    sim.advance(seconds=10)
    for server, workload in zip(servers, workloads, strict=True):
        assert workload.fetch_x509_svid().parsed[0].dns_names == (workload.name,)
        (entry,) = server.list_entries(by_spiffe_id="spiffe://example.org/web")
        assert entry.dns_names == (workload.name,)
        with pytest.raises(AlreadyExists):
            server.create_entry(parent_id=entry.parent_id, spiffe_id=entry.spiffe_id, selectors=entry.selectors)
