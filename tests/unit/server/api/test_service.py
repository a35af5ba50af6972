"""Every method of a server against every kind of caller."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from spiffesim import Simulation
from spiffesim.authorization import ANONYMOUS, OPERATOR, POLICY, Caller
from spiffesim.errors import NotAuthorized, Refused
from spiffesim.keys import Key
from spiffesim.randomness import Randomness
from spiffesim.server import Server
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.x509svid import X509Svid

SETTLER = "spiffe://example.org/settler"


@pytest.fixture(scope="module")
def sim() -> Simulation:
    sim = Simulation("example.org", seed=1, admin_ids=[SETTLER, "spiffe://example.com/operator"])
    sim.root.nest("nested")
    sim.add_trust_domain("example.com")
    sim.root.set_federated_bundle(sim.servers["example.com"].bundle)
    sim.root.agent("other", workload_key_type="ec-p256")
    sim.settle()
    return sim


CALLERS: dict[str, Callable[[Simulation], Caller | X509Svid]] = {
    "local": lambda _: OPERATOR,
    "admin by setting": lambda sim: sim.root.mint_x509_svid(SETTLER),
    "foreign admin by setting": lambda sim: sim.servers["example.com"].mint_x509_svid("spiffe://example.com/operator"),
    "admin by entry": lambda sim: registered(sim, "/boss", admin=True),
    "downstream": lambda sim: sim.root.mint_x509_svid("spiffe://example.org/nested"),
    "agent": lambda sim: sim.agents["other"].svid,
    "workload": lambda sim: registered(sim, "/web"),
    "anonymous": lambda _: ANONYMOUS,
}


def registered(sim: Simulation, path: str, **fields: Any) -> X509Svid:
    return sim.workload(path, **fields).fetch_x509_svid()


# For each method: who may call it, and a call that does no harm.
OPERATORS = {"local", "admin by setting", "foreign admin by setting", "admin by entry"}
AGENT = {"agent"}
DOWNSTREAM = {"downstream"}
NOBODY = "spiffe://example.org/spire/agent/x509pop/nobody"
Call = Callable[[Server, Caller | X509Svid], object]
METHODS: dict[str, tuple[set[str], Call]] = {
    "mint_x509_svid": (OPERATORS, lambda server, caller: server.mint_x509_svid(f"{SETTLER}/2", caller=caller)),
    "mint_jwt_svid": (OPERATORS, lambda server, caller: server.mint_jwt_svid(SETTLER, "db", caller=caller)),
    "mint_wit_svid": (OPERATORS, lambda server, caller: server.mint_wit_svid(SETTLER, caller=caller)),
    "new_x509_svid": (AGENT, lambda server, caller: server.new_x509_svid(caller, "no entry")),
    "new_jwt_svid": (AGENT, lambda server, caller: server.new_jwt_svid(caller, "no entry", ["db"])),
    "new_downstream_x509_ca": (DOWNSTREAM, lambda server, caller: server.new_downstream_x509_ca(key(), caller=caller)),
    "get_bundle": (set(CALLERS), lambda server, caller: server.get_bundle(caller=caller)),
    "get_federated_bundle": (
        OPERATORS | AGENT,
        lambda server, caller: server.get_federated_bundle("example.com", caller=caller),
    ),
    "publish_jwt_authority": (DOWNSTREAM, lambda server, caller: server.publish_jwt_authority("", b"", caller=caller)),
    "count_bundles": (OPERATORS, lambda server, caller: server.count_bundles(caller=caller)),
    "list_federated_bundles": (OPERATORS, lambda server, caller: server.list_federated_bundles(caller=caller)),
    "create_federated_bundle": (
        OPERATORS,
        lambda server, caller: server.create_federated_bundle(SpiffeBundle("example.com"), caller=caller),
    ),
    "update_federated_bundle": (
        OPERATORS,
        lambda server, caller: server.update_federated_bundle(SpiffeBundle("example.edu"), caller=caller),
    ),
    "set_federated_bundle": (
        OPERATORS,
        lambda server, caller: server.set_federated_bundle(SpiffeBundle("example.net"), caller=caller),
    ),
    "delete_federated_bundle": (
        OPERATORS,
        lambda server, caller: server.delete_federated_bundle("example.edu", caller=caller),
    ),
    "list_federation_relationships": (
        OPERATORS,
        lambda server, caller: server.list_federation_relationships(caller=caller),
    ),
    "get_federation_relationship": (
        OPERATORS,
        lambda server, caller: server.get_federation_relationship("example.edu", caller=caller),
    ),
    "create_federation_relationship": (
        OPERATORS,
        lambda server, caller: server.create_federation_relationship("example.edu", caller=caller),
    ),
    "update_federation_relationship": (
        OPERATORS,
        lambda server, caller: server.update_federation_relationship("example.edu", caller=caller),
    ),
    "delete_federation_relationship": (
        OPERATORS,
        lambda server, caller: server.delete_federation_relationship("example.edu", caller=caller),
    ),
    "refresh_bundle": (OPERATORS, lambda server, caller: server.refresh_bundle("example.edu", caller=caller)),
    "create_entry": (OPERATORS, lambda server, caller: server.create_entry(caller=caller)),
    "update_entry": (OPERATORS, lambda server, caller: server.update_entry("no entry", caller=caller)),
    "delete_entry": (OPERATORS, lambda server, caller: server.delete_entry("no entry", caller=caller)),
    "get_entry": (OPERATORS, lambda server, caller: server.get_entry("no entry", caller=caller)),
    "list_entries": (OPERATORS, lambda server, caller: server.list_entries(caller=caller)),
    "count_entries": (OPERATORS, lambda server, caller: server.count_entries(caller=caller)),
    "authorized_entries": (AGENT, lambda server, caller: server.authorized_entries(caller)),
    "renew_agent": (AGENT, lambda server, caller: server.renew_agent(caller)),
    "create_join_token": (OPERATORS, lambda server, caller: server.create_join_token(caller=caller)),
    "get_agent": (OPERATORS, lambda server, caller: server.get_agent(NOBODY, caller=caller)),
    "list_agents": (OPERATORS, lambda server, caller: server.list_agents(caller=caller)),
    "count_agents": (OPERATORS, lambda server, caller: server.count_agents(caller=caller)),
    "ban_agent": (OPERATORS, lambda server, caller: server.ban_agent(NOBODY, caller=caller)),
    "delete_agent": (OPERATORS, lambda server, caller: server.delete_agent(NOBODY, caller=caller)),
    "get_x509_authority_state": (OPERATORS, lambda server, caller: server.get_x509_authority_state(caller=caller)),
    "prepare_x509_authority": (OPERATORS, lambda server, caller: server.prepare_x509_authority(caller=caller)),
    "activate_x509_authority": (OPERATORS, lambda server, caller: server.activate_x509_authority(caller=caller)),
    "taint_x509_authority": (OPERATORS, lambda server, caller: server.taint_x509_authority(caller=caller)),
    "taint_x509_upstream_authority": (
        OPERATORS,
        lambda server, caller: server.taint_x509_upstream_authority(caller=caller),
    ),
    "revoke_x509_authority": (OPERATORS, lambda server, caller: server.revoke_x509_authority(caller=caller)),
    "revoke_x509_upstream_authority": (
        OPERATORS,
        lambda server, caller: server.revoke_x509_upstream_authority(caller=caller),
    ),
    "get_jwt_authority_state": (OPERATORS, lambda server, caller: server.get_jwt_authority_state(caller=caller)),
    "prepare_jwt_authority": (OPERATORS, lambda server, caller: server.prepare_jwt_authority(caller=caller)),
    "activate_jwt_authority": (OPERATORS, lambda server, caller: server.activate_jwt_authority(caller=caller)),
    "taint_jwt_authority": (OPERATORS, lambda server, caller: server.taint_jwt_authority(caller=caller)),
    "revoke_jwt_authority": (OPERATORS, lambda server, caller: server.revoke_jwt_authority(caller=caller)),
}


def key() -> Key:
    return Key(Randomness(2), "nested", 0)


def test_every_method_of_the_policy_is_tried() -> None:
    assert list(METHODS) == list(POLICY)


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("method", METHODS)
def test_a_method_is_open_to_those_whom_the_policy_names(sim: Simulation, method: str, who: str) -> None:
    allowed, call = METHODS[method]
    answer = at_the_door(lambda: call(sim.root, CALLERS[who](sim)))
    denied = ("PERMISSION_DENIED", f"authorization denied for method {POLICY[method][0]}")
    assert answer == (None if who in allowed else denied)


def at_the_door(call: Callable[[], object]) -> tuple[str, str] | None:
    """How a caller was turned away; None if it was not, whatever became of its call."""
    try:
        call()
    except Refused as refusal:
        turned_away = isinstance(refusal, NotAuthorized) or refusal.status == "UNAUTHENTICATED"
        return (refusal.status, refusal.message) if turned_away else None
    return None


# Authentication


def test_a_caller_is_who_its_certificate_says(sim: Simulation) -> None:
    svid = sim.root.mint_x509_svid(SETTLER)
    assert sim.root.authenticate(svid) == Caller(
        svid.spiffe_id, serial=svid.serial_number, not_after=1893459600_000_000
    )
    assert sim.root.authenticate(OPERATOR) is OPERATOR


def test_a_certificate_that_does_not_validate_is_refused_before_anything_else() -> None:
    sim = Simulation("example.org", seed=1, admin_ids=[SETTLER])
    svid = sim.root.mint_x509_svid(SETTLER, ttl=timedelta(minutes=1))
    assert sim.root.count_entries(caller=svid) == 0
    sim.advance(minutes=2)
    with pytest.raises(Refused, match=r"client certificate is refused: .*/settler expired 0:01:00 ago") as refused:
        sim.root.get_bundle(caller=svid)  # even of what anyone may do
    assert refused.value.status == "UNAUTHENTICATED"
    stranger = Simulation("example.org", seed=2).root.mint_x509_svid(SETTLER)
    with pytest.raises(Refused) as refused:
        sim.root.get_bundle(caller=stranger)
    assert refused.value.status == "UNAUTHENTICATED"


def test_a_member_of_another_trust_domain_is_let_in_only_by_admin_ids(sim: Simulation) -> None:
    other = sim.servers["example.com"]
    sim.root.get_bundle(caller=other.mint_x509_svid("spiffe://example.com/operator"))
    with pytest.raises(Refused) as refused:
        sim.root.get_bundle(caller=other.mint_x509_svid("spiffe://example.com/web"))
    assert refused.value.message == 'unexpected trust domain in ID "spiffe://example.com/web"'
    assert refused.value.status == "UNAUTHENTICATED"
    unknown = Simulation("example.edu", seed=1).root.mint_x509_svid("spiffe://example.edu/operator")
    with pytest.raises(Refused, match=r"no bundle .*example\.edu"):
        sim.root.get_bundle(caller=unknown)


# What follows from entries is seen at once


def test_an_entry_opens_and_closes_the_door_at_once() -> None:
    sim = Simulation("example.org", seed=1)
    svid = sim.root.mint_x509_svid("spiffe://example.org/boss")
    with pytest.raises(NotAuthorized):
        sim.root.list_entries(caller=svid)
    entry = sim.root.create_entry(
        spiffe_id="spiffe://example.org/boss",
        parent_id="spiffe://example.org/any",
        selectors=["unix:uid:0"],
        admin=True,
    )
    assert sim.root.list_entries(caller=svid) == [entry]
    sim.root.delete_entry(entry.id)
    with pytest.raises(NotAuthorized):
        sim.root.list_entries(caller=svid)


def test_a_denied_downstream_is_told_what_is_missing() -> None:
    sim = Simulation("example.org", seed=1)
    svid = registered(sim, "/web")
    with pytest.raises(
        NotAuthorized, match=r"no entry of root with SPIFFE ID spiffe://example\.org/web is downstream; create one"
    ):
        sim.root.new_downstream_x509_ca(key(), caller=svid)
    with pytest.raises(NotAuthorized, match="a local caller called; only downstream may"):
        sim.root.new_downstream_x509_ca(key(), caller=OPERATOR)
    sim.root.authorize("new_downstream_x509_ca", registered(sim, "/nested", downstream=True))
