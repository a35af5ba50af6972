"""Fork: a second world that begins where the first one is, and goes its own way.

What is written once and never changed, certificates and keys and entries and the past of the journal, both
worlds share; the rest is copied as pickling copies it, so whatever pickles also forks.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Collection
from itertools import chain
from typing import Any, Final, TypeVar

from spiffesim.authority import IssuedCertificate, IssuedSvid, JwtAuthority, X509Authority
from spiffesim.authorization import Caller
from spiffesim.chain import Chain
from spiffesim.configuration import ServerConfig
from spiffesim.entries import RegistrationEntry, Selector
from spiffesim.errors import InvalidInput
from spiffesim.grid import Grid
from spiffesim.journal import Segment
from spiffesim.keys import Draw, Key
from spiffesim.ledger import JwtElement, X509Element
from spiffesim.nodes import Node
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.spiffe.jwtsvid import JwtSvid

_Copied = TypeVar("_Copied")

# A record remembers what was worked out from it, and the streams that it is drawn from; both are the same in all worlds.
_RECORDS: Final = frozenset(
    {
        Caller,
        Chain,
        Draw,
        Grid,
        IssuedCertificate,
        IssuedSvid,
        JwtAuthority,
        JwtElement,
        JwtSvid,
        Key,
        Node,
        RegistrationEntry,
        Segment,
        Selector,
        ServerConfig,
        SpiffeBundle,
        SpiffeId,
        TrustDomain,
        X509Authority,
        X509Element,
        type,
    }
)
_CONSTANT: Final = _RECORDS | {bool, bytes, float, int, str, type(None)}
_CONTAINERS: Final = frozenset({dict, list, set})


def fork(original: _Copied) -> _Copied:
    """An independent copy of whatever holds a world.

    Args:
        original: The world, or a simulation.

    Raises:
        InvalidInput: If a plugin of the user's holds what cannot be copied: an open file, a lock, a function
            without a name.
    """
    written = io.BytesIO()
    writer = _Writer(written)
    try:
        writer.dump(original)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"this world cannot be copied: {error}; what a plugin holds has to be data that pickles", code="not_data"
        ) from error
    written.seek(0)
    copied: _Copied = _Reader(written, writer.shared).load()
    return copied


def _constant(values: Collection[Any]) -> bool:
    """Whether none of these can ever change, nor what is in them: a year's worth is looked at a level at a time."""
    kinds = set(map(type, values)) - _CONSTANT
    if not kinds:
        return True
    return kinds == {tuple} and _constant([*chain.from_iterable(value for value in values if type(value) is tuple)])


def _holds_constants(container: Any) -> bool:
    return _constant(container) and (type(container) is not dict or _constant(container.values()))


class _Writer(pickle.Pickler):
    """Writes a world, with numbers in place of what is shared."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.shared: list[Any] = []
        self._places: dict[int, int] = {}
        self._seen: list[Any] = []  # no other value gets the identity of one that was seen

    def persistent_id(self, value: Any) -> int | None:
        """The number of what is not written here: a record, or a container of records."""
        place = self._places.get(id(value))
        if place is not None:
            return place
        kind = type(value)
        if kind in _RECORDS or (kind is tuple and value and _constant(value)):
            return self._place(value, value)
        if kind in _CONTAINERS and value and _holds_constants(value):
            return self._place(value, value.copy())
        return None

    def _place(self, value: Any, counterpart: Any) -> int:
        place = self._places[id(value)] = len(self.shared)
        self._seen.append(value)
        self.shared.append(counterpart)
        return place


class _Reader(pickle.Unpickler):
    """Reads it again."""

    def __init__(self, file: io.BytesIO, shared: list[Any]) -> None:
        super().__init__(file)
        self._shared = shared

    def persistent_load(self, place: int) -> Any:
        """What has a number."""
        return self._shared[place]
