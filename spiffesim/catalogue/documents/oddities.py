"""Bundles that look wrong, and are right."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.certificates.draft import ALTERNATIVE_NAMES, uri
from spiffesim.catalogue.certificates.signer import signer
from spiffesim.catalogue.documents.certificates import root_of
from spiffesim.catalogue.documents.draft import WIT, X509, BundleDraft, jwk, x5c
from spiffesim.catalogue.hierarchy import BEGIN, NOW
from spiffesim.catalogue.shelf import Shelf
from spiffesim.instants import SECOND
from spiffesim.spiffe import jose
from spiffesim.spiffe.jose.jsontext import write_json
from spiffesim.spiffe.rules.bundle import BUNDLE
from spiffesim.spiffe.x509 import der

ODDITIES: Final = Shelf[BundleDraft](BUNDLE)

_STANDARD: Final = "SPIFFE Trust Domain and Bundle"


# JSON


@ODDITIES("json", answer="accepted")
def whitespace_in_front(bundle: BundleDraft) -> None:
    """Whitespace stands in front of the document."""
    bundle.rewrite = lambda data: b"\n\t " + data


@ODDITIES("json", answer="accepted")
def carriage_returns(bundle: BundleDraft) -> None:
    """The lines of the document end as on Windows."""
    bundle.rewrite = lambda data: data.replace(b"\n", b"\r\n")


@ODDITIES("json", answer="accepted")
def on_one_line(bundle: BundleDraft) -> None:
    """The document has no whitespace at all."""
    bundle.rewrite = lambda _: write_json(bundle.fields)


@ODDITIES("keys", clause="RFC 8259 8.3", answer="accepted")
def escaped_name(bundle: BundleDraft) -> None:
    """The name of the array of keys is written with an escape."""
    bundle.replace('"keys"', rb'"\u006beys"')


@ODDITIES("json", clause="RFC 8259 1", answer="accepted")
def members_in_another_order(bundle: BundleDraft) -> None:
    """The keys stand behind the numbers."""
    bundle.fields["keys"] = bundle.fields.pop("keys")


# Keys


@ODDITIES("keys", answer="accepted")
def empty_keys(bundle: BundleDraft) -> None:
    """The array of keys is empty: all that were there are revoked."""
    bundle.fields["keys"] = []


@ODDITIES("keys", clause="X509-SVID 6.2", answer="accepted")
def no_x509_authority(bundle: BundleDraft) -> None:
    """The bundle has no x509-svid entry: the trust domain does not support X509-SVIDs."""
    del bundle.entries[X509]


@ODDITIES("keys", clause="WIT-SVID 6.2", answer="accepted")
def no_wit_authority(bundle: BundleDraft) -> None:
    """The bundle has no wit-svid entry: the trust domain does not support WIT-SVIDs."""
    del bundle.entries[WIT]


@ODDITIES("keys_array", clause="RFC 7517 5.1", answer="accepted")
def entries_in_another_order(bundle: BundleDraft) -> None:
    """The x509-svid entry is the last one."""
    bundle.entries.reverse()


@ODDITIES("unique_key_id", clause="X509-SVID 6.1", answer="accepted")
def certificate_twice(bundle: BundleDraft) -> None:
    """The same X.509 authority is there twice."""
    bundle.entries.append(bundle.x509)


@ODDITIES("unique_key_id", clause="RFC 7517 4.5", answer="accepted")
def one_key_under_two_ids(bundle: BundleDraft) -> None:
    """The same key is there under two key IDs."""
    bundle.entries.append({**bundle.jwt, "kid": "another"})


@ODDITIES("unique_key_id", clause="WIT-SVID 2.1", answer="accepted")
def ids_that_differ_in_case(bundle: BundleDraft) -> None:
    """Two key IDs differ in case only, and key IDs are case-sensitive."""
    bundle.wit["kid"] = bundle.jwt["kid"].upper()


@ODDITIES("key_id_string", clause="RFC 7517 4.5", answer="accepted")
def key_id_that_is_not_ascii(bundle: BundleDraft) -> None:
    """A key ID is not ASCII."""
    bundle.jwt["kid"] = "Schl\u00fcssel \U0001f511"


@ODDITIES("key_id_string", clause="RFC 7517 4.5", answer="accepted")
def long_key_id(bundle: BundleDraft) -> None:
    """A key ID has 10,000 characters."""
    bundle.jwt["kid"] = "k" * 10_000


@ODDITIES("same_key", clause=f"{_STANDARD} 4.2", answer="accepted")
def one_key_for_everything(bundle: BundleDraft) -> None:
    """The X.509 authority and the JWT authority have the same key."""
    bundle.jwt.update(jwk(bundle.key("root")))


@ODDITIES("curve", clause="RFC 7518 6.2.1.1", answer="accepted")
def key_on_p_521(bundle: BundleDraft) -> None:
    """A key is on P-521, whose coordinates do not fill their bytes."""
    bundle.jwt.update(jose.jwk_of(signer(bundle.hierarchy, "p521").private_key.public_key()))


@ODDITIES("rsa_numbers", clause="RFC 8017 3.1", answer="accepted")
def exponent_of_three(bundle: BundleDraft) -> None:
    """E of an RSA key is 3, as it was common once."""
    bundle.rsa()["e"] = "Aw"


@ODDITIES("rsa_size", clause="RFC 7518 3.3", answer="accepted")
def rsa_key_of_1024_bits(bundle: BundleDraft) -> None:
    """An RSA key has 1024 bits: it may stand in a bundle, and tokens that it signs are refused."""
    small = signer(bundle.hierarchy, "rsa-1024").private_key.public_key()
    bundle.rsa().update(jose.jwk_of(small))


# Certificates: what X509-SVID 6.1 only recommends, and what is judged when an SVID is


@ODDITIES("certificate_encoding", clause="X509-SVID 5.1", answer="accepted")
def expired_root(bundle: BundleDraft) -> None:
    """The certificate has expired, which is judged when an SVID is."""
    root = root_of(bundle)
    root.live(BEGIN, NOW - SECOND)
    bundle.x509["x5c"] = [x5c(root.encode())]


@ODDITIES("is_ca", answer="accepted")
def root_that_is_not_self_signed(bundle: BundleDraft) -> None:
    """The certificate is an intermediate one, signed by a root that is not there."""
    chain = Chain(bundle.hierarchy, bundle.number, 1)
    bundle.certify(chain.encode()[0][1], chain.issuer.key.private_key.public_key())


@ODDITIES("is_ca", clause="X509-SVID 3.2", answer="accepted")
def root_without_spiffe_id(bundle: BundleDraft) -> None:
    """The certificate has no SPIFFE ID, which it should have."""
    root = root_of(bundle)
    root.drop(ALTERNATIVE_NAMES)
    bundle.x509["x5c"] = [x5c(root.encode())]


@ODDITIES("is_ca", clause="X509-SVID 3.2", answer="accepted")
def root_of_another_trust_domain(bundle: BundleDraft) -> None:
    """The certificate has the SPIFFE ID of another trust domain, which it should not have."""
    root = root_of(bundle)
    root.name(uri("spiffe://example.com"))
    bundle.x509["x5c"] = [x5c(root.encode())]


@ODDITIES("certificate_encoding", clause="X509-SVID 6.1", answer="accepted")
def root_whose_signature_is_wrong(bundle: BundleDraft) -> None:
    """The signature of the root is wrong; it is trusted because it is in the bundle, not because it says so."""
    root = root_of(bundle)
    root.make_signature = lambda _, __: der.sequence(der.integer(1), der.integer(1))
    bundle.x509["x5c"] = [x5c(root.encode())]


# Numbers


@ODDITIES("spiffe_sequence", answer="accepted")
def no_sequence(bundle: BundleDraft) -> None:
    """The bundle has no sequence number, which it should have."""
    del bundle.fields["spiffe_sequence"]


@ODDITIES("spiffe_sequence", answer="accepted")
def sequence_of_zero(bundle: BundleDraft) -> None:
    """The sequence number is 0."""
    bundle.fields["spiffe_sequence"] = 0


@ODDITIES("spiffe_sequence", answer="accepted")
def sequence_beyond_floats(bundle: BundleDraft) -> None:
    """The sequence number is 2**53 + 1, the first whole number that a float does not hold."""
    bundle.fields["spiffe_sequence"] = 2**53 + 1


@ODDITIES("spiffe_sequence", answer="accepted")
def sequence_beyond_signed_numbers(bundle: BundleDraft) -> None:
    """The sequence number is 2**63, more than a signed number of 64 bits holds."""
    bundle.fields["spiffe_sequence"] = 2**63


@ODDITIES("spiffe_sequence", answer="accepted")
def largest_sequence_of_64_bits(bundle: BundleDraft) -> None:
    """The sequence number is 2**64 - 1, the largest that everybody has to read."""
    bundle.fields["spiffe_sequence"] = 2**64 - 1


@ODDITIES("spiffe_sequence", answer="accepted")
def sequence_beyond_64_bits(bundle: BundleDraft) -> None:
    """The sequence number is 2**64: there is no largest one."""
    bundle.fields["spiffe_sequence"] = 2**64


@ODDITIES("spiffe_refresh_hint", answer="accepted")
def no_hint(bundle: BundleDraft) -> None:
    """The bundle has no refresh hint, which it should have."""
    del bundle.fields["spiffe_refresh_hint"]


@ODDITIES("spiffe_refresh_hint", answer="accepted")
def hint_of_zero(bundle: BundleDraft) -> None:
    """The refresh hint is 0: it is only a hint."""
    bundle.fields["spiffe_refresh_hint"] = 0


@ODDITIES("spiffe_refresh_hint", answer="accepted")
def hint_of_a_century(bundle: BundleDraft) -> None:
    """The refresh hint is a century."""
    bundle.fields["spiffe_refresh_hint"] = 36_525 * 86_400
