"""How a refusal looks to the one who called."""

from __future__ import annotations

import pytest

from spiffesim.errors import InvalidInput, NotFound
from spiffesim.rpc import code_name, error_text


@pytest.mark.parametrize(
    ("status", "name"),
    [("PERMISSION_DENIED", "PermissionDenied"), ("UNAVAILABLE", "Unavailable"), ("NOT_FOUND", "NotFound")],
)
def test_a_status_is_spelled_as_go_spells_it(status: str, name: str) -> None:
    assert code_name(status) == name


def test_a_refusal_reads_as_grpc_prints_it_and_anything_else_as_it_is() -> None:
    assert error_text(NotFound("no such entry", status="NOT_FOUND", hint="1")) == (
        "rpc error: code = NotFound desc = no such entry"
    )
    assert error_text(InvalidInput("no key")) == "no key"
