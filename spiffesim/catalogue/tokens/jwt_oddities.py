"""What only looks wrong with a JWT-SVID, and must be accepted."""

from __future__ import annotations

import json
from typing import Final

from spiffesim.catalogue.shelf import Shelf
from spiffesim.catalogue.tokens.draft import SECONDS, JwtDraft
from spiffesim.catalogue.tokens.signing import P256_ORDER, joined, p521_key, split
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.rules.jwt import JWT_SVID

JWT_ODDITIES: Final = Shelf[JwtDraft](JWT_SVID)

# The header


@JWT_ODDITIES("authority", clause="JWT-SVID 2.2", answer="accepted")
def kid_missing(draft: JwtDraft) -> None:
    """The token names no key, and the bundle holds one."""
    del draft.header["kid"]


@JWT_ODDITIES("signature", clause="RFC 7515 6", answer="accepted")
def kid_missing_of_several(draft: JwtDraft) -> None:
    """The token names no key, and the bundle holds three, of which the last has signed it."""
    del draft.header["kid"]
    keys = draft.hierarchy
    others = keys.key("jwt of another curve", "ec-p384"), keys.key("stranger")
    draft.publish(*(key.private_key for key in others), draft.private_key)


@JWT_ODDITIES("key_id", clause="RFC 7515 4.1.4", answer="accepted")
def kid_like_path(draft: JwtDraft) -> None:
    """The key ID looks like the path of a file, but is that of the key in the bundle."""
    draft.header["kid"] = kid = "../../dev/null"
    draft.hold(SpiffeBundle(draft.hierarchy.trust_domain, jwt_spki={kid: draft.hierarchy.key("jwt").spki}))


@JWT_ODDITIES("type", clause="JWT-SVID 2.3", answer="accepted")
def typ_missing(draft: JwtDraft) -> None:
    """The header has no type."""
    del draft.header["typ"]


@JWT_ODDITIES("type", clause="JWT-SVID 2.3", answer="accepted")
def typ_jose(draft: JwtDraft) -> None:
    """The type is JOSE."""
    draft.header["typ"] = "JOSE"


# The algorithm and the signature


@JWT_ODDITIES("signature", clause="RFC 7518 3.4", answer="accepted")
def signature_malleable(draft: JwtDraft) -> None:
    """The s of the signature was replaced by its negative, which verifies as well."""
    r, s = split(draft.signature)
    draft.signature = joined(r, P256_ORDER - s)


@JWT_ODDITIES("algorithm", clause="JWT-SVID 2.1", answer="accepted")
def alg_rs256(draft: JwtDraft) -> None:
    """The token is signed by RS256."""
    draft.sign_with("RS256", draft.hierarchy.key("jwt", "rsa-2048").private_key)


@JWT_ODDITIES("algorithm", clause="JWT-SVID 2.1", answer="accepted")
def alg_rs512(draft: JwtDraft) -> None:
    """The token is signed by RS512 with an RSA key of 4096 bits."""
    draft.sign_with("RS512", draft.hierarchy.key("jwt", "rsa-4096").private_key)


@JWT_ODDITIES("algorithm", clause="JWT-SVID 2.1", answer="accepted")
def alg_ps256(draft: JwtDraft) -> None:
    """The token is signed by PS256."""
    draft.sign_with("PS256", draft.hierarchy.key("jwt", "rsa-2048").private_key)


@JWT_ODDITIES("algorithm", clause="JWT-SVID 2.1", answer="accepted")
def alg_ps512(draft: JwtDraft) -> None:
    """The token is signed by PS512."""
    draft.sign_with("PS512", draft.hierarchy.key("jwt", "rsa-2048").private_key)


@JWT_ODDITIES("algorithm", clause="JWT-SVID 2.1", answer="accepted")
def alg_es384(draft: JwtDraft) -> None:
    """The token is signed by ES384."""
    draft.sign_with("ES384", draft.hierarchy.key("jwt", "ec-p384").private_key)


@JWT_ODDITIES("algorithm", clause="JWT-SVID 2.1", answer="accepted")
def alg_es512(draft: JwtDraft) -> None:
    """The token is signed by ES512, with a key on the curve P-521."""
    draft.sign_with("ES512", p521_key(draft.hierarchy, "jwt"))


# The claims


@JWT_ODDITIES("subject", clause="JWT-SVID 3.1", answer="accepted")
def sub_without_path(draft: JwtDraft) -> None:
    """The subject is the trust domain itself, without a path."""
    draft.claims["sub"] = draft.spiffe_id = f"spiffe://{draft.hierarchy.trust_domain}"


@JWT_ODDITIES("subject", clause="SPIFFE-ID 2.3", answer="accepted")
def sub_of_2048_bytes(draft: JwtDraft) -> None:
    """The subject has 2048 bytes."""
    draft.claims["sub"] = draft.spiffe_id = draft.spiffe_id.ljust(2048, "x")


@JWT_ODDITIES("audience", clause="RFC 7519 4.1.3", answer="accepted")
def aud_text(draft: JwtDraft) -> None:
    """The audience is a text, not an array."""
    draft.claims["aud"] = draft.audience


@JWT_ODDITIES("intended", clause="JWT-SVID 3.2", answer="accepted")
def aud_several(draft: JwtDraft) -> None:
    """The audience has three names, the last of which is the right one."""
    draft.claims["aud"] = ["payments", "users", draft.audience]


@JWT_ODDITIES("audience", clause="JWT-SVID 3.2", answer="accepted")
def aud_many(draft: JwtDraft) -> None:
    """The audience has 100 names."""
    draft.claims["aud"] = [*(f"service-{number}" for number in range(1, 100)), draft.audience]


@JWT_ODDITIES("audience", clause="RFC 7519 4.1.3", answer="accepted")
def aud_repeated(draft: JwtDraft) -> None:
    """The audience has the same name twice."""
    draft.claims["aud"] = [draft.audience, draft.audience]


@JWT_ODDITIES("expiry", clause="RFC 7519 2", answer="accepted")
def exp_fractional(draft: JwtDraft) -> None:
    """The token expires in half a second, and says so with a fraction."""
    draft.claims["exp"] = SECONDS + 0.5


@JWT_ODDITIES("expiry", clause="RFC 8259 6", answer="accepted")
def exp_with_exponent(draft: JwtDraft) -> None:
    """The time at which the token expires is written with an exponent."""
    draft.claims_json = draft.claims_json.replace(b'"exp":%d' % draft.claims["exp"], b'"exp":2e9', 1)


@JWT_ODDITIES("expiry", clause="JWT-SVID 3.3", answer="accepted")
def exp_far_ahead(draft: JwtDraft) -> None:
    """The token expires in the year 33658, later than most libraries can tell."""
    draft.claims["exp"] = 10**12


@JWT_ODDITIES("begun", clause="RFC 7519 4.1.5", answer="accepted")
def begins_now(draft: JwtDraft) -> None:
    """The token begins at the very instant at which it is judged."""
    draft.claims["nbf"] = SECONDS


@JWT_ODDITIES("begun", clause="RFC 7519 4.1.6", answer="accepted")
def iat_ahead(draft: JwtDraft) -> None:
    """The token was issued in an hour, by a clock that is wrong."""
    draft.claims["iat"] = SECONDS + 3600


@JWT_ODDITIES("payload", clause="RFC 7519 4.1.6", answer="accepted")
def iat_missing(draft: JwtDraft) -> None:
    """The token does not say when it was issued."""
    del draft.claims["iat"]


@JWT_ODDITIES("payload", clause="RFC 7519 4", answer="accepted")
def claims_unknown(draft: JwtDraft) -> None:
    """There are claims that nobody knows."""
    draft.claims |= {"email": "web@example.org", "": None, "https://example.org/roles": ["admin"]}


@JWT_ODDITIES("payload", clause="RFC 8259 4", answer="accepted")
def claims_nested(draft: JwtDraft) -> None:
    """A claim is an object whose members have the names of registered claims, with other values."""
    draft.claims["act"] = {"sub": "spiffe://example.org/admin", "exp": 1, "act": {"sub": None}}


# How it is written


@JWT_ODDITIES("payload", clause="RFC 8259 4", answer="accepted")
def members_in_other_order(draft: JwtDraft) -> None:
    """The members of header and claims are in another order."""
    draft.header = dict(reversed(draft.header.items()))
    draft.claims = dict(reversed(draft.claims.items()))


@JWT_ODDITIES("payload", clause="RFC 8259 2", answer="accepted")
def white_space(draft: JwtDraft) -> None:
    """Header and claims are printed over several lines, with tabs."""
    draft.header_json = json.dumps(draft.header, indent="\t").encode("ascii")
    draft.claims_json = json.dumps(draft.claims, indent="\t").replace("\n", "\r\n").encode("ascii")


@JWT_ODDITIES("payload", clause="RFC 8259 7", answer="accepted")
def escapes(draft: JwtDraft) -> None:
    """Names and texts are written with escapes."""
    draft.header_json = draft.header_json.replace(b'"kid"', rb'"\u006b\u0069\u0064"', 1)
    draft.claims_json = draft.claims_json.replace(b"/", rb"\/").replace(b'"sub"', rb'"\u0073ub"', 1)


@JWT_ODDITIES("payload", clause="RFC 8259 8.1", answer="accepted")
def not_only_ascii(draft: JwtDraft) -> None:
    """There are letters beyond ASCII, one as itself and one as an escaped surrogate pair."""
    draft.claims_json = draft.claims_json.replace(b"{", '{"name":"é \\ud83d\\ude00",'.encode(), 1)


@JWT_ODDITIES("compact", clause="JWT-SVID 5.1", answer="accepted")
def large(draft: JwtDraft) -> None:
    """The token has more than 100000 characters."""
    draft.claims["groups"] = [f"group-{number:05}" for number in range(6000)]
