"""Other validators against the catalogue, and why some of their answers differ: each difference has a reason here.

``python -m tests.oracles.differential 200000`` puts that many cases to them, and prints what it found.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Final, TypeAlias

from spiffesim import compare
from tests.oracles import go_spiffe

Reasons: TypeAlias = Mapping[str, str]
"""Why a validator differs: by the name of a defect, or by the rule that defects break."""

_NOT_SPIFFE = "it knows RFC 5280, and none of SPIFFE's rules"
_PATH_ONLY = "it validates paths (RFC 5280 6.1); whether certificates keep to the profile it asks only of -x509_strict"
_SECURITY_LEVEL = "openssl-verify(1): which algorithms and keys are good enough depends on -auth_level"
_WHOLE_SECONDS = "it judges in whole seconds, and the microseconds of the instant are lost"
_PYTHON_JSON = "the json module of Python takes it, as its documentation says"
_GO_JSON = "the documentation of Go's encoding/json: what is not UTF-8 or not a pair is replaced, null changes nothing"
_GO_VERIFY = "go-spiffe, svid/x509svid/verify.go: Verify does not ask for it"
_GO_LEAF_ONLY = "go-spiffe, svid/x509svid/verify.go: Verify looks at the SPIFFE ID of the leaf alone"
_GO_JOSE = "go-jose, jwt/validation.go: a leeway of a minute, unless another one is given"
_GO_HEADER = "go-jose: other members of the header are kept, and mean nothing"
_LEAF_KEY = "it does not look at the key of the leaf, with which it has nothing to verify"

_LIMITED = (
    "certificate_too_large",
    "chain_too_long",
    "large_exponent_of_rsa_key",
    "large_rsa_key",
    "payload_nested_deeply",
    "too_large",
)
LIMITS: Final[Reasons] = dict.fromkeys(
    _LIMITED, "RFC 8259 9 and RFC 5280 6.1 leave limits to whoever reads; these are ours"
)
"""What others may accept."""

LENIENT: Final[Mapping[str, Reasons]] = {
    "cryptography": {
        "not_after": _WHOLE_SECONDS,
        "serial_number": "it takes serial numbers of up to 21 octets, the first of which may hold the sign",
        "leaf_key": _LEAF_KEY,
        "certificate_encoding": "how much of DER is enforced where nothing is compared is up to whoever reads",
    },
    "openssl": {
        "leaf_not_ca": _NOT_SPIFFE,
        "no_key_cert_sign": _NOT_SPIFFE,
        "no_crl_sign": _NOT_SPIFFE,
        "key_usage_present": _NOT_SPIFFE,
        "key_usage_critical": _NOT_SPIFFE,
        "digital_signature": _NOT_SPIFFE,
        "extended_key_usage": _NOT_SPIFFE,
        "one_uri": _NOT_SPIFFE,
        "spiffe_id": _NOT_SPIFFE,
        "spiffe_id_path": _NOT_SPIFFE,
        "trust_domain": _NOT_SPIFFE,
        "critical_names": _NOT_SPIFFE,
        "issuer_key_usage": _NOT_SPIFFE,
        "issuer_one_uri": _NOT_SPIFFE,
        "issuer_spiffe_id": _NOT_SPIFFE,
        "issuer_without_path": _NOT_SPIFFE,
        "issuer_usage_critical": _NOT_SPIFFE,
        "algorithms_agree": "RFC 5280 6.1.1: of a trust anchor, only the name and the key count",
        "address_held_against_constraint": _PATH_ONLY,
        "certificate_encoding": _PATH_ONLY,
        "issuer_name": _PATH_ONLY,
        "leaf_key": _LEAF_KEY,
        "serial_number": _PATH_ONLY,
        "unique_extensions": _PATH_ONLY,
        "validity_encoding": _PATH_ONLY,
        "version": _PATH_ONLY,
        "ecdsa_with_parameters": _PATH_ONLY,
        "ed25519_with_parameters": _PATH_ONLY,
        "signature_algorithm": _SECURITY_LEVEL,
        "signing_key": _SECURITY_LEVEL,
        "not_after": _WHOLE_SECONDS,
        "not_before": _WHOLE_SECONDS,
    },
    "pyjwt": {
        "header": _PYTHON_JSON,
        "payload": _PYTHON_JSON,
        "padded": "PyJWT, jwt/utils.py: base64url_decode takes text with its padding, too",
    },
    "go-spiffe": {
        "critical_names": _GO_VERIFY,
        "digital_signature": _GO_VERIFY,
        "extended_key_usage": "go-spiffe, svid/x509svid/verify.go: Verify asks for any purpose",
        "key_usage_critical": _GO_VERIFY,
        "key_usage_present": _GO_VERIFY,
        "spiffe_id_path": _GO_VERIFY,
        "issuer_key_usage": _GO_VERIFY,
        "issuer_one_uri": _GO_LEAF_ONLY,
        "issuer_spiffe_id": _GO_LEAF_ONLY,
        "issuer_without_path": _GO_LEAF_ONLY,
        "id_with_empty_fragment": "go-spiffe, spiffeid: FromURI gets the URI from net/url, which drops an empty fragment",
        "scheme_in_upper_case": "go-spiffe, spiffeid: FromURI gets the URI from net/url, which lowers the scheme",
        "id_too_long": "go-spiffe, spiffeid: nothing counts the bytes of an ID",
        "sub_too_long": "go-spiffe, spiffeid: nothing counts the bytes of an ID",
        "small_rsa_key": "crypto/x509 of Go takes RSA keys from 1024 bits on",
        "small_rsa_key_of_root": "crypto/x509 of Go takes RSA keys from 1024 bits on",
        "validity_encoding": "crypto/x509 of Go takes GeneralizedTime for any year",
        "unexpired": _GO_JOSE,
        "begun": _GO_JOSE,
        "header_members": _GO_HEADER,
        "typ_null": _GO_JSON,
        "nbf_null": _GO_JSON,
        "payload_not_utf8": _GO_JSON,
        "payload_lone_surrogate": _GO_JSON,
        "payload_surrogates_in_utf8": _GO_JSON,
        "trailing_newline": "go-jose takes text with line breaks at its end",
        "last_character_changed": "encoding/base64 of Go is strict about the last bits only when it is told to be",
        "p256_key_for_es384": "go-jose takes the numbers of a signature with leading zeros, for any curve",
        "small_rsa": "go-jose takes RSA keys of less than 2048 bits",
        "small_rsa_pss": "go-jose takes RSA keys of less than 2048 bits",
    },
}
"""Why a validator accepts what is wrong."""

STRICT: Final[Mapping[str, Reasons]] = {
    "cryptography": {
        "name_constraints": "its documentation: constraints on URIs are not supported, so they refuse all",
        "issuer_on_ed25519": "its documentation: only the keys of the Web PKI may sign certificates",
        "rsa_without_parameters": "its documentation: only the algorithms of the Web PKI may sign certificates",
        "rollover_below_path_length": "it counts self-issued certificates, which RFC 5280 6.1.4 (l) leaves out",
        "serial_number": "RFC 5280 4.1.2.2 leaves more than 20 octets to whoever reads; it takes them to 21",
        "no_constraint_among_constraints": "it reads the certificates of RFC 5280 4.2 and no others",
        "umlaut_in_dns_name": "it reads the certificates of RFC 5280 4.2 and no others",
    },
    "openssl": {
        "not_after": "it counts the very last second as over, and loses the microseconds of the instant",
        "key_id_of_another": "it looks for issuers by key identifier, too",
        "own_key_id_made_up": "it looks for issuers by key identifier, too",
        "two_roots_of_same_name": "it takes the first issuer that fits by its name, and does not come back for another",
        "certificate_encoding": "it reads certificates more strictly than RFC 5280 4.2 asks of whoever validates",
    },
    "pyjwt": {},
    "go-spiffe": {
        "kid_missing": "go-spiffe, svid/jwtsvid/svid.go: a token without kid is refused",
        "kid_missing_of_several": "go-spiffe, svid/jwtsvid/svid.go: a token without kid is refused",
        "iat_ahead": "go-jose, jwt/validation.go: a token that is issued in the future is refused",
        "rollover_below_path_length": "crypto/x509 of Go counts self-issued certificates, too",
    },
}
"""Why a validator refuses what is right."""


def explanation(row: compare.Disagreement, name: str) -> str | None:
    """Why a validator's answer differs; None if nobody knows."""
    defect, answer = row.case.defect, row.outcomes[name].answer
    if defect is None or answer == "broken":
        return None
    lenient = answer == "accepted"
    reasons = (LENIENT if lenient else STRICT).get(name, {})
    return reasons.get(defect.name) or reasons.get(defect.rule) or (LIMITS.get(defect.name) if lenient else None)


def unexplained(found: compare.Comparison) -> list[str]:
    """The differences without a reason, in words; each stands for an error of ours, theirs, or the catalogue's."""
    return [
        f"{name}: {row.outcomes[name].answer} {row.case!r}, {row.clause}: {row.outcomes[name].reason}"
        for row in found.rows
        for name in row.wrong
        if explanation(row, name) is None
    ]


def main(arguments: Sequence[str] | None = None, tell: Callable[[str], object] = print) -> int:
    """Put cases to everybody who is there.

    Returns:
        1 if there is a difference without a reason, else 0. Those of go-spiffe are only told: it is no oracle here, but
        a validator under test.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.oracles.differential", description=__doc__)
    parser.add_argument("cases", type=int, nargs="?", default=200_000, help="how many (default: %(default)s)")
    asked = parser.parse_args(arguments)
    with ExitStack() as stack:
        validators = [compare.ours(), compare.cryptography_verifier(), compare.pyjwt()]
        program = go_spiffe.build(stack)
        if program is not None:
            validators.append(stack.enter_context(compare.process([program], name="go-spiffe", kinds=go_spiffe.KINDS)))
        found = compare.disagreements(validators, compare.cases(asked.cases))
    slow = [compare.ours(), *([compare.openssl()] if shutil.which("openssl") else [])]
    sample = compare.disagreements(slow, compare.cases(asked.cases // 50, kinds=["x509-svid"]))
    unknown = [*unexplained(found), *unexplained(sample)]
    for comparison in (found, sample):
        tell(f"{comparison}\n")
        for row in comparison.rows:
            for name in row.wrong:
                tell(f"{name}, {row.name}, {row.count} times: {explanation(row, name) or 'NO REASON KNOWN'}")
    of_oracles = [line for line in unknown if not line.startswith("go-spiffe")]
    told = f"{len(of_oracles)} differences of oracles without a reason, {len(unknown) - len(of_oracles)} of go-spiffe"
    tell("\n".join(["", told, *unknown]))
    return 1 if of_oracles else 0


if __name__ == "__main__":
    sys.exit(main())
