"""What SPIFFE Trust Domain and Bundle demands."""

from __future__ import annotations

from typing import Final

from tests.docs.requirements.row import (
    BOTH,
    ISSUER,
    LOWER,
    MUST,
    MUST_NOT,
    SHOULD,
    SHOULD_NOT,
    VALIDATOR,
    Departure,
    Row,
    Standard,
    Unruled,
)

_ENTRIES: Final = "test_every_entry_of_a_bundle_says_what_it_is_and_no_more"
_NUMBERS: Final = "test_numbers_of_a_bundle_are_whole"
_ORDER: Final = "test_sequence_numbers_rise_with_every_change"
_OUT_OF_ORDER: Final = "test_a_sequence_number_that_falls_or_stands_still_is_noticed"
_HINT: Final = (
    "tests/unit/server/test_bundledocument.py::test_the_document_has_the_hint_of_the_endpoint_and_no_wit_keys"
)
_EMPTY: Final = "tests/unit/spiffe/test_bundle.py::test_an_empty_bundle_is_written_with_an_empty_array"
_MAP: Final = "test_a_map_has_each_trust_domain_once_and_no_refresh_hints"
_NAMES: Final = (
    "test_a_map_is_written_with_each_name_once "
    "tests/unit/spiffe/test_bundlemap.py::test_two_bundles_of_the_trust_domain_are_refused"
)
_CLIENT: Final = "tests/unit/server/test_bundledocument.py::"

# fmt: off
BUNDLE: Final = Standard(
    "SPIFFE Trust Domain and Bundle",
    ("bundle", "bundle-map"),
    (
        Row("bundle-by-trust-domain", "3", LOWER, VALIDATOR, "The bundle is chosen by the trust domain of the SVID.",
            {"x509-svid: trust_domain": "bundle_of_another_trust_domain",
             "jwt-svid: trust_domain": "right_key_in_another_trust_domain",
             "wit-svid: trust_domain": "bundle_of_another_trust_domain"}),
        Row("bundle-unknown-members", "4.1", MUST_NOT, BOTH,
            "Nobody wants members that the standard does not define; ours have none, and others are ignored.",
            {"bundle: members": "unknown_member hint_without_prefix",
             "bundle-map: members": "unknown_member"}, _ENTRIES),
        Row("bundle-sequence-set", "4.1.1", SHOULD, ISSUER, "spiffe_sequence is there; none is accepted.",
            {"bundle: spiffe_sequence": "no_sequence"}, _NUMBERS),
        Row("bundle-sequence-rises", "4.1.1", MUST, BOTH, "The sequence number is a whole number, and never falls.",
            {"bundle: spiffe_sequence": "sequence_in_a_string broken_sequence negative_sequence true_sequence"},
            f"{_NUMBERS} {_ORDER}", _OUT_OF_ORDER),
        Row("bundle-sequence-changes", "4.1.1", MUST, ISSUER,
            "The sequence number is another one whenever the contents are.",
            {}, _ORDER, _OUT_OF_ORDER),
        Row("bundle-sequence-of-64-bits", "4.1.1", LOWER, VALIDATOR,
            "The sequence number is read with 64 bits at least.",
            {"bundle: spiffe_sequence": "sequence_beyond_floats largest_sequence_of_64_bits sequence_beyond_64_bits"}),
        Row("bundle-hint-set", "4.1.2", SHOULD, ISSUER, "spiffe_refresh_hint is there; none is accepted.",
            {"bundle: spiffe_refresh_hint": "no_hint"}, _HINT),
        Row("bundle-hint-whole", "4.1.2", MUST, BOTH, "The refresh hint is a whole number of seconds.",
            {"bundle: spiffe_refresh_hint": "hint_as_a_duration hint_of_half_a_second hint_in_a_string"}, _NUMBERS),
        Row("bundle-keys", "4.1.3", MUST, BOTH, "keys is there, an array of JWKs; it may be empty.",
            {"bundle: keys": "no_keys keys_capitalized empty_keys",
             "bundle: keys_array": "null_keys keys_in_an_object one_key_without_array",
             "bundle: entry_object": "null_entry string_for_entry",
             "bundle-map: keys": "no_keys"}, f"{_ENTRIES} {_EMPTY}"),
        Row("bundle-unknown-entries", "4.1.3", MUST, VALIDATOR, "Entries of unknown types or uses are ignored.",
            {"bundle: kty": "unknown_kty",
             "bundle: use": "unknown_use",
             "bundle-map: kty": "unknown_kty",
             "bundle-map: use": "unknown_use"}),
        Row("bundle-empty", "4.1.3", MUST, VALIDATOR,
            "Where no key can be used, no SVID of the trust domain is valid.",
            {"x509-svid: x509_authorities": "empty_bundle",
             "jwt-svid: authority": "bundle_without_keys bundle_without_jwt_keys",
             "wit-svid: authority": "right_key_for_jwt_svids_only"}),
        Row("bundle-no-other-members", "4.2", SHOULD_NOT, BOTH,
            "An entry has no members but the defined ones; others are ignored.",
            {"bundle: entry_members": "unknown_member_of_entry algorithm_of_entry certificate_of_jwt_entry"}, _ENTRIES),
        Row("bundle-kty", "4.2.1", MUST, BOTH, "kty is there.",
            {"bundle: kty": "no_kty null_kty"}, _ENTRIES),
        Row("bundle-unknown-kty", "4.2.1", MUST, VALIDATOR, "An entry of an unknown type is ignored as a whole.",
            {"bundle: kty": "unknown_kty x509_entry_of_unknown_kty kty_in_lower_case"}),
        Row("bundle-use", "4.2.2", MUST, BOTH, "use is there, and case counts.",
            {"bundle: use": "no_use use_in_upper_case null_use"}, _ENTRIES),
        Row("bundle-unknown-use", "4.2.2", MUST, VALIDATOR,
            "An entry without use, or of an unknown one, is ignored as a whole.",
            {"bundle: use": "unknown_use no_use x509_entry_without_use several_uses"}),
        Row("map-trust-domains", "5.1.1", MUST, BOTH, "A map has trust_domains; it may be empty.",
            {"bundle-map: trust_domains": "no_trust_domains bundles_without_map empty_map",
             "bundle-map: map_object": "keys_without_object null_document",
             "bundle-map: trust_domains_object": "null_trust_domains trust_domains_in_an_array",
             "bundle-map: bundle_object": "null_bundle bundle_in_a_string"}, _MAP),
        Row("map-names-unique", "5.1.1", MUST, ISSUER, "Who makes a map names no trust domain twice.",
            {"bundle-map: unique_trust_domains": "trust_domain_twice"}, _NAMES),
        Row("map-duplicates-refused", "5.1.1", MUST, VALIDATOR, "A map that names one twice is refused.",
            {"bundle-map: unique_trust_domains": "trust_domain_twice trust_domain_twice_one_escaped",
             "bundle-map: trust_domain_characters": "trust_domain_twice_in_two_cases"}),
        Row("map-no-inner-hints", "5.1.1", SHOULD, ISSUER, "The bundles in a map have no refresh hints.",
            {"bundle-map: inner_refresh_hint": "hint_of_a_bundle_in_the_map"}, _MAP),
        Row("map-inner-hints-ignored", "5.1.1", MUST_NOT, VALIDATOR,
            "A refresh hint of a bundle in a map changes nothing.",
            {"bundle-map: inner_refresh_hint": "hint_of_a_bundle_in_the_map"},
            "tests/unit/spiffe/test_bundlemap.py::test_the_refresh_hint_of_a_bundle_in_a_map_means_nothing"),
        Row("map-names", "6.3", LOWER, BOTH, "No object has two members of one name.",
            {"bundle: unique_members": "two_arrays_of_keys two_uses",
             "bundle-map: unique_members": "two_arrays_of_keys"}, "test_a_map_is_written_with_each_name_once"),
    ),
    unruled=(
        Unruled("4.2", MUST, "The specification of a kind of SVID says which use its keys have.",
                "it is about those who write specifications"),
        Unruled("Appendix B", LOWER, "A map is loaded as a whole, and stands for everything that is known.",
                "it is about those who load it; here a map is one value that never changes"),
    ),
    departures=(
        Departure("4.1.1", "Each server of a trust domain counts for itself, as SPIRE's do, so that numbers from two servers say "
                  "nothing about which bundle is newer.", "test_each_server_counts_the_changes_that_it_has_seen_itself"),
        Departure("4.1.1", "A server that has lost its datastore counts from 0 again, as SPIRE's do.",
                  "tests/unit/server/test_view.py::test_a_bundle_that_was_lost_with_its_datastore_begins_anew"),
        Departure("4.1.3, 4.2.2", "Servers refuse a federated bundle that has an entry without use or of an unknown one, as "
                  "SPIRE's do; our readers of documents ignore the entry.",
                  f"{_CLIENT}test_an_unknown_use_spoils_a_federated_bundle"),
        Departure("4.1.3", "Servers take a federated bundle without keys for an empty one, as SPIRE's do; our readers of "
                  "documents refuse it.", f"{_CLIENT}test_a_document_without_keys_is_an_empty_bundle"),
        Departure("X509-SVID 6.2", "Servers refuse a federated bundle that has an entry with no certificate or with two, as "
                  "SPIRE's do; our readers of documents ignore the entry, or the second certificate.",
                  f"{_CLIENT}test_one_key_that_spire_does_not_take_spoils_the_whole_document"),
    ),
)
# fmt: on
