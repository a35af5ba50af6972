"""Where a fuzzer begins: right documents, and those of the catalogue, each wrong in one way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from spiffesim.catalogue.shelf import Kind
from spiffesim.plugins.node_attestor.x509pop import X509PopAttestor, messages
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.bundlemap import BundleMap
from spiffesim.spiffe.x509.pem import write_pem
from tests.fuzz import material
from tests.oracles import tokens


def seeds(name: str) -> list[bytes]:
    """Where the fuzzing of a target begins."""
    return list(dict.fromkeys(_SEEDS[name]()))


def _certificates() -> Iterator[bytes]:
    for case in material.cases("x509-svid"):
        yield from case.chain_der
        yield from case.bundle_der


def _chains() -> Iterator[bytes]:
    yield b"".join(material.CHAIN)
    for case in material.cases("x509-svid"):
        yield b"".join(case.chain_der)


def _pieces() -> Iterator[bytes]:
    key = write_pem("PRIVATE KEY", material.PRIVATE_KEY)
    yield from _chains()
    yield b"".join(write_pem("CERTIFICATE", certificate) for certificate in material.CHAIN) + key
    yield write_pem("CERTIFICATE", material.HIERARCHY.root_der)
    yield key


def _private_keys() -> Iterator[bytes]:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    for key in (tokens.ec_key(), tokens.ec_key(1, "P-384"), _small_rsa_key()):
        for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
            yield key.private_bytes(Encoding.DER, form, NoEncryption())


def _small_rsa_key() -> Any:
    """A key of 1024 bits, since larger ones take too long to be checked."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    p, q = _prime(3 << 510 | 1), _prime(7 << 509 | 1)
    d = pow(65537, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(65537, p * q)
    crt = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    return rsa.RSAPrivateNumbers(p, q, d, *crt, public).private_key()


def _prime(number: int) -> int:
    while pow(2, number - 1, number) != 1:
        number += 2
    return number


def _edits() -> Iterator[bytes]:
    for depth, place in ((0, 0), (0, 1), (1, 1)):
        yield bytes((depth,))
        for which in range(48):
            for action in range(8):
                yield bytes((depth, place, which, action, 2)) + b"\x01\x00"


def _tokens(kind: Kind) -> Iterator[bytes]:
    yield from (case.token.encode() for case in material.cases(kind))


def _both() -> Iterator[bytes]:
    yield from _tokens("jwt-svid")
    yield from _tokens("wit-svid")


def _jwt_svids() -> Iterator[bytes]:
    yield from (b"\0" + token for token in _tokens("jwt-svid"))
    yield from (b"\xff" + parts for parts in _to_be_signed("jwt-svid"))


def _wit_svids() -> Iterator[bytes]:
    yield from (b"\0" + token for token in _tokens("wit-svid"))
    yield from (b"\x01" + parts for parts in _to_be_signed("wit-svid"))
    yield b"\x02" + material.PROOF.signature + material.PROOF.signed
    yield b"\x03" + material.PROOF.signed


def _to_be_signed(kind: Kind) -> Iterator[bytes]:
    """The headers and the payloads of tokens; by other algorithms, too."""
    header, payload = material.opened(next(_tokens(kind)))
    for algorithm, kid in (("ES384", "second"), ("RS256", "third"), ("PS256", "third")):
        yield json.dumps({**json.loads(header), "alg": algorithm, "kid": kid}).encode() + b"\0" + payload
    for token in _tokens(kind):
        with suppress(ValueError):  # where what is wrong with it is its base64
            yield b"\0".join(material.opened(token))


def _objects() -> Iterator[bytes]:
    yield b'{"a": [1, -2.5e3, "\\u00e9\\ud83d\\ude00", true, false, null, {}], "b": {"c": []}}'
    yield from material.opened(material.WIT)
    yield from _bundle_documents()


def _bundle_documents() -> Iterator[bytes]:
    yield SpiffeBundle(material.DOMAIN, x509_der=material.BUNDLE.x509_der, sequence_number=3).marshal()
    yield material.JWT_BUNDLE.marshal()
    yield material.WIT_BUNDLE.marshal()
    yield from (case.document for case in material.cases("bundle"))


def _bundle_maps() -> Iterator[bytes]:
    other = SpiffeBundle("other.org", x509_der=material.BUNDLE.x509_der)
    yield BundleMap((material.JWT_BUNDLE, other)).marshal()
    yield from (case.document for case in material.cases("bundle-map"))


def _identifiers() -> Iterator[bytes]:
    yield from (
        b"spiffe://example.org/a/b",
        b"example.org",
        b"unix:uid:1001",
        b"https://user@example.org:8443/bundle?a#b",
    )
    yield from (
        case.text.encode("utf-8", "surrogateescape")
        for case in material.cases("spiffe-id")
        if isinstance(case.text, str)
    )


def _entries() -> Iterator[bytes]:
    entry = {
        "selectors": [{"type": "unix", "value": "uid:1001"}],
        "spiffe_id": "spiffe://example.org/web",
        "parent_id": "spiffe://example.org/agent",
        "x509_svid_ttl": 60,
        "federates_with": ["spiffe://other.org"],
        "dns_names": ["a.example.org"],
        "admin": True,
        "entryExpiry": 1893459600,
    }
    yield json.dumps({"entries": [entry]}).encode()


def _x509pop() -> Iterator[bytes]:
    attestor = X509PopAttestor(material.CHAIN, material.PRIVATE_KEY)
    yield attestor.payload + b"\0" + attestor.respond(material.CHALLENGE, material.NONCE)
    yield material.CHALLENGE
    for case in material.cases("x509-svid"):
        yield messages.payload(case.chain_der)


_SEEDS: Final[dict[str, Callable[[], Iterator[bytes]]]] = {
    "certificate": _certificates,
    "chain": _pieces,
    "private_key": _private_keys,
    "x509_svid": _chains,
    "x509_svid_edited": _edits,
    "token": _both,
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
