"""Hints: of the entries of a workload that have the same one, only the oldest counts.

SPIRE: pkg/agent/common/hintsfilter/hintsfilter.go
"""

from __future__ import annotations

from spiffesim.entries import RegistrationEntry


def without_duplicates(entries: list[RegistrationEntry]) -> list[RegistrationEntry]:
    """Of entries with the same hint only the oldest, then the one with the lowest ID."""
    if len(entries) < 2:  # nearly always
        return entries
    best: dict[str, RegistrationEntry] = {}
    for entry in entries:
        rival = best.get(entry.hint)
        if entry.hint and (rival is None or _age(entry) < _age(rival)):
            best[entry.hint] = entry
    return [entry for entry in entries if not entry.hint or best[entry.hint] is entry]


def _age(entry: RegistrationEntry) -> tuple[int, str]:
    return entry.created_at, entry.id
