"""One server's store of entries, refusing in SPIRE's words."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.entries import Entries, RegistrationEntry, Selector
from spiffesim.errors import AlreadyExists, InvalidEntry, NotFound, Refused
from spiffesim.spiffe.ids import SpiffeId, TrustDomain

NOW = 1_893_456_000_000_000  # 2030-01-01T00:00:00Z
AGENT = "spiffe://example.org/spire/agent/join_token/1"
WEB = "spiffe://example.org/web"
SELECTOR = "unix:uid:1001"


@attrs.define
class Surroundings:
    """What a server is to its store."""

    drawn: int = 0
    now: int = NOW
    bundles: tuple[str, ...] = ("example.org", "other.org", "third.org")

    def draw_id(self) -> str:
        self.drawn += 1
        return f"drawn-{self.drawn}"

    def has_bundle(self, trust_domain: TrustDomain) -> bool:
        return trust_domain.name in self.bundles

    def instant(self) -> int:
        return self.now

    def store(self) -> Entries:
        return Entries(TrustDomain("example.org"), draw_id=self.draw_id, has_bundle=self.has_bundle, now=self.instant)


@pytest.fixture
def around() -> Surroundings:
    return Surroundings()


@pytest.fixture
def store(around: Surroundings) -> Entries:
    return around.store()


def create(store: Entries, **changes: Any) -> RegistrationEntry:
    said: dict[str, Any] = {"spiffe_id": WEB, "parent_id": AGENT, "selectors": [SELECTOR]}
    return store.create(**said | changes)


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    """The status and the message with which a call is refused."""
    with pytest.raises(Refused) as caught:
        call()
    assert str(caught.value).startswith(caught.value.message)
    return caught.value.status, caught.value.message


def test_a_new_entry_gets_an_id_a_revision_and_its_time(store: Entries) -> None:
    made = create(store)
    assert (made.id, made.revision_number, made.created_at) == ("drawn-1", 0, NOW)
    assert store.get("drawn-1") is made
    assert list(store) == [made]
    assert len(store) == 1
    assert "drawn-1" in store
    assert repr(store) == "<Entries of example.org: 1>"


@pytest.mark.parametrize(("microseconds", "seconds"), [(499_999, 0), (500_000, 1)])
def test_the_time_of_creation_is_rounded_to_the_second(around: Surroundings, microseconds: int, seconds: int) -> None:
    around.now += microseconds
    assert create(around.store()).created_at == NOW + seconds * 1_000_000


def test_every_field_is_kept(store: Entries) -> None:
    made = create(
        store,
        id="mine_1.-",
        selectors=["unix:uid:1", Selector("unix", "gid:1")],
        x509_svid_ttl=3600,
        jwt_svid_ttl=timedelta(minutes=5),
        federates_with=[
            "third.org",
            TrustDomain("other.org"),
            "spiffe://third.org/x",
            SpiffeId("spiffe://example.org"),
        ],
        admin=True,
        downstream=True,
        store_svid=True,
        expires_at=datetime(2031, 1, 1, tzinfo=UTC),
        dns_names=["web", "*.example.org"],
        hint="h" * 1024,
        jwt_svid_include_jti=True,
    )
    assert made == RegistrationEntry(
        id="mine_1.-",
        spiffe_id=WEB,
        parent_id=AGENT,
        selectors=["unix:uid:1", "unix:gid:1"],
        x509_svid_ttl=3600,
        jwt_svid_ttl=300,
        federates_with=["example.org", "other.org", "third.org"],  # once each, by name
        admin=True,
        downstream=True,
        store_svid=True,
        expires_at=datetime(2031, 1, 1, tzinfo=UTC),
        dns_names=["web", "*.example.org"],
        hint="h" * 1024,
        created_at=NOW,
        jwt_svid_include_jti=True,
    )


def test_an_entry_made_elsewhere_is_added_as_if_created(store: Entries) -> None:
    message = RegistrationEntry(
        spiffe_id=WEB, parent_id=AGENT, selectors=[SELECTOR], hint="h", revision_number=7, created_at=5
    )
    assert store.add(message) == attrs.evolve(message, id="drawn-1", revision_number=0, created_at=NOW)


def test_none_stands_for_what_is_not_said(store: Entries) -> None:
    made = create(
        store, hint=None, admin=None, dns_names=None, federates_with=None, expires_at=None, x509_svid_ttl=None
    )
    assert made == RegistrationEntry(id="drawn-1", spiffe_id=WEB, parent_id=AGENT, selectors=[SELECTOR], created_at=NOW)


CONVERSIONS = [
    ({"parent_id": None}, "invalid parent ID: request must specify SPIFFE ID"),
    ({"spiffe_id": None}, "invalid spiffe ID: request must specify SPIFFE ID"),
    (
        {"parent_id": "spiffe://other.org/a"},
        'invalid parent ID: "spiffe://other.org/a" is not a member of trust domain "example.org"',
    ),
    (
        {"parent_id": "spiffe://example.org"},
        'invalid parent ID: "spiffe://example.org" is not a member of trust domain "example.org"; path is empty',
    ),
    ({"parent_id": "example.org"}, "invalid parent ID: scheme is missing or invalid"),
    (
        {"spiffe_id": "spiffe://other.org/a"},
        'invalid spiffe ID: "spiffe://other.org/a" is not a member of trust domain "example.org"',
    ),
    (
        {"spiffe_id": "spiffe://example.org"},
        'invalid spiffe ID: "spiffe://example.org" is not a workload in trust domain "example.org"; path is empty',
    ),
    *(
        (
            {"spiffe_id": f"spiffe://example.org{path}"},
            f'invalid spiffe ID: "spiffe://example.org{path}" is not a workload in trust domain "example.org"; '
            "path is in the reserved namespace",
        )
        for path in ("/spire", "/spire/agent/x")
    ),
    ({"spiffe_id": "spiffe://example.org/a/"}, "invalid spiffe ID: path cannot have a trailing slash"),
    ({"dns_names": ["ok", "a..b"]}, 'invalid DNS name: idna error\nidna: invalid label "a..b"'),
    (
        {"federates_with": ["Other"]},
        "invalid federated trust domain: trust domain characters are limited to lowercase letters, numbers, dots, "
        "dashes, and underscores",
    ),
    ({"federates_with": ["spiffe://"]}, "invalid federated trust domain: trust domain is missing"),
    ({"selectors": []}, "selector list is empty"),
    ({"selectors": None}, "selector list is empty"),
    ({"selectors": [":x"]}, "missing selector type"),
    ({"selectors": [Selector("a:b", "c")]}, "selector type contains ':'"),
    ({"selectors": ["unix:"]}, "missing selector value"),
    ({"hint": "h" * 1025}, "hint is too long, max length is 1024 characters"),
    ({"hint": "é" * 513}, "hint is too long, max length is 1024 characters"),
]


@pytest.mark.parametrize(("changes", "reason"), CONVERSIONS)
def test_what_cannot_be_converted_is_refused(store: Entries, changes: dict[str, Any], reason: str) -> None:
    assert refusal(lambda: create(store, **changes)) == ("INVALID_ARGUMENT", f"failed to convert entry: {reason}")
    assert create(store).revision_number == 0


def test_a_trust_domain_beyond_the_standard_s_length_is_refused_in_our_words(store: Entries) -> None:
    _, message = refusal(lambda: create(store, federates_with=["a" * 256]))
    assert message.startswith("failed to convert entry: invalid federated trust domain: trust domain name aaa")


def test_the_first_mistake_in_spire_s_order_is_told(store: Entries) -> None:
    mistakes: dict[str, Any] = {
        "parent_id": None,
        "spiffe_id": None,
        "dns_names": ["."],
        "federates_with": [""],
        "selectors": [],
        "hint": "h" * 1025,
    }
    told = []
    while mistakes:
        told.append(refusal(lambda: create(store, **mistakes))[1].removeprefix("failed to convert entry: "))
        del mistakes[next(iter(mistakes))]
    assert [message.partition(":")[0] for message in told] == [
        "invalid parent ID",
        "invalid spiffe ID",
        "invalid DNS name",
        "invalid federated trust domain",
        "selector list is empty",
        "hint is too long, max length is 1024 characters",
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": "a" * 256}, "invalid registration entry: entry ID too long"),
        ({"id": "é" * 128}, "invalid registration entry: entry ID too long"),
        ({"id": "é"}, "invalid registration entry: entry ID contains invalid characters"),
        ({"id": "a b"}, "invalid registration entry: entry ID contains invalid characters"),
        ({"id": "a\n"}, "invalid registration entry: entry ID contains invalid characters"),
        ({"x509_svid_ttl": -1}, "invalid registration entry: X509SvidTtl is not set"),
        ({"jwt_svid_ttl": -1}, "invalid registration entry: JwtSvidTtl is not set"),
        ({"x509_svid_ttl": -1, "jwt_svid_ttl": -1}, "invalid registration entry: X509SvidTtl is not set"),
        (
            {"store_svid": True, "selectors": ["a:1", "b:1"]},
            "invalid registration entry: selector types must be the same when store SVID is enabled",
        ),
        (
            {"store_svid": True, "selectors": ["a:1", "b:1"], "disable_x509_svid_prefetch": True},
            "specifying cache behaviour is incompatible with storable SVIDs",
        ),
    ],
)
def test_what_the_datastore_does_not_take_is_refused(store: Entries, changes: dict[str, Any], reason: str) -> None:
    expected = "INVALID_ARGUMENT", f"failed to create entry: datastore-validation: {reason}"
    assert refusal(lambda: create(store, **changes)) == expected
    assert len(store) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "a" * 255},
        {"store_svid": True, "selectors": ["a:1", "a:2"]},
        {"selectors": ["a:1", "b:1"], "disable_x509_svid_prefetch": True},
    ],
)
def test_what_the_datastore_takes_is_stored(store: Entries, changes: dict[str, Any]) -> None:
    assert create(store, **changes) in store.list()


def test_a_similar_entry_is_refused_and_handed_over_unchanged(store: Entries) -> None:
    first = create(store, selectors=["a:1", "b:2"], hint="first")
    with pytest.raises(AlreadyExists) as caught:
        create(store, selectors=["b:2", "a:1"], hint="second", x509_svid_ttl=60, id="other")
    assert (caught.value.status, caught.value.message) == ("ALREADY_EXISTS", "similar entry already exists")
    assert caught.value.existing is first
    assert "drawn-1" in str(caught.value)
    assert list(store) == [first]


@pytest.mark.parametrize(
    "changes", [{"selectors": ["a:1"]}, {"parent_id": WEB}, {"spiffe_id": "spiffe://example.org/other"}]
)
def test_an_entry_that_differs_in_likeness_is_another(store: Entries, changes: dict[str, Any]) -> None:
    create(store)
    assert create(store, **changes).id == "drawn-2"


def test_a_repeated_selector_still_makes_a_similar_entry(store: Entries) -> None:
    create(store)
    assert refusal(lambda: create(store, selectors=[SELECTOR, SELECTOR]))[1] == "similar entry already exists"


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"selectors": ["b:2", "a:1", "a:1"]}, "selectors.registered_entry_id, selectors.type, selectors.value"),
        ({"dns_names": ["a", "b", "a"]}, "dns_names.registered_entry_id, dns_names.value"),
        ({"id": "taken"}, "registered_entries.entry_id"),
    ],
)
def test_what_must_be_unique_is_refused_in_sqlite_s_words(
    store: Entries, changes: dict[str, Any], constraint: str
) -> None:
    create(store, id="taken", parent_id=WEB)
    expected = f"failed to create entry: datastore-sql: UNIQUE constraint failed: {constraint}"
    with pytest.raises(AlreadyExists) as caught:
        create(store, **changes)
    assert (caught.value.status, caught.value.message) == ("ALREADY_EXISTS", expected)
    assert caught.value.existing is None
    assert len(store) == 1


def test_federation_needs_the_bundle(store: Entries, around: Surroundings) -> None:
    names = ["other.org", "far.org"]
    expected = "INTERNAL", 'failed to create entry: unable to find federated bundle "spiffe://far.org"'
    assert refusal(lambda: create(store, federates_with=names)) == expected
    around.bundles = ("far.org", "other.org")
    assert len(create(store, federates_with=names).federates_with) == 2


def test_a_refused_entry_draws_no_id(store: Entries, around: Surroundings) -> None:
    refusal(lambda: create(store, federates_with=["far.org"]))
    refusal(lambda: create(store, dns_names=["a", "a"]))
    assert around.drawn == 0
    assert create(store).id == "drawn-1"


def test_a_drawn_id_that_is_taken_is_drawn_again(store: Entries) -> None:
    create(store, id="drawn-1", parent_id=WEB)
    assert create(store).id == "drawn-2"


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"hunt": "x"}, "a registration entry has no field 'hunt'; did you mean 'hint'?"),
        ({"zzzzzz": 1}, "a registration entry has no field 'zzzzzz'"),
        ({"selectors": SELECTOR}, "selectors is a collection, such as ['unix:uid:1001'], not a str"),
        ({"selectors": ["unix"]}, 'selector "unix" must be formatted as type:value'),
        ({"selectors": ["a:\ud800"]}, "a selector's value"),
        ({"spiffe_id": 5}, "a SPIFFE ID is a SpiffeId or a text, not a int"),
        ({"parent_id": b"x"}, "a SPIFFE ID is a SpiffeId or a text, not a bytes"),
        ({"federates_with": "other.org"}, "federates_with is a collection"),
        ({"federates_with": [5]}, "a trust domain is a TrustDomain or a text, not a int"),
        ({"dns_names": "web"}, "dns_names is a collection"),
        ({"admin": "yes"}, "admin is a bool, not a str"),
        ({"x509_svid_ttl": 1.5}, "x509_svid_ttl is a timedelta or whole seconds"),
        ({"jwt_svid_ttl": "1h"}, "jwt_svid_ttl is a timedelta or whole seconds"),
        ({"expires_at": "never"}, "expires_at is an aware datetime"),
        ({"hint": 5}, "hint is a text"),
        ({"id": 5}, "id is a text"),
        ({"disable_x509_svid_prefetch": 1}, "disable_x509_svid_prefetch is a bool"),
    ],
)
def test_a_wrong_type_is_told_before_any_server_sees_it(store: Entries, fields: Any, complaint: str) -> None:
    with pytest.raises(InvalidEntry) as caught:
        create(store, **fields)
    assert str(caught.value).startswith(complaint)
    with pytest.raises(InvalidEntry):
        create(store, **fields)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda store: store.get(""), ("INVALID_ARGUMENT", "missing ID")),
        (lambda store: store.get("x"), ("NOT_FOUND", "entry not found")),
        (lambda store: store.delete(""), ("INVALID_ARGUMENT", "missing entry ID")),
        (lambda store: store.delete("x"), ("NOT_FOUND", "entry not found")),
        (lambda store: store.update("x", ()), ("NOT_FOUND", "failed to update entry")),
        (lambda store: store.update("", ()), ("NOT_FOUND", "failed to update entry")),
    ],
)
def test_an_entry_that_is_not_there(store: Entries, call: Any, expected: tuple[str, str]) -> None:
    create(store)
    assert refusal(lambda: call(store)) == expected


@pytest.mark.parametrize("call", ["get", "delete", "update"])
def test_an_entry_id_is_a_text(store: Entries, call: str) -> None:
    create(store)
    argument: tuple[Any, ...] = (5, ()) if call == "update" else (5,)
    with pytest.raises(InvalidEntry, match="an entry ID is a text, not a int"):
        getattr(store, call)(*argument)


def test_what_is_not_found_is_not_found_by_type(store: Entries) -> None:
    with pytest.raises(NotFound):
        store.get("x")


def test_a_deleted_entry_is_gone_and_may_come_again(store: Entries) -> None:
    made = create(store, expires_at=5)
    assert store.delete(made.id) is made
    assert len(store) == 0
    assert store.of_spiffe_id(made.spiffe_id) == ()
    assert store.next_expiry is None
    assert create(store).id == "drawn-2"


def test_without_a_mask_an_update_replaces_everything(store: Entries) -> None:
    made = create(store, hint="h", admin=True, dns_names=["a"], x509_svid_ttl=5, jwt_svid_include_jti=True)
    new = store.update(made.id, spiffe_id=WEB, parent_id=WEB, selectors=["a:1"])
    assert new == RegistrationEntry(
        id=made.id, spiffe_id=WEB, parent_id=WEB, selectors=["a:1"], revision_number=1, created_at=NOW
    )
    assert store.get(made.id) is new


def test_an_update_without_a_mask_needs_what_every_entry_has(store: Entries) -> None:
    made = create(store)
    expected = "INVALID_ARGUMENT", "failed to convert entry: invalid parent ID: request must specify SPIFFE ID"
    assert refusal(lambda: store.update(made.id, hint="h")) == expected


def test_with_a_mask_an_update_replaces_what_the_mask_names(store: Entries) -> None:
    made = create(store, hint="old", dns_names=["a"], disable_x509_svid_prefetch=True)
    new = store.update(made.id, ["hint", "dns_names"], hint="new", admin=True)
    assert new == attrs.evolve(made, hint="new", dns_names=(), revision_number=1)


def test_the_two_attributes_are_masked_together(store: Entries) -> None:
    made = create(store, disable_x509_svid_prefetch=True)
    new = store.update(made.id, ["additional_attributes"], jwt_svid_include_jti=True)
    assert (new.disable_x509_svid_prefetch, new.jwt_svid_include_jti) == (False, True)


@pytest.mark.parametrize(
    ("mask", "complaint"),
    [
        (["jwt_svid_include_jti"], "SPIRE masks disable_x509_svid_prefetch and jwt_svid_include_jti together"),
        (["hunt"], "'hunt' is no field of an update; did you mean 'hint'?"),
        (["revision_number"], "'revision_number' is no field of an update"),
        ([5], "5 is no field of an update"),
        ("hint", "mask is a collection"),
    ],
)
def test_a_mask_names_fields(store: Entries, mask: Any, complaint: str) -> None:
    made = create(store)
    with pytest.raises(InvalidEntry) as caught:
        store.update(made.id, mask)
    assert str(caught.value).startswith(complaint)
    assert store.get(made.id) is made


def test_an_update_without_a_known_field_is_refused(store: Entries) -> None:
    with pytest.raises(InvalidEntry, match="has no field 'hunt'"):
        store.update(create(store).id, hunt="x")  # type: ignore[call-arg]  # that is the point


def test_an_update_of_nothing_counts_as_one(store: Entries) -> None:
    made = create(store)
    assert store.update(made.id, ()) == attrs.evolve(made, revision_number=1)
    assert store.update(made.id, ()).revision_number == 2


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"x509_svid_ttl": -1},
            ("INVALID_ARGUMENT", "datastore-validation: invalid registration entry: X509SvidTtl is not set"),
        ),
        (
            {"jwt_svid_ttl": -1},
            ("INVALID_ARGUMENT", "datastore-validation: invalid registration entry: JwtSvidTtl is not set"),
        ),
        (
            {"selectors": ["a:1", "a:1"]},
            (
                "ALREADY_EXISTS",
                "datastore-sql: UNIQUE constraint failed: selectors.registered_entry_id, selectors.type, "
                "selectors.value",
            ),
        ),
        (
            {"dns_names": ["a", "a"]},
            (
                "ALREADY_EXISTS",
                "datastore-sql: UNIQUE constraint failed: dns_names.registered_entry_id, dns_names.value",
            ),
        ),
        ({"federates_with": ["far.org"]}, ("INTERNAL", 'unable to find federated bundle "spiffe://far.org"')),
        (
            {"store_svid": True, "selectors": ["a:1", "b:1"]},
            (
                "INVALID_ARGUMENT",
                "datastore-validation: invalid registration entry: selector types must be the same when store SVID "
                "is enabled",
            ),
        ),
    ],
)
def test_a_bad_update_changes_nothing(store: Entries, fields: dict[str, Any], expected: tuple[str, str]) -> None:
    made = create(store)
    status, reason = expected
    refused = refusal(lambda: store.update(made.id, list(fields), **fields))
    assert refused == (status, f"failed to update entry: {reason}")
    assert list(store) == [made]


def test_a_bad_value_is_told_before_a_missing_entry(store: Entries) -> None:
    status, _ = refusal(lambda: store.update("x", ["x509_svid_ttl"], x509_svid_ttl=-1))
    assert status == "INVALID_ARGUMENT"


def test_an_update_may_add_a_federation(store: Entries) -> None:
    made = create(store)
    new = store.update(made.id, ["federates_with"], federates_with=["third.org", "other.org"])
    assert [name.name for name in new.federates_with] == ["other.org", "third.org"]


def test_an_update_to_a_secret_store_looks_at_new_selectors_only(store: Entries) -> None:
    mixed = create(store, selectors=["a:1", "b:1"], disable_x509_svid_prefetch=True)
    stored = store.update(mixed.id, ["store_svid"], store_svid=True)
    assert stored.store_svid
    status, message = refusal(lambda: store.update(mixed.id, ["selectors"], selectors=["a:1", "c:1"]))
    assert status == "INVALID_ARGUMENT"
    assert message.endswith("selector types must be the same when store SVID is enabled")


def test_an_update_can_make_twins_and_the_older_one_is_the_similar_one(store: Entries) -> None:
    older = create(store, selectors=["a:1"])
    newer = create(store, selectors=["b:1"])
    store.update(older.id, ["selectors"], selectors=["b:1"])
    with pytest.raises(AlreadyExists) as caught:
        create(store, selectors=["b:1"])
    assert caught.value.existing.id == older.id
    store.delete(older.id)
    with pytest.raises(AlreadyExists) as caught:
        create(store, selectors=["b:1"])
    assert caught.value.existing is newer
    assert create(store, selectors=["a:1"]).id not in (older.id, newer.id)


def test_entries_of_an_identity_come_oldest_first(store: Entries) -> None:
    older = create(store, spiffe_id="spiffe://example.org/db")
    newer = create(store)
    older = store.update(older.id, ["spiffe_id"], spiffe_id=WEB)
    assert store.of_spiffe_id(SpiffeId(WEB)) == (older, newer)
    assert store.of_spiffe_id(SpiffeId("spiffe://example.org/db")) == ()


def test_an_entry_is_pruned_once_its_expiry_is_past(store: Entries) -> None:
    expiry = datetime(2030, 1, 1, 1, tzinfo=UTC)
    lasting = create(store, parent_id=WEB)
    expiring = create(store, expires_at=expiry)
    at = NOW + 3_600_000_000
    assert store.next_expiry == at
    assert store.prune(at) == ()
    assert store.prune(at + 999_999) == ()  # whole seconds
    assert store.prune(at + 1_000_000) == (expiring,)
    assert list(store) == [lasting]
    assert store.prune(at * 2) == ()
    assert store.next_expiry is None


def test_an_update_moves_the_expiry(store: Entries) -> None:
    made = create(store, expires_at=100)
    store.update(made.id, ["expires_at"], expires_at=200)
    assert store.next_expiry == 200_000_000
    store.update(made.id, ["expires_at"])
    assert store.next_expiry is None


def test_a_store_pickles_with_what_it_holds() -> None:
    around = Surroundings()
    store = around.store()
    create(store)
    copy = pickle.loads(pickle.dumps(store))
    assert list(copy) == list(store)
    assert create(copy, parent_id=WEB).id == create(store, parent_id=WEB).id == "drawn-2"


# Filters


@pytest.fixture
def listed(store: Entries) -> Entries:
    create(store, id="ab", selectors=["a:1", "b:1"], federates_with=["other.org", "third.org"], hint="x")
    create(store, id="a", selectors=["a:1"], federates_with=["other.org"], downstream=True)
    create(store, id="abc", selectors=["a:1", "b:1", "c:1"], federates_with=["example.org", "other.org", "third.org"])
    create(store, id="c", spiffe_id="spiffe://example.org/db", parent_id=WEB, selectors=["c:1"], hint="x")
    return store


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({}, "ab a abc c"),
        ({"by_parent_id": WEB}, "c"),
        ({"by_parent_id": SpiffeId(AGENT)}, "ab a abc"),
        ({"by_spiffe_id": WEB}, "ab a abc"),
        ({"by_spiffe_id": "spiffe://example.org/none"}, ""),
        ({"by_spiffe_id": WEB, "by_parent_id": WEB}, ""),
        ({"by_hint": "x"}, "ab c"),
        ({"by_hint": ""}, "ab a abc c"),
        ({"by_hint": None, "by_parent_id": None, "by_spiffe_id": None, "downstream": None}, "ab a abc c"),
        ({"by_selectors": None, "by_federates_with": None}, "ab a abc c"),
        ({"downstream": True}, "a"),
        ({"downstream": False}, "ab a abc c"),
        ({"by_selectors": ["a:1", "b:1"]}, "ab abc"),
        ({"by_selectors": ["a:1", "b:1"], "match": "superset"}, "ab abc"),
        ({"by_selectors": ["b:1", "a:1", "b:1"], "match": "exact"}, "ab"),
        ({"by_selectors": ["a:1", "b:1"], "match": "subset"}, "ab a"),
        ({"by_selectors": ["b:1", "c:1"], "match": "any"}, "ab abc c"),
        ({"by_federates_with": ["other.org", "spiffe://third.org"]}, "ab abc"),
        ({"by_federates_with": ["other.org", "third.org"], "match_federates_with": "exact"}, "ab"),
        ({"by_federates_with": ["other.org", "third.org"], "match_federates_with": "subset"}, "ab a"),
        ({"by_federates_with": [TrustDomain("third.org")], "match_federates_with": "any"}, "ab abc"),
        ({"by_hint": "x", "by_selectors": ["a:1"]}, "ab"),
    ],
)
def test_filters(listed: Entries, filters: Any, ids: str) -> None:
    assert [entry.id for entry in listed.list(**filters)] == ids.split()
    assert listed.count(**filters) == len(ids.split())


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"by_parent_id": "x"}, "malformed parent ID filter: scheme is missing or invalid"),
        (
            {"by_parent_id": "spiffe://other.org/a"},
            'malformed parent ID filter: "spiffe://other.org/a" is not a member of trust domain "example.org"',
        ),
        (
            {"by_spiffe_id": AGENT},
            f'malformed SPIFFE ID filter: "{AGENT}" is not a workload in trust domain "example.org"; '
            "path is in the reserved namespace",
        ),
        ({"by_selectors": []}, "malformed selectors filter: empty selector set"),
        ({"by_selectors": [":x"]}, "malformed selectors filter: missing selector type"),
        ({"by_federates_with": ()}, "malformed federates with filter: empty trust domain set"),
        ({"by_federates_with": [""]}, "malformed federates with filter: trust domain is missing"),
        ({"by_parent_id": "x", "by_selectors": []}, "malformed parent ID filter: scheme is missing or invalid"),
    ],
)
def test_a_malformed_filter_is_refused(listed: Entries, filters: Any, message: str) -> None:
    assert refusal(lambda: listed.list(**filters)) == ("INVALID_ARGUMENT", message)
    assert refusal(lambda: listed.count(**filters)) == ("INVALID_ARGUMENT", message)


@pytest.mark.parametrize(
    ("filters", "complaint"),
    [
        ({"match": "most"}, 'match behavior "most" unknown'),
        ({"match_federates_with": "most"}, 'match behavior "most" unknown'),
        ({"by_selector": []}, "a list of entries has no filter 'by_selector'; did you mean 'by_selectors'?"),
        ({"by_selectors": "a:1"}, "selectors is a collection"),
        ({"by_hint": 5}, "by_hint is a text"),
        ({"downstream": 1}, "downstream is a bool"),
        ({"by_spiffe_id": 5}, "a SPIFFE ID is"),
    ],
)
def test_a_filter_of_the_wrong_type_is_refused(listed: Entries, filters: Any, complaint: str) -> None:
    with pytest.raises(InvalidEntry) as caught:
        listed.list(**filters)
    assert str(caught.value).startswith(complaint)


# Against a twin that keeps a plain list

_paths = st.sampled_from(["/a", "/b", "/c"]).map(lambda path: f"spiffe://example.org{path}")
_selectors = st.lists(st.sampled_from(["s:1", "s:2", "t:1"]), min_size=1, max_size=3, unique=True)
_entry = st.fixed_dictionaries(
    {"spiffe_id": _paths, "parent_id": _paths, "selectors": _selectors, "expires_at": st.sampled_from([0, 5, 9])}
)
_steps = st.lists(
    st.tuples(st.just("create"), _entry)
    | st.tuples(st.just("update"), st.tuples(st.integers(0, 9), _entry))
    | st.tuples(st.just("delete"), st.integers(0, 9))
    | st.tuples(st.just("prune"), st.integers(0, 12)),
    max_size=30,
)


@given(_steps)
def test_the_indexes_agree_with_a_plain_list(steps: list[tuple[str, Any]]) -> None:
    store = Surroundings().store()
    twin: list[RegistrationEntry] = []
    for step, argument in steps:
        if step == "create":
            likeness = argument["parent_id"], argument["spiffe_id"], set(map(Selector.parse, argument["selectors"]))
            similar = [e for e in twin if (str(e.parent_id), str(e.spiffe_id), set(e.selectors)) == likeness]
            if similar:
                with pytest.raises(AlreadyExists) as caught:
                    store.create(**argument)
                assert caught.value.existing == similar[0]
            else:
                twin.append(store.create(**argument))
        elif step == "prune":
            gone = [e for e in twin if e.expires_at is not None and e.expires_at.timestamp() < argument]
            assert set(store.prune(argument * 1_000_000)) == set(gone)
            twin = [e for e in twin if e not in gone]
        elif twin:
            position = (argument if step == "delete" else argument[0]) % len(twin)
            if step == "delete":
                assert store.delete(twin[position].id) == twin.pop(position)
            else:
                twin[position] = store.update(twin[position].id, None, **argument[1])
    assert list(store) == twin
    for path in ("a", "b", "c"):
        spiffe_id = SpiffeId(f"spiffe://example.org/{path}")
        assert store.of_spiffe_id(spiffe_id) == tuple(e for e in twin if e.spiffe_id == spiffe_id)
    assert store.next_expiry == min((int(e.expires_at.timestamp()) * 10**6 for e in twin if e.expires_at), default=None)
