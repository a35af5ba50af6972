"""Edits of DER by a script of bytes: what a fuzzer changes stays DER, so that it gets past the first length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import attrs

from spiffesim.spiffe.x509 import der

_DEEPEST: Final = 12
_MOST_COPIES: Final = 8
_MOST_VALUES: Final = 1000  # copies of copies grow fast
_CONSTRUCTED: Final = 0x20
_STEP: Final = 3  # which value, what to do with it, and how many octets follow for that


@attrs.define(eq=False)
class Value:
    """One value of DER: its tag, and its content, which is octets or other values; without a tag, octets as they are."""

    tag: int | None
    content: bytes | list[Value]

    def encode(self) -> bytes:
        content = self.content if isinstance(self.content, bytes) else b"".join(part.encode() for part in self.content)
        return content if self.tag is None else der.tlv(self.tag, content)

    def places(self) -> list[tuple[list[Value], int]]:
        """Where each value below it stands, from the left to the right."""
        if isinstance(self.content, bytes):
            return []
        found = []
        for index, part in enumerate(self.content):
            found.append((self.content, index))
            found += part.places()
        return found


def edited(value: bytes, script: bytes) -> bytes:
    """A value of DER after what a script does to it; no script does harm to what it does not name."""
    tree = Value(None, _values(value, 0, len(value), _DEEPEST))
    while len(script) >= _STEP and 0 < len(places := tree.places()) <= _MOST_VALUES:
        which, action, size = script[:_STEP]
        octets, script = script[_STEP : _STEP + size], script[_STEP + size :]
        siblings, index = places[which % len(places)]
        _ACTIONS[action % len(_ACTIONS)](siblings, index, octets)
    return tree.encode()


def _values(data: bytes, start: int, end: int, depth: int) -> list[Value]:
    return [
        Value(tag, _content(data, tag, inside, stop, depth)) for tag, _, inside, stop in der.values(data, start, end)
    ]


def _content(data: bytes, tag: int, start: int, end: int, depth: int) -> bytes | list[Value]:
    if depth and start < end and (tag & _CONSTRUCTED or tag == der.OCTET_STRING):
        try:
            return _values(data, start, end, depth - 1)
        except der.DerError:
            pass
    return data[start:end]


def _put(siblings: list[Value], index: int, octets: bytes) -> None:
    siblings[index].content = octets


def _overwrite(siblings: list[Value], index: int, octets: bytes) -> None:
    """Change octets from a place on."""
    content = siblings[index].content
    if octets and isinstance(content, bytes):
        at = octets[0] % (len(content) + 1)
        siblings[index].content = content[:at] + octets[1:] + content[at + len(octets) - 1 :]


def _retag(siblings: list[Value], index: int, octets: bytes) -> None:
    if octets:
        siblings[index].tag = octets[0]


def _insert(siblings: list[Value], index: int, octets: bytes) -> None:
    siblings.insert(index, Value(None, octets))


def _replace(siblings: list[Value], index: int, octets: bytes) -> None:
    siblings[index] = Value(None, octets)


def _remove(siblings: list[Value], index: int, _octets: bytes) -> None:
    del siblings[index]


def _repeat(siblings: list[Value], index: int, octets: bytes) -> None:
    copy = Value(siblings[index].tag, siblings[index].content)
    siblings[index:index] = [copy] * (1 + octets[0] % _MOST_COPIES if octets else 1)


def _swap(siblings: list[Value], index: int, octets: bytes) -> None:
    other = (octets[0] if octets else index + 1) % len(siblings)
    siblings[index], siblings[other] = siblings[other], siblings[index]


_Action: TypeAlias = Callable[[list[Value], int, bytes], None]
_ACTIONS: Final[tuple[_Action, ...]] = (_put, _overwrite, _retag, _insert, _replace, _remove, _repeat, _swap)
