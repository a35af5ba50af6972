"""Evidence: the certificates of a node, which are of anybody's PKI, read, followed to a root, and searched.

They are no SVIDs, so cryptography reads and verifies them.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import attrs

from spiffesim.entries import Selector
from spiffesim.errors import AttestationFailed
from spiffesim.instants import Microseconds, microseconds, moment, rfc3339
from spiffesim.plugins.node_attestor import AttestingServer
from spiffesim.plugins.node_attestor.x509pop import messages

if TYPE_CHECKING:
    from cryptography import x509

_MOST_INTERMEDIATES: Final = 127  # cryptography's verifier checks no more signatures


def fingerprint(certificate: bytes) -> str:
    """The SHA-1 of a certificate's DER, in hexadecimal: what x509pop calls a node by."""
    return hashlib.sha1(certificate, usedforsecurity=False).hexdigest()


def read(which: str, der: bytes, max_rsa_key_size: int) -> x509.Certificate:
    """One certificate, all of it.

    Args:
        which: What it is called in the error.
        der: The certificate.
        max_rsa_key_size: The largest RSA key, in bits.

    Raises:
        AttestationFailed: INVALID_ARGUMENT, if it is none, or its key is larger.
    """
    try:
        certificate = _load(der)
        size = _rsa_size(certificate)
    except _unreadable() as error:
        raise refused(f"unable to parse {which}: {error}") from None
    if size > max_rsa_key_size:
        raise refused(f"{which} key size too large", hint=f"{size} bits, more than {max_rsa_key_size}")
    return certificate


@attrs.frozen
class Path:
    """The way from a leaf to a root, both included, and the span in which all of it is valid."""

    certificates: tuple[x509.Certificate, ...]

    @property
    def leaf(self) -> x509.Certificate:
        """The certificate of the node."""
        return self.certificates[0]

    @property
    def not_before(self) -> Microseconds:
        """When the last of them begins."""
        return max(microseconds(link.not_valid_before_utc) for link in self.certificates)

    @property
    def not_after(self) -> Microseconds:
        """When the first of them ends."""
        return min(microseconds(link.not_valid_after_utc) for link in self.certificates)


def follow(chain: Sequence[x509.Certificate], roots: Sequence[bytes], now: Microseconds) -> Path:
    """The path from a leaf to a root.

    Args:
        chain: The leaf, and what was presented with it.
        roots: The roots as DER.
        now: The present instant, in microseconds.

    Raises:
        AttestationFailed: PERMISSION_DENIED, if there is none; INTERNAL, if a root cannot be read.
    """
    from cryptography.x509 import verification

    if not roots:
        raise _unverified("x509: certificate signed by unknown authority")
    verifier = (
        verification.PolicyBuilder()
        .store(_store(roots))
        .time(moment(now))
        .max_chain_depth(min(len(chain) - 1, _MOST_INTERMEDIATES))
        .extension_policies(ca_policy=_ca_policy(), ee_policy=verification.ExtensionPolicy.permit_all())
        .build_client_verifier()
    )
    try:
        path = Path(tuple(verifier.verify(chain[0], list(chain[1:])).chain))
    except verification.VerificationError as error:
        raise _unverified(str(error)) from None
    if now > path.not_after:  # by less than a second, which the verifier does not see
        raise _unverified(f"x509: certificate has expired or is not yet valid: it ended at {rfc3339(path.not_after)}")
    return path


def _store(roots: Sequence[bytes]) -> Any:
    from cryptography.x509 import verification

    try:
        return verification.Store([_load(root) for root in roots])
    except _unreadable() as error:
        raise refused(f"unable to parse a root certificate: {error}", "INTERNAL") from None


def _ca_policy() -> Any:
    """What permit_all forgets to ask of a CA: where it has a key usage, keyCertSign must be in it."""
    from cryptography import x509
    from cryptography.x509.verification import Criticality, ExtensionPolicy

    def may_sign(_policy: object, _certificate: object, usage: x509.KeyUsage | None) -> None:
        if usage is not None and not usage.key_cert_sign:
            raise ValueError("the key usage of a CA certificate is without keyCertSign")

    return (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, may_sign)
    )


def challenge(leaf: x509.Certificate, nonce: bytes) -> bytes:
    """The question to the holder of a certificate's key.

    Raises:
        AttestationFailed: INTERNAL, if it may not sign, or no such key can answer.
    """
    try:
        if not _may_sign(leaf):
            raise messages.BrokenMessageError("certificate not intended for digital signature use")
        return messages.challenge(leaf.public_key(), nonce)
    except messages.BrokenMessageError as error:
        raise refused(f"unable to generate challenge: {error}", "INTERNAL") from None


def _may_sign(leaf: x509.Certificate) -> bool:
    from cryptography import x509

    try:
        return leaf.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    except x509.ExtensionNotFound:
        return False


def selectors(path: Path, server: AttestingServer) -> Iterator[Selector]:
    """What x509pop finds out about a node.

    SPIRE: pkg/server/plugin/nodeattestor/x509pop/x509pop.go (buildSelectorValues, parseUriSanSelectors)
    """
    from cryptography.x509.oid import NameOID

    leaf = path.leaf
    names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    values = [f"subject:cn:{names[-1].value!s}"] if names and names[-1].value else []
    # Not SPIRE: Go returns every path that there is, cryptography the first that it finds.
    values += dict.fromkeys(f"ca:fingerprint:{fingerprint_of(issuer)}" for issuer in path.certificates[1:])
    with _in_silence():
        serial = leaf.serial_number
    values.append(f"serialnumber:{serial.to_bytes((serial.bit_length() + 7) // 8 or 1, 'big').hex()}")
    prefix = f"x509pop://{server.trust_domain}/"
    paths = (unquote(_url_path(uri)).strip("/") for uri in _uris(leaf) if uri.startswith(prefix))
    found = dict(path.split("/", 1) for path in paths if "/" in path)  # of a key that comes twice the last value
    values += [f"san:{key}:{value}" for key, value in found.items()]
    return (Selector("x509pop", value) for value in values)


def svid_path(leaf: x509.Certificate) -> str | None:
    """The path of the SPIFFE ID in a certificate, or None."""
    return next((_url_path(uri) for uri in _uris(leaf) if uri.startswith("spiffe://")), None)


def fingerprint_of(certificate: x509.Certificate) -> str:
    """The fingerprint of a certificate that was read."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return fingerprint(certificate.public_bytes(Encoding.DER))


def _uris(leaf: x509.Certificate) -> list[str]:
    from cryptography import x509

    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def _url_path(url: str) -> str:
    """The path of a URL as it stands there; unlike the standard library's, this finds one in any text."""
    host, slash, path = url.partition("://")[2].partition("#")[0].partition("?")[0].partition("/")
    return slash + path if host else ""


def _load(der: bytes) -> x509.Certificate:
    """A certificate, every part of which has been read: cryptography leaves that for later, Go does not."""
    from cryptography import x509

    with _in_silence():
        certificate = x509.load_der_x509_certificate(der)
        _ = certificate.extensions, certificate.subject, certificate.issuer, certificate.version
    return certificate


@contextmanager
def _in_silence() -> Iterator[None]:
    """Where cryptography warns only, of serial numbers and names: what happens is not up to the caller's filters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _unreadable() -> tuple[type[Exception], ...]:
    """What cryptography raises for a certificate that it cannot read."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    # KeyError: what version 45 raises for a string of a type that it does not know.
    return ValueError, TypeError, KeyError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion


def _rsa_size(certificate: x509.Certificate) -> int:
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = certificate.public_key()
    return key.key_size if isinstance(key, rsa.RSAPublicKey) else 0


def refused(message: str, status: str = "INVALID_ARGUMENT", *, hint: str | None = None) -> AttestationFailed:
    """A refusal, with the prefix that SPIRE gives each plugin's."""
    return AttestationFailed(f"nodeattestor(x509pop): {message}", status=status, hint=hint)


def _unverified(reason: str) -> AttestationFailed:
    return refused(f"certificate verification failed: {reason}", "PERMISSION_DENIED")
