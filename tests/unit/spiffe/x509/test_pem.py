"""PEM, written and read."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.spiffe.x509.limits import MAX_PEM
from spiffesim.spiffe.x509.pem import read_certificates, read_pem, write_pem
from tests.oracles import certificates as make

ROOT = make.root()
BLOCK = b"-----BEGIN THING-----\nYWJj\n-----END THING-----\n"


def test_a_block_is_written_in_lines_of_64_characters() -> None:
    assert write_pem("THING", b"abc") == BLOCK
    assert write_pem("CERTIFICATE", ROOT.der).decode() == ssl.DER_cert_to_PEM_cert(ROOT.der)
    assert max(map(len, write_pem("CERTIFICATE", ROOT.der).splitlines())) == 64


@given(st.binary(max_size=200))
def test_what_is_written_is_read(data: bytes) -> None:
    assert read_pem(write_pem("THING", data)) == [("THING", data)]


def test_text_around_the_blocks_is_skipped() -> None:
    pem = b"Bag Attributes\n" + BLOCK + b"\xff and\n" + BLOCK.replace(b"THING", b"OTHER").replace(b"\n", b"\r\n")
    assert read_pem(pem) == [("THING", b"abc"), ("OTHER", b"abc")]
    assert read_pem(BLOCK.decode()) == [("THING", b"abc")]


@pytest.mark.parametrize(
    ("pem", "reason"),
    [
        (b"", "holds no PEM block"),
        ("nothing", "holds no PEM block"),
        (BLOCK + b"-----BEGIN THING-----\n", "broken PEM block"),
        (BLOCK.replace(b"END THING", b"END OTHER"), "no PEM block"),
        (BLOCK.replace(b"YWJj", b"YWJjZ"), "'THING' is not base64"),
        (BLOCK.replace(b"YWJj", b"YW=j"), "'THING' is not base64"),
        (None, "PEM is text, not NoneType"),
    ],
)
def test_broken_text_is_refused(pem: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_pem(pem)


def test_a_text_that_is_too_long_is_not_read() -> None:
    block = write_pem("A", b"1")
    assert read_pem(block + b" " * (MAX_PEM - len(block))) == [("A", b"1")]
    with pytest.raises(ValueError, match="the text has 16777217 characters, 1 more than 16777216"):
        read_pem(block + b" " * (MAX_PEM - len(block) + 1))


def test_certificates_alone() -> None:
    pem = ssl.DER_cert_to_PEM_cert(ROOT.der)
    assert read_certificates(pem + pem) == [ROOT.der, ROOT.der]
    with pytest.raises(ValueError, match="a PEM block named 'THING' where only certificates belong"):
        read_certificates(pem.encode() + BLOCK)


@pytest.mark.parametrize("part", ["-----BEGIN A-----\n", "-----BEGIN A-----", "-----BEGIN ", "-----BEGIN A-----YWJj"])
def test_a_long_hostile_text_is_refused_at_once(part: str) -> None:
    with pytest.raises(ValueError, match="no PEM block"):
        read_pem(part * 50_000)
