"""Authorities, and what they sign: records that become documents when somebody looks."""

from __future__ import annotations

import json
import pickle
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from spiffesim import rotation
from spiffesim.authority import IssuedCertificate, IssuedSvid, JwtAuthority, X509Authority
from spiffesim.chain import Chain
from spiffesim.instants import moment
from spiffesim.keys import KEY_TYPES, Draw
from spiffesim.profiles import AGENT_SVID, DOWNSTREAM_CA, SELF_SIGNED_CA, SERVER_SVID, WORKLOAD_SVID
from spiffesim.randomness import Randomness
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.validation import validate_x509_svid
from tests.oracles import profiles, tokens
from tests.oracles.tokens import AT
from tests.unit.keyrings import HOUR, NOW, SECOND, jwt_authority

TD = "spiffe://example.org"


def root_authority(key_type: str = "ec-p256", seed: int = 1, ttl: int = 24 * HOUR) -> X509Authority:
    draw = Draw(Randomness(seed), "root", 0)
    key = draw.key(key_type)
    certificate = IssuedCertificate(
        SELF_SIGNED_CA, draw, key, spiffe_id=TD, not_before=NOW - 10 * SECOND, not_after=NOW + ttl
    )
    return X509Authority(key, certificate)


def below(parent: X509Authority, name: str, now: int = NOW, ttl: int = 24 * HOUR) -> X509Authority:
    draw = Draw(Randomness(1), name, 0)
    key = draw.key()
    certificate = parent.sign(DOWNSTREAM_CA, draw, key, spiffe_id=TD, now=now, ttl=ttl)
    return X509Authority(key, certificate, Chain(certificate, parent.chain), parent.top)


def leaf(
    authority: X509Authority, *, now: int = NOW, ttl: int = HOUR, dns_names: tuple[str, ...] = ()
) -> IssuedCertificate:
    draw = Draw(Randomness(2), "web", 0)
    return authority.sign(WORKLOAD_SVID, draw, draw.key(), spiffe_id=f"{TD}/web", now=now, ttl=ttl, dns_names=dns_names)


# Certificates


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_a_root_has_spires_profile(key_type: str) -> None:
    authority = root_authority(key_type)
    certificate = profiles.assert_is_self_signed_ca(authority.certificate.der, now=AT)
    assert certificate.serial_number == Randomness(1).serial("serial root", 0)
    assert authority.depth == 0
    assert authority.not_after == NOW + 24 * HOUR


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_every_kind_of_certificate_below_it_has_spires_profile(key_type: str) -> None:
    authority = root_authority(key_type)
    issuer = authority.certificate.der
    profiles.assert_is_downstream_ca(below(authority, "a").certificate.der, issuer, number=1, now=AT)
    profiles.assert_is_workload_svid(leaf(authority).der, issuer, spiffe_id=f"{TD}/web", now=AT)
    draw = Draw(Randomness(2), "others", 0)
    agent = authority.sign(AGENT_SVID, draw, draw.key(), spiffe_id=f"{TD}/spire/agent/x", now=NOW, ttl=HOUR)
    profiles.assert_is_agent_svid(agent.der, issuer, spiffe_id=f"{TD}/spire/agent/x", now=AT)
    server = authority.sign(SERVER_SVID, draw, draw.key(), spiffe_id=f"{TD}/spire/server", now=NOW, ttl=HOUR)
    profiles.assert_is_server_svid(server.der, issuer, now=AT)


def test_dns_names_come_before_the_uri_and_the_first_is_the_common_name() -> None:
    names = ("web.example.org", "www.example.org")
    authority = root_authority()
    certificate = leaf(authority, dns_names=names)
    profiles.assert_is_workload_svid(
        certificate.der, authority.certificate.der, spiffe_id=f"{TD}/web", now=AT, dns_names=names
    )


@pytest.mark.parametrize(
    ("ttl", "ends"), [(HOUR, NOW + HOUR), (24 * HOUR, NOW + 24 * HOUR), (48 * HOUR, NOW + 24 * HOUR)]
)
def test_a_certificate_ends_no_later_than_its_issuer(ttl: int, ends: int) -> None:
    authority = root_authority()
    certificate = leaf(authority, ttl=ttl)
    assert certificate.not_after == ends
    profiles.assert_is_workload_svid(
        certificate.der, authority.certificate.der, spiffe_id=f"{TD}/web", now=AT, ttl=timedelta(microseconds=ttl)
    )


def test_only_the_immediate_signer_caps() -> None:
    # SPIRE looks at chain[0] alone; that its CA is capped itself makes the rest follow.
    root = root_authority(ttl=10 * HOUR)
    nested = below(root, "a", ttl=24 * HOUR)
    assert nested.not_after == NOW + 10 * HOUR
    assert leaf(nested, ttl=20 * HOUR).not_after == NOW + 10 * HOUR


def test_fractions_of_a_second_are_dropped() -> None:
    now = NOW + 1_500_000
    certificate = leaf(root_authority(), now=now)
    assert (certificate.not_before, certificate.not_after) == (NOW - 9 * SECOND, NOW + HOUR + SECOND)
    profiles.assert_is_workload_svid(
        certificate.der, root_authority().certificate.der, spiffe_id=f"{TD}/web", now=moment(now)
    )


def test_subjects_down_a_line_count_the_signers_chain() -> None:
    root = root_authority()
    tiers = [root]
    for number, name in ((1, "a"), (1, "b"), (2, "c"), (3, "d")):
        tiers.append(below(tiers[-1], name))
        profiles.assert_is_downstream_ca(tiers[-1].certificate.der, tiers[-2].certificate.der, number=number, now=AT)
    subjects = [tier.certificate.subject for tier in tiers]
    assert subjects[1] == subjects[2]  # the second looks as if it had issued itself
    assert len(set(subjects)) == 4
    serial = str(profiles.read(root.certificate.der).serial_number)
    for tier in tiers:
        named = profiles.read(tier.certificate.der).subject
        assert named.get_attributes_for_oid(profiles.SERIAL_NUMBER)[0].value == serial
    assert [tier.depth for tier in tiers] == [0, 1, 2, 3, 4]


def test_siblings_differ_in_serial_number_key_and_key_identifier_only() -> None:
    root = root_authority()
    first, second = (profiles.read(below(root, name).certificate.der) for name in ("a", "b"))
    assert first.subject == second.subject
    assert first.serial_number != second.serial_number
    assert profiles.key_id(first) != profiles.key_id(second)
    oids = [extension.oid for extension in first.extensions]
    differing = [
        oid
        for oid in oids
        if first.extensions.get_extension_for_oid(oid) != second.extensions.get_extension_for_oid(oid)
    ]
    assert differing == [profiles.SUBJECT_KEY]


def test_a_certificate_is_drawn_at_the_first_look_and_once() -> None:
    authority = root_authority()
    record = leaf(authority)
    assert (record._der, authority.certificate._der) == (None, None)  # type: ignore[attr-defined]  # a record of ours
    assert record.der is record.der
    assert record.subject_key_id == profiles.key_id(profiles.read(record.der))
    assert record.serial == profiles.read(record.der).serial_number


def test_the_order_of_looking_changes_no_byte() -> None:
    first, second = root_authority(), root_authority()
    early = first.certificate.der, leaf(first).der
    late = leaf(second).der, second.certificate.der
    assert early == late[::-1]


def test_records_pickle_before_and_after_they_are_drawn() -> None:
    record = leaf(below(root_authority(), "a"))
    fresh = pickle.loads(pickle.dumps(record))
    der = record.der
    drawn = pickle.loads(pickle.dumps(record))
    assert fresh.der == drawn.der == der


# SVIDs


def test_an_svid_is_a_leaf_and_what_its_issuer_presents() -> None:
    root = root_authority()
    nested = below(below(root, "a"), "b")
    record = IssuedSvid(leaf(nested), nested.chain)
    svid = record.draw("internal")
    assert svid.hint == "internal"
    assert [profiles.read(der).subject for der in svid.chain[1:]] == [
        profiles.read(authority.der).subject for authority in nested.chain or ()
    ]
    assert len(svid.chain) == 3  # the root is not presented
    assert (record.spiffe_id, record.not_before, record.not_after) == (f"{TD}/web", NOW - 10 * SECOND, NOW + HOUR)
    assert svid.private_key_der == record.key.pkcs8
    bundle = SpiffeBundle("example.org", x509_der=(root.certificate.der,))
    assert str(validate_x509_svid(svid, bundle, at=AT)) == f"{TD}/web"


def test_below_a_self_signed_ca_an_svid_is_its_leaf_alone() -> None:
    root = root_authority()
    assert len(IssuedSvid(leaf(root), root.chain).draw().chain) == 1


def test_an_svid_has_one_draw_that_says_when_it_is_renewed() -> None:
    record = IssuedSvid(leaf(root_authority()), None)
    check = 5 * SECOND
    drawn = record.certificate.chance("rotation")
    expected = rotation.renew_after(record.not_before, record.not_after, drawn, check=check)
    assert record.renew_after(check) == expected == IssuedSvid(leaf(root_authority()), None).renew_after(check)
    lifetime = record.not_after - record.not_before
    assert lifetime * 9 // 20 <= expected - record.not_before <= lifetime * 11 // 20 + check


def test_an_availability_target_brings_the_renewal_of_an_svid_forward() -> None:
    record = IssuedSvid(leaf(root_authority(ttl=100 * HOUR), ttl=60 * HOUR), None)
    plain = record.renew_after(5 * SECOND)
    assert record.renew_after(5 * SECOND, target=24 * HOUR) == plain  # which would be content with less
    early = record.renew_after(5 * SECOND, target=40 * HOUR)
    assert record.not_after - 40 * HOUR - 600 * SECOND <= early <= record.not_after - 40 * HOUR < plain


# Tokens


@pytest.mark.parametrize(
    ("key_type", "algorithm"),
    [("ec-p256", "ES256"), ("ec-p384", "ES384"), ("rsa-2048", "RS256"), ("rsa-4096", "RS256")],
)
def test_a_token_is_signed_under_the_key_id(key_type: str, algorithm: str) -> None:
    draw = Draw(Randomness(6), "jwt", 3)
    authority = JwtAuthority(draw, draw.key(key_type), NOW + HOUR)
    token = authority.sign({"typ": "JWT"}, {"sub": f"{TD}/web", "exp": 4_000_000_000})
    assert token == authority.sign({"typ": "JWT"}, {"sub": f"{TD}/web", "exp": 4_000_000_000})
    header = json.loads(tokens.unb64(token.split(".")[0]))
    assert header == {"alg": algorithm, "kid": authority.key_id, "typ": "JWT"}
    public = load_der_public_key(authority.spki)
    assert isinstance(public, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
    assert jwt.decode(token, public, algorithms=[algorithm])["sub"] == f"{TD}/web"


def test_a_key_id_is_32_letters_and_digits_that_have_nothing_to_do_with_the_key() -> None:
    authority = jwt_authority()
    assert authority.key_id == Randomness(6).text("kid jwt", 0)
    assert authority.key_id.isalnum()
    assert len(authority.key_id) == 32
    assert authority.spki == Draw(Randomness(6), "jwt", 0).key().spki


def test_a_published_authority_is_a_public_key() -> None:
    authority = JwtAuthority.published("anything", b"spki", 7)
    assert (authority.key_id, authority.spki, authority.not_after) == ("anything", b"spki", 7)
    assert JwtAuthority.published("anything", b"spki").not_after == 0


def test_token_authorities_pickle() -> None:
    authority = jwt_authority()
    other = pickle.loads(pickle.dumps(authority))
    assert (other.key_id, other.spki) == (authority.key_id, authority.spki)
