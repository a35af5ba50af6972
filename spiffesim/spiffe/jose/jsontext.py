"""Strict JSON: UTF-8 without a byte order mark, unique members, finite numbers, bounded nesting.

Python's own reader keeps the last of two equal members, takes ``NaN``, and recurses as deeply as a
stranger asks it to; each of these has made a token mean one thing here and another there.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from math import isinf
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 32
"""How deeply objects and arrays may be nested; no SPIFFE document needs more than six levels."""

# An unterminated string matches to the end, so that the scan stays linear in whatever a stranger sends. Nothing
# is given back (++, *+), so that nothing is kept for it: without that, 10 MB of text take 1 GB of memory.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class JsonError(ValueError):
    """A text is not the JSON that we take; the message says why, without naming the document.

    Attributes:
        requirement: What it breaks: ``"json"``, ``"encoding"``, ``"byte_order_mark"``, ``"nesting"``,
            ``"finite_numbers"``, ``"number_range"``, ``"unique_members"``, ``"surrogates"`` or ``"object"``.
    """

    def __init__(self, text: str, requirement: str = "json") -> None:
        super().__init__(text)
        self.requirement = requirement


def read_object(data: bytes | str) -> dict[str, Any]:
    """Read one JSON object strictly.

    Args:
        data: The text, or its UTF-8 bytes.

    Raises:
        JsonError: If it is anything else than one well-formed object.

    Spec: RFC 8259 4 and 8, RFC 7515 4 and 5.2
    """
    text = _text(data)
    _check_depth(text)
    try:
        value = _DECODER.decode(text)
    except JsonError:
        raise
    except json.JSONDecodeError as error:
        raise JsonError(f"is not JSON: {error.msg} at character {error.pos}") from None
    except ValueError as error:  # a whole number with more digits than Python converts
        raise JsonError(f"holds a number that is out of range: {error}", "number_range") from None
    if not isinstance(value, dict):
        raise JsonError(f"is not a JSON object but {kind_of(value)}", "object")
    if _SURROGATE_ESCAPE.search(text):
        _check_unicode(value)
    return value


def repeats(data: bytes | str, member: str) -> bool:
    """Whether it is the object in this member of a document that has a name twice.

    Args:
        data: What `read_object` has refused for a name that is there twice.
        member: The member.
    """
    try:
        document = _PAIRS.decode(_text(data))
    except ValueError:  # the name came twice before anybody came to this
        return False
    found: list[tuple[tuple[str, Any], ...]] = (
        [value for name, value in document if name == member and isinstance(value, tuple)]
        if isinstance(document, tuple)
        else []
    )
    return any(len({name for name, _ in pairs}) != len(pairs) for pairs in found)


def kind_of(value: object) -> str:
    """What a JSON value is, as a person would say it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    kinds: dict[type, str] = {str: "a string", int: "a number", float: "a number", list: "an array", dict: "an object"}
    return kinds.get(type(value), f"a {type(value).__name__}")


def repeated(names: Iterable[str]) -> str:
    """The first of the names that are there more than once, of which there is at least one."""
    # Counted in one go: a stranger chooses how many there are.
    return next(name for name, count in Counter(names).items() if count > 1)


def _text(data: bytes | str) -> str:
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        if text.isascii():
            return text
        text.encode("utf-8")  # a str may hold lone surrogates
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise JsonError(f"is not UTF-8: {error.reason}", "encoding") from None
    if text[0] == "\ufeff":
        raise JsonError("begins with a byte order mark", "byte_order_mark")
    return text


def _check_depth(text: str) -> None:
    """Before the parser recurses, not after."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        character = text[match.start()]
        if character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise JsonError(f"is nested more than {MAX_DEPTH} levels deep", "nesting")
        elif character in "]}":
            depth -= 1


def _check_unicode(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise JsonError("holds half of a surrogate pair", "surrogates") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise JsonError(f"holds the member {repeated(name for name, _ in pairs)!r:.80} twice", "unique_members")
    return members


def _constant(name: str) -> NoReturn:
    raise JsonError(f"holds {name}, which is not JSON", "finite_numbers")


def _finite(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        raise JsonError("holds a number that is out of range", "number_range")
    return number


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant, parse_float=_finite)

# Objects as the pairs that they are written as; numbers are not worth a look.
_PAIRS: Final = json.JSONDecoder(object_pairs_hook=tuple, parse_int=str, parse_float=str)

_encode_compact: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
# SPIRE: Go's encoder (encoding/json, and go-jose's copy of it) escapes these, which stand in strings only.
_GO_ESCAPES = re.compile("[<>&\u2028\u2029]")


def write_json(value: Mapping[str, Any], *, indent: int | None = None) -> bytes:
    """An object as Go would write it, its members in the order given; without spaces unless indented."""
    if indent is None:
        text = _encode_compact(value)
    else:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    if _GO_ESCAPES.search(text):
        text = _GO_ESCAPES.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return text.encode("utf-8")
