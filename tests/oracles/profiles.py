"""What SPIRE's certificates look like, whole: every field, checked with cryptography's parser.

SPIRE: pkg/server/credtemplate/builder.go, pkg/common/x509svid/upstreamca.go
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtensionOID, NameOID, ObjectIdentifier, SignatureAlgorithmOID

BACKDATE: Final = timedelta(seconds=10)

COUNTRY, ORGANIZATION, UNIT = NameOID.COUNTRY_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME
COMMON_NAME, SERIAL_NUMBER = NameOID.COMMON_NAME, NameOID.SERIAL_NUMBER

KEY_USAGE, EXTENDED, BASIC = (
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.BASIC_CONSTRAINTS,
)
SUBJECT_KEY, AUTHORITY_KEY, NAMES = (
    ExtensionOID.SUBJECT_KEY_IDENTIFIER,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
)
CRITICAL: Final = (KEY_USAGE, BASIC)

# The DER of what never changes.
SIGNS: Final = bytes.fromhex("03020106")  # keyCertSign, cRLSign
SPEAKS: Final = bytes.fromhex("030203a8")  # digitalSignature, keyEncipherment, keyAgreement
IS_CA: Final = bytes.fromhex("30030101ff")  # no path length
IS_LEAF: Final = bytes.fromhex("3000")
BOTH_ENDS: Final = bytes.fromhex("301406082b0601050507030106082b06010505070302")  # serverAuth, clientAuth


def read(der: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(der)


def names_in(name: x509.Name) -> list[list[tuple[ObjectIdentifier, str]]]:
    """The attributes of a name, RDN by RDN, each set sorted; every string is of the type that Go chooses."""
    for attribute in name:
        printable = all(
            letter.isascii() and (letter.isalnum() or letter in " '()+,-./:=?") for letter in str(attribute.value)
        )
        assert attribute._type is (_ASN1Type.PrintableString if printable else _ASN1Type.UTF8String)
    return [sorted(((part.oid, str(part.value)) for part in rdn), key=lambda part: part[1]) for rdn in name.rdns]


def single(*attributes: tuple[ObjectIdentifier, str]) -> list[list[tuple[ObjectIdentifier, str]]]:
    """What ``names_in`` gives where every RDN has one attribute."""
    return [[attribute] for attribute in attributes]


def key_id(certificate: x509.Certificate) -> bytes:
    return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def assert_has_the_common_base(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    *,
    extensions: Sequence[tuple[ObjectIdentifier, bytes]],
    uri: str,
    dns_names: Sequence[str] = (),
    now: datetime,
    ttl: timedelta,
) -> None:
    """What every certificate of SPIRE has in common; ``issuer`` is the certificate itself where it signs itself."""
    own = certificate is issuer
    assert certificate.version is x509.Version.v3
    assert 1 <= certificate.serial_number < 2**128
    signer = issuer.public_key()
    if isinstance(signer, rsa.RSAPublicKey):
        algorithm = SignatureAlgorithmOID.RSA_WITH_SHA256
    else:
        assert isinstance(signer, ec.EllipticCurvePublicKey)
        algorithm = {256: SignatureAlgorithmOID.ECDSA_WITH_SHA256, 384: SignatureAlgorithmOID.ECDSA_WITH_SHA384}[
            signer.key_size
        ]
    assert certificate.signature_algorithm_oid == algorithm
    assert certificate.issuer.public_bytes() == issuer.subject.public_bytes()
    certificate.verify_directly_issued_by(issuer)

    second = now.replace(microsecond=0)
    assert certificate.not_valid_before_utc == second - BACKDATE
    end = (now + ttl).replace(microsecond=0)
    assert certificate.not_valid_after_utc == (end if own else min(end, issuer.not_valid_after_utc))

    found = list(certificate.extensions)
    expected = [oid for oid, _ in extensions] + [SUBJECT_KEY] + ([] if own else [AUTHORITY_KEY]) + [NAMES]
    assert [extension.oid for extension in found] == expected
    assert [extension.oid for extension in found if extension.critical] == [oid for oid in expected if oid in CRITICAL]
    values = {extension.oid: extension.value for extension in found}
    assert [(oid, values[oid].public_bytes()) for oid, _ in extensions] == list(extensions)
    identifier = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    assert values[SUBJECT_KEY] == identifier
    if not own:
        assert values[AUTHORITY_KEY] == x509.AuthorityKeyIdentifier(key_id(issuer), None, None)
    alternatives = [x509.DNSName(name) for name in dns_names] + [x509.UniformResourceIdentifier(uri)]
    assert values[NAMES] == x509.SubjectAlternativeName(alternatives)


CA_EXTENSIONS: Final = ((KEY_USAGE, SIGNS), (BASIC, IS_CA))
SVID_EXTENSIONS: Final = ((KEY_USAGE, SPEAKS), (EXTENDED, BOTH_ENDS), (BASIC, IS_LEAF))


def assert_is_self_signed_ca(
    der: bytes, *, trust_domain: str = "example.org", now: datetime, ttl: timedelta = timedelta(hours=24)
) -> x509.Certificate:
    """Profile (a): the CA of a root server."""
    certificate = read(der)
    assert_has_the_common_base(
        certificate, certificate, extensions=CA_EXTENSIONS, uri=f"spiffe://{trust_domain}", now=now, ttl=ttl
    )
    assert names_in(certificate.subject) == single(
        (COUNTRY, "US"), (ORGANIZATION, "SPIFFE"), (SERIAL_NUMBER, str(certificate.serial_number))
    )
    return certificate


def assert_is_upstream_signed_ca(
    der: bytes,
    issuer: bytes,
    *,
    trust_domain: str = "example.org",
    now: datetime,
    ttl: timedelta = timedelta(hours=24),
) -> x509.Certificate:
    """Profile (b): the CA of a server whose upstream authority is ``disk``."""
    certificate = read(der)
    assert_has_the_common_base(
        certificate, read(issuer), extensions=CA_EXTENSIONS, uri=f"spiffe://{trust_domain}", now=now, ttl=ttl
    )
    country, organization, [(oid, number)] = names_in(certificate.subject)
    assert (country, organization, oid) == ([(COUNTRY, "US")], [(ORGANIZATION, "SPIFFE")], SERIAL_NUMBER)
    # The CSR has a serial number of its own, which is thrown away.
    assert 1 <= int(number) < 2**128
    assert int(number) != certificate.serial_number
    return certificate


def assert_is_downstream_ca(
    der: bytes,
    issuer: bytes,
    *,
    number: int,
    trust_domain: str = "example.org",
    now: datetime,
    ttl: timedelta = timedelta(hours=24),
) -> x509.Certificate:
    """Profile (c): the CA of a nested server; ``number`` is the length of the signer's chain."""
    certificate, above = read(der), read(issuer)
    assert_has_the_common_base(
        certificate, above, extensions=CA_EXTENSIONS, uri=f"spiffe://{trust_domain}", now=now, ttl=ttl
    )
    copied = {oid: text for [(oid, text)] in names_in(above.subject)}
    copied[UNIT] = f"DOWNSTREAM-{number}"
    order = (COUNTRY, ORGANIZATION, UNIT, COMMON_NAME, SERIAL_NUMBER)
    assert names_in(certificate.subject) == single(*((oid, copied[oid]) for oid in order if oid in copied))
    return certificate


def _assert_is_svid(
    der: bytes, issuer: bytes, uri: str, *, now: datetime, ttl: timedelta, dns_names: Sequence[str] = ()
) -> x509.Certificate:
    certificate = read(der)
    assert_has_the_common_base(
        certificate,
        read(issuer),
        extensions=SVID_EXTENSIONS,
        uri=uri,
        dns_names=dns_names,
        now=now,
        ttl=ttl,
    )
    common_name = [(COMMON_NAME, dns_names[0])] if dns_names else []
    assert names_in(certificate.subject) == single((COUNTRY, "US"), (ORGANIZATION, "SPIRE"), *common_name)
    return certificate


def assert_is_agent_svid(
    der: bytes, issuer: bytes, *, spiffe_id: str, now: datetime, ttl: timedelta = timedelta(hours=1)
) -> x509.Certificate:
    """Profile (d): the SVID of an agent."""
    assert "/spire/agent/" in spiffe_id
    return _assert_is_svid(der, issuer, spiffe_id, now=now, ttl=ttl)


def assert_is_workload_svid(
    der: bytes,
    issuer: bytes,
    *,
    spiffe_id: str,
    now: datetime,
    ttl: timedelta = timedelta(hours=1),
    dns_names: Sequence[str] = (),
) -> x509.Certificate:
    """Profile (e): the SVID of a workload, that of a nested server as its parent's workload included."""
    return _assert_is_svid(der, issuer, spiffe_id, now=now, ttl=ttl, dns_names=dns_names)


def assert_is_server_svid(
    der: bytes,
    issuer: bytes,
    *,
    trust_domain: str = "example.org",
    now: datetime,
    ttl: timedelta = timedelta(hours=1),
) -> x509.Certificate:
    """Profile (f): the SVID of a server, whichever it is."""
    return _assert_is_svid(der, issuer, f"spiffe://{trust_domain}/spire/server", now=now, ttl=ttl)
