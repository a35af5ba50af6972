"""A SPIFFE ID in its parts: what the edits of its defects are given."""

from __future__ import annotations

from typing import Final

import attrs

LONGEST_ID: Final = 2048
LONGEST_TRUST_DOMAIN: Final = 255


@attrs.define
class Identifier:
    """A SPIFFE ID that has yet to be written down; each part is written as it is.

    Attributes:
        number: What tells it from others.
        scheme: All that stands in front of the trust domain.
        trust_domain: The trust domain, with whatever stands around it.
        path: All that stands behind it.
    """

    number: int
    scheme: str = "spiffe://"
    trust_domain: str = "example.org"
    path: str = attrs.field(default=attrs.Factory(lambda identifier: f"/workload/{identifier.number}", takes_self=True))

    def fill(self, length: int) -> None:
        """Make the path as long as it takes for the ID to have so many bytes."""
        self.path += "/"
        self.path += "a" * (length - len(self.encode()))

    def encode(self) -> str:
        """The ID."""
        return f"{self.scheme}{self.trust_domain}{self.path}"
