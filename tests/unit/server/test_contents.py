"""What bundles hold, and how it is tainted, revoked and pruned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from spiffesim.authority import JwtAuthority
from spiffesim.errors import NotFound, Refused
from spiffesim.ledger import Ledger
from spiffesim.server.contents import MARGIN
from spiffesim.server.view import View
from tests.unit.bundles import Root, a_view, jwt, key, refusal, ski, x509
from tests.unit.keyrings import DAY, EXAMPLE_ORG, HOUR, NOW, jwt_authority

# What they hold


def test_a_bundle_has_what_was_added_once_and_in_order() -> None:
    view = View(Ledger(EXAMPLE_ORG))
    existed = [view.exists]
    assert view.add_root(Root("R"))
    existed.append(view.exists)
    assert existed == [False, True]
    assert view.add_root(Root("S"))
    assert not view.add_root(Root("R"))
    assert view.add_jwt_authority(key("a"))
    assert not view.add_jwt_authority(key("a"))  # published twice
    assert view.add_jwt_authority(key("a", NOW))  # that is another one
    assert (x509(view), jwt(view)) == ("R S", "a a")
    assert view.roots == [Root("R"), Root("S")]
    assert [authority.key_id for authority in view.jwt_authorities] == ["a", "a"]


def test_the_sequence_number_counts_effective_changes_from_the_creation_on() -> None:
    view = View(Ledger(EXAMPLE_ORG))
    numbers = [view.sequence_number]
    changes: list[Callable[[], object]] = [
        lambda: view.add_root(Root("R", NOW)),  # the creation
        lambda: view.announce_jwt_authority(key("a"), None),
        lambda: view.add_wit_authority(jwt_authority("wit")),
        lambda: view.add_root(Root("S")),
        lambda: view.add_root(Root("S")),  # nothing new
        lambda: view.add_jwt_authority(key("b")),
        lambda: view.add_jwt_authority(key("b")),
        lambda: view.taint_x509(ski("S")),
        lambda: view.revoke_x509(ski("S")),
        lambda: view.taint_jwt("b"),
        lambda: view.revoke_jwt("b"),
        lambda: view.add_root(Root("S")),
        lambda: view.prune(NOW + DAY),
        lambda: view.prune(NOW + DAY),
    ]
    for change in changes:
        change()
        numbers.append(view.sequence_number)
    assert numbers == [0, 0, 1, 2, 3, 3, 4, 4, 5, 6, 7, 8, 9, 10, 10]
    assert view.bundle.sequence_number == 10


# Taint and revocation


def test_a_tainted_root_stays_until_it_is_revoked() -> None:
    view = a_view("R", "S")
    view.taint_x509(ski("R"))
    assert x509(view) == "R* S"
    assert view.tainted_roots == [Root("R")]
    assert [str(element) for element in view.x509_elements] == [ski("R"), ski("S")]
    view.revoke_x509(ski("R"))
    assert (x509(view), view.tainted_roots) == ("S", [])


def test_roots_of_one_key_are_tainted_and_revoked_together() -> None:
    view = View(Ledger(EXAMPLE_ORG))
    for root in (Root("R"), Root("again", key="R"), Root("S")):
        view.add_root(root)
    view.taint_x509(ski("R"))
    assert x509(view) == "R* again* S"
    view.revoke_x509(ski("R"))
    assert x509(view) == "S"


def test_what_the_datastore_says_of_roots() -> None:
    view = a_view("R", "S")
    view.taint_x509(ski("R"))
    number = view.sequence_number
    calls: list[Callable[[], object]] = [
        lambda: view.taint_x509(ski("R")),
        lambda: view.taint_x509("no"),
        lambda: view.revoke_x509(ski("S")),
        lambda: view.revoke_x509("no"),
    ]
    assert [refusal(call) for call in calls] == [
        ("INVALID_ARGUMENT", "root CA is already tainted"),
        ("NOT_FOUND", "no ca found with provided subject key ID"),
        ("INVALID_ARGUMENT", "it is not possible to revoke an untainted root CA"),
        ("NOT_FOUND", "no root CA found with provided subject key ID"),
    ]
    with pytest.raises(NotFound):
        view.taint_x509("no")
    assert (x509(view), view.sequence_number) == ("R* S", number)


def test_what_the_datastore_says_of_keys() -> None:
    view = a_view("R", keys="ab")
    view.taint_jwt("a")
    view.add_jwt_authority(key("c"))
    view.add_jwt_authority(key("c", NOW))
    number = view.sequence_number
    calls: list[Callable[[], object]] = [
        lambda: view.taint_jwt("a"),
        lambda: view.taint_jwt("c"),
        lambda: view.taint_jwt("no"),
        lambda: view.revoke_jwt("b"),
        lambda: view.revoke_jwt("no"),
    ]
    assert [refusal(call) for call in calls] == [
        ("INVALID_ARGUMENT", "key is already tainted"),
        ("INTERNAL", "another JWT Key found with the same KeyID"),
        ("NOT_FOUND", "no JWT Key found with provided key ID"),
        ("INVALID_ARGUMENT", "it is not possible to revoke an untainted key"),
        ("NOT_FOUND", "no JWT Key found with provided key ID"),
    ]
    assert (jwt(view), view.sequence_number) == ("a* b c c", number)
    view.revoke_jwt("a")
    assert jwt(view) == "b c c"


# Pruning


def test_what_ended_a_day_ago_is_pruned() -> None:
    view = a_view("R", keys="a")
    view.add_root(Root("old", NOW))
    view.add_jwt_authority(key("old", NOW + 1))  # stored in whole seconds
    view.wit_authorities += [jwt_authority("wit"), jwt_authority("old", NOW)]
    assert view.prune_due == NOW + MARGIN == NOW + DAY
    number = view.sequence_number
    assert not view.prune(NOW + DAY - 1)
    assert view.sequence_number == number
    pruned = view.prune(NOW + DAY)
    assert pruned
    assert [str(element.certificate.name) for element in pruned.x509] == ["old"]  # type: ignore[attr-defined]  # ours
    assert [str(element) for element in pruned.jwt] == ["old"]
    assert len(pruned.wit) == 1
    assert (x509(view), jwt(view), view.sequence_number) == ("R", "a", number + 1)
    assert len(view.wit_authorities) == 1
    assert view.prune_due == NOW + 2 * DAY


def test_tainted_authorities_are_pruned_as_well() -> None:
    view = a_view("R", keys="a")
    view.add_root(Root("old", NOW))
    view.add_jwt_authority(key("old", NOW))
    view.taint_x509(ski("old"))
    view.taint_jwt("old")
    assert view.prune(NOW + DAY)
    assert (x509(view), jwt(view)) == ("R", "a")


def test_a_key_without_end_is_pruned_at_the_next_occasion() -> None:
    view = a_view("R", keys="a")
    view.add_jwt_authority(key("b", 0))
    assert view.prune_due == MARGIN
    assert view.prune(NOW)
    assert jwt(view) == "a"


@pytest.mark.parametrize(
    ("root", "jwt_key", "wit_key", "what"),
    [
        (NOW, NOW, NOW, "certificates"),
        (NOW + HOUR, NOW, NOW, "JWT signing keys"),
        (NOW + HOUR, NOW + HOUR, NOW, "WIT signing keys"),
    ],
)
def test_the_last_authorities_of_a_kind_are_not_pruned(root: int, jwt_key: int, wit_key: int, what: str) -> None:
    view = View(Ledger(EXAMPLE_ORG))
    view.add_root(Root("first", NOW))
    view.add_root(Root("R", root))
    view.add_jwt_authority(key("a", jwt_key))
    view.add_wit_authority(jwt_authority("wit", wit_key))
    number = view.sequence_number
    with pytest.raises(Refused) as refused:
        view.prune(NOW + DAY)
    assert (refused.value.status, refused.value.message) == ("UNKNOWN", f"would prune all {what}")
    assert refused.value.pruned.x509[0].certificate == Root("first", NOW)
    assert (x509(view), jwt(view), len(view.wit_authorities)) == ("first R", "a", 1)
    assert (view.sequence_number, view.prune_due) == (number, NOW + DAY)


def test_a_bundle_that_has_lost_its_last_root_is_not_pruned_either() -> None:
    view = a_view("R")
    view.taint_x509(ski("R"))
    view.revoke_x509(ski("R"))
    assert view.prune_due == 0
    assert refusal(lambda: view.prune(NOW)) == ("UNKNOWN", "would prune all certificates")


def test_where_nothing_was_ever_stored_there_is_nothing_to_prune() -> None:
    view = View(Ledger(EXAMPLE_ORG))
    assert view.prune_due is None
    assert not view.prune(NOW)
    view.add_root(Root("R"))
    assert view.prune_due == NOW + 2 * DAY


def test_a_prune_drops_the_refresh_hint() -> None:
    view = a_view("R", keys="a")
    assert view.bundle.refresh_hint is None
    view.refresh_hint = 300
    assert view.bundle.refresh_hint == timedelta(seconds=300)
    view.add_root(Root("old", NOW))
    assert not view.prune(NOW)
    assert view.bundle.refresh_hint == timedelta(seconds=300)
    assert view.prune(NOW + DAY)
    assert view.bundle.refresh_hint is None


# What others see


def test_the_bundle_is_the_same_object_until_something_changes() -> None:
    view = a_view("R")
    assert view.bundle is view.bundle
    first, second = jwt_authority("a"), jwt_authority("b")
    changes: list[Callable[[], object]] = [
        lambda: view.announce_jwt_authority(first, None),
        lambda: view.add_wit_authority(jwt_authority("wit")),
        lambda: view.add_root(Root("S")),
        lambda: view.add_jwt_authority(second),
        lambda: view.taint_jwt(first.key_id),  # the documents show no taint, but they have a number
        lambda: view.taint_x509(ski("R")),
        lambda: setattr(view, "refresh_hint", 1),
    ]
    for change in changes:
        before = view.bundle
        change()
        assert view.bundle is not before
        assert view.bundle is view.bundle
    assert view.bundle.x509_der == (b"R", b"S")
    assert list(view.bundle.jwt_spki) == [first.key_id, second.key_id]
    assert list(view.bundle.wit_spki) == [jwt_authority("wit").key_id]
    assert view.bundle.trust_domain == EXAMPLE_ORG


def test_of_two_keys_with_one_key_id_the_bundle_keeps_the_last() -> None:
    # SPIRE does not check who publishes which key ID (pkg/server/api/bundle/v1/service.go).
    view = a_view("R")
    for name in "ab":
        view.add_jwt_authority(JwtAuthority.published("same", name.encode()))
    assert view.bundle.jwt_spki == {"same": b"b"}
