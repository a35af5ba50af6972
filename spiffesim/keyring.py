"""Keyring: the authorities of one server, what fills their slots, and when.

SPIRE: pkg/server/ca/manager/manager.go, pkg/server/ca/rotator/rotator.go
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from spiffesim.authority import IssuedCertificate, JwtAuthority, X509Authority
from spiffesim.chain import Chain
from spiffesim.configuration import CaSubject, ServerConfig
from spiffesim.errors import NotSupported, SpiffeSimError
from spiffesim.instants import Microseconds, rfc3339, span, whole_second
from spiffesim.journal import Journal
from spiffesim.keys import Draw, Key
from spiffesim.ledger import View
from spiffesim.plugins.inspection import inspect
from spiffesim.plugins.key_manager import KeyManager
from spiffesim.plugins.upstream_authority import CaRequest, MintedCa, UpstreamAuthority
from spiffesim.profiles import SELF_SIGNED_CA, ca_subject
from spiffesim.randomness import Randomness
from spiffesim.rotation import BACKDATE
from spiffesim.slots import OLD, Slot, Slots
from spiffesim.spiffe.ids import TrustDomain


@attrs.frozen
class _Rotation:
    """One kind of authority as the rotator sees it."""

    kind: str
    slots: Slots
    prepare: Callable[[], None]


class Keyring:
    """The authorities of one server.

    Args:
        name: The name of the server, under which its streams run.
        view: Its view of the trust domain's ledger.
        config: The server's settings.
        key_manager: Where its keys come from.
        upstream: Who signs its CA; None for a self-signed root.
        randomness: The streams of the simulation.
        journal: Where it notes what it does.
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
        self.x509 = Slots()
        self.jwt = Slots()
        self.wit = Slots()
        self._x509_history: list[tuple[Microseconds, X509Authority]] = []
        self._warned = False

    @property
    def trust_domain(self) -> TrustDomain:
        """The trust domain that it signs for."""
        return self.view.ledger.trust_domain

    # Rotation

    def start(self, now: Microseconds, *, everywhere: bool = False) -> None:
        """Prepare and activate the first authorities.

        Args:
            now: The present instant.
            everywhere: Whether the JWT authority becomes known in the whole trust domain at once.

        Raises:
            Refused: If the upstream authority refuses; SPIRE's server ends then.
        """
        for rotation in self._rotations(now, everywhere):
            self._check(rotation, now)

    def rotate(self, now: Microseconds) -> None:
        """One check of the rotator: prepare and activate what is due; what fails is noted, and tried again at the next.

        SPIRE: pkg/server/ca/rotator/rotator.go
        """
        for rotation in self._rotations(now):
            try:
                self._check(rotation, now)
            except SpiffeSimError as error:
                self.journal.note(self.name, f"Unable to rotate {rotation.kind}", error=str(error))

    def due(self) -> Microseconds:
        """The earliest instant at which a check of the rotator would do something; the past stands for now."""
        return min(rotation.slots.due() for rotation in self._rotations(0))

    def _rotations(self, now: Microseconds, everywhere: bool = False) -> Iterator[_Rotation]:
        yield _Rotation("X509 CA", self.x509, lambda: self.prepare_x509(now))
        if not self.config.disable_jwt_svids:
            yield _Rotation("JWT key", self.jwt, lambda: self.prepare_jwt(now, everywhere))
        if self.config.wit_svids:
            yield _Rotation("WIT key", self.wit, lambda: self.prepare_wit(now))

    def _check(self, rotation: _Rotation, now: Microseconds) -> None:
        """Prepare and activate what is due of one kind."""
        slots = rotation.slots
        if slots.current.empty:
            rotation.prepare()
            slots.activate()
            self._activated(rotation, now)
        if slots.next.empty and slots.current.should_prepare_next(now):
            rotation.prepare()
        if slots.current.should_activate_next(now):
            slots.rotate()
            self._activated(rotation, now)

    def _activated(self, rotation: _Rotation, now: Microseconds) -> None:
        authority = rotation.slots.current.authority
        if isinstance(authority, X509Authority):
            self._x509_history.append((now, authority))
        self._note(f"{rotation.kind} activated", rotation.slots.current)

    def x509_authority_at(self, now: Microseconds) -> X509Authority | None:
        """The X.509 authority that signed at an instant; None before the first."""
        for since, authority in reversed(self._x509_history):
            if since <= now:
                return authority
        return None

    def _note(self, kind: str, slot: Slot, **facts: object) -> None:
        """Note what became of the authority in a slot."""
        issued_at, expiration = rfc3339(slot.issued_at), rfc3339(slot.not_after)
        self.journal.note(self.name, kind, slot=slot.id, issued_at=issued_at, expiration=expiration, **facts)

    def prepare_x509(self, now: Microseconds) -> None:
        """Make a new CA key and have it certified: by itself, or by the upstream authority.

        Raises:
            Refused: If the upstream authority refuses, or gives a CA that cannot sign.
        """
        slot = self.x509.to_prepare()
        slot.status = OLD
        key = self.key_manager.generate_key(f"x509-CA-{slot.id}", self.config.ca_key_type)
        authority = self._self_signed(key, now) if self.upstream is None else self._upstream_signed(key, now)
        slot.fill(authority, now)
        authority_id = _AuthorityId(authority.key)
        self._note("X509 CA prepared", slot, self_signed=self.upstream is None, local_authority_id=authority_id)

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
        self.view.ledger.add_root(certificate)
        self.view.learn_roots()
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
            # From a server of ours, which issues nothing that is not right: as far into the ledger as it has read.
            chain = minted.chain
            self.view.learn_roots(len(minted.roots))
        else:
            chain = inspect(minted, request, self.upstream.name)
            for root in minted.roots:
                self.view.ledger.add_root(root)
            self.view.learn_roots()
        return X509Authority(key, chain.head, chain, minted.top)

    def prepare_jwt(self, now: Microseconds, everywhere: bool = False) -> None:
        """Make a new JWT key and publish it, up to the top of the trust domain."""
        slot = self.jwt.to_prepare()
        slot.status = OLD
        authority = self._jwt_authority("JWT-Signer", slot.id, self.config.jwt_key_type, now)
        self.publish(authority, now, everywhere=everywhere)
        slot.fill(authority, now)
        self._note("JWT key prepared", slot, local_authority_id=_KeyId(authority))

    def prepare_wit(self, now: Microseconds) -> None:
        """Make a new WIT key, which stays in the local bundle."""
        slot = self.wit.to_prepare()
        slot.status = OLD
        authority = self._jwt_authority("WIT-Signer", slot.id, None, now)
        self.view.add_wit_authority(authority)
        slot.fill(authority, now)
        self._note("WIT key prepared", slot, local_authority_id=_KeyId(authority))

    def _jwt_authority(self, key_id: str, slot: str, key_type: str | None, now: Microseconds) -> JwtAuthority:
        key = self.key_manager.generate_key(f"{key_id}-{slot}", key_type or self.config.ca_key_type)
        # SPIRE: the key's end is never capped by the upstream (pkg/server/ca/manager/manager.go).
        return JwtAuthority(self._draw(key_id), key, now + span(self.config.ca_ttl))

    def publish(self, authority: JwtAuthority, now: Microseconds, *, everywhere: bool = False) -> None:
        """Hand a JWT authority up, server by server, to the top, whose ledger takes it.

        A loop and not a recursion: trust domains nest thousands deep.
        """
        passed = [self]
        while (upstream := passed[-1].upstream) is not None:
            try:
                receiver = upstream.publish_jwt_key(authority)
            except NotSupported:
                passed[-1].warn_unpublished(upstream)
                break
            if receiver is None or (everywhere and receiver.keyring.view.reaches_top(now)):
                break
            passed.append(receiver.keyring)
        self.view.ledger.add_jwt_authority(authority, everywhere=everywhere)
        for keyring in passed:
            keyring.view.mark_reaching_top(now)
        # Everywhere: what else is pending between these servers stays pending.
        for keyring in passed[: 1 if everywhere else None]:
            keyring.view.learn_jwt_authorities()

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


class _AuthorityId:
    """An X.509 authority's ID, worked out when somebody reads the journal."""

    def __init__(self, key: Key) -> None:
        self._key = key

    def __str__(self) -> str:
        return self._key.key_id.hex()


class _KeyId:
    """A token authority's ID, likewise."""

    def __init__(self, authority: JwtAuthority) -> None:
        self._authority = authority

    def __str__(self) -> str:
        return self._authority.key_id
