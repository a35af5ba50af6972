"""What can be wrong with the keys that a validator holds for a JWT-SVID."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.shelf import Shelf
from spiffesim.catalogue.tokens.draft import JwtDraft, key_id
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.rules.jwt import JWT_SVID

BUNDLES: Final = Shelf[JwtDraft](JWT_SVID)

_OTHER: Final = TrustDomain("other.example")


def _right(draft: JwtDraft) -> SpiffeBundle:
    """The bundle of the token's trust domain."""
    return next(iter(draft.bundles))


def _of_other(draft: JwtDraft, kid: str) -> SpiffeBundle:
    """The bundle of another trust domain, with a key of its own."""
    return SpiffeBundle(_OTHER, jwt_spki={kid: draft.hierarchy.key("jwt of other.example").spki})


def _federated(draft: JwtDraft) -> None:
    draft.hold(_right(draft), _of_other(draft, "other"))


@BUNDLES("trust_domain", repair=_federated)
def bundle_of_another_trust_domain(draft: JwtDraft) -> None:
    """The validator holds the bundle of another trust domain only."""
    draft.hold(_of_other(draft, "other"))


@BUNDLES("trust_domain", repair=_federated)
def right_key_in_another_trust_domain(draft: JwtDraft) -> None:
    """The key that signed the token is in the bundle of another trust domain only."""
    draft.hold(SpiffeBundle(_OTHER, jwt_spki=_right(draft).jwt_spki))


@BUNDLES("trust_domain")
def no_bundles(draft: JwtDraft) -> None:
    """The validator holds no bundle at all."""
    draft.hold()


@BUNDLES("trust_domain")
def subject_of_subdomain(draft: JwtDraft) -> None:
    """The subject is of a trust domain that ends in the name of the one whose bundle is held."""
    draft.claims["sub"] = f"spiffe://west.{draft.hierarchy.trust_domain}/workload"


@BUNDLES("authority", clause="SPIFFE Trust Domain and Bundle 4.1.3")
def bundle_without_keys(draft: JwtDraft) -> None:
    """The bundle of the trust domain is empty: all its keys were revoked."""
    draft.hold(SpiffeBundle(draft.hierarchy.trust_domain))


@BUNDLES("authority")
def bundle_without_jwt_keys(draft: JwtDraft) -> None:
    """The bundle holds keys for X.509-SVIDs and WIT-SVIDs, but none for JWT-SVIDs."""
    ca, wit = draft.hierarchy.root_der, _right(draft).wit_spki
    draft.hold(SpiffeBundle(draft.hierarchy.trust_domain, x509_der=(ca,), wit_spki=wit))


@BUNDLES("authority")
def right_key_for_wit_svids_only(draft: JwtDraft) -> None:
    """The key that signed the token is in the bundle for WIT-SVIDs only."""
    draft.hold(SpiffeBundle(draft.hierarchy.trust_domain, wit_spki=_right(draft).jwt_spki))


@BUNDLES("authority")
def right_key_for_x509_svids_only(draft: JwtDraft) -> None:
    """The key that signed the token is in the bundle as an X.509 authority only."""
    draft.private_key = draft.hierarchy.key("root").private_key
    draft.hold(SpiffeBundle(draft.hierarchy.trust_domain, x509_der=(draft.hierarchy.root_der,)))


@BUNDLES("authority")
def signed_by_wit_key(draft: JwtDraft) -> None:
    """The token was signed with a key for WIT-SVIDs, and names it."""
    draft.private_key = draft.hierarchy.key("wit").private_key
    draft.header["kid"] = key_id(draft.hierarchy, "wit")


@BUNDLES("authority")
def no_kid_and_no_key_of_its_type(draft: JwtDraft) -> None:
    """The token names no key, and the bundle holds none for its algorithm."""
    del draft.header["kid"]
    draft.publish(draft.hierarchy.key("jwt of another curve", "ec-p384").private_key)


@BUNDLES("authority")
def kid_unknown(draft: JwtDraft) -> None:
    """The token names a key that the bundle does not hold."""
    draft.header["kid"] = draft.hierarchy.draw("nobody").randomness.text("kid nobody", 0)


@BUNDLES("authority", clause="RFC 7515 4.1.4")
def kid_in_other_case(draft: JwtDraft) -> None:
    """The token names its key with capital and small letters changed."""
    draft.header["kid"] = draft.kid.swapcase()


@BUNDLES("authority")
def kid_empty(draft: JwtDraft) -> None:
    """The token names its key by an empty text."""
    draft.header["kid"] = ""


@BUNDLES("authority", clause="SPIFFE Trust Domain and Bundle 3", repair=_federated)
def signed_by_another_trust_domain(draft: JwtDraft) -> None:
    """The token was signed with a key of another trust domain, whose bundle is held, too."""
    _federated(draft)
    draft.private_key = draft.hierarchy.key("jwt of other.example").private_key
    draft.header["kid"] = "other"


def _same_kid(draft: JwtDraft) -> None:
    draft.hold(_of_other(draft, draft.kid), _right(draft))


@BUNDLES("signature", clause="SPIFFE Trust Domain and Bundle 3", repair=_same_kid)
def signed_by_another_trust_domain_with_same_kid(draft: JwtDraft) -> None:
    """The token was signed with a key of another trust domain, which has the key ID of the right one."""
    _same_kid(draft)
    draft.private_key = draft.hierarchy.key("jwt of other.example").private_key


@BUNDLES("signature", clause="SPIFFE Trust Domain and Bundle 3", repair=_same_kid)
def subject_of_another_trust_domain(draft: JwtDraft) -> None:
    """The subject is of another trust domain, which has not signed the token."""
    _same_kid(draft)
    draft.claims["sub"] = f"spiffe://{_OTHER}/workload"
