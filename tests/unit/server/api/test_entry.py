"""Registration entries through the server: what is stored, what is noted, and when agents hear of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from spiffesim import RegistrationEntry, Simulation
from spiffesim.errors import AlreadyExists, NotFound, Refused
from spiffesim.plugins.node_attestor.declared import DeclaredNodeAttestor
from spiffesim.server import Server

WEB = "spiffe://example.org/web"
PARENT = "spiffe://example.org/spire/agent/declared/one"


@pytest.fixture
def sim() -> Simulation:
    sim = Simulation("example.org", seed=1)
    sim.root.agent("one", attestor=DeclaredNodeAttestor("one", selectors=["test:rack:7", "test:os:linux"]))
    return sim


@pytest.fixture
def server(sim: Simulation) -> Server:
    return sim.root


def create(server: Server, spiffe_id: str = WEB, parent: str = PARENT, **fields: Any) -> RegistrationEntry:
    return server.create_entry(**{"spiffe_id": spiffe_id, "parent_id": parent, "selectors": ["unix:uid:1"], **fields})


def test_an_entry_is_created_read_changed_and_deleted(sim: Simulation, server: Server) -> None:
    entry = create(server, hint="first")
    assert server.get_entry(entry.id) == entry
    assert server.list_entries() == [entry]
    assert (server.count_entries(), server.count_entries(by_hint="other")) == (1, 0)
    changed = server.update_entry(entry.id, mask=["hint"], hint="second")
    assert (changed.hint, changed.revision_number, changed.spiffe_id) == ("second", 1, entry.spiffe_id)
    assert server.list_entries(by_hint="second") == [changed]
    assert server.delete_entry(entry.id) == changed
    assert server.list_entries() == []
    assert [(event.kind, event.data["entry_id"]) for event in list(sim.journal)[-3:]] == [
        ("Entry created", entry.id),
        ("Entry updated", entry.id),
        ("Entry deleted", entry.id),
    ]


def test_refusals_come_through_as_they_are(server: Server) -> None:
    entry = create(server)
    with pytest.raises(AlreadyExists, match="similar entry already exists") as refused:
        create(server, hint="another")
    assert refused.value.existing == entry
    with pytest.raises(NotFound, match="entry not found"):
        server.get_entry("nothing")
    with pytest.raises(NotFound, match="failed to update entry"):
        server.update_entry("nothing", mask=["hint"], hint="new")
    with pytest.raises(NotFound, match="entry not found"):
        server.delete_entry("nothing")
    with pytest.raises(Refused, match="failed to convert entry: invalid parent ID: request must specify SPIFFE ID"):
        server.create_entry(spiffe_id=WEB)


def test_ids_are_drawn_from_a_stream_of_the_servers_own() -> None:
    alone, beside = Simulation(seed=1), Simulation(seed=1)
    other = beside.add_trust_domain("example.com")
    create(other, "spiffe://example.com/web", "spiffe://example.com/node")
    first = create(alone.root).id
    assert create(beside.root).id == first
    assert first not in (create(alone.root, "spiffe://example.org/db").id, other.list_entries()[0].id)


def test_agents_hear_of_entries_when_the_server_has_looked_and_they_have(sim: Simulation, server: Server) -> None:
    agent = sim.agents["one"]
    web = agent.process(uid=1)
    entry = create(server)
    assert server.authorized_entries(agent.caller) == []
    assert server.reload_entries()
    assert server.authorized_entries(agent.caller) == [entry]
    assert not server.reload_entries()
    with pytest.raises(Refused, match="no identity issued"):
        web.fetch_x509_svid()
    agent.sync()
    assert str(web.fetch_x509_svid().spiffe_id) == WEB
    assert not agent.behind


def test_entries_of_a_nested_server_are_none_of_its_parents_business(server: Server) -> None:
    nested = server.nest("nested")
    entry = create(nested)
    assert create(server).id != entry.id  # the same identity in both
    assert nested.list_entries() == [entry]
    assert entry not in server.list_entries()


def test_a_node_alias_gives_entries_to_agents_with_its_selectors(sim: Simulation, server: Server) -> None:
    other = server.agent("two", attestor=DeclaredNodeAttestor("two", selectors=["test:rack:8", "test:os:linux"]))
    server_id = "spiffe://example.org/spire/server"
    create(server, "spiffe://example.org/rack7", server_id, selectors=["test:rack:7", "test:os:linux"])
    entry = create(server, parent="spiffe://example.org/rack7")
    sim.settle()
    assert server.authorized_entries(sim.agents["one"].caller) == [entry]
    assert server.authorized_entries(other.caller) == []
    assert str(sim.agents["one"].process(uid=1).spiffe_id) == WEB


def test_an_expired_agent_drops_out_of_aliases_and_keeps_its_own_children(sim: Simulation, server: Server) -> None:
    create(server, "spiffe://example.org/rack7", "spiffe://example.org/spire/server", selectors=["test:rack:7"])
    create(server, parent="spiffe://example.org/rack7")
    own = create(server, "spiffe://example.org/own")
    sim.settle()
    agent = sim.agents["one"]
    assert len(server.cache.authorized(agent.spiffe_id, server.nodes.shown_selectors(agent.spiffe_id))) == 2
    sim.stop(agent)
    sim.advance(minutes=61)  # the record ends, as the agent is not there to renew
    assert server.cache.authorized(agent.spiffe_id, server.nodes.shown_selectors(agent.spiffe_id)) == [own]
    sim.start(agent)  # it attests, and is seen at the server's next look
    assert server.authorized_entries(agent.caller) == [own]
    sim.advance(seconds=5)
    assert len(server.authorized_entries(agent.caller)) == 2


# Expiry


def test_an_expired_entry_is_good_until_it_is_pruned_at_a_full_five_minutes(sim: Simulation, server: Server) -> None:
    entry = create(server, expires_at=sim.now + timedelta(seconds=30))
    sim.advance(minutes=4, seconds=59)
    web = sim.agents["one"].process(uid=1)
    assert str(web.fetch_x509_svid().spiffe_id) == WEB
    sim.advance(seconds=1)
    sim.settle()
    assert server.list_entries() == []
    assert [event.data for event in sim.journal.where(kind="Pruned an expired registration")] == [
        {"entry_id": entry.id}
    ]
    with pytest.raises(Refused, match="no identity issued"):
        web.fetch_x509_svid()


def test_an_entry_is_pruned_only_after_its_expiry(sim: Simulation, server: Server) -> None:
    create(server, expires_at=sim.now + timedelta(minutes=5))
    sim.advance(minutes=5)
    assert server.count_entries() == 1
    sim.advance(minutes=4)
    assert server.count_entries() == 1  # no look in between
    sim.advance(minutes=1)
    assert server.count_entries() == 0


def test_what_was_created_after_a_look_waits_for_the_next(sim: Simulation, server: Server) -> None:
    sim.advance(minutes=6)
    create(server, expires_at=sim.now - timedelta(minutes=5))
    sim.advance(minutes=3)
    assert server.count_entries() == 1
    sim.advance(minutes=1)
    assert server.count_entries() == 0


def test_what_expired_before_the_start_waits_for_the_first_look(sim: Simulation, server: Server) -> None:
    create(server, expires_at=sim.now - timedelta(days=1))
    sim.advance(minutes=1)
    assert server.count_entries() == 1
    sim.advance(minutes=4)
    assert server.count_entries() == 0
