"""Name constraints: the namespace that a CA keeps everything below it in.

URI and DNS constraints are processed. A critical constraint of another form is refused where it
could bite, as RFC 5280 4.2.1.10 demands of those who do not process it.

Spec: RFC 5280 4.2.1.10, X509-SVID 4.2
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

from spiffesim.spiffe.x509 import extensions as ext
from spiffesim.spiffe.x509.certificate import Certificate
from spiffesim.spiffe.x509.extensions import NameConstraints, Subtree
from spiffesim.spiffe.x509.limits import MAX_HOST

_HOST: Final = re.compile(r"\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*", re.IGNORECASE)
_DNS: Final = re.compile(rf"({_HOST.pattern})?", re.IGNORECASE)
# A name of the form that RFC 5280 4.2.1.6 demands: with a dot at its end it would slip past what excludes it.
_DNS_NAME: Final = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*", re.IGNORECASE)
_SHOWN: Final = 2048  # characters of a name, which is all of a SPIFFE ID
_TOLD: Final = 8  # constraints
_ADDRESS: Final = re.compile(r"[0-9.]+|.*:.*")
_EMAIL_ADDRESS: Final = bytes.fromhex("06092a864886f70d010901")  # the attribute of a subject that is an e-mail address
_FORM_NAMES: Final = (
    "otherName",
    "rfc822Name",
    "dNSName",
    "x400Address",
    "directoryName",
    "ediPartyName",
    "uniformResourceIdentifier",
    "iPAddress",
    "registeredID",
)


def effort(issuer: Certificate, path: Sequence[Certificate]) -> int:
    """How many times a name is held against a constraint, to find out what an issuer forbids on a path.

    A certificate counts as one name more for each KiB: a stranger chooses how long its names are.
    """
    constraints = issuer.extensions.name_constraints
    if constraints is None:
        return 0
    names = sum(1 + len(certificate.extensions.name_forms) + (len(certificate.der) >> 10) for certificate in path)
    return names * len(constraints.permitted + constraints.excluded)


def constrained(issuer: Certificate, path: Sequence[Certificate]) -> Iterator[tuple[int, bool, str]]:
    """What the name constraints of an issuer forbid on the path below it.

    Yields:
        The depth of the certificate, whether the constraints could be applied, and the reason.
    """
    constraints = issuer.extensions.name_constraints
    if constraints is None:
        return
    critical = issuer.extensions.present[ext.NAME_CONSTRAINTS]
    for depth, certificate in enumerate(path):
        # RFC 5280 6.1.3: self-issued certificates are skipped, unless it is the leaf.
        if depth and certificate.self_issued:
            continue
        reason = _unprocessed(constraints, critical, certificate)
        if reason is not None:
            yield depth, False, reason
        elif (reason := _violation(constraints, certificate)) is not None:
            yield depth, True, reason


def _unprocessed(constraints: NameConstraints, critical: bool, below: Certificate) -> str | None:
    """Why constraints cannot be applied to a certificate below, to follow the issuer's name, or None."""
    for subtree in constraints.permitted + constraints.excluded:
        name = _FORM_NAMES[subtree.form]
        if not subtree.plain:
            return f"has a {name} constraint with a minimum or a maximum"
        if subtree.form in (ext.URI, ext.DNS):
            pattern = _HOST if subtree.form == ext.URI else _DNS
            if len(subtree.base) > MAX_HOST or not pattern.fullmatch(subtree.base.decode()):
                return f"has a {name} constraint that is not a host: {subtree.base.decode()!r:.80}"
        elif critical and _has_name(below, subtree.form):
            return f"has a critical {name} constraint, a form of name that is not processed here"
    return None


def _has_name(certificate: Certificate, form: int) -> bool:
    if form in certificate.extensions.name_forms:
        return True
    if form == ext.DIRECTORY:
        return certificate.has_subject
    return form == ext.EMAIL and _EMAIL_ADDRESS in certificate.subject


def _violation(constraints: NameConstraints, below: Certificate) -> str | None:
    """Which name of a certificate lies outside of the constraints, and of which, or None."""
    for form, name, host in _names(below):
        permitted = [subtree for subtree in constraints.permitted if subtree.form == form]
        if host is None and any(tree.form == form for tree in constraints.permitted + constraints.excluded):
            return f"{name:.{_SHOWN}} has no host name to hold against its constraints"
        if host is None:
            continue
        if permitted and not any(_within(host, subtree) for subtree in permitted):
            allowed = ", ".join(subtree.base.decode() for subtree in permitted[:_TOLD])
            more = f" and {len(permitted) - _TOLD} more" if len(permitted) > _TOLD else ""
            return f"{name:.{_SHOWN}} is not within the permitted {allowed}{more}"
        for subtree in constraints.excluded:
            if subtree.form == form and _may_be_within(host, subtree):
                return f"{name:.{_SHOWN}} is within the excluded {subtree.base.decode()}"
    return None


def _names(certificate: Certificate) -> Iterator[tuple[int, str, str | None]]:
    """The form, the text and the host of every name that is processed."""
    for uri in certificate.uris:
        yield ext.URI, uri, _host(uri)
    for name in certificate.dns_names:
        yield ext.DNS, name, name.lower() if len(name) <= MAX_HOST and _DNS_NAME.fullmatch(name) else None


def _host(uri: str) -> str | None:
    """The host of a URI, or None where it has none or it is an address."""
    try:
        host = urlsplit(uri).hostname
    except ValueError:
        return None
    return None if not host or _ADDRESS.fullmatch(host) else host


def _within(host: str, subtree: Subtree) -> bool:
    base = subtree.base.decode().lower()
    if base.startswith("."):
        return host.endswith(base) and host != base
    if host == base or not base:
        return True
    # A URI constraint without a dot is one host; a DNS constraint is a host and everything below it.
    return subtree.form == ext.DNS and host.endswith("." + base)


def _may_be_within(host: str, subtree: Subtree) -> bool:
    if _within(host, subtree):
        return True
    # A wildcard stands for a name that may be the excluded one.
    return host.startswith("*.") and subtree.base.decode().lower().endswith(host[1:])
