"""Over arbitrary trees: whatever is minted anywhere is good everywhere in its trust domain, and nowhere else."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from cryptography import x509
from hypothesis import example, given
from hypothesis import strategies as st

from spiffesim import BundleMap, Simulation, SpiffeBundle, SpiffeId, TrustDomain, X509Svid, strategies
from spiffesim.errors import BadSignature, UnknownAuthority, UntrustedDomain, ValidationError
from spiffesim.spiffe import examine_x509_svid, validate_jwt_svid, validate_x509_svid
from spiffesim.topology import tree
from tests.oracles.verifiers import cryptography_accepts
from tests.properties import worlds
from tests.properties.worlds import AUDIENCE, DEEPEST, Case, cases, few


@given(case=cases())
@example(case=DEEPEST)
@few(16)
def test_every_svid_validates_everywhere_in_its_trust_domain(case: Case) -> None:
    sim = case.world()
    svids, tokens, root = worlds.x509_svids(sim), worlds.jwt_svids(sim), sim.root.bundle
    # Every server, agent and workload holds the authorities of the root server, so that each judges as the others do,
    for name, bundle in worlds.bundles(sim).items():
        assert bundle.x509_der == root.x509_der, name
        assert dict(bundle.jwt_spki) == dict(root.jwt_spki), name
    for name, svid in svids.items():
        validated = validate_x509_svid(svid, root, at=sim.now, memo=sim.world.memo)
        assert validated == svid.spiffe_id, name
    for name, token in tokens.items():
        assert validate_jwt_svid(token, root, audience=AUDIENCE, at=sim.now) == token.spiffe_id, name
    # and every workload says so when it is asked.
    for workload in sim.workloads.values():
        for name, svid in svids.items():
            assert workload.validate_x509_svid(svid) == svid.spiffe_id, name
        for name, token in tokens.items():
            assert workload.validate_jwt_svid(token, audience=AUDIENCE) == token, name


@given(case=cases(max_depth=6, max_servers=4))
@few(15)
def test_every_svid_validates_without_a_memo_too(case: Case) -> None:
    sim = case.world()
    for svid in worlds.x509_svids(sim).values():
        assert validate_x509_svid(svid.chain, sim.root.bundle, at=sim.now) == svid.spiffe_id


@given(case=cases(), picks=st.integers(0, 2**32))
@example(case=DEEPEST, picks=0)
@few(16)
def test_no_svid_validates_in_another_trust_domain(case: Case, picks: int) -> None:
    sim, random = case.world(), Random(picks)
    foreign = Simulation("example.com", seed=f"foreign {picks}").root.bundle
    disguised = SpiffeBundle("example.org", x509_der=foreign.x509_der, jwt_spki=foreign.jwt_spki)
    for svid in worlds.some_x509_svids(sim, random, 6):
        with pytest.raises(UntrustedDomain):
            validate_x509_svid(svid, foreign, at=sim.now, memo=sim.world.memo)
        with pytest.raises((UnknownAuthority, BadSignature)):
            validate_x509_svid(svid, disguised, at=sim.now, memo=sim.world.memo)
        validate_x509_svid(svid, [foreign, sim.root.bundle], at=sim.now, memo=sim.world.memo)  # the control
    for token in worlds.some_jwt_svids(sim, random, 6):
        with pytest.raises(UntrustedDomain):
            validate_jwt_svid(token, foreign, audience=AUDIENCE, at=sim.now)
        with pytest.raises(UnknownAuthority):
            validate_jwt_svid(token, disguised, audience=AUDIENCE, at=sim.now)
        validate_jwt_svid(token, [foreign, sim.root.bundle], audience=AUDIENCE, at=sim.now)


@given(case=cases())
@example(case=DEEPEST)
@few(20)
def test_every_certificate_lives_within_its_issuer(case: Case) -> None:
    sim = case.world()
    presented = max(case.below_anchor - 1, 0)  # by the upstream authority; they are not ours, nor is the anchor above
    edges: dict[tuple[bytes, bytes], bool] = {}
    for svid in worlds.x509_svids(sim).values():
        ours = len(svid.chain) - presented
        for place, (child, issuer) in enumerate(zip(svid.chain, svid.chain[1:], strict=False)):
            edges[child, issuer] = place + 1 < ours
        anchor = anchor_of(svid.chain[-1], sim.root.bundle)
        edges[svid.chain[-1], anchor] = case.anchor == "self-signed"
    loaded = {der: x509.load_der_x509_certificate(der) for edge in edges for der in edge}
    for (child, issuer), issuer_is_ours in edges.items():
        assert loaded[child].not_valid_after_utc <= loaded[issuer].not_valid_after_utc
        assert not issuer_is_ours or loaded[child].not_valid_before_utc >= loaded[issuer].not_valid_before_utc
    assert any(edges.values()) or case.anchor != "self-signed"


def anchor_of(der: bytes, bundle: SpiffeBundle) -> bytes:
    """The anchor whose key identifier a certificate names as its issuer's."""
    wanted = authority_key_id(x509.load_der_x509_certificate(der))
    (found,) = (anchor for anchor in bundle.x509_authorities if key_id(anchor) == wanted)
    return bundle.x509_der[bundle.x509_authorities.index(found)]


def key_id(certificate: x509.Certificate) -> bytes:
    return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def authority_key_id(certificate: x509.Certificate) -> bytes:
    found = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert found is not None
    return found


@given(case=cases())
@example(case=DEEPEST)
@few(12)
def test_every_chain_has_a_ca_for_each_server_below_the_anchor(case: Case) -> None:
    sim = case.world()
    for name, server in sim.servers.items():
        expected = 1 + server.depth + case.below_anchor
        assert len(server.svid.chain) == expected, name
        assert len({*server.svid.chain}) == expected, name
    for agent in sim.agents.values():
        assert len(agent.svid.chain) == 1 + agent.server.depth + case.below_anchor
    for workload in sim.workloads.values():
        assert len(workload.fetch_x509_svid().chain) == 1 + workload.agent.server.depth + case.below_anchor


@given(case=cases(), picks=st.integers(0, 2**32))
@example(case=DEEPEST, picks=0)
@few(20)
def test_a_flipped_byte_of_a_certificate_or_a_token_is_found(case: Case, picks: int) -> None:
    sim, random = case.world(), Random(picks)
    root = sim.root.bundle
    for svid, token in zip(
        worlds.some_x509_svids(sim, random, 10), worlds.some_jwt_svids(sim, random, 10), strict=True
    ):
        chain, place = list(svid.chain), random.randrange(len(svid.chain))
        chain[place] = flipped(chain[place], random)
        with pytest.raises(ValidationError):
            validate_x509_svid(chain, root, at=sim.now, memo=sim.world.memo)
        validate_x509_svid(svid.chain, root, at=sim.now, memo=sim.world.memo)
        with pytest.raises(ValidationError):
            validate_jwt_svid(flipped(token.token.encode(), random), root, audience=AUDIENCE, at=sim.now)
        validate_jwt_svid(token, root, audience=AUDIENCE, at=sim.now)


def flipped(data: bytes, random: Random) -> bytes:
    place = random.randrange(len(data))
    return data[:place] + bytes([data[place] ^ random.randrange(1, 256)]) + data[place + 1 :]


def test_every_byte_of_one_certificate_and_one_token_counts() -> None:
    sim = Case(tree([0], workloads=[1])).world()
    (workload,) = sim.workloads.values()
    svid, token, root = workload.fetch_x509_svid(), workload.fetch_jwt_svid(audience=AUDIENCE), sim.root.bundle
    for place in range(len(svid.chain)):
        for number, byte in enumerate(svid.chain[place]):
            chain = list(svid.chain)
            chain[place] = chain[place][:number] + bytes([byte ^ 1 << number % 8]) + chain[place][number + 1 :]
            with pytest.raises(ValidationError):
                validate_x509_svid(chain, root, at=sim.now, memo=sim.world.memo)
    text = token.token.encode()
    for number, byte in enumerate(text):
        forged = text[:number] + bytes([byte ^ 1 << number % 8]) + text[number + 1 :]
        with pytest.raises(ValidationError):
            validate_jwt_svid(forged, root, audience=AUDIENCE, at=sim.now)
    validate_x509_svid(svid, root, at=sim.now)
    validate_jwt_svid(token, root, audience=AUDIENCE, at=sim.now)


@given(case=cases(), picks=st.integers(0, 2**32))
@example(case=DEEPEST, picks=0)
@few(20)
def test_our_verdict_is_that_of_cryptographys_verifier(case: Case, picks: int) -> None:
    sim, random = case.world(), Random(picks)
    stranger = Simulation("example.org", seed="stranger").root.bundle
    for svid in worlds.some_x509_svids(sim, random, 4):
        assert examine_x509_svid(svid, sim.root.bundle, at=sim.now, memo=sim.world.memo).ok  # the control
        chain = list(svid.chain)
        bundle = random.choice([sim.root.bundle, sim.root.bundle, sim.root.bundle, stranger])
        at = sim.now + timedelta(seconds=random.choice([0, 0, 1, -11, 1800, 3600, 3601, 90_000, 10**9]))
        tail = chain[1:]
        random.shuffle(tail)
        if tail and random.random() < 0.25:
            tail.pop()
        chain[1:] = tail
        ours = examine_x509_svid(chain, bundle, at=at, memo=sim.world.memo).ok
        assert ours == cryptography_accepts(chain, bundle.x509_der, at)


# Round trips


@given(case=cases(max_depth=10, max_servers=4))
@example(case=DEEPEST)
@few(20)
def test_bundles_survive_the_way_through_their_documents(case: Case) -> None:
    sim = case.world()
    other = Simulation("example.com", seed=case.seed).root.bundle
    for server in sim.servers.values():
        bundle = server.bundle
        read = SpiffeBundle.parse("example.org", bundle.marshal())
        assert (read.x509_der, dict(read.jwt_spki)) == (bundle.x509_der, dict(bundle.jwt_spki))
        assert read.sequence_number == (bundle.sequence_number or None)  # SPIRE leaves 0 out
        assert SpiffeBundle.from_pem("example.org", bundle.pem()).x509_der == bundle.x509_der
        both = BundleMap([bundle, other])
        assert [each.x509_der for each in BundleMap.parse(both.marshal())] == [bundle.x509_der, other.x509_der]


@given(case=cases(max_depth=10, max_servers=4, key_types=["ec-p256", "ec-p384"]), picks=st.integers(0, 2**32))
@example(case=Case(tree([0], key_types=["rsa-2048"], workloads=[1], workload_key_types=["rsa-2048"])), picks=0)
@few(15)
def test_svids_survive_the_way_through_their_documents(case: Case, picks: int) -> None:
    sim = case.world()
    for svid in worlds.some_x509_svids(sim, Random(picks), 5):
        pem = X509Svid.parse(svid.chain_pem, svid.private_key_pem)
        raw = X509Svid.parse_raw(svid.chain_der, svid.private_key_der)
        assert (pem.chain, pem.private_key_der) == (raw.chain, raw.private_key_der)
        assert pem.chain == svid.chain
        assert pem.private_key.public_key() == svid.leaf.public_key()


@given(spiffe_id=strategies.spiffe_ids(min_segments=0))
def test_ids_survive_the_way_through_their_texts(spiffe_id: SpiffeId) -> None:
    assert SpiffeId(str(spiffe_id)) == spiffe_id
    assert TrustDomain(str(spiffe_id.trust_domain)) == TrustDomain.parse(str(spiffe_id)) == spiffe_id.trust_domain
    assert spiffe_id.trust_domain.id(spiffe_id.path) == spiffe_id


@given(name=st.from_type(TrustDomain), spiffe_id=st.from_type(SpiffeId))
def test_types_are_enough_to_draw_ids(name: TrustDomain, spiffe_id: SpiffeId) -> None:
    assert isinstance(name, TrustDomain)
    assert spiffe_id.path


@given(sim=strategies.simulations(max_depth=3, max_servers=2, trust_domain="example.net"))
@few(10)
def test_drawn_simulations_run(sim: Simulation) -> None:
    assert str(sim.root.trust_domain) == "example.net"
    web, peer = sim.root.workload("/web"), [*sim.servers.values()][-1].workload("/peer")
    assert peer.validate_x509_svid(web.fetch_x509_svid()) == SpiffeId("spiffe://example.net/web")
