"""The story of any deployment."""

from __future__ import annotations

import spiffesim
from spiffesim.cli.story import spires_words, tell
from spiffesim.plugins.external_pki import ExternalCa
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority


def told(simulation: spiffesim.Simulation) -> str:
    return "\n".join(tell(simulation))


def words(simulation: spiffesim.Simulation, verb: str) -> list[str]:
    """The lines of one verb, without instant and node."""
    steps = [line for line in tell(simulation) if line.startswith("2030-") and f" {verb} " in line]
    return [step.partition(f" {verb} ")[2].strip() for step in steps]


def test_a_deployment_without_workloads_says_what_to_do() -> None:
    assert told(spiffesim.Simulation(seed=1)).endswith("No workload has an identity: register one, and start it.")


def test_a_workload_without_identity_is_drawn_and_not_asked() -> None:
    sim = spiffesim.Simulation(seed=1)
    sim.root.agent().process(name="stranger", uid=1)
    story = told(sim)
    assert any(
        line.startswith("    └── stranger ") and line.endswith("no identity issued") for line in story.splitlines()
    )
    assert story.endswith("register one, and start it.")


def test_one_workload_validates_itself() -> None:
    sim = spiffesim.Simulation(seed=1)
    sim.workload("/web")
    assert words(sim, "validated") == [
        "spiffe://example.org/web against the bundle of root",
        "spiffe://example.org/web at root-agent",
    ]


def test_each_of_three_shows_itself_to_the_next_and_the_first_comes_last() -> None:
    sim = spiffesim.Simulation(seed=1)
    for name in ("a", "b", "c"):
        sim.workload(f"/{name}")
    validated = [line.split() for line in tell(sim) if " at root-agent" in line]
    assert [(line[1], line[3]) for line in validated] == [
        ("c", "spiffe://example.org/b"),
        ("a", "spiffe://example.org/c"),
        ("b", "spiffe://example.org/a"),
    ]


def test_trust_domains_do_not_mix() -> None:
    sim = spiffesim.Simulation("one.org", seed=1)
    other = sim.add_trust_domain("two.org")
    sim.workload("/a")
    other.workload("/b")
    story = told(sim)
    assert story.startswith("Trust domain one.org and two.org, seed 1\n")
    assert "spiffe://one.org/a against the bundle of root" in story
    assert "spiffe://two.org/b against the bundle of two.org" in story


def test_a_refusal_is_part_of_the_story() -> None:
    sim = spiffesim.Simulation(seed=1, disable_jwt_svids=True)
    sim.workload("/web")
    (refused,) = words(sim, "refused")
    assert "JWT functionality is disabled" in refused
    assert "SVID is valid." not in told(sim)


def test_an_upstream_authority_is_named() -> None:
    ca = ExternalCa("upstream")
    disk = DiskUpstreamAuthority(certificate=ca.certificate_pem, private_key=ca.private_key_pem)
    sim = spiffesim.Simulation(seed=1, upstream_authority=disk)
    assert words(sim, "minted")[0].startswith("CA, signed by its upstream authority disk, until ")


def test_every_server_above_takes_a_published_key() -> None:
    sim = spiffesim.Simulation(seed=1)
    sim.root.nest("a").nest("b")
    assert [line.partition(", until")[0] for line in words(sim, "published")] == [
        "JWT key",
        "JWT key, up to root",
        "JWT key, up to a and root",
    ]


def test_what_has_no_words_of_its_own_is_told_as_the_journal_has_it() -> None:
    sim = spiffesim.Simulation(seed=1)
    agent = sim.root.agent()
    sim.root.ban_agent(agent.spiffe_id)
    lines = list(tell(sim))
    (position,) = [number for number, line in enumerate(lines) if "noted" in line]
    assert lines[position].endswith("Agent banned")
    assert lines[position + 1].strip() == f"agent_id={agent.spiffe_id}"


def test_every_step_has_its_own_instant() -> None:
    sim = spiffesim.Simulation(seed=1)
    sim.advance(hours=1)
    sim.workload("/web")
    story = told(sim)
    assert story.splitlines()[2].startswith("2030-01-01T00:00:00Z  root ")
    assert "2030-01-01T01:00:00Z  root        registered  spiffe://example.org/web" in story


def test_the_tree_is_drawn_with_lines_or_with_ascii() -> None:
    sim = spiffesim.Simulation(seed=1)
    sim.root.nest("a")
    assert "└── a " in told(sim)
    assert "`-- a " in "\n".join(tell(sim, ascii_only=True))
    assert "\n".join(tell(sim, ascii_only=True)).isascii()


def test_spires_words_have_the_claims_in_one_line_by_name() -> None:
    claims = {"sub": "spiffe://example.org/ä", "exp": 2, "aud": ["x", "<y>"], "nested": {"b": 1, "a": True}}
    assert list(spires_words(spiffesim.SpiffeId("spiffe://example.org/web"), claims)) == [
        "SVID is valid.",
        "SPIFFE ID : spiffe://example.org/web",
        'Claims    : {"aud":["x","<y>"],"exp":2,"nested":{"a":true,"b":1},"sub":"spiffe://example.org/ä"}',
    ]
