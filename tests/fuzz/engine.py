"""One target and atheris, in a process of its own: ``python -m tests.fuzz.engine TARGET SECONDS``."""

from __future__ import annotations

import sys
import traceback
import warnings
from pathlib import Path
from typing import Final

import atheris

with atheris.instrument_imports(include=["spiffesim"]):
    from tests.fuzz.store import FINDINGS, FOUND
    from tests.fuzz.targets import TARGETS, problem

_SLOWEST: Final = 20  # seconds for one input; more is a hang
_LONGEST: Final = 8192
_MEGABYTES: Final = 2048


def fuzz(name: str, seconds: int) -> None:
    """Fuzz one target; never returns."""
    target, known = TARGETS[name], set()

    def once(data: bytes) -> None:
        error = problem(target, data)
        if error is not None and (where := place(error)) not in known:
            known.add(where)
            (FINDINGS / name / f"{where}.bin").write_bytes(data)
            traceback.print_exception(error)

    warnings.simplefilter("error")  # as in the tests
    limits = f"-max_total_time={seconds} -timeout={_SLOWEST} -max_len={_LONGEST} -len_control=0 -rss_limit_mb={_MEGABYTES}".split()
    atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={FINDINGS / name}/", str(FOUND / name)], once)
    atheris.Fuzz()


def place(error: BaseException) -> str:
    """The kind of an error and where it arose, as the name of a file."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/spiffesim/" in frame.filename] or frames
    return f"{type(error).__name__}-{Path(ours[-1].filename).stem}-{ours[-1].lineno}-{frames[-1].name.strip('<>')}"


if __name__ == "__main__":
    fuzz(sys.argv[1], int(sys.argv[2]))
