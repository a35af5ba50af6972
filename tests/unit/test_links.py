"""The links between nodes."""

from __future__ import annotations

from spiffesim.links import Links


def test_a_link_is_whole_until_it_is_cut_from_either_end() -> None:
    links = Links()
    assert links.whole("a", "b")
    assert links.cut("a", "b")
    assert not links.whole("a", "b")
    assert not links.whole("b", "a")
    assert links.whole("a", "c")


def test_cutting_and_healing_twice_does_nothing() -> None:
    links = Links()
    assert not links.heal("a", "b")
    assert links.cut("b", "a")
    assert not links.cut("a", "b")
    assert links.heal("a", "b")
    assert not links.heal("a", "b")
    assert links.whole("a", "b")
