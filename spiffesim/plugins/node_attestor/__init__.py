"""Node attestors: how an agent proves to its server what its node is.

As in SPIRE such a plugin has two halves. The agent's is a :class:`NodeAttestor`; the server's, where
one is needed, stands in ``server.node_attestors`` under the plugin's name.

SPIRE: pkg/agent/plugin/nodeattestor, pkg/server/plugin/nodeattestor
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import attrs

from spiffesim.entries import Selector
from spiffesim.errors import Refused
from spiffesim.instants import Microseconds
from spiffesim.randomness import Randomness
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.markup import pretty_fields

if TYPE_CHECKING:
    from spiffesim.plugins.node_attestor.join_token import JoinTokens
    from spiffesim.spiffe.bundle import SpiffeBundle


@attrs.frozen
class Attestation:
    """What a node has proved.

    Attributes:
        path: The rest of the agent's ID, behind ``/spire/agent``: ``/join_token/<token>``.
        selectors: What was found out about the node; node aliases match them.
        can_reattest: Whether the agent may prove it again; if not, it renews its SVID.
    """

    path: str
    selectors: tuple[Selector, ...] = ()
    can_reattest: bool = False

    _repr_pretty_ = pretty_fields


class AttestingServer(Protocol):
    """What a node attestor needs of a server."""

    @property
    def name(self) -> str:
        """Its name, under which its streams run."""
        ...

    @property
    def trust_domain(self) -> TrustDomain:
        """Its trust domain."""
        ...

    @property
    def bundle(self) -> SpiffeBundle:
        """The bundle of its trust domain."""
        ...

    @property
    def randomness(self) -> Randomness:
        """Where nonces are drawn from."""
        ...

    @property
    def join_tokens(self) -> JoinTokens:
        """Its join tokens."""
        ...

    @property
    def node_attestors(self) -> Mapping[str, Any]:
        """The server halves that it has, by name."""
        ...


@runtime_checkable
class NodeAttestor(Protocol):
    """The agent's half of a node attestor."""

    @property
    def name(self) -> str:
        """The name of the plugin, such as ``x509pop``; it is the type of its selectors."""
        ...

    @property
    def can_reattest(self) -> bool:
        """Whether it can prove the same again."""
        ...

    def attest(self, server: AttestingServer, now: Microseconds) -> Attestation:
        """Prove to a server what this node is.

        Args:
            server: The server.
            now: The present instant, in microseconds.

        Raises:
            AttestationFailed: With SPIRE's text.
        """
        ...


def server_half(server: AttestingServer, name: str) -> Any:
    """The server's half of a plugin.

    Raises:
        Refused: FAILED_PRECONDITION, with SPIRE's text, if the server has no such plugin.

    SPIRE: pkg/server/api/agent/v1/service.go (AttestAgent)
    """
    half = server.node_attestors.get(name)
    if half is None:
        raise Refused(
            f'error getting node attestor: could not find node attestor type "{name}"',
            status="FAILED_PRECONDITION",
            hint=f'server {server.name} has none; set its node_attestors["{name}"]',
        )
    return half
