"""The conformance suite for upstream authorities."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime, timedelta
from typing import Final

import attrs

from spiffesim.authority import JwtAuthority
from spiffesim.chain import ders
from spiffesim.clock import EPOCH
from spiffesim.errors import NotSupported, Refused, SpiffeSimError
from spiffesim.instants import microseconds, rfc3339
from spiffesim.keys import Draw
from spiffesim.plugins.inspection import CA_USAGES, inspect
from spiffesim.plugins.testing.suite import Conformance, expect, require
from spiffesim.plugins.upstream_authority import CaRequest, MintedCa, UpstreamAuthority
from spiffesim.profiles import ca_subject
from spiffesim.randomness import Randomness
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.x509 import extensions
from spiffesim.spiffe.x509.certificate import Certificate, read_certificate

_DAY: Final = timedelta(hours=24)


class UpstreamAuthorityConformance(Conformance):
    """What SPIRE demands of an upstream authority's answer, and what the same seed demands."""

    trust_domain = TrustDomain("example.org")
    """The trust domain that asks."""

    at: datetime = EPOCH
    """When it asks."""

    @abstractmethod
    def upstream_authority(self) -> UpstreamAuthority:
        """The upstream authority under test, made anew."""

    def plugin(self) -> UpstreamAuthority:
        """The upstream authority under test."""
        return self.upstream_authority()

    def request(
        self, number: int = 0, *, key_type: str = "ec-p256", trust_domain: TrustDomain | None = None
    ) -> CaRequest:
        """What a server asks for.

        Args:
            number: Which request; each has a key of its own.
            key_type: The type of its key.
            trust_domain: The trust domain that asks.
        """
        draw = Draw(Randomness("conformance"), "ca", number)
        return CaRequest(
            trust_domain=trust_domain or self.trust_domain,
            key=draw.key(key_type),
            preferred_ttl=_DAY,
            now=microseconds(self.at),
            draw=draw,
            subject=lambda: ca_subject(draw.serial),
        )

    def minted(self, request: CaRequest | None = None) -> tuple[list[Certificate], list[Certificate]]:
        """The chain and the roots that a request gets."""
        answer = self.plugin().mint_x509_ca(request or self.request())
        require(isinstance(answer, MintedCa), f"it answered {type(answer).__name__}, not a MintedCa")
        try:
            read = [[read_certificate(der) for der in ders(part)] for part in (answer.chain, answer.roots)]
        except (AttributeError, TypeError, SpiffeSimError) as error:
            raise AssertionError(f"MintedCa.from_der takes certificates as DER: {error}") from error
        chain, roots = read
        require(chain, "the chain is empty; it begins with the new CA")
        require(roots, "there are no roots")
        return chain, roots

    def test_the_answer_has_a_chain_and_roots(self) -> None:
        """The answer has a chain, which begins with the new CA, and roots. SPIRE: upstreamauthority/v1.go."""
        self.minted()

    def test_the_ca_certifies_the_key_that_was_asked_for(self) -> None:
        """The CA is over the key of the request, whatever its type, and not over that of an earlier one."""
        plugin = self.plugin()
        for number, key_type in enumerate(("ec-p256", "ec-p384", "rsa-2048", "ec-p256")):
            request = self.request(number, key_type=key_type)
            ca = next(iter(plugin.mint_x509_ca(request).chain), None)
            certified = ca is not None and read_certificate(ca.der).spki == request.key.spki
            require(certified, f"request {number} got a CA over another key than its own ({key_type})")

    def test_the_ca_may_sign_certificates(self) -> None:
        """The CA has cA, keyCertSign, the trust domain's ID as its one URI (or none), and is alive. SPIRE: credvalidator."""
        request = self.request()
        chain, _ = self.minted(request)
        ca = chain[0]
        require(ca.is_ca, "cA constraint is not set")
        require((ca.key_usage or 0) & extensions.KEY_CERT_SIGN, "keyCertSign key usage must be set")
        require(
            not (ca.key_usage or 0) & ~CA_USAGES,
            "only keyCertSign, cRLSign, or digitalSignature key usage can be set",
        )
        expected = str(self.trust_domain.spiffe_id)
        require(ca.uris in ((), (expected,)), f"its URIs are {ca.uris}, not {expected}")
        require(
            ca.not_before <= request.now <= ca.not_after,
            f"it lives from {rfc3339(ca.not_before)} to {rfc3339(ca.not_after)}; now it is {rfc3339(request.now)}",
        )

    def test_the_ca_is_for_the_trust_domain_that_asks(self) -> None:
        """Another trust domain gets a CA with its own ID, or is refused."""
        other = TrustDomain("conformance.test")
        plugin, request = self.plugin(), self.request(trust_domain=other)
        answer = expect(Refused, lambda: plugin.mint_x509_ca(request))
        for ca in list(answer.chain)[:1] if answer is not None else ():
            uris = read_certificate(ca.der).uris
            require(uris in ((), (str(other.spiffe_id),)), f"a server of {other} got a CA with the URIs {uris}")

    def test_the_ca_ends_no_later_than_its_issuer(self) -> None:
        """Nothing outlives what has signed it, however long the CA would like to live."""
        request = attrs.evolve(self.request(), preferred_ttl=timedelta(days=100 * 365))
        chain, roots = self.minted(request)
        ca, *above = chain
        issuers = [link for link in (*above[:1], *roots) if link.subject == ca.issuer]
        ends = max((issuer.not_after for issuer in issuers), default=ca.not_after)
        require(ca.not_after <= ends, f"it ends at {rfc3339(ca.not_after)}, its issuer at {rfc3339(ends)}")

    def test_a_leaf_below_the_ca_validates(self) -> None:
        """A leaf that the new CA signs leads over the chain to the roots. SPIRE: pkg/server/ca/validation.go."""
        plugin, request = self.plugin(), self.request()
        try:
            inspect(plugin.mint_x509_ca(request), request, plugin.name)
        except Refused as refused:
            raise AssertionError(refused.message) from refused

    def test_the_roots_are_the_same_for_every_ca(self) -> None:
        """The roots of two CAs are the same bytes, or the bundle would grow at each rotation."""
        plugin = self.plugin()
        first, second = (ders(plugin.mint_x509_ca(self.request(number)).roots) for number in range(2))
        require(first == second, "its roots are other ones the second time")

    def test_the_same_request_gives_the_same_answer(self) -> None:
        """Same seed, same bytes: serial numbers come from the request, signatures are deterministic."""
        first, second = (self.minted(self.request()) for _ in range(2))
        require(
            first == second,
            "an equal request got other bytes; take request.serial_number and request.at, and sign deterministically",
        )

    def test_publishing_takes_the_key_or_says_that_it_cannot(self) -> None:
        """``publish_jwt_key`` takes the key (and returns None, or the SPIRE server that took it) or raises NotSupported."""
        draw = Draw(Randomness("conformance"), "jwt", 0)
        authority = JwtAuthority(draw, draw.key(), microseconds(self.at + _DAY))
        plugin = self.plugin()
        receiver = expect((NotSupported, Refused), lambda: plugin.publish_jwt_key(authority))
        require(receiver is None or hasattr(receiver, "keyring"), f"it returned {receiver!r}, which is no server")
