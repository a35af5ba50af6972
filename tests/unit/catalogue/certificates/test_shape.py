"""Chains whose certificates are each right."""

from __future__ import annotations

import pytest

from spiffesim.catalogue import x509_svid_case
from spiffesim.spiffe.x509.certificate import read_certificate


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("empty_chain", []),
        ("intermediate_missing", [0, 2, 3]),
        ("topmost_intermediate_missing", [0, 1, 2]),
        ("root_presented", [0, 1, 2, 3, 4]),
        ("leaf_presented_twice", [0, 1, 2, 3, 0]),
        ("intermediate_presented_twice", [0, 1, 1, 2, 3]),
        ("intermediates_turned_round", [0, 3, 2, 1]),
        ("unrelated_certificate", [0, None, 1, 2, 3]),
        ("renewed_intermediate", [0, None, 1, 2, 3]),
        ("sibling_presented", [0, None, 2, 3]),
    ],
)
def test_what_is_presented(name: str, expected: list[int | None]) -> None:
    case = x509_svid_case(name, depth=3)
    right = [*case.repaired.chain_der, *case.repaired.bundle_der]
    assert [right.index(each) if each in right else None for each in case.chain_der] == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("empty_bundle", []),
        ("intermediate_in_bundle", [1]),
        ("another_root_in_bundle", [None]),
        ("another_root_of_same_name_in_bundle", [None]),
        ("earlier_root_in_bundle", [None, 2]),
        ("root_twice_in_bundle", [2, 2]),
        ("cross_signed_root", [None]),
        ("bundle_of_another_trust_domain", [2]),
    ],
)
def test_what_is_in_the_bundle(name: str, expected: list[int | None]) -> None:
    case = x509_svid_case(name, depth=1)
    right = [*case.repaired.chain_der, *case.repaired.bundle_der]
    assert [right.index(each) if each in right else None for each in case.bundle_der] == expected


@pytest.mark.parametrize(
    "name", ["own_root_of_same_name", "another_root_of_same_name_in_bundle", "two_roots_of_same_name"]
)
def test_roots_of_the_same_name_have_different_keys(name: str) -> None:
    case = x509_svid_case(name, depth=1)
    roots = [
        root
        for root in map(read_certificate, (*case.chain_der, *case.bundle_der, *case.repaired.bundle_der))
        if root.self_issued
    ]
    assert len({root.subject for root in roots}) == 1
    assert len({root.spki for root in roots}) == 2


def test_a_loop_goes_round() -> None:
    leaf, one, other = map(read_certificate, x509_svid_case("loop").chain_der)
    assert leaf.issuer == one.subject
    assert (one.issuer, other.issuer) == (other.subject, one.subject)


def test_certificates_without_key_identifiers() -> None:
    for place, certificate in enumerate(map(read_certificate, x509_svid_case("no_key_ids", depth=2).chain_der)):
        assert (certificate.subject_key_id, certificate.authority_key_id) == (None, None), place


def test_a_name_and_a_number_in_place_of_a_key_identifier() -> None:
    case = x509_svid_case("key_id_by_name_and_number")
    from cryptography import x509

    leaf, root = map(x509.load_der_x509_certificate, (*case.chain_der, *case.bundle_der))
    found = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert found.authority_cert_serial_number == root.serial_number
    assert found.authority_cert_issuer == [x509.DirectoryName(root.issuer)]
    assert found.key_identifier is None
