"""The two forms in which an operator hands over entries: the JSON file and the command's flags.

SPIRE: cmd/spire-server/cli/entry/create.go, cmd/spire-server/cli/entry/util.go (parseEntryJSON)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

from spiffesim.entries.admission import FIELDS, EntryOptions, check_known
from spiffesim.entries.reader import JsonReader, Note, read_json
from spiffesim.entries.registration import RegistrationEntry
from spiffesim.entries.selectors import SelectorLike, read_selectors
from spiffesim.entries.values import read_ttl, seconds_of
from spiffesim.errors import InvalidEntry
from spiffesim.spiffe.ids import SpiffeId


def parse_entries(data: bytes | str, *, note: Note | None = None) -> tuple[RegistrationEntry, ...]:
    """Read the file of ``spire-server entry create -data``: ``{"entries": [{...}, ...]}``.

    Args:
        data: The text of the file.
        note: Takes a remark on each key that SPIRE does not know and ignores. Without it such a key,
            which may be a slip of the pen, is an error.

    Raises:
        InvalidEntry: If the text cannot be read; the message, ``where`` (``"entries[2]"``) and ``key``
            say which entry and key.
    """
    reader = JsonReader("the file", note)
    document = reader.mapping(read_json(data), ("entries",))
    return tuple(
        RegistrationEntry.from_json(item, note=note, where=f"entries[{index}]")
        for index, item in enumerate(reader.items(document, "entries"))
    )


def entry_from_flags(
    *,
    node: bool = False,
    selectors: Iterable[SelectorLike] = (),
    spiffe_id: SpiffeId | str = "",
    parent_id: SpiffeId | str = "",
    entry_id: str = "",
    **options: Unpack[EntryOptions],
) -> RegistrationEntry:
    """The entry that ``spire-server entry create`` sends for its flags, after the command's own checks.

    Args:
        node: Whether the entry gives nodes a second name: its parent is then the server.
        selectors: Each ``type:value``.
        spiffe_id: The identity.
        parent_id: The parent; not needed with ``node``.
        entry_id: The entry's own ID; empty to have the server draw one.
        **options: The rest, as for `RegistrationEntry`.

    Raises:
        InvalidEntry: With the command's words.
        InvalidSpiffeId: If an ID is none.
    """
    check_known(options, FIELDS, "registration entry has no field")
    chosen = read_selectors(selectors)
    for wrong, complaint in (
        (not chosen, "at least one selector is required"),
        (node and bool(options.get("federates_with")), "node entries can not federate"),
        (not parent_id and not node, "a parent ID is required if the node flag is not set"),
        (not spiffe_id, "a SPIFFE ID is required"),
        (_negative(options, "x509_svid_ttl"), "a positive x509-SVID TTL is required"),
        (_negative(options, "jwt_svid_ttl"), "a positive JWT-SVID TTL is required"),
    ):
        if wrong:
            raise InvalidEntry(complaint, code="flags")
    identity = SpiffeId.parse(spiffe_id)
    parent = identity.trust_domain.id("/spire/server") if node else SpiffeId.parse(parent_id)
    said: Any = options
    return RegistrationEntry(id=entry_id, spiffe_id=identity, parent_id=parent, selectors=chosen, **said)


def _negative(options: Any, name: str) -> bool:
    return seconds_of(read_ttl(options.get(name), name)) < 0
