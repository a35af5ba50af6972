"""Fuzz every parser of untrusted bytes: ``python -m tests.fuzz.run [--seconds 600] [--jobs 2] [TARGET ...]``.

Each target runs in a process of its own, from the kept corpus and from the catalogue. What breaks one is written to
``build/fuzz/findings/`` and the search goes on, so that one run finds all that there is; ``--replay FILE`` shows it.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.fuzz.store import FINDINGS, FOUND, spread
from tests.fuzz.targets import TARGETS

_STATISTICS: Final = re.compile(r"#(\d+)\s.*cov: (\d+) ft: (\d+) corp: (\d+)")


def main() -> int:
    """Fuzz, and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"by default all: {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=600, help="for each target (600)")
    parser.add_argument("--jobs", type=int, default=2, help="how many targets at a time (2)")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="give a target one file, without the fuzzer")
    options = parser.parse_args()
    names = options.targets or list(TARGETS)
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        parser.error(f"there is no target {unknown[0]}; there are {', '.join(TARGETS)}")
    if options.replay:
        TARGETS[names[0]](options.replay.read_bytes())
        return 0
    with ThreadPoolExecutor(options.jobs) as pool:
        fine = list(pool.map(lambda name: _run(name, options.seconds), names))
    return 0 if all(fine) else 1


def _run(name: str, seconds: int) -> bool:
    """Fuzz one target in a process, and print a line; whether nothing was found."""
    spread(name)
    written = FOUND / f"{name}.log"
    with written.open("wb") as log:
        command = [sys.executable, "-m", "tests.fuzz.engine", name, str(seconds)]
        code = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False).returncode
    said = _STATISTICS.findall(written.read_text(errors="replace"))
    executions, _, features, inputs = said[-1] if said else ("0", "0", "0", "0")
    found = sorted(path.name for path in (FINDINGS / name).iterdir())
    print(
        f"{name:20} {int(executions):>10,} executions {features:>7} features {inputs:>6} inputs",
        f"FOUND {', '.join(found)}" if found else "nothing found" if code == 0 else f"BROKE OFF, see {written}",
        flush=True,
    )
    return code == 0 and not found


if __name__ == "__main__":
    sys.exit(main())
