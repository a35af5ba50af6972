"""The ledger of a trust domain: every authority that any of its bundles ever had, one record each.

JWT authorities stand in logs: a bundle is a place in one, and what was announced beyond it. So making a server costs
the same however many there are, and reading a bundle costs its own length.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable
from typing import Final

import attrs

from spiffesim.authority import JwtAuthority
from spiffesim.chain import CertificateLike
from spiffesim.instants import Microseconds, whole_second
from spiffesim.spiffe.authorities import Pairs
from spiffesim.spiffe.ids import TrustDomain

_REMEMBERED: Final = 4
"""How many of the last logs that were made a further one may turn out to be the same as."""


@attrs.frozen
class X509Element:
    """An X.509 authority as a bundle holds it. The same one with and without taint are two elements.

    Attributes:
        certificate: The root.
        tainted: Whether everybody should leave what it has signed.
    """

    certificate: CertificateLike
    tainted: bool = False

    @property
    def subject_key_id(self) -> str:
        """By which it is known, in lower-case hex; empty if it has none."""
        return (self.certificate.subject_key_id or b"").hex()

    def __str__(self) -> str:
        return self.subject_key_id


@attrs.frozen
class JwtElement:
    """A JWT authority as a bundle holds it. The same one with and without taint are two elements.

    Attributes:
        authority: The authority.
        tainted: Whether everybody should leave what it has signed.
    """

    authority: JwtAuthority
    tainted: bool = False

    @property
    def key_id(self) -> str:
        """By which it is known."""
        return self.authority.key_id

    @property
    def not_after(self) -> Microseconds:
        """When it ends, in whole seconds as it is stored."""
        return whole_second(self.authority.not_after)

    def __str__(self) -> str:
        return self.key_id


class Ledger:
    """What all bundles of a trust domain share.

    Attributes:
        trust_domain: Whose bundles they are.
        announced: The JWT authorities that were made known everywhere at once.
        latest_prune: The latest instant that anybody waits for with pruning its bundle.
        closures: How often a way up may have closed: an entry changed or deleted, an agent banned.
    """

    def __init__(self, trust_domain: TrustDomain) -> None:
        self.trust_domain = trust_domain
        self.announced: list[JwtElement] = []
        self.latest_prune: Microseconds = 0
        self.closures = 0
        self._roots: list[CertificateLike] = []
        self._published: dict[tuple[str, bytes, Microseconds], JwtAuthority] = {}
        self._made: deque[Log] = deque(maxlen=_REMEMBERED)
        self._pairs: tuple[tuple[Log, int, int], Pairs] | None = None  # the keys that were read last

    def root(self, certificate: CertificateLike) -> CertificateLike:
        """The one record of a root, whoever read it."""
        for known in self._roots:
            if known is certificate or (not _records(known, certificate) and known.der == certificate.der):
                return known
        self._roots.append(certificate)
        return certificate

    def authority(self, authority: JwtAuthority) -> JwtAuthority:
        """The one record of a JWT authority: a downstream may publish the very same twice."""
        published = authority.published_as
        return authority if published is None else self._published.setdefault(published, authority)

    def announce(self, authority: JwtAuthority) -> None:
        """Make a new JWT authority known in every bundle at once, as a convenience call leaves it."""
        self.announced.append(JwtElement(authority))

    def log_of(self, elements: list[JwtElement]) -> Log:
        """A log that begins with just these; those who make the same one at about the same time share it."""
        length = len(elements)
        for log in self._made:
            log.hear()
            if log.elements[:length] == elements and not log.announced_beyond(length):
                return log
        log = Log(self, elements)
        self._made.append(log)
        return log

    def jwt_pairs(self, log: Log, length: int) -> Pairs:
        """The keys by key ID that a view at this place knows; views that know the same ones share them.

        Otherwise each bundle of a trust domain of 9,841 servers would take 12 ms, and not 1.
        """
        state = log, log.quiet_before(length), len(log.elements)  # they say which ones are known
        if self._pairs is None or self._pairs[0] != state:
            known = {element.key_id: element.authority.spki for element in log.known(length)}
            self._pairs = state, tuple(known.items())
        return self._pairs[1]


class Log:
    """JWT authorities in the order in which bundles took them over.

    A view that stands at a place knows what is before it, and of what is behind it the announced ones.

    Args:
        ledger: The ledger.
        elements: What it begins with.

    Attributes:
        elements: All of them, of which each is there once.
        soonest: When the first of them ends.
    """

    __slots__ = ("_announced", "_heard", "_ledger", "_places", "_tainted", "elements", "soonest")

    def __init__(self, ledger: Ledger, elements: Iterable[JwtElement] = ()) -> None:
        self._ledger = ledger
        self._heard = len(ledger.announced)
        self._announced: list[int] = []  # the places of those that were announced since it began, in order
        self._places: dict[JwtElement, int] = {}
        self.elements: list[JwtElement] = []
        self.soonest: Microseconds | None = None
        self._tainted: list[int] = []  # the places of those that are tainted: they were never announced
        for element in elements:
            self._append(element)

    def _append(self, element: JwtElement) -> None:
        place = self._places[element] = len(self.elements)
        self.elements.append(element)
        self.soonest = element.not_after if self.soonest is None else min(self.soonest, element.not_after)
        if element.tainted:
            self._tainted.append(place)

    def hear(self) -> None:
        """Take over what has been announced."""
        announced = self._ledger.announced
        while self._heard < len(announced):
            element = announced[self._heard]
            self._heard += 1
            if element not in self._places:
                self._append(element)
            insort(self._announced, self._places[element])

    def announced_beyond(self, length: int) -> list[int]:
        """The places of what a view knows although it stands before it."""
        return self._announced[bisect_left(self._announced, length) :]

    def quiet_before(self, length: int) -> int:
        """How many of the first were not announced."""
        return length - bisect_left(self._announced, length)

    def known(self, length: int) -> list[JwtElement]:
        """What a view at this place knows."""
        return self.elements[:length] + [self.elements[place] for place in self.announced_beyond(length)]

    def knows(self, length: int, element: JwtElement) -> bool:
        """Whether a view at this place knows this one."""
        place = self._places.get(element)
        return place is not None and (place < length or self._is_announced(place))

    def _is_announced(self, place: int) -> bool:
        nearest = bisect_left(self._announced, place)
        return self._announced[nearest : nearest + 1] == [place]

    def tainted_before(self, length: int) -> list[JwtElement]:
        """What a view at this place knows to be tainted."""
        return [self.elements[place] for place in self._tainted if place < length]

    def place_after(self, length: int, added: list[JwtElement]) -> tuple[Log, int]:
        """Where a view at this place stands once it knows something more.

        As long as views take over the same, they share the log; who takes over something else goes on in a new one.
        """
        if self.quiet_before(length) == self.quiet_before(len(self.elements)):
            length = len(self.elements)
        place = length
        for element in added:
            while self._is_announced(place):
                place += 1
            if place == len(self.elements):
                self._append(element)
            elif self.elements[place] != element:
                elements = self.known(length) + added
                return self._ledger.log_of(elements), len(elements)
            place += 1
        return self, place


def _records(first: CertificateLike, second: CertificateLike) -> bool:
    """Whether both are records of ours: two of those are the same only if they are one."""
    return hasattr(first, "profile") and hasattr(second, "profile")
