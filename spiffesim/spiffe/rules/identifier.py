"""The rules of a SPIFFE ID, in the order in which it is read.

Spec: SPIFFE-ID 2
"""

from __future__ import annotations

from typing import Final

from spiffesim.errors import InvalidSpiffeId
from spiffesim.spiffe.ids import CLAUSES, MAX_ID_BYTES, MAX_TRUST_DOMAIN_BYTES
from spiffesim.spiffe.verdict import Rule, Rulebook, Scope


def _rule(name: str, sentence: str, scope: Scope = "part") -> Rule:
    return Rule(name, CLAUSES[name], sentence, InvalidSpiffeId, scope)


SPIFFE_ID: Final = Rulebook.in_turn(
    "spiffe-id",
    (
        _rule("empty", "It is not empty.", "document"),
        _rule("scheme", "It begins with spiffe://, in lower case.", "document"),
        _rule("trust_domain_missing", "A trust domain follows.", "document"),
        _rule("userinfo", "There is no user name in front of the trust domain."),
        _rule("port", "There is no port behind it."),
        _rule("query", "There is no query."),
        _rule("fragment", "There is no fragment."),
        _rule("trust_domain_lowercase", "The trust domain is in lower case."),
        _rule("trust_domain_percent", "Nothing in the trust domain is percent-encoded."),
        _rule("trust_domain_characters", "The trust domain has only letters, digits, dots, dashes and underscores."),
        _rule("empty_segment", "No segment of the path is empty."),
        _rule("trailing_slash", "The path does not end with a slash."),
        _rule("dot_segment", "No segment of the path is . or .. ."),
        _rule("path_percent", "Nothing in the path is percent-encoded."),
        _rule(
            "path_characters", "The path has only letters, digits, dots, dashes and underscores between its slashes."
        ),
        _rule("trust_domain_too_long", f"The trust domain has at most {MAX_TRUST_DOMAIN_BYTES} bytes.", "document"),
        _rule("too_long", f"The ID has at most {MAX_ID_BYTES} bytes.", "document"),
    ),
)
"""The rules of SPIFFE IDs."""
