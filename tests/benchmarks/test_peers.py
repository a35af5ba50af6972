"""Side by side with others, each producing the same kind of thing: a memo is nowhere used."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

import pytest
import spiffe
import trustme
from cryptography import x509
from cryptography.x509 import verification

from spiffesim.simulation import Simulation
from spiffesim.spiffe import JwtSvid, X509Svid, validate_jwt_svid, validate_x509_svid
from tests.benchmarks.race import Race, Track
from tests.benchmarks.table import PEERS
from tests.benchmarks.test_chains import nested

GROUP = PEERS


def test_trustme_issues_a_certificate(track: Track) -> None:
    """Both: a new P-256 key, and a certificate for a DNS name, as PEM."""
    authority, root, numbers = trustme.CA(), Simulation("example.org", seed=1).root, count()

    def theirs() -> bytes:
        issued = authority.issue_cert("web.example.org")
        return b"".join(pem.bytes() for pem in (issued.private_key_pem, *issued.cert_chain_pems))

    def ours() -> bytes:
        svid = root.mint_x509_svid(f"spiffe://example.org/web/{next(numbers)}", dns_names=["web.example.org"])
        return svid.private_key_pem + svid.chain_pem

    track.run(
        "mint_x509_svid to PEM",
        Race(raw=theirs, ours=ours, rounds=1000),
        against="trustme issue_cert",
        bound=1,
        below=True,
    )


def test_py_spiffe_validates_a_jwt_svid(track: Track) -> None:
    """Both: the token taken apart, and its signature, audience and expiry checked; at the real present."""
    sim = Simulation("example.org", seed=1, start=datetime.now(UTC))
    token, bundle = sim.workload("/web").fetch_jwt_svid(audience="nested-test").token, sim.root.bundle
    theirs = spiffe.JwtBundle.parse(spiffe.TrustDomain("example.org"), bundle.jwt_bundle.marshal())

    def ours() -> JwtSvid:
        validate_jwt_svid(token, bundle, audience="nested-test", at=sim.now)
        return JwtSvid.parse(token)

    assert str(spiffe.JwtSvid.parse_and_validate(token, theirs, {"nested-test"}).spiffe_id) == str(ours().spiffe_id)
    track.run(
        "validate_jwt_svid and JwtSvid.parse",
        Race(raw=lambda: spiffe.JwtSvid.parse_and_validate(token, theirs, {"nested-test"}), ours=ours, rounds=1000),
        against="py-spiffe parse_and_validate",
        bound=1,
        below=True,
    )


def test_py_spiffe_parses_an_x509_svid(track: Track) -> None:
    """Both: a chain of three certificates and its key, from DER to values, the key checked against the leaf."""
    _, server = nested(2)
    svid = server.workload("/web").fetch_x509_svid()
    chain, key = svid.chain_der, svid.private_key_der
    assert str(spiffe.X509Svid.parse_raw(chain, key).spiffe_id) == str(X509Svid.parse_raw(chain, key).spiffe_id)
    track.run(
        "X509Svid.parse_raw",
        Race(
            raw=lambda: spiffe.X509Svid.parse_raw(chain, key), ours=lambda: X509Svid.parse_raw(chain, key), rounds=100
        ),
        against="py-spiffe",
        bound=1,
        below=True,
    )


@pytest.mark.parametrize("depth", [0, 3, 16, 64])
def test_cryptography_verifies_a_chain(track: Track, depth: int) -> None:
    """Both: certificates that are parsed already; theirs under its own rules, which are the fastest it has."""
    sim, server = nested(depth)
    svid = server.workload("/web").fetch_x509_svid()
    bundle, at = sim.root.bundle, sim.now
    leaf, *intermediates = svid.certificates
    store = verification.Store([x509.load_der_x509_certificate(bundle.x509_der[0])])

    def theirs() -> object:
        builder = verification.PolicyBuilder().store(store).time(at).max_chain_depth(depth)
        return builder.build_client_verifier().verify(leaf, intermediates).chain

    track.run(
        f"validate_x509_svid, d = {depth}",
        Race(raw=theirs, ours=lambda: validate_x509_svid(svid, bundle, at=at), rounds=1000 if depth < 16 else 100),
        against="cryptography's verifier",
        bound=1,
        below=True,
    )
