"""Conformance suites: what a plugin of your own has to do, as tests that it passes or does not.

Subclass the suite for your kind of plugin, make the plugin in the one or two methods that it asks
for, and let pytest collect the subclass, or call ``check()``::

    class TestMyAuthority(UpstreamAuthorityConformance):
        def upstream_authority(self):
            return MyAuthority()

Each ``test_*`` method is one rule, and its docstring says it. A rule that your plugin breaks on purpose is
taken away with ``test_it_pickles = None``.
"""

from __future__ import annotations

from spiffesim.plugins.testing.key_manager import KeyManagerConformance
from spiffesim.plugins.testing.node_attestor import NodeAttestorConformance, StandInServer
from spiffesim.plugins.testing.upstream_authority import UpstreamAuthorityConformance
from spiffesim.plugins.testing.workload_attestor import WorkloadAttestorConformance

__all__ = [
    "KeyManagerConformance",
    "NodeAttestorConformance",
    "StandInServer",
    "UpstreamAuthorityConformance",
    "WorkloadAttestorConformance",
]
