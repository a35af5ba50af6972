"""The picture in the documentation, drawn by the code: ``python -m tests.docs.picture`` draws it anew."""

from __future__ import annotations

from spiffesim.simulation import Simulation
from tests.docs.pages import ROOT

FILE = ROOT / "docs" / "how-to" / "nested.svg"


def picture() -> str:
    """The deployment of the page on topologies."""
    sim = Simulation("example.org", seed=7)
    sim.root.agent("rootAgent")
    for name in ("nestedA", "nestedB"):
        sim.root.nest(name).workload(f"/{name}/workload")
    return f"{sim.tree().svg()}\n"


if __name__ == "__main__":
    FILE.write_text(picture(), encoding="utf-8")
