"""The journal: what happened, where, when, and what brought it about; append-only."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, overload

import attrs

from spiffesim.clock import Clock
from spiffesim.errors import InvalidInput, SpiffeSimError
from spiffesim.golang import quoted
from spiffesim.instants import Microseconds, microseconds, moment, rfc3339
from spiffesim.spiffe.files import write_files
from spiffesim.spiffe.markup import pretty_lines, printable

OPERATOR: Final = "operator"
"""The cause of what somebody's call brought about."""
SETTLE: Final = "settle"
"""The cause of what ``Simulation.settle`` brought about."""

Level: TypeAlias = Literal["info", "debug"]
"""How much is noted: under ``debug`` also each renewal of a workload's SVID."""

_Shape: TypeAlias = tuple[str, ...]
# The instant, the node, the cause, what happened with the names of its data, and then the data. A tuple of texts and
# numbers takes a third of what an object with a dictionary does, and the garbage collector passes it over.
_Record: TypeAlias = tuple[Any, ...]

_KEYS: Final = ("at", "node", "kind", "cause", "data")
_BARE: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/@^+")
_MODE: Final = 0o644


@attrs.frozen(eq=False)
class Event:
    """One thing that happened.

    Two events are equal if they read the same.

    Attributes:
        instant: When, in microseconds since 1970 (``at`` is the datetime).
        node: The name of the node where it happened.
        kind: What, in SPIRE's words where SPIRE logs it (``X509 CA prepared``).
        facts: Its data as it was noted; read ``data``.
        cause: What brought it about: the name of the loop that ticked (``ca rotator``, ``sync``), here or
            on the node that called; ``settle``; or ``operator`` for a call from outside.
    """

    instant: Microseconds
    node: str
    kind: str
    facts: Mapping[str, Any]
    cause: str = OPERATOR

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
        said = (rfc3339(self.instant), self.node, self.kind, self.cause, self.data)
        return json.dumps(dict(zip(_KEYS, said, strict=True)), separators=(",", ":"))

    def line(self, width: int = 0) -> str:
        """One line as ``docker compose logs -t`` prints it, its data as logrus does.

        Args:
            width: How wide the column of the node's name is.
        """
        instant = self.at.isoformat(timespec="microseconds").removesuffix("+00:00")
        pairs = (f"{name}={_shown(value)}" for name, value in sorted(self.data.items()))
        return " ".join((f"{printable(self.node):<{width}} | {instant}000Z {self.kind}", *pairs))

    def _read(self) -> tuple[Any, ...]:
        return self.instant, self.node, self.kind, self.cause, self.data

    def __eq__(self, other: object) -> bool:
        return self._read() == other._read() if isinstance(other, Event) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.instant, self.node, self.kind, self.cause))

    def __str__(self) -> str:
        return self.line()


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


def _shown(value: Any) -> str:
    """A plain value as logrus prints it: quoted where it has more than letters, digits and ``-._/@^+``."""
    text = _as_go_prints(value)
    return text if _BARE.issuperset(text) else quoted(text)


def _as_go_prints(value: Any) -> str:
    if isinstance(value, list):
        return f"[{' '.join(map(_as_go_prints, value))}]"
    return "<nil>" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


class Timeline(Sequence[Event]):
    """Events in order; iterate over them, or ask ``where``.

    Args:
        events: The events.
    """

    def __init__(self, events: Sequence[Event] = ()) -> None:
        self._shapes: dict[_Shape, _Shape] = {}  # what many records have in common is there once
        self._past: tuple[Segment, ...] = ()
        self._records: list[_Record] = []
        for event in events:
            self._append(event.instant, event.node, event.cause, event.kind, event.facts)

    def _append(self, instant: Microseconds, node: str, cause: str, kind: str, facts: Mapping[str, Any]) -> None:
        shape = (kind, *facts)
        shape = self._shapes.setdefault(shape, shape)
        self._records.append((instant, node, cause, shape, *facts.values()))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Timeline:
        """The events that ``write`` wrote.

        Args:
            path: The file.

        Raises:
            InvalidInput: If one of its lines is not an event.
            OSError: If it cannot be read.
        """
        lines = Path(path).read_bytes().split(b"\n")
        return Timeline([_read_line(line, f"line {number} of {path}") for number, line in enumerate(lines, 1) if line])

    def where(
        self,
        *,
        kind: str | None = None,
        node: str | None = None,
        cause: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Event]:
        """The events that are all of this.

        Args:
            kind: What happened.
            node: The name of the node where it happened.
            cause: What brought it about.
            since: The first instant that counts.
            until: The last instant that counts.

        Raises:
            ClockError: If an instant has no time zone.
        """
        first = 0 if since is None else microseconds(since)
        last = None if until is None else microseconds(until)
        return [
            _event(record)
            for record in self.records()
            if first <= record[0]
            and (last is None or record[0] <= last)
            and (kind is None or record[3][0] == kind)
            and (node is None or record[1] == node)
            and (cause is None or record[2] == cause)
        ]

    def json_lines(self) -> str:
        """All events as JSON Lines."""
        return "".join(self._lines())

    def _lines(self) -> Iterator[str]:
        return (f"{event.json()}\n" for event in self)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the JSON Lines into a file, whole or not at all: on a full disk an older file stays as it was.

        Args:
            path: The file.

        Raises:
            OSError: If it cannot be written.
        """
        write_files([(Path(path), self.json_lines().encode(), _MODE)])

    def digest(self) -> str:
        """The SHA-256 of the JSON Lines, in hexadecimal."""
        digest = hashlib.sha256()
        for line in self._lines():
            digest.update(line.encode())
        return digest.hexdigest()

    def records(self) -> Iterator[_Record]:
        """The events as they are kept."""
        return chain(*(segment.records for segment in self._past), self._records)

    def __iter__(self) -> Iterator[Event]:
        return map(_event, self.records())

    def __len__(self) -> int:
        return sum(len(segment.records) for segment in self._past) + len(self._records)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        if isinstance(index, slice):
            return list(map(_event, list(self.records())[index]))
        place = index + len(self) if index < 0 else index
        for records in (*(segment.records for segment in self._past), self._records):
            if 0 <= place < len(records):
                return _event(records[place])
            place -= len(records)
        raise IndexError(f"there is no event {index}: {self!r}")

    def __str__(self) -> str:
        width = max((len(printable(record[1])) for record in self.records()), default=0)
        return "\n".join(event.line(width) for event in self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} events>"


class Segment:
    """A stretch of the past, to which nothing is added: worlds that part share it."""

    __slots__ = ("records",)

    def __init__(self, records: list[_Record]) -> None:
        self.records = records


class Journal(Timeline):
    """Every event of a simulation, in order.

    Args:
        clock: The clock of the simulation.
        level: How much is noted.

    Attributes:
        cause: What brings about what happens now.
        debug: Whether each renewal of a workload's SVID is noted, too.
    """

    def __init__(self, clock: Clock, level: Level = "info") -> None:
        super().__init__()
        if level not in ("info", "debug"):
            raise InvalidInput(f"a journal is of level info or debug, not {level!r:.80}", code="journal_level")
        self.cause = OPERATOR
        self.debug = level == "debug"
        self._clock = clock

    def note(self, node: str, kind: str, /, **facts: Any) -> None:
        """Append an event of this instant, under the present cause.

        Args:
            node: The name of the node.
            kind: What happened.
            **facts: Its data: plain values, or what is worth its text (``str``) once somebody reads it.
        """
        self.record(node, kind, facts)

    def record(self, node: str, kind: str, facts: Mapping[str, Any]) -> None:
        """The same, for who has the data in a mapping."""
        self._append(self._clock.instant, node, self.cause, kind, facts)

    def seal(self) -> None:
        """Make what has happened so far a past that another world may share."""
        records, past = self._records, self._past
        if not records:
            return
        while past and len(past[-1].records) <= len(records):  # so that a thousand forks do not leave a thousand pieces
            records = past[-1].records + records
            past = past[:-1]
        self._past = (*past, Segment(records))
        self._records = []


def _event(record: _Record) -> Event:
    instant, node, cause, shape, *values = record
    return Event(instant, node, shape[0], dict(zip(shape[1:], values, strict=True)), cause)


def _read_line(line: bytes, where: str) -> Event:
    try:
        said = json.loads(line)
        at, node, kind, cause, data = (said[key] for key in _KEYS)
        if not (all(isinstance(text, str) for text in (at, node, kind, cause)) and isinstance(data, dict)):
            raise TypeError("a value is of another type")
        return Event(microseconds(datetime.fromisoformat(at)), node, kind, data, cause)
    except (ValueError, TypeError, KeyError, RecursionError, SpiffeSimError) as error:
        raise InvalidInput(f"{where} is not an event of a journal: {error}", code="journal_line") from None


# Two timelines


@attrs.frozen
class Parting:
    """Where two timelines part; false if they do not.

    Attributes:
        common: How many events they begin with that are the same.
        first: The next event of the first; None if it ends there.
        second: The next event of the second; None if it ends there.
    """

    common: int
    first: Event | None
    second: Event | None

    _repr_pretty_ = pretty_lines

    @property
    def at(self) -> datetime | None:
        """The first instant at which one has what the other has not; None if they do not part."""
        instants = [event.at for event in (self.first, self.second) if event is not None]
        return min(instants, default=None)

    def __bool__(self) -> bool:
        return self.first is not None or self.second is not None

    def __str__(self) -> str:
        if not self:
            return f"the same {self.common} events"
        sides = (f"{mark} {event or 'nothing more'}" for mark, event in (("-", self.first), ("+", self.second)))
        return "\n".join((f"the same {self.common} events, then", *sides))


def diff(first: Timeline, second: Timeline) -> Parting:
    """Where two timelines part: the journals of two forks, of two simulations, or one that was read from a file.

    Args:
        first: One timeline.
        second: The other.
    """
    common = 0
    for one, other in zip(first.records(), second.records(), strict=False):
        if one is not other and one != other and _event(one) != _event(other):
            break
        common += 1
    after = (timeline[common] if common < len(timeline) else None for timeline in (first, second))
    return Parting(common, *after)
