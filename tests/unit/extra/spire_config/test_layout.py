"""Where entries stand in their file."""

from __future__ import annotations

import pytest

from spiffesim.extra.spire_config.layout import Layout

TEXT = """\
{
  "comment": {"entries": [1, 2]},
  "entries": [
    {"spiffe_id": "a"},
    {
      "parent_id": "x, [\\"y\\"] }",
      "spiffe_id": "b"
    }, {}
  ],
  "more": 1
}
"""


@pytest.mark.parametrize(
    ("path", "line", "key"),
    [
        ("entries[0]", 4, "entries[0]"),
        ("entries[0].spiffe_id", 4, "entries[0].spiffe_id"),
        ("entries[1]", 5, "entries[1]"),
        ("entries[1].spiffe_id: no", 7, "entries[1].spiffe_id"),
        ("entries[1].selectors[0]", 5, "entries[1].selectors"),
        ("entries[2]", 8, "entries[2]"),
        ("entries[3]", 1, ""),
        ("the file", 1, ""),
        ("not JSON at line 3, column 1", 3, ""),
    ],
)
def test_a_path_has_a_line(path: str, line: int, key: str) -> None:
    place = Layout(TEXT, "f").place(path)
    assert (place.line, place.key) == (line, key)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"entries": [', '{"entries": [{]', "{1: 2}", "[" * 100_000, '{"a":' * 100_000]
)
def test_what_is_no_file_of_entries_has_no_places(text: str) -> None:
    assert Layout(text, "f").place("entries[0]").line == 1
