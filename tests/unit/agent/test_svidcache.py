"""What an agent holds: which entries match, which need an SVID, and what is forgotten."""

from __future__ import annotations

import pickle
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from spiffesim.agent.svidcache import Change, SvidCache
from spiffesim.authority import IssuedCertificate, IssuedSvid
from spiffesim.entries import RegistrationEntry, Selector
from spiffesim.keys import Draw
from spiffesim.profiles import WORKLOAD_SVID
from spiffesim.randomness import Randomness
from spiffesim.spiffe.ids import TrustDomain

DOMAIN = TrustDomain("example.org")
HOUR = 3_600_000_000


def entry(entry_id: str, *selectors: str, **fields: Any) -> RegistrationEntry:
    return RegistrationEntry(
        id=entry_id,
        spiffe_id=DOMAIN.id(f"/{entry_id}"),
        parent_id=DOMAIN.id("/node"),
        selectors=selectors or ["unix:uid:1"],
        **fields,
    )


def svid(number: int = 0) -> IssuedSvid:
    draw = Draw(Randomness(1), "web", number)
    certificate = IssuedCertificate(
        WORKLOAD_SVID, draw, draw.key(), spiffe_id="spiffe://example.org/web", not_before=0, not_after=2 * HOUR
    )
    return IssuedSvid(certificate, None)


def cache_of(*entries: RegistrationEntry) -> SvidCache:
    cache = SvidCache()
    cache.update(entries)
    cache.plan()
    return cache


def matching(cache: SvidCache, *selectors: str) -> str:
    return " ".join(found.id for found in cache.matching(map(Selector.parse, selectors)))


def test_an_entry_matches_a_workload_with_all_its_selectors() -> None:
    cache = cache_of(entry("b", "unix:uid:1"), entry("a", "unix:uid:1", "unix:gid:2"), entry("c", "unix:uid:2"))
    assert matching(cache, "unix:uid:1", "unix:gid:2") == "a b"  # by entry ID
    assert matching(cache, "unix:uid:1") == "b"
    assert matching(cache, "unix:gid:2") == ""
    assert matching(cache) == ""


@given(st.lists(st.sets(st.sampled_from("abcde"), min_size=1), max_size=6), st.sets(st.sampled_from("abcde")))
def test_matching_is_what_the_rule_says(wanted: list[set[str]], held: set[str]) -> None:
    entries = [entry(str(number), *(f"t:{value}" for value in sorted(values))) for number, values in enumerate(wanted)]
    expected = " ".join(str(number) for number, values in enumerate(wanted) if values <= held)
    assert matching(cache_of(*entries), *(f"t:{value}" for value in held)) == expected


def test_an_update_says_whether_anything_changed() -> None:
    first, second = entry("1"), entry("2")
    cache = SvidCache()
    assert cache.update([]) == []
    assert cache.update([second, first]) == [Change(None, first), Change(None, second)]
    assert not cache.differs([first, second])
    assert cache.update([second, first]) == []
    assert cache.differs([second])
    assert cache.update([second]) == [Change(first, None)]
    assert matching(cache, "unix:uid:1") == "2"
    assert len(cache) == 1


def test_a_new_entry_needs_an_svid_until_there_is_one() -> None:
    cache = cache_of(entry("2"), entry("1"))
    assert [stale.id for stale in cache.stale] == ["1", "2"]
    held = svid()
    cache.hold("1", held, HOUR + 1)
    assert [stale.id for stale in cache.stale] == ["2"]
    assert cache.svid(entry("1")) is held
    assert cache.svid(entry("2")) is None
    found = cache.identities(cache.matching([Selector("unix", "uid:1")]))
    assert [(identity.entry.id, identity.svid) for identity in found] == [("1", held)]


def test_a_changed_entry_needs_another_svid_and_serves_the_old_one_meanwhile() -> None:
    cache = cache_of(entry("1"))
    cache.hold("1", svid(), HOUR + 1)
    changed = entry("1", "unix:uid:2", revision_number=1)
    cache.learn(changed)
    assert cache.stale == [changed]
    assert matching(cache, "unix:uid:1") == ""
    assert matching(cache, "unix:uid:2") == "1"
    assert cache.svid(changed) is not None
    cache.hold("1", svid(1), HOUR + 1)
    cache.learn(changed)  # which is no news
    assert cache.stale == []


def test_an_entry_without_prefetch_needs_no_svid_before_it_has_had_one() -> None:
    cache = cache_of(entry("1", disable_x509_svid_prefetch=True))
    assert cache.stale == []
    cache.hold("1", svid(), HOUR + 1)
    assert not cache.plans()
    cache.learn(entry("1", disable_x509_svid_prefetch=True, revision_number=1))
    assert [stale.id for stale in cache.stale] == ["1"]


def test_an_svid_past_its_half_life_is_stale() -> None:
    cache = cache_of(entry("1"), entry("2"))
    cache.hold("1", svid(), HOUR + 1)
    cache.hold("2", svid(), HOUR + 1)
    cache.age(HOUR)
    assert not cache.any_stale
    cache.age(HOUR + 1)
    assert [stale.id for stale in cache.stale] == ["1", "2"]
    assert cache.next_renewal is None


def test_an_entry_for_a_secret_store_is_known_and_not_served() -> None:
    cache = cache_of(entry("1"))
    cache.hold("1", svid(), HOUR + 1)
    stored = entry("1", store_svid=True, revision_number=1)
    cache.learn(stored)
    assert (len(cache), cache.stale, cache.svid(stored), matching(cache, "unix:uid:1")) == (1, [], None, "")
    assert cache.nearest([]) is None
    cache.learn(entry("1", revision_number=2))
    assert matching(cache, "unix:uid:1") == "1"
    assert cache.svid(stored) is None
    cache.learn(stored)
    cache.forget("1")
    assert len(cache) == 0


def test_a_forgotten_entry_leaves_nothing() -> None:
    cache = cache_of(entry("1"), entry("2", "unix:uid:2"))
    cache.hold("1", svid(), HOUR + 1)
    cache.forget("1")
    assert (matching(cache, "unix:uid:1"), cache.svid(entry("1")), [e.id for e in cache.stale]) == ("", None, ["2"])
    cache.clear()
    assert (len(cache), matching(cache, "unix:uid:2"), cache.stale) == (0, "", [])


def test_the_nearest_entry_lacks_the_fewest_selectors() -> None:
    cache = cache_of(entry("1", "a:1", "a:2", "a:3"), entry("3", "a:1", "b:1"), entry("2", "a:1", "b:2"))
    nearest = cache.nearest([Selector("a", "1")])
    assert nearest is not None
    assert nearest.id == "2"  # of two that come equally near the one with the lower ID
    assert SvidCache().nearest([]) is None


# A limited size

ONE, TWO, THREE = (entry(str(number), f"unix:uid:{number}") for number in (1, 2, 3))
UID = {number: Selector("unix", f"uid:{number}") for number in (1, 2, 3)}


def small(size: int, *held: str) -> SvidCache:
    cache = SvidCache(size)
    cache.update([ONE, TWO, THREE])
    for number in held:
        cache.hold(number, svid(), HOUR)
    return cache


def ids(cache: SvidCache) -> str:
    return " ".join(stale.id for stale in cache.stale)


def test_no_size_is_the_usual_one() -> None:
    assert SvidCache(0).size == SvidCache().size == 1000


def test_svids_are_fetched_ahead_as_long_as_there_is_room() -> None:
    cache = small(2)
    assert cache.plans()
    cache.plan()
    assert ids(cache) == "1 2"
    assert not cache.plans()
    cache.hold("1", svid(), HOUR)
    cache.hold("2", svid(), HOUR)
    cache.plan()
    assert (ids(cache), cache.held) == ("", 2)


def test_what_is_stale_already_takes_up_the_room() -> None:
    cache = small(3, "1")
    cache.age(HOUR)
    assert cache.plans()
    cache.plan()
    assert ids(cache) == "1 2"  # and two are as many as there is room for
    assert not cache.plans()


def test_what_somebody_subscribes_to_is_fetched_whether_there_is_room_or_not() -> None:
    cache = small(1, "1")
    assert not cache.plans([UID[1]])
    assert cache.plans([UID[3]])
    cache.plan([UID[3]])
    assert ids(cache) == "3"


def test_those_are_dropped_first_that_nobody_has_asked_for_in_the_longest_time() -> None:
    cache = small(2, "1", "2", "3")
    cache.ask(["1"], 5)
    cache.ask(["3"], 4)
    cache.ask(["2"], 6)
    assert cache.is_crowded()
    cache.evict()
    assert sorted(cache.svids) == ["1", "2"]
    assert not cache.is_crowded()
    cache.evict()
    assert cache.held == 2


def test_what_somebody_subscribes_to_is_not_dropped() -> None:
    cache = small(1, "1", "2")
    cache.evict([UID[1], UID[2]])
    assert (cache.held, cache.is_crowded([UID[1], UID[2]])) == (2, False)
    cache.evict([UID[1]])
    assert list(cache.svids) == ["1"]


# Who hears of a change


def test_who_had_an_entry_and_who_has_it_now_hear_of_another_selector() -> None:
    before, after = entry("1", "a:1", "a:2"), entry("1", "a:2", "a:3")
    assert Change(None, after).touched == [frozenset(after.selectors)]
    assert Change(before, None).touched == [frozenset(before.selectors)]
    assert Change(before, after).touched == [frozenset(before.selectors), frozenset(after.selectors)]


def test_who_has_an_entry_hears_of_other_federation_and_not_yet_of_anything_else() -> None:
    before = entry("1", "a:1")
    federated = entry("1", "a:1", federates_with=["example.com"])
    assert Change(before, federated).touched == [frozenset(before.selectors)]
    assert Change(before, entry("1", "a:1", hint="new")).touched == []
    cache = cache_of(federated, entry("2", "a:2"), entry("3", "a:3", federates_with=["example.com"], store_svid=True))
    assert cache.federating([TrustDomain("example.com")]) == [frozenset(before.selectors)]
    assert cache.federating([TrustDomain("example.net")]) == []


def test_it_pickles() -> None:
    cache = cache_of(entry("1"))
    cache.hold("1", svid(), HOUR + 1)
    again = pickle.loads(pickle.dumps(cache))
    assert matching(again, "unix:uid:1") == "1"
    assert again.svid(entry("1")).certificate.serial == svid().certificate.serial
