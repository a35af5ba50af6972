"""Forgeries: what thieves make who have no key of an authority. Each is wrong, whatever else is true.

They differ from the document that they are made from in what they say, and are right in everything else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from spiffesim.keys import Key
from spiffesim.randomness import Randomness
from spiffesim.spiffe import jose
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.strategies.lifecycle.documents import JwtDocument, X509Document

X509Forgery = Callable[[X509Document], Sequence[bytes]]
JwtForgery = Callable[[JwtDocument, SpiffeBundle], str]

_BEGIN: Final = datetime(2000, 1, 1, tzinfo=UTC)
_END: Final = datetime(2100, 1, 1, tzinfo=UTC)


def _key(name: str) -> Any:
    return Key(Randomness("forgeries"), name, 0).private_key


@attrs.frozen(slots=False, eq=False)
class Stranger:
    """A root authority of another trust domain, which nobody can hold to speak for ours.

    Attributes:
        key: Its private key, for certificates and tokens.
        root: Its certificate.
    """

    key: Any
    root: x509.Certificate

    @property
    def bundle(self) -> SpiffeBundle:
        """Its trust domain's bundle."""
        der = self.root.public_bytes(serialization.Encoding.DER)
        return SpiffeBundle("stranger.example", x509_der=(der,), jwt_spki={"stranger": _spki(self.key)})


@lru_cache(maxsize=1)
def stranger() -> Stranger:
    """Another trust domain."""
    key = _key("stranger")
    name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "SPIFFE")])
    uri = x509.UniformResourceIdentifier("spiffe://stranger.example")
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, _BEGIN, _END)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_usage(), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName([uri]), critical=False)
    return Stranger(key, _signed(builder, key))


def _usage() -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    return x509.KeyUsage(
        **dict.fromkeys(names, False), key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False
    )


def _signed(builder: x509.CertificateBuilder, key: Any) -> x509.Certificate:
    deterministic = isinstance(key, ec.EllipticCurvePrivateKey) or None
    return builder.sign(key, hashes.SHA256(), ecdsa_deterministic=deterministic)


def _spki(key: Any) -> bytes:
    encoded: bytes = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded


def _issued(model: x509.Certificate, issuer: x509.Name, issuer_key_id: bytes, key: Any) -> bytes:
    """A certificate that says what another one says, over a key of the thief's, from another issuer."""
    own = _key("thief's workload").public_key()
    builder = x509.CertificateBuilder(
        issuer, model.subject, own, model.serial_number, model.not_valid_before_utc, model.not_valid_after_utc
    )
    for extension in model.extensions:
        value = extension.value
        if isinstance(value, x509.SubjectKeyIdentifier):
            value = x509.SubjectKeyIdentifier.from_public_key(own)
        elif isinstance(value, x509.AuthorityKeyIdentifier):
            value = x509.AuthorityKeyIdentifier(issuer_key_id, None, None)
        builder = builder.add_extension(value, extension.critical)
    return _signed(builder, key).public_bytes(serialization.Encoding.DER)


def _key_id(certificate: x509.Certificate) -> bytes:
    return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


# X509-SVIDs


def tampered(svid: X509Document) -> Sequence[bytes]:
    """The leaf has another path, under the signature of the right one."""
    text = svid.spiffe_id.encode()
    return [svid.chain[0].replace(text, text[:-1] + (b"0" if text[-1:] != b"0" else b"1")), *svid.chain[1:]]


def impostor(svid: X509Document) -> Sequence[bytes]:
    """The leaf names the right issuer, but the thief's key has signed it."""
    leaf = svid.certificates[0]
    above = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    return [_issued(leaf, leaf.issuer, above or b"", _key("thief")), *svid.chain[1:]]


def from_a_stranger(svid: X509Document) -> Sequence[bytes]:
    """The root of another trust domain has issued it."""
    other = stranger()
    return [_issued(svid.certificates[0], other.root.subject, _key_id(other.root), other.key)]


def from_a_workload(svid: X509Document) -> Sequence[bytes]:
    """A workload has issued it, with the key of its own X509-SVID."""
    key = serialization.load_der_private_key(svid.private_key, None)
    leaf = svid.certificates[0]
    return [_issued(leaf, leaf.subject, _key_id(leaf), key), *svid.chain]


X509_FORGERIES: Final[dict[str, X509Forgery]] = {
    forgery.__name__: forgery for forgery in (tampered, impostor, from_a_stranger, from_a_workload)
}
"""By name."""

# JWT-SVIDs


def _encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _other(claims: dict[str, Any]) -> dict[str, Any]:
    return {**claims, "sub": f"{claims['sub']}/admin"}


def altered(svid: JwtDocument, _: SpiffeBundle) -> str:
    """It has another subject, under the signature of the right one."""
    parts = svid.token.split(".")
    return f"{parts[0]}.{_encoded(_other(svid.claims))}.{parts[2]}"


def unsigned(svid: JwtDocument, _: SpiffeBundle) -> str:
    """Its algorithm is ``none``."""
    return f"{_encoded({**svid.header, 'alg': 'none'})}.{_encoded(_other(svid.claims))}."


def under_a_public_key(svid: JwtDocument, bundle: SpiffeBundle) -> str:
    """Its signature is an HMAC with the public key, which everybody has, for a secret."""
    public = bundle.jwt_spki.get(svid.authority, b"")
    signed = f"{_encoded({**svid.header, 'alg': 'HS256'})}.{_encoded(_other(svid.claims))}"
    digest = hmac.digest(public, signed.encode(), hashlib.sha256)
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def under_the_wrong_key(svid: JwtDocument, _: SpiffeBundle) -> str:
    """It names the right key, but the thief's has signed it."""
    key = _key("thief")
    return jose.sign({**svid.header, "alg": "ES256"}, svid.claims, key)


def under_an_unknown_key(svid: JwtDocument, _: SpiffeBundle) -> str:
    """The thief's key has signed it, and that is the key that it names."""
    return jose.sign({**svid.header, "alg": "ES256", "kid": "thief"}, svid.claims, _key("thief"))


def under_a_strangers_key(svid: JwtDocument, _: SpiffeBundle) -> str:
    """A key of another trust domain has signed it."""
    return jose.sign({**svid.header, "alg": "ES256", "kid": "stranger"}, svid.claims, stranger().key)


JWT_FORGERIES: Final[dict[str, JwtForgery]] = {
    forgery.__name__: forgery
    for forgery in (
        altered,
        unsigned,
        under_a_public_key,
        under_the_wrong_key,
        under_an_unknown_key,
        under_a_strangers_key,
    )
}
"""By name."""
