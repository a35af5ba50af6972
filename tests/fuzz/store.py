"""The kept corpus: for each target a small text file, an input a line in base64, so that a change can be read as one.

``python -m tests.fuzz.store`` distils what `make fuzz` has found: of all inputs, the smallest first, those are kept
that take a way through the package which none before has taken.
"""

from __future__ import annotations

import hashlib
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Final

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS, Target, problem

HERE: Final = Path(__file__).parent
KEPT: Final = HERE / "corpus"
FOUND: Final = HERE.parents[1] / "build" / "fuzz"
"""Where `make fuzz` works: for each target a directory of inputs."""
FINDINGS: Final = FOUND / "findings"

_PACKAGE: Final = str(HERE.parents[1] / "spiffesim")
MOST_BYTES: Final = 18_000
"""How large the file of one target may become."""


def kept(name: str) -> list[bytes]:
    """The kept inputs of a target, the smallest first."""
    path = KEPT / f"{name}.txt"
    return [b64decode(line, validate=True) for line in path.read_bytes().splitlines()] if path.exists() else []


def keep(name: str, inputs: Iterable[bytes]) -> None:
    """Write the inputs of a target."""
    KEPT.mkdir(exist_ok=True)
    lines = sorted({b64encode(data) for data in inputs}, key=lambda line: (len(line), line))
    (KEPT / f"{name}.txt").write_bytes(b"".join(line + b"\n" for line in lines))


def spread(name: str) -> None:
    """Put the kept inputs of a target, and its seeds, where the fuzzer finds them."""
    for directory in (FOUND / name, FINDINGS / name):
        directory.mkdir(parents=True, exist_ok=True)
    for data in (*kept(name), *seeds(name)):
        (FOUND / name / hashlib.sha1(data).hexdigest()).write_bytes(data)


def ways(target: Target, data: bytes) -> set[tuple[str, int, int]]:
    """The steps from line to line in the package that an input takes."""
    taken: set[tuple[str, int, int]] = set()
    last: dict[int, int] = {}

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(_PACKAGE):
            return None
        if event != "return":
            taken.add((file, last.get(id(frame), -frame.f_code.co_firstlineno), frame.f_lineno))
            last[id(frame)] = frame.f_lineno
        else:
            last.pop(id(frame), None)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        problem(target, data)
    finally:
        sys.settrace(before)
    return taken


def distilled(name: str, inputs: Sequence[bytes]) -> Iterator[bytes]:
    """The inputs that take new ways, the smallest first, as long as there is room for them."""
    known: set[tuple[str, int, int]] = set()
    room = MOST_BYTES
    for data in sorted(set(inputs), key=lambda data: (len(data), data)):
        size = len(b64encode(data)) + 1
        if size <= room and not (taken := ways(TARGETS[name], data)) <= known:
            known |= taken
            room -= size
            yield data


def main() -> None:
    """Distil what was found, together with what is kept."""
    for name in TARGETS:
        broke, found = (
            [path.read_bytes() for path in directory.glob("*") if path.is_file()]
            for directory in (FINDINGS / name, FOUND / name)
        )
        inputs = found + kept(name)
        chosen = [*broke, *distilled(name, inputs)]  # what broke a parser stays, whatever ways it takes by now
        keep(name, chosen)
        print(f"{name}: {len(chosen)} of {len(inputs)}")


if __name__ == "__main__":
    main()
