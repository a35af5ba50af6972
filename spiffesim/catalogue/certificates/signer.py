"""Signers: keys of every kind with which a certificate can be signed, the unfit ones too, and what they sign with."""

from __future__ import annotations

import hashlib
from functools import cached_property, lru_cache
from typing import Any, Final

import attrs

from spiffesim.catalogue.hierarchy import Hierarchy
from spiffesim.keys import Key, rsa_key
from spiffesim.spiffe.x509 import der
from spiffesim.spiffe.x509.fields import key_bits

NULL: Final = b"\x05\x00"
EXPONENT: Final = 65537
ECDSA_SHA256: Final = der.sequence(der.oid("1.2.840.10045.4.3.2"))
RSA_SHA256: Final = der.sequence(der.oid("1.2.840.113549.1.1.11"), NULL)

_ECDSA: Final = {
    "SHA1": "1.2.840.10045.4.1",
    "SHA256": "1.2.840.10045.4.3.2",
    "SHA384": "1.2.840.10045.4.3.3",
    "SHA512": "1.2.840.10045.4.3.4",
}
_RSA: Final = {
    "MD5": "1.2.840.113549.1.1.4",
    "SHA1": "1.2.840.113549.1.1.5",
    "SHA256": "1.2.840.113549.1.1.11",
    "SHA384": "1.2.840.113549.1.1.12",
    "SHA512": "1.2.840.113549.1.1.13",
}
# Each curve with the hash that goes with it.
_CURVES: Final = {
    "p384": ("SECP384R1", "SHA384"),
    "p521": ("SECP521R1", "SHA512"),
    "k256": ("SECP256K1", "SHA256"),
}
SMALL_PRIMES: Final = (
    0xF33D033D682311C55F2CF997E5E39CE73B981B0F1C06E4D536DE233A7C4F249600EC1703A939F59CC94C8466605922468A90334DFC2437F0D9FABBDCA8E38211,
    0xC9A4113332A72027FAE7EDD72A64BEE89D630C600D7497FD13632DF7D90FA760CFF09B672EBC789C39C2E0BE25BDB162AC836F487B296C690D6E4C6F9E3AA0F1,
)
"""Two primes of 512 bits: with them a key of 1024 bits can be made, and whoever reads this can sign with it."""


@attrs.frozen(eq=False, slots=False)
class Signer:
    """A key, and how it signs.

    Attributes:
        private_key: What ``cryptography`` has of it.
        algorithm: The AlgorithmIdentifier of its signatures, as DER.
        arguments: What its ``sign`` takes after the data.
    """

    private_key: Any
    algorithm: bytes
    arguments: tuple[Any, ...] = ()

    def sign(self, data: bytes) -> bytes:
        """The signature over some bytes."""
        signature: bytes = self.private_key.sign(data, *self.arguments)
        return signature

    @cached_property
    def spki(self) -> bytes:
        """The public key as a DER SubjectPublicKeyInfo."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        written: bytes = self.private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return written

    @cached_property
    def key_id(self) -> bytes:
        """The SHA-1 of the public key's bits: 20 bytes."""
        return hashlib.sha1(key_bits(self.spki), usedforsecurity=False).digest()


def ecdsa(key: Key | Signer, digest: str) -> Signer:
    """A key on a curve that signs with this hash, such as ``"SHA384"``, and says so."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    chosen = ec.ECDSA(getattr(hashes, digest)(), deterministic_signing=True)
    return Signer(key.private_key, der.sequence(der.oid(_ECDSA[digest])), (chosen,))


def rsa(key: Signer, digest: str) -> Signer:
    """An RSA key that signs with this hash and the padding of PKCS #1 v1.5, and says so."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    algorithm = der.sequence(der.oid(_RSA[digest]), NULL)
    return Signer(key.private_key, algorithm, (padding.PKCS1v15(), getattr(hashes, digest)()))


@lru_cache(maxsize=256)
def signer(hierarchy: Hierarchy, kind: str) -> Signer:
    """The one signer of its kind in a hierarchy.

    Args:
        hierarchy: Where it is drawn from.
        kind: ``"p384"``, ``"p521"``, ``"k256"``, ``"ed25519"``, ``"rsa-1024"``, ``"rsa-2048"`` or ``"rsa-4096"``.
    """
    if kind in _CURVES:
        return _on_curve(hierarchy, kind)
    if kind == "ed25519":
        return _ed25519(hierarchy)
    return rsa(Signer(_rsa_key(hierarchy, kind), b""), "SHA256")


def _on_curve(hierarchy: Hierarchy, kind: str) -> Signer:
    from cryptography.hazmat.primitives.asymmetric import ec

    curve, digest = _CURVES[kind]
    number = hierarchy.draw(kind).randomness.number(f"key {kind}", 0, 1 << 255)  # below the order of every curve
    return ecdsa(Signer(ec.derive_private_key(number + 1, getattr(ec, curve)()), b""), digest)


def _ed25519(hierarchy: Hierarchy) -> Signer:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    drawn = hierarchy.draw("ed25519").randomness.bytes("key ed25519", 0, 32)
    return Signer(Ed25519PrivateKey.from_private_bytes(drawn), der.sequence(der.oid("1.3.101.112")))


def _rsa_key(hierarchy: Hierarchy, kind: str) -> Any:
    from spiffesim.primes import PAIRS, pair

    if kind == "rsa-1024":
        return rsa_key(*SMALL_PRIMES)
    # Drawn without regard to other keys, as a case must not depend on which were made before it: it has one such key.
    number = hierarchy.draw(kind).randomness.number(f"key {kind}", 0, PAIRS)
    return rsa_key(*pair(int(kind.removeprefix("rsa-")), number))
