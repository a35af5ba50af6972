"""Documents: what a configuration file says, each key with its place, and whether anybody has read it.

HCL and YAML are both read into these, so that one set of complaints and one set of notes serves both.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, TypeAlias

import attrs

from spiffesim.errors import InvalidConfiguration
from spiffesim.spiffe.markup import pretty_lines

MAX_DEPTH: Final = 40
"""How deeply a document may nest; SPIRE's configuration needs less than ten levels."""

# SPIRE: durations are Go's (time.ParseDuration).
_DURATION: Final = re.compile(r"(\d+\.?\d*|\.\d+)(h|ms|m|s|us|µs|ns)")
_MICROSECONDS: Final = {"h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1000, "us": 1, "µs": 1, "ns": 0.001}


@attrs.frozen
class Place:
    """Where something is said.

    Attributes:
        file: The file, relative to the directory of the configuration.
        line: The line, from 1.
        key: The whole key, such as ``server.trust_domain``.
    """

    file: str
    line: int
    key: str = ""

    _repr_pretty_ = pretty_lines

    def inside(self, key: str) -> Place:
        """The place of something that this place should have and has not."""
        return attrs.evolve(self, key=joined(self.key, key))

    def error(self, problem: str, *, code: str, **facts: Any) -> InvalidConfiguration:
        """An error that says what is wrong here, with the facts ``file``, ``line`` and ``key``."""
        return InvalidConfiguration(
            f"{self}: {problem}", code=code, file=self.file, line=self.line, key=self.key, **facts
        )

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key}" if self.key else f"{self.file}:{self.line}"


@attrs.frozen
class Note:
    """A remark: something that is said and not simulated, or not said and made up.

    Attributes:
        place: Where it is said.
        text: The remark.
    """

    place: Place
    text: str

    _repr_pretty_ = pretty_lines

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


@attrs.frozen
class Scalar:
    """A text, a number, true or false; None for nothing."""

    place: Place
    value: str | int | float | bool | None


@attrs.frozen
class Items:
    """A list."""

    place: Place
    items: tuple[Node, ...]


class Section:
    """Keys with values; it remembers which of them somebody has asked for.

    Args:
        place: Where it begins.
        entries: What it holds, by key, in the order of the file.
        fold_case: Whether ``Trust_Domain`` is ``trust_domain``, as HCL has it.
    """

    def __init__(self, place: Place, entries: dict[str, Node], *, fold_case: bool = False) -> None:
        self.place = place
        self.entries = entries
        self._fold = str.lower if fold_case else str
        self._read: set[str] = set()

    def _name(self, key: str) -> str | None:
        """A key as the file writes it; None if it is not there."""
        return next((name for name in self.entries if self._fold(name) == self._fold(key)), None)

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __contains__(self, key: str) -> bool:
        return self._name(key) is not None

    def get(self, key: str) -> Node | None:
        """What stands under a key, which counts as read from now on."""
        name = self._name(key)
        if name is None:
            return None
        self._read.add(name)
        return self.entries[name]

    def place_of(self, key: str) -> Place:
        """Where a key stands; where it is missing, the section's own place with the key."""
        name = self._name(key)
        return self.place.inside(key) if name is None else self.entries[name].place

    def unread(self) -> Iterator[tuple[str, Node]]:
        """What nobody has asked for, in the order of the file."""
        return ((key, node) for key, node in self.entries.items() if key not in self._read)

    # Values

    def text(self, key: str, default: str = "") -> str:
        """A text; a number counts as its digits, as in SPIRE."""
        return default if (node := self.get(key)) is None else text_of(node, default)

    def required(self, key: str, complaint: str) -> str:
        """A text that must be there and not be empty.

        Raises:
            InvalidConfiguration: With SPIRE's complaint.
        """
        value = self.text(key)
        if not value:
            raise self.place_of(key).error(complaint, code="missing_key")
        return value

    def says(self, key: str) -> bool:
        """Whether a key is there, and neither empty nor false; this does not count as reading it."""
        name = self._name(key)
        return name is not None and text_of(self.entries[name]) not in ("", "false")

    def require(self, key: str, complaint: str) -> None:
        """Check that a key says something, which does not count as reading it.

        Raises:
            InvalidConfiguration: With SPIRE's complaint.
        """
        if not self.says(key):
            raise self.place_of(key).error(complaint, code="missing_key")

    def integer(self, key: str, default: int) -> int:
        """A whole number; a text of digits counts as one, as in SPIRE."""
        node = self.get(key)
        if node is None:
            return default
        value = text_of(node, "")
        if not re.fullmatch(r"-?\d{1,18}", value):
            raise node.place.error(f"this is {value!r}, not a whole number", code="value")
        return int(value)

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false."""
        node = self.get(key)
        if node is None:
            return default
        value = node.value if isinstance(node, Scalar) else None
        lowered = str(value).lower()
        if isinstance(value, bool | str) and lowered in ("true", "false"):
            return lowered == "true"
        raise node.place.error("this is true or false, and nothing else", code="value")

    def duration(self, key: str) -> timedelta | None:
        """A duration as Go writes it, such as ``1h30m``."""
        node = self.get(key)
        if node is None or not (text := text_of(node, "")):
            return None
        parts = _DURATION.findall(text)
        if "".join(map("".join, parts)) != text:
            raise node.place.error(f"{text!r} is no duration; write one such as 24h, 1h30m or 90s", code="value")
        try:
            return sum(
                (timedelta(microseconds=float(number) * _MICROSECONDS[unit]) for number, unit in parts), timedelta()
            )
        except OverflowError:
            raise node.place.error(f"{text!r} is longer than the simulation lasts", code="value") from None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; a single one counts as a list of one, as in SPIRE."""
        node = self.get(key)
        if node is None:
            return ()
        items = node.items if isinstance(node, Items) else (node,)
        return tuple(text_of(item) for item in items)

    def section(self, key: str) -> Section:
        """What stands under a key as keys with values; an empty section if it is not there."""
        node = self.get(key)
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return Section(self.place_of(key), {})
        if not isinstance(node, Section):
            raise node.place.error("this is a value; here belongs a block: { ... }", code="value")
        return node

    # What is left

    def check_known(self, known: Iterable[str]) -> None:
        """Refuse keys that SPIRE does not know, as it does.

        Raises:
            InvalidConfiguration: With SPIRE's words, and the nearest key that it knows.

        SPIRE: cmd/spire-server/cli/run/run.go (checkForUnknownConfig)
        """
        names = {self._fold(name): name for name in known}
        for key, node in self.entries.items():
            if self._fold(key) not in names:
                raise node.place.error(
                    f"unknown configuration detected: SPIRE does not know this key and does not start"
                    f"{did_you_mean(key, names.values())}",
                    code="unknown_key",
                )

    def remarks(self, reasons: Mapping[str, str], otherwise: str = "not simulated") -> Iterator[Note]:
        """A note on each key that nobody has asked for.

        Args:
            reasons: Why it is not simulated, by key.
            otherwise: What to say of the others.
        """
        for key, node in self.unread():
            yield Note(node.place, reasons.get(self._fold(key), otherwise))


Node: TypeAlias = Scalar | Items | Section


def text_of(node: Node, default: str = "") -> str:
    """The text of a scalar.

    Raises:
        InvalidConfiguration: If it is a list or a section.
    """
    if not isinstance(node, Scalar):
        raise node.place.error("this is a list or a block; here belongs a single value", code="value")
    if node.value is None:
        return default
    return str(node.value).lower() if isinstance(node.value, bool) else str(node.value)


def joined(*keys: str) -> str:
    """A whole key from its parts."""
    return ".".join(key for key in keys if key)


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """``; did you mean ...?``, or nothing if no word comes near."""
    near = difflib.get_close_matches(word, list(words), 1)
    return f"; did you mean {near[0]}?" if near else ""
