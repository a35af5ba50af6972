"""Profiles: what SPIRE puts into each kind of document, as pure functions of what is asked for.

A certificate's profile is encoded once for each authority (:class:`Template`) and then only filled in:
the bytes are those that Go's ``x509.CreateCertificate`` makes of SPIRE's templates.

SPIRE: pkg/server/credtemplate/builder.go, pkg/common/x509svid/upstreamca.go
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import attrs

from spiffesim.errors import InvalidInput
from spiffesim.golang import valid_string
from spiffesim.instants import Microseconds
from spiffesim.spiffe.x509 import der

_COUNTRY: Final = "2.5.4.6"
_ORGANIZATION: Final = "2.5.4.10"
_ORGANIZATIONAL_UNIT: Final = "2.5.4.11"
_COMMON_NAME: Final = "2.5.4.3"
_SERIAL_NUMBER: Final = "2.5.4.5"
# The attributes that Go's pkix.Name keeps when it copies a name, in the order in which it writes them:
# country, province, locality, street, postal code, organization, unit, common name, serial number.
_NAME_ORDER: Final = (
    _COUNTRY,
    "2.5.4.8",
    "2.5.4.7",
    "2.5.4.9",
    "2.5.4.17",
    _ORGANIZATION,
    _ORGANIZATIONAL_UNIT,
    _COMMON_NAME,
    _SERIAL_NUMBER,
)
_SINGLE_VALUED: Final = (_COMMON_NAME, _SERIAL_NUMBER)
# How Go reads the two old kinds of string that are not ASCII or UTF-8: T61String and BMPString.
_CHARACTERS: Final = {0x14: "latin-1", 0x1E: "utf-16-be"}


@attrs.frozen(eq=False)
class Profile:
    """A kind of certificate.

    Attributes:
        name: What it is called here.
        ca: Whether it is a CA certificate.
    """

    name: str
    ca: bool


SELF_SIGNED_CA: Final = Profile("self_signed_ca", ca=True)
UPSTREAM_SIGNED_CA: Final = Profile("upstream_signed_ca", ca=True)
DOWNSTREAM_CA: Final = Profile("downstream_ca", ca=True)
AGENT_SVID: Final = Profile("agent_svid", ca=False)
WORKLOAD_SVID: Final = Profile("workload_svid", ca=False)
SERVER_SVID: Final = Profile("server_svid", ca=False)


# Certificates


def _extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    flag = der.boolean(True) if critical else b""
    return der.sequence(der.oid(oid), flag, der.octet_string(value))


_V3: Final = der.tlv(0xA0, der.integer(2))
_BASIC_CONSTRAINTS: Final = "2.5.29.19"
_BEFORE_KEY_ID: Final = {
    # keyCertSign and cRLSign; no path length, so that nothing limits the depth of nesting
    True: _extension("2.5.29.15", der.bit_string(b"\x06", 1), critical=True)
    + _extension(_BASIC_CONSTRAINTS, der.sequence(der.boolean(True)), critical=True),
    # digitalSignature, keyEncipherment and keyAgreement; serverAuth and clientAuth
    False: _extension("2.5.29.15", der.bit_string(b"\xa8", 3), critical=True)
    + _extension("2.5.29.37", der.sequence(der.oid("1.3.6.1.5.5.7.3.1"), der.oid("1.3.6.1.5.5.7.3.2")))
    + _extension(_BASIC_CONSTRAINTS, der.sequence(), critical=True),
}
_KEY_ID: Final = _extension("2.5.29.14", der.octet_string(bytes(20)))[:-20]  # the 20 bytes are filled in
_SAN_OID: Final = der.oid("2.5.29.17")
_SIGNATURES: Final = {
    "ec-p256": der.sequence(der.oid("1.2.840.10045.4.3.2")),
    "ec-p384": der.sequence(der.oid("1.2.840.10045.4.3.3")),
    "ec-p521": der.sequence(der.oid("1.2.840.10045.4.3.4")),
    "rsa": der.sequence(der.oid("1.2.840.113549.1.1.11"), b"\x05\x00"),
}


class Template:
    """A profile as one authority signs it: everything that is the same each time is encoded once.

    Args:
        profile: The kind of certificate.
        issuer: The subject of the authority, a Name as DER.
        issuer_key_id: The authority's subject key identifier; None leaves the authority key
            identifier out, as on a self-signed CA.
        key_type: The type of the key that signs.
    """

    __slots__ = ("_after_key_id", "_algorithm", "_before_key_id", "_issuer")

    def __init__(self, profile: Profile, *, issuer: bytes, issuer_key_id: bytes | None, key_type: str) -> None:
        self._algorithm = _SIGNATURES["rsa" if key_type.startswith("rsa") else key_type]
        self._issuer = self._algorithm + issuer
        self._before_key_id = _BEFORE_KEY_ID[profile.ca] + _KEY_ID
        self._after_key_id = b""
        if issuer_key_id is not None:
            self._after_key_id = _extension("2.5.29.35", der.sequence(der.tlv(0x80, issuer_key_id)))

    def tbs(
        self,
        *,
        serial: int,
        not_before: Microseconds,
        not_after: Microseconds,
        subject: bytes,
        spki: bytes,
        key_id: bytes,
        spiffe_id: str,
        dns_names: Iterable[str] = (),
    ) -> bytes:
        """The bytes to sign.

        Args:
            serial: The serial number.
            not_before: The first instant, in microseconds.
            not_after: The last instant, in microseconds.
            subject: Whom it is about, a Name as DER that is not empty.
            spki: The SubjectPublicKeyInfo.
            key_id: The subject key identifier, 20 bytes.
            spiffe_id: The URI among the alternative names.
            dns_names: The DNS names, which come before it.
        """
        uri = spiffe_id.encode()
        names = der.head(0x86, len(uri)) + uri
        if dns_names:
            names = b"".join([der.tlv(0x82, name.encode()) for name in dns_names]) + names
        before_names = self._before_key_id + key_id + self._after_key_id + _before_names(len(names))
        body = b"".join(
            (
                _V3,
                der.integer(serial),
                self._issuer,
                _validity(not_before, not_after),
                subject,
                spki,
                _before_extensions(len(before_names) + len(names)),
                before_names,
                names,
            )
        )
        return der.head(der.SEQUENCE, len(body)) + body

    def certificate(self, tbs: bytes, signature: bytes) -> bytes:
        """The certificate as DER, given the signature over its bytes to sign."""
        body = tbs + self._algorithm + der.head(der.BIT_STRING, len(signature) + 1) + b"\x00" + signature
        return der.head(der.SEQUENCE, len(body)) + body


# Lengths stand before what they count. Working these out each time would cost a tenth of the signature.
@lru_cache(maxsize=4096)
def _before_names(length: int) -> bytes:
    """What stands in the extensions before alternative names of this length."""
    names = bytes(length)
    return der.sequence(_SAN_OID, der.octet_string(der.sequence(names))).removesuffix(names)


@lru_cache(maxsize=4096)
def _before_extensions(length: int) -> bytes:
    """What stands before extensions of this length."""
    extensions = bytes(length)
    return der.tlv(0xA3, der.sequence(extensions)).removesuffix(extensions)


@lru_cache(maxsize=256)  # what is issued at the same instant lives equally long
def _validity(not_before: Microseconds, not_after: Microseconds) -> bytes:
    return der.sequence(der.time(not_before), der.time(not_after))


# Names


def _name(values: Mapping[str, Sequence[str]]) -> bytes:
    """A Name as Go writes a ``pkix.Name``: one set an attribute, however many values it has."""
    sets = []
    for oid in _NAME_ORDER:
        texts = [text for text in values.get(oid, ()) if text or oid not in _SINGLE_VALUED]
        if texts:
            sets.append(der.tlv(der.SET, *sorted(_attribute(oid, text) for text in texts)))
    return der.sequence(*sets)


@lru_cache(maxsize=1024)  # all CAs of a trust domain have most of them in common
def _attribute(oid: str, text: str) -> bytes:
    return der.sequence(der.oid(oid), der.printable_or_utf8(text))


def ca_subject(
    serial: int,
    *,
    country: Sequence[str] = ("US",),
    organization: Sequence[str] = ("SPIFFE",),
    common_name: str = "",
) -> bytes:
    """The subject of a CA of our own, a Name as DER: that of ``ca_subject``, and the serial number in decimal."""
    return _name(
        {
            _COUNTRY: country,
            _ORGANIZATION: organization,
            _COMMON_NAME: (common_name,),
            _SERIAL_NUMBER: (str(serial),),
        }
    )


def downstream_subject(signer: bytes, number: int) -> bytes:
    """The subject of a downstream CA: its signer's, with ``OU=DOWNSTREAM-<number>``.

    Args:
        signer: The signer's subject, a Name as DER. As in Go, only the usual attributes are copied.
        number: The length of the signer's chain of certificates.
    """
    return _name({**_values(signer), _ORGANIZATIONAL_UNIT: (f"DOWNSTREAM-{number}",)})


@lru_cache(maxsize=256)  # all CAs of a trust domain copy the name of its topmost one
def _values(name: bytes) -> Mapping[str, Sequence[str]]:
    """The texts of a Name by attribute; of a common name or serial number the last."""
    found: dict[str, list[str]] = {}
    start, end = der.whole(name, der.SEQUENCE)
    for _, _, set_start, set_end in der.values(name, start, end):
        for _, _, inside, stop in der.values(name, set_start, set_end):
            oid_start, oid_end = der.content_at(name, inside, stop, der.OID)
            tag, text_start, text_end = der.value_at(name, oid_end, stop)
            oid = der.dotted(name[oid_start:oid_end])
            text = name[text_start:text_end].decode(_CHARACTERS.get(tag, "utf-8"), "replace")
            earlier = [] if oid in _SINGLE_VALUED else found.get(oid, [])
            found[oid] = [*earlier, text]
    return found


@lru_cache(maxsize=256)
def svid_subject(dns_names: tuple[str, ...] = ()) -> bytes:
    """The subject of an SVID, a Name as DER: C=US, O=SPIRE, and the first DNS name as its common name."""
    return _name({_COUNTRY: ("US",), _ORGANIZATION: ("SPIRE",), _COMMON_NAME: dns_names[:1]})


# Tokens

JWT_HEADER: Final[Mapping[str, str]] = {"typ": "JWT"}
"""What the header of a JWT-SVID has besides ``alg`` and ``kid``."""

WIT_HEADER: Final[Mapping[str, str]] = {"typ": "wit+jwt"}
"""What the header of a WIT-SVID has besides ``alg`` and ``kid``."""


def read_audience(audience: str | Iterable[str]) -> tuple[str, ...]:
    """Whom a JWT-SVID is asked for: one name or several.

    Raises:
        InvalidInput: If one is not a text that UTF-8 can write.
    """
    names = (audience,) if isinstance(audience, str) else tuple(audience)
    for name in names:
        if not valid_string(name):
            raise InvalidInput(f"an audience is a text that UTF-8 can write, not {name!r}", code="audience", name=name)
    return names


def jwt_claims(
    *, spiffe_id: str, audience: Sequence[str], issued_at: int, expires_at: int, issuer: str = "", jti: str = ""
) -> dict[str, Any]:
    """The claims of a JWT-SVID, in the order in which Go writes a map: by name.

    Args:
        spiffe_id: Whose it is (``sub``).
        audience: Whom it is for; an array even of one.
        issued_at: In seconds since 1970.
        expires_at: In seconds since 1970.
        issuer: ``iss``; left out if empty.
        jti: ``jti``; left out if empty.
    """
    claims: dict[str, Any] = {"aud": list(audience), "exp": expires_at, "iat": issued_at}
    if issuer:
        claims["iss"] = issuer
    if jti:
        claims["jti"] = jti
    claims["sub"] = spiffe_id
    return claims


def wit_claims(
    *, spiffe_id: str, confirmation: Mapping[str, str], issued_at: int, expires_at: int, issuer: str = ""
) -> dict[str, Any]:
    """The claims of a WIT-SVID, likewise; ``confirmation`` is the public JWK with its ``alg``."""
    claims: dict[str, Any] = {"cnf": {"jwk": dict(confirmation)}, "exp": expires_at, "iat": issued_at}
    if issuer:
        claims["iss"] = issuer
    claims["sub"] = spiffe_id
    return claims
