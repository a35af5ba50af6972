"""The same certificate made three times: by the code under test, by cryptography's builder, and by Go.

A case says what is asked for, as SPIRE's own builder is asked. Go's side is in ``go/main.go``.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from spiffesim.keys import Draw, Key
from spiffesim.profiles import (
    AGENT_SVID,
    DOWNSTREAM_CA,
    SELF_SIGNED_CA,
    SERVER_SVID,
    UPSTREAM_SIGNED_CA,
    WORKLOAD_SVID,
    Template,
    ca_subject,
    downstream_subject,
    svid_subject,
)
from spiffesim.randomness import Randomness

PROFILES: Final = {
    profile.name: profile
    for profile in (SELF_SIGNED_CA, UPSTREAM_SIGNED_CA, DOWNSTREAM_CA, AGENT_SVID, WORKLOAD_SVID, SERVER_SVID)
}
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ORDER: Final = (
    ("country", NameOID.COUNTRY_NAME),
    ("organization", NameOID.ORGANIZATION_NAME),
    ("organizational_unit", NameOID.ORGANIZATIONAL_UNIT_NAME),
    ("common_name", NameOID.COMMON_NAME),
    ("serial_number", NameOID.SERIAL_NUMBER),
)


@attrs.frozen(kw_only=True)
class Case:
    """One certificate to make.

    Attributes:
        profile: The name of its profile.
        serial: The serial number.
        not_before: In seconds since 1970.
        not_after: In seconds since 1970.
        uri: The SPIFFE ID.
        dns_names: The DNS names, of a workload SVID.
        subject: What its subject is made of: lists of country and organization, a common name, a serial number. Of
            a downstream CA, that of its signer.
        chain_length: Of a downstream CA, how many certificates its signer presents.
        key: The key that is certified, as PKCS#8.
        signer: The key that signs, as PKCS#8; the same where it signs itself.
        signer_subject: The same as ``subject``, of the signer.
    """

    profile: str
    serial: int
    not_before: int
    not_after: int
    uri: str
    dns_names: tuple[str, ...] = ()
    subject: Mapping[str, Any]
    chain_length: int = 1
    key: bytes
    signer: bytes
    signer_subject: Mapping[str, Any]

    @property
    def self_signed(self) -> bool:
        return self.profile == "self_signed_ca"

    def job(self) -> dict[str, Any]:
        """For Go, as JSON."""
        plain = attrs.asdict(self)
        plain["serial"] = str(self.serial)
        plain["key"], plain["signer"] = self.key.hex(), self.signer.hex()
        return plain

    @classmethod
    def of(cls, job: Mapping[str, Any]) -> Case:
        """The case of a job."""
        more: dict[str, Any] = {
            "serial": int(job["serial"]),
            "dns_names": tuple(job["dns_names"]),
            "key": bytes.fromhex(job["key"]),
            "signer": bytes.fromhex(job["signer"]),
        }
        return cls(**{**job, **more})


def loaded(pkcs8: bytes) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    key = serialization.load_der_private_key(pkcs8, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    return key


# By the code under test


def ours(case: Case) -> bytes:
    """The certificate as a template makes it."""
    key, signer = Key.foreign(loaded(case.key)), Key.foreign(loaded(case.signer))
    above = _our_subject(case.signer_subject)
    template = Template(
        PROFILES[case.profile],
        issuer=_subject_of(case, above) if case.self_signed else above,
        issuer_key_id=None if case.self_signed else signer.key_id,
        key_type=signer.type,
    )
    tbs = template.tbs(
        serial=case.serial,
        not_before=case.not_before * 1_000_000 + 999_999,  # fractions are dropped
        not_after=case.not_after * 1_000_000 + 1,
        subject=_subject_of(case, above),
        spki=key.spki,
        key_id=key.key_id,
        spiffe_id=case.uri,
        dns_names=case.dns_names,
    )
    return template.certificate(tbs, signer.sign(tbs))


def _our_subject(subject: Mapping[str, Any]) -> bytes:
    name = ca_subject(
        int(subject["serial_number"]),
        country=subject["country"],
        organization=subject["organization"],
        common_name=subject["common_name"],
    )
    unit = subject.get("organizational_unit")
    return downstream_subject(name, int(unit[0].removeprefix("DOWNSTREAM-"))) if unit else name


def _subject_of(case: Case, above: bytes) -> bytes:
    if case.profile == "downstream_ca":
        return downstream_subject(above, case.chain_length)
    if case.profile.endswith("_ca"):
        return _our_subject(case.subject)
    return svid_subject(case.dns_names)


# By cryptography's builder


def _attribute(oid: x509.ObjectIdentifier, text: str) -> x509.NameAttribute[str]:
    printable = all(letter.isascii() and (letter.isalnum() or letter in " '()+,-./:=?") for letter in text)
    kind = _ASN1Type.PrintableString if printable else _ASN1Type.UTF8String
    return x509.NameAttribute(oid, text, _type=kind, _validate=False)


def name_of(subject: Mapping[str, Any]) -> x509.Name:
    rdns = []
    for part, oid in ORDER:
        texts = subject.get(part, ())
        texts = [texts] * bool(texts) if isinstance(texts, str) else texts
        if texts:
            rdns.append(x509.RelativeDistinguishedName(_attribute(oid, text) for text in texts))
    return x509.Name(rdns)


def built_subject(case: Case) -> x509.Name:
    if case.profile == "downstream_ca":
        return name_of({**case.signer_subject, "organizational_unit": [f"DOWNSTREAM-{case.chain_length}"]})
    if case.profile.endswith("_ca"):
        return name_of(case.subject)
    return name_of({"country": ["US"], "organization": ["SPIRE"], "common_name": "".join(case.dns_names[:1])})


def built(case: Case) -> bytes:
    """The certificate as ``CertificateBuilder`` makes it."""
    key, signer = loaded(case.key), loaded(case.signer)
    subject = built_subject(case)
    ca = case.profile.endswith("_ca")
    builder = (
        x509.CertificateBuilder()
        .serial_number(case.serial)
        .not_valid_before(EPOCH + timedelta(seconds=case.not_before))
        .not_valid_after(EPOCH + timedelta(seconds=case.not_after))
        .subject_name(subject)
        .issuer_name(subject if case.self_signed else name_of(case.signer_subject))
        .public_key(key.public_key())
        .add_extension(
            x509.KeyUsage(
                digital_signature=not ca,
                content_commitment=False,
                key_encipherment=not ca,
                data_encipherment=False,
                key_agreement=not ca,
                key_cert_sign=ca,
                crl_sign=ca,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    if not ca:
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    if not case.self_signed:
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(above, critical=False)
    names = [x509.DNSName(name) for name in case.dns_names] + [x509.UniformResourceIdentifier(case.uri)]
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    large = isinstance(signer, ec.EllipticCurvePrivateKey) and signer.key_size == 384
    deterministic = True if isinstance(signer, ec.EllipticCurvePrivateKey) else None
    certificate = builder.sign(signer, hashes.SHA384() if large else hashes.SHA256(), ecdsa_deterministic=deterministic)
    return certificate.public_bytes(serialization.Encoding.DER)


# Cases

INSTANTS: Final = (
    0,  # 1970
    2_524_607_999,  # 2049-12-31T23:59:59Z, the last UTCTime
    2_524_608_000,  # 2050-01-01T00:00:00Z, the first GeneralizedTime
    3_976_214_400,  # 2096
)
ORGANIZATIONS: Final = ("SPIFFE", "Acme, Inc.", "a*b", "R&D", "Müller & Söhne", "日本", "x" * 64, "a_b", "O'Neill (1)")
_KEYS: Final[dict[tuple[str, int], bytes]] = {}


def key_of(key_type: str, number: int) -> bytes:
    if (key_type, number) not in _KEYS:
        _KEYS[key_type, number] = Draw(Randomness("issuing"), key_type, number).key(key_type).pkcs8
    return _KEYS[key_type, number]


def _serial(chance: random.Random) -> int:
    return max(chance.getrandbits(chance.choice((1, 7, 8, 9, 63, 64, 65, 120, 127, 128))), 1)


def _subject(chance: random.Random) -> dict[str, Any]:
    if chance.random() < 0.5:
        return {
            "country": ["US"],
            "organization": ["SPIFFE"],
            "common_name": "",
            "serial_number": str(_serial(chance)),
        }
    return {
        "country": chance.sample(["US", "DE", "FR", "JP"], chance.randrange(4)),
        "organization": chance.sample(ORGANIZATIONS, chance.randrange(1, 4)),
        "common_name": chance.choice(("", "root CA", "ca_1", "Größe")),
        "serial_number": str(_serial(chance)),
    }


def _instants(chance: random.Random) -> tuple[int, int]:
    edge = chance.choice(INSTANTS)
    start = chance.randrange(-10, INSTANTS[-1]) if chance.random() < 0.5 else edge + chance.randrange(-2, 3)
    length = chance.choice((0, 1, 60, 3600, 86_400, 365 * 86_400))
    return start, start + length


def _text(chance: random.Random, longest: int) -> str:
    return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=chance.randrange(1, longest)))


def random_case(chance: random.Random, *, key_types: Mapping[str, float]) -> Case:
    """A case by chance.

    Args:
        chance: Where it comes from.
        key_types: The types of keys, each with its weight.
    """
    profile = chance.choice(list(PROFILES))
    types, weights = list(key_types), list(key_types.values())
    key, signer = (key_of(chance.choices(types, weights)[0], chance.randrange(4)) for _ in range(2))
    trust_domain = _text(chance, 40) + ".org"
    path = ""
    if not profile.endswith("_ca"):
        path = f"/{_text(chance, chance.choice((10, 60, 130, 300, 1900)))}"
    many = profile == "workload_svid" and chance.random() < 0.6
    dns_names = tuple(f"{_text(chance, 30)}.example.org" for _ in range(chance.randrange(1, 4))) if many else ()
    not_before, not_after = _instants(chance)
    subject, signer_subject = _subject(chance), _subject(chance)
    if profile != "self_signed_ca" and chance.random() < 0.5:
        signer_subject["organizational_unit"] = [f"DOWNSTREAM-{chance.randrange(1, 120)}"]
    return Case(
        profile=profile,
        serial=_serial(chance),
        not_before=not_before,
        not_after=not_after,
        uri=f"spiffe://{trust_domain}{path}",
        dns_names=dns_names,
        subject=subject,
        chain_length=chance.randrange(1, 120),
        key=key,
        signer=key if profile == "self_signed_ca" else signer,
        signer_subject=subject if profile == "self_signed_ca" else signer_subject,
    )
