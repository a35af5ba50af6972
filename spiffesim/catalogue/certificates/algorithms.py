"""What can be wrong with the algorithm of a signature."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.certificates.rsa import pss_sha1, pss_sha256
from spiffesim.catalogue.certificates.signer import NULL, ecdsa, rsa, signer
from spiffesim.catalogue.shelf import Shelf
from spiffesim.spiffe.rules.x509 import X509_SVID
from spiffesim.spiffe.x509 import der

ALGORITHMS: Final = Shelf[Chain](X509_SVID)

_ECDSA_SHA384: Final = der.sequence(der.oid("1.2.840.10045.4.3.3"))
_ECDSA_SHA256_NULL: Final = der.sequence(der.oid("1.2.840.10045.4.3.2"), NULL)


# Inside and outside


@ALGORITHMS("algorithms_agree")
def leaf_algorithms_differ(chain: Chain) -> None:
    """The leaf names SHA-384 inside of what is signed, and SHA-256 outside."""
    chain.leaf.outer_algorithm, chain.leaf.algorithm = chain.leaf.algorithm, _ECDSA_SHA384


@ALGORITHMS("algorithms_agree")
def leaf_parameters_differ(chain: Chain) -> None:
    """The leaf names the same algorithm inside and outside, but outside with NULL as its parameters."""
    chain.leaf.outer_algorithm = _ECDSA_SHA256_NULL


@ALGORITHMS("algorithms_agree", depth=1)
def intermediate_algorithms_differ(chain: Chain) -> None:
    """The intermediate above the leaf names SHA-384 inside of what is signed, and SHA-256 outside."""
    chain.intermediate.outer_algorithm, chain.intermediate.algorithm = chain.intermediate.algorithm, _ECDSA_SHA384


@ALGORITHMS("algorithms_agree")
def root_algorithms_differ(chain: Chain) -> None:
    """The root names SHA-384 inside of what is signed, and SHA-256 outside."""
    chain.root.outer_algorithm, chain.root.algorithm = chain.root.algorithm, _ECDSA_SHA384


# Weak or unknown


@ALGORITHMS("signature_algorithm")
def leaf_signed_with_sha1(chain: Chain) -> None:
    """The leaf is signed with ECDSA and SHA-1."""
    chain.leaf.sign_with(ecdsa(chain.leaf.signer, "SHA1"))


@ALGORITHMS("signature_algorithm", depth=1)
def intermediate_signed_with_sha1(chain: Chain) -> None:
    """The intermediate above the leaf is signed with ECDSA and SHA-1."""
    chain.intermediate.sign_with(ecdsa(chain.intermediate.signer, "SHA1"))


@ALGORITHMS("signature_algorithm")
def leaf_signed_with_rsa_sha1(chain: Chain) -> None:
    """The leaf is signed with RSA and SHA-1."""
    issuer = signer(chain.hierarchy, "rsa-2048")
    chain.rekey(1, issuer)
    chain.leaf.sign_with(rsa(issuer, "SHA1"))


@ALGORITHMS("signature_algorithm", clause="RFC 6151 2")
def leaf_signed_with_rsa_md5(chain: Chain) -> None:
    """The leaf is signed with RSA and MD5."""
    issuer = signer(chain.hierarchy, "rsa-2048")
    chain.rekey(1, issuer)
    chain.leaf.sign_with(rsa(issuer, "MD5"))


@ALGORITHMS("signature_algorithm", clause="RFC 4055 3.1")
def leaf_signed_with_pss_sha1(chain: Chain) -> None:
    """The leaf is signed with RSASSA-PSS without parameters, which means SHA-1."""
    issuer = signer(chain.hierarchy, "rsa-2048")
    chain.rekey(1, issuer)
    chain.leaf.sign_with(pss_sha1(issuer))


@ALGORITHMS("signature_algorithm")
def unknown_algorithm(chain: Chain) -> None:
    """The leaf names an algorithm inside and outside that nobody knows."""
    chain.leaf.algorithm = der.sequence(der.oid("1.3.6.1.4.1.99999.7"))


@ALGORITHMS("signature_algorithm", clause="RFC 5758 3.2")
def ecdsa_with_parameters(chain: Chain) -> None:
    """The leaf names ECDSA with SHA-256 inside and outside, with NULL as its parameters, which has to be absent."""
    chain.leaf.algorithm = _ECDSA_SHA256_NULL


@ALGORITHMS("signature_algorithm", clause="RFC 8410 3")
def ed25519_with_parameters(chain: Chain) -> None:
    """The leaf names Ed25519 inside and outside, with NULL as its parameters, which has to be absent."""
    chain.rekey(1, signer(chain.hierarchy, "ed25519"))
    chain.leaf.algorithm = der.sequence(der.oid("1.3.101.112"), NULL)


# Oddities


@ALGORITHMS("signature_algorithm", clause="RFC 4055 3.1", answer="accepted")
def leaf_signed_with_pss(chain: Chain) -> None:
    """The leaf is signed with RSASSA-PSS and SHA-256, by a key that signs with PKCS #1 v1.5 too."""
    issuer = signer(chain.hierarchy, "rsa-2048")
    chain.rekey(1, issuer)
    chain.leaf.sign_with(pss_sha256(issuer))


@ALGORITHMS("signature_algorithm", clause="RFC 4055 5", answer="accepted")
def rsa_without_parameters(chain: Chain) -> None:
    """The leaf names RSA with SHA-256 inside and outside, without the NULL that may be its parameters."""
    issuer = signer(chain.hierarchy, "rsa-2048")
    chain.rekey(1, issuer)
    chain.leaf.algorithm = der.sequence(der.oid("1.2.840.113549.1.1.11"))


@ALGORITHMS("signature_algorithm", clause="RFC 5758 3.2", answer="accepted")
def leaf_signed_with_sha512(chain: Chain) -> None:
    """The leaf is signed with SHA-512, by a key on the curve P-256."""
    chain.leaf.sign_with(ecdsa(chain.leaf.signer, "SHA512"))


@ALGORITHMS("signature_algorithm", clause="RFC 5280 6.1", answer="accepted")
def root_signed_with_sha1(chain: Chain) -> None:
    """The root signed itself with SHA-1, which nobody has to check, as it is in the bundle."""
    chain.root.sign_with(ecdsa(chain.root.signer, "SHA1"))
