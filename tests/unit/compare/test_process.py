"""Validators in other processes: what they answer, and what becomes of those that do not."""

from __future__ import annotations

import importlib
import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from spiffesim import catalogue, compare
from spiffesim.catalogue import KINDS
from spiffesim.compare.lines import LONGEST, answer_line, question_line, read_answer, serve
from spiffesim.compare.outcome import ACCEPTED, Outcome
from spiffesim.errors import InvalidConfiguration

RIGHT = catalogue.x509_svid_case()
WRONG = catalogue.x509_svid_case("leaf_is_ca")
OURS = [sys.executable, "-m", "spiffesim.compare"]
READ = "import json, sys\nfor line in sys.stdin:\n    asked = json.loads(line)\n    "


@contextmanager
def program(text: str, timeout: float = 10.0) -> Iterator[compare.Validator]:
    """A validator that is this program."""
    with compare.process([sys.executable, "-c", text], name="theirs", timeout=timeout) as validator:
        yield validator


def one_answer(text: str, timeout: float = 10.0) -> Outcome:
    with program(text, timeout) as validator:
        return validator(RIGHT)


# Both sides of the protocol


def test_our_own_validator_answers_across_the_protocol_as_it_does_here() -> None:
    cases = list(compare.cases(2 * len(KINDS), max_depth=1))
    with compare.process(OURS, name="theirs") as theirs:
        for case in [*cases, WRONG, WRONG.repaired]:
            assert theirs(case) == compare.ours()(case)


def test_it_is_called_as_its_program_is_unless_told() -> None:
    with compare.process(OURS, kinds=("jwt-svid",)) as theirs:
        assert theirs.name.startswith("python")
        assert theirs(RIGHT).answer == "skipped"


def test_a_question_is_one_line_of_json_with_a_number() -> None:
    line = question_line(RIGHT, 7)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert (json.loads(line)["id"], json.loads(line)["kind"]) == (7, "x509-svid")


@pytest.mark.parametrize(
    "outcome", [ACCEPTED, Outcome("refused", "too old"), Outcome("skipped", "no"), Outcome("broken")]
)
def test_an_answer_is_read_as_it_was_written(outcome: Outcome) -> None:
    assert read_answer(answer_line(3, outcome).encode(), 3) == outcome


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"yes\n", "is not JSON"),
        (b"[]\n", "not a JSON object"),
        (b"\xff\n", "UTF-8"),
        (b'{"id":2,"accepted":true}\n', "it answered question 2 when 1 was asked"),
        (b'{"accepted":true}\n', "it answered question None"),
        (b'{"id":true,"accepted":true}\n', "it answered question True"),
        (b'{"id":1}\n', "needs an 'accepted'"),
        (b'{"id":1,"accepted":1}\n', "needs an 'accepted'"),
        (b'{"id":1,"accepted":true,"reason":null}\n', "needs an 'accepted'"),
        (b'{"id":1,"accepted":true}', "ends too soon"),
        (b"x" * (LONGEST + 1), "more than 1048576 bytes"),
        (b"[" * 100_000 + b"\n", "nest"),
    ],
)
def test_what_is_no_answer_is_told(line: bytes, said: str) -> None:
    outcome = read_answer(line, 1)
    assert outcome.answer == "broken"
    assert said in outcome.reason
    assert read_answer(b'{"id":1,"accepted":true}\n', 1) == ACCEPTED


def test_a_question_that_cannot_be_read_is_answered_all_the_same() -> None:
    answers = io.StringIO()
    serve(compare.ours(), [b"{", b'{"id": 4, "kind": "x509"}\n', question_line(RIGHT, 5)], answers)
    first, second, third = map(json.loads, answers.getvalue().splitlines())
    assert (first["id"], first["accepted"], first["broken"]) == (None, None, True)
    assert (second["id"], second["accepted"], second["broken"]) == (4, None, True)
    assert (third["id"], third["accepted"], "broken" in third) == (5, True, False)


def test_the_module_serves_when_it_is_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(question_line(WRONG, 1))))
    monkeypatch.delitem(sys.modules, "spiffesim.compare.__main__", raising=False)
    importlib.import_module("spiffesim.compare.__main__")
    assert json.loads(capsys.readouterr().out)["accepted"] is False


# Those that do not answer


def test_a_crash_is_the_outcome_of_the_case_that_caused_it() -> None:
    text = (
        READ
        + """
    if len(asked["chain_der"]) > 1:
        sys.exit("panic: index out of range")
    print(json.dumps({"id": asked["id"], "accepted": True, "reason": ""}), flush=True)"""
    )
    with program(text) as validator:
        assert validator(RIGHT) == ACCEPTED
        crash = validator(catalogue.x509_svid_case(depth=1))
        assert crash == Outcome("broken", "it ended with code 1: panic: index out of range")
        assert validator(RIGHT) == ACCEPTED  # it was started again


def test_who_says_nothing_for_too_long_is_ended() -> None:
    outcome = one_answer("import sys\nfor line in sys.stdin: pass", timeout=0.3)
    assert outcome == Outcome("broken", "it gave no answer within 0.3 seconds")


def test_who_does_not_even_read_is_ended() -> None:
    big = catalogue.x509_svid_case(depth=100)  # more than a pipe holds
    assert len(question_line(big, 1)) > 1 << 16
    with program("import time\nwhile True: time.sleep(60)", timeout=0.3) as validator:
        assert validator(big).answer == "broken"


def test_who_no_longer_reads_has_ended() -> None:
    text = """import os, sys
sys.stdin.readline()
os.close(0)
print('{"id": 1, "accepted": true}', flush=True)"""
    with program(text) as validator:
        assert validator(RIGHT) == ACCEPTED
        assert validator(RIGHT) == Outcome("broken", "it ended with code 0")


def test_who_never_ends_a_line_is_ended_at_the_limit() -> None:
    outcome = one_answer("import sys\nwhile True: sys.stdout.write('x' * 65536)")
    assert outcome == Outcome("broken", "its answer has more than 1048576 bytes")


def test_who_answers_another_question_is_told_so() -> None:
    assert (
        "it answered question 0 when 1"
        in one_answer(READ + 'print(\'{"id": 0, "accepted": true}\', flush=True)').reason
    )


def test_who_only_ends_is_not_started_for_ever() -> None:
    with program("") as validator:
        reasons = [validator(RIGHT).reason for _ in range(12)]
    assert reasons[0] == "it ended with code 0"
    assert reasons[-1] == "it ended 10 times without an answer, and is not started again"


def test_what_is_no_program_is_told_at_once() -> None:
    for command in (["/no/such/program"], []):
        with pytest.raises(InvalidConfiguration), compare.process(command):
            pass
    with compare.process(OURS) as theirs:
        assert theirs(RIGHT) == ACCEPTED
