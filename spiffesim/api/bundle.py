"""Bundles: the trust domain's own, those of others, and the JWT keys that downstream servers publish.

SPIRE: pkg/server/api/bundle/v1/service.go
"""

from __future__ import annotations

from datetime import datetime

from spiffesim.api import Service
from spiffesim.authority import JwtAuthority
from spiffesim.authorization import OPERATOR, Caller
from spiffesim.errors import Refused
from spiffesim.instants import microseconds
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.x509svid import X509Svid


class BundleService(Service):
    """The bundle service."""

    def get_bundle(self, *, caller: Caller | X509Svid = OPERATOR) -> SpiffeBundle:
        """The bundle of the trust domain; anyone may ask."""
        self.authorize("get_bundle", caller)
        return self.bundle

    def set_federated_bundle(self, bundle: SpiffeBundle, *, caller: Caller | X509Svid = OPERATOR) -> None:
        """Store the bundle of another trust domain, for entries that federate with it."""
        self.authorize("set_federated_bundle", caller)
        if bundle.trust_domain == self.trust_domain:
            raise Refused(
                "setting a federated bundle for the server's own trust domain is not allowed",
                status="INVALID_ARGUMENT",
                hint=str(bundle.trust_domain),
            )
        self.federated[bundle.trust_domain] = bundle

    def publish_jwt_authority(
        self,
        key_id: str,
        spki: bytes,
        *,
        expires_at: datetime | None = None,
        caller: Caller | X509Svid = OPERATOR,
    ) -> SpiffeBundle:
        """Publish a downstream's JWT key, here and up to the top of the trust domain.

        Args:
            key_id: Its key ID.
            spki: The public key as a DER SubjectPublicKeyInfo.
            expires_at: When the key ends.
            caller: Who calls; only a downstream may.

        Returns:
            This server's bundle, which now has the key.

        SPIRE: pkg/server/api/bundle/v1/service.go (PublishJWTAuthority): who publishes which key ID
        is not checked.
        """
        self.authorize("publish_jwt_authority", caller)
        if not key_id:
            raise Refused("invalid JWT authority: missing key ID", status="INVALID_ARGUMENT")
        authority = JwtAuthority.published(key_id, spki, microseconds(expires_at) if expires_at else 0)
        self.keyring.publish(authority, self.world.now)
        return self.bundle
