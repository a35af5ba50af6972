"""A state machine over the lifecycle of a trust domain: for a validator of yours, a system of yours, or this library's.

::

    class Mine(Lifecycle):
        validator = Validator(x509_svid=my_function, refuses=(MyError,))


    TestMine = Mine.TestCase
"""

from __future__ import annotations

from spiffesim.strategies.lifecycle.machine import (
    SERVERS,
    STEPS,
    WORKLOADS,
    Lifecycle,
    needs_workload,
    script_of,
)
from spiffesim.strategies.lifecycle.simulated import SimulatedSystem
from spiffesim.strategies.lifecycle.system import Authorities, System, Validator, X509Documents

__all__ = [
    "SERVERS",
    "STEPS",
    "WORKLOADS",
    "Authorities",
    "Lifecycle",
    "SimulatedSystem",
    "System",
    "Validator",
    "X509Documents",
    "needs_workload",
    "script_of",
]
