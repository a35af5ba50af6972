"""Why a chain of certificates is refused: every rule that fails on the path that comes closest.

Only looked for once a chain has failed, so nobody whose chain is right pays for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import attrs

from spiffesim.instants import Microseconds, clock_times, moment
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.spiffe.verdict import Finding
from spiffesim.spiffe.x509.algorithms import is_supported, key_problem, name_of
from spiffesim.spiffe.x509.certificate import Certificate
from spiffesim.spiffe.x509.constraints import constrained, effort
from spiffesim.spiffe.x509.path import BudgetSpentError, Search
from spiffesim.spiffe.x509.problems import issuer_problems, leaf_problems


@attrs.frozen
class Explanation:
    """What was found, and on which path.

    Attributes:
        findings: The rules that fail.
        depth: How many issuers stand above the leaf.
        path: The certificates that were judged, the leaf first; empty where it did not come to that.
        anchored: Whether the last of them is an authority of the bundle.
    """

    findings: tuple[Finding, ...]
    depth: int = 0
    path: tuple[Certificate, ...] = ()
    anchored: bool = False


def explain_leaf(leaf: Certificate, at: Microseconds) -> tuple[Finding, ...]:
    """The rules that a leaf breaks on its own."""
    who = _leaf_name(leaf)
    problems = [Finding(problem.rule, f"{who} {problem.text}", 0, problem.facts) for problem in leaf_problems(leaf)]
    return (*problems, *_out_of_time(leaf, who, 0, at))


def explain_path(search: Search, trust_domain: TrustDomain, *, spent: bool) -> Explanation:
    """The rules that break on the path that comes closest to an authority.

    Args:
        search: The search that has failed.
        trust_domain: Whose authorities they are that it looked for.
        spent: Whether it failed because it took too long.
    """
    leaf = search.certificates[0]
    alone = explain_leaf(leaf, search.at)
    try:
        if spent:
            raise BudgetSpentError
        path, anchored = search.find(clean=False), True
        if path is None:
            path, anchored = search.follow()
        judged = _Judgement(search, path, anchored, trust_domain)
        return Explanation((*alone, *judged.findings()), len(path) - 1, tuple(judged.path), anchored)
    except BudgetSpentError:
        text = (
            f"no path from {_leaf_name(leaf)} to an authority of {trust_domain} was found within {search.effort}; "
            "present only the certificates of its own chain, with key identifiers"
        )
        return Explanation((*alone, Finding("search_budget", text, None, {"checks": search.checks})))


class _Judgement:
    """The rules that break on one path, the leaf excepted."""

    def __init__(self, search: Search, path: Sequence[int], anchored: bool, trust_domain: TrustDomain) -> None:
        self.search = search
        self.places = path
        self.path = [search.certificates[place] for place in path]
        self.anchored = anchored
        self.trust_domain = trust_domain
        self.leaf_name = _leaf_name(self.path[0])

    def findings(self) -> Iterator[Finding]:
        """Every rule that fails, in no particular order."""
        for depth in range(len(self.path) - 1):
            yield from self._edge(depth)
        below = 0  # issuers that count for path lengths
        for depth, issuer in enumerate(self.path[1:], 1):
            who = self._name(depth)
            for problem in issuer_problems(issuer):
                yield Finding(problem.rule, f"{who} {problem.text}", depth, problem.facts)
            yield from _out_of_time(issuer, who, depth, self.search.at)
            yield from self._limits(depth, below)
            below += not issuer.self_issued
        if not self.anchored:
            yield self._unknown_authority(len(self.path) - 1)

    def _edge(self, depth: int) -> Iterator[Finding]:
        """What is wrong with the signature of one certificate, made by the next one."""
        who, signer = self._name(depth), self._name(depth + 1)
        child, issuer = self.path[depth], self.path[depth + 1]
        if not is_supported(child.signature_algorithm):
            name = name_of(child.signature_algorithm)
            yield Finding("signature_algorithm", f"{who} is signed with {name}, which is not accepted", depth)
        problem = key_problem(issuer)
        if problem is not None:
            yield Finding("signing_key", f"{who} is signed by {signer}, which {problem}", depth)
        if not self.search.signed(self.places[depth], self.places[depth + 1]):
            text = f"the signature of {who} does not verify under the key of {signer}; it was changed, or forged"
            yield Finding("signature", text, depth)

    def _limits(self, depth: int, below: int) -> Iterator[Finding]:
        issuer, who = self.path[depth], self._name(depth)
        limit = issuer.path_length
        if limit is not None and below > limit:
            text = f"{who} allows {limit} CA certificates below it, {below - limit} fewer than the {below} there"
            yield Finding("path_length", text, depth, {"path_length": limit, "issuers_below": below})
        if issuer.extensions.name_constraints is None:
            return
        self.search.look(effort(issuer, self.path[:depth]))
        for place, applied, reason in constrained(issuer, self.path[:depth]):
            if applied:
                text = f"{reason}, by the name constraints of {who} (for {self._name(place)})"
                yield Finding("name_constraints", text, depth, {"offender": place})
            else:
                yield Finding("name_constraints_known", f"{who} {reason}", depth)
            return

    def _unknown_authority(self, depth: int) -> Finding:
        last, place = self.path[-1], self.places[-1]
        wanted = last.authority_key_id
        known = self.search.certificates[self.search.first_anchor :]
        namesakes = sum(certificate.subject == last.issuer for certificate in self.search.certificates)
        authorities = f"the {len(known)} X.509 authorities of {self.trust_domain} ({_key_ids(known)})"
        key = "a CA" if wanted is None else f"the CA with key {wanted.hex()}"
        if last.self_issued and self.search.signed(place, place):
            text = f"{self._name(depth)} signed itself, and is not among {authorities}"
        elif namesakes:
            text = (
                f"{self._name(depth)} was issued by {key}, which is neither presented nor among {authorities}; "
                f"certificates of its name but with another key: {namesakes}"
            )
        else:
            text = f"{self._name(depth)} was issued by {key}, which is neither presented nor among {authorities}"
        facts = {"depth": depth, "authority_key_id": wanted, "namesakes": namesakes}
        return Finding("known_authority", f"{text}; fetch the bundle anew, or present the whole chain", None, facts)

    def _name(self, depth: int) -> str:
        if not depth:
            return self.leaf_name
        if self.anchored and depth == len(self.path) - 1:
            return f"the authority of {self.trust_domain} above {self.leaf_name}"
        return f"intermediate {depth} of the chain of {self.leaf_name}"


def _leaf_name(leaf: Certificate) -> str:
    spiffe_id: SpiffeId | None = leaf.readable_spiffe_id
    return str(spiffe_id) if spiffe_id is not None else f"the leaf with serial number {leaf.serial}"


def _key_ids(certificates: Sequence[Certificate]) -> str:
    shown = ", ".join(f"key {certificate.key_id.hex()}" for certificate in certificates[:3])
    return shown + (", ..." if len(certificates) > 3 else "")


def _out_of_time(certificate: Certificate, who: str, depth: int, at: Microseconds) -> Iterator[Finding]:
    facts: dict[str, Any] = {
        "not_before": moment(certificate.not_before),
        "not_after": moment(certificate.not_after),
        "at": moment(at),
    }
    if at < certificate.not_before:
        limit, now = clock_times(certificate.not_before, at)
        early = timedelta(microseconds=certificate.not_before - at)
        yield Finding("not_before", f"{who} begins in {early} (not before {limit}, now {now})", depth, facts)
    if at > certificate.not_after:
        limit, now = clock_times(certificate.not_after, at)
        late = timedelta(microseconds=at - certificate.not_after)
        yield Finding("not_after", f"{who} expired {late} ago (not after {limit}, now {now})", depth, facts)
