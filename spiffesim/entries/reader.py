"""A strict reader of the JSON in which operators write registration entries; its errors say where.

SPIRE reads such a file with Go's ``encoding/json``: keys in any case, null for absent, integers
without fraction or exponent.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, TypeAlias, TypeVar

from spiffesim.entries.values import read_text
from spiffesim.errors import InvalidEntry, InvalidInput

Note: TypeAlias = Callable[[str], None]
"""Takes a remark on something that SPIRE ignores."""

Document: TypeAlias = Mapping[str, Any]

_Raw = TypeVar("_Raw")
_Value = TypeVar("_Value")


class _Object(dict[str, Any]):
    """A JSON object that remembers a key it was given twice."""

    repeated: str | None = None


def read_json(data: bytes | str) -> Any:
    """Read JSON text.

    Raises:
        InvalidEntry: If it is none; the message says at which line and column.
    """
    try:
        text = data.decode() if isinstance(data, bytes) else data
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        problem = f"{error.msg} at line {error.lineno}, column {error.colno}"
    except RecursionError:
        problem = "it is nested too deeply"
    except (ValueError, TypeError) as error:
        problem = str(error)
    raise InvalidEntry(f"the entries are not JSON: {problem}", code="json")


def _object(pairs: Iterable[tuple[str, Any]]) -> _Object:
    document = _Object()
    for key, value in pairs:
        if key in document:
            document.repeated = key
        document[key] = value
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


class JsonReader:
    """Reads the values of one JSON object, which its errors call by a path such as ``entries[2]``."""

    def __init__(self, where: str, note: Note | None = None) -> None:
        self.where = where
        self._note = note

    def at(self, step: str) -> JsonReader:
        """A reader of something inside."""
        return JsonReader(f"{self.where}.{step}", self._note)

    def fail(self, problem: str, key: str | None = None) -> NoReturn:
        """Say what is wrong, and where."""
        path = self.where if key is None else f"{self.where}.{key}"
        raise InvalidEntry(f"{path}: {problem}", code="json", where=self.where, key=key)

    def mapping(self, value: object, known: Iterable[str]) -> dict[str, Any]:
        """A JSON object by its known keys, whichever case they are written in."""
        if not isinstance(value, Mapping):
            self.fail(f"this is {_kind(value)}, not an object")
        if isinstance(value, _Object) and value.repeated is not None:
            self.fail("this key is there twice", value.repeated)
        names = {name.lower(): name for name in known}
        document: dict[str, Any] = {}
        for key, item in value.items():
            name = names.get(key.lower()) if isinstance(key, str) else None
            if name is None:
                self._unknown(key, names.values())
            elif name in document:
                self.fail(f"this key is there twice, once as {name}", key)
            else:
                document[name] = item
        return document

    def _unknown(self, key: object, known: Iterable[str]) -> None:
        near = difflib.get_close_matches(str(key), known, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        if self._note is None:
            self.fail(f"SPIRE does not know this key and would ignore it{hint}", str(key))
        self._note(f"{self.where}.{key}: SPIRE does not know this key and ignores it{hint}")

    def items(self, document: Document, key: str) -> list[Any]:
        """A JSON array."""
        value = document.get(key)
        if not isinstance(value, list | tuple | None):
            self.fail(f"this is {_kind(value)}, not an array", key)
        return list(value or ())

    def text(self, document: Document, key: str) -> str:
        """A JSON string."""
        value = document.get(key)
        if not isinstance(value, str | None):
            self.fail(f"this is {_kind(value)}, not a string", key)
        return self.value(key, lambda text: read_text(text, "the string"), value or "")

    def integer(self, document: Document, key: str, bits: int) -> int:
        """A JSON number without fraction and exponent that fits so many bits."""
        value = document.get(key)
        if isinstance(value, bool) or not isinstance(value, int | None):
            self.fail(f"this is {_kind(value)}, not a whole number", key)
        if not -(1 << bits - 1) <= (value or 0) < 1 << bits - 1:
            self.fail(f"{value} does not fit {bits} bits", key)
        return value or 0

    def flag(self, document: Document, key: str) -> bool:
        """A JSON true or false."""
        value = document.get(key)
        if not isinstance(value, bool | None):
            self.fail(f"this is {_kind(value)}, not true or false", key)
        return bool(value)

    def value(self, key: str, read: Callable[[_Raw], _Value], raw: _Raw, prefix: str = "") -> _Value:
        """What a reader of values makes of it; its complaint is told with the place."""
        try:
            return read(raw)
        except InvalidInput as error:
            reason = str(error.__dict__.get("reason", error))
            self.fail(f"{prefix}: {reason}" if prefix else reason, key)


def _kind(value: object) -> str:
    if value is None:
        return "null"
    for kind, name in _KINDS.items():
        if isinstance(value, kind):
            return name
    return f"a {type(value).__name__}"


_KINDS: dict[type, str] = {
    bool: "true or false",
    int: "a number",
    float: "a number with a fraction or exponent",
    str: "a string",
    list: "an array",
    dict: "an object",
}
