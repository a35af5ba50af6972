"""Which signatures are known to verify: the edges of all the paths that have been seen.

Whoever validates many SVIDs of the same CAs checks the CAs' signatures once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, Final, TypeAlias

from spiffesim.errors import InvalidInput
from spiffesim.spiffe.x509.algorithms import verifies
from spiffesim.spiffe.x509.certificate import Certificate

LARGEST: Final = 4_096
"""How many octets a certificate may have to be remembered: a stranger who signs his own chooses how many it has."""

_Edge: TypeAlias = tuple[bytes, bytes, bytes]


class EdgeMemo:
    """Remembers which signatures have verified: exactly those bytes, under exactly that key.

    Only successes are remembered, and only signatures: validity and constraints are checked every
    time. The caller owns it and passes it in; it forgets the oldest first. Certificates of more than
    4 KiB are checked every time. Threads may share one: it is looked up without waiting, and written by one
    thread at a time.

    With each signature it keeps the issuer as it was read: many SVIDs bring the same CA certificates,
    and to work out anew what each is worth would cost five times as much as to look its signature up.

    Args:
        size: How many signatures, and how many issuers, it remembers at most.

    Raises:
        InvalidInput: If the size is not a positive number.
    """

    __slots__ = ("_edges", "_issuers", "_writing", "size")

    def __init__(self, size: int = 65_536) -> None:
        given: object = size
        if not isinstance(given, int) or given < 1:
            raise InvalidInput(f"a memo remembers at least one signature, not {size!r}", code="memo_size", size=size)
        self.size = size
        self._edges: OrderedDict[_Edge, None] = OrderedDict()
        self._issuers: OrderedDict[bytes, Certificate] = OrderedDict()  # found by signature, compared whole
        self._writing = Lock()

    def verifies(self, child: Certificate, issuer: Certificate) -> bool:
        """Whether the signature of a certificate verifies under the key of another one."""
        edge = (issuer.spki, child.tbs, child.signature)
        edges = self._edges
        # The algorithm is part of the signed bytes, but the one outside of them is what is used.
        if edge in edges and child.signature_algorithm == child.inner_algorithm:
            return True
        if not verifies(child, issuer):
            return False
        agreed = child.signature_algorithm == child.inner_algorithm
        if agreed and max(len(child.der), len(issuer.der)) <= LARGEST:
            self._keep(edge, issuer)
        return True

    def _keep(self, edge: _Edge, issuer: Certificate) -> None:
        edges, issuers = self._edges, self._issuers
        # Two threads that both find it full would each drop one, and the second one perhaps find it empty.
        with self._writing:
            if len(edges) >= self.size:
                edges.popitem(last=False)
            edges[edge] = None
            if issuer.signature not in issuers:
                if len(issuers) >= self.size:
                    issuers.popitem(last=False)
                issuers[issuer.signature] = issuer

    def recognize(self, chain: Sequence[Certificate]) -> Sequence[Certificate]:
        """The same certificates, byte for byte; issuers that have been seen before as they were read then."""
        recognized = list(chain)
        for place, issuer in enumerate(chain[1:], 1):
            known = self._issuers.get(issuer.signature)
            if known is not None and known.der == issuer.der:
                recognized[place] = known
        return recognized

    def clear(self) -> None:
        """Forget everything."""
        with self._writing:
            self._edges.clear()
            self._issuers.clear()

    # A lock cannot travel.
    def __reduce__(self) -> tuple[Callable[..., EdgeMemo], tuple[Any, ...]]:
        with self._writing:
            return _remembering, (self.size, tuple(self._edges), tuple(self._issuers.values()))

    def __len__(self) -> int:
        return len(self._edges)

    def __repr__(self) -> str:
        return f"<EdgeMemo of {len(self)} signatures, at most {self.size}>"


def _remembering(size: int, edges: Sequence[_Edge], issuers: Sequence[Certificate]) -> EdgeMemo:
    memo = EdgeMemo(size)
    memo._edges.update(dict.fromkeys(edges))
    memo._issuers.update((issuer.signature, issuer) for issuer in issuers)
    return memo
