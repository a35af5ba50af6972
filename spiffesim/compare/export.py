"""Exports: cases as JSON documents, and documents as cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from spiffesim.catalogue import Case
from spiffesim.compare.limbo import testcase_of
from spiffesim.compare.record import case_of, record
from spiffesim.errors import InvalidInput
from spiffesim.spiffe.jose.jsontext import JsonError, read_object

_VERSION: Final = 1


def export(cases: Iterable[Case]) -> dict[str, Any]:
    """Cases of any kind as one JSON document: each with its bytes, the right answer, and what is wrong.

    Args:
        cases: The cases.
    """
    return {"version": _VERSION, "cases": [record(case) for case in cases]}


def load(document: Mapping[str, Any] | bytes | str) -> tuple[Case, ...]:
    """The cases in a document that :func:`export` or :func:`limbo` has made, or that is a test suite of x509-limbo.

    Defects that the catalogue does not have keep their names and sentences.

    Args:
        document: The document, or its JSON text.

    Raises:
        InvalidInput: If it is none.
    """
    try:
        found = document if isinstance(document, Mapping) else read_object(document)
    except JsonError as error:
        raise _invalid(f"a document with cases {error}") from None
    if found.get("version") != _VERSION:
        raise _invalid(f"a document with cases has version {_VERSION}, not {found.get('version')!r:.80}")
    for member, read in (("cases", case_of), ("testcases", testcase_of)):
        listed = found.get(member)
        if isinstance(listed, list):
            return tuple(read(each) for each in listed)
    raise _invalid("a document with cases has a list 'cases', or 'testcases' in the schema of x509-limbo")


def _invalid(text: str) -> InvalidInput:
    return InvalidInput(text, code="cases")
