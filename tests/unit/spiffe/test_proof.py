"""Proofs of possession: that what is signed is about this token."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.errors import InvalidInput
from spiffesim.spiffe.proof import Proof
from tests.oracles.tokens import AT, b64, proof_text, wit_svid

TOKEN = wit_svid()
DIGEST = hashlib.sha256(TOKEN.encode()).digest()
WTH = b64(DIGEST)


@pytest.mark.parametrize(
    ("field", "value"), [("signed", "text"), ("signature", None), ("not_after", 7), ("signed", bytearray(b"a"))]
)
def test_a_proof_of_other_types_is_refused(field: str, value: Any) -> None:
    fields: dict[str, Any] = {"signed": b"a", "signature": b"b", "not_after": AT}
    assert Proof(**fields).not_after == AT  # the control
    with pytest.raises(InvalidInput, match=rf"^{field} of a proof is a \w+, not a {type(value).__name__}$") as caught:
        Proof(**{**fields, field: value})
    assert caught.value.code == "proof"


@pytest.mark.parametrize(
    "signed",
    [
        DIGEST,
        b"GET /" + DIGEST + b"\n",
        WTH.encode(),
        f'"wth";{WTH}'.encode(),
        proof_text(TOKEN)[0],
        f"{b64(b'{}')}.{b64(json.dumps({'wth': WTH}).encode())}".encode(),
        b"a." + b64(DIGEST).encode(),
        b"." + WTH.encode(),
    ],
)
def test_a_proof_is_about_the_token_whose_digest_it_contains(signed: bytes) -> None:
    proof = Proof(signed, b"", AT)
    assert proof.holds(TOKEN.encode())
    assert not proof.holds(TOKEN.encode() + b"x")


@pytest.mark.parametrize(
    "signed",
    [
        b"",
        TOKEN.encode(),
        DIGEST.hex().encode(),
        DIGEST[:-1],
        WTH[:-1].encode(),
        hashlib.sha512(TOKEN.encode()).digest(),
        f"{b64(b'{}')}.{b64(b64(json.dumps({'wth': WTH}).encode()).encode())}".encode(),  # encoded once more
        b"a.!",
        b"." + b64(json.dumps({"wth": WTH}).encode()).encode(),  # no header, so no JWS
        f"a.{b64(json.dumps({'wth': WTH}).encode())}.b".encode(),  # with its signature it is no signing input
        proof_text(wit_svid({"jti": "2"}))[0],
    ],
)
def test_a_proof_is_not_about_a_token_whose_digest_is_elsewhere(signed: bytes) -> None:
    assert not Proof(signed, b"", AT).holds(TOKEN.encode())


@given(st.binary())
def test_hostile_proofs_are_merely_about_something_else(signed: bytes) -> None:
    assert not Proof(signed, b"", AT).holds(TOKEN.encode())
