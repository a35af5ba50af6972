"""A chain that has yet to be signed: what the edits of X.509 defects are given."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from spiffesim.catalogue.certificates.draft import Draft
from spiffesim.catalogue.certificates.signer import Signer
from spiffesim.catalogue.hierarchy import BEGIN, NOW, Hierarchy
from spiffesim.instants import SECOND, Microseconds
from spiffesim.keys import Key
from spiffesim.profiles import DOWNSTREAM_CA, WORKLOAD_SVID, Template, ca_subject, downstream_subject, svid_subject
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.x509 import der

HOUR: Final = 3600 * SECOND
DAY: Final = 24 * HOUR


class Chain:
    """The certificates of a right chain in SPIRE's shapes, and what is to be presented of them.

    Until an edit asks for a draft, nothing is taken apart, and each certificate is signed as it is.

    Args:
        hierarchy: Where the keys come from.
        number: What tells its leaf from others of the hierarchy.
        depth: How many intermediates there are.

    Attributes:
        spiffe_id: Whose it is.
        now: The instant at which it is judged.
        trust_domain: Of which trust domain the validator holds a bundle.
    """

    def __init__(self, hierarchy: Hierarchy, number: int, depth: int) -> None:
        self.hierarchy = hierarchy
        self.number = number
        self.depth = depth
        self.spiffe_id = f"spiffe://{hierarchy.trust_domain.name}/workload/{number}"
        self.now: Microseconds = NOW
        self.trust_domain: TrustDomain = hierarchy.trust_domain
        self._drafts: dict[int, Draft] = {}
        self._presented: list[Draft | bytes] | None = None
        self._authorities: list[Draft | bytes] | None = None

    # What is to be edited

    def draft(self, place: int) -> Draft:
        """A certificate, taken apart: 0 is the leaf, ``depth + 1`` the root."""
        if place not in self._drafts:
            keys, root = self._keys, self.depth + 1
            tiers = self._tiers
            tbs = self.hierarchy.root_tbs if place == root else tiers[place - 1].tbs if place else self._leaf[1]
            self._drafts[place] = Draft.of(tbs, self.hierarchy, keys[place], keys[min(place + 1, root)])
        return self._drafts[place]

    @property
    def leaf(self) -> Draft:
        """The leaf."""
        return self.draft(0)

    @property
    def issuer(self) -> Draft:
        """Who signed the leaf: the lowest intermediate, or the root where there is none."""
        return self.draft(1)

    @property
    def intermediate(self) -> Draft:
        """The lowest intermediate, in a chain that has one."""
        return self.draft(1)

    @property
    def topmost(self) -> Draft:
        """What the root signed: the topmost intermediate, or the leaf where there is none."""
        return self.draft(self.depth)

    @property
    def root(self) -> Draft:
        """The authority in the bundle."""
        return self.draft(self.depth + 1)

    @property
    def presented(self) -> list[Draft | bytes]:
        """What is presented: the leaf, then the intermediates; bytes are presented as they are."""
        if self._presented is None:
            self._presented = [self.draft(place) for place in range(self.depth + 1)]
        return self._presented

    @property
    def authorities(self) -> list[Draft | bytes]:
        """What is in the bundle."""
        if self._authorities is None:
            self._authorities = [self.root]
        return self._authorities

    def rekey(self, place: int, key: Key | Signer) -> None:
        """Give an issuer another key, with which it signs what is below it, and the root itself."""
        issuer = self.draft(place)
        issuer.rekey(key)
        self.draft(place - 1).issued_by(issuer)
        if issuer is self.root:
            issuer.sign_with(key)

    def another_root(self, name: str) -> Draft:
        """A root that is right by itself, with another key and another name."""
        root, key = self.root.copy(), self.hierarchy.key(name)
        root.subject = root.issuer = ca_subject(self.hierarchy.draw(name).serial)
        root.serial = der.integer(self.hierarchy.draw(name, 1).serial)
        root.rekey(key)
        root.sign_with(key)
        return root

    # What becomes of it

    def encode(self) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        """The presented certificates, and the authorities, as DER."""
        signed: dict[int, bytes] = {}
        root = self.depth + 1
        if self._presented is None:
            presented = tuple(self._encode(place, signed) for place in range(root))
        else:
            presented = _encode(self._presented, signed)
        if self._authorities is None:
            return presented, (_encode([self.root], signed) if root in self._drafts else (self.hierarchy.root_der,))
        return presented, _encode(self._authorities, signed)

    def _encode(self, place: int, signed: dict[int, bytes]) -> bytes:
        if place in self._drafts:
            return _encode([self._drafts[place]], signed)[0]
        if place:
            return self._tiers[place - 1].der
        template, tbs = self._leaf
        return template.certificate(tbs, self._keys[1].sign(tbs))

    # The right chain

    @property
    def _keys(self) -> list[Key]:
        """The keys of all certificates, the leaf's first."""
        return _keys(self.hierarchy, self.depth)

    @property
    def _tiers(self) -> list[Tier]:
        """The right intermediates, the lowest first."""
        return _tiers(self.hierarchy, self.depth)

    @property
    def _leaf(self) -> tuple[Template, bytes]:
        """The right leaf: its template, and its bytes to sign."""
        template = _leaf_template(self.hierarchy, self.depth)
        spki, key_id = self._keys[0].public
        tbs = template.tbs(
            serial=self.hierarchy.draw("leaf", self.number).serial,
            not_before=NOW - HOUR // 2,
            not_after=NOW + HOUR // 2,
            subject=svid_subject(),
            spki=spki,
            key_id=key_id,
            spiffe_id=self.spiffe_id,
        )
        return template, tbs


def _encode(certificates: list[Draft | bytes], signed: dict[int, bytes]) -> tuple[bytes, ...]:
    """Certificates as DER; what is there twice is signed once."""
    found = []
    for certificate in certificates:
        if isinstance(certificate, Draft):
            if id(certificate) not in signed:
                signed[id(certificate)] = certificate.encode()
            found.append(signed[id(certificate)])
        else:
            found.append(certificate)
    return tuple(found)


class Tier(NamedTuple):
    """A right intermediate.

    Attributes:
        subject: Its subject, a Name as DER.
        tbs: Its bytes to sign.
        der: All of it.
    """

    subject: bytes
    tbs: bytes
    der: bytes


@lru_cache(maxsize=256)
def _keys(hierarchy: Hierarchy, depth: int) -> list[Key]:
    names = ["leaf", *(f"intermediate {tier}" for tier in range(depth, 0, -1)), "root"]
    return [hierarchy.key(name) for name in names]


@lru_cache(maxsize=256)
def _leaf_template(hierarchy: Hierarchy, depth: int) -> Template:
    issuer = _tiers(hierarchy, depth)[0].subject if depth else hierarchy.root_subject
    signer = _keys(hierarchy, depth)[1]
    return Template(WORKLOAD_SVID, issuer=issuer, issuer_key_id=signer.key_id, key_type=signer.type)


@lru_cache(maxsize=256)  # the same in all cases of a hierarchy, so each is signed once
def _tiers(hierarchy: Hierarchy, depth: int) -> list[Tier]:
    if not depth:
        return []
    above = _tiers(hierarchy, depth - 1)
    name = f"intermediate {depth}"
    subject = above[0].subject if above else hierarchy.root_subject
    _, key, signer, *_ = _keys(hierarchy, depth)
    template = Template(DOWNSTREAM_CA, issuer=subject, issuer_key_id=signer.key_id, key_type=signer.type)
    own = downstream_subject(subject, depth)
    tbs = template.tbs(
        serial=hierarchy.draw(name).serial,
        not_before=BEGIN + depth * SECOND,
        not_after=BEGIN + 2 * DAY - depth * SECOND,
        subject=own,
        spki=key.spki,
        key_id=key.key_id,
        spiffe_id=str(hierarchy.trust_domain.id("")),
    )
    return [Tier(own, tbs, template.certificate(tbs, signer.sign(tbs))), *above]
