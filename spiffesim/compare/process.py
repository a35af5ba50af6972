"""Validators in processes of their own: in Go, Rust, Java, JavaScript, or whatever reads and writes lines."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitedTooLongError
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from spiffesim.catalogue import KINDS, Case, Kind
from spiffesim.compare.lines import LONGEST, question_line, read_answer
from spiffesim.compare.outcome import Outcome, broken
from spiffesim.compare.validator import Validator
from spiffesim.errors import InvalidConfiguration

_PATIENCE: Final = 10  # how often a process is started again that does nothing but end
_TOLD: Final = 500  # characters of what a process said before it ended


@contextmanager
def process(
    command: Sequence[str | os.PathLike[str]],
    *,
    name: str | None = None,
    kinds: tuple[Kind, ...] = KINDS,
    timeout: float = 10.0,
) -> Iterator[Validator]:
    """A validator in a process of its own, which speaks the line protocol.

    The process is started at once, and again after it has ended: a crash is an outcome of the case that caused it. It
    is ended with the ``with`` statement.

        >>> import sys
        >>> from spiffesim import catalogue, compare
        >>> with compare.process([sys.executable, "-m", "spiffesim.compare"], name="theirs") as theirs:
        ...     theirs(catalogue.x509_svid_case("leaf_is_ca")).answer
        'refused'

    Args:
        command: The program and its arguments.
        name: What it is called in tables; by default as the program is.
        kinds: What kinds of document it is asked about.
        timeout: How many seconds of real time it may take for one answer.

    Raises:
        InvalidConfiguration: If it cannot be started.
    """
    running = _Process([os.fspath(part) for part in command], timeout)
    try:
        running.start()
        yield Validator(name or Path(running.command[0]).stem, kinds, running.judge)
    finally:
        running.close()


class _Process:
    """One process at a time, and whoever waits for it."""

    def __init__(self, command: list[str], timeout: float) -> None:
        if not command:
            raise InvalidConfiguration("a process is started by a command, and this one is empty", code="command")
        self.command = command
        self._timeout = timeout
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="spiffesim.compare")
        self._running: subprocess.Popen[bytes] | None = None
        self._complaints: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - close() closes it
        self._asked = 0
        self._ended_in_a_row = 0

    def start(self) -> subprocess.Popen[bytes]:
        """Start it, unless it is running."""
        if self._running is None:
            pipe = subprocess.PIPE
            self._complaints.truncate(0)
            try:
                self._running = subprocess.Popen(  # noqa: S603 - the command is the user's own
                    self.command, stdin=pipe, stdout=pipe, stderr=self._complaints
                )
            except OSError as error:
                raise InvalidConfiguration(
                    f"the validator {self.command[0]!r:.200} cannot be started: {error.strerror}", code="command"
                ) from None
        return self._running

    def judge(self, case: Case) -> Outcome:
        """Put a case to it."""
        if self._ended_in_a_row >= _PATIENCE:
            return broken(f"it ended {_PATIENCE} times without an answer, and is not started again")
        self._asked += 1
        exchange = self._worker.submit(_exchange, self.start(), question_line(case, self._asked))
        try:
            line = exchange.result(self._timeout)
        except WaitedTooLongError:
            self._end(0)
            return broken(f"it gave no answer within {self._timeout:g} seconds")
        if not line:
            self._ended_in_a_row += 1
            return self._epitaph()
        self._ended_in_a_row = 0
        outcome = read_answer(line, self._asked)
        if outcome.answer == "broken" and not line.endswith(b"\n"):
            self._end(0)  # what comes next would not be the beginning of an answer
        return outcome

    def _epitaph(self) -> Outcome:
        """What is known of a process that has ended by itself."""
        code = self._end(self._timeout)
        self._complaints.seek(0)
        told = self._complaints.read().decode(errors="replace").strip()
        return broken(f"it ended with code {code}{f': {told[-_TOLD:]}' if told else ''}")

    def _end(self, grace: float) -> int | None:
        """Have it end, by force when its time is over.

        Args:
            grace: How many seconds it has to end by itself.

        Returns:
            Its exit code, or None if there is no process.
        """
        running, self._running = self._running, None
        if running is None:
            return None
        assert running.stdin is not None
        if not grace:
            running.kill()  # first, since whoever is still writing to it holds its pipe
        with suppress(OSError):  # what it has not read, it no longer can
            running.stdin.close()
        with running:  # closes the other pipe
            try:
                running.wait(grace)
            except subprocess.TimeoutExpired:
                running.kill()
        return running.returncode

    def close(self) -> None:
        """End it, and whoever waits for it."""
        self._end(self._timeout)
        self._worker.shutdown()
        self._complaints.close()


def _exchange(running: subprocess.Popen[bytes], question: bytes) -> bytes:
    """Write a question and read the answer; empty if the process has ended."""
    assert running.stdin is not None
    assert running.stdout is not None
    try:
        running.stdin.write(question)
        running.stdin.flush()
        return running.stdout.readline(LONGEST + 1)
    except (OSError, ValueError):  # it has ended, or was ended
        return b""
