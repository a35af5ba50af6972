"""SPIFFE IDs that look wrong, and are right."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.identifiers.draft import LONGEST_ID, LONGEST_TRUST_DOMAIN, Identifier
from spiffesim.catalogue.shelf import Shelf
from spiffesim.spiffe.rules.identifier import SPIFFE_ID

ODDITIES: Final = Shelf[Identifier](SPIFFE_ID)


@ODDITIES("trailing_slash", clause="SPIFFE-ID 2", answer="accepted")
def no_path(identifier: Identifier) -> None:
    """The ID has no path: it is that of the trust domain itself."""
    identifier.path = ""


@ODDITIES("trust_domain_characters", clause="SPIFFE-ID 2.1", answer="accepted")
def ipv4_address(identifier: Identifier) -> None:
    """The trust domain looks like an IPv4 address."""
    identifier.trust_domain = "192.0.2.1"


@ODDITIES("trust_domain_characters", clause="SPIFFE-ID 2.1", answer="accepted")
def digits_alone(identifier: Identifier) -> None:
    """The trust domain is a number, which some take for an address."""
    identifier.trust_domain = "3221225985"


@ODDITIES("trust_domain_characters", clause="SPIFFE-ID 2.1", answer="accepted")
def dash_alone(identifier: Identifier) -> None:
    """The trust domain is a single dash."""
    identifier.trust_domain = "-"


@ODDITIES("trust_domain_characters", clause="SPIFFE-ID 2.1", answer="accepted")
def two_dots_as_trust_domain(identifier: Identifier) -> None:
    """The trust domain is two dots, which mean something in a path only."""
    identifier.trust_domain = ".."


@ODDITIES("trust_domain_characters", clause="SPIFFE-ID 2.1", answer="accepted")
def empty_label(identifier: Identifier) -> None:
    """The trust domain has two dots next to each other, as no DNS name has."""
    identifier.trust_domain = "a..b"


@ODDITIES("trust_domain_characters", clause="SPIFFE-ID 2.1", answer="accepted")
def underscore_in_trust_domain(identifier: Identifier) -> None:
    """The trust domain has an underscore, as no name of a host has."""
    identifier.trust_domain = "trust_domain.example.org"


@ODDITIES("trust_domain_characters", clause="SPIFFE-ID 2.1", answer="accepted")
def dot_at_the_end_of_trust_domain(identifier: Identifier) -> None:
    """The trust domain ends with a dot, and is another one than that without."""
    identifier.trust_domain = "example.org."


@ODDITIES("trust_domain_characters", clause="SPIFFE-ID 2.1", answer="accepted")
def label_of_64_bytes(identifier: Identifier) -> None:
    """The trust domain has a label of 64 bytes, one more than DNS allows."""
    identifier.trust_domain = f"{'a' * 64}.example.org"


@ODDITIES("trust_domain_too_long", answer="accepted")
def trust_domain_of_255_bytes(identifier: Identifier) -> None:
    """The trust domain has 255 bytes, as many as it may have."""
    identifier.trust_domain = "a" * LONGEST_TRUST_DOMAIN


@ODDITIES("too_long", answer="accepted")
def id_of_2048_bytes(identifier: Identifier) -> None:
    """The ID has 2048 bytes, which everybody must support."""
    identifier.fill(LONGEST_ID)


@ODDITIES("dot_segment", answer="accepted")
def three_dots(identifier: Identifier) -> None:
    """A segment of the path is three dots, which lead nowhere."""
    identifier.path += "/..."


@ODDITIES("dot_segment", answer="accepted")
def hidden_segment(identifier: Identifier) -> None:
    """A segment of the path begins with two dots, and does not end there."""
    identifier.path += "/..a"


@ODDITIES("path_characters", clause="SPIFFE-ID 2.4", answer="accepted")
def path_in_upper_case(identifier: Identifier) -> None:
    """The path is in upper case, and is another one than that in lower case."""
    identifier.path = identifier.path.upper()


@ODDITIES("path_characters", answer="accepted")
def punctuation_alone(identifier: Identifier) -> None:
    """The path has a segment of punctuation only."""
    identifier.path += "/-_-"


@ODDITIES("path_characters", answer="accepted")
def many_segments(identifier: Identifier) -> None:
    """The path has a thousand segments."""
    identifier.path = "/a" * 1000
