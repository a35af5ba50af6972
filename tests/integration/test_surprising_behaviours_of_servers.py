"""What any server does that its operators seldom expect: ``docs/reference/surprising-behaviours.md``, row by row."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from spiffesim import Simulation
from spiffesim.authorization import Caller
from spiffesim.errors import AlreadyExists, AttestationFailed, NotAuthorized, NotFound, Refused, UnknownAuthority
from spiffesim.plugins.node_attestor.declared import DeclaredNodeAttestor
from spiffesim.plugins.node_attestor.join_token import JoinTokenAttestor
from spiffesim.plugins.node_attestor.x509pop import X509PopAttestor, X509PopVerifier
from spiffesim.server import Server
from tests.oracles import certificates as made

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
WEB = "spiffe://example.org/web"


@pytest.fixture
def sim() -> Simulation:
    return Simulation("example.org", seed=13)


@pytest.fixture
def root(sim: Simulation) -> Server:
    return sim.root


# Authorities


def test_an_authority_activated_at_once_is_rejected_until_it_is_known(sim: Simulation, root: Server) -> None:
    web = sim.workload("/web")
    root.activate_x509_authority(root.prepare_x509_authority().authority_id)
    svid = root.mint_x509_svid("spiffe://example.org/db")
    with pytest.raises(UnknownAuthority):
        web.validate_x509_svid(svid)
    sim.advance(seconds=10)
    web.validate_x509_svid(svid)
    # By the schedule everybody has known the next one for eight hours of twenty-four.
    sim.run_until(lambda sim: len(sim.journal.where(kind="X509 CA activated")) == 3, limit=DAY)
    web.validate_x509_svid(root.mint_x509_svid("spiffe://example.org/db"))
    prepared, activated = (sim.journal.where(kind=f"X509 CA {what}")[-1].at for what in ("prepared", "activated"))
    assert (activated, activated - prepared) == (sim.now, 8 * HOUR)


def test_pruning_forgets_the_refresh_hint(sim: Simulation, root: Server) -> None:
    root.view.refresh_hint = 300
    sim.advance(2 * DAY - SECOND)
    assert root.bundle.refresh_hint == 5 * MINUTE
    sim.advance(seconds=1)
    assert sim.journal.where(kind="Pruning CA certificate due to expiration")[-1].at == sim.now
    assert root.bundle.refresh_hint is None


def test_every_restart_without_keys_adds_a_root_and_a_jwt_key(sim: Simulation, root: Server) -> None:
    nested = root.nest("nested", key_manager="disk")
    web, below = sim.workload("/web"), nested.workload("/below")
    before, token = below.fetch_x509_svid(), web.fetch_jwt_svid(audience="all")
    for count in (2, 3):
        sim.stop(root)
        sim.start(root)
        assert (len(root.bundle.x509_der), len(root.bundle.jwt_authorities)) == (count, 1 + count)
        sim.stop(nested)
        sim.start(nested)
        assert len(root.bundle.jwt_authorities) == 1 + count  # whose keys are on disk
        sim.advance(seconds=10)
        below.validate_x509_svid(before)
        below.validate_jwt_svid(token, audience="all")


def test_a_server_renews_at_half_life_and_agents_around_it(sim: Simulation, root: Server) -> None:
    stream = sim.workload("/web").watch_x509()
    renewals, shown = [], root.shown
    for _ in range(24 * 60 * 12):
        sim.advance(seconds=5)
        if root.shown is not shown:
            shown = root.shown
            renewals.append(sim.now)
    lives = {later - at for at, later in pairwise(renewals)}
    assert lives == {HOUR / 2}  # past 30:05 less the ten seconds before its signing, at the next five
    minted = [svid.not_before for update in stream for svid in update.svids]  # some bring another bundle, and the same
    agents = {later - at for at, later in pairwise(minted) if later != at}
    half, sync = (HOUR + 10 * SECOND) / 2, 5 * SECOND
    assert len(agents) > 20
    assert all(half * 0.9 - 10 * SECOND <= life <= half * 1.1 - 10 * SECOND + 2 * sync for life in agents)


# Entries


def test_an_expired_entry_issues_until_it_is_pruned(sim: Simulation, root: Server) -> None:
    agent = root.agent()
    entry = root.create_entry(
        spiffe_id=WEB, parent_id=agent.spiffe_id, selectors=["unix:uid:1"], expires_at=sim.now + MINUTE
    )
    sim.advance(5 * MINUTE - SECOND)
    issued = root.new_x509_svid(agent.caller, entry.id).draw()
    assert issued.not_after == sim.now + HOUR
    assert root.count_entries() == 1
    sim.advance(seconds=1)
    assert root.count_entries() == 0
    sim.advance(seconds=5)  # agents see entries as they were up to five seconds ago
    with pytest.raises(NotFound):
        root.new_x509_svid(agent.caller, entry.id)


def test_similar_entries_differ_in_everything_but_three_fields(root: Server) -> None:
    three = {"spiffe_id": WEB, "parent_id": root.agent().spiffe_id, "selectors": ["unix:uid:1"]}
    entry = root.create_entry(**three, x509_svid_ttl=60)  # type: ignore[arg-type]
    with pytest.raises(AlreadyExists) as refused:
        root.create_entry(**three, x509_svid_ttl=3600, admin=True, hint="another")  # type: ignore[arg-type]
    assert refused.value.existing == entry
    other = root.create_entry(**{**three, "selectors": ["unix:uid:2"]})  # type: ignore[arg-type]
    twin = root.update_entry(other.id, mask=["selectors"], selectors=["unix:uid:1"])
    assert (twin.spiffe_id, twin.parent_id, twin.selectors) == (entry.spiffe_id, entry.parent_id, entry.selectors)
    assert root.count_entries(by_spiffe_id=WEB) == 2


# Agents


def test_a_renewed_agent_svid_becomes_current_when_it_is_used(root: Server) -> None:
    renewing = root.agent("renewing")
    old, new = renewing.caller, Caller.holding(root.renew_agent(renewing.caller))
    root.authorized_entries(old)
    root.authorized_entries(new)
    with pytest.raises(NotAuthorized):
        root.authorized_entries(old)
    attesting = root.agent("attesting", attestor=DeclaredNodeAttestor("one"))
    old = attesting.caller
    root.authorized_entries(old)
    root.agent("again", attestor=DeclaredNodeAttestor("one"))
    with pytest.raises(NotAuthorized):
        root.authorized_entries(old)


def test_a_ban_revokes_no_svid(sim: Simulation, root: Server) -> None:
    banned, other = root.agent("banned"), root.agent("other")
    svid, peer = banned.workload("/web").fetch_x509_svid(), other.workload("/peer")
    root.authorized_entries(banned.caller)
    root.ban_agent(banned.spiffe_id)
    sim.advance(MINUTE)
    with pytest.raises(NotAuthorized):
        root.authorized_entries(banned.caller)
    assert peer.validate_x509_svid(svid) == svid.spiffe_id
    assert other.running
    assert banned.stopped


def test_an_expired_join_token_is_spent_by_trying_it(sim: Simulation, root: Server) -> None:
    token, untried, good = (root.create_join_token(ttl=MINUTE) for _ in range(3))
    root.agent("in-time", attestor=JoinTokenAttestor(good))
    sim.advance(2 * MINUTE)
    for attempt, reason in enumerate(("join token expired", "join token does not exist or has already been used")):
        with pytest.raises(AttestationFailed, match=reason):
            root.agent(f"late-{attempt}", attestor=JoinTokenAttestor(token))
    with pytest.raises(AttestationFailed, match="join token expired"):
        root.agent("late", attestor=JoinTokenAttestor(untried))


# Federation


def test_every_poll_refreshes_a_federated_bundle() -> None:
    sim = Simulation("example.org", seed=13, journal="debug")
    sim.root.federate_with(sim.add_trust_domain("example.com"))
    sim.advance(seconds=1)
    held = sim.root.get_federated_bundle("example.com")
    sim.advance(HOUR)
    assert sim.root.get_federated_bundle("example.com") == held
    refreshed = sim.journal.where(kind="Bundle refreshed", node="root")
    assert len(refreshed) == 1 + HOUR // (75 * SECOND)


# Answers


def test_a_refusal_does_not_say_why(root: Server) -> None:
    with pytest.raises(NotFound) as missing:
        root.update_entry("nobody", mask=["hint"], hint="h")
    assert missing.value.message == "failed to update entry"
    with pytest.raises(Refused) as invalid:
        root.update_entry("nobody", mask=["hint"], hint="h" * 1025)
    assert "hint is too long" in invalid.value.message
    banned = root.agent("banned").caller
    unknown = Caller(root.trust_domain.id("/nobody"), not_after=banned.not_after)
    root.authorized_entries(banned)
    root.ban_agent(root.agent("banned").spiffe_id)
    refusals = []
    for caller in (unknown, banned):
        with pytest.raises(NotAuthorized) as refused:
            root.authorized_entries(caller)
        refusals.append(refused.value)
    assert len({refusal.message for refusal in refusals}) == 1
    assert refusals[0].message.startswith("authorization denied for method /")
    assert [refusal.detail for refusal in refusals] == ["AGENT_NOT_ATTESTED", "AGENT_BANNED"]


def test_sizes_are_limited(root: Server) -> None:
    fields = {"spiffe_id": WEB, "parent_id": root.agent().spiffe_id}
    root.create_entry(**fields, id="i" * 255, hint="h" * 1024, selectors=["unix:uid:1"])  # type: ignore[arg-type]
    for wrong in ({"id": "i" * 256}, {"hint": "h" * 1025}):
        with pytest.raises(Refused) as refused:
            root.create_entry(**fields, **wrong, selectors=["unix:uid:2"])  # type: ignore[arg-type]
        assert refused.value.status == "INVALID_ARGUMENT"
    prepared = [root.prepare_x509_authority().authority_id for _ in range(12)]
    kept = [entry.authority.certificate for entry in root.keyring.ca_journal.record.x509]  # type: ignore[union-attr]
    assert len(kept) == 10
    assert len(root.bundle.x509_der) == 13
    assert len(prepared) == 12


def test_a_chain_of_a_node_has_four_intermediates(root: Server) -> None:
    cas = [made.root("pki", uris=())]
    for number in range(5):
        cas.append(made.intermediate(cas[-1], f"ca {number}", uris=()))
    root.node_attestors["x509pop"] = X509PopVerifier([cas[0].der])

    def attest(depth: int) -> None:
        node = made.leaf(cas[depth], uris=(), key=made.key(f"node {depth}"))
        chain = made.ders(node, *reversed(cas[1 : depth + 1]))
        root.agent(f"agent-{depth}", attestor=X509PopAttestor(chain, made.pkcs8(node.key)))

    attest(4)
    with pytest.raises(AttestationFailed, match="too many intermediate certificates"):
        attest(5)


# Tokens


def test_the_audience_of_a_jwt_svid_is_a_list(sim: Simulation, root: Server) -> None:
    token = sim.workload("/web").fetch_jwt_svid(audience="one")
    claims = token.claims
    assert claims["aud"] == ["one"]
    assert {"iat", "exp"} <= claims.keys()
    assert "nbf" not in claims
    key_id, *_ = root.bundle.jwt_authorities
    assert token.key_id == key_id
    # Another world draws the same key ID over another key.
    other = Simulation("example.org", seed=13, jwt_key_type="ec-p384").root.bundle
    assert key_id in other.jwt_spki
    assert other.jwt_spki != root.bundle.jwt_spki


def test_an_agent_accepts_a_token_for_a_minute_after_its_end(sim: Simulation, root: Server) -> None:
    nested = root.nest("nested")
    web = nested.workload("/web")
    token = web.fetch_jwt_svid(audience="all")
    sim.travel_to(token.expiry + MINUTE)
    web.validate_jwt_svid(token, audience="all")
    sim.advance(seconds=1)
    with pytest.raises(Refused, match="expired"):
        web.validate_jwt_svid(token, audience="all")
    sim.fail(nested)
    end = nested.get_jwt_authority_state().active.expires_at
    assert end is not None
    sim.travel_to(end - SECOND)
    assert nested.mint_jwt_svid(WEB, "all").expiry == end
    sim.travel_to(end)
    with pytest.raises(Refused, match='invalid JWT-SVID "exp" claim: already expired as of'):
        nested.mint_jwt_svid(WEB, "all")
