"""External PKI: certificates that come from outside of SPIRE, as an operator has them in files.

What ``x509pop`` nodes show their server, and what a ``disk`` upstream authority signs with. SPIRE
calls it so too: ``external_pki`` is the default mode of x509pop.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from spiffesim.keys import Draw, Key
from spiffesim.randomness import Randomness
from spiffesim.spiffe.x509.pem import write_pem

if TYPE_CHECKING:
    from cryptography import x509

    from spiffesim.keys import PublicKey

_BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)
_END: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # RFC 5280 4.1.2.5: no well-defined end


class ExternalCa:
    """A CA outside of SPIRE.

    Its name decides every byte: a file on a disk does not change with the seed of a simulation
    either, and neither does the ID of an agent that attests with such a certificate.

    Args:
        name: The common name of its certificate.
        key_type: The type of its keys.

    Example:
        >>> import spiffesim
        >>> from spiffesim.plugins.node_attestor.x509pop import X509PopAttestor, X509PopVerifier
        >>> sim, ca = spiffesim.Simulation("example.org", seed=1), ExternalCa("nodes of root")
        >>> sim.root.node_attestors["x509pop"] = X509PopVerifier([ca.certificate])
        >>> agent = sim.root.agent("agent", attestor=X509PopAttestor(*ca.issue("node-1")))
    """

    def __init__(self, name: str, *, key_type: str = "ec-p256") -> None:
        self.name = name
        self._key_type = key_type
        self._randomness = Randomness(f"external pki {name}")

    @cached_property
    def key(self) -> Key:
        """Its key."""
        return self._draw("ca").key(self._key_type)

    @cached_property
    def certificate(self) -> bytes:
        """Its self-signed certificate as DER."""
        return self._sign(self.name, self.key.public_key, self._draw("ca"), is_ca=True)

    @property
    def certificate_pem(self) -> bytes:
        """Its certificate as PEM."""
        return write_pem("CERTIFICATE", self.certificate)

    @property
    def private_key_pem(self) -> bytes:
        """Its private key as PKCS#8 PEM."""
        return write_pem("PRIVATE KEY", self.key.pkcs8)

    def issue(self, common_name: str, *, uris: Iterable[str] = ()) -> tuple[tuple[bytes, ...], bytes]:
        """A certificate over a new key.

        Args:
            common_name: Whose: the common name of the subject.
            uris: Its URI SANs, such as ``x509pop://example.org/cluster/test``, of which x509pop makes a selector.

        Returns:
            The chain as DER (leaf first, without the CA) and the private key as PKCS#8 DER: what
            ``X509PopAttestor`` takes.
        """
        draw = self._draw(f"leaf {common_name}")
        key = draw.key(self._key_type)
        return (self._sign(common_name, key.public_key, draw, uris=uris),), key.pkcs8

    def certify(self, common_name: str, public_key: PublicKey) -> bytes:
        """A certificate as DER over somebody's own key.

        Args:
            common_name: Whose: the common name of the subject.
            public_key: The key.
        """
        return self._sign(common_name, public_key, self._draw(f"leaf {common_name}"))

    def _draw(self, name: str) -> Draw:
        return Draw(self._randomness, name, 0)

    def _sign(
        self, common_name: str, public_key: PublicKey, draw: Draw, *, is_ca: bool = False, uris: Iterable[str] = ()
    ) -> bytes:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization

        builder = (
            x509.CertificateBuilder()
            .subject_name(_named(common_name))
            .issuer_name(_named(self.name))
            .public_key(public_key)
            .serial_number(draw.serial)
            .not_valid_before(_BEGIN)
            .not_valid_after(_END)
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(_usage(is_ca), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        )
        if not is_ca:
            issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key)
            builder = builder.add_extension(issuer, critical=False)
        names = [x509.UniformResourceIdentifier(uri) for uri in uris]
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        deterministic = True if self._key_type.startswith("ec") else None  # it may not be said of RSA
        certificate = builder.sign(self.key.private_key, hashes.SHA256(), ecdsa_deterministic=deterministic)
        return certificate.public_bytes(serialization.Encoding.DER)

    def __repr__(self) -> str:
        return f"ExternalCa({self.name!r})"


def _named(common_name: str) -> x509.Name:
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


def _usage(is_ca: bool) -> Any:
    from cryptography import x509

    unused = (
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(
        digital_signature=not is_ca, key_cert_sign=is_ca, crl_sign=is_ca, **dict.fromkeys(unused, False)
    )
