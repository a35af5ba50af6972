"""Signatures that are wrong: in their numbers, in their encoding, or by their makers."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509 import load_der_x509_certificate

from spiffesim.catalogue import x509_svid_case
from spiffesim.catalogue.certificates.signatures import ORDER
from tests.oracles import asn1


def signatures(name: str, number: int = 0) -> tuple[bytes, bytes]:
    """The leaf's wrong signature, and the right one of its twin."""
    case = x509_svid_case(name, number=number)
    wrong, right = (asn1.content(asn1.Parts.of(one.chain_der[0]).signature) for one in (case, case.repaired))
    assert wrong[0] == right[0] == 0
    return wrong[1:], right[1:]


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("signature_of_zeros", 0, 0),
        ("first_number_zero", 0, None),
        ("second_number_zero", None, 0),
        ("first_number_too_large", ORDER, None),
        ("second_number_too_large", None, ORDER),
        ("second_number_negative", None, -ORDER),
    ],
)
def test_the_numbers_are_what_the_sentence_says(name: str, first: int | None, second: int | None, number: int) -> None:
    wrong, right = signatures(name, number)
    found = [int.from_bytes(asn1.content(value), "big", signed=True) for value in asn1.children(wrong)]
    r, s = decode_dss_signature(right)
    assert found[0] == (r if first is None else 0 if not first else r + first)
    assert found[1] == (s if second is None else 0 if not second else s + second)


def test_the_mirrored_signature_is_another_one_that_verifies() -> None:
    wrong, right = signatures("signature_mirrored")
    (r, s), (same, mirrored) = decode_dss_signature(right), decode_dss_signature(wrong)
    assert same == r
    assert mirrored == ORDER - s != s
    case = x509_svid_case("signature_mirrored")
    key = load_der_x509_certificate(case.bundle_der[0]).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(wrong, asn1.children(case.chain_der[0])[0], ec.ECDSA(hashes.SHA256()))


def test_the_numbers_are_right_and_their_encoding_is_not() -> None:
    wrong, right = signatures("signature_without_der")
    r, s = decode_dss_signature(right)
    assert wrong == r.to_bytes(32, "big") + s.to_bytes(32, "big")
    wrong, right = signatures("byte_after_signature")
    assert wrong == right + b"\0"
    wrong, right = signatures("third_number_in_signature")
    assert asn1.children(wrong) == [*asn1.children(right), b"\x02\x01\x01"]
    wrong, right = signatures("signature_with_leading_zeros")
    assert asn1.content(asn1.children(wrong)[0]) == decode_dss_signature(right)[0].to_bytes(34, "big")
    assert signatures("signature_missing")[0] == b""


@pytest.mark.parametrize(
    ("name", "signer"), [("signed_by_itself", "leaf"), ("signed_by_sibling", "sibling"), ("signed_by_root", "root")]
)
def test_the_maker_of_a_signature_is_who_the_sentence_says(name: str, signer: str) -> None:
    from spiffesim.catalogue.hierarchy import hierarchy

    case = x509_svid_case(name, depth=2, number=3)
    tbs, _, signature = asn1.children(case.chain_der[0])
    public = hierarchy(3).key(signer).public_key
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(asn1.content(signature)[1:], tbs, ec.ECDSA(hashes.SHA256()))
    assert tbs == asn1.children(case.repaired.chain_der[0])[0]


@pytest.mark.parametrize(
    ("name", "place"), [("leaf_changed_after_signing", 0), ("intermediate_changed_after_signing", 1)]
)
def test_what_was_changed_after_signing_has_the_signature_of_what_it_was(name: str, place: int) -> None:
    case = x509_svid_case(name, depth=2)
    changed, right = (asn1.Parts.of(one.chain_der[place]) for one in (case, case.repaired))
    assert changed.signature == right.signature
    assert changed.tbs != right.tbs
    assert len(changed.tbs) == len(right.tbs)
