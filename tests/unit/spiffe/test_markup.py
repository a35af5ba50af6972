"""Texts of others made harmless, and put into columns and tags."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.vendor.pretty import pretty

from spiffesim.spiffe.markup import (
    Markup,
    columns,
    escape,
    pretty_fields,
    pretty_lines,
    printable,
    shorten,
    tag,
    width,
)


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        ("plain ä 漢 text", "plain ä 漢 text"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("two\nlines\t", "two\\nlines\\t"),
        ("\u202eevil", "\\u202eevil"),
        ("\u200bzero", "\\u200bzero"),
        ("\ud800 alone", "\\ud800 alone"),
        ("\ufffe\U000e0001", "\\ufffe\\U000e0001"),
    ],
)
def test_what_cannot_be_seen_is_written_out(raw: str, seen: str) -> None:
    assert printable(raw) == seen


def test_anything_has_a_printable_text() -> None:
    assert printable(None) == "None"


def test_wide_characters_take_two_columns_and_accents_none() -> None:
    assert width("abc") == 3
    assert width("漢字") == 4
    assert width("e\u0301") == 1


def test_a_long_text_loses_its_middle() -> None:
    assert shorten("0123456789", 10) == "0123456789"
    assert shorten("0123456789a", 10) == "01234…789a"
    assert shorten("0123456789a", 9) == "0123…789a"


def test_columns_stand_below_each_other() -> None:
    assert columns([["a", "b", "c"], ["漢字", "x\ny", ""], ["", "", "end"]]) == [
        "a     b     c",
        "漢字  x\\ny",
        "            end",
    ]


def test_a_tag_escapes_its_content_and_its_attributes() -> None:
    made = tag("p", "<b>&", tag("i", 1), class_='"x"', stroke_width=2, id=None)
    assert made == '<p class="&quot;x&quot;" stroke-width="2">&lt;b&gt;&amp;<i>1</i></p>'


def test_what_is_markup_already_is_not_escaped_again() -> None:
    assert escape(Markup("<br>")) == "<br>"
    assert escape("<br>") == "&lt;br&gt;"


@given(st.text(st.characters()))
def test_any_text_makes_well_formed_xml_that_says_the_same(text: str) -> None:
    element = ET.fromstring(tag("p", text, title=text))
    assert (element.text or "") == printable(text)
    assert element.get("title") == printable(text)
    assert len(element) == 0


# What IPython and Hypothesis print; Hypothesis' printer is that of IPython


@attrs.frozen
class Lines:
    text: str

    def __str__(self) -> str:
        return self.text

    _repr_pretty_ = pretty_lines


@attrs.define(eq=False)
class Fields:
    one: Any
    _two: Any = attrs.field(default=2, alias="two")
    three: Any = attrs.field(factory=list)

    _repr_pretty_ = pretty_fields


def test_lines_are_shown_one_below_the_other() -> None:
    assert pretty(Lines("one\ntwo")) == "one\ntwo"


def test_fields_are_shown_as_the_call_that_makes_the_value() -> None:
    assert pretty(Fields(1)) == "Fields(one=1, three=[])"
    assert pretty(Fields(Fields("x", 3, 4))) == "Fields(one=Fields(one='x', two=3, three=4), three=[])"


def test_many_fields_are_shown_a_line_each() -> None:
    assert pretty(Fields("x" * 40, "y" * 40)) == (
        f"Fields(\n    one={'x' * 40!r},\n    two={'y' * 40!r},\n    three=[])"
    )


def test_a_value_inside_of_itself_is_shown_once() -> None:
    value = Fields(1)
    value.three.append(value)
    assert pretty(value) == "Fields(one=1, three=[Fields(...)])"
