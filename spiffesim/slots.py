"""Slots: the two places in which a server's authorities wait, work, and have worked.

SPIRE: pkg/server/ca/manager/slot.go
"""

from __future__ import annotations

from typing import Final, TypeAlias

import attrs

from spiffesim import rotation
from spiffesim.authority import JwtAuthority, X509Authority
from spiffesim.instants import Microseconds

Authority: TypeAlias = X509Authority | JwtAuthority

PREPARED: Final = "PREPARED"
ACTIVE: Final = "ACTIVE"
OLD: Final = "OLD"


@attrs.define
class Slot:
    """One of the two places in which an authority waits, works, or has worked.

    SPIRE: pkg/server/ca/manager/slot.go
    """

    id: str
    authority: Authority | None = None
    issued_at: Microseconds = 0
    not_after: Microseconds = 0
    status: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it to sign with."""
        return self.authority is None or self.status == OLD

    def fill(self, authority: Authority, issued_at: Microseconds) -> None:
        """Prepare an authority here."""
        self.authority = authority
        self.issued_at = issued_at
        self.not_after = authority.not_after
        self.status = PREPARED

    def should_prepare_next(self, now: Microseconds) -> bool:
        """Whether the next authority is due to be prepared."""
        return now > rotation.prepare_after(self.issued_at, self.not_after)

    def should_activate_next(self, now: Microseconds) -> bool:
        """Whether the next authority is due to take over."""
        return now > rotation.activate_after(self.issued_at, self.not_after)


class Slots:
    """The current and the next slot of one kind of authority."""

    def __init__(self) -> None:
        self.current = Slot("A")
        self.next = Slot("B")

    def to_prepare(self) -> Slot:
        """The slot that the next prepare fills: the current one when there is nothing in it."""
        return self.current if self.current.empty else self.next

    def due(self) -> Microseconds:
        """The earliest instant at which something here is to be prepared or activated."""
        current = self.current
        if current.empty:
            return 0
        threshold = rotation.prepare_after if self.next.empty else rotation.activate_after
        return threshold(current.issued_at, current.not_after) + 1

    def rotate(self) -> None:
        """Swap: the prepared authority takes over, the other becomes old."""
        self.current, self.next = self.next, self.current
        self.next.status = OLD
        self.activate()

    def activate(self) -> None:
        """The current authority signs from now on."""
        self.current.status = ACTIVE
