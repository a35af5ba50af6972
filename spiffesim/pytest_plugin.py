"""Fixtures for pytest.

pytest loads this module in every run where spiffesim is installed, so it imports nothing of the
simulation before a test asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from spiffesim.simulation import Simulation


@pytest.fixture
def spiffe_simulation(request: pytest.FixtureRequest) -> Simulation:
    """A simulation of the trust domain ``example.org``, seeded by the name of the test.

    It begins at the real present, so that :mod:`ssl` accepts its certificates; keys, serial numbers
    and IDs are the same in every run of the test.
    """
    from spiffesim.clock import present
    from spiffesim.simulation import Simulation

    return Simulation("example.org", seed=request.node.nodeid, start=present())
