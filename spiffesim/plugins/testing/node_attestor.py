"""The conformance suite for node attestors, and a server for them to attest to."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime
from typing import Any

import attrs

from spiffesim.clock import EPOCH
from spiffesim.entries import Selector
from spiffesim.errors import InvalidSpiffeId, Refused
from spiffesim.instants import microseconds
from spiffesim.plugins.node_attestor import Attestation, NodeAttestor
from spiffesim.plugins.node_attestor.join_token import JoinTokens
from spiffesim.plugins.testing.suite import Conformance, expect, require
from spiffesim.randomness import Randomness
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.markup import pretty_fields


@attrs.define
class StandInServer:
    """A server, as far as a node attestor sees it.

    Attributes:
        name: Its name, under which its streams run.
        trust_domain: Its trust domain.
        bundle: The bundle of its trust domain.
        randomness: Where nonces are drawn from.
        join_tokens: Its join tokens.
        node_attestors: The server halves that it has, by name.
    """

    name: str = "root"
    trust_domain: TrustDomain = attrs.field(factory=lambda: TrustDomain("example.org"))
    bundle: SpiffeBundle = attrs.field(factory=lambda: SpiffeBundle("example.org"))
    randomness: Randomness = attrs.field(factory=lambda: Randomness("conformance"))
    join_tokens: JoinTokens = attrs.field(factory=JoinTokens)
    node_attestors: dict[str, Any] = attrs.field(factory=dict)

    _repr_pretty_ = pretty_fields


class NodeAttestorConformance(Conformance):
    """What a server and an agent demand of a node attestor."""

    at: datetime = EPOCH
    """When the agent attests."""

    @abstractmethod
    def node_attestor(self) -> NodeAttestor:
        """The agent's half under test, made anew; what it proves is right."""

    @abstractmethod
    def impostor(self) -> NodeAttestor:
        """One that proves nothing, and that the server has to refuse."""

    def server(self) -> StandInServer:
        """The server; put the server's half, if there is one, into its ``node_attestors``."""
        return StandInServer()

    def plugin(self) -> NodeAttestor:
        """The agent's half under test."""
        return self.node_attestor()

    def attested(self, server: StandInServer | None = None, plugin: NodeAttestor | None = None) -> Attestation:
        """What the server finds out."""
        attestation = (plugin or self.plugin()).attest(server or self.server(), microseconds(self.at))
        require(isinstance(attestation, Attestation), f"it gave {type(attestation).__name__}, not an Attestation")
        return attestation

    def test_the_agent_gets_an_id(self) -> None:
        """The path that was proved makes an agent's ID: ``/spire/agent`` and it are a path by SPIFFE-ID 2.2."""
        path = self.attested().path
        try:
            self.server().trust_domain.id(f"/spire/agent{path}")
        except (InvalidSpiffeId, TypeError) as error:
            raise AssertionError(f"its path {path!r} makes no agent ID: {error}") from error
        require(path.startswith("/") and len(path) > 1, f"its path {path!r} does not begin with a slash")

    def test_selectors_have_its_name_as_their_type(self) -> None:
        """Everything that was found out about the node is a selector of the plugin's own type."""
        name = self.plugin().name
        for selector in self.attested().selectors:
            require(isinstance(selector, Selector), f"{selector!r} is no Selector")
            require(selector.type == name, f"{selector} is not of type {name}")

    def test_both_halves_agree_on_attesting_again(self) -> None:
        """``can_reattest`` is the same before and after."""
        before, after = self.plugin().can_reattest, self.attested().can_reattest
        require(before is after, f"the agent's half says {before}, the attestation {after}")

    def test_who_can_attest_again_is_the_same_again(self) -> None:
        """An agent that attests again has the same ID."""
        server, plugin = self.server(), self.plugin()
        if plugin.can_reattest:
            first, second = (self.attested(server, plugin).path for _ in range(2))
            require(first == second, f"it was {first}, and then {second}")

    def test_an_impostor_is_refused(self) -> None:
        """Who proves nothing is refused, with ``AttestationFailed`` or another ``Refused``."""
        impostor, server = self.impostor(), self.server()
        attestation = expect(Refused, lambda: impostor.attest(server, microseconds(self.at)))
        require(attestation is None, f"the impostor was attested: {attestation}")

    def test_the_same_world_gives_the_same_answer(self) -> None:
        """Same seed, same bytes: in a world that is made anew the same is found out."""
        require(self.attested() == self.attested(), "in a world made anew it gives another answer")
