"""TLS with :mod:`ssl`: contexts that present and trust SVIDs, and who is at the other end.

``ssl`` checks signatures and real time, but neither the SPIFFE ID nor which trust domain's
authority has signed it: after the handshake, :func:`authorize` does.

Spec: X509-SVID 5
"""

from __future__ import annotations

import os
import ssl
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from spiffesim.errors import InvalidBundle, InvalidInput, InvalidSvid, RealTimeWarning, UnexpectedPeer
from spiffesim.instants import clock_times, microseconds
from spiffesim.spiffe.validation import examine_x509_svid
from spiffesim.spiffe.x509.certificate import read_certificate

if TYPE_CHECKING:
    from spiffesim.spiffe.bundle import SpiffeBundle
    from spiffesim.spiffe.bundlemap import Bundles
    from spiffesim.spiffe.ids import Matcher, SpiffeId
    from spiffesim.spiffe.x509svid import X509Svid

Connection: TypeAlias = ssl.SSLSocket | ssl.SSLObject


def configure_cert(svid: X509Svid, ssl_context: ssl.SSLContext) -> None:
    """Let a TLS context present an SVID; usually called as ``svid.configure_cert(context)``.

    Raises:
        InvalidSvid: If ``ssl`` cannot use it.

    Warns:
        RealTimeWarning: If the real present is not within its validity; its peers will refuse it.
    """
    _warn_of_real_time(svid)
    with _as_file(svid.chain_pem + svid.private_key_pem) as path:
        try:
            ssl_context.load_cert_chain(path)
        except ssl.SSLError as error:
            raise InvalidSvid(f"ssl cannot use {svid!r}: {error}", code="tls", clause="X509-SVID 1") from None


def configure_trust(bundle: SpiffeBundle, ssl_context: ssl.SSLContext) -> None:
    """Let a TLS context trust the X.509 authorities of a bundle, and demand a certificate of its peer.

    No name is checked, because SVIDs have none that ``ssl`` knows: :func:`authorize` the peer after
    the handshake. Authorities need not be self-signed.

    Raises:
        InvalidBundle: If the bundle has no X.509 authorities, one is not a CA's, or ``ssl`` cannot use them.
    """
    # Read first: with partial chains, ssl would take a leaf among them for its own authority.
    authorities = bundle.anchors.certificates
    try:
        ssl_context.load_verify_locations(cadata=b"".join(authority.der for authority in authorities))
    except (ssl.SSLError, ValueError) as error:
        raise InvalidBundle(
            f"ssl cannot use the {len(bundle.x509_der)} X.509 authorities of {bundle.trust_domain}: {error}",
            code="tls",
            clause="X509-SVID 6.2",
        ) from None
    ssl_context.check_hostname = False
    ssl_context.verify_mode = ssl.CERT_REQUIRED
    ssl_context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def peer_id(ssl_object: Connection) -> SpiffeId:
    """The SPIFFE ID of the peer of a TLS connection, as its certificate says it.

    What ``ssl`` was told to check is checked, and nothing more: see :func:`authorize`.

    Args:
        ssl_object: The connection, after its handshake.

    Raises:
        InvalidInput: If there has been no handshake.
        InvalidSvid: If the peer has presented no certificate, or one that has not exactly one URI.
        InvalidSpiffeId: If the URI is not a SPIFFE ID.
    """
    chain = _peer_chain(ssl_object)
    if not chain:
        raise InvalidSvid("the peer has presented no certificate", code="chain_present", clause="X509-SVID 5.1")
    return read_certificate(chain[0]).spiffe_id


def authorize(ssl_object: Connection, matcher: Matcher, bundles: Bundles, at: datetime | None = None) -> SpiffeId:
    """Check who is at the other end of a TLS connection.

    Validates the whole chain that the peer has presented against the bundle of its own trust domain,
    and asks the matcher whether it is one that we talk to.

    Args:
        ssl_object: The connection, after its handshake.
        matcher: Who may be there, such as ``match_id("spiffe://example.org/db")``.
        bundles: What we trust.
        at: The instant of the judgement; by default the real present, which is what ``ssl`` goes by.

    Returns:
        The SPIFFE ID of the peer.

    Raises:
        ValidationError: The first rule that its SVID breaks.
        UnexpectedPeer: If the matcher does not match it.
        InvalidInput: If an argument is not what it has to be, or there has been no handshake.

    Spec: X509-SVID 5
    """
    if not callable(matcher):
        raise InvalidInput(f"a matcher is a function, such as match_id(...) makes it, not {matcher!r:.80}")
    verdict = examine_x509_svid(_peer_chain(ssl_object), bundles, at=_present() if at is None else at)
    if verdict.first is not None:
        raise verdict.first
    spiffe_id = verdict.spiffe_id
    assert spiffe_id is not None  # an SVID that validates has one
    if not matcher(spiffe_id):
        raise UnexpectedPeer(
            f'unexpected ID "{spiffe_id}": the SVID is valid, but the matcher does not take it',
            clause="X509-SVID 5.2",
            spiffe_id=spiffe_id,
            verdict=verdict,
        )
    return spiffe_id


def _peer_chain(ssl_object: Connection) -> list[bytes]:
    """The certificates that the peer has presented, as DER, the leaf first."""
    connection: Any = ssl_object
    # Public from Python 3.13 on.
    get_chain = getattr(connection, "get_unverified_chain", None) or getattr(
        getattr(connection, "_sslobj", None), "get_unverified_chain", None
    )
    if get_chain is None:
        raise InvalidInput(f"a connected SSLSocket or SSLObject was expected, not {connection!r:.80}")
    try:
        connection.getpeercert(binary_form=True)
    except (ValueError, OSError) as error:
        raise InvalidInput(f"the peer is not known: {error}") from None
    chain = get_chain() or ()
    return [
        certificate if isinstance(certificate, bytes) else ssl.PEM_cert_to_DER_cert(certificate.public_bytes())
        for certificate in chain
    ]


def _present() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - ssl goes by real time; a warning and a default, no rule, depend on it


def _warn_of_real_time(svid: X509Svid) -> None:
    now = _present().replace(microsecond=0)
    if now < svid.not_before:
        limit, shown = clock_times(microseconds(svid.not_before), microseconds(now))
        problem = f"begins in {svid.not_before - now} (not before {limit}, now {shown})"
    elif now > svid.not_after:
        limit, shown = clock_times(microseconds(svid.not_after), microseconds(now))
        problem = f"expired {now - svid.not_after} ago (not after {limit}, now {shown})"
    else:
        return
    warnings.warn(
        f"ssl uses real time, in which {svid!r} {problem}; a simulation without seed starts at the real present",
        RealTimeWarning,
        stacklevel=4,  # who called svid.configure_cert
    )


@contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """The path of a file with these bytes, which nobody else may read, and which is gone afterwards."""
    create = getattr(os, "memfd_create", None)
    if create is not None and Path("/proc/self/fd").exists():
        # Linux: a file that is never on a disk.
        with os.fdopen(create("svid"), "wb") as file:
            file.write(data)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
        return
    descriptor, name = tempfile.mkstemp()
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        yield name
    finally:
        Path(name).unlink()
