"""Selectors, and how sets of them compare."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.entries.selectors import Selector, matcher, read_selectors
from spiffesim.errors import InvalidEntry

A, B, C = (Selector("unix", f"uid:{uid}") for uid in (1, 2, 3))


def test_only_the_first_colon_separates() -> None:
    selector = Selector.parse("docker:label:org.example.name:nestedA-server")
    assert (selector.type, selector.value) == ("docker", "label:org.example.name:nestedA-server")


def test_a_selector_shows_as_it_was_written() -> None:
    assert str(A) == "unix:uid:1"
    assert repr(A) == "Selector('unix', 'uid:1')"


@given(st.text(), st.text())
def test_reading_and_writing_round_trips(before: str, after: str) -> None:
    text = f"{before}:{after}"
    assert str(Selector.parse(text)) == text


def test_a_selector_is_its_own_reading() -> None:
    assert Selector.parse(A) is A


def test_a_text_without_a_colon_is_refused_in_the_command_s_words() -> None:
    with pytest.raises(InvalidEntry, match=r'^selector "unix" must be formatted as type:value$') as caught:
        Selector.parse("unix")
    assert caught.value.selector == "unix"


@pytest.mark.parametrize("value", [5, None, b"unix:uid:1", ("unix", "uid:1")])
def test_only_texts_are_read(value: object) -> None:
    with pytest.raises(InvalidEntry, match="a selector is a Selector or a text"):
        Selector.parse(value)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize("pair", [(1, "uid:1"), ("unix", 1)])
def test_a_selector_is_made_of_texts(pair: tuple[object, object]) -> None:
    with pytest.raises(InvalidEntry, match="made of two texts"):
        Selector(*pair)  # type: ignore[arg-type]  # that is the point


def test_selectors_are_ordered_hashed_and_pickled_by_their_texts() -> None:
    assert sorted([C, A, B]) == [A, B, C]
    assert hash(A) == hash(Selector("unix", "uid:1"))
    assert pickle.loads(pickle.dumps(A)) == A


def test_a_collection_is_read_in_its_order() -> None:
    assert read_selectors(["unix:uid:2", A]) == (B, A)
    assert read_selectors(("unix:uid:2", A)) == (B, A)
    assert read_selectors(text for text in ["unix:uid:3"]) == (C,)
    assert read_selectors(None) == ()
    already = (A, B)
    assert read_selectors(already) is already


@pytest.mark.parametrize("value", ["unix:uid:1", b"unix", {"unix": "uid:1"}, 7])
def test_what_is_no_collection_is_refused(value: object) -> None:
    with pytest.raises(InvalidEntry, match=r"selectors is a collection, such as \['unix:uid:1001'\]"):
        read_selectors(value)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    ("name", "passing"),
    [
        ("exact", {(A, B)}),
        ("superset", {(A, B), (A, B, C)}),
        ("subset", {(A,), (A, B)}),
        ("any", {(A,), (A, B), (A, B, C), (B, C)}),
    ],
)
def test_the_four_comparisons(name: str, passing: set[tuple[Selector, ...]]) -> None:
    held = [(), (A,), (A, B), (A, B, C), (B, C), (C,)]
    compare = matcher(name)
    assert {entry for entry in held if compare(frozenset(entry), frozenset((A, B)))} == passing


@pytest.mark.parametrize("name", ["superSet", "", None])
def test_another_comparison_is_refused_in_the_command_s_words(name: object) -> None:
    with pytest.raises(InvalidEntry, match=f'^match behavior "{name}" unknown'):
        matcher(name)  # type: ignore[arg-type]  # that is the point
