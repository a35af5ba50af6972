"""Bundle client: fetches the bundle of another trust domain from its endpoint, and knows when that would bring news.

SPIRE: pkg/server/bundle/client/updater.go, client.go
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs

from spiffesim.errors import ValidationError
from spiffesim.federation import HTTPS_SPIFFE, FederationRelationship, name_problem
from spiffesim.instants import Microseconds, moment, rfc3339
from spiffesim.server.bundledocument import MINIMUM_REFRESH_HINT, poll_interval, read_document, write_document
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.spiffe.validation import validate_x509_svid

if TYPE_CHECKING:
    from spiffesim.authority import IssuedSvid
    from spiffesim.server.server import Server

_UNVERIFIED: Final = "tls: failed to verify certificate: %s"


class FetchFailed(Exception):
    """Why a bundle could not be fetched, in SPIRE's words."""


class NoWayToAsk(FetchFailed):
    """The endpoint was not even called."""


@attrs.frozen(eq=False)
class _Proof:
    """That what a CA signs is trusted by a bundle, from one instant to another of the judge's clock."""

    issuer: object
    bundle: SpiffeBundle
    first: Microseconds
    last: Microseconds

    def covers(self, svid: IssuedSvid, bundle: SpiffeBundle, now: Microseconds) -> bool:
        return (
            self.issuer is svid.certificate.issuer
            and self.bundle is bundle
            and self.first <= now <= self.last
            and svid.not_before <= now <= svid.not_after
        )


class BundleClient:
    """Fetches the bundle of one other trust domain for one server.

    Attributes:
        server: Whose client it is.
        relationship: Where it fetches, and how it knows the endpoint.
    """

    def __init__(self, server: Server, relationship: FederationRelationship) -> None:
        self.server = server
        self.relationship = relationship
        self._endpoint: Server | None = None
        self._proof: _Proof | None = None
        self._read: tuple[SpiffeBundle, timedelta, SpiffeBundle] | None = None  # served, with which hint, as read
        self._met: tuple[Any, ...] | None = None  # what the last fetch went by; None if it failed

    @property
    def trust_domain(self) -> TrustDomain:
        """Whose bundle it fetches."""
        return self.relationship.trust_domain

    # When

    @property
    def due(self) -> Microseconds | None:
        """From when on a fetch would bring news, or fail; None if never."""
        if self.server.world.journal.debug or self.has_news:
            return 0
        if self.relationship.bundle_endpoint_profile != HTTPS_SPIFFE:
            return None
        assert self._endpoint is not None
        assert self._proof is not None
        assert self._endpoint.shown is not None
        return min(self._endpoint.shown.not_after, self._proof.last) + 1 - self.server.skew

    @property
    def has_news(self) -> bool:
        """Whether anything has changed since the last fetch, or that failed."""
        return self._met is None or self._met != self._circumstances()

    def _circumstances(self) -> tuple[Any, ...]:
        """All that a fetch depends on, but for the time."""
        server, endpoint = self.server, self._endpoint
        assert endpoint is not None
        return (
            self.relationship,
            server.revision,
            server.skew,
            endpoint.revision,
            endpoint.shown,
            server.world.reaches(server, endpoint),
        )

    # What

    def poll(self) -> Microseconds:
        """Refresh the bundle, and say how long to wait for the next poll.

        SPIRE: pkg/server/bundle/client/manager.go (runUpdateOnce). A failure is not tried again any sooner.
        Spec: SPIFFE Federation 6.2
        """
        held = self.server.federated.get(self.trust_domain)
        try:
            return poll_interval(self.refresh())
        except FetchFailed as error:
            self.server.note("Error updating bundle", trust_domain=self.trust_domain, error=str(error))
            asked = not isinstance(error, NoWayToAsk)
        return poll_interval(held) if held is not None and asked else MINIMUM_REFRESH_HINT

    def refresh(self) -> SpiffeBundle:
        """Fetch the bundle and store it.

        Raises:
            FetchFailed: With SPIRE's text; then what is held stays as it is.
        """
        self._met = None
        server, fetched = self.server, self._fetch()
        news = server.federated.get(self.trust_domain) != fetched
        if news:
            server.federated[self.trust_domain] = fetched
            server.changed()
        # Not SPIRE: it rewrites the bundle and says so at each poll, as what it fetches has no sequence number and
        # what it holds has one, so that they never compare equal. Here only what is new counts, unless in debug.
        if news or server.world.journal.debug:
            server.note("Bundle refreshed", trust_domain=self.trust_domain)
        self._met = self._circumstances()
        return fetched

    def _fetch(self) -> SpiffeBundle:
        relationship, trusted = self.relationship, None
        if relationship.endpoint_spiffe_id is not None:
            trusted = self._held(relationship.endpoint_spiffe_id.trust_domain)
            if trusted is None:
                raise NoWayToAsk("can't perform SPIFFE Authentication: local copy of bundle not found")
        self._endpoint = endpoint = self._find()
        endpoint.poll_from(self.server)
        self._authenticate(endpoint, trusted)
        if relationship.address.path != "/":
            raise _failed("unexpected status 404 fetching bundle: 404 page not found\n")
        return self._document(endpoint)

    def _held(self, trust_domain: TrustDomain) -> SpiffeBundle | None:
        """The bundle of any trust domain, this one's included, as the server has it."""
        server = self.server
        return server.bundle if trust_domain == server.trust_domain else server.federated.get(trust_domain)

    def _find(self) -> Server:
        """The server at the URL."""
        world, address = self.server.world, self.relationship.address
        candidates = world.servers.values() if self._endpoint is None else (self._endpoint, *world.servers.values())
        for server in candidates:
            setting = server.config.bundle_endpoint
            if setting is None or setting.address[:2] != address[:2]:
                continue
            if not world.reaches(self.server, server) or server.shown is None:
                raise self._unanswered(f"dial tcp {address.host}:{address.port}: connect: connection refused")
            return server
        raise self._unanswered(f"dial tcp: lookup {address.host}: no such host")

    def _document(self, endpoint: Server) -> SpiffeBundle:
        """What the endpoint serves at this instant, as it is read here."""
        setting, served = endpoint.config.bundle_endpoint, endpoint.bundle
        assert setting is not None
        if self._read is None or self._read[0] is not served or self._read[1] != setting.refresh_hint:
            read = read_document(self.trust_domain, write_document(served, setting.refresh_hint))
            self._read = served, setting.refresh_hint, read
        return self._read[2]

    # Whether it is the right one

    def _authenticate(self, endpoint: Server, trusted: SpiffeBundle | None) -> None:
        setting, host = endpoint.config.bundle_endpoint, self.relationship.address.host
        assert setting is not None
        shows_svid = setting.profile == HTTPS_SPIFFE
        if trusted is not None:
            if not shows_svid:
                raise self._unanswered("x509svid: could not get leaf SPIFFE ID: certificate contains no URI SAN")
            assert endpoint.shown is not None
            self._check_svid(endpoint.shown, trusted)
            return
        problem = name_problem(() if shows_svid else setting.names, host)
        if problem and shows_svid:
            raise _failed(
                "failed to authenticate bundle endpoint using web authentication but the server certificate contains "
                f'SPIFFE ID "{endpoint.spiffe_id}": maybe use https_spiffe instead of https_web: '
                f"{self._get_error(_UNVERIFIED % problem)}"
            )
        if problem:
            raise self._unanswered(_UNVERIFIED % problem)

    def _check_svid(self, svid: IssuedSvid, trusted: SpiffeBundle) -> None:
        """Judge the endpoint's SVID, by this server's clock and the bundle that it holds.

        Spec: SPIFFE Federation 5.2.2.4
        """
        expected, identity = self.relationship.endpoint_spiffe_id, SpiffeId(svid.spiffe_id)
        assert expected is not None
        if identity.trust_domain != expected.trust_domain:
            raise self._unanswered(
                f'x509svid: could not get X509 bundle: x509bundle: no X.509 bundle for trust domain "{identity.trust_domain}"'
            )
        now = self.server.now
        if self._proof is None or not self._proof.covers(svid, trusted, now):
            self._proof = self._prove(svid, trusted, now)
        if identity != expected:
            raise self._unanswered(f'unexpected ID "{identity}"')

    def _prove(self, svid: IssuedSvid, trusted: SpiffeBundle, now: Microseconds) -> _Proof:
        """What one real SVID of a CA proves of all others, none of which needs to be drawn for it."""
        try:
            validate_x509_svid(svid.draw(), trusted, at=moment(now), memo=self.server.world.memo)
        except ValidationError:
            raise self._unanswered(f"x509svid: could not verify leaf certificate: {_why(svid, now)}") from None
        ends = [certificate.not_after for certificate in (*(svid.issuers or ()), *trusted.anchors.certificates)]
        last = min((end for end in ends if end >= now), default=svid.not_after)
        return _Proof(svid.certificate.issuer, trusted, now, last)

    def _get_error(self, reason: str) -> str:
        return f'Get "{self.relationship.bundle_endpoint_url}": {reason}'

    def _unanswered(self, reason: str) -> FetchFailed:
        return _failed(f"failed to fetch bundle: {self._get_error(reason)}")


def _failed(reason: str) -> FetchFailed:
    return FetchFailed(f"failed to fetch federated bundle from endpoint: {reason}")


def _why(svid: IssuedSvid, now: Microseconds) -> str:
    """What Go says of an SVID that does not validate."""
    if svid.not_before <= now <= svid.not_after:
        return "x509: certificate signed by unknown authority"
    late = now > svid.not_after
    order = f"after {rfc3339(svid.not_after)}" if late else f"before {rfc3339(svid.not_before)}"
    return f"x509: certificate has expired or is not yet valid: current time {rfc3339(now)} is {order}"
