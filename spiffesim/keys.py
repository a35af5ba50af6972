"""Keys, drawn from named streams: one that nobody looks at is never made."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from spiffesim.errors import InvalidInput
from spiffesim.randomness import Randomness

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

KEY_TYPES: Final = ("rsa-2048", "rsa-4096", "ec-p256", "ec-p384")

# How many private keys a curve has: one fewer than its order.
_SCALARS: Final = {
    "ec-p256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632550,
    "ec-p384": int(
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52972", 16
    ),
}
# The DER around the parts of a P-256 key that change; checked against cryptography's encoder in the tests.
_P256_SPKI: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
_P256_PKCS8: Final = (
    bytes.fromhex("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420"),
    bytes.fromhex("a144034200"),
)


def check_key_type(key_type: str) -> str:
    """A key type in lower case, as SPIRE reads it.

    Raises:
        InvalidInput: With SPIRE's text, if there is no such type.

    SPIRE: pkg/server/plugin/keymanager/keymanager.go
    """
    lowered = key_type.lower() if isinstance(key_type, str) else ""
    if lowered not in KEY_TYPES:
        raise InvalidInput(
            f'key type "{key_type}" is unknown; must be one of [{", ".join(KEY_TYPES)}]',
            code="key_type",
            key_type=key_type,
        )
    return lowered


class Key:
    """A private key that is drawn when somebody looks at it.

    It is picklable: what was drawn is dropped, and drawn again, the same, on the other side.

    Args:
        randomness: Where it is drawn from.
        name: The name of its stream.
        counter: Which draw of that stream.
        key_type: One of ``KEY_TYPES``.
    """

    __slots__ = ("_encoded", "_private_key", "_source", "type")

    def __init__(self, randomness: Randomness, name: str, counter: int, key_type: str = "ec-p256") -> None:
        self.type = key_type
        pair = 0
        if key_type.startswith("rsa"):
            pair = randomness.rsa_pair(name, counter, int(key_type[4:]))
        self._source: tuple[Randomness, str, int, int] | bytes = (randomness, name, counter, pair)
        self._forget()

    @classmethod
    def foreign(cls, private_key: PrivateKey) -> Key:
        """A key that was made elsewhere.

        Raises:
            InvalidInput: If no CA of SPIRE's kind can sign with it: it has to be RSA of 2048 bits or more, or on
                one of the curves P-256, P-384 and P-521.
        """
        key = cls.__new__(cls)
        key.type = _type_of(private_key)
        key._source = private_key.private_bytes(*_library().pkcs8)
        key._forget()
        key._private_key = private_key
        return key

    def _forget(self) -> None:
        self._private_key: Any = None
        self._encoded: tuple[bytes, bytes] | None = None

    def __getstate__(self) -> tuple[str, Any]:
        return self.type, self._source

    def __setstate__(self, state: tuple[str, Any]) -> None:
        self.type, self._source = state
        self._forget()

    @property
    def private_key(self) -> PrivateKey:
        """The private key object."""
        if self._private_key is None:
            self._private_key = self._draw()
        private_key: PrivateKey = self._private_key
        return private_key

    @property
    def public_key(self) -> PublicKey:
        """The public key object."""
        return self.private_key.public_key()

    @property
    def spki(self) -> bytes:
        """The public key as a DER SubjectPublicKeyInfo."""
        return self.public[0]

    @property
    def key_id(self) -> bytes:
        """The SHA-1 of the public key's bits (RFC 5280 4.2.1.2, method 1): 20 bytes.

        SPIRE: pkg/common/x509util/keyid.go
        """
        return self.public[1]

    @property
    def public(self) -> tuple[bytes, bytes]:
        """The SubjectPublicKeyInfo and the key identifier, since a certificate needs both."""
        if self._encoded is None:
            library = _library()
            if self.type == "ec-p256":
                # The key object is not kept: it takes 2 kB, and the key of an SVID never signs here.
                bits = (self._private_key or self._draw()).public_key().public_bytes(*library.point)
                spki = _P256_SPKI + bits
            else:
                spki = self.public_key.public_bytes(*library.spki)
                bits = spki[_bits_offset(spki) :]
            self._encoded = spki, hashlib.sha1(bits, usedforsecurity=False).digest()
        return self._encoded

    @property
    def pkcs8(self) -> bytes:
        """The private key as unencrypted PKCS#8 DER."""
        if isinstance(self._source, bytes):
            return self._source
        if self.type == "ec-p256":
            before, between = _P256_PKCS8
            return before + self._scalar().to_bytes(32, "big") + between + self.spki[len(_P256_SPKI) :]
        return self.private_key.private_bytes(*_library().pkcs8)

    def sign(self, data: bytes) -> bytes:
        """Sign as a CA does: deterministic ECDSA (RFC 6979) or RSA PKCS#1 v1.5, with the hash Go would choose."""
        private_key: Any = self.private_key
        signing = _library().signing
        signature: bytes = private_key.sign(data, *(signing.get(self.type) or signing["rsa"]))
        return signature

    def _scalar(self) -> int:
        assert not isinstance(self._source, bytes)  # a foreign key is not drawn
        randomness, name, counter, _ = self._source
        return randomness.number(name, counter, _SCALARS[self.type]) + 1

    def _draw(self) -> Any:
        source = self._source
        if isinstance(source, bytes):
            from cryptography.hazmat.primitives import serialization

            # It was a key already when it came in: RSA's primes need not be checked again.
            return serialization.load_der_private_key(source, None, unsafe_skip_rsa_key_validation=True)
        library = _library()
        curve = library.curves.get(self.type)
        if curve is None:
            from spiffesim.primes import pair

            return rsa_key(*pair(int(self.type[4:]), source[3]))
        return library.derive(self._scalar(), curve)

    def __repr__(self) -> str:
        return f"<Key {self.type}>"


_CURVES: Final = {"secp256r1": "ec-p256", "secp384r1": "ec-p384", "secp521r1": "ec-p521"}
_SMALLEST_RSA: Final = 2048


def _type_of(private_key: object) -> str:
    """The type of a key that was made elsewhere."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    what = type(private_key).__name__
    if isinstance(private_key, rsa.RSAPrivateKey):
        what = f"rsa-{private_key.key_size}"
        if private_key.key_size >= _SMALLEST_RSA:
            return what
    elif isinstance(private_key, ec.EllipticCurvePrivateKey):
        what = private_key.curve.name
        if what in _CURVES:
            return _CURVES[what]
    raise InvalidInput(
        f"a key of type {what} cannot sign here; use RSA of {_SMALLEST_RSA} bits or more, or P-256, P-384 or P-521",
        code="key_type",
        key_type=what,
    )


def _bits_offset(spki: bytes) -> int:
    """Where the bits of the public key begin in a SubjectPublicKeyInfo: after the algorithm, and one pad byte."""
    position = 2 if spki[1] < 0x80 else 2 + (spki[1] & 0x7F)
    position += 2 + spki[position + 1]
    length = spki[position + 1]
    return position + (3 if length < 0x80 else 3 + (length & 0x7F))


class _Library:
    """What cryptography's functions take: looked up once, because an import statement a call costs what a hash does.

    Attributes:
        derive: The function that makes an EC key of its scalar.
        curves: The curve, by key type.
        point: The form of a public key: the point alone.
        spki: The form of a public key: SubjectPublicKeyInfo.
        pkcs8: The form of a private key.
        signing: What ``sign`` takes after the data, by key type; one for all of RSA.
    """

    def __init__(self) -> None:
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec, padding

        self.derive = ec.derive_private_key
        self.curves = {"ec-p256": ec.SECP256R1(), "ec-p384": ec.SECP384R1()}
        self.point = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        self.spki = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.pkcs8 = (serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        self.signing: dict[str, tuple[Any, ...]] = {
            "ec-p256": (ec.ECDSA(hashes.SHA256(), deterministic_signing=True),),
            "ec-p384": (ec.ECDSA(hashes.SHA384(), deterministic_signing=True),),
            "ec-p521": (ec.ECDSA(hashes.SHA512(), deterministic_signing=True),),
            "rsa": (padding.PKCS1v15(), hashes.SHA256()),
        }


_library = cache(_Library)


def rsa_key(p: int, q: int, exponent: int = 65537) -> Any:
    """The RSA private key of two numbers that are known to be prime."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    d = pow(exponent, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=d % (p - 1),
        dmq1=d % (q - 1),
        iqmp=pow(q, -1, p),
        public_numbers=rsa.RSAPublicNumbers(exponent, p * q),
    )
    # Whether they are primes is not asked: checking them again costs 35 ms (2048) to 267 ms (4096) a key.
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


class Draw:
    """A place in the named streams: what a document's serial number and key are drawn from."""

    __slots__ = ("counter", "name", "randomness")

    def __init__(self, randomness: Randomness, name: str, counter: int) -> None:
        self.randomness = randomness
        self.name = name
        self.counter = counter

    @classmethod
    def next(cls, randomness: Randomness, name: str) -> Draw:
        """The next occurrence of a name."""
        return cls(randomness, name, randomness.count(name))

    @property
    def serial(self) -> int:
        """The serial number of a certificate."""
        return self.randomness.serial("serial " + self.name, self.counter)

    def chance(self, purpose: str) -> float:
        """A number in [0, 1)."""
        return self.randomness.chance(f"{purpose} {self.name}", self.counter)

    def key(self, key_type: str = "ec-p256") -> Key:
        """A private key."""
        return Key(self.randomness, "key " + self.name, self.counter, key_type)
