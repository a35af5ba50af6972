"""What a JWT-SVID costs, against its signature, and its validation, against a verification."""

from __future__ import annotations

from itertools import count

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from spiffesim.authority import JwtAuthority
from spiffesim.profiles import JWT_HEADER
from spiffesim.simulation import Simulation
from spiffesim.spiffe import validate_jwt_svid
from spiffesim.spiffe.compact import segments
from tests.benchmarks import primitives
from tests.benchmarks.race import Race
from tests.benchmarks.table import JWT

GROUP = JWT


def test_claims_to_signed_bytes(race: Race) -> None:
    sim = Simulation("example.org", seed=1)
    authority = sim.root.keyring.jwt.current.authority
    assert isinstance(authority, JwtAuthority)
    token = sim.workload("/web").fetch_jwt_svid(audience="nested-test")
    claims = token.claims
    race.run(
        "claims to signed bytes",
        against="signature",
        raw=primitives.signature(segments(token.token)[2]),
        ours=lambda: authority.sign(JWT_HEADER, claims),
        bound=1.4,
    )
    assert authority.sign(JWT_HEADER, claims) == token.token


def test_a_fetch_that_misses_the_cache(race: Race) -> None:
    sim = Simulation("example.org", seed=1)
    web = sim.root.nest("nestedA").workload("/web")
    numbers = count()
    signed = segments(web.fetch_jwt_svid(audience="audience-0").token)[2]
    race.run(
        "fetch_jwt_svid on a cache miss",
        against="signature",
        raw=primitives.signature(signed),
        ours=lambda audience: web.fetch_jwt_svid(audience=audience).token,
        prepare=lambda: f"audience-{next(numbers)}-new",
        bound=2,
    )


def test_validation(race: Race) -> None:
    sim = Simulation("example.org", seed=1)
    svid = sim.root.nest("nestedA").workload("/web").fetch_jwt_svid(audience="nested-test")
    bundle, token, at = sim.root.bundle, svid.token, sim.now
    key = bundle.jwt_authorities[svid.key_id or ""]
    assert isinstance(key, EllipticCurvePublicKey)
    _, _, signed, raw = segments(token)
    signature = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    race.run(
        "validate_jwt_svid",
        against="verification",
        raw=lambda: key.verify(signature, signed, primitives.VERIFY),
        ours=lambda: validate_jwt_svid(token, bundle, audience="nested-test", at=at),
        bound=1.6,
    )
