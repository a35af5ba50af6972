"""Inspection: what a server asks of a CA that somebody else has minted for it.

SPIRE: pkg/server/plugin/upstreamauthority/v1.go, pkg/server/ca/validation.go, pkg/server/credvalidator/validator.go
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from spiffesim.authority import IssuedSvid, X509Authority
from spiffesim.chain import CertificateLike, Chain
from spiffesim.errors import InvalidInput, InvalidSvid, Refused, ValidationError
from spiffesim.instants import rfc3339
from spiffesim.keys import Draw
from spiffesim.plugins.upstream_authority import CaRequest, MintedCa
from spiffesim.profiles import WORKLOAD_SVID
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.validation import validate_x509_svid
from spiffesim.spiffe.x509 import extensions
from spiffesim.spiffe.x509.certificate import Certificate, read_certificate
from spiffesim.spiffe.x509svid import X509Svid

CA_USAGES: Final = extensions.KEY_CERT_SIGN | extensions.CRL_SIGN | extensions.DIGITAL_SIGNATURE
"""The bits that the key usage of a CA may have."""


def inspect(minted: MintedCa, request: CaRequest, plugin: str) -> Chain:
    """The chain of a minted CA, once it is known that a leaf that it signs validates.

    Args:
        minted: What the upstream authority answered.
        request: What it was asked for.
        plugin: The name of the upstream authority.

    Raises:
        Refused: INTERNAL if the answer is incomplete, INVALID_ARGUMENT if the CA cannot sign; with SPIRE's texts.
    """
    if not isinstance(minted, MintedCa):
        raise _refused_answer(plugin, f"plugin closed stream unexpectedly: it answered {type(minted).__name__}")
    presented = _read(plugin, "X.509 CA chain", minted.chain)
    roots = _read(plugin, "upstream X.509 roots", minted.roots)
    chain = Chain.of(tuple(minted.chain))
    assert chain is not None  # _read has seen to that
    problem = next(_problems(presented[0], request), None) or _broken_chain(chain, roots, request)
    if problem is not None:
        raise Refused(
            f"X509 CA minted by upstream authority is invalid: {problem}",
            status="INVALID_ARGUMENT",
            hint=f"upstream authority {plugin}",
            plugin=plugin,
        )
    return chain


def _read(plugin: str, what: str, certificates: Iterable[CertificateLike]) -> tuple[Certificate, ...]:
    try:
        read = tuple(read_certificate(certificate.der) for certificate in certificates)
    except (AttributeError, InvalidSvid) as error:
        raise _refused_answer(
            plugin, f"plugin response has malformed {what}: {error}", "MintedCa.from_der takes certificates as DER"
        ) from None
    if not read:
        raise _refused_answer(plugin, f"plugin response missing {what}")
    return read


def _refused_answer(plugin: str, problem: str, hint: str | None = None) -> Refused:
    return Refused(f"upstreamauthority({plugin}): {problem}", status="INTERNAL", hint=hint, plugin=plugin)


def _problems(ca: Certificate, request: CaRequest) -> Iterator[str]:
    """What is wrong with the CA certificate itself."""
    prefix = "invalid upstream-signed X509 CA: invalid X509 CA"
    usage = ca.key_usage or 0
    expected = str(request.trust_domain.spiffe_id)
    if extensions.BASIC_CONSTRAINTS not in ca.extensions.present:
        yield f"{prefix}: basic constraints are not valid"
    if not ca.is_ca:
        yield f"{prefix}: cA constraint is not set"
    if not usage & extensions.KEY_CERT_SIGN:
        yield f"{prefix}: keyCertSign key usage must be set"
    if usage & ~CA_USAGES:
        yield f"{prefix}: only keyCertSign, cRLSign, or digitalSignature key usage can be set"
    if ca.uris and ca.uris != (expected,):
        found = " ".join(f'"{uri}"' for uri in ca.uris)
        yield f'{prefix}: expected URI SAN "{expected}" but got {found if len(ca.uris) == 1 else f"[{found}]"}'
    if request.now < ca.not_before:
        yield f"{prefix}: not yet valid until {rfc3339(ca.not_before)}"
    if request.now > ca.not_after:
        yield f"{prefix}: already expired as of {rfc3339(ca.not_after)}"
    if ca.spki != request.key.spki:
        yield (
            "failed to sign validation certificate: x509: provided PrivateKey doesn't match parent's PublicKey "
            "(it certifies another key than the one that was asked for)"
        )


def _broken_chain(chain: Chain, roots: tuple[Certificate, ...], request: CaRequest) -> str | None:
    """Why a throw-away leaf that the CA signs does not validate; None if it does."""
    try:
        bundle = SpiffeBundle(request.trust_domain, x509_der=tuple(root.der for root in roots))
        validate_x509_svid(_throwaway(chain, request), bundle, at=request.at)
    except (ValidationError, InvalidInput) as error:
        return f"X509 CA produced an invalid X509-SVID chain: {error}"
    return None


def _throwaway(chain: Chain, request: CaRequest) -> X509Svid:
    draw = Draw(request.draw.randomness, f"{request.draw.name} throwaway", request.draw.counter)
    authority = X509Authority(request.key, chain.head, chain)
    leaf = authority.sign(
        WORKLOAD_SVID,
        draw,
        draw.key(),
        spiffe_id=f"{request.trust_domain.spiffe_id}/spire/throwaway",
        now=request.now,
        ttl=chain.head.not_after - request.now,
    )
    return IssuedSvid(leaf, chain).draw()
