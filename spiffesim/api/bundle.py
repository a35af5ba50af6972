"""Bundles: the trust domain's own, those of others, and the JWT keys that downstream servers publish.

SPIRE: pkg/server/api/bundle/v1/service.go
"""

from __future__ import annotations

from datetime import datetime

from spiffesim.api import Service
from spiffesim.authority import JwtAuthority
from spiffesim.authorization import OPERATOR, Caller
from spiffesim.errors import InvalidBundle, NotFound, Refused
from spiffesim.instants import microseconds
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.x509svid import X509Svid


class BundleService(Service):
    """The bundle service."""

    def get_bundle(self, *, caller: Caller | X509Svid = OPERATOR) -> SpiffeBundle:
        """The bundle of the trust domain; anyone may ask."""
        self.authorize("get_bundle", caller)
        return self.bundle

    def get_federated_bundle(
        self, trust_domain: TrustDomain | str, *, caller: Caller | X509Svid = OPERATOR
    ) -> SpiffeBundle:
        """The bundle of another trust domain, as the server holds it.

        Raises:
            NotFound: If it holds none.
            Refused: INVALID_ARGUMENT for the server's own trust domain.
        """
        self.authorize("get_federated_bundle", caller)
        name = TrustDomain.parse(trust_domain)
        self._check_foreign(name, "getting")
        bundle = self.federated.get(name)
        if bundle is None:
            raise NotFound("bundle not found", status="NOT_FOUND", hint=f"{name} on server {self.name}")
        return bundle

    def set_federated_bundle(self, bundle: SpiffeBundle, *, caller: Caller | X509Svid = OPERATOR) -> None:
        """Store the bundle of another trust domain, for entries that federate with it.

        Args:
            bundle: The bundle, in place of the one that is held.
            caller: Who calls.

        Raises:
            Refused: INVALID_ARGUMENT for the server's own trust domain.
        """
        self.authorize("set_federated_bundle", caller)
        self._check_foreign(bundle.trust_domain, "setting")
        self.federated[bundle.trust_domain] = bundle
        self.changed()
        self.note("Bundle set successfully", trust_domain_id=bundle.trust_domain)

    def _check_foreign(self, trust_domain: TrustDomain, verb: str) -> None:
        if trust_domain == self.trust_domain:
            raise Refused(
                f"{verb} a federated bundle for the server's own trust domain is not allowed",
                status="INVALID_ARGUMENT",
                hint=str(trust_domain),
            )

    def publish_jwt_authority(
        self,
        key_id: str,
        spki: bytes,
        *,
        expires_at: datetime | None = None,
        caller: Caller | X509Svid,
    ) -> SpiffeBundle:
        """Publish a downstream's JWT key, here and up to the top of the trust domain.

        Args:
            key_id: Its key ID.
            spki: The public key as a DER SubjectPublicKeyInfo.
            expires_at: When the key ends.
            caller: Who calls; only a downstream may.

        Returns:
            This server's bundle, which now has the key.

        Raises:
            NotAuthorized: If no entry with the caller's SPIFFE ID is downstream.
            Refused: INVALID_ARGUMENT for a key that is none or without key ID; INTERNAL, if a server
                further up refuses it.

        SPIRE: pkg/server/api/bundle/v1/service.go (PublishJWTAuthority): who publishes which key ID
        is not checked.
        """
        self.authorize("publish_jwt_authority", caller)
        _check_authority(key_id, spki)
        authority = JwtAuthority.published(key_id, spki, microseconds(expires_at) if expires_at else 0)
        try:
            self.keyring.publish(authority, self.now)
        except Refused as refusal:
            raise Refused(
                f"failed to publish JWT key: {refusal.message}", status="INTERNAL", hint=refusal.hint
            ) from refusal
        return self.bundle


def _check_authority(key_id: str, spki: bytes) -> None:
    """SPIRE: pkg/server/api/bundle.go (ParseJWTAuthorities)."""
    from spiffesim.spiffe.jwks import load_key

    try:
        load_key(spki)
    except InvalidBundle as error:
        raise Refused(f"invalid JWT authority: {error}", status="INVALID_ARGUMENT") from None
    if not key_id:
        raise Refused("invalid JWT authority: missing key ID", status="INVALID_ARGUMENT")
