"""Numbers that pages claim without printing them."""

from __future__ import annotations

import re

from spiffesim import catalogue
from tests.docs.pages import ROOT


def test_the_readme_promises_no_more_defects_than_there_are() -> None:
    (promised,) = re.findall(r"\[more than (\d+) documents\]", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert 100 < int(promised) < len(catalogue.defects())
