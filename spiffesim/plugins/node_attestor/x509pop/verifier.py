"""The server's half of x509pop: which certificates it takes, and what it finds in them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import attrs

from spiffesim.entries import Selector
from spiffesim.errors import AttestationFailed, InvalidConfiguration
from spiffesim.instants import Microseconds, microseconds, moment
from spiffesim.plugins.node_attestor import Attestation, AttestingServer
from spiffesim.plugins.node_attestor.x509pop import messages

if TYPE_CHECKING:
    from cryptography import x509

_MODES: Final = ("external_pki", "spiffe")


def fingerprint(certificate: bytes) -> str:
    """The SHA-1 of a certificate's DER, in hexadecimal: what x509pop calls a node by."""
    return hashlib.sha1(certificate, usedforsecurity=False).hexdigest()


@attrs.frozen
class _Proof:
    """What was proved with a chain of certificates, and the span in which they are all valid."""

    attestation: Attestation
    not_before: Microseconds
    not_after: Microseconds


class X509PopVerifier:
    """Takes certificates that lead to its roots.

    Args:
        roots: CA certificates as DER (``ca_bundle_path``); not used in mode ``spiffe``.
        mode: ``external_pki``, or ``spiffe``: the node shows an SVID of this server's own trust domain.
        svid_prefix: In mode ``spiffe``, what the path of the SVID has to begin with.
        max_intermediates: How many certificates may come with the leaf.
        max_rsa_key_size: The largest RSA key, in bits.

    Raises:
        InvalidConfiguration: If there is no such mode, or no root.
    """

    name = "x509pop"

    def __init__(
        self,
        roots: Iterable[bytes] = (),
        *,
        mode: str = "external_pki",
        svid_prefix: str = "/spire-exchange/",
        max_intermediates: int = 4,
        max_rsa_key_size: int = 8192,
    ) -> None:
        self.roots = tuple(roots)
        if mode not in _MODES:
            raise InvalidConfiguration(f"x509pop has no mode {mode!r}; there are {', '.join(_MODES)}", code="mode")
        if mode == "external_pki" and not self.roots:
            raise InvalidConfiguration("you must configure ca_bundle_path or ca_bundle_paths", code="roots")
        self.mode = mode
        self.svid_prefix = svid_prefix
        self.max_intermediates = max_intermediates
        self.max_rsa_key_size = max_rsa_key_size
        self._proofs: dict[tuple[bytes, tuple[bytes, ...]], _Proof] = {}

    def attest(
        self,
        payload: bytes,
        respond: Callable[[bytes], bytes],
        nonce: bytes,
        server: AttestingServer,
        now: Microseconds,
    ) -> Attestation:
        """Hear an agent: its certificates, and its answer to a challenge.

        What was proved with the same certificates is not proved again while they are valid: the
        answer is known.

        Args:
            payload: The agent's first message.
            respond: Answers a challenge.
            nonce: 32 random bytes of the server's own.
            server: The server; in mode ``spiffe`` its bundle has the roots.
            now: The present instant, in microseconds.

        Raises:
            AttestationFailed: With SPIRE's text.
        """
        roots = self._roots(server)
        proof = self._proofs.get((payload, roots))
        if proof is None or not proof.not_before <= now <= proof.not_after:
            try:
                proof = self._hear(payload, respond, nonce, server, now)
            except messages.BrokenMessageError as error:
                raise _refused(str(error)) from None
            self._proofs[payload, roots] = proof
        return proof.attestation

    def _roots(self, server: AttestingServer) -> tuple[bytes, ...]:
        return self.roots if self.mode == "external_pki" else server.bundle.x509_der

    def _hear(
        self,
        payload: bytes,
        respond: Callable[[bytes], bytes],
        nonce: bytes,
        server: AttestingServer,
        now: Microseconds,
    ) -> _Proof:
        leaf, *intermediates = self._read(payload)
        path = _path(leaf, intermediates, self._roots(server), now)
        challenge = _challenge(leaf, nonce)
        try:
            messages.verify(leaf.public_key(), challenge, respond(challenge))
        except messages.BrokenMessageError as error:
            raise _refused(f"challenge response verification failed: {error}", "PERMISSION_DENIED") from None
        return _Proof(
            Attestation(self._agent_path(leaf), tuple(_selectors(leaf, path, server)), can_reattest=True),
            max(microseconds(link.not_valid_before_utc) for link in path),
            min(microseconds(link.not_valid_after_utc) for link in path),
        )

    def _read(self, payload: bytes) -> list[x509.Certificate]:
        from cryptography.x509 import load_der_x509_certificate

        ders = messages.read_payload(payload)
        if len(ders) - 1 > self.max_intermediates:
            raise _refused(
                "too many intermediate certificates", hint=f"{len(ders) - 1}, more than {self.max_intermediates}"
            )
        certificates = []
        for number, der in enumerate(ders, -1):
            which = f"intermediate certificate {number}" if number >= 0 else "leaf certificate"
            try:
                certificate = load_der_x509_certificate(der)
                size = _rsa_size(certificate)
            except ValueError as error:
                raise _refused(f"unable to parse {which}: {error}") from None
            if size > self.max_rsa_key_size:
                raise _refused(f"{which} key size too large", hint=f"{size} bits, more than {self.max_rsa_key_size}")
            certificates.append(certificate)
        return certificates

    def _agent_path(self, leaf: x509.Certificate) -> str:
        if self.mode == "external_pki":
            return f"/{self.name}/{fingerprint(_der(leaf))}"
        path = next((urlsplit(uri).path for uri in _uris(leaf) if uri.startswith("spiffe://")), None)
        if path is None:
            raise _refused("valid SVID x509 cert not found", "PERMISSION_DENIED")
        if not path.startswith(self.svid_prefix):
            raise _refused(
                "x509 cert doesnt match SVID prefix",
                "PERMISSION_DENIED",
                hint=f"{path} is not below {self.svid_prefix}",
            )
        return f"/{self.name}/{path.removeprefix(self.svid_prefix)}"

    def __repr__(self) -> str:
        return f"<X509PopVerifier, mode {self.mode}>"


def _path(
    leaf: x509.Certificate, intermediates: list[x509.Certificate], roots: Sequence[bytes], now: Microseconds
) -> list[x509.Certificate]:
    """The path from a leaf to a root, both included.

    These are certificates of anybody's PKI, not SVIDs, so cryptography's verifier judges them.
    """
    from cryptography.x509 import load_der_x509_certificate, verification

    if not roots:
        raise _refused(
            "certificate verification failed: x509: certificate signed by unknown authority", "PERMISSION_DENIED"
        )
    everything = verification.ExtensionPolicy.permit_all()
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store([load_der_x509_certificate(root) for root in roots]))
        .time(moment(now))
        .extension_policies(ca_policy=_ca_policy(), ee_policy=everything)
        .build_client_verifier()
    )
    try:
        return list(verifier.verify(leaf, intermediates).chain)
    except verification.VerificationError as error:
        raise _refused(f"certificate verification failed: {error}", "PERMISSION_DENIED") from None


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


def _challenge(leaf: x509.Certificate, nonce: bytes) -> bytes:
    try:
        if not _may_sign(leaf):
            raise messages.BrokenMessageError("certificate not intended for digital signature use")
        return messages.challenge(leaf.public_key(), nonce)
    except messages.BrokenMessageError as error:
        raise _refused(f"unable to generate challenge: {error}", "INTERNAL") from None


def _may_sign(leaf: x509.Certificate) -> bool:
    from cryptography import x509

    try:
        return leaf.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    except x509.ExtensionNotFound:
        return False


def _selectors(leaf: x509.Certificate, path: list[x509.Certificate], server: AttestingServer) -> Iterator[Selector]:
    """What x509pop finds out about a node.

    SPIRE: pkg/server/plugin/nodeattestor/x509pop/x509pop.go (buildSelectorValues)
    """
    from cryptography.x509.oid import NameOID

    names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    values = [f"subject:cn:{names[-1].value!s}"] if names else []
    # Not SPIRE: Go returns every path that there is, cryptography the first that it finds.
    values += dict.fromkeys(f"ca:fingerprint:{fingerprint(_der(issuer))}" for issuer in path[1:])
    serial = leaf.serial_number
    values.append(f"serialnumber:{serial.to_bytes((serial.bit_length() + 7) // 8 or 1, 'big').hex()}")
    prefix = f"x509pop://{server.trust_domain}/"
    paths = (uri.removeprefix(prefix).strip("/") for uri in _uris(leaf) if uri.startswith(prefix))
    found = dict(path.split("/", 1) for path in paths if "/" in path)  # of a key that comes twice the last value
    values += [f"san:{key}:{value}" for key, value in found.items()]
    return (Selector("x509pop", value) for value in values)


def _uris(leaf: x509.Certificate) -> list[str]:
    from cryptography import x509

    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def _rsa_size(certificate: x509.Certificate) -> int:
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = certificate.public_key()
    return key.key_size if isinstance(key, rsa.RSAPublicKey) else 0


def _der(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.DER)


def _refused(message: str, status: str = "INVALID_ARGUMENT", *, hint: str | None = None) -> AttestationFailed:
    return AttestationFailed(f"nodeattestor(x509pop): {message}", status=status, hint=hint)
