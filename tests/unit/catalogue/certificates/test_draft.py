"""Drafts: certificates taken apart, edited, and signed."""

from __future__ import annotations

import attrs
import pytest
from cryptography import x509

from spiffesim.catalogue.certificates import draft as parts
from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.certificates.draft import ALTERNATIVE_NAMES, KEY_USAGE, Draft
from spiffesim.catalogue.certificates.signer import signer
from spiffesim.catalogue.hierarchy import NOW, hierarchy
from spiffesim.instants import SECOND
from spiffesim.spiffe.x509 import der
from spiffesim.spiffe.x509.certificate import read_certificate
from tests.oracles import asn1


def leaf(number: int = 0) -> Draft:
    return Chain(hierarchy(number), number, 0).leaf


def loaded(draft: Draft) -> x509.Certificate:
    return x509.load_der_x509_certificate(draft.encode())


def test_what_is_taken_apart_is_put_together_again() -> None:
    chain = Chain(hierarchy(0), 0, 2)
    untouched, _ = Chain(hierarchy(0), 0, 2).encode()
    assert [chain.draft(place).encode() for place in range(3)] == list(untouched)
    assert chain.root.encode() == chain.hierarchy.root_der


def test_the_fields_of_a_draft_are_those_of_the_certificate() -> None:
    draft = leaf()
    found = asn1.Parts.of(draft.encode())
    assert draft.version == found.version
    assert draft.serial == found.serial
    assert draft.algorithm == found.inner_algorithm == found.outer_algorithm
    assert (draft.issuer, draft.subject) == (found.issuer, found.subject)
    assert [draft.not_before, draft.not_after] == asn1.children(found.validity)
    assert draft.spki == found.spki
    assert tuple(written for _, written in draft.extensions) == found.extensions


def test_an_extension_takes_the_place_of_the_one_that_is_there() -> None:
    draft = leaf()
    order = [oid for oid, _ in draft.extensions]
    draft.name(parts.uri("spiffe://a/b"), critical=True)
    draft.put("1.2.3", b"\x05\x00")
    assert [oid for oid, _ in draft.extensions] == [*order, "1.2.3"]
    found = loaded(draft).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert found.critical
    assert found.value.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://a/b"]


def test_an_extension_can_be_left_out() -> None:
    draft = leaf()
    draft.drop(ALTERNATIVE_NAMES)
    assert ALTERNATIVE_NAMES not in [oid for oid, _ in draft.extensions]
    draft.extensions.clear()
    assert not list(loaded(draft).extensions)


@pytest.mark.parametrize(
    ("bits", "names"),
    [
        ([parts.DIGITAL_SIGNATURE], {"digital_signature"}),
        ([parts.KEY_CERT_SIGN, parts.CRL_SIGN], {"key_cert_sign", "crl_sign"}),
        ([parts.KEY_AGREEMENT, parts.KEY_ENCIPHERMENT], {"key_agreement", "key_encipherment"}),
    ],
)
def test_a_key_usage_has_the_bits_that_it_is_given(bits: list[int], names: set[str]) -> None:
    draft = leaf()
    draft.put(KEY_USAGE, parts.usage(*bits), critical=True)
    found = loaded(draft).extensions.get_extension_for_class(x509.KeyUsage).value
    assert {
        name for name in ("digital_signature", "key_cert_sign", "crl_sign", *names) if getattr(found, name)
    } == names
    # ITU-T X.690 11.2.2: no zero at the end
    unused, octets = der.bits_of(parts.usage(*bits), 2, len(parts.usage(*bits)))
    assert octets[-1] >> unused & 1


def test_the_forms_of_names_are_those_that_others_read() -> None:
    draft = leaf()
    names = (parts.dns("a.example"), parts.address(192, 0, 2, 1), parts.directory(draft.subject))
    draft.name(*names, parts.uri("spiffe://a/b"))
    found = loaded(draft).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.DNSName) == ["a.example"]
    assert [str(address) for address in found.get_values_for_type(x509.IPAddress)] == ["192.0.2.1"]
    assert found.get_values_for_type(x509.DirectoryName) == [loaded(draft).subject]


def test_basic_constraints_may_have_a_path_length() -> None:
    assert parts.ca() == bytes.fromhex("30030101ff")
    assert parts.ca(3) == bytes.fromhex("30060101ff020103")


def test_a_draft_lives_from_one_instant_to_another() -> None:
    draft = leaf()
    draft.live(NOW, NOW + SECOND)
    certificate = read_certificate(draft.encode())
    assert (certificate.not_before, certificate.not_after) == (NOW, NOW + SECOND)


def test_what_is_issued_by_another_names_it_and_is_signed_by_it() -> None:
    chain = Chain(hierarchy(0), 0, 0)
    another = chain.another_root("another")
    chain.leaf.issued_by(another)
    issued, issuer = loaded(chain.leaf), loaded(another)
    issued.verify_directly_issued_by(issuer)
    identifier = issued.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert identifier == issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def test_another_key_brings_its_identifier_and_its_algorithm() -> None:
    draft = leaf()
    key = signer(draft.hierarchy, "ed25519")
    draft.rekey(key)
    draft.sign_with(key)
    certificate = loaded(draft)
    assert draft.spki == key.spki
    identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert identifier == x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    certificate.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes)  # type: ignore[union-attr, call-arg]


def test_a_copy_is_another_draft() -> None:
    draft = leaf()
    copy = draft.copy()
    assert copy.encode() == draft.encode()
    copy.drop(ALTERNATIVE_NAMES)
    assert copy.encode() != draft.encode() == leaf().encode()


def test_every_step_on_the_way_to_the_certificate_can_be_changed() -> None:
    draft = leaf()
    right = asn1.Parts.of(draft.encode())
    draft.outer_algorithm = asn1.ECDSA_SHA384
    draft.make_tbs = lambda tbs: tbs + b""
    draft.make_signature = lambda _, tbs: b"signature"
    draft.make_der = lambda certificate: certificate + b"!"
    expected = attrs.evolve(right, outer_algorithm=asn1.ECDSA_SHA384, signature=asn1.tlv(3, b"\0signature"))
    assert draft.encode() == expected.der + b"!"
