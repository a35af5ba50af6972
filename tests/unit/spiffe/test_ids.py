"""SPIFFE IDs, trust domains, matchers: the SPIFFE-ID standard, clause by clause."""

from __future__ import annotations

import copy
import pickle
import string
import tracemalloc
from collections.abc import Callable

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spiffesim.errors import InvalidInput, InvalidSpiffeId, InvalidTrustDomain
from spiffesim.spiffe.ids import (
    SpiffeId,
    TrustDomain,
    match_any,
    match_id,
    match_member_of,
    match_one_of,
)

NAME = string.ascii_lowercase + string.digits + ".-_"
SEGMENT = string.ascii_letters + string.digits + ".-_"


# The standard


@pytest.mark.parametrize(
    ("text", "trust_domain", "path"),
    [
        ("spiffe://example.org", "example.org", ""),
        ("spiffe://example.org/web", "example.org", "/web"),
        ("spiffe://staging.example.com/payments/mysql", "staging.example.com", "/payments/mysql"),
        ("spiffe://k8s-west.example.com/ns/staging/sa/default", "k8s-west.example.com", "/ns/staging/sa/default"),
        (
            "spiffe://example.com/9eebccd2-12bf-40a6-b262-65fe0487d453",
            "example.com",
            "/9eebccd2-12bf-40a6-b262-65fe0487d453",
        ),
        ("spiffe://1.2.3.4/a", "1.2.3.4", "/a"),
        ("spiffe://-_./...", "-_.", "/..."),  # three dots are no relative path
        ("spiffe://example.org/.a/a./..a", "example.org", "/.a/a./..a"),
        ("spiffe://example.org/Web", "example.org", "/Web"),  # paths are case-sensitive
    ],
)
def test_an_id_has_a_trust_domain_and_a_path(text: str, trust_domain: str, path: str) -> None:
    spiffe_id = SpiffeId(text)
    assert (spiffe_id.trust_domain.name, spiffe_id.path, str(spiffe_id)) == (trust_domain, path, text)


BAD = "limited to lowercase letters, numbers, dots, dashes, and underscores"
BAD_PATH = "path segment characters are limited to letters, numbers, dots, dashes, and underscores"


@pytest.mark.parametrize(
    ("text", "code", "clause", "reason"),
    [
        ("", "empty", "SPIFFE-ID 2", "cannot be empty"),
        ("example.org/web", "scheme", "SPIFFE-ID 2", "scheme is missing or invalid"),
        ("https://example.org/web", "scheme", "SPIFFE-ID 2", "scheme is missing or invalid"),
        ("spiffe:/example.org/web", "scheme", "SPIFFE-ID 2", "scheme is missing or invalid"),
        (" spiffe://example.org/web", "scheme", "SPIFFE-ID 2", "scheme is missing or invalid"),
        # 2.1 (the host MUST be lowercase) over 2.4 (case-insensitive)
        ("SPIFFE://example.org/web", "scheme", "SPIFFE-ID 2", "scheme is missing or invalid"),
        ("spiffe://Example.org/web", "trust_domain_lowercase", "SPIFFE-ID 2.1", f"trust domain characters are {BAD}"),
        ("spiffe://", "trust_domain_missing", "SPIFFE-ID 2.1", "trust domain is missing"),
        ("spiffe:///web", "trust_domain_missing", "SPIFFE-ID 2.1", "trust domain is missing"),
        (
            "spiffe://user@example.org/",
            "userinfo",
            "SPIFFE-ID 2.1",
            f"trust domain characters are {BAD}",
        ),
        ("spiffe://example.org:80/", "port", "SPIFFE-ID 2.1", f"trust domain characters are {BAD}"),
        ("spiffe://example.org\n", "trust_domain_characters", "SPIFFE-ID 2.1", f"trust domain characters are {BAD}"),
        (
            "spiffe://\u212aube.example",
            "trust_domain_characters",
            "SPIFFE-ID 2.1",
            f"trust domain characters are {BAD}",
        ),
        ("spiffe://example.org?a", "query", "SPIFFE-ID 2", f"trust domain characters are {BAD}"),
        ("spiffe://ex%61mple.org", "trust_domain_percent", "SPIFFE-ID 2.1", f"trust domain characters are {BAD}"),
        ("spiffe://a?b@c", "query", "SPIFFE-ID 2", f"trust domain characters are {BAD}"),
        ("spiffe://[::1]/web", "trust_domain_characters", "SPIFFE-ID 2.1", f"trust domain characters are {BAD}"),
        ("spiffe://\u00c4.org", "trust_domain_characters", "SPIFFE-ID 2.1", f"trust domain characters are {BAD}"),
        ("spiffe://example.org/", "trailing_slash", "SPIFFE-ID 2.2", "path cannot have a trailing slash"),
        ("spiffe://example.org/web/", "trailing_slash", "SPIFFE-ID 2.2", "path cannot have a trailing slash"),
        ("spiffe://example.org//", "empty_segment", "SPIFFE-ID 2.2", "path cannot contain empty segments"),
        ("spiffe://example.org//web", "empty_segment", "SPIFFE-ID 2.2", "path cannot contain empty segments"),
        ("spiffe://example.org/a//b", "empty_segment", "SPIFFE-ID 2.2", "path cannot contain empty segments"),
        ("spiffe://example.org/.", "dot_segment", "SPIFFE-ID 2.2", "path cannot contain dot segments"),
        ("spiffe://example.org/a/../b", "dot_segment", "SPIFFE-ID 2.2", "path cannot contain dot segments"),
        ("spiffe://example.org/./b!", "dot_segment", "SPIFFE-ID 2.2", "path cannot contain dot segments"),
        ("spiffe://example.org/b!/.", "path_characters", "SPIFFE-ID 2.2", BAD_PATH),
        ("spiffe://example.org/%61", "path_percent", "SPIFFE-ID 2.2", BAD_PATH),
        ("spiffe://example.org/w\u00e9b", "path_characters", "SPIFFE-ID 2.2", BAD_PATH),
        ("spiffe://example.org/web?x=1", "query", "SPIFFE-ID 2", BAD_PATH),
        ("spiffe://example.org/web#", "fragment", "SPIFFE-ID 2", BAD_PATH),
        ("spiffe://example.org/web\n", "path_characters", "SPIFFE-ID 2.2", BAD_PATH),
        ("spiffe://example.org/\uff11", "path_characters", "SPIFFE-ID 2.2", BAD_PATH),
        ("spiffe://example.org/a\0b", "path_characters", "SPIFFE-ID 2.2", BAD_PATH),
        (None, "not_text", "SPIFFE-ID 2", "a SPIFFE ID is a text, not a NoneType"),
        (b"spiffe://example.org", "not_text", "SPIFFE-ID 2", "a SPIFFE ID is a text, not a bytes"),
    ],
)
def test_what_is_no_id_is_refused_with_the_words_of_go_spiffe(text: str, code: str, clause: str, reason: str) -> None:
    with pytest.raises(InvalidSpiffeId) as caught:
        SpiffeId(text)
    assert (caught.value.code, caught.value.clause, caught.value.reason) == (code, clause, reason)
    assert caught.value.text == text
    assert str(caught.value).startswith(reason)


def test_an_id_may_have_2048_bytes_and_no_more() -> None:
    longest = "spiffe://example.org/" + "a" * (2048 - 21)
    assert len(str(SpiffeId(longest))) == 2048
    with pytest.raises(InvalidSpiffeId, match="the ID has 2049 bytes, more than 2048") as caught:
        SpiffeId(longest + "a")
    assert (caught.value.code, caught.value.clause) == ("too_long", "SPIFFE-ID 2.3")
    assert len(str(caught.value)) < 300  # not the whole ID


def test_a_trust_domain_may_have_255_bytes_and_no_more() -> None:
    longest = "a" * 255
    assert SpiffeId(f"spiffe://{longest}/web").trust_domain == TrustDomain(longest)
    with pytest.raises(InvalidSpiffeId, match="trust domain has 256 bytes, more than 255") as in_id:
        SpiffeId(f"spiffe://{longest}a/web")
    with pytest.raises(InvalidSpiffeId, match="trust domain has 256 bytes, more than 255") as without_path:
        SpiffeId(f"spiffe://{longest}a")
    with pytest.raises(InvalidTrustDomain, match="has 256 bytes, 1 more than 255") as alone:
        TrustDomain(longest + "a")
    assert {(error.value.code, error.value.clause) for error in (in_id, without_path, alone)} == {
        ("trust_domain_too_long", "SPIFFE-ID 2.3")
    }
    assert alone.value.length == 256


@pytest.mark.parametrize("code", range(256))
def test_of_all_characters_only_those_of_the_standard_are_taken(code: int) -> None:
    character = chr(code)
    for allowed, text, make in (
        (NAME, f"exa{character}mple", TrustDomain),
        (NAME + "/", f"spiffe://exa{character}mple", SpiffeId),
        (SEGMENT + "/", f"spiffe://example.org/we{character}b", SpiffeId),
    ):
        accepted = True
        try:
            make(text)
        except InvalidInput:
            accepted = False
        assert accepted == (character in allowed), (make, text)


def reason_in_go(text: str) -> str | None:
    """What go-spiffe says, character by character (spiffeid/id.go and path.go)."""
    if not text:
        return "cannot be empty"
    if not text.startswith("spiffe://"):
        return "scheme is missing or invalid"
    at = 9
    while at < len(text) and text[at] != "/":
        if text[at] not in NAME:
            return f"trust domain characters are {BAD}"
        at += 1
    return "trust domain is missing" if at == 9 else path_reason_in_go(text[at:])


def path_reason_in_go(path: str) -> str | None:
    start = end = 0
    while end < len(path):
        if path[end] == "/":
            if path[start:end] == "/":
                return "path cannot contain empty segments"
            if path[start:end] in ("/.", "/.."):
                return "path cannot contain dot segments"
            start = end
        elif path[end] not in SEGMENT:
            return BAD_PATH
        end += 1
    if path[start:end] == "/":
        return "path cannot have a trailing slash"
    return "path cannot contain dot segments" if path[start:end] in ("/.", "/..") else None


@given(st.one_of(st.text(), st.from_regex(r"\A(spiffe://)?[a-zA-Z0-9.%/-]{0,12}\Z")))
@example("spiffe://a/..")
@example("spiffe://a/b/.")
@example("spiffe://a//")
@example("spiffe://A/")
def test_every_text_gets_the_answer_of_go_spiffe(text: str) -> None:
    expected = reason_in_go(text)
    if expected is None:
        spiffe_id = SpiffeId(text)
        assert str(spiffe_id) == text == f"spiffe://{spiffe_id.trust_domain}{spiffe_id.path}"
    else:
        with pytest.raises(InvalidSpiffeId) as caught:
            SpiffeId(text)
        assert caught.value.reason == expected


IDS = st.builds(
    lambda name, segments: f"spiffe://{name}" + "".join(f"/{segment}" for segment in segments),
    st.text(NAME, min_size=1, max_size=20),
    st.lists(st.text(SEGMENT, min_size=1, max_size=8).filter(lambda segment: segment not in (".", "..")), max_size=5),
)


@given(IDS)
def test_every_id_survives_text_and_pickle(text: str) -> None:
    spiffe_id = SpiffeId(text)
    assert SpiffeId(str(spiffe_id)) == spiffe_id == pickle.loads(pickle.dumps(spiffe_id)) == copy.deepcopy(spiffe_id)
    assert spiffe_id.trust_domain.id(spiffe_id.path) == spiffe_id
    assert TrustDomain.parse(text) == spiffe_id.trust_domain
    assert pickle.loads(pickle.dumps(spiffe_id.trust_domain)) == spiffe_id.trust_domain


# Values


def test_ids_are_compared_and_hashed_by_their_text() -> None:
    web, db = SpiffeId("spiffe://example.org/web"), SpiffeId("spiffe://example.org/db")
    assert web == SpiffeId(str(web))
    assert web != db
    assert web != str(web)
    assert {web, SpiffeId(str(web)), db} == {web, db}
    assert sorted([web, db]) == [db, web]
    assert repr(web) == "SpiffeId('spiffe://example.org/web')"
    with pytest.raises(TypeError):
        _ = web < "spiffe://example.org/x"  # type: ignore[operator]  # the point


def test_an_id_never_changes() -> None:
    web = SpiffeId("spiffe://example.org/web")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        web.path = "/db"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        del web.path
    assert web.path == "/web"


def test_an_id_given_as_such_comes_back() -> None:
    web = SpiffeId("spiffe://example.org/web")
    assert SpiffeId.parse(web) is web
    assert SpiffeId.parse("spiffe://example.org/web") == web
    with pytest.raises(InvalidSpiffeId):
        SpiffeId.parse("web")


def test_an_id_knows_whose_member_it_is() -> None:
    web = SpiffeId("spiffe://example.org/web")
    assert web.member_of("example.org")
    assert web.member_of(TrustDomain("example.org"))
    assert not web.member_of("example.com")


# Trust domains


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("", "trust_domain_missing", "trust domain is missing"),
        (None, "trust_domain_missing", "trust domain is missing"),
        ("Example.org", "trust_domain_characters", f"trust domain characters are {BAD}"),
        ("example.org\n", "trust_domain_characters", f"trust domain characters are {BAD}"),
        ("example.org:8080", "trust_domain_characters", f"trust domain characters are {BAD}"),
        (7, "trust_domain_characters", f"trust domain characters are {BAD}"),
    ],
)
def test_what_is_no_trust_domain_is_refused(name: str, code: str, reason: str) -> None:
    with pytest.raises(InvalidTrustDomain) as caught:
        TrustDomain(name)
    assert (caught.value.code, caught.value.reason) == (code, reason)
    assert caught.value.clause == "SPIFFE-ID 2.1"
    with pytest.raises(InvalidTrustDomain):
        TrustDomain.parse(name)


def test_a_trust_domain_is_read_from_its_name_or_from_any_of_its_ids() -> None:
    expected = TrustDomain("example.org")
    for given_as in ("example.org", "spiffe://example.org", "spiffe://example.org/web", expected, expected.id("/web")):
        assert TrustDomain.parse(given_as) == expected
    with pytest.raises(InvalidSpiffeId, match="scheme is missing or invalid"):
        TrustDomain.parse("https://example.org")


def test_a_trust_domain_has_an_id_of_its_own_and_makes_others() -> None:
    trust_domain = TrustDomain("example.org")
    assert trust_domain.spiffe_id == SpiffeId("spiffe://example.org")
    assert trust_domain.id("/web") == SpiffeId("spiffe://example.org/web")
    assert trust_domain.id("") == trust_domain.spiffe_id
    with pytest.raises(
        InvalidSpiffeId, match=r"^path must have a leading slash: 'web'; did you mean '/web'\?$"
    ) as caught:
        trust_domain.id("web")  # or else it would be spiffe://example.orgweb
    error = caught.value
    assert (error.code, error.clause, error.text) == ("leading_slash", "SPIFFE-ID 2.2", "web")
    assert error.reason == "path must have a leading slash"
    with pytest.raises(InvalidSpiffeId):
        trust_domain.id("/a b")


def test_trust_domains_are_values() -> None:
    assert TrustDomain("a.org") < TrustDomain("b.org")
    assert {TrustDomain("a.org"), SpiffeId("spiffe://a.org/x").trust_domain} == {TrustDomain("a.org")}
    assert (str(TrustDomain("a.org")), repr(TrustDomain("a.org"))) == ("a.org", "TrustDomain('a.org')")


# Matchers

WEB, DB, FOREIGN = (SpiffeId(f"spiffe://{rest}") for rest in ("example.org/web", "example.org/db", "example.com/web"))


@pytest.mark.parametrize(
    ("matcher", "expected"),
    [
        (match_any(), [True, True, True]),
        (match_id(WEB), [True, False, False]),
        (match_id("spiffe://example.org/db"), [False, True, False]),
        (match_one_of([WEB, "spiffe://example.com/web"]), [True, False, True]),
        (match_one_of([]), [False, False, False]),
        (match_member_of("example.org"), [True, True, False]),
        (match_member_of(TrustDomain("example.com")), [False, False, True]),
        (match_member_of("example.or"), [False, False, False]),  # no prefix
    ],
)
def test_a_matcher_says_with_whom_we_talk(matcher: Callable[[SpiffeId], bool], expected: list[bool]) -> None:
    assert [matcher(spiffe_id) for spiffe_id in (WEB, DB, FOREIGN)] == expected
    assert pickle.loads(pickle.dumps(matcher)) == matcher


def test_a_matcher_is_refused_what_is_no_id() -> None:
    with pytest.raises(InvalidSpiffeId):
        match_id("web")
    with pytest.raises(InvalidSpiffeId):
        match_one_of([WEB, "db"])
    with pytest.raises(
        InvalidInput, match=f"match_one_of takes a collection of SPIFFE IDs, and match_id one, such as '{WEB}'"
    ):
        match_one_of(str(WEB))
    assert match_one_of([str(WEB)])(SpiffeId.parse(WEB))
    with pytest.raises(InvalidTrustDomain):
        match_member_of("")


def test_a_text_of_megabytes_is_refused_before_its_segments_are_remembered() -> None:
    text = "spiffe://a" + "/a" * 200_000
    tracemalloc.start()
    try:
        with pytest.raises(InvalidSpiffeId, match="more than 2048"):
            SpiffeId(text)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
