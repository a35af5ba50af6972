"""What an operator sets on a server: SPIRE's configuration, with SPIRE's defaults."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final, TypedDict, Unpack

import attrs

from spiffesim import rotation
from spiffesim.errors import InvalidConfiguration
from spiffesim.federation import BundleEndpoint, FederationRelationship
from spiffesim.golang import valid_string
from spiffesim.instants import Microseconds, span
from spiffesim.keys import check_key_type
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.markup import pretty_fields

_WEEK: Final = timedelta(days=7)
FEATURE_FLAGS: Final = ("wit-svid",)
"""The feature flags that there are."""


def _positive(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, timedelta) or value < timedelta(seconds=1):
        raise InvalidConfiguration(
            f"{attribute.name} is {value!r}; give a timedelta of at least one second", code=attribute.name
        )


def _written(_instance: object, attribute: attrs.Attribute[Any], value: str | tuple[str, ...]) -> None:
    """A text, or several, that get into a document."""
    for text in value if isinstance(value, tuple) else (value,):
        if not valid_string(text):
            raise InvalidConfiguration(
                f"{attribute.name} is a text that UTF-8 can write, not {text!r}", code=attribute.name
            )


def _subject(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, CaSubject):
        raise InvalidConfiguration(
            f'{attribute.name} is {value!r}; give a CaSubject, such as CaSubject(common_name="root")',
            code=attribute.name,
        )


def _key_type(value: str) -> str:
    return check_key_type(value)


def _optional_key_type(value: str | None) -> str | None:
    return None if value is None else check_key_type(value)


def _texts(values: str | Iterable[str]) -> tuple[str, ...]:
    """Several texts, or one."""
    return (values,) if isinstance(values, str) else tuple(values)


def _flags(values: str | Iterable[str]) -> frozenset[str]:
    """Feature flags, all of them known.

    SPIRE: pkg/common/fflag/fflag.go
    """
    flags = _texts(values)
    unknown = sorted(set(flags) - set(FEATURE_FLAGS))
    if unknown:
        raise InvalidConfiguration(
            f"unknown feature flag(s): [{' '.join(unknown)}]; there is {', '.join(FEATURE_FLAGS)}",
            code="feature_flags",
            unknown=unknown,
        )
    return frozenset(flags)


def _relationships(
    values: FederationRelationship | Iterable[FederationRelationship],
) -> tuple[FederationRelationship, ...]:
    return (values,) if isinstance(values, FederationRelationship) else tuple(values)


def _ids(values: SpiffeId | str | Iterable[SpiffeId | str]) -> tuple[SpiffeId, ...]:
    several = (values,) if isinstance(values, SpiffeId | str) else values
    return tuple(SpiffeId.parse(value) for value in several)


@attrs.frozen(kw_only=True)
class CaSubject:
    """The subject of a CA certificate (``ca_subject``); its serial number is added to it.

    Attributes:
        country: One country or several.
        organization: One organization or several.
        common_name: The common name; empty for none.
    """

    country: tuple[str, ...] = attrs.field(default=("US",), converter=_texts, validator=_written)
    organization: tuple[str, ...] = attrs.field(default=("SPIFFE",), converter=_texts, validator=_written)
    common_name: str = attrs.field(default="", validator=_written)

    _repr_pretty_ = pretty_fields


@attrs.frozen(kw_only=True)
class ServerConfig:
    """The settings of a server.

    Attributes:
        ca_ttl: How long its CA and its JWT keys live.
        default_x509_svid_ttl: How long an X509-SVID lives whose entry does not say.
        default_jwt_svid_ttl: The same for JWT-SVIDs.
        agent_ttl: How long agent SVIDs live; None for ``default_x509_svid_ttl``.
        ca_key_type: ``ec-p256``, ``ec-p384``, ``rsa-2048`` or ``rsa-4096``.
        jwt_key_type: The same for JWT keys; None for ``ca_key_type``.
        ca_subject: The subject of its CA.
        jwt_issuer: The ``iss`` of its JWT-SVIDs; empty for none.
        disable_jwt_svids: Whether it refuses to mint JWT-SVIDs; it still relays its downstreams' keys.
        admin_ids: SPIFFE IDs that may call admin methods without an entry.
        feature_flags: SPIRE's; ``wit-svid`` turns WIT-SVIDs on.
        wit_issuer: The ``iss`` of its WIT-SVIDs; empty for none.
        bundle_endpoint: Where it serves the bundle of its trust domain to others; None for nowhere. Servers
            that are nested in it do not inherit it.
        federates_with: Whose bundles it fetches; before those of the same trust domain that the API made. The
            first bundle of each is to be set. Not inherited either.

    SPIRE: cmd/spire-server/cli/run/run.go
    """

    ca_ttl: timedelta = attrs.field(default=timedelta(hours=24), validator=_positive)
    default_x509_svid_ttl: timedelta = attrs.field(default=timedelta(hours=1), validator=_positive)
    default_jwt_svid_ttl: timedelta = attrs.field(default=timedelta(minutes=5), validator=_positive)
    agent_ttl: timedelta | None = attrs.field(default=None, validator=attrs.validators.optional(_positive))
    ca_key_type: str = attrs.field(default="ec-p256", converter=_key_type)
    jwt_key_type: str | None = attrs.field(default=None, converter=_optional_key_type)
    ca_subject: CaSubject = attrs.field(default=CaSubject(), validator=_subject)
    jwt_issuer: str = attrs.field(default="", validator=_written)
    disable_jwt_svids: bool = False
    admin_ids: tuple[SpiffeId, ...] = attrs.field(default=(), converter=_ids)
    feature_flags: frozenset[str] = attrs.field(default=frozenset(), converter=_flags)
    wit_issuer: str = attrs.field(default="", validator=_written)
    bundle_endpoint: BundleEndpoint | None = None
    federates_with: tuple[FederationRelationship, ...] = attrs.field(default=(), converter=_relationships)

    _repr_pretty_ = pretty_fields

    @property
    def wit_svids(self) -> bool:
        """Whether WIT-SVIDs are turned on."""
        return "wit-svid" in self.feature_flags

    @property
    def ttl_of_agents(self) -> Microseconds:
        """How long agent SVIDs live, in microseconds."""
        return span(self.agent_ttl or self.default_x509_svid_ttl)

    def warnings(self) -> list[str]:
        """What SPIRE would warn of at startup: TTLs too long for the CA to give in full, odd refresh hints."""
        limit = timedelta(microseconds=rotation.max_svid_ttl(span(self.ca_ttl)))
        ttls = {
            "default_x509_svid_ttl": self.default_x509_svid_ttl,
            "default_jwt_svid_ttl": self.default_jwt_svid_ttl,
            "agent_ttl": self.agent_ttl,
        }
        too_long = [self._too_long(name, ttl, limit) for name, ttl in ttls.items() if ttl is not None and ttl > limit]
        return [*too_long, *(self.bundle_endpoint.warnings() if self.bundle_endpoint is not None else ())]

    def _too_long(self, name: str, ttl: timedelta, limit: timedelta) -> str:
        shorter = "SVIDs with shorter lifetimes may be issued."
        guarantee = f"to guarantee the full {name} lifetime when CA rotations are scheduled."
        if ttl < _WEEK:
            return (
                f"{name} is too high for the configured ca_ttl value. {shorter} Please set {name} to "
                f"{go_duration(limit)} or less, or the ca_ttl to {go_duration(ttl * 6)} or more, {guarantee}"
            )
        if self.ca_ttl < 6 * _WEEK:
            return (
                f"{name} is too high and the ca_ttl is too low. {shorter} Please set {name} to 168h or less, "
                f"and the ca_ttl to 1008h or more, {guarantee}"
            )
        return f"{name} is too high. {shorter} Please set {name} to {go_duration(limit)} or less {guarantee}"


class Settings(TypedDict, total=False):
    """The settings of ``ServerConfig`` as keyword arguments."""

    ca_ttl: timedelta
    default_x509_svid_ttl: timedelta
    default_jwt_svid_ttl: timedelta
    agent_ttl: timedelta | None
    ca_key_type: str
    jwt_key_type: str | None
    ca_subject: CaSubject
    jwt_issuer: str
    disable_jwt_svids: bool
    admin_ids: SpiffeId | str | Iterable[SpiffeId | str]
    feature_flags: str | Iterable[str]
    wit_issuer: str
    bundle_endpoint: BundleEndpoint | None
    federates_with: FederationRelationship | Iterable[FederationRelationship]


SETTINGS: Final = tuple(field.name for field in attrs.fields(ServerConfig))
"""The names of the settings."""


def configure(config: ServerConfig, **settings: Unpack[Settings]) -> ServerConfig:
    """A configuration with some settings replaced.

    Raises:
        InvalidConfiguration: If there is no such setting, naming those there are.
    """
    for name in settings:
        if name not in SETTINGS:
            raise InvalidConfiguration(
                f"a server has no setting {name!r}; there are {', '.join(SETTINGS)}", code="unknown_setting", name=name
            )
    return attrs.evolve(config, **settings) if settings else config


def go_duration(duration: timedelta) -> str:
    """A duration as SPIRE prints it: ``24h``, ``1h30m``, ``1h0m5s``; whole seconds only.

    SPIRE: cmd/spire-server/cli/run/run.go (printDuration)
    """
    seconds = duration // timedelta(seconds=1)
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    text = f"{hours}h" if hours else ""
    text += f"{minutes}m" if minutes or (hours and seconds) else ""
    return text + (f"{seconds}s" if seconds or not text else "")
