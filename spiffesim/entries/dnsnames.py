"""Whether a server puts a DNS name into an SVID, and in SPIRE's words why not.

SPIRE: pkg/common/x509util/dns.go, which hands each name to Go's IDNA profile with the checks of
labels, lengths, hyphens, joiners and right-to-left scripts, as built with the tables of Unicode 15.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from spiffesim.golang import quoted

_ACE_PREFIX: Final = "xn--"
_MAX_LABEL: Final = 63
_MAX_NAME: Final = 253

_JOINERS: Final = "\u200c\u200d"
_DEVIATIONS: Final = "\u00df\u03c2"
_EXCLUDED: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u1806\u180b-\u180f\u2260\u226e\u226f\u2ff0-\u2ffb\u3002\ufe00-\ufe0f"
    "\ufffc\ufffd\U000e0100-\U000e01ef]"
)
_VIRAMA: Final = 9  # the canonical combining class
_UNUSABLE: Final = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs")
_RIGHT_TO_LEFT: Final = ("R", "AL", "AN")
_NEUTRAL: Final = ("ES", "CS", "ET", "ON", "BN", "NSM")


def why_not_dns_name(name: str) -> str | None:
    """SPIRE's reason why a name, or a wildcard such as ``*.example.org``, is refused, or None.

    Not refused: upper case, underscores, blanks. Go's profile leaves them to mapping rules that
    SPIRE does not ask for.
    """
    if not name.isascii():
        return "name must be ascii"
    stars = name.count("*")
    if stars > 1:
        return "too many wildcards"
    if stars and not name.startswith("*."):
        return "wildcard must be first label"
    return _why_not_plain(name.removeprefix("*.") if stars else name)


def wildcard_overlap(names: Iterable[str]) -> str | None:
    """The first name that a wildcard among the names covers already, or None.

    SPIRE asks this when an operator mints an X.509-SVID, never of a registration entry.
    """
    names = tuple(names)
    wildcards = frozenset(name for name in names if name.startswith("*"))
    for name in names:
        if name not in wildcards and ".".join(("*", *name.split(".")[1:])) in wildcards:
            return name
    return None


def _why_not_plain(name: str) -> str | None:
    """The reason against a name without a wildcard."""
    name = name.strip(" \t\n\v\f\r")
    if not name:
        return "empty or only whitespace"
    if name.endswith("."):
        return "domain ends with dot"
    labels = name.split(".")
    culprit = _bad_label(labels, name)
    if culprit is not None:
        # SPIRE: errors.Join puts each error on a line of its own.
        return f"idna error\nidna: invalid label {quoted(culprit)}"
    output = ".".join(_encoded(_decoded(label)) for label in labels)
    if output != name:
        return f'input domain name "{name}" does not match idna output "{output}": label mismatch after idna'
    return None


def _bad_label(labels: list[str], name: str) -> str | None:
    """What Go's IDNA profile names in its complaint: a label, the name, or None."""
    decoded: list[str] = []
    for label in labels:
        text, culprit = _read_label(label, name)
        if culprit is not None:
            return culprit
        decoded.append(text)
    if any(map(_is_right_to_left, decoded)) and not all(map(_keeps_bidi_rule, decoded)):
        return name
    too_long = [text for text in map(_encoded, decoded) if len(text) > _MAX_LABEL]
    return too_long[0] if too_long else name if len(name) > _MAX_NAME else None


def _read_label(label: str, name: str) -> tuple[str, str | None]:
    """The Unicode of a label, and what Go names if there is something wrong with it."""
    if not label:
        return "", name
    text = label
    if label.startswith(_ACE_PREFIX):
        encoded = label.removeprefix(_ACE_PREFIX)
        try:
            text = _decoded(label)
        except UnicodeError:
            return "", encoded
        if text and text.isascii():
            return text, encoded
        if not all(map(_usable, text)) or not unicodedata.is_normalized("NFC", text):
            return text, text
    return text, text if _breaks_label_rules(text) else None


def _decoded(label: str) -> str:
    """The Unicode of an ``xn--`` label; any other label as it is."""
    if not label.startswith(_ACE_PREFIX):
        return label
    encoded = label.removeprefix(_ACE_PREFIX)
    if encoded.rfind("-") == 0:  # Go reads this as a separator without anything before it
        raise UnicodeError(encoded)
    return encoded.encode().decode("punycode")


def _encoded(text: str) -> str:
    return text if text.isascii() else _ACE_PREFIX + text.encode("punycode").decode()


def _usable(character: str) -> bool:
    """Whether UTS #46 leaves a character as it is."""
    # Not SPIRE: derived from this Python's Unicode tables, not from the table of UTS #46; they differ
    # for characters that are newer than the one or the other.
    if character.isascii():
        return character.islower() or character.isdigit() or character == "-"
    if character in _JOINERS or character in _DEVIATIONS:
        return True
    if unicodedata.category(character) in _UNUSABLE or _EXCLUDED.match(character):
        return False
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", character).casefold()) == character


def _breaks_label_rules(text: str) -> bool:
    """Whether a label is empty, has hyphens or begins with a mark where none may be, or misplaces a joiner."""
    if not text or text[0] == "-" or text[-1] == "-":
        return True
    octets = text.encode()
    if len(octets) > len(_ACE_PREFIX) and octets[2:4] == b"--":
        return True
    if unicodedata.category(text[0]).startswith("M"):
        return True
    # Not SPIRE: Python has no table of joining types, so a joiner is at home only after a virama.
    return text[0] in _JOINERS or any(
        joiner in _JOINERS and unicodedata.combining(before) != _VIRAMA for before, joiner in pairwise(text)
    )


def _is_right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text)


def _keeps_bidi_rule(text: str) -> bool:
    """Spec: RFC 5893 section 2."""
    kinds = [unicodedata.bidirectional(character) for character in text]
    ends = [kind for kind in kinds if kind != "NSM"][-1:]
    if kinds[0] in ("R", "AL"):
        allowed = ("R", "AL", "AN", "EN", *_NEUTRAL)
        return (
            all(kind in allowed for kind in kinds)
            and ends[0] in ("R", "AL", "AN", "EN")
            and not ("EN" in kinds and "AN" in kinds)
        )
    return kinds[0] == "L" and all(kind in ("L", "EN", *_NEUTRAL) for kind in kinds) and ends[0] in ("L", "EN")
