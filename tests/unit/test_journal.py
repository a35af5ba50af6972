"""The journal: what happened, where, when, and caused by what."""

from __future__ import annotations

import hashlib
import json
import pickle
from datetime import UTC, datetime

import pytest

from spiffesim.journal import Event, Journal
from spiffesim.spiffe.ids import SpiffeId

NOW = 1_893_456_000_000_000  # 2030-01-01T00:00:00Z


class Late:
    """A fact that is worked out when somebody reads it."""

    looks = 0

    def __str__(self) -> str:
        self.looks += 1
        return "late"


def filled() -> Journal:
    journal = Journal()
    journal.note(NOW, "root", "X509 CA prepared", slot="A", self_signed=True, expiration=None)
    journal.cause = "advance"
    journal.note(NOW + 1, "nested", "Bundle refreshed")
    journal.cause = ""
    journal.note(NOW + 1_000_000, "root", "Agent banned", agent_id=SpiffeId("spiffe://example.org/spire/agent/a"))
    return journal


LINES = (
    '{"at":"2030-01-01T00:00:00Z","node":"root","kind":"X509 CA prepared",'
    '"data":{"slot":"A","self_signed":true,"expiration":null}}\n'
    '{"at":"2030-01-01T00:00:00.000001Z","node":"nested","kind":"Bundle refreshed","data":{},"cause":"advance"}\n'
    '{"at":"2030-01-01T00:00:01Z","node":"root","kind":"Agent banned",'
    '"data":{"agent_id":"spiffe://example.org/spire/agent/a"}}\n'
)


def test_a_journal_is_json_lines() -> None:
    text = filled().json_lines()
    assert text == LINES
    assert [json.loads(line)["node"] for line in text.splitlines()] == ["root", "nested", "root"]


def test_the_digest_is_that_of_the_json_lines() -> None:
    assert filled().digest() == hashlib.sha256(LINES.encode()).hexdigest()
    longer = filled()
    longer.note(NOW + 2_000_000, "root", "Bundle refreshed")
    assert longer.digest() != filled().digest()
    assert Journal().digest() == hashlib.sha256(b"").hexdigest()


def test_events_are_found_by_kind_and_by_node() -> None:
    journal = filled()
    first, second, third = journal
    assert journal.where(kind="Bundle refreshed") == [second]
    assert journal.where(node="root") == [first, third]
    assert journal.where(node="root", kind="Agent banned") == [third]
    assert journal.where(node="nested", kind="Agent banned") == []
    assert journal.where() == [first, second, third]


def test_a_journal_is_a_sequence_of_events() -> None:
    journal = filled()
    assert len(journal) == 3
    assert journal[-1] == list(journal)[2]
    assert repr(journal) == "<Journal of 3 events>"
    event = journal[1]
    assert (event.instant, event.node, event.kind, event.cause) == (NOW + 1, "nested", "Bundle refreshed", "advance")
    assert event.at == datetime(2030, 1, 1, 0, 0, 0, 1, tzinfo=UTC)


def test_a_journal_reads_as_lines() -> None:
    assert str(filled()).splitlines() == [
        "root                 | 2030-01-01T00:00:00Z X509 CA prepared slot=A self_signed=True expiration=None",
        "nested               | 2030-01-01T00:00:00.000001Z Bundle refreshed",
        "root                 | 2030-01-01T00:00:01Z Agent banned agent_id=spiffe://example.org/spire/agent/a",
    ]


def test_a_fact_is_worked_out_when_somebody_reads_it() -> None:
    journal, fact = Journal(), Late()
    journal.note(NOW, "root", "something", fact=fact)
    assert fact.looks == 0
    assert journal[0].data == {"fact": "late"}
    assert fact.looks == 1


@pytest.mark.parametrize("name", ["Größe", 'a "quoted"\nname', "\x1b[2J"])
def test_a_line_of_json_is_one_line_whatever_the_names_are(name: str) -> None:
    event = Event(NOW, name, "kind", {"fact": name})
    line = event.json()
    assert "\n" not in line
    assert line.isascii()
    assert json.loads(line) == {"at": "2030-01-01T00:00:00Z", "node": name, "kind": "kind", "data": {"fact": name}}


def test_a_journal_pickles() -> None:
    assert pickle.loads(pickle.dumps(filled())).json_lines() == LINES
