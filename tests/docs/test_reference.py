"""What is made of the code is up to date: the API reference and the picture."""

from __future__ import annotations

import inspect
import textwrap

import attrs
import pytest

import spiffesim
from spiffesim import errors
from tests.docs.pages import ROOT, blocks
from tests.docs.picture import FILE, picture
from tests.docs.reference import PAGE, doorways, page, public, sentence


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_the_picture_is_what_the_code_draws() -> None:
    assert FILE.read_text(encoding="utf-8") == picture(), "run `make docs`"


def test_the_tree_of_errors_is_that_of_the_code() -> None:
    (tree, *_) = blocks(ROOT / "docs" / "reference" / "errors.md")
    drawn = inspect.cleandoc(errors.__doc__ or "").partition("::\n\n")[2].partition("\n\n")[0]
    assert tree.text.rstrip() == textwrap.dedent(drawn)


@pytest.mark.parametrize("name", [name for name in spiffesim.__all__ if not inspect.ismodule(getattr(spiffesim, name))])
def test_every_name_of_the_front_door_is_on_the_page(name: str) -> None:
    assert f"`{name}" in page()


def test_a_sentence_is_the_first_of_its_docstring() -> None:
    class Case:
        """Holds :class:`~some.where.Thing` and ``code``. More of it.

        And more.
        """

    assert sentence(Case) == "Holds `Thing` and `code`."


def test_everything_with_fields_on_the_page_shows_itself_in_ipython_and_hypothesis() -> None:
    offered = [getattr(module, name) for module in doorways() for name in public(module)]
    values = [value for value in offered if inspect.isclass(value) and attrs.has(value)]
    assert len(values) > 15
    bare = [value for value in values if not hasattr(value, "_repr_pretty_")]
    # A value of one or two texts has a repr of its own that is as short as it can be.
    assert {value.__name__ for value in bare} <= {"Selector", "SpiffeId", "TrustDomain"}
