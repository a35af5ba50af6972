"""Certificates that are not DER: what is wrong is in the bytes, and was signed like that."""

from __future__ import annotations

import base64
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import load_der_x509_certificate

from spiffesim.catalogue import X509SvidCase, x509_svid_case
from spiffesim.catalogue.certificates.encoding import ENCODING
from spiffesim.catalogue.certificates.fields import FIELDS
from spiffesim.catalogue.certificates.values import VALUES
from tests.oracles import asn1


def leaf(name: str, number: int = 0) -> tuple[bytes, bytes]:
    """The leaf that is wrong, and the right one."""
    case = x509_svid_case(name, number=number)
    return case.chain_der[0], case.repaired.chain_der[0]


# From the outside


def test_what_surrounds_a_certificate_is_changed_and_nothing_in_it() -> None:
    for name, extra in (("byte_after_leaf", b"\0"), ("two_certificates_in_one", x509_svid_case().bundle_der[0])):
        wrong, right = leaf(name)
        assert wrong == right + extra
    wrong, right = leaf("leaf_cut_off")
    assert wrong == right[:-1]
    wrong, right = leaf("half_a_leaf")
    assert wrong == right[: len(right) // 2]
    wrong, right = leaf("leaf_as_set")
    assert (wrong[0], wrong[1:]) == (0x31, right[1:])
    wrong, right = leaf("leaf_as_pem")
    assert wrong.startswith(b"-----BEGIN CERTIFICATE-----\n")
    assert base64.b64decode(b"".join(wrong.splitlines()[1:-1])) == right


def test_lengths_are_written_in_other_ways() -> None:
    wrong, right = leaf("padded_length")
    assert (wrong[:3], wrong[3:]) == (bytes.fromhex("308300"), right[2:])
    wrong, right = leaf("indefinite_length")
    assert (wrong[:2], wrong[2:]) == (bytes.fromhex("3080"), right[4:] + b"\0\0")
    wrong, right = leaf("long_form_of_short_length")
    serial = asn1.Parts.of(right).serial
    assert serial not in wrong
    assert b"\x02\x81" + serial[1:] in wrong


@pytest.mark.parametrize("name", ["intermediate_cut_off", "byte_after_intermediate", "negative_path_length"])
def test_what_is_wrong_is_in_the_intermediate(name: str) -> None:
    case = x509_svid_case(name, depth=2)
    differ = [one != other for one, other in zip(case.chain_der, case.repaired.chain_der, strict=True)]
    assert differ == [False, True, False]


# From the inside

FRAGMENTS = {
    "value_after_extension_value": "0404030207800500",
    "true_as_one": "0603551d0f 010101 0404",
    "false_written": "0603551d13 010100 0402 3000",
    "no_ca_written": "0603551d13 0101ff 0405 3003010100",
    "negative_path_length": "30060101ff0201ff",
    "byte_after_extension_value": "0405 0302078000",
    "version_4": "a003020103",
    "version_1_written": "a003020100",
    "padded_serial": "02020001",
    "empty_serial": "a003020102 0200 30",
    "empty_set": "30023100",
    "no_extension_among_extensions": "a3023000",
    "unused_bits_set": "03020781",
    "eight_unused_bits": "0303088000",
    "bits_without_count": "0402 0300",
    "key_usage_as_number": "0404 02020080",
    "broken_utf8": "fffe",
    "umlaut_in_uri": "2f c3bc 626572",
    "umlaut_in_dns_name": "62 c3bc 63686572",
    "unknown_form_of_name": "890178",
    "tag_of_several_bytes": "9f06",
    "padded_object_identifier": "06072b060104018001",
    "object_identifier_cut_off": "06062b0601040181",
    "empty_object_identifier": "06000400",
    "no_purpose_among_purposes": "0603551d25 0402 3000",
    "no_constraint_among_constraints": "0603551d1e 0101ff 0402 3000",
    "bare_subject_key_id": "0603551d0e 0414",
    "unknown_critical_extension": "0101ff 0402 0500",
}


@pytest.mark.parametrize(("name", "fragment"), FRAGMENTS.items(), ids=list(FRAGMENTS))
def test_the_wrong_bytes_are_there(name: str, fragment: str) -> None:
    case = x509_svid_case(name)
    octets = bytes.fromhex(fragment)
    assert octets in b"".join(case.chain_der)
    assert octets not in b"".join(case.repaired.chain_der)


def test_a_set_is_out_of_order() -> None:
    wrong, _ = leaf("unsorted_set")
    (attributes,) = asn1.children(asn1.Parts.of(wrong).subject)
    assert asn1.children(attributes) == sorted(asn1.children(attributes), reverse=True)


# What is not about the certificate as a whole, or about the value of the signature.
OUTSIDE = {
    "byte_after_intermediate",
    "byte_after_leaf",
    "empty_certificate",
    "garbage_after_chain",
    "half_a_leaf",
    "indefinite_length",
    "intermediate_cut_off",
    "leaf_as_pem",
    "leaf_as_set",
    "leaf_cut_off",
    "padded_length",
    "signature_in_octets",
    "two_certificates_in_one",
    "unused_bit_in_signature",
    "value_after_signature",
}
INSIDE = [defect.name for shelf in (ENCODING, VALUES, FIELDS) for defect in shelf if defect.name not in OUTSIDE]


@pytest.mark.parametrize("name", INSIDE)
def test_what_is_wrong_inside_was_signed_like_that(name: str) -> None:
    case = x509_svid_case(name, depth=1)
    path = (*case.chain_der, *case.bundle_der)
    for child, issuer in pairwise(path):
        tbs, _, signature = asn1.children(child)
        key = load_der_x509_certificate(right_of(case, issuer)).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        key.verify(asn1.content(signature)[1:], tbs, ec.ECDSA(hashes.SHA256()))


def right_of(case: X509SvidCase, certificate: bytes) -> bytes:
    """The certificate of the twin in the same place, whose key can be loaded."""
    twin = case.repaired
    return (*twin.chain_der, *twin.bundle_der)[(*case.chain_der, *case.bundle_der).index(certificate)]
