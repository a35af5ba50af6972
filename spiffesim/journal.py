"""The journal: what happened, where, when, and caused by what; append-only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from spiffesim.clock import Clock
from spiffesim.instants import Microseconds, moment, rfc3339
from spiffesim.spiffe.markup import pretty_lines


@attrs.frozen
class Event:
    """One thing that happened.

    Attributes:
        instant: When, in microseconds since 1970 (``at`` is the datetime).
        node: The name of the node where it happened.
        kind: What, in SPIRE's words where SPIRE logs it (``X509 CA prepared``).
        facts: Its data as it was noted; read ``data``.
        cause: What brought it about (``advance``, ``settle``), or an empty text for an operator's call.
    """

    instant: Microseconds
    node: str
    kind: str
    facts: Mapping[str, Any]
    cause: str = ""

    _repr_pretty_ = pretty_lines

    @property
    def at(self) -> datetime:
        """When it happened, an aware-UTC datetime."""
        return moment(self.instant)

    @property
    def data(self) -> dict[str, Any]:
        """Its data in plain values; documents that nobody had looked at are drawn now."""
        return {name: _plain(value) for name, value in self.facts.items()}

    def json(self) -> str:
        """One line of JSON."""
        record = {"at": rfc3339(self.instant), "node": self.node, "kind": self.kind, "data": self.data}
        if self.cause:
            record["cause"] = self.cause
        return json.dumps(record, separators=(",", ":"))

    def __str__(self) -> str:
        data = " ".join(f"{name}={value}" for name, value in self.data.items())
        return f"{self.node:<20} | {rfc3339(self.instant)} {self.kind}{' ' if data else ''}{data}"


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int, str)) or value is None else str(value)


class Journal:
    """Every event of a simulation, in order; iterate over it, or ask ``where``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._events: list[Event] = []
        self.cause = ""
        self.debug = False

    def note(self, node: str, kind: str, **facts: Any) -> None:
        """Append an event of this instant, under the present cause."""
        self._events.append(Event(self._clock.instant, node, kind, facts, self.cause))

    def where(self, *, kind: str | None = None, node: str | None = None) -> list[Event]:
        """The events of a kind, of a node, or both."""
        return [
            event
            for event in self._events
            if (kind is None or event.kind == kind) and (node is None or event.node == node)
        ]

    def json_lines(self) -> str:
        """The whole journal as JSON Lines."""
        return "".join(f"{event.json()}\n" for event in self._events)

    def digest(self) -> str:
        """The SHA-256 of the JSON Lines, in hexadecimal."""
        return hashlib.sha256(self.json_lines().encode()).hexdigest()

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)

    def __getitem__(self, index: int) -> Event:
        return self._events[index]

    def __str__(self) -> str:
        return "\n".join(str(event) for event in self._events)

    def __repr__(self) -> str:
        return f"<Journal of {len(self._events)} events>"
