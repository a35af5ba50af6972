"""Layout: in which lines of ``entries.json`` its entries and their keys stand.

Python's reader of JSON says no positions of what it has read; this walks over the text once more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from spiffesim.extra.spire_config.document import Place

_PATH: Final = re.compile(r"entries\[(\d+)\](?:\.(\w+))?")
_LINE: Final = re.compile(r"at line (\d+)")
_BETWEEN: Final = re.compile(r"[\s,:]*")


class Layout:
    """Where things stand in a file of entries.

    Args:
        text: What the file says; it need not be JSON.
        file: How errors and notes call it.
    """

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._spans = list(_spans(text))

    def place(self, path: str) -> Place:
        """The place of what a text calls by a path such as ``entries[2].selectors``, or ``at line 3``."""
        if line := _LINE.search(path):
            return Place(self._file, int(line[1]))
        match = _PATH.search(path)
        if match is None or int(match[1]) >= len(self._spans):
            return Place(self._file, 1)
        begin, end = self._spans[int(match[1])]
        key = self._text.find(f'"{match[2]}"', begin, end) if match[2] else begin
        return Place(self._file, self._text.count("\n", 0, max(key, begin)) + 1, match[0])


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each entry begins and ends; as far as the text is a file of entries."""
    decoder = json.JSONDecoder()
    try:
        position = _skip(text, text.index("{") + 1)
        while text[position] != "}":
            key, position = decoder.raw_decode(text, position)
            position = _skip(text, position)
            if not isinstance(key, str) or key.lower() != "entries" or text[position] != "[":
                _, position = decoder.raw_decode(text, position)
                position = _skip(text, position)
                continue
            position = _skip(text, position + 1)
            while text[position] != "]":
                begin = position
                _, position = decoder.raw_decode(text, position)
                yield begin, position
                position = _skip(text, position)
            position = _skip(text, position + 1)
    except (ValueError, IndexError, RecursionError):
        return  # whoever reads it says what is wrong


def _skip(text: str, position: int) -> int:
    """The next position that says something."""
    match = _BETWEEN.match(text, position)
    return position if match is None else match.end()
