"""What a JWT-SVID costs, against its signature, and its validation, against a verification."""

from __future__ import annotations

from itertools import count

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from spiffesim.authority import JwtAuthority
from spiffesim.profiles import JWT_HEADER
from spiffesim.simulation import Simulation
from spiffesim.spiffe import validate_jwt_svid
from spiffesim.spiffe.jose.compact import segments
from tests.benchmarks import primitives
from tests.benchmarks.race import Race, Track
from tests.benchmarks.table import JWT

GROUP = JWT


def test_claims_to_signed_bytes(track: Track) -> None:
    sim = Simulation("example.org", seed=1)
    authority = sim.root.keyring.jwt.current.authority
    assert isinstance(authority, JwtAuthority)
    token = sim.workload("/web").fetch_jwt_svid(audience="nested-test")
    claims = token.claims
    track.run(
        "claims to signed bytes",
        Race(raw=primitives.signature(segments(token.token)[2]), ours=lambda: authority.sign(JWT_HEADER, claims)),
        against="signature",
        bound=1.4,
    )
    assert authority.sign(JWT_HEADER, claims) == token.token


def test_a_fetch_that_misses_the_cache(track: Track) -> None:
    sim = Simulation("example.org", seed=1)
    web = sim.root.nest("nestedA").workload("/web")
    numbers = count()
    signed = segments(web.fetch_jwt_svid(audience="audience-0").token)[2]
    track.run(
        "fetch_jwt_svid on a cache miss",
        Race(
            raw=primitives.signature(signed),
            ours=lambda audience: web.fetch_jwt_svid(audience=audience).token,
            prepare=lambda: f"audience-{next(numbers)}-new",
        ),
        against="signature",
        bound=2,
    )


def test_validation(track: Track) -> None:
    sim = Simulation("example.org", seed=1)
    svid = sim.root.nest("nestedA").workload("/web").fetch_jwt_svid(audience="nested-test")
    bundle, token, at = sim.root.bundle, svid.token, sim.now
    key = bundle.jwt_authorities[svid.key_id or ""]
    assert isinstance(key, EllipticCurvePublicKey)
    _, _, signed, raw = segments(token)
    signature = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    track.run(
        "validate_jwt_svid",
        Race(
            raw=lambda: key.verify(signature, signed, primitives.VERIFY),
            ours=lambda: validate_jwt_svid(token, bundle, audience="nested-test", at=at),
        ),
        against="verification",
        bound=1.6,
    )
