"""The WIT-SVID as a value, and the proof that its holder makes."""

from __future__ import annotations

import hashlib
import json
import pickle
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from spiffesim.errors import ClockError, InvalidInput, InvalidSvid
from spiffesim.spiffe import validate_wit_svid
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.jwtsvid import JwtSvid
from spiffesim.spiffe.witsvid import WitSvid
from tests.oracles.tokens import AT, DROP, HOLDER, WEB, b64, ec_key, jwk, pkcs8, rsa_key, unb64, wit_bundle, wit_svid

# WIT-SVID, appendix A
EXAMPLE = (
    "eyJhbGciOiJFUzI1NiIsImtpZCI6ImxRU2kzaFpGbmRhMkQtWEprajF6bDdmb0pvdWl3STRuckF5aHk0alppSmciLCJ0eXAiOiJ3aXQrand0In0"
    ".eyJjbmYiOnsiandrIjp7ImFsZyI6IkVTMjU2IiwiY3J2IjoiUC0yNTYiLCJrdHkiOiJFQyIsIngiOiJyelA3bUxDS0FIV21zTTZYMEV3VklTQ19o"
    "STN1amN1OTVmZlVreWVER0dvIiwieSI6InVPcmZEbGp0WDltM2pZLWhzeWhMSllheHRHa3pEdjVlNWttQ2U1OFo5N2cifX0sImV4cCI6MTc2NTQ1N"
    "jUwMywiaWF0IjoxNzY1NDUyOTAzLCJqdGkiOiIxeWoxOVY0TWNPQXpNY0ZpN3F2c2dfQWdDeGxyWTVFX3g1MDl3bEtLUXRjIiwic3ViIjoic3BpZm"
    "ZlOi8vZXhhbXBsZS5jb20vbXktd29ya2xvYWQifQ"
    ".sfhEvZNdY_kWrICF08lX0u__rn39YnTavnW-VPBS20zgowDh6-X43v5eOUKZbjZf06yLBQM-Mry5w1g1QFsCkg"
)


def test_the_example_of_the_standard_is_read() -> None:
    svid = WitSvid.parse(EXAMPLE)
    assert svid.spiffe_id == SpiffeId("spiffe://example.com/my-workload")
    assert svid.expiry == datetime.fromtimestamp(1765456503, UTC)
    assert svid.issued_at == datetime.fromtimestamp(1765452903, UTC)
    assert svid.key_id == "lQSi3hZFnda2D-XJkj1zl7foJouiwI4nrAyhy4jZiJg"
    numbers = svid.confirmation_key.public_numbers()
    assert b64(numbers.x.to_bytes(32, "big")) == "rzP7mLCKAHWmsM6X0EwVISC_hI3ujcu95ffUkyeDGGo"  # type: ignore[union-attr]  # it is an EC key
    assert svid.confirmation_algorithm == "ES256"


def test_its_text_is_short_and_does_not_give_the_token_away() -> None:
    held = WitSvid.parse(wit_svid(), private_key_der=pkcs8(HOLDER))
    assert repr(held) == "<WitSvid spiffe://example.org/web with its key, until 2030-01-01T01:00:00Z>"
    assert repr(WitSvid(wit_svid())) == "<WitSvid spiffe://example.org/web without its key, until 2030-01-01T01:00:00Z>"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"sub": DROP}, "the token has no sub claim"),
        ({"exp": DROP}, "the token has no exp claim"),
        ({"cnf": DROP}, "cnf is missing"),
        ({"cnf": {"jwk": jwk(HOLDER)}}, "cnf.jwk.alg is missing"),
    ],
)
def test_without_its_claims_it_is_none(claims: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidSvid, match=f"this is not a WIT-SVID: {reason}") as caught:
        WitSvid.parse(wit_svid(claims))
    assert (caught.value.code, caught.value.clause) == ("claims", "WIT-SVID 3")


# The private key


def test_the_holder_has_the_private_key() -> None:
    held = WitSvid.parse(wit_svid(), private_key_der=pkcs8(HOLDER))
    assert held.private_key.private_numbers() == HOLDER.private_numbers()
    assert held.private_key is held.private_key
    copy = pickle.loads(pickle.dumps(held))
    assert copy == held
    assert copy.private_key.public_key() == held.confirmation_key
    assert held != WitSvid.parse(wit_svid())


def test_nobody_else_has_it() -> None:
    with pytest.raises(InvalidSvid, match="only its holder has the private key, and it was not given") as caught:
        _ = WitSvid.parse(wit_svid()).private_key
    assert (caught.value.code, caught.value.clause) == ("private_key", "WIT-SVID 3.2")


ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(b"7" * 32)


@pytest.mark.parametrize(
    "key",
    [
        pkcs8(ec_key(78)),
        pkcs8(ec_key(77, "P-384")),
        pkcs8(rsa_key()),
        ED25519.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    ],
)
def test_a_key_that_does_not_belong_is_refused(key: bytes) -> None:
    with pytest.raises(InvalidSvid, match="proves nothing: its private key is not the one that cnf is about") as caught:
        WitSvid.parse(wit_svid(), private_key_der=key)
    assert (caught.value.code, caught.value.clause) == ("private_key", "WIT-SVID 3.2")


@pytest.mark.parametrize(
    "key",
    [b"", b"?" * 100, HOLDER.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))],
)
def test_a_key_that_cannot_be_read_is_refused(key: bytes) -> None:
    with pytest.raises(InvalidSvid, match="the private key cannot be loaded") as caught:
        WitSvid.parse(wit_svid(), private_key_der=key)
    assert (caught.value.code, caught.value.clause) == ("private_key", "RFC 5958 2")


# Proving


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [("ES256", HOLDER), ("ES384", ec_key(1, "P-384")), ("ES512", ec_key(1, "P-521")), ("RS256", rsa_key())],
)
def test_a_proof_is_a_workload_proof_token(algorithm: str, key: object) -> None:
    token = wit_svid({"cnf": {"jwk": {**jwk(key), "alg": algorithm}}})  # type: ignore[arg-type]  # one of ours
    held = WitSvid.parse(token, private_key_der=pkcs8(key))  # type: ignore[arg-type]  # as above
    until = AT + timedelta(seconds=5, microseconds=7)
    proof = held.prove(audience="https://db", not_after=until, jti="1")
    assert proof.not_after == AT + timedelta(seconds=5)
    assert held.prove(audience="https://db", not_after=until, jti="1") == proof  # the same bytes
    text = f"{proof.signed.decode()}.{b64(proof.signature)}"
    assert jwt.get_unverified_header(text) == {"typ": "wpt+jwt", "alg": algorithm}
    claims = jwt.decode(text, held.confirmation_key, [algorithm], options={"verify_aud": False, "verify_exp": False})
    wth = b64(hashlib.sha256(token.encode()).digest())
    assert claims == {"aud": "https://db", "exp": int(AT.timestamp()) + 5, "jti": "1", "wth": wth}
    assert list(json.loads(unb64(text.split(".")[1]))) == ["aud", "exp", "jti", "wth"]
    assert validate_wit_svid(held, wit_bundle(), proof=proof, at=AT) == SpiffeId(WEB)


def test_without_the_key_nothing_is_proved() -> None:
    with pytest.raises(InvalidSvid, match="only its holder has the private key"):
        WitSvid.parse(wit_svid()).prove(audience="https://db", not_after=AT)
    held = WitSvid.parse(wit_svid(), private_key_der=pkcs8(HOLDER))
    assert "jti" not in JwtSvid(f"{held.prove(audience='https://db', not_after=AT).signed.decode()}.").claims
    with pytest.raises(ClockError, match="has no time zone"):
        held.prove(audience="https://db", not_after=datetime(2030, 1, 1))


def test_for_a_token_that_cannot_be_read_nothing_is_proved() -> None:
    for token in ("\u00e9", "a.b.c"):
        with pytest.raises(InvalidSvid, match="the token is not a JWS in compact serialization"):
            WitSvid(token, pkcs8(HOLDER)).prove(audience="https://db", not_after=AT)


def test_a_proof_that_cannot_be_repeated_is_not_made() -> None:
    token = wit_svid({"cnf": {"jwk": {**jwk(rsa_key()), "alg": "PS256"}}})
    held = WitSvid.parse(token, private_key_der=pkcs8(rsa_key()))
    with pytest.raises(InvalidInput, match="cannot sign with alg 'PS256'"):
        held.prove(audience="https://db", not_after=AT)
