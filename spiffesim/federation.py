"""Federation: how one trust domain is told where the bundle of another is, and by what it knows the endpoint.

Values and rules only; what is served there is in ``bundledocument``, who polls in ``bundleclient``.

SPIRE: pkg/server/api/trustdomain.go
Spec: SPIFFE Federation
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import lru_cache
from ipaddress import ip_address
from typing import Final, NamedTuple, TypedDict, cast
from urllib.parse import urlsplit

import attrs

from spiffesim.errors import InvalidBundle, InvalidConfiguration, InvalidSpiffeId, InvalidTrustDomain
from spiffesim.golang import quoted
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.spiffe.markup import pretty_fields

HTTPS_SPIFFE: Final = "https_spiffe"
HTTPS_WEB: Final = "https_web"
_PROFILES: Final = (HTTPS_SPIFFE, HTTPS_WEB)

_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)


# Where


class Address(NamedTuple):
    """Where the URL of a bundle endpoint leads: no socket, the name of one."""

    host: str
    port: int
    path: str


def _refuse(message: str, code: str) -> InvalidConfiguration:
    return InvalidConfiguration(message, code=code)


@lru_cache(maxsize=1024)  # asked at every poll
def read_url(url: str) -> Address:
    """Where a URL leads.

    Raises:
        InvalidConfiguration: With SPIRE's text, if it cannot be the URL of a bundle endpoint.

    Spec: SPIFFE Federation 5.2.1.1
    """
    broken = "failed to parse bundle endpoint URL: parse"
    if any(character < " " or character == "\x7f" for character in url):
        raise _refuse(f"{broken} {quoted(url)}: net/url: invalid control character in URL", "bundle_endpoint_url")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refuse(f"{broken} {quoted(url)}: {error}", "bundle_endpoint_url") from None
    if parts.scheme != "https":
        raise _refuse("bundle endpoint URL must use the https scheme", "bundle_endpoint_url")
    if not parts.netloc:
        raise _refuse("bundle endpoint URL must specify the host", "bundle_endpoint_url")
    if "@" in parts.netloc:
        raise _refuse("bundle endpoint URL must not contain user info", "bundle_endpoint_url")
    return Address(parts.hostname or "", 443 if port is None else port, parts.path or "/")


def _url(url: str) -> str:
    read_url(url)
    return url


def _profile(name: str) -> str:
    if name not in _PROFILES:
        raise _refuse(f"unsupported bundle endpoint profile type: {name}", "bundle_endpoint_profile")
    return name


def _hint(hint: timedelta) -> timedelta:
    if not isinstance(hint, timedelta) or hint < timedelta(0):
        raise _refuse(f"refresh_hint is {hint!r}; give a timedelta that is not negative", "refresh_hint")
    return hint


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(names)


@attrs.frozen(kw_only=True)
class BundleEndpoint:
    """Where a server serves the bundle of its trust domain to others (``bundle_endpoint``).

    Attributes:
        url: Its URL, such as ``https://example.org:8443``; no other server of the simulation has the same.
        profile: ``https_spiffe`` (it shows the server's own SVID) or ``https_web`` (a certificate of the web).
        refresh_hint: How often others should look for a newer bundle; they do four times as often.
        certificate_names: With ``https_web``, the names in the certificate; none for the host of the URL.

    Raises:
        InvalidConfiguration: If the URL, the profile or the hint is none.

    SPIRE: cmd/spire-server/cli/run/run.go
    """

    url: str = attrs.field(converter=_url)
    profile: str = attrs.field(default=HTTPS_SPIFFE, converter=_profile)
    refresh_hint: timedelta = attrs.field(default=timedelta(minutes=5), converter=_hint)
    certificate_names: tuple[str, ...] = attrs.field(default=(), converter=_names)

    _repr_pretty_ = pretty_fields

    @property
    def address(self) -> Address:
        """Where the URL leads."""
        return read_url(self.url)

    @property
    def names(self) -> tuple[str, ...]:
        """What its certificate of the web is valid for."""
        return self.certificate_names or (self.address.host,)

    def warnings(self) -> list[str]:
        """What SPIRE would warn of at startup."""
        if self.refresh_hint >= _DAY:
            return [
                "Bundle endpoint refresh hint set to a high value. To cover the case of unscheduled trust bundle "
                "updates, it's recommended to have a smaller value, e.g. 5m"
            ]
        if self.refresh_hint < _MINUTE:
            return ["Bundle endpoint refresh hint set too low. SPIRE will not refresh more often than 1 minute"]
        return []


# Who


class RelationshipFields(TypedDict, total=False):
    """What is said of a relationship, besides with whom it is; see ``FederationRelationship``."""

    bundle_endpoint_url: str
    bundle_endpoint_profile: str
    endpoint_spiffe_id: SpiffeId | str | None
    trust_domain_bundle: SpiffeBundle | None


def _trust_domain(name: TrustDomain | SpiffeId | str) -> TrustDomain:
    try:
        return TrustDomain.parse(name)
    except (InvalidTrustDomain, InvalidSpiffeId) as error:
        raise _refuse(f"failed to parse trust domain: {error.reason}", "trust_domain") from error


def _endpoint_id(value: SpiffeId | str | None, fields: attrs.AttrsInstance) -> SpiffeId | None:
    if cast("FederationRelationship", fields).bundle_endpoint_profile == HTTPS_WEB:
        return None
    try:
        return SpiffeId.parse(value or "")
    except InvalidSpiffeId as error:
        raise _refuse(f"failed to parse endpoint SPIFFE ID: {error.reason}", "endpoint_spiffe_id") from error


@attrs.frozen(kw_only=True)
class FederationRelationship:
    """That a server fetches the bundle of another trust domain, where, and how it knows the endpoint.

    It is one-way: the other trust domain has one of its own, or trusts nobody here.

    Attributes:
        trust_domain: Whose bundle is fetched; never inferred from the URL.
        bundle_endpoint_url: Where.
        bundle_endpoint_profile: ``https_spiffe`` or ``https_web``.
        endpoint_spiffe_id: With ``https_spiffe``, the SPIFFE ID that the endpoint has to prove.
        trust_domain_bundle: The first bundle, with which ``https_spiffe`` begins.

    Raises:
        InvalidConfiguration: With SPIRE's text.

    SPIRE: pkg/server/api/trustdomain.go (ProtoToFederationRelationship)
    Spec: SPIFFE Federation 5.1
    """

    trust_domain: TrustDomain = attrs.field(converter=_trust_domain)
    bundle_endpoint_url: str = attrs.field(default="", converter=_url)
    bundle_endpoint_profile: str = attrs.field(default=HTTPS_SPIFFE, converter=_profile)
    endpoint_spiffe_id: SpiffeId | None = attrs.field(
        default=None,
        converter=attrs.Converter(_endpoint_id, takes_self=True),  # type: ignore[misc]  # mypy knows plain functions
    )
    trust_domain_bundle: SpiffeBundle | None = None

    def __attrs_post_init__(self) -> None:
        bundle = self.trust_domain_bundle
        if bundle is None:
            return
        try:
            bundle.anchors  # noqa: B018  # reads and checks them
        except InvalidBundle as error:
            raise _refuse(
                f"failed to parse bundle: unable to parse X.509 authority: {error}", "trust_domain_bundle"
            ) from error
        if bundle.trust_domain != self.trust_domain:
            raise _refuse(
                f'trust domain bundle ("{bundle.trust_domain}") must match the trust domain of the federation '
                f'relationship ("{self.trust_domain}")',
                "trust_domain_bundle",
            )

    _repr_pretty_ = pretty_fields

    @property
    def address(self) -> Address:
        """Where the URL leads."""
        return read_url(self.bundle_endpoint_url)


# Certificates of the web


def name_problem(names: tuple[str, ...], host: str) -> str:
    """Why a certificate with these names is not for a host, in Go's words; empty if it is.

    SPIRE: crypto/x509/verify.go of Go's standard library
    Spec: SPIFFE Federation 5.2.1.4
    """
    if any(_matches(name.lower(), host.lower()) for name in names):
        return ""
    if _is_ip(host) and not any(map(_is_ip, names)):
        return f"x509: cannot validate certificate for {host} because it doesn't contain any IP SANs"
    valid = ", ".join(name for name in names if _is_ip(name) == _is_ip(host))
    if not valid:
        return f"x509: certificate is not valid for any names, but wanted to match {host}"
    return f"x509: certificate is valid for {valid}, not {host}"


def _matches(name: str, host: str) -> bool:
    wildcard, _, parent = name.partition(".")
    if wildcard == "*" and not _is_ip(host):
        label, _, rest = host.partition(".")
        return bool(label) and rest == parent
    return name == host


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
