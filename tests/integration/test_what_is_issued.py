"""What servers issue obeys the standards, whoever reads it; and a reader like that notices what does not.

Spec: SPIFFE-ID, X509-SVID, JWT-SVID, WIT-SVID, SPIFFE Trust Domain and Bundle
"""

from __future__ import annotations

import inspect
import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any, Final

import jwt
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from spiffesim import Simulation, catalogue
from spiffesim.errors import Refused
from tests.integration.issued import DEPTHS, TRUST_DOMAIN, Issued, Token, deployment, issued, uris
from tests.oracles.profiles import read

ID: Final = re.compile(r"spiffe://[a-z0-9._-]{1,255}((/[a-zA-Z0-9._-]+)*)", re.ASCII)
ALGORITHMS: Final = [f"{family}{size}" for family in ("RS", "ES", "PS") for size in (256, 384, 512)]
CURVES: Final = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
PRIVATE: Final = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


@pytest.fixture(params=DEPTHS, ids="depth {}".format)
def found(request: pytest.FixtureRequest) -> Issued:
    return issued(request.param)


def extension(certificate: x509.Certificate, kind: type[Any]) -> x509.Extension[Any]:
    return certificate.extensions.get_extension_for_class(kind)


def key_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def tokens_of(found: Issued) -> list[Token]:
    return found.jwts + found.wits


def path_of(spiffe_id: str) -> str:
    """The path of what has to be a SPIFFE ID."""
    match = ID.fullmatch(spiffe_id)
    assert match, spiffe_id
    assert not {"", ".", ".."} & set(match[1].split("/")[1:])
    assert len(spiffe_id) <= 2048
    return match[1]


def test_there_is_something_of_everything(found: Issued) -> None:
    assert all((found.chains, found.jwts, found.wits, found.documents, found.maps))
    assert {use for use in ("x509-svid", "jwt-svid", "wit-svid") if found.entries(use)} == {
        "x509-svid",
        "jwt-svid",
        "wit-svid",
    }
    assert max(len(chain) for chain in issued(2).chains) == 4


# SPIFFE IDs


def test_every_issued_id_is_one_to_the_letter(found: Issued) -> None:
    for certificate in (*found.leaves, *found.authorities):
        for uri in uris(certificate):
            path_of(uri)
    for token in tokens_of(found):
        path_of(token.claims["sub"])


@pytest.mark.parametrize("name", ["1.2.3.4", "300.300.300.300", "a_b", "-", "xn--a", "a" * 255])
def test_a_trust_domain_may_be_called_like_an_address_or_like_nothing_on_earth(name: str) -> None:
    sim = Simulation(name, seed=1)
    web, db = sim.root.workload("/web"), sim.root.workload("/db")
    assert uris(web.fetch_x509_svid().certificates[0]) == [f"spiffe://{name}/web"]
    assert str(db.validate_x509_svid(web.fetch_x509_svid())) == f"spiffe://{name}/web"
    token = web.fetch_jwt_svid(audience="db")
    assert str(db.validate_jwt_svid(token, audience="db").spiffe_id) == f"spiffe://{name}/web"


def test_the_longest_id_is_issued_and_no_longer_one() -> None:
    _, server = deployment(0)
    longest = f"spiffe://{TRUST_DOMAIN}/".ljust(2048, "a")
    assert uris(server.mint_x509_svid(longest).certificates[0]) == [longest]
    assert Token(server.mint_jwt_svid(longest, "db").token, longest, {}).claims["sub"] == longest
    assert Token(server.mint_wit_svid(longest).token, longest, {}).claims["sub"] == longest
    for mint in (server.mint_x509_svid, server.mint_wit_svid, lambda name: server.mint_jwt_svid(name, "db")):
        with pytest.raises(Refused, match="the ID has 2049 bytes, more than 2048"):
            mint(f"{longest}a")


def test_every_authority_has_the_id_of_its_trust_domain(found: Issued) -> None:
    for chain in found.chains:
        assert len(chain) >= 2
        assert [uris(above) for above in chain[1:]] == [[f"spiffe://{TRUST_DOMAIN}"]] * (len(chain) - 1)
        assert uris(chain[0])[0].startswith(f"spiffe://{TRUST_DOMAIN}/")


# Signatures


def test_every_signature_verifies_under_a_key_of_the_trust_domain(found: Issued) -> None:
    for chain in found.chains:
        for certificate, issuer in zip(chain, [*chain[1:], chain[-1]], strict=True):
            certificate.verify_directly_issued_by(issuer)
    for tokens, use in ((found.jwts, "jwt-svid"), (found.wits, "wit-svid")):
        for token in tokens:
            (key,) = [key for key in token.document["keys"] if key.get("kid") == token.header["kid"]]
            assert key["use"] == use
            jwt.PyJWS().decode(token.text, jwt.PyJWK(key, algorithm="ES256").key, algorithms=ALGORITHMS)


# Certificates


def test_every_certificate_has_exactly_one_uri(found: Issued) -> None:
    assert {len(uris(certificate)) for certificate in (*found.leaves, *found.authorities)} == {1}


def test_every_leaf_has_a_path(found: Issued) -> None:
    assert all(path_of(uri) for leaf in found.leaves for uri in uris(leaf))


def test_alternative_names_are_critical_where_there_is_no_subject(found: Issued) -> None:
    for leaf in found.leaves:
        assert list(leaf.subject) or extension(leaf, x509.SubjectAlternativeName).critical


def test_authorities_are_cas_and_leaves_are_not(found: Issued) -> None:
    assert {extension(leaf, x509.BasicConstraints).value.ca for leaf in found.leaves} == {False}
    assert {extension(above, x509.BasicConstraints).value.ca for above in found.authorities} == {True}


def test_no_key_of_an_authority_is_one_of_a_leaf(found: Issued) -> None:
    assert not {key_of(leaf) for leaf in found.leaves} & {key_of(above) for above in found.authorities}
    assert not any(extension(above, x509.KeyUsage).value.digital_signature for above in found.authorities)


def test_every_certificate_has_a_critical_key_usage(found: Issued) -> None:
    everything = [*found.leaves, *found.authorities]
    assert {extension(certificate, x509.KeyUsage).critical for certificate in everything} == {True}


def test_authorities_sign_certificates_and_leaves_sign_anything_else(found: Issued) -> None:
    assert {extension(above, x509.KeyUsage).value.key_cert_sign for above in found.authorities} == {True}
    for leaf in found.leaves:
        usage = extension(leaf, x509.KeyUsage).value
        assert (usage.digital_signature, usage.key_cert_sign, usage.crl_sign) == (True, False, False)


def test_leaves_are_for_both_ends_of_a_connection(found: Issued) -> None:
    both = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert all(both <= set(extension(leaf, x509.ExtendedKeyUsage).value) for leaf in found.leaves)


# Tokens


def test_a_token_has_three_parts_and_no_more_in_its_header(found: Issued) -> None:
    for token in tokens_of(found):
        assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", token.text, re.ASCII)
        assert set(token.header) == {"alg", "kid", "typ"}


def test_a_token_says_of_which_kind_it_is(found: Issued) -> None:
    assert all(token.header["typ"] in ("JWT", "JOSE") for token in found.jwts)
    assert all(token.header["typ"] == "wit+jwt" for token in found.wits)


def test_a_token_is_signed_by_one_of_the_nine_algorithms(found: Issued) -> None:
    assert all(token.header["alg"] in ALGORITHMS for token in tokens_of(found))


def test_a_token_is_about_whom_it_was_asked_for(found: Issued) -> None:
    assert all(token.claims["sub"] == token.asked_for for token in tokens_of(found))


def test_a_jwt_svid_names_its_audience(found: Issued) -> None:
    for token in found.jwts:
        audience = token.claims["aud"]
        assert audience
        assert all(isinstance(name, str) and name for name in ([audience] if isinstance(audience, str) else audience))


def test_a_token_has_an_end(found: Issued) -> None:
    assert all(type(token.claims["exp"]) is int for token in tokens_of(found))


def test_a_wit_svid_holds_the_public_key_of_its_holder_alone(found: Issued) -> None:
    for token in found.wits:
        assert set(token.claims["cnf"]) == {"jwk"}
        key = token.claims["cnf"]["jwk"]
        assert key["alg"] in ALGORITHMS
        assert key["alg"] == CURVES.get(key.get("crv"), "RS256")
        assert not PRIVATE & set(key)
        jwt.PyJWK(key)


def test_a_wit_svid_is_for_everybody_and_has_no_identifier_that_others_have(found: Issued) -> None:
    assert found.wits
    assert not any({"aud", "iss"} & set(token.claims) for token in found.wits)
    identifiers = [token.claims["jti"] for token in found.wits if "jti" in token.claims]
    assert len(set(identifiers)) == len(identifiers)


@pytest.mark.parametrize(("key_type", "algorithm"), [("ec-p384", "ES384"), ("rsa-2048", "RS256")])
def test_other_keys_sign_by_their_own_algorithm(key_type: str, algorithm: str) -> None:
    _, server = deployment(0, ca_key_type=key_type)
    for svid in (
        server.mint_jwt_svid("spiffe://example.org/web", "db"),
        server.mint_wit_svid("spiffe://example.org/web"),
    ):
        assert Token(svid.token, "", {}).header["alg"] == algorithm
    (root,) = read_all(server.bundle.x509_der)
    read(server.mint_x509_svid("spiffe://example.org/web").chain[0]).verify_directly_issued_by(root)


def read_all(certificates: Iterable[bytes]) -> list[x509.Certificate]:
    return [read(der) for der in certificates]


# Bundles


def test_the_entry_of_a_root_is_its_certificate_without_key_id(found: Issued) -> None:
    entries = found.entries("x509-svid")
    assert entries
    for entry in entries:
        assert "kid" not in entry
        assert len(entry["x5c"]) == 1
        root = read(b64decode(entry["x5c"][0], validate=True))
        assert extension(root, x509.BasicConstraints).value.ca
        assert jwt.PyJWK({**entry, "alg": "ES256"}).key == root.public_key()
        root.verify_directly_issued_by(root)


def test_every_key_for_tokens_has_a_key_id_that_no_other_has(found: Issued) -> None:
    for bundle in found.bundles:
        keys = [key for key in bundle["keys"] if key["use"] != "x509-svid"]
        assert all(isinstance(key["kid"], str) and key["kid"] for key in keys)
        assert len({key["kid"] for key in keys}) == len(keys)


def test_every_entry_of_a_bundle_says_what_it_is_and_no_more(found: Issued) -> None:
    for bundle in found.bundles:
        assert set(bundle) <= {"keys", "spiffe_sequence", "spiffe_refresh_hint"}
        for key in bundle["keys"]:
            assert key["kty"] in ("EC", "RSA")
            assert key["use"] in ("x509-svid", "jwt-svid", "wit-svid")
            assert set(key) - {"kty", "use", "kid", "x5c"} == {"EC": {"crv", "x", "y"}, "RSA": {"n", "e"}}[key["kty"]]


def test_an_authority_is_published_for_every_kind_of_svid_that_is_issued(found: Issued) -> None:
    for token in tokens_of(found):
        assert token.header["kid"] in [key.get("kid") for key in token.document["keys"]]
    for bundle in found.bundles:
        assert any(key["use"] == "x509-svid" for key in bundle["keys"])


def test_numbers_of_a_bundle_are_whole(found: Issued) -> None:
    hints = [bundle["spiffe_refresh_hint"] for bundle in found.documents if "spiffe_refresh_hint" in bundle]
    assert [type(hint) for hint in hints] == [int] * len(hints)
    numbers = [bundle["spiffe_sequence"] for bundle in found.documents]
    assert [type(number) for number in numbers] == [int] * len(numbers)
    assert numbers


def test_a_map_has_each_trust_domain_once_and_no_refresh_hints(found: Issued) -> None:
    for document in found.maps:
        assert set(document) == {"trust_domains"}
        assert not any("spiffe_refresh_hint" in bundle for bundle in document["trust_domains"].values())


def test_a_map_is_written_with_each_name_once() -> None:
    sim, server = deployment(0)
    server.federate_with(sim.add_trust_domain("other.test"))
    written = server.workload("/web", federates_with=["other.test"]).fetch_x509_bundles().marshal()
    names = [name for name, _ in json.loads(written, object_pairs_hook=list)[0][1]]
    assert sorted(names) == ["example.org", "other.test"]


# Histories: what no single document shows

Publication = tuple[int, str]
"""A sequence number, and what was published under it."""


def out_of_order(history: list[Publication]) -> list[Publication]:
    """What was published under a smaller number than what was before, or under the same as something else."""
    return [
        (later, other)
        for (number, content), (later, other) in pairwise(history)
        if later < number or (later == number and other != content)
    ]


def reused(keys: Iterable[tuple[str, bytes]]) -> set[str]:
    """The key IDs that stand for more than one key."""
    by_id: dict[str, set[bytes]] = {}
    for key_id, key in keys:
        by_id.setdefault(key_id, set()).add(key)
    return {key_id for key_id, known in by_id.items() if len(known) > 1}


@pytest.mark.parametrize("depth", DEPTHS)
def test_sequence_numbers_rise_with_every_change(depth: int) -> None:
    sim, server = deployment(depth)
    history: list[Publication] = []
    for hour in range(60):
        if hour == 20:
            sim.root.activate_jwt_authority(sim.root.prepare_jwt_authority().authority_id)
        bundle = json.loads(server.bundle.marshal())
        history.append((bundle["spiffe_sequence"], json.dumps(bundle["keys"])))
        sim.advance(hours=1)
    assert out_of_order(history) == []
    assert len({content for _, content in history}) > 4


@pytest.mark.parametrize(
    "history", [[(1, "a"), (0, "b")], [(1, "a"), (1, "b")], [(1, "a"), (2, "b"), (1, "a")]], ids=repr
)
def test_a_sequence_number_that_falls_or_stands_still_is_noticed(history: list[Publication]) -> None:
    assert out_of_order(history) == history[-1:]
    assert out_of_order([(1, "a"), (1, "a"), (2, "b"), (9, "a")]) == []


@pytest.mark.parametrize("depth", DEPTHS)
def test_no_key_id_ever_stands_for_two_keys(depth: int) -> None:
    sim, server = deployment(depth)
    keys: list[tuple[str, bytes]] = []
    for _ in range(6):
        for bundle in (sim.root.bundle, server.bundle):
            keys += [*bundle.jwt_spki.items(), *bundle.wit_spki.items()]
        sim.advance(hours=12)
    assert reused(keys) == set()
    assert len(dict(keys)) > 6
    assert all(load_der_public_key(key) for _, key in keys)


def test_each_server_counts_the_changes_that_it_has_seen_itself() -> None:
    sim, server = deployment(2)
    sim.advance(days=3)
    above, below = (json.loads(each.bundle.marshal()) for each in (sim.root, server))
    assert above["spiffe_sequence"] > below["spiffe_sequence"] > 1
    roots = [[key for key in bundle["keys"] if key["use"] == "x509-svid"] for bundle in (above, below)]
    assert roots[0] == roots[1]


def test_a_key_id_that_stands_for_two_keys_is_noticed() -> None:
    assert reused([("a", b"1"), ("b", b"2"), ("a", b"3")]) == {"a"}
    assert reused([("a", b"1"), ("b", b"2"), ("a", b"1")]) == set()


# Positive controls: each of these readers notices a document that is wrong


def with_certificates(name: str) -> Issued:
    case = catalogue.x509_svid_case(name)
    return Issued(chains=[[*read_all(case.chain_der), *read_all(case.bundle_der)]])


def with_jwt(name: str) -> Issued:
    case = catalogue.jwt_svid_case(name)
    (bundle, *_) = case.bundles
    return Issued(jwts=[Token(case.token, case.spiffe_id, bundle.document())])


def with_wit(name: str) -> Issued:
    case = catalogue.wit_svid_case(name)
    (bundle, *_) = case.bundles
    return Issued(wits=[Token(case.token, case.repaired.spiffe_id, bundle.document())])


def with_bundle(name: str) -> Issued:
    return Issued(documents=[json.loads(catalogue.bundle_case(name).document)])


def with_map(name: str) -> Issued:
    return Issued(maps=[json.loads(catalogue.bundle_map_case(name).document)])


Test = Callable[[Issued], None]
Wrong = Callable[[str], Issued]

WRONG: Final[list[tuple[Test, Wrong, str]]] = [
    (test_every_issued_id_is_one_to_the_letter, with_certificates, "id_with_trailing_slash"),
    (test_every_issued_id_is_one_to_the_letter, with_certificates, "url_as_id"),
    (test_every_issued_id_is_one_to_the_letter, with_certificates, "trust_domain_in_upper_case"),
    (test_every_issued_id_is_one_to_the_letter, with_certificates, "id_with_dot_segments"),
    (test_every_issued_id_is_one_to_the_letter, with_certificates, "id_too_long"),
    (test_every_issued_id_is_one_to_the_letter, with_jwt, "sub_with_query"),
    (test_every_issued_id_is_one_to_the_letter, with_wit, "sub_of_wimse"),
    (test_every_authority_has_the_id_of_its_trust_domain, with_certificates, "root_with_path"),
    (test_every_authority_has_the_id_of_its_trust_domain, with_certificates, "issuer_of_another_trust_domain"),
    (test_every_signature_verifies_under_a_key_of_the_trust_domain, with_certificates, "leaf_changed_after_signing"),
    (test_every_signature_verifies_under_a_key_of_the_trust_domain, with_jwt, "claims_changed"),
    (test_every_signature_verifies_under_a_key_of_the_trust_domain, with_wit, "subject_changed"),
    (test_every_certificate_has_exactly_one_uri, with_certificates, "two_spiffe_ids"),
    (test_every_certificate_has_exactly_one_uri, with_certificates, "only_dns_name"),
    (test_every_leaf_has_a_path, with_certificates, "id_without_path"),
    (test_alternative_names_are_critical_where_there_is_no_subject, with_certificates, "names_not_critical"),
    (test_authorities_are_cas_and_leaves_are_not, with_certificates, "leaf_is_ca"),
    (test_no_key_of_an_authority_is_one_of_a_leaf, with_certificates, "issuer_with_digital_signature"),
    (test_every_certificate_has_a_critical_key_usage, with_certificates, "key_usage_not_critical"),
    (test_authorities_sign_certificates_and_leaves_sign_anything_else, with_certificates, "leaf_may_sign_certificates"),
    (test_authorities_sign_certificates_and_leaves_sign_anything_else, with_certificates, "leaf_may_sign_revocations"),
    (test_authorities_sign_certificates_and_leaves_sign_anything_else, with_certificates, "root_without_key_cert_sign"),
    (test_leaves_are_for_both_ends_of_a_connection, with_certificates, "only_for_servers"),
    (test_a_token_has_three_parts_and_no_more_in_its_header, with_jwt, "four_parts"),
    (test_a_token_has_three_parts_and_no_more_in_its_header, with_jwt, "header_unknown"),
    (test_a_token_has_three_parts_and_no_more_in_its_header, with_wit, "kid_missing"),
    (test_a_token_says_of_which_kind_it_is, with_jwt, "typ_of_wit_svid"),
    (test_a_token_says_of_which_kind_it_is, with_wit, "typ_of_jwt_svid"),
    (test_a_token_is_signed_by_one_of_the_nine_algorithms, with_jwt, "alg_eddsa"),
    (test_a_token_is_about_whom_it_was_asked_for, with_jwt, "subject_of_another_trust_domain"),
    (test_a_jwt_svid_names_its_audience, with_jwt, "aud_empty_array"),
    (test_a_token_has_an_end, with_jwt, "exp_text"),
    (test_a_wit_svid_holds_the_public_key_of_its_holder_alone, with_wit, "cnf_alg_eddsa"),
    (test_a_wit_svid_holds_the_public_key_of_its_holder_alone, with_wit, "cnf_private_key"),
    (test_a_wit_svid_holds_the_public_key_of_its_holder_alone, with_wit, "cnf_of_two_keys"),
    (test_a_wit_svid_is_for_everybody_and_has_no_identifier_that_others_have, with_wit, "aud_present"),
    (test_the_entry_of_a_root_is_its_certificate_without_key_id, with_bundle, "key_id_of_x509_entry"),
    (test_the_entry_of_a_root_is_its_certificate_without_key_id, with_bundle, "two_certificates"),
    (test_the_entry_of_a_root_is_its_certificate_without_key_id, with_bundle, "key_of_jwt_authority"),
    (test_every_key_for_tokens_has_a_key_id_that_no_other_has, with_bundle, "jwt_and_wit_key_with_one_id"),
    (test_every_entry_of_a_bundle_says_what_it_is_and_no_more, with_bundle, "unknown_kty"),
    (test_every_entry_of_a_bundle_says_what_it_is_and_no_more, with_bundle, "unknown_use"),
    (test_every_entry_of_a_bundle_says_what_it_is_and_no_more, with_bundle, "algorithm_of_entry"),
    (test_numbers_of_a_bundle_are_whole, with_bundle, "sequence_in_a_string"),
    (test_numbers_of_a_bundle_are_whole, with_bundle, "hint_as_a_duration"),
    (test_an_authority_is_published_for_every_kind_of_svid_that_is_issued, with_jwt, "kid_unknown"),
    (test_a_map_has_each_trust_domain_once_and_no_refresh_hints, with_map, "hint_of_a_bundle_in_the_map"),
]


def test_each_reader_is_shown_something_that_is_wrong() -> None:
    readers = {value for value in globals().values() if getattr(value, "__code__", None) and takes_documents(value)}
    assert readers - {test_there_is_something_of_everything} == {test for test, _, _ in WRONG}


def takes_documents(value: Callable[..., Any]) -> bool:
    return value.__name__.startswith("test_") and list(inspect.signature(value).parameters) == ["found"]


@pytest.mark.parametrize(("test", "wrong", "name"), WRONG, ids=[f"{name} {test.__name__}" for test, _, name in WRONG])
def test_each_reader_notices_what_is_wrong(test: Test, wrong: Wrong, name: str) -> None:
    with pytest.raises((AssertionError, InvalidSignature, jwt.InvalidSignatureError)):
        test(wrong(name))
