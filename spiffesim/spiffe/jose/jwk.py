"""Public keys as JSON Web Keys, read strictly.

Spec: RFC 7517, RFC 7518 6
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from cryptography.hazmat.primitives.asymmetric import ec

from spiffesim.spiffe.jose.compact import b64url, unb64url
from spiffesim.spiffe.jose.jsontext import kind_of

if TYPE_CHECKING:
    from spiffesim.spiffe.jose import PublicKey

MAX_RSA_BITS: Final = 16_384
"""The largest RSA key that is read; OpenSSL computes with no larger one."""

_COORDINATE: Final = {"P-256": 32, "P-384": 48, "P-521": 66}
_PRIVATE_MEMBERS: Final = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")


class BrokenKey(ValueError):
    """A JWK is not a public key that we take; the message says why, without naming the JWK.

    Attributes:
        requirement: What it breaks: ``"private_members"``, ``"key_type"``, ``"key_members"``, ``"key_encoding"``,
            ``"curve"``, ``"coordinates"``, ``"point"``, ``"minimal_numbers"``, ``"rsa_size"`` or ``"rsa_numbers"``.
    """

    def __init__(self, text: str, requirement: str) -> None:
        super().__init__(text)
        self.requirement = requirement


def jwk_of(public_key: PublicKey) -> dict[str, str]:
    """A public key as a JWK: ``kty, crv, x, y`` or ``kty, n, e``, in this order (RFC 7518 6)."""
    from jwt.algorithms import ECAlgorithm, RSAAlgorithm

    if isinstance(public_key, ec.EllipticCurvePublicKey):
        jwk = ECAlgorithm.to_jwk(public_key, as_dict=True)
        numbers, size = public_key.public_numbers(), _COORDINATE[jwk["crv"]]
        # Older versions of PyJWT leave out leading zeros, which RFC 7518 6.2.1.2 demands.
        x, y = (b64url(number.to_bytes(size, "big")) for number in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": jwk["crv"], "x": x, "y": y}
    jwk = RSAAlgorithm.to_jwk(public_key, as_dict=True)
    return {name: jwk[name] for name in ("kty", "n", "e")}


def key_of(jwk: Mapping[str, Any]) -> PublicKey:
    """The public key of a JWK, read strictly; members that are not the key's own are not looked at.

    Raises:
        BrokenKey: If it is not a public EC (P-256, P-384, P-521) or RSA key.

    Spec: RFC 7518 6.2.1 and 6.3.1
    """
    from jwt.algorithms import ECAlgorithm, RSAAlgorithm
    from jwt.exceptions import InvalidKeyError

    check_public(jwk)
    kty = jwk.get("kty")
    if kty not in ("EC", "RSA"):
        raise BrokenKey(f"kty is {kty!r:.80}, not EC or RSA", "key_type")
    parameters = {"kty": kty, **(_ec_parameters(jwk) if kty == "EC" else _rsa_parameters(jwk))}
    try:
        key = (ECAlgorithm if kty == "EC" else RSAAlgorithm).from_jwk(parameters)
    except (InvalidKeyError, ValueError) as error:
        requirement = "point" if kty == "EC" else "rsa_numbers"
        raise BrokenKey(f"is not a valid {kty} key: {error}", requirement) from None
    return cast("PublicKey", key)


def check_public(jwk: Mapping[str, Any]) -> None:
    """Refuse a JWK that gives a private or a symmetric key away (RFC 7517 9.2).

    Raises:
        BrokenKey: If it does.
    """
    for member in _PRIVATE_MEMBERS:
        if member in jwk:
            raise BrokenKey(f"has the private member {member!r}; only public keys may be published", "private_members")


def _ec_parameters(jwk: Mapping[str, Any]) -> dict[str, str]:
    curve = jwk.get("crv")
    size = _COORDINATE.get(curve) if isinstance(curve, str) else None
    if size is None:
        raise BrokenKey(f"crv is {curve!r:.80}, not P-256, P-384 or P-521", "curve")
    for member in ("x", "y"):
        length = len(_member(jwk, member))
        if length != size:
            raise BrokenKey(f"{member} has {length} bytes, not the {size} of {curve}", "coordinates")
    return {"crv": cast("str", curve), "x": jwk["x"], "y": jwk["y"]}


def _rsa_parameters(jwk: Mapping[str, Any]) -> dict[str, str]:
    for member in ("n", "e"):
        number = _member(jwk, member)
        if not number or number[0] == 0:
            raise BrokenKey(f"{member} is not a number in as few bytes as possible", "minimal_numbers")
        if not number[-1] & 1:  # OpenSSL would take an even modulus
            raise BrokenKey(f"{member} is even", "rsa_numbers")
        if len(number) * 8 > MAX_RSA_BITS:
            raise BrokenKey(f"{member} has {len(number) * 8} bits, more than {MAX_RSA_BITS}", "rsa_size")
    return {"n": jwk["n"], "e": jwk["e"]}


def _member(jwk: Mapping[str, Any], name: str) -> bytes:
    if name not in jwk:
        raise BrokenKey(f"{name} is missing", "key_members")
    value = jwk[name]
    if not isinstance(value, str):
        raise BrokenKey(f"{name} is {kind_of(value)}, not a string", "key_members")
    try:
        return unb64url(value)
    except ValueError as error:
        raise BrokenKey(f"{name} {error}", "key_encoding") from None
