"""The cases of X.509-SVIDs."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property, lru_cache
from typing import Self

import attrs

from spiffesim.catalogue.case import Case, edit_of
from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.hierarchy import hierarchy
from spiffesim.catalogue.shelf import Defect, Kind
from spiffesim.instants import moment
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.validation import examine_x509_svid
from spiffesim.spiffe.verdict import Verdict


@attrs.frozen(slots=False, repr=False, eq=False)
class X509SvidCase(Case):
    """A chain of certificates, and what the validator holds.

    Attributes:
        depth: How many intermediates stand between the leaf and the root.
        spiffe_id: Whose it would be if it were right.
        chain_der: The presented certificates, the leaf first, each as DER.
        bundle_der: The X.509 authorities that the validator holds, each as DER.
        trust_domain: Of which trust domain.
        now: The instant at which it is judged.
    """

    depth: int
    spiffe_id: str
    chain_der: tuple[bytes, ...]
    bundle_der: tuple[bytes, ...]
    trust_domain: TrustDomain
    now: datetime

    @classmethod
    def make(cls, defect: Defect | None, *, depth: int, number: int, twin: bool = False) -> Self:
        """Make a case."""
        depth = max(depth, defect.depth if defect is not None else 0)
        chain = Chain(hierarchy(number), number, depth)
        edit = edit_of(defect, twin=twin)
        if edit is not None:
            edit(chain)
        presented, authorities = chain.encode()
        now = _moment(chain.now)
        return cls(defect, number, twin, depth, chain.spiffe_id, presented, authorities, chain.trust_domain, now)

    @property
    def kind(self) -> Kind:
        """``"x509-svid"``."""
        return "x509-svid"

    @property
    def repaired(self) -> Self:
        """Its right twin: the same chain, without the defect."""
        return type(self).make(self.defect, depth=self.depth, number=self.number, twin=True)

    @cached_property
    def bundle(self) -> SpiffeBundle:
        """What the validator holds; its authorities can be read, as what is wrong is the chain."""
        known = hierarchy(self.number).bundle  # it is read once, as by whoever judges many SVIDs
        if (self.trust_domain, self.bundle_der) == (known.trust_domain, known.x509_der):
            return known
        return SpiffeBundle(self.trust_domain, x509_der=self.bundle_der)

    def examine(self) -> Verdict:
        """What our own validator answers."""
        return examine_x509_svid(self.chain_der, self.bundle, at=self.now)

    def _arguments(self) -> tuple[tuple[str, object], ...]:
        return (("depth", self.depth), ("number", self.number))


_moment = lru_cache(maxsize=16)(moment)  # nearly all cases are judged at the same instant
