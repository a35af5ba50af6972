"""Registration entries: create, get, list, update, delete.

SPIRE: pkg/server/api/entry/v1/service.go
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Unpack

from spiffesim.authorization import OPERATOR, Caller
from spiffesim.entries import EntryFields, EntryFilters, NewEntry, RegistrationEntry
from spiffesim.instants import Microseconds
from spiffesim.server.api import Service
from spiffesim.spiffe.x509svid import X509Svid


class EntryService(Service):
    """The entry service."""

    def create_entry(self, *, caller: Caller | X509Svid = OPERATOR, **fields: Unpack[NewEntry]) -> RegistrationEntry:
        """Create a registration entry; agents learn of it when they next sync.

        Args:
            caller: Who calls; by default the operator.
            **fields: The fields of ``RegistrationEntry``; ``spiffe_id``, ``parent_id`` and
                ``selectors`` are required.

        Raises:
            Refused: With SPIRE's status and text.
            AlreadyExists: If there is a similar entry, which is in ``existing``.
        """
        self.authorize("create_entry", caller)
        entry = self.entries.create(**fields)
        self.wake()
        self.note("Entry created", entry_id=entry.id, spiffe_id=entry.spiffe_id, parent_id=entry.parent_id)
        return entry

    def get_entry(self, entry_id: str, *, caller: Caller | X509Svid = OPERATOR) -> RegistrationEntry:
        """The registration entry with this ID.

        Raises:
            NotFound: ``entry not found``.
        """
        self.authorize("get_entry", caller)
        return self.entries.get(entry_id)

    def list_entries(
        self, *, caller: Caller | X509Svid = OPERATOR, **filters: Unpack[EntryFilters]
    ) -> list[RegistrationEntry]:
        """The registration entries that match every filter; see ``Entries.list``."""
        self.authorize("list_entries", caller)
        return list(self.entries.list(**filters))

    def count_entries(self, *, caller: Caller | X509Svid = OPERATOR, **filters: Unpack[EntryFilters]) -> int:
        """How many registration entries match every filter; see ``Entries.list``."""
        self.authorize("count_entries", caller)
        return self.entries.count(**filters)

    def update_entry(
        self,
        entry_id: str,
        *,
        mask: Iterable[str] | None = None,
        caller: Caller | X509Svid = OPERATOR,
        **fields: Unpack[EntryFields],
    ) -> RegistrationEntry:
        """Change a registration entry.

        Args:
            entry_id: Which one.
            mask: The names of the fields to change; None replaces every field, given or not.
            caller: Who calls.
            **fields: The new values.

        Raises:
            Refused: With SPIRE's status and text.
            NotFound: ``failed to update entry``.
        """
        self.authorize("update_entry", caller)
        entry = self.entries.update(entry_id, mask=mask, **fields)
        self._close()
        self.note("Entry updated", entry_id=entry.id, revision=entry.revision_number)
        return entry

    def delete_entry(self, entry_id: str, *, caller: Caller | X509Svid = OPERATOR) -> RegistrationEntry:
        """Delete a registration entry; agents drop it when they next sync.

        Raises:
            NotFound: ``entry not found``.
        """
        self.authorize("delete_entry", caller)
        entry = self.entries.delete(entry_id)
        self._close()
        self.note("Entry deleted", entry_id=entry.id, spiffe_id=entry.spiffe_id)
        return entry

    def prune_entries(self, before: Microseconds) -> None:
        """Delete the entries that expired before an instant.

        SPIRE: pkg/server/registration/manager.go
        """
        for entry in self.entries.prune(before):
            self._close()
            self.note("Pruned an expired registration", entry_id=entry.id)

    def reload_entries(self) -> bool:
        """Show agents the entries as they are now; True if they had changed."""
        entries, nodes = self.entries.refresh(self.cache), self.nodes.refresh(self.now)
        if not entries and not nodes:
            return False
        self.changed()
        return True

    def _close(self) -> None:
        """Note that someone may no longer be authorized, so that what was asked before is asked again."""
        self.view.ledger.closures += 1
        self.changed()

    def authorized_entries(self, caller: Caller | X509Svid) -> list[RegistrationEntry]:
        """The entries of which the calling agent may fetch SVIDs, by entry ID.

        Args:
            caller: The agent.

        Raises:
            NotAuthorized: If the caller is not an active agent.
        """
        node = self._calling_agent("authorized_entries", caller)
        if self.nodes.refresh_due == 0:  # its new SVID counts from now on
            self.wake()
        return self.cache.authorized(node.spiffe_id, self.nodes.shown_selectors(node.spiffe_id))
