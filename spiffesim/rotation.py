"""When to prepare, activate and renew: the arithmetic of SPIRE's rotations, pure.

All instants and spans are integer microseconds.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import Final

from spiffesim.instants import SECOND, Microseconds

_DAY: Final = 24 * 3600 * SECOND
BACKDATE: Final = 10 * SECOND
"""How long before the present a certificate begins. SPIRE: pkg/server/credtemplate/builder.go"""


def prepare_after(issued_at: Microseconds, not_after: Microseconds) -> Microseconds:
    """The instant after which the next authority is prepared.

    SPIRE: pkg/server/ca/manager/slot.go
    """
    return not_after - min((not_after - issued_at) // 2, 30 * _DAY)


def activate_after(issued_at: Microseconds, not_after: Microseconds) -> Microseconds:
    """The instant after which the next authority takes over.

    SPIRE: pkg/server/ca/manager/slot.go
    """
    return not_after - min((not_after - issued_at) // 6, 7 * _DAY)


def half_life(not_before: Microseconds, not_after: Microseconds) -> Microseconds:
    """The middle of a validity: SVIDs are renewed after it.

    SPIRE: pkg/server/svid/rotator.go, pkg/common/rotationutil/rotationutil.go
    """
    return not_before + (not_after - not_before) // 2


AVAILABILITY_GRACE: Final = 12 * 3600 * SECOND
"""How much longer than its availability target an SVID has to live for the target to count."""

_AVAILABILITY_SPREAD: Final = 600 * SECOND


def renew_after(
    not_before: Microseconds, not_after: Microseconds, drawn: float, *, check: Microseconds, target: Microseconds = 0
) -> Microseconds:
    """The instant from which an agent renews an SVID, at its first check.

    SPIRE draws a new threshold at every check, between nine and eleven tenths of the half-life; what
    matters is the first check that one of them lets pass. Here one draw a document decides, under the
    same law: with checks at a regular distance it is check k of those that fall into that window at
    which ``drawn < 1 - (1 - p_1) * ... * (1 - p_k)``, p_j the chance that check j would have had.

    Args:
        not_before: When the SVID begins.
        not_after: When it ends.
        drawn: The draw, in [0, 1).
        check: The time between two checks.
        target: How long before its end a renewal is wanted (``availability_target``); zero for none.

    SPIRE: pkg/common/rotationutil/rotationutil.go
    """
    first, law = _law(not_after - not_before, check, target)
    return min(not_before + first + bisect_right(law, drawn) * check, not_after)


@lru_cache(maxsize=1024)  # what is issued with one TTL has one law
def _law(lifetime: Microseconds, check: Microseconds, target: Microseconds) -> tuple[Microseconds, tuple[float, ...]]:
    """How long after the beginning the window opens, and for each check in it how likely a renewal is by then."""
    half = lifetime // 2
    width = max(half // 10 * 2, 1)
    early = lifetime - half - width // 2
    wanted = lifetime + 1
    if target and lifetime - target > AVAILABILITY_GRACE:
        wanted = lifetime - target - _AVAILABILITY_SPREAD
    first = instant = min(early, wanted)
    law, surviving = [], 1.0
    while instant < lifetime and surviving:
        # A check comes at any point of its interval, so the chance in its middle stands for it.
        middle = instant + check // 2
        surviving *= 1.0 - min(max((middle - early) / width, 0.0), 1.0)
        surviving *= 1.0 - min(max((middle - wanted) / _AVAILABILITY_SPREAD, 0.0), 1.0)
        law.append(1.0 - surviving)
        instant += check
    return first, tuple(law)


def max_svid_ttl(ca_ttl: Microseconds) -> Microseconds:
    """The longest SVID that a CA of this lifetime can always give in full.

    SPIRE: pkg/server/ca/manager/manager.go (MaxSVIDTTLForCATTL)
    """
    return min(ca_ttl // 6, 7 * _DAY)
