"""Tokens that have yet to be signed: what the edits of defects are given.

A token is made in stages, each when somebody looks: header and claims, their JSON, their parts in base64url, the
signature, the whole text. An edit changes the stage that it is about; what was made before stays as it is.
"""

from __future__ import annotations

import hashlib
from functools import cached_property, lru_cache
from typing import Any, Final

from spiffesim.authority import JwtAuthority
from spiffesim.catalogue.hierarchy import NOW, Hierarchy
from spiffesim.catalogue.tokens.signing import sign
from spiffesim.instants import SECOND, Microseconds, moment
from spiffesim.profiles import JWT_HEADER, WIT_HEADER, jwt_claims, wit_claims
from spiffesim.spiffe import jose
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.bundlemap import BundleMap
from spiffesim.spiffe.jose import PrivateKey, b64url
from spiffesim.spiffe.jose.compact import b64url_bytes
from spiffesim.spiffe.jose.jsontext import write_json
from spiffesim.spiffe.jwks import spki_of
from spiffesim.spiffe.proof import Proof

SECONDS: Final = NOW // SECOND
"""The instant of every case, as tokens tell it."""


class Draft:
    """A right token in SPIRE's shape.

    Args:
        hierarchy: Where the keys come from.
        number: What tells it from others of the hierarchy.
        use: Whose key signs it: ``"jwt"`` or ``"wit"``.

    Attributes:
        spiffe_id: Whose it is.
        now: The instant at which it is judged.
        header: The members of its header.
        claims: The members of its payload.
        algorithm: What it is signed by, whatever its header says.
        private_key: What it is signed with.
        bundles: What the validator holds.
    """

    header: dict[str, Any]
    claims: dict[str, Any]

    def __init__(self, hierarchy: Hierarchy, number: int, use: str) -> None:
        self.hierarchy = hierarchy
        self.number = number
        self.use = use
        self.spiffe_id = f"spiffe://{hierarchy.trust_domain.name}/workload/{number}"
        self.now: Microseconds = NOW
        self.algorithm = "ES256"
        self.private_key: PrivateKey = hierarchy.key(use).private_key
        self.bundles = right_bundles(hierarchy)

    # The stages of a token

    @cached_property
    def header_json(self) -> bytes:
        """The header as JSON."""
        return write_json(self.header)

    @cached_property
    def claims_json(self) -> bytes:
        """The claims as JSON."""
        return write_json(self.claims)

    @cached_property
    def header_part(self) -> bytes:
        """The header as it stands in the token."""
        return b64url_bytes(self.header_json)

    @cached_property
    def claims_part(self) -> bytes:
        """The claims as they stand in the token."""
        return b64url_bytes(self.claims_json)

    @property
    def signed(self) -> bytes:
        """The bytes under the signature."""
        return self.header_part + b"." + self.claims_part

    @cached_property
    def signature(self) -> bytes:
        """The raw signature."""
        return sign(self.algorithm, self.private_key, self.signed)

    @cached_property
    def token(self) -> str:
        """The token."""
        return (self.signed + b"." + b64url_bytes(self.signature)).decode("ascii")

    # What several edits do

    @property
    def kid(self) -> str:
        """The key ID of the right key."""
        return key_id(self.hierarchy, self.use)

    def seal(self) -> None:
        """Sign what is there now; what is changed from here on is changed behind the back of who signed."""
        self.signature = sign(self.algorithm, self.private_key, self.signed)

    def hold(self, *bundles: SpiffeBundle) -> None:
        """Let the validator hold these bundles, and no others."""
        self.bundles = BundleMap(bundles)

    def publish(self, *keys: PrivateKey) -> None:
        """Let the bundle hold these keys in place of the right one, the first under its key ID."""
        names = [self.kid, *(f"{self.kid}-{place}" for place in range(1, len(keys)))]
        pairs = tuple((name, spki_of(key.public_key())) for name, key in zip(names, keys, strict=True))
        jwt, wit = (pairs, ()) if self.use == "jwt" else ((), pairs)
        self.hold(SpiffeBundle(self.hierarchy.trust_domain, jwt_spki=jwt, wit_spki=wit))

    def sign_with(self, algorithm: str, private_key: PrivateKey) -> None:
        """Sign by another algorithm with another key, which header and bundle then say."""
        self.algorithm = self.header["alg"] = algorithm
        self.private_key = private_key
        self.publish(private_key)


class JwtDraft(Draft):
    """A right JWT-SVID.

    Attributes:
        audience: Whom the validator goes by.
    """

    def __init__(self, hierarchy: Hierarchy, number: int) -> None:
        super().__init__(hierarchy, number, "jwt")
        self.audience = "reports"
        self.header = {"alg": "ES256", "kid": self.kid, **JWT_HEADER}
        self.claims = jwt_claims(
            spiffe_id=self.spiffe_id, audience=("reports",), issued_at=SECONDS - 60, expires_at=SECONDS + 240
        )


class WitDraft(Draft):
    """A right WIT-SVID, and the proof that its holder has the key in it.

    Attributes:
        proof_key: What the proof is signed with.
        proof_algorithm: What it is signed by.
        proof_ends: When it ends.
    """

    def __init__(self, hierarchy: Hierarchy, number: int) -> None:
        super().__init__(hierarchy, number, "wit")
        self.header = {"alg": "ES256", "kid": self.kid, **WIT_HEADER}
        self.claims = wit_claims(
            spiffe_id=self.spiffe_id,
            confirmation=_confirmation(hierarchy),
            issued_at=SECONDS - 60,
            expires_at=SECONDS + 3540,
        )
        self.proof_key: PrivateKey = hierarchy.key("holder").private_key
        self.proof_algorithm = "ES256"
        self.proof_ends: Microseconds = NOW + 30 * SECOND

    @property
    def jwk(self) -> dict[str, Any]:
        """The key in the token."""
        jwk: dict[str, Any] = self.claims["cnf"]["jwk"]
        return jwk

    def confirm(self, algorithm: str, private_key: PrivateKey) -> None:
        """Let the token hold another key, and the holder prove to have that."""
        self.proof_algorithm, self.proof_key = algorithm, private_key
        self.claims["cnf"]["jwk"] = {**jose.jwk_of(private_key.public_key()), "alg": algorithm}

    # The stages of a proof

    @cached_property
    def proof_digest(self) -> bytes:
        """The SHA-256 of the token."""
        return hashlib.sha256(self.token.encode("utf-8")).digest()

    @cached_property
    def proof_header(self) -> dict[str, Any]:
        """The header of a WIMSE workload proof token."""
        return {"typ": "wpt+jwt", "alg": self.proof_algorithm}

    @cached_property
    def proof_claims(self) -> dict[str, Any]:
        """The claims of a WIMSE workload proof token."""
        ends = -(-self.proof_ends // SECOND)
        return {"aud": "https://reports.example.org", "exp": ends, "wth": b64url(self.proof_digest)}

    @cached_property
    def proof_signed(self) -> bytes:
        """The bytes under the signature of the proof."""
        return b64url_bytes(write_json(self.proof_header)) + b"." + b64url_bytes(write_json(self.proof_claims))

    @cached_property
    def proof_signature(self) -> bytes:
        """The signature of the proof."""
        return sign(self.proof_algorithm, self.proof_key, self.proof_signed)

    @cached_property
    def proof(self) -> Proof | None:
        """What comes with the token."""
        return Proof(self.proof_signed, self.proof_signature, moment(self.proof_ends))


@lru_cache(maxsize=64)
def key_id(hierarchy: Hierarchy, use: str) -> str:
    """The key ID of a hierarchy's key."""
    return JwtAuthority(hierarchy.draw(use), hierarchy.key(use), 0).key_id


@lru_cache(maxsize=64)
def right_bundles(hierarchy: Hierarchy) -> BundleMap:
    """What a validator holds who holds the bundle of a hierarchy; it is read once, and judges many tokens."""
    names = {use: ((key_id(hierarchy, use), hierarchy.key(use).spki),) for use in ("jwt", "wit")}
    return BundleMap([SpiffeBundle(hierarchy.trust_domain, jwt_spki=names["jwt"], wit_spki=names["wit"])])


@lru_cache(maxsize=64)
def _confirmation(hierarchy: Hierarchy) -> dict[str, str]:
    """The key of the holder as a JWK; whoever takes it copies it."""
    return {**jose.jwk_of(hierarchy.key("holder").public_key), "alg": "ES256"}
