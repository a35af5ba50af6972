"""The cases of SPIFFE IDs."""

from __future__ import annotations

from typing import Self

import attrs

from spiffesim.catalogue.case import Case, edit_of
from spiffesim.catalogue.identifiers.draft import Identifier
from spiffesim.catalogue.shelf import Defect, Kind
from spiffesim.spiffe.documents import examine_spiffe_id
from spiffesim.spiffe.verdict import Verdict


@attrs.frozen(slots=False, repr=False, eq=False)
class SpiffeIdCase(Case):
    """A text that is, or is not, a SPIFFE ID.

    Attributes:
        text: The text.
    """

    text: str

    @classmethod
    def make(cls, defect: Defect | None, *, number: int, twin: bool = False) -> Self:
        """Make a case."""
        identifier = Identifier(number)
        edit = edit_of(defect, twin=twin)
        if edit is not None:
            edit(identifier)
        return cls(defect, number, twin, identifier.encode())

    @property
    def kind(self) -> Kind:
        """``"spiffe-id"``."""
        return "spiffe-id"

    @property
    def repaired(self) -> Self:
        """Its right twin: the same ID, without the defect."""
        return type(self).make(self.defect, number=self.number, twin=True)

    def examine(self) -> Verdict:
        """What our own validator answers."""
        return examine_spiffe_id(self.text)
