"""The ``disk`` upstream authority: a CA in files.

SPIRE: pkg/server/plugin/upstreamauthority/disk, pkg/common/x509svid/upstreamca.go
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final, NoReturn, TypeAlias

import attrs

from spiffesim.authority import JwtAuthority, X509Authority
from spiffesim.errors import InvalidInput, NotSupported, Refused
from spiffesim.instants import Microseconds, rfc3339, span
from spiffesim.keys import Key
from spiffesim.plugins.upstream_authority import CaRequest, MintedCa
from spiffesim.profiles import UPSTREAM_SIGNED_CA
from spiffesim.spiffe.x509.certificate import Anchors, Certificate, read_certificate
from spiffesim.spiffe.x509.path import BudgetSpentError, Search
from spiffesim.spiffe.x509.pem import read_certificates

Source: TypeAlias = bytes | str | Path
"""PEM, or the path of a file that holds it."""

_DEFAULT_TTL: Final = timedelta(hours=1)


@attrs.frozen
class _Files:
    """What the files held when they were last read."""

    key: Key
    signer: Certificate
    presented: tuple[Certificate, ...]
    roots: tuple[Certificate, ...]


class DiskUpstreamAuthority:
    """Signs with a CA that lies in files, or is given as PEM.

    Files are read again at every mint; if they cannot be used then, the CA that was read last signs.

    Args:
        certificate: The CA certificate as PEM, and with a bundle those between it and the root
            (``cert_file_path``). A ``Path`` is a file.
        private_key: Its key (``key_file_path``).
        bundle: The roots (``bundle_file_path``); None if the certificate is its own root.
    """

    name = "disk"

    def __init__(self, *, certificate: Source, private_key: Source, bundle: Source | None = None) -> None:
        self._certificate = certificate
        self._private_key = private_key
        self._bundle = bundle
        self._files: _Files | None = None

    def mint_x509_ca(self, request: CaRequest) -> MintedCa:
        """Sign a CA: for as long as it likes, but no longer than the CA that signs.

        Raises:
            Refused: INVALID_ARGUMENT, with SPIRE's text, if the files cannot be used and never could.
        """
        files = self._read(request.now)
        certificate = X509Authority(files.key, files.signer).sign(
            UPSTREAM_SIGNED_CA,
            request.draw,
            request.key,
            spiffe_id=str(request.trust_domain.spiffe_id),
            now=request.now,
            ttl=span(request.preferred_ttl if request.preferred_ttl > timedelta(0) else _DEFAULT_TTL),
            subject=request.subject,
        )
        return MintedCa((certificate, *files.presented), files.roots)

    def publish_jwt_key(self, authority: JwtAuthority) -> NoReturn:
        """Refuse: a CA in files publishes nothing.

        Raises:
            NotSupported: Always.
        """
        raise NotSupported("publishing upstream is unsupported", plugin=self.name, authority=authority)

    def _read(self, now: Microseconds) -> _Files:
        """The files as they are now, or as they last were when they could be used."""
        try:
            self._files = self._load(now)
        except Refused:
            if self._files is None:
                raise
        return self._files

    def _load(self, now: Microseconds) -> _Files:
        key = _load_key(self._private_key)
        chain = _load_certificates("cert", self._certificate)
        if self._bundle is None:
            if len(chain) != 1:
                raise _refused("with no bundle_file_path configured only self-signed CAs are supported")
            files = _Files(key, chain[0], (), chain)
        else:
            files = _Files(key, chain[0], chain, _load_certificates("bundle", self._bundle))
        if key.spki != files.signer.spki:
            raise _refused("unable to load upstream CA: certificate and private key do not match")
        if not _leads_to_root(files, chain, now):
            signer = files.signer
            raise _refused(
                "unable to load upstream CA: certificate cannot be validated with the provided bundle or is not "
                "self-signed",
                f"it lives from {rfc3339(signer.not_before)} to {rfc3339(signer.not_after)}; now it is {rfc3339(now)}",
            )
        return files

    def __repr__(self) -> str:
        return "<DiskUpstreamAuthority>"


def _leads_to_root(files: _Files, chain: tuple[Certificate, ...], now: Microseconds) -> bool:
    if not files.signer.not_before <= now <= files.signer.not_after:
        return False
    if files.signer in files.roots:
        return True
    try:
        return Search(chain, Anchors(files.roots), now).find(clean=True) is not None
    except BudgetSpentError:
        return False


def _load_certificates(what: str, source: Source) -> tuple[Certificate, ...]:
    try:
        return tuple(read_certificate(certificate) for certificate in read_certificates(_read(source)))
    except (OSError, ValueError) as error:
        raise _refused(f"unable to load upstream CA {what}: {error}", _hint(source)) from None


def _load_key(source: Source) -> Key:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        pem = _read(source)
        # The files are read again and again; checking that RSA's primes are prime takes 35 to 270 ms each time.
        private_key = load_pem_private_key(
            pem if isinstance(pem, bytes) else pem.encode(), None, unsafe_skip_rsa_key_validation=True
        )
        return Key.foreign(private_key)  # type: ignore[arg-type]  # it refuses what it cannot sign with
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm, InvalidInput) as error:
        raise _refused(f"unable to load upstream CA key: {error}", _hint(source)) from None


def _read(source: Source) -> bytes | str:
    return source.read_bytes() if isinstance(source, Path) else source


def _hint(source: Source) -> str | None:
    """What to do about a name where PEM was expected."""
    if isinstance(source, str) and "-----BEGIN" not in source:
        return f"a text is PEM itself; for a file give Path({source!r:.80})"
    return None


def _refused(message: str, hint: str | None = None) -> Refused:
    return Refused(message, status="INVALID_ARGUMENT", hint=hint)
