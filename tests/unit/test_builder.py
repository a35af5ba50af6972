"""Making nodes: names, depth, who attests through whom, and what stays pending meanwhile."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from spiffesim import Agent, Simulation, SpiffeId
from spiffesim.errors import (
    AlreadyExists,
    InvalidConfiguration,
    InvalidEntry,
    InvalidInput,
    InvalidSpiffeId,
    InvalidTopology,
    Refused,
    Unavailable,
)
from spiffesim.keys import Key
from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.key_manager.memory import MemoryKeyManager
from spiffesim.plugins.node_attestor.declared import DeclaredNodeAttestor
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority
from spiffesim.plugins.workload_attestor import Process
from spiffesim.randomness import Randomness
from spiffesim.server import Server


@pytest.fixture
def sim() -> Simulation:
    return Simulation("example.org", seed=1)


# Agents


def test_without_a_name_the_first_agent_is_meant(sim: Simulation) -> None:
    agent = sim.root.agent()
    assert agent.name == "root-agent"
    assert sim.root.agent() is agent
    assert sim.root.agent("root-agent") is agent
    other = sim.root.agent("other")
    assert sim.root.agent() is agent
    assert sim.root.agents == [agent, other]
    assert list(sim.agents) == ["other", "root-agent"]


@pytest.mark.parametrize("name", [None, "root-agent"])
def test_options_are_for_new_agents_only(sim: Simulation, name: str | None) -> None:
    sim.root.agent()
    with pytest.raises(InvalidTopology, match="there is an agent root-agent already, of server root; give a new one"):
        sim.root.agent(name, attestor=DeclaredNodeAttestor("x"))
    with pytest.raises(InvalidTopology):
        sim.root.agent(name, workload_key_type="ec-p384")


def test_an_agent_belongs_to_one_server(sim: Simulation) -> None:
    sim.root.agent()
    nested = sim.root.nest("nested")
    with pytest.raises(InvalidTopology) as refused:
        nested.agent("root-agent")
    assert (refused.value.code, refused.value.name) == ("equal_names", "root-agent")


# Nested servers


def test_a_nested_server_attests_through_the_agent_that_is_said(sim: Simulation) -> None:
    via = sim.root.agent("gate")
    nested = sim.root.nest("nested", via=via)
    assert nested.via is via
    assert sim.root.agents == [via]


def test_a_nested_server_may_attest_through_another_servers_agent(sim: Simulation) -> None:
    other = sim.root.nest("other")
    nested = sim.root.nest("nested", via=other.agent())
    assert (nested.parent, nested.via, nested.depth) == (sim.root, other.agent(), 1)
    assert [str(entry.spiffe_id) for entry in other.list_entries()] == ["spiffe://example.org/nested"]
    assert [str(entry.spiffe_id) for entry in sim.root.list_entries(downstream=True)] == [
        "spiffe://example.org/other",
        "spiffe://example.org/nested",
    ]
    sim.advance(days=3)
    assert nested.not_after > sim.now


def test_nesting_is_within_one_trust_domain(sim: Simulation) -> None:
    foreign = sim.add_trust_domain("example.com").agent()
    with pytest.raises(
        InvalidTopology, match=r"nested cannot attest through example\.com-agent.*here example\.org"
    ) as r:
        sim.root.nest("nested", via=foreign)
    assert r.value.code == "via"
    namesake = Simulation("example.org", seed=2).root.agent()
    with pytest.raises(InvalidTopology):
        sim.root.nest("nested", via=namesake)


def test_a_name_may_be_anything_and_the_path_is_made_of_it(sim: Simulation) -> None:
    sim.root.nest("(0, 1)")
    sim.root.nest("spire")
    assert [str(entry.spiffe_id) for entry in sim.root.list_entries()] == [
        "spiffe://example.org/_0__1_",
        "spiffe://example.org/server/spire",
    ]


def test_an_unknown_setting_is_named_with_those_there_are(sim: Simulation) -> None:
    with pytest.raises(InvalidConfiguration, match="a server has no setting 'ca_tll'; there are ca_ttl, default_x509"):
        sim.root.nest("nested", ca_tll=1)  # type: ignore[call-arg]  # the point
    assert sim.root.list_entries() == []


def test_keys_come_from_the_key_manager_that_is_said(sim: Simulation) -> None:
    manager = MemoryKeyManager(Randomness("another"), "elsewhere")
    nested = sim.root.nest("nested", key_manager=manager)
    assert nested.keyring.key_manager is manager
    assert list(manager.key_ids()) == ["x509-CA-A", "JWT-Signer-A"]
    assert isinstance(manager.get_key("x509-CA-A"), Key)


# Depth


def chain(sim: Simulation, depth: int) -> Server:
    server = sim.root
    for number in range(depth):
        server = server.nest(f"s{number + 1}")
    return server


def test_the_first_server_beyond_99_is_a_warning(sim: Simulation) -> None:
    deepest = chain(sim, 102)
    chain_of_others = sim.servers["s99"].nest("another")
    assert (deepest.depth, chain_of_others.depth) == (102, 100)
    (warning,) = [event for event in sim.journal if "would not start" in event.kind]
    assert (warning.node, warning.kind) == ("s100", "Server would not start in SPIRE: Go stops at 100 signature checks")
    assert warning.data == {"depth": 100, "max_depth": 99}


def test_max_depth_99_refuses_as_spire_does() -> None:
    sim = Simulation("example.org", seed=1, max_depth=99)
    deepest = chain(sim, 99)
    assert deepest.not_after > sim.now
    with pytest.raises(Refused) as refused:
        deepest.nest("s100")
    assert refused.value.status == "INVALID_ARGUMENT"
    assert refused.value.message == (
        "X509 CA minted by upstream authority is invalid: X509 CA produced an invalid X509-SVID chain: x509svid: could "
        "not verify leaf certificate: x509: signature check attempts limit reached while verifying certificate chain"
    )
    assert "server s100 would stand at depth 100; max_depth is 99" in str(refused.value)
    assert deepest.list_entries() == []
    assert not [event for event in sim.journal if "would not start" in event.kind]


def calls(action: Callable[[], Any]) -> int:
    """How many Python functions an action calls."""
    count = 0

    def on_call(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    gc.disable()  # Hypothesis and others have functions called when the collector runs
    sys.setprofile(on_call)
    try:
        action()
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


def test_making_a_server_costs_the_same_at_any_depth_and_size(sim: Simulation) -> None:
    def nest(parent: Server, name: str) -> int:
        parent.agent()
        return calls(lambda: parent.nest(name))

    nest(sim.root, "warm")  # what is made once is made
    shallow = nest(sim.root.nest("first"), "shallow")  # a nested server has a loop more than a root
    deepest = chain(sim, 60)
    assert nest(deepest, "deep") <= shallow
    for number in range(200):
        deepest.nest(f"wide {number}")
    assert nest(deepest, "wide") <= shallow
    assert nest(sim.root, "late") <= shallow


def test_a_server_that_does_not_start_leaves_nothing_registered(
    sim: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spiffesim.primes.PAIRS", 0)
    with pytest.raises(InvalidInput, match="all that the packaged primes give; use ec-p256 for the rest"):
        sim.root.nest("nested", ca_key_type="rsa-2048")
    assert (sim.root.list_entries(), list(sim.servers)) == ([], ["root"])
    nested = sim.root.nest("nested", ca_key_type="ec-p256")  # as the message says
    assert sim.root.list_entries(downstream=True)[0].spiffe_id.path == "/nested"
    sim.advance(days=1)
    assert sim.workload("/db").validate_x509_svid(nested.workload("/web").fetch_x509_svid()).path == "/web"


def test_a_server_that_does_not_start_leaves_nothing_with_either_server(sim: Simulation) -> None:
    aside = sim.root.nest("aside")
    via = aside.agent()
    registered = sim.root.list_entries()
    aside.delete_agent(via.spiffe_id)
    sim.settle()  # it ends
    with pytest.raises(Unavailable, match="dial unix: connect: connection refused"):
        sim.root.nest("nested", via=via)
    assert (sim.root.list_entries(), aside.list_entries()) == (registered, [])
    sim.root.nest("nested", via=aside.agent("another"))
    assert (len(sim.root.list_entries()), len(aside.list_entries())) == (2, 1)


# Workloads


def test_a_workload_is_named_by_its_path(sim: Simulation) -> None:
    assert sim.workload("/a/b").name == "a/b"
    assert sim.workload("spiffe://example.org/c").name == "c"
    assert sim.workload(SpiffeId("spiffe://example.org/d"), name="own").name == "own"
    assert [str(workload.spiffe_id) for workload in sim.workloads.values()] == [
        "spiffe://example.org/a/b",
        "spiffe://example.org/c",
        "spiffe://example.org/d",
    ]


@pytest.mark.parametrize("path", ["web", "/", "/web/", "https://example.org/web"])
def test_what_is_no_path_is_refused(sim: Simulation, path: str) -> None:
    with pytest.raises(InvalidSpiffeId):
        sim.workload(path)
    assert len(sim.workloads) == 0
    assert sim.root.list_entries() == []


def test_what_the_server_refuses_is_not_started(sim: Simulation) -> None:
    with pytest.raises(Refused, match=r'"spiffe://example\.com/web" is not a member of trust domain "example\.org"'):
        sim.workload("spiffe://example.com/web")
    with pytest.raises(Refused, match="path is in the reserved namespace"):
        sim.workload("/spire/agent/x")
    with pytest.raises(Refused, match="path is empty"):
        sim.workload("spiffe://example.org")
    assert len(sim.workloads) == 0


def test_a_workload_has_its_own_selector_or_those_that_are_said(sim: Simulation) -> None:
    agent = sim.root.agent()
    sim.workload("/a")
    sim.workload("/b", selectors=["unix:uid:1"], process=Process(uid=1), hint="b", x509_svid_ttl=60)
    first, second = sim.root.list_entries()
    assert [str(selector) for selector in first.selectors] == ["declared:name:a"]
    assert [str(selector) for selector in second.selectors] == ["unix:uid:1"]
    assert (second.hint, second.parent_id) == ("b", agent.spiffe_id)
    assert agent.process(uid=1).fetch_x509_svid().hint == "b"
    with pytest.raises(AlreadyExists):
        sim.workload("/b", selectors=["unix:uid:1"])


def test_what_is_no_upstream_authority_is_refused() -> None:
    for wrong in ("disk", object()):
        with pytest.raises(InvalidInput, match=r"^an upstream authority is an object with a name, .*, not ['<]"):
            Simulation(seed=1, upstream_authority=wrong)  # type: ignore[arg-type]  # the point
    ca = ExternalCa("ca")
    right = DiskUpstreamAuthority(certificate=ca.certificate_pem, private_key=ca.private_key_pem)
    assert Simulation(seed=1, upstream_authority=right).root.upstream_name == "root-upstream"


def test_what_a_process_is_stands_not_in_its_entry(sim: Simulation) -> None:
    with pytest.raises(
        InvalidEntry, match=r"'uid' is no field of a registration entry, but what a process is"
    ) as caught:
        sim.workload("/web", uid=7)  # type: ignore[call-arg]  # the point
    assert "workload(..., process=Process(uid=...))" in str(caught.value)
    assert caught.value.field == "uid"
    assert len(sim.workloads) == 0
    with pytest.raises(InvalidEntry, match="has no field 'hunt'; did you mean 'hint'"):
        sim.workload("/web", hunt="x")  # type: ignore[call-arg]  # nor is that
    assert sim.workload("/web", process=Process(uid=7)).process.uid == 7


def test_a_process_is_named_by_its_agent(sim: Simulation) -> None:
    agent = sim.root.agent()
    assert [agent.process(uid=number).name for number in range(2)] == ["root-agent-process", "root-agent-process#2"]
    assert agent.process(name="own", uid=7).process == Process(uid=7)


# What was pending stays pending


def pending(sim: Simulation) -> Agent:
    """A world with an operator's entry, a new root and a new JWT key that nobody else has heard of."""
    sim.root.nest("a").nest("b")
    agent = sim.root.agent()
    sim.root.create_entry(spiffe_id="spiffe://example.org/pending", parent_id=agent.spiffe_id, selectors=["unix:uid:7"])
    sim.root.keyring.prepare_x509(sim.world.now)
    sim.root.keyring.prepare_jwt(sim.world.now)
    return agent


@pytest.mark.parametrize(
    "convenience",
    [
        lambda sim: sim.workload("/new"),
        lambda sim: sim.servers["b"].workload("/new"),
        lambda sim: sim.servers["b"].nest("new"),
        lambda sim: sim.servers["b"].agent("new"),
        lambda sim: sim.root.agent().process(uid=7),
    ],
)
def test_a_convenience_brings_only_its_own_along(sim: Simulation, convenience: Callable[[Simulation], Any]) -> None:
    agent = pending(sim)
    known = {name: sim.servers[name].bundle for name in ("a", "b")}
    process = agent.process(uid=7)
    convenience(sim)
    with pytest.raises(Refused, match="no identity issued"):
        process.fetch_x509_svid()
    for name, bundle in known.items():
        now_known = sim.servers[name].bundle
        assert now_known.x509_der == bundle.x509_der
        assert len(set(sim.root.bundle.jwt_spki) - set(now_known.jwt_spki)) == 1
    sim.settle()
    process.fetch_x509_svid()
    assert all(sim.servers[name].bundle.x509_der == sim.root.bundle.x509_der for name in known)
    assert all(sim.servers[name].bundle.jwt_spki == sim.root.bundle.jwt_spki for name in known)


def test_a_new_servers_jwt_key_is_known_everywhere_at_once(sim: Simulation) -> None:
    a, b = sim.root.nest("a"), sim.root.nest("b")
    peers = [server.workload("/peer") for server in (sim.root, a, b, b.nest("below"))]
    token = a.nest("new").workload("/web").fetch_jwt_svid(audience="peer")
    assert {str(peer.validate_jwt_svid(token, audience="peer").spiffe_id) for peer in peers} == {
        "spiffe://example.org/web"
    }
