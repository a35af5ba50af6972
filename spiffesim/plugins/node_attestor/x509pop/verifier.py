"""The server's half of x509pop: which certificates it takes, and what it finds in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

import attrs

from spiffesim.errors import InvalidConfiguration, InvalidSpiffeId, InvalidSvid
from spiffesim.instants import Microseconds
from spiffesim.plugins.node_attestor import Attestation, AttestingServer
from spiffesim.plugins.node_attestor.x509pop import evidence, messages
from spiffesim.spiffe.x509.certificate import read_certificate

if TYPE_CHECKING:
    from cryptography import x509

_MODES: Final = ("external_pki", "spiffe")


@attrs.frozen
class _Proof:
    """What was proved with a chain of certificates, and the span in which they are all valid."""

    attestation: Attestation
    not_before: Microseconds
    not_after: Microseconds


class X509PopVerifier:
    """Takes certificates that lead to its roots.

    Args:
        roots: CA certificates as DER (``ca_bundle_path``); not in mode ``spiffe``.
        mode: ``external_pki``, or ``spiffe``: the node shows an SVID of this server's own trust domain.
        svid_prefix: In mode ``spiffe``, what the path of the SVID has to begin with.
        max_intermediates: How many certificates may come with the leaf.
        max_rsa_key_size: The largest RSA key, in bits.

    Raises:
        InvalidConfiguration: If there is no such mode, there is no root or one too many, or a limit is not positive;
            in SPIRE's words.
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
        self.mode = mode
        self.svid_prefix = svid_prefix if svid_prefix.endswith("/") else f"{svid_prefix}/"
        self.max_intermediates = max_intermediates
        self.max_rsa_key_size = max_rsa_key_size
        self._proofs: dict[tuple[bytes, bytes, tuple[bytes, ...]], _Proof] = {}
        self._check()

    def _check(self) -> None:
        if self.mode not in _MODES:
            raise _misconfigured("mode", f"mode can only be either spiffe or external_pki, not {self.mode!r}")
        if self.mode == "external_pki" and not self.roots:
            raise _misconfigured("roots", "one of ca_bundle_path or ca_bundle_paths must be configured")
        if self.mode == "spiffe" and self.roots:
            raise _misconfigured("roots", "you can not use ca_bundle_path or ca_bundle_paths in spiffe mode")
        for limit in ("max_intermediates", "max_rsa_key_size"):
            if getattr(self, limit) <= 0:
                raise _misconfigured(limit, f"{limit} must be greater than 0")
        for root in self.roots:
            try:
                read_certificate(root)
            except InvalidSvid as error:
                raise _misconfigured("roots", f"unable to load trust bundle: {error}") from None

    def attest(
        self,
        payload: bytes,
        respond: Callable[[bytes], bytes],
        nonce: bytes,
        server: AttestingServer,
        now: Microseconds,
        *,
        answered_with: bytes | None = None,
    ) -> Attestation:
        """Hear an agent: its certificates, and its answer to a challenge.

        Args:
            payload: The agent's first message.
            respond: Answers a challenge.
            nonce: 32 random bytes of the server's own.
            server: The server; in mode ``spiffe`` its bundle has the roots.
            now: The present instant, in microseconds.
            answered_with: What the answer is made with, where that is known: ``known`` tells of the proof from now on.

        Raises:
            AttestationFailed: With SPIRE's text.
        """
        try:
            proof = self._hear(payload, respond, nonce, server, now)
        except messages.BrokenMessageError as error:
            raise evidence.refused(str(error)) from None
        if answered_with is not None:
            self._proofs[payload, answered_with, self._roots(server)] = proof
        return proof.attestation

    def known(
        self, payload: bytes, answered_with: bytes, server: AttestingServer, now: Microseconds
    ) -> Attestation | None:
        """What was proved before with the same certificates and the same key, while they are valid; None otherwise.

        Args:
            payload: The agent's first message.
            answered_with: What the answer is made with.
            server: The server.
            now: The present instant, in microseconds.
        """
        proof = self._proofs.get((payload, answered_with, self._roots(server)))
        return proof.attestation if proof is not None and proof.not_before <= now <= proof.not_after else None

    def _hear(
        self,
        payload: bytes,
        respond: Callable[[bytes], bytes],
        nonce: bytes,
        server: AttestingServer,
        now: Microseconds,
    ) -> _Proof:
        path = evidence.follow(self._read(payload), self._roots(server), now)
        question = evidence.challenge(path.leaf, nonce)
        answer = messages.read_parts("challenge response", respond(question))
        try:
            messages.verify(path.leaf.public_key(), nonce, answer)
        except messages.BrokenMessageError as error:
            raise evidence.refused(f"challenge response verification failed: {error}", "PERMISSION_DENIED") from None
        agent_path, selectors = self._agent_path(path, server), tuple(evidence.selectors(path, server))
        attestation = Attestation(agent_path, selectors, can_reattest=True)
        return _Proof(attestation, path.not_before, path.not_after)

    def _roots(self, server: AttestingServer) -> tuple[bytes, ...]:
        return self.roots if self.mode == "external_pki" else server.bundle.x509_der

    def _read(self, payload: bytes) -> list[x509.Certificate]:
        ders = messages.read_payload(payload)
        if len(ders) - 1 > self.max_intermediates:
            raise evidence.refused(
                "too many intermediate certificates", hint=f"{len(ders) - 1}, more than {self.max_intermediates}"
            )
        names = ["leaf certificate", *(f"intermediate certificate {number}" for number in range(len(ders) - 1))]
        return [evidence.read(name, der, self.max_rsa_key_size) for name, der in zip(names, ders, strict=True)]

    def _agent_path(self, proved: evidence.Path, server: AttestingServer) -> str:
        if self.mode == "external_pki":
            return f"/{self.name}/{evidence.fingerprint_of(proved.leaf)}"
        path = evidence.svid_path(proved.leaf)
        if path is None:
            raise evidence.refused("valid SVID x509 cert not found", "PERMISSION_DENIED")
        if not path.startswith(self.svid_prefix):
            raise evidence.refused(
                "x509 cert doesnt match SVID prefix",
                "PERMISSION_DENIED",
                hint=f"{path} is not below {self.svid_prefix}",
            )
        agent_path = f"/{self.name}/{path.removeprefix(self.svid_prefix)}"
        try:
            server.trust_domain.id(f"/spire/agent{agent_path}")
        except InvalidSpiffeId as error:
            raise evidence.refused(f"failed to make spiffe id: {error}", "INTERNAL") from None
        return agent_path

    def __repr__(self) -> str:
        return f"<X509PopVerifier, mode {self.mode}>"


def _misconfigured(code: str, problem: str) -> InvalidConfiguration:
    return InvalidConfiguration(f"x509pop: {problem}", code=code)
