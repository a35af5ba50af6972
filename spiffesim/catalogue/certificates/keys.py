"""What can be wrong with keys: those that sign certificates, and those of leaves."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.certificates.rsa import HUGE, large_exponent
from spiffesim.catalogue.certificates.signer import NULL, signer
from spiffesim.catalogue.shelf import Shelf
from spiffesim.spiffe.rules.x509 import X509_SVID
from spiffesim.spiffe.x509 import der
from spiffesim.spiffe.x509.fields import key_bits

KEYS: Final = Shelf[Chain](X509_SVID)

_RSA: Final = "1.2.840.113549.1.1.1"
_EC: Final = "1.2.840.10045.2.1"
_P256: Final = der.oid("1.2.840.10045.3.1.7")


def _spki(oid: str, bits: bytes, parameters: bytes = b"") -> bytes:
    """A SubjectPublicKeyInfo."""
    return der.sequence(der.sequence(der.oid(oid), parameters), der.bit_string(bits))


def _of_leaf(chain: Chain, size: int) -> bytes:
    """As many bytes as that, which are no secret of anybody."""
    return chain.hierarchy.draw("leaf").randomness.bytes("bytes of a key", chain.number, size)


# Unfit keys


@KEYS("signing_key")
def small_rsa_key(chain: Chain) -> None:
    """The issuer of the leaf has an RSA key of 1024 bits."""
    chain.rekey(1, signer(chain.hierarchy, "rsa-1024"))


@KEYS("signing_key", depth=1)
def small_rsa_key_of_root(chain: Chain) -> None:
    """The root above an intermediate has an RSA key of 1024 bits."""
    chain.rekey(chain.depth + 1, signer(chain.hierarchy, "rsa-1024"))


@KEYS("signing_key")
def key_on_secp256k1(chain: Chain) -> None:
    """The issuer of the leaf has a key on the curve secp256k1."""
    chain.rekey(1, signer(chain.hierarchy, "k256"))


@KEYS("signing_key", clause="SEC 1 3.2.2")
def key_beside_curve(chain: Chain) -> None:
    """The key of the leaf's issuer is not a point on the curve P-256."""
    spki = chain.issuer.spki
    chain.issuer.spki = spki[:-1] + bytes((spki[-1] ^ 1,))


@KEYS("signing_key")
def large_rsa_key(chain: Chain) -> None:
    """The issuer of the leaf has an RSA key of more than 9,000 bits."""
    chain.rekey(1, HUGE)


@KEYS("signing_key")
def large_exponent_of_rsa_key(chain: Chain) -> None:
    """The exponent of the RSA key of the leaf's issuer has 33 bits."""
    chain.rekey(1, large_exponent(chain.hierarchy))


# Keys of leaves


@KEYS("leaf_key", clause="RFC 8410 5")
def key_for_x25519(chain: Chain) -> None:
    """The leaf's key is for X25519, which makes no signatures."""
    chain.leaf.spki = _spki("1.3.101.110", _of_leaf(chain, 32))


@KEYS("leaf_key", clause="RFC 4055 1.2")
def key_for_encryption(chain: Chain) -> None:
    """The leaf's key is an RSA key for RSAES-OAEP, which makes no signatures."""
    bits = key_bits(signer(chain.hierarchy, "rsa-2048").spki)
    chain.leaf.spki = _spki("1.2.840.113549.1.1.7", bits)


@KEYS("leaf_key", clause="RFC 5480 2.1.1")
def key_without_curve(chain: Chain) -> None:
    """The leaf's key is on a curve, and does not say on which."""
    chain.leaf.spki = _spki(_EC, key_bits(chain.leaf.spki), NULL)


@KEYS("leaf_key", clause="RFC 5480 2.2")
def key_in_hybrid_form(chain: Chain) -> None:
    """The leaf's key is a point in the hybrid form."""
    bits = key_bits(chain.leaf.spki)
    chain.leaf.spki = _spki(_EC, bytes((6 | bits[-1] & 1,)) + bits[1:], _P256)


@KEYS("leaf_key", clause="SEC 1 2.3.4")
def key_cut_off(chain: Chain) -> None:
    """The last octet of the leaf's key, a point on the curve P-256, is missing."""
    chain.leaf.spki = _spki(_EC, key_bits(chain.leaf.spki)[:-1], _P256)


@KEYS("leaf_key", clause="RFC 8032 5.1.5")
def short_ed25519_key(chain: Chain) -> None:
    """The leaf's Ed25519 key has 31 octets."""
    chain.leaf.spki = _spki("1.3.101.112", _of_leaf(chain, 31))


@KEYS("leaf_key", clause="RFC 8410 3")
def ed25519_key_with_parameters(chain: Chain) -> None:
    """The leaf's Ed25519 key has NULL as its parameters, which have to be absent."""
    chain.leaf.spki = _spki("1.3.101.112", key_bits(signer(chain.hierarchy, "ed25519").spki), NULL)


@KEYS("leaf_key", clause="RFC 3279 2.3.1")
def rsa_key_without_parameters(chain: Chain) -> None:
    """The leaf's RSA key has no parameters, which have to be NULL."""
    chain.leaf.spki = _spki(_RSA, key_bits(signer(chain.hierarchy, "rsa-2048").spki))


@KEYS("leaf_key", clause="RFC 8017 3.1")
def exponent_of_1(chain: Chain) -> None:
    """The exponent of the leaf's RSA key is 1, so that whatever is signed is its own signature."""
    modulus = signer(chain.hierarchy, "rsa-2048").private_key.public_key().public_numbers().n
    chain.leaf.spki = _spki(_RSA, der.sequence(der.integer(modulus), der.integer(1)), NULL)


@KEYS("leaf_key", clause="RFC 8017 3.1")
def even_modulus(chain: Chain) -> None:
    """The modulus of the leaf's RSA key is even."""
    modulus = signer(chain.hierarchy, "rsa-2048").private_key.public_key().public_numbers().n
    chain.leaf.spki = _spki(_RSA, der.sequence(der.integer(modulus - 1), der.integer(65537)), NULL)


# Oddities


@KEYS("signing_key", clause="RFC 5480 2.1.1", answer="accepted")
def issuer_on_p384(chain: Chain) -> None:
    """The issuer of the leaf has a key on the curve P-384."""
    chain.rekey(1, signer(chain.hierarchy, "p384"))


@KEYS("signing_key", clause="RFC 5480 2.1.1", answer="accepted")
def issuer_on_p521(chain: Chain) -> None:
    """The issuer of the leaf has a key on the curve P-521."""
    chain.rekey(1, signer(chain.hierarchy, "p521"))


@KEYS("signing_key", clause="RFC 8410 3", answer="accepted")
def issuer_on_ed25519(chain: Chain) -> None:
    """The issuer of the leaf has an Ed25519 key."""
    chain.rekey(1, signer(chain.hierarchy, "ed25519"))


@KEYS("signing_key", clause="RFC 4055 5", answer="accepted")
def issuer_with_rsa_key(chain: Chain) -> None:
    """The issuer of the leaf has an RSA key of 2048 bits."""
    chain.rekey(1, signer(chain.hierarchy, "rsa-2048"))


@KEYS("signing_key", clause="RFC 4055 5", answer="accepted")
def root_with_rsa_key(chain: Chain) -> None:
    """The root has an RSA key of 4096 bits."""
    chain.rekey(chain.depth + 1, signer(chain.hierarchy, "rsa-4096"))


@KEYS("leaf_key", clause="RFC 8410 3", answer="accepted")
def leaf_on_ed25519(chain: Chain) -> None:
    """The leaf has an Ed25519 key."""
    chain.leaf.rekey(signer(chain.hierarchy, "ed25519"))


@KEYS("leaf_key", clause="RFC 5480 2.1.1", answer="accepted")
def leaf_on_p521(chain: Chain) -> None:
    """The leaf has a key on the curve P-521."""
    chain.leaf.rekey(signer(chain.hierarchy, "p521"))


@KEYS("leaf_key", clause="RFC 3279 2.3.1", answer="accepted")
def leaf_with_rsa_key(chain: Chain) -> None:
    """The leaf has an RSA key of 4096 bits."""
    chain.leaf.rekey(signer(chain.hierarchy, "rsa-4096"))


@KEYS("leaf_key", clause="RFC 5480 2.2", answer="accepted")
def key_compressed(chain: Chain) -> None:
    """The leaf's key is a point on the curve P-256 in the compressed form."""
    bits = key_bits(chain.leaf.spki)
    chain.leaf.spki = _spki(_EC, bytes((2 | bits[-1] & 1,)) + bits[1:33], _P256)
