"""Validators: anything that accepts or refuses documents, behind one function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import attrs

from spiffesim.catalogue import KINDS, Case, Kind
from spiffesim.compare.outcome import ACCEPTED, SKIPPED, Outcome, broken, refused
from spiffesim.errors import InvalidInput
from spiffesim.spiffe.markup import pretty_fields

Judge: TypeAlias = Callable[[Any], Any]
"""The function of an adapter: takes a case, and returns whether the document is accepted, or an :class:`Outcome`."""


def check_kinds(kinds: Sequence[object]) -> None:
    """Refuse kinds of document that there are not.

    Args:
        kinds: The kinds; there has to be one.

    Raises:
        InvalidInput: If there is no such kind.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        told = f"there is no kind of document {unknown[0]!r:.80}" if unknown else "no kind of document is given"
        raise InvalidInput(f"{told}; the kinds are {', '.join(KINDS)}", code="kind")


def _known(_: object, __: object, kinds: Sequence[object]) -> None:
    check_kinds(kinds)


@attrs.frozen
class Validator:
    """Something that accepts or refuses documents.

    Calling it with a case gives its :class:`Outcome`, whatever happens inside.

    Attributes:
        name: What it is called in tables.
        kinds: What it judges; it skips all else.
        judge: Its function.
        refuses: The exceptions by which that function refuses; any other is a defect of the validator.

    Raises:
        InvalidInput: If there is no such kind of document.
    """

    name: str
    kinds: tuple[Kind, ...] = attrs.field(validator=_known)
    judge: Judge = attrs.field(repr=False)
    refuses: tuple[type[BaseException], ...] = attrs.field(default=(), repr=False)

    def __call__(self, case: Case) -> Outcome:
        """What it makes of a case.

        Args:
            case: The document, and all that the validator has to know.
        """
        if case.kind not in self.kinds:
            return SKIPPED
        try:
            answer = self.judge(case)
        except self.refuses as error:
            return refused(error)
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - a validator under test may raise anything; Rust panics are these
            return broken(error)
        if isinstance(answer, Outcome):
            return answer
        if isinstance(answer, bool):
            return ACCEPTED if answer else refused()
        return broken(f"it answered {answer!r:.80}, which is neither a bool nor an Outcome")

    _repr_pretty_ = pretty_fields


def validator(
    *kinds: Kind, name: str | None = None, refuses: tuple[type[BaseException], ...] = ()
) -> Callable[[Judge], Validator]:
    """Make a validator of a function.

        >>> from spiffesim import compare
        >>> @compare.validator("x509-svid", refuses=(ValueError,))
        ... def credulous(case):
        ...     return len(case.chain_der) > 0

    Args:
        *kinds: What kinds of document it judges.
        name: What it is called in tables; by default as the function is.
        refuses: The exceptions by which it refuses. Any other that comes out of it counts as a defect of its own.
    """

    def make(judge: Judge) -> Validator:
        return Validator(name or str(getattr(judge, "__name__", "validator")), kinds, judge, refuses)

    return make
