"""Mint: where a server's authorities are made: CA keys that are certified, and token keys that are published.

SPIRE: pkg/server/ca/manager/manager.go
"""

from __future__ import annotations

from itertools import pairwise

from spiffesim.authority import IssuedCertificate, JwtAuthority, X509Authority
from spiffesim.chain import CertificateLike, Chain
from spiffesim.configuration import CaSubject, ServerConfig
from spiffesim.errors import NotSupported
from spiffesim.instants import Microseconds, rfc3339, span, whole_second
from spiffesim.journal import Journal
from spiffesim.keys import Draw, Key
from spiffesim.ledger import X509Element
from spiffesim.plugins.inspection import inspect
from spiffesim.plugins.key_manager import KeyManager
from spiffesim.plugins.upstream_authority import CaRequest, MintedCa, Receiver, UpstreamAuthority
from spiffesim.profiles import SELF_SIGNED_CA, ca_subject
from spiffesim.randomness import Randomness
from spiffesim.rotation import BACKDATE
from spiffesim.server.cajournal import CaJournal
from spiffesim.server.slots import JWT, WIT, X509, Authority, Slot, Slots, authority_id, upstream_authority_id
from spiffesim.server.view import Merged, View
from spiffesim.spiffe.ids import TrustDomain


class Mint:
    """Makes the authorities of one server, and fills their slots with them.

    Args:
        name: The name of the server, under which its streams run.
        view: Its view of the trust domain's ledger.
        config: The server's settings.
        key_manager: Where its keys come from.
        upstream: Who signs its CA; None for a self-signed root.
        randomness: The streams of the simulation.
        journal: Where it notes what it does.

    Attributes:
        ca_journal: What it has written down for the next process.
        newly_tainted: The roots that the upstream authority has tainted, and nobody has left yet.
    """

    def __init__(
        self,
        name: str,
        view: View,
        config: ServerConfig,
        *,
        key_manager: KeyManager,
        upstream: UpstreamAuthority | None,
        randomness: Randomness,
        journal: Journal,
    ) -> None:
        self.name = name
        self.view = view
        self.config = config
        self.key_manager = key_manager
        self.upstream = upstream
        self.randomness = randomness
        self.journal = journal
        self.x509 = Slots(X509)
        self.jwt = Slots(JWT)
        self.wit = Slots(WIT)
        self.ca_journal = CaJournal()
        self.newly_tainted: list[CertificateLike] = []
        self._warned = False

    @property
    def trust_domain(self) -> TrustDomain:
        """The trust domain that it signs for."""
        return self.view.ledger.trust_domain

    def _note(self, kind: str, slot: Slot, **facts: object) -> None:
        """Note what became of the authority in a slot."""
        assert slot.authority is not None
        issued_at, expiration = _Instant(slot.issued_at), _Instant(slot.not_after)
        facts |= ids_of(slot.authority)
        self.journal.note(self.name, kind, slot=slot.id, issued_at=issued_at, expiration=expiration, **facts)

    def prepare_x509(self, now: Microseconds) -> None:
        """Make a new CA key and have it certified: by itself, or by the upstream authority.

        Raises:
            Refused: If the upstream authority refuses, or gives a CA that cannot sign.
        """
        slot = self.x509.to_prepare()
        slot.reset()
        key = self.key_manager.generate_key(f"x509-CA-{slot.id}", self.config.ca_key_type)
        authority = self._self_signed(key, now) if self.upstream is None else self._upstream_signed(key, now)
        slot.fill(authority, now)
        self.ca_journal.append(X509, slot)
        self._note("X509 CA prepared", slot, self_signed=self.upstream is None)

    def _draw(self, purpose: str) -> Draw:
        return Draw.next(self.randomness, f"{self.name} {purpose}")

    def _self_signed(self, key: Key, now: Microseconds) -> X509Authority:
        draw = self._draw("x509 ca")
        certificate = IssuedCertificate(
            SELF_SIGNED_CA,
            draw,
            key,
            spiffe_id=str(self.trust_domain.spiffe_id),
            not_before=whole_second(now - BACKDATE),
            not_after=whole_second(now + span(self.config.ca_ttl)),
            subject=None if self.config.ca_subject == CaSubject() else self._subject(draw.serial),
        )
        self.view.add_root(certificate)
        return X509Authority(key, certificate)

    def _subject(self, serial: int) -> bytes:
        subject = self.config.ca_subject
        return ca_subject(
            serial, country=subject.country, organization=subject.organization, common_name=subject.common_name
        )

    def _upstream_signed(self, key: Key, now: Microseconds) -> X509Authority:
        assert self.upstream is not None
        draw = self._draw("x509 ca")
        # SPIRE: the serial number in the CSR's subject is a throw-away, not that of the certificate.
        asked = Draw(self.randomness, f"{draw.name} csr", draw.counter)
        request = CaRequest(
            trust_domain=self.trust_domain,
            subject=lambda: self._subject(asked.serial),
            key=key,
            preferred_ttl=self.config.ca_ttl,
            now=now,
            draw=draw,
        )
        minted = self.upstream.mint_x509_ca(request)
        if isinstance(minted, MintedCa) and isinstance(minted.chain, Chain):
            # From a server of ours, which issues nothing that is not right.
            chain = minted.chain
            self.merge(self.view.sync_roots(minted.elements))
        else:
            chain = inspect(minted, request, self.upstream.name)
            roots = [X509Element(self.view.ledger.root(root)) for root in minted.roots]
            self.merge(self.view.sync_roots(roots))
        return X509Authority(key, chain.head, chain, minted.top)

    def merge(self, merged: Merged) -> None:
        """Note what became of roots that the upstream authority has tainted or revoked.

        SPIRE: pkg/server/ca/manager/manager.go (SyncX509Roots)
        """
        self.newly_tainted += merged.tainted
        for what, roots in (("tainted", merged.tainted), ("revoked", merged.revoked)):
            for root in roots:
                self.journal.note(self.name, f"X.509 authority {what}", subject_key_id=X509Element(root).subject_key_id)

    def prepare_jwt(self, now: Microseconds, everywhere: bool = False) -> None:
        """Make a new JWT key and publish it, up to the top of the trust domain."""
        slot = self.jwt.to_prepare()
        slot.reset()
        authority = self._jwt_authority("JWT-Signer", slot.id, self.config.jwt_key_type, now)
        self.publish(authority, now, everywhere=everywhere)
        slot.fill(authority, now)
        self.ca_journal.append(JWT, slot)
        self._note("JWT key prepared", slot)

    def prepare_wit(self, now: Microseconds) -> None:
        """Make a new WIT key, which stays in the local bundle."""
        slot = self.wit.to_prepare()
        slot.reset()
        authority = self._jwt_authority("WIT-Signer", slot.id, None, now)
        self.view.add_wit_authority(authority)
        slot.fill(authority, now)
        self.ca_journal.append(WIT, slot)
        self._note("WIT key prepared", slot)

    def _jwt_authority(self, key_id: str, slot: str, key_type: str | None, now: Microseconds) -> JwtAuthority:
        key = self.key_manager.generate_key(f"{key_id}-{slot}", key_type or self.config.ca_key_type)
        # SPIRE: the key's end is never capped by the upstream (pkg/server/ca/manager/manager.go).
        return JwtAuthority(self._draw(key_id), key, now + span(self.config.ca_ttl))

    def publish(self, authority: JwtAuthority, now: Microseconds, *, everywhere: bool = False) -> None:
        """Hand a JWT authority up, server by server, to the top, whose ledger takes it.

        A loop and not a recursion: trust domains nest thousands deep.
        """
        passed, receivers, parent = [self], list[Receiver](), None
        while (upstream := passed[-1].upstream) is not None:
            try:
                receiver = upstream.publish_jwt_key(authority)
            except NotSupported:
                passed[-1].warn_unpublished(upstream)
                break
            if receiver is None:
                break
            parent = parent or receiver.keyring.view
            if everywhere and receiver.keyring.view.reaches_top(now):
                break
            passed.append(receiver.keyring)
            receivers.append(receiver)
        for keyring in passed:
            keyring.view.mark_reaching_top(now)
        if everywhere:  # what else is pending between these servers stays pending
            self.view.announce_jwt_authority(authority, parent)
            return
        views = [keyring.view for keyring in reversed(passed)]
        views[0].add_jwt_authority(authority)
        for above, view in pairwise(views):
            view.learn_jwt_authorities(above)
        for receiver in receivers:
            receiver.changed()

    def warn_unpublished(self, upstream: UpstreamAuthority) -> None:
        """Note, the first time, that this server's upstream authority publishes no JWT keys."""
        if not self._warned:
            self._warned = True
            self.journal.note(
                self.name,
                "UpstreamAuthority plugin does not support JWT-SVIDs. Workloads managed by this server may have "
                "trouble communicating with workloads outside this cluster when using JWT-SVIDs.",
                plugin_name=upstream.name,
            )


def ids_of(authority: Authority) -> dict[str, object]:
    """What log lines say of an authority."""
    ids: dict[str, object] = {"local_authority_id": _AuthorityId(authority)}
    if isinstance(authority, X509Authority):
        ids["upstream_authority_id"] = _UpstreamAuthorityId(authority)
    return ids


class _Instant:
    """An instant, written out when somebody reads the journal."""

    __slots__ = ("_instant",)

    def __init__(self, instant: Microseconds) -> None:
        self._instant = instant

    def __str__(self) -> str:
        return rfc3339(self._instant)


class _AuthorityId:
    """An authority's ID, worked out when somebody reads the journal."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    def __str__(self) -> str:
        return authority_id(self._authority)


class _UpstreamAuthorityId(_AuthorityId):
    """The ID of the authority that signed it, likewise."""

    def __str__(self) -> str:
        return upstream_authority_id(self._authority)
