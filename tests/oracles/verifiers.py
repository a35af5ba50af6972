"""Others that say whether a chain is right: ``cryptography``'s verifier, and the OpenSSL command."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import warnings
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509 import verification as v
from cryptography.x509.oid import ExtendedKeyUsageOID

OPENSSL = shutil.which("openssl")

_LEAF_ID = re.compile(r"spiffe://[a-z0-9._-]{1,255}(/(?!\.{1,2}(/|$))[A-Za-z0-9._-]+)+")
_CA_ID = re.compile(r"spiffe://[a-z0-9._-]{1,255}")


def cryptography_accepts(chain: Sequence[bytes], roots: Sequence[bytes], at: datetime) -> bool:
    """Whether ``cryptography``'s path validation, with SPIFFE's rules around it, accepts a chain (leaf first)."""
    try:
        anchors, (leaf, *others) = _loaded(roots), _loaded(chain)
        verifier = (
            v.PolicyBuilder()
            .store(v.Store(anchors))
            .time(at)
            .max_chain_depth(127)
            .extension_policies(ca_policy=_CA, ee_policy=_LEAF)
            .build_client_verifier()
        )
        verifier.verify(leaf, others)
    except (v.VerificationError, ValueError, x509.InvalidVersion):  # the last two: what it cannot even load
        return False
    return True


def exhaustive_accepts(chain: Sequence[bytes], roots: Sequence[bytes], at: datetime) -> bool:
    """Whether any path at all leads from the leaf to a root, each tried in full, as RFC 5280 6.1 has it.

    For a handful of certificates that are right by themselves: what it looks at is names, signatures,
    validity, CA flags, key usages, path lengths and permitted hosts of URIs.
    """
    leaf, *others = _loaded(chain)
    return _valid_at(leaf, at) and _leads_up([leaf], others, _loaded(roots), at)


def _leads_up(
    path: list[x509.Certificate], others: list[x509.Certificate], roots: list[x509.Certificate], at: datetime
) -> bool:
    usable = (
        issuer
        for issuer in (*roots, *others)
        if issuer not in path and _issued(issuer, path[-1]) and _valid_at(issuer, at) and _allows(issuer, path)
    )
    return any(issuer in roots or _leads_up([*path, issuer], others, roots, at) for issuer in usable)


def _issued(issuer: x509.Certificate, child: x509.Certificate) -> bool:
    try:
        child.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _valid_at(certificate: x509.Certificate, at: datetime) -> bool:
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _allows(issuer: x509.Certificate, path: list[x509.Certificate]) -> bool:
    constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
    below = sum(certificate.issuer != certificate.subject for certificate in path[1:])
    if constraints.path_length is not None and below > constraints.path_length:
        return False
    try:
        permitted = issuer.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    except x509.ExtensionNotFound:
        permitted = []
    hosts = [name.value for name in permitted]
    bound = [path[0], *(certificate for certificate in path[1:] if certificate.issuer != certificate.subject)]
    within = not hosts or all(host in hosts for certificate in bound for host in _hosts(certificate))
    return constraints.ca and usage.key_cert_sign and within


def _hosts(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [uri.removeprefix("spiffe://").partition("/")[0] for uri in names.get_values_for_type(_URI)]


_URI = x509.UniformResourceIdentifier


def _loaded(certificates: Sequence[bytes]) -> list[x509.Certificate]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of what later versions of it will refuse
        return [x509.load_der_x509_certificate(certificate) for certificate in certificates]


def _ca_usage(_policy: object, certificate: x509.Certificate, found: x509.KeyUsage) -> None:
    if not found.key_cert_sign:
        raise ValueError("a CA without keyCertSign")
    extensions = certificate.extensions
    named = any(isinstance(each.value, x509.SubjectAlternativeName) for each in extensions)
    if named and not extensions.get_extension_for_class(x509.KeyUsage).critical:
        raise ValueError("a CA with a name and a key usage that is not critical")


def _ca_names(_policy: object, _certificate: object, found: x509.SubjectAlternativeName | None) -> None:
    uris = [] if found is None else found.get_values_for_type(x509.UniformResourceIdentifier)
    if len(uris) > 1 or not all(_CA_ID.fullmatch(uri) for uri in uris):
        raise ValueError("a CA with more than the ID of a trust domain")


def _leaf_names(_policy: object, certificate: x509.Certificate, found: x509.SubjectAlternativeName) -> None:
    uris = found.get_values_for_type(x509.UniformResourceIdentifier)
    if len(uris) != 1 or not _LEAF_ID.fullmatch(uris[0]):
        raise ValueError("a leaf without exactly one SPIFFE ID")
    critical = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical
    if not len(certificate.subject) and not critical:
        raise ValueError("a leaf with no subject and names that are not critical")


def _leaf_usage(_policy: object, _certificate: object, found: x509.KeyUsage) -> None:
    if not found.digital_signature or found.key_cert_sign or found.crl_sign:
        raise ValueError("a leaf with a key usage that is not a leaf's")


def _leaf_constraints(_policy: object, _certificate: object, found: x509.BasicConstraints | None) -> None:
    if found is not None and found.ca:
        raise ValueError("a leaf that is a CA")


def _leaf_purposes(_policy: object, _certificate: object, found: x509.ExtendedKeyUsage | None) -> None:
    if found is not None and not {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH} <= {*found}:
        raise ValueError("a leaf without both purposes")


_ANY = v.Criticality.AGNOSTIC
# permit_all() alone would let a CA pass as a leaf, and a CA without keyCertSign as an issuer.
_CA = (
    v.ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, _ANY, None)
    .require_present(x509.KeyUsage, _ANY, _ca_usage)
    .may_be_present(x509.SubjectAlternativeName, _ANY, _ca_names)
)
_LEAF = (
    v.ExtensionPolicy.permit_all()
    .require_present(x509.SubjectAlternativeName, _ANY, _leaf_names)
    .require_present(x509.KeyUsage, v.Criticality.CRITICAL, _leaf_usage)
    .may_be_present(x509.BasicConstraints, _ANY, _leaf_constraints)
    .may_be_present(x509.ExtendedKeyUsage, _ANY, _leaf_purposes)
)


def openssl_accepts(chain: Sequence[bytes], roots: Sequence[bytes], at: datetime) -> bool:
    """Whether ``openssl verify`` accepts a chain (leaf first); it knows none of SPIFFE's rules for the leaf."""
    assert OPENSSL is not None, "ask verifiers.OPENSSL first"
    with TemporaryDirectory() as folder:
        files = {name: Path(folder, f"{name}.pem") for name in ("leaf", "others", "roots")}
        files["leaf"].write_bytes(_pem(chain[:1]))
        files["others"].write_bytes(_pem(chain[1:]))
        files["roots"].write_bytes(_pem(roots))
        command = [OPENSSL, "verify", "-partial_chain", "-attime", str(int(at.timestamp()))]
        command += ["-no-CApath", "-no-CAstore", "-CAfile", str(files["roots"])]
        if len(chain) > 1:
            command += ["-untrusted", str(files["others"])]
        done = subprocess.run([*command, str(files["leaf"])], capture_output=True, check=False)
    return done.returncode == 0


def _pem(certificates: Sequence[bytes]) -> bytes:
    return "".join(ssl.DER_cert_to_PEM_cert(each) for each in certificates).encode()
