"""Trust domains: the federation relationships of a server.

SPIRE: pkg/server/api/trustdomain/v1/service.go
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Unpack

import attrs

from spiffesim.authorization import OPERATOR, Caller
from spiffesim.errors import InvalidConfiguration, InvalidSpiffeId, InvalidTrustDomain, NotFound, Refused
from spiffesim.federation import BundleEndpoint, FederationRelationship, RelationshipFields
from spiffesim.server.api.polling import Polling
from spiffesim.server.bundleclient import FetchFailed
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.spiffe.x509svid import X509Svid

_NOT_OF_HOSTS: Final = re.compile(r"[^a-z0-9-]+")
_PORT: Final = 8443


class TrustDomainService(Polling):
    """The trust domain service."""

    # The API

    def create_federation_relationship(
        self,
        trust_domain: TrustDomain | SpiffeId | str,
        *,
        caller: Caller | X509Svid = OPERATOR,
        **fields: Unpack[RelationshipFields],
    ) -> FederationRelationship:
        """Fetch the bundle of another trust domain from now on; the first poll comes as soon as time passes.

        Args:
            trust_domain: Whose bundle.
            caller: Who calls; by default the operator.
            **fields: ``bundle_endpoint_url``, ``bundle_endpoint_profile`` (``https_spiffe``, or ``https_web``),
                ``endpoint_spiffe_id``, and ``trust_domain_bundle``, which is stored at once.

        Returns:
            The relationship, with the bundle that the server holds.

        Raises:
            Refused: INVALID_ARGUMENT for what cannot be one, INTERNAL if there is one with this trust domain.
        """
        self.authorize("create_federation_relationship", caller)
        made = _converted(trust_domain, fields)
        if made.trust_domain == self.trust_domain:
            raise Refused(
                "unable to create federation relationship for server trust domain",
                status="INVALID_ARGUMENT",
                hint=str(self.trust_domain),
            )
        if made.trust_domain in self.relationships:
            raise Refused(
                "failed to create federation relationship: datastore-sql: UNIQUE constraint failed: "
                "federated_trust_domains.trust_domain",
                status="INTERNAL",
                hint=f"server {self.name} has one with {made.trust_domain}; update or delete it",
            )
        return self._store(made, "Federation relationship created")

    def update_federation_relationship(
        self,
        trust_domain: TrustDomain | SpiffeId | str,
        *,
        mask: Iterable[str] | None = None,
        caller: Caller | X509Svid = OPERATOR,
        **fields: Unpack[RelationshipFields],
    ) -> FederationRelationship:
        """Change a relationship; the next poll, which comes no sooner for it, goes by what it says then.

        Args:
            trust_domain: With whom it is.
            mask: The names of the fields to change, a profile together with its SPIFFE ID; None for all.
                SPIRE checks even those that it does not change.
            caller: Who calls; by default the operator.
            **fields: As for ``create_federation_relationship``; without a bundle the held one stays.

        Raises:
            Refused: INVALID_ARGUMENT for what cannot be one, INTERNAL if there is none.
        """
        self.authorize("update_federation_relationship", caller)
        made = _converted(trust_domain, fields)
        old = self.relationships.get(made.trust_domain)
        if old is None:
            raise Refused(
                "failed to update federation relationship: unable to fetch federation relationship: record not found",
                status="INTERNAL",
                hint=f"server {self.name} has none with {made.trust_domain}",
            )
        return self._store(
            made if mask is None else _masked(old, made, frozenset(mask)), "Federation relationship updated"
        )

    def delete_federation_relationship(
        self, trust_domain: TrustDomain | SpiffeId | str, *, caller: Caller | X509Svid = OPERATOR
    ) -> None:
        """Stop fetching the bundle of a trust domain; what is held of it stays until that is deleted as well.

        Raises:
            NotFound: ``federation relationship not found``.
            Refused: INVALID_ARGUMENT for the name of no trust domain.
        """
        self.authorize("delete_federation_relationship", caller)
        if not trust_domain:
            raise Refused("missing trust domain", status="INVALID_ARGUMENT")
        name = _parsed(trust_domain)
        if name not in self.relationships:
            raise NotFound("federation relationship not found", status="NOT_FOUND", hint=f"{name} on {self.name}")
        del self.relationships[name]
        self.note("Federation relationship deleted", trust_domain_id=name)
        self.reload_relationships()

    def get_federation_relationship(
        self, trust_domain: TrustDomain | SpiffeId | str, *, caller: Caller | X509Svid = OPERATOR
    ) -> FederationRelationship:
        """The relationship with a trust domain, unless it stands in the configuration.

        Raises:
            NotFound: ``federation relationship does not exist``.
            Refused: INVALID_ARGUMENT for the name of no trust domain.
        """
        self.authorize("get_federation_relationship", caller)
        name = _parsed(trust_domain)
        if name not in self.relationships:
            raise NotFound("federation relationship does not exist", status="NOT_FOUND", hint=f"{name} on {self.name}")
        return self._with_bundle(self.relationships[name])

    def list_federation_relationships(self, *, caller: Caller | X509Svid = OPERATOR) -> list[FederationRelationship]:
        """The relationships that do not stand in the configuration, oldest first."""
        self.authorize("list_federation_relationships", caller)
        return [self._with_bundle(relationship) for relationship in self.relationships.values()]

    def refresh_bundle(
        self, trust_domain: TrustDomain | SpiffeId | str, *, caller: Caller | X509Svid = OPERATOR
    ) -> None:
        """Fetch the bundle of a trust domain now; the polls come when they would have come.

        Raises:
            NotFound: If there is no relationship with it.
            Refused: INVALID_ARGUMENT for the name of no trust domain, INTERNAL if the bundle could not be fetched.
        """
        self.authorize("refresh_bundle", caller)
        name = _parsed(trust_domain)
        updater = self.updaters.get(name)
        if updater is None:
            raise NotFound(
                f'no relationship with trust domain "{name}"', status="NOT_FOUND", hint=f"server {self.name}"
            )
        try:
            updater.client.refresh()
        except FetchFailed as error:
            raise Refused(f"failed to refresh bundle: {error}", status="INTERNAL") from None
        finally:
            self.wake()

    # Conveniences

    def federate_with(self, other: TrustDomainService, **fields: Unpack[RelationshipFields]) -> FederationRelationship:
        """Trust another trust domain: fetch its bundle from this server of it, beginning with the one of now.

        It is one-way; call it on both for trust both ways. A server that serves its bundle nowhere yet
        does so from now on, under ``https_spiffe``.

        Args:
            other: A server of the other trust domain.
            **fields: As for ``create_federation_relationship``, where it is to be another.

        Raises:
            Refused: As from ``create_federation_relationship``.
        """
        endpoint = other.serve_bundle()
        known: RelationshipFields = {
            "bundle_endpoint_url": endpoint.url,
            "bundle_endpoint_profile": endpoint.profile,
            "endpoint_spiffe_id": other.trust_domain.id("/spire/server"),
            "trust_domain_bundle": attrs.evolve(other.bundle, wit_spki=()),
        }
        known.update(fields)
        return self.create_federation_relationship(other.trust_domain, **known)

    def serve_bundle(self, endpoint: BundleEndpoint | None = None) -> BundleEndpoint:
        """Serve the bundle of this trust domain to others from now on.

        Args:
            endpoint: Where; by default where it is served already, or else at
                ``https://<trust domain>:8443``, below its name for a nested server.

        Returns:
            Where it is served.
        """
        if endpoint is None:
            endpoint = self.config.bundle_endpoint or BundleEndpoint(url=self._free_url())
        self.config = self.keyring.config = attrs.evolve(self.config, bundle_endpoint=endpoint)
        self.changed()
        return endpoint

    def _free_url(self) -> str:
        """A URL that no other server has: the trust domain's, below which nested servers have names of their own."""
        endpoints = [server.config.bundle_endpoint for server in self.world.servers.values()]
        taken = {endpoint.address.host for endpoint in endpoints if endpoint is not None}
        host = self.trust_domain.name
        if self.depth:
            host = f"{_NOT_OF_HOSTS.sub('-', self.name.lower()).strip('-') or 'server'}.{host}"
        number, free = 1, host
        while free in taken:
            number += 1
            free = f"server-{number}.{host}"
        return f"https://{free}:{_PORT}"

    # Storage

    def _store(self, made: FederationRelationship, kind: str) -> FederationRelationship:
        name, bundle = made.trust_domain, made.trust_domain_bundle
        if bundle is not None:
            self.federated[name] = bundle
        self.relationships[name] = attrs.evolve(made, trust_domain_bundle=None)
        self.note(kind, trust_domain_id=name)
        if made.endpoint_spiffe_id is not None and bundle is None:
            self._warn_of_missing_bundle(made.endpoint_spiffe_id)
        self.changed()
        self.reload_relationships()
        return self._with_bundle(self.relationships[name])

    def _warn_of_missing_bundle(self, endpoint: SpiffeId) -> None:
        if endpoint.trust_domain != self.trust_domain and endpoint.trust_domain not in self.federated:
            self.note("bundle not found for the endpoint SPIFFE ID trust domain", endpoint_spiffe_id=endpoint)

    def _with_bundle(self, relationship: FederationRelationship) -> FederationRelationship:
        return attrs.evolve(relationship, trust_domain_bundle=self.federated.get(relationship.trust_domain))


def _converted(trust_domain: TrustDomain | SpiffeId | str, fields: RelationshipFields) -> FederationRelationship:
    try:
        return FederationRelationship(trust_domain=trust_domain, **fields)
    except InvalidConfiguration as error:
        raise Refused(f"failed to convert federation relationship: {error}", status="INVALID_ARGUMENT") from None


def _masked(old: FederationRelationship, new: FederationRelationship, mask: frozenset[str]) -> FederationRelationship:
    url = new if "bundle_endpoint_url" in mask else old
    profile = new if "bundle_endpoint_profile" in mask else old
    return FederationRelationship(
        trust_domain=old.trust_domain,
        bundle_endpoint_url=url.bundle_endpoint_url,
        bundle_endpoint_profile=profile.bundle_endpoint_profile,
        endpoint_spiffe_id=profile.endpoint_spiffe_id,
        trust_domain_bundle=new.trust_domain_bundle if "trust_domain_bundle" in mask else None,
    )


def _parsed(trust_domain: TrustDomain | SpiffeId | str) -> TrustDomain:
    try:
        return TrustDomain.parse(trust_domain)
    except (InvalidTrustDomain, InvalidSpiffeId) as error:
        raise Refused(f"failed to parse trust domain: {error.reason}", status="INVALID_ARGUMENT") from error
