"""The configuration of an agent: SPIRE's ``agent.conf``, as far as it makes a difference here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, Literal, TypeAlias, TypedDict

import attrs

from spiffesim.errors import InvalidConfiguration
from spiffesim.instants import Microseconds, span
from spiffesim.keys import check_key_type

RebootstrapMode: TypeAlias = Literal["never", "auto", "always"]
KeyManagerName: TypeAlias = Literal["disk", "memory"]

NEVER: Final = "never"
ALWAYS: Final = "always"
DEFAULT_CACHE_SIZE: Final = 1000
"""How many SVIDs a cache holds. SPIRE: pkg/agent/manager/cache/lru_cache.go"""

_MODES: Final = (NEVER, "auto", ALWAYS)
_KEY_MANAGERS: Final = ("disk", "memory")
_LEAST_TARGET: Final = timedelta(hours=24)
_LEAST_HIT_TIMEOUT: Final = timedelta(seconds=5)
_RPC_TIMEOUT: Final = timedelta(seconds=30)


class AgentSettings(TypedDict, total=False):
    """The settings of an agent by name; see ``AgentConfig``."""

    workload_key_type: str
    sync_interval: timedelta
    availability_target: timedelta | None
    x509_svid_cache_max_size: int
    jwt_svid_cache_max_size: int
    jwt_svid_cache_hit_timeout: timedelta
    rebootstrap_mode: RebootstrapMode
    rebootstrap_delay: timedelta
    key_manager: KeyManagerName


def _invalid(message: str, code: str) -> InvalidConfiguration:
    return InvalidConfiguration(message, code=code)


def _check_sync_interval(_: Any, __: Any, interval: timedelta) -> None:
    if interval <= timedelta(0):
        raise _invalid(f"sync_interval is a time that passes, not {interval}", "sync_interval")


def _check_target(_: Any, __: Any, target: timedelta | None) -> None:
    if target is not None and target < _LEAST_TARGET:
        raise _invalid("availability_target must be at least 24h0m0s", "availability_target")


def _check_size(_: Any, attribute: attrs.Attribute[int], size: int) -> None:
    if size < 0:
        raise _invalid(f"{attribute.name} should not be negative", attribute.name)


def _check_hit_timeout(_: Any, __: Any, timeout: timedelta) -> None:
    said = f"jwt_svid_cache_hit_timeout ({timeout.total_seconds():g}s) must be"
    if timeout < _LEAST_HIT_TIMEOUT:
        raise _invalid(f"{said} greater than 5s", "jwt_svid_cache_hit_timeout")
    if timeout > _RPC_TIMEOUT:  # SPIRE: its default itself cannot be said
        raise _invalid(f"{said} less than 30s", "jwt_svid_cache_hit_timeout")


def _check_mode(_: Any, __: Any, mode: str) -> None:
    if mode not in _MODES:
        raise _invalid(f"unknown rebootstrap mode specified: {mode}", "rebootstrap_mode")


def _check_key_manager(_: Any, __: Any, name: str) -> None:
    if name not in _KEY_MANAGERS:
        raise _invalid(f"an agent's key manager is disk or memory, not {name!r:.80}", "key_manager")


@attrs.frozen(kw_only=True)
class AgentConfig:
    """The settings of one agent.

    Attributes:
        workload_key_type: The type of its workloads' keys (``workload_x509_svid_key_type``).
        sync_interval: How often it syncs with its server.
        availability_target: How long its SVIDs are to outlive the loss of the server, at least 24 hours;
            None for no target.
        x509_svid_cache_max_size: How many X509-SVIDs it holds of which nobody is reading; 0 for 1000.
        jwt_svid_cache_max_size: How many JWT-SVIDs it holds; 0 for 1000.
        jwt_svid_cache_hit_timeout: How long it asks for a new JWT-SVID while the one it has is still good; checked,
            and without effect here, where no time passes while it asks.
        rebootstrap_mode: What it does when its server shows an SVID of an authority that it does not know.
        rebootstrap_delay: How long that has to last before it bootstraps again.
        key_manager: Whether its own key is there after a restart: ``disk`` or ``memory``.

    Raises:
        InvalidConfiguration: With SPIRE's text where SPIRE has one.

    SPIRE: cmd/spire-agent/cli/run/run.go
    """

    workload_key_type: str = attrs.field(default="ec-p256", converter=check_key_type)
    sync_interval: timedelta = attrs.field(default=timedelta(seconds=5), validator=_check_sync_interval)
    availability_target: timedelta | None = attrs.field(default=None, validator=_check_target)
    x509_svid_cache_max_size: int = attrs.field(default=DEFAULT_CACHE_SIZE, validator=_check_size)
    jwt_svid_cache_max_size: int = attrs.field(default=DEFAULT_CACHE_SIZE, validator=_check_size)
    jwt_svid_cache_hit_timeout: timedelta = attrs.field(default=_RPC_TIMEOUT, validator=_check_hit_timeout)
    rebootstrap_mode: RebootstrapMode = attrs.field(default="never", validator=_check_mode)
    rebootstrap_delay: timedelta = timedelta(minutes=10)
    key_manager: KeyManagerName = attrs.field(default="disk", validator=_check_key_manager)

    @property
    def target(self) -> Microseconds:
        """The availability target in microseconds; 0 for none."""
        return 0 if self.availability_target is None else span(self.availability_target)

    @property
    def rebootstraps(self) -> bool:
        """Whether it bootstraps again where its server has become another."""
        return self.rebootstrap_mode != NEVER
