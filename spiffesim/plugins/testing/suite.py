"""Suite: what all conformance suites have in common, and how a rule says that it is broken."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from spiffesim.errors import SpiffeSimError

T = TypeVar("T")


def require(holds: object, problem: str) -> None:
    """Break a rule, unless something holds.

    Args:
        holds: What has to be true.
        problem: What is the matter if it is not.

    Raises:
        AssertionError: If it does not hold.
    """
    if not holds:
        raise AssertionError(problem)


def expect(errors: type[SpiffeSimError] | tuple[type[SpiffeSimError], ...], call: Callable[[], T]) -> T | None:
    """The result of a call that may also fail in these ways; every other failure breaks a rule."""
    try:
        return call()
    except errors:
        return None
    except Exception as error:
        kinds = errors if isinstance(errors, tuple) else (errors,)
        names = " or ".join(kind.__name__ for kind in kinds)
        raise AssertionError(f"it raised {type(error).__name__} ({error}), not {names}") from error


class Conformance(ABC):
    """What all suites have in common."""

    @abstractmethod
    def plugin(self) -> Any:
        """The plugin under test, made anew."""

    def rules(self) -> list[str]:
        """The names of the rules."""
        return [name for name in dir(self) if name.startswith("test_") and callable(getattr(self, name))]

    def check(self) -> list[str]:
        """Check every rule, without pytest.

        Returns:
            The names of the rules, all of which hold.

        Raises:
            AssertionError: If any does not, with all those that do not and why.
        """
        broken = {}
        for name in self.rules():
            try:
                getattr(self, name)()
            except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what is the matter with it
                broken[name] = str(error) if isinstance(error, AssertionError) else repr(error)
        require(not broken, "\n".join(f"{name}: {problem}" for name, problem in broken.items()))
        return self.rules()

    def test_it_has_a_name(self) -> None:
        """The name of a plugin is a text that is not empty."""
        name = self.plugin().name
        require(isinstance(name, str) and name, f"its name is {name!r}")

    def test_it_pickles(self) -> None:
        """A world is data: it can be pickled, its plugins included."""
        plugin = self.plugin()
        try:
            other = pickle.loads(pickle.dumps(plugin))  # noqa: S301 - what has just been written here
        except Exception as error:
            raise AssertionError(f"it does not pickle: {error}") from error
        require(other.name == plugin.name, f"it comes back as {other.name!r}")
