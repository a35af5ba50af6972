"""Why a chain is refused, in words: who, what, by how much, what to do next."""

from __future__ import annotations

from typing import Any

import pytest

from spiffesim import errors
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.validation import examine_x509_svid
from spiffesim.spiffe.verdict import Verdict
from tests.oracles import asn1
from tests.oracles import certificates as make
from tests.oracles.certificates import AT, DAY, HOUR, Issued

ROOT = make.root()
INTERMEDIATE = make.intermediate(ROOT)
LEAF = make.leaf(INTERMEDIATE)
ROOT_KEY, KEY = ROOT.key_id.hex(), INTERMEDIATE.key_id.hex()


def examine(*chain: Issued | bytes, roots: list[Issued] | None = None, **options: Any) -> Verdict:
    ders = [each.der if isinstance(each, Issued) else each for each in chain]
    bundle = SpiffeBundle("example.org", make.ders(*([ROOT] if roots is None else roots)))
    return examine_x509_svid(ders, bundle, at=options.get("at", AT))


def test_an_authority_that_is_not_known() -> None:
    others = [make.root(f"other {number}") for number in range(4)]
    first = examine(LEAF, INTERMEDIATE, roots=others).first
    known = ", ".join(f"key {each.key_id.hex()}" for each in others[:3])
    assert str(first) == (
        f"intermediate 1 of the chain of spiffe://example.org/web was issued by the CA with key {ROOT_KEY}, which is "
        f"neither presented nor among the 4 X.509 authorities of example.org ({known}, ...); fetch the bundle anew, "
        "or present the whole chain"
    )
    assert isinstance(first, errors.UnknownAuthority)
    assert (first.depth, first.authority_key_id, first.namesakes) == (1, ROOT.key_id, 0)


def test_an_authority_that_is_not_known_and_has_no_key_identifier() -> None:
    leaf = make.leaf(INTERMEDIATE, authority_key_id=None)
    assert "was issued by a CA, which is neither presented nor among the 1 X.509" in str(examine(leaf).first)


def test_an_authority_whose_key_has_changed() -> None:
    renewed = make.root(key=make.key("renewed"))
    first = examine(LEAF, INTERMEDIATE, roots=[renewed]).first
    assert "; certificates of its name but with another key: 1; fetch the bundle anew" in str(first)
    assert isinstance(first, errors.UnknownAuthority)
    assert first.namesakes == 1


def test_a_root_that_is_presented_and_not_trusted() -> None:
    verdict = examine(LEAF, INTERMEDIATE, ROOT, roots=[make.root("other")])
    assert "intermediate 2 of the chain of spiffe://example.org/web signed itself, and is not among" in str(
        verdict.first
    )
    assert verdict.depth == 2


def test_a_ca_of_its_issuers_name_has_not_signed_itself() -> None:
    below = make.intermediate(ROOT, "root", key=make.key("below"))
    verdict = examine(make.leaf(below), below, roots=[make.root("other")])
    assert f"was issued by the CA with key {ROOT_KEY}" in str(verdict.first)
    assert "signed itself" not in str(verdict.first)


def test_a_forged_certificate_is_named_by_those_around_it() -> None:
    assert str(examine(asn1.forged(LEAF.der), INTERMEDIATE).first) == (
        "the signature of spiffe://example.org/web does not verify under the key of intermediate 1 of the chain of "
        "spiffe://example.org/web; it was changed, or forged"
    )
    assert str(examine(LEAF, asn1.forged(INTERMEDIATE.der)).first) == (
        "the signature of intermediate 1 of the chain of spiffe://example.org/web does not verify under the key of "
        "the authority of example.org above spiffe://example.org/web; it was changed, or forged"
    )


def test_a_forged_certificate_is_not_taken_for_one_of_a_ca_with_another_key() -> None:
    twin = make.intermediate(ROOT, key=make.key("twin"))
    verdict = examine(asn1.forged(LEAF.der), twin, INTERMEDIATE)
    assert [(failure.name, failure.depth) for failure in verdict.failures] == [("signature", 0)]


def test_instants_are_told_with_their_dates_where_these_differ() -> None:
    same_day = make.leaf(INTERMEDIATE, not_after=AT - HOUR)
    assert str(examine(same_day, INTERMEDIATE).first) == (
        "spiffe://example.org/web expired 1:00:00 ago (not after 11:00:00Z, now 12:00:00Z)"
    )
    early = examine(LEAF, INTERMEDIATE, at=AT - 2 * DAY)
    assert str(early.first) == (
        "spiffe://example.org/web begins in 1 day, 0:00:00 (not before 2029-12-31T12:00:00Z, now 2029-12-30T12:00:00Z)"
    )
    assert isinstance(early.first, errors.NotYetValid)
    assert (early.first.not_before, early.first.at) == (AT - DAY, AT - 2 * DAY)


def test_a_leaf_without_id_is_named_by_its_number() -> None:
    nameless = make.leaf(INTERMEDIATE, uris=(), serial=77)
    assert str(examine(nameless, INTERMEDIATE).first).startswith("the leaf with serial number 77 has 0 URIs")


@pytest.mark.parametrize("kind", ["k256", "rsa-1024"])
def test_a_key_that_may_not_sign_is_told_instead_of_its_signature(kind: str) -> None:
    weak = make.intermediate(ROOT, key=make.key("weak", kind))
    verdict = examine(make.leaf(weak), weak)
    assert [(failure.name, failure.depth) for failure in verdict.failures] == [("signing_key", 0)]
    answers = {(answer.name, answer.depth): answer.answer for answer in verdict.rules}
    assert answers["signature", 0] == "not_reached"
    assert answers["signature", 1] == "passed"


def test_a_key_that_cannot_be_loaded() -> None:
    parts = asn1.Parts.of(INTERMEDIATE.der)
    off_the_curve = asn1.remade(INTERMEDIATE.der, ROOT.key, spki=parts.spki[:-1] + bytes([parts.spki[-1] ^ 1]))
    verdict = examine(LEAF, off_the_curve)
    assert [failure.name for failure in verdict.failures] == ["signing_key"]
    assert "which has a public key that cannot be used" in str(verdict.first)
