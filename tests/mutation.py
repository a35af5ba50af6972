"""Break the package in many small ways, and see which the tests notice: ``python -m tests.mutation``, or `make mutants`.

mutmut makes the mutants; each is then given to the tests that mirror its module, and if they let it live, in a process
of its own to those of its kin. Of a large module a random sample is tried, the same in every run: ``--sample 0`` tries all. Mutants are made
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
from collections import Counter
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
    "": (*map(str, sorted(Path(_SPIFFE).glob("test_*.py"))), _CATALOGUE),
}
_HOURS: Final = 7200
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
    broken = _control()
    queue = [(module, name) for module, names in chosen.items() for name in names]
    for tests_of, fresh in ((_mirror, False), (_kin, True)):
        tests = {module: tests_of(module) for module in chosen}
        lives = _forked(
            [(name, [*tests[module], *broken]) for module, name in queue if tests[module]], jobs, fresh=fresh
        )
        queue = [(module, name) for module, name in queue if lives.get(name, True)]
        _report(chosen, queue)
    for _, name in queue:
        print(_difference(name))
    return 0


def _report(chosen: Mapping[str, Sequence[str]], living: Sequence[tuple[str, str]]) -> None:
    count = Counter(module for module, _ in living)
    of = {module: len(_mutants(path)) for module, path in _modules(list(chosen))}
    for module, names in chosen.items():
        noticed = len(names) - count[module]
        print(
            f"{module:24} {noticed:>4} of {len(names):>4} noticed, {noticed / len(names):6.1%}  ({of[module]} in all)"
        )
    total = sum(map(len, chosen.values()))
    print(f"{total - len(living)} of {total} noticed", flush=True)


def _control() -> list[str]:
    """The arguments that leave out what fails without a mutant; usually there are none."""
    failed = Path("failed.json")
    child = os.fork()
    if not child:
        os._exit(_test([_SPIFFE, _CATALOGUE, "-p", "tests.mutation"], _HOURS))
    os.waitpid(child, 0)
    names = json.loads(failed.read_text())
    print(f"control: {len(names)} fail without a mutant", *names, sep="\n", flush=True)
    return [f"--deselect={name}" for name in names]


_FAILED: Final[list[str]] = []


def pytest_runtest_logreport(report: Any) -> None:
    """In the control: which tests fail."""
    if report.failed:
        _FAILED.append(report.nodeid)


def pytest_sessionfinish() -> None:
    """In the control: tell which."""
    Path("failed.json").write_text(json.dumps(_FAILED))


def _modules(wanted: Sequence[str]) -> Iterable[tuple[str, Path]]:
    package = Path("spiffesim/spiffe")
    for meta in sorted(package.rglob("*.py.meta")):
        module = str(meta.relative_to(package)).removesuffix(".py.meta")
        if _mutants(meta) and (not wanted or module in wanted):
            yield module, meta


def _mutants(meta: Path) -> list[str]:
    return sorted(json.loads(meta.read_text())["exit_code_by_key"])


def _sampled(names: Sequence[str], sample: int) -> list[str]:
    return list(names) if not sample or len(names) <= sample else random.Random(0).sample(names, sample)


def _preload() -> None:
    """Import all that the tests import, once; mutants are then forked."""
    import pytest

    pytest.main(["--collect-only", "-qqq", "-p", "no:cacheprovider", _SPIFFE, _CATALOGUE])


def _forked(queue: Sequence[tuple[str, list[str]]], jobs: int, *, fresh: bool) -> dict[str, bool]:
    """For each mutant, given with the arguments that name its tests, whether all of them pass.

    A process that is not fresh knows already what was worked out when the tests were collected: it is quick, but may
    let a mutant live.
    """
    lives: dict[str, bool] = {}
    running: dict[int, str] = {}
    for name, tests in queue:
        if len(running) == jobs:
            _wait(running, lives)
        child = os.fork()
        if not child:
            os.environ["MUTANT_UNDER_TEST"] = name
            os._exit(_test(["-x", *tests], _SECONDS, fresh=fresh))
        running[child] = name
    while running:
        _wait(running, lives)
    return lives


def _wait(running: dict[int, str], lives: dict[str, bool]) -> None:
    child, status = os.wait()
    name = running.pop(child)
    lives[name] = status == 0
    print(f"lives: {name}" if lives[name] else f"noticed: {name}", flush=True)


def _test(arguments: Sequence[str], seconds: int, *, fresh: bool = False) -> int:
    import pytest

    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    given = ["-q", "-p", "no:cacheprovider", *arguments]
    if fresh:
        os.execv(sys.executable, [sys.executable, "-m", "pytest", *given])
    return 1 if pytest.main(given) else 0


def _mirror(module: str) -> list[str]:
    """The tests of a module."""
    folder, _, stem = module.rpartition("/")
    path = Path(_SPIFFE, folder, f"test_{Path(folder).name if stem == '__init__' else stem}.py")
    return [str(path)] if path.exists() else []


def _kin(module: str) -> list[str]:
    """The tests of a module, and of what uses it."""
    return _mirror(module) + list(next(tests for beginning, tests in _KIN.items() if module.startswith(beginning)))


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
