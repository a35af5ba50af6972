"""The cases of bundles and of bundle maps."""

from __future__ import annotations

from typing import Self

import attrs

from spiffesim.catalogue.case import Case, edit_of
from spiffesim.catalogue.documents.draft import BundleDraft, MapDraft
from spiffesim.catalogue.shelf import Defect, Kind
from spiffesim.spiffe.documents import examine_bundle, examine_bundle_map
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.verdict import Verdict


@attrs.frozen(slots=False, repr=False, eq=False)
class BundleCase(Case):
    """A bundle document.

    Attributes:
        trust_domain: Whose bundle it is.
        document: The document.
    """

    trust_domain: TrustDomain
    document: bytes

    @classmethod
    def make(cls, defect: Defect | None, *, number: int, twin: bool = False) -> Self:
        """Make a case."""
        draft = BundleDraft(number)
        edit = edit_of(defect, twin=twin)
        if edit is not None:
            edit(draft)
        return cls(defect, number, twin, draft.trust_domain, draft.encode())

    @property
    def kind(self) -> Kind:
        """``"bundle"``."""
        return "bundle"

    @property
    def repaired(self) -> Self:
        """Its right twin: the same document, without the defect."""
        return type(self).make(self.defect, number=self.number, twin=True)

    def examine(self) -> Verdict:
        """What our own validator answers."""
        return examine_bundle(self.trust_domain, self.document)


@attrs.frozen(slots=False, repr=False, eq=False)
class BundleMapCase(Case):
    """A bundle map document.

    Attributes:
        document: The document.
    """

    document: bytes

    @classmethod
    def make(cls, defect: Defect | None, *, number: int, twin: bool = False) -> Self:
        """Make a case."""
        draft = MapDraft(number)
        edit = edit_of(defect, twin=twin)
        if edit is not None:
            edit(draft)
        return cls(defect, number, twin, draft.encode())

    @property
    def kind(self) -> Kind:
        """``"bundle-map"``."""
        return "bundle-map"

    @property
    def repaired(self) -> Self:
        """Its right twin: the same document, without the defect."""
        return type(self).make(self.defect, number=self.number, twin=True)

    def examine(self) -> Verdict:
        """What our own validator answers."""
        return examine_bundle_map(self.document)
