"""The registration entry: who gets which identity, under which parent, as an operator writes it.

An entry is a message. Whether a server accepts it is the server's business (``spiffesim.entries.store``),
so that an entry may well say something that SPIRE refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from spiffesim.entries.reader import Document, JsonReader, Note
from spiffesim.entries.selectors import Selector, read_selectors
from spiffesim.entries.values import (
    TtlLike,
    read_dns_names,
    read_expiry,
    read_flag,
    read_spiffe_id,
    read_text,
    read_trust_domains,
    read_ttl,
    seconds_at,
    seconds_of,
)
from spiffesim.instants import SECOND, Microseconds
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.spiffe.markup import pretty_lines


def _flag(name: str) -> Any:
    def convert(flag: Any) -> bool:
        return read_flag(flag, name)

    return attrs.field(default=False, converter=convert)


def _x509_svid_ttl(ttl: TtlLike) -> timedelta | None:
    return read_ttl(ttl, "x509_svid_ttl")


def _jwt_svid_ttl(ttl: TtlLike) -> timedelta | None:
    return read_ttl(ttl, "jwt_svid_ttl")


def _text(name: str) -> Any:
    def convert(text: Any) -> str:
        return read_text(text, name)

    return attrs.field(default="", converter=convert)


@attrs.frozen(kw_only=True, repr=False)
class RegistrationEntry:
    """Who gets which identity, under which parent.

    Args:
        id: The name of the entry itself; empty until a server draws one.
        spiffe_id: The identity that it gives.
        parent_id: Whose children get it: the ID of an agent, of another entry, or
            ``/spire/server`` for an entry that gives nodes a second name (a node alias).
        selectors: What the workload, or for an alias the node, must all have.
        x509_svid_ttl: A timedelta or whole seconds; None or 0 for the server's default.
        jwt_svid_ttl: Likewise.
        federates_with: The other trust domains whose bundles go with the identity.
        admin: Whether it may call the management methods of the server.
        downstream: Whether it is a nested server.
        store_svid: Whether an agent pushes it into a secret store.
        expires_at: When the server removes the entry; None or 0 for never.
        dns_names: Names for the X.509-SVID, in this order.
        hint: Tells a workload with several identities what this one is for.
        revision_number: How many updates there were; the server counts.
        created_at: When the server stored it, in microseconds since 1970.
        disable_x509_svid_prefetch: Whether agents wait for a request before they fetch it.
        jwt_svid_include_jti: Whether JWT-SVIDs get a ``jti``.

    Raises:
        InvalidEntry: If a value has the wrong type. What SPIRE itself refuses is refused by the server.

    SPIRE: proto/spire/common/common.proto (RegistrationEntry)
    """

    id: str = _text("id")
    spiffe_id: SpiffeId = attrs.field(converter=read_spiffe_id)
    parent_id: SpiffeId = attrs.field(converter=read_spiffe_id)
    selectors: tuple[Selector, ...] = attrs.field(converter=read_selectors)
    x509_svid_ttl: timedelta | None = attrs.field(default=None, converter=_x509_svid_ttl)
    jwt_svid_ttl: timedelta | None = attrs.field(default=None, converter=_jwt_svid_ttl)
    federates_with: tuple[TrustDomain, ...] = attrs.field(default=(), converter=read_trust_domains)
    admin: bool = _flag("admin")
    downstream: bool = _flag("downstream")
    store_svid: bool = _flag("store_svid")
    expires_at: datetime | None = attrs.field(default=None, converter=read_expiry)
    dns_names: tuple[str, ...] = attrs.field(default=(), converter=read_dns_names)
    hint: str = _text("hint")
    revision_number: int = 0
    created_at: Microseconds = 0
    disable_x509_svid_prefetch: bool = _flag("disable_x509_svid_prefetch")
    jwt_svid_include_jti: bool = _flag("jwt_svid_include_jti")

    @classmethod
    def from_json(cls, data: Mapping[str, Any], *, note: Note | None = None, where: str = "entry") -> RegistrationEntry:
        """Read one entry of the file of ``spire-server entry create -data``.

        Args:
            data: The JSON object.
            note: Takes a remark on each key that SPIRE does not know and ignores. Without it such a
                key, which may be a slip of the pen, is an error.
            where: How an error calls the entry.

        Raises:
            InvalidEntry: If a key or a value is not what it has to be; ``where`` and ``key`` say which.
        """
        reader = JsonReader(where, note)
        document = reader.mapping(data, _KEYS)
        fields: dict[str, Any] = {name: read(reader, document, key) for name, (key, read) in _JSON.items()}
        return cls(**fields | _attributes(reader, document.get("additional_attributes")))

    def to_json(self) -> dict[str, Any]:
        """Write one entry of such a file; what is empty is left out."""
        document = {
            "entry_id": self.id,
            "spiffe_id": str(self.spiffe_id),
            "parent_id": str(self.parent_id),
            "selectors": [{"type": selector.type, "value": selector.value} for selector in self.selectors],
            "x509_svid_ttl": seconds_of(self.x509_svid_ttl),
            "jwt_svid_ttl": seconds_of(self.jwt_svid_ttl),
            "federates_with": [str(name.spiffe_id) for name in self.federates_with],
            "admin": self.admin,
            "downstream": self.downstream,
            "store_svid": self.store_svid,
            "entryExpiry": seconds_at(self.expires_at),
            "dns_names": list(self.dns_names),
            "hint": self.hint,
            "revision_number": self.revision_number,
            "created_at": self.created_at // SECOND,
            "additional_attributes": {name: True for name in _ATTRIBUTES if getattr(self, name)},
        }
        return {key: value for key, value in document.items() if value}

    def matches(self, selectors: Container[Selector]) -> bool:
        """Whether a workload with these selectors gets the identity: it has every one of the entry's.

        SPIRE: pkg/agent/manager/cache/lru_cache.go
        """
        return all(selector in selectors for selector in self.selectors)

    def __str__(self) -> str:
        return "\n".join(f"{label:<24}: {value}" for label, value in _rows(self))

    def __repr__(self) -> str:
        fields = (
            f"{field.name}={getattr(self, field.name)!r}"
            for field in attrs.fields(RegistrationEntry)
            if getattr(self, field.name) != field.default
        )
        return f"RegistrationEntry({', '.join(fields)})"

    _repr_pretty_ = pretty_lines


def made_of(values: Mapping[str, Any]) -> RegistrationEntry:
    """An entry of values, every one of them, that have been read already."""
    entry = object.__new__(RegistrationEntry)
    for name in _NAMES:
        _set(entry, name, values[name])
    return entry


def revised(entry: RegistrationEntry, values: Mapping[str, Any]) -> RegistrationEntry:
    """An entry with some other values, which have been read already."""
    return made_of({name: getattr(entry, name) for name in _NAMES} | dict(values))


_set: Final = object.__setattr__  # the way past an entry's being frozen, as in the constructor that attrs writes
_NAMES: Final = tuple(field.name for field in attrs.fields(RegistrationEntry))


def _rows(entry: RegistrationEntry) -> Iterable[tuple[str, object]]:
    """The lines of ``spire-server entry show``. SPIRE: cmd/spire-server/cli/entry/util.go (printEntry)."""
    yield "Entry ID", entry.id or "(none)"
    yield "SPIFFE ID", entry.spiffe_id
    yield "Parent ID", entry.parent_id
    yield "Revision", entry.revision_number
    if entry.downstream:
        yield "Downstream", "true"
    yield "X509-SVID TTL", seconds_of(entry.x509_svid_ttl) or "default"
    yield "JWT-SVID TTL", seconds_of(entry.jwt_svid_ttl) or "default"
    if entry.expires_at is not None:
        yield "Expiration time", f"{entry.expires_at:%Y-%m-%d %H:%M:%S} +0000 UTC"
    yield from (("Selector", selector) for selector in sorted(entry.selectors))
    yield from (("FederatesWith", trust_domain) for trust_domain in entry.federates_with)
    yield from (("DNS name", name) for name in entry.dns_names)
    if entry.admin:
        yield "Admin", "true"
    if entry.store_svid:
        yield "StoreSvid", "true"
    if entry.hint:
        yield "Hint", entry.hint
    if entry.disable_x509_svid_prefetch:
        yield "DisableX509SvidPrefetch", "true"
    if entry.jwt_svid_include_jti:
        yield "JwtSvidIncludeJti", "true"


def _string(reader: JsonReader, document: Document, key: str) -> str:
    return reader.text(document, key)


def _spiffe_id(reader: JsonReader, document: Document, key: str) -> SpiffeId:
    what = "invalid parent ID" if key == "parent_id" else "invalid SPIFFE ID"
    return reader.value(key, SpiffeId, reader.text(document, key), prefix=what)


def _selectors(reader: JsonReader, document: Document, key: str) -> tuple[Selector, ...]:
    inner = [
        (deeper := reader.at(f"{key}[{number}]"), deeper.mapping(item, ("type", "value")))
        for number, item in enumerate(reader.items(document, key))
    ]
    return tuple(Selector(deeper.text(item, "type"), deeper.text(item, "value")) for deeper, item in inner)


def _texts(reader: JsonReader, document: Document, key: str) -> tuple[str, ...]:
    return tuple(reader.text({key: item}, key) for item in reader.items(document, key))


def _trust_domains(reader: JsonReader, document: Document, key: str) -> tuple[TrustDomain, ...]:
    what = "invalid federated trust domain"
    return tuple(reader.value(key, TrustDomain.parse, name, prefix=what) for name in _texts(reader, document, key))


def _seconds(reader: JsonReader, document: Document, key: str) -> int:
    return reader.integer(document, key, 32)


def _expiry(reader: JsonReader, document: Document, key: str) -> datetime | None:
    return reader.value(key, read_expiry, reader.integer(document, key, 64))


def _count(reader: JsonReader, document: Document, key: str) -> int:
    return reader.integer(document, key, 64)


def _instant(reader: JsonReader, document: Document, key: str) -> Microseconds:
    return reader.integer(document, key, 64) * SECOND


def _bool(reader: JsonReader, document: Document, key: str) -> bool:
    return reader.flag(document, key)


def _attributes(reader: JsonReader, value: object) -> dict[str, bool]:
    deeper = reader.at("additional_attributes")
    document = deeper.mapping({} if value is None else value, _ATTRIBUTES)
    return {name: deeper.flag(document, name) for name in _ATTRIBUTES}


# SPIRE: proto/spire/common/common.proto (RegistrationEntry) names the keys, one of them unlike the others.
_JSON: Final[dict[str, tuple[str, Callable[[JsonReader, Document, str], Any]]]] = {
    "spiffe_id": ("spiffe_id", _spiffe_id),
    "parent_id": ("parent_id", _spiffe_id),
    "federates_with": ("federates_with", _trust_domains),
    "selectors": ("selectors", _selectors),
    "id": ("entry_id", _string),
    "x509_svid_ttl": ("x509_svid_ttl", _seconds),
    "jwt_svid_ttl": ("jwt_svid_ttl", _seconds),
    "admin": ("admin", _bool),
    "downstream": ("downstream", _bool),
    "store_svid": ("store_svid", _bool),
    "expires_at": ("entryExpiry", _expiry),
    "dns_names": ("dns_names", _texts),
    "hint": ("hint", _string),
    "revision_number": ("revision_number", _count),
    "created_at": ("created_at", _instant),
}
_ATTRIBUTES: Final = ("disable_x509_svid_prefetch", "jwt_svid_include_jti")
_KEYS: Final = (*(key for key, _ in _JSON.values()), "additional_attributes")


def show(entries: Iterable[RegistrationEntry]) -> str:
    """What ``spire-server entry show`` prints of entries, in its order.

    SPIRE: cmd/spire-server/cli/entry/show.go, pkg/common/util/sort.go (SortTypesEntries)
    """
    ordered = sorted(entries, key=_show_order)
    heading = f"Found {len(ordered)} {'entry' if len(ordered) == 1 else 'entries'}\n"
    return heading + "".join(f"{entry}\n\n" for entry in ordered)


def _show_order(entry: RegistrationEntry) -> tuple[object, ...]:
    return (
        entry.spiffe_id.trust_domain,
        entry.spiffe_id.path,
        entry.parent_id.trust_domain,
        entry.parent_id.path,
        seconds_of(entry.x509_svid_ttl),
        seconds_of(entry.jwt_svid_ttl),
        len(entry.selectors),
        sorted(entry.selectors),
    )
