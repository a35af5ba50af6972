"""The search for a path, among candidates that SPIRE makes and among those that nobody should."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from itertools import permutations
from typing import Any

import attrs
import pytest
from cryptography import x509
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from spiffesim import errors
from spiffesim.catalogue import x509_svid_case
from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.hierarchy import hierarchy
from spiffesim.instants import microseconds
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.validation import examine_x509_svid
from spiffesim.spiffe.verdict import Verdict
from spiffesim.spiffe.x509.certificate import Anchors, read_certificate
from spiffesim.spiffe.x509.edges import EdgeMemo
from spiffesim.spiffe.x509.path import STRAIGHT, Search, straight
from spiffesim.spiffe.x509svid import X509Svid
from tests.oracles import asn1, verifiers
from tests.oracles import certificates as make
from tests.oracles.asn1 import tlv
from tests.oracles.certificates import AT, DAY, HOUR, Issued

ROOT = make.root()
INTERMEDIATE = make.intermediate(ROOT)
LEAF = make.leaf(INTERMEDIATE)


def examine(
    chain: Sequence[Issued | bytes], *roots: Issued | bytes, at: datetime = AT, memo: EdgeMemo | None = None
) -> Verdict:
    return examine_x509_svid(ders(chain), SpiffeBundle("example.org", ders(roots)), at=at, memo=memo)


def length(
    chain: Sequence[Issued | bytes], *roots: Issued | bytes, at: datetime = AT, memo: EdgeMemo | None = None
) -> int | None:
    """How many issuers stand above a leaf that is accepted, or None if it is refused."""
    verdict = examine(chain, *roots, at=at, memo=memo)
    return verdict.depth if verdict.ok else None


def ders(certificates: Sequence[Issued | bytes]) -> list[bytes]:
    return [each.der if isinstance(each, Issued) else each for each in certificates]


def tiers(*names: str, root: Issued = ROOT, **changes: Any) -> list[Issued]:
    """A chain with an intermediate for each name, the topmost first; the leaf is the first of the chain."""
    chain = []
    for number, name in enumerate(names):
        root = make.intermediate(root, name, key=make.key(f"tier {number}"), **changes)
        chain.append(root)
    return [make.leaf(root), *reversed(chain)]


# Presented chains


@pytest.mark.parametrize("order", [*permutations(range(1, 4))])
def test_the_others_may_come_in_any_order(order: Sequence[int]) -> None:
    chain = tiers("a", "b", "c")
    verdict = examine([chain[0], *(chain[place] for place in order)], ROOT)
    assert (verdict.ok, verdict.depth) == (True, 4)


def test_the_leaf_comes_first() -> None:
    chain = tiers("a", "b")
    assert examine(chain, ROOT).ok
    assert [failure.name for failure in examine(chain[::-1], ROOT).failures][:2] == ["spiffe_id_path", "leaf_not_ca"]


@pytest.mark.parametrize(
    "more",
    [[ROOT], [make.root("unrelated")], [LEAF], [INTERMEDIATE], [LEAF, INTERMEDIATE, ROOT, make.leaf(ROOT)]],
    ids=["the root", "another root", "the leaf again", "the intermediate again", "all of it"],
)
def test_more_certificates_do_no_harm(more: list[Issued]) -> None:
    assert examine([LEAF, INTERMEDIATE, *more], ROOT).ok
    assert examine([LEAF, *more, INTERMEDIATE], ROOT).ok
    assert examine([LEAF, *more], make.root("another", key=make.key("x"))).first is not None  # the control


def test_an_authority_need_not_have_signed_itself() -> None:
    assert length([LEAF], INTERMEDIATE) == 1
    assert length([LEAF, INTERMEDIATE], INTERMEDIATE, ROOT) == 1
    assert examine(tiers("a", "b"), tiers("a", "b")[2]).ok
    assert not examine([LEAF], ROOT).ok


def test_a_leaf_is_no_authority_of_itself() -> None:
    alone = make.leaf(make.root())
    with pytest.raises(errors.InvalidBundle, match="not a CA certificate"):
        examine([alone], alone)


def test_a_renewed_intermediate_with_the_same_key_takes_the_place_of_the_expired_one() -> None:
    expired = make.intermediate(ROOT, not_after=AT - HOUR)
    for chain in ([LEAF, expired, INTERMEDIATE], [LEAF, INTERMEDIATE, expired]):
        assert examine(chain, ROOT).ok
    assert examine([LEAF, expired], ROOT).failures[0].name == "not_after"


def test_an_expired_intermediate_that_is_an_authority_too_is_still_expired() -> None:
    expired = make.intermediate(ROOT, not_after=AT - HOUR)
    assert [failure.name for failure in examine([LEAF, expired], ROOT, expired).failures] == ["not_after"]


# Several of the same name


def siblings(number: int) -> list[Issued]:
    """CAs of one name and of as many keys, as SPIRE gives them to nested servers that are siblings."""
    return [make.intermediate(ROOT, "DOWNSTREAM-1", key=make.key(f"sibling {place}")) for place in range(number)]


@given(st.permutations(range(5)), st.integers(0, 4))
def test_siblings_share_their_name(order: list[int], signer: int) -> None:
    cas = siblings(5)
    leaf = make.leaf(cas[signer])
    assert examine([leaf, *(cas[place] for place in order)], ROOT).ok
    others = [cas[place] for place in order if place != signer]
    verdict = examine([leaf, *others], ROOT)
    assert [failure.name for failure in verdict.failures] == ["known_authority"]
    assert "certificates of its name but with another key: 4" in str(verdict.first)


@pytest.mark.parametrize("identified", ["right", "absent", "wrong"])
@pytest.mark.parametrize("turned", [False, True])
def test_two_roots_of_one_name(identified: str, turned: bool) -> None:
    twin = make.root(key=make.key("twin"))
    key_id = {"right": ROOT.key_id, "absent": None, "wrong": twin.key_id}[identified]
    leaf = make.leaf(ROOT, authority_key_id=key_id)
    roots = [twin, ROOT] if turned else [ROOT, twin]
    assert examine([leaf], *roots).ok
    assert not examine([leaf], twin).ok


@settings(max_examples=30)
@given(st.randoms(use_true_random=False), st.integers(1, 30), st.booleans())
@example(random.Random(0), 30, True)
def test_a_ca_may_have_the_name_of_its_issuer(order: random.Random, depth: int, identified: bool) -> None:
    # SPIRE: nested servers below an upstream CA that sets no subject of its own.
    changes = {} if identified else {"key_id": None, "authority_key_id": None}
    root = make.root("same", **changes)
    chain = tiers(*["same"] * depth, root=root, **changes) if identified else _unidentified(depth, root)
    others = chain[1:]
    order.shuffle(others)
    assert length([chain[0], *others], root) == depth + 1
    missing = order.randrange(depth)
    assert not examine([chain[0], *others[:missing], *others[missing + 1 :]], root).ok


def _unidentified(depth: int, root: Issued) -> list[Issued]:
    chain, above = [], root
    for number in range(depth):
        above = make.intermediate(above, "same", key=make.key(f"tier {number}"), key_id=None, authority_key_id=None)
        chain.append(above)
    return [make.leaf(above, authority_key_id=None), *reversed(chain)]


# Old roots and new ones


OLD = make.root("root", key=make.key("old"))
NEW = make.root("root", key=make.key("new"))
CROSS = make.intermediate(OLD, "root", key=make.key("new"))  # the new key, signed by the old root
UNDER_NEW = make.leaf(NEW)


@pytest.mark.parametrize("roots", [[OLD], [NEW], [OLD, NEW], [NEW, OLD]])
def test_a_cross_certificate_leads_to_either_root(roots: list[Issued]) -> None:
    assert examine([UNDER_NEW, CROSS], *roots).ok
    assert examine([UNDER_NEW], *roots).ok == (NEW in roots)


def test_an_expired_root_is_passed_by_over_a_cross_certificate() -> None:
    expired = make.root("root", key=make.key("new"), not_after=AT - HOUR)
    assert length([UNDER_NEW, CROSS], OLD, expired) == 2
    assert examine([UNDER_NEW], OLD, expired).failures[0].name == "not_after"


def test_a_loop_ends() -> None:
    a, b = make.root("a"), make.root("b")
    a_by_b, b_by_a = make.intermediate(b, "a"), make.intermediate(a, "b")
    leaf = make.leaf(a)
    verdict = examine([leaf, a_by_b, b_by_a], ROOT)
    assert [failure.name for failure in verdict.failures] == ["known_authority"]
    assert examine([leaf, a_by_b, b_by_a], b).ok
    assert examine([leaf, a_by_b, b_by_a], a).ok


# Limits


def test_a_self_issued_certificate_does_not_count_for_path_lengths() -> None:
    limited = make.intermediate(ROOT, "limited", constraints=(True, 0))
    rollover = make.intermediate(limited, "limited", key=make.key("rolled over"))
    assert examine([make.leaf(rollover), rollover, limited], ROOT).ok
    late = examine([make.leaf(rollover), rollover, limited], ROOT, at=AT + 9 * DAY)
    assert [(failure.name, failure.depth) for failure in late.failures] == [("not_after", depth) for depth in range(4)]
    other = make.intermediate(limited, "other", key=make.key("rolled over"))
    verdict = examine([make.leaf(other), other, limited], ROOT)
    assert [(failure.name, failure.depth) for failure in verdict.failures] == [("path_length", 2)]


def test_the_path_that_its_limits_allow_is_found_behind_one_that_they_forbid() -> None:
    # From the leaf's issuer to the CA in the middle, once over a detour and once straight on.
    limited = make.intermediate(ROOT, "limited", constraints=(True, 2))
    middle = make.intermediate(limited, "middle")
    detour = make.intermediate(middle, "detour")
    key = make.key("both")
    long_way = make.intermediate(detour, "both", key=key, key_id=b"both", serial=2)
    short_way = make.intermediate(middle, "both", key=key, key_id=b"both", serial=3)
    leaf = make.leaf(long_way)
    for chain in permutations([long_way, detour, short_way, middle, limited]):
        assert length([leaf, *chain], ROOT) == 4
    assert examine([leaf, long_way, detour, middle, limited], ROOT).failures[0].name == "path_length"


def constrained(host: str, **changes: Any) -> Issued:
    permitted = x509.NameConstraints([x509.UniformResourceIdentifier(host)], None)
    return make.intermediate(ROOT, "constrained", extensions=[(permitted, True)], **changes)


def test_the_path_that_names_allow_is_found_behind_one_that_they_forbid() -> None:
    wrong = constrained("other.org")
    right = constrained("example.org", serial=2)
    leaf = make.leaf(wrong)
    assert examine([leaf, wrong, right], ROOT).ok
    assert examine([leaf, right, wrong], ROOT).ok
    assert examine([leaf, wrong], ROOT).failures[0].name == "name_constraints"


def test_a_name_on_one_way_is_no_obstacle_to_another_way() -> None:
    # What is below a constrained CA depends on the way to it: none may be ruled out by another.
    top = constrained("example.org")
    middle = make.intermediate(top, "middle")
    stranger = make.intermediate(middle, "stranger", uris=["spiffe://other.org"])
    friend = make.intermediate(middle, "friend")
    key = make.key("both")
    one_way = make.intermediate(stranger, "both", key=key, serial=2)
    other_way = make.intermediate(friend, "both", key=key, serial=3)
    leaf = make.leaf(one_way)
    for ways in permutations([one_way, stranger, other_way, friend]):
        assert length([leaf, *ways, middle, top], ROOT) == 5
    verdict = examine([leaf, one_way, stranger, middle, top], ROOT)
    assert [(failure.name, failure.depth) for failure in verdict.failures] == [("name_constraints", 4)]
    assert "spiffe://other.org is not within" in str(verdict.first)


# Depth and size


def deep(depth: int) -> tuple[list[bytes], bytes]:
    """A chain with very many intermediates, all with one key and each with a name of its own; and its root."""
    key = make.key("deep")
    root = make.root("0" * 8, key=key)
    parts = asn1.Parts.of(make.intermediate(root, "1" * 8, key=key).der)
    name = parts.subject.partition(b"1" * 8)
    chain, above = [], root.subject.public_bytes()
    for number in range(1, depth + 1):
        subject = name[0] + b"%08d" % number + name[2]
        chain.append(asn1.signed(attrs.evolve(parts, issuer=above, subject=subject), key))
        above = subject
    leaf = asn1.Parts.of(make.leaf(root).der)
    chain.append(asn1.signed(attrs.evolve(leaf, issuer=above), key))
    return chain[::-1], root.der


def test_ten_thousand_intermediates() -> None:
    chain, root = deep(10_000)
    svid, memo = X509Svid(chain, b""), EdgeMemo()
    bundle = SpiffeBundle("example.org", [root])
    verdict = examine_x509_svid(svid, bundle, at=AT, memo=memo)
    assert (verdict.ok, verdict.depth) == (True, 10_001)
    assert len(memo) == 10_001
    late = examine_x509_svid(svid, bundle, at=AT + 9 * DAY, memo=memo)
    assert {failure.name for failure in late.failures} == {"not_after"}
    assert len(late.failures) == 10_002
    others = chain[1:]
    random.Random(0).shuffle(others)
    assert length([chain[0], *others], root, memo=memo) == 10_001


def test_a_thousand_intermediates_of_which_one_is_missing() -> None:
    chain, root = deep(1_000)
    assert examine(chain, root).ok
    verdict = examine(chain[:500] + chain[501:], root)
    assert [failure.name for failure in verdict.failures] == ["known_authority"]
    assert verdict.depth == 499


def test_a_hundred_and_twenty_seven_intermediates_as_cryptography_sees_them() -> None:
    chain, root = deep(127)
    assert length(chain, root) == 128
    assert verifiers.cryptography_accepts(chain, [root], AT)


def decoys(number: int) -> list[bytes]:
    """CA certificates of the intermediate's name, all with a key that has signed nothing."""
    parts = asn1.Parts.of(make.intermediate(ROOT, key=make.key("decoy"), key_id=None).der)
    return [attrs.evolve(parts, serial=tlv(2, b"\1" + place.to_bytes(4, "big"))).der for place in range(number)]


def test_thousands_of_decoys_end_in_an_error_and_not_in_a_wait() -> None:
    leaf = make.leaf(INTERMEDIATE, authority_key_id=None)
    verdict = examine([leaf], *decoys(3_000), make.intermediate(ROOT, key_id=None))
    assert [failure.name for failure in verdict.failures] == ["search_budget"]
    assert verdict.failures[0].detail == (
        "no path from spiffe://example.org/web to an authority of example.org was found within 1001 signature "
        "checks; present only the certificates of its own chain, with key identifiers"
    )
    assert examine([leaf], *decoys(900), make.intermediate(ROOT, key_id=None)).ok


def test_presented_decoys_are_budgeted_for() -> None:
    leaf = make.leaf(INTERMEDIATE, authority_key_id=None)
    assert examine([leaf, *decoys(3_000), make.intermediate(ROOT, key_id=None)], ROOT).ok


def test_a_check_of_an_expensive_key_costs_more_of_the_budget() -> None:
    leaf = make.leaf(INTERMEDIATE, authority_key_id=None)
    stranger = asn1.Parts.of(make.root(key=make.key("decoy", "p521")).der).spki
    expensive = [attrs.evolve(asn1.Parts.of(der), spki=stranger).der for der in decoys(200)]
    # 1,000 and one for each certificate: ten times 200 is too many, ten times 100 is not, nor are 200 of P-256.
    verdict = examine([leaf, *expensive, make.intermediate(ROOT, key_id=None)], ROOT)
    assert [failure.name for failure in verdict.failures] == ["search_budget"]
    assert examine([leaf, *expensive[:100], make.intermediate(ROOT, key_id=None)], ROOT).ok
    assert examine([leaf, *decoys(200), make.intermediate(ROOT, key_id=None)], ROOT).ok


def test_what_was_followed_straight_is_counted_too() -> None:
    chain = tiers(*(f"p521 {number}" for number in range(5)))
    certificates = [read_certificate(der) for der in ders(chain)]
    anchors = Anchors([read_certificate(make.root("elsewhere").der)])
    search = Search(certificates, anchors, microseconds(AT), verified=5)
    assert search.checks == 5
    above = make.intermediate(ROOT, key=make.key("expensive", "p384"))
    search = Search([read_certificate(der) for der in make.ders(make.leaf(above), above)], anchors, 0, verified=1)
    assert search.checks == 8


def test_a_large_certificate_costs_what_it_takes_to_hash() -> None:
    chain = Chain(hierarchy(0), 0, 0)
    chain.leaf.put("1.3.6.1.4.1.99999.1", bytes(3 << 16))
    (leaf,), (root,) = chain.encode()
    for der, cost in ((leaf, 4), (x509_svid_case().chain_der[0], 1)):
        search = Search([read_certificate(der)], Anchors([read_certificate(root)]), chain.now)
        assert search.find(clean=True) == [0, 1]
        assert search.checks == cost


def test_a_long_chain_in_order_is_left_to_the_search_after_a_while() -> None:
    chain, root = deep(300)
    certificates, anchors = [read_certificate(der) for der in chain], Anchors([read_certificate(root)])
    assert straight(certificates, anchors, microseconds(AT), None) == (STRAIGHT - 1, None)
    assert straight(certificates[-STRAIGHT:], anchors, microseconds(AT), None)[0] == STRAIGHT
    assert length(chain, root) == 301


@pytest.mark.parametrize("host", [None, "example.org"])
def test_the_ways_among_clones_are_counted(host: str | None) -> None:
    # Each of these may have issued every other one: there are more ways than anybody can go.
    permitted = [(x509.NameConstraints([x509.UniformResourceIdentifier(host)], None), True)] if host else []
    clones = [make.root("clone", serial=number, extensions=permitted) for number in range(1, 400)]
    leaf = make.leaf(clones[0])
    assert [failure.name for failure in examine([leaf, *clones], ROOT).failures] == ["search_budget"]
    assert examine([leaf, *clones], clones[-1]).ok


def test_names_held_against_constraints_are_counted_too() -> None:
    hosts = [x509.UniformResourceIdentifier(f"h{n}.example.org") for n in range(4_000)]
    top = make.intermediate(ROOT, "constrained", extensions=[(x509.NameConstraints(None, hosts), True)])
    leaf = make.leaf(top, names=[x509.DNSName(f"n{n}.example.org") for n in range(4_000)])
    verdict = examine([leaf, top], ROOT)
    assert [failure.name for failure in verdict.failures] == ["search_budget"]
    assert "within 0 signature checks and 32064 looks at candidates and names; present" in str(verdict.first)
    few = make.intermediate(ROOT, "constrained", extensions=[(x509.NameConstraints(None, hosts[:100]), True)])
    assert examine([make.leaf(few, names=[x509.DNSName("n")] * 100), few], ROOT).ok


# The memo


def test_a_remembered_path_costs_one_signature() -> None:
    memo = EdgeMemo()
    chain = tiers("a", "b", "c")
    assert examine(chain, ROOT, memo=memo).ok
    assert len(memo) == 4
    assert examine([make.leaf(chain[1], serial=2), *chain[1:]], ROOT, memo=memo).ok
    assert len(memo) == 5


def test_what_is_remembered_does_not_outlive_its_validity() -> None:
    memo = EdgeMemo()
    assert examine([LEAF, INTERMEDIATE], ROOT, memo=memo).ok
    assert examine([LEAF, INTERMEDIATE], ROOT, memo=memo, at=AT + 2 * DAY).failures[0].name == "not_after"
    assert examine([LEAF, INTERMEDIATE], make.root("another"), memo=memo).failures[0].name == "known_authority"


# Straight on


def read(*issued: Issued) -> list[Any]:
    return [read_certificate(der) for der in ders(issued)]


def test_a_chain_in_order_is_followed_without_a_search() -> None:
    chain = tiers("a", "b")
    for above in (ROOT, chain[2]):
        anchors = Anchors(read(above))
        verified, anchor = straight(read(*chain), anchors, microseconds(AT), None)
        assert anchor is anchors.certificates[0]
        assert verified == (3 if above is ROOT else 2)


@pytest.mark.parametrize(
    ("chain", "roots", "verified"),
    [
        (tiers("a", "b")[::2], [ROOT], 0),
        ([*tiers("a", "b")[:2], ROOT], [ROOT], 1),
        ([LEAF, asn1.forged(INTERMEDIATE.der)], [ROOT], 1),
        ([asn1.forged(LEAF.der), INTERMEDIATE], [ROOT], 0),
        ([LEAF, make.intermediate(ROOT, not_after=AT - HOUR)], [ROOT], 0),
        ([LEAF, make.intermediate(ROOT, constraints=(True, 0))], [ROOT], 0),
        ([LEAF, make.intermediate(ROOT, usage=["crl_sign"])], [ROOT], 0),
        ([LEAF, INTERMEDIATE], [make.root(not_after=AT - HOUR)], 1),
        ([LEAF, INTERMEDIATE], [ROOT, make.root(not_after=AT + HOUR)], 1),
        ([make.leaf(ROOT, authority_key_id=None)], [ROOT, make.root(key=make.key("x"))], 0),
    ],
)
def test_what_needs_a_search_is_left_to_it(chain: list[Any], roots: list[Issued], verified: int) -> None:
    certificates = [read_certificate(der) for der in ders(chain)]
    assert straight(certificates, Anchors(read(*roots)), microseconds(AT), None) == (verified, None)


# Worlds


@attrs.frozen
class World:
    """Some CA certificates, a leaf, what of it is presented, and what is trusted."""

    chain: tuple[bytes, ...]
    roots: tuple[bytes, ...]


@st.composite
def worlds(draw: st.DrawFn, *, plain: bool = False) -> World:
    """Any world; a plain one has a key for each CA, no constraints on names, and limits only where names differ."""
    cas: list[Issued] = []
    limited = not plain or draw(st.booleans())
    lengths = [None, None, 0, 1, 2] if limited else [None]
    for number in range(draw(st.integers(1, 6))):
        signer = draw(st.none() | st.sampled_from(cas)) if cas else None
        shape = {
            "subject": make.named(str(number) if plain and limited else draw(st.sampled_from("aab"))),
            "key": make.key(str(number) if plain else draw(st.sampled_from("xyz"))),
            "serial": number + 1,
            "uris": draw(st.sampled_from([(), ("spiffe://example.org",), ("spiffe://other.org",)])),
            "not_after": AT + draw(st.sampled_from([1, 1, 1, 1, 0, -1])) * HOUR,
            "not_before": AT + draw(st.sampled_from([-2, -2, -2, -2, 0, 1])) * HOUR - 2 * DAY,
            "constraints": (True, draw(st.sampled_from(lengths))),
            "usage": draw(st.sampled_from([make.SIGNER, make.SIGNER, make.SIGNER, ["crl_sign"]])),
            "key_id": draw(st.sampled_from([b"", b"", None, b"shared"])),
            "authority_key_id": draw(st.sampled_from([None, b"shared", b"other"])) if signer else None,
        }
        if not plain and draw(st.integers(0, 3)) == 0:
            host = x509.UniformResourceIdentifier(draw(st.sampled_from(["example.org", "other.org"])))
            shape["extensions"] = [(x509.NameConstraints([host], None), True)]
        cas.append(make.root(**shape) if signer is None else make.intermediate(signer, **shape))
    leaf = make.leaf(draw(st.sampled_from(cas)), authority_key_id=draw(st.sampled_from([None, b"shared"])))
    presented = draw(st.lists(st.sampled_from(cas), unique=True))
    roots = draw(st.lists(st.sampled_from(cas), min_size=1, max_size=3, unique=True))
    return World(chain=tuple(ders([leaf, *presented])), roots=tuple(ders(roots)))


@given(worlds())
def test_a_path_is_found_exactly_if_there_is_one(world: World) -> None:
    expected = verifiers.exhaustive_accepts(world.chain, world.roots, AT)
    event(f"accepted: {expected}")
    verdict = examine(world.chain, *world.roots)
    assert verdict.ok == expected
    assert verdict.ok == (verdict.first is None)


@given(worlds(plain=True))
def test_cryptography_finds_the_same(world: World) -> None:
    # It counts self-issued certificates against path lengths, which RFC 5280 does not: hence the plain worlds.
    expected = verifiers.cryptography_accepts(world.chain, world.roots, AT)
    event(f"accepted: {expected}")
    assert examine(world.chain, *world.roots).ok == expected


@given(worlds())
def test_the_answer_is_the_same_whatever_is_remembered(world: World) -> None:
    memo, small = EdgeMemo(), EdgeMemo(size=1)
    expected = examine(world.chain, *world.roots)
    for _ in range(2):
        assert examine(world.chain, *world.roots, memo=memo) == expected
        assert examine(world.chain, *world.roots, memo=small) == expected
    assert len(small) <= 1
