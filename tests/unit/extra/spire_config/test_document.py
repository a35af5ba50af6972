"""What a document says, where, and whether anybody has read it."""

from __future__ import annotations

import pickle
from datetime import timedelta

import pytest

from spiffesim.errors import InvalidConfiguration
from spiffesim.extra.spire_config.document import Note, Place, Section
from spiffesim.extra.spire_config.hcl import read_hcl


def section(text: str) -> Section:
    return read_hcl(f"server {{\n{text}\n}}", "server.conf").section("server")


def test_a_key_is_found_in_any_case_as_in_spires_hcl() -> None:
    found = section('Trust_Domain = "example.org"')
    assert found.text("trust_domain") == "example.org"
    assert "TRUST_DOMAIN" in found
    assert "trust" not in found


def test_a_number_counts_as_a_text_and_a_text_of_digits_as_a_number() -> None:
    found = section('port = "8081"\nname = 7\nflag = "true"')
    assert found.integer("port", 0) == 8081
    assert found.text("name") == "7"
    assert found.flag("flag") is True


def test_what_is_missing_has_a_default() -> None:
    found = section("")
    assert found.text("a", "b") == "b"
    assert found.integer("a", 3) == 3
    assert found.flag("a", default=True) is True
    assert found.duration("a") is None
    assert found.texts("a") == ()
    assert list(found.section("a")) == []


def test_one_text_counts_as_a_list_of_one() -> None:
    found = section('one = "US"\ntwo = ["US", "CA"]')
    assert found.texts("one") == ("US",)
    assert found.texts("two") == ("US", "CA")


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("24h", timedelta(hours=24)),
        ("1h30m", timedelta(minutes=90)),
        ("1.5h", timedelta(minutes=90)),
        ("90s", timedelta(seconds=90)),
        ("1m0.5s", timedelta(seconds=60.5)),
        ("250ms", timedelta(milliseconds=250)),
        ("7us", timedelta(microseconds=7)),
        ("1000ns", timedelta(microseconds=1)),
        ("", None),
    ],
)
def test_durations_are_gos(text: str, duration: timedelta | None) -> None:
    assert section(f'ttl = "{text}"').duration("ttl") == duration


@pytest.mark.parametrize("text", ["24", "h", "1d", "-1h", "1 h", "1h ", "h1", "1e3s", "999999999999999h"])
def test_what_is_no_duration_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        section(f'\nttl = "{text}"').duration("ttl")
    assert (refused.value.code, refused.value.line, refused.value.key) == ("value", 3, "server.ttl")


@pytest.mark.parametrize(
    ("text", "method"),
    [
        ('x = "eighty"', "integer"),
        ("x = 1.5", "integer"),
        ("x = []", "integer"),
        ('x = "maybe"', "flag"),
        ("x = 1", "flag"),
        ("x = []", "flag"),
        ("x = []", "text"),
        ("x {}", "text"),
        ("x = [[]]", "texts"),
        ("x = 1", "section"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(text: str, method: str) -> None:
    arguments = ("x", 0) if method == "integer" else ("x",)
    with pytest.raises(InvalidConfiguration) as refused:
        getattr(section(text), method)(*arguments)
    assert (refused.value.code, refused.value.file, refused.value.key) == ("value", "server.conf", "server.x")


def test_a_required_key_is_missed_in_spires_words() -> None:
    assert section('trust_domain = "a"').required("trust_domain", "no") == "a"
    for text in ("", 'trust_domain = ""'):
        with pytest.raises(InvalidConfiguration) as refused:
            section(text).required("trust_domain", "trust_domain must be configured")
        assert refused.value.code == "missing_key"
        assert refused.value.key == "server.trust_domain"
        assert str(refused.value).endswith("server.trust_domain: trust_domain must be configured")


def test_what_is_only_required_stays_unread() -> None:
    found = section('data_dir = "/data"\nlog_level = "DEBUG"')
    found.require("data_dir", "data_dir must be configured")
    assert [key for key, _ in found.unread()] == ["data_dir", "log_level"]
    found.text("DATA_DIR")
    assert [key for key, _ in found.unread()] == ["log_level"]
    with pytest.raises(InvalidConfiguration, match="socket must be configured"):
        found.require("socket", "socket must be configured")


def test_every_unread_key_gets_a_remark() -> None:
    found = section('Data_Dir = "/data"\nlog_level = "DEBUG"\nport = 1')
    found.integer("port", 0)
    assert list(map(str, found.remarks({"data_dir": "nothing is kept"}))) == [
        "server.conf:2: server.Data_Dir: nothing is kept",
        "server.conf:3: server.log_level: not simulated",
    ]


def test_an_unknown_key_is_refused_with_the_nearest_known_one() -> None:
    found = section("bind_prot = 1")
    found.check_known(("bind_prot",))
    with pytest.raises(InvalidConfiguration) as refused:
        found.check_known(("bind_port", "ca_ttl"))
    assert refused.value.code == "unknown_key"
    assert str(refused.value) == (
        "server.conf:2: server.bind_prot: unknown configuration detected: SPIRE does not know this key and does not "
        "start; did you mean bind_port?"
    )


def test_an_error_of_a_place_pickles_with_its_facts() -> None:
    error = pickle.loads(pickle.dumps(Place("a.conf", 3, "x.y").error("no", code="value", more=1)))
    assert (str(error), error.code, error.file, error.line, error.key, error.more) == (
        "a.conf:3: x.y: no", "value", "a.conf", 3, "x.y", 1,
    )  # fmt: skip


def test_a_note_says_its_place_first() -> None:
    assert str(Note(Place("a.conf", 3, "x.y"), "made")) == "a.conf:3: x.y: made"
    assert str(Note(Place("a.conf", 1), "made")) == "a.conf:1: made"
