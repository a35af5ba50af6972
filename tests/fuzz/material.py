"""What fuzz targets are made with: keys, bundles and documents that are the same in every run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Final

from cryptography import x509

from spiffesim import catalogue
from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.hierarchy import NOW, hierarchy
from spiffesim.errors import SpiffeSimError
from spiffesim.instants import moment
from spiffesim.plugins.node_attestor.x509pop import X509PopVerifier, messages
from spiffesim.randomness import Randomness
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.proof import Proof
from spiffesim.spiffe.x509.certificate import read_certificate
from tests.fuzz.surgery import edited
from tests.oracles import tokens

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


@lru_cache(maxsize=1)
def signed_tbs() -> frozenset[bytes]:
    """What the keys of the hierarchy have signed in chains that a validator accepts."""
    names = (None, *(oddity.name for oddity in catalogue.oddities("x509-svid")))
    cases = [catalogue.x509_svid_case(name, depth=depth) for name in names for depth in range(_DEEPEST)]
    return frozenset(read_certificate(case.chain_der[0]).tbs for case in cases)


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
        made.draft(place).make_tbs = lambda tbs, script=script: edited(tbs, script)  # type: ignore[misc]
    return made.encode()


def loaded(data: bytes) -> x509.Certificate | None:
    """The certificate as cryptography reads it; None if it cannot."""
    try:
        certificate = x509.load_der_x509_certificate(data)
        _ = certificate.extensions, certificate.issuer, certificate.subject, certificate.serial_number
    except (ValueError, TypeError, KeyError, x509.DuplicateExtension, x509.InvalidVersion):
        return None
    return certificate


# x509pop

NONCE: Final = bytes(range(32))
CHALLENGE: Final = messages.challenge(LEAF_KEY.public_key, NONCE)


def attest(
    payload: bytes, respond: Callable[[bytes], bytes], roots: Sequence[bytes] = BUNDLE.x509_der
) -> None:
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

TOKEN_AT: Final = tokens.AT
TOKEN_KEYS: Final[dict[str, Any]] = {
    "first": tokens.ec_key(),
    "second": tokens.ec_key(2, "P-384"),
    "third": HIERARCHY.key("jwt", "rsa-2048").private_key,
}
_SPKI: Final = {kid: tokens.spki(key) for kid, key in TOKEN_KEYS.items()}
JWT_BUNDLE: Final = SpiffeBundle(DOMAIN, jwt_spki=_SPKI)
WIT_BUNDLE: Final = SpiffeBundle(DOMAIN, wit_spki=_SPKI)
_SIGNED_BY: Final = {b'"ES384"': ("ES384", "second"), b'"RS256"': ("RS256", "third"), b'"PS256"': ("PS256", "third")}

JWT: Final = tokens.jwt_svid().encode()
WIT: Final = tokens.wit_svid().encode()


def sealed(data: bytes) -> bytes:
    """A token: its header and its payload, a zero byte between them, as they are, signed by what the header names."""
    header, _, payload = data.partition(b"\0")
    algorithm, kid = next((how for name, how in _SIGNED_BY.items() if name in header), ("ES256", "first"))
    return tokens.sealed(header, payload, algorithm=algorithm, key=TOKEN_KEYS[kid]).encode()


def prove(token: bytes) -> Proof:
    """What the holder of the right WIT-SVID signs about a token."""
    return Proof(*tokens.proof_text(token.decode()), TOKEN_AT + tokens.MINUTE)


def sign_proof(signed: bytes) -> Proof:
    """What the holder of the right WIT-SVID signs, whatever it is."""
    return Proof(signed, tokens.raw_signature("ES256", tokens.HOLDER, signed), TOKEN_AT + tokens.MINUTE)


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
