"""The ledger of a trust domain, and what each node knows of it."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.authority import JwtAuthority
from spiffesim.ledger import Ledger, View
from spiffesim.spiffe.x509.certificate import read_certificate
from tests.unit.keyrings import EXAMPLE_ORG, NOW, jwt_authority, started

ROOTS = [started(f"root{number}", ledger=Ledger(EXAMPLE_ORG)).view.roots[0] for number in range(3)]


def key(name: str) -> JwtAuthority:
    return JwtAuthority.published(name, jwt_authority(name).spki)


def ids(view: View) -> list[str]:
    return [authority.key_id for authority in view.jwt_authorities]


def test_a_view_knows_what_it_has_learnt() -> None:
    ledger = Ledger(EXAMPLE_ORG)
    early, late = View(ledger), View(ledger)
    assert ledger.add_root(ROOTS[0])
    assert early.learn_roots()
    assert ledger.add_root(ROOTS[1])
    assert late.learn_roots()
    assert (early.roots, late.roots) == ([ROOTS[0]], [ROOTS[0], ROOTS[1]])
    assert not late.learn_roots()  # nothing new
    assert early.learn_roots(2)
    assert not early.learn_roots(1)  # a view forgets nothing
    assert early.roots == late.roots


def test_a_root_is_added_once_whoever_made_it() -> None:
    ledger = Ledger(EXAMPLE_ORG)
    assert ledger.add_root(ROOTS[0])
    assert not ledger.add_root(ROOTS[0])
    read = read_certificate(ROOTS[0].der)
    assert not ledger.add_root(read)  # the same bytes, read from a file
    assert ledger.add_root(ROOTS[1])
    assert not ledger.add_root(read_certificate(ROOTS[1].der))
    assert ledger.roots == [ROOTS[0], ROOTS[1]]


def test_two_records_are_compared_without_drawing_them() -> None:
    keyrings = [started(f"undrawn{number}", ledger=Ledger(EXAMPLE_ORG)) for number in range(2)]
    first, second = (keyring.view.roots[0] for keyring in keyrings)
    ledger = Ledger(EXAMPLE_ORG)
    assert ledger.add_root(first)
    assert ledger.add_root(second)
    assert (first._der, second._der) == (None, None)  # type: ignore[attr-defined]  # records of ours


def test_a_token_authority_waits_for_each_view_to_catch_up() -> None:
    ledger = Ledger(EXAMPLE_ORG)
    early, late = View(ledger), View(ledger)
    ledger.add_jwt_authority(key("a"))
    assert early.learn_jwt_authorities()
    assert (ids(early), ids(late)) == (["a"], [])
    assert late.catch_up(early)
    assert not late.catch_up(early)
    assert (ids(early), ids(late)) == (["a"], ["a"])


def test_a_token_authority_that_is_announced_is_known_everywhere_at_once() -> None:
    ledger = Ledger(EXAMPLE_ORG)
    view = View(ledger)
    ledger.add_jwt_authority(key("quiet"))
    ledger.add_jwt_authority(key("loud"), everywhere=True)
    assert ids(view) == ["loud"]  # what was pending before stays pending
    assert view.learn_jwt_authorities()
    assert ids(view) == ["quiet", "loud"]
    ledger.add_jwt_authority(key("louder"), everywhere=True)
    assert not view.learn_jwt_authorities()  # it knew that one
    assert ids(view) == ["quiet", "loud", "louder"]


@given(st.lists(st.booleans(), max_size=12), st.integers(0, 12), st.integers(0, 12))
def test_a_view_knows_its_stretch_of_the_log_and_all_announcements(
    announced: list[bool], first: int, second: int
) -> None:
    ledger = Ledger(EXAMPLE_ORG)
    view = View(ledger)
    before = view.sequence_number
    known: set[int] = set()
    for number, everywhere in enumerate(announced):
        ledger.add_jwt_authority(JwtAuthority.published(str(number), b""), everywhere=everywhere)
        known |= {number} if everywhere else set()
    assert ids(view) == [str(number) for number in sorted(known)]
    for position in (first, second):
        reached = set(range(min(position, len(announced))))
        assert view.learn_jwt_authorities(min(position, len(announced))) == bool(reached - known)
        known |= reached
        assert ids(view) == [str(number) for number in sorted(known)]
    assert view.sequence_number >= before


def test_the_sequence_number_counts_effective_changes_from_the_creation_on() -> None:
    ledger = Ledger(EXAMPLE_ORG)
    view = View(ledger)
    ledger.add_root(ROOTS[0])
    view.learn_roots()
    numbers = [view.sequence_number]
    ledger.add_jwt_authority(key("a"), everywhere=True)
    numbers.append(view.sequence_number)
    view.learn_jwt_authorities()
    numbers.append(view.sequence_number)
    ledger.add_jwt_authority(key("b"))
    numbers.append(view.sequence_number)
    view.learn_jwt_authorities()
    numbers.append(view.sequence_number)
    view.add_wit_authority(jwt_authority("wit"))
    numbers.append(view.sequence_number)
    assert numbers == [0, 1, 1, 1, 2, 3]
    assert view.bundle.sequence_number == 3
    # A server that is made now begins at 0 again: numbers are per server.
    newer = View(ledger)
    newer.learn_roots()
    assert newer.sequence_number == 0


def test_the_bundle_is_the_same_object_until_something_changes() -> None:
    ledger = Ledger(EXAMPLE_ORG)
    ledger.add_root(ROOTS[0])
    view = View(ledger)
    view.learn_roots()
    first = view.bundle
    assert view.bundle is first
    changes: list[Callable[[], object]] = [
        lambda: ledger.add_jwt_authority(key("a"), everywhere=True),
        lambda: view.add_wit_authority(jwt_authority("wit")),
        lambda: ledger.add_root(ROOTS[1]) and view.learn_roots(),
        lambda: ledger.add_jwt_authority(key("b")),
    ]
    for change in changes:
        before = view.bundle
        change()
        view.learn_jwt_authorities()
        assert view.bundle is not before
        assert view.bundle is view.bundle
    assert view.bundle.x509_der == (ROOTS[0].der, ROOTS[1].der)
    assert list(view.bundle.jwt_authorities) == ["a", "b"]
    assert list(view.bundle.wit_authorities) == [jwt_authority("wit").key_id]
    assert view.bundle.trust_domain == EXAMPLE_ORG


def test_of_two_keys_with_one_key_id_the_bundle_keeps_the_last() -> None:
    # SPIRE does not check who publishes which key ID (pkg/server/api/bundle/v1/service.go).
    ledger = Ledger(EXAMPLE_ORG)
    view = View(ledger)
    first, last = (JwtAuthority.published("same", jwt_authority(name).spki) for name in "ab")
    for authority in (first, last):
        ledger.add_jwt_authority(authority, everywhere=True)
    assert view.bundle.jwt_spki == {"same": last.spki}


def test_an_agents_view_becomes_that_of_its_server() -> None:
    ledger = Ledger(EXAMPLE_ORG)
    ledger.add_root(ROOTS[0])
    server, agent = View(ledger), View(ledger)
    server.learn_roots()
    server.add_wit_authority(jwt_authority("wit"))
    assert agent.copy(server)
    assert not agent.copy(server)
    assert (agent.roots, agent.sequence_number) == (server.roots, server.sequence_number)
    assert agent.wit_authorities == []  # those never leave the server
    ledger.add_jwt_authority(key("a"))
    server.learn_jwt_authorities()
    assert agent.copy(server)
    assert ids(agent) == ["a"]


def test_a_way_to_the_top_is_remembered_for_an_instant_and_until_one_closes() -> None:
    ledger = Ledger(EXAMPLE_ORG)
    view = View(ledger)
    assert not view.reaches_top(NOW)
    view.mark_reaching_top(NOW)
    assert view.reaches_top(NOW)
    assert not view.reaches_top(NOW + 1)
    ledger.closures += 1
    assert not view.reaches_top(NOW)


@pytest.mark.parametrize("position", [0, 1, 2, 3])
def test_views_pickle_together_with_their_ledger(position: int) -> None:
    ledger = Ledger(EXAMPLE_ORG)
    for name in "abc":
        ledger.add_jwt_authority(key(name))
    view = View(ledger)
    view.learn_jwt_authorities(position)
    other = pickle.loads(pickle.dumps(view))
    assert ids(other) == ids(view) == list("abc"[:position])
    assert other.bundle == view.bundle


def test_views_that_know_the_same_keys_share_them() -> None:
    ledger = Ledger(EXAMPLE_ORG)
    views = [View(ledger) for _ in range(3)]
    ledger.add_jwt_authority(key("loud"), everywhere=True)
    assert not views[0].learn_jwt_authorities()  # further on in the ledger, and none the wiser
    assert ledger.jwt_pairs_at(views[0].jwt_position) is ledger.jwt_pairs_at(views[1].jwt_position)
    ledger.add_jwt_authority(key("quiet"))
    assert views[2].learn_jwt_authorities()
    assert [list(view.bundle.jwt_spki) for view in views] == [["loud"], ["loud"], ["loud", "quiet"]]
