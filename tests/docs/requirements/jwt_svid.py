"""What JWT-SVID demands."""

from __future__ import annotations

from typing import Final

from tests.docs.requirements.row import (
    BOTH,
    LOWER,
    MUST,
    MUST_NOT,
    SHOULD,
    VALIDATOR,
    Departure,
    Row,
    Standard,
    Unruled,
)

_PARTS: Final = "test_a_token_has_three_parts_and_no_more_in_its_header"
_ALGORITHM: Final = "test_a_token_is_signed_by_one_of_the_nine_algorithms test_other_keys_sign_by_their_own_algorithm"
_TYPE: Final = "test_a_token_says_of_which_kind_it_is"
_ABOUT: Final = "test_a_token_is_about_whom_it_was_asked_for"
_AUDIENCE: Final = "test_a_jwt_svid_names_its_audience"
_END: Final = "test_a_token_has_an_end"
_KEYS: Final = "test_every_key_for_tokens_has_a_key_id_that_no_other_has"
_USE: Final = "test_every_entry_of_a_bundle_says_what_it_is_and_no_more"

# fmt: off
JWT_SVID: Final = Standard(
    "JWT-SVID",
    ("jwt-svid",),
    (
        Row("jwt-no-json", "1", MUST_NOT, BOTH, "The JSON serialization is not used.",
            {"jwt-svid: compact": "json_serialization flattened_json_serialization"}, _PARTS),
        Row("jwt-header-members", "2", MUST_NOT, BOTH, "The header has no members but alg, kid and typ.",
            {"jwt-svid: header_members": "header_jwk header_jku header_x5c header_crit header_b64 header_unknown"},
            _PARTS),
        Row("jwt-signed-only", "2", LOWER, BOTH, "Only signed tokens are supported, not encrypted ones.",
            {"jwt-svid: compact": "encrypted unsecured"}, _PARTS),
        Row("jwt-algorithm", "2.1", MUST, BOTH, "alg is one of nine, of RSA or ECDSA.",
            {"jwt-svid: algorithm": "alg_missing alg_none_signed alg_eddsa alg_lower_case"}, _ALGORITHM),
        Row("jwt-algorithm-refused", "2.1", MUST, VALIDATOR, "A token with another algorithm is refused.",
            {"jwt-svid: algorithm": "alg_none hs256_with_public_key_pem alg_es256k alg_of_encryption"}),
        Row("jwt-keys", "2.1", LOWER, BOTH, "Keys are for one of the nine: RSA, or EC on one of three curves.",
            {"bundle: kty": "edwards_key symmetric_key",
             "bundle: certificate_key_type": "edwards_authority bitcoin_curve_of_authority"}, _USE),
        Row("jwt-kid-optional", "2.2", LOWER, VALIDATOR, "kid may be missing; it is a string.",
            {"jwt-svid: authority": "kid_missing",
             "jwt-svid: signature": "kid_missing_of_several",
             "jwt-svid: key_id": "kid_number kid_null"}),
        Row("jwt-type", "2.3", MUST, BOTH, "typ, if there, is JWT or JOSE.",
            {"jwt-svid: type": "typ_of_wit_svid typ_of_access_token typ_lower_case typ_empty"}, _TYPE),
        Row("jwt-subject", "3.1", MUST, BOTH, "sub is the SPIFFE ID of the workload that the token was issued to.",
            {"jwt-svid: subject": "sub_missing sub_name sub_array",
             "jwt-svid: signature": "subject_of_another_trust_domain"}, _ABOUT),
        Row("jwt-audience", "3.2", MUST, BOTH, "aud is there, with at least one value.",
            {"jwt-svid: audience": "aud_missing aud_empty_array aud_null"}, _AUDIENCE),
        Row("jwt-audience-missing", "3.2", MUST, VALIDATOR, "A token without aud is refused.",
            {"jwt-svid: audience": "aud_missing"}),
        Row("jwt-audience-of-others", "3.2", MUST, VALIDATOR, "A token that is not for the validator is refused.",
            {"jwt-svid: intended": "aud_other aud_in_other_case aud_begins_alike aud_in_one_text"}),
        Row("jwt-expiry", "3.3", MUST, BOTH, "exp is there.",
            {"jwt-svid: expiry": "exp_missing exp_null"}, _END),
        Row("jwt-expiry-missing", "3.3", MUST, VALIDATOR, "A token without exp is refused.",
            {"jwt-svid: expiry": "exp_missing"}),
        Row("jwt-algorithm-first", "4", MUST, VALIDATOR, "alg is checked before anything is made of it.",
            {"jwt-svid: algorithm": "hs256_with_public_key_der hs256_with_empty_secret alg_none alg_array"}),
        Row("jwt-claims-processed", "4", MUST, VALIDATOR, "aud and exp are processed as RFC 7519 says.",
            {"jwt-svid: audience": "aud_number aud_with_number aud_text",
             "jwt-svid: expiry": "exp_text exp_true exp_fractional",
             "jwt-svid: unexpired": "expires_now expired"}),
        Row("jwt-both-claims", "4", MUST, VALIDATOR, "A token that lacks aud or exp is refused.",
            {"jwt-svid: audience": "aud_missing",
             "jwt-svid: expiry": "exp_missing"}),
        Row("jwt-compact", "5.1", MUST, BOTH, "A token is in compact serialization.",
            {"jwt-svid: compact": "four_parts one_part padded standard_alphabet trailing_newline"}, _PARTS),
        Row("jwt-entry-use", "6.1", MUST, BOTH, "The use of an entry for a key for JWT-SVIDs is jwt-svid.",
            {"bundle: use": "no_use unknown_use use_in_upper_case"}, _USE),
        Row("jwt-entry-kid", "6.1", MUST, BOTH, "An entry for a key for JWT-SVIDs has a kid.",
            {"bundle: jwt_key_id": "jwt_entry_without_key_id jwt_entry_with_empty_key_id"}, _KEYS),
        Row("jwt-own-keys", "6.2", MUST, VALIDATOR, "Only keys for JWT-SVIDs are taken.",
            {"jwt-svid: authority": "right_key_for_wit_svids_only right_key_for_x509_svids_only signed_by_wit_key",
             "jwt-svid: signature": "signed_by_wit_key_under_jwt_kid signed_by_ca_key"}),
        Row("jwt-no-entries", "6.2", LOWER, VALIDATOR, "Where there is no key for JWT-SVIDs, none is valid.",
            {"jwt-svid: authority": "bundle_without_jwt_keys"}),
        Row("jwt-several-audiences", "3.2", LOWER, VALIDATOR, "More values than one are discouraged, and accepted.",
            {"jwt-svid: intended": "aud_several",
             "jwt-svid: audience": "aud_many"}),
        Row("jwt-not-past", "Appendix A", LOWER, VALIDATOR, "exp does not lie in the past.",
            {"jwt-svid: unexpired": "expired expired_for_a_microsecond expired_for_years exp_negative"}),
    ),
    unruled=(
        Unruled("5.2, 5.3", SHOULD, "Over HTTP and gRPC a token travels as a bearer token in Authorization.",
                "it is about requests, and we judge documents"),
    ),
    departures=(
        Departure(
            "schema",
            "exp may have a fraction, which the JSON schema beside the standard does not allow: it is a "
            "NumericDate (RFC 7519 2).",
            "tests/unit/spiffe/rules/test_jwt.py::test_an_expiry_may_be_any_number_after_the_instant",
        ),
        Departure(
            "2, 2.2, 2.3",
            "Agents judge as SPIRE's do: they want a kid, and look neither at typ nor at other members of the header.",
            "tests/unit/spiffe/rules/test_spire.py::test_other_members_of_the_header_are_not_checked",
        ),
    ),
)
# fmt: on
