"""Defects: the ways in which a document can be wrong, each with a name of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

import attrs

from spiffesim.spiffe.markup import pretty_fields
from spiffesim.spiffe.verdict import Rulebook

Kind: TypeAlias = Literal["spiffe-id", "x509-svid", "jwt-svid", "wit-svid", "bundle", "bundle-map"]
"""What a case is of."""

Right: TypeAlias = Literal["refused", "ignored", "accepted"]
"""The right answer to a document.

``"ignored"``: the standard tells validators to go on as if the part that is wrong were not there.
"""

DraftT = TypeVar("DraftT")
Edit: TypeAlias = Callable[[DraftT], None]


def _nothing(_: object) -> None:
    """The edit of a twin that only lacks the defect."""


@attrs.frozen
class Defect:
    """One way in which a document can be wrong, or (an oddity) look wrong and be right.

    Attributes:
        name: Our stable name for it, such as ``"leaf_is_ca"``.
        kind: What kind of document it is in.
        clause: What it breaks, such as ``"X509-SVID 4.1"``; of an oddity, what allows it.
        sentence: What is wrong, as a person would say it.
        rule: The one rule of the validator that it fails; of an oddity, the rule that somebody may think it fails.
        answer: What a validator must answer: ``"refused"``, ``"ignored"``, or ``"accepted"`` (an oddity).
        depth: How many intermediates a chain needs to have it; 0 for other documents.
    """

    name: str
    kind: Kind
    clause: str
    sentence: str
    rule: str
    answer: Right = "refused"
    depth: int = 0
    edit: Edit[Any] = attrs.field(default=_nothing, repr=False, eq=False)
    repair: Edit[Any] = attrs.field(default=_nothing, repr=False, eq=False)

    @property
    def is_oddity(self) -> bool:
        """Whether it only looks wrong."""
        return self.answer == "accepted"

    def __str__(self) -> str:
        return self.name

    # Edits are functions of their modules; whoever unpickles a defect finds it by its name.
    def __reduce__(self) -> tuple[Callable[[str, Kind], Defect], tuple[str, Kind]]:
        from spiffesim.catalogue import defect

        return defect, (self.name, self.kind)

    _repr_pretty_ = pretty_fields


class Shelf(Generic[DraftT]):
    """The defects of one subject: a module makes one, and puts its functions on it.

    The name of a function is the name of the defect, its docstring says what is wrong, and what it does to a right
    draft is the defect.

    Args:
        rules: The rules of the kind of document.
    """

    def __init__(self, rules: Rulebook) -> None:
        self.rules: Final = rules
        self._defects: list[Defect] = []

    def __call__(
        self,
        rule: str,
        *,
        clause: str | None = None,
        answer: Right = "refused",
        depth: int = 0,
        repair: Edit[DraftT] = _nothing,
    ) -> Callable[[Edit[DraftT]], Edit[DraftT]]:
        """Put a function on the shelf.

        Args:
            rule: The rule that it breaks.
            clause: What it breaks, where that is told more exactly than by the rule.
            answer: What a validator must answer.
            depth: How many intermediates a chain needs to have it.
            repair: What makes the right twin of a right draft, where the twin is to have more in common with the
                wrong one than that.
        """

        def put(edit: Edit[DraftT]) -> Edit[DraftT]:
            kind: Any = self.rules.kind
            cited = clause or self.rules[rule].clause
            name = edit.__name__.rstrip("_")
            sentence = edit.__doc__ or name  # none under python -OO
            self._defects.append(Defect(name, kind, cited, sentence, rule, answer, depth, edit, repair))
            return edit

        return put

    def __iter__(self) -> Iterator[Defect]:
        return iter(self._defects)
