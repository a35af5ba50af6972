"""The cases of JWT-SVIDs and WIT-SVIDs."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import attrs

from spiffesim.catalogue.case import Case, edit_of
from spiffesim.catalogue.hierarchy import hierarchy
from spiffesim.catalogue.shelf import Defect, Kind
from spiffesim.catalogue.tokens.draft import JwtDraft, WitDraft
from spiffesim.instants import moment
from spiffesim.spiffe.bundlemap import BundleMap
from spiffesim.spiffe.proof import Proof
from spiffesim.spiffe.validation import examine_jwt_svid, examine_wit_svid
from spiffesim.spiffe.verdict import Verdict


@attrs.frozen(slots=False, repr=False, eq=False)
class JwtSvidCase(Case):
    """A JWT-SVID, and what the validator knows.

    Attributes:
        spiffe_id: Whose it would be if it were right.
        token: The token.
        audience: Whom the validator goes by.
        bundles: What it holds.
        now: The instant at which it is judged.
    """

    spiffe_id: str
    token: str
    audience: str
    bundles: BundleMap
    now: datetime

    @classmethod
    def make(cls, defect: Defect | None, *, number: int, twin: bool = False) -> Self:
        """Make a case."""
        draft = JwtDraft(hierarchy(number), number)
        edit = edit_of(defect, twin=twin)
        if edit is not None:
            edit(draft)
        now = moment(draft.now)
        return cls(defect, number, twin, draft.spiffe_id, draft.token, draft.audience, draft.bundles, now)

    @property
    def kind(self) -> Kind:
        """``"jwt-svid"``."""
        return "jwt-svid"

    @property
    def repaired(self) -> Self:
        """Its right twin: the same token, without the defect."""
        return type(self).make(self.defect, number=self.number, twin=True)

    def examine(self) -> Verdict:
        """What our own validator answers."""
        return examine_jwt_svid(self.token, self.bundles, audience=self.audience, at=self.now)


@attrs.frozen(slots=False, repr=False, eq=False)
class WitSvidCase(Case):
    """A WIT-SVID, and what the validator knows.

    Attributes:
        spiffe_id: Whose it would be if it were right.
        token: The token.
        proof: What came with it to prove that its holder has the key in it; None if nothing did.
        bundles: What the validator holds.
        now: The instant at which it is judged.
    """

    spiffe_id: str
    token: str
    proof: Proof | None
    bundles: BundleMap
    now: datetime

    @classmethod
    def make(cls, defect: Defect | None, *, number: int, twin: bool = False) -> Self:
        """Make a case."""
        draft = WitDraft(hierarchy(number), number)
        edit = edit_of(defect, twin=twin)
        if edit is not None:
            edit(draft)
        now = moment(draft.now)
        return cls(defect, number, twin, draft.spiffe_id, draft.token, draft.proof, draft.bundles, now)

    @property
    def kind(self) -> Kind:
        """``"wit-svid"``."""
        return "wit-svid"

    @property
    def repaired(self) -> Self:
        """Its right twin: the same token and proof, without the defect."""
        return type(self).make(self.defect, number=self.number, twin=True)

    def examine(self) -> Verdict:
        """What our own validator answers."""
        return examine_wit_svid(self.token, self.bundles, proof=self.proof, at=self.now)
