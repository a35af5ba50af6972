"""What the datastore says to an entry, once its fields are converted.

SPIRE: pkg/server/datastore/sqlstore/sqlstore.go
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final, NoReturn

from spiffesim.entries.rejection import Rejected
from spiffesim.entries.selectors import Selector
from spiffesim.errors import AlreadyExists

_MAX_ID: Final = 255
_ID: Final = re.compile(r"[A-Za-z0-9_.-]*")
_NO_TTL: Final = timedelta(0)


def check_new(entry_id: str, said: Mapping[str, Any]) -> None:
    """What the datastore asks of a new entry.

    Raises:
        Rejected: With SPIRE's reason.

    SPIRE: pkg/server/datastore/sqlstore/sqlstore.go (validateRegistrationEntry)
    """
    if said["store_svid"]:
        if said["disable_x509_svid_prefetch"]:
            raise Rejected("datastore-validation: specifying cache behaviour is incompatible with storable SVIDs")
        check_one_type(said["selectors"])
    if len(entry_id) > _MAX_ID or not _ID.fullmatch(entry_id):
        long = len(entry_id.encode()) > _MAX_ID
        _invalid("entry ID too long" if long else "entry ID contains invalid characters")
    check_ttls(said)


def check_ttls(said: Mapping[str, Any]) -> None:
    """Lifetimes are not negative, in SPIRE's odd words."""
    for name, title in (("x509_svid_ttl", "X509SvidTtl"), ("jwt_svid_ttl", "JwtSvidTtl")):
        ttl = said.get(name)
        if ttl is not None and ttl < _NO_TTL:
            _invalid(f"{title} is not set")


def check_one_type(selectors: Iterable[Selector]) -> None:
    """An SVID for a secret store is not found by selectors of two platforms."""
    if len(frozenset(selector.type for selector in selectors)) > 1:
        _invalid("selector types must be the same when store SVID is enabled")


def check_unique(call: str, fields: Mapping[str, Any]) -> None:
    """No selector and no DNS name twice in one entry.

    Raises:
        AlreadyExists: In SQLite's words.

    SPIRE: pkg/server/datastore/sqlstore/models.go (unique_index)
    """
    for name, columns in (
        ("selectors", "selectors.registered_entry_id, selectors.type, selectors.value"),
        ("dns_names", "dns_names.registered_entry_id, dns_names.value"),
    ):
        values = fields.get(name, ())
        if len(values) > 1 and len(frozenset(values)) < len(values):
            twice = next(value for position, value in enumerate(values) if value in values[:position])
            already_there(call, columns, f"{twice} is there twice")


def already_there(call: str, columns: str, hint: str) -> NoReturn:
    """Refuse what a unique index of the datastore refuses."""
    raise AlreadyExists(
        f"{call}: datastore-sql: UNIQUE constraint failed: {columns}", status="ALREADY_EXISTS", hint=hint, existing=None
    )


def _invalid(reason: str) -> NoReturn:
    raise Rejected(f"datastore-validation: invalid registration entry: {reason}")
