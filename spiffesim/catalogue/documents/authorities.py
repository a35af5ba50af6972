"""What can be wrong with jwt-svid and wit-svid entries, and the keys in them."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.documents.draft import BundleDraft, Entry, jwk
from spiffesim.catalogue.shelf import Shelf
from spiffesim.spiffe.jose import MAX_RSA_BITS, b64url, unb64url
from spiffesim.spiffe.rules.bundle import BUNDLE

AUTHORITIES: Final = Shelf[BundleDraft](BUNDLE)

_FIELD: Final = 32  # bytes of a coordinate of P-256


def _other(bundle: BundleDraft, use: str, kid: str) -> Entry:
    """One more authority, with a key of its own."""
    return {"use": use, "kid": kid, **jwk(bundle.key("other authority"))}


def _rsa(bundle: BundleDraft) -> None:
    bundle.rsa()


# Key IDs


@AUTHORITIES("jwt_key_id")
def jwt_entry_without_key_id(bundle: BundleDraft) -> None:
    """The jwt-svid entry has no kid."""
    del bundle.jwt["kid"]


@AUTHORITIES("jwt_key_id")
def jwt_entry_with_empty_key_id(bundle: BundleDraft) -> None:
    """The kid of the jwt-svid entry is empty."""
    bundle.jwt["kid"] = ""


@AUTHORITIES("wit_key_id")
def wit_entry_without_key_id(bundle: BundleDraft) -> None:
    """The wit-svid entry has no kid."""
    del bundle.wit["kid"]


@AUTHORITIES("wit_key_id")
def wit_entry_with_empty_key_id(bundle: BundleDraft) -> None:
    """The kid of the wit-svid entry is empty."""
    bundle.wit["kid"] = ""


@AUTHORITIES("key_id_string")
def number_for_key_id(bundle: BundleDraft) -> None:
    """The kid of the jwt-svid entry is a number."""
    bundle.jwt["kid"] = bundle.number


@AUTHORITIES("key_id_string")
def null_key_id(bundle: BundleDraft) -> None:
    """The kid of the wit-svid entry is null."""
    bundle.wit["kid"] = None


@AUTHORITIES("key_id_string")
def several_key_ids(bundle: BundleDraft) -> None:
    """The kid of the jwt-svid entry is an array."""
    bundle.jwt["kid"] = [bundle.jwt["kid"]]


@AUTHORITIES("unique_key_id", clause="RFC 7517 4.5")
def two_jwt_keys_with_one_id(bundle: BundleDraft) -> None:
    """Two JWT authorities with different keys have the same kid."""
    bundle.entries.append(_other(bundle, "jwt-svid", bundle.jwt["kid"]))


@AUTHORITIES("unique_key_id")
def two_wit_keys_with_one_id(bundle: BundleDraft) -> None:
    """Two WIT authorities with different keys have the same kid."""
    bundle.entries.append(_other(bundle, "wit-svid", bundle.wit["kid"]))


@AUTHORITIES("unique_key_id")
def jwt_and_wit_key_with_one_id(bundle: BundleDraft) -> None:
    """A JWT authority and a WIT authority have the same kid."""
    bundle.wit["kid"] = bundle.jwt["kid"]


@AUTHORITIES("unique_key_id")
def one_key_for_jwt_and_wit(bundle: BundleDraft) -> None:
    """The same key with the same kid is there for JWT-SVIDs and for WIT-SVIDs."""
    bundle.entries[2] = {**bundle.jwt, "use": "wit-svid"}


# What must not be published


@AUTHORITIES("private_members")
def private_key_of_jwt_authority(bundle: BundleDraft) -> None:
    """The jwt-svid entry has the private key."""
    bundle.jwt["d"] = bundle.wit["x"]


@AUTHORITIES("private_members")
def private_key_of_wit_authority(bundle: BundleDraft) -> None:
    """The wit-svid entry has the private key."""
    bundle.wit["d"] = bundle.jwt["x"]


@AUTHORITIES("private_members", repair=_rsa)
def prime_factors(bundle: BundleDraft) -> None:
    """The jwt-svid entry of an RSA key has the prime factors of its modulus."""
    bundle.rsa().update({"p": "Aw", "q": "BQ"})


@AUTHORITIES("private_members")
def symmetric_member(bundle: BundleDraft) -> None:
    """The jwt-svid entry of an EC key has a symmetric key, too."""
    bundle.jwt["k"] = "AAAA"


# EC keys


@AUTHORITIES("curve")
def bitcoin_curve(bundle: BundleDraft) -> None:
    """The key is on secp256k1."""
    bundle.jwt["crv"] = "secp256k1"


@AUTHORITIES("curve")
def no_curve(bundle: BundleDraft) -> None:
    """The EC key has no crv."""
    del bundle.jwt["crv"]


@AUTHORITIES("curve")
def curve_in_lower_case(bundle: BundleDraft) -> None:
    """Crv is in lower case."""
    bundle.jwt["crv"] = "p-256"


@AUTHORITIES("curve")
def curve_by_number(bundle: BundleDraft) -> None:
    """Crv is a number."""
    bundle.wit["crv"] = 256


@AUTHORITIES("key_members", clause="RFC 7518 6.2.1.2")
def no_x(bundle: BundleDraft) -> None:
    """The EC key has no x."""
    del bundle.jwt["x"]


@AUTHORITIES("key_members", clause="RFC 7518 6.2.1.3")
def no_y(bundle: BundleDraft) -> None:
    """The EC key has no y."""
    del bundle.wit["y"]


@AUTHORITIES("key_members", clause="RFC 7518 6.2.1.2")
def whole_number_for_x(bundle: BundleDraft) -> None:
    """X of the EC key is a number of JSON."""
    bundle.jwt["x"] = 7


@AUTHORITIES("key_encoding")
def padded_x(bundle: BundleDraft) -> None:
    """X of the EC key has the padding of base64."""
    bundle.jwt["x"] += "="


@AUTHORITIES("key_encoding")
def newline_behind_y(bundle: BundleDraft) -> None:
    """A newline stands behind y of the EC key."""
    bundle.jwt["y"] += "\n"


@AUTHORITIES("key_encoding")
def standard_alphabet_in_x(bundle: BundleDraft) -> None:
    """X of the EC key begins with a character of the other kind of base64."""
    bundle.jwt["x"] = "+" + bundle.jwt["x"][1:]


@AUTHORITIES("key_encoding", clause="RFC 4648 3.5")
def unused_bits_in_x(bundle: BundleDraft) -> None:
    """The bits behind the last byte of x are not zero, so that one number has several spellings."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    text = bundle.jwt["x"]
    bundle.jwt["x"] = text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


@AUTHORITIES("coordinates")
def short_x(bundle: BundleDraft) -> None:
    """X of the EC key has a byte less than the curve needs."""
    bundle.jwt["x"] = b64url(unb64url(bundle.jwt["x"])[1:])


@AUTHORITIES("coordinates", clause="RFC 7518 6.2.1.3")
def long_y(bundle: BundleDraft) -> None:
    """Y of the EC key has a zero in front."""
    bundle.jwt["y"] = b64url(b"\0" + unb64url(bundle.jwt["y"]))


@AUTHORITIES("coordinates")
def coordinates_of_another_curve(bundle: BundleDraft) -> None:
    """Crv is P-384, and the coordinates are as long as those of P-256."""
    bundle.jwt["crv"] = "P-384"


@AUTHORITIES("point")
def point_off_the_curve(bundle: BundleDraft) -> None:
    """Y of the EC key is one bit off, so that the point is not on the curve."""
    y = unb64url(bundle.jwt["y"])
    bundle.jwt["y"] = b64url(y[:-1] + bytes((y[-1] ^ 1,)))


@AUTHORITIES("point")
def point_at_infinity(bundle: BundleDraft) -> None:
    """Both coordinates are zero, as some write the point at infinity."""
    bundle.jwt["x"] = bundle.jwt["y"] = b64url(bytes(_FIELD))


@AUTHORITIES("point")
def coordinate_beyond_the_field(bundle: BundleDraft) -> None:
    """X of the EC key is larger than the field of the curve."""
    bundle.jwt["x"] = b64url(b"\xff" * _FIELD)


@AUTHORITIES("point")
def coordinates_swapped(bundle: BundleDraft) -> None:
    """X and y of the EC key have changed places."""
    bundle.jwt["x"], bundle.jwt["y"] = bundle.jwt["y"], bundle.jwt["x"]


# RSA keys


@AUTHORITIES("key_members", clause="RFC 7518 6.3.1.1", repair=_rsa)
def no_n(bundle: BundleDraft) -> None:
    """The RSA key has no n."""
    del bundle.rsa()["n"]


@AUTHORITIES("key_members", clause="RFC 7518 6.3.1.2", repair=_rsa)
def whole_number_for_e(bundle: BundleDraft) -> None:
    """E of the RSA key is a number of JSON."""
    bundle.rsa()["e"] = 65537


@AUTHORITIES("minimal_numbers", clause="RFC 7518 6.3.1.1", repair=_rsa)
def zero_in_front_of_n(bundle: BundleDraft) -> None:
    """N of the RSA key has a zero in front."""
    entry = bundle.rsa()
    entry["n"] = b64url(b"\0" + unb64url(entry["n"]))


@AUTHORITIES("minimal_numbers", repair=_rsa)
def zero_in_front_of_e(bundle: BundleDraft) -> None:
    """E of the RSA key has a zero in front."""
    bundle.rsa()["e"] = "AAEAAQ"


@AUTHORITIES("minimal_numbers", repair=_rsa)
def empty_e(bundle: BundleDraft) -> None:
    """E of the RSA key is an empty string."""
    bundle.rsa()["e"] = ""


@AUTHORITIES("rsa_size", repair=_rsa)
def modulus_too_large(bundle: BundleDraft) -> None:
    """N of the RSA key has 8 bits more than anybody computes with."""
    bundle.rsa()["n"] = b64url(b"\xff" * (MAX_RSA_BITS // 8 + 1))


@AUTHORITIES("rsa_numbers", repair=_rsa)
def exponent_of_one(bundle: BundleDraft) -> None:
    """E of the RSA key is 1, so that every message is its own signature."""
    bundle.rsa()["e"] = "AQ"


@AUTHORITIES("rsa_numbers", repair=_rsa)
def even_exponent(bundle: BundleDraft) -> None:
    """E of the RSA key is even."""
    bundle.rsa()["e"] = "AQAA"


@AUTHORITIES("rsa_numbers", repair=_rsa)
def even_modulus(bundle: BundleDraft) -> None:
    """N of the RSA key is even."""
    entry = bundle.rsa()
    n = unb64url(entry["n"])
    entry["n"] = b64url(n[:-1] + bytes((n[-1] ^ 1,)))


@AUTHORITIES("rsa_numbers", repair=_rsa)
def exponent_larger_than_modulus(bundle: BundleDraft) -> None:
    """E of the RSA key is larger than n."""
    entry = bundle.rsa()
    entry["e"] = b64url(b"\x01" + unb64url(entry["n"]))
