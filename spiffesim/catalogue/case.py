"""Cases: documents that are right, or wrong in exactly one named way, each with all that a validator has to know."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import attrs

from spiffesim.catalogue.shelf import Defect
from spiffesim.spiffe.verdict import Verdict

if TYPE_CHECKING:
    from spiffesim.catalogue.shelf import Kind


@attrs.frozen(slots=False, repr=False, eq=False)
class Case(ABC):
    """A document that is right, or wrong in exactly one named way.

    Attributes:
        defect: What is wrong with it; None if it is right.
        number: What tells it from others with the same defect: another ID, other serial numbers, other keys.
        twin: Whether it is the right twin of the document that has the defect.
    """

    defect: Defect | None
    number: int
    twin: bool

    @property
    @abstractmethod
    def kind(self) -> Kind:
        """What it is a case of."""

    @property
    def should_pass(self) -> bool:
        """Whether a validator must accept it."""
        return self.defect is None or self.twin or self.defect.answer != "refused"

    @property
    @abstractmethod
    def repaired(self) -> Self:
        """Its right twin: the same document, without the defect."""

    @abstractmethod
    def examine(self) -> Verdict:
        """What our own validator answers."""

    # The same call makes the same document.
    def __eq__(self, other: object) -> bool:
        return repr(self) == repr(other) if isinstance(other, Case) else NotImplemented

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        """The call that makes it."""
        name = f"{self.kind.replace('-', '_')}_case"
        given = [repr(self.defect.name)] if self.defect is not None else []
        given += [f"{argument}={value!r}" for argument, value in self._arguments() if value]
        return f"{name}({', '.join(given)}){'.repaired' if self.twin else ''}"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(repr(self))

    def _arguments(self) -> tuple[tuple[str, object], ...]:
        """The arguments of that call, by name; those that are 0 are left out."""
        return (("number", self.number),)


def edit_of(defect: Defect | None, *, twin: bool) -> Callable[[object], None] | None:
    """What is to be done to a right draft, or None where nothing is."""
    if defect is None:
        return None
    return defect.repair if twin else defect.edit
