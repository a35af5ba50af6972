"""What the fuzzer has kept breaks nothing: every input of the corpus, given to the target that it was found for."""

from __future__ import annotations

import json

import pytest

from spiffesim.errors import InvalidSvid
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.jose import claims
from spiffesim.spiffe.x509 import der
from tests.fuzz import material, store
from tests.fuzz.seeds import seeds
from tests.fuzz.surgery import edited
from tests.fuzz.targets import TARGETS, problem

MOST_BYTES = 300_000


@pytest.mark.parametrize("name", TARGETS)
def test_no_kept_input_gets_anything_but_our_errors_out_of_a_parser(name: str) -> None:
    inputs = store.kept(name)
    assert inputs
    broken = {data: error for data in inputs if (error := problem(TARGETS[name], data)) is not None}
    assert broken == {}


def test_each_target_has_a_small_corpus_and_each_corpus_a_target() -> None:
    files = sorted(store.KEPT.iterdir())
    assert [path.stem for path in files] == sorted(TARGETS)
    assert sum(path.stat().st_size for path in files) < MOST_BYTES


@pytest.mark.parametrize("name", TARGETS)
def test_each_target_has_seeds(name: str) -> None:
    begin = seeds(name)
    assert begin
    assert all(isinstance(seed, bytes) for seed in begin)


def test_a_planted_bug_is_noticed_by_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = store.kept("token")
    assert not any(problem(TARGETS["token"], data) for data in inputs)  # the control
    monkeypatch.setattr(claims, "subject", lambda members: SpiffeId(members["sub"]))  # takes it for granted
    assert {type(problem(TARGETS["token"], data)) for data in inputs} == {type(None), KeyError}


def test_a_target_lets_our_errors_pass_and_no_others() -> None:
    def target(data: bytes) -> None:
        raise {b"ours": InvalidSvid, b"theirs": KeyError, b"rust": BaseException}[data]("no")

    assert problem(target, b"ours") is None
    assert isinstance(problem(target, b"theirs"), KeyError)
    assert type(problem(target, b"rust")) is BaseException  # a panic is no Exception
    with pytest.raises(KeyboardInterrupt):
        problem(_interrupted, b"")


def _interrupted(_: bytes) -> None:
    raise KeyboardInterrupt


def test_what_takes_no_new_way_is_not_kept() -> None:
    inputs = [b'{"a": [2, 1]}', b'{"a": [1]}', b'{"a": [1]}', b"[]", b'{"a": 1, "a": 1}', b'{"bb": 1, "bb": 1}']
    assert list(store.distilled("json_object", inputs)) == [b"[]", b'{"a": [1]}', b'{"a": 1, "a": 1}']


def test_the_corpus_has_room_for_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(store.distilled("json_object", [b"[]", b"{}"])) == [b"[]", b"{}"]
    monkeypatch.setattr(store, "MOST_BYTES", 5)
    assert list(store.distilled("json_object", [b"[]", b"{}"])) == [b"[]"]


# Surgery

VALUE = der.sequence(der.integer(1), der.octet_string(der.sequence(der.boolean(True))), der.octet_string(b"\xff"))


@pytest.mark.parametrize(
    ("script", "after"),
    [
        ((), VALUE),
        ((1, 0, 1, 7), der.sequence(der.integer(7), *[VALUE[5:]])),  # put
        ((1, 1, 2, 0, 9), der.sequence(der.integer(9), *[VALUE[5:]])),  # overwrite
        ((1, 2, 1, 0x0A), der.sequence(b"\x0a\x01\x01", *[VALUE[5:]])),  # retag
        ((1, 3, 2, 5, 0), der.sequence(b"\x05\x00", *[VALUE[2:]])),  # insert
        ((1, 4, 2, 5, 0), der.sequence(b"\x05\x00", *[VALUE[5:]])),  # replace
        ((1, 5, 0), der.sequence(VALUE[5:])),  # remove
        ((1, 6, 0), der.sequence(der.integer(1), VALUE[2:])),  # repeat
        ((2, 7, 1, 2), der.sequence(der.integer(1), der.octet_string(b"\xff"), VALUE[5:12])),  # swap
        ((4, 5, 0), der.sequence(der.integer(1), der.octet_string(der.sequence()), der.octet_string(b"\xff"))),
    ],
)
def test_edits_of_a_value_leave_lengths_that_are_right(script: tuple[int, ...], after: bytes) -> None:
    assert edited(VALUE, bytes(script)) == after


def test_a_script_that_is_cut_off_is_followed_as_far_as_it_goes() -> None:
    assert edited(VALUE, bytes((1, 0))) == VALUE
    assert edited(VALUE, bytes((0, 5, 0, 1, 0, 1, 7))) == b""  # nothing is left to be edited


# What targets are made with


def test_a_chain_without_edits_is_accepted_and_an_edit_is_signed() -> None:
    right, authorities = material.edited_chain(b"\x01")
    assert (right, authorities) == (material.CHAIN, material.BUNDLE.x509_der)
    other, authorities = material.edited_chain(bytes((1, 0, 1, 0, 1, 7)))
    assert other[0] != right[0]
    assert (other[1:], authorities) == (right[1:], material.BUNDLE.x509_der)


def test_a_sealed_token_is_accepted_under_each_of_the_keys() -> None:
    for use, token in (("jwt", material.JWT), ("wit", material.WIT)):
        header, payload = material.opened(token)
        for kid, algorithm in zip(material.KEYS[use], ("ES256", "ES384", "RS256"), strict=True):
            written = json.dumps({**json.loads(header), "alg": algorithm, "kid": kid}).encode()
            TARGETS[f"{use}_svid"](b"\x81" + written + b"\0" + payload)


@pytest.mark.parametrize(
    "text", ["spiffe://a", "spiffe://a/b", "spiffe://a/", "spiffe://a//b", "http://a", "spiffe://A"]
)
def test_the_other_reading_of_a_spiffe_id_knows_right_from_wrong(text: str) -> None:
    assert material.is_spiffe_id(text) == (text in ("spiffe://a", "spiffe://a/b"))
