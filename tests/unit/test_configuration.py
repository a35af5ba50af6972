"""The settings of a server: SPIRE's defaults, its warnings, and what is refused."""

from __future__ import annotations

import pickle
from datetime import timedelta
from typing import Any

import pytest

from spiffesim.configuration import SETTINGS, CaSubject, ServerConfig, configure, go_duration
from spiffesim.errors import InvalidConfiguration, InvalidInput, InvalidSpiffeId
from spiffesim.instants import SECOND
from spiffesim.keys import KEY_TYPES
from spiffesim.spiffe.ids import SpiffeId

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ADMIN = SpiffeId("spiffe://example.org/admin")


def test_the_defaults_are_those_of_spire() -> None:
    config = ServerConfig()
    assert config.ca_ttl == 24 * HOUR
    assert config.default_x509_svid_ttl == HOUR
    assert config.default_jwt_svid_ttl == timedelta(minutes=5)
    assert config.agent_ttl is None
    assert config.ttl_of_agents == 3600 * SECOND
    assert config.ca_key_type == "ec-p256"
    assert config.jwt_key_type is None
    assert config.ca_subject == CaSubject(country=("US",), organization=("SPIFFE",), common_name="")
    assert (config.jwt_issuer, config.wit_issuer, config.admin_ids) == ("", "", ())
    assert (config.disable_jwt_svids, config.wit_svids) == (False, False)
    assert config.warnings() == []


def test_agents_may_have_a_ttl_of_their_own() -> None:
    assert ServerConfig(agent_ttl=2 * HOUR).ttl_of_agents == 7200 * SECOND
    assert ServerConfig(default_x509_svid_ttl=2 * HOUR).ttl_of_agents == 7200 * SECOND


def test_a_feature_flag_turns_wit_svids_on() -> None:
    assert ServerConfig(feature_flags=["wit-svid"]).wit_svids
    assert ServerConfig(feature_flags="wit-svid").wit_svids


def test_an_unknown_feature_flag_is_refused_in_spires_words() -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        ServerConfig(feature_flags={"wit-svid", "b", "a"})
    assert str(caught.value) == "unknown feature flag(s): [a b]; there is wit-svid"
    assert (caught.value.code, caught.value.unknown) == ("feature_flags", ["a", "b"])


def test_one_of_something_need_not_be_a_list() -> None:
    assert CaSubject(country="DE", organization="Acme") == CaSubject(country=["DE"], organization=["Acme"])
    assert ServerConfig(admin_ids=ADMIN) == ServerConfig(admin_ids=str(ADMIN)) == ServerConfig(admin_ids=[ADMIN])
    assert ServerConfig(admin_ids=[str(ADMIN), ADMIN]).admin_ids == (ADMIN, ADMIN)


def test_an_admin_that_is_no_spiffe_id_is_refused() -> None:
    with pytest.raises(InvalidSpiffeId):
        ServerConfig(admin_ids=["admin"])


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_a_key_type_is_read_in_any_case(key_type: str) -> None:
    config = ServerConfig(ca_key_type=key_type.upper(), jwt_key_type=key_type.upper())
    assert (config.ca_key_type, config.jwt_key_type) == (key_type, key_type)


@pytest.mark.parametrize("name", ["ca_key_type", "jwt_key_type"])
def test_an_unknown_key_type_is_refused_in_spires_words(name: str) -> None:
    settings: dict[str, Any] = {name: "ed25519"}
    with pytest.raises(InvalidInput) as caught:
        ServerConfig(**settings)
    assert str(caught.value) == ('key type "ed25519" is unknown; must be one of [rsa-2048, rsa-4096, ec-p256, ec-p384]')


@pytest.mark.parametrize("name", ["ca_ttl", "default_x509_svid_ttl", "default_jwt_svid_ttl", "agent_ttl"])
@pytest.mark.parametrize("value", [timedelta(0), timedelta(seconds=-5), timedelta(milliseconds=999), 3600, "1h"])
def test_a_ttl_is_at_least_a_second_long(name: str, value: object) -> None:
    settings: dict[str, Any] = {name: value}
    with pytest.raises(InvalidConfiguration) as caught:
        ServerConfig(**settings)
    assert str(caught.value) == f"{name} is {value!r}; give a timedelta of at least one second"
    assert caught.value.code == name
    settings[name] = timedelta(seconds=1)
    assert getattr(ServerConfig(**settings), name) == timedelta(seconds=1)


@pytest.mark.parametrize("name", ["jwt_issuer", "wit_issuer"])
@pytest.mark.parametrize("value", ["half \ud800", 5])
def test_an_issuer_is_a_text_that_a_token_can_hold(name: str, value: object) -> None:
    settings: dict[str, Any] = {name: value}
    with pytest.raises(InvalidConfiguration) as caught:
        ServerConfig(**settings)
    assert str(caught.value) == f"{name} is a text that UTF-8 can write, not {value!r}"
    assert caught.value.code == name
    assert getattr(ServerConfig(**{name: "https://\u00e9"}), name) == "https://\u00e9"  # type: ignore[arg-type]  # a text


@pytest.mark.parametrize("name", ["country", "organization", "common_name"])
def test_a_subject_is_made_of_texts_that_a_certificate_can_hold(name: str) -> None:
    settings: dict[str, Any] = {name: "half \ud800"}
    with pytest.raises(InvalidConfiguration, match=f"^{name} is a text that UTF-8 can write") as caught:
        CaSubject(**settings)
    assert caught.value.code == name
    settings[name] = "\u00e9"
    assert "\u00e9" in getattr(CaSubject(**settings), name)


def test_the_subject_of_a_ca_is_said_as_one() -> None:
    with pytest.raises(InvalidConfiguration, match=r"ca_subject is 'root'; give a CaSubject, such as") as caught:
        ServerConfig(ca_subject="root")  # type: ignore[arg-type]  # the point
    assert caught.value.code == "ca_subject"
    assert ServerConfig(ca_subject=CaSubject(common_name="root")).ca_subject.common_name == "root"


# Warnings, each as SPIRE writes it


def test_a_ttl_that_the_ca_can_always_give_is_no_warning() -> None:
    assert (
        ServerConfig(default_x509_svid_ttl=4 * HOUR, default_jwt_svid_ttl=4 * HOUR, agent_ttl=4 * HOUR).warnings() == []
    )


def test_a_ttl_above_a_sixth_of_the_cas_is_a_warning() -> None:
    config = ServerConfig(default_x509_svid_ttl=4 * HOUR + timedelta(seconds=5), agent_ttl=HOUR)
    assert config.warnings() == [
        "default_x509_svid_ttl is too high for the configured ca_ttl value. SVIDs with shorter lifetimes may be "
        "issued. Please set default_x509_svid_ttl to 4h or less, or the ca_ttl to 24h0m30s or more, to guarantee the "
        "full default_x509_svid_ttl lifetime when CA rotations are scheduled."
    ]


def test_a_ttl_of_a_week_wants_a_ca_of_six() -> None:
    config = ServerConfig(default_jwt_svid_ttl=7 * DAY, default_x509_svid_ttl=HOUR)
    assert config.warnings() == [
        "default_jwt_svid_ttl is too high and the ca_ttl is too low. SVIDs with shorter lifetimes may be issued. "
        "Please set default_jwt_svid_ttl to 168h or less, and the ca_ttl to 1008h or more, to guarantee the full "
        "default_jwt_svid_ttl lifetime when CA rotations are scheduled."
    ]


def test_a_ttl_above_a_week_is_too_high_for_any_ca() -> None:
    config = ServerConfig(agent_ttl=8 * DAY, ca_ttl=100 * DAY)
    assert config.warnings() == [
        "agent_ttl is too high. SVIDs with shorter lifetimes may be issued. Please set agent_ttl to 168h or less to "
        "guarantee the full agent_ttl lifetime when CA rotations are scheduled."
    ]


def test_each_ttl_has_a_warning_of_its_own_in_spires_order() -> None:
    config = ServerConfig(default_x509_svid_ttl=5 * HOUR, default_jwt_svid_ttl=5 * HOUR, agent_ttl=5 * HOUR)
    assert [warning.split()[0] for warning in config.warnings()] == [
        "default_x509_svid_ttl",
        "default_jwt_svid_ttl",
        "agent_ttl",
    ]


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (24 * HOUR, "24h"),
        (168 * HOUR, "168h"),
        (1.5 * HOUR, "1h30m"),
        (HOUR + timedelta(seconds=5), "1h0m5s"),
        (timedelta(minutes=1), "1m"),
        (timedelta(seconds=90), "1m30s"),
        (timedelta(seconds=10), "10s"),
        (timedelta(seconds=1.9), "1s"),
        (timedelta(milliseconds=166), "0s"),
        (HOUR + timedelta(minutes=1, seconds=1), "1h1m1s"),
    ],
)
def test_a_duration_is_printed_as_spire_prints_it(duration: timedelta, text: str) -> None:
    assert go_duration(duration) == text


# Changing some


def test_some_settings_are_replaced_and_the_others_stay() -> None:
    config = ServerConfig(ca_ttl=48 * HOUR, jwt_issuer="https://example.org")
    changed = configure(config, ca_ttl=6 * HOUR)
    assert (changed.ca_ttl, changed.jwt_issuer) == (6 * HOUR, "https://example.org")
    assert config.ca_ttl == 48 * HOUR
    assert configure(config) is config


def test_a_setting_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    settings: Any = {"ca_tll": HOUR}
    with pytest.raises(InvalidConfiguration) as caught:
        configure(ServerConfig(), **settings)
    assert str(caught.value) == f"a server has no setting 'ca_tll'; there are {', '.join(SETTINGS)}"
    assert (caught.value.code, caught.value.name) == ("unknown_setting", "ca_tll")
    assert {"ca_ttl", "ca_subject", "feature_flags"} < set(SETTINGS)


def test_a_replaced_setting_is_checked_too() -> None:
    with pytest.raises(InvalidConfiguration, match="ca_ttl is"):
        configure(ServerConfig(), ca_ttl=timedelta(0))


def test_a_configuration_pickles_and_compares() -> None:
    config = ServerConfig(admin_ids=[ADMIN], feature_flags={"wit-svid"}, ca_subject=CaSubject(common_name="CA"))
    assert pickle.loads(pickle.dumps(config)) == config
    assert hash(config) != hash(ServerConfig())
