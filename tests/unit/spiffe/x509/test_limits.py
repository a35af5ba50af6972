"""How much is read, to the last one."""

from __future__ import annotations

from typing import Any

import pytest

from spiffesim.errors import InvalidSvid
from spiffesim.spiffe.x509 import limits
from spiffesim.spiffe.x509.certificate import read_certificate
from spiffesim.spiffe.x509.limits import MAX_CERTIFICATE, MAX_CHAIN, MAX_CHAIN_OCTETS
from spiffesim.spiffe.x509svid import X509Svid, read_chain


@pytest.mark.parametrize(
    ("chain", "says"),
    [
        ([b""] * (MAX_CHAIN + 1), "the chain has 16385 certificates, 1 more than the 16384 that are read"),
        ([bytes(MAX_CHAIN_OCTETS), b"\0"], "the chain has 8388609 octets, 1 more than the 8388608 that are read"),
        ([bytearray(MAX_CHAIN_OCTETS), memoryview(b"\0")], "the chain has 8388609 octets"),
    ],
)
def test_a_chain_that_is_too_long(chain: list[Any], says: str) -> None:
    with pytest.raises(InvalidSvid, match=says) as caught:
        limits.check_chain(chain)
    assert (caught.value.code, caught.value.clause) == ("chain_size", "RFC 5280 6.1")
    limits.check_chain(chain[:-1])
    svid = X509Svid(chain, b"")
    for look in (lambda: svid.parsed, lambda: svid.certificates, lambda: read_chain(b"0" + bytes(MAX_CHAIN_OCTETS))):
        with pytest.raises(InvalidSvid) as caught:
            look()
        assert caught.value.code == "chain_size"


def test_what_is_no_certificate_at_all_has_no_length() -> None:
    chain: Any = [None, 1, b""]
    limits.check_chain(chain)


def test_a_certificate_that_is_too_long() -> None:
    for form in (bytes, bytearray, lambda size: memoryview(bytes(size))):
        with pytest.raises(InvalidSvid, match="a certificate has 262145 octets, 1 more than the 262144") as caught:
            read_certificate(form(MAX_CERTIFICATE + 1))
        assert (caught.value.code, caught.value.clause) == ("certificate_size", "RFC 5280 4.1")
        assert caught.value.octets == MAX_CERTIFICATE + 1
        with pytest.raises(InvalidSvid) as caught:
            read_certificate(form(MAX_CERTIFICATE))
        assert caught.value.code == "certificate_encoding"
