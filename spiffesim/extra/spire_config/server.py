"""Server: what a ``server.conf`` says, as far as it is simulated."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias, cast

import attrs

from spiffesim.configuration import CaSubject, ServerConfig, Settings
from spiffesim.extra.spire_config.document import Note, Place, Section
from spiffesim.extra.spire_config.plugins import Plugin, Plugins, with_place
from spiffesim.extra.spire_config.schema import CA_SUBJECT, REASONS, known_section
from spiffesim.extra.spire_config.source import Reference, Source
from spiffesim.spiffe.ids import TrustDomain


@attrs.frozen
class X509Pop:
    """The server's half of x509pop.

    Attributes:
        place: Where it stands.
        bundles: The files of CA certificates.
        options: ``mode`` and the limits.
    """

    place: Place
    bundles: tuple[Reference, ...]
    options: dict[str, Any]


@attrs.frozen
class SpireUpstream:
    """The server above, and the agent through which this one attests to it.

    Attributes:
        place: Where it stands.
        address: The address of the server above, and where that is said.
        port: Its port.
        socket: The Workload API, and where that is said.
    """

    place: Place
    address: Reference
    port: int
    socket: Reference


@attrs.frozen
class DiskUpstream:
    """A CA in files; None for files that are not named.

    Attributes:
        place: Where it stands.
        certificate: The CA certificate.
        private_key: Its key.
        bundle: The roots.
    """

    place: Place
    certificate: Reference | None = None
    private_key: Reference | None = None
    bundle: Reference | None = None


Upstream: TypeAlias = SpireUpstream | DiskUpstream | None


@attrs.frozen
class ServerFile:
    """A server as its configuration file describes it.

    Attributes:
        source: Its files.
        place: Where its section begins.
        trust_domain: Its trust domain.
        trust_domain_place: Where that is said.
        port: The port that it listens on.
        settings: Its settings.
        node_attestors: The names of its node attestors.
        x509pop: Whether nodes may attest with certificates, and with which.
        upstream: Who signs its CA; None for itself.
    """

    source: Source
    place: Place
    trust_domain: TrustDomain
    trust_domain_place: Place
    port: int
    settings: Settings
    node_attestors: tuple[str, ...]
    x509pop: X509Pop | None
    upstream: Upstream

    @property
    def name(self) -> str:
        """The name of its service."""
        return self.source.service.name


def read_server(source: Source) -> ServerFile:
    """Read the configuration file of a server.

    Args:
        source: Its service's files; the notes go there.

    Raises:
        InvalidConfiguration: If SPIRE would not start with it, or it cannot be simulated.
    """
    document = source.configuration()
    section = known_section(document, "server")
    notes = source.notes
    trust_domain = read_trust_domain(section)
    section.require("data_dir", "data_dir must be configured")
    settings = _settings(section, notes)
    plugins = Plugins(document, "server", source.plugin_data, notes)
    server = ServerFile(
        source=source,
        place=section.place,
        trust_domain=trust_domain,
        trust_domain_place=section.place_of("trust_domain"),
        port=section.integer("bind_port", 8081),
        settings=settings,
        node_attestors=tuple(plugin.name for plugin in plugins.of("NodeAttestor")),
        x509pop=_x509pop(plugins.of("NodeAttestor"), notes),
        upstream=_upstream(plugins.first("UpstreamAuthority"), notes),
    )
    plugins.note_others(("KeyManager", "NodeAttestor", "UpstreamAuthority"))
    notes.extend(section.remarks(REASONS))
    notes.extend(document.remarks(REASONS))
    return server


def read_trust_domain(section: Section) -> TrustDomain:
    """The ``trust_domain`` of a server or agent.

    Raises:
        InvalidConfiguration: If it is missing, or is none.
    """
    name = section.required("trust_domain", "trust_domain must be configured")
    return with_place(section.place_of("trust_domain"), TrustDomain.parse, name)


def _settings(section: Section, notes: list[Note]) -> Settings:
    """The settings of the server: those of the file, and SPIRE's defaults for the others."""
    experimental = section.section("experimental")
    readers: dict[str, tuple[Section, Callable[[Section, str], Any]]] = {
        "ca_ttl": (section, Section.duration),
        "default_x509_svid_ttl": (section, Section.duration),
        "default_jwt_svid_ttl": (section, Section.duration),
        "agent_ttl": (section, Section.duration),
        "ca_key_type": (section, Section.text),
        "jwt_key_type": (section, Section.text),
        "jwt_issuer": (section, Section.text),
        "disable_jwt_svids": (section, Section.flag),
        "admin_ids": (section, Section.texts),
        "feature_flags": (experimental, Section.texts),
        "wit_issuer": (experimental, Section.text),
    }
    config = ServerConfig(ca_subject=_ca_subject(section, notes))
    for name, (where, read) in readers.items():
        value = read(where, name)
        if value:
            place = where.place_of(name)
            config = with_place(place, partial(attrs.evolve, config, **{name: value}))
    notes.extend(experimental.remarks({}))
    return cast("Settings", attrs.asdict(config, recurse=False))


def _ca_subject(section: Section, notes: list[Note]) -> CaSubject:
    if "ca_subject" not in section:
        return CaSubject()
    subject = section.section("ca_subject")
    subject.check_known(CA_SUBJECT)
    found = CaSubject(
        country=subject.texts("country"),
        organization=subject.texts("organization"),
        common_name=subject.text("common_name"),
    )
    if found == CaSubject(country=(), organization=()):
        notes.append(Note(subject.place, "ca_subject configurable is set but empty; the default will be used"))
        return CaSubject()
    return found


def _x509pop(attestors: list[Plugin], notes: list[Note]) -> X509Pop | None:
    found = None
    for plugin in attestors:
        if plugin.name == "x509pop" and not plugin.external:
            found = _read_x509pop(plugin, notes)
        elif reason := plugin.why_not():
            notes.append(Note(plugin.place, f"{reason}; an agent that uses it is believed"))
        else:
            notes.extend(plugin.data.remarks({}))
    return found


def _read_x509pop(plugin: Plugin, notes: list[Note]) -> X509Pop:
    data = plugin.data
    mode = data.text("mode", "external_pki")
    if mode not in ("external_pki", "spiffe"):
        raise data.place_of("mode").error("mode can only be either spiffe or external_pki", code="value")
    single = data.text("ca_bundle_path")
    paths = data.texts("ca_bundle_paths")
    if single and paths:
        problem = "only one of ca_bundle_path or ca_bundle_paths can be configured, not both"
        raise data.place_of("ca_bundle_paths").error(problem, code="value")
    key = "ca_bundle_path" if single else "ca_bundle_paths"
    bundles = tuple(Reference(path, data.place_of(key)) for path in ((single,) if single else paths))
    if mode == "external_pki" and not bundles:
        problem = "one of ca_bundle_path or ca_bundle_paths must be configured"
        raise data.place_of("ca_bundle_path").error(problem, code="missing_key")
    if mode == "spiffe" and bundles:
        problem = "you can not use ca_bundle_path or ca_bundle_paths in spiffe mode"
        raise data.place_of(key).error(problem, code="value")
    options: dict[str, Any] = {"mode": mode}
    if "spiffe_prefix" in data:
        options["svid_prefix"] = data.text("spiffe_prefix").rstrip("/") + "/"
    for name, default in (("max_intermediates", 4), ("max_rsa_key_size", 8192)):
        options[name] = data.integer(name, default)
        if options[name] <= 0:
            raise data.place_of(name).error(f"{name} must be greater than 0", code="value")
    notes.extend(data.remarks({}))
    return X509Pop(plugin.place, bundles, options)


def _upstream(plugin: Plugin | None, notes: list[Note]) -> Upstream:
    if plugin is None:
        return None
    if reason := plugin.why_not():
        notes.append(Note(plugin.place, f"{reason}; a CA on disk stands in for it"))
        return DiskUpstream(plugin.place)
    data = plugin.data
    upstream = _spire(plugin) if plugin.name == "spire" else _disk(plugin)
    notes.extend(data.section("experimental").remarks({}))
    notes.extend(data.remarks({}))
    return upstream


def _spire(plugin: Plugin) -> SpireUpstream:
    data = plugin.data
    address = data.required("server_address", "server_address is required")
    data.require("server_port", "server_port is required")
    socket = data.required("workload_api_socket", "workload_api_socket is required")
    return SpireUpstream(
        plugin.place,
        Reference(address, data.place_of("server_address")),
        data.integer("server_port", 0),
        Reference(socket.removeprefix("unix://"), data.place_of("workload_api_socket")),
    )


def _disk(plugin: Plugin) -> DiskUpstream:
    data = plugin.data
    problem = "'cert_file_path' and 'key_file_path' must be set and not empty"
    certificate, key = data.required("cert_file_path", problem), data.required("key_file_path", problem)
    bundle = data.text("bundle_file_path")
    return DiskUpstream(
        plugin.place,
        Reference(certificate, data.place_of("cert_file_path")),
        Reference(key, data.place_of("key_file_path")),
        Reference(bundle, data.place_of("bundle_file_path")) if bundle else None,
    )
