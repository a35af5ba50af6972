"""Verdicts on what is right or wrong at all times: SPIFFE IDs, bundle documents and bundle maps.

``SpiffeId``, ``SpiffeBundle.parse`` and ``BundleMap.parse`` return the value, or raise the first rule that fails;
``examine_*`` returns the whole :class:`Verdict`, which also says what was ignored.
"""

from __future__ import annotations

from itertools import islice
from typing import Final

from spiffesim.errors import InvalidBundle, InvalidSpiffeId
from spiffesim.spiffe import bundlemap, jwks
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.bundlemap import BundleMap
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.spiffe.rules.bundle import skipped_in_bundle, skipped_in_map
from spiffesim.spiffe.verdict import Finding, Verdict

MAX_IGNORED: Final = 1_024
"""Of how many things a verdict tells that they were ignored: the first; documents with more are read all the same."""


def examine_spiffe_id(text: str) -> Verdict:
    """Examine a SPIFFE ID: every rule, its clause, and its answer.

    Args:
        text: The whole ID.

    Raises:
        InvalidInput: If it is not a text.

    Spec: SPIFFE-ID 2
    """
    kind = "spiffe-id"
    try:
        return Verdict(kind, SpiffeId(text), None, ())
    except InvalidSpiffeId as error:
        if not isinstance(text, str):
            raise
        return _refused(kind, error)


def examine_bundle(trust_domain: TrustDomain | str, data: bytes | str) -> Verdict:
    """Examine a bundle document: every rule, its clause, and its answer; and what the standard says to ignore.

    Takes what :meth:`SpiffeBundle.parse` takes, and decides the same. A document that is accepted may still hold no
    authority that is of use: then nothing of the trust domain is trusted.

    Args:
        trust_domain: Whose bundle it is; the document does not say.
        data: The JSON text, at most 4 MiB of it.

    Raises:
        InvalidInput: If the trust domain is none, or the document is neither text nor bytes.

    Spec: SPIFFE Trust Domain and Bundle 4, X509-SVID 6, JWT-SVID 6, WIT-SVID 6
    """
    kind, whose = "bundle", TrustDomain.parse(trust_domain)
    jwks.check_text("a bundle", data)
    try:
        document = jwks.read_document("a bundle", data)
        SpiffeBundle(whose, **jwks.read_bundle(document))
    except InvalidBundle as error:
        return _refused(kind, error)
    return Verdict(kind, None, None, (), skipped=tuple(islice(skipped_in_bundle(document), MAX_IGNORED)))


def examine_bundle_map(data: bytes | str) -> Verdict:
    """Examine a bundle map document, and each bundle in it: every rule, its clause, and its answer.

    Takes what :meth:`BundleMap.parse` takes, and decides the same: all of the map, or nothing.

    Args:
        data: The JSON text, at most 4 MiB of it.

    Raises:
        InvalidInput: If it is neither text nor bytes.

    Spec: SPIFFE Trust Domain and Bundle 5
    """
    kind = "bundle-map"
    jwks.check_text("a bundle map", data)
    try:
        document = bundlemap.read_document(data)
        BundleMap.of_document(document)
    except InvalidBundle as error:
        return _refused(kind, error)
    return Verdict(kind, None, None, (), skipped=tuple(islice(skipped_in_map(document), MAX_IGNORED)))


def _refused(kind: str, error: InvalidSpiffeId | InvalidBundle) -> Verdict:
    """The verdict of what a reader refused: it stops at the first rule that fails."""
    facts = {name: value for name, value in vars(error).items() if name not in ("code", "clause")}
    return Verdict(kind, None, None, (Finding(error.code, str(error), None, facts),))
