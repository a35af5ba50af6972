"""JSON Web Signatures and Keys: held against the RFCs' vectors, PyJWT, `cryptography`, and an RFC 6979 of our own."""

from __future__ import annotations

import hmac
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from spiffesim.errors import InvalidInput
from spiffesim.spiffe import jose
from tests.oracles import rfc6979
from tests.oracles.tokens import b64, compact, ec_key, jwk, key_for, raw_signature, rsa_key, unb64

ES = {"ES256": ("P-256", "sha256", 32), "ES384": ("P-384", "sha384", 48), "ES512": ("P-521", "sha512", 66)}


# Signing


def test_our_oracle_reproduces_the_vector_of_rfc_6979() -> None:
    secret = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721  # A.2.5
    assert rfc6979.signature(ec.derive_private_key(secret, ec.SECP256R1()), "sha256", b"sample") == (
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    )


@pytest.mark.parametrize("algorithm", ES)
@given(number=st.integers(1, 10**6), name=st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_an_ecdsa_signature_is_the_one_of_rfc_6979(algorithm: str, number: int, name: str) -> None:
    curve, digest, size = ES[algorithm]
    key = ec_key(number, curve)
    token = jose.sign({"alg": algorithm, "kid": "a"}, {"sub": name, "n": number}, key)
    signed, _, text = token.rpartition(".")
    r, s = rfc6979.signature(key, digest, signed.encode())
    assert unb64(text) == r.to_bytes(size, "big") + s.to_bytes(size, "big")
    assert jose.sign({"alg": algorithm, "kid": "a"}, {"sub": name, "n": number}, key) == token


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
def test_an_rsa_signature_is_the_only_one_there_is(algorithm: str) -> None:
    claims = {"sub": "a", "aud": ["b"]}
    token = jose.sign({"alg": algorithm, "typ": "JWT"}, claims, rsa_key())
    # PKCS #1 v1.5 is deterministic, so PyJWT makes the same bytes of the same header and claims.
    assert token == jwt.encode(claims, rsa_key(), algorithm, headers={"alg": algorithm, "typ": "JWT"})


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "RS256", "RS384", "RS512"])
def test_what_is_signed_verifies_with_pyjwt_and_with_us(algorithm: str) -> None:
    key = key_for(algorithm)
    token = jose.sign({"alg": algorithm}, {"b": 1, "a": "\u00e9<"}, key)
    assert jwt.decode(token, key.public_key(), algorithms=[algorithm]) == {"b": 1, "a": "\u00e9<"}
    jws = jose.read_jws(token)
    assert jose.verify(jws, key.public_key())
    assert list(jws.payload) == ["b", "a"]  # in the order given
    assert jws.header == {"alg": algorithm}


@pytest.mark.parametrize("algorithm", ["PS256", "PS384", "PS512", "HS256", "none", "EdDSA", ""])
def test_nothing_is_signed_by_an_algorithm_that_is_random_or_not_ours(algorithm: str) -> None:
    for key in (rsa_key(), ec_key()):
        with pytest.raises(InvalidInput, match="the deterministic algorithms are ES256") as caught:
            jose.sign({"alg": algorithm} if algorithm else {}, {}, key)
        assert (caught.value.code, caught.value.clause) == ("algorithm", "RFC 7518 3.1")


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("ES256", ec_key(curve="P-384")),
        ("ES384", ec_key()),
        ("ES512", ec_key()),
        ("RS256", ec_key()),
        ("ES256", rsa_key()),
    ],
)
def test_nothing_is_signed_with_a_key_that_does_not_fit(algorithm: str, key: jose.PrivateKey) -> None:
    with pytest.raises(InvalidInput, match=f"cannot sign with alg '{algorithm}' and a"):
        jose.sign({"alg": algorithm}, {}, key)


# Verifying

# RFC 7515, appendix A.3
RFC_7515_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
RFC_7515_TOKEN = (
    "eyJhbGciOiJFUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)


def test_the_vector_of_rfc_7515_verifies() -> None:
    jws = jose.read_jws(RFC_7515_TOKEN)
    assert jws.payload == {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}
    assert jose.verify(jws, jose.key_of(RFC_7515_KEY))
    assert not jose.verify(jws, ec_key().public_key())


@pytest.mark.parametrize("algorithm", jose.ALGORITHMS)
def test_every_algorithm_of_the_standard_verifies_under_its_own_key_only(algorithm: str) -> None:
    key = key_for(algorithm)
    data = b"header.payload"
    signature = raw_signature(algorithm, key, data)
    assert jose.check_signature(algorithm, key.public_key(), data, signature)
    assert not jose.check_signature(algorithm, key.public_key(), data + b"x", signature)
    assert not jose.check_signature(algorithm, key.public_key(), data, signature[:-1])
    assert not jose.check_signature(algorithm, key.public_key(), data, b"\0" * len(signature))
    assert not jose.check_signature(algorithm, key.public_key(), data, b"")
    for other in jose.ALGORITHMS:
        for stranger in (ec_key(), ec_key(curve="P-384"), ec_key(curve="P-521"), rsa_key()):
            accepted = jose.check_signature(other, stranger.public_key(), data, signature)
            assert accepted == (other == algorithm and stranger.public_key() == key.public_key())


def test_a_signature_in_der_is_none() -> None:
    key = ec_key()
    der = key.sign(b"data", ec.ECDSA(hashes.SHA256()))
    key.public_key().verify(der, b"data", ec.ECDSA(hashes.SHA256()))  # it is right, but not raw
    assert not jose.check_signature("ES256", key.public_key(), b"data", der)


@pytest.mark.parametrize("algorithm", ["none", "None", "", "HS256", "EdDSA", "es256", "ES256K", "RS1"])
def test_another_algorithm_verifies_nothing(algorithm: str) -> None:
    for key in (ec_key(), rsa_key()):
        assert not jose.check_signature(algorithm, key.public_key(), b"data", b"")


def test_a_public_key_is_no_secret_of_hs256() -> None:
    key = rsa_key()
    secret = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = b64(b'{"alg":"HS256"}') + "." + b64(b"{}")
    forged = f"{signed}.{b64(hmac.digest(secret, signed.encode(), 'sha256'))}"
    assert not jose.verify(jose.read_jws(forged), key.public_key())
    assert jose.verify(jose.read_jws(compact({"alg": "RS256"}, {}, key=key)), key.public_key())  # the control


@pytest.mark.parametrize("algorithm", [None, 7, ["ES256"], {"ES256": 1}])
def test_an_algorithm_that_is_no_text_verifies_nothing(algorithm: object) -> None:
    assert not jose.verify(jose.read_jws(compact({"alg": algorithm}, {})), ec_key().public_key())
    assert jose.verify(jose.read_jws(compact({"alg": "ES256"}, {})), ec_key().public_key())


def test_a_small_rsa_key_verifies_only_where_a_profile_says_so() -> None:
    key = rsa_key(1024)
    signature = raw_signature("RS256", key, b"data")
    assert jose.too_small(key.public_key())
    assert not jose.check_signature("RS256", key.public_key(), b"data", signature)
    assert jose.check_signature("RS256", key.public_key(), b"data", signature, smallest=1024)
    assert not jose.too_small(rsa_key(2048).public_key())
    assert not jose.too_small(ec_key().public_key())  # its 256 bits are another matter


@given(st.binary(max_size=80), st.sampled_from(jose.ALGORITHMS))
def test_hostile_signatures_are_merely_wrong(signature: bytes, algorithm: str) -> None:
    assert not jose.check_signature(algorithm, key_for(algorithm).public_key(), b"data", signature)


# Keys


@pytest.mark.parametrize("key", [ec_key(), ec_key(curve="P-384"), ec_key(curve="P-521"), rsa_key()])
def test_a_key_is_written_and_read_as_a_jwk(key: jose.PrivateKey) -> None:
    written = jose.jwk_of(key.public_key())
    assert written == jwk(key)
    assert list(written) == list(jwk(key))  # kty crv x y, or kty n e
    assert jose.key_of(written) == key.public_key()
    assert jwt.PyJWK({**written, "alg": jose.algorithm_for(key.public_key())}).key == key.public_key()


@pytest.mark.parametrize("number", range(1, 400, 7))
def test_coordinates_keep_their_leading_zeros(number: int) -> None:
    key = ec_key(number)
    assert jose.key_of(jose.jwk_of(key.public_key())) == key.public_key()
    assert len(unb64(jose.jwk_of(key.public_key())["x"])) == 32


EC, RSA = jwk(ec_key()), jwk(rsa_key())
OFF_CURVE = b64(b"\x01" * 32)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({}, "kty is None, not EC or RSA"),
        ({**EC, "kty": "OKP"}, "kty is 'OKP', not EC or RSA"),
        ({**EC, "kty": ["EC"]}, "kty is \\['EC'\\], not EC or RSA"),
        ({**EC, "crv": "secp256k1"}, "crv is 'secp256k1', not P-256, P-384 or P-521"),
        ({**EC, "crv": "P-384"}, "x has 32 bytes, not the 48 of P-384"),
        ({**EC, "crv": 256}, "crv is 256, not"),
        ({"kty": "EC", "crv": "P-256", "x": EC["x"]}, "y is missing"),
        ({**EC, "x": 7}, "x is a number, not a string"),
        ({**EC, "x": EC["x"] + "="}, "x is not base64url without padding"),
        ({**EC, "x": b64(b"\0" + unb64(EC["x"]))}, "x has 33 bytes, not the 32 of P-256"),
        ({**EC, "y": OFF_CURVE}, "is not a valid EC key"),
        ({**EC, "x": b64(b"\xff" * 32)}, "is not a valid EC key"),
        ({**EC, "d": OFF_CURVE}, "has the private member 'd'; only public keys may be published"),
        ({**RSA, "p": "AQAB"}, "has the private member 'p'"),
        ({"kty": "oct", "k": "AAAA"}, "has the private member 'k'"),
        ({"kty": "RSA", "e": "AQAB"}, "n is missing"),
        ({**RSA, "n": ""}, "n is not a number in as few bytes as possible"),
        ({**RSA, "n": b64(b"\0" + unb64(RSA["n"]))}, "n is not a number in as few bytes as possible"),
        ({**RSA, "e": "AAAB"}, "e is not a number in as few bytes as possible"),
        ({**RSA, "n": b64(b"\x01" * 2049)}, "n has 16392 bits, more than 16384"),
        ({**RSA, "e": b64(b"\x01" * 2049)}, "e has 16392 bits, more than 16384"),
        ({**RSA, "e": "Ag"}, "e is even"),
        ({**RSA, "e": ["AQAB"]}, "e is an array, not a string"),
    ],
)
def test_a_jwk_that_is_no_public_key_of_ours_is_refused(entry: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        jose.key_of(entry)


def test_other_members_of_a_jwk_are_not_looked_at() -> None:
    assert jose.key_of({**EC, "use": 7, "alg": "HS256", "key_ops": None, "n": "?"}) == ec_key().public_key()
    assert jose.key_of({**RSA, "crv": "P-256", "x": 7}) == rsa_key().public_key()


@given(
    st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "y", "n", "e"]),
        st.one_of(
            st.sampled_from(["EC", "RSA", "P-256", "P-521", "AQAB", EC["x"], EC["y"], "AA"]), st.text(), st.none()
        ),
    )
)
def test_a_hostile_jwk_is_a_key_or_a_value_error(entry: dict[str, Any]) -> None:
    try:
        key = jose.key_of(entry)
    except ValueError as error:
        assert type(error) is jose.BrokenKey  # noqa: PT017  # the point: a reason of ours, not a library's
        return
    assert jose.key_of(jose.jwk_of(key)) == key


# The names of keys


@pytest.mark.parametrize(
    ("key", "algorithm", "description"),
    [
        (ec_key(), "ES256", "a P-256 key"),
        (ec_key(curve="P-384"), "ES384", "a P-384 key"),
        (ec_key(curve="P-521"), "ES512", "a P-521 key"),
        (rsa_key(), "RS256", "an RSA key of 2048 bits"),
    ],
)
def test_spire_chooses_the_algorithm_by_the_key(key: jose.PrivateKey, algorithm: str, description: str) -> None:
    assert jose.algorithm_for(key.public_key()) == algorithm
    assert jose.describe(key) == jose.describe(key.public_key()) == description
    assert jose.fits(algorithm, key)
    assert jose.fits(algorithm, key.public_key())


def test_a_key_that_no_algorithm_is_for_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"no algorithm of JWT-SVID 2.1 is for a Ed25519PublicKey") as caught:
        jose.algorithm_for(ed25519.Ed25519PrivateKey.generate().public_key())
    assert caught.value.code == "key_type"
    with pytest.raises(InvalidInput, match="is for a secp256k1 key"):
        jose.algorithm_for(ec.generate_private_key(ec.SECP256K1()).public_key())
    with pytest.raises(InvalidInput, match=r"^unsupported RSA key size: 128 \(bytes; 256 are needed\)$") as small:
        jose.algorithm_for(rsa_key(1024).public_key())
    assert (small.value.code, small.value.clause) == ("key_size", "RFC 7518 3.3")


def test_rsa_fits_both_of_its_schemes_and_nothing_else() -> None:
    assert [name for name in jose.ALGORITHMS if jose.fits(name, rsa_key())] == [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    ]  # fmt: skip  # in one line
    assert [name for name in jose.ALGORITHMS if jose.fits(name, ec_key())] == ["ES256"]
    assert not any(jose.fits(name, "a key") for name in jose.ALGORITHMS)
