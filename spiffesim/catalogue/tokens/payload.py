"""What can be wrong with the payload of a JWT-SVID, whatever it says."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.shelf import Shelf
from spiffesim.catalogue.tokens.draft import JwtDraft
from spiffesim.spiffe.rules.jwt import JWT_SVID

PAYLOAD: Final = Shelf[JwtDraft](JWT_SVID)


def _before(draft: JwtDraft, member: bytes) -> None:
    """Put a member before all others."""
    draft.claims_json = draft.claims_json.replace(b"{", b"{" + member + b",", 1)


@PAYLOAD("payload", clause="RFC 7519 4")
def sub_twice(draft: JwtDraft) -> None:
    """There are two subjects, the last of which is right."""
    _before(draft, b'"sub":"spiffe://example.org/admin"')


@PAYLOAD("payload", clause="RFC 7519 4")
def exp_twice(draft: JwtDraft) -> None:
    """There are two times at which the token expires, the last of which is right."""
    _before(draft, b'"exp":1')


@PAYLOAD("payload", clause="RFC 7519 4")
def aud_twice(draft: JwtDraft) -> None:
    """There are two audiences, the last of which is right."""
    _before(draft, b'"aud":"payments"')


@PAYLOAD("payload")
def payload_empty(draft: JwtDraft) -> None:
    """The payload is empty."""
    draft.claims_json = b""


@PAYLOAD("payload")
def payload_text(draft: JwtDraft) -> None:
    """The payload is the subject, as plain text."""
    draft.claims_json = draft.spiffe_id.encode("utf-8")


@PAYLOAD("payload")
def payload_array(draft: JwtDraft) -> None:
    """The payload is an array with the claims in it."""
    draft.claims_json = b"[" + draft.claims_json + b"]"


@PAYLOAD("payload", clause="RFC 7519 5.2")
def payload_token(draft: JwtDraft) -> None:
    """The payload is another token, which would be right."""
    draft.claims_json = JwtDraft(draft.hierarchy, draft.number).token.encode("ascii")


@PAYLOAD("payload", clause="RFC 8259 2")
def payload_with_more_behind(draft: JwtDraft) -> None:
    """There is a second object behind the claims."""
    draft.claims_json += b'{"sub":"spiffe://example.org/admin"}'


@PAYLOAD("payload", clause="RFC 8259 7")
def payload_single_quotes(draft: JwtDraft) -> None:
    """The texts of the payload are in single quotes."""
    draft.claims_json = draft.claims_json.replace(b'"', b"'")


@PAYLOAD("payload", clause="RFC 8259 2")
def payload_comment(draft: JwtDraft) -> None:
    """There is a comment in the payload."""
    draft.claims_json = draft.claims_json.replace(b"{", b"{/* claims */", 1)


@PAYLOAD("payload", clause="RFC 8259 8.1")
def payload_byte_order_mark(draft: JwtDraft) -> None:
    """The payload begins with a byte order mark."""
    draft.claims_json = b"\xef\xbb\xbf" + draft.claims_json


@PAYLOAD("payload")
def payload_not_utf8(draft: JwtDraft) -> None:
    """The payload holds a letter in Latin-1."""
    _before(draft, b'"name":"Andr\xe9"')


@PAYLOAD("payload")
def payload_surrogates_in_utf8(draft: JwtDraft) -> None:
    """The payload holds a surrogate pair, each half as three bytes (CESU-8)."""
    _before(draft, b'"name":"\xed\xa0\xbd\xed\xb8\x80"')


@PAYLOAD("payload", clause="RFC 8259 8.2")
def payload_lone_surrogate(draft: JwtDraft) -> None:
    """The payload holds half of a surrogate pair, so that it is no Unicode."""
    _before(draft, rb'"name":"\ud800"')


@PAYLOAD("payload", clause="RFC 8259 7")
def payload_control_character(draft: JwtDraft) -> None:
    """A text of the payload holds a newline that is not escaped."""
    _before(draft, b'"name":"a\nb"')


@PAYLOAD("payload", clause="RFC 8259 9")
def payload_nested_deeply(draft: JwtDraft) -> None:
    """The payload holds objects that are nested 20000 levels deep."""
    _before(draft, b'"a":' + b'{"a":' * 20_000 + b"1" + b"}" * 20_000)
