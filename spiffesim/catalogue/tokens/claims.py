"""What can be wrong with who, and for whom, a JWT-SVID says it is."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.shelf import Shelf
from spiffesim.catalogue.tokens.draft import JwtDraft
from spiffesim.spiffe.rules.jwt import JWT_SVID

CLAIMS: Final = Shelf[JwtDraft](JWT_SVID)

# The subject


@CLAIMS("subject")
def sub_missing(draft: JwtDraft) -> None:
    """There is no subject."""
    del draft.claims["sub"]


@CLAIMS("subject", clause="RFC 7519 4.1.2")
def sub_number(draft: JwtDraft) -> None:
    """The subject is a number."""
    draft.claims["sub"] = 7


@CLAIMS("subject", clause="RFC 7519 4.1.2")
def sub_null(draft: JwtDraft) -> None:
    """The subject is null."""
    draft.claims["sub"] = None


@CLAIMS("subject", clause="RFC 7519 4.1.2")
def sub_array(draft: JwtDraft) -> None:
    """The subject is an array with one SPIFFE ID in it."""
    draft.claims["sub"] = [draft.spiffe_id]


@CLAIMS("subject")
def sub_empty(draft: JwtDraft) -> None:
    """The subject is an empty text."""
    draft.claims["sub"] = ""


@CLAIMS("subject")
def sub_name(draft: JwtDraft) -> None:
    """The subject is a mere name."""
    draft.claims["sub"] = "web"


@CLAIMS("subject", clause="SPIFFE-ID 2")
def sub_url(draft: JwtDraft) -> None:
    """The subject is an https URL."""
    draft.claims["sub"] = draft.spiffe_id.replace("spiffe:", "https:", 1)


@CLAIMS("subject", clause="SPIFFE-ID 2.1")
def sub_upper_case(draft: JwtDraft) -> None:
    """The trust domain of the subject is in capitals."""
    name = str(draft.hierarchy.trust_domain)
    draft.claims["sub"] = draft.spiffe_id.replace(name, name.upper(), 1)


@CLAIMS("subject", clause="SPIFFE-ID 2.1")
def sub_with_port(draft: JwtDraft) -> None:
    """The trust domain of the subject has a port."""
    name = str(draft.hierarchy.trust_domain)
    draft.claims["sub"] = draft.spiffe_id.replace(name, f"{name}:443", 1)


@CLAIMS("subject", clause="SPIFFE-ID 2.1")
def sub_with_user(draft: JwtDraft) -> None:
    """The trust domain of the subject has a user name before it."""
    draft.claims["sub"] = draft.spiffe_id.replace("://", "://admin@", 1)


@CLAIMS("subject", clause="SPIFFE-ID 2.1")
def sub_without_trust_domain(draft: JwtDraft) -> None:
    """The subject has a path, but no trust domain."""
    draft.claims["sub"] = "spiffe:///workload"


@CLAIMS("subject", clause="SPIFFE-ID 2.2")
def sub_trailing_slash(draft: JwtDraft) -> None:
    """The subject ends in a slash."""
    draft.claims["sub"] += "/"


@CLAIMS("subject", clause="SPIFFE-ID 2.2")
def sub_dot_segment(draft: JwtDraft) -> None:
    """The path of the subject goes up by two dots."""
    draft.claims["sub"] += "/../admin"


@CLAIMS("subject", clause="SPIFFE-ID 2.2")
def sub_percent_encoded(draft: JwtDraft) -> None:
    """The path of the subject has a percent-encoded slash."""
    draft.claims["sub"] += "%2Fadmin"


@CLAIMS("subject", clause="SPIFFE-ID 2")
def sub_with_query(draft: JwtDraft) -> None:
    """The subject has a query."""
    draft.claims["sub"] += "?admin=true"


@CLAIMS("subject", clause="SPIFFE-ID 2")
def sub_with_fragment(draft: JwtDraft) -> None:
    """The subject has an empty fragment."""
    draft.claims["sub"] += "#"


@CLAIMS("subject", clause="SPIFFE-ID 2.2")
def sub_trailing_newline(draft: JwtDraft) -> None:
    """The subject ends in a newline."""
    draft.claims["sub"] += "\n"


@CLAIMS("subject", clause="SPIFFE-ID 2.3")
def sub_too_long(draft: JwtDraft) -> None:
    """The subject has 2049 bytes."""
    draft.claims["sub"] = draft.spiffe_id.ljust(2049, "x")


# The audience


@CLAIMS("audience")
def aud_missing(draft: JwtDraft) -> None:
    """There is no audience."""
    del draft.claims["aud"]


@CLAIMS("audience")
def aud_null(draft: JwtDraft) -> None:
    """The audience is null."""
    draft.claims["aud"] = None


@CLAIMS("audience")
def aud_empty_array(draft: JwtDraft) -> None:
    """The audience is an empty array."""
    draft.claims["aud"] = []


@CLAIMS("audience", clause="RFC 7519 4.1.3")
def aud_number(draft: JwtDraft) -> None:
    """The audience is a number."""
    draft.claims["aud"] = 7


@CLAIMS("audience", clause="RFC 7519 4.1.3")
def aud_object(draft: JwtDraft) -> None:
    """The audience is an object with the right name in it."""
    draft.claims["aud"] = {draft.audience: True}


@CLAIMS("audience", clause="RFC 7519 4.1.3")
def aud_with_number(draft: JwtDraft) -> None:
    """There is a number in the audience, beside the right name."""
    draft.claims["aud"] = [draft.audience, 7]


@CLAIMS("audience", clause="RFC 7519 4.1.3")
def aud_nested(draft: JwtDraft) -> None:
    """The audience is an array in an array."""
    draft.claims["aud"] = [[draft.audience]]


@CLAIMS("intended")
def aud_empty(draft: JwtDraft) -> None:
    """The audience is an empty text."""
    draft.claims["aud"] = ""


@CLAIMS("intended")
def aud_other(draft: JwtDraft) -> None:
    """The audience is somebody else."""
    draft.claims["aud"] = ["payments"]


@CLAIMS("intended", clause="RFC 7519 2")
def aud_in_other_case(draft: JwtDraft) -> None:
    """The audience is the right name in capitals."""
    draft.claims["aud"] = [draft.audience.upper()]


@CLAIMS("intended")
def aud_begins_alike(draft: JwtDraft) -> None:
    """The audience only begins with the right name."""
    draft.claims["aud"] = f"{draft.audience}-test"


@CLAIMS("intended")
def aud_in_one_text(draft: JwtDraft) -> None:
    """The right name is in the audience, between spaces, with two others in one text."""
    draft.claims["aud"] = f"payments {draft.audience} users"


@CLAIMS("intended", clause="RFC 7519 2")
def aud_trailing_slash(draft: JwtDraft) -> None:
    """The audience is the right URL but for a slash at its end."""
    draft.audience = "https://reports.example.org"
    draft.claims["aud"] = ["https://reports.example.org/"]
