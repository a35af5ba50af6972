"""The keys of a SPIFFE bundle as a JWK Set: read to the letter of the standard, written as SPIRE does.

Spec: SPIFFE Trust Domain and Bundle 4, X509-SVID 6, JWT-SVID 6, WIT-SVID 6
"""

from __future__ import annotations

from base64 import b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, cast

from spiffesim.errors import InvalidBundle, InvalidSvid
from spiffesim.spiffe import jose
from spiffesim.spiffe.jose.jsontext import JsonError, kind_of, read_object
from spiffesim.spiffe.markup import shorten
from spiffesim.spiffe.requirements import MAX_DOCUMENT, clause_of
from spiffesim.spiffe.x509.certificate import Certificate, load_public_key, read_certificate

if TYPE_CHECKING:
    from spiffesim.spiffe.authorities import Pairs

X509: Final = "x509-svid"
JWT: Final = "jwt-svid"
WIT: Final = "wit-svid"

USES: Final = (X509, JWT, WIT)
KEY_TYPES: Final = ("EC", "RSA")

_OBJECTS: Final = {"a bundle": "jwk_set", "a bundle map": "map_object"}
_KEY_IDS: Final = {JWT: "jwt_key_id", WIT: "wit_key_id"}
_PARAMETERS: Final = ("crv", "x", "y", "n", "e")
_LONGEST_HINT: Final = timedelta.max // timedelta(seconds=1)


def read_document(what: str, data: bytes | str) -> dict[str, Any]:
    """The JSON object of a document of at most 4 MiB.

    Raises:
        InvalidBundle: If it is not one.
    """
    check_text(what, data)
    if len(data) > MAX_DOCUMENT:  # before anything of it is looked at
        raise InvalidBundle(
            f"the document of {what} is {len(data)} long, {len(data) - MAX_DOCUMENT} more than {MAX_DOCUMENT}",
            code="size",
            clause=clause_of("size"),
        )
    try:
        return read_object(data)
    except JsonError as error:
        pem = data.lstrip()[:10] in ("-----BEGIN", b"-----BEGIN")
        hint = "; this is PEM, which SpiffeBundle.from_pem reads" if pem else ""
        code = _OBJECTS[what] if error.requirement == "object" else error.requirement
        raise InvalidBundle(f"the document of {what} {error}{hint}", code=code, clause=clause_of(code)) from None


def check_text(what: str, data: object) -> None:
    """Refuse what cannot be a document.

    Raises:
        InvalidBundle: If it is neither a text nor bytes.
    """
    if not isinstance(data, bytes | str):
        clause = clause_of(_OBJECTS[what])
        raise InvalidBundle(f"{what} is read from text, not from {type(data).__name__}", code="text", clause=clause)


def read_bundle(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a SpiffeBundle from the object of its document; members unknown to us are skipped.

    Raises:
        InvalidBundle: If it is broken.
    """
    if "keys" not in document:
        raise InvalidBundle(
            "the bundle has no keys; an empty array would mean that all are revoked",
            code="keys",
            clause=clause_of("keys"),
        )
    keys = read_keys(document["keys"])
    hint = _whole_number(document, "spiffe_refresh_hint", most=_LONGEST_HINT)
    return {
        "x509_der": keys.x509,
        "jwt_spki": keys.jwt,
        "wit_spki": keys.wit,
        "sequence_number": _whole_number(document, "spiffe_sequence"),
        "refresh_hint": None if hint is None else timedelta(seconds=hint),
    }


def _whole_number(document: Mapping[str, Any], name: str, *, most: int | None = None) -> int | None:
    if name not in document:
        return None
    value = document[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0 or (most is not None and value > most):
        raise InvalidBundle(
            f"the bundle's {name} is {value!r:.40}, not a whole number from 0" + (f" to {most}" if most else ""),
            code=name,
            clause=clause_of(name),
        )
    return value


class Keys(NamedTuple):
    """What a bundle document holds: certificates as DER, and key IDs with SubjectPublicKeyInfo DER."""

    x509: tuple[bytes, ...]
    jwt: Pairs
    wit: Pairs


def read_keys(entries: object) -> Keys:
    """Read the ``keys`` of a bundle document.

    Ignored, as the standard demands: entries whose ``kty`` or ``use`` is missing or unknown, and
    x509-svid entries without a certificate. Any other defect of an entry refuses the document.

    Raises:
        InvalidBundle: With the index of the entry.
    """
    if not isinstance(entries, list):
        raise InvalidBundle(
            f"the bundle's keys are {kind_of(entries)}, not an array",
            code="keys_array",
            clause=clause_of("keys_array"),
        )
    x509: list[bytes] = []
    tokens: dict[str, list[tuple[str, bytes]]] = {JWT: [], WIT: []}
    seen: dict[str, int] = {}
    for index, entry in enumerate(entries):
        use = _use(index, entry)
        if use == X509:
            x509.extend(_certificate(index, entry))
        elif use is not None:
            tokens[use].append(_authority(index, use, entry, seen))
    return Keys(tuple(x509), tuple(tokens[JWT]), tuple(tokens[WIT]))


def _use(index: int, entry: object) -> str | None:
    """What a key is for, or None if it must be ignored."""
    if not isinstance(entry, dict):
        _refuse(index, None, "entry_object", f"is {kind_of(entry)}, not a JWK")
    use = entry.get("use")
    return use if known(use, USES) and known(entry.get("kty"), KEY_TYPES) else None


def known(value: object, values: Iterable[str]) -> bool:
    """Whether a member is a string that is one of these, which are case-sensitive."""
    return isinstance(value, str) and value in values


def _certificate(index: int, entry: Mapping[str, Any]) -> Iterable[bytes]:
    """The CA certificate of an x509-svid entry; of several only the first."""
    chain = entry.get("x5c", [])
    if not isinstance(chain, list):
        _refuse(index, X509, "x5c_array", f"has an x5c that is {kind_of(chain)}, not an array")
    if not chain:
        return
    if "kid" in entry:
        _refuse(index, X509, "no_key_id", "has a kid, which it must not")
    certificate = _ca_certificate(index, chain[0])
    try:
        jose.check_public(entry)
        _check_same_key(entry, certificate)
    except jose.BrokenKey as error:
        _refuse(index, X509, error.requirement, str(error))
    yield certificate.der


def _ca_certificate(index: int, encoded: object) -> Certificate:
    if not isinstance(encoded, str):
        _refuse(index, X509, "x5c_string", f"has an x5c whose first value is {kind_of(encoded)}, not a string")
    try:
        der = a2b_base64(encoded.encode("ascii"), strict_mode=True)
    except (UnicodeEncodeError, Base64Error):
        der = b""
    # In its strict mode, too, Python takes more padding than there has to be, and bits behind the last byte.
    if b64encode(der).decode("ascii") != encoded:
        _refuse(index, X509, "x5c_base64", "has an x5c that is not base64")
    try:
        return check_ca(read_certificate(der))
    except InvalidSvid as error:
        _refuse(index, X509, "certificate_encoding", f"has an x5c that cannot be used: {error}")
    except InvalidBundle as error:
        _refuse(index, X509, "is_ca", f"has an x5c that cannot be used: {error}")


def check_ca(certificate: Certificate) -> Certificate:
    """A certificate that may be an authority.

    A leaf that is its own anchor validates in other verifiers without any signature being checked.

    Raises:
        InvalidBundle: If it is not a CA certificate.
    """
    if not certificate.is_ca:
        names = shorten(", ".join(certificate.uris), 200) or f"serial number {certificate.serial}"
        raise InvalidBundle(
            f"the certificate of {names} is not a CA certificate, so it cannot be an authority",
            code="is_ca",
            clause=clause_of("is_ca"),
        )
    return certificate


def _check_same_key(entry: Mapping[str, Any], certificate: Certificate) -> None:
    """The JWK's own parameters, as far as they are there, must say the same as the certificate."""
    try:
        key = certificate.public_key
    except InvalidSvid as error:
        raise jose.BrokenKey(f"has a certificate whose key cannot be read: {error}", "certificate_key") from None
    if not any(jose.fits(algorithm, key) for algorithm in jose.ALGORITHMS):
        text = f"has a certificate for {jose.describe(key)}, which is neither EC nor RSA as SPIFFE uses them"
        raise jose.BrokenKey(text, "certificate_key_type")
    expected = jose.jwk_of(cast("jose.PublicKey", key))
    if entry["kty"] != expected["kty"]:
        text = f"has kty {entry['kty']}, but its certificate is for {jose.describe(key)}"
        raise jose.BrokenKey(text, "same_key")
    for member in _PARAMETERS:
        if member in entry and entry[member] != expected.get(member):
            raise jose.BrokenKey(f"has a {member} that is not that of its certificate's key", "same_key")


def _authority(index: int, use: str, entry: Mapping[str, Any], seen: dict[str, int]) -> tuple[str, bytes]:
    """The key ID and the SubjectPublicKeyInfo of a jwt-svid or wit-svid entry."""
    kid = entry.get("kid", "")
    if not isinstance(kid, str):
        _refuse(index, use, "key_id_string", f"has no key ID: its kid is {kind_of(kid)}, not a string")
    if not kid:
        found = "is empty" if "kid" in entry else "is missing"
        _refuse(index, use, _KEY_IDS[use], f"has no key ID: its kid {found}")
    if kid in seen:
        _refuse(index, use, "unique_key_id", f"has key ID {kid!r:.80}, as entry {seen[kid]} has")
    seen[kid] = index
    try:
        return kid, spki_of(jose.key_of(entry))
    except jose.BrokenKey as error:
        _refuse(index, use, error.requirement, f"is no usable key: {error}")


def _refuse(index: int, use: str | None, code: str, problem: str) -> NoReturn:
    kind = f"{use} entry" if use else "entry"
    raise InvalidBundle(
        f"{kind} {index} of the bundle {problem}",
        code=code,
        clause=clause_of(code),
        index=index,
    )


def spki_of(public_key: jose.PublicKey) -> bytes:
    """A public key as SubjectPublicKeyInfo DER."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def load_key(spki: bytes) -> jose.PublicKey:
    """The EC or RSA public key of SubjectPublicKeyInfo DER.

    Raises:
        InvalidBundle: If it is none.
    """
    try:
        key = load_public_key(spki)
    except InvalidSvid as error:
        raise InvalidBundle(
            f"the bundle holds an unusable key: {error}", code=error.code, clause=error.clause
        ) from None
    if not any(jose.fits(algorithm, key) for algorithm in jose.ALGORITHMS):
        raise InvalidBundle(
            f"the bundle holds {jose.describe(key)}, with which no SVID can be signed",
            code="key_type",
            clause="JWT-SVID 2.1",
        )
    return cast("jose.PublicKey", key)


def write_keys(certificates: Iterable[Certificate], jwt: Pairs, wit: Pairs) -> list[dict[str, Any]]:
    """The ``keys`` of a bundle document, members in the order in which Go writes them.

    SPIRE: cmd/spire-server/cli/bundle/common.go
    """
    entries: list[dict[str, Any]] = [
        {
            "use": X509,
            **jose.jwk_of(load_key(certificate.spki)),
            "x5c": [b64encode(certificate.der).decode("ascii")],
        }
        for certificate in certificates
    ]
    # Not SPIRE: it prints JWT keys in random order, and WIT keys not at all; go-spiffe writes both.
    for use, pairs in ((JWT, jwt), (WIT, wit)):
        for kid, spki in pairs:
            jwk = jose.jwk_of(load_key(spki))
            entries.append({"use": use, "kty": jwk.pop("kty"), "kid": kid, **jwk})
    return entries
