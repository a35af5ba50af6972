"""Validation: is this document right, at this instant, for those who hold these bundles?

``validate_*`` returns the SPIFFE ID or raises the first rule that fails; ``examine_*`` returns the
whole :class:`Verdict`. They are pure functions: they take an instant, never a clock, and keep
nothing but what the caller's :class:`EdgeMemo` remembers.

The bundle is always the one of the SVID's own trust domain; there is no merged pool of roots.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from spiffesim.errors import InvalidInput, InvalidSvid
from spiffesim.instants import Microseconds, microseconds
from spiffesim.spiffe.bundle import BundleMap, SpiffeBundle, bundle_for
from spiffesim.spiffe.certificate import Certificate, read_certificate
from spiffesim.spiffe.explanation import Explanation, explain_authorities, explain_leaf, explain_path
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.spiffe.path import BudgetSpentError, EdgeMemo, Search, straight
from spiffesim.spiffe.verdict import Finding, Verdict
from spiffesim.spiffe.x509_rules import leaf_problems
from spiffesim.spiffe.x509svid import X509Svid

KIND = "x509-svid"


class BundleSource(Protocol):
    """Anything that has the bundle of a trust domain, or None."""

    def get(self, trust_domain: TrustDomain, /) -> SpiffeBundle | None: ...


Chain: TypeAlias = X509Svid | Sequence[bytes]
Bundles: TypeAlias = SpiffeBundle | BundleMap | BundleSource | Iterable[SpiffeBundle]


def validate_x509_svid(chain: Chain, bundles: Bundles, *, at: datetime, memo: EdgeMemo | None = None) -> SpiffeId:
    """Validate an X.509-SVID.

    Args:
        chain: The SVID, or its certificates as DER: the leaf first, the others in any order.
        bundles: What the validator trusts; the bundle of the SVID's trust domain is used, no other.
        at: The instant of the judgement, with a time zone.
        memo: Remembers signatures that have verified, across calls.

    Returns:
        The SPIFFE ID that the holder of the key has proved.

    Raises:
        ValidationError: The first rule that fails, with the whole verdict.
        ClockError: If the instant has no time zone.
        InvalidInput: If an argument is not what it has to be.

    Spec: X509-SVID 5
    """
    answer = _judge(chain, bundles, _instant(at), memo)
    if type(answer) is tuple:
        return answer[0]
    raise _refusal(answer, at)


def examine_x509_svid(chain: Chain, bundles: Bundles, *, at: datetime, memo: EdgeMemo | None = None) -> Verdict:
    """Examine an X.509-SVID: every rule, its clause, and its answer.

    Takes what :func:`validate_x509_svid` takes, and decides the same.

    Raises:
        ClockError: If the instant has no time zone.
        InvalidInput: If an argument is not what it has to be.
    """
    answer = _judge(chain, bundles, _instant(at), memo)
    if type(answer) is tuple:
        return Verdict(KIND, answer[0], at, (), answer[1])
    return _verdict(answer, at)


_Accepted: TypeAlias = tuple[SpiffeId, int]
_Refused: TypeAlias = tuple[Explanation, SpiffeId | None]
