"""The memo of signatures: exactly what has verified, and no more of it than it may hold."""

from __future__ import annotations

import copy
import pickle
import sys
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest

from spiffesim.errors import InvalidInput
from spiffesim.spiffe.x509 import algorithms, edges
from spiffesim.spiffe.x509.certificate import Certificate, read_certificate
from spiffesim.spiffe.x509.edges import EdgeMemo
from tests.oracles import asn1
from tests.oracles import certificates as make

ROOT = make.root()
LEAF = make.leaf(ROOT)


def read(*issued: make.Issued) -> list[Certificate]:
    return [read_certificate(der) for der in make.ders(*issued)]


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Certificate, Certificate]]:
    """The signatures that have really been checked."""
    done: list[tuple[Certificate, Certificate]] = []

    def verifies(child: Certificate, issuer: Certificate) -> bool:
        done.append((child, issuer))
        return algorithms.verifies(child, issuer)

    monkeypatch.setattr(edges, "verifies", verifies)
    return done


def test_a_signature_that_has_verified_is_not_checked_again(checked: list[Any]) -> None:
    memo = EdgeMemo()
    for _ in range(3):
        assert memo.verifies(*read(LEAF, ROOT))
    assert len(checked) == len(memo) == 1


def test_a_signature_that_does_not_verify_is_checked_every_time(checked: list[Any]) -> None:
    memo = EdgeMemo()
    forged = make.Issued(asn1.forged(LEAF.der), LEAF.key)
    for _ in range(3):
        assert not memo.verifies(*read(forged, ROOT))
    assert len(checked) == 3
    assert len(memo) == 0


def test_no_other_bytes_and_no_other_key_are_remembered(checked: list[Any]) -> None:
    memo = EdgeMemo()
    assert memo.verifies(*read(LEAF, ROOT))
    assert not memo.verifies(*read(make.Issued(asn1.forged(LEAF.der), LEAF.key), ROOT))
    assert not memo.verifies(*read(LEAF, make.root(key=make.key("another"))))
    assert not memo.verifies(*read(make.leaf(make.root(key=make.key("another"))), ROOT))
    assert len(checked) == 4
    # Who holds the key does not matter: a renewed CA certificate has the same one.
    assert memo.verifies(*read(LEAF, make.root("renamed", key=ROOT.key)))
    assert len(checked) == 4


def test_the_algorithm_outside_of_the_signed_bytes_is_not_forgotten() -> None:
    memo = EdgeMemo()
    assert memo.verifies(*read(LEAF, ROOT))
    parts = asn1.Parts.of(LEAF.der)
    twin = make.Issued(attrs.evolve(parts, outer_algorithm=asn1.ECDSA_SHA384).der, LEAF.key)
    assert not memo.verifies(*read(twin, ROOT))


def test_an_algorithm_that_is_said_twice_is_not_remembered(checked: list[Any]) -> None:
    memo = EdgeMemo()
    odd = make.Issued(asn1.remade(LEAF.der, ROOT.key, inner_algorithm=asn1.ECDSA_SHA384), LEAF.key)
    for _ in range(2):
        assert memo.verifies(*read(odd, ROOT))
    assert len(checked) == 2
    assert len(memo) == 0


def test_the_oldest_are_forgotten_first(checked: list[Any]) -> None:
    memo = EdgeMemo(size=2)
    leaves = [make.leaf(ROOT, serial=serial) for serial in (1, 2, 3)]
    for leaf in leaves:
        assert memo.verifies(*read(leaf, ROOT))
    assert len(memo) == 2
    assert memo.verifies(*read(leaves[2], ROOT))
    assert memo.verifies(*read(leaves[1], ROOT))
    assert len(checked) == 3
    assert memo.verifies(*read(leaves[0], ROOT))
    assert len(checked) == 4
    assert len(memo) == 2


def test_an_issuer_is_recognized_by_all_its_bytes() -> None:
    memo = EdgeMemo()
    child, issuer = read(LEAF, ROOT)
    assert memo.verifies(child, issuer)
    again = read(LEAF, ROOT)
    recognized = memo.recognize(again)
    assert recognized == again
    assert recognized[0] is again[0]  # the leaf is what it is
    assert recognized[1] is issuer
    # The same signature on other bytes: nobody else is taken for the one who was seen.
    parts = asn1.Parts.of(ROOT.der)
    (twin,) = read(make.Issued(attrs.evolve(parts, subject=make.named("twin").public_bytes()).der, ROOT.key))
    assert twin.signature == issuer.signature
    assert memo.recognize([child, twin])[1] is twin
    assert memo.recognize(read(LEAF, make.root("other")))[1].subject == make.named("other").public_bytes()


def test_only_issuers_whose_signatures_have_verified_are_kept() -> None:
    memo = EdgeMemo()
    child, issuer = read(make.Issued(asn1.forged(LEAF.der), LEAF.key), ROOT)
    assert not memo.verifies(child, issuer)
    assert memo.recognize(read(LEAF, ROOT))[1] is not issuer


def test_no_more_issuers_are_kept_than_the_memo_holds() -> None:
    memo = EdgeMemo(size=1)
    kept = []
    for name in ("a", "b"):
        root = make.root(name)
        child, issuer = read(make.leaf(root), root)
        assert memo.verifies(child, issuer)
        kept.append(issuer)
    first, second = (memo.recognize(read(LEAF, make.root(name)))[1] for name in ("a", "b"))
    assert first is not kept[0]
    assert second is kept[1]


def test_the_issuer_that_has_been_kept_longest_is_forgotten_first() -> None:
    memo = EdgeMemo(size=2)
    kept = {}
    for name in ("a", "b", "c"):
        root = make.root(name)
        child, kept[name] = read(make.leaf(root), root)
        assert memo.verifies(child, kept[name])
    found = {name: memo.recognize(read(LEAF, make.root(name)))[1] for name in kept}
    assert [name for name in kept if found[name] is kept[name]] == ["b", "c"]


def test_what_is_large_is_checked_every_time(checked: list[Any]) -> None:
    def padded(issued: make.Issued, size: int) -> make.Issued:
        parts = asn1.Parts.of(issued.der)
        padding = asn1.extension("2a0304", bytes(size))
        return make.Issued(asn1.remade(issued.der, ROOT.key, extensions=(*parts.extensions, padding)), issued.key)

    memo = EdgeMemo()
    for pair in (padded(LEAF, 4_096), ROOT), (LEAF, padded(ROOT, 4_096)):
        for _ in range(2):
            assert memo.verifies(*read(*pair))
    assert len(checked) == 4
    assert len(memo) == 0
    for _ in range(2):
        assert memo.verifies(*read(padded(LEAF, 3_000), padded(ROOT, 3_000)))  # the control
    assert len(checked) == 5
    assert len(memo) == 1


def test_a_memo_can_forget_everything() -> None:
    memo = EdgeMemo()
    child, issuer = read(LEAF, ROOT)
    assert memo.verifies(child, issuer)
    assert repr(memo) == "<EdgeMemo of 1 signatures, at most 65536>"
    memo.clear()
    assert len(memo) == 0
    assert memo.recognize(read(LEAF, ROOT))[1] is not issuer


def test_a_memo_is_written_by_one_thread_at_a_time() -> None:
    memo, writes = EdgeMemo(size=1), []

    class Watched(OrderedDict[Any, Any]):
        def __setitem__(self, key: Any, value: Any) -> None:
            writes.append(memo._writing.locked())
            super().__setitem__(key, value)

        def popitem(self, last: bool = True) -> tuple[Any, Any]:
            writes.append(memo._writing.locked())
            return super().popitem(last)

    memo._edges, memo._issuers = Watched(), Watched()
    for name in ("a", "b"):
        assert memo.verifies(*read(make.leaf(make.root(name)), make.root(name)))
    assert writes == [True] * 6
    assert not memo._writing.locked()


@pytest.mark.parametrize("size", [0, -1, 1.5, "many", None])
def test_a_memo_holds_a_positive_number(size: Any) -> None:
    with pytest.raises(InvalidInput, match="a memo remembers at least one signature") as caught:
        EdgeMemo(size)
    assert caught.value.code == "memo_size"
    assert caught.value.size == size


def test_a_memo_travels_with_what_it_remembers(checked: list[Any]) -> None:
    memo = EdgeMemo(size=7)
    assert memo.verifies(*read(LEAF, ROOT))
    for copied in (pickle.loads(pickle.dumps(memo)), copy.deepcopy(memo)):
        assert (copied.size, len(copied)) == (7, 1)
        assert copied.verifies(*read(LEAF, ROOT))
        assert copied.recognize(read(LEAF, ROOT))[1] == read(ROOT)[0]
        copied.clear()
    assert len(memo) == len(checked) == 1


def test_threads_may_share_a_memo() -> None:
    # As small as it can be, so that it is full all the time; threads take turns as often as they can.
    memo, roots = EdgeMemo(size=1), [make.root(name) for name in ("a", "b", "c")]
    pairs = [read(make.leaf(root), root) for root in roots]

    def work(number: int) -> bool:
        return all(memo.verifies(*pairs[(number + turn) % 3]) for turn in range(60))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(work, range(8)))
    finally:
        sys.setswitchinterval(before)
    assert len(memo) == 1
