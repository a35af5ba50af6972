"""What the property tests tell of their run."""

from __future__ import annotations

import pytest

from tests.properties import worlds


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Let the report carry the depths that were reached, also from another process, to the summary."""
    item.user_properties.append(("depths", sorted(worlds.reached)))
    worlds.reached.clear()
