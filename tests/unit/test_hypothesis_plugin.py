"""What Hypothesis runs at its import: in interpreters of their own, since it is a matter of who is imported when."""

from __future__ import annotations

import os
import subprocess
import sys

from hypothesis import find
from hypothesis import strategies as st

from spiffesim.hypothesis_plugin import register
from spiffesim.spiffe.ids import SpiffeId, TrustDomain

HEAVY = ("cryptography", "jwt", "networkx", "spiffesim.simulation", "spiffesim.strategies")
SIMPLEST = "from hypothesis import find, strategies as st; from spiffesim import SpiffeId; print(find(st.from_type(SpiffeId), bool))"


def printed(program: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    return done.stdout.strip()


def test_a_type_of_ours_has_a_strategy_as_soon_as_hypothesis_is_imported() -> None:
    assert printed(SIMPLEST) == "spiffe://0/0"
    assert printed(SIMPLEST, HYPOTHESIS_NO_PLUGINS="1") != "spiffe://0/0"


def test_the_import_of_hypothesis_stays_light() -> None:
    program = f"import hypothesis, sys; print([name for name in {HEAVY} if name in sys.modules])"
    assert printed(program) == "[]"
    # The control: they are there once a strategy has been asked for.
    drawn = (
        "from hypothesis import strategies as st; from spiffesim import SpiffeId; st.from_type(SpiffeId).validate(); "
    )
    assert printed(drawn + program) == str([name for name in HEAVY if name != "jwt"])


def test_what_is_registered_draws_what_the_strategies_do() -> None:
    register()
    assert str(find(st.from_type(SpiffeId), lambda _: True)) == "spiffe://0/0"
    assert str(find(st.from_type(TrustDomain), lambda name: len(name.name) > 1)) == "00"
