"""What can be wrong with when a JWT-SVID says that it is valid."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.shelf import Shelf
from spiffesim.catalogue.tokens.draft import SECONDS, JwtDraft
from spiffesim.instants import SECOND
from spiffesim.spiffe.rules.jwt import JWT_SVID

TIMES: Final = Shelf[JwtDraft](JWT_SVID)

# The end


@TIMES("expiry")
def exp_missing(draft: JwtDraft) -> None:
    """The token does not say when it expires."""
    del draft.claims["exp"]


@TIMES("expiry", clause="RFC 7519 4.1.4")
def exp_text(draft: JwtDraft) -> None:
    """The time at which the token expires is a text of digits."""
    draft.claims["exp"] = str(draft.claims["exp"])


@TIMES("expiry", clause="RFC 7519 4.1.4")
def exp_date(draft: JwtDraft) -> None:
    """The time at which the token expires is a date in words."""
    draft.claims["exp"] = "2099-01-01T00:00:00Z"


@TIMES("expiry", clause="RFC 7519 4.1.4")
def exp_true(draft: JwtDraft) -> None:
    """The time at which the token expires is true."""
    draft.claims["exp"] = True


@TIMES("expiry", clause="RFC 7519 4.1.4")
def exp_null(draft: JwtDraft) -> None:
    """The time at which the token expires is null."""
    draft.claims["exp"] = None


@TIMES("expiry", clause="RFC 7519 4.1.4")
def exp_object(draft: JwtDraft) -> None:
    """The time at which the token expires is an object with the seconds in it."""
    draft.claims["exp"] = {"seconds": draft.claims["exp"]}


@TIMES("payload", clause="RFC 8259 6")
def exp_nan(draft: JwtDraft) -> None:
    """The time at which the token expires is NaN, before which every instant is."""
    _written(draft, b"NaN")


@TIMES("payload", clause="RFC 8259 6")
def exp_infinity(draft: JwtDraft) -> None:
    """The time at which the token expires is Infinity."""
    _written(draft, b"Infinity")


@TIMES("payload", clause="RFC 8259 6")
def exp_out_of_range(draft: JwtDraft) -> None:
    """The time at which the token expires is 1e999, more than a number can be."""
    _written(draft, b"1e999")


@TIMES("payload", clause="RFC 8259 6")
def exp_leading_zero(draft: JwtDraft) -> None:
    """The time at which the token expires is written with a leading zero."""
    _written(draft, b"0%d" % draft.claims["exp"])


@TIMES("payload", clause="RFC 8259 6")
def exp_hexadecimal(draft: JwtDraft) -> None:
    """The time at which the token expires is written in hexadecimal."""
    _written(draft, b"0x%x" % draft.claims["exp"])


def _written(draft: JwtDraft, number: bytes) -> None:
    """Write the end in another way."""
    draft.claims_json = draft.claims_json.replace(b'"exp":%d' % draft.claims["exp"], b'"exp":' + number, 1)


@TIMES("unexpired")
def expired(draft: JwtDraft) -> None:
    """The token expired a second ago."""
    draft.claims["exp"] = SECONDS - 1


@TIMES("unexpired", clause="RFC 7519 4.1.4")
def expires_now(draft: JwtDraft) -> None:
    """The token expires at the very instant at which it is judged."""
    draft.claims["exp"] = SECONDS


@TIMES("unexpired", clause="RFC 7519 4.1.4")
def expired_for_a_microsecond(draft: JwtDraft) -> None:
    """The token has expired by a microsecond."""
    draft.claims["exp"] = SECONDS
    draft.now += 1


@TIMES("unexpired")
def expired_for_years(draft: JwtDraft) -> None:
    """The token expired in 1970, at second 0."""
    draft.claims["exp"] = 0


@TIMES("unexpired")
def exp_negative(draft: JwtDraft) -> None:
    """The time at which the token expires is negative, before 1970."""
    draft.claims["exp"] = -draft.claims["exp"]


# The beginning


@TIMES("beginning")
def nbf_text(draft: JwtDraft) -> None:
    """The time at which the token begins is a text of digits."""
    draft.claims["nbf"] = str(SECONDS - 60)


@TIMES("beginning")
def nbf_null(draft: JwtDraft) -> None:
    """The time at which the token begins is null."""
    draft.claims["nbf"] = None


@TIMES("beginning")
def nbf_false(draft: JwtDraft) -> None:
    """The time at which the token begins is false."""
    draft.claims["nbf"] = False


@TIMES("begun")
def not_begun(draft: JwtDraft) -> None:
    """The token begins in a second."""
    draft.claims["nbf"] = SECONDS + 1


def _begins_now(draft: JwtDraft) -> None:
    """Let the token begin at the very instant at which it is judged."""
    draft.claims["nbf"] = SECONDS


@TIMES("begun", repair=_begins_now)
def not_begun_by_a_microsecond(draft: JwtDraft) -> None:
    """The token begins in a microsecond."""
    _begins_now(draft)
    draft.now -= 1


@TIMES("begun")
def begins_in_milliseconds(draft: JwtDraft) -> None:
    """The time at which the token begins is in milliseconds, so that it lies far ahead."""
    draft.claims["nbf"] = draft.now * 1000 // SECOND
