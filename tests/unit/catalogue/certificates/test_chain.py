"""Chains: what edits are given, and what becomes of it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.certificates.draft import KEY_USAGE
from spiffesim.catalogue.certificates.signer import signer
from spiffesim.catalogue.hierarchy import NOW, hierarchy
from spiffesim.instants import moment
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.validation import examine_x509_svid
from spiffesim.spiffe.x509.certificate import read_certificate
from tests.oracles import verifiers


def chain_of(depth: int, number: int = 0) -> Chain:
    return Chain(hierarchy(number), number, depth)


def passes(chain: Chain) -> bool:
    presented, authorities = chain.encode()
    verdict = examine_x509_svid(presented, SpiffeBundle(chain.trust_domain, authorities), at=moment(chain.now))
    assert verdict.ok is verifiers.cryptography_accepts(presented, authorities, moment(chain.now))
    return verdict.ok


@pytest.mark.parametrize("depth", [0, 1, 8])
def test_a_chain_has_spire_s_shape(depth: int) -> None:
    presented, authorities = chain_of(depth).encode()
    path = [read_certificate(certificate) for certificate in (*presented, *authorities)]
    assert len(path) == depth + 2
    assert [certificate.is_ca for certificate in path] == [False, *(depth + 1) * [True]]
    assert [certificate.uris for certificate in path[1:]] == (depth + 1) * [("spiffe://example.org",)]
    assert all(
        (child.issuer, child.authority_key_id) == (issuer.subject, issuer.subject_key_id)
        for child, issuer in pairwise(path)
    )
    assert len({certificate.spki for certificate in path}) == len({each.serial for each in path}) == depth + 2
    assert all(certificate.not_before <= NOW <= certificate.not_after for certificate in path)


def test_what_nobody_edits_is_made_once() -> None:
    (_, *above), authorities = chain_of(3, number=1).encode()
    (_, *again), others = chain_of(3, number=17).encode()
    assert (above, authorities) == (again, others)
    assert all(one is other for one, other in zip(above, again, strict=True))


@pytest.mark.parametrize("depth", [0, 2])
def test_drafts_have_names(depth: int) -> None:
    chain = chain_of(depth)
    assert chain.leaf is chain.draft(0)
    assert chain.issuer is chain.draft(1)
    assert chain.topmost is chain.draft(depth)
    assert chain.root is chain.draft(depth + 1)
    assert chain.presented == [chain.draft(place) for place in range(depth + 1)]
    assert chain.authorities == [chain.root]
    assert chain.presented is chain.presented
    assert chain.authorities is chain.authorities
    if depth:
        assert chain.intermediate is chain.issuer


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_looking_at_what_is_presented_changes_nothing(depth: int) -> None:
    chain = chain_of(depth)
    assert len(chain.presented) == depth + 1
    assert len(chain.authorities) == 1
    assert chain.encode() == chain_of(depth).encode()


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_an_edit_changes_one_certificate(depth: int) -> None:
    right = chain_of(depth).encode()
    for place in range(depth + 2):
        chain = chain_of(depth)
        chain.draft(place).drop(KEY_USAGE)
        made = chain.encode()
        differ = [one != other for one, other in zip(sum(made, ()), sum(right, ()), strict=True)]
        assert differ == [place == at for at in range(depth + 2)]
        assert not passes(chain)


@pytest.mark.parametrize("kind", ["p384", "p521", "rsa-2048", "rsa-4096"])
@pytest.mark.parametrize("depth", [0, 2])
def test_an_issuer_can_have_another_key(depth: int, kind: str) -> None:
    for place in range(1, depth + 2):
        chain = chain_of(depth)
        chain.rekey(place, signer(chain.hierarchy, kind))
        assert passes(chain)
        presented, authorities = chain.encode()
        assert read_certificate((*presented, *authorities)[place]).spki == signer(chain.hierarchy, kind).spki


@pytest.mark.parametrize("depth", [0, 2])
def test_another_root_is_right_by_itself(depth: int) -> None:
    chain = chain_of(depth)
    another = chain.another_root("another")
    assert another.encode() != chain.root.encode()
    chain.topmost.issued_by(another)
    assert not passes(chain)
    chain.authorities[:] = [another]
    assert passes(chain)


def test_bytes_are_presented_as_they_are() -> None:
    chain = chain_of(0)
    chain.presented.append(b"anything")
    assert chain.encode()[0][1] == b"anything"


def test_what_is_presented_twice_is_signed_once() -> None:
    chain = chain_of(0)
    chain.presented.append(chain.leaf)
    first, second = chain.encode()[0]
    assert first is second
