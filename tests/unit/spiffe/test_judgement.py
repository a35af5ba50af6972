"""The judgement of a chain: whose bundle counts, what a chain may be, and bytes of all kinds."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiffesim import errors
from spiffesim.spiffe import judgement
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.bundlemap import BundleMap
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.judgement import instant_of
from spiffesim.spiffe.rules.explanation import Explanation
from spiffesim.spiffe.validation import examine_x509_svid, validate_x509_svid
from spiffesim.spiffe.x509.limits import MAX_CHAIN
from spiffesim.spiffe.x509svid import X509Svid
from tests.oracles import asn1
from tests.oracles import certificates as make
from tests.oracles.certificates import AT, DAY, HOUR, WEB

ROOT = make.root()
INTERMEDIATE = make.intermediate(ROOT)
LEAF = make.leaf(INTERMEDIATE)
CHAIN = make.ders(LEAF, INTERMEDIATE)
BUNDLE = SpiffeBundle("example.org", [ROOT.der])
OTHER_ROOT = make.root("other", uris=["spiffe://other.org"])
OTHER = SpiffeBundle("other.org", [OTHER_ROOT.der])


# Bundles


def test_a_chain_that_is_too_long_is_told_so() -> None:
    (failure,) = examine_x509_svid([*CHAIN, *[b""] * MAX_CHAIN], BUNDLE, at=AT).failures
    assert failure.name == "chain_size"
    assert str(failure.detail).startswith("the chain has 16386 certificates, 2 more than the 16384 that are read")


@pytest.mark.parametrize("bundles", [BUNDLE, [BUNDLE], (OTHER, BUNDLE), BundleMap([OTHER, BUNDLE]), {BUNDLE}])
def test_the_bundle_is_found_in_whatever_holds_it(bundles: Any) -> None:
    assert validate_x509_svid(CHAIN, bundles, at=AT) == SpiffeId(WEB)
    assert validate_x509_svid(CHAIN, iter([OTHER, BUNDLE]), at=AT) == SpiffeId(WEB)


@pytest.mark.parametrize("bundles", [OTHER, [], [OTHER], BundleMap([OTHER]), BundleMap(), iter([OTHER])])
def test_without_the_bundle_of_its_trust_domain_nothing_is_accepted(bundles: Any) -> None:
    with pytest.raises(errors.UntrustedDomain) as caught:
        validate_x509_svid(CHAIN, bundles, at=AT)
    assert str(caught.value.trust_domain) == "example.org"
    assert "to which spiffe://example.org/web belongs" in str(caught.value)


def test_the_authorities_of_another_trust_domain_do_not_count() -> None:
    # The attack that a merged pool of roots allows: other.org's CA signs for example.org.
    forged = make.leaf(OTHER_ROOT, "spiffe://example.org/web")
    right = make.leaf(OTHER_ROOT, "spiffe://other.org/web")
    assert str(validate_x509_svid([right.der], [BUNDLE, OTHER], at=AT)) == "spiffe://other.org/web"
    with pytest.raises(errors.UnknownAuthority, match=r"the 1 X\.509 authorities of example.org"):
        validate_x509_svid([forged.der], [BUNDLE, OTHER], at=AT)


def test_jwt_authorities_are_not_asked_about_certificates() -> None:
    with pytest.raises(errors.UnknownAuthority, match=r"has no X\.509 authorities, so nothing of it is trusted"):
        validate_x509_svid(CHAIN, SpiffeBundle("example.org"), at=AT)


def test_a_bundle_that_cannot_be_used_is_not_the_fault_of_the_chain() -> None:
    with pytest.raises(errors.InvalidBundle):
        validate_x509_svid(CHAIN, SpiffeBundle("example.org", [b"nonsense"]), at=AT)
    with pytest.raises(errors.InvalidBundle, match=r"two bundles of example\.org"):
        validate_x509_svid(CHAIN, iter([BUNDLE, BUNDLE]), at=AT)
    for nonsense in (7, [7]):
        with pytest.raises(errors.InvalidInput):
            validate_x509_svid(CHAIN, nonsense, at=AT)  # type: ignore[arg-type]  # the point


# Chains


def test_a_chain_is_a_value_or_certificates() -> None:
    svid = X509Svid(CHAIN, b"no key is needed")
    for chain in (svid, CHAIN, tuple(CHAIN), [bytearray(LEAF.der), memoryview(INTERMEDIATE.der)]):
        assert validate_x509_svid(chain, BUNDLE, at=AT) == SpiffeId(WEB)  # type: ignore[arg-type]  # bytes of any kind
        assert examine_x509_svid(chain, BUNDLE, at=AT).depth == 2  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize("chain", [LEAF.der, "PEM", None, 7, iter(CHAIN), bytearray(LEAF.der), set(CHAIN)])
def test_what_is_no_chain_is_refused(chain: Any) -> None:
    with pytest.raises(errors.InvalidInput, match="a chain is an X509Svid, or certificates as DER in a list") as caught:
        examine_x509_svid(chain, BUNDLE, at=AT)
    assert caught.value.code == "chain"


def test_a_value_whose_certificates_cannot_be_read_is_judged_like_its_certificates() -> None:
    chains: list[list[Any]] = [[], [b"nonsense"], [LEAF.der, b"nonsense"], [LEAF.der, 7]]
    for chain in chains:
        verdict = examine_x509_svid(chain, BUNDLE, at=AT)
        assert verdict.failures[0].name in ("chain_present", "certificate_encoding")
        assert examine_x509_svid(X509Svid(chain, b""), BUNDLE, at=AT) == verdict
        with pytest.raises(errors.Malformed):
            validate_x509_svid(chain, BUNDLE, at=AT)


def test_the_place_of_a_broken_certificate_is_a_fact() -> None:
    with pytest.raises(errors.Malformed) as caught:
        validate_x509_svid([*CHAIN, b"nonsense"], BUNDLE, at=AT)
    assert caught.value.index == 2


# Instants


def test_an_instant_is_one_wherever_it_is_told() -> None:
    there = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    verdict = examine_x509_svid(CHAIN, BUNDLE, at=there)
    assert verdict.ok
    assert verdict.at == AT
    assert verdict.at is not None
    assert verdict.at.utcoffset() == timedelta(0)
    late = examine_x509_svid(CHAIN, BUNDLE, at=there + 2 * DAY)
    assert late.at is not None
    assert late.at.utcoffset() == timedelta(0)


def test_validity_includes_both_ends_to_the_microsecond() -> None:
    tick = timedelta(microseconds=1)
    for at, ok in ((AT - DAY, True), (AT - DAY - tick, False), (AT + DAY, True), (AT + DAY + tick, False)):
        assert examine_x509_svid(CHAIN, BUNDLE, at=at).ok == ok


def test_an_instant_has_a_time_zone() -> None:
    with pytest.raises(errors.ClockError, match="has no time zone"):
        validate_x509_svid(CHAIN, BUNDLE, at=datetime(2030, 1, 1))
    with pytest.raises(errors.InvalidInput, match="an instant is a datetime with a time zone, not int"):
        validate_x509_svid(CHAIN, BUNDLE, at=0)  # type: ignore[arg-type]  # the point
    assert instant_of(datetime.fromtimestamp(1, AT.tzinfo)) == 1_000_000


@pytest.mark.parametrize(
    "at", [datetime.max.replace(tzinfo=timezone(-HOUR)), datetime.min.replace(tzinfo=timezone(HOUR))]
)
def test_an_instant_lies_within_the_years_that_there_are(at: datetime) -> None:
    for judge in (examine_x509_svid, validate_x509_svid):
        with pytest.raises(errors.ClockError, match="beyond the years 1 to 9999"):
            judge(CHAIN, BUNDLE, at=at)
    assert examine_x509_svid(CHAIN, BUNDLE, at=at.replace(tzinfo=AT.tzinfo)).failures


# Bytes


def test_flipping_any_byte_of_a_presented_certificate_is_noticed() -> None:
    assert validate_x509_svid(CHAIN, BUNDLE, at=AT) == SpiffeId(WEB)
    for place, certificate in enumerate(CHAIN):
        for byte, mask in product(range(len(certificate)), (0x01, 0x80, 0xFF)):
            flipped = bytearray(certificate)
            flipped[byte] ^= mask
            chain = [*CHAIN[:place], bytes(flipped), *CHAIN[place + 1 :]]
            with pytest.raises(errors.ValidationError):
                validate_x509_svid(chain, BUNDLE, at=AT)


@given(st.data())
def test_changing_a_presented_certificate_in_any_way_is_noticed(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, 1))
    changed = bytearray(CHAIN[place])
    byte = data.draw(st.integers(0, len(changed) - 1))
    changed[byte : byte + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    chain = [*CHAIN[:place], bytes(changed), *CHAIN[place + 1 :]]
    assert examine_x509_svid(chain, BUNDLE, at=AT).ok == (chain == CHAIN)


POOL = [
    *CHAIN,
    ROOT.der,
    OTHER_ROOT.der,
    asn1.forged(LEAF.der),
    make.leaf(ROOT).der,
    make.leaf(ROOT, uris=(), usage=None, constraints=None).der,
    make.leaf(OTHER_ROOT, "spiffe://other.org/web").der,
    make.intermediate(ROOT, not_after=AT - HOUR).der,
    b"",
    b"0",
]


@given(st.lists(st.sampled_from(POOL) | st.binary(max_size=40), max_size=6), st.lists(st.sampled_from([BUNDLE, OTHER])))
def test_hostile_chains_are_refused_with_a_reason_or_accepted(chain: list[bytes], bundles: Iterable[Any]) -> None:
    with suppress(errors.InvalidBundle):  # the same bundle twice
        verdict = examine_x509_svid(chain, bundles, at=AT)
        assert verdict.ok == (not verdict.failures)
        assert all(failure.detail and failure.clause for failure in verdict.failures)
        if verdict.ok:
            assert validate_x509_svid(chain, bundles, at=AT) == verdict.spiffe_id
        else:
            with pytest.raises(errors.ValidationError) as caught:
                validate_x509_svid(chain, bundles, at=AT)
            assert (caught.value.code, caught.value.clause) == (verdict.failures[0].name, verdict.failures[0].clause)


def test_a_chain_that_is_ruled_out_stays_refused_though_no_rule_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judgement, "explain_path", lambda *_, **__: Explanation(()))
    with pytest.raises(errors.UnknownAuthority, match="which rule it breaks is not known"):
        validate_x509_svid(CHAIN[:1], BUNDLE, at=AT)
    assert not examine_x509_svid(CHAIN[:1], BUNDLE, at=AT)
    assert examine_x509_svid(CHAIN, BUNDLE, at=AT)  # the control
