"""What can be wrong with the array of keys, and with what every entry of it has; and with the numbers beside it."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.documents.draft import JWT, BundleDraft
from spiffesim.catalogue.shelf import Shelf
from spiffesim.spiffe.rules.bundle import BUNDLE

KEYS: Final = Shelf[BundleDraft](BUNDLE)


# The array


@KEYS("keys")
def no_keys(bundle: BundleDraft) -> None:
    """The bundle has no keys, which is not the same as an empty array."""
    del bundle.fields["keys"]


@KEYS("keys", clause="RFC 7517 4")
def keys_capitalized(bundle: BundleDraft) -> None:
    """The member is called Keys, and names are case-sensitive."""
    bundle.fields["Keys"] = bundle.fields.pop("keys")


@KEYS("keys_array")
def null_keys(bundle: BundleDraft) -> None:
    """The keys are null."""
    bundle.fields["keys"] = None


@KEYS("keys_array")
def keys_in_an_object(bundle: BundleDraft) -> None:
    """The keys are an object."""
    bundle.fields["keys"] = {"0": bundle.x509}


@KEYS("keys_array")
def keys_in_a_string(bundle: BundleDraft) -> None:
    """The keys are a string."""
    bundle.fields["keys"] = "[]"


@KEYS("keys_array")
def one_key_without_array(bundle: BundleDraft) -> None:
    """The keys are one entry, without the array around it."""
    bundle.fields["keys"] = bundle.x509


# Entries


@KEYS("entry_object")
def null_entry(bundle: BundleDraft) -> None:
    """An entry is null."""
    bundle.entries.append(None)


@KEYS("entry_object")
def string_for_entry(bundle: BundleDraft) -> None:
    """An entry is a string: the certificate alone."""
    bundle.entries.append(bundle.x509["x5c"][0])


@KEYS("entry_object")
def array_for_entry(bundle: BundleDraft) -> None:
    """An entry is an array with the entry in it."""
    bundle.entries[JWT] = [bundle.jwt]


@KEYS("kty", clause="RFC 7517 4.1", answer="ignored")
def no_kty(bundle: BundleDraft) -> None:
    """An entry has no kty."""
    del bundle.jwt["kty"]


@KEYS("kty", answer="ignored")
def unknown_kty(bundle: BundleDraft) -> None:
    """An entry has a kty that did not exist when SPIFFE was written."""
    bundle.jwt["kty"] = "AKP"


@KEYS("kty", clause="RFC 7517 4.1", answer="ignored")
def kty_in_lower_case(bundle: BundleDraft) -> None:
    """The kty of an entry is in lower case."""
    bundle.jwt["kty"] = "ec"


@KEYS("kty", answer="ignored")
def null_kty(bundle: BundleDraft) -> None:
    """The kty of an entry is null."""
    bundle.jwt["kty"] = None


@KEYS("kty", clause="JWT-SVID 2.1", answer="ignored")
def symmetric_key(bundle: BundleDraft) -> None:
    """The JWT authority is a symmetric key, with which whoever reads the bundle could sign."""
    bundle.entries[JWT] = {"use": "jwt-svid", "kid": bundle.jwt["kid"], "kty": "oct", "k": "AAAA"}


@KEYS("kty", clause="JWT-SVID 2.1", answer="ignored")
def edwards_key(bundle: BundleDraft) -> None:
    """The JWT authority is an Ed25519 key, for which no algorithm of JWT-SVIDs is."""
    bundle.entries[JWT] = {
        "use": "jwt-svid",
        "kid": bundle.jwt["kid"],
        "kty": "OKP",
        "crv": "Ed25519",
        "x": bundle.jwt["x"],
    }


@KEYS("kty", answer="ignored")
def x509_entry_of_unknown_kty(bundle: BundleDraft) -> None:
    """The x509-svid entry has an unknown kty, although its certificate could be read."""
    bundle.x509["kty"] = "AKP"


@KEYS("use", answer="ignored")
def no_use(bundle: BundleDraft) -> None:
    """An entry has no use."""
    del bundle.jwt["use"]


@KEYS("use", answer="ignored")
def unknown_use(bundle: BundleDraft) -> None:
    """The use of an entry is that of JWTs in general."""
    bundle.jwt["use"] = "sig"


@KEYS("use", answer="ignored")
def use_in_upper_case(bundle: BundleDraft) -> None:
    """The use of an entry is in upper case, and values are case-sensitive."""
    bundle.jwt["use"] = "JWT-SVID"


@KEYS("use", clause="RFC 7517 4", answer="ignored")
def use_capitalized(bundle: BundleDraft) -> None:
    """The member is called Use, and names are case-sensitive."""
    bundle.jwt["Use"] = bundle.jwt.pop("use")


@KEYS("use", answer="ignored")
def null_use(bundle: BundleDraft) -> None:
    """The use of an entry is null."""
    bundle.wit["use"] = None


@KEYS("use", answer="ignored")
def several_uses(bundle: BundleDraft) -> None:
    """The use of an entry is an array."""
    bundle.jwt["use"] = ["jwt-svid", "wit-svid"]


@KEYS("use", answer="ignored")
def x509_entry_without_use(bundle: BundleDraft) -> None:
    """The x509-svid entry does not say so."""
    del bundle.x509["use"]


@KEYS("entry_members", answer="ignored")
def unknown_member_of_entry(bundle: BundleDraft) -> None:
    """An entry has a member that nobody knows."""
    bundle.jwt["tainted"] = True


@KEYS("entry_members", clause="SPIFFE Trust Domain and Bundle 4.2", answer="ignored")
def algorithm_of_entry(bundle: BundleDraft) -> None:
    """An entry names an algorithm, which SPIFFE does not define, and another one than its key is for."""
    bundle.jwt["alg"] = "RS256"


@KEYS("entry_members", clause="SPIFFE Trust Domain and Bundle 4.2", answer="ignored")
def address_of_certificate(bundle: BundleDraft) -> None:
    """An entry says from where its certificate could be fetched, which nobody must do."""
    bundle.x509["x5u"] = "https://attacker.example/ca.pem"


@KEYS("entry_members", clause="SPIFFE Trust Domain and Bundle 4.2", answer="ignored")
def certificate_of_jwt_entry(bundle: BundleDraft) -> None:
    """The jwt-svid entry has a certificate, which SPIFFE does not define for it."""
    bundle.jwt["x5c"] = bundle.x509["x5c"]


# Numbers


@KEYS("spiffe_sequence")
def sequence_in_a_string(bundle: BundleDraft) -> None:
    """The sequence number is a string."""
    bundle.fields["spiffe_sequence"] = "1"


@KEYS("spiffe_sequence")
def sequence_with_a_point(bundle: BundleDraft) -> None:
    """The sequence number has a decimal point, and nothing behind it."""
    bundle.fields["spiffe_sequence"] = 1.0


@KEYS("spiffe_sequence")
def broken_sequence(bundle: BundleDraft) -> None:
    """The sequence number is not a whole one."""
    bundle.fields["spiffe_sequence"] = 1.5


@KEYS("spiffe_sequence")
def negative_sequence(bundle: BundleDraft) -> None:
    """The sequence number is negative."""
    bundle.fields["spiffe_sequence"] = -1


@KEYS("spiffe_sequence")
def true_sequence(bundle: BundleDraft) -> None:
    """The sequence number is true, which is 1 to some languages."""
    bundle.fields["spiffe_sequence"] = True


@KEYS("spiffe_sequence")
def null_sequence(bundle: BundleDraft) -> None:
    """The sequence number is null."""
    bundle.fields["spiffe_sequence"] = None


@KEYS("spiffe_refresh_hint")
def hint_in_a_string(bundle: BundleDraft) -> None:
    """The refresh hint is a string."""
    bundle.fields["spiffe_refresh_hint"] = "300"


@KEYS("spiffe_refresh_hint")
def hint_as_a_duration(bundle: BundleDraft) -> None:
    """The refresh hint is a duration as Go writes it."""
    bundle.fields["spiffe_refresh_hint"] = "5m0s"


@KEYS("spiffe_refresh_hint")
def hint_of_half_a_second(bundle: BundleDraft) -> None:
    """The refresh hint is half a second."""
    bundle.fields["spiffe_refresh_hint"] = 0.5


@KEYS("spiffe_refresh_hint")
def negative_hint(bundle: BundleDraft) -> None:
    """The refresh hint is negative."""
    bundle.fields["spiffe_refresh_hint"] = -5


@KEYS("spiffe_refresh_hint")
def null_hint(bundle: BundleDraft) -> None:
    """The refresh hint is null."""
    bundle.fields["spiffe_refresh_hint"] = None


@KEYS("spiffe_refresh_hint", clause="RFC 8259 6")
def hint_beyond_all_time(bundle: BundleDraft) -> None:
    """The refresh hint is longer than any span that is reckoned with: three million years."""
    bundle.fields["spiffe_refresh_hint"] = 10**14


@KEYS("members", answer="ignored")
def unknown_member(bundle: BundleDraft) -> None:
    """The bundle has a member that nobody knows."""
    bundle.fields["version"] = 2


@KEYS("members", clause="SPIFFE Trust Domain and Bundle 4.1.2", answer="ignored")
def hint_without_prefix(bundle: BundleDraft) -> None:
    """The refresh hint lacks the prefix spiffe_, so that it is not one."""
    bundle.fields["refresh_hint"] = 1
