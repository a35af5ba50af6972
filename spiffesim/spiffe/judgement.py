"""The judgement of a chain of certificates: whose it is, or why it is refused.

Spec: X509-SVID 5
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeAlias

from spiffesim.errors import InvalidInput, InvalidSvid
from spiffesim.instants import Microseconds, microseconds, moment
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.bundlemap import Bundles, bundle_for
from spiffesim.spiffe.evidence import ChainEvidence
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.rules.explanation import Explanation, explain_leaf, explain_path
from spiffesim.spiffe.verdict import Finding, Verdict
from spiffesim.spiffe.x509.certificate import Certificate, read_certificate
from spiffesim.spiffe.x509.edges import EdgeMemo
from spiffesim.spiffe.x509.limits import check_chain
from spiffesim.spiffe.x509.path import BudgetSpentError, Search, straight
from spiffesim.spiffe.x509.problems import leaf_problems
from spiffesim.spiffe.x509svid import X509Svid

X509: Final = "x509-svid"
GO_SPIFFE: Final = "x509-svid/go-spiffe"

# A verdict without findings accepts, and an assertion is not there under python -O.
_UNEXPLAINED: Final = Finding(
    "known_authority", "the chain leads to no authority, and which rule it breaks is not known; please report this"
)

Chain: TypeAlias = X509Svid | Sequence[bytes]


def judge(
    chain: Chain, bundles: Bundles, at: datetime, memo: EdgeMemo | None, kind: str = X509
) -> tuple[SpiffeId, ChainEvidence] | Verdict:
    """Whose SVID it is and the path that shows it, or the verdict that refuses it."""
    instant = instant_of(at)
    certificates = _read(chain)
    if isinstance(certificates, Finding):
        return Verdict.of(kind, None, moment(instant), (certificates,))
    if kind == GO_SPIFFE:
        from spiffesim.spiffe.rules.gospiffe.certificates import read_certificate as as_go_reads

        # Nothing of this may be remembered for those who judge by the letter.
        return _judge_certificates(
            [as_go_reads(certificate) for certificate in certificates], bundles, instant, kind=kind
        )
    if memo is not None:
        certificates = memo.recognize(certificates)
    return _judge_certificates(certificates, bundles, instant, memo)


def accepted(spiffe_id: SpiffeId, evidence: ChainEvidence, at: Microseconds, kind: str = X509) -> Verdict:
    """The verdict that accepts a chain."""
    return Verdict(kind, spiffe_id, moment(at), (), len(evidence.path) - 1, evidence)


def _judge_certificates(
    certificates: Sequence[Certificate],
    bundles: Bundles,
    at: Microseconds,
    memo: EdgeMemo | None = None,
    kind: str = X509,
) -> tuple[SpiffeId, ChainEvidence] | Verdict:
    again = _again if kind == X509 else _again_as_go_spiffe
    leaf = certificates[0]
    spiffe_id = leaf.readable_spiffe_id
    if spiffe_id is None:
        evidence = ChainEvidence(again, certificates, None)
        return _refused(kind, spiffe_id, at, Explanation(explain_leaf(leaf, at)), evidence)
    bundle = bundle_for(bundles, spiffe_id.trust_domain)
    answer = _judge_path(certificates, spiffe_id, bundle, at, memo, kind=kind)
    if isinstance(answer, Explanation):
        evidence = ChainEvidence(again, certificates, bundle, answer.path, answer.anchored)
        return _refused(kind, spiffe_id, at, answer, evidence)
    return spiffe_id, ChainEvidence(again, certificates, bundle, answer, True)


def _again(evidence: ChainEvidence, at: Microseconds, kind: str = X509) -> Verdict:
    """The same chain and the same bundle, at another instant."""
    bundles = () if evidence.bundle is None else evidence.bundle
    answer = _judge_certificates(evidence.presented, bundles, at, kind=kind)
    return answer if isinstance(answer, Verdict) else accepted(*answer, at, kind)


def _again_as_go_spiffe(evidence: ChainEvidence, at: Microseconds) -> Verdict:
    from spiffesim.spiffe.rules.gospiffe.certificates import read_certificate as as_go_reads

    # Certificates that have travelled have been read anew, by the letter.
    presented = [as_go_reads(certificate) for certificate in evidence.presented]
    return _again(evidence._replace(presented=presented), at, GO_SPIFFE)


def _refused(
    kind: str, spiffe_id: SpiffeId | None, at: Microseconds, explanation: Explanation, evidence: ChainEvidence
) -> Verdict:
    """The verdict that refuses a chain: what was ruled out stays refused, even if no rule could be named."""
    findings = explanation.findings or (_UNEXPLAINED,)
    return Verdict.of(kind, spiffe_id, moment(at), findings, explanation.depth, evidence=evidence)


def _judge_path(
    certificates: Sequence[Certificate],
    spiffe_id: SpiffeId,
    bundle: SpiffeBundle | None,
    at: Microseconds,
    memo: EdgeMemo | None,
    *,
    kind: str,
) -> tuple[Certificate, ...] | Explanation:
    """The path from a leaf that is accepted to an authority, or why it is not accepted."""
    leaf, trust_domain = certificates[0], spiffe_id.trust_domain
    if bundle is None:
        text = f"no bundle is held for trust domain {trust_domain}, to which {spiffe_id} belongs"
        finding = Finding("trust_domain", text, None, {"trust_domain": trust_domain})
        return Explanation((*explain_leaf(leaf, at), finding))
    anchors = bundle.anchors
    if not anchors.certificates:
        text = f"the bundle of {trust_domain} has no X.509 authorities, so nothing of it is trusted"
        finding = Finding("x509_authorities", text, None, {"trust_domain": trust_domain})
        return Explanation((*explain_leaf(leaf, at), finding))
    if kind == GO_SPIFFE:
        from spiffesim.spiffe.rules.gospiffe.certificates import read_anchors

        anchors = read_anchors(anchors)
    depth, anchor = straight(certificates, anchors, at, memo)
    if anchor is not None:
        path = (*certificates[:depth], anchor)
    else:
        search = Search(certificates, anchors, at, memo, depth)
        try:
            places = search.find(clean=True)
        except BudgetSpentError:
            return explain_path(search, trust_domain, spent=True)
        if places is None:
            return explain_path(search, trust_domain, spent=False)
        path = tuple(search.certificates[place] for place in places)
    if leaf_problems(leaf) or not leaf.not_before <= at <= leaf.not_after:
        return Explanation(explain_leaf(leaf, at), len(path) - 1, path, True)
    return path


def _read(chain: object) -> Sequence[Certificate] | Finding:
    """The certificates of a chain, or what is wrong with it."""
    if isinstance(chain, X509Svid):
        try:
            return chain.parsed
        except InvalidSvid:
            chain = chain.chain
    elif not isinstance(chain, Sequence) or isinstance(chain, bytes | bytearray | memoryview | str):
        raise InvalidInput(
            f"a chain is an X509Svid, or certificates as DER in a list, not {type(chain).__name__}; "
            "read_chain takes PEM, and DER in one piece",
            code="chain",
        )
    if not chain:
        return Finding("chain_present", "no certificate is presented")
    certificates: list[Certificate] = []
    try:
        check_chain(chain)
        for data in chain:
            certificates.append(read_certificate(data))  # noqa: PERF401  # how many were read is told
    except InvalidSvid as error:
        if error.code == "chain_size":
            return Finding(error.code, str(error))
        index = len(certificates)
        return Finding(error.code, f"in certificate {index} of the chain, {error}", None, {"index": index})
    return certificates


def instant_of(at: object) -> Microseconds:
    """An instant in microseconds.

    Raises:
        InvalidInput: If it is not a datetime.
        ClockError: If it has no time zone.
    """
    if not isinstance(at, datetime):
        raise InvalidInput(f"an instant is a datetime with a time zone, not {type(at).__name__}", code="at")
    return microseconds(at)
