"""Real mutual TLS: sockets on the loopback interface, between workloads of two nested servers."""

from __future__ import annotations

import socket
import ssl
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import pytest

from spiffesim.errors import Expired, RealTimeWarning, UnexpectedPeer, UntrustedDomain
from spiffesim.simulation import Simulation
from spiffesim.spiffe import authorize, match_id, match_member_of, peer_id
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.x509svid import X509Svid
from spiffesim.workload import Workload

WEB = "spiffe://example.org/nestedA/web"
DB = "spiffe://example.org/nestedB/db"
PATIENCE = 30  # seconds; a handshake takes a few milliseconds


def context(side: int, svid: X509Svid, *bundles: SpiffeBundle) -> ssl.SSLContext:
    """What a workload configures: its own SVID, and whom it trusts."""
    made = ssl.SSLContext(side)
    svid.configure_cert(made)
    for bundle in bundles:
        bundle.configure_trust(made)
    return made


def workload_context(side: int, workload: Workload) -> ssl.SSLContext:
    return context(side, workload.fetch_x509_svid(), *workload.fetch_x509_bundles())


class Connection:
    """Both ends of a TLS connection over loopback."""

    def __init__(self, server: ssl.SSLSocket, client: ssl.SSLSocket) -> None:
        self.server = server
        self.client = client

    def carries(self, data: bytes) -> bool:
        """Whether bytes arrive in both directions."""
        self.client.sendall(data)
        there = self.server.recv(len(data))
        self.server.sendall(there[::-1])
        return self.client.recv(len(data)) == data[::-1]


@contextmanager
def connected(server: ssl.SSLContext, client: ssl.SSLContext) -> Iterator[Connection]:
    """A TLS connection after its handshake; what either end refuses is raised here."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        listener.settimeout(PATIENCE)
        pool = stack.enter_context(ThreadPoolExecutor(1))
        accepted = pool.submit(_accept, listener, server)
        raw = stack.enter_context(socket.create_connection(listener.getsockname(), timeout=PATIENCE))
        try:
            client_end = stack.enter_context(client.wrap_socket(raw))
        finally:
            # In TLS 1.3 the server judges the client after the client believes that all is well.
            server_end = accepted.result()
        yield Connection(stack.enter_context(server_end), client_end)


def _accept(listener: socket.socket, server: ssl.SSLContext) -> ssl.SSLSocket:
    raw, _ = listener.accept()
    raw.settimeout(PATIENCE)
    with raw:  # the TLS socket takes its descriptor over, unless it comes to nothing
        return server.wrap_socket(raw, server_side=True)


@pytest.fixture
def web(spiffe_simulation: Simulation) -> Workload:
    return spiffe_simulation.root.nest("nestedA").workload("/nestedA/web")


@pytest.fixture
def db(spiffe_simulation: Simulation) -> Workload:
    return spiffe_simulation.root.nest("nestedB").workload("/nestedB/db")


@pytest.fixture
def stranger(spiffe_simulation: Simulation) -> Workload:
    """A workload that calls itself the same, in another trust domain."""
    return spiffe_simulation.add_trust_domain("other.test").workload("/nestedA/web")


@pytest.fixture
def server(db: Workload) -> ssl.SSLContext:
    return workload_context(ssl.PROTOCOL_TLS_SERVER, db)


@pytest.fixture
def client(web: Workload) -> ssl.SSLContext:
    return workload_context(ssl.PROTOCOL_TLS_CLIENT, web)


def test_workloads_of_two_nested_servers_talk_and_know_each_other(
    server: ssl.SSLContext, client: ssl.SSLContext, web: Workload, db: Workload
) -> None:
    with connected(server, client) as connection:
        assert str(authorize(connection.server, match_id(WEB), db.fetch_x509_bundles())) == WEB
        assert str(authorize(connection.client, match_id(DB), web.fetch_x509_bundles())) == DB
        assert connection.carries(b"select 1")


def test_the_peer_says_its_spiffe_id(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    with connected(server, client) as connection:
        assert str(peer_id(connection.server)) == WEB
        assert str(peer_id(connection.client)) == DB


def test_a_server_refuses_a_client_of_a_foreign_trust_domain_in_the_handshake(
    server: ssl.SSLContext, client: ssl.SSLContext, stranger: Workload, db: Workload
) -> None:
    # The stranger trusts the server, so it is the server that refuses.
    foreign = context(ssl.PROTOCOL_TLS_CLIENT, stranger.fetch_x509_svid(), *db.fetch_x509_bundles())
    with (
        pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer certificate"),
        connected(server, foreign),
    ):
        pass
    with connected(server, client) as connection:
        assert connection.carries(b"the control")


def test_a_client_refuses_a_server_of_a_foreign_trust_domain_in_the_handshake(
    server: ssl.SSLContext, client: ssl.SSLContext, stranger: Workload, web: Workload
) -> None:
    foreign = context(ssl.PROTOCOL_TLS_SERVER, stranger.fetch_x509_svid(), *web.fetch_x509_bundles())
    with pytest.raises(ssl.SSLError) as refused, connected(foreign, client):
        pass
    # The server hears of it in an alert; the client's own reason lies beneath.
    assert any("unable to get local issuer certificate" in str(error) for error in chain_of(refused.value))
    with connected(server, client) as connection:
        assert connection.carries(b"the control")


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__context__


def test_a_peer_with_another_id_is_refused_by_authorize(
    server: ssl.SSLContext, client: ssl.SSLContext, db: Workload
) -> None:
    # ssl is content with anybody whom the bundle vouches for.
    with connected(server, client) as connection:
        with pytest.raises(UnexpectedPeer, match=f'unexpected ID "{WEB}"') as refused:
            authorize(connection.server, match_id("spiffe://example.org/nestedA/backup"), db.fetch_x509_bundles())
        assert str(refused.value.spiffe_id) == WEB
        assert str(authorize(connection.server, match_member_of("example.org"), db.fetch_x509_bundles())) == WEB


def test_a_peer_of_a_trust_domain_that_only_ssl_trusts_is_refused_by_authorize(
    client: ssl.SSLContext, stranger: Workload, web: Workload, db: Workload
) -> None:
    # A context is one pool of roots: whoever puts two bundles into it lets each speak for the other.
    both = (*db.fetch_x509_bundles(), *stranger.fetch_x509_bundles())
    lenient = context(ssl.PROTOCOL_TLS_SERVER, db.fetch_x509_svid(), *both)
    foreign = context(ssl.PROTOCOL_TLS_CLIENT, stranger.fetch_x509_svid(), *db.fetch_x509_bundles())
    with connected(lenient, foreign) as connection:
        anybody: Any = match_member_of("other.test")
        with pytest.raises(UntrustedDomain, match=r"no bundle is held for trust domain other\.test"):
            authorize(connection.server, anybody, db.fetch_x509_bundles())
        assert str(authorize(connection.server, anybody, both)) == "spiffe://other.test/nestedA/web"
    with connected(lenient, client) as connection:
        assert str(authorize(connection.server, match_id(WEB), db.fetch_x509_bundles())) == WEB


def test_authorize_judges_at_the_instant_that_it_is_given(
    server: ssl.SSLContext, client: ssl.SSLContext, db: Workload, spiffe_simulation: Simulation
) -> None:
    bundles = db.fetch_x509_bundles()
    with connected(server, client) as connection:
        now = spiffe_simulation.now
        assert str(authorize(connection.server, match_id(WEB), bundles, at=now + timedelta(minutes=59))) == WEB
        with pytest.raises(Expired, match=f"{WEB} expired 1:00:00 ago"):
            authorize(connection.server, match_id(WEB), bundles, at=now + timedelta(hours=2))


def test_an_svid_of_2030_warns_because_ssl_uses_real_time(spiffe_simulation: Simulation) -> None:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    then = Simulation("example.org", seed=1).workload("/web").fetch_x509_svid()
    with pytest.warns(RealTimeWarning, match="ssl uses real time, in which") as caught:
        then.configure_cert(made)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spiffe_simulation.workload("/web").fetch_x509_svid().configure_cert(made)
