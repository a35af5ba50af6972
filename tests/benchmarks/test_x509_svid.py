"""What an X.509-SVID costs, against the derivation of its key and the signature on it."""

from __future__ import annotations

from itertools import count

from cryptography.x509 import load_der_x509_certificate

from spiffesim.authority import IssuedCertificate
from spiffesim.instants import SECOND
from spiffesim.keys import Draw
from spiffesim.profiles import WORKLOAD_SVID
from spiffesim.simulation import Simulation
from spiffesim.workload import Workload
from tests.benchmarks import primitives
from tests.benchmarks.race import Race, Track
from tests.benchmarks.table import X509

GROUP = X509
AGAINST = "key derivation + signature"


def test_the_der_of_a_leaf(track: Track) -> None:
    sim = Simulation("example.org", seed=1)
    numbers = count()

    def record() -> IssuedCertificate:
        """A leaf as an agent is given it, before anybody has looked."""
        path = f"/workload/{next(numbers)}"
        draw = Draw.next(sim.world.randomness, f"benchmark {path}")
        spiffe_id = f"spiffe://example.org{path}"
        return sim.root.ca.sign_svid(
            WORKLOAD_SVID, draw, spiffe_id=spiffe_id, now=sim.world.now, ttl=3600 * SECOND
        ).certificate

    signed = load_der_x509_certificate(record().der).tbs_certificate_bytes
    track.run(
        "the DER",
        Race(raw=primitives.derivation_and_signature(signed), ours=lambda leaf: leaf.der, prepare=record),
        against=AGAINST,
        bound=1.3,
    )


def test_a_whole_fetch(track: Track) -> None:
    sim = Simulation("example.org", seed=1)
    # Room for all: what an agent has no room for it mints when it is asked, which is another row's business.
    agent = sim.root.nest("nestedA").agent("roomy", x509_svid_cache_max_size=10**6)
    numbers = count()

    def read(workload: Workload) -> object:
        """The chain and the key, each as DER and as PEM."""
        svid = workload.fetch_x509_svid()
        return svid.chain_der, svid.private_key_der, svid.chain_pem, svid.private_key_pem

    first = agent.workload("/first").fetch_x509_svid()
    track.run(
        "fetch_x509_svid, read as DER and PEM",
        Race(
            raw=primitives.derivation_and_signature(first.leaf.tbs_certificate_bytes),
            ours=read,
            prepare=lambda: agent.workload(f"/workload/{next(numbers)}"),
        ),
        against=AGAINST,
        bound=2,
    )
    last = agent.workload("/last").fetch_x509_svid()
    assert sim.workload("/other").validate_x509_svid(last) == last.spiffe_id
