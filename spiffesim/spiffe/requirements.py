"""What a bundle document and a bundle map have to be: each requirement with its clause, in the order in which they are read.

Readers refuse the document at the first one that is broken, under its name.

Spec: SPIFFE Trust Domain and Bundle 4 and 5, X509-SVID 6, JWT-SVID 6, WIT-SVID 6
"""

from __future__ import annotations

from typing import Final

from spiffesim.errors import InvalidBundle
from spiffesim.spiffe.jose import MAX_RSA_BITS
from spiffesim.spiffe.jose.jsontext import MAX_DEPTH
from spiffesim.spiffe.verdict import Rule, Scope

MAX_DOCUMENT: Final = 1 << 22
"""The longest bundle or bundle map that is read: 4 MiB, in bytes or in characters of a text."""

_STANDARD: Final = "SPIFFE Trust Domain and Bundle"


def _rules(scope: Scope, *rows: tuple[str, str, str]) -> tuple[Rule, ...]:
    return tuple(Rule(name, clause, sentence, InvalidBundle, scope) for name, clause, sentence in rows)


# JSON


BEFORE_JSON: Final = _rules(
    "document",
    ("size", "RFC 8259 9", f"The document has at most {MAX_DOCUMENT} bytes."),
    ("encoding", "RFC 8259 8.1", "It is UTF-8."),
    ("byte_order_mark", "RFC 8259 8.1", "It does not begin with a byte order mark."),
    ("nesting", "RFC 8259 9", f"Objects and arrays are nested at most {MAX_DEPTH} levels deep."),
)
JSON: Final = _rules(
    "value",
    ("json", "RFC 8259 2", "It is one JSON value, with nothing before or after it but whitespace."),
    ("finite_numbers", "RFC 8259 6", "No number is NaN or infinite."),
    ("number_range", "RFC 8259 6", "No number has more than 4300 digits, or is larger than a float can be."),
    ("unique_members", "RFC 8259 4", "No object has two members of the same name."),
)
UNICODE: Final = _rules(
    "document", ("surrogates", "RFC 8259 8.2", "No string holds one half of a surrogate pair without the other.")
)
JWK_SET: Final = _rules("document", ("jwk_set", "RFC 7517 5", "The document is a JWK Set, which is an object."))

# Bundles

KEYS: Final = _rules(
    "document",
    ("keys", f"{_STANDARD} 4.1.3", "keys is there; an empty array means that all are revoked."),
    ("keys_array", "RFC 7517 5.1", "keys is an array."),
)
# An entry's rules in the order in which they are asked; kty, use, x5c_present, x5c_single and entry_members never
# refuse: what breaks them is ignored.
ENTRIES: Final = _rules(
    "part",
    ("entry_object", "RFC 7517 4", "Each entry of keys is a JWK, which is an object."),
    ("kty", f"{_STANDARD} 4.2.1", "kty is EC or RSA; other entries are ignored."),
    ("use", f"{_STANDARD} 4.2.2", "use is x509-svid, jwt-svid or wit-svid; other entries are ignored."),
    ("x5c_array", "RFC 7517 4.7", "x5c is an array."),
    ("x5c_present", "X509-SVID 6.2", "An x509-svid entry has a certificate; one without is ignored."),
    ("no_key_id", "X509-SVID 6.1", "An x509-svid entry has no kid."),
    ("x5c_string", "RFC 7517 4.7", "The certificate in x5c is a string."),
    ("x5c_base64", "RFC 4648 4", "It is base64: not the URL-safe kind, padded, and without whitespace."),
    ("certificate_encoding", "RFC 5280 4.1", "It is one certificate in DER."),
    ("is_ca", "X509-SVID 6.1", "It is a CA certificate."),
    ("private_members", "RFC 7517 9.2", "No entry has a member of a private or symmetric key."),
    ("certificate_key", "RFC 5280 4.1.2.7", "The public key of the certificate can be read."),
    ("certificate_key_type", "JWT-SVID 2.1", "It is RSA, or EC on P-256, P-384 or P-521."),
    ("same_key", "RFC 7517 4.7", "What an x509-svid entry says of its key is what its certificate says."),
    ("x5c_single", "X509-SVID 6.2", "x5c has one certificate; all but the first are ignored."),
    ("jwt_key_id", "JWT-SVID 6.1", "A jwt-svid entry has a kid that is not empty."),
    ("wit_key_id", "WIT-SVID 6.1", "A wit-svid entry has a kid that is not empty."),
    ("key_id_string", "RFC 7517 4.5", "kid is a string."),
    ("unique_key_id", "WIT-SVID 6.1", "No other jwt-svid or wit-svid entry has the same kid."),
    ("curve", "RFC 7518 6.2.1.1", "crv of an EC key is P-256, P-384 or P-521."),
    ("key_members", "RFC 7518 6", "An EC key has x and y, an RSA key n and e; each is a string."),
    ("key_encoding", "RFC 7515 2", "Each of them is base64url without padding."),
    ("coordinates", "RFC 7518 6.2.1.2", "x and y have exactly as many bytes as the curve's field needs."),
    ("point", "SEC 1 3.2.2.1", "x and y are a point on the curve."),
    ("minimal_numbers", "RFC 7518 2", "n and e are numbers in as few bytes as possible."),
    ("rsa_size", "RFC 7518 3.3", f"n and e have at most {MAX_RSA_BITS} bits."),
    ("rsa_numbers", "RFC 8017 3.1", "n and e can be an RSA key: both are odd, and e is at least 3 and less than n."),
    ("entry_members", "RFC 7517 4", "Other members of an entry mean nothing here, and are ignored."),
)
NUMBERS: Final = _rules(
    "document",
    ("spiffe_sequence", f"{_STANDARD} 4.1.1", "spiffe_sequence, if there, is a whole number from 0, however large."),
    (
        "spiffe_refresh_hint",
        f"{_STANDARD} 4.1.2",
        "spiffe_refresh_hint, if there, is a whole number of seconds from 0.",
    ),
)
MEMBERS: Final = _rules("document", ("members", "RFC 7517 5", "Other members mean nothing here, and are ignored."))

# Maps

UNIQUE_TRUST_DOMAINS: Final = _rules(
    "value", ("unique_trust_domains", f"{_STANDARD} 5.1.1", "No trust domain comes twice.")
)
MAP: Final = _rules(
    "document",
    ("map_object", f"{_STANDARD} 5.1", "The document is an object."),
    ("trust_domains", f"{_STANDARD} 5.1.1", "trust_domains is there; it may be empty."),
    ("trust_domains_object", f"{_STANDARD} 5.1.1", "trust_domains is an object."),
)
BUNDLES: Final = _rules(
    "part",
    ("trust_domain_missing", "SPIFFE-ID 2.1", "The name of a trust domain is not empty."),
    ("trust_domain_characters", "SPIFFE-ID 2.1", "It has only lower-case letters, digits, dots, dashes, underscores."),
    ("trust_domain_too_long", "SPIFFE-ID 2.3", "It has at most 255 bytes."),
    ("bundle_object", f"{_STANDARD} 5.1.1", "The bundle of each trust domain is an object."),
)
INNER_HINT: Final = _rules(
    "part",
    (
        "inner_refresh_hint",
        f"{_STANDARD} 5.1.1",
        "The refresh hint of a bundle in a map means nothing, and is ignored.",
    ),
)

_ALL: Final = (
    *(BEFORE_JSON + JSON + UNICODE + JWK_SET + KEYS + ENTRIES + NUMBERS + MEMBERS),
    *(UNIQUE_TRUST_DOMAINS + MAP + BUNDLES + INNER_HINT),
)
_CLAUSES: Final = {rule.name: rule.clause for rule in _ALL}


def clause_of(requirement: str) -> str:
    """Where a requirement stands."""
    return _CLAUSES[requirement]
