"""What can be wrong with an x509-svid entry and the certificate in it."""

from __future__ import annotations

from typing import Any, Final

from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.certificates.draft import BASIC_CONSTRAINTS, Draft
from spiffesim.catalogue.certificates.signer import signer
from spiffesim.catalogue.documents.draft import BundleDraft, jwk, x5c
from spiffesim.catalogue.shelf import Shelf
from spiffesim.spiffe.rules.bundle import BUNDLE
from spiffesim.spiffe.x509 import der
from spiffesim.spiffe.x509.pem import write_pem

CERTIFICATES: Final = Shelf[BundleDraft](BUNDLE)


def root_of(bundle: BundleDraft) -> Draft:
    """The certificate of the X.509 authority, to be edited."""
    return Chain(bundle.hierarchy, bundle.number, 0).root


def _put(bundle: BundleDraft, certificate: bytes) -> None:
    """Let another certificate stand in the entry, and change nothing else of it."""
    bundle.x509["x5c"] = [x5c(certificate)]


def _rekeyed(bundle: BundleDraft, kind: str) -> None:
    """Let the certificate be one with a key of another kind, and change nothing else of the entry."""
    root = root_of(bundle)
    root.rekey(signer(bundle.hierarchy, kind))
    _put(bundle, root.encode())


# x5c


@CERTIFICATES("x5c_array")
def x5c_without_array(bundle: BundleDraft) -> None:
    """x5c is the certificate, without the array around it."""
    bundle.x509["x5c"] = bundle.x509["x5c"][0]


@CERTIFICATES("x5c_array")
def null_x5c(bundle: BundleDraft) -> None:
    """x5c is null."""
    bundle.x509["x5c"] = None


@CERTIFICATES("x5c_present", answer="ignored")
def no_x5c(bundle: BundleDraft) -> None:
    """The x509-svid entry has no x5c."""
    del bundle.x509["x5c"]


@CERTIFICATES("x5c_present", answer="ignored")
def empty_x5c(bundle: BundleDraft) -> None:
    """The x509-svid entry has an x5c without a certificate."""
    bundle.x509["x5c"] = []


@CERTIFICATES("x5c_single", answer="ignored")
def two_certificates(bundle: BundleDraft) -> None:
    """x5c has a second certificate."""
    leaf = Chain(bundle.hierarchy, bundle.number, 0).encode()[0][0]
    bundle.x509["x5c"].append(x5c(leaf))


@CERTIFICATES("x5c_single", answer="ignored")
def rubbish_behind_certificate(bundle: BundleDraft) -> None:
    """x5c has a second value, which is no certificate."""
    bundle.x509["x5c"].append(7)


@CERTIFICATES("no_key_id")
def key_id_of_x509_entry(bundle: BundleDraft) -> None:
    """The x509-svid entry has a kid."""
    bundle.x509["kid"] = "root"


@CERTIFICATES("no_key_id")
def null_key_id_of_x509_entry(bundle: BundleDraft) -> None:
    """The x509-svid entry has a kid, which is null."""
    bundle.x509["kid"] = None


@CERTIFICATES("x5c_string")
def null_certificate(bundle: BundleDraft) -> None:
    """The certificate in x5c is null."""
    bundle.x509["x5c"] = [None]


@CERTIFICATES("x5c_string")
def chain_in_x5c(bundle: BundleDraft) -> None:
    """The certificate in x5c is an array of certificates."""
    bundle.x509["x5c"] = [bundle.x509["x5c"]]


@CERTIFICATES("x5c_base64", clause="RFC 7517 4.7")
def url_safe_alphabet(bundle: BundleDraft) -> None:
    """The certificate is in the URL-safe kind of base64, as all other members are."""
    bundle.x509["x5c"][0] = bundle.x509["x5c"][0].replace("+", "-").replace("/", "_")


@CERTIFICATES("x5c_base64", clause="RFC 4648 3.1")
def wrapped_base64(bundle: BundleDraft) -> None:
    """The base64 of the certificate is wrapped into lines."""
    text = bundle.x509["x5c"][0]
    bundle.x509["x5c"][0] = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))


@CERTIFICATES("x5c_base64", clause="RFC 4648 3.3")
def space_in_front_of_base64(bundle: BundleDraft) -> None:
    """A space stands in front of the base64 of the certificate."""
    bundle.x509["x5c"][0] = " " + bundle.x509["x5c"][0]


@CERTIFICATES("x5c_base64", clause="RFC 4648 3.2")
def too_much_padding(bundle: BundleDraft) -> None:
    """The base64 of the certificate has more padding than it needs."""
    bundle.x509["x5c"][0] += "===="


@CERTIFICATES("x5c_base64", clause="RFC 7517 4.7")
def pem_in_x5c(bundle: BundleDraft) -> None:
    """The certificate in x5c is PEM, with its lines of dashes."""
    bundle.x509["x5c"][0] = write_pem("CERTIFICATE", bundle.hierarchy.root_der).decode()


@CERTIFICATES("x5c_base64")
def accent_in_base64(bundle: BundleDraft) -> None:
    """The base64 of the certificate has a letter that is not ASCII."""
    bundle.x509["x5c"][0] += "\u00e9"


# The certificate


@CERTIFICATES("certificate_encoding")
def empty_certificate(bundle: BundleDraft) -> None:
    """The certificate in x5c has no bytes."""
    _put(bundle, b"")


@CERTIFICATES("certificate_encoding")
def certificate_cut_off(bundle: BundleDraft) -> None:
    """The last byte of the certificate in x5c is missing."""
    _put(bundle, bundle.hierarchy.root_der[:-1])


@CERTIFICATES("certificate_encoding", clause="RFC 7517 4.7")
def byte_behind_certificate(bundle: BundleDraft) -> None:
    """A byte follows the certificate in x5c."""
    _put(bundle, bundle.hierarchy.root_der + b"\0")


@CERTIFICATES("certificate_encoding", clause="RFC 7517 4.7")
def two_certificates_in_one(bundle: BundleDraft) -> None:
    """A second certificate follows the first one, in the same string."""
    _put(bundle, bundle.hierarchy.root_der * 2)


@CERTIFICATES("certificate_encoding", clause="RFC 7517 4.7")
def pem_in_base64(bundle: BundleDraft) -> None:
    """The certificate is PEM that was put into base64 once more."""
    _put(bundle, write_pem("CERTIFICATE", bundle.hierarchy.root_der))


@CERTIFICATES("certificate_encoding", clause="RFC 7517 4.7")
def public_key_for_certificate(bundle: BundleDraft) -> None:
    """A public key stands where the certificate belongs."""
    _put(bundle, bundle.key("root").spki)


@CERTIFICATES("certificate_encoding", clause="ITU-T X.690 10.1")
def long_form_of_length(bundle: BundleDraft) -> None:
    """The length of the certificate is written in more bytes than it needs, which BER allows and DER does not."""
    root = bundle.hierarchy.root_der
    _put(bundle, root[:1] + b"\x83\x00" + root[2:])


@CERTIFICATES("is_ca")
def leaf_as_authority(bundle: BundleDraft) -> None:
    """The certificate is that of a workload, so that whoever holds its key would be an authority."""
    leaf = Chain(bundle.hierarchy, bundle.number, 0).encode()[0][0]
    bundle.certify(leaf, bundle.key("leaf").public_key)


@CERTIFICATES("is_ca", clause="RFC 5280 4.2.1.9")
def authority_without_basic_constraints(bundle: BundleDraft) -> None:
    """The certificate does not say that it is a CA's."""
    root = root_of(bundle)
    root.drop(BASIC_CONSTRAINTS)
    _put(bundle, root.encode())


@CERTIFICATES("certificate_key")
def key_off_the_curve(bundle: BundleDraft) -> None:
    """The public key of the certificate is no point on its curve."""
    root = root_of(bundle)
    root.spki = root.spki[:-1] + bytes((root.spki[-1] ^ 1,))
    _put(bundle, root.encode())


@CERTIFICATES("certificate_key", clause="RFC 5480 2.1.1")
def key_of_unknown_algorithm(bundle: BundleDraft) -> None:
    """The public key of the certificate is for an algorithm that nobody knows."""
    root = root_of(bundle)
    root.spki = der.sequence(der.sequence(der.oid("1.3.6.1.4.1.99999.2")), der.bit_string(bytes(32)))
    _put(bundle, root.encode())


@CERTIFICATES("certificate_key_type")
def edwards_authority(bundle: BundleDraft) -> None:
    """The certificate is for an Ed25519 key."""
    _rekeyed(bundle, "ed25519")


@CERTIFICATES("certificate_key_type")
def bitcoin_curve_of_authority(bundle: BundleDraft) -> None:
    """The certificate is for a key on secp256k1."""
    _rekeyed(bundle, "k256")


# The key of the entry, and that of the certificate


def _rsa_authority(bundle: BundleDraft) -> None:
    root, key = root_of(bundle), signer(bundle.hierarchy, "rsa-2048")
    root.rekey(key)
    root.sign_with(key)
    bundle.certify(root.encode(), key.private_key.public_key())


def _differ(bundle: BundleDraft, member: str, value: Any) -> None:
    bundle.x509[member] = value


@CERTIFICATES("same_key")
def x_of_another_key(bundle: BundleDraft) -> None:
    """X of the x509-svid entry is that of another key."""
    _differ(bundle, "x", bundle.jwt["x"])


@CERTIFICATES("same_key")
def y_of_another_key(bundle: BundleDraft) -> None:
    """Y of the x509-svid entry is that of another key."""
    _differ(bundle, "y", bundle.jwt["y"])


@CERTIFICATES("same_key")
def key_of_jwt_authority(bundle: BundleDraft) -> None:
    """The key of the x509-svid entry is another one than that of its certificate."""
    bundle.x509.update(jwk(bundle.key("jwt authority")))


@CERTIFICATES("same_key")
def other_curve(bundle: BundleDraft) -> None:
    """Crv of the x509-svid entry is another curve."""
    _differ(bundle, "crv", "P-384")


@CERTIFICATES("same_key")
def other_kty(bundle: BundleDraft) -> None:
    """The x509-svid entry says RSA, and its certificate is for an EC key."""
    _differ(bundle, "kty", "RSA")


@CERTIFICATES("same_key")
def number_for_x(bundle: BundleDraft) -> None:
    """X of the x509-svid entry is a number."""
    _differ(bundle, "x", 7)


@CERTIFICATES("same_key")
def modulus_of_ec_key(bundle: BundleDraft) -> None:
    """The x509-svid entry of an EC key has a modulus, too."""
    _differ(bundle, "n", "AQAB")


@CERTIFICATES("same_key", repair=_rsa_authority)
def n_of_another_key(bundle: BundleDraft) -> None:
    """N of the x509-svid entry is that of another key."""
    _rsa_authority(bundle)
    _differ(bundle, "n", jwk(bundle.key("jwt authority", "rsa-2048"))["n"])


@CERTIFICATES("same_key", repair=_rsa_authority)
def e_of_another_key(bundle: BundleDraft) -> None:
    """E of the x509-svid entry is that of another key."""
    _rsa_authority(bundle)
    _differ(bundle, "e", "Aw")


@CERTIFICATES("private_members")
def private_key_of_root(bundle: BundleDraft) -> None:
    """The x509-svid entry has the private key of the root."""
    _differ(bundle, "d", bundle.jwt["x"])
