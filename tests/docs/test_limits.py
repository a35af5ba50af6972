"""The page of limits: its numbers are those of the code, all of them are on it, and its rules exist."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import spiffesim.spiffe
from spiffesim.spiffe.verdict import rulebook
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "reference" / "limits.md"
_SECTION = re.compile(r"^In `([\w.]+)`\.$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `([\w.]+)` \| (\d+) \|[^|]*\| ([^|]*) \|", re.MULTILINE)


def rows() -> Iterator[tuple[str, int, str]]:
    """The full name of each constant on the page, its value there, and who answers beyond it."""
    for package, section in _SECTION.findall(PAGE.read_text(encoding="utf-8")):
        for name, value, answer in _ROW.findall(section):
            yield f"{package}.{name}", int(value), answer


def in_code() -> Iterator[str]:
    """The full names of all constants that are limits."""
    for found in pkgutil.walk_packages(spiffesim.spiffe.__path__, "spiffesim.spiffe."):
        module = import_module(found.name)
        source = module.__file__
        assert source is not None
        text = Path(source).read_text(encoding="utf-8")
        yield from (f"{found.name}.{name}" for name in re.findall(r"^(MAX_\w+|MIN_\w+): Final", text, re.MULTILINE))


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, value, _ in rows()])
def test_a_number_on_the_page_is_the_one_in_the_code(name: str, value: int) -> None:
    module, _, constant = name.rpartition(".")
    assert getattr(import_module(module), constant) == value


def test_every_limit_is_on_the_page() -> None:
    listed = [name for name, _, _ in rows()]
    assert len(listed) == len(set(listed))
    assert set(in_code()) <= set(listed)
    assert len(list(in_code())) > 12


def test_every_rule_on_the_page_is_one() -> None:
    rules = {rule.name for kind in ("x509-svid", "jwt-svid", "wit-svid") for rule in rulebook(kind).rules}
    answers = " ".join(answer for _, _, answer in rows())
    named = re.findall(r"rules? ((?:`\w+`(?: and )?)+)", answers)
    assert len(named) > 12
    for names in named:
        assert set(re.findall(r"`(\w+)`", names)) <= rules
