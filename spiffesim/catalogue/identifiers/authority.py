"""What can be wrong with the scheme and the trust domain of a SPIFFE ID."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.identifiers.draft import LONGEST_TRUST_DOMAIN, Identifier
from spiffesim.catalogue.shelf import Shelf
from spiffesim.spiffe.rules.identifier import SPIFFE_ID

AUTHORITY: Final = Shelf[Identifier](SPIFFE_ID)


# The scheme


@AUTHORITY("empty")
def empty_text(identifier: Identifier) -> None:
    """The ID is an empty text."""
    identifier.scheme = identifier.trust_domain = identifier.path = ""


@AUTHORITY("scheme")
def no_scheme(identifier: Identifier) -> None:
    """The ID has no scheme."""
    identifier.scheme = ""


@AUTHORITY("scheme", clause="RFC 3986 3.1")
def scheme_without_name(identifier: Identifier) -> None:
    """The ID begins with the two slashes, without a scheme in front of them."""
    identifier.scheme = "//"


@AUTHORITY("scheme")
def https_scheme(identifier: Identifier) -> None:
    """The scheme is https."""
    identifier.scheme = "https://"


@AUTHORITY("scheme")
def longer_scheme(identifier: Identifier) -> None:
    """The scheme only begins with spiffe."""
    identifier.scheme = "spiffes://"


@AUTHORITY("scheme")
def scheme_in_upper_case(identifier: Identifier) -> None:
    """The scheme is in upper case."""
    identifier.scheme = "SPIFFE://"


@AUTHORITY("scheme", clause="RFC 3986 3.2")
def one_slash(identifier: Identifier) -> None:
    """One slash stands between the scheme and the trust domain, so that there is no authority."""
    identifier.scheme = "spiffe:/"


@AUTHORITY("scheme", clause="RFC 3986 3.1")
def space_in_front(identifier: Identifier) -> None:
    """A space stands in front of the ID."""
    identifier.scheme = " spiffe://"


@AUTHORITY("scheme", clause="RFC 3986 3.1")
def newline_in_front(identifier: Identifier) -> None:
    """A newline stands in front of the ID."""
    identifier.scheme = "\nspiffe://"


# The trust domain


@AUTHORITY("trust_domain_missing")
def no_trust_domain(identifier: Identifier) -> None:
    """The trust domain is empty, and a path follows."""
    identifier.trust_domain = ""


@AUTHORITY("trust_domain_missing", clause="SPIFFE-ID 2")
def scheme_alone(identifier: Identifier) -> None:
    """Nothing follows the scheme."""
    identifier.trust_domain = identifier.path = ""


@AUTHORITY("userinfo")
def user_name(identifier: Identifier) -> None:
    """A user name stands in front of the trust domain."""
    identifier.trust_domain = "user@example.org"


@AUTHORITY("userinfo")
def user_name_and_password(identifier: Identifier) -> None:
    """A user name and a password stand in front of the trust domain."""
    identifier.trust_domain = "user:password@example.org"


@AUTHORITY("userinfo")
def other_trust_domain_in_front(identifier: Identifier) -> None:
    """The user name looks like the trust domain, and another trust domain follows."""
    identifier.trust_domain = "example.org@example.com"


@AUTHORITY("userinfo")
def empty_user_name(identifier: Identifier) -> None:
    """An empty user name stands in front of the trust domain."""
    identifier.trust_domain = "@example.org"


@AUTHORITY("port")
def port_number(identifier: Identifier) -> None:
    """The trust domain has a port."""
    identifier.trust_domain = "example.org:8443"


@AUTHORITY("port")
def empty_port(identifier: Identifier) -> None:
    """The trust domain has the colon of a port, and no port."""
    identifier.trust_domain = "example.org:"


@AUTHORITY("trust_domain_lowercase")
def trust_domain_in_upper_case(identifier: Identifier) -> None:
    """The trust domain has a letter in upper case."""
    identifier.trust_domain = "Example.org"


@AUTHORITY("trust_domain_percent")
def trust_domain_percent_encoded(identifier: Identifier) -> None:
    """A letter of the trust domain is percent-encoded."""
    identifier.trust_domain = "ex%61mple.org"


@AUTHORITY("trust_domain_characters")
def kelvin_sign(identifier: Identifier) -> None:
    """The trust domain has the sign of the kelvin, which becomes a k in lower case."""
    identifier.trust_domain = "\u212aube.example.org"


@AUTHORITY("trust_domain_characters")
def dotted_capital_i(identifier: Identifier) -> None:
    """The trust domain has the capital I with a dot, whose lower case depends on the language."""
    identifier.trust_domain = "\u0130dentity.example.org"


@AUTHORITY("trust_domain_characters")
def cyrillic_letter(identifier: Identifier) -> None:
    """The trust domain has a Cyrillic letter that looks like a Latin one."""
    identifier.trust_domain = "ex\u0430mple.org"


@AUTHORITY("trust_domain_characters")
def full_width_digit(identifier: Identifier) -> None:
    """The trust domain has a digit of full width."""
    identifier.trust_domain = "example\uff11.org"


@AUTHORITY("trust_domain_characters")
def ipv6_address(identifier: Identifier) -> None:
    """The trust domain is an IPv6 address in brackets."""
    identifier.trust_domain = "[2001:db8::1]"


@AUTHORITY("trust_domain_characters")
def trust_domain_with_asterisk(identifier: Identifier) -> None:
    """The trust domain has an asterisk, as if it stood for many."""
    identifier.trust_domain = "*.example.org"


@AUTHORITY("trust_domain_characters")
def newline_in_trust_domain(identifier: Identifier) -> None:
    """A newline stands at the end of the trust domain, in front of the path."""
    identifier.trust_domain = "example.org\n"


@AUTHORITY("trust_domain_characters")
def newline_behind_trust_domain(identifier: Identifier) -> None:
    """A newline stands at the end of an ID that has no path."""
    identifier.trust_domain, identifier.path = "example.org\n", ""


@AUTHORITY("trust_domain_characters")
def null_in_trust_domain(identifier: Identifier) -> None:
    """The trust domain has a null character."""
    identifier.trust_domain = "example.org\0.example.com"


@AUTHORITY("query")
def query_behind_trust_domain(identifier: Identifier) -> None:
    """A query follows the trust domain of an ID that has no path."""
    identifier.path = "?x=1"


@AUTHORITY("fragment")
def fragment_behind_trust_domain(identifier: Identifier) -> None:
    """A fragment follows the trust domain of an ID that has no path."""
    identifier.path = "#top"


def _longest_trust_domain(identifier: Identifier) -> None:
    identifier.trust_domain = "a" * LONGEST_TRUST_DOMAIN


@AUTHORITY("trust_domain_too_long", repair=_longest_trust_domain)
def trust_domain_of_256_bytes(identifier: Identifier) -> None:
    """The trust domain has 256 bytes, one too many."""
    identifier.trust_domain = "a" * (LONGEST_TRUST_DOMAIN + 1)
