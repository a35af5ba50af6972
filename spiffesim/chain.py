"""Chains of certificates, whoever made them, that share their tails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from spiffesim.instants import Microseconds


class CertificateLike(Protocol):
    """What the line needs to know of a certificate, whoever made it."""

    @property
    def der(self) -> bytes:
        """All its bytes."""
        ...

    @property
    def subject(self) -> bytes:
        """Whom it is about, a Name as DER."""
        ...

    @property
    def subject_key_id(self) -> bytes | None:
        """Its subject key identifier, if it has one."""
        ...

    @property
    def not_before(self) -> Microseconds:
        """When it begins."""
        ...

    @property
    def not_after(self) -> Microseconds:
        """When it ends."""
        ...


class Chain:
    """A chain of certificates that shares its tail with the chain above: making one costs the same at any depth."""

    __slots__ = ("_length", "head", "tail")

    def __init__(self, head: CertificateLike, tail: Chain | None = None) -> None:
        self.head = head
        self.tail = tail
        self._length: int = 1 + (tail._length if tail is not None else 0)

    @classmethod
    def of(cls, certificates: Sequence[CertificateLike]) -> Chain | None:
        """A chain of these certificates, the first at its head; None if there are none."""
        chain: Chain | None = None
        for certificate in reversed(certificates):
            chain = cls(certificate, chain)
        return chain

    def __iter__(self) -> Iterator[CertificateLike]:
        link: Chain | None = self
        while link is not None:
            yield link.head
            link = link.tail

    def __len__(self) -> int:
        return self._length

    # Pickled flat: a chain may be thousands of certificates long.
    def __reduce__(self) -> tuple[object, tuple[tuple[CertificateLike, ...]]]:
        return Chain.of, (tuple(self),)


def ders(certificates: Iterable[CertificateLike]) -> tuple[bytes, ...]:
    """The real bytes of certificates."""
    return tuple(certificate.der for certificate in certificates)
