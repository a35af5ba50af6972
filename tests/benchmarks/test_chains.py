"""What it costs to judge a chain of parsed certificates, against the verifications that it takes."""

from __future__ import annotations

from itertools import count

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from spiffesim.server import Server
from spiffesim.simulation import Simulation
from spiffesim.spiffe import EdgeMemo, X509Svid, validate_x509_svid
from spiffesim.spiffe.x509.certificate import read_certificate
from spiffesim.spiffe.x509svid import read_chain
from tests.benchmarks import primitives
from tests.benchmarks.race import Race, Track
from tests.benchmarks.table import CHAINS

GROUP = CHAINS
DEPTHS = (0, 1, 3, 4, 8, 16, 64)


def nested(depth: int) -> tuple[Simulation, Server]:
    """A simulation, and a server of it at this depth."""
    sim = Simulation("example.org", seed=1)
    server = sim.root
    for number in range(depth):
        server = server.nest(f"nested{number}")
    return sim, server


def from_elsewhere(svid: X509Svid) -> X509Svid:
    """The same SVID in other bytes, as if it had come over a network: parsed, and not judged yet."""
    received = X509Svid(read_chain(svid.chain_der), svid.private_key_der)
    assert received.parsed
    return received


@pytest.mark.parametrize("depth", DEPTHS)
def test_without_a_memo(track: Track, depth: int) -> None:
    sim, server = nested(depth)
    svid = from_elsewhere(server.workload("/web").fetch_x509_svid())
    bundle, at = sim.root.bundle, sim.now
    anchor = read_certificate(bundle.x509_der[0])
    edges = []
    for child, issuer in zip(svid.parsed, (*svid.parsed[1:], anchor), strict=True):
        assert isinstance(issuer.public_key, EllipticCurvePublicKey)
        edges.append((issuer.public_key, child.signature, child.tbs))

    def raw() -> None:
        for key, signature, signed in edges:
            key.verify(signature, signed, primitives.VERIFY)

    track.run(
        f"d = {depth}",
        Race(raw=raw, ours=lambda: validate_x509_svid(svid, bundle, at=at), rounds=2000 if depth < 16 else 300),
        against="d + 1 verifications",
        bound=1.15,
    )


@pytest.mark.parametrize("depth", DEPTHS)
def test_with_ca_edges_already_seen(track: Track, depth: int) -> None:
    sim, server = nested(depth)
    agent, bundle, at, memo, numbers = server.agent(), sim.root.bundle, sim.now, EdgeMemo(), count()

    def fresh() -> X509Svid:
        return from_elsewhere(agent.workload(f"/workload/{next(numbers)}").fetch_x509_svid())

    validate_x509_svid(fresh(), bundle, at=at, memo=memo)
    track.run(
        f"d = {depth}, a new leaf below CAs already seen",
        Race(
            raw=primitives.verification(),
            ours=lambda svid: validate_x509_svid(svid, bundle, at=at, memo=memo),
            prepare=fresh,
            rounds=1000,
        ),
        against="verification",
        bound=1.3 + max(depth - 4, 0) / 60,
    )
