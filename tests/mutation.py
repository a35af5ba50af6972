"""Break the package in many small ways, and see which the tests notice: ``python -m tests.mutation``, or `make mutants`.

mutmut makes the mutants; each is then given to the tests that mirror its module, and if they let it live, to those of
its kin. Of a large module a random sample is tried, the same in every run: ``--sample 0`` tries all. Mutants are made
in ``build/mutants/`` of a copy, so that whoever works on can do so.

What mutmut does not change: what stands outside of functions, and functions with decorators (properties, caches).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
WORK: Final = ROOT / "build" / "mutants"
_INSIDE: Final = "MUTANTS_INSIDE"
_SPIFFE: Final = "tests/unit/spiffe"
_CATALOGUE: Final = "tests/unit/catalogue"
# Who else tests a module, by the beginning of its path: tried where the tests that mirror it let a mutant live.
_KIN: Final[Mapping[str, tuple[str, ...]]] = {
    "jose": (f"{_SPIFFE}/jose", f"{_SPIFFE}/rules", f"{_SPIFFE}/test_validation.py", f"{_CATALOGUE}/tokens"),
    "rules": (f"{_SPIFFE}/rules", f"{_SPIFFE}/test_judgement.py", f"{_SPIFFE}/test_validation.py", _CATALOGUE),
    "x509": (f"{_SPIFFE}/x509", f"{_SPIFFE}/rules", f"{_SPIFFE}/test_judgement.py", f"{_CATALOGUE}/certificates"),
    "": (_SPIFFE, _CATALOGUE),
}
_SECONDS: Final = 240  # of processor time for one mutant; more is a hang, and noticed


def main() -> int:
    """Make mutants, try them, and list those that live."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as rules/jwt; by default all")
    parser.add_argument("--sample", type=int, default=60, help="how many mutants a module, 0 for all (60)")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    options = parser.parse_args()
    if os.environ.get(_INSIDE):
        return _try_all(options.modules, options.sample, options.jobs)
    _make()
    place = WORK / "mutants"
    environment = {**os.environ, _INSIDE: "1", "PYTHONPATH": str(place), "MUTANT_UNDER_TEST": ""}
    command = [sys.executable, "-m", "tests.mutation", *sys.argv[1:]]
    return subprocess.run(command, cwd=place, env=environment, check=False).returncode


def _make() -> None:
    """Copy the package and its tests, and let mutmut make all mutants."""
    shutil.rmtree(WORK, ignore_errors=True)
    for name in ("spiffesim", "tests", "docs", "examples"):
        shutil.copytree(ROOT / name, WORK / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (*ROOT.glob("*.md"), ROOT / "pyproject.toml", ROOT / "Makefile"):
        shutil.copy(path, WORK)
    steps = "copy_src_dir(), copy_also_copy_files(), setup_source_paths(), create_mutants(2)"
    code = f"import mutmut.__main__ as mutmut; from mutmut.__main__ import *; {steps}"
    environment = {**os.environ, "MUTANT_UNDER_TEST": "mutant_generation"}
    subprocess.run([sys.executable, "-c", code], cwd=WORK, env=environment, check=True)


# Inside: in the copy, whose package is the one with the mutants


def _try_all(modules: Sequence[str], sample: int, jobs: int) -> int:
    chosen = {module: _sampled(_mutants(path), sample) for module, path in _modules(modules)}
    _preload()
    queue = [(module, name) for module, names in chosen.items() for name in names]
    answers = dict(zip(queue, _forked(queue, jobs), strict=True))
    score: defaultdict[str, Counter[bool]] = defaultdict(Counter)
    for (module, _), noticed in answers.items():
        score[module][noticed] += 1
    for module, count in sorted(score.items()):
        total = count[True] + count[False]
        of = len(_mutants(dict(_modules([module]))[module]))
        print(f"{module:24} {count[True]:>4} of {total:>4} noticed, {count[True] / total:6.1%}  ({of} in all)")
    living = [name for (_, name), noticed in answers.items() if not noticed]
    print(f"{len(answers) - len(living)} of {len(answers)} noticed; these live:")
    for name in living:
        print(_difference(name))
    return 0


def _modules(wanted: Sequence[str]) -> Iterable[tuple[str, Path]]:
    package = Path("spiffesim/spiffe")
    for meta in sorted(package.rglob("*.py.meta")):
        module = str(meta.relative_to(package)).removesuffix(".py.meta")
        if not wanted or module in wanted:
            yield module, meta


def _mutants(meta: Path) -> list[str]:
    return sorted(json.loads(meta.read_text())["exit_code_by_key"])


def _sampled(names: Sequence[str], sample: int) -> list[str]:
    return list(names) if not sample or len(names) <= sample else random.Random(0).sample(names, sample)


def _preload() -> None:
    """Import all that the tests import, once; mutants are then forked."""
    import pytest

    pytest.main(["--collect-only", "-qqq", "-p", "no:cacheprovider", _SPIFFE, _CATALOGUE])


def _forked(queue: Sequence[tuple[str, str]], jobs: int) -> list[bool]:
    """For each mutant, whether a test notices it."""
    answers: dict[int, bool] = {}
    running: dict[int, int] = {}
    for index, (module, name) in enumerate(queue):
        if len(running) == jobs:
            _wait(running, answers, queue)
        child = os.fork()
        if not child:
            os._exit(_try(module, name))
        running[child] = index
    while running:
        _wait(running, answers, queue)
    return [answers[index] for index in range(len(queue))]


def _wait(running: dict[int, int], answers: dict[int, bool], queue: Sequence[tuple[str, str]]) -> None:
    child, status = os.wait()
    index = running.pop(child)
    answers[index] = status != 0
    print("." if status else f"\nlives: {queue[index][1]}\n", end="", flush=True)


def _try(module: str, name: str) -> int:
    """Whether all tests pass with a mutant: 0 if they do."""
    import pytest

    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    os.environ["MUTANT_UNDER_TEST"] = name
    folder, _, stem = module.rpartition("/")
    mirror = Path(_SPIFFE, folder, f"test_{Path(folder).name if stem == '__init__' else stem}.py")
    kin = next(tests for beginning, tests in _KIN.items() if module.startswith(beginning))
    for tests in ([str(mirror)] if mirror.exists() else [], kin):
        if tests and pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests]):
            return 1
    return 0


def _difference(name: str) -> str:
    os.chdir(WORK if WORK.exists() else "..")
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    try:
        difference: Any = get_diff_for_mutant(name)
    except Exception as error:  # noqa: BLE001 - whatever it is, the name is enough
        difference = error
    return f"{name}\n{difference}"


if __name__ == "__main__":
    sys.exit(main())
