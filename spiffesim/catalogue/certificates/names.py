"""What can be wrong with the alternative names of a leaf."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.certificates.draft import ALTERNATIVE_NAMES, NO_NAME, address, dns, uri
from spiffesim.catalogue.shelf import Shelf
from spiffesim.spiffe.ids import MAX_ID_BYTES, TrustDomain
from spiffesim.spiffe.rules.x509 import X509_SVID
from spiffesim.spiffe.x509 import der

NAMES: Final = Shelf[Chain](X509_SVID)


def _pad(chain: Chain, size: int) -> None:
    """Give the leaf a SPIFFE ID of this many bytes."""
    chain.spiffe_id = f"{chain.spiffe_id}/".ljust(size, "a")
    chain.leaf.name(uri(chain.spiffe_id))


# How many URIs


@NAMES("one_uri")
def two_spiffe_ids(chain: Chain) -> None:
    """The leaf has two SPIFFE IDs."""
    chain.leaf.name(uri(chain.spiffe_id), uri(chain.spiffe_id + "/second"))


@NAMES("one_uri")
def same_id_twice(chain: Chain) -> None:
    """The leaf has its SPIFFE ID twice."""
    chain.leaf.name(uri(chain.spiffe_id), uri(chain.spiffe_id))


@NAMES("one_uri", clause="X509-SVID 5.2")
def url_after_id(chain: Chain) -> None:
    """The leaf has a URL behind its SPIFFE ID."""
    chain.leaf.name(uri(chain.spiffe_id), uri("https://example.org/"))


@NAMES("one_uri", clause="X509-SVID 5.2")
def url_before_id(chain: Chain) -> None:
    """The leaf has a URL before its SPIFFE ID."""
    chain.leaf.name(uri("https://example.org/"), uri(chain.spiffe_id))


@NAMES("one_uri")
def no_names(chain: Chain) -> None:
    """The leaf has no alternative names."""
    chain.leaf.drop(ALTERNATIVE_NAMES)


@NAMES("one_uri", clause="RFC 5280 4.2.1.6")
def empty_names(chain: Chain) -> None:
    """The leaf has alternative names, but there is none among them."""
    chain.leaf.name()


@NAMES("one_uri")
def only_dns_name(chain: Chain) -> None:
    """The leaf has a DNS name and no URI."""
    chain.leaf.name(dns("workload.example.org"))


@NAMES("one_uri")
def id_as_dns_name(chain: Chain) -> None:
    """The SPIFFE ID of the leaf is written as a DNS name."""
    chain.leaf.name(dns(chain.spiffe_id))


# Whether it is a SPIFFE ID


@NAMES("spiffe_id")
def url_as_id(chain: Chain) -> None:
    """The one URI of the leaf is a URL."""
    chain.leaf.name(uri(chain.spiffe_id.replace("spiffe:", "https:")))


@NAMES("spiffe_id", clause="SPIFFE-ID 2.1")
def scheme_in_upper_case(chain: Chain) -> None:
    """The scheme of the leaf's ID is in upper case."""
    chain.leaf.name(uri(chain.spiffe_id.replace("spiffe:", "SPIFFE:")))


@NAMES("spiffe_id", clause="SPIFFE-ID 2.1")
def trust_domain_in_upper_case(chain: Chain) -> None:
    """The trust domain in the leaf's ID is in upper case."""
    chain.leaf.name(uri(chain.spiffe_id.replace("example.org", "EXAMPLE.ORG")))


@NAMES("spiffe_id", clause="SPIFFE-ID 2.1")
def id_without_trust_domain(chain: Chain) -> None:
    """The leaf's ID has no trust domain."""
    chain.leaf.name(uri(chain.spiffe_id.replace("example.org", "")))


@NAMES("spiffe_id", clause="SPIFFE-ID 2.1")
def id_with_user(chain: Chain) -> None:
    """The leaf's ID has user information before its trust domain."""
    chain.leaf.name(uri(chain.spiffe_id.replace("example.org", "root@example.org")))


@NAMES("spiffe_id", clause="SPIFFE-ID 2.1")
def id_with_port(chain: Chain) -> None:
    """The leaf's ID has a port behind its trust domain."""
    chain.leaf.name(uri(chain.spiffe_id.replace("example.org", "example.org:443")))


@NAMES("spiffe_id", clause="SPIFFE-ID 2")
def id_with_query(chain: Chain) -> None:
    """The leaf's ID has a query."""
    chain.leaf.name(uri(chain.spiffe_id + "?admin=true"))


@NAMES("spiffe_id", clause="SPIFFE-ID 2")
def id_with_empty_fragment(chain: Chain) -> None:
    """The leaf's ID has a fragment, of which there is only the number sign."""
    chain.leaf.name(uri(chain.spiffe_id + "#"))


@NAMES("spiffe_id", clause="SPIFFE-ID 2.2")
def id_with_percent(chain: Chain) -> None:
    """The path of the leaf's ID has a percent-encoded slash."""
    chain.leaf.name(uri(chain.spiffe_id + "%2Fadmin"))


@NAMES("spiffe_id", clause="SPIFFE-ID 2.2")
def id_with_trailing_slash(chain: Chain) -> None:
    """The path of the leaf's ID ends with a slash."""
    chain.leaf.name(uri(chain.spiffe_id + "/"))


@NAMES("spiffe_id", clause="SPIFFE-ID 2.2")
def id_with_empty_segment(chain: Chain) -> None:
    """The path of the leaf's ID has an empty segment."""
    chain.leaf.name(uri(chain.spiffe_id.replace("/workload/", "/workload//")))


@NAMES("spiffe_id", clause="SPIFFE-ID 2.2")
def id_with_dot_segments(chain: Chain) -> None:
    """The path of the leaf's ID climbs up with two dots."""
    chain.leaf.name(uri(chain.spiffe_id + "/../admin"))


@NAMES("spiffe_id", clause="SPIFFE-ID 2.2")
def id_with_newline(chain: Chain) -> None:
    """The leaf's ID ends with a newline."""
    chain.leaf.name(uri(chain.spiffe_id + "\n"))


@NAMES("spiffe_id", clause="SPIFFE-ID 2.2")
def id_with_nul(chain: Chain) -> None:
    """The path of the leaf's ID has a NUL, where C ends a string."""
    chain.leaf.name(uri(chain.spiffe_id + "\0/admin"))


def _longest(chain: Chain) -> None:
    _pad(chain, MAX_ID_BYTES)


@NAMES("spiffe_id", clause="SPIFFE-ID 2.3", repair=_longest)
def id_too_long(chain: Chain) -> None:
    """The leaf's ID has one byte more than 2048."""
    _pad(chain, MAX_ID_BYTES + 1)


@NAMES("spiffe_id_path")
def id_without_path(chain: Chain) -> None:
    """The leaf's ID is that of the trust domain."""
    chain.leaf.name(uri(str(chain.trust_domain.spiffe_id)))


@NAMES("trust_domain", clause="SPIFFE-ID 2.1")
def id_of_subdomain(chain: Chain) -> None:
    """The leaf's ID is of a subdomain of the trust domain, which is another trust domain."""
    chain.leaf.name(uri(chain.spiffe_id.replace("example.org", "sub.example.org")))


@NAMES("trust_domain", clause="SPIFFE Trust Domain and Bundle 3")
def id_of_another_trust_domain(chain: Chain) -> None:
    """The leaf's ID is of another trust domain than that of the authority that issued it."""
    chain.leaf.name(uri(chain.spiffe_id.replace("example.org", "victim.example")))


# No subject


def _no_subject_but_critical(chain: Chain) -> None:
    chain.leaf.subject = NO_NAME
    chain.leaf.name(uri(chain.spiffe_id), critical=True)


@NAMES("critical_names", repair=_no_subject_but_critical)
def names_not_critical(chain: Chain) -> None:
    """The leaf has no subject, and its alternative names are not critical."""
    chain.leaf.subject = NO_NAME


# Oddities


@NAMES("critical_names", clause="X509-SVID 3.1", answer="accepted")
def no_subject(chain: Chain) -> None:
    """The leaf has no subject, and its alternative names are critical."""
    _no_subject_but_critical(chain)


@NAMES("critical_names", clause="RFC 5280 4.2.1.6", answer="accepted")
def critical_names_beside_subject(chain: Chain) -> None:
    """The leaf has a subject, and its alternative names are critical all the same."""
    chain.leaf.name(uri(chain.spiffe_id), critical=True)


@NAMES("one_uri", clause="X509-SVID 2", answer="accepted")
def dns_name_beside_id(chain: Chain) -> None:
    """The leaf has a DNS name behind its SPIFFE ID."""
    chain.leaf.name(uri(chain.spiffe_id), dns("workload.example.org"))


@NAMES("one_uri", clause="X509-SVID 2", answer="accepted")
def names_of_all_sorts(chain: Chain) -> None:
    """The leaf has DNS names, an e-mail address and an IP address before its SPIFFE ID."""
    email = der.tlv(0x81, b"root@example.org")
    chain.leaf.name(dns("example.org"), dns("*.example.org"), email, address(192, 0, 2, 1), uri(chain.spiffe_id))


@NAMES("spiffe_id", clause="SPIFFE-ID 2.3", answer="accepted")
def id_of_2048_bytes(chain: Chain) -> None:
    """The leaf's ID has exactly 2048 bytes."""
    _longest(chain)


@NAMES("spiffe_id", clause="SPIFFE-ID 2.2", answer="accepted")
def id_with_dots(chain: Chain) -> None:
    """The path of the leaf's ID has a segment of three dots, which is an ordinary one."""
    chain.spiffe_id += "/.../x"
    chain.leaf.name(uri(chain.spiffe_id))


@NAMES("trust_domain", clause="X509-SVID 3.2", answer="accepted")
def issuers_of_another_trust_domain(chain: Chain) -> None:
    """All certificates above the leaf have the ID of another trust domain, and the bundle of the leaf's has the root."""
    chain.spiffe_id = chain.spiffe_id.replace("example.org", "nested.example")
    chain.trust_domain = TrustDomain("nested.example")
    chain.leaf.name(uri(chain.spiffe_id))
