"""Whether what was signed leads to a root."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from spiffesim.authority import IssuedSvid
from spiffesim.chain import CertificateLike
from spiffesim.keys import Draw
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority
from spiffesim.profiles import WORKLOAD_SVID
from spiffesim.server.ca import ServerCa
from spiffesim.server.keyring import Keyring
from spiffesim.server.lineage import leads_to
from spiffesim.spiffe.x509.certificate import read_certificate
from spiffesim.spiffe.x509.pem import write_pem
from tests.oracles import certificates as made
from tests.oracles.certificates import Issued
from tests.unit.keyrings import HOUR, NOW, SECOND, make_keyring, nested, started
from tests.unit.plugins.test_disk import key_pem


def svid_of(keyring: Keyring, now: int = NOW, ttl: int = HOUR) -> IssuedSvid:
    draw = Draw.next(keyring.randomness, "svid")
    return ServerCa(keyring).sign_svid(WORKLOAD_SVID, draw, spiffe_id="spiffe://example.org/web", now=now, ttl=ttl)


def undrawn(certificate: object) -> bool:
    return certificate._der is None  # type: ignore[attr-defined]  # a record of ours


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_an_svid_and_a_ca_lead_to_the_root_of_their_servers_and_to_no_other(depth: int) -> None:
    root = keyring = started()
    root.prepare_x509(NOW)
    for number in range(depth):
        keyring = nested(keyring, f"nested{number}")
    svid, ca = svid_of(keyring), ServerCa(keyring).authority
    first, second = root.view.roots
    for signed in (svid, ca):
        assert leads_to(signed, [first], NOW)
        assert leads_to(signed, [second, first], NOW)
        assert not leads_to(signed, [second], NOW)
        assert not leads_to(signed, [], NOW)
    # Records of ours tell without being drawn.
    assert all(undrawn(certificate) for certificate in (svid.certificate, first, second))


def test_what_has_ended_or_not_begun_leads_nowhere() -> None:
    root = started()
    below = nested(root, ca_ttl=timedelta(hours=2))
    roots = root.view.roots
    short, long = svid_of(below), svid_of(below, ttl=5 * HOUR)
    assert leads_to(short, roots, short.not_after)
    assert not leads_to(short, roots, short.not_after + SECOND)
    assert not leads_to(short, roots, short.not_before - 1)
    ca = ServerCa(below).authority
    assert leads_to(ca, roots, NOW + 2 * HOUR)
    assert not leads_to(ca, roots, NOW + 2 * HOUR + SECOND)
    stretched = attrs.evolve(long)
    stretched.certificate.not_after = NOW + 30 * HOUR
    assert not leads_to(stretched, roots, NOW + 2 * HOUR + SECOND)  # its CA has ended
    assert not leads_to(stretched, roots, NOW + 25 * HOUR)  # and so has the root


ROOT = made.root("disk root", uris=())
INTERMEDIATE = made.intermediate(ROOT, "disk intermediate")
OTHER = made.root("other root", uris=())
NAMELESS = made.root("disk root without key identifier", uris=(), key_id=None)
BELOW_NAMELESS = made.intermediate(NAMELESS, "below it", authority_key_id=None)


def disk(*chain: Issued, bundle: Issued | None = None) -> Keyring:
    authority = DiskUpstreamAuthority(
        certificate=b"".join(write_pem("CERTIFICATE", each.der) for each in chain),
        private_key=key_pem(chain[0].key),
        bundle=None if bundle is None else write_pem("CERTIFICATE", bundle.der),
    )
    keyring = make_keyring(upstream=authority)
    keyring.start(NOW)
    return keyring


@pytest.mark.parametrize(
    ("keyring", "root"),
    [
        (disk(ROOT), ROOT),
        (disk(INTERMEDIATE, bundle=ROOT), ROOT),
        (disk(NAMELESS), NAMELESS),
        (disk(BELOW_NAMELESS, bundle=NAMELESS), NAMELESS),
    ],
)
def test_strangers_certificates_are_told_by_their_key_identifiers_or_names(keyring: Keyring, root: Issued) -> None:
    (known,) = keyring.view.roots
    other = read_certificate(OTHER.der)
    for below in (keyring, nested(keyring)):
        for signed in (svid_of(below), ServerCa(below).authority):
            assert leads_to(signed, [other, known], NOW)
            assert leads_to(signed, [read_certificate(root.der)], NOW)
            assert not leads_to(signed, [other], NOW)


@attrs.frozen
class Foreign:
    """A certificate as a plugin of somebody else's may give it."""

    der: bytes
    subject: bytes
    subject_key_id: bytes | None
    not_before: int
    not_after: int


def test_a_plugins_own_kind_of_certificate_is_read() -> None:
    keyring = disk(INTERMEDIATE, bundle=ROOT)
    svid = svid_of(keyring)
    assert svid.issuers is not None
    assert svid.issuers.tail is not None
    read = svid.issuers.tail.head
    svid.issuers.tail.head = Foreign(read.der, read.subject, read.subject_key_id, read.not_before, read.not_after)
    roots: list[CertificateLike] = keyring.view.roots
    assert leads_to(svid, roots, NOW)
    assert not leads_to(svid, [read_certificate(OTHER.der)], NOW)
