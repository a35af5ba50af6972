"""What only looks wrong with a WIT-SVID, and must be accepted."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from spiffesim.catalogue.hierarchy import NOW
from spiffesim.catalogue.shelf import Shelf
from spiffesim.catalogue.tokens.draft import SECONDS, WitDraft
from spiffesim.catalogue.tokens.signing import P256_ORDER, joined, split
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.rules.wit import WIT_SVID

WIT_ODDITIES: Final = Shelf[WitDraft](WIT_SVID)

# The header


@WIT_ODDITIES("critical", clause="WIT-SVID 2.4", answer="accepted")
def header_unknown(draft: WitDraft) -> None:
    """The header of the WIT-SVID has a member that nobody knows, which is not critical."""
    draft.header["nonce"] = "n"


@WIT_ODDITIES("critical", clause="WIT-SVID 2.4", answer="accepted")
def header_jku(draft: WitDraft) -> None:
    """The header of the WIT-SVID says where keys are to be fetched (jku), which is ignored."""
    draft.header["jku"] = "https://keys.example.net/keys.json"


@WIT_ODDITIES("key_id", clause="WIT-SVID 2.1", answer="accepted")
def kid_of_another_trust_domain(draft: WitDraft) -> None:
    """The key ID of the WIT-SVID is in the bundle of another trust domain, too, for another key."""
    other = SpiffeBundle("other.example", wit_spki={draft.kid: draft.hierarchy.key("stranger").spki})
    draft.hold(other, *draft.bundles)


@WIT_ODDITIES("algorithm", clause="WIT-SVID 2.3", answer="accepted")
def alg_rs256(draft: WitDraft) -> None:
    """The WIT-SVID is signed by RS256."""
    draft.sign_with("RS256", draft.hierarchy.key("wit", "rsa-2048").private_key)


@WIT_ODDITIES("algorithm", clause="WIT-SVID 2.3", answer="accepted")
def alg_es384(draft: WitDraft) -> None:
    """The WIT-SVID is signed by ES384."""
    draft.sign_with("ES384", draft.hierarchy.key("wit", "ec-p384").private_key)


# The claims


@WIT_ODDITIES("begun", clause="WIT-SVID 3.6", answer="accepted")
def iat_ahead(draft: WitDraft) -> None:
    """The WIT-SVID was issued in an hour, which does not limit when it is valid."""
    draft.claims["iat"] = SECONDS + 3600


@WIT_ODDITIES("payload", clause="WIT-SVID 3.3", answer="accepted")
def jti_repeated(draft: WitDraft) -> None:
    """The WIT-SVID has the identifier (jti) that all others have."""
    draft.claims["jti"] = "the same"


@WIT_ODDITIES("payload", clause="WIT-SVID 3.7", answer="accepted")
def iss_present(draft: WitDraft) -> None:
    """The WIT-SVID names its issuer by a URL, which it should not."""
    draft.claims["iss"] = "https://issuer.example.org"


@WIT_ODDITIES("no_audience", clause="WIT-SVID 3.8", answer="accepted")
def claims_unknown(draft: WitDraft) -> None:
    """The WIT-SVID has claims that nobody knows, one of them with an audience inside."""
    draft.claims |= {"email": "web@example.org", "act": {"aud": "reports"}}


@WIT_ODDITIES("subject", clause="WIT-SVID 3.1", answer="accepted")
def sub_without_path(draft: WitDraft) -> None:
    """The subject of the WIT-SVID is the trust domain itself, without a path."""
    draft.claims["sub"] = draft.spiffe_id = f"spiffe://{draft.hierarchy.trust_domain}"


@WIT_ODDITIES("unexpired", clause="WIT-SVID 3.4", answer="accepted")
def exp_far_ahead(draft: WitDraft) -> None:
    """The WIT-SVID expires in 70 years."""
    draft.claims["exp"] = SECONDS + 70 * 365 * 24 * 3600


@WIT_ODDITIES("begun", clause="RFC 7519 4.1.5", answer="accepted")
def begins_now(draft: WitDraft) -> None:
    """The WIT-SVID begins at the very instant at which it is judged."""
    draft.claims["nbf"] = SECONDS


# The confirmation and the proof


@WIT_ODDITIES("confirmation_key", clause="WIT-SVID 3.2", answer="accepted")
def cnf_rsa(draft: WitDraft) -> None:
    """The key in the confirmation is an RSA key, for PS256."""
    draft.confirm("PS256", draft.hierarchy.key("holder", "rsa-2048").private_key)


@WIT_ODDITIES("confirmation_key", clause="WIT-SVID 3.2", answer="accepted")
def cnf_p384(draft: WitDraft) -> None:
    """The key in the confirmation is a P-384 key, while the WIT-SVID is signed with a P-256 key."""
    draft.confirm("ES384", draft.hierarchy.key("holder", "ec-p384").private_key)


@WIT_ODDITIES("confirmation_key", clause="RFC 7517 4", answer="accepted")
def cnf_with_more(draft: WitDraft) -> None:
    """The key in the confirmation has members beside those of a key."""
    draft.jwk.update(kid="holder", use="sig", created=SECONDS)


@WIT_ODDITIES("confirmation", clause="RFC 7800 3.1", answer="accepted")
def cnf_with_unknown_member(draft: WitDraft) -> None:
    """The confirmation has a member that nobody knows beside the key."""
    draft.claims["cnf"]["x-attested"] = True


@WIT_ODDITIES("proof_binding", clause="WIT-SVID 5", answer="accepted")
def proof_of_another_protocol(draft: WitDraft) -> None:
    """What the proof signs is no token, but holds the digest of the WIT-SVID as bytes."""
    draft.proof_signed = b"handshake" + sha256(draft.token.encode("ascii")).digest()


@WIT_ODDITIES("proof_binding", clause="WIT-SVID 5", answer="accepted")
def proof_over_token_itself(draft: WitDraft) -> None:
    """What the proof signs is no token, but holds the WIT-SVID, as the signature of an HTTP message does."""
    draft.proof_signed = b'"workload-identity-token": ' + draft.token.encode("ascii")


@WIT_ODDITIES("proof_lifespan", clause="WIT-SVID 7.2", answer="accepted")
def proof_about_to_expire(draft: WitDraft) -> None:
    """The proof expires in a microsecond."""
    draft.proof_ends = NOW + 1


@WIT_ODDITIES("proof_signature", clause="RFC 7518 3.4", answer="accepted")
def proof_malleable(draft: WitDraft) -> None:
    """The s of the proof's signature was replaced by its negative, which verifies as well."""
    r, s = split(draft.proof_signature)
    draft.proof_signature = joined(r, P256_ORDER - s)
