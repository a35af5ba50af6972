"""The agent's half of x509pop: shows a certificate, and signs the server's challenge with its key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from spiffesim.errors import AttestationFailed
from spiffesim.instants import Microseconds
from spiffesim.plugins.node_attestor import Attestation, AttestingServer, server_half
from spiffesim.plugins.node_attestor.x509pop import messages
from spiffesim.plugins.node_attestor.x509pop.evidence import fingerprint
from spiffesim.plugins.node_attestor.x509pop.verifier import X509PopVerifier
from spiffesim.spiffe.x509.privatekey import load_key

if TYPE_CHECKING:
    from spiffesim.keys import PrivateKey


class X509PopAttestor:
    """Proves possession of the key of a certificate.

    Args:
        chain: The certificates as DER, the leaf first; no root.
        private_key: The leaf's key: a key object, or PKCS#8 DER.
    """

    name = "x509pop"
    can_reattest = True

    def __init__(self, chain: Sequence[bytes], private_key: PrivateKey | bytes) -> None:
        self.chain = tuple(chain)
        self._payload: bytes | None = None
        self._shown = fingerprint(self.chain[0]) if self.chain else "no certificate"
        self._private_key_der = private_key if isinstance(private_key, bytes) else _der_of(private_key)

    @property
    def payload(self) -> bytes:
        """The first message, as it travels."""
        if self._payload is None:  # an agent sends the same every half hour
            self._payload = messages.payload(self.chain)
        return self._payload

    def respond(self, challenge: bytes, nonce: bytes) -> bytes:
        """The answer to a challenge, as it travels.

        Args:
            challenge: The server's message.
            nonce: 32 bytes of the agent's own.

        Raises:
            AttestationFailed: If the challenge is none, or not for this key.
            InvalidSvid: If the private key cannot be loaded.
        """
        failure = ""
        try:
            question = messages.read_parts("challenge", challenge)
            failure = "failed to calculate challenge response: "
            return messages.response(load_key(self._private_key_der, trusted=True), question, nonce)
        except messages.BrokenMessageError as error:
            raise AttestationFailed(f"nodeattestor(x509pop): {failure}{error}", status="INTERNAL") from None

    def attest(self, server: AttestingServer, now: Microseconds) -> Attestation:
        """Show the certificates, and answer the server's challenge.

        Raises:
            AttestationFailed: With SPIRE's text.
            Refused: FAILED_PRECONDITION, if the server has no x509pop.
            InvalidSvid: If the private key cannot be loaded.
        """
        verifier: X509PopVerifier = server_half(server, self.name)
        stream = f"{server.name} x509pop {self._shown}"
        occurrence = server.randomness.count(stream)
        known = verifier.known(self.payload, self._private_key_der, server, now)
        if known is not None:
            return known
        nonces = server.randomness.bytes(stream, occurrence, 2 * messages.NONCE_SIZE)
        theirs, ours = nonces[: messages.NONCE_SIZE], nonces[messages.NONCE_SIZE :]
        return verifier.attest(
            self.payload,
            lambda challenge: self.respond(challenge, ours),
            theirs,
            server,
            now,
            answered_with=self._private_key_der,
        )

    def __repr__(self) -> str:
        return f"<X509PopAttestor {self._shown}>"


def _der_of(private_key: PrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
