"""Polling: who is polled for the bundles of other trust domains follows from the relationships of a server.

SPIRE: pkg/server/bundle/client/manager.go, sources.go
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from spiffesim.federation import FederationRelationship
from spiffesim.server.api import Service
from spiffesim.server.bundleclient import BundleClient, FetchFailed
from spiffesim.server.loops import BundleUpdater
from spiffesim.spiffe.ids import TrustDomain

if TYPE_CHECKING:
    from spiffesim.server.server import Server


class Polling(Service):
    """The loops that fetch the bundles of other trust domains.

    Attributes:
        relationships: Those that the API made.
        updaters: The loops, one a trust domain.
        pollers: The servers that fetch the bundle from here.
        managing: Whether there are such loops: while the process runs.
        federations: How many loops there have been.
    """

    relationships: dict[TrustDomain, FederationRelationship]
    updaters: dict[TrustDomain, BundleUpdater]
    pollers: list[Server]
    managing: bool = False
    federations: int = 0

    def start_loops(self) -> None:
        """Let its loops begin now, and poll every trust domain with which it has a relationship."""
        super().start_loops()
        self.managing = True
        self.reload_relationships()

    def end_loops(self) -> None:
        """Let its loops end: its process has."""
        super().end_loops()
        self.managing = False
        self.updaters.clear()

    def reload_relationships(self) -> None:
        """Let what is polled be what the relationships say; those of the configuration come before others.

        SPIRE: pkg/server/bundle/client/manager.go (refreshConfigs)
        """
        if not self.managing:
            return
        static = {relationship.trust_domain: relationship for relationship in self.config.federates_with}
        wanted = {**self.relationships, **static}
        for name in list(self.updaters):
            if name not in wanted:
                self._stop_polling(name)
            elif self.updaters[name].client.relationship != wanted[name]:
                self.updaters[name].client.relationship = wanted[name]
                self.note("Updated configuration for managed trust domain", trust_domain=name, **_facts(wanted[name]))
        for name, relationship in wanted.items():
            if name not in self.updaters:
                self._start_polling(relationship)
        self.wake()

    def _start_polling(self, relationship: FederationRelationship) -> None:
        name = relationship.trust_domain
        server = cast("Server", self)
        updater = BundleUpdater(server, BundleClient(server, relationship), self.federations)
        self.federations += 1
        self.note("Trust domain is now managed", trust_domain=name, **_facts(relationship))
        self.updaters[name] = updater
        self.loops = (*self.loops, updater)
        self.world.timetable.add([updater])

    def _stop_polling(self, name: TrustDomain) -> None:
        updater = self.updaters.pop(name)
        self.note("Trust domain no longer managed", trust_domain=name)
        self.loops = tuple(loop for loop in self.loops if loop is not updater)
        self.world.timetable.remove([updater])

    def poll_endpoints(self) -> None:
        """Fetch what there is news of, outside of the polls; what cannot be fetched now the next poll tells."""
        for updater in self.updaters.values():
            if updater.client.has_news:
                try:
                    updater.client.refresh()
                except FetchFailed:
                    continue
                finally:
                    self.wake()

    def poll_from(self, poller: Server) -> None:
        """Let a server know of changes from now on: it polls this one."""
        if poller not in self.pollers:
            self.pollers.append(poller)
            self.wake()  # from now on each renewal of its SVID is an event


def _facts(relationship: FederationRelationship) -> dict[str, str]:
    return {
        "bundle_endpoint_url": relationship.bundle_endpoint_url,
        "bundle_endpoint_profile": relationship.bundle_endpoint_profile,
    }
