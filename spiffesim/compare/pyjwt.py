"""PyJWT's decoder, with the rules for JWT-SVIDs around it.

It is written apart from our own validator, which uses PyJWT for keys and signatures only, so that the two can be held
against each other. PyJWT reads the wall clock: its checks of instants are off, and those of ``exp`` and ``nbf`` are done here.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from spiffesim.catalogue import JwtSvidCase
from spiffesim.compare.outcome import ACCEPTED, Outcome, refused
from spiffesim.compare.validator import Validator
from spiffesim.spiffe.ids import TrustDomain

_SIZES: Final = (256, 384, 512)
_ELLIPTIC: Final = tuple(f"ES{size}" for size in _SIZES)
_RSA: Final = tuple(f"{name}{size}" for name in ("RS", "PS") for size in _SIZES)
_SHORTEST: Final = 2048  # bits of an RSA key: RFC 7518 3.3
_LONGEST: Final = 2048  # bytes of a SPIFFE ID
_HEADER: Final = {"alg", "kid", "typ"}
_ID: Final = re.compile(r"spiffe://([a-z0-9._-]{1,255})((?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]+)*)")
_OFF: Final[Any] = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "require": ["aud", "exp", "sub"]}


def pyjwt() -> Validator:
    """PyJWT with SPIFFE's rules for the header, the key and the subject; it judges JWT-SVIDs."""
    return Validator("pyjwt", ("jwt-svid",), _judge, (jwt.PyJWTError, ValueError, UnsupportedAlgorithm))


def _judge(case: JwtSvidCase) -> Outcome:
    header = jwt.get_unverified_header(case.token)
    if not header.keys() <= _HEADER or header.get("typ", "JWT") not in ("JWT", "JOSE"):
        return refused("the header has other members than alg, kid and typ, or typ is neither JWT nor JOSE")
    told: Any = jwt.decode(case.token, options={"verify_signature": False}).get("sub")
    subject = _ID.fullmatch(told) if isinstance(told, str) and len(told) <= _LONGEST else None
    if subject is None:
        return refused("sub is not a SPIFFE ID")
    outcome = refused("no key of the trust domain has this kid")
    for key in _keys(case, subject[1], header.get("kid")):
        outcome = _judge_signed(case, key)
        if outcome.accepted:
            break
    return outcome


def _keys(case: JwtSvidCase, trust_domain: str, key_id: str | None) -> list[bytes]:
    """The keys that may have signed it: the one that it names, or all where it names none."""
    bundle = case.bundles.get(TrustDomain(trust_domain))
    keys = bundle.jwt_spki if bundle is not None else {}
    return [keys[name] for name in keys if key_id in (None, name)]


def _judge_signed(case: JwtSvidCase, spki: bytes) -> Outcome:
    key: Any = load_der_public_key(spki)
    if isinstance(key, RSAPublicKey) and key.key_size < _SHORTEST:
        return refused("the RSA key is too short")
    algorithms = _RSA if isinstance(key, RSAPublicKey) else _ELLIPTIC
    try:
        claims = jwt.decode(case.token, key, algorithms=algorithms, audience=case.audience, options=_OFF)
    except jwt.PyJWTError as error:
        return refused(error)
    now = case.now.timestamp()
    if not (_is_instant(claims["exp"]) and now < claims["exp"]):
        return refused("it has expired")
    begun = "nbf" not in claims or (_is_instant(claims["nbf"]) and claims["nbf"] <= now)
    return ACCEPTED if begun else refused("it has not begun")


def _is_instant(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
