"""The ledger of a trust domain: an append-only log of its authorities, and each node's view of it.

A bundle is a position in the log and what is known beyond it, so making a server costs the same
however many there are, and reading a bundle costs its own length.
"""

from __future__ import annotations

from bisect import bisect_left

from spiffesim.authority import JwtAuthority
from spiffesim.chain import CertificateLike, ders
from spiffesim.instants import Microseconds
from spiffesim.spiffe.authorities import Pairs
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import TrustDomain


class Ledger:
    """Everything that the top server of a trust domain ever added to its bundle, in order."""

    def __init__(self, trust_domain: TrustDomain) -> None:
        self.trust_domain = trust_domain
        self.roots: list[CertificateLike] = []
        self.jwt_authorities: list[JwtAuthority] = []
        self.announced = 0  # how many JWT authorities were made known everywhere at once
        self.closures = 0  # how often a way up may have closed: an entry changed or deleted, an agent banned
        self._quiet: list[int] = []  # the places of the JWT authorities that were not announced
        self._published: set[tuple[str, bytes, Microseconds]] = set()  # what downstreams published
        self._pairs: tuple[tuple[int, int], Pairs] | None = None  # the keys that were read last

    def add_root(self, root: CertificateLike) -> bool:
        """Append an X.509 authority; False if it is there already."""
        if any(known is root or (not _lazy(known, root) and known.der == root.der) for known in self.roots):
            return False
        self.roots.append(root)
        return True

    def add_jwt_authority(self, authority: JwtAuthority, *, everywhere: bool = False) -> None:
        """Append a JWT authority, unless a downstream has published the very same before.

        Args:
            authority: The authority.
            everywhere: Whether every view of the trust domain knows it at once, as a convenience
                call leaves it; else it waits until each view catches up.

        SPIRE: pkg/common/bundleutil/bundle.go (MergeBundles)
        """
        published = authority.published_as
        if published in self._published:
            return
        if published is not None:
            self._published.add(published)
        if everywhere:
            authority.everywhere = True
            self.announced += 1
        else:
            self._quiet.append(len(self.jwt_authorities))
        self.jwt_authorities.append(authority)

    def quiet_before(self, position: int) -> int:
        """How many of the first JWT authorities were not announced."""
        return bisect_left(self._quiet, position)

    def jwt_authorities_at(self, position: int) -> list[JwtAuthority]:
        """The JWT authorities that a view at this position knows: the first ones, and those announced later."""
        log = self.jwt_authorities
        return log[:position] + [later for later in log[position:] if later.everywhere]

    def jwt_pairs_at(self, position: int) -> Pairs:
        """The same by key ID; views that know the same ones share them.

        Otherwise each bundle of a trust domain of 9,841 servers would take 12 ms, and not 1.
        """
        state = self.quiet_before(position), len(self.jwt_authorities)  # they say which ones are known
        if self._pairs is None or self._pairs[0] != state:
            known = {authority.key_id: authority.spki for authority in self.jwt_authorities_at(position)}
            self._pairs = state, tuple(known.items())
        return self._pairs[1]


def _lazy(first: CertificateLike, second: CertificateLike) -> bool:
    """Whether both are records of ours: two of those are the same only if they are one."""
    return hasattr(first, "profile") and hasattr(second, "profile")


class View:
    """What one server, or one agent, knows of the ledger.

    Attributes:
        x509_position: How many roots it has learnt of.
        jwt_position: How many JWT authorities, besides those announced everywhere.
        wit_authorities: Its own WIT authorities, which never leave the server.
            SPIRE: pkg/server/ca/manager/manager.go (PrepareWITKey)
    """

    __slots__ = ("_bundle", "_changes", "_reached_top", "jwt_position", "ledger", "wit_authorities", "x509_position")

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.x509_position = 0
        self.jwt_position = 0
        self.wit_authorities: list[JwtAuthority] = []
        # SPIRE counts a bundle's changes from 0, which is its creation; announcements count for all.
        self._changes = -1 - ledger.announced
        self._bundle: tuple[tuple[int, ...], SpiffeBundle] | None = None
        self._reached_top: tuple[Microseconds, int] | None = None

    @property
    def sequence_number(self) -> int:
        """One more at each effective change of this bundle.

        SPIRE: pkg/server/datastore/sqlstore/sqlstore.go
        """
        return max(self._changes + self.ledger.announced, 0)

    def learn_roots(self, position: int | None = None) -> bool:
        """Catch up with the roots, up to a position or the end; True if there was anything new."""
        position = len(self.ledger.roots) if position is None else position
        if position <= self.x509_position:
            return False
        self.x509_position = position
        self._changes += 1
        return True

    def learn_jwt_authorities(self, position: int | None = None) -> bool:
        """Catch up with the JWT authorities, up to a position or the end; True if there was anything new."""
        position = len(self.ledger.jwt_authorities) if position is None else position
        pending = self.ledger.quiet_before(position) > self.ledger.quiet_before(self.jwt_position)
        self.jwt_position = max(position, self.jwt_position)
        self._changes += pending
        return pending

    def reaches_top(self, now: Microseconds) -> bool:
        """Whether a JWT authority went from here to the top at this instant, and no way has closed since.

        It saves a tree of thousands of servers the walk from each of them to the top.
        """
        return self._reached_top == (now, self.ledger.closures)

    def mark_reaching_top(self, now: Microseconds) -> None:
        """Note that a JWT authority went from here to the top at this instant."""
        self._reached_top = (now, self.ledger.closures)

    def add_wit_authority(self, authority: JwtAuthority) -> None:
        """Add a WIT authority of this server's own."""
        self.wit_authorities.append(authority)
        self._changes += 1

    def catch_up(self, upstream: View) -> bool:
        """Learn what the server above knows; True if there was anything new."""
        roots = self.learn_roots(upstream.x509_position)
        keys = self.learn_jwt_authorities(upstream.jwt_position)
        return roots or keys

    def copy(self, server: View) -> bool:
        """Become the view of the server, as an agent's sync does; True if anything changed."""
        state = self._state
        self.x509_position = server.x509_position
        self.jwt_position = server.jwt_position
        self._changes = server._changes
        return self._state != state

    @property
    def roots(self) -> list[CertificateLike]:
        """The X.509 authorities, oldest first."""
        return self.ledger.roots[: self.x509_position]

    @property
    def jwt_authorities(self) -> list[JwtAuthority]:
        """The JWT authorities, oldest first."""
        return self.ledger.jwt_authorities_at(self.jwt_position)

    @property
    def bundle(self) -> SpiffeBundle:
        """The bundle as a document; the same object until something changes."""
        state = self._state
        if self._bundle is None or self._bundle[0] != state:
            bundle = SpiffeBundle(
                self.ledger.trust_domain,
                x509_der=ders(self.roots),
                jwt_spki=self.ledger.jwt_pairs_at(self.jwt_position),
                wit_spki={authority.key_id: authority.spki for authority in self.wit_authorities},
                sequence_number=self.sequence_number,
            )
            self._bundle = (state, bundle)
        return self._bundle[1]

    @property
    def _state(self) -> tuple[int, ...]:
        return (
            self.x509_position,
            self.jwt_position,
            self.ledger.announced,
            self._changes,
            len(self.wit_authorities),
        )
