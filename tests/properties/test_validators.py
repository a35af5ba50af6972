"""Validators under test: what is left out of one is this library's, whatever exceptions the rest refuses by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest

from spiffesim.errors import ValidationError
from spiffesim.spiffe import SpiffeBundle, validate_jwt_svid
from spiffesim.strategies.lifecycle import Lifecycle, Validator


def nobody(_chain: Sequence[bytes], _bundles: Sequence[SpiffeBundle], _at: datetime) -> object:
    raise ValueError("nobody")


def crashing(token: str, bundles: Sequence[SpiffeBundle], audience: str, at: datetime) -> object:
    try:
        return validate_jwt_svid(token, bundles, audience=audience, at=at)
    except ValidationError:
        raise KeyError("kid") from None


class Half(Lifecycle):
    validator = Validator(x509_svid=nobody, refuses=(ValueError,))


class Crashing(Lifecycle):
    validator = Validator(jwt_svid=crashing, refuses=(ValueError,))


def test_a_validator_of_chains_alone_judges_tokens_as_this_library_does() -> None:
    Half().forge_jwt_svid(workload="/root")
    with pytest.raises(AssertionError, match="the validator refuses the x509 document of /root"):
        Half().forge_x509_svid(workload="/root")


def test_any_other_exception_is_a_defect() -> None:
    with pytest.raises(KeyError):
        Crashing().forge_jwt_svid(workload="/root")
