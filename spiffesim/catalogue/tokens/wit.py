"""What can be wrong with a WIT-SVID, its confirmation and its proof excepted."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.hierarchy import HIERARCHIES
from spiffesim.catalogue.shelf import Shelf
from spiffesim.catalogue.tokens.draft import SECONDS, WitDraft, key_id
from spiffesim.catalogue.tokens.signing import small_rsa_key
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.jose.compact import b64url_bytes
from spiffesim.spiffe.jose.jsontext import write_json
from spiffesim.spiffe.rules.wit import WIT_SVID

WIT: Final = Shelf[WitDraft](WIT_SVID)

# The header


@WIT("compact", clause="RFC 7515 7.1")
def signature_missing(draft: WitDraft) -> None:
    """The WIT-SVID has two parts only."""
    draft.token = draft.token.rpartition(".")[0]


@WIT("compact", clause="RFC 7515 2")
def padded(draft: WitDraft) -> None:
    """The signature of the WIT-SVID is padded with equals signs."""
    draft.token += "=="


@WIT("header")
def typ_twice(draft: WitDraft) -> None:
    """The header of the WIT-SVID has two types, the last of which is right."""
    draft.header_json = draft.header_json.replace(b"{", b'{"typ":"JWT",', 1)


@WIT("algorithm")
def alg_none(draft: WitDraft) -> None:
    """The algorithm of the WIT-SVID is none."""
    draft.header["alg"] = "none"
    draft.signature = b""


@WIT("algorithm")
def alg_missing(draft: WitDraft) -> None:
    """The WIT-SVID names no algorithm."""
    del draft.header["alg"]


@WIT("critical", clause="RFC 7515 4.1.11")
def critical_unknown(draft: WitDraft) -> None:
    """The WIT-SVID demands that an extension be understood (crit), which nobody knows."""
    draft.header |= {"crit": ["http://example.net/unknown"], "http://example.net/unknown": True}


@WIT("critical", clause="RFC 7515 4.1.11")
def critical_empty(draft: WitDraft) -> None:
    """The crit of the WIT-SVID is an empty array."""
    draft.header["crit"] = []


@WIT("critical", clause="RFC 7797 7")
def claims_not_encoded(draft: WitDraft) -> None:
    """The WIT-SVID says that its claims are not in base64url (b64), and that this must be understood."""
    draft.header |= {"b64": False, "crit": ["b64"]}


@WIT("key_id")
def kid_missing(draft: WitDraft) -> None:
    """The WIT-SVID names no key."""
    del draft.header["kid"]


@WIT("key_id")
def kid_number(draft: WitDraft) -> None:
    """The WIT-SVID names its key by a number."""
    draft.header["kid"] = 1


@WIT("type")
def typ_missing(draft: WitDraft) -> None:
    """The WIT-SVID has no type."""
    del draft.header["typ"]


@WIT("type")
def typ_of_jwt_svid(draft: WitDraft) -> None:
    """The type of the WIT-SVID is JWT, as of a JWT-SVID."""
    draft.header["typ"] = "JWT"


@WIT("type")
def typ_media_type(draft: WitDraft) -> None:
    """The type of the WIT-SVID is the whole media type, application/wit+jwt."""
    draft.header["typ"] = "application/wit+jwt"


# The claims


@WIT("payload", clause="RFC 7519 4")
def cnf_twice(draft: WitDraft) -> None:
    """The WIT-SVID has two confirmations, the last of which is right."""
    draft.claims_json = draft.claims_json.replace(b"{", b'{"cnf":{},', 1)


@WIT("subject")
def sub_missing(draft: WitDraft) -> None:
    """The WIT-SVID has no subject."""
    del draft.claims["sub"]


@WIT("subject")
def sub_of_wimse(draft: WitDraft) -> None:
    """The subject of the WIT-SVID is a workload identifier of WIMSE, but no SPIFFE ID."""
    draft.claims["sub"] = draft.spiffe_id.replace("spiffe:", "wimse:", 1)


@WIT("no_audience")
def aud_present(draft: WitDraft) -> None:
    """The WIT-SVID has an audience."""
    draft.claims["aud"] = "reports"


@WIT("no_audience")
def aud_null(draft: WitDraft) -> None:
    """The WIT-SVID has an audience, which is null."""
    draft.claims["aud"] = None


@WIT("expiry")
def exp_missing(draft: WitDraft) -> None:
    """The WIT-SVID does not say when it expires."""
    del draft.claims["exp"]


@WIT("expiry", clause="RFC 7519 4.1.4")
def exp_text(draft: WitDraft) -> None:
    """The time at which the WIT-SVID expires is a text of digits."""
    draft.claims["exp"] = str(draft.claims["exp"])


@WIT("unexpired")
def expired(draft: WitDraft) -> None:
    """The WIT-SVID expired a second ago."""
    draft.claims["exp"] = SECONDS - 1


@WIT("unexpired", clause="RFC 7519 4.1.4")
def expires_now(draft: WitDraft) -> None:
    """The WIT-SVID expires at the very instant at which it is judged."""
    draft.claims["exp"] = SECONDS


@WIT("beginning", clause="RFC 7519 4.1.5")
def nbf_text(draft: WitDraft) -> None:
    """The time at which the WIT-SVID begins is a text of digits."""
    draft.claims["nbf"] = str(SECONDS)


@WIT("begun")
def not_begun(draft: WitDraft) -> None:
    """The WIT-SVID begins in a second."""
    draft.claims["nbf"] = SECONDS + 1


# The signature


@WIT("trust_domain")
def bundle_of_another_trust_domain(draft: WitDraft) -> None:
    """The validator of the WIT-SVID holds the bundle of another trust domain only."""
    draft.hold(SpiffeBundle("other.example", wit_spki={draft.kid: draft.hierarchy.key("wit").spki}))


@WIT("authority")
def signed_by_jwt_key(draft: WitDraft) -> None:
    """The WIT-SVID was signed with a key for JWT-SVIDs, and names it."""
    draft.private_key = draft.hierarchy.key("jwt").private_key
    draft.header["kid"] = key_id(draft.hierarchy, "jwt")


@WIT("authority")
def right_key_for_jwt_svids_only(draft: WitDraft) -> None:
    """The key that signed the WIT-SVID is in the bundle for JWT-SVIDs only."""
    draft.hold(SpiffeBundle(draft.hierarchy.trust_domain, jwt_spki={draft.kid: draft.hierarchy.key("wit").spki}))


@WIT("authority", clause="WIT-SVID 2.1")
def kid_in_other_case(draft: WitDraft) -> None:
    """The WIT-SVID names its key with capital and small letters changed."""
    draft.header["kid"] = draft.kid.swapcase()


@WIT("key_type")
def ec_key_for_ps256(draft: WitDraft) -> None:
    """The header of the WIT-SVID says PS256, but the key is an EC key."""
    draft.header["alg"] = "PS256"


@WIT("key_size")
def small_rsa(draft: WitDraft) -> None:
    """The WIT-SVID is signed with an RSA key of 2047 bits."""
    draft.sign_with("RS256", small_rsa_key())


@WIT("signature")
def signed_by_stranger(draft: WitDraft) -> None:
    """The WIT-SVID was signed with a key that the bundle does not hold, under the key ID of one that it does."""
    draft.private_key = draft.hierarchy.key("stranger").private_key


@WIT("signature", clause="WIT-SVID 6.2")
def signed_by_jwt_key_under_wit_kid(draft: WitDraft) -> None:
    """The WIT-SVID was signed with the key for JWT-SVIDs, under the key ID of the key for WIT-SVIDs."""
    draft.private_key = draft.hierarchy.key("jwt").private_key


@WIT("signature")
def signature_of_another_token(draft: WitDraft) -> None:
    """The signature of the WIT-SVID is that of another one."""
    draft.signature = WitDraft(draft.hierarchy, draft.number + HIERARCHIES).signature


@WIT("signature")
def subject_changed(draft: WitDraft) -> None:
    """The WIT-SVID was signed for another subject, which somebody has changed."""
    right = draft.claims_part
    draft.claims_part = b64url_bytes(write_json({**draft.claims, "sub": "spiffe://example.org/another"}))
    draft.seal()
    draft.claims_part = right


@WIT("signature")
def confirmation_replaced(draft: WitDraft) -> None:
    """Somebody has put a key of their own into the WIT-SVID, and proves to have that."""
    draft.seal()
    del draft.claims_json, draft.claims_part
    draft.confirm("ES256", draft.hierarchy.key("stranger").private_key)
