"""What can be wrong with how a JWT-SVID is written."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.shelf import Shelf
from spiffesim.catalogue.tokens.draft import JwtDraft
from spiffesim.spiffe.jose import b64url
from spiffesim.spiffe.jose.compact import MAX_TOKEN
from spiffesim.spiffe.jose.jsontext import write_json
from spiffesim.spiffe.rules.jwt import JWT_SVID

SERIALIZATION: Final = Shelf[JwtDraft](JWT_SVID)

# Other serializations


@SERIALIZATION("compact", clause="JWT-SVID 1")
def json_serialization(draft: JwtDraft) -> None:
    """The token is in the general JSON serialization, with an array of signatures."""
    header, payload, signature = draft.token.split(".")
    signatures = [{"protected": header, "signature": signature}]
    draft.token = write_json({"payload": payload, "signatures": signatures}).decode("ascii")


@SERIALIZATION("compact", clause="JWT-SVID 1")
def flattened_json_serialization(draft: JwtDraft) -> None:
    """The token is in the flattened JSON serialization."""
    names = ("protected", "payload", "signature")
    draft.token = write_json(dict(zip(names, draft.token.split("."), strict=True))).decode("ascii")


@SERIALIZATION("compact", clause="JWT-SVID 2")
def encrypted(draft: JwtDraft) -> None:
    """The token has the five parts of one that is encrypted (JWE)."""
    header = b64url(write_json({"alg": "dir", "enc": "A256GCM"}))
    draft.token = f"{header}..{b64url(bytes(12))}.{b64url(draft.claims_json)}.{b64url(bytes(16))}"


@SERIALIZATION("compact", clause="RFC 7515 7.1")
def unsecured(draft: JwtDraft) -> None:
    """The token has two parts: the dot before the signature is missing along with it."""
    draft.token = draft.token.rpartition(".")[0]


@SERIALIZATION("compact", clause="RFC 7515 7.1")
def four_parts(draft: JwtDraft) -> None:
    """The token has a fourth part, an empty one."""
    draft.token += "."


@SERIALIZATION("compact", clause="RFC 7515 7.1")
def one_part(draft: JwtDraft) -> None:
    """The token has no dots."""
    draft.token = draft.token.replace(".", "")


@SERIALIZATION("compact", clause="RFC 7515 7.1")
def token_empty(draft: JwtDraft) -> None:
    """The token is an empty text."""
    draft.token = ""


@SERIALIZATION("compact", clause="RFC 7515 7.1")
def bearer(draft: JwtDraft) -> None:
    """The token still has the word Bearer before it, of the HTTP header that it came in."""
    draft.token = f"Bearer {draft.token}"


# Other spellings of the same bytes


@SERIALIZATION("compact", clause="RFC 7515 2")
def padded(draft: JwtDraft) -> None:
    """The signature is padded with equals signs."""
    draft.token += "=="


@SERIALIZATION("compact", clause="RFC 4648 3.5")
def last_character_changed(draft: JwtDraft) -> None:
    """The last character of the signature has bits that mean nothing, and some of them are set."""
    last = draft.token[-1]
    draft.token = draft.token[:-1] + chr(ord(last) + 1)  # A, Q, g or w, of which the next means the same


def _with_dash_and_underscore(draft: JwtDraft) -> None:
    """Give the token claims whose base64url has characters that plain base64 has not."""
    draft.claims |= {"note": "????>>>>"}


@SERIALIZATION("compact", clause="RFC 7515 2", repair=_with_dash_and_underscore)
def standard_alphabet(draft: JwtDraft) -> None:
    """The claims are in plain base64, with plus signs and slashes, and signed so."""
    _with_dash_and_underscore(draft)
    draft.claims_part = draft.claims_part.replace(b"-", b"+").replace(b"_", b"/")


@SERIALIZATION("compact", clause="RFC 7515 2")
def percent_encoded(draft: JwtDraft) -> None:
    """The dots of the token are percent-encoded, as in a URL."""
    draft.token = draft.token.replace(".", "%2E")


@SERIALIZATION("compact", clause="RFC 7515 2")
def trailing_newline(draft: JwtDraft) -> None:
    """There is a newline behind the token."""
    draft.token += "\n"


@SERIALIZATION("compact", clause="RFC 7515 2")
def leading_space(draft: JwtDraft) -> None:
    """There is a space before the token."""
    draft.token = " " + draft.token


@SERIALIZATION("compact", clause="RFC 7515 2")
def line_break(draft: JwtDraft) -> None:
    """The token is broken into lines of 64 characters, as PEM is."""
    lines = [draft.token[place : place + 64] for place in range(0, len(draft.token), 64)]
    draft.token = "\n".join(lines)


@SERIALIZATION("compact", clause="RFC 7515 2")
def nul(draft: JwtDraft) -> None:
    """There is a NUL behind the token."""
    draft.token += "\0"


@SERIALIZATION("compact", clause="RFC 7515 2")
def not_ascii(draft: JwtDraft) -> None:
    """The first letter of the token is its full-width twin, which is not ASCII."""
    draft.token = chr(ord(draft.token[0]) - ord("!") + ord("\N{FULLWIDTH EXCLAMATION MARK}")) + draft.token[1:]


# The bounds


def _largest(draft: JwtDraft) -> None:
    """Make the token as large as it may be."""
    _fill(draft, MAX_TOKEN)


@SERIALIZATION("compact", clause="RFC 8259 9", repair=_largest)
def too_large(draft: JwtDraft) -> None:
    """The token has a few characters more than 256 KiB."""
    _fill(draft, MAX_TOKEN + 4)


def _fill(draft: JwtDraft, size: int) -> None:
    """Fill the token with spaces before the brace that ends its claims, to so many characters or one fewer."""
    room = size - len(draft.header_part) - len("..") - len(b64url(bytes(64)))
    draft.claims_json = draft.claims_json[:-1].ljust(room * 3 // 4 - 1) + b"}"
