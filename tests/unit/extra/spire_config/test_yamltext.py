"""YAML with positions."""

from __future__ import annotations

import pytest

from spiffesim.errors import InvalidConfiguration
from spiffesim.extra.spire_config.document import Items
from spiffesim.extra.spire_config.yamltext import read_yaml
from tests.unit.extra.conftest import plain


def complaint(text: str) -> tuple[str, int, str]:
    """The code, the line and the text of what is refused."""
    with pytest.raises(InvalidConfiguration) as refused:
        read_yaml(text, "compose.yaml")
    return refused.value.code, refused.value.line, str(refused.value)


def test_values_stay_the_texts_that_the_file_writes() -> None:
    document = read_yaml("a: yes\nb: 08\nc: [1, x]\nd:\ne: ~\nf: '~'\ng: {h: 1e3}", "f")
    assert plain(document) == {
        "a": "yes",
        "b": "08",
        "c": ["1", "x"],
        "d": None,
        "e": None,
        "f": "~",
        "g": {"h": "1e3"},
    }


def test_every_key_and_every_item_knows_its_line() -> None:
    document = read_yaml("services:\n  web:\n    labels:\n      - a=b\n      - c=d\n", "compose.yaml")
    labels = document.section("services").section("web").get("labels")
    assert isinstance(labels, Items)
    assert str(labels.place) == "compose.yaml:3: services.web.labels"
    assert [item.place.line for item in labels.items] == [4, 5]


def test_a_merge_gives_what_the_mapping_does_not_say_itself() -> None:
    text = "base: &base {a: 1, b: 2}\nmore: &more {c: 3, a: 9}\none: {<<: *base, b: 5}\ntwo: {<<: [*base, *more]}"
    document = plain(read_yaml(text, "f"))
    assert isinstance(document, dict)
    assert document["one"] == {"b": "5", "a": "1"}
    assert document["two"] == {"a": "1", "b": "2", "c": "3"}


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: 1\nb: 2\na: 3", "repeated_key", 3),
        ("a:\n  b: 1\n  b: 2", "repeated_key", 3),
        ("a: b: c", "yaml", 1),
        ("a: 1\nb: [", "yaml", 2),
        ("a: 1\n---\nb: 2", "yaml", 2),
        ("a: *nobody", "yaml", 1),
        ("", "yaml", 1),
        ("- a", "yaml", 1),
        ("a: 1\n? [b]\n: c", "yaml", 2),
        ("a: &a [1]\nb: {<<: *a}", "yaml", 2),
        ("\x00", "yaml", 1),
        ("a: &a {b: *a}", "nesting", 1),
        (f"a: {'[' * 100}{']' * 100}", "nesting", 1),
        ("- " * 1100, "nesting", 1),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_line(text: str, code: str, line: int) -> None:
    found = complaint(text)
    assert found[:2] == (code, line)
    assert found[2].startswith(f"compose.yaml:{line}: ")


def test_a_document_that_multiplies_itself_is_refused() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{key}: &{key} [{', '.join([f'*{before}'] * 9)}]\n" for before, key in zip("abcdef", "bcdefg", strict=True)
    )
    assert complaint(bomb)[0] == "nesting"


def test_no_object_is_made_of_a_tag() -> None:
    assert plain(read_yaml("a: !!python/object/apply:os.getcwd []", "f")) == {"a": []}
