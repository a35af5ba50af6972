"""Remedies: what to do about a document that was refused, by the rule that it fails first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from spiffesim.spiffe.evidence import AUTHORITY, ChainEvidence, TokenEvidence

if TYPE_CHECKING:
    from spiffesim.spiffe.verdict import Finding, Rule, Verdict

TIMES: Final = {
    "not_before": "begins",
    "not_after": "ends",
    "begun": "begins",
    "unexpired": "ends",
    "issued": "begins",
    "proof_lifespan": "ends",
}
"""The rules whose answer depends on the instant, and what happens when it changes."""

_Remedy: TypeAlias = "Callable[[Verdict, Finding], str]"


def remedy(verdict: Verdict, rule: Rule, *, ever: bool) -> str:
    """What to do next.

    Args:
        verdict: A refusal.
        rule: The first rule that failed.
        ever: Whether the document is accepted at another instant.
    """
    finding = verdict.findings[0]
    if rule.name in TIMES and not ever:
        return f"have {what(verdict, finding)} issued anew, for a time in which all that it hangs on is valid"
    known = _REMEDIES.get(rule.name)
    if known is not None:
        return known(verdict, finding)
    told = "write it anew" if verdict.evidence is None else f"have {what(verdict, finding)} issued anew"
    return f"{told}, by the rule: {rule.sentence}"


def what(verdict: Verdict, finding: Finding) -> str:
    """What a finding is about."""
    evidence = verdict.evidence
    if isinstance(evidence, ChainEvidence):
        return evidence.role(finding.depth or 0)
    if finding.rule == "proof_lifespan":
        return "the proof"
    return "the token" if isinstance(evidence, TokenEvidence) else "it"


def _newer(verdict: Verdict) -> str:
    """The bundle after the one that was asked."""
    bundle = verdict.evidence.bundle if verdict.evidence is not None else None
    if bundle is None:
        return "a newer bundle"
    number = bundle.sequence_number
    if number is None:
        return f"a newer bundle of {bundle.trust_domain}"
    return f"a bundle of {bundle.trust_domain} after sequence number {number}"


def _hold_bundle(verdict: Verdict, _: Finding) -> str:
    trust_domain = verdict.spiffe_id.trust_domain if verdict.spiffe_id is not None else "its trust domain"
    return f"federate with {trust_domain}, or give the validator its bundle, if it is to be trusted at all"


def _fetch_bundle(verdict: Verdict, _: Finding) -> str:
    return f"fetch {_newer(verdict)}, or trust nobody of it"


def _find_authority(verdict: Verdict, _: Finding) -> str:
    evidence = verdict.evidence
    if isinstance(evidence, ChainEvidence) and evidence.path and evidence.path[-1].self_issued:
        return f"fetch {_newer(verdict)}; unless that holds it, anybody may have made it"
    return f"present that CA certificate, too, or fetch {_newer(verdict)} that holds it"


def _find_key(verdict: Verdict, finding: Finding) -> str:
    key_id = finding.facts.get("key_id")
    key = f"key {key_id!r:.80}" if key_id is not None else "a fitting key"
    return f"fetch {_newer(verdict)}; it can be accepted once that holds {key}"


def _ask_for_another(_: Verdict, finding: Finding) -> str:
    wanted, found = (finding.facts.get(name) or ("nobody",) for name in ("expected", "audience"))
    return f"ask for a token for {wanted[0]!r:.80}; this one is to be shown to {found[0]!r:.80}"


def _renew(verdict: Verdict, finding: Finding) -> str:
    whose = what(verdict, finding)
    if whose == AUTHORITY:
        return f"fetch {_newer(verdict)}; what hangs on this authority has to be issued anew"
    if finding.depth:
        return f"fetch the chain anew; if {whose} is still this one, its CA was not rotated in time"
    return "fetch it anew; if it is still this one, whoever keeps it has stopped renewing it"


def _wait(_: Verdict, __: Finding) -> str:
    return "wait, or compare the clocks of issuer and validator"


def _choose(_: Verdict, __: Finding) -> str:
    return "have the token issued anew, with one of these"


def _narrow(verdict: Verdict, finding: Finding) -> str:
    whose = what(verdict, finding)
    return f"issue below {whose} only what {whose} allows, or have it issued anew with room for more"


def _prove(_: Verdict, __: Finding) -> str:
    return "have the holder of the key in cnf prove it anew, over this very token"


def _fetch(verdict: Verdict, finding: Finding) -> str:
    return f"fetch it anew; if it still does not verify, {what(verdict, finding)} is not from whom it says"


def _present(_: Verdict, __: Finding) -> str:
    return "present the chain as its issuer sent it, the leaf first"


_REMEDIES: Final[dict[str, _Remedy]] = {
    "chain_present": _present,
    "chain_size": _present,
    "certificate_size": _present,
    "certificate_encoding": _present,
    "trust_domain": _hold_bundle,
    "x509_authorities": _fetch_bundle,
    "algorithm": _choose,
    "confirmation_algorithm": _choose,
    "path_length": _narrow,
    "name_constraints": _narrow,
    "known_authority": _find_authority,
    "search_budget": _present,
    "authority": _find_key,
    "intended": _ask_for_another,
    "not_after": _renew,
    "unexpired": _renew,
    "not_before": _wait,
    "begun": _wait,
    "issued": _wait,
    "signature": _fetch,
    "proof": _prove,
    "proof_format": _prove,
    "proof_lifespan": _prove,
    "proof_binding": _prove,
    "proof_signature": _prove,
}
