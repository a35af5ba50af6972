"""go-spiffe as an oracle: live where there is a Go toolchain that can have its modules, and as a file of its answers.

``python -m tests.oracles.go_spiffe`` writes that file anew.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from spiffesim import compare
from spiffesim.catalogue import Case, Kind
from tests.oracles import golang

SOURCE: Final = Path(__file__).parents[2] / "examples" / "validators" / "go-spiffe"
ANSWERS: Final = Path(__file__).parent / "go" / "go-spiffe.json"
KINDS: Final[tuple[Kind, ...]] = ("spiffe-id", "x509-svid", "jwt-svid", "bundle")
OLDEST: Final = (1, 25)  # the first with testing/synctest


def build(stack: ExitStack) -> Path | None:
    """The adapter, built in a folder that is gone with the stack; None where that cannot be done."""
    go = toolchain()
    if go is None:
        return None
    program = Path(stack.enter_context(TemporaryDirectory()), "go-spiffe")
    made = subprocess.run([go, "build", "-o", str(program), "."], cwd=SOURCE, capture_output=True, check=False)
    return program if made.returncode == 0 else None


@cache
def toolchain() -> str | None:
    """The path of a Go that is new enough; or None."""
    go = golang.toolchain()
    said = subprocess.run([go, "version"], capture_output=True, check=False, text=True).stdout if go else ""
    version = re.search(r"go(\d+)\.(\d+)", said)
    return go if version and (int(version[1]), int(version[2])) >= OLDEST else None


def questions() -> Iterator[Case]:
    """The cases that it is asked about: the smallest of each defect, and its repaired twin."""
    return takewhile(lambda case: case.number == 0, compare.cases(kinds=KINDS, max_depth=0))


def recorded() -> dict[str, str]:
    """Its answers on file, by the call that makes the case."""
    answers: dict[str, str] = json.loads(ANSWERS.read_text(encoding="utf-8"))
    return answers


def main() -> None:
    from tests.oracles.differential import unexplained

    with ExitStack() as stack:
        program = build(stack)
        if program is None:
            sys.exit(f"there is no Go {OLDEST[0]}.{OLDEST[1]} or newer that can have the modules of go-spiffe")
        validator = stack.enter_context(compare.process([program], name="go-spiffe", kinds=KINDS))
        answers = {}
        for case in questions():
            if not unexplained(compare.disagreements([validator], [case])):
                answers[repr(case)] = validator(case).answer
    ANSWERS.write_text(json.dumps(answers, indent=0, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{len(answers)} answers")  # noqa: T201 - a command prints


if __name__ == "__main__":
    main()
