"""Entries from the command's file and from its flags."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.entries import RegistrationEntry, Selector, entry_from_flags, parse_entries
from spiffesim.errors import InvalidEntry, InvalidSpiffeId

MINIMAL = {
    "selectors": [{"type": "unix", "value": "uid:1001"}],
    "parent_id": "spiffe://example.org/host",
    "spiffe_id": "spiffe://example.org/web",
}
# SPIRE: test/fixture/registration/good.json has this shape.
FIXTURE = {
    "entries": [
        {
            "selectors": [{"type": "unix", "value": "uid:1111"}],
            "spiffe_id": "spiffe://example.org/Blog",
            "parent_id": "spiffe://example.org/spire/agent/join_token/TokenBlog",
            "x509_svid_ttl": 200,
            "jwt_svid_ttl": 30,
            "admin": True,
        },
        {
            "selectors": [{"type": "type", "value": "key1:value"}, {"type": "type", "value": "key2:value"}],
            "spiffe_id": "spiffe://example.org/storesvid",
            "parent_id": "spiffe://example.org/spire/agent/join_token/TokenDatabase",
            "store_svid": True,
            "federates_with": ["spiffe://other.org", "third.org"],
            "entryExpiry": 1552410266,
        },
    ]
}


def parse_one(**changes: Any) -> RegistrationEntry:
    return parse_entries(json.dumps({"entries": [MINIMAL | changes]}))[0]


def test_the_command_s_file_is_read() -> None:
    blog, stored = parse_entries(json.dumps(FIXTURE).encode())
    assert blog.admin
    assert blog.selectors == (Selector("unix", "uid:1111"),)
    assert (str(blog.x509_svid_ttl), str(blog.jwt_svid_ttl)) == ("0:03:20", "0:00:30")
    assert stored.store_svid
    assert [str(name) for name in stored.federates_with] == ["other.org", "third.org"]
    assert [made.to_json()["spiffe_id"] for made in (blog, stored)] == [
        item["spiffe_id"] for item in FIXTURE["entries"]
    ]


@pytest.mark.parametrize("data", ["{}", '{"entries": null}', '{"entries": []}'])
def test_a_file_may_have_no_entries(data: str) -> None:
    assert parse_entries(data) == ()


def test_keys_are_read_in_any_case_and_null_is_absent() -> None:
    made = parse_one(
        ENTRYEXPIRY=60, Hint=None, additional_attributes=None, dns_names=None, admin=None, jwt_svid_ttl=None
    )
    assert made.expires_at is not None
    assert made.hint == ""
    assert parse_one(additional_attributes={"jwt_svid_include_jti": True}).jwt_svid_include_jti


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"spiffe_id": ""}, "entries[0].spiffe_id: invalid SPIFFE ID: cannot be empty"),
        ({"spiffe_id": None}, "entries[0].spiffe_id: invalid SPIFFE ID: cannot be empty"),
        ({"parent_id": "x"}, "entries[0].parent_id: invalid parent ID: scheme is missing or invalid"),
        ({"parent_id": 5}, "entries[0].parent_id: this is a number, not a string"),
        (
            {"federates_with": ["A"]},
            "entries[0].federates_with: invalid federated trust domain: trust domain characters",
        ),
        ({"federates_with": "a"}, "entries[0].federates_with: this is a string, not an array"),
        ({"federates_with": [["a"]]}, "entries[0].federates_with: this is an array, not a string"),
        ({"selectors": ["unix:uid:1"]}, "entries[0].selectors[0]: this is a string, not an object"),
        ({"selectors": [{"type": "a", "valu": ""}]}, "entries[0].selectors[0].valu: SPIRE does not know this key"),
        ({"selectors": [{"type": 1}]}, "entries[0].selectors[0].type: this is a number, not a string"),
        ({"x509_svid_ttl": 3600.0}, "entries[0].x509_svid_ttl: this is a number with a fraction or exponent, not a"),
        ({"x509_svid_ttl": "3600"}, "entries[0].x509_svid_ttl: this is a string, not a whole number"),
        ({"jwt_svid_ttl": True}, "entries[0].jwt_svid_ttl: this is true or false, not a whole number"),
        ({"jwt_svid_ttl": 2**31}, "entries[0].jwt_svid_ttl: 2147483648 does not fit 32 bits"),
        ({"entryExpiry": 2**63}, "entries[0].entryExpiry: 9223372036854775808 does not fit 64 bits"),
        ({"entryExpiry": 2**62}, "entries[0].entryExpiry: expires_at 4611686018427387904 lies outside the years"),
        ({"admin": "true"}, "entries[0].admin: this is a string, not true or false"),
        ({"hint": "\ud800"}, "entries[0].hint: the string '\\ud800' is not Unicode text"),
        ({"hint": {}}, "entries[0].hint: this is an object, not a string"),
        ({"ttl": 3600}, "entries[0].ttl: SPIRE does not know this key and would ignore it"),
        (
            {"parentid": "x"},
            "entries[0].parentid: SPIRE does not know this key and would ignore it; did you mean parent_id?",
        ),
        ({"Spiffe_ID": "x"}, "entries[0].Spiffe_ID: this key is there twice, once as spiffe_id"),
        ({"additional_attributes": []}, "entries[0].additional_attributes: this is an array, not an object"),
        ({"additional_attributes": {"x": 1}}, "entries[0].additional_attributes.x: SPIRE does not know this key"),
    ],
)
def test_an_error_names_the_entry_and_the_key(changes: dict[str, Any], complaint: str) -> None:
    assert parse_one() == RegistrationEntry(
        spiffe_id="spiffe://example.org/web", parent_id="spiffe://example.org/host", selectors=["unix:uid:1001"]
    )
    with pytest.raises(InvalidEntry) as caught:
        parse_one(**changes)
    assert str(caught.value).startswith(complaint)


def test_an_error_carries_its_place() -> None:
    with pytest.raises(InvalidEntry) as caught:
        parse_entries(json.dumps({"entries": [MINIMAL, MINIMAL | {"hint": 5}]}))
    assert (caught.value.where, caught.value.key) == ("entries[1]", "hint")


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ("", "the entries are not JSON: Expecting value at line 1, column 1"),
        ('{"entries": [}', "the entries are not JSON: Expecting value at line 1, column 14"),
        ("[" * 100_000, "the entries are not JSON: it is nested too deeply"),
        (b"\xff", "the entries are not JSON: 'utf-8' codec can't decode byte 0xff"),
        ('{"entries": NaN}', "the entries are not JSON: NaN is no JSON number"),
        ('{"entries": ' + "9" * 5000 + "}", "the entries are not JSON: Exceeds the limit"),
        (None, "the entries are not JSON: the JSON object must be str"),
        ("[]", "the file: this is an array, not an object"),
        ("null", "the file: this is null, not an object"),
        ('{"entries": {}}', "the file.entries: this is an object, not an array"),
        ('{"entrys": []}', "the file.entrys: SPIRE does not know this key and would ignore it; did you mean entries?"),
        ('{"entries": [null]}', "entries[0]: this is null, not an object"),
        ('{"entries": [{"hint": "a", "hint": "b"}]}', "entries[0].hint: this key is there twice"),
    ],
)
def test_a_broken_file_is_refused(data: Any, complaint: str) -> None:
    with pytest.raises(InvalidEntry) as caught:
        parse_entries(data)
    assert str(caught.value).startswith(complaint)


def test_with_a_place_for_notes_an_unknown_key_is_only_noted() -> None:
    notes: list[str] = []
    document = {"entries": [MINIMAL | {"ttl": 3600, "selectors": [{"type": "a", "value": "b", "kind": "c"}]}]}
    (made,) = parse_entries(json.dumps(document), note=notes.append)
    assert made.x509_svid_ttl is None
    assert notes == [
        "entries[0].ttl: SPIRE does not know this key and ignores it",
        "entries[0].selectors[0].kind: SPIRE does not know this key and ignores it",
    ]


@pytest.mark.parametrize("data", [None, [], "x", {5: 1}])
def test_one_entry_is_read_from_an_object_only(data: Any) -> None:
    with pytest.raises(InvalidEntry, match=r"^entry"):
        RegistrationEntry.from_json(data)


def test_a_value_that_json_does_not_have_is_named() -> None:
    with pytest.raises(InvalidEntry, match="this is a set, not a string"):
        RegistrationEntry.from_json(MINIMAL | {"hint": {1}})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*MINIMAL, "hint", "x"]), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from([*MINIMAL, "hint", "admin", "entryExpiry", "x509_svid_ttl", "?"]), json_values))
def test_any_file_is_read_or_refused_with_our_error(document: dict[str, Any]) -> None:
    try:
        parse_entries(json.dumps({"entries": [document, MINIMAL | document]}))
    except InvalidEntry as error:
        assert str(error)  # noqa: PT017 (either outcome is fine, another error is not)


def test_flags_make_an_entry() -> None:
    made = entry_from_flags(
        selectors=["unix:uid:1001"],
        spiffe_id="spiffe://example.org/web",
        parent_id="spiffe://example.org/host",
        entry_id="mine",
        x509_svid_ttl=60,
        hint="h",
    )
    assert (made.id, str(made.parent_id), made.hint) == ("mine", "spiffe://example.org/host", "h")


def test_a_node_entry_has_the_server_as_its_parent() -> None:
    made = entry_from_flags(selectors=["x509pop:subject:cn:a"], spiffe_id="spiffe://example.org/nodes", node=True)
    assert str(made.parent_id) == "spiffe://example.org/spire/server"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"selectors": ()}, "at least one selector is required"),
        ({"node": True, "federates_with": ["other.org"]}, "node entries can not federate"),
        ({"parent_id": ""}, "a parent ID is required if the node flag is not set"),
        ({"spiffe_id": ""}, "a SPIFFE ID is required"),
        ({"x509_svid_ttl": -1}, "a positive x509-SVID TTL is required"),
        ({"jwt_svid_ttl": -1}, "a positive JWT-SVID TTL is required"),
        ({"selectors": (), "spiffe_id": ""}, "at least one selector is required"),
        ({"hunt": "x"}, "a registration entry has no field 'hunt'; did you mean 'hint'?"),
    ],
)
def test_the_command_checks_its_flags_in_its_own_words(changes: dict[str, Any], complaint: str) -> None:
    flags: dict[str, Any] = {
        "selectors": ["unix:uid:1001"],
        "spiffe_id": "spiffe://example.org/web",
        "parent_id": "spiffe://example.org/host",
    }
    entry_from_flags(**flags)
    with pytest.raises(InvalidEntry) as caught:
        entry_from_flags(**flags | changes)
    assert str(caught.value) == complaint


def test_flags_with_a_bad_id_are_refused() -> None:
    with pytest.raises(InvalidSpiffeId):
        entry_from_flags(selectors=["a:b"], spiffe_id="x", node=True)
