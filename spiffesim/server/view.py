"""View: the bundle of its own trust domain, as one server stores it or one agent holds it.

What it takes over from others is here; what it does with what it has, in ``contents``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from spiffesim.authority import JwtAuthority
from spiffesim.chain import CertificateLike
from spiffesim.errors import Refused
from spiffesim.instants import Microseconds
from spiffesim.ledger import X509Element
from spiffesim.server.contents import Contents


@attrs.frozen
class Merged:
    """What a server took over from the one above; true if that changed its bundle.

    Attributes:
        changed: Whether its bundle is another one now.
        tainted: The roots that are seen to be tainted above for the first time. They are not tainted here yet.
        revoked: The roots that are gone here, because they were tainted and are gone above.
    """

    changed: bool = False
    tainted: tuple[CertificateLike, ...] = ()
    revoked: tuple[CertificateLike, ...] = ()

    def __bool__(self) -> bool:
        return self.changed


@attrs.frozen
class Copied:
    """What an agent found new in its server's bundle; true if the bundle changed.

    Attributes:
        changed: Whether it is another bundle now.
        tainted_x509: The subject key IDs of the X.509 authorities that are seen to be tainted for the first time.
        tainted_jwt: The key IDs of such JWT authorities.
    """

    changed: bool = False
    tainted_x509: tuple[str, ...] = ()
    tainted_jwt: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.changed


class View(Contents):
    """The bundle of one server, or of one agent."""

    __slots__ = ("_reached_top", "_seen_tainted_jwt", "_seen_tainted_x509")

    def forget(self) -> None:
        """Lose everything, with the datastore."""
        super().forget()
        self._seen_tainted_x509: set[str] = set()
        self._seen_tainted_jwt: set[str] = set()
        self._reached_top: tuple[Microseconds, int] | None = None

    # From the server above

    def announce_jwt_authority(self, authority: JwtAuthority, parent: View | None) -> None:
        """Begin with the JWT authorities of the server above and a new one of one's own, which all others know at once.

        Args:
            authority: The new one.
            parent: The bundle of the server above; None if there is none.
        """
        if parent is not None and not self.jwt_elements:
            self._log, self._place = parent._log, parent._place  # one change, counted with the announcement
        elif parent is not None:
            self.learn_jwt_authorities(parent)
        self.ledger.announce(authority)

    def catch_up(self, upstream: View) -> Merged:
        """Take over what the server above knows, as at each poll.

        Raises:
            Refused: If a root cannot be revoked; then nothing of it counts.

        SPIRE: pkg/server/ca/upstream_client.go
        """
        merged = self.sync_roots(upstream.x509_elements)
        learnt = self.learn_jwt_authorities(upstream)
        return attrs.evolve(merged, changed=merged.changed or learnt)

    def sync_roots(self, upstream: Sequence[X509Element]) -> Merged:
        """Take over the roots of the upstream authority, as at each poll and each mint.

        What is tainted there and not here is handed back, once, and is tainted here by whoever has left it. What is
        tainted here and gone there is revoked. All else is appended.

        Raises:
            Refused: If a root cannot be revoked, because it stands here untainted as well.

        SPIRE: pkg/server/ca/manager/manager.go (SyncX509Roots)
        """
        known = {element.subject_key_id: element for element in self._x509} if self._any_tainted(upstream) else {}
        tainted, appended = [], []
        for element in upstream:
            local = known.get(element.subject_key_id) if element.tainted else None
            if local is None or local.tainted:
                appended.append(element)
            elif _unseen([element.subject_key_id], self._seen_tainted_x509):
                tainted.append(local.certificate)
        revoked = self._revoke_missing(known, upstream)
        changed = self._append_x509(appended)
        return Merged(changed or bool(revoked), tuple(tainted), revoked)

    def _any_tainted(self, upstream: Sequence[X509Element]) -> bool:
        return any(element.tainted for element in (*self._x509, *upstream))

    def _revoke_missing(
        self, known: dict[str, X509Element], upstream: Sequence[X509Element]
    ) -> tuple[CertificateLike, ...]:
        gone = [element for element in known.values() if element.tainted]
        if gone:
            there = {element.subject_key_id for element in upstream}
            gone = [element for element in gone if element.subject_key_id not in there]
        for element in gone:
            try:
                self.revoke_x509(element.subject_key_id)
            except Refused as refusal:
                raise Refused(
                    f'failed to revoke a tainted key "{element}": rpc error: code = InvalidArgument desc = '
                    f"{refusal.message}",
                    status=refusal.status,
                ) from refusal
        return tuple(element.certificate for element in gone)

    def learn_jwt_authorities(self, upstream: View) -> bool:
        """Append the JWT authorities of the server above that are not here; True if there were any.

        SPIRE: pkg/common/bundleutil/bundle.go (MergeBundles)
        """
        if self._log is upstream._log:
            self._log.hear()
            place = max(self._place, upstream._place)
            changed = self._log.quiet_before(place) > self._log.quiet_before(self._place)
            self._place = place
            self._changes += changed
            return changed
        theirs, ours = upstream.jwt_elements, self.jwt_elements
        if theirs[: len(ours)] != ours:
            return self._append_jwt(theirs)
        self._log, self._place = upstream._log, upstream._place
        self._changes += len(theirs) > len(ours)
        return len(theirs) > len(ours)

    # From the server of an agent

    def copy(self, server: View) -> Copied:
        """Become the view of the server, as an agent's sync does.

        SPIRE: pkg/agent/manager/sync.go (each tainted authority is processed once)
        """
        state = self._state
        self._x509 = server._x509
        self._log, self._place = server._log, server._place
        self._changes = server._changes
        self.refresh_hint = server.refresh_hint
        tainted_x509 = (element.subject_key_id for element in self._x509 if element.tainted)
        tainted_jwt = (element.key_id for element in self._log.tainted_before(self._place))
        return Copied(
            self._state != state,
            _unseen(tainted_x509, self._seen_tainted_x509),
            _unseen(tainted_jwt, self._seen_tainted_jwt),
        )

    def end_process(self) -> None:
        """Forget what only the process knew: which tainted authorities it has seen."""
        self._seen_tainted_x509.clear()
        self._seen_tainted_jwt.clear()

    # The way up

    def reaches_top(self, now: Microseconds) -> bool:
        """Whether a JWT authority went from here to the top at this instant, and no way has closed since.

        It saves a tree of thousands of servers the walk from each of them to the top.
        """
        return self._reached_top == (now, self.ledger.closures)

    def mark_reaching_top(self, now: Microseconds) -> None:
        """Note that a JWT authority went from here to the top at this instant."""
        self._reached_top = (now, self.ledger.closures)


def _unseen(names: Iterable[str], seen: set[str]) -> tuple[str, ...]:
    """Those that have not been seen, which from now on they have."""
    unseen = tuple(dict.fromkeys(name for name in names if name not in seen))
    seen.update(unseen)
    return unseen
