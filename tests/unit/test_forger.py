"""What a thief of an authority's key can mint."""

from __future__ import annotations

from datetime import timedelta

import pytest

from spiffesim import Simulation
from spiffesim.authority import X509Authority
from spiffesim.errors import (
    ClockError,
    InvalidInput,
    InvalidSpiffeId,
    NoActiveAuthority,
    Refused,
    ValidationError,
)
from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority
from spiffesim.spiffe.x509.certificate import read_certificate

HOUR = timedelta(hours=1)


@pytest.fixture
def sim() -> Simulation:
    return Simulation("example.org", seed=1)


def test_a_thief_mints_an_x509_svid_of_anybody(sim: Simulation) -> None:
    forger = sim.steal(sim.root)
    db = sim.workload("/db")
    forged = forger.mint_x509_svid("/admin", dns_names=["admin.example.org"])
    assert str(db.validate_x509_svid(forged)) == "spiffe://example.org/admin"
    assert forged.certificates[0].subject.rfc4514_string().startswith("CN=admin.example.org")
    assert (
        str(forger.mint_x509_svid("spiffe://example.org/spire/server").spiffe_id) == "spiffe://example.org/spire/server"
    )


def test_what_is_stolen_survives_rotation_and_ends_with_the_root(sim: Simulation) -> None:
    forger = sim.steal("root")
    db = sim.workload("/db")
    stolen = sim.root.ca.authority
    sim.advance(hours=22)
    assert sim.root.ca.authority is not stolen
    assert str(db.validate_x509_svid(forger.mint_x509_svid("/web"))) == "spiffe://example.org/web"
    sim.advance(hours=3)  # the stolen CA ended an hour ago
    with pytest.raises(ValidationError):
        db.validate_x509_svid(forger.mint_x509_svid("/web"))


def test_a_forged_svid_may_begin_and_end_when_its_issuer_does_not_live(sim: Simulation) -> None:
    forger = sim.steal(sim.root)
    forged = forger.mint_x509_svid("/web", at=sim.now - HOUR, ttl=timedelta(days=400))
    assert forged.not_before == sim.now - HOUR
    assert forged.not_after > sim.root.not_after
    late = forger.mint_x509_svid("/web", at=sim.now + HOUR)
    with pytest.raises(ValidationError):
        sim.workload("/db").validate_x509_svid(late)
    sim.advance(hours=1.5)
    sim.workloads["db"].validate_x509_svid(late)


def test_a_thief_of_a_nested_ca_mints_below_it(sim: Simulation) -> None:
    nested = sim.root.nest("nested")
    forger = sim.steal(nested.ca.authority)
    db = sim.workload("/db")
    assert forger.jwt is None
    assert len(forger.mint_x509_svid("/web").chain) == 2
    db.validate_x509_svid(forger.mint_x509_svid("/web"))


def test_a_thief_makes_a_ca_of_his_own(sim: Simulation) -> None:
    own = sim.steal(sim.root).mint_ca(ttl=timedelta(days=1000))
    forged = own.mint_ca().mint_x509_svid("/web")
    assert len(forged.chain) == 3
    assert str(sim.workload("/db").validate_x509_svid(forged)) == "spiffe://example.org/web"


def test_a_thief_mints_a_jwt_svid_of_anybody(sim: Simulation) -> None:
    forger = sim.steal(sim.root)
    db = sim.workload("/db")
    token = forger.mint_jwt_svid("spiffe://example.org/admin", "db", claims={"role": "root"})
    assert str(db.validate_jwt_svid(token, audience="db").spiffe_id) == "spiffe://example.org/admin"
    assert token.claims["role"] == "root"
    late = forger.mint_jwt_svid("spiffe://example.org/admin", "db", at=sim.now - 3 * HOUR)
    with pytest.raises(Refused, match="expired"):
        db.validate_jwt_svid(late, audience="db")


def test_the_key_of_a_jwt_authority_alone_signs_no_certificate(sim: Simulation) -> None:
    jwt = sim.root.keyring.jwt.current.authority
    forger = sim.steal(jwt)  # type: ignore[arg-type]  # there is one
    assert forger.mint_jwt_svid("spiffe://example.org/web", "db").audience == ("db",)
    for mint in (lambda: forger.mint_x509_svid("/web"), forger.mint_ca):
        with pytest.raises(InvalidInput, match=r"no X\.509 authority was stolen"):
            mint()
    with pytest.raises(InvalidInput, match="no JWT authority was stolen"):
        sim.steal(sim.root.ca.authority).mint_jwt_svid("spiffe://example.org/web", "db")


def test_a_server_without_a_jwt_key_loses_its_ca_alone() -> None:
    sim = Simulation("example.org", seed=1, disable_jwt_svids=True)
    assert repr(sim.steal(sim.root)) == "<Forger with X.509>"
    assert repr(Simulation("example.org", seed=1).steal("root")) == "<Forger with X.509 and JWT>"


def test_a_ca_that_names_no_trust_domain_needs_whole_ids() -> None:
    company = ExternalCa("Company")
    nameless = X509Authority(company.key, read_certificate(company.certificate))
    sim = Simulation("example.org", seed=1)
    forger = sim.steal(nameless)
    assert str(forger.mint_x509_svid("spiffe://example.org/web").spiffe_id) == "spiffe://example.org/web"
    with pytest.raises(InvalidSpiffeId, match="names no trust domain"):
        forger.mint_x509_svid("/web")


def test_nonsense_is_refused(sim: Simulation) -> None:
    forger = sim.steal(sim.root)
    with pytest.raises(InvalidSpiffeId):
        forger.mint_x509_svid("/a//b")
    with pytest.raises(InvalidSpiffeId):
        forger.mint_jwt_svid("/web", "db")
    with pytest.raises(InvalidInput, match="longer than nothing"):
        forger.mint_x509_svid("/web", ttl=timedelta(0))
    with pytest.raises(ClockError):
        forger.mint_x509_svid("/web", ttl=timedelta(days=4_000_000))
    with pytest.raises(InvalidInput, match="no server and no agent"):
        sim.steal("nobody")


def test_a_server_that_has_ended_has_nothing_to_steal(sim: Simulation) -> None:
    sim.stop("root")
    with pytest.raises(NoActiveAuthority):
        sim.steal("root")
    sim.start("root")
    assert len(sim.steal("root").mint_x509_svid("/web").chain) == 1


def test_the_same_theft_mints_the_same_bytes() -> None:
    first, second = (Simulation("example.org", seed=1).steal("root") for _ in range(2))
    assert first.mint_x509_svid("/web").chain == second.mint_x509_svid("/web").chain
    assert first.mint_x509_svid("/web").chain != first.mint_x509_svid("/web").chain


def test_a_stolen_ca_from_outside_names_no_trust_domain() -> None:
    company = ExternalCa("Company")
    upstream = DiskUpstreamAuthority(certificate=company.certificate_pem, private_key=company.private_key_pem)
    sim = Simulation("example.org", seed=1, upstream_authority=upstream)
    forged = sim.steal("root").mint_x509_svid("/web")
    sim.workload("/db").validate_x509_svid(forged)
