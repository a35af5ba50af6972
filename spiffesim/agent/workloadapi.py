"""The Workload API: what an agent has for the processes on its node.

SPIRE: pkg/agent/endpoints/workload/handler.go, pkg/agent/manager/manager.go
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

from spiffesim.agent.credentials import Credentials
from spiffesim.agent.jwtcache import Audience, JwtCache
from spiffesim.agent.loops import Subscriptions
from spiffesim.agent.minter import Minter
from spiffesim.agent.stream import Notification, Stream
from spiffesim.agent.svidcache import Identity, SelectorSet, SvidCache
from spiffesim.agent.sync import Sync
from spiffesim.agentconfig import AgentConfig
from spiffesim.daemon import Daemon
from spiffesim.entries import RegistrationEntry, Selector
from spiffesim.errors import Unavailable
from spiffesim.plugins.workload_attestor import Process, WorkloadAttestor
from spiffesim.server import Server
from spiffesim.server.view import View
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.jwtsvid import JwtSvid


class WorkloadApi(Daemon):
    """What an agent serves; all of it is in its memory."""

    config: AgentConfig
    server: Server
    workload_attestors: Sequence[WorkloadAttestor]
    credentials: Credentials
    synchronization: Sync
    minter: Minter
    view: View
    federated: dict[TrustDomain, SpiffeBundle]
    cache: SvidCache
    tokens: JwtCache
    streams: list[Stream[Any]]

    def check_running(self) -> None:
        """Refuse when nobody listens on the socket.

        Raises:
            Unavailable: UNAVAILABLE, as whoever connects to a socket that is gone.
        """
        if not self.running:
            raise self._unavailable(self.stopped or "its machine is suspended")

    def _unavailable(self, reason: str) -> Unavailable:
        return Unavailable("the Workload API is unavailable", status="UNAVAILABLE", hint=f"agent {self.name}: {reason}")

    def selectors(self, process: Process) -> tuple[Selector, ...]:
        """What the workload attestors find out about a process."""
        found = (selector for attestor in self.workload_attestors for selector in attestor.attest(process))
        return tuple(dict.fromkeys(found))

    # Identities

    def catch_up(self) -> None:
        """Renew the SVIDs of workloads that would have been renewed by now, had anybody looked."""
        self.minter.catch_up()

    def matching(self, selectors: Iterable[Selector]) -> list[RegistrationEntry]:
        """The entries of a workload with these selectors, by entry ID."""
        return self.cache.matching(selectors)

    def nearest(self, selectors: Iterable[Selector]) -> RegistrationEntry | None:
        """The entry that lacks the fewest selectors of being matched."""
        return self.cache.nearest(selectors)

    @property
    def cached_x509_svids(self) -> int:
        """How many X509-SVIDs it holds."""
        return self.cache.held

    def identities(self, selectors: Iterable[Selector]) -> list[Identity]:
        """The identities that are at hand for a workload with these selectors, by entry ID."""
        self.catch_up()
        return self.cache.identities(self.cache.matching(selectors))

    def subscribe(self, selectors: Iterable[Selector]) -> list[Identity]:
        """The identities of a workload with these selectors, by entry ID, minted now where they are not at hand.

        Not SPIRE: there the workload waits until the next look at what is missing, half a second at most.

        Raises:
            Unavailable: DEADLINE_EXCEEDED, if one cannot be minted. SPIRE waits for it as long as the
                workload does.
        """
        self.catch_up()
        entries = self.cache.matching(selectors)
        self.cache.ask((entry.id for entry in entries), self.now)
        for entry in entries:
            if self.cache.svid(entry) is not None:
                continue
            minted = self.minter.mint_for(entry)
            self.wake()
            if not minted:
                raise Unavailable(
                    "context deadline exceeded",
                    status="DEADLINE_EXCEEDED",
                    hint=f"agent {self.name} has no SVID for entry {entry.id} ({entry.spiffe_id}), and could not mint "
                    "one; its journal says why",
                )
        return self.cache.identities(entries)

    def jwt_svid(self, entry: RegistrationEntry, audience: Audience) -> JwtSvid:
        """A JWT-SVID of an entry: the cached one until its half-life, then a new one.

        Args:
            entry: The entry.
            audience: Whom it is for, in any order.

        Raises:
            Unavailable: With SPIRE's text, if the server refuses and no cached one is still good.
        """
        return self.tokens.fetch(
            entry,
            audience,
            self.now,
            mint=lambda: self._new_jwt_svid(entry, audience),
            warn=lambda reason: self.note(
                "Unable to renew JWT; returning cached copy", spiffe_id=entry.spiffe_id, error=reason
            ),
        )

    def _new_jwt_svid(self, entry: RegistrationEntry, audience: Audience) -> str:
        self.credentials.connect()
        return self.server.new_jwt_svid(self.credentials.caller, entry.id, audience)

    def bundles(self, identities: Iterable[Identity]) -> tuple[SpiffeBundle, ...]:
        """The bundles that these identities federate with, by name, as far as they are there.

        SPIRE: an entry counts once it has an SVID, even one that its hint hides.
        """
        names = {name for identity in identities for name in identity.entry.federates_with if name in self.federated}
        return tuple(self.federated[name] for name in sorted(names))

    # Streams

    @property
    def active(self) -> SelectorSet:
        """The selectors of those who have a stream open."""
        if not self.streams:
            return frozenset()
        self._forget_ended()
        return frozenset(selector for stream in self.streams for selector in stream.selectors)

    def _forget_ended(self) -> None:
        self.streams[:] = [stream for stream in self.streams if stream.is_open(self.world.now)]

    def open_stream(self, stream: Stream[Any]) -> None:
        """Let a workload hear of everything from now on; of the present as soon as all its SVIDs are there."""
        self.catch_up()
        self.cache.ask((entry.id for entry in self.cache.matching(stream.selectors)), self.now)
        self.streams.append(stream)
        if self.answer_streams():
            self.loop(Subscriptions).wait()
        self.wake()

    def drop_stream(self, stream: Stream[Any]) -> None:
        """Let a workload hear of nothing any more."""
        if stream in self.streams:
            self.streams.remove(stream)
            self.wake()

    def answer_streams(self) -> bool:
        """Tell the streams that wait for their SVIDs of those that are there; True if any still waits."""
        for stream in [stream for stream in self.streams if stream.waits]:
            entries = self.cache.matching(stream.selectors)
            stream.waits = any(self.cache.svid(entry) is None for entry in entries)
            if stream.waits:
                self.note("Waiting for SVID to get cached", selectors=sorted(map(str, stream.selectors)))
            else:
                self._tell(stream)
        return any(stream.waits for stream in self.streams)

    def notify(self, touched: Iterable[SelectorSet] | None) -> None:
        """Tell those streams whose workloads have all of any of these selectors; all, if None."""
        self._forget_ended()
        sets = None if touched is None else list(touched)
        for stream in self.streams:
            if not stream.waits and (sets is None or any(stream.selectors >= each for each in sets)):
                self._tell(stream)

    def _tell(self, stream: Stream[Any]) -> None:
        identities = tuple(self.cache.identities(self.cache.matching(stream.selectors)))
        stream.take(Notification(self.world.now, identities, copy.copy(self.view), self.bundles(identities)))

    def end_streams(self, reason: str) -> None:
        """Hang up on everybody."""
        for stream in self.streams:
            stream.end(self._unavailable(reason))
        self.streams.clear()
