"""Evidence: what a verdict was given on. It is kept, not looked at, until somebody asks why.

It holds no private key: of an SVID its certificates, of a token its text, of all bundles the one that was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from spiffesim.errors import InvalidSvid
from spiffesim.instants import LAST, SECOND, Microseconds
from spiffesim.spiffe.jose import claims as read
from spiffesim.spiffe.jose import compact

if TYPE_CHECKING:
    from spiffesim.spiffe.bundle import SpiffeBundle
    from spiffesim.spiffe.proof import Proof
    from spiffesim.spiffe.verdict import Verdict
    from spiffesim.spiffe.x509.certificate import Certificate

MOST_CERTIFICATES: Final = 256
MOST_STRETCHES: Final = 16
"""Of how many certificates, presented and in the bundle, and of how many stretches of time in the life of the leaf the
answer is worked out: to explain a verdict costs no more than so many judgements."""

LEAF: Final = "the leaf"
AUTHORITY: Final = "the authority"

Stretch: TypeAlias = tuple[Microseconds | None, Microseconds | None]
"""A time by its first and its last instant; None where it has none."""


class Life(NamedTuple):
    """From when to when something that a document hangs on is valid.

    Attributes:
        whose: The leaf, an intermediate, the authority, the token, or the proof.
        first: Its first instant; None where it says none.
        last: Its last instant; None where it says none.
    """

    whose: str
    first: Microseconds | None
    last: Microseconds | None


class ChainEvidence(NamedTuple):
    """What is known of a chain of certificates that was judged.

    Attributes:
        again: What judges it again, at another instant.
        presented: All presented certificates, the leaf first.
        bundle: The bundle of the leaf's trust domain; None if none is held.
        path: The certificates of the path that was judged, the leaf first; empty where there was none.
        anchored: Whether its last certificate is an authority of the bundle.
    """

    again: Callable[[Any, Microseconds], Verdict]
    presented: Sequence[Certificate]
    bundle: SpiffeBundle | None
    path: Sequence[Certificate] = ()
    anchored: bool = False

    def named(self) -> list[tuple[str, Certificate]]:
        """The certificates of the path, or else those that were presented, each with what it is called."""
        if len(self.path) > 1 or len(self.presented) == 1:
            return [(self.role(depth), certificate) for depth, certificate in enumerate(self.path or self.presented)]
        # Nobody has asked which of them belong to the path.
        others = enumerate(self.presented[1:], 1)
        return [(LEAF, self.presented[0]), *((f"certificate {place}", other) for place, other in others)]

    def role(self, depth: int) -> str:
        """What a certificate of the path is called."""
        if not depth:
            return LEAF
        return AUTHORITY if self.anchored and depth == len(self.path) - 1 else f"intermediate {depth}"

    def lives(self) -> list[Life]:
        """When each certificate of the path is valid."""
        return [Life(name, each.not_before, each.not_after) for name, each in self.named()]

    def stretches(self) -> list[Stretch] | None:
        """The life of the leaf, cut wherever the answer may change; None if there is too much to look at."""
        known = () if self.bundle is None else self.bundle.anchors.certificates
        if len(self.presented) + len(known) > MOST_CERTIFICATES:
            return None
        leaf = self.presented[0]
        first, end = leaf.not_before, leaf.not_after + 1
        found = {edge for each in (*self.presented, *known) for edge in (each.not_before, each.not_after + 1)}
        edges = sorted(edge for edge in found if first <= edge <= end)
        return (
            [(edge, following - 1) for edge, following in pairwise(edges)] if len(edges) <= MOST_STRETCHES + 1 else None
        )


class TokenEvidence(NamedTuple):
    """What is known of a token that was judged.

    Attributes:
        again: What judges it again, at another instant.
        kind: By which rules.
        token: Its text; None if it was no text, or a longer one than any token is.
        bundle: The bundle of the subject's trust domain; None if none is held.
        audience: Whom the validator goes by.
        leeway: How wrong the clocks may be.
        proof: The proof of possession that came with it.
    """

    again: Callable[[Any, Microseconds], Verdict]
    kind: str
    token: str | bytes | None
    bundle: SpiffeBundle | None
    audience: tuple[str, ...]
    leeway: Microseconds
    proof: Proof | None = None

    def parts(self) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
        """The header and the claims; None in the place of what cannot be read."""
        if "/" in self.kind:  # the profiles are those of programs in Go
            return self._as_go_reads()
        try:
            header, payload, _, _ = compact.segments(self.token)
        except InvalidSvid:
            return None, None
        return _part("header", header), _part("payload", payload)

    def _as_go_reads(self) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
        from spiffesim.spiffe.jose import gojose

        header = None
        try:
            token = gojose.parse_signed(self.token)
            header = token.header
            return header, gojose.read_claims(token.payload)
        except gojose.Failed:
            return header, None

    def instant(self, claims: Mapping[str, Any], name: str) -> Microseconds | None:
        """The instant of a claim, or None if it has none that can be read."""
        try:
            return read.instant(claims, name)
        except read.Broken:
            return None

    def lives(self) -> list[Life]:
        """When the token is valid, and its proof."""
        claims = self.parts()[1] or {}
        begin, end = self.instant(claims, "nbf"), self.instant(claims, "exp")
        lives = [Life("the token", begin, None if end is None else end - 1)]
        if self.proof is not None:
            lives.append(Life("the proof", None, self.proof.ends - 1))
        return lives

    def stretches(self) -> list[Stretch] | None:
        """All time, cut wherever the answer may change."""
        edges = sorted({edge for edge in self._edges() if read.EARLIEST < edge <= LAST})
        ends = [*(edge - 1 for edge in edges), None]
        return list(zip([None, *edges], ends, strict=True))

    def _edges(self) -> Iterator[Microseconds]:
        claims = self.parts()[1] or {}
        for name in ("nbf", "exp", "iat"):
            found = self.instant(claims, name)
            if found is not None:
                # SPIRE drops fractions; and whether an end still counts is for the rules to say.
                for edge in (found, int(claims[name]) * SECOND):
                    for shifted in (edge - self.leeway, edge + self.leeway):
                        yield from (shifted, shifted + 1)
        if self.proof is not None:
            yield self.proof.ends


Evidence: TypeAlias = ChainEvidence | TokenEvidence


def text_of(token: object) -> str | bytes | None:
    """A token as far as it is kept: longer ones are refused unread."""
    return token if isinstance(token, str | bytes) and len(token) <= compact.MAX_TOKEN else None


def _part(name: str, data: bytes) -> dict[str, Any] | None:
    try:
        return compact.read_part(name, data)
    except InvalidSvid:
        return None
