"""HCL: the language of ``server.conf`` and ``agent.conf``, read with positions.

SPIRE reads version 1 of the language; python-hcl2 reads version 2, and has positions only in its parse
tree. What both mean the same by is read here: blocks, texts, numbers, true and false, lists, objects.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from spiffesim.extra.spire_config.document import MAX_DEPTH, Items, Node, Place, Scalar, Section, joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spiffesim.errors import InvalidConfiguration

_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_HEREDOC: Final = re.compile(r"<<(-?)[^\n]*\n(.*\n)?[ \t]*[^\n]+\n?\Z", re.DOTALL)


def read_hcl(text: str, file: str) -> Section:
    """Read a configuration file of SPIRE.

    Args:
        text: What it says.
        file: How errors and notes call it.

    Raises:
        InvalidConfiguration: Where it is no HCL, has a key twice, or holds an expression.
    """
    import hcl2
    from lark.exceptions import LarkError

    source = text.replace("\r\n", "\n")
    if source.lstrip().startswith("{"):
        raise Place(file, 1).error("this is JSON; SPIRE would take it, the simulation reads HCL", code="hcl")
    try:
        tree = hcl2.parses_to_tree(source)
    except LarkError as error:
        raise _complaint(error, source, file) from None
    return _Reader(source, file).body(tree.children[0], Place(file, 1), 0)


def _complaint(error: Any, source: str, file: str) -> InvalidConfiguration:
    """An error that says where the text stops being HCL."""
    lines = source.split("\n")
    line = getattr(error, "line", None)
    line = line if isinstance(line, int) and 0 < line <= len(lines) else len(lines)
    ended = getattr(getattr(error, "token", None), "type", "") == "$END"
    while ended and line > 1 and not lines[line - 1].strip():
        line -= 1  # the last line that says something
    shown = lines[line - 1].strip()
    if ended:
        problem = f"the file ends where a block, a list, a text or a bare word has to go on: {shown!r}"
    elif shown.startswith('"'):
        problem = f"a key in quotes: SPIRE would take it, python-hcl2 does not; take the quotes off: {shown!r}"
    else:
        problem = f"this is no HCL from column {getattr(error, 'column', 1)} on: {shown!r}"
    return Place(file, line).error(problem, code="hcl")


class _Reader:
    """Turns python-hcl2's parse tree into sections."""

    def __init__(self, source: str, file: str) -> None:
        self._source = source
        self._file = file

    def body(self, tree: Any, place: Place, depth: int) -> Section:
        """The attributes and blocks between two braces, or of the whole file."""
        self._check_depth(place, depth)
        entries: dict[str, Node] = {}
        for item in _trees(tree):
            if item.data == "attribute":
                key = self._raw(item.children[0])
                where = self._place(item, joined(place.key, key))
                self._add(entries, key, self._value(item.children[-1], where, depth + 1))
            elif item.data == "block":
                self._block(entries, item, place, depth + 1)
        return Section(place, entries, fold_case=True)

    def _block(self, entries: dict[str, Node], item: Any, place: Place, depth: int) -> None:
        """A block; ``A "b" {}`` is the same as ``A { b {} }``, and the labels of equal names share a section."""
        *labels, body = [child for child in _trees(item) if child.data != "new_line_or_comment"]
        keys = [self._label(label) for label in labels]
        for key in keys[:-1]:
            place = self._place(item, joined(place.key, key))
            shared = entries.setdefault(key, Section(place, {}, fold_case=True))
            if not isinstance(shared, Section):
                raise place.error(f"this key is there twice, first in line {shared.place.line}", code="repeated_key")
            entries = shared.entries
        place = self._place(item, joined(place.key, keys[-1]))
        self._add(entries, keys[-1], self.body(body, place, depth))

    def _add(self, entries: dict[str, Node], key: str, node: Node) -> None:
        for known, other in entries.items():
            if known.lower() == key.lower():
                raise node.place.error(
                    f"this key is there twice, first in line {other.place.line}", code="repeated_key"
                )
        entries[key] = node

    def _value(self, tree: Any, place: Place, depth: int) -> Node:
        """What stands behind an equals sign."""
        self._check_depth(place, depth)
        inner = [child for child in tree.children if getattr(child, "data", "") != "new_line_or_comment"]
        if tree.data == "expr_term" and len(inner) == 1:
            return self._term(inner[0], place, depth)
        if tree.data == "unary_op" and re.fullmatch(r"-\d+(\.\d+)?", self._raw(tree)):
            return Scalar(place, float(self._raw(tree)) if "." in self._raw(tree) else int(self._raw(tree)))
        raise place.error("this is an expression, which SPIRE's HCL does not have", code="hcl")

    def _term(self, term: Any, place: Place, depth: int) -> Node:
        raw = self._raw(term)
        match term.data:
            case "string":
                return Scalar(place, self._unescape(raw[1:-1], place))
            case "int_lit" if len(raw) < 20:
                return Scalar(place, int(raw))
            case "float_lit":
                return Scalar(place, float(raw))
            case "identifier" | "literal_value" if raw in _WORDS:
                return Scalar(place, _WORDS[raw])
            case "heredoc_template" | "heredoc_template_trim":
                return Scalar(place, _heredoc(raw))
            case "tuple":
                items = (item for item in _trees(term) if item.data != "new_line_or_comment")
                return Items(place, tuple(self._value(item, self._place(item, place.key), depth + 1) for item in items))
            case "object":
                return self._object(term, place, depth)
        raise place.error(
            f"{raw!r} is an expression, which SPIRE's HCL does not have; a text stands in quotes", code="hcl"
        )

    def _object(self, tree: Any, place: Place, depth: int) -> Section:
        entries: dict[str, Node] = {}
        for item in _trees(tree):
            if item.data == "object_elem":
                raw = self._raw(item.children[0])
                key = self._unescape(raw[1:-1], place) if raw.startswith('"') else raw
                where = self._place(item, joined(place.key, key))
                self._add(entries, key, self._value(item.children[-1], where, depth + 1))
        return Section(place, entries, fold_case=True)

    def _label(self, tree: Any) -> str:
        raw = self._raw(tree)
        return self._unescape(raw[1:-1], self._place(tree, "")) if tree.data == "string" else raw

    def _unescape(self, raw: str, place: Place) -> str:
        def plain(match: re.Match[str]) -> str:
            escaped = match[1]
            if escaped[0] in "uU" and len(escaped) > 1 and int(escaped[1:], 16) <= 0x10FFFF:
                return chr(int(escaped[1:], 16))
            if escaped not in _ESCAPED:
                raise place.error(f"the text holds \\{escaped}, which HCL does not have", code="hcl")
            return _ESCAPED[escaped]

        if "\n" in raw:
            raise place.error("the text does not end in its line", code="hcl")
        return _ESCAPE.sub(plain, raw)

    def _raw(self, tree: Any) -> str:
        """The text that a part of the tree was read from: what looks like a template is none in SPIRE's HCL."""
        return self._source[tree.meta.start_pos : tree.meta.end_pos]

    def _place(self, tree: Any, key: str) -> Place:
        return Place(self._file, tree.meta.line, key)

    def _check_depth(self, place: Place, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise place.error(f"blocks nest deeper than {MAX_DEPTH} levels", code="nesting")


def _trees(tree: Any) -> Iterator[Any]:
    """The children of a tree that are trees, not tokens."""
    return (child for child in tree.children if hasattr(child, "children"))


def _heredoc(raw: str) -> str:
    match = _HEREDOC.match(raw)
    body = (match[2] or "") if match else ""
    if not match or not match[1]:
        return body
    lines = body.split("\n")
    indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    return "\n".join(line[min(indents, default=0) :] for line in lines)
