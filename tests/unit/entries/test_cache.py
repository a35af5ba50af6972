"""What an agent is authorized for, held against a twin that scans everything again and again."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from spiffesim.entries import Entries, EntryCache, RegistrationEntry, Selector, is_node_alias
from spiffesim.spiffe.ids import SpiffeId, TrustDomain

DOMAIN = TrustDomain("example.org")
AGENT = DOMAIN.id("/spire/agent/x509pop/1")
OTHER = DOMAIN.id("/spire/agent/x509pop/2")
SERVER = DOMAIN.id("/spire/server")
NODE = tuple(map(Selector.parse, ("x509pop:subject:cn:a", "x509pop:ca:fingerprint:b", "x509pop:serialnumber:c")))


def entry(entry_id: str, parent: SpiffeId | str, spiffe_id: str, *selectors: str | Selector) -> RegistrationEntry:
    parent_id = parent if isinstance(parent, SpiffeId) else DOMAIN.id(parent)
    return RegistrationEntry(
        id=entry_id, parent_id=parent_id, spiffe_id=DOMAIN.id(spiffe_id), selectors=selectors or ["unix:uid:1"]
    )


def cache_of(*entries: RegistrationEntry) -> EntryCache:
    cache = EntryCache()
    cache.reload(entries)
    return cache


def ids(cache: EntryCache, agent: SpiffeId = AGENT, selectors: Iterable[Selector] = ()) -> str:
    return " ".join(found.id for found in cache.authorized(agent, tuple(selectors)))


def test_an_agent_gets_its_children_sorted_by_id() -> None:
    cache = cache_of(entry("b", AGENT, "/b"), entry("a", AGENT, "/a"), entry("c", OTHER, "/c"))
    assert ids(cache) == "a b"
    assert ids(cache, OTHER) == "c"
    assert ids(cache, DOMAIN.id("/spire/agent/x509pop/3")) == ""
    assert len(cache) == 3
    assert repr(cache) == "<EntryCache of 3 entries>"


def test_children_of_children_count() -> None:
    cache = cache_of(entry("1", AGENT, "/host"), entry("2", "/host", "/pod"), entry("3", "/pod", "/web"))
    assert ids(cache) == "1 2 3"
    assert ids(cache, OTHER) == ""


def test_a_cycle_ends() -> None:
    cache = cache_of(entry("1", AGENT, "/a"), entry("2", "/a", "/b"), entry("3", "/b", "/a"), entry("4", "/b", "/b"))
    assert ids(cache) == "1 2 3 4"


def test_a_node_alias_applies_to_a_node_with_all_its_selectors() -> None:
    cache = cache_of(entry("1", SERVER, "/nodes", *NODE[:2]), entry("2", "/nodes", "/web"))
    assert ids(cache, selectors=NODE) == "2"  # the alias itself is not among them
    assert ids(cache, selectors=NODE[:2]) == "2"
    assert ids(cache, selectors=NODE[:1]) == ""
    assert ids(cache) == ""


def test_an_alias_does_not_lead_to_an_alias() -> None:
    cache = cache_of(
        entry("1", SERVER, "/nodes", NODE[0]),
        entry("2", "/nodes", "/web"),
        entry("3", DOMAIN.id("/spire/server"), "/more", Selector("spiffe_id", "spiffe://example.org/nodes")),
        entry("4", "/more", "/db"),
    )
    assert ids(cache, selectors=NODE) == "2"


def test_two_aliases_with_one_name_count_once() -> None:
    cache = cache_of(
        entry("1", SERVER, "/nodes", NODE[0]), entry("2", SERVER, "/nodes", NODE[1]), entry("3", "/nodes", "/web")
    )
    assert ids(cache, selectors=NODE) == "3"


def test_only_the_server_s_own_path_makes_an_alias() -> None:
    below = entry("1", "/spire/server/x", "/nodes", NODE[0])
    assert not is_node_alias(below)
    assert is_node_alias(entry("1", SERVER, "/nodes", NODE[0]))
    assert ids(cache_of(below, entry("2", "/nodes", "/web")), selectors=NODE) == ""


def test_an_alias_without_selectors_applies_to_nobody() -> None:
    alias = RegistrationEntry(id="1", parent_id=SERVER, spiffe_id=DOMAIN.id("/nodes"), selectors=())
    cache = cache_of(alias, entry("2", "/nodes", "/web"))
    assert ids(cache, selectors=NODE) == ""
    cache.forget("1")
    assert len(cache) == 1


def test_signing_asks_for_one_entry() -> None:
    direct, far, alias, alien = (
        entry("1", AGENT, "/host"),
        entry("2", "/host", "/web"),
        entry("3", SERVER, "/nodes", NODE[0]),
        entry("4", "/nodes", "/db"),
    )
    cache = cache_of(direct, far, alias, alien)
    assert cache.authorizes(AGENT, (), direct)
    assert cache.authorizes(AGENT, (), far)
    assert not cache.authorizes(OTHER, (), far)
    assert not cache.authorizes(AGENT, (), alien)
    assert cache.authorizes(AGENT, NODE, alien)
    assert not cache.authorizes(AGENT, NODE, alias)
    assert not cache.authorizes(SERVER, NODE, alias)
    assert not cache.authorizes(AGENT, NODE, entry("5", AGENT, "/host"))  # not in the snapshot


def test_entries_of_another_trust_domain_are_passed_over() -> None:
    far = SpiffeId("spiffe://other.org/a")
    cache = EntryCache(DOMAIN)
    cache.reload(
        [
            entry("1", AGENT, "/a"),
            RegistrationEntry(id="2", parent_id=AGENT, spiffe_id=far, selectors=["a:1"]),
            RegistrationEntry(id="3", parent_id=far, spiffe_id=DOMAIN.id("/a"), selectors=["a:1"]),
        ]
    )
    assert [each.id for each in cache] == ["1"]


def test_an_admitted_entry_is_served_at_once_and_replaces_its_older_self() -> None:
    cache = cache_of(entry("1", AGENT, "/a"))
    moved = entry("1", OTHER, "/a")
    cache.admit(moved)
    assert (ids(cache), ids(cache, OTHER)) == ("", "1")
    assert cache.get("1") is moved
    assert list(cache) == [moved]
    cache.admit(entry("2", AGENT, "/b"))
    assert ids(cache) == "2"


def test_a_forgotten_entry_is_not_served() -> None:
    cache = cache_of(entry("1", AGENT, "/a"), entry("2", AGENT, "/b"), entry("3", SERVER, "/n", NODE[0]))
    for gone in ("1", "3", "unknown"):
        cache.forget(gone)
    assert ids(cache) == "2"
    assert cache.get("1") is None
    cache.reload(())
    assert len(cache) == 0


def test_a_cache_may_reload_itself() -> None:
    cache = cache_of(entry("1", AGENT, "/a"))
    cache.reload(cache)
    assert ids(cache) == "1"


def test_a_cache_pickles() -> None:
    cache = cache_of(entry("1", SERVER, "/n", NODE[0]), entry("2", "/n", "/b"))
    assert ids(pickle.loads(pickle.dumps(cache)), selectors=NODE) == "2"


def test_a_chain_of_ten_thousand_is_followed() -> None:
    chain = [entry(f"{depth:05}", f"/{depth - 1}" if depth else AGENT, f"/{depth}") for depth in range(10_000)]
    assert len(cache_of(*chain).authorized(AGENT)) == 10_000


def test_an_alias_lies_under_its_rarest_selector() -> None:
    aliases = [
        entry(f"{n}", SERVER, f"/nodes/{n}", NODE[1], Selector("x509pop", f"serialnumber:{n}")) for n in range(500)
    ]
    cache = cache_of(*aliases, *(entry(f"w{n}", f"/nodes/{n}", "/web") for n in range(500)))
    assert ids(cache, selectors=(NODE[1], Selector("x509pop", "serialnumber:7"))) == "w7"
    assert max(map(len, cache._aliases.values())) == 1  # so that nobody looks at 500 to find one


# Against naive twins

_paths = ("/spire/server", "/spire/agent/x509pop/1", "/spire/agent/x509pop/2", "/a", "/b", "/c", "/d")
_node_selectors = [Selector("n", str(number)) for number in range(3)]


def _entries() -> st.SearchStrategy[list[RegistrationEntry]]:
    one = st.tuples(
        st.sampled_from(_paths), st.sampled_from(_paths[3:]), st.lists(st.sampled_from(_node_selectors), min_size=1)
    )
    order = st.permutations(range(14))
    return st.tuples(st.lists(one, max_size=14), order).map(
        lambda drawn: [
            entry(f"{number:02}", parent, path, *selectors)
            for number, (parent, path, selectors) in zip(drawn[1], drawn[0], strict=False)
        ]
    )


def naive(entries: list[RegistrationEntry], agent: SpiffeId, held: Iterable[Selector]) -> list[RegistrationEntry]:
    """The same answer by scanning everything until nothing is added."""
    parents = {agent}
    for alias in entries:
        if alias.parent_id == SERVER and set(alias.selectors) <= set(held):
            parents.add(alias.spiffe_id)
    found: list[RegistrationEntry] = []
    grown = True
    while grown:
        grown = False
        for candidate in entries:
            if candidate.parent_id in parents and candidate.parent_id != SERVER and candidate not in found:
                found.append(candidate)
                parents.add(candidate.spiffe_id)
                grown = True
    return sorted(found, key=lambda each: each.id)


@given(_entries(), st.lists(st.sampled_from(_node_selectors)))
@example([], [])
def test_authorized_equals_repeated_scanning(entries: list[RegistrationEntry], held: list[Selector]) -> None:
    cache = cache_of(*entries)
    for agent in (AGENT, OTHER):
        expected = naive(entries, agent, held)
        assert cache.authorized(agent, held) == expected
        assert [each for each in entries if cache.authorizes(agent, held, each)] == [
            e for e in entries if e in expected
        ]


_store_steps = st.lists(
    st.tuples(
        st.sampled_from(["create", "update", "delete", "refresh", "convenience", "reload"]),
        st.sampled_from(_paths),
        st.sampled_from(_paths[3:]),
        st.lists(st.sampled_from(_node_selectors), min_size=1, max_size=3, unique=True),
        st.integers(0, 9),
    ),
    max_size=30,
)


def _act(store: Entries, cache: EntryCache, step: str, fields: dict[str, Any], pick: int) -> None:
    present = list(store)
    if step in ("create", "convenience"):
        if not any(
            (e.parent_id, e.spiffe_id, set(e.selectors)) == (*list(fields.values())[:2], set(fields["selectors"]))
            for e in present
        ):
            made = store.create(**fields)
            if step == "convenience":
                cache.admit(made)
    elif step == "refresh":
        store.refresh(cache)
    elif step == "reload":
        cache.reload(store)
    elif present and step == "update":
        store.update(present[pick % len(present)].id, None, **fields)
    elif present:
        store.delete(present[pick % len(present)].id)


@given(_store_steps)
def test_a_refreshed_cache_equals_a_reloaded_one(steps: list[tuple[str, str, str, list[Selector], int]]) -> None:
    numbers = iter(range(1000))
    store = Entries(DOMAIN, draw_id=lambda: f"{next(numbers):03}", has_bundle=lambda _: True, now=lambda: 0)
    cache = EntryCache()
    for step, parent, path, selectors, pick in steps:
        fields = {"parent_id": DOMAIN.id(parent), "spiffe_id": DOMAIN.id(path), "selectors": selectors}
        _act(store, cache, step, fields, pick)
    store.refresh(cache)
    fresh = cache_of(*store)
    assert {each.id: each for each in cache} == {each.id: each for each in fresh}
    for held in ((), _node_selectors[:1], _node_selectors):
        assert cache.authorized(AGENT, held) == fresh.authorized(AGENT, held)


def test_a_refresh_looks_only_at_what_changed() -> None:
    numbers = iter(range(1000))
    store = Entries(DOMAIN, draw_id=lambda: f"{next(numbers):03}", has_bundle=lambda _: True, now=lambda: 0)
    cache = EntryCache()
    assert store.refresh(cache) is False
    first = store.create(parent_id=AGENT, spiffe_id=DOMAIN.id("/a"), selectors=["a:1"])
    second = store.create(parent_id=AGENT, spiffe_id=DOMAIN.id("/b"), selectors=["a:1"])
    assert store.refresh(cache) is True
    assert store.refresh(cache) is False
    store.delete(first.id)
    assert ids(cache) == f"{first.id} {second.id}"  # the store changed, the snapshot did not
    assert store.refresh(cache) is True
    assert ids(cache) == second.id
    assert cache.position == store.version
