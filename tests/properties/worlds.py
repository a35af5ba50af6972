"""Worlds for the property tests: a topology, what stands above its root, and how much time has passed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from random import Random
from typing import Final, Literal, TypeAlias

import attrs
import networkx as nx
from cryptography.hazmat.primitives import serialization
from hypothesis import currently_in_test_context, event, settings, target
from hypothesis import strategies as st

from spiffesim import JwtSvid, Simulation, SpiffeBundle, X509Svid
from spiffesim.keys import KEY_TYPES
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority
from spiffesim.server import Server
from spiffesim.spiffe.x509.pem import write_pem
from spiffesim.strategies import topologies
from spiffesim.topology import Tree, tree
from tests.oracles import certificates as pki

Anchor: TypeAlias = Literal["self-signed", "disk", "disk with bundle"]

AUDIENCE: Final = "peer"
YEARS: Final = {"not_before": datetime(2000, 1, 1, tzinfo=UTC), "not_after": datetime(2100, 1, 1, tzinfo=UTC)}

reached: set[int] = set()
"""The depths of the worlds that were looked at in this process."""


def few(examples: int) -> settings:
    """Fewer examples than usual: a world takes its time. A profile that looks harder looks harder here, too."""
    return settings(max_examples=examples * max(settings().max_examples // 100, 1))


@lru_cache
def disk(bundle: bool) -> tuple[DiskUpstreamAuthority, int]:
    """A CA in files, and how many certificates it presents with each that it signs."""
    root = pki.root("corp", **YEARS)
    if not bundle:
        return DiskUpstreamAuthority(certificate=pem(root), private_key=key_pem(root)), 0
    upper = pki.intermediate(root, "upper", **YEARS)
    lower = pki.intermediate(upper, "lower", **YEARS)
    authority = DiskUpstreamAuthority(certificate=pem(lower, upper), private_key=key_pem(lower), bundle=pem(root))
    return authority, 2


def pem(*issued: pki.Issued) -> bytes:
    return b"".join(write_pem("CERTIFICATE", each.der) for each in issued)


def key_pem(issued: pki.Issued) -> bytes:
    encoding = serialization.Encoding.PEM
    return bytes(issued.key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


@attrs.frozen
class Case:
    """What a world is made of."""

    graph: Tree
    seed: int = 0
    anchor: Anchor = "self-signed"
    ages: Sequence[int] = ()

    def world(self) -> Simulation:
        """The world, after steps of so many seconds, and once everybody has heard of what they brought."""
        upstream = None if self.anchor == "self-signed" else disk(self.anchor == "disk with bundle")[0]
        sim = Simulation.from_graph(self.graph, "example.org", seed=self.seed, upstream_authority=upstream)
        for age in self.ages:
            sim.advance(timedelta(seconds=age))
        sim.settle()
        reached.add(self.depth)
        if currently_in_test_context():
            event(f"depth {self.depth}")
            target(self.depth, label="depth")
        return sim

    @property
    def depth(self) -> int:
        """How many servers stand above the deepest."""
        servers = [node for node in self.graph if self.graph.nodes[node]["kind"] == "server"]
        return int(nx.dag_longest_path_length(self.graph.subgraph(servers)))

    @property
    def below_anchor(self) -> int:
        """How many CA certificates the root server presents."""
        if self.anchor == "self-signed":
            return 0
        return 1 + disk(self.anchor == "disk with bundle")[1]


def cases(
    *, max_depth: int = 30, max_servers: int = 8, key_types: Sequence[str] = KEY_TYPES
) -> st.SearchStrategy[Case]:
    """Worlds of any depth, shape and key types, of any age that all their servers and agents outlive.

    A CA is signed by its parent's present CA and ends with it, so what is left for it shrinks sixfold at each tier:
    far down, CAs of a day do not outlive the first rotations, in SPIRE as here. Deep worlds stay younger than that.
    """
    anchors: tuple[Anchor, ...] = ("self-signed", "disk", "disk with bundle")
    ranges: tuple[tuple[int, Sequence[int], int], ...] = ((2, (24, 1, 240), 200_000), (4, (24, 240), 200_000))
    return st.one_of(
        *(
            st.builds(
                Case,
                topologies(
                    max_depth=min(depth, max_depth), max_servers=max_servers, key_types=key_types, ca_hours=hours
                ),
                seed=st.integers(0, 2**16),
                anchor=st.sampled_from(anchors),
                ages=st.lists(st.integers(0, oldest), max_size=2),
            )
            for depth, hours, oldest in (*ranges, (max_depth, (24, 30, 240), 35_000))
        )
    )


DEEPEST: Final = Case(
    tree(
        [*range(30), 3, 3, 17],
        key_types=["ec-p256", "ec-p384", "rsa-2048", "ec-p256"],
        workloads=[30, 0, 33, 15],
        workload_key_types=["ec-p256", "rsa-2048", "ec-p384"],
        ca_hours=[24, 30],
    ),
    seed=30,
    anchor="disk with bundle",
    ages=(50_000,),
)
"""A world 30 servers deep."""


def x509_svids(sim: Simulation) -> dict[str, X509Svid]:
    """Every kind of X509-SVID that is minted in a world, by where it comes from."""
    svids = {f"server {name}": server.svid for name, server in sim.servers.items()}
    svids |= {f"agent {name}": agent.svid for name, agent in sim.agents.items()}
    svids |= {f"workload {name}": workload.fetch_x509_svid() for name, workload in sim.workloads.items()}
    return svids | {
        f"minted by {server.name}": minted(server) for server in sim.servers.values() if server.depth % 3 == 2
    }


def minted(server: Server) -> X509Svid:
    """An X509-SVID that an operator mints, to live for longer than any CA."""
    return server.mint_x509_svid(f"spiffe://example.org/of/{server.name}", ttl=timedelta(days=1000))


def jwt_svids(sim: Simulation) -> dict[str, JwtSvid]:
    """Every kind of JWT-SVID that is minted in a world."""
    svids = {f"workload {name}": each.fetch_jwt_svid(audience=AUDIENCE) for name, each in sim.workloads.items()}
    return svids | {f"minted by {server.name}": minted_token(server) for server in sim.servers.values()}


def minted_token(server: Server) -> JwtSvid:
    """A JWT-SVID that an operator mints."""
    return server.mint_jwt_svid(f"spiffe://example.org/of/{server.name}", AUDIENCE)


def some_x509_svids(sim: Simulation, random: Random, count: int) -> list[X509Svid]:
    """A few X509-SVIDs from anywhere."""
    makers: list[Callable[[], X509Svid]] = [partial(minted, server) for server in sim.servers.values()]
    makers += [partial(getattr, node, "svid") for node in (*sim.servers.values(), *sim.agents.values())]
    makers += [workload.fetch_x509_svid for workload in sim.workloads.values()]
    return [random.choice(makers)() for _ in range(count)]


def some_jwt_svids(sim: Simulation, random: Random, count: int) -> list[JwtSvid]:
    """A few JWT-SVIDs from anywhere."""
    makers: list[Callable[[], JwtSvid]] = [partial(minted_token, server) for server in sim.servers.values()]
    makers += [partial(workload.fetch_jwt_svid, audience=AUDIENCE) for workload in sim.workloads.values()]
    return [random.choice(makers)() for _ in range(count)]


def bundles(sim: Simulation) -> dict[str, SpiffeBundle]:
    """The bundle of the trust domain as each server, agent and workload has it."""
    held = {f"server {name}": server.bundle for name, server in sim.servers.items()}
    held |= {f"agent {name}": agent.view.bundle for name, agent in sim.agents.items()}
    for name, workload in sim.workloads.items():
        (x509_bundle,), (jwt_bundle,) = workload.fetch_x509_bundles(), workload.fetch_jwt_bundles()
        held[f"workload {name}"] = SpiffeBundle(
            "example.org", x509_der=x509_bundle.x509_der, jwt_spki=jwt_bundle.jwt_spki
        )
    return held
