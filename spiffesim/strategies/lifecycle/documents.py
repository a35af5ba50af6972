"""What a lifecycle reads of the documents that it is given, without the library's own readers: it judges those, too."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final, Literal

import attrs
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@attrs.frozen(slots=False)
class Document:
    """An SVID that a workload was given.

    Attributes:
        owner: The workload.
        claimed: Whether, when it was fetched, all was well between the workload and the root server.
    """

    owner: str
    claimed: bool

    kind: Literal["x509", "jwt"] = attrs.field(init=False)

    @property
    def spiffe_id(self) -> str:
        """Whose it is."""
        raise NotImplementedError

    @property
    def begins(self) -> datetime:
        """The first instant at which it is valid."""
        raise NotImplementedError

    @property
    def ends(self) -> datetime:
        """Until when it is valid."""
        raise NotImplementedError

    @property
    def authority(self) -> str:
        """The root that it hangs on, by its subject key identifier in hexadecimal, or the JWT key that signed it."""
        raise NotImplementedError


@attrs.frozen(slots=False)
class X509Document(Document):
    """An X509-SVID.

    Attributes:
        chain: The certificates as DER, the leaf first.
        private_key: The private key of the leaf, as PKCS#8 DER.
    """

    chain: tuple[bytes, ...]
    private_key: bytes = attrs.field(repr=False)

    kind = "x509"

    @cached_property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """The certificates."""
        return tuple(x509.load_der_x509_certificate(der) for der in self.chain)

    @cached_property
    def spiffe_id(self) -> str:
        """The one URI of the leaf."""
        names = self.certificates[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        (uri,) = names.get_values_for_type(x509.UniformResourceIdentifier)
        return uri

    @property
    def begins(self) -> datetime:
        """The first instant of the leaf."""
        return self.certificates[0].not_valid_before_utc

    @property
    def ends(self) -> datetime:
        """The last instant of the leaf."""
        return self.certificates[0].not_valid_after_utc

    @cached_property
    def authority(self) -> str:
        """The authority key identifier of the last certificate, in hexadecimal."""
        found = self.certificates[-1].extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        return (found.key_identifier or b"").hex()


@attrs.frozen(slots=False)
class JwtDocument(Document):
    """A JWT-SVID.

    Attributes:
        token: The token.
        audience: For whom it was fetched.
    """

    token: str
    audience: str

    kind = "jwt"

    @cached_property
    def header(self) -> dict[str, Any]:
        """The header."""
        return read_part(self.token, 0)

    @cached_property
    def claims(self) -> dict[str, Any]:
        """The claims."""
        return read_part(self.token, 1)

    @property
    def spiffe_id(self) -> str:
        """``sub``."""
        return str(self.claims.get("sub"))

    @property
    def begins(self) -> datetime:
        """``nbf``, or else ``iat``."""
        return _moment(self.claims.get("nbf", self.claims.get("iat", 0)))

    @property
    def ends(self) -> datetime:
        """``exp``."""
        return _moment(self.claims["exp"]) if "exp" in self.claims else _NEVER

    @property
    def authority(self) -> str:
        """``kid``."""
        return str(self.header.get("kid", ""))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def read_part(token: str, place: int) -> dict[str, Any]:
    """The header or the claims of a token.

    Raises:
        AssertionError: If it is none.
    """
    try:
        part = token.split(".")[place]
        members: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, IndexError) as error:
        raise AssertionError(f"a workload was given what is no token: {token!r:.80} ({error})") from error
    return members


def root_of(last: x509.Certificate, roots: Sequence[bytes]) -> x509.Certificate | None:
    """The root that signed a certificate, of those in a bundle; None if it is not there."""
    wanted = last.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    for root in map(x509.load_der_x509_certificate, roots):
        key_id = root.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_KEY_IDENTIFIER).value
        if isinstance(key_id, x509.SubjectKeyIdentifier) and key_id.digest == wanted:
            return root
    return None
