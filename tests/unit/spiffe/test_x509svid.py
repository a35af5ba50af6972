"""The X.509-SVID as a value: PEM and DER in and out, held against ``cryptography``."""

from __future__ import annotations

import pickle
import stat
from base64 import b64encode
from pathlib import Path
from typing import Any

import attrs
import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.errors import InvalidSpiffeId, InvalidSvid
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.x509svid import X509Svid, read_chain
from tests.oracles import asn1
from tests.oracles import certificates as make
from tests.oracles.certificates import AT, DAY, TD, WEB, Issued

ROOT = make.root()
INTERMEDIATE = make.intermediate(ROOT)
LEAF = make.leaf(INTERMEDIATE, serial=77)
KEY = make.pkcs8(LEAF.key)
SVID = X509Svid(make.ders(LEAF, INTERMEDIATE), KEY, "internal")


def pem_of(*issued: Issued) -> bytes:
    return b"".join(each.certificate.public_bytes(Encoding.PEM) for each in issued)


def block(label: str, data: bytes) -> bytes:
    """A PEM block by hand."""
    return f"-----BEGIN {label}-----\n{b64encode(data).decode()}\n-----END {label}-----\n".encode()


def key_pem(key: Any = LEAF.key, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))


# What it says


def test_an_svid_says_what_its_leaf_says() -> None:
    assert SVID.chain == (LEAF.der, INTERMEDIATE.der)
    assert SVID.private_key_der == KEY
    assert SVID.hint == "internal"
    assert SVID.spiffe_id == SpiffeId(WEB)
    assert (SVID.not_before, SVID.not_after) == (AT - DAY, AT + DAY)
    assert SVID.not_after.utcoffset() == AT.utcoffset()
    assert SVID.serial_number == 77


def test_certificates_and_key_are_those_of_cryptography() -> None:
    assert SVID.certificates == (LEAF.certificate, INTERMEDIATE.certificate)
    assert SVID.leaf == LEAF.certificate
    assert SVID.private_key.private_numbers() == LEAF.key.private_numbers()  # type: ignore[union-attr]  # it is EC
    assert SVID.private_key is SVID.private_key
    assert SVID.certificates is SVID.certificates


def test_making_the_value_reads_nothing() -> None:
    nonsense = X509Svid([b"nonsense"], b"nonsense")
    with pytest.raises(InvalidSvid, match=r"not an X\.509 certificate"):
        _ = nonsense.spiffe_id
    with pytest.raises(InvalidSvid, match="a certificate cannot be loaded") as caught:
        _ = nonsense.leaf
    assert caught.value.code == "certificate_encoding"
    with pytest.raises(InvalidSvid, match="the private key cannot be loaded") as caught:
        _ = nonsense.private_key
    assert (caught.value.code, caught.value.clause) == ("private_key", "RFC 5958 2")
    with pytest.raises(InvalidSvid, match="the SVID has no certificate"):
        _ = X509Svid([], KEY).not_after
    with pytest.raises(InvalidSvid, match="the SVID has no certificate"):
        _ = X509Svid([], KEY).leaf
    with pytest.raises(InvalidSpiffeId):
        _ = X509Svid([make.leaf(ROOT, "https://a").der], KEY).spiffe_id


def test_svids_are_equal_when_their_bytes_are() -> None:
    assert X509Svid(SVID.chain, KEY, "internal") == SVID
    assert hash(X509Svid(list(SVID.chain), KEY, "internal")) == hash(SVID)
    for other in (
        X509Svid(SVID.chain, KEY),
        X509Svid(SVID.chain[:1], KEY, "internal"),
        X509Svid(SVID.chain, b"", "internal"),
    ):
        assert other != SVID


def test_an_svid_never_changes() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        SVID.hint = "other"  # type: ignore[misc]  # the point


def test_an_svid_travels_without_what_was_loaded() -> None:
    svid = X509Svid(SVID.chain, KEY, "internal")
    fresh = pickle.dumps(svid)
    _ = svid.private_key, svid.certificates, svid.parsed
    assert pickle.dumps(svid) == fresh
    copy = pickle.loads(fresh)
    assert copy == svid
    assert copy.leaf == svid.leaf
    assert copy.private_key.private_numbers() == LEAF.key.private_numbers()


def test_an_svid_shows_whose_it_is_and_never_its_key() -> None:
    assert repr(SVID) == (
        "<X509Svid spiffe://example.org/web: serial number 77, 2029-12-31T12:00:00Z to 2030-01-02T12:00:00Z, "
        "1 CA certificate>"
    )
    assert repr(X509Svid([LEAF.der], KEY)).endswith(", 0 CA certificates>")
    assert repr(X509Svid([make.leaf(ROOT, uris=()).der], KEY)).startswith("<X509Svid no URI: ")
    assert repr(X509Svid([b"nonsense"], KEY)) == "<X509Svid that cannot be read: certificate_encoding>"
    secret = LEAF.key.private_numbers().private_value
    assert f"{secret:x}" not in repr(SVID)
    assert str(KEY) not in repr(SVID)


# PEM and DER


def test_pem_goes_out_as_cryptography_writes_it() -> None:
    assert SVID.chain_pem == pem_of(LEAF, INTERMEDIATE)
    assert SVID.private_key_pem == key_pem()
    assert SVID.chain_der == LEAF.der + INTERMEDIATE.der


def test_pem_comes_in() -> None:
    for arguments in ((SVID.chain_pem, SVID.private_key_pem), (SVID.chain_pem.decode(), SVID.private_key_pem.decode())):
        assert X509Svid.parse(*arguments, hint="internal") == SVID
    for together in (SVID.chain_pem + SVID.private_key_pem, SVID.private_key_pem + b"text\n" + SVID.chain_pem):
        assert X509Svid.parse(together) == X509Svid(SVID.chain, KEY)


def test_der_comes_in_as_the_workload_api_sends_it() -> None:
    assert X509Svid.parse_raw(SVID.chain_der, KEY, hint="internal") == SVID
    wrapped: Any = bytearray(SVID.chain_der)
    assert X509Svid.parse_raw(wrapped, KEY) == X509Svid(SVID.chain, KEY)


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("p256", PrivateFormat.TraditionalOpenSSL),
        ("p384", PrivateFormat.PKCS8),
        ("p521", PrivateFormat.TraditionalOpenSSL),
        ("ed25519", PrivateFormat.PKCS8),
        ("rsa-2048", PrivateFormat.TraditionalOpenSSL),
        ("rsa-2048", PrivateFormat.PKCS8),
    ],
)
def test_keys_of_every_kind_and_form_become_pkcs8(kind: str, form: PrivateFormat) -> None:
    key = make.key("workload", kind)
    svid = X509Svid.parse(pem_of(make.leaf(ROOT, key=key)), key_pem(key, form))
    assert svid.private_key_der == make.pkcs8(key)
    assert svid.private_key.public_key() == key.public_key()
    assert load_pem_private_key(svid.private_key_pem, None).public_key() == key.public_key()


def test_what_was_parsed_need_not_be_loaded_again() -> None:
    svid = X509Svid.parse_raw(SVID.chain_der, KEY)
    assert "private_key" in vars(svid)
    assert "private_key" not in vars(pickle.loads(pickle.dumps(svid)))


CHAIN_PEM = SVID.chain_pem
OTHER_KEY = key_pem(make.key("another"))
ENCRYPTED = LEAF.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))


@pytest.mark.parametrize(
    ("pem", "key", "code", "reason"),
    [
        (CHAIN_PEM, None, "private_key", "holds 0 private keys, not one"),
        (CHAIN_PEM + key_pem(), key_pem(), "private_key", "holds 2 private keys"),
        (key_pem(), None, "chain_present", "no certificate"),
        (CHAIN_PEM, ENCRYPTED, "private_key", "is encrypted; decrypt it first"),
        (CHAIN_PEM, CHAIN_PEM, "private_key", "holds 0 private keys"),
        (CHAIN_PEM, b"", "pem", "no PEM block"),
        (b"", key_pem(), "pem", "no PEM block"),
        (7, None, "pem", "PEM is text, not int"),
        (CHAIN_PEM, OTHER_KEY, "private_key_of_leaf", "not that of the leaf, spiffe://example.org/web"),
        (CHAIN_PEM, key_pem(make.key("a", "rsa-2048")), "private_key_of_leaf", "not that of the leaf"),
        (CHAIN_PEM, block("PRIVATE KEY", b"nonsense"), "private_key", "cannot be loaded"),
        (CHAIN_PEM, block("EC PRIVATE KEY", b"nonsense"), "private_key", "cannot be loaded"),
        (block("CERTIFICATE", b"nonsense"), key_pem(), "certificate_encoding", "not an X.509 certificate"),
    ],
)
def test_broken_pem_is_refused(pem: Any, key: Any, code: str, reason: str) -> None:
    with pytest.raises(InvalidSvid, match=reason) as caught:
        X509Svid.parse(pem, key)
    assert caught.value.code == code
    assert caught.value.clause


def raw(*issued: Issued | bytes) -> bytes:
    return b"".join(each.der if isinstance(each, Issued) else each for each in issued)


def off_the_curve() -> bytes:
    spki = asn1.Parts.of(LEAF.der).spki
    return asn1.remade(LEAF.der, INTERMEDIATE.key, spki=spki[:-1] + bytes([spki[-1] ^ 1]))


@pytest.mark.parametrize(
    ("chain", "code", "reason"),
    [
        (b"", "chain_present", "no certificate"),
        (LEAF.der + b"\0", "certificate_encoding", "cut off"),
        (LEAF.der[:-1], "certificate_encoding", "beyond its place"),
        (None, "certificate_encoding", "not certificates in DER"),
        ("text", "certificate_encoding", "not certificates in DER"),
        (7, "certificate_encoding", "not certificates in DER"),
        (off_the_curve(), "public_key", "the public key of the certificate cannot be used"),
        # The leaf
        (raw(INTERMEDIATE), "spiffe_id_path", "the leaf is the ID of a trust domain"),
        (raw(make.leaf(ROOT, uris=())), "one_uri", "the leaf has 0 URIs"),
        (raw(make.leaf(ROOT, WEB, TD)), "one_uri", "the leaf has 2 URIs"),
        (raw(make.leaf(ROOT, "https://a")), "spiffe_id", "the leaf has a URI that is not a SPIFFE ID"),
        (raw(make.leaf(ROOT, constraints=(True, None))), "leaf_not_ca", "is a CA certificate"),
        (raw(make.leaf(ROOT, usage=None)), "key_usage_present", "has no key usage"),
        (raw(make.leaf(ROOT, usage=["key_agreement"])), "digital_signature", "without digitalSignature"),
        (raw(make.leaf(ROOT, usage=["digital_signature", "key_cert_sign"])), "no_key_cert_sign", "has keyCertSign"),
        (raw(make.leaf(ROOT, usage=["digital_signature", "crl_sign"])), "no_crl_sign", "has cRLSign"),
        (asn1.remade(LEAF.der, ROOT.key, version=b""), "version", "version 1, not 3"),
        # Those above it
        (raw(LEAF, make.leaf(ROOT)), "issuer_is_ca", "certificate 1 of the chain is not a CA"),
        (raw(LEAF, INTERMEDIATE, make.root(usage=["crl_sign"])), "issuer_key_cert_sign", "certificate 2 of the chain"),
        (raw(LEAF, make.root(usage=None)), "issuer_key_usage", "has no key usage"),
    ],
)
def test_chains_that_are_none_on_the_face_of_it_are_refused(chain: Any, code: str, reason: str) -> None:
    with pytest.raises(InvalidSvid, match=reason) as caught:
        X509Svid.parse_raw(chain, KEY)
    assert caught.value.code == code
    assert caught.value.clause


def test_what_is_for_those_who_validate_is_not_refused_by_those_who_read() -> None:
    # As go-spiffe's Parse has it.
    for leaf in (
        make.leaf(ROOT, usage_critical=False),
        make.leaf(ROOT, purposes=make.BOTH[:1]),
        make.leaf(ROOT, not_after=AT - DAY),
        Issued(asn1.forged(LEAF.der), LEAF.key),
    ):
        assert X509Svid.parse_raw(leaf.der, KEY).spiffe_id == SpiffeId(WEB)
    path = make.intermediate(ROOT, uris=[f"{TD}/ca"])
    assert X509Svid.parse_raw(LEAF.der + path.der, KEY).chain == (LEAF.der, path.der)


@given(st.binary(max_size=200), st.binary(max_size=100))
def test_hostile_bytes_raise_nothing_else(chain: bytes, key: bytes) -> None:
    for parse in (X509Svid.parse, X509Svid.parse_raw):
        with pytest.raises(InvalidSvid):
            parse(chain, key)
        with pytest.raises(InvalidSvid):
            parse(SVID.chain_pem if parse == X509Svid.parse else SVID.chain_der, key)


def test_bytes_that_their_owner_may_change_are_copied() -> None:
    buffer = bytearray(LEAF.der)
    svid = X509Svid([buffer, memoryview(bytearray(INTERMEDIATE.der)), ROOT.der], KEY)
    buffer[-1] ^= 1
    assert svid.chain == (LEAF.der, INTERMEDIATE.der, ROOT.der)


def test_a_version_that_cryptography_does_not_know_is_our_error() -> None:
    second = asn1.remade(LEAF.der, INTERMEDIATE.key, version=asn1.tlv(0xA0, b"\x02\x01\x01"))
    with pytest.raises(InvalidSvid, match="a certificate cannot be loaded") as caught:
        _ = X509Svid([second], KEY).certificates
    assert caught.value.code == "certificate_encoding"


# A peer's chain


def test_a_chain_is_read_from_pem_and_from_der() -> None:
    for encoded in (SVID.chain_pem, SVID.chain_pem.decode(), SVID.chain_der):
        assert read_chain(encoded) == SVID.chain
    assert read_chain(b"") == ()


def test_why_a_chain_cannot_be_read_is_told() -> None:
    with pytest.raises(
        InvalidSvid, match=r"^the chain cannot be read: there is a PEM block named 'PRIVATE KEY'"
    ) as caught:
        read_chain(key_pem())
    assert caught.value.clause == "RFC 7468 5"
    with pytest.raises(InvalidSvid, match=r"^the SVID has no certificate$") as empty:
        _ = X509Svid((), KEY).leaf
    assert (empty.value.code, empty.value.clause) == ("chain_present", "X509-SVID 5.1")


def test_pem_inside_of_a_certificate_is_not_read_in_its_place() -> None:
    # Whoever may have a certificate with an extension of their own could show somebody else's to the validator.
    inside = asn1.extension("2a0304", block("CERTIFICATE", LEAF.der))
    parts = asn1.Parts.of(make.leaf(INTERMEDIATE, f"{TD}/mallory").der)
    outer = asn1.remade(parts.der, INTERMEDIATE.key, extensions=(*parts.extensions, inside))
    assert LEAF.der in read_chain(block("CERTIFICATE", LEAF.der))  # the control
    assert read_chain(outer + INTERMEDIATE.der) == (outer, INTERMEDIATE.der)


@pytest.mark.parametrize("encoded", ["", "text", b"text", SVID.chain_pem[:-9], SVID.chain_der[:-1], key_pem(), None, 7])
def test_what_is_no_chain_is_refused(encoded: Any) -> None:
    with pytest.raises(InvalidSvid) as caught:
        read_chain(encoded)
    assert caught.value.code == "certificate_encoding"


# Files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_an_svid_is_saved_with_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    chain, key = tmp_path / "svid.pem", tmp_path / "svid.key"
    for _ in range(2):  # the second time in the place of the first
        SVID.save(chain, str(key))
        assert X509Svid.parse(chain.read_bytes(), key.read_bytes(), hint="internal") == SVID
    assert (mode(chain), mode(key)) == (0o644, 0o600)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["svid.key", "svid.pem"]


@pytest.mark.parametrize("again", [False, True])
def test_an_svid_is_saved_in_one_file(tmp_path: Path, again: bool) -> None:
    path = tmp_path / "svid.pem"
    SVID.save(path, path if again else None)
    assert X509Svid.parse(path.read_text(), hint="internal") == SVID
    assert mode(path) == 0o600
