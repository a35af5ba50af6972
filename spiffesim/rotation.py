"""When to prepare, activate and renew: the arithmetic of SPIRE's rotations, pure.

All instants and spans are integer microseconds.
"""

from __future__ import annotations

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


def max_svid_ttl(ca_ttl: Microseconds) -> Microseconds:
    """The longest SVID that a CA of this lifetime can always give in full.

    SPIRE: pkg/server/ca/manager/manager.go (MaxSVIDTTLForCATTL)
    """
    return min(ca_ttl // 6, 7 * _DAY)
