"""What can be wrong with the header of a JWT-SVID."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Final

from spiffesim.catalogue.shelf import Shelf
from spiffesim.catalogue.tokens.draft import JwtDraft
from spiffesim.spiffe import jose
from spiffesim.spiffe.jose import b64url
from spiffesim.spiffe.rules.jwt import JWT_SVID

HEADER: Final = Shelf[JwtDraft](JWT_SVID)

# Members that may not be there


@HEADER("header_members")
def header_jwk(draft: JwtDraft) -> None:
    """The header holds the public key that signed the token (jwk)."""
    draft.header["jwk"] = jose.jwk_of(draft.private_key.public_key())


@HEADER("header_members")
def header_jku(draft: JwtDraft) -> None:
    """The header says where keys are to be fetched (jku)."""
    draft.header["jku"] = "https://keys.example.net/keys.json"


@HEADER("header_members")
def header_x5c(draft: JwtDraft) -> None:
    """The header holds certificates (x5c)."""
    draft.header["x5c"] = [b64encode(draft.hierarchy.root_der).decode("ascii")]


@HEADER("header_members")
def header_x5u(draft: JwtDraft) -> None:
    """The header says where certificates are to be fetched (x5u)."""
    draft.header["x5u"] = "https://keys.example.net/chain.pem"


@HEADER("header_members")
def header_x5t(draft: JwtDraft) -> None:
    """The header holds the digest of a certificate (x5t#S256)."""
    draft.header["x5t#S256"] = b64url(sha256(draft.hierarchy.root_der).digest())


@HEADER("header_members", clause="RFC 7515 4.1.11")
def header_crit(draft: JwtDraft) -> None:
    """The header demands that an extension be understood (crit), which nobody knows."""
    draft.header["crit"] = ["http://example.net/unknown"]
    draft.header["http://example.net/unknown"] = True


@HEADER("header_members", clause="RFC 7515 4.1.11")
def header_crit_empty(draft: JwtDraft) -> None:
    """The header demands that no extension be understood: its crit is an empty array."""
    draft.header["crit"] = []


@HEADER("header_members", clause="RFC 7797 7")
def header_b64(draft: JwtDraft) -> None:
    """The header says that the claims are not in base64url (b64), and that this must be understood."""
    draft.header |= {"b64": False, "crit": ["b64"]}


@HEADER("header_members")
def header_zip(draft: JwtDraft) -> None:
    """The header says that the claims are compressed (zip), which they are not."""
    draft.header["zip"] = "DEF"


@HEADER("header_members")
def header_cty(draft: JwtDraft) -> None:
    """The header says that the claims are a token themselves (cty)."""
    draft.header["cty"] = "JWT"


@HEADER("header_members")
def header_unknown(draft: JwtDraft) -> None:
    """The header has a member that nobody knows."""
    draft.header["nonce"] = "n"


@HEADER("header_members", clause="RFC 7515 4")
def header_alg_capitalized(draft: JwtDraft) -> None:
    """The header has a second algorithm under the name Alg."""
    draft.header["Alg"] = "none"


@HEADER("header_members", clause="RFC 7519 5.3")
def header_repeats_claims(draft: JwtDraft) -> None:
    """The header repeats the claim sub."""
    draft.header["sub"] = draft.spiffe_id


# Members of another type


@HEADER("key_id", clause="RFC 7515 4.1.4")
def kid_number(draft: JwtDraft) -> None:
    """The key ID is a number."""
    draft.header["kid"] = 1


@HEADER("key_id", clause="RFC 7515 4.1.4")
def kid_null(draft: JwtDraft) -> None:
    """The key ID is null."""
    draft.header["kid"] = None


@HEADER("key_id", clause="RFC 7515 4.1.4")
def kid_array(draft: JwtDraft) -> None:
    """The key ID is an array with the right one in it."""
    draft.header["kid"] = [draft.kid]


@HEADER("type")
def typ_of_wit_svid(draft: JwtDraft) -> None:
    """The type is that of a WIT-SVID."""
    draft.header["typ"] = "wit+jwt"


@HEADER("type")
def typ_of_access_token(draft: JwtDraft) -> None:
    """The type is that of an OAuth access token."""
    draft.header["typ"] = "at+jwt"


@HEADER("type")
def typ_lower_case(draft: JwtDraft) -> None:
    """The type is jwt in lower case."""
    draft.header["typ"] = "jwt"


@HEADER("type")
def typ_media_type(draft: JwtDraft) -> None:
    """The type is the whole media type, application/jwt."""
    draft.header["typ"] = "application/jwt"


@HEADER("type")
def typ_empty(draft: JwtDraft) -> None:
    """The type is an empty text."""
    draft.header["typ"] = ""


@HEADER("type", clause="RFC 7515 4.1.9")
def typ_number(draft: JwtDraft) -> None:
    """The type is a number."""
    draft.header["typ"] = 7519


@HEADER("type", clause="RFC 7515 4.1.9")
def typ_null(draft: JwtDraft) -> None:
    """The type is null."""
    draft.header["typ"] = None


@HEADER("type", clause="RFC 7515 4.1.9")
def typ_array(draft: JwtDraft) -> None:
    """The type is an array with the right one in it."""
    draft.header["typ"] = ["JWT"]


# Not JSON, or not one object


@HEADER("header")
def alg_twice(draft: JwtDraft) -> None:
    """The header has two algorithms, the last of which is right."""
    draft.header_json = draft.header_json.replace(b"{", b'{"alg":"none",', 1)


@HEADER("header")
def kid_twice(draft: JwtDraft) -> None:
    """The header has two key IDs, the last of which is right."""
    draft.header_json = draft.header_json.replace(b"{", b'{"kid":"another",', 1)


@HEADER("header")
def kid_twice_escaped(draft: JwtDraft) -> None:
    """The header has two key IDs, the name of one being written with an escape."""
    draft.header_json = draft.header_json.replace(b"{", rb'{"\u006bid":"another",', 1)


@HEADER("header")
def header_array(draft: JwtDraft) -> None:
    """The header is an array with an object in it."""
    draft.header_json = b"[" + draft.header_json + b"]"


@HEADER("header")
def header_string(draft: JwtDraft) -> None:
    """The header is a text that names the algorithm."""
    draft.header_json = b'"ES256"'


@HEADER("header")
def header_empty(draft: JwtDraft) -> None:
    """The header is empty: the token begins with a dot."""
    draft.header_json = b""


@HEADER("header", clause="RFC 8259 8.1")
def header_byte_order_mark(draft: JwtDraft) -> None:
    """The header begins with a byte order mark."""
    draft.header_json = b"\xef\xbb\xbf" + draft.header_json


@HEADER("header", clause="RFC 7515 5.2")
def header_utf16(draft: JwtDraft) -> None:
    """The header is in UTF-16."""
    draft.header_json = draft.header_json.decode("utf-8").encode("utf-16-le")


@HEADER("header", clause="RFC 7515 5.2")
def header_not_utf8(draft: JwtDraft) -> None:
    """The header holds a byte that is not UTF-8."""
    draft.header_json = draft.header_json.replace(b'"JWT"', b'"JWT\xff"', 1)


@HEADER("header", clause="RFC 8259 6")
def header_nan(draft: JwtDraft) -> None:
    """The header holds NaN."""
    draft.header_json = draft.header_json.replace(b'"JWT"', b"NaN", 1)


@HEADER("header", clause="RFC 8259 2")
def header_with_more_behind(draft: JwtDraft) -> None:
    """There is a second object behind the header."""
    draft.header_json += b"{}"


@HEADER("header", clause="RFC 8259 4")
def header_trailing_comma(draft: JwtDraft) -> None:
    """There is a comma behind the last member of the header."""
    draft.header_json = draft.header_json[:-1] + b",}"


@HEADER("header", clause="RFC 8259 9")
def header_nested_deeply(draft: JwtDraft) -> None:
    """The header holds arrays that are nested 20000 levels deep."""
    draft.header_json = draft.header_json.replace(b'"JWT"', b"[" * 20_000 + b"]" * 20_000, 1)


@HEADER("header", clause="RFC 8259 8.2")
def header_lone_surrogate(draft: JwtDraft) -> None:
    """The header holds half of a surrogate pair, so that it is no Unicode."""
    draft.header_json = draft.header_json.replace(b'"JWT"', rb'"JWT\ud800"', 1)
