"""The ledger of a trust domain: one record of each authority, and the logs that bundles stand in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spiffesim.authority import JwtAuthority
from spiffesim.instants import SECOND
from spiffesim.ledger import JwtElement, Ledger, Log, X509Element
from spiffesim.spiffe.x509.certificate import read_certificate
from tests.unit.keyrings import EXAMPLE_ORG, NOW, jwt_authority, started

ROOTS = [started(f"root{number}", ledger=Ledger(EXAMPLE_ORG)).view.roots[0] for number in range(3)]


def element(name: str, not_after: int = NOW) -> JwtElement:
    return JwtElement(JwtAuthority.published(name, b"", not_after))


def names(elements: list[JwtElement]) -> list[str]:
    return [each.key_id for each in elements]


def test_there_is_one_record_of_a_root_whoever_read_it() -> None:
    ledger = Ledger(EXAMPLE_ORG)
    assert ledger.root(ROOTS[0]) is ROOTS[0]
    assert ledger.root(ROOTS[0]) is ROOTS[0]
    assert ledger.root(read_certificate(ROOTS[0].der)) is ROOTS[0]  # the same bytes, read from a file
    read = read_certificate(ROOTS[1].der)
    assert ledger.root(read) is read
    assert ledger.root(ROOTS[1]) is read
    assert ledger.root(ROOTS[2]) is ROOTS[2]


def test_two_records_are_compared_without_drawing_them() -> None:
    keyrings = [started(f"undrawn{number}", ledger=Ledger(EXAMPLE_ORG)) for number in range(2)]
    first, second = (keyring.view.roots[0] for keyring in keyrings)
    ledger = Ledger(EXAMPLE_ORG)
    assert ledger.root(first) is first
    assert ledger.root(second) is second
    assert (first._der, second._der) == (None, None)  # type: ignore[attr-defined]  # records of ours


def test_there_is_one_record_of_a_key_that_is_published_twice() -> None:
    ledger = Ledger(EXAMPLE_ORG)
    first, again, later = (JwtAuthority.published("a", b"", end) for end in (NOW, NOW, NOW + SECOND))
    assert ledger.authority(first) is ledger.authority(again) is first
    assert ledger.authority(later) is later
    own = jwt_authority()
    assert ledger.authority(own) is own


def test_elements_read_as_their_ids() -> None:
    authority = jwt_authority("a", NOW + 1)
    assert str(JwtElement(authority)) == JwtElement(authority).key_id == authority.key_id
    assert JwtElement(authority).not_after == NOW  # as it is stored
    root = X509Element(ROOTS[0])
    assert ROOTS[0].subject_key_id is not None
    assert str(root) == root.subject_key_id == ROOTS[0].subject_key_id.hex()


def test_a_log_knows_which_of_its_keys_ends_first() -> None:
    log = Log(Ledger(EXAMPLE_ORG))
    assert log.soonest is None
    for end in (5, 3, 4):
        log.place_after(len(log.elements), [element(str(end), end * SECOND)])
    assert log.soonest == 3 * SECOND


def test_a_log_begins_with_what_it_is_given_and_hears_of_what_is_announced_after() -> None:
    ledger = Ledger(EXAMPLE_ORG)
    ledger.announce(JwtAuthority.published("before", b""))
    log = Log(ledger, [element("a"), element("b")])
    log.hear()
    assert names(log.known(0)) == []
    ledger.announce(JwtAuthority.published("after", b""))
    log.hear()
    assert names(log.known(0)) == ["after"]
    assert names(log.known(1)) == ["a", "after"]
    assert names(log.known(3)) == ["a", "b", "after"]


def test_a_view_stays_in_a_log_as_long_as_it_takes_over_what_comes_next_in_it() -> None:
    ledger = Ledger(EXAMPLE_ORG)
    first, second, third = (element(name) for name in "abc")
    log = Log(ledger, [first])
    assert log.place_after(1, [second, third]) == (log, 3)
    assert log.place_after(1, [second]) == (log, 2)
    other, place = log.place_after(1, [third])
    assert other is not log
    assert (names(other.known(place)), place) == (["a", "c"], 2)
    assert log.place_after(1, [third]) == (other, 2)  # who does the same goes there as well
    ledger.announce(JwtAuthority.published("loud", b""))
    log.hear()
    assert log.place_after(2, [third]) == (log, 3)
    assert log.place_after(2, [third, element("d")]) == (log, 5)  # behind what was announced
    assert names(log.known(5)) == ["a", "b", "c", "loud", "d"]


def test_logs_are_shared_while_they_are_young() -> None:
    ledger = Ledger(EXAMPLE_ORG)
    elements = [element(name) for name in "abcdef"]
    logs = [ledger.log_of([each]) for each in elements]
    assert ledger.log_of([elements[-1]]) is logs[-1]
    assert ledger.log_of([elements[0]]) is not logs[0]  # long ago
    ledger.announce(JwtAuthority.published("loud", b""))
    other = ledger.log_of([elements[-1]])  # without what has been announced: somebody has pruned it already
    other.hear()
    assert names(other.known(1)) == ["f"]
    logs[-1].hear()
    assert names(logs[-1].known(1)) == ["f", "loud"]


@given(st.lists(st.booleans(), max_size=12), st.integers(0, 12))
def test_a_place_in_a_log_is_its_stretch_and_all_announcements(announced: list[bool], place: int) -> None:
    ledger = Ledger(EXAMPLE_ORG)
    log = Log(ledger)
    for number, everywhere in enumerate(announced):
        if everywhere:
            ledger.announce(JwtAuthority.published(str(number), b""))
            log.hear()
        else:
            log.place_after(len(log.elements), [element(str(number))])
    place = min(place, len(announced))
    known = [number for number, everywhere in enumerate(announced) if everywhere or number < place]
    assert names(log.known(place)) == [str(number) for number in known]
    assert log.quiet_before(place) == announced[:place].count(False)
    assert [log.knows(place, each) for each in log.elements] == [number in known for number in range(len(announced))]
