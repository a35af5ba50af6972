"""Lineage: whether what was signed leads to a root, told by the records."""

from __future__ import annotations

from collections.abc import Iterable

from spiffesim.authority import IssuedCertificate, IssuedSvid, X509Authority
from spiffesim.chain import CertificateLike
from spiffesim.instants import Microseconds
from spiffesim.spiffe.x509.certificate import Certificate, read_certificate


def leads_to(signed: IssuedSvid | X509Authority, roots: Iterable[CertificateLike], now: Microseconds) -> bool:
    """Whether an X.509-SVID, or a CA, verifies to one of these roots now.

    Args:
        signed: The SVID or the CA, with the chain that it presents.
        roots: The roots, usually those that are tainted.
        now: The present instant: a certificate that has ended, or not begun, leads nowhere.

    SPIRE: pkg/common/x509util/cert.go (IsSignedByRoot), pkg/server/ca/manager/manager.go (isX509AuthorityTainted)
    """
    alive = [root for root in roots if _alive(root, now)]
    chain = signed.issuers if isinstance(signed, IssuedSvid) else signed.chain
    for certificate in (signed.certificate, *(chain or ())):
        if not alive or not _alive(certificate, now):
            return False
        if any(_signed_by(certificate, root) for root in alive):
            return True
    return False


def _alive(certificate: CertificateLike, now: Microseconds) -> bool:
    return certificate.not_before <= now <= certificate.not_after


def _signed_by(certificate: CertificateLike, root: CertificateLike) -> bool:
    if isinstance(certificate, IssuedCertificate):
        issuer = certificate if certificate.issuer is None else certificate.issuer.certificate
        return issuer is root or (not _records(issuer, root) and _same(issuer, root))
    # A stranger's: it is there as a document already.
    read = certificate if isinstance(certificate, Certificate) else read_certificate(certificate.der)
    if read.authority_key_id is not None and root.subject_key_id is not None:
        return read.authority_key_id == root.subject_key_id
    return read.issuer == root.subject


def _records(issuer: CertificateLike, root: CertificateLike) -> bool:
    """Whether both are records of ours: then they are the same only if they are one."""
    return isinstance(issuer, IssuedCertificate) and isinstance(root, IssuedCertificate)


def _same(issuer: CertificateLike, root: CertificateLike) -> bool:
    if root.subject_key_id is None:
        return issuer.der == root.der
    return issuer.subject_key_id == root.subject_key_id
