"""The API reference is up to date."""

from __future__ import annotations

import pytest

import spiffesim
from tests.docs.reference import PAGE, page, sentence


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


@pytest.mark.parametrize(
    "name", [name for name in spiffesim.__all__ if name not in ("errors", "plugins", "spiffe", "strategies")]
)
def test_every_name_of_the_front_door_is_on_the_page(name: str) -> None:
    assert f"`{name}" in page()


def test_a_sentence_is_the_first_of_its_docstring() -> None:
    class Case:
        """Holds :class:`~some.where.Thing` and ``code``. More of it.

        And more.
        """

    assert sentence(Case) == "Holds `Thing` and `code`."
