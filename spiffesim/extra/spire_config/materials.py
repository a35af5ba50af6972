"""Materials: the keys, certificates and tokens that a configuration names, loaded where they exist and made where not."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from spiffesim.errors import InvalidBundle, ValidationError
from spiffesim.extra.spire_config.agent import AgentFile, Believed, CertificateProof, TokenProof
from spiffesim.extra.spire_config.document import Note
from spiffesim.extra.spire_config.server import DiskUpstream, ServerFile
from spiffesim.extra.spire_config.source import Reference, Source
from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.node_attestor import NodeAttestor
from spiffesim.plugins.node_attestor.declared import DeclaredNodeAttestor
from spiffesim.plugins.node_attestor.join_token import JoinTokenAttestor
from spiffesim.plugins.node_attestor.x509pop import X509PopAttestor, X509PopVerifier
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.validation import validate_x509_svid
from spiffesim.spiffe.x509.pem import read_certificates

if TYPE_CHECKING:
    from spiffesim.keys import PrivateKey
    from spiffesim.server import Server


class Materials:
    """What the files of a deployment hold.

    A made certificate is named after the service that it is for, so that it is the same for every seed.
    """

    def __init__(self) -> None:
        self._node_cas: dict[str, ExternalCa] = {}

    # x509pop

    def verifier(self, server: ServerFile) -> X509PopVerifier | None:
        """The server's half of x509pop; None if the server has none.

        Raises:
            InvalidConfiguration: If a file of CA certificates holds something else.
        """
        if server.x509pop is None:
            return None
        roots: list[bytes] = []
        for reference in server.x509pop.bundles:
            found = _certificates(server.source, reference)
            if not found:
                ca = self._node_cas.setdefault(server.name, ExternalCa(f"nodes of {server.name}"))
                found = [ca.certificate]
                _note_made(server.source, reference)
            roots += found
        return X509PopVerifier(roots, **server.x509pop.options)

    def attestor(self, agent: AgentFile, config: ServerFile, server: Server) -> NodeAttestor:
        """How an agent attests.

        Args:
            agent: The agent.
            config: The configuration of its server.
            server: Its server.

        Raises:
            InvalidConfiguration: If its certificate, its key and the server's CA do not go together.
        """
        match agent.proof:
            case Believed(name=name):
                agent_id = agent.trust_domain.id(f"/spire/agent/{name}/{agent.name}")
                return DeclaredNodeAttestor(agent_id)
            case TokenProof(place=place, token=token):
                if token:
                    agent.source.notes.append(Note(place, f"{server.name} is taken to have handed this token out"))
                return JoinTokenAttestor(server.create_join_token(token=token or None))
            case CertificateProof() as proof:
                return X509PopAttestor(*self._shown(proof, agent, config))

    def _shown(self, proof: CertificateProof, agent: AgentFile, config: ServerFile) -> tuple[tuple[bytes, ...], bytes]:
        """The chain that an agent shows, and its key."""
        source = agent.source
        ca = self._node_cas.get(config.name)
        chain, key = _certificates(source, proof.certificate), _private_key(source, proof.private_key)
        if chain and key is None:
            raise proof.private_key.place.error(
                f"{source.where(proof.private_key)}, and the certificate of {agent.name} does: its key cannot be "
                "made up; put it there, or take the certificate away, and the simulation makes both",
                code="missing_file",
            )
        if chain and key is not None:
            self._check_pair(proof, chain[0], key, ca, config)
            more = _certificates(source, proof.intermediates) if proof.intermediates is not None else []
            return (*chain, *more), _pkcs8(key)
        if ca is None:
            raise proof.certificate.place.error(
                f"{source.where(proof.certificate)}, and no certificate can be made that {config.name} takes: of its "
                "CA there is no private key; put the certificate there, or take the CA's away",
                code="missing_file",
            )
        _note_made(source, proof.certificate)
        if key is None:
            _note_made(source, proof.private_key)
            return ca.issue(agent.name)
        return (ca.certify(agent.name, key.public_key()),), _pkcs8(key)

    def _check_pair(
        self, proof: CertificateProof, leaf: bytes, key: PrivateKey, ca: ExternalCa | None, config: ServerFile
    ) -> None:
        from cryptography import x509

        if ca is not None and config.x509pop is not None and len(config.x509pop.bundles) == 1:
            raise config.x509pop.bundles[0].place.error(
                f"{config.source.where(config.x509pop.bundles[0])}, and an agent shows a certificate of its own "
                f"({proof.certificate.place}): put the CA's certificate there, or take the agent's away",
                code="missing_file",
            )
        if x509.load_der_x509_certificate(leaf).public_key() != key.public_key():
            problem = "unable to load keypair: tls: private key does not match public key"
            raise proof.private_key.place.error(problem, code="key_mismatch")

    # Upstream

    def upstream(self, server: ServerFile) -> DiskUpstreamAuthority | None:
        """The CA on disk that a root server hangs on; None if it hangs on none.

        Raises:
            InvalidConfiguration: If some of its files exist and others do not.
        """
        disk = server.upstream
        if not isinstance(disk, DiskUpstream):
            return None
        source = server.source
        named = [reference for reference in (disk.certificate, disk.private_key, disk.bundle) if reference is not None]
        texts = [source.read(reference) for reference in named]
        if not any(texts):
            for reference in named:
                _note_made(source, reference)
            ca = ExternalCa(f"upstream of {server.name}")
            return DiskUpstreamAuthority(certificate=ca.certificate_pem, private_key=ca.private_key_pem)
        for reference, text in zip(named, texts, strict=True):
            if text is None:
                raise reference.place.error(
                    f"{source.where(reference)}, and the other files of this CA do: put it there, or take them away, "
                    "and the simulation makes all of them",
                    code="missing_file",
                )
        certificate, private_key, *bundle = cast("list[str]", texts)
        return DiskUpstreamAuthority(
            certificate=certificate, private_key=private_key, bundle=bundle[0] if bundle else None
        )

    # Bootstrap

    def check_bundle(self, agent: AgentFile, server: Server) -> None:
        """Check that the bundle which an agent starts from verifies its server, as the agent would.

        Raises:
            InvalidConfiguration: If it does not.

        SPIRE: pkg/agent/attestor/node/node.go
        """
        reference = agent.bundle
        if reference is None:
            return
        text = agent.source.read(reference)
        if text is None:
            note = f"{agent.source.where(reference)}: {agent.name} starts from the bundle that {server.name} has"
            agent.source.notes.append(Note(reference.place, note))
            return
        try:
            read = SpiffeBundle.from_pem if agent.bundle_format == "pem" else SpiffeBundle.parse
            bundle = read(agent.trust_domain, text)
            validate_x509_svid(server.svid, bundle, at=server.world.clock.now)
        except (InvalidBundle, ValidationError) as error:
            raise reference.place.error(
                f"{agent.name} cannot start from this bundle: {error}; take the file away, and the agent starts from "
                f"the bundle that {server.name} has",
                code="bootstrap",
            ) from error


def _note_made(source: Source, reference: Reference) -> None:
    source.notes.append(Note(reference.place, f"{source.where(reference)}: made by the simulation"))


def _certificates(source: Source, reference: Reference) -> list[bytes]:
    """The certificates of a file; none if it does not exist."""
    text = source.read(reference)
    if text is None:
        return []
    try:
        return read_certificates(text)
    except ValueError as error:
        problem = f"{reference.path} holds no certificates: {error}"
        raise reference.place.error(problem, code="certificates") from None


def _private_key(source: Source, reference: Reference) -> PrivateKey | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    text = source.read(reference)
    if text is None:
        return None
    try:
        return cast("PrivateKey", load_pem_private_key(text.encode(), None))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        problem = f"{reference.path} holds no private key: {error}"
        raise reference.place.error(problem, code="private_key") from None


def _pkcs8(key: PrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
