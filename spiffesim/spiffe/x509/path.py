"""Paths from a leaf to an authority: found without recursion, at any depth, among any candidates.

An issuer is known by its name and its key. Where several certificates have the issuer's name (in
a nested trust domain all siblings do, and a CA may have the same name as its issuer), those whose
subject key identifier equals the authority key identifier come first, those whose identifier
differs last, authorities of the bundle before presented certificates; the signature decides, and
a dead end is backed out of.

The search gives up after ``SPARE_CHECKS`` signature checks more than there are presented
certificates, or after ``LOOKS`` times as many looks at candidates, so that thousands of decoys end
in an error and not in a wait. What is counted is checks of P-256: where the issuer's key costs more,
a check counts as several. A remembered signature counts as one that is checked: the answer does not
depend on what was seen before.

Spec: RFC 5280 6.1, X509-SVID 5.1
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain as joined
from itertools import pairwise
from typing import Final

from spiffesim.instants import Microseconds
from spiffesim.spiffe.x509.algorithms import signer, verifies
from spiffesim.spiffe.x509.certificate import Anchors, Certificate
from spiffesim.spiffe.x509.constraints import constrained, effort
from spiffesim.spiffe.x509.edges import EdgeMemo
from spiffesim.spiffe.x509.problems import issuer_problems

SPARE_CHECKS: Final = 1_000
LOOKS: Final = 32
STRAIGHT: Final = 128
"""How many presented certificates are followed in their order before checks are counted; the search goes on there."""

# What a certificate is worth as an issuer, whatever the time and the path.
_UNFIT: Final = 0
_CONSTRAINED: Final = 1
_PLAIN: Final = 2


def grade(certificate: Certificate) -> int:
    """What a certificate is worth as an issuer, worked out once a certificate."""
    worth = certificate.issuer_grade
    if worth is None:
        # The key is not loaded here: where its signature is remembered, it need not be loaded at all.
        if issuer_problems(certificate) or signer(certificate).problem is not None:
            worth = _UNFIT
        elif certificate.path_length is not None or certificate.extensions.name_constraints is not None:
            worth = _CONSTRAINED
        else:
            worth = _PLAIN
        certificate.issuer_grade = worth
    return worth


def straight(
    chain: Sequence[Certificate], anchors: Anchors, at: Microseconds, memo: EdgeMemo | None
) -> tuple[int, Certificate | None]:
    """Follow a chain that is presented in order, as nearly all are.

    Args:
        chain: The presented certificates, the leaf first; the leaf itself is not judged here.
        anchors: The authorities that may end the path.
        at: The instant at which all issuers have to be valid.
        memo: Signatures that have verified before.

    Returns:
        How many signatures verified on the way, and the authority that the chain leads to: None
        if it takes a search to find one, or there is none.
    """
    check = verifies if memo is None else memo.verifies
    authorities = anchors.by_subject
    child = chain[0]
    verified = 0  # and the place of the child
    last = min(len(chain), STRAIGHT)
    while True:
        name, wanted = child.issuer, child.authority_key_id
        if name in authorities:
            anchor = _anchor_of(child, authorities[name])
            if anchor is not None and _usable(anchor, at):
                return (verified + 1, anchor) if check(child, anchor) else (verified, None)
        if verified + 1 == last:
            return verified, None
        issuer = chain[verified + 1]
        if (
            issuer.subject != name
            or (wanted is not None and wanted != issuer.subject_key_id)
            or not _usable(issuer, at)
            or not check(child, issuer)
        ):
            return verified, None
        verified += 1
        child = issuer


def _anchor_of(child: Certificate, candidates: Sequence[Certificate]) -> Certificate | None:
    """The one authority that the key identifier of a certificate points to, if it is clear which."""
    wanted = child.authority_key_id
    if wanted is None:
        return candidates[0] if len(candidates) == 1 else None
    fitting = [candidate for candidate in candidates if candidate.subject_key_id == wanted]
    return fitting[0] if len(fitting) == 1 else None


def _usable(issuer: Certificate, at: Microseconds) -> bool:
    return (issuer.issuer_grade or grade(issuer)) == _PLAIN and issuer.not_before <= at <= issuer.not_after


class BudgetSpentError(Exception):
    """The search gave up; it never leaves this library."""


class Search:
    """The search for a path from one leaf to the authorities of one bundle.

    Args:
        chain: The presented certificates, the leaf first, in any order, with repetitions or without.
        anchors: The authorities that may end a path.
        at: The instant at which all issuers have to be valid.
        memo: Signatures that have verified before.
        verified: How many certificates from the leaf on are known to be signed by the next one.

    Attributes:
        checks: What the signatures that have been asked for cost, in checks of P-256.
    """

    def __init__(
        self,
        chain: Sequence[Certificate],
        anchors: Anchors,
        at: Microseconds,
        memo: EdgeMemo | None = None,
        verified: int = 0,
    ) -> None:
        presented = tuple({certificate.der: certificate for certificate in chain}.values())
        self.certificates = presented + anchors.certificates
        self.first_anchor = len(presented)
        self.at = at
        self.checks = sum(signer(issuer).cost for issuer in chain[1 : verified + 1])
        self._check = verifies if memo is None else memo.verifies
        self._most_checks = len(presented) + SPARE_CHECKS
        self._looks = LOOKS * self._most_checks
        places = {certificate.der: place for place, certificate in enumerate(presented)}
        self._edges = {
            (places[child.der], places[issuer.der]): True for child, issuer in pairwise(chain[: verified + 1])
        }

    def find(self, *, clean: bool) -> list[int] | None:
        """The places of the certificates of a path, the leaf first and an authority last, or None.

        Args:
            clean: Whether every issuer has to be valid, fit and within all limits; otherwise only
                the signatures have to verify.

        Raises:
            BudgetSpentError: If it takes too long.
        """
        offers = _Offers(self.certificates, self.first_anchor, self._fit if clean else None)
        # Where all limits grow with the number of issuers below, a certificate that was reached
        # with no more of them need not be looked at again. Name constraints know no such order.
        ordered = not clean or not offers.constrained
        path, below, trail = [0], [0], [offers.to(self.certificates[0])]
        reached = {0: 0}
        while trail:
            place = next(trail[-1], None)
            if place is None:
                trail.pop()
                below.pop()
                if ordered:
                    path.pop()
                else:
                    del reached[path.pop()]
                continue
            self.look()
            if reached.get(place, below[-1] + 1) <= below[-1]:
                continue
            if (clean and not self._allows(place, path, below[-1])) or not self.signed(path[-1], place):
                continue
            path.append(place)
            if place >= self.first_anchor:
                return path
            certificate = self.certificates[place]
            reached[place] = below[-1]
            below.append(below[-1] + (not certificate.self_issued))
            trail.append(offers.to(certificate))
        return None

    def follow(self) -> tuple[list[int], bool]:
        """The path that the names suggest, though a signature on it may be wrong; for explaining only.

        Returns:
            The places of its certificates, the leaf first, and whether it ends at an authority.

        Raises:
            BudgetSpentError: If it takes too long.
        """
        offers = _Offers(self.certificates, self.first_anchor, None)
        path, on_path = [0], {0}
        while path[-1] < self.first_anchor:
            place = self._suggested(path[-1], offers, on_path)
            if place is None:
                return path, False
            path.append(place)
            on_path.add(place)
        return path, True

    def _suggested(self, child: int, offers: _Offers, on_path: set[int]) -> int | None:
        suggested = None
        wanted = self.certificates[child].authority_key_id
        for place in offers.to(self.certificates[child]):
            self.look()
            if place in on_path:
                continue
            if self.signed(child, place):
                return place
            key_id = self.certificates[place].subject_key_id
            if suggested is None and (wanted is None or key_id is None or wanted == key_id):
                suggested = place
        return suggested

    def signed(self, child: int, issuer: int) -> bool:
        """Whether the signature of one certificate verifies under the key of another one.

        Raises:
            BudgetSpentError: If too many have been asked for.
        """
        edge = child, issuer
        known = self._edges.get(edge)
        if known is None:
            above, below = self.certificates[issuer], self.certificates[child]
            cost = signer(above).cost + (len(below.tbs) >> 16)  # to hash 64 KiB costs as much as a check
            if self.checks + cost > self._most_checks:
                raise BudgetSpentError
            self.checks += cost
            known = self._edges[edge] = self._check(below, above)
        return known

    def look(self, number: int = 1) -> None:
        """Count looks at candidates, or at names below a constraint.

        Raises:
            BudgetSpentError: If there have been too many.
        """
        self._looks -= number
        if self._looks < 0:
            raise BudgetSpentError

    @property
    def effort(self) -> str:
        """What was spent on the search, as a person would say it."""
        looks = LOOKS * self._most_checks
        more = f" and {looks} looks at candidates and names" if self._looks < 0 else ""
        return f"{self.checks} signature checks{more}"

    def _fit(self, certificate: Certificate) -> bool:
        return grade(certificate) != _UNFIT and certificate.not_before <= self.at <= certificate.not_after

    def _allows(self, place: int, path: Sequence[int], below: int) -> bool:
        """Whether an issuer allows what is on the path below it."""
        issuer = self.certificates[place]
        if issuer.issuer_grade == _PLAIN:
            return True
        if issuer.path_length is not None and issuer.path_length < below:
            return False
        if issuer.extensions.name_constraints is None:
            return True
        below_it = [self.certificates[step] for step in path]
        self.look(effort(issuer, below_it))
        return next(constrained(issuer, below_it), None) is None


class _Offers:
    """The certificates that may be issuers, by name and by key identifier, the authorities first."""

    def __init__(
        self, certificates: Sequence[Certificate], first_anchor: int, fit: Callable[[Certificate], bool] | None
    ) -> None:
        self.constrained = False
        self._by_name: dict[bytes, dict[bytes | None, list[int]]] = {}
        for place in (*range(first_anchor, len(certificates)), *range(first_anchor)):
            certificate = certificates[place]
            if fit is None or fit(certificate):
                keys = self._by_name.setdefault(certificate.subject, {})
                keys.setdefault(certificate.subject_key_id, []).append(place)
                self.constrained |= certificate.extensions.name_constraints is not None

    def to(self, child: Certificate) -> Iterator[int]:
        """The places of the certificates that may have issued this one, the likeliest first."""
        keys = self._by_name.get(child.issuer, {})
        wanted = child.authority_key_id
        if wanted is None:
            return joined.from_iterable(keys.values())
        return joined(
            keys.get(wanted, ()),
            keys.get(None, ()),
            joined.from_iterable(places for key, places in keys.items() if key is not None and key != wanted),
        )
