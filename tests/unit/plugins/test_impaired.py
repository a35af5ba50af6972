"""An upstream authority behind a fault."""

from __future__ import annotations

import pytest

from spiffesim.errors import Refused, Unavailable
from spiffesim.instants import SECOND
from spiffesim.plugins.upstream_authority.impaired import ImpairedUpstreamAuthority
from tests.unit.keyrings import NOW


class Company:
    """An upstream authority that publishes somewhere else."""

    name = "company"

    def mint_x509_ca(self, request: object) -> object:
        return request

    def publish_jwt_key(self, authority: object) -> None:
        """Take it."""


def impaired(delay: int = 0, message: str = "") -> ImpairedUpstreamAuthority:
    return ImpairedUpstreamAuthority(Company(), delay, message)  # type: ignore[arg-type]  # it hands on what it gets


def test_a_slow_one_answers_in_the_end() -> None:
    slow = impaired(5 * SECOND)
    assert slow.name == "company"
    assert "Company" in repr(slow)
    minted: object = slow.mint_x509_ca(NOW)  # type: ignore[arg-type]  # anything
    assert minted == NOW
    assert slow.publish_jwt_key(NOW) is None  # type: ignore[arg-type]


def test_a_publication_that_takes_longer_than_five_seconds_has_failed() -> None:
    with pytest.raises(Unavailable, match="context deadline exceeded") as caught:
        impaired(5 * SECOND + 1).publish_jwt_key(NOW)  # type: ignore[arg-type]
    assert caught.value.status == "DEADLINE_EXCEEDED"


def test_one_that_fails_says_what_it_was_told_to_say() -> None:
    for call in (impaired(message="out of order").mint_x509_ca, impaired(message="out of order").publish_jwt_key):
        with pytest.raises(Refused, match=r"upstreamauthority\(company\): out of order"):
            call(NOW)  # type: ignore[arg-type]
