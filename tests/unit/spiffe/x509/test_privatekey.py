"""Private keys in DER: loaded in full, or trusted; turned into PKCS#8."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from spiffesim.errors import InvalidSvid
from spiffesim.spiffe.x509.limits import MAX_PRIVATE_KEY
from spiffesim.spiffe.x509.privatekey import as_pkcs8, load_key
from tests.oracles import asn1
from tests.oracles import certificates as make

EC = make.key("workload")
RSA = make.key("workload", "rsa-2048")


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("key", [EC, RSA, make.key("workload", "ed25519")])
def test_keys_are_loaded(key: rsa.RSAPrivateKey, trusted: bool) -> None:
    assert load_key(make.pkcs8(key), trusted=trusted).public_key() == key.public_key()


def test_a_key_that_is_too_long_is_not_loaded() -> None:
    with pytest.raises(InvalidSvid, match="cannot be loaded: it has 5121 octets, 1 more than 5120") as caught:
        load_key(bytes(MAX_PRIVATE_KEY + 1), trusted=False)
    assert caught.value.code == "private_key"
    with pytest.raises(InvalidSvid) as caught:
        load_key(bytes(MAX_PRIVATE_KEY), trusted=False)
    assert "octets" not in str(caught.value)


def test_only_a_key_that_is_trusted_is_spared_the_check_of_its_primes() -> None:
    numbers = RSA.private_numbers()
    content = asn1.content(asn1.children(make.pkcs8(RSA))[2])
    fields = asn1.children(content)
    prime = asn1.tlv(2, b"\0" + (numbers.p - 2).to_bytes(128, "big"))
    broken = asn1.sequence(*fields[:4], prime, *fields[5:])
    version, algorithm, _ = asn1.children(make.pkcs8(RSA))
    wrapped = asn1.sequence(version, algorithm, asn1.tlv(4, broken))
    with pytest.raises(InvalidSvid, match="the private key cannot be loaded") as caught:
        load_key(wrapped, trusted=False)
    assert (caught.value.code, caught.value.clause) == ("private_key", "RFC 5958 2")
    assert load_key(wrapped, trusted=True).public_key() == RSA.public_key()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        make.pkcs8(EC)[:-1],
        EC.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")),
        "text",
        None,
    ],
)
def test_what_is_no_key_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidSvid, match="the private key cannot be loaded"):
        load_key(data, trusted=False)


def test_older_forms_become_pkcs8() -> None:
    for key, label in ((EC, "EC PRIVATE KEY"), (RSA, "RSA PRIVATE KEY")):
        older = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        assert as_pkcs8(label, older) == make.pkcs8(key)
        assert as_pkcs8("PRIVATE KEY", make.pkcs8(key)) == make.pkcs8(key)
    with pytest.raises(InvalidSvid):
        as_pkcs8("EC PRIVATE KEY", b"nonsense")
