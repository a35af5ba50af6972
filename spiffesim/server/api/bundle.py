"""Bundles: the trust domain's own, those of others, and the JWT keys that downstream servers publish.

SPIRE: pkg/server/api/bundle/v1/service.go
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from spiffesim.authority import JwtAuthority
from spiffesim.authorization import OPERATOR, Caller
from spiffesim.errors import AlreadyExists, InvalidBundle, InvalidSpiffeId, InvalidTrustDomain, NotFound, Refused
from spiffesim.golang import quoted
from spiffesim.instants import microseconds
from spiffesim.server.api import Service
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.x509svid import X509Svid

_DELETE_MODES: Final = ("restrict", "dissociate", "delete")


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
        name = self._foreign(
            trust_domain, "getting a federated bundle for the server's own trust domain is not allowed"
        )
        bundle = self.federated.get(name)
        if bundle is None:
            raise self._not_held(name)
        return bundle

    def list_federated_bundles(self, *, caller: Caller | X509Svid = OPERATOR) -> list[SpiffeBundle]:
        """The bundles of other trust domains that the server holds, oldest first."""
        self.authorize("list_federated_bundles", caller)
        return list(self.federated.values())

    def count_bundles(self, *, caller: Caller | X509Svid = OPERATOR) -> int:
        """How many bundles the server holds, that of its own trust domain included."""
        self.authorize("count_bundles", caller)
        return len(self.federated) + 1

    def create_federated_bundle(self, bundle: SpiffeBundle, *, caller: Caller | X509Svid = OPERATOR) -> SpiffeBundle:
        """Store the bundle of another trust domain, of which the server holds none yet.

        Raises:
            AlreadyExists: ``bundle already exists``.
            Refused: INVALID_ARGUMENT for the server's own trust domain.
        """
        self.authorize("create_federated_bundle", caller)
        name = self._take(bundle, "creating")
        if name in self.federated:
            raise AlreadyExists("bundle already exists", status="ALREADY_EXISTS", hint=f"{name} on server {self.name}")
        self._hold(bundle, "Federated bundle created")
        return bundle

    def update_federated_bundle(
        self, bundle: SpiffeBundle, *, mask: Iterable[str] | None = None, caller: Caller | X509Svid = OPERATOR
    ) -> SpiffeBundle:
        """Change the bundle of another trust domain that the server holds.

        Args:
            bundle: What it is to be.
            mask: What of it: ``x509_authorities``, ``jwt_authorities``, ``refresh_hint``, ``sequence_number``;
                None for all.
            caller: Who calls; by default the operator.

        Returns:
            The bundle as it is held now.

        Raises:
            NotFound: ``bundle not found``.
            Refused: INVALID_ARGUMENT for the server's own trust domain.
        """
        self.authorize("update_federated_bundle", caller)
        name = self._take(bundle, "updating")
        if name not in self.federated:
            raise self._not_held(name)
        updated = bundle if mask is None else _masked(self.federated[name], bundle, frozenset(mask))
        self._hold(updated, "Federated bundle updated")
        return updated

    def set_federated_bundle(self, bundle: SpiffeBundle, *, caller: Caller | X509Svid = OPERATOR) -> None:
        """Store the bundle of another trust domain, for entries that federate with it.

        Args:
            bundle: The bundle, in place of the one that is held.
            caller: Who calls.

        Raises:
            Refused: INVALID_ARGUMENT for the server's own trust domain.
        """
        self.authorize("set_federated_bundle", caller)
        self._take(bundle, "setting")
        self._hold(bundle, "Bundle set successfully")

    def delete_federated_bundle(
        self, trust_domain: TrustDomain | str, *, mode: str = "restrict", caller: Caller | X509Svid = OPERATOR
    ) -> None:
        """Forget the bundle of another trust domain; a relationship with it would fetch it again.

        Args:
            trust_domain: Whose bundle.
            mode: What becomes of the entries that federate with it: ``"restrict"`` refuses if there are any,
                ``"dissociate"`` takes it out of them, ``"delete"`` deletes them.
            caller: Who calls; by default the operator.

        Raises:
            NotFound: ``bundle not found``.
            Refused: FAILED_PRECONDITION if entries stand in the way, INVALID_ARGUMENT for another mode or the
                server's own trust domain.

        SPIRE: pkg/server/datastore/sqlstore/sqlstore.go (deleteBundle)
        """
        self.authorize("delete_federated_bundle", caller)
        if mode not in _DELETE_MODES:
            raise Refused(
                f"failed to parse deletion mode: unhandled delete mode {quoted(str(mode))}",
                status="INVALID_ARGUMENT",
                hint=f"there are {', '.join(_DELETE_MODES)}",
            )
        name = self._foreign(trust_domain, "removing the bundle for the server trust domain is not allowed")
        if name not in self.federated:
            raise self._not_held(name)
        entries = self.entries.list(by_federates_with=[name])
        if entries and mode == "restrict":
            raise Refused(
                "failed to delete federated bundle: datastore-sql: cannot delete bundle; federated with "
                f"{len(entries)} registration entries",
                status="FAILED_PRECONDITION",
                hint="the modes dissociate and delete do something about them",
            )
        for entry in entries:
            if mode == "delete":
                self.entries.delete(entry.id)
            else:
                self.entries.dissociate(entry.id, name)
        del self.federated[name]
        if entries:
            self.view.ledger.closures += 1  # whoever attested by one of them may have lost its identity
        self.changed()
        self.note("Federated bundle deleted", trust_domain_id=name, mode=mode, entries=len(entries))

    def _take(self, bundle: SpiffeBundle, verb: str) -> TrustDomain:
        """Whose bundle it is, if it can be stored."""
        own = f"{verb} a federated bundle for the server's own trust domain is not allowed"
        name = self._foreign(bundle.trust_domain, own)
        try:
            bundle.anchors  # noqa: B018  # reads and checks them
        except InvalidBundle as error:
            # Not SPIRE: it stores certificates of no CA, which nothing validates against.
            raise Refused(
                f"failed to convert bundle: unable to parse X.509 authority: {error}", status="INVALID_ARGUMENT"
            ) from None
        return name

    def _hold(self, bundle: SpiffeBundle, kind: str) -> None:
        self.federated[bundle.trust_domain] = bundle
        self.changed()
        self.note(kind, trust_domain_id=bundle.trust_domain)

    def _foreign(self, trust_domain: TrustDomain | str, own: str) -> TrustDomain:
        """Another trust domain, or a refusal: of the name of none, or with these words of the server's own."""
        try:
            name = TrustDomain.parse(trust_domain)
        except (InvalidTrustDomain, InvalidSpiffeId) as error:
            raise Refused(f"trust domain argument is not valid: {error.reason}", status="INVALID_ARGUMENT") from error
        if name == self.trust_domain:
            raise Refused(own, status="INVALID_ARGUMENT", hint=str(name))
        return name

    def _not_held(self, trust_domain: TrustDomain) -> NotFound:
        return NotFound("bundle not found", status="NOT_FOUND", hint=f"{trust_domain} on server {self.name}")

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
        self.changed()
        return self.bundle


def _masked(old: SpiffeBundle, new: SpiffeBundle, mask: frozenset[str]) -> SpiffeBundle:
    return SpiffeBundle(
        old.trust_domain,
        x509_der=(new if "x509_authorities" in mask else old).x509_der,
        jwt_spki=(new if "jwt_authorities" in mask else old).jwt_spki,
        sequence_number=(new if "sequence_number" in mask else old).sequence_number,
        refresh_hint=(new if "refresh_hint" in mask else old).refresh_hint,
    )


def _check_authority(key_id: str, spki: bytes) -> None:
    """SPIRE: pkg/server/api/bundle.go (ParseJWTAuthorities)."""
    from spiffesim.spiffe.jwks import load_key

    try:
        load_key(spki)
    except InvalidBundle as error:
        raise Refused(f"invalid JWT authority: {error}", status="INVALID_ARGUMENT") from None
    if not key_id:
        raise Refused("invalid JWT authority: missing key ID", status="INVALID_ARGUMENT")
