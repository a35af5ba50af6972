"""YAML: the language of the compose file, read with positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spiffesim.extra.spire_config.document import MAX_DEPTH, Items, Node, Place, Scalar, Section, joined

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_NODES: Final = 20_000
_MERGE: Final = "tag:yaml.org,2002:merge"
_NULL: Final = "tag:yaml.org,2002:null"


def read_yaml(text: str, file: str) -> Section:
    """Read a YAML document; all its scalars stay texts, as the file writes them.

    Args:
        text: What it says.
        file: How errors and notes call it.

    Raises:
        InvalidConfiguration: Where it is no YAML, has a key twice, or nests without end.
    """
    import yaml

    top = Place(file, 1)
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        raise Place(file, line).error(f"this is no YAML: {error.problem or error.context}", code="yaml") from None
    except yaml.YAMLError as error:
        raise top.error(f"this is no YAML: {' '.join(str(error).split())}", code="yaml") from None
    except RecursionError:
        raise top.error(f"the document nests deeper than {MAX_DEPTH} levels", code="nesting") from None
    if not isinstance(tree, yaml.MappingNode):
        raise top.error("the document holds no keys", code="yaml")
    return _Reader(file).mapping(tree, Place(file, tree.start_mark.line + 1), 0)


class _Reader:
    """Turns PyYAML's nodes into sections."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._nodes = 0

    def mapping(self, tree: Any, place: Place, depth: int) -> Section:
        """A mapping; ``<<`` merges another one into it, which its own keys override."""
        self._check(place, depth)
        entries: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key, value in tree.value:
            line = key.start_mark.line + 1
            if not isinstance(key.value, str):
                raise Place(self._file, line, place.key).error("a key is a plain text", code="yaml")
            if key.tag == _MERGE:
                for source in self._merged(value, place):
                    for name, node in self.mapping(source, place, depth + 1).entries.items():
                        merged.setdefault(name, node)
                continue
            where = Place(self._file, line, joined(place.key, key.value))
            if key.value in entries:
                first = entries[key.value].place.line
                raise where.error(f"this key is there twice, first in line {first}", code="repeated_key")
            entries[key.value] = self._node(value, where, depth + 1)
        return Section(place, {**entries, **{name: node for name, node in merged.items() if name not in entries}})

    def _merged(self, value: Any, place: Place) -> Iterator[Any]:
        for source in value.value if value.id == "sequence" else [value]:
            if source.id != "mapping":
                raise place.inside("<<").error("what is merged is a mapping, or a list of them", code="yaml")
            yield source

    def _node(self, tree: Any, place: Place, depth: int) -> Node:
        self._check(place, depth)
        if tree.id == "mapping":
            return self.mapping(tree, place, depth)
        if tree.id == "sequence":
            items = (
                self._node(item, Place(self._file, item.start_mark.line + 1, place.key), depth + 1)
                for item in tree.value
            )
            return Items(place, tuple(items))
        return Scalar(place, None if tree.tag == _NULL else tree.value)

    def _check(self, place: Place, depth: int) -> None:
        """Aliases can make a small document nest without end, or stand for an endless one."""
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > _MAX_NODES:
            raise place.error(
                f"the document nests deeper than {MAX_DEPTH} levels, or repeats itself without end", code="nesting"
            )
