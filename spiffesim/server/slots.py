"""Slots: the two places in which a server's authorities wait, work, and have worked.

SPIRE: pkg/server/ca/manager/slot.go
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

import attrs

from spiffesim import rotation
from spiffesim.authority import IssuedCertificate, JwtAuthority, X509Authority
from spiffesim.chain import CertificateLike
from spiffesim.instants import Microseconds

Authority: TypeAlias = X509Authority | JwtAuthority

PREPARED: Final = "PREPARED"
ACTIVE: Final = "ACTIVE"
OLD: Final = "OLD"


@attrs.frozen
class Kind:
    """One kind of authority, and what log lines, the CA journal and the key manager call it.

    Attributes:
        name: In log lines, such as ``X509 CA``.
        slot: A slot of it, in log lines.
        entry: A journal entry of it, in log lines.
        field: Its entries in a record of the CA journal.
        key_id: Its keys in the key manager, before the slot.
    """

    name: str
    slot: str
    entry: str
    field: str
    key_id: str


X509: Final = Kind("X509 CA", "X509CA slot", "X509CA", "x509", "x509-CA")
JWT: Final = Kind("JWT key", "JWT key slot", "JWTKey", "jwt", "JWT-Signer")
WIT: Final = Kind("WIT key", "WIT key slot", "WITKey", "wit", "WIT-Signer")


def authority_id(authority: Authority) -> str:
    """The ID of an authority: a CA's subject key identifier in hexadecimal, a token authority's key ID."""
    if isinstance(authority, JwtAuthority):
        return authority.key_id
    return (authority.certificate.subject_key_id or b"").hex()


def upstream_authority_id(authority: Authority) -> str:
    """The authority key identifier of a CA in hexadecimal; empty for a self-signed one, and for token authorities."""
    if isinstance(authority, JwtAuthority):
        return ""
    return (_authority_key_id(authority.certificate) or b"").hex()


def _authority_key_id(certificate: CertificateLike) -> bytes | None:
    if isinstance(certificate, IssuedCertificate):
        issuer = certificate.issuer
        return issuer.certificate.subject_key_id if issuer is not None else None
    key_id: bytes | None = getattr(certificate, "authority_key_id", None)
    return key_id


@attrs.define
class Slot:
    """One of the two places in which an authority waits, works, or has worked.

    What was in it stays known until another takes its place: an old authority can still be tainted and revoked.

    SPIRE: pkg/server/ca/manager/slot.go
    """

    id: str
    authority: Authority | None = None
    issued_at: Microseconds = 0
    not_after: Microseconds = 0
    status: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it to sign with."""
        return self.authority is None or self.status == OLD

    @property
    def authority_id(self) -> str:
        """The ID of what is, or was, in it; empty before the first."""
        return "" if self.authority is None else authority_id(self.authority)

    @property
    def upstream_authority_id(self) -> str:
        """The ID of the authority that signed what is, or was, in it; empty for a self-signed one."""
        return "" if self.authority is None else upstream_authority_id(self.authority)

    def fill(self, authority: Authority, issued_at: Microseconds) -> None:
        """Prepare an authority here."""
        self.authority = authority
        self.issued_at = issued_at
        self.not_after = authority.not_after
        self.status = PREPARED

    def reset(self) -> None:
        """Sign no more with what is in it."""
        self.status = OLD

    def should_prepare_next(self, now: Microseconds) -> bool:
        """Whether the next authority is due to be prepared."""
        return now > rotation.prepare_after(self.issued_at, self.not_after)

    def should_activate_next(self, now: Microseconds) -> bool:
        """Whether the next authority is due to take over."""
        return now > rotation.activate_after(self.issued_at, self.not_after)


class Slots:
    """The current and the next slot of one kind of authority."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.empty()

    def empty(self) -> None:
        """Begin with two empty slots."""
        self.current = Slot("A")
        self.next = Slot("B")

    def recover(self, usable: Iterable[Slot]) -> None:
        """Begin with what could be used again.

        Args:
            usable: The slots that can, newest first; it is read as far as needed.

        SPIRE: pkg/server/ca/manager/slot.go (getX509CASlots)
        """
        current: Slot | None = None
        following: Slot | None = None
        for slot in usable:
            if slot.status == ACTIVE:
                current = slot
            elif following is None:
                following = slot
            if current is not None and following is not None:
                break
        if current is None:
            current, following = following, None
        self.empty()
        if current is not None:
            self.current, self.next = current, following or Slot("B" if current.id == "A" else "A")

    def to_prepare(self) -> Slot:
        """The slot that the next prepare fills: the current one when there is nothing in it."""
        return self.current if self.current.empty else self.next

    def due(self) -> Microseconds:
        """The earliest instant at which something here is to be prepared or activated."""
        current = self.current
        if current.empty:
            return 0
        threshold = rotation.prepare_after if self.next.empty else rotation.activate_after
        return threshold(current.issued_at, current.not_after) + 1

    def rotate(self) -> None:
        """Swap: the prepared authority takes over, the other becomes old."""
        self.current, self.next = self.next, self.current
        self.next.reset()
        self.activate()

    def activate(self) -> None:
        """The current authority signs from now on."""
        self.current.status = ACTIVE
