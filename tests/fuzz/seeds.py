"""Where a fuzzer begins: right documents, and those of the catalogue, each wrong in one way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from spiffesim import catalogue
from spiffesim.plugins.node_attestor.x509pop import X509PopAttestor, messages
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.bundlemap import BundleMap
from spiffesim.spiffe.x509.pem import write_pem
from tests.fuzz import material
from tests.oracles import tokens


def seeds(name: str) -> list[bytes]:
    """Where the fuzzing of a target begins."""
    return list(dict.fromkeys(_SEEDS[name]()))


def _cases(kind: Any) -> Iterator[Any]:
    make = getattr(catalogue, f"{kind.replace('-', '_')}_case", None)
    if make is not None:
        yield make()
        yield from (make(defect.name) for defect in (*catalogue.defects(kind), *catalogue.oddities(kind)))


def _certificates() -> Iterator[bytes]:
    for case in _cases("x509-svid"):
        yield from case.chain_der
        yield from case.bundle_der


def _chains() -> Iterator[bytes]:
    yield b"".join(material.CHAIN)
    for case in _cases("x509-svid"):
        yield b"".join(case.chain_der)


def _pieces() -> Iterator[bytes]:
    key = write_pem("PRIVATE KEY", material.PRIVATE_KEY)
    yield from _chains()
    yield b"".join(write_pem("CERTIFICATE", certificate) for certificate in material.CHAIN) + key
    yield write_pem("CERTIFICATE", material.HIERARCHY.root_der)
    yield key


def _private_keys() -> Iterator[bytes]:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    for key_type in ("ec-p256", "ec-p384", "rsa-2048"):
        key: Any = material.HIERARCHY.key("leaf", key_type).private_key
        for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
            yield key.private_bytes(Encoding.DER, form, NoEncryption())


def _edits() -> Iterator[bytes]:
    for depth in range(3):
        yield bytes((depth,))
        for place in range(depth + 2):
            for which in range(48):
                for action in range(8):
                    yield bytes((depth, place, which, action, 2)) + b"\x01\x00"


def _header(**changes: Any) -> bytes:
    return json.dumps(tokens.changed(tokens.HEADER, changes)).encode()


def _tokens() -> Iterator[bytes]:
    yield material.JWT
    yield material.WIT
    for kind in ("jwt-svid", "wit-svid"):
        for case in _cases(kind):
            yield case.token.encode() if isinstance(case.token, str) else case.token


def _jwt_svids() -> Iterator[bytes]:
    yield from (b"\0" + token for token in _tokens())
    claims = json.dumps(tokens.CLAIMS).encode()
    for changes in ({}, {"alg": "ES384", "kid": "second"}, {"alg": "RS256", "kid": "third"}, {"alg": "none"}):
        yield b"\xff" + _header(**changes) + b"\0" + claims
    for claim in ({"aud": "reports"}, {"nbf": tokens.NOW}, {"exp": tokens.NOW + 0.5}, {"iat": "x"}, {"sub": "spiffe://a"}):
        yield b"\xff" + _header() + b"\0" + json.dumps(tokens.changed(tokens.CLAIMS, claim)).encode()
    for token in _tokens():
        yield b"\xff" + _opened(token)


def _wit_svids() -> Iterator[bytes]:
    yield from (b"\0" + token for token in _tokens())
    yield from (b"\x01" + _opened(token) for token in _tokens())
    yield b"\x02" + material.PROOF.signature + material.PROOF.signed
    yield b"\x03" + material.PROOF.signed


def _opened(token: bytes) -> bytes:
    """The header and the payload of a token, to be signed again."""
    parts = [tokens.unb64(part.decode("latin-1")) for part in token.split(b".")[:2]]
    return b"\0".join(parts)


def _objects() -> Iterator[bytes]:
    yield b'{"a": [1, -2.5e3, "\\u00e9\\ud83d\\ude00", true, false, null, {}], "b": {"c": []}}'
    yield json.dumps(tokens.WIT_CLAIMS).encode()
    yield from _bundle_documents()


def _bundle_documents() -> Iterator[bytes]:
    yield SpiffeBundle(material.DOMAIN, x509_der=material.BUNDLE.x509_der, sequence_number=3).marshal()
    yield material.JWT_BUNDLE.marshal()
    yield material.WIT_BUNDLE.marshal()
    yield from map(_document, _cases("bundle"))


def _document(case: Any) -> bytes:
    document = case.document
    return document.encode("utf-8", "surrogatepass") if isinstance(document, str) else document


def _bundle_maps() -> Iterator[bytes]:
    other = SpiffeBundle("other.org", x509_der=material.BUNDLE.x509_der)
    yield BundleMap((material.JWT_BUNDLE, other)).marshal()
    yield from map(_document, _cases("bundle-map"))


def _identifiers() -> Iterator[bytes]:
    yield from (b"spiffe://example.org/a/b", b"example.org", b"unix:uid:1001", b"https://user@example.org:8443/bundle?a#b")
    yield from (case.text.encode("utf-8", "surrogateescape") for case in _cases("spiffe-id") if isinstance(case.text, str))


def _entries() -> Iterator[bytes]:
    entry = {
        "selectors": [{"type": "unix", "value": "uid:1001"}],
        "spiffe_id": "spiffe://example.org/web",
        "parent_id": "spiffe://example.org/agent",
        "x509_svid_ttl": 60,
        "federates_with": ["spiffe://other.org"],
        "dns_names": ["a.example.org"],
        "admin": True,
        "entry_expiry": 1893459600,
    }
    yield json.dumps({"entries": [entry]}).encode()


def _x509pop() -> Iterator[bytes]:
    attestor = X509PopAttestor(material.CHAIN, material.PRIVATE_KEY)
    yield attestor.payload + b"\0" + attestor.respond(material.CHALLENGE, material.NONCE)
    yield material.CHALLENGE
    for case in _cases("x509-svid"):
        yield messages.payload(case.chain_der)


_SEEDS: Final[dict[str, Callable[[], Iterator[bytes]]]] = {
    "certificate": _certificates,
    "chain": _pieces,
    "private_key": _private_keys,
    "x509_svid": _chains,
    "x509_svid_edited": _edits,
    "token": _tokens,
    "jwt_svid": _jwt_svids,
    "wit_svid": _wit_svids,
    "json_object": _objects,
    "bundle_document": _bundle_documents,
    "bundle_map": _bundle_maps,
    "spiffe_id": _identifiers,
    "entries": _entries,
    "x509pop": _x509pop,
    "x509pop_edited": _edits,
}
