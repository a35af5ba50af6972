"""Join tokens, attestation, renewal, ban and eviction, as the server answers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from spiffesim import Selector, Simulation
from spiffesim.authorization import Caller
from spiffesim.errors import AttestationFailed, NotAuthorized, NotFound, Refused
from spiffesim.plugins.node_attestor import Attestation
from spiffesim.plugins.node_attestor.declared import DeclaredNodeAttestor
from spiffesim.plugins.node_attestor.join_token import JoinTokenAttestor
from spiffesim.server import Server

POD = "spiffe://example.org/node/one"


@pytest.fixture
def sim() -> Simulation:
    return Simulation("example.org", seed=1)


@pytest.fixture
def server(sim: Simulation) -> Server:
    return sim.root


def kinds(sim: Simulation) -> list[str]:
    return [event.kind for event in sim.journal]


# Join tokens


def test_a_join_token_is_a_uuid_or_what_the_operator_says(server: Server) -> None:
    drawn = server.create_join_token()
    assert (len(drawn), drawn.count("-"), drawn[14]) == (36, 4, "4")
    assert server.create_join_token() != drawn
    assert server.create_join_token(token="mine") == "mine"
    assert server.count_entries() == 0
    with pytest.raises(Refused, match="failed to create token: datastore-sql: UNIQUE constraint failed") as refused:
        server.create_join_token(token="mine")
    assert refused.value.status == "INTERNAL"


def test_an_agent_gets_the_second_id_that_came_with_its_token(sim: Simulation, server: Server) -> None:
    agent = server.agent("one", attestor=JoinTokenAttestor(server.create_join_token(token="t", agent_id=POD)))
    server.create_entry(spiffe_id="spiffe://example.org/web", parent_id=POD, selectors=["unix:uid:1"])
    sim.settle()
    assert [str(entry.spiffe_id) for entry in server.authorized_entries(agent.caller)] == [
        str(entry.spiffe_id) for entry in sorted(server.list_entries(), key=lambda entry: entry.id)
    ]
    alias = server.list_entries(by_spiffe_id=POD)[0]
    assert str(alias.parent_id) == "spiffe://example.org/spire/agent/join_token/t"
    assert alias.selectors == (Selector("spiffe_id", "spiffe://example.org/spire/agent/join_token/t"),)
    assert str(agent.process(uid=1).spiffe_id) == "spiffe://example.org/web"


def test_the_entry_of_a_token_may_be_there_already(server: Server) -> None:
    parent = "spiffe://example.org/spire/agent/join_token/t"
    entry = server.create_entry(spiffe_id=POD, parent_id=parent, selectors=[f"spiffe_id:{parent}"])
    assert server.create_join_token(token="t", agent_id=POD) == "t"
    assert server.list_entries() == [entry]
    assert str(server.agent(attestor=JoinTokenAttestor("t")).spiffe_id) == parent  # and the token is good


def test_a_token_is_refused_in_spires_order(server: Server) -> None:
    with pytest.raises(Refused) as refused:
        server.create_join_token(ttl=timedelta(milliseconds=999), agent_id="spiffe://example.com/x")
    assert refused.value.message == "ttl is required, you must provide one"
    with pytest.raises(Refused) as refused:
        server.create_join_token(token="t", agent_id="spiffe://example.org/spire/agent/x")
    assert refused.value.message == (
        'invalid agent ID: "spiffe://example.org/spire/agent/x" is not a workload in trust domain "example.org"; '
        "path is in the reserved namespace"
    )
    assert refused.value.status == "INVALID_ARGUMENT"
    with pytest.raises(AttestationFailed, match="join token does not exist or has already been used"):
        server.agent(attestor=JoinTokenAttestor("t"))  # nothing of it was stored
    assert len(server.join_tokens) == 0


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("q q", "path segment characters are limited to letters, numbers, dots, dashes, and underscores"),
        ("a/b", "path segment characters are limited to letters, numbers, dots, dashes, and underscores"),
        ("half \ud800", "path segment characters are limited to letters, numbers, dots, dashes, and underscores"),
        ("..", "path cannot contain dot segments"),
    ],
)
def test_a_token_that_is_no_part_of_an_id_can_be_made_and_not_be_used(server: Server, token: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        server.create_join_token(token=token, agent_id=POD)
    assert (refused.value.status, refused.value.message) == (
        "INTERNAL",
        f"failed to create join token registration entry: failed to create join token ID: {reason}",
    )
    assert server.list_entries() == []
    assert len(server.join_tokens) == 1  # SPIRE: it was stored first
    with pytest.raises(AttestationFailed) as failed:
        server.agent("one", attestor=JoinTokenAttestor(token))
    assert (failed.value.status, failed.value.message) == ("INTERNAL", f"failed to create join token ID: {reason}")
    assert (len(server.join_tokens), server.list_agents()) == (0, [])
    good = server.create_join_token(token="q_q.-", agent_id=POD)
    assert server.agent("one", attestor=JoinTokenAttestor(good)).spiffe_id.path == "/spire/agent/join_token/q_q.-"


def test_a_refused_token_draws_nothing() -> None:
    plain, disturbed = Simulation(seed=1).root, Simulation(seed=1).root
    with pytest.raises(Refused):
        disturbed.create_join_token(agent_id="spiffe://example.com/x")
    assert disturbed.create_join_token() == plain.create_join_token()


# Attestation


def test_an_attested_agent_is_recorded(sim: Simulation, server: Server) -> None:
    selectors = [Selector("test", "b"), Selector("test", "a"), Selector("test", "b")]
    svid = server.admit_agent("test", Attestation("/test/one", tuple(selectors), can_reattest=True))
    node = server.get_agent("spiffe://example.org/spire/agent/test/one")
    assert server.list_agents() == [node]
    assert server.count_agents() == 1
    assert (node.attestation_type, node.can_reattest, node.serial_number) == ("test", True, svid.certificate.serial)
    assert node.selectors == (Selector("test", "a"), Selector("test", "b"))  # sorted, each once
    assert sim.journal[-1].kind == "Agent attestation request completed"
    assert sim.journal[-1].data == {
        "agent_id": "spiffe://example.org/spire/agent/test/one",
        "node_attestor_type": "test",
    }


def test_attesting_again_ends_the_svid_before_at_once(server: Server) -> None:
    first = server.admit_agent("test", Attestation("/test/one", can_reattest=True))
    assert server.authorized_entries(Caller.holding(first)) == []
    second = server.admit_agent("test", Attestation("/test/one", (Selector("test", "new"),), can_reattest=True))
    assert server.authorized_entries(Caller.holding(second)) == []
    with pytest.raises(NotAuthorized) as refused:
        server.authorized_entries(Caller.holding(first))
    assert refused.value.detail == "AGENT_NOT_ACTIVE"
    assert server.get_agent(first.spiffe_id).selectors == (Selector("test", "new"),)


# Renewal


def test_a_renewed_svid_replaces_the_old_one_when_it_is_first_used(sim: Simulation, server: Server) -> None:
    agent = server.agent()
    old = agent.caller
    sim.world.clock.move(sim.world.now + 60_000_000)
    renewed = Caller.holding(server.renew_agent(old))
    assert renewed.not_after - old.not_after == 60_000_000
    assert server.authorized_entries(old) == []
    assert server.get_agent(agent.spiffe_id).new_svid is renewed.svid
    assert server.authorized_entries(renewed) == []
    assert server.get_agent(agent.spiffe_id).svid is renewed.svid
    with pytest.raises(NotAuthorized) as refused:
        server.authorized_entries(old)
    assert refused.value.detail == "AGENT_NOT_ACTIVE"


def test_the_second_renewal_before_any_use_takes_the_place_of_the_first(server: Server) -> None:
    caller = server.agent().caller
    first, second = server.renew_agent(caller), server.renew_agent(caller)
    with pytest.raises(NotAuthorized):
        server.authorized_entries(Caller.holding(first))
    assert server.authorized_entries(Caller.holding(second)) == []


def test_an_agent_that_can_attest_again_must(server: Server) -> None:
    agent = server.agent(attestor=DeclaredNodeAttestor("one"))
    with pytest.raises(NotAuthorized) as refused:
        server.renew_agent(agent.caller)
    assert refused.value.message == "agent must reattest instead of renew"
    assert (refused.value.status, refused.value.detail) == ("PERMISSION_DENIED", "AGENT_MUST_REATTEST")


# Ban and eviction


def test_a_banned_agent_keeps_its_documents_and_nothing_else(sim: Simulation, server: Server) -> None:
    agent = server.agent()
    web = agent.workload("/web")
    svid = web.fetch_x509_svid()
    server.ban_agent(agent.spiffe_id)
    assert sim.journal[-1].data == {"agent_id": str(agent.spiffe_id)}
    assert kinds(sim)[-1] == "Agent banned"
    with pytest.raises(NotAuthorized) as refused:
        server.authorized_entries(agent.caller)
    assert refused.value.detail == "AGENT_BANNED"
    assert web.validate_x509_svid(svid) == svid.spiffe_id  # outstanding SVIDs stay valid
    assert server.count_entries() == 1


def test_a_banned_agent_cannot_attest_until_it_is_deleted(server: Server) -> None:
    agent = server.agent("one", attestor=DeclaredNodeAttestor("one"))
    server.ban_agent(agent.spiffe_id)
    with pytest.raises(AttestationFailed) as refused:
        agent.attest()
    assert refused.value.message == "failed to attest: agent is banned"
    assert refused.value.status == "PERMISSION_DENIED"
    assert "an operator can delete it on root" in str(refused.value)
    server.delete_agent(agent.spiffe_id)
    agent.attest()
    assert server.get_agent(agent.spiffe_id).banned is False


def test_deleting_an_agent_takes_the_entry_of_its_join_token_along(sim: Simulation, server: Server) -> None:
    agent = server.agent("one", attestor=JoinTokenAttestor(server.create_join_token(token="t", agent_id=POD)))
    alias = server.list_entries()[0]
    others = (["unix:uid:1"], ["spiffe_id:spiffe://example.org/another"], [*map(str, alias.selectors), "unix:uid:1"])
    kept = [
        server.create_entry(spiffe_id=f"spiffe://example.org/{number}", parent_id=agent.spiffe_id, selectors=selectors)
        for number, selectors in enumerate(others)
    ]
    server.delete_agent(agent.spiffe_id)
    assert server.list_entries() == kept
    assert kinds(sim)[-2:] == ["Cascade-deleted registration entry on attested node deletion", "Agent deleted"]
    assert sim.journal[-2].data == {
        "entry_id": alias.id,
        "spiffe_id": POD,
        "parent_id": "spiffe://example.org/spire/agent/join_token/t",
    }
    with pytest.raises(NotFound):
        server.get_agent(agent.spiffe_id)


def test_deleting_another_kind_of_agent_takes_no_entry_along(server: Server) -> None:
    agent = server.agent("one", attestor=DeclaredNodeAttestor("one"))
    entry = server.create_entry(spiffe_id=POD, parent_id=agent.spiffe_id, selectors=[f"spiffe_id:{agent.spiffe_id}"])
    server.delete_agent(agent.spiffe_id)
    assert server.list_entries() == [entry]
