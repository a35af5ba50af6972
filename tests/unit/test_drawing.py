"""The drawing of a tree."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import networkx as nx

from spiffesim.drawing import draw
from spiffesim.simulation import Simulation

SVG = "{http://www.w3.org/2000/svg}"


def drawn(sim: Simulation, limit: int = 300) -> ET.Element:
    return ET.fromstring(sim.tree().svg(limit))


def texts(drawing: ET.Element) -> list[str]:
    return [element.text or "" for element in drawing.iter(f"{SVG}text")]


def lines(drawing: ET.Element) -> list[str]:
    """The paths of the lines between nodes."""
    return [path.get("d", "") for path in drawing.iter(f"{SVG}path") if path.get("fill") == "none"]


def tutorial() -> Simulation:
    sim = Simulation("example.org", seed=7)
    sim.root.agent("agent")
    sim.root.nest("nestedA").workload("/web")
    return sim


def test_a_simulation_draws_itself() -> None:
    sim = tutorial()
    assert sim._repr_svg_() == sim.tree()._repr_svg_() == sim.tree().svg() == draw(sim.tree(), 300)
    drawing = drawn(sim)
    assert drawing.tag == f"{SVG}svg"
    assert drawing.get("viewBox") == f"0 0 {drawing.get('width')} {drawing.get('height')}"


def test_a_drawing_says_what_the_tree_says() -> None:
    said = texts(drawn(tutorial()))
    assert said[:5] == [
        "example.org",
        "2 servers, 2 agents, 1 workload · 2030-01-01T00:00:00Z",
        "kind",
        "SPIFFE ID",
        "validity",
    ]
    assert said[5:9] == ["root", "server", "spiffe://example.org/spire/server", "until 2030-01-02T00:00:00Z"]
    assert said[-4:] == ["web", "workload", "spiffe://example.org/web", "until 2030-01-01T01:00:00Z"]
    assert "via agent" in said


def test_every_node_but_a_root_hangs_on_the_one_above() -> None:
    # root, agent, nestedA, nestedA-agent, web: rows 97, 123, 149, 175 and 201
    assert lines(drawn(tutorial())) == [
        "M28 97 V123 H50",
        "M28 97 V149 H50",
        "M50 149 V175 H72",
        "M72 175 V201 H94",
    ]


def test_each_kind_has_a_shape_and_a_colour() -> None:
    shapes = {
        (path.get("fill"), path.get("d")) for path in drawn(tutorial()).iter(f"{SVG}path") if path.get("fill") != "none"
    }
    assert len(shapes) == 3


def test_what_has_ended_is_red() -> None:
    sim = Simulation("example.org", seed=1)
    sim.root.nest("nested", ca_ttl=timedelta(minutes=1))
    assert not [text for text in drawn(sim).iter(f"{SVG}text") if text.get("fill") == "#b91c1c"]
    (entry,) = sim.root.list_entries(downstream=True)
    sim.root.delete_entry(entry.id)
    sim.advance(hours=1)
    red = [text.text for text in drawn(sim).iter(f"{SVG}text") if text.get("fill") == "#b91c1c"]
    assert red == ["ended 2030-01-01T00:01:00Z"]


def test_a_drawing_can_be_cut_short() -> None:
    assert texts(drawn(tutorial(), 2))[-1] == "... and 3 more"
    assert texts(drawn(tutorial(), 5))[-1] != "... and 3 more"
    assert float(drawn(tutorial(), 2).get("height", "0")) < float(drawn(tutorial()).get("height", "0"))


def test_far_down_nodes_stand_below_each_other_and_say_their_level() -> None:
    deep = Simulation.from_graph(nx.path_graph(60, create_using=nx.DiGraph), "example.org", seed=1)
    drawing = drawn(deep)
    assert "level 17, via 16-agent" in texts(drawing)
    assert "level 16, via 15-agent" not in texts(drawing)
    assert lines(drawing)[-1].count("H") == 0
    assert float(drawing.get("width", "0")) < 1_500


def test_a_long_text_is_shortened_and_whole_in_its_title() -> None:
    sim = Simulation("example.org", seed=1)
    sim.root.nest("x" * 300)
    drawing = drawn(sim)
    assert f"{'x' * 32}…{'x' * 31}" in texts(drawing)
    assert "x" * 300 in [title.text for title in drawing.iter(f"{SVG}title")]


def test_hostile_names_are_drawn_and_do_nothing() -> None:
    sim = Simulation("example.org", seed=1)
    sim.root.nest('</text><script>"&\x00\u202e')
    drawing = drawn(sim)  # well-formed
    assert '</text><script>"&\\x00\\u202e' in texts(drawing)
    assert drawing.find(f".//{SVG}script") is None


def test_the_texts_of_a_row_do_not_run_into_each_other() -> None:
    sim = tutorial()
    sim.root.nest("漢字" * 20).workload("/" + "y" * 50)
    rows: dict[str, list[tuple[float, float]]] = {}
    for text in drawn(sim).iter(f"{SVG}text"):
        # 0.6 em is the width of a monospaced character; the sans-serif ones are narrower. A wide one takes two.
        size = 12 * 0.6 * sum(2 if "\u4e00" <= char <= "\u9fff" else 1 for char in text.text or "")
        left = float(text.get("x", "0"))
        rows.setdefault(text.get("y", ""), []).append((left, left + size))
    for row in list(rows.values())[2:]:
        assert all(first[1] < second[0] for first, second in pairwise(row))
    assert len(rows) > 8
