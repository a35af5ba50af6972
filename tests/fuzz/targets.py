"""Fuzz targets: each takes bytes of a stranger, and lets nothing pass but our errors.

They are plain functions: `make fuzz` looks for bytes that break one, and the tests replay what it has kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeAlias, TypeVar
from zlib import crc32

from spiffesim.entries import Selector, parse_entries
from spiffesim.errors import SpiffeSimError, ValidationError
from spiffesim.federation import read_url
from spiffesim.golang import raw_url_decoded
from spiffesim.plugins.node_attestor.x509pop import X509PopAttestor
from spiffesim.server.bundledocument import read_document
from spiffesim.spiffe import jwtsvid, witsvid
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.bundlemap import BundleMap
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.spiffe.jose import gojose
from spiffesim.spiffe.jose.compact import b64url_bytes, read_jws
from spiffesim.spiffe.jose.jsontext import JsonError, read_object, write_json
from spiffesim.spiffe.proof import Proof
from spiffesim.spiffe.validation import (
    Profile,
    examine_jwt_svid,
    examine_wit_svid,
    examine_x509_svid,
    validate_x509_svid,
)
from spiffesim.spiffe.verdict import Verdict
from spiffesim.spiffe.x509.certificate import read_certificate
from spiffesim.spiffe.x509.pem import read_pem, write_pem
from spiffesim.spiffe.x509.privatekey import as_pkcs8, load_key
from spiffesim.spiffe.x509.problems import issuer_problems, leaf_problems
from spiffesim.spiffe.x509svid import X509Svid, read_chain
from tests.fuzz import material
from tests.fuzz.material import AT, DOMAIN

Target: TypeAlias = Callable[[bytes], None]
TARGETS: Final[dict[str, Target]] = {}
_PROFILES: Final[tuple[Profile, ...]] = ("spiffe", "spire", "go-spiffe")
_GO_SPIFFE: Final[tuple[Profile, ...]] = ("spiffe", "go-spiffe")

_SELDOM: Final = 8

_Read = TypeVar("_Read")


def problem(target: Target, data: bytes) -> BaseException | None:
    """What a target lets pass that is not one of our errors, or None.

    Of those that are no Exception, too: a panic of Rust code is none.
    """
    try:
        target(data)
    except SpiffeSimError:
        return None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - see above
        return error
    return None


def _target(function: Target) -> Target:
    TARGETS[function.__name__] = function
    return function


def _read(reader: Callable[..., _Read], *arguments: Any, **named: Any) -> _Read | None:
    """What a reader makes of something, or None where it refuses in our words."""
    try:
        return reader(*arguments, **named)
    except SpiffeSimError as error:
        _ = str(error), error.code, error.clause
        return None


def _show(value: object) -> None:
    """Look at what a value shows of itself: at its faces seldom, since they take longer than all the rest."""
    shown = repr(value)
    if crc32(shown.encode("utf-8", "surrogatepass")) % _SELDOM == 0:
        _ = str(value)
        for look in ("_repr_html_", "explain"):
            getattr(value, look, str)()


# X.509


@_target
def certificate(data: bytes) -> None:
    """One certificate: a leaf, an issuer, and an authority."""
    read = read_certificate(data)
    assert read.der == data
    assert read.tbs in data
    _ = leaf_problems(read), issuer_problems(read), read.readable_spiffe_id
    _read(lambda: read.public_key)
    _show(X509Svid((data,), material.PRIVATE_KEY))
    verdict = examine_x509_svid([data], material.BUNDLE, at=AT)
    _look(verdict)
    assert not verdict.ok or read.tbs in material.issued()
    bundle = SpiffeBundle(DOMAIN, x509_der=(data,))
    _read(_judged, [data], bundle)
    _read(_stable, bundle)
    _agrees_with_cryptography(data)


@_target
def chain(data: bytes) -> None:
    """Certificates and keys in one piece, as PEM or as DER."""
    _show(_read(X509Svid.parse, data))
    _show(_read(X509Svid.parse_raw, data, material.PRIVATE_KEY))
    bundle = _read(SpiffeBundle.from_pem, DOMAIN, data)
    if bundle is not None:
        assert SpiffeBundle.from_pem(DOMAIN, bundle.pem()) == bundle
    try:
        blocks = read_pem(data)
    except ValueError:
        blocks = []
    if blocks:
        assert read_pem(b"".join(write_pem(label, content) for label, content in blocks)) == blocks
    ders = read_chain(data)
    assert not ders or read_chain(b"".join(write_pem("CERTIFICATE", der) for der in ders)) == ders
    _judged(ders, material.BUNDLE)


@_target
def private_key(data: bytes) -> None:
    """A private key, which may be of any kind."""
    for trusted in (True, False):
        key: Any = _read(load_key, data, trusted=trusted)
        if key is not None:
            _read(X509PopAttestor(material.CHAIN, data).respond, material.CHALLENGE, material.NONCE)
    _read(X509Svid.parse_raw, b"".join(material.CHAIN), data)
    _read(witsvid.WitSvid.parse, material.WIT, private_key_der=data)
    for label in ("EC PRIVATE KEY", "RSA PRIVATE KEY", "PRIVATE KEY"):
        written = _read(as_pkcs8, label, data)
        if written is not None:
            _read(load_key, written, trusted=False)
            _read(X509Svid.parse, b"".join((write_pem("CERTIFICATE", material.CHAIN[0]), write_pem(label, data))))


@_target
def x509_svid(data: bytes) -> None:
    """A chain in DER, judged: what is accepted is what was signed."""
    ders = read_chain(data)
    verdict = _judged(ders, material.BUNDLE)
    assert not verdict.ok or read_certificate(ders[0]).tbs in material.issued()


@_target
def x509_svid_edited(data: bytes) -> None:
    """A chain of which every certificate is signed as it is after the edits: only rules stand in its way."""
    presented, authorities = material.edited_chain(data)
    verdict = _judged(presented, SpiffeBundle(DOMAIN, x509_der=authorities))
    if verdict.ok:
        _is_a_leaf_to_cryptography(presented[0], str(verdict.spiffe_id))


def _judged(ders: Any, bundle: SpiffeBundle) -> Verdict:
    """The verdict, which is looked at, and says the same as the short way; by go-spiffe's rules, too."""
    found = [examine_x509_svid(ders, bundle, at=AT, profile=profile) for profile in _GO_SPIFFE]
    for verdict, profile in zip(found, _GO_SPIFFE, strict=True):
        _look(verdict)
        try:
            accepted: object = validate_x509_svid(ders, bundle, at=AT, profile=profile)
        except ValidationError as error:
            accepted = error.verdict
        assert accepted == (verdict.spiffe_id if verdict.ok else verdict)
    return found[0]


def _look(verdict: Verdict) -> None:
    _show(verdict)
    assert verdict.ok == (not verdict.failures) == (verdict.first is None)
    if verdict.first is not None:
        _ = str(verdict.first)


def _agrees_with_cryptography(data: bytes) -> None:
    """What both can read, both read the same."""
    theirs = material.loaded(data)
    if theirs is None:
        return
    ours = read_certificate(data)
    assert ours.tbs == theirs.tbs_certificate_bytes
    assert ours.signature == theirs.signature
    assert ours.issuer == theirs.issuer.public_bytes()
    assert ours.subject == theirs.subject.public_bytes()


def _is_a_leaf_to_cryptography(data: bytes, spiffe_id: str) -> None:
    """Another reader finds what makes a leaf an SVID."""
    from cryptography import x509

    theirs = material.loaded(data)
    if theirs is None:
        return
    names = theirs.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [spiffe_id]
    usage = theirs.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_cert_sign, usage.crl_sign) == (True, False, False)
    assert theirs.not_valid_before_utc <= AT <= theirs.not_valid_after_utc


# Tokens


@_target
def token(data: bytes) -> None:
    """A token, taken apart by both readers: what the strict one takes, go-jose takes, and sees the same."""
    _show(_read(jwtsvid.JwtSvid.parse, data))
    _show(_read(witsvid.WitSvid.parse, data))
    try:
        theirs = gojose.parse_signed(data)
        gojose.read_claims(theirs.payload)
    except gojose.Failed as failed:
        theirs = None
        _ = str(failed)
    ours = read_jws(data)
    parts = data.split(b".")
    assert [b64url_bytes(raw_url_decoded(part)) for part in parts] == parts  # only one spelling
    assert theirs is None or (theirs.header, theirs.signature) == (ours.header, ours.signature)


@_target
def jwt_svid(data: bytes) -> None:
    """A JWT-SVID as it stands there, or a header and claims that are signed as they are."""
    sealed = data[:1] > b"\x7f"
    text = material.sealed(data[1:], "jwt") if sealed else data[1:]
    for profile in _PROFILES:
        verdict = examine_jwt_svid(text, material.JWT_BUNDLE, audience=material.AUDIENCE, at=AT, profile=profile)
        _look(verdict)
        if verdict.ok:
            assert sealed or material.opened(text) in material.signed("jwt")
            _says_enough(text, verdict, "jwt")


@_target
def wit_svid(data: bytes) -> None:
    """A WIT-SVID and its proof; the first byte says what of them is a stranger's, and what is signed as it is."""
    mode, rest = data[0] % 4 if data else 0, data[1:]
    text, proof = material.WIT, material.PROOF
    if mode == 0:
        text, proof = rest, material.prove(rest)
    elif mode == 1:
        text = material.sealed(rest, "wit")
        proof = material.prove(text)
    elif mode == 2:
        proof = Proof(rest[64:], rest[:64], proof.not_after)
    else:
        proof = material.sign_proof(rest)
    for profile in _GO_SPIFFE:
        verdict = examine_wit_svid(text, material.WIT_BUNDLE, proof=proof, at=AT, profile=profile)
        _look(verdict)
        if verdict.ok:
            _says_enough(text, verdict, "wit")
            assert mode == 1 or material.opened(text) in material.signed("wit")
        if verdict.ok and profile == "spiffe":  # the other one leaves the proof to others
            assert mode != 2 or proof.signed == material.PROOF.signed
            assert proof == material.prove(text) or _digest_in(text, proof.signed)


def _digest_in(text: bytes, signed: bytes) -> bool:
    digest = hashlib.sha256(text).digest()
    with suppress(ValueError):
        signed += raw_url_decoded(signed.partition(b".")[2])
    return digest in signed or b64url_bytes(digest) in signed


def _says_enough(text: bytes, verdict: Verdict, use: material.Use) -> None:
    """An accepted token says what it has to, by another reading."""
    header, claims = map(json.loads, material.opened(text))
    assert claims["sub"] == str(verdict.spiffe_id)
    assert claims["exp"] + 60 > AT.timestamp()
    assert use == "wit" or material.AUDIENCE in claims["aud"]
    assert header.get("kid") in (None, *material.KEYS[use])
    assert header["alg"] in gojose.ALGORITHMS


# Documents


@_target
def json_object(data: bytes) -> None:
    """Strict JSON: what is accepted means the same to everybody."""
    try:
        value = read_object(data)
    except JsonError:
        return
    assert value == json.loads(data.decode())
    assert read_object(write_json(value)) == value
    assert read_object(write_json(value, indent=4)) == value


@_target
def bundle_document(data: bytes) -> None:
    """A bundle document, as the standard and as SPIRE reads it."""
    for bundle in (_read(SpiffeBundle.parse, DOMAIN, data), _read(read_document, DOMAIN, data)):
        if bundle is not None:
            _show(bundle)
            _ = dict(bundle.jwt_authorities), dict(bundle.wit_authorities)
            _read(lambda bundle=bundle: bundle.x509_authorities)
            _stable(bundle)


def _stable(bundle: SpiffeBundle) -> None:
    """What was read and written is read and written the same again."""
    written = bundle.marshal()
    assert SpiffeBundle.parse(bundle.trust_domain, written).marshal() == written


@_target
def bundle_map(data: bytes) -> None:
    """A map of bundles."""
    bundles = BundleMap.parse(data)
    _show(bundles)
    written = bundles.marshal()
    assert BundleMap.parse(written).marshal() == written


@_target
def spiffe_id(data: bytes) -> None:
    """A SPIFFE ID, a trust domain, and other texts that somebody may have written."""
    text = data.decode("utf-8", "surrogateescape")
    read = _read(SpiffeId, text)
    assert (read is not None) == material.is_spiffe_id(text)
    assert read is None or str(read) == text == f"spiffe://{read.trust_domain}{read.path}"
    trust_domain = _read(TrustDomain, text)
    assert trust_domain is None or str(trust_domain.spiffe_id) == f"spiffe://{text}"
    _read(TrustDomain.parse, text)
    below = _read(DOMAIN.id, text)
    assert below is None or str(below) == f"spiffe://{DOMAIN}{text}"
    _read(Selector.parse, text)
    _read(read_url, text)


@_target
def entries(data: bytes) -> None:
    """A file of registration entries."""
    _read(parse_entries, data, note=_show)
    read = parse_entries(data)
    written = json.dumps({"entries": [entry.to_json() for entry in read]})
    assert parse_entries(written) == read


# Attestation


@_target
def x509pop(data: bytes) -> None:
    """What an x509pop agent sends, and what a server sends to it."""
    attestor = X509PopAttestor(material.CHAIN, material.PRIVATE_KEY)
    _read(attestor.respond, data, material.NONCE)
    payload, _, answer = data.partition(b"\0")
    material.attest(payload, lambda _: answer)


@_target
def x509pop_edited(data: bytes) -> None:
    """An agent that has the key, and shows certificates that are signed as they are after the edits."""
    presented, authorities = material.edited_chain(data)
    attestor = X509PopAttestor(presented, material.PRIVATE_KEY)
    material.attest(attestor.payload, lambda challenge: attestor.respond(challenge, material.NONCE), authorities)
