"""Every Python block of the documentation runs, and every docstring example."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import json
import linecache
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import PAGES, ROOT, Block, anchors, blocks, links, name_of

PACKAGE = ROOT / "spiffesim"
WITH_PYTHON = [page for page in PAGES if any(block.language == "python" for block in blocks(page))]
WITH_DOCTESTS = [source for source in sorted(PACKAGE.rglob("*.py")) if ">>> " in source.read_text(encoding="utf-8")]


def run(page: Path, block: Block, names: dict[str, Any]) -> str:
    """Execute a block, its lines numbered as on its page, and return what it printed."""
    source = "\n" * block.line + block.text
    where = f"{name_of(page)}:{block.line}"
    linecache.cache[where] = (len(source), None, source.splitlines(keepends=True), where)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, where, "exec"), names)
    return printed.getvalue()


@pytest.mark.parametrize("page", WITH_PYTHON, ids=name_of)
def test_every_python_block_of_a_page_runs_and_prints_what_the_page_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A page is one session: what a block defines, the next one has. Files land in a scratch folder.
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks(page):
        if block.language != "python":
            continue
        printed = run(page, block, names)
        assert printed == (block.output or ""), f"{name_of(page)}, the block at line {block.line}"


@pytest.mark.parametrize("page", WITH_PYTHON, ids=name_of)
def test_the_tests_that_a_page_shows_pass(page: Path, pytester: pytest.Pytester) -> None:
    shown = [block.text for block in blocks(page) if block.language == "python"]
    if not any("\ndef test_" in f"\n{text}" for text in shown):
        return
    pytester.makepyfile("\n\n".join(shown))
    result = pytester.runpytest_subprocess("-W", "error", "-q")
    assert result.ret == pytest.ExitCode.OK


def module_name(source: Path) -> str:
    return ".".join(source.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("name", [module_name(source) for source in WITH_DOCTESTS])
def test_every_docstring_example_prints_what_it_says(name: str) -> None:
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.FAIL_FAST)
    assert result.attempted, f"{name} has '>>>' but no example that doctest finds"
    assert not result.failed


def test_the_readme_prints_its_first_screen() -> None:
    # The positive control of the comparison above: the page does say what is printed.
    assert any(block.output for block in blocks(ROOT / "README.md") if block.language == "python")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_inside_the_project_leads_somewhere(page: Path) -> None:
    for target, anchor in links(page):
        found = page.parent / target if target else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_json_block_is_json(page: Path) -> None:
    for block in blocks(page):
        if block.language == "json":
            json.loads(block.text)
