"""The entry cache: the entries that a server serves and signs from, between two looks at its store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final, TypeVar

from spiffesim.entries.registration import RegistrationEntry
from spiffesim.entries.selectors import Selector
from spiffesim.spiffe.ids import SpiffeId, TrustDomain

SERVER_PATH: Final = "/spire/server"

_NOBODY: Final = Selector("", "")  # where an alias without selectors would lie: no node has this one
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def is_node_alias(entry: RegistrationEntry) -> bool:
    """Whether an entry gives nodes a second name instead of giving workloads an identity."""
    return entry.parent_id.path == SERVER_PATH


class EntryCache:
    """A snapshot of the entries, indexed so that an agent's entries cost no more than their number.

    Args:
        trust_domain: Whose entries it takes; others are passed over. None takes all.

    An agent is authorized for what hangs below its own ID by parent links, and below the ID of every
    node alias whose selectors it all has. An alias is never itself in a result, and does not lead to
    another alias. Expiry, ``admin``, ``downstream`` and ``store_svid`` make no difference.

    Attributes:
        position: Up to which change of the store the snapshot goes.

    SPIRE: pkg/server/cache/entrycache/fullcache.go
    """

    __slots__ = ("_aliases", "_children", "_entries", "_filed_under", "position", "trust_domain")

    def __init__(self, trust_domain: TrustDomain | None = None) -> None:
        self.trust_domain = trust_domain
        self._entries: dict[str, RegistrationEntry] = {}
        self._children: dict[SpiffeId, dict[str, RegistrationEntry]] = {}
        # Each alias lies under one of its selectors: the one that fewest others lay under.
        self._aliases: dict[Selector, dict[str, RegistrationEntry]] = {}
        self._filed_under: dict[str, Selector] = {}
        self.position = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[RegistrationEntry]:
        return iter(self._entries.values())

    def __repr__(self) -> str:
        return f"<EntryCache of {len(self)} entries>"

    def reload(self, entries: Iterable[RegistrationEntry]) -> None:
        """Forget everything and take these entries."""
        entries = tuple(entries)
        self._entries.clear()
        self._children.clear()
        self._aliases.clear()
        self._filed_under.clear()
        self.position = 0
        for entry in entries:
            self.admit(entry)

    def admit(self, entry: RegistrationEntry) -> None:
        """Take one entry, in place of the one with the same ID if there is one."""
        self.forget(entry.id)
        if self._is_foreign(entry):
            return
        self._entries[entry.id] = entry
        if is_node_alias(entry):
            selector = min(entry.selectors, key=self._alias_count, default=_NOBODY)
            self._filed_under[entry.id] = selector
            self._aliases.setdefault(selector, {})[entry.id] = entry
        else:
            self._children.setdefault(entry.parent_id, {})[entry.id] = entry

    def _is_foreign(self, entry: RegistrationEntry) -> bool:
        return self.trust_domain is not None and (
            entry.parent_id.trust_domain != self.trust_domain or entry.spiffe_id.trust_domain != self.trust_domain
        )

    def forget(self, entry_id: str) -> None:
        """Drop the entry with this ID, if there is one."""
        entry = self._entries.pop(entry_id, None)
        if entry is None:
            return
        if is_node_alias(entry):
            unfile(self._aliases, self._filed_under.pop(entry_id), entry_id)
        else:
            unfile(self._children, entry.parent_id, entry_id)

    def get(self, entry_id: str) -> RegistrationEntry | None:
        """The entry with this ID, whoever may have it, or None."""
        return self._entries.get(entry_id)

    def authorized(self, agent_id: SpiffeId, node_selectors: Collection[Selector] = ()) -> list[RegistrationEntry]:
        """What an agent may ask SVIDs for, sorted by entry ID.

        Args:
            agent_id: The SPIFFE ID of the agent.
            node_selectors: What its attestation found out; none when its record has expired, which
                is how SPIRE drops such an agent from its aliases but not from its own children.
        """
        return sorted(self._reachable(agent_id, node_selectors), key=_entry_id)

    def authorizes(self, agent_id: SpiffeId, node_selectors: Collection[Selector], entry: RegistrationEntry) -> bool:
        """Whether an entry of the cache is among those of an agent: what signing asks.

        SPIRE: pkg/server/cache/entrycache/fullcache.go (LookupAuthorizedEntries)
        """
        known = self._entries.get(entry.id)
        if known is None or is_node_alias(known):
            return False
        return known.parent_id == agent_id or any(found is known for found in self._reachable(agent_id, node_selectors))

    def _reachable(self, agent_id: SpiffeId, node_selectors: Collection[Selector]) -> Iterator[RegistrationEntry]:
        """Every authorized entry once; each parent ID is expanded once, so cycles end."""
        children = self._children
        pending = [agent_id, *(alias.spiffe_id for alias in self._aliases_of(node_selectors))]
        expanded: set[SpiffeId] = set()
        while pending:
            parent = pending.pop()
            if parent in expanded:
                continue
            expanded.add(parent)
            for entry in children.get(parent, {}).values():
                yield entry
                if entry.spiffe_id in children:
                    pending.append(entry.spiffe_id)

    def _aliases_of(self, node_selectors: Collection[Selector]) -> Iterator[RegistrationEntry]:
        if not self._aliases:
            return
        held = frozenset(node_selectors)
        for selector in held:
            for alias in self._aliases.get(selector, {}).values():
                if held.issuperset(alias.selectors):
                    yield alias

    def _alias_count(self, selector: Selector) -> int:
        return len(self._aliases.get(selector, ()))


def _entry_id(entry: RegistrationEntry) -> str:
    return entry.id


def unfile(index: dict[_Key, dict[str, _Value]], key: _Key, entry_id: str) -> None:
    """Take an entry out of an index, and its drawer with it if that was the last one."""
    del index[key][entry_id]
    if not index[key]:
        del index[key]
