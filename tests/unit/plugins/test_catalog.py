"""The plugins that SPIRE has, and those that are simulated."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from spiffesim import plugins
from spiffesim.errors import NotSupported, PluginError, UnknownPlugin, WrongCardinality
from spiffesim.plugins.catalog import CATALOGS, kind_of


def test_a_plugin_that_spire_has_and_we_simulate_passes() -> None:
    kind_of("agent", "NodeAttestor").require("x509pop")
    kind_of("server", "UpstreamAuthority").require("spire")


def test_a_plugin_that_spire_does_not_have_names_the_nearest() -> None:
    with pytest.raises(UnknownPlugin) as refused:
        kind_of("agent", "NodeAttestor").check("x509_pop")
    assert str(refused.value) == 'no built-in plugin "x509_pop" for type "NodeAttestor"; did you mean x509pop?'
    assert (refused.value.code, refused.value.kind, refused.value.plugin) == (
        "unknown_plugin",
        "NodeAttestor",
        "x509_pop",
    )


def test_a_name_that_is_near_to_none_lists_them_all() -> None:
    with pytest.raises(UnknownPlugin, match="there are disk, memory"):
        kind_of("agent", "KeyManager").check("hsm")


def test_a_plugin_that_spire_has_and_we_do_not_is_something_else() -> None:
    attestor = kind_of("agent", "WorkloadAttestor")
    attestor.check("systemd")
    with pytest.raises(NotSupported) as refused:
        attestor.require("systemd")
    assert str(refused.value) == (
        'SPIRE has the WorkloadAttestor "systemd", which is not simulated; of this kind there are: docker, k8s, unix'
    )
    with pytest.raises(NotSupported, match="of this kind there are: none"):
        kind_of("server", "Notifier").require("k8sbundle")


def test_a_kind_that_spire_does_not_have_names_the_nearest() -> None:
    with pytest.raises(UnknownPlugin) as refused:
        kind_of("server", "NodeAtestor")
    assert str(refused.value) == 'unsupported plugin type "NodeAtestor"; did you mean NodeAttestor?'


def test_a_kind_of_the_agent_is_none_of_the_server() -> None:
    assert kind_of("agent", "WorkloadAttestor").name == "WorkloadAttestor"
    with pytest.raises(UnknownPlugin):
        kind_of("server", "WorkloadAttestor")


@pytest.mark.parametrize(
    ("side", "kind", "count", "problem"),
    [
        ("server", "KeyManager", 0, "expected exactly 1 but got 0"),
        ("server", "KeyManager", 2, "expected exactly 1 but got 2"),
        ("server", "UpstreamAuthority", 2, "expected at most 1 but got 2"),
        ("agent", "WorkloadAttestor", 0, "expected at least 1 but got 0"),
    ],
)
def test_too_few_or_too_many_plugins_are_refused_in_spires_words(
    side: str, kind: str, count: int, problem: str
) -> None:
    with pytest.raises(WrongCardinality) as refused:
        kind_of(side, kind).check_count(count)
    assert str(refused.value) == f'plugin type "{kind}" constraint not satisfied: {problem}'
    assert isinstance(refused.value, PluginError)


@pytest.mark.parametrize(
    ("side", "kind", "count"),
    [
        ("server", "KeyManager", 1),
        ("server", "UpstreamAuthority", 0),
        ("server", "NodeAttestor", 7),
        ("agent", "WorkloadAttestor", 2),
    ],
)
def test_as_many_plugins_as_spire_wants_pass(side: str, kind: str, count: int) -> None:
    kind_of(side, kind).check_count(count)


ROOMS = {
    "KeyManager": "key_manager",
    "NodeAttestor": "node_attestor",
    "UpstreamAuthority": "upstream_authority",
    "WorkloadAttestor": "workload_attestor",
}


@pytest.mark.parametrize("kind", ROOMS)
def test_what_is_simulated_is_what_stands_in_the_rooms(kind: str) -> None:
    room = importlib.import_module(f"{plugins.__name__}.{ROOMS[kind]}")
    there = {module.name for module in pkgutil.iter_modules(room.__path__)} - {"declared", "impaired"}  # not SPIRE's
    simulated = {name for catalog in CATALOGS.values() if kind in catalog for name in catalog[kind].simulated}
    assert simulated == there


def test_every_simulated_plugin_is_one_of_spires() -> None:
    kinds = [kind for catalog in CATALOGS.values() for kind in catalog.values()]
    assert all(set(kind.simulated) <= set(kind.built_in) for kind in kinds)
    assert [kind.name for kind in kinds if list(kind.built_in) != sorted(kind.built_in)] == []
