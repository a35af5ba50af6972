"""What can be wrong with the time: certificates that have not begun, have ended, or write their dates wrongly."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.certificates.chain import DAY, HOUR, Chain
from spiffesim.catalogue.certificates.draft import Draft
from spiffesim.catalogue.hierarchy import NOW
from spiffesim.catalogue.shelf import Shelf
from spiffesim.instants import SECOND, Microseconds
from spiffesim.spiffe.rules.x509 import X509_SVID
from spiffesim.spiffe.x509 import der

VALIDITY: Final = Shelf[Chain](X509_SVID)

_TIME: Final = "RFC 5280 4.1.2.5"
_UTC: Final = "RFC 5280 4.1.2.5.1"
_GENERALIZED: Final = "RFC 5280 4.1.2.5.2"


def _ends_now(certificate: Draft) -> None:
    certificate.live(NOW - HOUR, NOW)


def _begins_now(certificate: Draft) -> None:
    certificate.live(NOW, NOW + HOUR)


def _generalized(instant: Microseconds) -> bytes:
    """An instant before 2050 as GeneralizedTime."""
    return der.tlv(der.GENERALIZED_TIME, b"20" + der.time(instant)[2:])


# The end


@VALIDITY("not_after")
def leaf_ended(chain: Chain) -> None:
    """The leaf ended an hour ago."""
    chain.leaf.live(NOW - 2 * HOUR, NOW - HOUR)


@VALIDITY("not_after", repair=lambda chain: _ends_now(chain.leaf))
def leaf_ended_a_microsecond_ago(chain: Chain) -> None:
    """The leaf ended a microsecond ago."""
    _ends_now(chain.leaf)
    chain.now = NOW + 1


@VALIDITY("not_after", clause=_TIME)
def leaf_ended_before_it_began(chain: Chain) -> None:
    """The leaf ended before it began."""
    chain.leaf.live(NOW - HOUR, NOW - HOUR - SECOND)


@VALIDITY("not_after", clause=_UTC)
def leaf_ends_in_1950(chain: Chain) -> None:
    """The leaf is to end in 2050, and says so in UTCTime, where 50 is 1950."""
    chain.leaf.not_after = der.tlv(der.UTC_TIME, b"500101000000Z")


@VALIDITY("not_after", depth=1)
def intermediate_ended(chain: Chain) -> None:
    """The intermediate above the leaf ended an hour ago, and the leaf has not."""
    chain.intermediate.live(NOW - 2 * HOUR, NOW - HOUR)


@VALIDITY("not_after", depth=1, repair=lambda chain: _ends_now(chain.intermediate))
def intermediate_ended_a_microsecond_ago(chain: Chain) -> None:
    """The intermediate above the leaf ended a microsecond ago."""
    _ends_now(chain.intermediate)
    chain.now = NOW + 1


@VALIDITY("not_after", depth=2)
def topmost_intermediate_ended(chain: Chain) -> None:
    """The topmost of several intermediates ended a second ago."""
    chain.topmost.live(NOW - 2 * HOUR, NOW - SECOND)


@VALIDITY("not_after")
def root_ended(chain: Chain) -> None:
    """The root ended a day ago, and nothing below it has."""
    chain.root.live(NOW - 8 * DAY, NOW - DAY)


@VALIDITY("not_after", repair=lambda chain: _ends_now(chain.root))
def root_ended_a_microsecond_ago(chain: Chain) -> None:
    """The root ended a microsecond ago."""
    _ends_now(chain.root)
    chain.now = NOW + 1


# The beginning


@VALIDITY("not_before")
def leaf_begins_later(chain: Chain) -> None:
    """The leaf begins in an hour."""
    chain.leaf.live(NOW + HOUR, NOW + 2 * HOUR)


@VALIDITY("not_before", repair=lambda chain: _begins_now(chain.leaf))
def leaf_begins_in_a_microsecond(chain: Chain) -> None:
    """The leaf begins in a microsecond."""
    _begins_now(chain.leaf)
    chain.now = NOW - 1


@VALIDITY("not_before", clause=_TIME)
def leaf_begins_after_its_end(chain: Chain) -> None:
    """The leaf begins in an hour, a second after its end."""
    chain.leaf.live(NOW + HOUR, NOW + HOUR - SECOND)


@VALIDITY("not_before", depth=1)
def intermediate_begins_later(chain: Chain) -> None:
    """The intermediate above the leaf begins in an hour, though the leaf has begun."""
    chain.intermediate.live(NOW + HOUR, NOW + DAY)


@VALIDITY("not_before", depth=1, repair=lambda chain: _begins_now(chain.intermediate))
def intermediate_begins_in_a_microsecond(chain: Chain) -> None:
    """The intermediate above the leaf begins in a microsecond."""
    _begins_now(chain.intermediate)
    chain.now = NOW - 1


@VALIDITY("not_before")
def root_begins_later(chain: Chain) -> None:
    """The root begins tomorrow, though all below it has begun."""
    chain.root.live(NOW + DAY, NOW + 8 * DAY)


@VALIDITY("not_before", repair=lambda chain: _begins_now(chain.root))
def root_begins_in_a_microsecond(chain: Chain) -> None:
    """The root begins in a microsecond."""
    _begins_now(chain.root)
    chain.now = NOW - 1


# How dates are written


@VALIDITY("validity_encoding")
def generalized_time_in_leaf(chain: Chain) -> None:
    """The leaf writes its end, which is before 2050, as GeneralizedTime."""
    chain.leaf.not_after = _generalized(NOW + HOUR)


@VALIDITY("validity_encoding", depth=1)
def generalized_time_in_intermediate(chain: Chain) -> None:
    """The intermediate above the leaf writes its beginning, which is before 2050, as GeneralizedTime."""
    chain.intermediate.not_before = _generalized(NOW - HOUR)


@VALIDITY("validity_encoding")
def generalized_time_in_root(chain: Chain) -> None:
    """The root writes its end, which is before 2050, as GeneralizedTime."""
    chain.root.not_after = _generalized(NOW + DAY)


@VALIDITY("certificate_encoding", clause=_GENERALIZED)
def fraction_of_a_second(chain: Chain) -> None:
    """The end of the leaf has a fraction of a second."""
    chain.leaf.not_after = der.tlv(der.GENERALIZED_TIME, b"20500101000000.5Z")


@VALIDITY("certificate_encoding", clause=_UTC)
def time_without_seconds(chain: Chain) -> None:
    """The beginning of the leaf has no seconds."""
    chain.leaf.not_before = der.tlv(der.UTC_TIME, b"2001010000Z")


@VALIDITY("certificate_encoding", clause=_UTC)
def time_with_offset(chain: Chain) -> None:
    """The beginning of the leaf is told in another time zone."""
    chain.leaf.not_before = der.tlv(der.UTC_TIME, b"200101000000+0100")


@VALIDITY("certificate_encoding", clause=_UTC)
def time_without_zone(chain: Chain) -> None:
    """The beginning of the leaf has no time zone."""
    chain.leaf.not_before = der.tlv(der.UTC_TIME, b"200101000000")


@VALIDITY("certificate_encoding", clause=_TIME)
def no_such_day(chain: Chain) -> None:
    """The leaf begins on February 30th."""
    chain.leaf.not_before = der.tlv(der.UTC_TIME, b"200230000000Z")


# Oddities


@VALIDITY("not_before", clause=_TIME, answer="accepted")
def all_begin_now(chain: Chain) -> None:
    """Every certificate begins at this instant."""
    for place in range(chain.depth + 2):
        _begins_now(chain.draft(place))


@VALIDITY("not_after", clause=_TIME, answer="accepted")
def all_end_now(chain: Chain) -> None:
    """Every certificate ends at this instant."""
    for place in range(chain.depth + 2):
        _ends_now(chain.draft(place))


@VALIDITY("not_after", clause=_TIME, answer="accepted")
def leaf_of_one_instant(chain: Chain) -> None:
    """The leaf begins and ends at this instant."""
    chain.leaf.live(NOW, NOW)


@VALIDITY("not_after", clause="RFC 5280 6.1.3", answer="accepted")
def leaf_outlives_issuer(chain: Chain) -> None:
    """The leaf ends after its issuer, which is valid at this instant."""
    chain.leaf.live(NOW - HOUR, NOW + 30 * DAY)


@VALIDITY("not_before", clause="RFC 5280 6.1.3", answer="accepted")
def leaf_older_than_issuer(chain: Chain) -> None:
    """The leaf began before its issuer, which is valid at this instant."""
    chain.leaf.live(NOW - 30 * DAY, NOW + HOUR)


@VALIDITY("validity_encoding", clause=_TIME, answer="accepted")
def generalized_time_from_2050(chain: Chain) -> None:
    """The issuer of the leaf ends in 2050, and says so in GeneralizedTime."""
    chain.issuer.not_after = der.tlv(der.GENERALIZED_TIME, b"20500101000000Z")


@VALIDITY("not_after", clause=_TIME, answer="accepted")
def root_without_end(chain: Chain) -> None:
    """The root ends in the last second of 9999, which stands for no end."""
    chain.root.not_after = der.tlv(der.GENERALIZED_TIME, b"99991231235959Z")


@VALIDITY("not_before", clause=_UTC, answer="accepted")
def root_from_1950(chain: Chain) -> None:
    """The root began in 1950, the first year of UTCTime."""
    chain.root.not_before = der.tlv(der.UTC_TIME, b"500101000000Z")
