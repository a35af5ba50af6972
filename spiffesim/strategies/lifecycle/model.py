"""The model of a lifecycle: what was done, and what has therefore to be expected, without a look at the system."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import attrs

from spiffesim.strategies.lifecycle.documents import Document

ROOT: Final = "root"


@attrs.define
class Model:
    """What was done to a system.

    Attributes:
        parents: The servers, each with the one above it.
        homes: The workloads that are registered, each with its server.
        deregistered: Those that no longer are, with their servers.
        broken: Since when a nested server or the agent of a workload is cut off, or its clock is wrong.
        skews: How wrong clocks are, in seconds.
        lost: Servers and workloads of which nothing is claimed any more but that nothing wrong is accepted.
        tainted: The authorities that were tainted.
        revocable: What the root server has tainted last, and has not replaced since: only that can be revoked.
        revoked: The authorities that were revoked.
    """

    parents: dict[str, str | None] = attrs.field(factory=lambda: {ROOT: None})
    homes: dict[str, str] = attrs.field(factory=dict)
    deregistered: dict[str, str] = attrs.field(factory=dict)
    broken: dict[str, datetime] = attrs.field(factory=dict)
    skews: dict[str, int] = attrs.field(factory=dict)
    lost: set[str] = attrs.field(factory=set)
    tainted: set[str] = attrs.field(factory=set)
    revocable: tuple[str, ...] = ()
    revoked: set[str] = attrs.field(factory=set)

    # Where things stand

    def way_up(self, node: str) -> Iterator[str]:
        """A server or workload, and the servers above it."""
        at: str | None = node
        while at is not None:
            yield at
            at = self.homes.get(at) or self.deregistered.get(at) or self.parents.get(at)

    def depth(self, server: str) -> int:
        """How many servers stand above one."""
        return len(list(self.way_up(server))) - 1

    def below(self, node: str) -> list[str]:
        """A node, and all that hangs on it."""
        return [other for other in (*self.parents, *self.homes, *self.deregistered) if node in self.way_up(other)]

    @property
    def nested(self) -> list[str]:
        """The nested servers."""
        return [server for server, parent in self.parents.items() if parent is not None]

    # How they are

    def is_whole(self, node: str) -> bool:
        """Whether all is well between a node and the root server."""
        return not any(at in self.broken or at in self.lost for at in self.way_up(node))

    def works_on(self, workload: str) -> bool:
        """Whether a workload still gets its X509-SVID: its own clock is right, and no outage has been too long."""
        return workload not in self.skews and not any(at in self.lost for at in self.way_up(workload))

    def lose(self, *nodes: str) -> None:
        """Claim nothing any more of these nodes and of what hangs on them."""
        self.lost.update(other for node in nodes for other in self.below(node))

    def give_up(self, now: datetime, longest: timedelta) -> None:
        """Lose what has been broken for too long to come back by itself."""
        self.lose(*(node for node, since in self.broken.items() if now - since > longest))

    def rotate(self, server: str) -> None:
        """Note that the authorities of a server are replaced. Who is out of touch may never find back."""
        if server == ROOT:
            self.revocable = ()
        self.lose(*self.broken)

    def taint(self, server: str, *authorities: str) -> None:
        """Note that authorities are not to be trusted any more."""
        named = tuple(filter(None, authorities))
        self.tainted.update(named)
        if server == ROOT:
            self.revocable = named

    def revoke(self) -> None:
        """Note that what was tainted last is revoked."""
        self.revoked.update(self.revocable)
        self.revocable = ()
        self.lose(*self.broken)

    # What is to be answered

    def clock(self, workload: str, now: datetime) -> datetime:
        """What the clock of a workload's agent shows."""
        return now + timedelta(seconds=self.skews.get(workload, 0))

    def expects(self, judge: str, document: Document, now: datetime, leeway: timedelta) -> bool | None:
        """Whether a workload has to accept (True) or refuse (False) a document; None where neither is claimed.

        Args:
            judge: The workload.
            document: What it is shown.
            now: The true present instant.
            leeway: How long it may accept a token before it begins and after it has ended.
        """
        clock, allowed = self.clock(judge, now), leeway if document.kind == "jwt" else timedelta(0)
        if clock > document.ends + allowed or (document.kind == "x509" and clock < document.begins):
            return False
        if document.authority in self.revoked:
            return self._expects_revoked(judge, document)
        if not document.begins <= clock < document.ends:
            return None
        return True if self._trusts(judge, document) else None

    def _expects_revoked(self, judge: str, document: Document) -> bool | None:
        """A revoked root is gone everywhere, a revoked JWT key at the root server: such revocations do not come down."""
        gone = document.kind == "x509" or self.homes.get(judge) == ROOT
        return False if gone and self.is_whole(judge) else None

    def _trusts(self, judge: str, document: Document) -> bool:
        """Whether what has signed a document is known to a judge."""
        if self.is_whole(judge):
            return document.claimed
        # Who is cut off still knows what it has been given itself.
        return judge == document.owner and document.claimed and self.works_on(judge)
