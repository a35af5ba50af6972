"""The bundle document as it goes from a bundle endpoint to a server, and what it says of the next time.

SPIRE: pkg/common/bundleutil
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import attrs

from spiffesim.errors import InvalidBundle
from spiffesim.golang import quoted
from spiffesim.instants import SECOND, Microseconds, span
from spiffesim.spiffe import jwks
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.jose import jsontext

MINIMUM_REFRESH_HINT: Final = 60 * SECOND
"""Less than this nobody is polled for. SPIRE: pkg/common/bundleutil/refreshhint.go"""

_ATTEMPTS: Final = 4  # polls within one refresh hint, so that missing some does no harm
_PART_OF_LIFETIME: Final = 10
_SECOND: Final = timedelta(seconds=1)


def write_document(bundle: SpiffeBundle, refresh_hint: timedelta) -> bytes:
    """The document that a bundle endpoint serves: with its own refresh hint, and without WIT keys.

    SPIRE: pkg/common/bundleutil/marshal.go
    """
    hint = refresh_hint // _SECOND * _SECOND
    served = attrs.evolve(bundle, wit_spki=(), refresh_hint=hint)
    return jsontext.write_json(served.document(), indent=4)


def read_document(trust_domain: TrustDomain, document: bytes | str) -> SpiffeBundle:
    """The bundle in a document that was fetched, as it is stored: sequence number 0, no WIT keys.

    Raises:
        InvalidBundle: With SPIRE's text. An unknown use refuses the whole document, which the standard
            says to ignore; and each x509-svid entry has exactly one certificate.

    SPIRE: pkg/common/bundleutil/unmarshal.go, bundle.go (SPIFFEBundleToProto)
    """
    try:
        fields = jwks.read_document("a bundle", document)
    except InvalidBundle as error:
        raise InvalidBundle(f"failed to decode bundle: {error}", code=error.code, clause=error.clause) from None
    keys = fields.get("keys") or []
    if isinstance(keys, list):
        # go-jose leaves out the keys of unknown types, and SPIRE counts what is left.
        keys = [key for key in keys if not isinstance(key, dict) or key.get("kty") in ("EC", "RSA")]
        for index, key in enumerate(keys):
            if isinstance(key, dict):
                _check_key(index, key)
    bundle = jwks.read_bundle({**fields, "keys": keys})
    return SpiffeBundle(
        trust_domain,
        x509_der=bundle["x509_der"],
        jwt_spki=bundle["jwt_spki"],
        sequence_number=0,
        refresh_hint=bundle["refresh_hint"] or timedelta(0),
    )


def _check_key(index: int, key: Mapping[str, Any]) -> None:
    use = key.get("use", "")
    problem = ""
    if not use:
        problem = f"missing use for key entry {index}"
    elif use == jwks.X509:
        certificates = key.get("x5c")
        count = len(certificates) if isinstance(certificates, list) else 0
        if count != 1:
            problem = f"expected a single certificate in x509-svid entry {index}; got {count}"
    elif use not in (jwks.JWT, jwks.WIT):
        problem = f"unrecognized use {quoted(str(use))} for key entry {index}"
    elif not key.get("kid"):
        problem = f"missing key ID in {use} entry {index}"
    if problem:
        raise InvalidBundle(problem, code="keys", index=index)


def poll_interval(bundle: SpiffeBundle) -> Microseconds:
    """How long after a poll the next one comes, which is a quarter of the refresh hint.

    A bundle without hint is good for a tenth of the shortest lifetime among its X.509 authorities.

    SPIRE: pkg/common/bundleutil/refreshhint.go, pkg/server/bundle/client/manager.go
    """
    if bundle.refresh_hint:
        hint = span(bundle.refresh_hint)
    else:
        lifetimes = (root.not_after - root.not_before for root in bundle.anchors.certificates)
        hint = min(lifetimes, default=0) // _PART_OF_LIFETIME
    return max(hint, MINIMUM_REFRESH_HINT) // _ATTEMPTS
