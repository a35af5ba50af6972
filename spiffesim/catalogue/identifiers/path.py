"""What can be wrong with the path of a SPIFFE ID, and with what follows it."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.identifiers.draft import LONGEST_ID, Identifier
from spiffesim.catalogue.shelf import Shelf
from spiffesim.spiffe.rules.identifier import SPIFFE_ID

PATH: Final = Shelf[Identifier](SPIFFE_ID)


# Segments


@PATH("empty_segment")
def empty_first_segment(identifier: Identifier) -> None:
    """The path begins with two slashes."""
    identifier.path = f"/{identifier.path}"


@PATH("empty_segment")
def empty_segment_inside(identifier: Identifier) -> None:
    """Two slashes stand next to each other within the path."""
    identifier.path = f"/workload//{identifier.number}"


@PATH("trailing_slash")
def slash_at_the_end(identifier: Identifier) -> None:
    """The path ends with a slash."""
    identifier.path += "/"


@PATH("trailing_slash")
def slash_alone(identifier: Identifier) -> None:
    """The path is a single slash."""
    identifier.path = "/"


@PATH("dot_segment")
def dot_within(identifier: Identifier) -> None:
    """A segment within the path is a single dot."""
    identifier.path = f"/./workload/{identifier.number}"


@PATH("dot_segment")
def dot_at_the_end(identifier: Identifier) -> None:
    """The last segment is a single dot."""
    identifier.path += "/."


@PATH("dot_segment")
def two_dots_within(identifier: Identifier) -> None:
    """A segment within the path is two dots, which lead to another workload."""
    identifier.path = f"/other/../workload/{identifier.number}"


@PATH("dot_segment")
def two_dots_at_the_end(identifier: Identifier) -> None:
    """The last segment is two dots."""
    identifier.path += "/.."


# Characters


@PATH("path_percent")
def path_percent_encoded(identifier: Identifier) -> None:
    """A letter of the path is percent-encoded."""
    identifier.path = f"/worklo%61d/{identifier.number}"


@PATH("path_percent")
def slash_percent_encoded(identifier: Identifier) -> None:
    """A slash of the path is percent-encoded."""
    identifier.path = f"/workload%2F{identifier.number}"


@PATH("path_characters")
def space_in_path(identifier: Identifier) -> None:
    """The path has a space."""
    identifier.path = f"/work load/{identifier.number}"


@PATH("path_characters")
def backslash_in_path(identifier: Identifier) -> None:
    """The path has a backslash."""
    identifier.path = f"/workload\\{identifier.number}"


@PATH("path_characters", clause="RFC 3986 3.3")
def path_parameter(identifier: Identifier) -> None:
    """A segment has a parameter behind a semicolon, which is right in other URIs."""
    identifier.path += ";v=1"


@PATH("path_characters")
def colon_in_path(identifier: Identifier) -> None:
    """The path has a colon."""
    identifier.path += ":latest"


@PATH("path_characters")
def tilde_in_path(identifier: Identifier) -> None:
    """The path has a tilde."""
    identifier.path = f"/~workload/{identifier.number}"


@PATH("path_characters")
def accent_in_path(identifier: Identifier) -> None:
    """The path has a letter that is not ASCII."""
    identifier.path = f"/worklo\u00e9d/{identifier.number}"


@PATH("path_characters")
def full_width_digit_in_path(identifier: Identifier) -> None:
    """The path ends with a digit of full width, which is a digit to many a pattern."""
    identifier.path += "\uff11"


@PATH("path_characters")
def newline_in_path(identifier: Identifier) -> None:
    """A newline stands within the path."""
    identifier.path = f"/work\nload/{identifier.number}"


@PATH("path_characters")
def newline_at_the_end(identifier: Identifier) -> None:
    """A newline stands at the end of the path, where $ of a pattern passes over it."""
    identifier.path += "\n"


@PATH("path_characters")
def carriage_return_at_the_end(identifier: Identifier) -> None:
    """A carriage return stands at the end of the path."""
    identifier.path += "\r"


@PATH("path_characters")
def tab_in_path(identifier: Identifier) -> None:
    """The path has a tab."""
    identifier.path = f"/work\tload/{identifier.number}"


@PATH("path_characters")
def null_in_path(identifier: Identifier) -> None:
    """The path has a null character, where others stop to read."""
    identifier.path += "\0/admin"


@PATH("path_characters")
def delete_in_path(identifier: Identifier) -> None:
    """The path has the control character delete."""
    identifier.path += "\x7f"


@PATH("path_characters")
def soft_hyphen_in_path(identifier: Identifier) -> None:
    """The path has a soft hyphen, which nobody sees."""
    identifier.path = f"/work\u00adload/{identifier.number}"


# What follows the path


@PATH("query")
def query_behind_path(identifier: Identifier) -> None:
    """A query follows the path."""
    identifier.path += "?x=1"


@PATH("query")
def empty_query(identifier: Identifier) -> None:
    """An empty query follows the path."""
    identifier.path += "?"


@PATH("fragment")
def fragment_behind_path(identifier: Identifier) -> None:
    """A fragment follows the path."""
    identifier.path += "#top"


@PATH("fragment")
def empty_fragment(identifier: Identifier) -> None:
    """An empty fragment follows the path, which some readers drop."""
    identifier.path += "#"


def _longest(identifier: Identifier) -> None:
    identifier.fill(LONGEST_ID)


@PATH("too_long", repair=_longest)
def id_of_2049_bytes(identifier: Identifier) -> None:
    """The ID has 2049 bytes, one more than everybody must support."""
    identifier.fill(LONGEST_ID + 1)
