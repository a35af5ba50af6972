"""Public keys by key ID: bytes first, keys when somebody looks."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from spiffesim.errors import InvalidBundle
from spiffesim.spiffe.authorities import Authorities, pairs_of
from tests.oracles.tokens import ec_key, rsa_key, spki

SPKI = {"b": spki(ec_key()), "a": spki(rsa_key())}


def test_authorities_are_a_mapping_in_the_order_given() -> None:
    authorities = Authorities(SPKI)
    assert list(authorities) == ["b", "a"]
    assert len(authorities) == 2
    assert dict(authorities) == {"b": ec_key().public_key(), "a": rsa_key().public_key()}
    assert "a" in authorities
    assert "c" not in authorities
    assert authorities.get("c") is None
    with pytest.raises(KeyError):
        authorities["c"]
    assert (repr(authorities), repr(Authorities({}))) == ("<Authorities b, a>", "<Authorities none>")


def test_a_key_is_loaded_once_and_only_when_somebody_looks() -> None:
    authorities = Authorities({**SPKI, "broken": b"?"})
    assert authorities["a"] is authorities["a"]
    with pytest.raises(InvalidBundle, match="the bundle holds an unusable key") as caught:
        authorities["broken"]
    assert (caught.value.code, caught.value.clause) == ("public_key", "RFC 5280 4.1.2.7")


def test_a_key_with_which_no_svid_can_be_signed_is_refused() -> None:
    odd = ec.derive_private_key(7, ec.SECP256K1()).public_key()
    der = odd.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(InvalidBundle, match="the bundle holds a secp256k1 key, with which no SVID") as caught:
        Authorities({"a": der})["a"]
    assert (caught.value.code, caught.value.clause) == ("key_type", "JWT-SVID 2.1")


def test_pairs_are_a_value_that_keeps_its_order() -> None:
    assert pairs_of(SPKI) == pairs_of(iter(SPKI.items())) == tuple(SPKI.items())
    assert pairs_of(()) == ()
    with pytest.raises(InvalidBundle, match="two keys of the bundle have the key ID 'b'") as caught:
        pairs_of([("a", b"1"), ("b", b"2"), ("c", b"3"), ("b", b"4")])
    assert (caught.value.code, caught.value.clause) == ("unique_key_id", "WIT-SVID 6.1")
