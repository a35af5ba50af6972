"""The ``x509pop`` node attestor: a node holds the key of a certificate that the server's operator has issued.

- ``attestor``: the agent's half, `X509PopAttestor`.
- ``verifier``: the server's half, `X509PopVerifier`.
- ``evidence``: what is in a node's certificates.
- ``messages``: what travels between them.

SPIRE: pkg/agent/plugin/nodeattestor/x509pop, pkg/server/plugin/nodeattestor/x509pop, pkg/common/plugin/x509pop
"""

from __future__ import annotations

from spiffesim.plugins.node_attestor.x509pop.attestor import X509PopAttestor
from spiffesim.plugins.node_attestor.x509pop.verifier import X509PopVerifier

__all__ = ["X509PopAttestor", "X509PopVerifier"]
