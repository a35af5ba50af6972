"""What can be wrong with a bundle map: what is wrong with maps alone, and whatever is wrong with a bundle in it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any, Final

from spiffesim.catalogue.documents.authorities import AUTHORITIES
from spiffesim.catalogue.documents.certificates import CERTIFICATES
from spiffesim.catalogue.documents.draft import MapDraft
from spiffesim.catalogue.documents.keys import KEYS
from spiffesim.catalogue.documents.text import TEXT
from spiffesim.catalogue.shelf import Defect, Edit, Shelf
from spiffesim.spiffe.rules.bundle import BUNDLE_MAP

MAPS: Final = Shelf[MapDraft](BUNDLE_MAP)
INHERITED: Final = Shelf[Any](BUNDLE_MAP)
MAP_ODDITIES: Final = Shelf[MapDraft](BUNDLE_MAP)

_STANDARD: Final = "SPIFFE Trust Domain and Bundle"


# The object


@MAPS("trust_domains")
def no_trust_domains(bundles: MapDraft) -> None:
    """The map has no trust_domains, which is not the same as an empty object."""
    del bundles.fields["trust_domains"]


@MAPS("trust_domains")
def bundles_without_map(bundles: MapDraft) -> None:
    """The bundles stand in the document itself, without the member around them."""
    bundles.fields.update(bundles.fields.pop("trust_domains"))


@MAPS("trust_domains")
def bundle_for_map(bundles: MapDraft) -> None:
    """The document is a single bundle."""
    del bundles.fields["trust_domains"]
    bundles.fields.update(bundles.bundle.fields)


@MAPS("trust_domains_object")
def null_trust_domains(bundles: MapDraft) -> None:
    """trust_domains is null."""
    bundles.fields["trust_domains"] = None


@MAPS("trust_domains_object")
def trust_domains_in_an_array(bundles: MapDraft) -> None:
    """trust_domains is an array of bundles."""
    bundles.fields["trust_domains"] = [{"trust_domain": name, **bundle} for name, bundle in bundles.bundles.items()]


@MAPS("trust_domains_object")
def names_for_trust_domains(bundles: MapDraft) -> None:
    """trust_domains is an array of names."""
    bundles.fields["trust_domains"] = [*bundles.bundles]


# Names


@MAPS("unique_trust_domains")
def trust_domain_twice(bundles: MapDraft) -> None:
    """A trust domain is there twice, with different bundles."""
    bundles.replace('"example.com"', b'"example.org"')


@MAPS("unique_trust_domains")
def trust_domain_twice_one_escaped(bundles: MapDraft) -> None:
    """A trust domain is there twice, and one of the names is written with an escape."""
    bundles.replace('"example.com"', rb'"\u0065xample.org"')


@MAPS("unique_trust_domains")
def trust_domain_ten_thousand_times(bundles: MapDraft) -> None:
    """A trust domain is there 10,000 times."""
    bundles.replace('"example.com"', b'"a.test": {"keys": []}, ' * 10_000 + b'"example.com"')


def _renamed(bundles: MapDraft, name: str) -> None:
    bundles.bundles[name] = bundles.bundles.pop("example.com")


def _longest_name(bundles: MapDraft) -> None:
    _renamed(bundles, "a" * 255)


@MAPS("trust_domain_missing")
def empty_name(bundles: MapDraft) -> None:
    """The name of a trust domain is empty."""
    _renamed(bundles, "")


@MAPS("trust_domain_characters")
def name_in_upper_case(bundles: MapDraft) -> None:
    """The name of a trust domain is in upper case."""
    _renamed(bundles, "Example.com")


@MAPS("trust_domain_characters")
def trust_domain_twice_in_two_cases(bundles: MapDraft) -> None:
    """A trust domain is there twice, once in upper case, so that no reader of JSON finds the names equal."""
    _renamed(bundles, "EXAMPLE.ORG")


@MAPS("trust_domain_characters")
def name_with_scheme(bundles: MapDraft) -> None:
    """The name of a trust domain is its SPIFFE ID."""
    _renamed(bundles, "spiffe://example.com")


@MAPS("trust_domain_characters")
def name_with_port(bundles: MapDraft) -> None:
    """The name of a trust domain has a port."""
    _renamed(bundles, "example.com:443")


@MAPS("trust_domain_characters")
def name_with_newline(bundles: MapDraft) -> None:
    """A newline stands behind the name of a trust domain."""
    _renamed(bundles, "example.com\n")


@MAPS("trust_domain_characters")
def name_with_kelvin_sign(bundles: MapDraft) -> None:
    """The name of a trust domain has the sign of the kelvin."""
    _renamed(bundles, "\u212aube.example.com")


@MAPS("trust_domain_too_long", repair=_longest_name)
def name_of_256_bytes(bundles: MapDraft) -> None:
    """The name of a trust domain has 256 bytes."""
    _renamed(bundles, "a" * 256)


# Bundles


@MAPS("bundle_object")
def null_bundle(bundles: MapDraft) -> None:
    """A bundle of the map is null."""
    bundles.bundles["example.com"] = None


@MAPS("bundle_object")
def keys_for_bundle(bundles: MapDraft) -> None:
    """A bundle of the map is its array of keys alone."""
    bundles.bundles["example.com"] = bundles.bundles["example.com"]["keys"]


@MAPS("bundle_object")
def bundle_in_a_string(bundles: MapDraft) -> None:
    """A bundle of the map is a string with the document in it."""
    bundles.bundles["example.com"] = '{"keys": []}'


@MAPS("inner_refresh_hint", answer="ignored")
def hint_of_a_bundle_in_the_map(bundles: MapDraft) -> None:
    """A bundle of the map has a refresh hint."""
    bundles.bundle.fields["spiffe_refresh_hint"] = 1


@MAPS("members", clause=f"{_STANDARD} 5.1", answer="ignored")
def unknown_member_of_map(bundles: MapDraft) -> None:
    """The map has a member that nobody knows."""
    bundles.fields["version"] = 2


@MAPS("members", clause=f"{_STANDARD} 5.1.1", answer="ignored")
def hint_of_the_map(bundles: MapDraft) -> None:
    """The map has a refresh hint of its own, which the standard does not define."""
    bundles.fields["spiffe_refresh_hint"] = 300


# Whatever is wrong with a bundle: with its text in that of the map, with everything else in a bundle of the map


def _inherit(defect: Defect, lift: Callable[[Edit[Any]], Edit[Any]], where: str) -> None:
    edit = lift(defect.edit)
    edit.__name__, edit.__doc__ = defect.name, f"{where}: {defect.sentence}"
    rule = "map_object" if defect.rule == "jwk_set" else defect.rule
    clause = None if rule == "map_object" else defect.clause
    INHERITED(rule, clause=clause, answer=defect.answer, repair=lift(defect.repair))(edit)


def _on_the_map(edit: Edit[Any]) -> Edit[MapDraft]:
    def written(bundles: MapDraft) -> None:
        edit(bundles)

    return written


def _on_a_bundle(edit: Edit[Any]) -> Edit[MapDraft]:
    return lambda bundles: edit(bundles.bundle)


for _defect in TEXT:
    _inherit(_defect, _on_the_map, "In a bundle map")
for _defect in chain(KEYS, CERTIFICATES, AUTHORITIES):
    _inherit(_defect, _on_a_bundle, "In a bundle of a map")


# What looks wrong, and is right


@MAP_ODDITIES("trust_domains", answer="accepted")
def empty_map(bundles: MapDraft) -> None:
    """The map is empty."""
    bundles.bundles.clear()


@MAP_ODDITIES("keys", clause=f"{_STANDARD} 4.1.3", answer="accepted")
def bundle_without_keys_in_it(bundles: MapDraft) -> None:
    """The keys of a bundle of the map are an empty array, and the other bundle is not touched by that."""
    bundles.bundle.fields["keys"] = []


@MAP_ODDITIES("unique_key_id", clause="WIT-SVID 6.1", answer="accepted")
def key_id_in_two_bundles(bundles: MapDraft) -> None:
    """Two bundles of the map have a key with the same kid."""
    bundles.bundles["example.com"]["keys"][0]["kid"] = bundles.bundle.jwt["kid"]


@MAP_ODDITIES("unique_trust_domains", clause=f"{_STANDARD} 6.2", answer="accepted")
def root_in_two_bundles(bundles: MapDraft) -> None:
    """Two trust domains have the same root, which the standard discourages."""
    bundles.bundles["example.com"]["keys"].append(bundles.bundle.x509)


@MAP_ODDITIES("trust_domain_characters", clause="SPIFFE-ID 2.1", answer="accepted")
def name_like_an_address(bundles: MapDraft) -> None:
    """The name of a trust domain looks like an IPv4 address."""
    _renamed(bundles, "192.0.2.1")


@MAP_ODDITIES("trust_domain_characters", clause="SPIFFE-ID 2.1", answer="accepted")
def name_like_a_member(bundles: MapDraft) -> None:
    """A trust domain is called keys."""
    _renamed(bundles, "keys")


@MAP_ODDITIES("unique_trust_domains", answer="accepted")
def name_that_begins_like_another(bundles: MapDraft) -> None:
    """The name of a trust domain is that of another one, and a dot."""
    _renamed(bundles, "example.org.")


@MAP_ODDITIES("json", answer="accepted")
def whitespace_in_front_of_map(bundles: MapDraft) -> None:
    """Whitespace stands in front of the map."""
    bundles.rewrite = lambda data: b"\n\t " + data
