"""Compare validators: the same cases through all of them, and where they are wrong.

    >>> from spiffesim import catalogue, compare
    >>> @compare.validator("x509-svid", refuses=(ValueError,))
    ... def credulous(case):
    ...     return len(case.chain_der) > 0
    >>> case = catalogue.x509_svid_case("leaf_is_ca")
    >>> found = compare.disagreements([compare.ours(), credulous], [case, case.repaired])
    >>> [(row.name, row.wrong, row.clause) for row in found.rows]
    [('leaf_is_ca', ('credulous',), 'X509-SVID 4.1')]

A validator is one function behind :func:`validator`, or a program in any language behind :func:`process`. Cases come from
:func:`cases`, and leave as JSON by :func:`export` and :func:`limbo`.
"""

from __future__ import annotations

from spiffesim.compare.comparison import Comparison, Disagreement, Tally, disagreements
from spiffesim.compare.export import export, load
from spiffesim.compare.limbo import limbo
from spiffesim.compare.openssl import openssl
from spiffesim.compare.ours import ours
from spiffesim.compare.outcome import Answer, Outcome
from spiffesim.compare.path import cryptography_verifier
from spiffesim.compare.process import process
from spiffesim.compare.pyjwt import pyjwt
from spiffesim.compare.pyspiffe import py_spiffe
from spiffesim.compare.selection import cases
from spiffesim.compare.validator import Judge, Validator, validator

__all__ = [
    "Answer",
    "Comparison",
    "Disagreement",
    "Judge",
    "Outcome",
    "Tally",
    "Validator",
    "cases",
    "cryptography_verifier",
    "disagreements",
    "export",
    "limbo",
    "load",
    "openssl",
    "ours",
    "process",
    "py_spiffe",
    "pyjwt",
    "validator",
]
