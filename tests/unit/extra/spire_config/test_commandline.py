"""The command lines of SPIRE containers."""

from __future__ import annotations

import pytest

from spiffesim.errors import InvalidConfiguration
from spiffesim.extra.spire_config.commandline import CommandLine, kind_of, read_command, words
from spiffesim.extra.spire_config.document import Place
from spiffesim.extra.spire_config.hcl import read_hcl
from spiffesim.extra.spire_config.yamltext import read_yaml

HERE = Place("compose.yaml", 1, "services.a")


def command(text: str, kind: str = "server") -> CommandLine:
    return read_command(kind, words(read_yaml(f"command: {text}", "compose.yaml").get("command")), HERE)


@pytest.mark.parametrize(
    "text",
    [
        '["-config", "/x/server.conf"]',
        "-config /x/server.conf",
        "spire-server run --config=/x/server.conf",
        "'-config \"/x/server.conf\"'",
    ],
)
def test_the_configuration_file_is_found_in_every_spelling(text: str) -> None:
    assert command(text).config == "/x/server.conf"


def test_without_a_flag_it_is_spires_own() -> None:
    assert command("[]").config == "/opt/spire/conf/server/server.conf"
    assert command("[]", "agent").config == "/opt/spire/conf/agent/agent.conf"
    assert command("-config here.conf").config == "/opt/spire/here.conf"


def test_flags_override_what_the_file_says() -> None:
    section = read_hcl('server {\n Trust_Domain = "a"\n ca_ttl = "1h"\n}', "server.conf").section("server")
    replaced = command("-trustDomain b -serverPort=9 -logSourceLocation -dataDir /d").override(section)
    assert [place.key for place in replaced] == ["server.Trust_Domain"]
    assert (section.text("trust_domain"), section.integer("bind_port", 0), section.text("ca_ttl")) == ("b", 9, "1h")
    assert section.flag("log_source_location") is True
    assert section.place_of("trust_domain").file == "compose.yaml"


def test_the_same_flag_means_another_key_to_an_agent() -> None:
    assert list(command("-serverPort 9 -joinToken t", "agent").overrides) == ["server_port", "join_token"]
    assert list(command("-serverPort 9").overrides) == ["bind_port"]


def test_environment_variables_are_expanded_on_demand() -> None:
    assert command("-expandEnv").expand_env
    assert not command("-expandEnv=false").expand_env
    assert not command("[]").expand_env


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("-confg x", "flag provided but not defined: -confg; did you mean config?"),
        ("-joinToken x", "flag provided but not defined: -joinToken"),
        ("-config", "flag needs an argument: -config"),
        ("sh -c 'spire-server run'", "a script for a shell"),
        ("'-config \"x'", "cannot be split into words"),
    ],
)
def test_what_spire_does_not_understand_is_refused_with_its_line(text: str, part: str) -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        command(text)
    assert part in str(refused.value)
    assert (refused.value.file, refused.value.line, refused.value.code) == ("compose.yaml", 1, "command")


@pytest.mark.parametrize(
    ("image", "argv", "kind"),
    [
        ("ghcr.io/spiffe/spire-server:1.15.3", [], "server"),
        ("ghcr.io/spiffe/spire-agent@sha256:00", [], "agent"),
        ("my-image", ["/opt/spire/bin/spire-agent", "run"], "agent"),
        ("my-image", ["-config", "/conf/server.conf"], "server"),
        ("my-image", ["-config", "/conf/prometheus.conf"], ""),
        ("nginx", [], ""),
    ],
)
def test_a_container_of_spire_is_known_by_its_image_or_its_command(image: str, argv: list[str], kind: str) -> None:
    assert kind_of(image, [(word, HERE) for word in argv]) == kind
