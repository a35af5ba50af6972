"""Our own validator, as one among others."""

from __future__ import annotations

from spiffesim.catalogue import KINDS, Case
from spiffesim.compare.outcome import ACCEPTED, Outcome, refused
from spiffesim.compare.validator import Validator


def ours() -> Validator:
    """``spiffesim.spiffe``; it judges every kind of document."""
    return Validator("spiffesim", KINDS, _judge)


def _judge(case: Case) -> Outcome:
    failures = case.examine().failures
    return refused(f"{failures[0].name} ({failures[0].clause}): {failures[0].detail}") if failures else ACCEPTED
