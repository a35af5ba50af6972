"""Whose signature a token carries: the bundle, the key in it, and the check.

What JWT-SVIDs and WIT-SVIDs have in common; each has its own rules around it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from spiffesim.errors import BadSignature, ConstraintViolation, UnknownAuthority, UntrustedDomain
from spiffesim.spiffe import jose
from spiffesim.spiffe.authorities import Authorities
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.bundlemap import Bundles, bundle_for
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.jose import PublicKey
from spiffesim.spiffe.verdict import Finding, Rule

MOST_TRIED: Final = 32
"""How many keys are tried for a token that does not name its own."""


def rules(standard: str) -> tuple[Rule, ...]:
    """The rules about the signature, with the clauses of ``JWT-SVID`` or ``WIT-SVID``."""
    return (
        Rule(
            "trust_domain",
            "SPIFFE Trust Domain and Bundle 3",
            "A bundle is held for the trust domain of the subject.",
            UntrustedDomain,
            needs=("subject",),
        ),
        Rule(
            "authority",
            f"{standard} 6.2",
            f"The bundle holds the key that the token names, for {standard}s.",
            UnknownAuthority,
            needs=("trust_domain", "key_id", "algorithm"),
        ),
        Rule(
            "key_type",
            "RFC 7518 3.1",
            "The key is of the type and curve that the algorithm is for.",
            ConstraintViolation,
            needs=("authority",),
        ),
        Rule(
            "key_size",
            "RFC 7518 3.3",
            f"An RSA key has at least {jose.MIN_RSA_BITS} bits.",
            ConstraintViolation,
            needs=("key_type",),
        ),
        Rule(
            "signature",
            f"{standard} 4",
            "The signature verifies under the key.",
            BadSignature,
            needs=("key_size",),
        ),
    )


def judge(
    kind: str,
    spiffe_id: SpiffeId,
    header: Mapping[str, str] | None,
    content: tuple[bytes, bytes],
    bundles: Bundles,
) -> Finding | None:
    """The first rule about the signature that fails, if one does.

    Args:
        kind: ``"jwt-svid"`` or ``"wit-svid"``: which keys of the bundle count.
        spiffe_id: The subject of the token.
        header: With ``alg`` and, perhaps, ``kid``; None if these are broken, and no key can be chosen.
        content: The bytes that are signed, and the signature.
        bundles: Where the bundle is chosen from.
    """
    bundle = bundle_for(bundles, spiffe_id.trust_domain)
    if bundle is None:
        return Finding(
            "trust_domain",
            f"no bundle is held for trust domain {spiffe_id.trust_domain}, to which {spiffe_id} belongs",
            facts={"trust_domain": spiffe_id.trust_domain},
        )
    if header is None:
        return None
    authorities = bundle.jwt_authorities if kind == "jwt-svid" else bundle.wit_authorities
    kid = header.get("kid")
    if kid is None:
        return _any_key(bundle, authorities, header["alg"], content)
    if kid not in authorities:
        return _unknown(bundle, kind, f"no key {kid!r:.80}", kid)
    return _one_key(spiffe_id, kid, authorities[kid], header["alg"], content)


def _one_key(
    spiffe_id: SpiffeId, kid: str, key: PublicKey, algorithm: str, content: tuple[bytes, bytes]
) -> Finding | None:
    facts = {"key_id": kid, "algorithm": algorithm}
    if not jose.fits(algorithm, key):
        return Finding("key_type", f"alg is {algorithm}, but key {kid!r:.80} is {jose.describe(key)}", facts=facts)
    if jose.too_small(key):
        return Finding(
            "key_size",
            f"key {kid!r:.80} is {jose.describe(key)}, less than {jose.MIN_RSA_BITS}: anybody may have made the token",
            facts=facts,
        )
    if jose.check_signature(algorithm, key, *content):
        return None
    return Finding(
        "signature", f"the signature on the token of {spiffe_id} does not verify under key {kid!r:.80}", facts=facts
    )


def _any_key(
    bundle: SpiffeBundle, authorities: Authorities, algorithm: str, content: tuple[bytes, bytes]
) -> Finding | None:
    """RFC 7515 6 leaves the choice of the key to us where the token names none; every fitting one is tried."""
    fitting = [key for key in authorities.values() if jose.fits(algorithm, key) and not jose.too_small(key)]
    if not fitting:
        return _unknown(bundle, "jwt-svid", f"no key for {algorithm}", None)
    if any(jose.check_signature(algorithm, key, *content) for key in fitting[:MOST_TRIED]):
        return None
    tried = f"any of the {len(fitting)} keys" if len(fitting) > 1 else "the one key"
    if len(fitting) > MOST_TRIED:
        tried = f"any of the first {MOST_TRIED} of the {len(fitting)} keys (no more are tried; name the key in kid)"
    return Finding(
        "signature",
        f"the token names no key, and its signature does not verify under {tried} for {algorithm} "
        f"of {bundle.trust_domain}",
        facts={"key_id": None, "algorithm": algorithm},
    )


def _unknown(bundle: SpiffeBundle, kind: str, what: str, kid: str | None) -> Finding:
    count = len(bundle.jwt_spki if kind == "jwt-svid" else bundle.wit_spki)
    held = f"it holds {count} {kind} key{'s' * (count != 1)}"
    return Finding(
        "authority",
        f"the bundle of {bundle.trust_domain} has {what} ({held})",
        facts={"trust_domain": bundle.trust_domain, "key_id": kid},
    )
