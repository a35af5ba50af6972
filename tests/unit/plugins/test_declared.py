"""The two attestors that believe what they are told."""

from __future__ import annotations

import pytest

from spiffesim.entries import Selector
from spiffesim.errors import AttestationFailed, InvalidEntry, InvalidSpiffeId
from spiffesim.plugins.node_attestor import Attestation, NodeAttestor
from spiffesim.plugins.node_attestor.declared import DeclaredNodeAttestor
from spiffesim.plugins.testing import StandInServer
from spiffesim.plugins.workload_attestor import Process, WorkloadAttestor
from spiffesim.plugins.workload_attestor.declared import DeclaredWorkloadAttestor
from spiffesim.spiffe.ids import SpiffeId
from tests.unit.keyrings import NOW

AGENT = "spiffe://example.org/spire/agent/test/one"


@pytest.mark.parametrize(
    ("agent_id", "path"),
    [
        ("one", "/declared/one"),
        ("/one/two", "/declared/one/two"),
        (AGENT, "/test/one"),
        (SpiffeId(AGENT), "/test/one"),
    ],
)
def test_a_node_is_who_it_says_it_is(agent_id: SpiffeId | str, path: str) -> None:
    attestor = DeclaredNodeAttestor(agent_id, selectors=["k8s_psat:cluster:a", Selector("test", "b")])
    assert isinstance(attestor, NodeAttestor)
    assert attestor.attest(StandInServer(), NOW) == Attestation(
        path, (Selector("k8s_psat", "cluster:a"), Selector("test", "b")), can_reattest=True
    )
    assert (attestor.name, repr(attestor)) == ("declared", f"<DeclaredNodeAttestor {agent_id}>")


def test_a_node_may_be_one_that_renews() -> None:
    attestor = DeclaredNodeAttestor("one", can_reattest=False)
    assert not attestor.can_reattest
    assert not attestor.attest(StandInServer(), NOW).can_reattest


@pytest.mark.parametrize(
    ("agent_id", "text"),
    [
        (
            "spiffe://other.org/spire/agent/one",
            '"spiffe://other.org/spire/agent/one" is not a member of trust domain "example.org"',
        ),
        (
            "spiffe://example.org/web",
            '"spiffe://example.org/web" is not an agent in trust domain "example.org"; path is not in the agent namespace',
        ),
        (
            "spiffe://example.org/spire/agent",
            '"spiffe://example.org/spire/agent" is not an agent in trust domain "example.org"; '
            "path is not in the agent namespace",
        ),
    ],
)
def test_an_id_that_no_agent_has_is_refused_in_spires_words(agent_id: str, text: str) -> None:
    with pytest.raises(AttestationFailed) as caught:
        DeclaredNodeAttestor(agent_id).attest(StandInServer(), NOW)
    assert (caught.value.message, caught.value.status) == (text, "INVALID_ARGUMENT")
    assert caught.value.hint == "an agent ID of server root begins with spiffe://example.org/spire/agent/"
    assert caught.value.spiffe_id == SpiffeId(agent_id)


def test_what_is_no_id_or_no_selector_is_refused() -> None:
    with pytest.raises(InvalidSpiffeId):
        DeclaredNodeAttestor("https://example.org").attest(StandInServer(), NOW)
    with pytest.raises(InvalidEntry):
        DeclaredNodeAttestor("one", selectors=["alone"])


def test_a_process_has_the_selectors_that_it_was_given() -> None:
    attestor = DeclaredWorkloadAttestor()
    assert isinstance(attestor, WorkloadAttestor)
    process = Process(uid=5, selectors=["a:b"]).with_selectors("c:d", Selector("e", "f"))
    assert list(attestor.attest(process)) == [Selector("a", "b"), Selector("c", "d"), Selector("e", "f")]
    assert list(attestor.attest(Process(uid=5))) == []
    assert process.uid == 5
