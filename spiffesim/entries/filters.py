"""Filters over registration entries, as ``spire-server entry show`` and ``entry count`` have them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias, TypedDict

from spiffesim.entries.admission import check_known, checked_selectors, member_id, trust_domains, workload_id
from spiffesim.entries.registration import RegistrationEntry
from spiffesim.entries.rejection import Rejected, refused
from spiffesim.entries.selectors import SelectorLike, matcher
from spiffesim.entries.values import read_flag, read_text
from spiffesim.spiffe.ids import SpiffeId, TrustDomain

Test: TypeAlias = Callable[[RegistrationEntry], bool]


class EntryFilters(TypedDict, total=False):
    """What a list or a count can be narrowed to; None and what is left out filter nothing."""

    by_parent_id: SpiffeId | str | None
    by_spiffe_id: SpiffeId | str | None
    by_selectors: Iterable[SelectorLike] | None
    match: str
    by_federates_with: Iterable[TrustDomain | SpiffeId | str] | None
    match_federates_with: str
    by_hint: str | None
    downstream: bool | None


FILTERS: Final = tuple(EntryFilters.__annotations__)


def entry_filter(trust_domain: TrustDomain, filters: EntryFilters) -> Test:
    """One test for all the filters, which are checked in SPIRE's order.

    Raises:
        Refused: INVALID_ARGUMENT for a malformed filter.
        InvalidEntry: For an unknown filter or kind of match.

    SPIRE: pkg/server/api/entry/v1/service.go (ListEntries)
    """
    check_known(filters, FILTERS, "list of entries has no filter")
    tests = (
        *_hint_test(filters.get("by_hint")),
        *_id_tests(trust_domain, filters),
        *_selectors_test(filters.get("by_selectors"), filters.get("match", "superset")),
        *_federation_test(filters.get("by_federates_with"), filters.get("match_federates_with", "superset")),
        *_downstream_test(filters.get("downstream")),
    )
    return lambda entry: all(test(entry) for test in tests)


def _hint_test(hint: str | None) -> Iterable[Test]:
    if hint and read_text(hint, "by_hint"):
        yield lambda entry: entry.hint == hint


def _id_tests(trust_domain: TrustDomain, filters: EntryFilters) -> Iterable[Test]:
    parent, identity = filters.get("by_parent_id"), filters.get("by_spiffe_id")
    if parent is not None:
        parent_id = _checked("malformed parent ID filter", lambda: member_id(parent, trust_domain))
        yield lambda entry: entry.parent_id == parent_id
    if identity is not None:
        spiffe_id = _checked("malformed SPIFFE ID filter", lambda: workload_id(identity, trust_domain))
        yield lambda entry: entry.spiffe_id == spiffe_id


def _selectors_test(selectors: Iterable[SelectorLike] | None, match: str) -> Iterable[Test]:
    compare = matcher(match)
    if selectors is not None:
        filter_name = "malformed selectors filter"
        wanted = _not_empty(filter_name, "selector", _checked(filter_name, lambda: checked_selectors(selectors)))
        yield lambda entry: compare(frozenset(entry.selectors), wanted)


def _federation_test(names: Iterable[TrustDomain | SpiffeId | str] | None, match: str) -> Iterable[Test]:
    compare = matcher(match)
    if names is not None:
        filter_name = "malformed federates with filter"
        wanted = _not_empty(filter_name, "trust domain", _checked(filter_name, lambda: trust_domains(names)))
        yield lambda entry: compare(frozenset(entry.federates_with), wanted)


def _downstream_test(downstream: bool | None) -> Iterable[Test]:
    # SPIRE: only true filters (buildListRegistrationEntriesQuerySQLite3).
    if downstream is not None and read_flag(downstream, "downstream"):
        yield lambda entry: entry.downstream


def _checked(filter_name: str, check: Callable[[], Any]) -> Any:
    try:
        return check()
    except Rejected as reason:
        raise refused(filter_name, reason) from None


def _not_empty(filter_name: str, what: str, values: tuple[Any, ...]) -> frozenset[Any]:
    if not values:
        raise refused(filter_name, Rejected(f"empty {what} set"))
    return frozenset(values)
