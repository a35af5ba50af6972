"""Agent: what an ``agent.conf`` says, as far as it is simulated."""

from __future__ import annotations

from typing import Final, TypeAlias

import attrs

from spiffesim.extra.spire_config.document import Note, Place, Section
from spiffesim.extra.spire_config.plugins import Plugin, Plugins, with_place
from spiffesim.extra.spire_config.schema import REASONS, known_section
from spiffesim.extra.spire_config.server import read_trust_domain
from spiffesim.extra.spire_config.source import Reference, Source
from spiffesim.extra.spire_config.volumes import Location
from spiffesim.keys import check_key_type
from spiffesim.plugins.workload_attestor import WorkloadAttestor
from spiffesim.plugins.workload_attestor.docker import DockerWorkloadAttestor
from spiffesim.plugins.workload_attestor.k8s import K8sWorkloadAttestor
from spiffesim.plugins.workload_attestor.unix import UnixWorkloadAttestor
from spiffesim.spiffe.ids import TrustDomain

_SOCKET: Final = "/tmp/spire-agent/public/api.sock"  # noqa: S108 - SPIRE's default, cmd/spire-agent/cli/common
_BOOTSTRAPS: Final = ("insecure_bootstrap", "trust_bundle_url", "trust_bundle_path", "trust_bundle_spiffe_workload_api")


@attrs.frozen
class CertificateProof:
    """The agent's half of x509pop: the files that it shows.

    Attributes:
        place: Where it stands.
        certificate: The certificate, and perhaps intermediates behind it.
        private_key: Its key.
        intermediates: More intermediates.
    """

    place: Place
    certificate: Reference
    private_key: Reference
    intermediates: Reference | None


@attrs.frozen
class TokenProof:
    """A join token; empty if an operator has yet to hand one out.

    Attributes:
        place: Where it is said.
        token: The token.
    """

    place: Place
    token: str


@attrs.frozen
class Believed:
    """An attestor that is not simulated: the agent is taken at its word.

    Attributes:
        place: Where it stands.
        name: The name of the attestor.
    """

    place: Place
    name: str


Proof: TypeAlias = CertificateProof | TokenProof | Believed


@attrs.frozen
class AgentFile:
    """An agent as its configuration file describes it.

    Attributes:
        source: Its files.
        place: Where its section begins.
        trust_domain: Its trust domain.
        trust_domain_place: Where that is said.
        address: The address of its server, and where that is said.
        port: The port of its server, and where that is said.
        socket: Where it serves the Workload API.
        proof: How it attests.
        workload_attestors: How it finds out what its workloads are.
        workload_key_type: The type of their keys.
        bundle: The file of the bundle that it starts from; None if it starts from something else.
        bundle_format: ``pem`` or ``spiffe``.
    """

    source: Source
    place: Place
    trust_domain: TrustDomain
    trust_domain_place: Place
    address: Reference
    port: int
    port_place: Place
    socket: Location
    proof: Proof
    workload_attestors: tuple[WorkloadAttestor, ...]
    workload_key_type: str
    bundle: Reference | None
    bundle_format: str

    @property
    def name(self) -> str:
        """The name of its service."""
        return self.source.service.name


def read_agent(source: Source) -> AgentFile:
    """Read the configuration file of an agent.

    Args:
        source: Its service's files; the notes go there.

    Raises:
        InvalidConfiguration: If SPIRE would not start with it, or it cannot be simulated.
    """
    document = source.configuration()
    section = known_section(document, "agent")
    notes = source.notes
    address = section.required("server_address", "server_address must be configured")
    section.require("server_port", "server_port must be configured")
    trust_domain = read_trust_domain(section)
    key_type = section.text("workload_x509_svid_key_type", "ec-p256")
    plugins = Plugins(document, "agent", source.plugin_data, notes)
    bundle = _bundle(section)
    agent = AgentFile(
        source=source,
        place=section.place,
        trust_domain=trust_domain,
        trust_domain_place=section.place_of("trust_domain"),
        address=Reference(address, section.place_of("server_address")),
        port=section.integer("server_port", 0),
        port_place=section.place_of("server_port"),
        socket=source.service.locate(section.text("socket_path", _SOCKET)),
        proof=_proof(section, plugins.of("NodeAttestor")[0], source),
        workload_attestors=_workload_attestors(plugins.of("WorkloadAttestor"), notes),
        workload_key_type=with_place(section.place_of("workload_x509_svid_key_type"), check_key_type, key_type),
        bundle=bundle,
        bundle_format=section.text("trust_bundle_format", "pem") if bundle is not None else "pem",
    )
    if agent.bundle_format not in ("pem", "spiffe"):
        problem = 'invalid value for trust_bundle_format, expected "pem" or "spiffe"'
        raise section.place_of("trust_bundle_format").error(problem, code="value")
    plugins.note_others(("KeyManager", "NodeAttestor", "WorkloadAttestor"))
    notes.extend(section.remarks(REASONS))
    notes.extend(document.remarks(REASONS))
    return agent


def _bundle(section: Section) -> Reference | None:
    """The file of the bundle that the agent starts from. SPIRE: validateConfig in cmd/spire-agent/cli/run/run.go."""
    said = [key for key in _BOOTSTRAPS if section.says(key)]
    if not said:
        raise section.place_of("trust_bundle_path").error(
            "trust_bundle_path, trust_bundle_url, or trust_bundle_spiffe_workload_api must be configured unless "
            "insecure_bootstrap is set",
            code="missing_key",
        )
    if len(said) > 1:
        problem = f"only one of {said[0]} or {said[1]} can be specified, not both"
        raise section.place_of(said[1]).error(problem, code="value")
    if said == ["trust_bundle_path"]:
        return Reference(section.text("trust_bundle_path"), section.place_of("trust_bundle_path"))
    return None


def _proof(section: Section, plugin: Plugin, source: Source) -> Proof:
    notes = source.notes
    token_places = [key for key in ("join_token", "join_token_file") if section.text(key)]
    if len(token_places) > 1:
        problem = "only one of join_token or join_token_file can be specified, not both"
        raise section.place_of("join_token_file").error(problem, code="value")
    if token_places or plugin.name == "join_token":
        # SPIRE: a token wins over the plugin (pkg/agent/agent.go).
        return _token(section, token_places, plugin, source)
    if reason := plugin.why_not():
        notes.append(Note(plugin.place, f"{reason}; the agent is believed"))
        return Believed(plugin.place, plugin.name)
    data = plugin.data
    if data.text("spiffe_endpoint_socket"):
        notes.append(Note(data.place_of("spiffe_endpoint_socket"), "not simulated; the agent is believed"))
        notes.extend(data.remarks({}))
        return Believed(plugin.place, plugin.name)
    key = data.required("private_key_path", "private_key_path is required")
    certificate = data.required("certificate_path", "certificate_path is required")
    intermediates = data.text("intermediates_path").strip()
    notes.extend(data.remarks({}))
    return CertificateProof(
        plugin.place,
        Reference(certificate, data.place_of("certificate_path")),
        Reference(key, data.place_of("private_key_path")),
        Reference(intermediates, data.place_of("intermediates_path")) if intermediates else None,
    )


def _token(section: Section, said: list[str], plugin: Plugin, source: Source) -> TokenProof:
    if not said:
        source.notes.append(Note(plugin.place, "no join_token is said: the simulation has the server hand one out"))
        return TokenProof(plugin.place, "")
    place = section.place_of(said[0])
    token = section.text(said[0])
    if said[0] == "join_token_file":
        text = source.read(Reference(token, place))
        if text is None:
            source.notes.append(Note(place, f"{source.where(Reference(token, place))}: made by the simulation"))
            return TokenProof(place, "")
        token = text.strip()
        if not token:
            raise place.error("join token file is empty", code="value")
    return TokenProof(place, token)


def _workload_attestors(plugins: list[Plugin], notes: list[Note]) -> tuple[WorkloadAttestor, ...]:
    attestors: list[WorkloadAttestor] = []
    for plugin in plugins:
        if reason := plugin.why_not():
            notes.append(Note(plugin.place, f"{reason}; nothing has its selectors"))
        elif plugin.name == "unix":
            path = plugin.data.flag("discover_workload_path")
            attestors.append(UnixWorkloadAttestor(discover_workload_path=path))
        else:
            attestors.append(DockerWorkloadAttestor() if plugin.name == "docker" else K8sWorkloadAttestor())
        if not plugin.why_not():
            notes.extend(plugin.data.remarks({}))
    return tuple(attestors)
