"""What can be wrong with the key in a WIT-SVID, and with the proof that its holder has it."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from spiffesim.catalogue.hierarchy import HIERARCHIES, NOW
from spiffesim.catalogue.shelf import Shelf
from spiffesim.catalogue.tokens.draft import WitDraft
from spiffesim.catalogue.tokens.signing import ed25519_key, secp256k1_key, small_rsa_key, split
from spiffesim.instants import SECOND
from spiffesim.spiffe.jose import b64url, unb64url
from spiffesim.spiffe.rules.wit import WIT_SVID

CONFIRMATION: Final = Shelf[WitDraft](WIT_SVID)
PROOF: Final = Shelf[WitDraft](WIT_SVID)

# cnf


@CONFIRMATION("confirmation")
def cnf_missing(draft: WitDraft) -> None:
    """The WIT-SVID has no confirmation."""
    del draft.claims["cnf"]


@CONFIRMATION("confirmation", clause="RFC 7800 3.1")
def cnf_text(draft: WitDraft) -> None:
    """The confirmation is a text, the digest of a key."""
    draft.claims["cnf"] = b64url(sha256(draft.hierarchy.key("holder").spki).digest())


@CONFIRMATION("confirmation")
def cnf_empty(draft: WitDraft) -> None:
    """The confirmation is an empty object."""
    draft.claims["cnf"] = {}


@CONFIRMATION("confirmation")
def cnf_key_id(draft: WitDraft) -> None:
    """The confirmation names a key, but does not hold it."""
    draft.claims["cnf"] = {"kid": "holder"}


@CONFIRMATION("confirmation")
def cnf_thumbprint(draft: WitDraft) -> None:
    """The confirmation holds the thumbprint of a key, as of an access token."""
    draft.claims["cnf"] = {"jkt": b64url(sha256(draft.hierarchy.key("holder").spki).digest())}


@CONFIRMATION("confirmation", clause="RFC 7800 3.2")
def cnf_jwk_text(draft: WitDraft) -> None:
    """The key in the confirmation is a text."""
    draft.claims["cnf"]["jwk"] = b64url(draft.hierarchy.key("holder").spki)


@CONFIRMATION("confirmation", clause="RFC 7800 3.1")
def cnf_of_two_keys(draft: WitDraft) -> None:
    """The confirmation says where more keys are to be fetched (jku), beside the one that it holds."""
    draft.claims["cnf"]["jku"] = "https://keys.example.net/keys.json"


@CONFIRMATION("confirmation_algorithm")
def cnf_alg_missing(draft: WitDraft) -> None:
    """The key in the confirmation does not say for which algorithm it is."""
    del draft.jwk["alg"]


@CONFIRMATION("confirmation_algorithm")
def cnf_alg_none(draft: WitDraft) -> None:
    """The key in the confirmation says that it is for the algorithm none."""
    draft.jwk["alg"] = "none"


@CONFIRMATION("confirmation_algorithm")
def cnf_alg_eddsa(draft: WitDraft) -> None:
    """The key in the confirmation is an Ed25519 key, for EdDSA."""
    key = ed25519_key(draft.hierarchy, "holder").public_key().public_bytes_raw()
    draft.claims["cnf"]["jwk"] = {"kty": "OKP", "crv": "Ed25519", "x": b64url(key), "alg": "EdDSA"}


@CONFIRMATION("confirmation_algorithm")
def cnf_symmetric(draft: WitDraft) -> None:
    """The key in the confirmation is a secret, for HS256."""
    draft.claims["cnf"]["jwk"] = {"kty": "oct", "k": b64url(bytes(32)), "alg": "HS256"}


@CONFIRMATION("confirmation_key", clause="RFC 7800 3.2")
def cnf_private_key(draft: WitDraft) -> None:
    """The confirmation gives the private key away."""
    draft.jwk["d"] = b64url(draft.proof_key.private_numbers().private_value.to_bytes(32, "big"))  # type: ignore[union-attr]  # a P-256 key


@CONFIRMATION("confirmation_key", clause="RFC 7518 3.4")
def cnf_of_another_curve(draft: WitDraft) -> None:
    """The key in the confirmation is a P-384 key, but says that it is for ES256."""
    draft.confirm("ES384", draft.hierarchy.key("holder", "ec-p384").private_key)
    draft.jwk["alg"] = "ES256"


@CONFIRMATION("confirmation_key", clause="RFC 7518 3.3")
def cnf_small_rsa(draft: WitDraft) -> None:
    """The key in the confirmation is an RSA key of 2047 bits."""
    draft.confirm("RS256", small_rsa_key())


@CONFIRMATION("confirmation_key", clause="RFC 7518 6.2.1")
def cnf_off_the_curve(draft: WitDraft) -> None:
    """The point of the key in the confirmation is not on its curve."""
    changed = bytearray(unb64url(draft.jwk["y"]))
    changed[-1] ^= 1
    draft.jwk["y"] = b64url(bytes(changed))


@CONFIRMATION("confirmation_key", clause="RFC 7518 6.2.1.1")
def cnf_of_unknown_curve(draft: WitDraft) -> None:
    """The key in the confirmation is on the curve secp256k1."""
    point = secp256k1_key(draft.hierarchy, "holder").public_key().public_numbers()
    x, y = (b64url(coordinate.to_bytes(32, "big")) for coordinate in (point.x, point.y))
    draft.jwk.update(crv="secp256k1", x=x, y=y)


@CONFIRMATION("confirmation_key", clause="RFC 7518 6.2.1.2")
def cnf_long_coordinate(draft: WitDraft) -> None:
    """A coordinate of the key in the confirmation has one byte more than its curve wants, a zero."""
    draft.jwk["x"] = b64url(b"\0" + unb64url(draft.jwk["x"]))


@CONFIRMATION("confirmation_key", clause="RFC 8017 3.1")
def cnf_exponent_one(draft: WitDraft) -> None:
    """The key in the confirmation is an RSA key whose exponent is 1, for which anybody can sign."""
    draft.confirm("RS256", draft.hierarchy.key("holder", "rsa-2048").private_key)
    draft.jwk["e"] = b64url(b"\1")


@CONFIRMATION("confirmation_key", clause="RFC 7517 4.1")
def cnf_kty_missing(draft: WitDraft) -> None:
    """The key in the confirmation does not say of which type it is."""
    del draft.jwk["kty"]


# The proof


@PROOF("proof")
def proof_missing(draft: WitDraft) -> None:
    """The WIT-SVID is presented without a proof, as a bearer token."""
    draft.proof = None


@PROOF("proof_lifespan")
def proof_expired(draft: WitDraft) -> None:
    """The proof expired a second ago."""
    draft.proof_ends = NOW - SECOND


@PROOF("proof_lifespan")
def proof_expires_now(draft: WitDraft) -> None:
    """The proof expires at the very instant at which it is judged."""
    draft.proof_ends = NOW


@PROOF("proof_binding")
def proof_of_another_token(draft: WitDraft) -> None:
    """The proof is for another WIT-SVID of the same holder."""
    draft.proof_digest = WitDraft(draft.hierarchy, draft.number + HIERARCHIES).proof_digest


@PROOF("proof_binding")
def proof_of_claims(draft: WitDraft) -> None:
    """The proof holds the digest of the claims, not of the whole WIT-SVID."""
    draft.proof_digest = sha256(draft.claims_json).digest()


@PROOF("proof_binding")
def proof_of_no_token(draft: WitDraft) -> None:
    """The proof is a signature over something that has nothing to do with the WIT-SVID."""
    draft.proof_signed = b"GET /reports HTTP/1.1"


@PROOF("proof_binding")
def proof_names_token_elsewhere(draft: WitDraft) -> None:
    """The proof is for another WIT-SVID, and holds the digest of this one in another claim."""
    right = b64url(draft.proof_digest)
    draft.proof_claims |= {"wth": b64url(sha256(b"another").digest()), "jti": right}


@PROOF("proof_format")
def proof_of_another_type(draft: WitDraft) -> None:
    """The proof is a JWT that the holder signed for something else, with the digest among its claims."""
    draft.proof_header |= {"typ": "JWT"}


@PROOF("proof_format")
def proof_without_type(draft: WitDraft) -> None:
    """The proof is a token that does not say of what type it is."""
    del draft.proof_header["typ"]


@PROOF("proof_format")
def proof_without_end(draft: WitDraft) -> None:
    """The proof is a WIMSE token that does not say when it ends."""
    del draft.proof_claims["exp"]


@PROOF("proof_format")
def proof_end_as_text(draft: WitDraft) -> None:
    """The proof is a WIMSE token whose exp is a string."""
    draft.proof_claims["exp"] = str(draft.proof_claims["exp"])


@PROOF("proof_lifespan")
def proof_expired_by_its_own_word(draft: WitDraft) -> None:
    """The proof ended a second ago by its exp, and its receiver would take it for longer."""
    draft.proof_claims["exp"] = NOW // SECOND - 1


@PROOF("proof_signature")
def proof_by_another_key(draft: WitDraft) -> None:
    """The proof was made with another key than the one in the WIT-SVID."""
    draft.proof_key = draft.hierarchy.key("stranger").private_key


@PROOF("proof_signature")
def proof_by_issuer(draft: WitDraft) -> None:
    """The proof was made with the key that signed the WIT-SVID."""
    draft.proof_key = draft.private_key


@PROOF("proof_signature")
def proof_changed(draft: WitDraft) -> None:
    """The proof was made for another audience, which somebody has changed."""
    right = draft.proof_signed
    header, _, claims = right.partition(b".")
    other = unb64url(claims).replace(b"reports", b"payments")
    draft.proof_signed = header + b"." + b64url(other).encode("ascii")
    draft.proof_signature  # noqa: B018  # made now
    draft.proof_signed = right


@PROOF("proof_signature", clause="RFC 7518 3.4")
def proof_signature_der(draft: WitDraft) -> None:
    """The signature of the proof is in DER, and not r and s in 64 bytes."""
    draft.proof_signature = encode_dss_signature(*split(draft.proof_signature))


@PROOF("proof_signature")
def proof_signature_empty(draft: WitDraft) -> None:
    """The signature of the proof is empty."""
    draft.proof_signature = b""
