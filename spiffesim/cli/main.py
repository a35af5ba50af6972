"""The command line: what there is to say, and what is said when something goes wrong."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from spiffesim import __version__
from spiffesim.errors import InvalidConfiguration, SpiffeSimError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spiffesim.simulation import Simulation

OK: Final = 0
WRONG: Final = 2
INTERRUPTED: Final = 130  # 128 and the number of the signal, as shells have it
SEED: Final = 7

_EXTRA: Final = ("hcl2", "lark", "yaml")


class _UsageError(Exception):
    """The command line says something that the command does not understand."""


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line."""

    def error(self, message: str) -> NoReturn:
        raise _UsageError(message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the ``spiffesim`` command.

    Args:
        arguments: What stands behind its name; by default what this process was started with.

    Returns:
        The exit code.
    """
    directory: Path | None = None
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a configuration may hold what a terminal cannot show
    try:
        options = _parser().parse_args(arguments)
        directory = options.config
        simulation, notes = _deploy(directory, options.seed)
        _print(simulation, notes)
    except _UsageError as error:
        return _complain(f"{error} (see spiffesim --help)")
    except SpiffeSimError as error:
        return _complain(_with_directory(error, directory))
    except BrokenPipeError:
        # Whoever read the output has seen enough; nothing may be written when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED
    return OK


def _parser() -> _Parser:
    parser = _Parser(prog="spiffesim", description="A whole SPIFFE trust domain inside one process.")
    parser.add_argument("--version", action="version", version=f"spiffesim {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    demo = commands.add_parser(
        "demo",
        help="run the nested SPIRE tutorial, and print it",
        description="Run the nested SPIRE tutorial in this process, and print each step as it happens.",
    )
    demo.add_argument(
        "--config",
        metavar="DIR",
        type=Path,
        help="run what a directory of SPIRE configuration describes (docker-compose.yaml, the server.conf and "
        "agent.conf files that it names, and perhaps entries.json); needs the extra spire-config",
    )
    demo.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=SEED,
        help="what all keys, numbers and IDs are drawn from (default: %(default)s)",
    )
    return parser


def _deploy(directory: Path | None, seed: int) -> tuple[Simulation, Iterable[object]]:
    if directory is None:
        from spiffesim.cli.tutorial import nested_tutorial

        return nested_tutorial(seed), ()
    try:
        from spiffesim.extra.spire_config import deploy

        deployment = deploy(directory, seed=seed)
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        raise _UsageError(
            f"--config needs {error.name}, which is not installed: pip install 'spiffesim[spire-config]'"
        ) from None
    return deployment.simulation, deployment.notes


def _print(simulation: Simulation, notes: Iterable[object]) -> None:
    from spiffesim.cli.story import tell

    texts = [str(note) for note in notes]
    if texts:
        print(f"{len(texts)} notes: what the configuration says that is not simulated, and what was made up")
        print(*(f"  {text}" for text in texts), "", sep="\n")
    for line in tell(simulation, ascii_only=not _can_encode("└─ ")):
        print(line)
    sys.stdout.flush()


def _can_encode(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _with_directory(error: SpiffeSimError, directory: Path | None) -> str:
    """The message; the file that it names as one can open it from here."""
    if directory is None or not isinstance(error, InvalidConfiguration) or not hasattr(error, "file"):
        return str(error)
    if error.file == str(directory) or Path(error.file).is_absolute():
        return str(error)
    return f"{os.path.join(directory, '')}{error}"  # noqa: PTH118 - a Path would tidy up the message too


def _complain(message: str) -> int:
    print(f"spiffesim: {' '.join(message.split())}", file=sys.stderr)
    return WRONG
