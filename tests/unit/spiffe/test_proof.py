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
from tests.oracles.tokens import AT, NOW, b64, proof_text, wit_svid

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


def token_of(claims: Any, **header: Any) -> bytes:
    """The signing input of a token, WIMSE's by default."""
    parts = ({"typ": "wpt+jwt", "alg": "ES256", **header}, claims)
    return ".".join(b64(json.dumps(part).encode()) for part in parts).encode()


@pytest.mark.parametrize(
    "signed",
    [
        DIGEST,
        b"GET /" + DIGEST + b"\n",
        WTH.encode(),
        f'"wth";{WTH}'.encode(),
        f'"workload-identity-token": {TOKEN}\n"@method": GET'.encode(),
        TOKEN.encode(),
        proof_text(TOKEN)[0],
        token_of({"wth": WTH, "exp": NOW}),
        b"a." + b64(DIGEST).encode(),  # no header, so no token
        b"." + WTH.encode(),
        b"e30.!" + WTH.encode(),
    ],
)
def test_a_proof_is_about_the_token_that_it_names(signed: bytes) -> None:
    proof = Proof(signed, b"", AT)
    assert proof.problem is None
    assert proof.names(TOKEN.encode())
    assert not proof.names(wit_svid({"jti": "2"}).encode())


@pytest.mark.parametrize(
    "signed",
    [
        b"",
        TOKEN.encode()[:-1],
        DIGEST.hex().encode(),
        DIGEST[:-1],
        WTH[:-1].encode(),
        hashlib.sha512(TOKEN.encode()).digest(),
        b"a.!",
        f"a.{b64(json.dumps({'wth': WTH}).encode())}.b".encode(),  # with its signature it is no signing input
        token_of({"wth": [WTH], "exp": NOW}),
        token_of({"jti": WTH, "exp": NOW}),
        token_of({"wth": b64(hashlib.sha256(b"another").digest()), "jti": WTH, "exp": NOW}),
        token_of({"wth": WTH + "=", "exp": NOW}),
        proof_text(wit_svid({"jti": "2"}))[0],
    ],
)
def test_a_proof_is_not_about_a_token_whose_digest_is_elsewhere(signed: bytes) -> None:
    proof = Proof(signed, b"", AT)
    assert proof.problem is None
    assert not proof.names(TOKEN.encode())


@pytest.mark.parametrize(
    ("signed", "problem"),
    [
        (token_of({"wth": WTH, "exp": NOW}, typ="JWT"), "its typ is 'JWT', not 'wpt+jwt'"),
        (token_of({"wth": WTH, "exp": NOW}, typ="dpop+jwt"), "its typ is 'dpop+jwt', not 'wpt+jwt'"),
        (f"{b64(b'{}')}.{b64(b'{}')}".encode(), "its typ is missing, not 'wpt+jwt'"),
        (token_of([WTH]), "the token's payload is not a JSON object but an array"),
        (token_of({"wth": WTH}), "the token has no exp claim"),
        (token_of({"wth": WTH, "exp": "soon"}), "the exp claim is a string, not a number of seconds"),
    ],
)
def test_a_token_that_is_no_workload_proof_token_proves_nothing(signed: bytes, problem: str) -> None:
    proof = Proof(signed, b"", AT)
    assert proof.problem == problem
    assert proof.ends == NOW * 1_000_000  # what its receiver says


def test_a_proof_ends_when_it_says_or_when_its_receiver_says_whatever_comes_first() -> None:
    for seconds, ends in ((-1, NOW - 1), (0, NOW), (1, NOW)):
        assert Proof(token_of({"wth": WTH, "exp": NOW + seconds}), b"", AT).ends == ends * 1_000_000
    assert Proof(DIGEST, b"", AT).ends == NOW * 1_000_000


@given(st.binary())
def test_hostile_proofs_are_merely_about_something_else(signed: bytes) -> None:
    proof = Proof(signed, b"", AT)
    assert proof.problem is None
    assert not proof.names(TOKEN.encode())
