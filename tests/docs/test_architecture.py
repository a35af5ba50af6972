"""The architecture page names what there is, and nothing else."""

from __future__ import annotations

import pkgutil
import re
from types import ModuleType

import spiffesim
import spiffesim.agent
import spiffesim.plugins
import spiffesim.server
import spiffesim.spiffe
from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "explanation" / "architecture.md"
TEXT = PAGE.read_text(encoding="utf-8")


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z_0-9]+", text))


def modules(package: object) -> set[str]:
    return {found.name for found in pkgutil.iter_modules(getattr(package, "__path__", ()))}


def modules_at_any_depth(package: ModuleType) -> set[str]:
    found = pkgutil.walk_packages(package.__path__, prefix=f"{package.__name__}.")
    return {module.name.rpartition(".")[2] for module in found}


def section(title: str) -> str:
    """A section, from its heading to the next one."""
    return TEXT.partition(f"\n## {title}")[2].partition("\n## ")[0]


def test_the_floor_on_the_page_is_the_floor_in_the_package() -> None:
    floor = next(block.text for block in blocks(PAGE))
    listed = words(floor.replace("what values show of themselves", "")) - {"spiffe"}
    assert listed == modules_at_any_depth(spiffesim.spiffe)


def test_every_module_of_the_line_and_every_wing_is_on_the_page() -> None:
    told = words(section("The line")) | words(section("The wings")) | words(section("The rooms")) | {"spiffe"}
    assert modules(spiffesim) | modules(spiffesim.server) | modules(spiffesim.agent) <= told


def test_the_line_on_the_page_has_no_module_that_is_not_there() -> None:
    _, line, *_ = blocks(PAGE)
    assert words(line.text) <= modules(spiffesim) | modules(spiffesim.server) | modules(spiffesim.agent)


def test_every_room_is_on_the_page() -> None:
    assert modules(spiffesim.plugins) - words(section("The rooms")) == set()
