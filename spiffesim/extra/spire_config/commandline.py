"""The command line of a SPIRE container: which configuration file it names, and what it overrides.

SPIRE: cmd/spire-server/cli/run/run.go, cmd/spire-agent/cli/run/run.go (parseFlags)
"""

from __future__ import annotations

import posixpath
import shlex
from typing import Final

import attrs

from spiffesim.extra.spire_config.document import Items, Node, Place, Scalar, Section, did_you_mean, text_of

SERVER: Final = "server"
AGENT: Final = "agent"

_WORKDIR: Final = "/opt/spire"  # SPIRE: Dockerfile
_SHELLS: Final = ("sh", "bash", "ash", "dash")
_SWITCHES: Final = (
    "expandEnv",
    "logSourceLocation",
    "disableWorkloadAPI",
    "disableSDSAPI",
    "allowUnauthenticatedVerifiers",
    "insecureBootstrap",
)
_COMMON: Final = {
    "config": "",
    "expandEnv": "",
    "dataDir": "data_dir",
    "logFile": "log_file",
    "logFormat": "log_format",
    "logLevel": "log_level",
    "logSourceLocation": "log_source_location",
    "socketPath": "socket_path",
    "trustDomain": "trust_domain",
}
_FLAGS: Final = {
    SERVER: {**_COMMON, "bindAddress": "bind_address", "serverPort": "bind_port"},
    AGENT: {
        **_COMMON,
        "allowUnauthenticatedVerifiers": "allow_unauthenticated_verifiers",
        "disableSDSAPI": "disable_sds_api",
        "disableWorkloadAPI": "disable_workload_api",
        "insecureBootstrap": "insecure_bootstrap",
        "joinToken": "join_token",
        "joinTokenFile": "join_token_file",
        "rebootstrapDelay": "rebootstrap_delay",
        "rebootstrapMode": "rebootstrap_mode",
        "serverAddress": "server_address",
        "serverPort": "server_port",
        "trustBundle": "trust_bundle_path",
        "trustBundleFormat": "trust_bundle_format",
        "trustBundleUrl": "trust_bundle_url",
    },
}


@attrs.frozen
class CommandLine:
    """What starts a container of SPIRE.

    Attributes:
        kind: ``server`` or ``agent``.
        config: The configuration file, as the container calls it.
        place: Where that is said.
        overrides: Keys that the command line sets, whatever the file says.
        expand_env: Whether the file's ``$NAME`` stand for environment variables.
    """

    kind: str
    config: str
    place: Place
    overrides: dict[str, Scalar]
    expand_env: bool

    def override(self, section: Section) -> list[Place]:
        """Write what the command line says into a section; returns the places of what it replaced."""
        replaced = []
        for key, value in self.overrides.items():
            same = [name for name in section.entries if name.lower() == key]
            replaced += [section.entries.pop(name).place for name in same]
            section.entries[key] = value
        return replaced


def words(node: Node | None) -> list[tuple[str, Place]]:
    """The words of an ``entrypoint`` or a ``command``, written as a list or as one text."""
    if node is None:
        return []
    if isinstance(node, Items):
        return [(text_of(item), item.place) for item in node.items]
    try:
        return [(word, node.place) for word in shlex.split(text_of(node))]
    except ValueError as error:
        raise node.place.error(f"the command cannot be split into words: {error}", code="command") from None


def kind_of(image: str, argv: list[tuple[str, Place]]) -> str:
    """Whether a container is a SPIRE server, a SPIRE agent, or neither: by its image and its command."""
    for kind in (SERVER, AGENT):
        program = f"spire-{kind}"
        if program in image or any(word.endswith(program) for word, _ in argv):
            return kind
    for word, _ in argv:
        base = posixpath.basename(word)
        if base in ("server.conf", "agent.conf"):
            return base.partition(".")[0]
    return ""


def read_command(kind: str, argv: list[tuple[str, Place]], place: Place) -> CommandLine:
    """Read what starts a SPIRE server or agent.

    Args:
        kind: ``server`` or ``agent``.
        argv: The words of its entrypoint and command.
        place: The place of the service.

    Raises:
        InvalidConfiguration: If SPIRE does not know a flag, or one lacks its value.
    """
    flags = _FLAGS[kind]
    if argv and posixpath.basename(argv[0][0]) in _SHELLS:
        raise argv[0][1].error("the command is a script for a shell; write SPIRE's own command here", code="command")
    config, said = f"conf/{kind}/{kind}.conf", place
    overrides: dict[str, Scalar] = {}
    expand = False
    remaining = iter(argv)
    for word, where in remaining:
        if not word.startswith("-"):
            continue  # the program, and its subcommand
        name, equals, value = word.removeprefix("-").removeprefix("-").partition("=")
        if name not in flags:
            raise where.error(f"flag provided but not defined: -{name}{did_you_mean(name, flags)}", code="command")
        if not equals:
            value, at = ("true", where) if name in _SWITCHES else next(remaining, ("", where))
        else:
            at = where
        if not value:
            raise where.error(f"flag needs an argument: -{name}", code="command")
        if name == "config":
            config, said = value, at
        elif name == "expandEnv":
            expand = value.lower() == "true"
        else:
            overrides[flags[name]] = Scalar(at, value)
    return CommandLine(kind, posixpath.join(_WORKDIR, config), said, overrides, expand)
