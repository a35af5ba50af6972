"""The registration entry as a value, as text, and as JSON."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.entries import RegistrationEntry, Selector, show
from spiffesim.errors import InvalidEntry, InvalidSpiffeId, InvalidTrustDomain
from spiffesim.spiffe.ids import SpiffeId, TrustDomain

PARENT = "spiffe://example.org/spire/agent/x509pop/1"


def entry(**fields: Any) -> RegistrationEntry:
    said: dict[str, Any] = {
        "spiffe_id": "spiffe://example.org/web",
        "parent_id": PARENT,
        "selectors": ["unix:uid:1001"],
    }
    return RegistrationEntry(**said | fields)


FULL = entry(
    id="9c0e",
    selectors=["unix:uid:1001", "docker:label:a:b"],
    x509_svid_ttl=3600,
    jwt_svid_ttl=timedelta(minutes=5),
    federates_with=["example.com", "spiffe://other.org"],
    admin=True,
    downstream=True,
    store_svid=True,
    expires_at=datetime(2019, 3, 12, 17, 4, 26, 999_999, tzinfo=UTC),
    dns_names=["web", "db.example.org"],
    hint="main",
    revision_number=3,
    created_at=1_893_456_000_000_000,
    disable_x509_svid_prefetch=True,
    jwt_svid_include_jti=True,
)


def test_convenient_values_become_exact_ones() -> None:
    assert FULL.spiffe_id == SpiffeId("spiffe://example.org/web")
    assert FULL.selectors == (Selector("unix", "uid:1001"), Selector("docker", "label:a:b"))
    assert FULL.x509_svid_ttl == timedelta(hours=1)
    assert FULL.federates_with == (TrustDomain("example.com"), TrustDomain("other.org"))
    assert FULL.expires_at == datetime(2019, 3, 12, 17, 4, 26, tzinfo=UTC)
    assert FULL.dns_names == ("web", "db.example.org")


@pytest.mark.parametrize("ttl", [None, 0, timedelta(0)])
def test_no_lifetime_is_the_default_one(ttl: Any) -> None:
    assert entry(x509_svid_ttl=ttl).x509_svid_ttl is None


def test_a_negative_lifetime_is_left_to_the_server() -> None:
    assert entry(jwt_svid_ttl=-1).jwt_svid_ttl == timedelta(seconds=-1)


@pytest.mark.parametrize("expiry", [None, 0, datetime(1970, 1, 1, tzinfo=UTC)])
def test_no_expiry_is_never(expiry: Any) -> None:
    assert entry(expires_at=expiry).expires_at is None


def test_an_expiry_may_be_seconds_or_lie_in_another_time_zone() -> None:
    east = timezone(timedelta(hours=2))
    assert entry(expires_at=7200).expires_at == datetime(1970, 1, 1, 2, tzinfo=UTC)
    assert str(entry(expires_at=datetime(2030, 1, 1, 2, tzinfo=east)).expires_at) == "2030-01-01 00:00:00+00:00"


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("id", 5, "id is a text, not a int"),
        ("hint", None, "hint is a text, not a NoneType"),
        ("hint", "\ud800", "is not Unicode text"),
        ("spiffe_id", 5, "a SPIFFE ID is a SpiffeId or a text, not a int"),
        ("parent_id", None, "a SPIFFE ID is a SpiffeId or a text, not a NoneType"),
        ("selectors", "unix:uid:1", "selectors is a collection"),
        ("x509_svid_ttl", 1.5, "x509_svid_ttl is a timedelta or whole seconds, not a float"),
        ("x509_svid_ttl", True, "x509_svid_ttl is a timedelta or whole seconds, not a bool"),
        ("jwt_svid_ttl", timedelta(milliseconds=1500), "jwt_svid_ttl is not whole seconds but 0:00:01.500000"),
        ("x509_svid_ttl", 2**31, "has 2147483648 seconds, which 32 bits do not hold"),
        ("x509_svid_ttl", -(2**31) - 1, "which 32 bits do not hold"),
        ("expires_at", datetime(2030, 1, 1), "has no time zone"),  # the point
        ("expires_at", "tomorrow", "expires_at is an aware datetime or seconds since 1970, not a str"),
        ("expires_at", False, "not a bool"),
        ("expires_at", 10**12, "lies outside the years 1 to 9999"),
        ("dns_names", "web", "dns_names is a collection"),
        ("dns_names", [b"web"], "a DNS name is a text, not a bytes"),
        ("federates_with", "example.com", "federates_with is a collection"),
        ("federates_with", [5], "a trust domain is a TrustDomain or a text, not a int"),
        ("admin", 1, "admin is a bool, not a int"),
        ("downstream", None, "downstream is a bool"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(field: str, value: Any, complaint: str) -> None:
    with pytest.raises(InvalidEntry) as caught:
        entry(**{field: value})
    assert complaint in str(caught.value)


def test_the_limits_of_a_lifetime_fit() -> None:
    assert entry(x509_svid_ttl=2**31 - 1).x509_svid_ttl == timedelta(seconds=2**31 - 1)
    assert entry(x509_svid_ttl=-(2**31)).x509_svid_ttl == timedelta(seconds=-(2**31))


def test_bad_ids_keep_their_own_errors() -> None:
    with pytest.raises(InvalidSpiffeId):
        entry(spiffe_id="https://example.org/web")
    with pytest.raises(InvalidTrustDomain):
        entry(federates_with=["Example.com"])
    with pytest.raises(InvalidSpiffeId):
        entry(federates_with=["spiffe://"])


def test_an_entry_shows_as_the_command_shows_it() -> None:
    assert str(FULL) == (
        "Entry ID                : 9c0e\n"
        "SPIFFE ID               : spiffe://example.org/web\n"
        "Parent ID               : spiffe://example.org/spire/agent/x509pop/1\n"
        "Revision                : 3\n"
        "Downstream              : true\n"
        "X509-SVID TTL           : 3600\n"
        "JWT-SVID TTL            : 300\n"
        "Expiration time         : 2019-03-12 17:04:26 +0000 UTC\n"
        "Selector                : docker:label:a:b\n"
        "Selector                : unix:uid:1001\n"
        "FederatesWith           : example.com\n"
        "FederatesWith           : other.org\n"
        "DNS name                : web\n"
        "DNS name                : db.example.org\n"
        "Admin                   : true\n"
        "StoreSvid               : true\n"
        "Hint                    : main\n"
        "DisableX509SvidPrefetch : true\n"
        "JwtSvidIncludeJti       : true"
    )


def test_what_is_not_said_is_not_shown() -> None:
    assert str(entry()) == (
        "Entry ID                : (none)\n"
        "SPIFFE ID               : spiffe://example.org/web\n"
        "Parent ID               : spiffe://example.org/spire/agent/x509pop/1\n"
        "Revision                : 0\n"
        "X509-SVID TTL           : default\n"
        "JWT-SVID TTL            : default\n"
        "Selector                : unix:uid:1001"
    )


def test_entries_show_sorted_with_a_heading() -> None:
    first, second, third = entry(spiffe_id="spiffe://example.org/a"), entry(), entry(x509_svid_ttl=1)
    assert show([third, second, first]) == f"Found 3 entries\n{first}\n\n{second}\n\n{third}\n\n"
    assert show([first]).startswith("Found 1 entry\nEntry ID")
    assert show([]) == "Found 0 entries\n"


def test_the_repr_is_python_that_makes_it() -> None:
    names = {"datetime": __import__("datetime"), "TrustDomain": TrustDomain}
    for made in (FULL, entry()):
        assert eval(repr(made), globals() | names) == made
    assert "hint" not in repr(entry())


def test_a_notebook_shows_the_block() -> None:
    class Printer:
        def __init__(self) -> None:
            self.written = ""

        def text(self, text: str) -> None:
            self.written += text

        def break_(self) -> None:
            self.written += "\n"

    printer = Printer()
    FULL._repr_pretty_(printer, False)
    assert printer.written == str(FULL)


def test_an_entry_is_frozen_hashable_and_pickles() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        FULL.hint = "other"  # type: ignore[misc]  # that is the point
    assert pickle.loads(pickle.dumps(FULL)) == FULL
    assert hash(pickle.loads(pickle.dumps(FULL))) == hash(FULL)


def test_a_workload_matches_with_all_selectors_and_more() -> None:
    held = {Selector("unix", "uid:1001"), Selector("docker", "label:a:b"), Selector("unix", "gid:1")}
    assert FULL.matches(held)
    assert not FULL.matches({Selector("unix", "uid:1001")})


def test_json_has_the_command_s_keys() -> None:
    assert FULL.to_json() == {
        "entry_id": "9c0e",
        "spiffe_id": "spiffe://example.org/web",
        "parent_id": PARENT,
        "selectors": [{"type": "unix", "value": "uid:1001"}, {"type": "docker", "value": "label:a:b"}],
        "x509_svid_ttl": 3600,
        "jwt_svid_ttl": 300,
        "federates_with": ["spiffe://example.com", "spiffe://other.org"],
        "admin": True,
        "downstream": True,
        "store_svid": True,
        "entryExpiry": 1552410266,
        "dns_names": ["web", "db.example.org"],
        "hint": "main",
        "revision_number": 3,
        "created_at": 1893456000,
        "additional_attributes": {"disable_x509_svid_prefetch": True, "jwt_svid_include_jti": True},
    }
    assert sorted(entry().to_json()) == ["parent_id", "selectors", "spiffe_id"]


def entries() -> st.SearchStrategy[RegistrationEntry]:
    """Entries of every shape, acceptable to a server or not."""
    texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    seconds = st.integers(-(2**31), 2**31 - 1)
    ids = st.sampled_from(["spiffe://example.org/a", "spiffe://example.org", "spiffe://other.org/spire/server"])
    names = st.sampled_from(["example.org", "other.org", "a.b"]).map(TrustDomain)
    return st.builds(
        RegistrationEntry,
        id=texts,
        spiffe_id=ids,
        parent_id=ids,
        selectors=st.lists(st.builds(Selector, texts, texts), max_size=3),
        x509_svid_ttl=seconds,
        jwt_svid_ttl=seconds,
        federates_with=st.lists(names, max_size=3),
        admin=st.booleans(),
        downstream=st.booleans(),
        store_svid=st.booleans(),
        expires_at=st.none() | st.datetimes(timezones=st.just(UTC)),
        dns_names=st.lists(texts, max_size=3),
        hint=texts,
        revision_number=st.integers(0, 2**63 - 1),
        created_at=st.integers(0, 10**10).map(lambda seconds: seconds * 1_000_000),
        disable_x509_svid_prefetch=st.booleans(),
        jwt_svid_include_jti=st.booleans(),
    )


@given(entries())
def test_json_round_trips(made: RegistrationEntry) -> None:
    assert RegistrationEntry.from_json(made.to_json()) == made
