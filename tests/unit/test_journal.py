"""The journal: what happened, where, when, and caused by what."""

from __future__ import annotations

import hashlib
import json
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from spiffesim import Simulation
from spiffesim.clock import EPOCH, Clock
from spiffesim.errors import ClockError, InvalidInput
from spiffesim.journal import OPERATOR, SETTLE, Event, Journal, Timeline, diff
from spiffesim.spiffe.ids import SpiffeId

NOW = 1_893_456_000_000_000  # 2030-01-01T00:00:00Z


class Late:
    """A fact that is worked out when somebody reads it."""

    def __init__(self) -> None:
        self.looks = 0

    def __str__(self) -> str:
        self.looks += 1
        return "late"


def filled() -> Journal:
    clock = Clock(EPOCH)
    journal = Journal(clock)
    journal.note("root", "X509 CA prepared", slot="A", self_signed=True, expiration=None)
    clock.move(NOW + 1)
    journal.cause = "sync"
    journal.note("nested", "Bundle refreshed")
    clock.move(NOW + 1_000_000)
    journal.cause = OPERATOR
    journal.note("root", "Agent banned", agent_id=SpiffeId("spiffe://example.org/spire/agent/a"))
    return journal


LINES = (
    '{"at":"2030-01-01T00:00:00Z","node":"root","kind":"X509 CA prepared","cause":"operator",'
    '"data":{"slot":"A","self_signed":true,"expiration":null}}\n'
    '{"at":"2030-01-01T00:00:00.000001Z","node":"nested","kind":"Bundle refreshed","cause":"sync","data":{}}\n'
    '{"at":"2030-01-01T00:00:01Z","node":"root","kind":"Agent banned","cause":"operator",'
    '"data":{"agent_id":"spiffe://example.org/spire/agent/a"}}\n'
)


def test_a_journal_is_json_lines() -> None:
    text = filled().json_lines()
    assert text == LINES
    assert [json.loads(line)["node"] for line in text.splitlines()] == ["root", "nested", "root"]


def test_the_digest_is_that_of_the_json_lines() -> None:
    assert filled().digest() == hashlib.sha256(LINES.encode()).hexdigest()
    longer = filled()
    longer.note("root", "Bundle refreshed")
    assert longer.digest() != filled().digest()
    assert Timeline().digest() == hashlib.sha256(b"").hexdigest()


def test_events_are_found_by_what_where_why_and_when() -> None:
    journal = filled()
    first, second, third = journal
    assert journal.where(kind="Bundle refreshed") == [second]
    assert journal.where(node="root") == [first, third]
    assert journal.where(node="root", kind="Agent banned") == [third]
    assert journal.where(node="nested", kind="Agent banned") == []
    assert journal.where(cause="sync") == [second]
    assert journal.where(since=second.at) == [second, third]
    assert journal.where(until=second.at) == [first, second]
    assert journal.where(since=EPOCH + timedelta(microseconds=2), until=EPOCH + timedelta(microseconds=999_999)) == []
    assert journal.where() == [first, second, third]
    with pytest.raises(ClockError, match="has no time zone"):
        journal.where(since=datetime(2030, 1, 1))


@pytest.mark.parametrize("sealed_after", [(), (1,), (3,), (1, 2), (1, 2, 3)])
def test_a_journal_is_a_sequence_of_events(sealed_after: tuple[int, ...]) -> None:
    journal = Journal(Clock(EPOCH))
    for number in range(1, 5):
        journal.note("root", "something", number=number)
        if number in sealed_after:
            journal.seal()
            journal.seal()  # there is nothing to seal
    assert len(journal) == 4
    assert [event.data["number"] for event in journal] == [1, 2, 3, 4]
    assert [journal[index].data["number"] for index in (0, 1, 2, 3, -1, -4)] == [1, 2, 3, 4, 4, 1]
    assert [event.data["number"] for event in journal[1:3]] == [2, 3]
    for index in (4, -5):
        with pytest.raises(IndexError, match=f"there is no event {index}: <Journal of 4 events>"):
            journal[index]


def test_many_seals_leave_few_pieces() -> None:
    journal = Journal(Clock(EPOCH))
    for number in range(1000):
        journal.note("root", "something", number=number)
        journal.seal()
    assert len(journal._past) < 11
    assert [event.data["number"] for event in journal] == list(range(1000))


def test_an_event_says_what_happened() -> None:
    event = filled()[1]
    assert (event.instant, event.node, event.kind, event.cause) == (NOW + 1, "nested", "Bundle refreshed", "sync")
    assert event.at == datetime(2030, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    with pytest.raises(AttributeError):
        event.node = "root"  # type: ignore[misc]  # the point


def test_events_are_equal_if_they_read_the_same() -> None:
    event = Event(NOW, "root", "kind", {"fact": Late()})
    same = Event(NOW, "root", "kind", {"fact": "late"})
    assert event == same
    assert hash(event) == hash(same)
    for other in (
        Event(NOW + 1, "root", "kind", {"fact": "late"}),
        Event(NOW, "other", "kind", {"fact": "late"}),
        Event(NOW, "root", "other", {"fact": "late"}),
        Event(NOW, "root", "kind", {"fact": "early"}),
        Event(NOW, "root", "kind", {"fact": "late"}, "sync"),
    ):
        assert event != other
    assert event != "event"


def test_a_journal_reads_like_the_logs_of_docker_compose() -> None:
    assert str(filled()).splitlines() == [
        'root   | 2030-01-01T00:00:00.000000000Z X509 CA prepared expiration="<nil>" self_signed=true slot=A',
        "nested | 2030-01-01T00:00:00.000001000Z Bundle refreshed",
        'root   | 2030-01-01T00:00:01.000000000Z Agent banned agent_id="spiffe://example.org/spire/agent/a"',
    ]
    assert repr(filled()) == "<Journal of 3 events>"
    assert str(Timeline()) == ""


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a-Z.0_9/@^+", "a-Z.0_9/@^+"),
        ("two words", '"two words"'),
        ('"', r'"\""'),
        ("ü", '"ü"'),
        ("", ""),
        (False, "false"),
        (12, "12"),
        (-1.5, "-1.5"),
        (["a", None, True], '"[a <nil> true]"'),
        (("a",), '"[a]"'),
        (SpiffeId("spiffe://example.org/a"), '"spiffe://example.org/a"'),
    ],
)
def test_a_fact_reads_as_logrus_prints_it(value: Any, shown: str) -> None:
    assert str(Event(NOW, "root", "kind", {"fact": value})).endswith(f" kind fact={shown}")


def test_a_fact_is_worked_out_when_somebody_reads_it() -> None:
    journal, fact = Journal(Clock(EPOCH)), Late()
    journal.note("root", "something", fact=fact, node="a fact's name", kind="may be any")
    event = journal[0]
    assert fact.looks == 0
    assert event.data == {"fact": "late", "node": "a fact's name", "kind": "may be any"}
    assert fact.looks == 1


@pytest.mark.parametrize("name", ["Größe", 'a "quoted"\nname', "\x1b[2J"])
def test_a_line_is_one_line_whatever_the_names_are(name: str) -> None:
    event = Event(NOW, name, "kind", {"fact": name})
    line = event.json()
    assert "\n" not in line
    assert line.isascii()
    assert json.loads(line) == {
        "at": "2030-01-01T00:00:00Z",
        "node": name,
        "kind": "kind",
        "cause": "operator",
        "data": {"fact": name},
    }
    assert str(event).isprintable()


def test_a_journal_pickles() -> None:
    journal = filled()
    journal.seal()
    journal.note("root", "later")
    other = pickle.loads(pickle.dumps(journal))
    assert other.json_lines() == journal.json_lines()
    assert other.json_lines().startswith(LINES)


def test_a_level_is_info_or_debug() -> None:
    assert not Journal(Clock(EPOCH)).debug
    assert Journal(Clock(EPOCH), "debug").debug
    assert Simulation(seed=1, journal="debug").journal.debug
    with pytest.raises(InvalidInput, match="a journal is of level info or debug, not 'trace'"):
        Simulation(seed=1, journal="trace")  # type: ignore[arg-type]  # the point


# Files


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = filled()
    journal.write(path)
    assert path.read_text() == LINES
    read = Timeline.read(path)
    assert list(read) == list(journal)
    assert read.digest() == journal.digest()
    assert not diff(read, journal)


def test_a_journal_that_cannot_be_written_leaves_the_older_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "journal.jsonl"
    filled().write(path)
    longer = filled()
    longer.note("root", "later")
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            longer.write(path)
    assert path.read_text() == LINES
    assert list(tmp_path.iterdir()) == [path]
    longer.write(path)
    assert path.read_text() == longer.json_lines()


GOOD = LINES.splitlines()[0]


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[]",
        "[" * 100_000,
        "7",
        "{}",
        "\udcff",
        GOOD.replace('"at":"2030', '"at":"20300'),
        GOOD.replace("00Z", "00"),
        GOOD.replace('"root"', "7"),
        GOOD.replace('"data":{', '"data":7,"more":{'),
        GOOD.replace('"cause"', '"effect"'),
    ],
)
def test_a_line_that_is_no_event_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text(LINES + line + "\n", errors="surrogateescape")
    with pytest.raises(InvalidInput, match=r"^line 4 of .*journal\.jsonl is not an event of a journal: ") as caught:
        Timeline.read(path)
    assert caught.value.code == "journal_line"
    path.write_text(LINES + GOOD + "\n")
    assert len(Timeline.read(path)) == 4


# Two timelines


def test_two_timelines_part_at_the_first_event_that_is_not_in_both() -> None:
    one, other = filled(), filled()
    same = diff(one, other)
    assert not same
    assert (same.common, same.first, same.second, same.at) == (3, None, None, None)
    assert str(same) == "the same 3 events"
    one.note("root", "this", value=Late())
    other.note("root", "this", value="late")
    assert not diff(one, other)
    one.note("root", "this")
    other.note("root", "that")
    parting = diff(one, other)
    assert parting
    assert (parting.common, parting.first, parting.second, parting.at) == (4, one[4], other[4], one[4].at)
    assert str(parting).splitlines() == [
        "the same 4 events, then",
        "- root | 2030-01-01T00:00:01.000000000Z this",
        "+ root | 2030-01-01T00:00:01.000000000Z that",
    ]


def test_a_timeline_may_end_where_the_other_goes_on() -> None:
    one, other = filled(), filled()
    one.note("root", "more")
    assert str(diff(one, other)).splitlines()[1:] == [
        "- root | 2030-01-01T00:00:01.000000000Z more",
        "+ nothing more",
    ]
    parting = diff(other, one)
    assert (parting.first, parting.second, parting.at) == (None, one[3], one[3].at)


# What brings it about


def test_each_event_knows_what_brought_it_about() -> None:
    sim = Simulation(seed=1)
    sim.workload("/web")
    assert {event.cause for event in sim.journal} == {OPERATOR}
    before = sim.now
    sim.advance(days=1)
    assert {event.cause for event in sim.journal.where(kind="X509 CA activated") if event.at > before} == {"ca rotator"}
    agent = sim.root.agent()
    sim.root.delete_agent(agent.spiffe_id)
    count = len(sim.journal)
    sim.settle()
    assert {event.cause for event in sim.journal[count:]} == {SETTLE}
    sim.root.disable_jwt_svids()
    sim.root.note("something")
    assert sim.journal[-1].cause == OPERATOR
