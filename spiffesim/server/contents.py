"""Contents: the authorities that a bundle holds, and how they are tainted, revoked and pruned.

SPIRE: pkg/server/datastore/sqlstore/sqlstore.go, pkg/common/bundleutil/bundle.go
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import attrs

from spiffesim.authority import JwtAuthority
from spiffesim.chain import CertificateLike, ders
from spiffesim.errors import NotFound, Refused
from spiffesim.instants import Microseconds, span, whole_second
from spiffesim.ledger import JwtElement, Ledger, Log, X509Element
from spiffesim.spiffe.bundle import SpiffeBundle

MARGIN: Final[Microseconds] = span(timedelta(hours=24))
"""How long authorities stay in bundles after their end. SPIRE: pkg/server/ca/manager/manager.go"""


@attrs.frozen
class Pruned:
    """What was removed from a bundle after its end; true if anything was."""

    x509: tuple[X509Element, ...] = ()
    jwt: tuple[JwtElement, ...] = ()
    wit: tuple[JwtAuthority, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.x509 or self.jwt or self.wit)


class Contents:
    """What one bundle of the trust domain holds.

    Args:
        ledger: What all bundles of the trust domain share.

    Attributes:
        ledger: The same.
        wit_authorities: Its own WIT authorities, which never leave the server.
            SPIRE: pkg/server/ca/manager/manager.go (PrepareWITKey)
        refresh_hint: How often consumers should look for a newer one, in seconds; 0 for none.
    """

    __slots__ = ("_bundle", "_changes", "_log", "_place", "_x509", "ledger", "refresh_hint", "wit_authorities")

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._bundle: tuple[tuple[object, ...], SpiffeBundle] | None = None
        self.forget()

    def forget(self) -> None:
        """Lose everything, with the datastore."""
        self.wit_authorities: list[JwtAuthority] = []
        self.refresh_hint = 0
        self._x509: tuple[X509Element, ...] = ()
        self._log, self._place = Log(self.ledger), 0
        # SPIRE counts a bundle's changes from 0, which is its creation; announcements count for all.
        self._changes = -1 - len(self.ledger.announced)

    # What it holds

    @property
    def x509_elements(self) -> tuple[X509Element, ...]:
        """The X.509 authorities with their taint, in the order in which they came."""
        return self._x509

    @property
    def roots(self) -> list[CertificateLike]:
        """The X.509 authorities, in the order in which they came."""
        return [element.certificate for element in self._x509]

    @property
    def tainted_roots(self) -> list[CertificateLike]:
        """Those that are tainted."""
        return [element.certificate for element in self._x509 if element.tainted]

    @property
    def jwt_elements(self) -> list[JwtElement]:
        """The JWT authorities with their taint, in the order in which they came."""
        self._log.hear()
        return self._log.known(self._place)

    @property
    def jwt_authorities(self) -> list[JwtAuthority]:
        """The JWT authorities, in the order in which they came."""
        return [element.authority for element in self.jwt_elements]

    @property
    def sequence_number(self) -> int:
        """One more at each effective change of this bundle.

        SPIRE: pkg/server/datastore/sqlstore/sqlstore.go
        """
        return max(self._changes + len(self.ledger.announced), 0)

    @property
    def exists(self) -> bool:
        """Whether anything was ever stored."""
        return self._changes + len(self.ledger.announced) >= 0

    @property
    def bundle(self) -> SpiffeBundle:
        """The bundle as a document; the same object until something changes."""
        state = self._state
        if self._bundle is None or self._bundle[0] != state:
            bundle = SpiffeBundle(
                self.ledger.trust_domain,
                x509_der=ders(self.roots),
                jwt_spki=self.ledger.jwt_pairs(self._log, self._place),
                wit_spki={authority.key_id: authority.spki for authority in self.wit_authorities},
                sequence_number=self.sequence_number,
                refresh_hint=timedelta(seconds=self.refresh_hint) if self.refresh_hint else None,
            )
            self._bundle = (state, bundle)
        return self._bundle[1]

    @property
    def _state(self) -> tuple[object, ...]:
        self._log.hear()
        return (
            self._x509,
            self._log,
            self._place,
            len(self.ledger.announced),
            self._changes,
            len(self.wit_authorities),
            self.refresh_hint,
        )

    # What comes in

    def add_root(self, root: CertificateLike) -> bool:
        """Append a root of this server's own; True if it is new."""
        return self._append_x509((X509Element(self.ledger.root(root)),))

    def add_jwt_authority(self, authority: JwtAuthority) -> bool:
        """Append a JWT authority; True if it is new."""
        return self._append_jwt([JwtElement(self.ledger.authority(authority))])

    def add_wit_authority(self, authority: JwtAuthority) -> None:
        """Add a WIT authority of this server's own."""
        self.wit_authorities.append(authority)
        self._changes += 1

    def _append_x509(self, elements: Iterable[X509Element]) -> bool:
        missing = tuple(dict.fromkeys(element for element in elements if element not in self._x509))
        self._x509 += missing
        self._changes += bool(missing)
        return bool(missing)

    def _append_jwt(self, elements: Iterable[JwtElement]) -> bool:
        self._log.hear()
        missing = [element for element in elements if not self._log.knows(self._place, element)]
        if missing:
            self._log, self._place = self._log.place_after(self._place, missing)
            self._changes += 1
        return bool(missing)

    # Taint and revocation

    def taint_x509(self, subject_key_id: str) -> None:
        """Mark a root as tainted.

        Args:
            subject_key_id: Its subject key ID in lower-case hex.

        Raises:
            NotFound: If there is none.
            Refused: INVALID_ARGUMENT, if it is tainted already.

        SPIRE: pkg/server/datastore/sqlstore/sqlstore.go (taintX509CA)
        """
        found = self._x509_of(subject_key_id, "no ca found with provided subject key ID")
        if any(element.tainted for element in found):
            raise Refused("root CA is already tainted", status="INVALID_ARGUMENT", hint=subject_key_id)
        self._x509 = tuple(
            attrs.evolve(element, tainted=True) if element in found else element for element in self._x509
        )
        self._changes += 1

    def revoke_x509(self, subject_key_id: str) -> None:
        """Remove a tainted root.

        Args:
            subject_key_id: Its subject key ID in lower-case hex.

        Raises:
            NotFound: If there is none.
            Refused: INVALID_ARGUMENT, if it is not tainted.

        SPIRE: pkg/server/datastore/sqlstore/sqlstore.go (revokeX509CA)
        """
        found = self._x509_of(subject_key_id, "no root CA found with provided subject key ID")
        if not all(element.tainted for element in found):
            raise Refused(
                "it is not possible to revoke an untainted root CA", status="INVALID_ARGUMENT", hint=subject_key_id
            )
        self._x509 = tuple(element for element in self._x509 if element not in found)
        self._changes += 1

    def _x509_of(self, subject_key_id: str, otherwise: str) -> list[X509Element]:
        found = [element for element in self._x509 if element.subject_key_id == subject_key_id]
        if not found:
            raise NotFound(otherwise, status="NOT_FOUND", hint=subject_key_id)
        return found

    def taint_jwt(self, key_id: str) -> None:
        """Mark a JWT authority as tainted.

        Raises:
            NotFound: If there is none.
            Refused: INVALID_ARGUMENT, if it is tainted already; INTERNAL, if there are two of this key ID.

        SPIRE: pkg/server/datastore/sqlstore/sqlstore.go (taintJWTKey)
        """
        first, *others = self._jwt_of(key_id)
        if first.tainted or (others and others[0].tainted):
            raise Refused("key is already tainted", status="INVALID_ARGUMENT", hint=key_id)
        if others:
            raise Refused("another JWT Key found with the same KeyID", status="INTERNAL", hint=key_id)
        self._store_jwt(
            attrs.evolve(element, tainted=True) if element == first else element for element in self.jwt_elements
        )

    def revoke_jwt(self, key_id: str) -> None:
        """Remove a tainted JWT authority.

        Raises:
            NotFound: If there is none.
            Refused: INVALID_ARGUMENT, if it is not tainted; INTERNAL, if there are two of this key ID.

        SPIRE: pkg/server/datastore/sqlstore/sqlstore.go (revokeJWTKey)
        """
        first, *others = self._jwt_of(key_id)
        if not first.tainted:
            raise Refused("it is not possible to revoke an untainted key", status="INVALID_ARGUMENT", hint=key_id)
        if others:
            raise Refused("another key found with the same KeyID", status="INTERNAL", hint=key_id)
        self._store_jwt(element for element in self.jwt_elements if element != first)

    def _jwt_of(self, key_id: str) -> list[JwtElement]:
        found = [element for element in self.jwt_elements if element.key_id == key_id]
        if not found:
            raise NotFound("no JWT Key found with provided key ID", status="NOT_FOUND", hint=key_id)
        return found

    def _store_jwt(self, elements: Iterable[JwtElement]) -> None:
        kept = list(elements)
        self._log, self._place = self.ledger.log_of(kept), len(kept)
        self._changes += 1

    # Pruning

    @property
    def prune_due(self) -> Microseconds | None:
        """From when on a prune would remove something, or be refused; None if never.

        Too early at most, and only while the server above has a JWT authority that has not come here.
        """
        if not self.exists:
            return None
        if not self._x509:
            return 0
        self._log.hear()
        ends = [element.certificate.not_after for element in self._x509]
        ends += [whole_second(authority.not_after) for authority in self.wit_authorities]
        if self._log.soonest is not None:
            ends.append(self._log.soonest)
        return min(ends) + MARGIN

    def prune(self, now: Microseconds) -> Pruned:
        """Remove what ended a day ago.

        Args:
            now: The present instant.

        Raises:
            Refused: If that were all authorities of a kind; then nothing is removed. Its fact ``pruned`` is what
                would have been.

        SPIRE: pkg/common/bundleutil/bundle.go (PruneBundle)
        """
        due, last = self.prune_due, now - MARGIN
        if due is None or now < due:
            return Pruned()
        jwt = self.jwt_elements
        pruned = Pruned(
            tuple(element for element in self._x509 if element.certificate.not_after <= last),
            tuple(element for element in jwt if element.not_after <= last),
            tuple(authority for authority in self.wit_authorities if whole_second(authority.not_after) <= last),
        )
        self._check_prune(pruned, len(jwt))
        if pruned:
            self._remove(pruned, jwt)
        return pruned

    def _check_prune(self, pruned: Pruned, jwt: int) -> None:
        """Refuse to remove the last authority of a kind."""
        what = ""
        if len(pruned.x509) == len(self._x509):
            what = "certificates"
        elif pruned.jwt and len(pruned.jwt) == jwt:
            what = "JWT signing keys"
        elif pruned.wit and len(pruned.wit) == len(self.wit_authorities):
            what = "WIT signing keys"
        if what:
            raise Refused(f"would prune all {what}", status="UNKNOWN", pruned=pruned)

    def _remove(self, pruned: Pruned, jwt: list[JwtElement]) -> None:
        self._x509 = tuple(element for element in self._x509 if element not in pruned.x509)
        if pruned.jwt:
            gone = set(pruned.jwt)
            kept = [element for element in jwt if element not in gone]
            self._log, self._place = self.ledger.log_of(kept), len(kept)
        self.wit_authorities = [authority for authority in self.wit_authorities if authority not in pruned.wit]
        self.refresh_hint = 0  # SPIRE: it is not carried over
        self._changes += 1
