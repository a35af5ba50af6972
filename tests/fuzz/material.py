"""What fuzz targets are made with: keys, bundles and documents that are the same in every run."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Final, Literal, TypeAlias

from cryptography import x509

from spiffesim import catalogue
from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.hierarchy import NOW, hierarchy
from spiffesim.catalogue.shelf import Kind
from spiffesim.catalogue.tokens.draft import key_id
from spiffesim.errors import SpiffeSimError
from spiffesim.golang import raw_url_decoded
from spiffesim.instants import moment
from spiffesim.plugins.node_attestor.x509pop import X509PopVerifier, messages
from spiffesim.randomness import Randomness
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.proof import Proof
from spiffesim.spiffe.x509.certificate import load_certificate, read_certificate
from tests.fuzz.surgery import edited
from tests.oracles import tokens

Use: TypeAlias = Literal["jwt", "wit"]

AT: Final = moment(NOW)
HIERARCHY: Final = hierarchy(0)
DOMAIN: Final = HIERARCHY.trust_domain

# X.509: a leaf with one intermediate above it

CHAIN, _ = Chain(HIERARCHY, 0, 1).encode()
BUNDLE: Final = SpiffeBundle(DOMAIN, x509_der=(HIERARCHY.root_der,))
LEAF_KEY: Final = HIERARCHY.key("leaf")
PRIVATE_KEY: Final = LEAF_KEY.pkcs8
_DEEPEST: Final = 3
_OCTETS: Final = 4  # of a step: which certificate, and what surgery takes


def cases(kind: Kind) -> Iterator[Any]:
    """The cases of the catalogue of one kind: the right one, those with a defect, and the oddities."""
    makers: dict[Kind, Any] = {
        "x509-svid": catalogue.x509_svid_case,
        "jwt-svid": catalogue.jwt_svid_case,
        "wit-svid": catalogue.wit_svid_case,
        "spiffe-id": catalogue.spiffe_id_case,
        "bundle": catalogue.bundle_case,
        "bundle-map": catalogue.bundle_map_case,
    }
    yield makers[kind]()
    yield from (makers[kind](found.name) for found in (*catalogue.defects(kind), *catalogue.oddities(kind)))


@lru_cache(maxsize=1)
def issued() -> frozenset[bytes]:
    """What leaves the keys of the hierarchy have signed, in its right chains and in those of the catalogue."""
    right = (catalogue.x509_svid_case(depth=depth) for depth in range(_DEEPEST))
    return frozenset(filter(None, (_tbs(case.chain_der) for case in (*right, *cases("x509-svid")))))


def _tbs(chain: Sequence[bytes]) -> bytes | None:
    try:
        return read_certificate(chain[0]).tbs
    except (SpiffeSimError, IndexError):
        return None


def edited_chain(data: bytes) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """A right chain after edits, and its authorities; each certificate is signed after its own edits.

    Args:
        data: How many intermediates there are, and steps of surgery, each behind the number of its certificate.
    """
    depth = data[0] % _DEEPEST if data else 0
    made = Chain(HIERARCHY, 0, depth)
    scripts: dict[int, bytes] = {}
    rest = data[1:]
    while len(rest) >= _OCTETS:
        place, size = rest[0] % (depth + 2), rest[_OCTETS - 1]
        scripts[place] = scripts.get(place, b"") + rest[1 : _OCTETS + size]
        rest = rest[_OCTETS + size :]
    for place, script in scripts.items():
        made.draft(place).make_tbs = lambda tbs, script=script: edited(tbs, script)
    return made.encode()


def loaded(data: bytes) -> x509.Certificate | None:
    """The certificate as cryptography reads it; None if it cannot."""
    with warnings.catch_warnings(), suppress(ValueError, TypeError, KeyError, x509.DuplicateExtension):
        warnings.simplefilter("ignore", UserWarning)  # of names and serial numbers that it finds odd
        certificate = load_certificate(data)
        _ = certificate.extensions, certificate.issuer, certificate.subject, certificate.serial_number
        return certificate
    return None


# x509pop

NONCE: Final = bytes(range(32))
CHALLENGE: Final = messages.challenge(LEAF_KEY.public_key, NONCE)


def attest(payload: bytes, respond: Callable[[bytes], bytes], roots: Sequence[bytes] = BUNDLE.x509_der) -> None:
    """Attest a node in both modes; a server refuses in our words."""
    server: Any = SimpleNamespace(
        name="server", trust_domain=DOMAIN, bundle=SpiffeBundle(DOMAIN, x509_der=roots), randomness=Randomness("fuzz")
    )
    for verifier in (X509PopVerifier(roots), X509PopVerifier(mode="spiffe", svid_prefix="/workload")):
        try:
            verifier.attest(payload, respond, NONCE, server, NOW)
        except SpiffeSimError as error:
            _ = str(error)


# Tokens

AUDIENCE: Final = catalogue.jwt_svid_case().audience
JWT: Final = catalogue.jwt_svid_case().token.encode()
WIT: Final = catalogue.wit_svid_case().token.encode()


def _keys(use: str) -> dict[str, Any]:
    drawn = (HIERARCHY.key(use), HIERARCHY.key(use, "ec-p384"), HIERARCHY.key(use, "rsa-2048"))
    return dict(zip((key_id(HIERARCHY, use), "second", "third"), (key.private_key for key in drawn), strict=True))


KEYS: Final = {use: _keys(use) for use in ("jwt", "wit")}
"""What signs tokens: for each use, key ID to private key."""


def _spki(use: str) -> dict[str, bytes]:
    return {kid: tokens.spki(key) for kid, key in KEYS[use].items()}


JWT_BUNDLE: Final = SpiffeBundle(DOMAIN, jwt_spki=_spki("jwt"))
WIT_BUNDLE: Final = SpiffeBundle(DOMAIN, wit_spki=_spki("wit"))
_ALGORITHMS: Final = ("ES256", "ES384", "RS256", "PS256")


def sealed(data: bytes, use: str) -> bytes:
    """A token: its header and its payload, a zero byte between them, as they are, signed by what the header names."""
    header, _, payload = data.partition(b"\0")
    algorithm = next((name for name in _ALGORITHMS if name.encode() in header), "ES256")
    key = list(KEYS[use].values())[min(_ALGORITHMS.index(algorithm), 2)]
    return tokens.sealed(header, payload, algorithm=algorithm, key=key).encode()


def opened(token: bytes) -> tuple[bytes, ...]:
    """The header and the payload of a token.

    Raises:
        ValueError: If they are not base64.
    """
    return tuple(raw_url_decoded(part) for part in token.split(b".")[:2])


@lru_cache(maxsize=2)
def signed(use: Use) -> frozenset[tuple[bytes, ...]]:
    """The headers and payloads of the catalogue."""
    found = set()
    for case in cases("jwt-svid" if use == "jwt" else "wit-svid"):
        with suppress(ValueError):
            found.add(opened(case.token.encode()))
    return frozenset(found)


# Proofs

_HOLDER: Final[Any] = HIERARCHY.key("holder").private_key


def prove(token: bytes) -> Proof:
    """What the holder of the right WIT-SVID signs about a token."""
    claims = {"aud": "https://db", "wth": tokens.b64(hashlib.sha256(token).digest())}
    return sign_proof(f"{tokens.b64(b'{}')}.{tokens.b64(json.dumps(claims).encode())}".encode())


def sign_proof(signed: bytes) -> Proof:
    """What the holder of the right WIT-SVID signs, whatever it is."""
    return Proof(signed, tokens.raw_signature("ES256", _HOLDER, signed), AT + tokens.MINUTE)


PROOF: Final = prove(WIT)


# SPIFFE IDs


def is_spiffe_id(text: str) -> bool:
    """Whether a text is one, by another reading of SPIFFE-ID 2."""
    scheme, mark, rest = text.partition("://")
    name, *segments = rest.split("/")
    return (
        scheme + mark == "spiffe://"
        and len(text) <= 2048
        and 1 <= len(name) <= 255
        and set(name) <= _LOWER
        and all(segment not in ("", ".", "..") and set(segment) <= _LOWER | _UPPER for segment in segments)
    )


_LOWER: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
_UPPER: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
