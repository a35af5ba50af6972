"""Tokens as go-jose 4.1.4 reads them; tests/unit/spiffe/rules/test_spire.py holds all of its answers."""

from __future__ import annotations

import json

import pytest

from spiffesim.spiffe.jose import gojose
from tests.oracles.tokens import CLAIMS, HEADER, ec_key, jwt_svid, sealed, unb64


def test_a_token_is_taken_apart_and_verified() -> None:
    text = jwt_svid()
    token = gojose.parse_signed(text)
    signed, _, signature = text.rpartition(".")
    assert (token.header, token.signed, token.signature) == (HEADER, signed.encode(), unb64(signature))
    assert gojose.read_claims(token.payload) == json.loads(token.payload) == CLAIMS
    gojose.verify(token, ec_key().public_key())
    with pytest.raises(gojose.Failed, match="error in cryptographic primitive") as caught:
        gojose.verify(token, ec_key(2).public_key())
    assert (caught.value.rule, caught.value.facts) == ("signature", {"key_id": "first"})


def test_what_is_verified_is_what_it_would_have_encoded_itself() -> None:
    text = jwt_svid()
    broken_up = "\n".join(text[at : at + 76] for at in range(0, len(text), 76))
    token = gojose.parse_signed(broken_up)
    assert token.signed == text.rpartition(".")[0].encode()
    gojose.verify(token, ec_key().public_key())


def test_half_a_character_is_no_base64() -> None:
    with pytest.raises(gojose.Failed, match=r"^illegal base64 data at input byte 0$") as caught:
        gojose.parse_signed("\ud800.e30.AA")
    assert caught.value.rule == "compact"


def test_the_algorithms_are_named_in_spires_order() -> None:
    assert gojose.ALGORITHMS == (
        "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    )  # fmt: skip  # in one line


@pytest.mark.parametrize("payload", [b"null", b" null\n", b"{}"])
def test_null_counts_as_an_empty_object(payload: bytes) -> None:
    assert gojose.read_claims(payload) == {}


def test_a_failure_names_the_rule() -> None:
    for token, rule in (("a.b", "compact"), (sealed(b"[]", b"{}"), "header"), (sealed(b"{}", b"{}"), "algorithm")):
        with pytest.raises(gojose.Failed) as caught:
            gojose.parse_signed(token)
        assert caught.value.rule == rule
