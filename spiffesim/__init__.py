"""A whole SPIFFE trust domain inside one Python process.

::

    sim = spiffesim.Simulation("example.org")
    web, db = sim.workload("/web"), sim.workload("/db")
    db.validate_x509_svid(web.fetch_x509_svid())  # SpiffeId('spiffe://example.org/web')
    sim.advance(hours=2)  # nobody slept

**The machines.** A :class:`Simulation` holds :class:`Server`, :class:`Agent` and :class:`Workload`
objects, under one virtual clock that begins at :data:`EPOCH` when a seed is given. What a server
has registered is a :class:`RegistrationEntry`, found by its :class:`Selector` values; see
:mod:`spiffesim.entries`.

**The standards**, in :mod:`spiffesim.spiffe`, usable alone: :class:`SpiffeId`, :class:`TrustDomain`,
:class:`X509Svid`, :class:`JwtSvid`, :class:`WitSvid`, :class:`SpiffeBundle`, :class:`BundleMap`, and the
:class:`Verdict` of a validation.

**The errors**, in :mod:`spiffesim.errors`: everything raised is a :class:`SpiffeSimError`; a document
that is refused raises a :class:`ValidationError`.

**The rooms and wings.** :mod:`spiffesim.plugins` (attestors, key managers, upstream authorities, and the
Protocols for your own), :mod:`spiffesim.catalogue` (documents that are wrong in one named way),
:mod:`spiffesim.compare` (the same cases through several validators), :mod:`spiffesim.strategies` (Hypothesis),
``spiffesim.pytest_plugin`` (fixtures), ``spiffesim.cli`` (the ``spiffesim`` command), ``spiffesim.extra`` (one module
for each pip extra).

It is made for tests, plans, teaching and research: its keys come from a seed, so none of its
documents may protect anything real. Nothing is loaded before it is asked for: ``import spiffesim``
loads no other library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from spiffesim import catalogue as catalogue
    from spiffesim import compare as compare
    from spiffesim import entries as entries
    from spiffesim import errors as errors
    from spiffesim import plugins as plugins
    from spiffesim import spiffe as spiffe
    from spiffesim import strategies as strategies
    from spiffesim.agent import Agent as Agent
    from spiffesim.clock import EPOCH as EPOCH
    from spiffesim.entries import RegistrationEntry as RegistrationEntry
    from spiffesim.entries import Selector as Selector
    from spiffesim.errors import SpiffeSimError as SpiffeSimError
    from spiffesim.errors import ValidationError as ValidationError
    from spiffesim.server import Server as Server
    from spiffesim.simulation import Simulation as Simulation
    from spiffesim.spiffe.bundle import SpiffeBundle as SpiffeBundle
    from spiffesim.spiffe.bundlemap import BundleMap as BundleMap
    from spiffesim.spiffe.ids import SpiffeId as SpiffeId
    from spiffesim.spiffe.ids import TrustDomain as TrustDomain
    from spiffesim.spiffe.jwtsvid import JwtSvid as JwtSvid
    from spiffesim.spiffe.verdict import Verdict as Verdict
    from spiffesim.spiffe.witsvid import WitSvid as WitSvid
    from spiffesim.spiffe.x509svid import X509Svid as X509Svid
    from spiffesim.workload import Workload as Workload

__version__ = "0.1.0"

_HOMES: Final = {
    "Agent": "agent",
    "BundleMap": "spiffe.bundlemap",
    "EPOCH": "clock",
    "JwtSvid": "spiffe.jwtsvid",
    "RegistrationEntry": "entries",
    "Selector": "entries",
    "Server": "server",
    "Simulation": "simulation",
    "SpiffeBundle": "spiffe.bundle",
    "SpiffeId": "spiffe.ids",
    "SpiffeSimError": "errors",
    "TrustDomain": "spiffe.ids",
    "ValidationError": "errors",
    "Verdict": "spiffe.verdict",
    "WitSvid": "spiffe.witsvid",
    "Workload": "workload",
    "X509Svid": "spiffe.x509svid",
}
_ROOMS: Final = ("catalogue", "compare", "entries", "errors", "plugins", "spiffe", "strategies")


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_ROOMS})


__all__ = [*_HOMES, *_ROOMS]  # noqa: PLE0604 - keys of a table of texts; the names load when asked for
