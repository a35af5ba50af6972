"""A check's reason on its way to the call that refuses."""

from __future__ import annotations

from spiffesim.errors import Refused


class Rejected(Exception):
    """SPIRE's reason, on its way to the call that puts its own words and status around it."""


def refused(call: str, reason: Rejected) -> Refused:
    """INVALID_ARGUMENT, with the words of the call before those of the check."""
    return Refused(f"{call}: {reason}", status="INVALID_ARGUMENT")
