"""How a server converts the entry that an operator sends: SPIRE's checks, in its order and words.

What the datastore then says to the whole is in ``datastore``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, Final, TypedDict

from spiffesim.entries.dnsnames import why_not_dns_name, wildcard_overlap
from spiffesim.entries.rejection import Rejected, refused
from spiffesim.entries.selectors import Selector, SelectorLike, read_items, read_selectors
from spiffesim.entries.values import (
    ExpiryLike,
    TtlLike,
    read_dns_names,
    read_expiry,
    read_flag,
    read_spiffe_id,
    read_text,
    read_trust_domain,
    read_ttl,
)
from spiffesim.errors import InvalidEntry, InvalidSpiffeId, InvalidTrustDomain
from spiffesim.spiffe.ids import SpiffeId, TrustDomain


class EntryOptions(TypedDict, total=False):
    """What an operator may say of an entry besides what every entry has."""

    x509_svid_ttl: TtlLike
    jwt_svid_ttl: TtlLike
    federates_with: Iterable[TrustDomain | SpiffeId | str]
    admin: bool
    downstream: bool
    store_svid: bool
    expires_at: ExpiryLike
    dns_names: Iterable[str]
    hint: str
    disable_x509_svid_prefetch: bool
    jwt_svid_include_jti: bool


class EntryFields(EntryOptions, total=False):
    """What an operator may say of an entry; what is left out is empty."""

    spiffe_id: SpiffeId | str | None
    parent_id: SpiffeId | str | None
    selectors: Iterable[SelectorLike]


class NewEntry(EntryFields, total=False):
    """The same, and the entry's own ID, which is drawn when it is empty or left out."""

    id: str


FIELDS: Final = tuple(EntryFields.__annotations__)
EVERYTHING: Final = frozenset(FIELDS)

ADDITIONAL_ATTRIBUTES: Final = ("disable_x509_svid_prefetch", "jwt_svid_include_jti")
MASK: Final = (*(field for field in FIELDS if field not in ADDITIONAL_ATTRIBUTES), "additional_attributes")

_MAX_HINT: Final = 1024


def read_mask(mask: Iterable[str] | None) -> frozenset[str]:
    """The fields that an update replaces: all of them without a mask.

    Raises:
        InvalidEntry: If a name is not one that SPIRE masks.
    """
    if mask is None:
        return EVERYTHING
    names = tuple(read_items(mask, "mask", "hint"))
    for name in names:
        if name in ADDITIONAL_ATTRIBUTES:
            raise InvalidEntry(
                f"SPIRE masks {' and '.join(ADDITIONAL_ATTRIBUTES)} together, as 'additional_attributes'; "
                "name that, and give both values",
                code="mask",
                field=name,
            )
        if name not in MASK:
            raise InvalidEntry(f"{name!r} is no field of an update{_nearest(name, MASK)}", code="mask", field=name)
    both = ADDITIONAL_ATTRIBUTES if "additional_attributes" in names else ()
    return frozenset((*names, *both))


def check_known(names: Iterable[str], known: Iterable[str], complaint: str) -> None:
    """Refuse a keyword that is not known.

    Raises:
        InvalidEntry: With the nearest one that is.
    """
    for name in names:
        if name not in known:
            raise InvalidEntry(f"a {complaint} {name!r}{_nearest(name, known)}", code="unknown_field", field=name)


def _nearest(name: object, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, names, 1) if isinstance(name, str) else []
    return f"; did you mean {near[0]!r}?" if near else ""


def convert(trust_domain: TrustDomain, fields: Mapping[str, object], mask: Container[str]) -> dict[str, Any]:
    """The masked fields as an entry holds them.

    Raises:
        Rejected: With SPIRE's reason, for the first check that fails.
        InvalidEntry: If a value has the wrong type.

    SPIRE: pkg/server/api/entry.go (ProtoToRegistrationEntryWithMask)
    """
    said: dict[str, Any] = {}
    for name, reader in _READERS.items():
        if name in mask:
            value = fields.get(name)
            said[name] = _EMPTY[name] if value is None and name in _EMPTY else reader(value, trust_domain)
    return said


def member_id(value: Any, trust_domain: TrustDomain) -> SpiffeId:
    """An ID with a path in the trust domain. SPIRE: pkg/server/api/id.go (TrustDomainMemberIDFromProto)."""
    return _id_in(value, trust_domain, "a member of")


def workload_id(value: Any, trust_domain: TrustDomain) -> SpiffeId:
    """A member's ID outside ``/spire``. SPIRE: pkg/server/api/id.go (TrustDomainWorkloadIDFromProto)."""
    spiffe_id = _id_in(value, trust_domain, "a workload in")
    if spiffe_id.path == "/spire" or spiffe_id.path.startswith("/spire/"):
        raise Rejected(
            f'"{spiffe_id}" is not a workload in trust domain "{trust_domain}"; path is in the reserved namespace'
        )
    return spiffe_id


def _id_in(value: Any, trust_domain: TrustDomain, role: str) -> SpiffeId:
    if value is None:
        raise Rejected("request must specify SPIFFE ID")
    try:
        spiffe_id = read_spiffe_id(value)
    except InvalidSpiffeId as error:
        raise Rejected(reason_of(error)) from None
    if spiffe_id.trust_domain != trust_domain:
        raise Rejected(f'"{spiffe_id}" is not a member of trust domain "{trust_domain}"')
    if not spiffe_id.path:
        raise Rejected(f'"{spiffe_id}" is not {role} trust domain "{trust_domain}"; path is empty')
    return spiffe_id


def checked_selectors(selectors: Iterable[SelectorLike] | None) -> tuple[Selector, ...]:
    """Selectors that each have a type and a value. SPIRE: pkg/server/api/selector.go (SelectorsFromProto)."""
    checked = read_selectors(selectors)
    for selector in checked:
        if not selector.type:
            raise Rejected("missing selector type")
        if ":" in selector.type:
            raise Rejected("selector type contains ':'")
        if not selector.value:
            raise Rejected("missing selector value")
        read_text(selector.type, "a selector's type")
        read_text(selector.value, "a selector's value")
    return checked


def trust_domains(names: Iterable[TrustDomain | SpiffeId | str] | None) -> tuple[TrustDomain, ...]:
    """Trust domains by name or ID, in the order given."""
    parsed = []
    for name in read_items(names, "federates_with", "example.com"):
        try:
            parsed.append(read_trust_domain(name))
        except (InvalidTrustDomain, InvalidSpiffeId) as error:
            raise Rejected(reason_of(error)) from None
    return tuple(parsed)


def reason_of(error: InvalidTrustDomain | InvalidSpiffeId) -> str:
    """Go-spiffe's words for a bad name, or ours where it has no such rule."""
    return str(error.__dict__.get("reason", error))


def _parent_id(value: Any, trust_domain: TrustDomain) -> SpiffeId:
    return _prefixed("invalid parent ID", member_id, value, trust_domain)


def _spiffe_id(value: Any, trust_domain: TrustDomain) -> SpiffeId:
    return _prefixed("invalid spiffe ID", workload_id, value, trust_domain)


def _prefixed(
    prefix: str, check: Callable[[Any, TrustDomain], SpiffeId], value: Any, trust_domain: TrustDomain
) -> SpiffeId:
    try:
        return check(value, trust_domain)
    except Rejected as reason:
        raise Rejected(f"{prefix}: {reason}") from None


def _dns_names(value: Any, _trust_domain: TrustDomain) -> tuple[str, ...]:
    names = read_dns_names(value)
    for name in names:
        problem = why_not_dns_name(name)
        if problem is not None:
            raise Rejected(f"invalid DNS name: {problem}")
    return names


def _federates_with(value: Any, _trust_domain: TrustDomain) -> tuple[TrustDomain, ...]:
    try:
        return trust_domains(value)
    except Rejected as reason:
        raise Rejected(f"invalid federated trust domain: {reason}") from None


def _selectors(value: Any, _trust_domain: TrustDomain) -> tuple[Selector, ...]:
    selectors = read_selectors(value)
    if not selectors:
        raise Rejected("selector list is empty")
    return checked_selectors(selectors)


def _hint(value: Any, _trust_domain: TrustDomain) -> str:
    hint = read_text(value, "hint")
    if len(hint.encode()) > _MAX_HINT:
        raise Rejected(f"hint is too long, max length is {_MAX_HINT} characters")
    return hint


def _flag(name: str) -> Callable[[Any, TrustDomain], bool]:
    return lambda value, _trust_domain: read_flag(value, name)


def check_minted_dns_names(names: Iterable[str]) -> tuple[str, ...]:
    """The DNS names of an X.509-SVID that an operator mints without an entry, if SPIRE takes them.

    Raises:
        Refused: INVALID_ARGUMENT for a bad name, or one that a wildcard among them covers already.
        InvalidEntry: If they are no collection of texts.

    SPIRE: pkg/server/api/svid/v1/service.go (mintX509SVID)
    """
    checked = read_dns_names(names)
    for name in checked:
        problem = why_not_dns_name(name)
        if problem is not None:
            raise refused("CSR DNS name is invalid", Rejected(problem))
    covered = wildcard_overlap(checked)
    if covered is not None:
        raise refused(
            "CSR DNS name contains a wildcard that covers another non-wildcard name",
            Rejected(f'name "{covered}" overlaps with an existing wildcard name in the list: wildcard overlap'),
        )
    return checked


# SPIRE: in this order, which decides what is said of an entry with two mistakes.
_READERS: Final[dict[str, Callable[[Any, TrustDomain], Any]]] = {
    "parent_id": _parent_id,
    "spiffe_id": _spiffe_id,
    "admin": _flag("admin"),
    "dns_names": _dns_names,
    "downstream": _flag("downstream"),
    "expires_at": lambda value, _trust_domain: read_expiry(value),
    "federates_with": _federates_with,
    "selectors": _selectors,
    "store_svid": _flag("store_svid"),
    "x509_svid_ttl": lambda value, _trust_domain: read_ttl(value, "x509_svid_ttl"),
    "jwt_svid_ttl": lambda value, _trust_domain: read_ttl(value, "jwt_svid_ttl"),
    "hint": _hint,
    "disable_x509_svid_prefetch": _flag("disable_x509_svid_prefetch"),
    "jwt_svid_include_jti": _flag("jwt_svid_include_jti"),
}


_EMPTY: Final[dict[str, Any]] = {
    "admin": False,
    "dns_names": (),
    "downstream": False,
    "expires_at": None,
    "federates_with": (),
    "store_svid": False,
    "x509_svid_ttl": None,
    "jwt_svid_ttl": None,
    "hint": "",
    "disable_x509_svid_prefetch": False,
    "jwt_svid_include_jti": False,
}
