"""The SPIFFE standards: values and judgement, without a clock, without state, without an issuer.

Usable alone, as a SPIFFE validator::

    from spiffesim import spiffe

    bundle = spiffe.SpiffeBundle.parse("example.org", document)
    spiffe_id = spiffe.validate_x509_svid(chain, bundle, at=datetime.now(UTC))
    print(spiffe.examine_x509_svid(chain, bundle, at=datetime.now(UTC)).rules)

======================  =====================================================================
``ids``                 :class:`SpiffeId`, :class:`TrustDomain`, matchers
``x509svid``            :class:`X509Svid`: a chain and its key
``jwtsvid``             :class:`JwtSvid`: a token
``witsvid``             :class:`WitSvid`: a token over the holder's key
``proof``               :class:`Proof` that the holder has that key
``bundle``              :class:`SpiffeBundle`: the authorities of a trust domain
``bundlemap``           :class:`BundleMap`: bundles by trust domain
``validation``          ``validate_*`` returns or raises, ``examine_*`` returns a :class:`Verdict`
``documents``           ``examine_*`` of SPIFFE IDs, bundles and maps of them
``tls``                 :func:`peer_id`, :func:`authorize` for connections of :mod:`ssl`
``rules``               what an SVID has to be, each rule with its clause
``x509``                certificates and the paths between them; :class:`EdgeMemo` remembers signatures
``jose``                tokens, their signatures and their keys
======================  =====================================================================

Nothing is loaded before it is asked for: ``import spiffesim.spiffe`` costs no other library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from spiffesim.spiffe.bundle import SpiffeBundle as SpiffeBundle
    from spiffesim.spiffe.bundlemap import BundleMap as BundleMap
    from spiffesim.spiffe.documents import examine_bundle as examine_bundle
    from spiffesim.spiffe.documents import examine_bundle_map as examine_bundle_map
    from spiffesim.spiffe.documents import examine_spiffe_id as examine_spiffe_id
    from spiffesim.spiffe.ids import Matcher as Matcher
    from spiffesim.spiffe.ids import SpiffeId as SpiffeId
    from spiffesim.spiffe.ids import TrustDomain as TrustDomain
    from spiffesim.spiffe.ids import match_any as match_any
    from spiffesim.spiffe.ids import match_id as match_id
    from spiffesim.spiffe.ids import match_member_of as match_member_of
    from spiffesim.spiffe.ids import match_one_of as match_one_of
    from spiffesim.spiffe.jwtsvid import JwtSvid as JwtSvid
    from spiffesim.spiffe.proof import Proof as Proof
    from spiffesim.spiffe.tls import authorize as authorize
    from spiffesim.spiffe.tls import peer_id as peer_id
    from spiffesim.spiffe.validation import examine_jwt_svid as examine_jwt_svid
    from spiffesim.spiffe.validation import examine_wit_svid as examine_wit_svid
    from spiffesim.spiffe.validation import examine_x509_svid as examine_x509_svid
    from spiffesim.spiffe.validation import validate_jwt_svid as validate_jwt_svid
    from spiffesim.spiffe.validation import validate_wit_svid as validate_wit_svid
    from spiffesim.spiffe.validation import validate_x509_svid as validate_x509_svid
    from spiffesim.spiffe.verdict import Verdict as Verdict
    from spiffesim.spiffe.witsvid import WitSvid as WitSvid
    from spiffesim.spiffe.x509.edges import EdgeMemo as EdgeMemo
    from spiffesim.spiffe.x509svid import X509Svid as X509Svid

_HOMES: Final = {
    "BundleMap": "bundlemap",
    "EdgeMemo": "x509.edges",
    "JwtSvid": "jwtsvid",
    "Matcher": "ids",
    "Proof": "proof",
    "SpiffeBundle": "bundle",
    "SpiffeId": "ids",
    "TrustDomain": "ids",
    "Verdict": "verdict",
    "WitSvid": "witsvid",
    "X509Svid": "x509svid",
    "authorize": "tls",
    "examine_bundle": "documents",
    "examine_bundle_map": "documents",
    "examine_jwt_svid": "validation",
    "examine_spiffe_id": "documents",
    "examine_wit_svid": "validation",
    "examine_x509_svid": "validation",
    "match_any": "ids",
    "match_id": "ids",
    "match_member_of": "ids",
    "match_one_of": "ids",
    "peer_id": "tls",
    "validate_jwt_svid": "validation",
    "validate_wit_svid": "validation",
    "validate_x509_svid": "validation",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


__all__ = list(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]  # names that load when asked for
