"""SPIRE's checks of DNS names; every answer here is that of SPIRE's own code with golang.org/x/net v0.57.0."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.entries import check_minted_dns_names
from spiffesim.entries.dnsnames import why_not_dns_name, wildcard_overlap
from spiffesim.errors import InvalidEntry, Refused

LONGEST = ".".join(["a" * 49] * 5 + ["bcd"])  # 253 characters


def ace(label: str) -> str:
    """A label of Unicode as DNS carries it, whether or not it may be one."""
    return "xn--" + label.encode("punycode").decode()


@pytest.mark.parametrize(
    "name",
    [
        "com",
        "example.com",
        "*.example.com",
        "*.com",
        "a-hello.com",
        "xn--ls8h.org",
        "*.xn--ls8h.org",
        "a" * 63 + ".com",
        LONGEST,
        "Upper.Example",  # the profile that SPIRE asks for maps nothing and forbids no ASCII
        "under_score.example",
        "a b.example",
        " example.com ",
        ace("ß") + ".de",
        ace("א1") + ".x",
        ace("א̀") + ".x",
        ace("א-ב") + ".x",
        ace("א") + ".a1",
        ace("क्\u200cक") + ".x",
        ace("ää--b") + ".x",  # hyphens are counted in bytes
    ],
)
def test_a_good_name_passes(name: str) -> None:
    assert why_not_dns_name(name) is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("bücher.example", "name must be ascii"),
        ("*.*.example", "too many wildcards"),
        ("a.*.example", "wildcard must be first label"),
        ("*", "wildcard must be first label"),
        ("*a.example", "wildcard must be first label"),
        ("", "empty or only whitespace"),
        (" \t", "empty or only whitespace"),
        ("*.", "empty or only whitespace"),
        (".", "domain ends with dot"),
        ("example.com.", "domain ends with dot"),
        (
            "xn--LS8H.org",
            'input domain name "xn--LS8H.org" does not match idna output "xn--ls8h.org": label mismatch after idna',
        ),
    ],
)
def test_a_bad_name_is_refused_in_spire_s_words(name: str, reason: str) -> None:
    assert why_not_dns_name(name) == reason


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("-a.example", "-a"),
        ("a-.example", "a-"),
        ("ab--c.example", "ab--c"),
        ("XN--ls8h.org", "XN--ls8h"),
        ("a..example", "a..example"),
        (".example", ".example"),
        ("a" * 64 + ".com", "a" * 64),
        (LONGEST + "e", LONGEST + "e"),
        ("xn--.com", ""),
        ("xn--abc-.com", "abc-"),
        ("xn---ls8h.org", "-ls8h"),
        ("xn--!.org", "!"),
        ("xn--Bcher-kva.example", "Bücher"),
        (ace("u\u0308") + ".x", "u\u0308"),
        (ace("\u0300a") + ".x", "\u0300a"),
        (ace("a\u200b") + ".x", r"a\u200b"),
        (ace("a\u034f") + ".x", "a\u034f"),
        (ace("\U0001f4a9\U000e0001") + ".x", "\U0001f4a9" + r"\U000e0001"),
        (ace("a_ä") + ".x", "a_ä"),
        (ace("a\u200d") + ".x", r"a\u200d"),
        (ace("\u200da") + ".x", r"\u200da"),
        (ace("äb-") + ".x", "äb-"),
        (ace("ä---b") + ".x", "ä---b"),
        ('"\\\a\x01\x7f-', r"\"\\\a\x01\x7f-"),
    ],
)
def test_a_bad_label_is_named_as_go_names_it(name: str, label: str) -> None:
    assert why_not_dns_name(name) == f'idna error\nidna: invalid label "{label}"'


@pytest.mark.parametrize("name", [ace("aא"), ace("אa"), ace("1א"), ace("א\u06611"), ace("\u0661"), ace("א") + ".1a"])
def test_directions_are_not_mixed(name: str) -> None:
    assert why_not_dns_name(name) == f'idna error\nidna: invalid label "{name}"'


@given(st.text())
def test_any_text_gets_an_answer(text: str) -> None:
    for name in (text, f"*.{text}", f"{ace(text.encode(errors='ignore').decode())}.x"):
        reason = why_not_dns_name(name)
        assert reason is None or reason


@pytest.mark.parametrize(
    ("names", "overlap"),
    [
        (["example.com", "*.example.com"], None),
        (["*.example.com", "foo.bar.example.com"], None),
        (["foo.example.com", "*.example.com", "example.com"], "foo.example.com"),
        (["foo.example.com", "bar.example.com"], None),
        (["com", "*."], None),
    ],
)
def test_a_wildcard_covers_names_one_label_below(names: list[str], overlap: str | None) -> None:
    assert wildcard_overlap(names) == overlap


def test_minted_names_come_back_as_they_were() -> None:
    assert check_minted_dns_names(["a.example.com", "*.other.org"]) == ("a.example.com", "*.other.org")
    assert check_minted_dns_names(()) == ()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b."], "CSR DNS name is invalid: domain ends with dot"),
        (
            ["*.example.com", "a.example.com"],
            "CSR DNS name contains a wildcard that covers another non-wildcard name: "
            'name "a.example.com" overlaps with an existing wildcard name in the list: wildcard overlap',
        ),
    ],
)
def test_minted_names_are_refused_in_spire_s_words(names: list[str], message: str) -> None:
    with pytest.raises(Refused) as caught:
        check_minted_dns_names(names)
    assert (caught.value.status, caught.value.message) == ("INVALID_ARGUMENT", message)


def test_minted_names_are_a_collection() -> None:
    with pytest.raises(InvalidEntry):
        check_minted_dns_names("a.example.com")
