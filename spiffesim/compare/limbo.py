"""X.509 cases in the schema of x509-limbo, which validators of certificates in many languages can read.

The schema has no place for a trust domain: who reads it takes the trusted certificates to be those of the peer's. Cases
that need more than it can say do not fit.
"""

from __future__ import annotations

import re
import ssl
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any, Final

from spiffesim.catalogue import Case, X509SvidCase
from spiffesim.compare.record import case_of
from spiffesim.errors import InvalidInput, InvalidSvid
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.x509.certificate import read_certificate

_NAMESPACE: Final = "spiffesim"
_RIGHT: Final = "right"
_ANYBODY: Final = "example.org"


def fits(case: Case) -> bool:
    """Whether a case can be said in the schema of x509-limbo.

    It cannot if it is not one of an X.509-SVID, presents no certificate, is judged between two milliseconds, or is
    about a bundle of another trust domain than the peer's.

    Args:
        case: The case.
    """
    return (
        isinstance(case, X509SvidCase)
        and bool(case.chain_der)
        and case.now.microsecond % 1000 == 0
        and _trust_domain(case.chain_der[0]) == case.trust_domain.name
    )


def limbo(cases: Iterable[Case]) -> dict[str, Any]:
    """Cases as a test suite in the schema of x509-limbo; those that do not fit are left out.

    Args:
        cases: The cases; no two may be equal.
    """
    fitting = (case for case in cases if isinstance(case, X509SvidCase) and fits(case))
    return {"version": 1, "testcases": [_testcase(case) for case in fitting]}


def _testcase(case: X509SvidCase) -> dict[str, Any]:
    leaf, *others = map(ssl.DER_cert_to_PEM_cert, case.chain_der)
    precision = "milliseconds" if case.now.microsecond else "seconds"
    return {
        "id": _id(case),
        "conflicts_with": [],
        "features": [],
        "importance": "undetermined",
        "description": _description(case),
        "validation_kind": "CLIENT",
        "trusted_certs": [ssl.DER_cert_to_PEM_cert(authority) for authority in case.bundle_der],
        "untrusted_intermediates": others,
        "peer_certificate": leaf,
        "peer_certificate_key": None,
        "validation_time": case.now.isoformat(timespec=precision),
        "signature_algorithms": [],
        "key_usage": [],
        "extended_key_usage": [],
        "expected_result": "SUCCESS" if case.should_pass else "FAILURE",
        "expected_peer_name": None,
        "expected_peer_names": [],
        "max_chain_depth": None,
        "crls": [],
    }


def _id(case: X509SvidCase) -> str:
    name = _RIGHT if case.defect is None else case.defect.name.replace("_", "-")
    where = f"depth-{case.depth}.number-{case.number}"
    return "::".join((_NAMESPACE, name, *(["repaired"] if case.twin else []), where))


def _description(case: X509SvidCase) -> str:
    if case.defect is None:
        return f"A right X.509-SVID, of {case.spiffe_id}."
    lacks = "Nothing is wrong; it lacks this: " if case.twin else ""
    return f"{lacks}{case.defect.sentence} ({case.defect.clause})"


# And back

_OURS: Final = re.compile(rf"{_NAMESPACE}::([a-z0-9-]+)(::repaired)?::depth-([0-9]{{1,9}})\.number-([0-9]{{1,18}})")


def testcase_of(found: object) -> X509SvidCase:
    """A case, from a testcase of x509-limbo: one of ours, or somebody else's.

    Args:
        found: A JSON object.

    Raises:
        InvalidInput: If it is none, or has no instant to be judged at.
    """
    if not isinstance(found, Mapping):
        raise _invalid(f"is {found!r:.80}, not a JSON object")
    name = found.get("id")
    if not isinstance(name, str):
        raise _invalid(f"has the id {name!r:.80}, not a text")
    if not isinstance(found.get("validation_time"), str):
        raise _invalid(f"{name!r:.80} has no 'validation_time', without which nothing can be judged")
    chain = [_der(found.get("peer_certificate")), *_ders(found, "untrusted_intermediates")]
    case = case_of(
        {
            **_about(name, found),
            "kind": "x509-svid",
            "spiffe_id": str(_spiffe_id(chain[0]) or ""),
            "chain_der": [_text(certificate) for certificate in chain],
            "bundle_der": [_text(authority) for authority in _ders(found, "trusted_certs")],
            "trust_domain": _trust_domain(chain[0]),
            "now": found["validation_time"],
        }
    )
    assert isinstance(case, X509SvidCase)
    return case


def _about(name: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """What a record says of the defect."""
    ours = _OURS.fullmatch(name)
    passes = found.get("expected_result") == "SUCCESS"
    description = found.get("description", "")
    if ours is None:
        defect = None if passes else {"name": name, "sentence": description}
        return {"defect": defect}
    place = {"repaired": ours[2] is not None, "depth": int(ours[3]), "number": int(ours[4])}
    if ours[1] == _RIGHT:
        return place
    answer = "accepted" if passes and ours[2] is None else "refused"
    return {**place, "defect": {"name": ours[1].replace("-", "_"), "sentence": description, "answer": answer}}


def _spiffe_id(leaf: bytes) -> SpiffeId | None:
    try:
        return read_certificate(leaf).readable_spiffe_id
    except InvalidSvid:
        return None


def _trust_domain(leaf: bytes) -> str:
    """Whose authorities the trusted certificates are taken to be; anybody's where the leaf has no SPIFFE ID."""
    found = _spiffe_id(leaf)
    return _ANYBODY if found is None else found.trust_domain.name


def _ders(found: Mapping[str, Any], name: str) -> list[bytes]:
    listed = found.get(name)
    if not isinstance(listed, list):
        raise _invalid(f"has {listed!r:.80} as {name!r}, not a list")
    return [_der(each) for each in listed]


def _der(certificate: object) -> bytes:
    try:
        return ssl.PEM_cert_to_DER_cert(certificate)  # type: ignore[arg-type]
    except (ValueError, AttributeError):  # the second: not a text
        raise _invalid(f"has {certificate!r:.80}, which is no certificate in PEM") from None


def _text(der: bytes) -> str:
    return b64encode(der).decode()


def _invalid(text: str) -> InvalidInput:
    return InvalidInput(f"the testcase {text}", code="testcase")
