"""The rules of a WIT-SVID, and of the proof of possession that must come with it.

Spec: WIT-SVID 2 to 7.2
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from spiffesim.errors import (
    BadSignature,
    ConstraintViolation,
    Expired,
    InvalidInput,
    InvalidSvid,
    Malformed,
    NotYetValid,
)
from spiffesim.spiffe import jose
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.jose import claims as read
from spiffesim.spiffe.jose import compact
from spiffesim.spiffe.jose.confirmation import BrokenConfirmation, confirmation
from spiffesim.spiffe.proof import Proof
from spiffesim.spiffe.rules import signatures
from spiffesim.spiffe.rules.jwt import (
    Question,
    ask,
    judge_algorithm,
    judge_signature,
    judge_times,
    part,
)
from spiffesim.spiffe.verdict import Finding, Rule, Rulebook

TYPE: Final = "wit+jwt"

WIT_SVID: Final = Rulebook(
    "wit-svid",
    (
        Rule(
            "compact",
            "WIT-SVID 1",
            f"The token is a JWS in compact serialization: three parts in base64url, at most {compact.MAX_TOKEN} characters.",
            Malformed,
        ),
        Rule(
            "header",
            "RFC 7515 4",
            "The header is one JSON object in UTF-8, no member twice.",
            Malformed,
            needs=("compact",),
        ),
        Rule(
            "algorithm",
            "WIT-SVID 2.3",
            f"alg is one of {', '.join(jose.ALGORITHMS)}.",
            ConstraintViolation,
            needs=("header",),
        ),
        Rule(
            "critical",
            "WIT-SVID 2.4",
            "Nothing in the header must be understood that we do not know (crit, b64).",
            ConstraintViolation,
            needs=("header",),
        ),
        Rule("key_id", "WIT-SVID 2.1", "kid is there, a string.", ConstraintViolation, needs=("header",)),
        Rule("type", "WIT-SVID 2.2", "typ is wit+jwt.", ConstraintViolation, needs=("header",)),
        Rule(
            "payload",
            "RFC 7519 7.2",
            "The payload is one JSON object in UTF-8, no member twice.",
            Malformed,
            needs=("compact",),
        ),
        Rule("subject", "WIT-SVID 3.1", "sub is a SPIFFE ID.", Malformed, needs=("payload",)),
        Rule(
            "no_audience",
            "WIT-SVID 3.8",
            "There is no aud; the proof says for whom it is.",
            ConstraintViolation,
            needs=("payload",),
        ),
        Rule("expiry", "WIT-SVID 3.4", "exp is there, a finite number.", Malformed, needs=("payload",)),
        Rule("beginning", "WIT-SVID 3.5", "nbf, if there, is a number.", Malformed, needs=("payload",)),
        Rule("confirmation", "WIT-SVID 3.2", "cnf holds a jwk, and no other key.", Malformed, needs=("payload",)),
        Rule(
            "confirmation_algorithm",
            "WIT-SVID 3.2",
            f"cnf.jwk.alg is one of {', '.join(jose.ALGORITHMS)}.",
            ConstraintViolation,
            needs=("confirmation",),
        ),
        Rule(
            "confirmation_key",
            "WIT-SVID 3.2",
            "cnf.jwk is a public key, for that algorithm, of sufficient size.",
            ConstraintViolation,
            needs=("confirmation_algorithm",),
        ),
        *signatures.rules("WIT-SVID"),
        Rule("begun", "WIT-SVID 3.5", "The instant is not before nbf.", NotYetValid, needs=("beginning",)),
        Rule("unexpired", "WIT-SVID 3.4", "The instant is before exp.", Expired, needs=("expiry",)),
        Rule("proof", "WIT-SVID 4", "A proof of possession comes with the token.", ConstraintViolation),
        Rule(
            "proof_format",
            "WIT-SVID 5",
            "A proof that is a token is a WIMSE workload proof token, and says when it ends.",
            ConstraintViolation,
            needs=("proof",),
        ),
        Rule(
            "proof_lifespan",
            "WIT-SVID 7.2",
            "The instant is before the end of the proof.",
            Expired,
            needs=("proof", "proof_format"),
        ),
        Rule(
            "proof_binding",
            "WIT-SVID 5",
            "The proof is about the token: its wth is the token's SHA-256, or what it signs holds that or the token.",
            ConstraintViolation,
            needs=("proof", "proof_format", "compact"),
        ),
        Rule(
            "proof_signature",
            "WIT-SVID 5",
            "The proof verifies under cnf.jwk.",
            BadSignature,
            needs=("proof", "confirmation_key"),
        ),
    ),
)


def judge(token: object, proof: Proof | None, question: Question) -> tuple[SpiffeId | None, list[Finding]]:
    """The subject of a token, as far as it can be read, and the rules that it breaks, or its proof."""
    findings: list[Finding] = []
    _judge_proof(findings, proof, question)
    try:
        raw_header, raw_payload, signed, signature = compact.segments(token)
    except InvalidSvid as error:
        findings.append(Finding("compact", str(error)))
        return None, findings
    header = part(findings, "header", raw_header)
    claims = part(findings, "payload", raw_payload)
    if header is not None:
        _judge_header(findings, header)
    spiffe_id = None
    if claims is not None:
        spiffe_id = ask(findings, "subject", read.subject, claims)
        _judge_claims(findings, claims, spiffe_id, question)
        _judge_confirmation(findings, claims, proof)
    content = signed, signature
    judge_signature("wit-svid", findings, spiffe_id, header, content=content, bundles=question.bundles)
    if proof is not None and proof.problem is None and not proof.names(signed + b"." + compact.b64url_bytes(signature)):
        text = "the proof is not about this token: neither the token nor its SHA-256 is where it has to be"
        findings.append(Finding("proof_binding", text))
    return spiffe_id, findings


def _judge_header(findings: list[Finding], header: Mapping[str, Any]) -> None:
    judge_algorithm(findings, header)
    if "crit" in header or header.get("b64", True) is not True:
        name = "crit" if "crit" in header else "b64"
        findings.append(
            Finding("critical", f"{name} is {header[name]!r:.80}, but no extension of JWS is understood here")
        )
    kid = header.get("kid")
    if not isinstance(kid, str):
        found = f"is {kid!r:.80}, not a string" if "kid" in header else "is missing"
        findings.append(Finding("key_id", f"kid {found}; a WIT-SVID names its key"))
    if header.get("typ") != TYPE:
        found = f"is {header['typ']!r:.80}" if "typ" in header else "is missing"
        findings.append(Finding("type", f"typ {found}; a WIT-SVID's is {TYPE!r}"))


def _judge_claims(
    findings: list[Finding], claims: Mapping[str, Any], spiffe_id: SpiffeId | None, question: Question
) -> None:
    if "aud" in claims:
        findings.append(
            Finding(
                "no_audience", f"aud is {claims['aud']!r:.80}, but a WIT-SVID has none: the proof says for whom it is"
            )
        )
    judge_times(findings, claims, spiffe_id, question)


def _judge_confirmation(findings: list[Finding], claims: Mapping[str, Any], proof: Proof | None) -> None:
    """The key in the token, and the proof under it."""
    try:
        algorithm, key = confirmation(claims)
    except BrokenConfirmation as error:
        findings.append(Finding(error.rule, str(error)))
        return
    if proof is not None and not jose.check_signature(algorithm, key, proof.signed, proof.signature):
        findings.append(Finding("proof_signature", "the proof of possession does not verify under cnf.jwk"))


def _judge_proof(findings: list[Finding], proof: Proof | None, question: Question) -> None:
    if proof is None:
        findings.append(
            Finding("proof", "there is no proof of possession, without which a WIT-SVID must not be accepted")
        )
        return
    if not isinstance(proof, Proof):
        raise InvalidInput(f"a proof is a Proof, not a {type(proof).__name__}", code="proof")
    problem = proof.problem
    if problem is not None:
        findings.append(Finding("proof_format", f"the proof of possession is a token that proves nothing: {problem}"))
        return
    ends = proof.ends
    # The leeway is for the clock of the token's issuer; a proof was made by the peer, a moment ago.
    if question.at >= ends:
        until, now = read.both(ends, question.at)
        findings.append(
            Finding(
                "proof_lifespan",
                f"the proof of possession expired {read.apart(ends, question.at)} ago (valid until {until}, now {now})",
                facts={"not_after": read.as_datetime(ends), "at": read.as_datetime(question.at)},
            )
        )
