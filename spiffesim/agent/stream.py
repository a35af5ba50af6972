"""Streams: what a workload hears from the Workload API as time passes.

SPIRE: pkg/agent/endpoints/workload/handler.go, pkg/agent/manager/cache/lru_cache_subscriber.go
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from spiffesim.agent.hints import without_duplicates
from spiffesim.agent.svidcache import Identity
from spiffesim.errors import SpiffeSimError
from spiffesim.instants import Microseconds, moment
from spiffesim.server.view import View
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.bundlemap import BundleMap
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.x509svid import X509Svid

if TYPE_CHECKING:
    from spiffesim.workload import Workload


@attrs.frozen(eq=False)
class Notification:
    """What an agent has for a workload at an instant; its documents are drawn when somebody looks."""

    instant: Microseconds
    identities: tuple[Identity, ...]
    view: View
    federated: tuple[SpiffeBundle, ...]


@attrs.frozen(eq=False)
class X509Update:
    """One message of ``Workload.watch_x509``: all that the workload has from now on.

    Attributes:
        at: When it came, an aware-UTC datetime.
    """

    at: datetime
    _identities: tuple[Identity, ...] = attrs.field(repr=False)
    _bundles: tuple[View, tuple[SpiffeBundle, ...]] = attrs.field(repr=False)

    @property
    def spiffe_ids(self) -> tuple[SpiffeId, ...]:
        """The SPIFFE IDs of its SVIDs."""
        return tuple(identity.entry.spiffe_id for identity in self._identities)

    @property
    def svids(self) -> tuple[X509Svid, ...]:
        """Its X509-SVIDs, one an entry, by entry ID; the first is the default."""
        return tuple(identity.svid.draw(identity.entry.hint) for identity in self._identities)

    @property
    def bundles(self) -> BundleMap:
        """The X.509 bundles: its own trust domain's, and those that its entries federate with."""
        view, federated = self._bundles
        return BundleMap(bundle.x509_bundle for bundle in (view.bundle, *federated))


@attrs.frozen(eq=False)
class BundleUpdate:
    """One message of ``Workload.watch_x509_bundles`` or ``watch_jwt_bundles``.

    Attributes:
        at: When it came, an aware-UTC datetime.
    """

    at: datetime
    _kind: str
    _bundles: tuple[View, tuple[SpiffeBundle, ...]] = attrs.field(repr=False)

    @property
    def bundles(self) -> BundleMap:
        """The bundles: its own trust domain's, and those that its entries federate with."""
        view, federated = self._bundles
        return BundleMap(getattr(bundle, self._kind) for bundle in (view.bundle, *federated))


Message = TypeVar("Message", X509Update, BundleUpdate)


class Stream(ABC, Generic[Message]):
    """An open call of the Workload API: iterate over it for what has come since you last did.

    An iteration ends at the present instant. Let time pass, and iterate again. Of what comes at one instant
    the last counts, as in SPIRE, where it takes the place of what nobody has read.

    Raises:
        NoIdentityIssued: PERMISSION_DENIED, behind the last message, once the workload has no identity any more.
        Unavailable: UNAVAILABLE, likewise, once the agent has ended.
    """

    def __init__(self, workload: Workload) -> None:
        self.selectors = frozenset(workload.selectors)
        self.waits = True
        self._workload = workload
        self._unread: deque[Notification] = deque()
        self._lost_at: Microseconds | None = None
        self._end: SpiffeSimError | None = None
        self._closed = False

    # What the agent does with it

    def is_open(self, now: Microseconds) -> bool:
        """Whether it still hears of anything."""
        return not self._closed and (self._lost_at is None or self._lost_at == now)

    def take(self, notification: Notification) -> None:
        """Hear of something."""
        if self._unread and self._unread[-1].instant == notification.instant:
            self._unread.pop()
        self._unread.append(notification)
        self._lost_at = None if notification.identities else notification.instant

    def end(self, error: SpiffeSimError) -> None:
        """Hear nothing any more, because of an error."""
        if self._lost_at is None:
            self._end = error
        self._closed = True

    # What the workload does with it

    def close(self) -> None:
        """Hang up: nothing comes any more."""
        self._closed = True
        self._unread.clear()
        self._workload.agent.drop_stream(self)

    def __iter__(self) -> Stream[Message]:
        return self

    def __next__(self) -> Message:
        while self._unread:
            notification = self._unread.popleft()
            if not notification.identities:
                self._end = self._workload.no_identity()
                self._closed = True
                break
            message = self._message(notification)
            if message is not None:
                return message
        if self._end is not None:
            raise self._end
        raise StopIteration

    @abstractmethod
    def _message(self, notification: Notification) -> Message | None:
        """What is sent; None for nothing."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._workload.name}>"


class X509Stream(Stream[X509Update]):
    """``FetchX509SVID``: each notification is sent, whether anything in it is new or not."""

    def _message(self, notification: Notification) -> X509Update:
        kept = without_duplicates([identity.entry for identity in notification.identities])
        identities = tuple(identity for identity in notification.identities if identity.entry in kept)
        return X509Update(moment(notification.instant), identities, (notification.view, notification.federated))


class BundleStream(Stream[BundleUpdate]):
    """``FetchX509Bundles`` and ``FetchJWTBundles``: only what differs from the last message is sent.

    Args:
        workload: Who calls.
        kind: ``x509_bundle`` or ``jwt_bundle``.
    """

    def __init__(self, workload: Workload, kind: str) -> None:
        super().__init__(workload)
        self._kind = kind
        self._sent: Any = None

    def _message(self, notification: Notification) -> BundleUpdate | None:
        view = notification.view
        authorities = list(view.roots) if self._kind == "x509_bundle" else view.jwt_authorities
        content = authorities, [getattr(bundle, self._kind) for bundle in notification.federated]
        if content == self._sent:
            return None
        self._sent = content
        return BundleUpdate(moment(notification.instant), self._kind, (view, notification.federated))
