"""The settings of an agent, and in which words SPIRE refuses them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from spiffesim.agentconfig import AgentConfig
from spiffesim.errors import InvalidConfiguration


def test_the_defaults_are_spires() -> None:
    config = AgentConfig()
    assert (config.target, config.rebootstraps, config.key_manager) == (0, False, "disk")
    assert config.sync_interval == timedelta(seconds=5)
    assert AgentConfig(rebootstrap_mode="auto").rebootstraps
    assert AgentConfig(availability_target=timedelta(hours=24)).target == 86_400_000_000
    assert AgentConfig(jwt_svid_cache_hit_timeout=timedelta(seconds=5)).jwt_svid_cache_hit_timeout.seconds == 5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"availability_target": timedelta(hours=23)}, "availability_target must be at least 24h0m0s"),
        ({"x509_svid_cache_max_size": -1}, "x509_svid_cache_max_size should not be negative"),
        ({"jwt_svid_cache_max_size": -1}, "jwt_svid_cache_max_size should not be negative"),
        ({"jwt_svid_cache_hit_timeout": timedelta(seconds=4)}, r"jwt_svid_cache_hit_timeout \(4s\) must be greater"),
        ({"jwt_svid_cache_hit_timeout": timedelta(seconds=31)}, r"jwt_svid_cache_hit_timeout \(31s\) must be less"),
        ({"rebootstrap_mode": "often"}, "unknown rebootstrap mode specified: often"),
        ({"key_manager": "paper"}, "key manager is disk or memory, not 'paper'"),
        ({"sync_interval": timedelta(0)}, "sync_interval is a time that passes, not 0:00:00"),
    ],
)
def test_what_spire_refuses_is_refused_in_its_words(settings: Any, message: str) -> None:
    with pytest.raises(InvalidConfiguration, match=message):
        AgentConfig(**settings)
