"""The path validation of ``cryptography``, with the rules for X.509-SVIDs around it.

Its verifier knows RFC 5280, not SPIFFE. What it lacks is put into its policies for extensions here: the adapter is
written apart from our own validator, so that the two can be held against each other.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import verification as v
from cryptography.x509.oid import ExtendedKeyUsageOID

from spiffesim.catalogue import X509SvidCase
from spiffesim.compare.validator import Validator

_HOST: Final = r"[a-z0-9._-]{1,255}"
_LEAF_ID: Final = re.compile(rf"spiffe://({_HOST})(/(?!\.{{1,2}}(/|$))[A-Za-z0-9._-]+)+")
_CA_ID: Final = re.compile(rf"spiffe://{_HOST}")
_LONGEST: Final = 127  # intermediates: as many as it can be told
_LONGEST_ID: Final = 2048  # bytes


def cryptography_verifier() -> Validator:
    """``cryptography.x509.verification`` with SPIFFE's rules for leaves and signing certificates; it judges X.509-SVIDs."""
    refusals = (
        v.VerificationError,
        ValueError,  # what it cannot read, and what the policies below say
        x509.InvalidVersion,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
        UnsupportedAlgorithm,
    )
    return Validator("cryptography", ("x509-svid",), _judge, refusals)


def _judge(case: X509SvidCase) -> bool:
    chain = _loaded(case.chain_der)
    if not chain:
        return False
    verifier = (
        v.PolicyBuilder()
        .store(_store(case.bundle_der))
        .time(case.now)
        .max_chain_depth(_LONGEST)
        .extension_policies(ca_policy=_CA, ee_policy=_LEAF)
        .build_client_verifier()
    )
    verifier.verify(chain[0], chain[1:])
    return _trust_domain(chain[0]) == case.trust_domain.name


def _loaded(certificates: Sequence[bytes]) -> list[x509.Certificate]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of what later versions of it will refuse
        return [x509.load_der_x509_certificate(certificate) for certificate in certificates]


@lru_cache(maxsize=64)
def _store(authorities: tuple[bytes, ...]) -> v.Store:
    return v.Store(_loaded(authorities))


def _uris(names: x509.SubjectAlternativeName | None) -> list[str]:
    return [] if names is None else names.get_values_for_type(x509.UniformResourceIdentifier)


def _trust_domain(leaf: x509.Certificate) -> str:
    """Of a leaf that the policies have found right."""
    (uri,) = _uris(leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    return uri.split("/")[2]


# What the policies ask of extensions; each raises where it is not so.


def _ca_usage(_policy: object, certificate: x509.Certificate, found: x509.KeyUsage) -> None:
    _demand(found.key_cert_sign, "a CA without keyCertSign")
    extensions = certificate.extensions
    named = any(isinstance(each.value, x509.SubjectAlternativeName) for each in extensions)
    critical = extensions.get_extension_for_class(x509.KeyUsage).critical
    _demand(critical or not named, "a CA with a name and a key usage that is not critical")


def _ca_names(_policy: object, _certificate: object, found: x509.SubjectAlternativeName | None) -> None:
    uris = _uris(found)
    _demand(len(uris) <= 1 and all(map(_CA_ID.fullmatch, uris)), "a CA with more than the ID of a trust domain")


def _leaf_names(_policy: object, certificate: x509.Certificate, found: x509.SubjectAlternativeName) -> None:
    uris = _uris(found)
    _demand(len(uris) == 1 and len(uris[0]) <= _LONGEST_ID, "a leaf without exactly one URI of at most 2048 bytes")
    _demand(_LEAF_ID.fullmatch(uris[0]) is not None, "a leaf whose URI is not a SPIFFE ID")
    critical = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical
    _demand(critical or len(certificate.subject) > 0, "a leaf with no subject and names that are not critical")


def _leaf_usage(_policy: object, _certificate: object, found: x509.KeyUsage) -> None:
    signs_others = found.key_cert_sign or found.crl_sign
    _demand(found.digital_signature and not signs_others, "a leaf with a key usage that is not a leaf's")


def _leaf_constraints(_policy: object, _certificate: object, found: x509.BasicConstraints | None) -> None:
    _demand(found is None or not found.ca, "a leaf that is a CA")


def _leaf_purposes(_policy: object, _certificate: object, found: x509.ExtendedKeyUsage | None) -> None:
    _demand(found is None or {*found} >= _BOTH, "a leaf without both purposes")


def _demand(met: bool, otherwise: str) -> None:
    if not met:
        raise ValueError(otherwise)


_BOTH: Final = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
_ANY: Final = v.Criticality.AGNOSTIC
# permit_all() alone would let a CA pass as a leaf, and a CA without keyCertSign as an issuer.
_CA: Final = (
    v.ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, _ANY, None)
    .require_present(x509.KeyUsage, _ANY, _ca_usage)
    .may_be_present(x509.SubjectAlternativeName, _ANY, _ca_names)
)
_LEAF: Final = (
    v.ExtensionPolicy.permit_all()
    .require_present(x509.SubjectAlternativeName, _ANY, _leaf_names)
    .require_present(x509.KeyUsage, v.Criticality.CRITICAL, _leaf_usage)
    .may_be_present(x509.BasicConstraints, _ANY, _leaf_constraints)
    .may_be_present(x509.ExtendedKeyUsage, _ANY, _leaf_purposes)
)
