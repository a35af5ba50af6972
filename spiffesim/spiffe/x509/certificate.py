"""One certificate, read strictly from DER, with only what SPIFFE needs to know of it.

Spec: RFC 5280 4.1
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import attrs

from spiffesim.errors import InvalidSpiffeId, InvalidSvid
from spiffesim.instants import Microseconds, moment
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.x509 import der, fields
from spiffesim.spiffe.x509.der import DerError
from spiffesim.spiffe.x509.extensions import Extensions, read_extensions
from spiffesim.spiffe.x509.limits import MAX_SERIAL, check_certificate

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

    from spiffesim.spiffe.x509.problems import Problem
    from spiffesim.spiffe.x509.publickey import Signer

_NO_EXTENSIONS: Final = Extensions()
_EMPTY_NAME: Final = b"\x30\x00"


class Certificate:
    """One certificate; it never changes, and what is worked out of it is worked out once.

    Attributes:
        der: All its bytes.
        version: 3, if it is one of ours.
        tbs: The bytes that are signed.
        signature: The signature over them.
        signature_algorithm: The AlgorithmIdentifier outside, as DER.
        inner_algorithm: The AlgorithmIdentifier inside the signed bytes, as DER.
        serial: The serial number.
        issuer: Who signed it: a Name, as DER.
        subject: Whom it is about: a Name, as DER.
        not_before: Its first instant, in microseconds since 1970.
        not_after: Its last instant, in microseconds since 1970.
        spki: The SubjectPublicKeyInfo, as DER.
        extensions: What the extensions say.
        subject_key_id: The subject key identifier, or None.
        authority_key_id: The authority key identifier, or None.
        path_length: The path length constraint, or None.
    """

    __slots__ = (
        "_key_id",
        "_public_key",
        "_spiffe_id",
        "authority_key_id",
        "der",
        "extensions",
        "inner_algorithm",
        "issuer",
        "issuer_grade",
        "issuer_problems",
        "leaf_problems",
        "not_after",
        "not_before",
        "path_length",
        "serial",
        "signature",
        "signature_algorithm",
        "signature_check",
        "signer",
        "spki",
        "subject",
        "subject_key_id",
        "tbs",
        "utc_times",
        "version",
    )

    der: bytes
    tbs: bytes
    signature: bytes
    signature_algorithm: bytes
    inner_algorithm: bytes
    version: int
    serial: int
    issuer: bytes
    subject: bytes
    not_before: Microseconds
    not_after: Microseconds
    utc_times: tuple[bool, bool]
    spki: bytes
    extensions: Extensions
    # Worked out by algorithms, problems and path, once a certificate.
    signer: Signer | None
    signature_check: tuple[str, tuple[Any, ...]] | None
    leaf_problems: tuple[Problem, ...] | None
    issuer_problems: tuple[Problem, ...] | None
    issuer_grade: int | None

    def __init__(self, data: bytes) -> None:
        self.der = data
        self.extensions = _NO_EXTENSIONS
        self.leaf_problems = self.issuer_problems = None
        self.signer = self.signature_check = self.issuer_grade = None
        self._spiffe_id: SpiffeId | None = None
        self._public_key: CertificatePublicKeyTypes | None = None
        self._key_id: bytes | None = None
        _read(self, data)
        self.subject_key_id = self.extensions.subject_key_id
        self.authority_key_id = self.extensions.authority_key_id
        self.path_length = self.extensions.path_length

    @property
    def is_ca(self) -> bool:
        """Whether the basic constraints say that it is a CA certificate."""
        return self.extensions.is_ca

    @property
    def key_usage(self) -> int | None:
        """The key usage as a mask of bits (``extensions.KEY_CERT_SIGN``), or None."""
        return self.extensions.key_usage

    @property
    def uris(self) -> tuple[str, ...]:
        """The URIs among its alternative names."""
        return self.extensions.uris

    @property
    def dns_names(self) -> tuple[str, ...]:
        """The DNS names among its alternative names."""
        return self.extensions.dns_names

    @property
    def self_issued(self) -> bool:
        """Whether issuer and subject are the same name (it need not be self-signed)."""
        return self.issuer == self.subject

    @property
    def has_subject(self) -> bool:
        """Whether the subject is more than an empty name."""
        return self.subject != _EMPTY_NAME

    @property
    def spiffe_id(self) -> SpiffeId:
        """The SPIFFE ID: its one URI.

        Raises:
            InvalidSvid: If there is no URI, or more than one.
            InvalidSpiffeId: If the URI is not a SPIFFE ID.
        """
        if self._spiffe_id is None:
            uris = self.extensions.uris
            if len(uris) != 1:
                raise InvalidSvid(
                    f"the certificate has {len(uris)} URIs among its alternative names, not exactly one",
                    code="one_uri",
                    clause="X509-SVID 2",
                    uris=uris,
                )
            self._spiffe_id = SpiffeId(uris[0])
        return self._spiffe_id

    @property
    def readable_spiffe_id(self) -> SpiffeId | None:
        """The SPIFFE ID, or None if it has none."""
        try:
            return self.spiffe_id
        except (InvalidSvid, InvalidSpiffeId):
            return None

    @property
    def public_key(self) -> CertificatePublicKeyTypes:
        """The public key.

        Raises:
            InvalidSvid: If ``cryptography`` cannot load it.
        """
        if self._public_key is None:
            self._public_key = load_public_key(self.spki)
        return self._public_key

    @property
    def key_id(self) -> bytes:
        """The subject key identifier, or else the SHA-1 of the public key's bits (RFC 5280 4.2.1.2, method 1)."""
        if self._key_id is None:
            self._key_id = (
                self.subject_key_id or hashlib.sha1(fields.key_bits(self.spki), usedforsecurity=False).digest()
            )
        return self._key_id

    def __eq__(self, other: object) -> bool:
        return self.der == other.der if isinstance(other, Certificate) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.der)

    # What was worked out is not carried along, and keys cannot be.
    def __reduce__(self) -> tuple[type[Certificate], tuple[bytes]]:
        return Certificate, (self.der,)

    def __repr__(self) -> str:
        names = ", ".join(self.extensions.uris) or f"serial {self.serial}"
        kind = "CA" if self.is_ca else "leaf"
        return f"<Certificate {names} ({kind}, {moment(self.not_before)} to {moment(self.not_after)})>"


def _once_each(certificates: Iterable[Certificate]) -> tuple[Certificate, ...]:
    return tuple(dict.fromkeys(certificates))


@attrs.frozen(eq=False, repr=False)
class Anchors:
    """The X.509 authorities of one bundle, findable by name; they never change.

    Attributes:
        certificates: All of them, without repetitions.
        by_subject: Those with a certain subject.
    """

    certificates: tuple[Certificate, ...] = attrs.field(converter=_once_each)
    by_subject: Mapping[bytes, tuple[Certificate, ...]] = attrs.field(init=False)

    @by_subject.default
    def _found_by_name(self) -> Mapping[bytes, tuple[Certificate, ...]]:
        found: dict[bytes, list[Certificate]] = {}
        for certificate in self.certificates:
            found.setdefault(certificate.subject, []).append(certificate)
        return MappingProxyType({subject: tuple(namesakes) for subject, namesakes in found.items()})


def read_certificate(data: Any) -> Certificate:
    """Read one certificate strictly from DER.

    Raises:
        InvalidSvid: If the bytes are not exactly one certificate, or more than ``MAX_CERTIFICATE``.
    """
    try:
        check_certificate(data)
        return Certificate(bytes(data) if isinstance(data, bytearray | memoryview) else data)
    except DerError as error:
        raise InvalidSvid(
            f"{len(data)} bytes are not an X.509 certificate: {error}",
            code="certificate_encoding",
            clause="RFC 5280 4.1",
            reason=str(error),
        ) from None
    except TypeError:
        raise InvalidSvid(
            f"a certificate is given as its DER bytes, not as {type(data).__name__}",
            code="certificate_encoding",
            clause="RFC 5280 4.1",
            reason="not bytes",
        ) from None


@lru_cache(maxsize=1_024)  # the same few authorities sign everything; to load a key, and use it first, costs 11 us
def load_public_key(spki: bytes) -> Any:
    """The public key in a SubjectPublicKeyInfo.

    Raises:
        InvalidSvid: If ``cryptography`` cannot load it.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        return load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidSvid(
            f"the public key of the certificate cannot be used: {error}",
            code="public_key",
            clause="RFC 5280 4.1.2.7",
        ) from None


def load_certificate(data: bytes) -> x509.Certificate:
    """A certificate as ``cryptography`` has it.

    Raises:
        ValueError: With its reason, if it cannot load it.
    """
    from cryptography.utils import CryptographyDeprecationWarning
    from cryptography.x509 import InvalidVersion, load_der_x509_certificate

    with warnings.catch_warnings():
        # Of serial numbers that are not positive it warns only; what happens is not up to the caller's filters.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        try:
            return load_der_x509_certificate(data)
        except (TypeError, InvalidVersion) as error:
            raise ValueError(str(error)) from None


def _read(into: Certificate, data: bytes) -> None:
    if type(data) is not bytes:
        raise TypeError
    start, end = der.whole(data, der.SEQUENCE)
    inside, tbs_end = der.content_at(data, start, end, der.SEQUENCE)
    into.tbs = data[start:tbs_end]
    into.signature_algorithm, at = fields.algorithm_at(data, tbs_end, end)
    bits, stop = der.content_at(data, at, end, der.BIT_STRING)
    unused, into.signature = der.bits_of(data, bits, stop)
    if unused or stop != end:
        raise DerError("the signature has unused bits, or something follows it")
    _read_tbs(into, data, inside, tbs_end)


def _read_tbs(into: Certificate, data: bytes, at: int, end: int) -> None:
    into.version, at = fields.version_at(data, at, end)
    start, stop = der.content_at(data, at, end, der.INTEGER)
    if stop - start > MAX_SERIAL:
        raise DerError(f"the serial number has {stop - start} octets, more than {MAX_SERIAL}")
    into.serial = der.integer_of(data, start, stop)
    into.inner_algorithm, at = fields.algorithm_at(data, stop, end)
    into.issuer, at = fields.name_at(data, at, end)
    (into.not_before, into.not_after, into.utc_times), at = fields.validity_at(data, at, end)
    into.subject, at = fields.name_at(data, at, end)
    _, stop = der.content_at(data, at, end, der.SEQUENCE)
    into.spki = data[at:stop]
    fields.check_spki(into.spki)
    _read_rest(into, data, stop, end)


def _read_rest(into: Certificate, data: bytes, at: int, end: int) -> None:
    """The unique identifiers, which nobody uses, and the extensions."""
    last = 0x80
    while at < end:
        tag, start, stop = der.value_at(data, at, end)
        if tag == 0xA3:
            into.extensions = read_extensions(data, start, stop)
        elif tag in (0x81, 0x82) and last < tag:
            der.bits_of(data, start, stop)
        else:
            raise DerError(f"tag 0x{tag:02x} does not belong at byte {at}")
        if last == 0xA3:
            raise DerError(f"something follows the extensions at byte {at}")
        last, at = tag, stop
