"""Links: which server hangs on which, and which agent serves whom, by address and by shared socket."""

from __future__ import annotations

from collections.abc import Mapping

from spiffesim.extra.spire_config.agent import AgentFile, Believed, TokenProof
from spiffesim.extra.spire_config.compose import Compose, Service
from spiffesim.extra.spire_config.document import Place, did_you_mean
from spiffesim.extra.spire_config.server import ServerFile, SpireUpstream
from spiffesim.extra.spire_config.source import Reference
from spiffesim.spiffe.ids import TrustDomain


class Links:
    """How the servers and agents of a deployment hang together.

    Args:
        compose: The compose file.
        servers: The servers by name.
        agents: The agents by name.

    Raises:
        InvalidConfiguration: If an address leads to no server, or a socket to no agent; if there is no
            root, or a trust domain has two.
    """

    def __init__(self, compose: Compose, servers: Mapping[str, ServerFile], agents: Mapping[str, AgentFile]) -> None:
        self.servers = servers
        self.agents = agents
        self._compose = compose
        self.server_of = {name: self._server_of(agent) for name, agent in agents.items()}
        self.parents: dict[str, str] = {}
        self.vias: dict[str, str] = {}
        for name, server in servers.items():
            if isinstance(server.upstream, SpireUpstream):
                self.parents[name] = self._parent_of(server, server.upstream)
                self.vias[name] = self._via_of(server, server.upstream)
        self._check_roots()

    def nested(self) -> dict[str, list[Service]]:
        """The services that attest through an agent, by the agent's name, in the order of the file."""
        found: dict[str, list[Service]] = {}
        for server, agent in self.vias.items():
            found.setdefault(agent, []).append(self.servers[server].source.service)
        return found

    def _check_roots(self) -> None:
        if not self.servers:
            raise self._compose.place.inside("services").error(
                "no service is a SPIRE server: none has an image or a command with spire-server in its name",
                code="no_server",
            )
        roots: dict[TrustDomain, ServerFile] = {}
        for name, server in self.servers.items():
            if name in self.parents:
                continue
            first = roots.setdefault(server.trust_domain, server)
            if first is not server:
                raise server.trust_domain_place.error(
                    f"{first.name} and {name} are both roots of {server.trust_domain}; nest one in the other "
                    '(UpstreamAuthority "spire"): servers that share a data store are not simulated',
                    code="two_roots",
                )

    def _server_of(self, agent: AgentFile) -> str:
        server = self._server_at(agent.address, agent.port, agent.port_place, agent.name)
        self._check_trust_domain(agent.trust_domain, agent.trust_domain_place, agent.name, server)
        self._check_attestor(agent, self.servers[server])
        return server

    def _check_attestor(self, agent: AgentFile, server: ServerFile) -> None:
        """Check that the server has the other half of the agent's attestor; join tokens need none."""
        proof = agent.proof
        if isinstance(proof, TokenProof):
            return
        name = proof.name if isinstance(proof, Believed) else "x509pop"
        if name not in server.node_attestors:
            raise proof.place.error(
                f'error getting node attestor: could not find node attestor type "{name}"; {server.name} has '
                f"{', '.join(server.node_attestors) or 'none'}",
                code="node_attestor",
            )

    def _parent_of(self, server: ServerFile, upstream: SpireUpstream) -> str:
        parent = self._server_at(upstream.address, upstream.port, upstream.address.place, server.name)
        if parent == server.name:
            raise upstream.address.place.error("this is the server itself", code="cycle")
        self._check_trust_domain(server.trust_domain, server.trust_domain_place, server.name, parent)
        return parent

    def _check_trust_domain(self, trust_domain: TrustDomain, place: Place, name: str, server: str) -> None:
        other = self.servers[server]
        if trust_domain != other.trust_domain:
            raise place.error(
                f"{name} is of trust domain {trust_domain}, and its server {server} of {other.trust_domain} "
                f"({other.trust_domain_place}); they have to be the same",
                code="trust_domain",
            )

    def _server_at(self, address: Reference, port: int, port_place: Place, caller: str) -> str:
        """The server that answers to an address."""
        known = [service for service in self._compose.services.values() if address.path in service.names]
        if not known:
            names = sorted(name for service in self._compose.services.values() for name in service.names)
            raise address.place.error(
                f"no service answers to {address.path}{did_you_mean(address.path, names) or _list(self.servers)}",
                code="address",
            )
        if len(known) > 1:
            both = " and ".join(service.name for service in known)
            raise address.place.error(f"{both} both answer to {address.path}; give one another name", code="address")
        server = self.servers.get(known[0].name)
        if server is None:
            raise address.place.error(f"{known[0].name} is no SPIRE server{_list(self.servers)}", code="address")
        if server.port != port:
            raise port_place.error(
                f"{caller} calls port {port} of {server.name}, which listens on {server.port} (server.bind_port)",
                code="port",
            )
        return server.name

    def _via_of(self, server: ServerFile, upstream: SpireUpstream) -> str:
        """The agent whose Workload API a nested server uses."""
        socket = server.source.service.locate(upstream.socket.path)
        serving = [name for name, agent in self.agents.items() if agent.socket == socket]
        if len(serving) > 1:
            both = " and ".join(serving)
            raise upstream.socket.place.error(f"{both} both serve the Workload API at {socket}", code="socket")
        if serving:
            return serving[0]
        elsewhere = "; ".join(f"{name} serves it at {agent.socket}" for name, agent in self.agents.items())
        raise upstream.socket.place.error(
            f"{server.name} looks for the Workload API at {socket}, and no agent serves it there "
            f"({elsewhere or 'there are no agents'}); mount one volume in both services",
            code="socket",
        )


def _list(servers: Mapping[str, ServerFile]) -> str:
    return f"; the servers are {', '.join(servers)}" if servers else ""
