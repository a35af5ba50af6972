"""What a server signs with the authorities on its keyring."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key

from spiffesim.authority import JwtAuthority
from spiffesim.errors import NoActiveAuthority, Refused
from spiffesim.instants import moment
from spiffesim.keys import KEY_TYPES, Draw, Key
from spiffesim.profiles import AGENT_SVID, SERVER_SVID, WORKLOAD_SVID, Profile
from spiffesim.randomness import Randomness
from spiffesim.server.ca import ServerCa
from spiffesim.server.keyring import Keyring
from tests.oracles import profiles, tokens
from tests.oracles.tokens import AT
from tests.unit.keyrings import DAY, HOUR, NOW, SECOND, make_keyring, nested, started

WEB = "spiffe://example.org/web"


def draw(name: str = "web") -> Draw:
    return Draw(Randomness(3), name, 0)


def sign(ca: ServerCa, profile: Profile = WORKLOAD_SVID, **options: Any) -> Any:
    fields: dict[str, Any] = {"spiffe_id": WEB, "now": NOW, "ttl": HOUR, **options}
    return ca.sign_svid(profile, draw(), **fields)


def issuer_of(keyring: Keyring) -> bytes:
    return ServerCa(keyring).authority.certificate.der


# X.509-SVIDs


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_an_svid_is_signed_over_a_new_key(key_type: str) -> None:
    keyring = started()
    svid = sign(ServerCa(keyring), key_type=key_type)
    certificate = profiles.assert_is_workload_svid(svid.certificate.der, issuer_of(keyring), spiffe_id=WEB, now=AT)
    assert svid.key.type == key_type
    assert profiles.key_id(certificate) == svid.key.key_id
    assert svid.issuers is None


def test_an_svid_of_a_nested_server_comes_with_its_chain() -> None:
    root = started()
    middle = nested(root, "middle")
    leaf = nested(middle, "leaf")
    svid = sign(ServerCa(leaf), dns_names=("web.example.org",)).draw()
    assert svid.chain[1:] == (issuer_of(leaf), issuer_of(middle))
    profiles.assert_is_workload_svid(
        svid.chain[0], issuer_of(leaf), spiffe_id=WEB, now=AT, dns_names=("web.example.org",)
    )


@pytest.mark.parametrize(
    ("profile", "text"),
    [
        (WORKLOAD_SVID, "failed to sign X509-SVID: invalid workload X509-SVID: invalid X509-SVID"),
        (AGENT_SVID, "failed to sign X509 SVID: invalid agent X509-SVID: invalid X509-SVID"),
        (SERVER_SVID, "invalid server X509-SVID: invalid X509-SVID"),
    ],
)
def test_an_expired_ca_signs_nothing_more(profile: Profile, text: str) -> None:
    keyring = started()
    ca = ServerCa(keyring)
    assert sign(ca, profile, now=NOW + DAY).not_after == NOW + DAY  # its last instant
    with pytest.raises(Refused) as caught:
        sign(ca, profile, now=NOW + DAY + 1)
    assert caught.value.message == f"{text}: already expired as of 2030-01-02T00:00:00Z"
    assert caught.value.status == "INTERNAL"
    assert (caught.value.not_after, caught.value.at) == (moment(NOW + DAY), moment(NOW + DAY + 1))
    assert "the CA of root ended 0:00:00.000001 ago; advance the simulation" in str(caught.value)


def test_a_server_that_has_not_started_signs_nothing() -> None:
    ca = ServerCa(make_keyring())
    calls: list[tuple[str, Callable[[], object]]] = [
        ("X509 CA", lambda: sign(ca)),
        ("X509 CA", lambda: ca.sign_downstream_ca(draw(), draw().key(), now=NOW, ttl=timedelta(hours=1))),
        ("JWT key", lambda: ca.sign_jwt(WEB, ["db"], now=NOW, ttl=HOUR)),
        ("WIT key", lambda: ca.sign_wit(WEB, draw().key(), now=NOW, ttl=HOUR)),
    ]
    for what, call in calls:
        with pytest.raises(NoActiveAuthority) as caught:
            call()
        assert caught.value.message == f"{what} is not available for signing"
        assert (caught.value.status, caught.value.hint) == ("INTERNAL", "root")


# CAs of nested servers


@pytest.mark.parametrize(
    ("asked", "lives"),
    [
        (timedelta(hours=3), timedelta(hours=3)),
        (timedelta(0), timedelta(hours=20)),  # the signer's own ca_ttl
        (timedelta(seconds=-1), timedelta(hours=20)),
        (timedelta(days=9), timedelta(days=9)),  # capped below
    ],
)
def test_a_downstream_ca_lives_as_long_as_it_asks_for_up_to_its_signers_end(asked: timedelta, lives: timedelta) -> None:
    keyring = started(ca_ttl=timedelta(hours=20))
    key = draw("nested").key("ec-p384")
    minted = ServerCa(keyring).sign_downstream_ca(draw("nested"), key, now=NOW, ttl=asked)
    certificate = next(iter(minted.chain))
    profiles.assert_is_downstream_ca(certificate.der, issuer_of(keyring), number=1, now=AT, ttl=lives)
    assert certificate.subject_key_id == key.key_id
    assert list(minted.roots) == keyring.view.roots
    assert minted.top is keyring.view.roots[0]


def test_an_expired_ca_signs_no_downstream_ca() -> None:
    ca = ServerCa(started())
    with pytest.raises(Refused) as caught:
        ca.sign_downstream_ca(draw(), draw().key(), now=NOW + 2 * DAY, ttl=timedelta(hours=1))
    assert caught.value.message == (
        "failed to sign downstream X.509 CA: invalid downstream X509 CA: invalid X509 CA: "
        "already expired as of 2030-01-02T00:00:00Z"
    )
    assert caught.value.status == "INTERNAL"


# Tokens


def parts(token: str) -> tuple[Any, Any]:
    header, claims, _ = token.split(".")
    return json.loads(tokens.unb64(header)), json.loads(tokens.unb64(claims))


def token_key(keyring: Keyring) -> JwtAuthority:
    authority = keyring.jwt.current.authority
    assert isinstance(authority, JwtAuthority)
    return authority


def test_a_jwt_svid_has_exactly_spires_header_and_claims() -> None:
    keyring = started()
    token = ServerCa(keyring).sign_jwt(WEB, ["db"], now=NOW + 999_999, ttl=HOUR)
    header, claims = parts(token)
    assert header == {"alg": "ES256", "kid": token_key(keyring).key_id, "typ": "JWT"}
    assert claims == {"aud": ["db"], "exp": 1_893_459_600, "iat": 1_893_456_000, "sub": WEB}
    options: Any = {"verify_exp": False, "verify_iat": False}
    key: Any = load_der_public_key(token_key(keyring).spki)
    assert jwt.decode(token, key, algorithms=["ES256"], audience="db", options=options) == claims


def test_an_issuer_and_an_id_are_there_when_asked_for() -> None:
    keyring = started(jwt_issuer="https://example.org")
    _, claims = parts(ServerCa(keyring).sign_jwt(WEB, ("b", "a"), now=NOW, ttl=HOUR, jti="id"))
    assert claims == {
        "aud": ["b", "a"],
        "exp": 1_893_459_600,
        "iat": 1_893_456_000,
        "iss": "https://example.org",
        "jti": "id",
        "sub": WEB,
    }


@pytest.mark.parametrize(
    ("key_type", "algorithm"), [("ec-p384", "ES384"), ("rsa-2048", "RS256"), ("rsa-4096", "RS256")]
)
def test_the_algorithm_is_that_of_the_jwt_key(key_type: str, algorithm: str) -> None:
    keyring = started(jwt_key_type=key_type)
    token = ServerCa(keyring).sign_jwt(WEB, ["db"], now=NOW, ttl=HOUR)
    assert parts(token)[0]["alg"] == algorithm
    options: Any = {"verify_exp": False, "verify_iat": False}
    key: Any = load_der_public_key(token_key(keyring).spki)
    assert jwt.decode(token, key, algorithms=[algorithm], audience="db", options=options)["sub"] == WEB


def test_a_token_ends_no_later_than_its_key() -> None:
    keyring = started()
    token = ServerCa(keyring).sign_jwt(WEB, ["db"], now=NOW + 23 * HOUR, ttl=2 * HOUR)
    assert parts(token)[1]["exp"] == (NOW + DAY) // SECOND


def test_an_expired_key_signs_no_token() -> None:
    ca = ServerCa(started(feature_flags="wit-svid"))
    last = NOW + DAY - SECOND
    key = draw().key()
    ca.sign_jwt(WEB, ["db"], now=last, ttl=HOUR)
    ca.sign_wit(WEB, key, now=last, ttl=HOUR)
    calls: list[tuple[str, Callable[[], object]]] = [
        ("JWT", lambda: ca.sign_jwt(WEB, ["db"], now=NOW + DAY, ttl=HOUR)),
        ("WIT", lambda: ca.sign_wit(WEB, key, now=NOW + DAY, ttl=HOUR)),
    ]
    for kind, call in calls:
        with pytest.raises(Refused) as caught:
            call()
        assert caught.value.message == (
            f'failed to sign {kind}-SVID: invalid {kind}-SVID "exp" claim: already expired as of 2030-01-02T00:00:00Z'
        )
        assert caught.value.status == "INTERNAL"


def test_disabled_jwt_svids_are_not_signed() -> None:
    keyring = started()
    ca = ServerCa(keyring)
    ca.check_jwt_svids()
    keyring.config = make_keyring(disable_jwt_svids=True).config
    with pytest.raises(Refused) as caught:
        ca.sign_jwt(WEB, ["db"], now=NOW, ttl=HOUR)
    assert (caught.value.message, caught.value.status) == ("JWT functionality is disabled", "UNIMPLEMENTED")


@pytest.mark.parametrize(("key_type", "algorithm"), [("ec-p256", "ES256"), ("ec-p384", "ES384"), ("rsa-2048", "RS256")])
def test_a_wit_svid_has_exactly_spires_header_and_claims(key_type: str, algorithm: str) -> None:
    keyring = started(feature_flags=["wit-svid"])
    authority = keyring.wit.current.authority
    assert isinstance(authority, JwtAuthority)
    key = Key(Randomness(4), "holder", 0, key_type)
    token = ServerCa(keyring).sign_wit(WEB, key, now=NOW + 1, ttl=HOUR)
    header, claims = parts(token)
    assert header == {"alg": "ES256", "kid": authority.key_id, "typ": "wit+jwt"}
    confirmation = {**tokens.jwk(key.private_key), "alg": algorithm}
    assert claims == {"cnf": {"jwk": confirmation}, "exp": 1_893_459_600, "iat": 1_893_456_000, "sub": WEB}
    jwt.PyJWS().decode(token, load_der_public_key(authority.spki), algorithms=["ES256"])  # type: ignore[arg-type]  # a key of EC
    late = ServerCa(keyring).sign_wit(WEB, key, now=NOW + 23 * HOUR, ttl=2 * HOUR)
    assert parts(late)[1]["exp"] == (NOW + DAY) // SECOND


def test_a_wit_svid_may_name_its_issuer() -> None:
    keyring = started(feature_flags=["wit-svid"], wit_issuer="https://example.org")
    token = ServerCa(keyring).sign_wit(WEB, draw().key(), now=NOW, ttl=HOUR)
    assert parts(token)[1]["iss"] == "https://example.org"
    assert list(parts(token)[1]) == ["cnf", "exp", "iat", "iss", "sub"]
