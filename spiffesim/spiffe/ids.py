"""SPIFFE IDs and trust domains, to the letter of the SPIFFE-ID standard, and matchers over them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final, NoReturn, TypeAlias

import attrs

from spiffesim.errors import InvalidInput, InvalidSpiffeId, InvalidTrustDomain

SCHEME: Final = "spiffe://"
MAX_ID_BYTES: Final = 2048
MAX_TRUST_DOMAIN_BYTES: Final = 255

CLAUSES: Final = {
    "not_text": "SPIFFE-ID 2",
    "empty": "SPIFFE-ID 2",
    "scheme": "SPIFFE-ID 2",
    "query": "SPIFFE-ID 2",
    "fragment": "SPIFFE-ID 2",
    "trust_domain_missing": "SPIFFE-ID 2.1",
    "userinfo": "SPIFFE-ID 2.1",
    "port": "SPIFFE-ID 2.1",
    "trust_domain_lowercase": "SPIFFE-ID 2.1",
    "trust_domain_percent": "SPIFFE-ID 2.1",
    "trust_domain_characters": "SPIFFE-ID 2.1",
    "empty_segment": "SPIFFE-ID 2.2",
    "trailing_slash": "SPIFFE-ID 2.2",
    "dot_segment": "SPIFFE-ID 2.2",
    "path_percent": "SPIFFE-ID 2.2",
    "path_characters": "SPIFFE-ID 2.2",
    "trust_domain_too_long": "SPIFFE-ID 2.3",
    "too_long": "SPIFFE-ID 2.3",
}
"""Where each requirement of a SPIFFE ID stands, by the code of the error that says that it is broken."""

_TRUST_DOMAIN = re.compile(r"[a-z0-9._-]+")
_SEGMENT = re.compile(r"[a-zA-Z0-9._-]+")
_PREFIX_OF_TRUST_DOMAIN = re.compile(r"[a-z0-9._-]*")
_PREFIX_OF_SEGMENT = re.compile(r"[a-zA-Z0-9._-]*")
_AUTHORITY_END = re.compile(r"[?#]")
_ID = re.compile(r"spiffe://([a-z0-9._-]{1,255})((?:/(?!\.\.?(?:/|\Z))[a-zA-Z0-9._-]+)*)")


@attrs.frozen(order=True, repr=False)
class TrustDomain:
    """The name of a trust domain, such as ``example.org``.

    Args:
        name: Lower-case letters, digits, dots, dashes and underscores; at most 255 bytes.

    Raises:
        InvalidTrustDomain: If the name breaks SPIFFE-ID 2.1 or 2.3.

    Spec: SPIFFE-ID 2.1
    """

    name: str = attrs.field()

    @name.validator
    def _check(self, _attribute: object, value: object) -> None:
        if not isinstance(value, str) or not _TRUST_DOMAIN.fullmatch(value):
            _refuse_trust_domain(value)
        if len(value) > MAX_TRUST_DOMAIN_BYTES:
            raise InvalidTrustDomain(
                f"trust domain name {value[:32]}... has {len(value)} bytes, "
                f"{len(value) - MAX_TRUST_DOMAIN_BYTES} more than {MAX_TRUST_DOMAIN_BYTES}",
                code="trust_domain_too_long",
                clause="SPIFFE-ID 2.3",
                length=len(value),
            )

    @classmethod
    def parse(cls, name_or_id: str | TrustDomain | SpiffeId) -> TrustDomain:
        """Read a trust domain from its name, or from any SPIFFE ID of it.

        Raises:
            InvalidTrustDomain: If it is neither.
            InvalidSpiffeId: If it looks like a SPIFFE ID, but is none.
        """
        if isinstance(name_or_id, TrustDomain):
            return name_or_id
        if isinstance(name_or_id, SpiffeId):
            return name_or_id.trust_domain
        if isinstance(name_or_id, str) and ":/" in name_or_id:
            return SpiffeId(name_or_id).trust_domain
        return cls(name_or_id)

    @property
    def spiffe_id(self) -> SpiffeId:
        """The ID of the trust domain itself, which has no path."""
        return SpiffeId(SCHEME + self.name)

    def id(self, path: str) -> SpiffeId:
        """The SPIFFE ID of this trust domain with a path, such as ``/web``.

        Raises:
            InvalidSpiffeId: If the path breaks SPIFFE-ID 2.2, or does not begin with a slash.
        """
        if path and not path.startswith("/"):  # it would make another trust domain
            reason = "path must have a leading slash"
            raise InvalidSpiffeId(
                f"{reason}: {_shown(path)}; did you mean {_shown(f'/{path}')}?",
                code="leading_slash",
                clause="SPIFFE-ID 2.2",
                reason=reason,
                text=path,
            )
        return SpiffeId(f"{SCHEME}{self.name}{path}")

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"TrustDomain({self.name!r})"


class SpiffeId:
    """A SPIFFE ID, such as ``spiffe://example.org/web``: a value, compared and hashed by its text.

    The scheme and the trust domain must be in lower case: SPIFFE-ID 2.1 (the host MUST be
    lowercase) is taken over 2.4 (they are case-insensitive), as go-spiffe does.

    Args:
        text: The whole ID, at most 2048 bytes.

    Attributes:
        trust_domain: The trust domain.
        path: The path with its leading slash, or ``""`` for the ID of a trust domain.

    Raises:
        InvalidSpiffeId: If the text breaks SPIFFE-ID 2; the message is SPIRE's reason.

    Spec: SPIFFE-ID 2
    """

    __slots__ = ("_text", "path", "trust_domain")

    trust_domain: TrustDomain
    path: str

    def __init__(self, text: str) -> None:
        # The length first: of a text of megabytes the pattern would remember each segment.
        match = _ID.fullmatch(text) if isinstance(text, str) and len(text) <= MAX_ID_BYTES else None
        if match is None:
            _refuse_id(text)
        object.__setattr__(self, "_text", text)
        object.__setattr__(self, "trust_domain", _known_good(match[1]))
        object.__setattr__(self, "path", match[2])

    @classmethod
    def parse(cls, id_or_text: str | SpiffeId) -> SpiffeId:
        """A SPIFFE ID from a text, or the same one back."""
        return id_or_text if isinstance(id_or_text, SpiffeId) else cls(id_or_text)

    def member_of(self, trust_domain: TrustDomain | str) -> bool:
        """Whether the ID belongs to the trust domain."""
        return self.trust_domain == TrustDomain.parse(trust_domain)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise attrs.exceptions.FrozenInstanceError

    def __delattr__(self, name: str) -> NoReturn:
        raise attrs.exceptions.FrozenInstanceError

    def __reduce__(self) -> tuple[type[SpiffeId], tuple[str]]:
        return SpiffeId, (self._text,)  # type: ignore[attr-defined]  # set in __init__, past our own __setattr__

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, SpiffeId) else NotImplemented  # type: ignore[attr-defined]  # as above

    def __lt__(self, other: SpiffeId) -> bool:
        return str(self) < str(other) if isinstance(other, SpiffeId) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)  # type: ignore[attr-defined]  # as above

    def __str__(self) -> str:
        return self._text  # type: ignore[attr-defined,no-any-return]  # as above

    def __repr__(self) -> str:
        return f"SpiffeId({str(self)!r})"


@lru_cache(maxsize=1024)  # thousands of IDs are of the same few trust domains
def _known_good(name: str) -> TrustDomain:
    """A trust domain whose name the pattern of an ID has already checked."""
    trust_domain = object.__new__(TrustDomain)
    object.__setattr__(trust_domain, "name", name)
    return trust_domain


def _refuse_trust_domain(value: object) -> NoReturn:
    reason = (
        "trust domain is missing"
        if not value
        else "trust domain characters are limited to lowercase letters, numbers, dots, dashes, and underscores"
    )
    raise InvalidTrustDomain(
        f"{reason}: {_shown(value)}",
        code="trust_domain_missing" if not value else "trust_domain_characters",
        clause="SPIFFE-ID 2.1",
        reason=reason,
        text=value,
    )


def _refuse_id(text: object) -> NoReturn:
    code, reason = _why_not(text)
    raise InvalidSpiffeId(f"{reason}: {_shown(text)}", code=code, clause=CLAUSES[code], reason=reason, text=text)


_BAD_TRUST_DOMAIN: Final = (
    "trust domain characters are limited to lowercase letters, numbers, dots, dashes, and underscores"
)
_BAD_PATH: Final = "path segment characters are limited to letters, numbers, dots, dashes, and underscores"


def _why_not(text: object) -> tuple[str, str]:
    """The code and the reason (go-spiffe's words, which SPIRE repeats) of a bad ID."""
    if not isinstance(text, str):
        return "not_text", f"a SPIFFE ID is a text, not a {type(text).__name__}"
    if not text:
        return "empty", "cannot be empty"
    if not text.startswith(SCHEME):
        return "scheme", "scheme is missing or invalid"
    name, slash, path = text[len(SCHEME) :].partition("/")
    if not name:
        return "trust_domain_missing", "trust domain is missing"
    if not _TRUST_DOMAIN.fullmatch(name):
        return _why_no_trust_domain(name), _BAD_TRUST_DOMAIN
    found = _why_no_path(path) if slash else None
    if found is not None:
        return found
    if len(name) > MAX_TRUST_DOMAIN_BYTES:
        return "trust_domain_too_long", f"trust domain has {len(name)} bytes, more than {MAX_TRUST_DOMAIN_BYTES}"
    return "too_long", f"the ID has {len(text)} bytes, more than {MAX_ID_BYTES}"


def _why_no_trust_domain(name: str) -> str:
    """The code of what begins with a character that belongs into no trust domain, where it has one of its own."""
    if "@" in _AUTHORITY_END.split(name, maxsplit=1)[0]:
        return "userinfo"
    bad = name[_PREFIX_OF_TRUST_DOMAIN.match(name).end()]  # type: ignore[union-attr]  # it matches the empty text, too
    if bad.isascii() and bad.isupper():
        return "trust_domain_lowercase"
    codes = {"?": "query", "#": "fragment", ":": "port", "%": "trust_domain_percent"}
    return codes.get(bad, "trust_domain_characters")


def _why_no_path(path: str) -> tuple[str, str] | None:
    """The code and the reason of the first bad segment of a path, given without its leading slash."""
    for segment, last in _segments(path):
        if not segment and last:
            return "trailing_slash", "path cannot have a trailing slash"
        if not segment:
            return "empty_segment", "path cannot contain empty segments"
        if segment in (".", ".."):
            return "dot_segment", "path cannot contain dot segments"
        if not _SEGMENT.fullmatch(segment):
            bad = segment[_PREFIX_OF_SEGMENT.match(segment).end()]  # type: ignore[union-attr]  # as above
            codes = {"?": "query", "#": "fragment", "%": "path_percent"}
            return codes.get(bad, "path_characters"), _BAD_PATH
    return None


def _segments(path: str) -> Iterator[tuple[str, bool]]:
    """The segments of a path one by one, as a stranger may send a million, each with whether it is the last."""
    start = 0
    while (end := path.find("/", start)) >= 0:
        yield path[start:end], False
        start = end + 1
    yield path[start:], True


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"


Matcher: TypeAlias = Callable[[SpiffeId], bool]
"""Says whether a peer's SPIFFE ID is one that we talk to."""


@attrs.frozen
class _AnyId:
    def __call__(self, _spiffe_id: SpiffeId) -> bool:
        return True


@attrs.frozen
class _OneOf:
    spiffe_ids: tuple[SpiffeId, ...]

    def __call__(self, spiffe_id: SpiffeId) -> bool:
        return spiffe_id in self.spiffe_ids


@attrs.frozen
class _MemberOf:
    trust_domain: TrustDomain

    def __call__(self, spiffe_id: SpiffeId) -> bool:
        return spiffe_id.trust_domain == self.trust_domain


def match_any() -> Matcher:
    """Matches every SPIFFE ID."""
    return _AnyId()


def match_id(spiffe_id: SpiffeId | str) -> Matcher:
    """Matches exactly one SPIFFE ID."""
    return _OneOf((SpiffeId.parse(spiffe_id),))


def match_one_of(spiffe_ids: Iterable[SpiffeId | str]) -> Matcher:
    """Matches any of the SPIFFE IDs given.

    Raises:
        InvalidInput: If it is one text instead of a collection.
        InvalidSpiffeId: If one of them is none.
    """
    if isinstance(spiffe_ids, str):
        raise InvalidInput(
            f"match_one_of takes a collection of SPIFFE IDs, and match_id one, such as {spiffe_ids!r:.80}"
        )
    return _OneOf(tuple(SpiffeId.parse(spiffe_id) for spiffe_id in spiffe_ids))


def match_member_of(trust_domain: TrustDomain | str) -> Matcher:
    """Matches every SPIFFE ID of a trust domain."""
    return _MemberOf(TrustDomain.parse(trust_domain))
