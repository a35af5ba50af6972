"""Registration entries: who gets which identity, under which parent.

- `Selector`: what an attestor found out; an entry asks for some of them.
- `RegistrationEntry`: the message that an operator writes, from Python, from the file of
  ``spire-server entry create -data`` (`parse_entries`) or from that command's flags (`entry_from_flags`).
- `Entries`: one server's store, which refuses in SPIRE's words.
- `EntryCache`: what a server serves and signs from between two looks at its store; it knows which
  entries an agent is authorized for.
- `why_not_dns_name`, `wildcard_overlap`, `check_minted_dns_names`: SPIRE's checks of DNS names.
"""

from __future__ import annotations

from spiffesim.entries.admission import EntryFields, EntryOptions, NewEntry, check_minted_dns_names
from spiffesim.entries.cache import EntryCache, is_node_alias
from spiffesim.entries.dnsnames import why_not_dns_name, wildcard_overlap
from spiffesim.entries.filters import EntryFilters
from spiffesim.entries.forms import entry_from_flags, parse_entries
from spiffesim.entries.registration import RegistrationEntry, show
from spiffesim.entries.selectors import Selector, SelectorLike
from spiffesim.entries.store import Entries

__all__ = [
    "Entries",
    "EntryCache",
    "EntryFields",
    "EntryFilters",
    "EntryOptions",
    "NewEntry",
    "RegistrationEntry",
    "Selector",
    "SelectorLike",
    "check_minted_dns_names",
    "entry_from_flags",
    "is_node_alias",
    "parse_entries",
    "show",
    "why_not_dns_name",
    "wildcard_overlap",
]
