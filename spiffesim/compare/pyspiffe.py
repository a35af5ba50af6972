"""py-spiffe, the Python library of the SPIFFE project."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from spiffesim.catalogue import SpiffeIdCase
from spiffesim.compare.validator import Validator
from spiffesim.errors import InvalidConfiguration


def py_spiffe() -> Validator:
    """``spiffe``, where it is installed; it judges SPIFFE IDs.

    It has no validation of chains; tokens it validates by the wall clock alone, so it cannot be asked about an instant;
    and of bundles it reads those parts that Workload APIs send.

    Raises:
        InvalidConfiguration: If it is not installed.
    """
    try:
        spiffe: Any = import_module("spiffe")
        errors: Any = import_module("spiffe.errors")
    except ImportError:
        raise InvalidConfiguration("py-spiffe is not there; `pip install spiffe` brings it", code="py_spiffe") from None

    def judge(case: SpiffeIdCase) -> bool:
        spiffe.SpiffeId(case.text)
        return True

    return Validator("py-spiffe", ("spiffe-id",), judge, (errors.PySpiffeError,))
