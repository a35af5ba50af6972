"""The story of a deployment: what happened in it, what it looks like, and that its identities are valid everywhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

from spiffesim.errors import SpiffeSimError
from spiffesim.instants import microseconds, rfc3339
from spiffesim.spiffe.validation import validate_x509_svid
from spiffesim.workload import Workload

if TYPE_CHECKING:
    from spiffesim.journal import Event
    from spiffesim.server import Server
    from spiffesim.simulation import Simulation
    from spiffesim.spiffe.ids import SpiffeId

AUDIENCE: Final = "nested-test"

_ASCII: Final = str.maketrans({"├": "|", "└": "`", "│": "|", "─": "-"})


@attrs.frozen
class Step:
    """One step of the story.

    Attributes:
        node: Who.
        verb: Did.
        texts: What; each is a line.
    """

    node: str
    verb: str
    texts: tuple[str, ...]


def tell(simulation: Simulation, *, ascii_only: bool = False) -> Iterator[str]:
    """Tell the story of a deployment, line by line.

    Args:
        simulation: The deployment.
        ascii_only: Whether the tree is drawn with ASCII characters.
    """
    names = (*simulation.servers, *simulation.agents, *simulation.workloads)
    width = max(map(len, names))
    domains = " and ".join(dict.fromkeys(server.trust_domain.name for server in simulation.servers.values()))
    yield f"Trust domain {domains}, seed {simulation.seed}"
    yield ""
    for event in simulation.journal:
        for step in _happened(simulation, event):
            yield from _lines(step, event.at, width)
    yield ""
    tree = str(simulation.tree())
    yield from (tree.translate(_ASCII) if ascii_only else tree).splitlines()
    yield ""
    pairs = list(_pairs(simulation.workloads.values()))
    if not pairs:
        yield "No workload has an identity: register one, and start it."
        return
    yield "X.509-SVIDs, validated against the bundle of the root alone"
    yield ""
    for holder, peer in pairs:
        for step in _x509(holder, peer):
            yield from _lines(step, simulation.now, width)
    yield ""
    yield f"JWT-SVIDs for {AUDIENCE}, each validated by somebody else's agent"
    for holder, peer in pairs:
        yield ""
        yield from _jwt(holder, peer, width)


def _lines(step: Step, at: datetime, width: int) -> Iterator[str]:
    first = f"{_rfc3339(at)}  {step.node:<{width}}  {step.verb:<10}  "
    for number, text in enumerate(step.texts):
        yield f"{' ' * len(first) if number else first}{text}"


# What happened


def _happened(simulation: Simulation, event: Event) -> Iterable[Step]:
    tell_event = _EVENTS.get(event.kind)
    if tell_event is not None:
        return tell_event(simulation, event)
    data = (f"{name}={value}" for name, value in event.data.items())
    return [Step(event.node, "noted", (event.kind, *data))]


def _ca_prepared(simulation: Simulation, event: Event) -> Iterator[Step]:
    server, data = simulation.servers[event.node], event.data
    upstream = server.upstream_authority
    signer = "self-signed" if upstream is None else f"signed by its upstream authority {upstream.name}"
    if server.parent is not None and server.via is not None:
        client = getattr(getattr(upstream, "client", None), "client", None)  # the workload behind its channel
        identity = f"{client.spiffe_id} " if isinstance(client, Workload) else ""
        yield Step(server.name, "fetched", (f"X.509-SVID {identity}from {server.via.name}",))
        signer = f"signed by {server.parent.name}"
    text = f"CA, {signer}, until {data['expiration']}"
    yield Step(server.name, "minted", (text, f"authority ID {data['local_authority_id']}"))


def _jwt_key_prepared(simulation: Simulation, event: Event) -> Iterator[Step]:
    server, data = simulation.servers[event.node], event.data
    above = "" if server.parent is None else f", up to {' and '.join(_above(server))}"
    text = f"JWT key{above}, until {data['expiration']}"
    yield Step(server.name, "published", (text, f"key ID {data['local_authority_id']}"))


def _above(server: Server) -> Iterator[str]:
    while server.parent is not None:
        server = server.parent
        yield server.name


def _started(simulation: Simulation, event: Event) -> Iterator[Step]:
    server = simulation.servers[event.node]
    text = f"X.509-SVID {server.spiffe_id}, until {_rfc3339(server.svid.not_after)}"
    yield Step(server.name, "minted", (text,))


def _attested(simulation: Simulation, event: Event) -> Iterator[Step]:
    data = event.data
    attested = (agent for agent in simulation.agents.values() if str(agent.spiffe_id) == data["agent_id"])
    agent = next(attested, None)
    name, until = (event.node, "") if agent is None else (agent.name, f", until {_rfc3339(agent.not_after)}")
    yield Step(name, "attested", (f"to {event.node} by {data['node_attestor_type']}{until}", f"as {data['agent_id']}"))


def _registered(simulation: Simulation, event: Event) -> Iterator[Step]:
    data = event.data
    entry = simulation.servers[event.node].get_entry(data["entry_id"])
    kind = ", downstream" if entry.downstream else ""
    selectors = " and ".join(map(str, entry.selectors))
    texts = (f"{entry.spiffe_id}{kind}", f"for {selectors}", f"under {entry.parent_id}", f"as entry {entry.id}")
    yield Step(event.node, "registered", texts)


def _nothing(simulation: Simulation, event: Event) -> Iterator[Step]:  # noqa: ARG001 - of the table below
    """Told already: what is prepared first is active at once."""
    return iter(())


_EVENTS: Final[dict[str, Callable[[Simulation, Event], Iterator[Step]]]] = {
    "X509 CA prepared": _ca_prepared,
    "X509 CA activated": _nothing,
    "JWT key prepared": _jwt_key_prepared,
    "JWT key activated": _nothing,
    "Starting Server APIs": _started,
    "Agent attestation request completed": _attested,
    "Entry created": _registered,
}


def _rfc3339(instant: datetime) -> str:
    return rfc3339(microseconds(instant))


# Validation


def _pairs(workloads: Iterable[Workload]) -> Iterator[tuple[Workload, Workload]]:
    """Who shows an SVID to whom: each workload to the next of its trust domain, the first one last."""
    by_trust_domain: dict[str, list[Workload]] = {}
    for workload in workloads:
        if workload.agent.identities(workload.selectors):
            by_trust_domain.setdefault(workload.agent.server.trust_domain.name, []).append(workload)
    for members in by_trust_domain.values():
        round_trip = [*members[1:], members[0]]
        yield from zip(round_trip, [*round_trip[1:], round_trip[0]], strict=True)


def _x509(holder: Workload, peer: Workload) -> Iterator[Step]:
    svid = holder.fetch_x509_svid()
    with_it = len(svid.chain) - 1
    texts = (
        f"{svid.spiffe_id}",
        f"from {_rfc3339(svid.not_before)} until {_rfc3339(svid.not_after)}",
        f"serial number {svid.certificates[0].serial_number}, {with_it} CA certificate{'s' * (with_it != 1)} with it",
    )
    yield Step(holder.name, "fetched", texts)
    root = holder.agent.server
    while root.parent is not None:
        root = root.parent
    spiffe_id = validate_x509_svid(svid, root.bundle.x509_bundle, at=peer.world.clock.now)
    yield Step(peer.name, "validated", (f"{spiffe_id} against the bundle of {root.name}",))


def _jwt(holder: Workload, peer: Workload, width: int) -> Iterator[str]:
    """What is fetched and validated, and then SPIRE's own words."""
    now = holder.world.clock.now
    try:
        svid = holder.fetch_jwt_svid(audience=AUDIENCE)
        text = f"{svid.spiffe_id} for {AUDIENCE}, until {_rfc3339(svid.expiry)}"
        yield from _lines(Step(holder.name, "fetched", (text,)), now, width)
        valid = peer.validate_jwt_svid(svid, audience=AUDIENCE)
    except SpiffeSimError as error:
        yield from _lines(Step(holder.name, "refused", (str(error),)), now, width)
        return
    yield from _lines(Step(peer.name, "validated", (f"{valid.spiffe_id} at {peer.agent.name}",)), now, width)
    yield from spires_words(valid.spiffe_id, valid.claims)


def spires_words(spiffe_id: SpiffeId, claims: Mapping[str, Any]) -> Iterator[str]:
    """What ``spire-agent api validate jwt`` prints of a valid token.

    SPIRE: cmd/spire-agent/cli/api/validate_jwt.go
    """
    yield "SVID is valid."
    yield f"SPIFFE ID : {spiffe_id}"
    yield f"Claims    : {json.dumps(claims, separators=(',', ':'), sort_keys=True, ensure_ascii=False)}"
