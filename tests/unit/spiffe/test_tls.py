"""Real TLS in memory, in real time, between SVIDs made by hand."""

from __future__ import annotations

import socket
import ssl
import tempfile
import warnings
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from spiffesim import errors
from spiffesim.spiffe import tls
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import SpiffeId, match_any, match_id, match_member_of
from spiffesim.spiffe.tls import authorize, peer_id
from spiffesim.spiffe.x509svid import X509Svid
from tests.oracles import certificates as make
from tests.oracles.certificates import DAY, HOUR, Issued

NOW = datetime.now(UTC).replace(microsecond=0)
NOWADAYS = {"not_before": NOW - DAY, "not_after": NOW + DAY}


@attrs.frozen
class Domain:
    """A trust domain with one intermediate below its root."""

    name: str
    root: Issued
    intermediate: Issued

    @classmethod
    def of(cls, name: str) -> Domain:
        options: dict[str, Any] = {**NOWADAYS, "uris": [f"spiffe://{name}"]}
        root = make.root(name, **options)
        return cls(name, root, make.intermediate(root, f"below {name}", **options))

    @property
    def bundle(self) -> SpiffeBundle:
        return SpiffeBundle(self.name, [self.root.der])

    def svid(self, path: str, **changes: Any) -> X509Svid:
        leaf = make.leaf(self.intermediate, f"spiffe://{self.name}{path}", **{**NOWADAYS, **changes})
        return X509Svid(make.ders(leaf, self.intermediate), make.pkcs8(leaf.key))


OURS, THEIRS = Domain.of("example.org"), Domain.of("other.org")
WEB, DB = OURS.svid("/web"), OURS.svid("/db", key=make.key("db"))


def context(server: bool, svid: X509Svid | None, bundle: SpiffeBundle) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    if svid is not None:
        svid.configure_cert(made)
    bundle.configure_trust(made)
    return made


def shaken(client: ssl.SSLContext, server: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """A client and a server that have shaken hands."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = client.wrap_bio(to_client, to_server), server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in ends:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    # With TLS 1.3 the client is done before the server has judged it.
    ends[1].write(b"hello")
    assert ends[0].read(5) == b"hello"
    return ends


def test_two_workloads_shake_hands_and_know_each_other() -> None:
    client, server = shaken(context(False, WEB, OURS.bundle), context(True, DB, OURS.bundle))
    assert peer_id(client) == SpiffeId("spiffe://example.org/db")
    assert peer_id(server) == SpiffeId("spiffe://example.org/web")
    assert authorize(client, match_id("spiffe://example.org/db"), OURS.bundle) == peer_id(client)
    assert authorize(server, match_member_of("example.org"), [THEIRS.bundle, OURS.bundle]) == peer_id(server)


def test_workloads_of_two_trust_domains_shake_hands() -> None:
    client_context, server_context = context(False, THEIRS.svid("/web"), OURS.bundle), context(True, DB, THEIRS.bundle)
    client, server = shaken(client_context, server_context)
    assert authorize(server, match_any(), THEIRS.bundle) == SpiffeId("spiffe://other.org/web")
    assert authorize(client, match_any(), OURS.bundle) == SpiffeId("spiffe://example.org/db")


def test_the_peer_presents_its_whole_chain() -> None:
    client, server = shaken(context(False, WEB, OURS.bundle), context(True, DB, OURS.bundle))
    assert tls._peer_chain(client)[:2] == list(DB.chain)
    assert tls._peer_chain(server)[:2] == list(WEB.chain)


# Refused by ssl


@pytest.mark.parametrize(
    ("svid", "bundle", "reason"),
    [
        (WEB, THEIRS.bundle, "certificate verify failed"),
        (THEIRS.svid("/web"), OURS.bundle, "certificate verify failed"),
        (OURS.svid("/web", not_after=NOW - HOUR), OURS.bundle, "certificate has expired"),
        (OURS.svid("/web", not_before=NOW + HOUR), OURS.bundle, "certificate is not yet valid"),
        (X509Svid(WEB.chain[:1], WEB.private_key_der), OURS.bundle, "certificate verify failed"),
        (None, OURS.bundle, "peer did not return a certificate"),
    ],
    ids=["the bundle of another", "an SVID of another", "expired", "not begun", "no intermediate", "nothing"],
)
def test_the_handshake_fails(svid: X509Svid | None, bundle: SpiffeBundle, reason: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.RealTimeWarning)
        client = context(False, svid, OURS.bundle)
    with pytest.raises(ssl.SSLError, match=reason):
        shaken(client, context(True, DB, bundle))


def test_an_authority_need_not_have_signed_itself() -> None:
    bundle = SpiffeBundle("example.org", [OURS.intermediate.der])
    client, server = shaken(context(False, WEB, OURS.bundle), context(True, DB, bundle))
    assert authorize(server, match_any(), bundle) == SpiffeId("spiffe://example.org/web")
    assert client.version()


# Refused by us


def met() -> ssl.SSLObject:
    """The server's end of a connection that ``ssl`` is content with: it trusts both trust domains."""
    both = context(True, DB, OURS.bundle)
    THEIRS.bundle.configure_trust(both)
    return shaken(context(False, THEIRS.svid("/web"), OURS.bundle), both)[1]


def test_a_peer_that_the_matcher_does_not_match() -> None:
    connection = met()
    assert authorize(connection, match_id("spiffe://other.org/web"), THEIRS.bundle) == peer_id(connection)
    with pytest.raises(errors.UnexpectedPeer) as caught:
        authorize(connection, match_id("spiffe://other.org/db"), THEIRS.bundle)
    assert str(caught.value).startswith('unexpected ID "spiffe://other.org/web"')
    assert (caught.value.code, caught.value.clause) == ("unexpected_peer", "X509-SVID 5.2")
    assert caught.value.spiffe_id == SpiffeId("spiffe://other.org/web")
    assert caught.value.verdict.ok


def test_a_peer_of_a_trust_domain_whose_bundle_we_do_not_hold() -> None:
    with pytest.raises(errors.UntrustedDomain, match=r"no bundle is held for trust domain other\.org"):
        authorize(met(), match_any(), OURS.bundle)


def test_a_peer_that_another_trust_domain_vouches_for() -> None:
    # ssl has one pool of roots, in which other.org's CA may sign for example.org.
    forged = make.leaf(THEIRS.intermediate, "spiffe://example.org/web", **NOWADAYS)
    svid = X509Svid(make.ders(forged, THEIRS.intermediate), make.pkcs8(forged.key))
    both = context(True, DB, OURS.bundle)
    THEIRS.bundle.configure_trust(both)
    connection = shaken(context(False, svid, OURS.bundle), both)[1]
    assert peer_id(connection) == SpiffeId("spiffe://example.org/web")
    with pytest.raises(errors.UnknownAuthority):
        authorize(connection, match_any(), [OURS.bundle, THEIRS.bundle])


def test_a_peer_that_expires_while_the_connection_lasts() -> None:
    connection = met()
    assert authorize(connection, match_any(), THEIRS.bundle, at=NOW + DAY) == peer_id(connection)
    with pytest.raises(errors.Expired):
        authorize(connection, match_any(), THEIRS.bundle, at=NOW + DAY + timedelta(seconds=1))
    with pytest.raises(errors.ClockError):
        authorize(connection, match_any(), THEIRS.bundle, datetime(2030, 1, 1))


def test_a_peer_without_certificate() -> None:
    server = context(True, DB, OURS.bundle)
    server.verify_mode = ssl.CERT_NONE
    connection = shaken(context(False, None, OURS.bundle), server)[1]
    with pytest.raises(errors.InvalidSvid, match="the peer has presented no certificate") as caught:
        peer_id(connection)
    assert caught.value.code == "chain_present"
    with pytest.raises(errors.Malformed, match="no certificate is presented"):
        authorize(connection, match_any(), OURS.bundle)


def test_a_peer_whose_certificate_is_no_svid() -> None:
    plain = make.leaf(OURS.intermediate, **NOWADAYS, uris=())
    svid = X509Svid(make.ders(plain, OURS.intermediate), make.pkcs8(plain.key))
    connection = shaken(context(False, svid, OURS.bundle), context(True, DB, OURS.bundle))[1]
    with pytest.raises(errors.InvalidSvid, match="has 0 URIs"):
        peer_id(connection)
    with pytest.raises(errors.ConstraintViolation):
        authorize(connection, match_any(), OURS.bundle)


def test_who_is_there_is_known_only_after_the_handshake() -> None:
    early = context(False, WEB, OURS.bundle).wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())
    with pytest.raises(errors.InvalidInput, match="the peer is not known: handshake not done yet"):
        peer_id(early)
    with pytest.raises(errors.InvalidInput, match="the peer is not known"):
        authorize(early, match_any(), OURS.bundle)


def test_what_is_no_connection_is_refused() -> None:
    with closing(socket.socket()) as plain, closing(context(False, WEB, OURS.bundle).wrap_socket(plain)) as lonely:
        for connection in (plain, lonely, None, "connection"):
            with pytest.raises(
                errors.InvalidInput, match=r"a connected SSLSocket or SSLObject was|the peer is not known"
            ):
                peer_id(connection)  # type: ignore[arg-type]  # the point


def test_what_is_no_matcher_is_refused() -> None:
    with pytest.raises(errors.InvalidInput, match=r"such as match_id\(\.\.\.\) makes it"):
        authorize(met(), "spiffe://other.org/web", THEIRS.bundle)  # type: ignore[arg-type]  # the point


def test_later_pythons_say_the_chain_themselves() -> None:
    later = SimpleNamespace(getpeercert=lambda binary_form: None, get_unverified_chain=lambda: list(WEB.chain))
    assert peer_id(later) == SpiffeId("spiffe://example.org/web")  # type: ignore[arg-type]  # what ssl has from 3.13 on


# Contexts


def test_an_svid_outside_of_real_time_is_used_with_a_warning() -> None:
    cases = [
        (OURS.svid("/web", not_before=NOW - 9 * DAY, not_after=NOW - 7 * DAY), "expired 7 days, "),
        (OURS.svid("/web", not_before=NOW + 7 * DAY, not_after=NOW + 9 * DAY), "begins in [67] days, "),
    ]
    for svid, reason in cases:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        with pytest.warns(errors.RealTimeWarning, match=reason) as caught:
            svid.configure_cert(made)
        assert Path(caught[0].filename) == Path(__file__)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        WEB.configure_cert(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))  # the control


def test_a_key_that_is_not_the_leafs_is_refused() -> None:
    mixed = X509Svid(WEB.chain, DB.private_key_der)
    with pytest.raises(errors.InvalidSvid, match=r"ssl cannot use <X509Svid spiffe://example\.org/web") as caught:
        mixed.configure_cert(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    assert caught.value.code == "tls"


@pytest.mark.parametrize(
    ("ders", "reason"),
    [
        ((), "ssl cannot use the 0 X.509 authorities of example.org"),
        ((b"nonsense",), "the bundle of example.org cannot be used: 8 bytes are not an X.509 certificate"),
        ((OURS.root.der, b"nonsense"), "the bundle of example.org cannot be used"),
        ((OURS.root.der, WEB.chain[0]), "certificate of spiffe://example.org/web is not a CA certificate"),
    ],
)
def test_a_bundle_that_cannot_be_used_is_refused(ders: tuple[bytes, ...], reason: str) -> None:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with pytest.raises(errors.InvalidBundle, match=reason):
        SpiffeBundle("example.org", ders).configure_trust(made)
    assert made.get_ca_certs() == []
    SpiffeBundle("example.org", [OURS.root.der]).configure_trust(made)  # the control
    assert len(made.get_ca_certs()) == 1


def test_a_context_that_trusts_demands_a_certificate_but_no_host_name() -> None:
    for kind in (ssl.PROTOCOL_TLS_CLIENT, ssl.PROTOCOL_TLS_SERVER):
        made = ssl.SSLContext(kind)
        OURS.bundle.configure_trust(made)
        assert made.verify_mode is ssl.CERT_REQUIRED
        assert made.check_hostname is False
        assert made.verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN
        assert made.get_ca_certs(binary_form=True) == [OURS.root.der]


@pytest.mark.parametrize("svid", [WEB, X509Svid(WEB.chain, DB.private_key_der)])
def test_the_key_is_nowhere_on_a_disk_afterwards(
    svid: X509Svid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on systems without ``memfd_create``: one file, gone even if ``ssl`` refuses it."""
    modes = []
    real = ssl.SSLContext.load_cert_chain

    def note(made: ssl.SSLContext, path: str) -> None:
        modes.append(Path(path).stat().st_mode & 0o777)
        assert Path(path).parent == tmp_path
        real(made, path)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delattr("os.memfd_create", raising=False)
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", note)
    with suppress(errors.InvalidSvid):
        svid.configure_cert(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    assert modes == [0o600]
    assert list(tmp_path.iterdir()) == []
