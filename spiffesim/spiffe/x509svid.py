"""The X.509-SVID as a value: a chain of certificates, and the private key of its leaf.

Spec: X509-SVID 2 to 4
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from spiffesim.errors import InvalidSvid
from spiffesim.instants import moment, rfc3339
from spiffesim.spiffe.face import Face, Shown
from spiffesim.spiffe.files import write_files
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.rules.x509 import X509_SVID
from spiffesim.spiffe.x509 import der
from spiffesim.spiffe.x509.certificate import Certificate, load_certificate, read_certificate
from spiffesim.spiffe.x509.limits import MAX_CHAIN, check_chain, check_chain_octets
from spiffesim.spiffe.x509.pem import read_certificates, read_pem, write_pem
from spiffesim.spiffe.x509.privatekey import as_pkcs8, load_key
from spiffesim.spiffe.x509.problems import issuer_problems, leaf_problems

if TYPE_CHECKING:
    import ssl

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

_PathLike: TypeAlias = str | os.PathLike[str]

# What go-spiffe's x509svid.Parse refuses; the other rules are for those who validate.
_OF_BOTH: Final = ("version", "unique_extensions")
_OF_A_LEAF: Final = (
    *_OF_BOTH,
    "one_uri",
    "spiffe_id",
    "spiffe_id_path",
    "leaf_not_ca",
    "key_usage_present",
    "digital_signature",
    "no_key_cert_sign",
    "no_crl_sign",
)
_OF_AN_ISSUER: Final = (*_OF_BOTH, "issuer_is_ca", "issuer_key_usage", "issuer_key_cert_sign")


def _ders(certificates: Iterable[bytes | bytearray | memoryview]) -> tuple[bytes, ...]:
    # Copies of what its owner may change: the value never does.
    return tuple(bytes(der) if isinstance(der, bytearray | memoryview) else der for der in certificates)


@attrs.frozen(slots=False, repr=False)  # not slotted: certificates and key are read when somebody looks
class X509Svid(Shown):
    """An X.509-SVID: a chain, and the private key of its leaf.

    Nothing about it has been verified: for that there is
    :func:`~spiffesim.spiffe.validation.validate_x509_svid`. :meth:`parse` and :meth:`parse_raw` read
    it at once; without them, bytes that cannot be read are found out by whoever looks at an attribute.

    Attributes:
        chain: The certificates as DER, the leaf first, without the root.
        private_key_der: The private key of the leaf, as PKCS#8 DER.
        hint: What the issuer says it is for, where a workload has several.
    """

    chain: tuple[bytes, ...] = attrs.field(converter=_ders)
    private_key_der: bytes
    hint: str = ""

    # Documents

    @classmethod
    def parse(cls, pem: bytes | str, private_key_pem: bytes | str | None = None, *, hint: str = "") -> X509Svid:
        """Read an SVID from PEM: the chain, the leaf first, and its key.

        Args:
            pem: The certificates; with the private key, if that is not given apart.
            private_key_pem: The private key: PKCS#8, SEC 1 or PKCS#1, not encrypted.
            hint: What the issuer says it is for.

        Raises:
            InvalidSvid: If it cannot be read, a certificate cannot be what its place says, or the key
                is not the leaf's: what go-spiffe refuses, too. Other rules are for those who validate.

        Spec: X509-SVID 2 to 4
        """
        blocks = _blocks(pem) if private_key_pem is None else _blocks(pem) + _blocks(private_key_pem)
        keys = [(label, data) for label, data in blocks if label.endswith("PRIVATE KEY")]
        if len(keys) != 1:
            raise _refuse("private_key", f"the PEM text holds {len(keys)} private keys, not one", "RFC 7468 10")
        label, data = keys[0]
        if label == "ENCRYPTED PRIVATE KEY":
            raise _refuse("private_key", "the private key is encrypted; decrypt it first", "RFC 7468 11")
        svid = cls([data for label, data in blocks if label == "CERTIFICATE"], as_pkcs8(label, data), hint)
        return _checked(svid)

    @classmethod
    def parse_raw(cls, chain: bytes, private_key: bytes, *, hint: str = "") -> X509Svid:
        """Read an SVID from DER, as the Workload API sends it.

        Args:
            chain: The certificates one after the other, the leaf first.
            private_key: The private key, as PKCS#8.
            hint: What the issuer says it is for.

        Raises:
            InvalidSvid: As for :meth:`parse`.

        Spec: SPIFFE Workload API 5.2.1
        """
        return _checked(cls(_split(chain), private_key, hint))

    @property
    def chain_pem(self) -> bytes:
        """The certificates as PEM, the leaf first."""
        return b"".join(write_pem("CERTIFICATE", certificate) for certificate in self.chain)

    @property
    def chain_der(self) -> bytes:
        """The certificates as DER, one after the other, the leaf first."""
        return b"".join(self.chain)

    @property
    def private_key_pem(self) -> bytes:
        """The private key as PEM (PKCS#8)."""
        return write_pem("PRIVATE KEY", self.private_key_der)

    def save(self, chain_path: _PathLike, private_key_path: _PathLike | None = None) -> None:
        """Write the SVID to files, as PEM.

        The files are put into their places once both are written: a full disk loses nothing.

        Args:
            chain_path: Where the certificates go.
            private_key_path: Where the key goes, which only its owner may read; by default into the
                same file, which then only its owner may read.

        Raises:
            OSError: If a file cannot be written.
        """
        chain = Path(chain_path)
        key = chain if private_key_path is None else Path(private_key_path)
        if key == chain:
            write_files([(chain, self.chain_pem + self.private_key_pem, 0o600)])
        else:
            write_files([(key, self.private_key_pem, 0o600), (chain, self.chain_pem, 0o644)])

    # Certificates and key

    @cached_property
    def parsed(self) -> tuple[Certificate, ...]:
        """The certificates as the validator reads them, the leaf first.

        Raises:
            InvalidSvid: If there is none, one cannot be read, or they are more than are read.
        """
        check_chain(self.chain)
        return (self._own, *(read_certificate(certificate) for certificate in self.chain[1:]))

    @cached_property
    def _own(self) -> Certificate:
        """The leaf as the validator reads it: whoever asks for the SPIFFE ID need not wait for the others."""
        if not self.chain:
            raise _no_certificate()
        return read_certificate(self.chain[0])

    @cached_property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """The certificates as ``cryptography`` has them, the leaf first.

        Raises:
            InvalidSvid: If one cannot be loaded.
        """
        check_chain(self.chain)
        try:
            return tuple(map(load_certificate, self.chain))
        except ValueError as error:
            raise _refuse("certificate_encoding", f"a certificate cannot be loaded: {error}", "RFC 5280 4.1") from None

    @property
    def leaf(self) -> x509.Certificate:
        """The certificate of the workload, as ``cryptography`` has it.

        Raises:
            InvalidSvid: If there is none, or one cannot be loaded.
        """
        if not self.chain:
            raise _no_certificate()
        return self.certificates[0]

    @cached_property
    def private_key(self) -> PrivateKeyTypes:
        """The private key, as ``cryptography`` has it.

        Raises:
            InvalidSvid: If it cannot be loaded.
        """
        # Those who parse have had the key checked in full; others make the value from a key of their own.
        return load_key(self.private_key_der, trusted=True)

    @property
    def spiffe_id(self) -> SpiffeId:
        """The SPIFFE ID: the one URI of the leaf.

        Raises:
            InvalidSvid: If the leaf cannot be read, or has not exactly one URI.
            InvalidSpiffeId: If the URI is not a SPIFFE ID.
        """
        return self._own.spiffe_id

    @property
    def not_before(self) -> datetime:
        """The first instant of the leaf, an aware UTC datetime."""
        return moment(self._own.not_before)

    @property
    def not_after(self) -> datetime:
        """The last instant of the leaf, an aware UTC datetime."""
        return moment(self._own.not_after)

    @property
    def serial_number(self) -> int:
        """The serial number of the leaf."""
        return self._own.serial

    # TLS

    def configure_cert(self, ssl_context: ssl.SSLContext) -> None:
        """Let a TLS context present this SVID (as trustme's method of that name does).

        ``ssl`` uses real time: an SVID outside of it is used all the same, with a warning.

        Raises:
            InvalidSvid: If ``ssl`` cannot use it.

        Warns:
            RealTimeWarning: If the real present is not within its validity.
        """
        from spiffesim.spiffe import tls

        tls.configure_cert(self, ssl_context)

    # What was loaded is not carried along, and keys cannot be.
    def __getstate__(self) -> dict[str, Any]:
        return {"chain": self.chain, "private_key_der": self.private_key_der, "hint": self.hint}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        try:
            leaf = self.parsed[0]
        except InvalidSvid as error:
            return f"<X509Svid that cannot be read: {error.code}>"
        names = ", ".join(leaf.uris) or "no URI"
        validity = f"{rfc3339(leaf.not_before)} to {rfc3339(leaf.not_after)}"
        issuers = f"{len(self.chain) - 1} CA certificate{'s' * (len(self.chain) != 2)}"
        return f"<X509Svid {names}: serial number {leaf.serial}, {validity}, {issuers}>"

    def _face(self) -> Face:
        from spiffesim.spiffe import faces

        return faces.of_x509_svid(self)


def read_chain(data: bytes | str) -> tuple[bytes, ...]:
    """The certificates of a peer as DER, from PEM or from DER one after the other; the leaf comes first.

    Raises:
        InvalidSvid: If they are neither, or more than are read.
    """
    # DER is known by its first octets, not by what it lacks: anybody may write the PEM of somebody else's
    # certificate into an extension of their own. A certificate is longer than 127 bytes, and no text begins so.
    if isinstance(data, bytes) and ((data[:1] == b"\x30" and data[1:2] >= b"\x80") or b"-----BEGIN " not in data):
        return _split(data)
    try:
        chain = tuple(read_certificates(data))
    except ValueError as error:
        raise _refuse("certificate_encoding", f"the chain cannot be read: {error}", "RFC 7468 5") from None
    check_chain(chain)
    return chain


def _split(chain: bytes) -> tuple[bytes, ...]:
    """The certificates that stand one after the other."""
    try:
        view = memoryview(chain)
        check_chain_octets(view.nbytes)
        data = bytes(view)
        # One more than are read, so that it shows when there are too many.
        values = islice(der.values(data, 0, len(data)), MAX_CHAIN + 1)
        certificates = tuple(data[start:end] for _, start, _, end in values)
    except (der.DerError, TypeError) as error:
        raise _refuse(
            "certificate_encoding", f"the chain is not certificates in DER: {error}", "RFC 5280 4.1"
        ) from None
    check_chain(certificates)
    return certificates


def _blocks(pem: bytes | str) -> list[tuple[str, bytes]]:
    try:
        return read_pem(pem)
    except ValueError as error:
        raise _refuse("pem", f"the SVID cannot be read: {error}", "RFC 7468 2") from None


def _checked(svid: X509Svid) -> X509Svid:
    """The SVID, if it is one on the face of it."""
    for depth, certificate in enumerate(svid.parsed):
        problems = issuer_problems(certificate) if depth else leaf_problems(certificate)
        for problem in problems:
            if problem.rule in (_OF_AN_ISSUER if depth else _OF_A_LEAF):
                who = f"certificate {depth} of the chain" if depth else "the leaf"
                clause = X509_SVID[problem.rule].clause
                raise _refuse(problem.rule, f"{who} {problem.text}", clause, depth=depth, **problem.facts)
    key = load_key(svid.private_key_der, trusted=False)
    leaf = svid.parsed[0]
    if key.public_key() != leaf.public_key:
        text = f"the private key is not that of the leaf, {leaf.spiffe_id}"
        raise _refuse("private_key_of_leaf", text, "X509-SVID 4.3")
    svid.__dict__["private_key"] = key  # it need not be loaded again
    return svid


def _no_certificate() -> InvalidSvid:
    return _refuse("chain_present", "the SVID has no certificate", "X509-SVID 5.1")


def _refuse(code: str, message: str, clause: str, **facts: Any) -> InvalidSvid:
    return InvalidSvid(message, code=code, clause=clause, **facts)
