"""Attested agents: which of their SVIDs counts, who is banned, and whose selectors are seen."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from spiffesim.authority import IssuedCertificate, IssuedSvid
from spiffesim.authorization import ANONYMOUS, OPERATOR, Caller
from spiffesim.entries import Selector
from spiffesim.errors import NotAuthorized, NotFound, Refused
from spiffesim.instants import SECOND
from spiffesim.keys import Draw
from spiffesim.nodes import Node, Nodes
from spiffesim.profiles import AGENT_SVID
from spiffesim.randomness import Randomness
from spiffesim.spiffe.ids import SpiffeId, TrustDomain

DOMAIN = TrustDomain("example.org")
AGENT = SpiffeId("spiffe://example.org/spire/agent/x509pop/1")
END = 1000 * SECOND


def svid(number: int) -> IssuedSvid:
    draw = Draw(Randomness(1), "agent", number)
    certificate = IssuedCertificate(AGENT_SVID, draw, draw.key(), spiffe_id=str(AGENT), not_before=0, not_after=END)
    return IssuedSvid(certificate, None)


FIRST, SECOND_SVID, THIRD = svid(0), svid(1), svid(2)


def caller(shown: IssuedSvid) -> Caller:
    """Whoever shows this SVID over TLS: the server sees no more than this."""
    return Caller(AGENT, serial=shown.certificate.serial, not_after=shown.not_after)


def nodes(**changes: Any) -> Nodes:
    found = Nodes(DOMAIN)
    node = Node(AGENT, "x509pop", (Selector("x509pop", "a"),), can_reattest=False, svid=FIRST)
    found.record(attrs.evolve(node, **changes))
    return found


def reason(found: Nodes, calling: Caller, now: int = 0) -> tuple[str | None, str | None]:
    with pytest.raises(NotAuthorized) as refused:
        found.authorize("renew_agent", calling, now)
    assert refused.value.message == "authorization denied for method /spire.api.server.agent.v1.Agent/RenewAgent"
    return refused.value.detail, refused.value.hint


@pytest.mark.parametrize("shown", [Caller.holding(FIRST), caller(FIRST)])
def test_an_agent_with_its_current_svid_is_let_in(shown: Caller) -> None:
    found = nodes()
    assert found.authorize("renew_agent", shown, now=END) is found.get(AGENT)


def test_an_svid_is_good_until_its_end_and_no_longer() -> None:
    assert reason(nodes(), caller(FIRST), END + 1) == (
        "AGENT_EXPIRED",
        f'agent "{AGENT}" SVID is expired, since 1970-01-01 00:16:40+00:00',
    )


def test_expiry_is_looked_at_first() -> None:
    assert reason(Nodes(DOMAIN), caller(FIRST), END + 1)[0] == "AGENT_EXPIRED"


def test_an_agent_without_record_is_not_attested() -> None:
    assert reason(Nodes(DOMAIN), caller(FIRST)) == ("AGENT_NOT_ATTESTED", f'agent "{AGENT}" is not attested')


def test_a_banned_agent_is_told_so_and_its_selectors_count_no_more() -> None:
    found = nodes(new_svid=SECOND_SVID)
    found.ban(AGENT)
    assert reason(found, caller(FIRST)) == ("AGENT_BANNED", f'agent "{AGENT}" is banned')
    assert reason(found, caller(SECOND_SVID))[0] == "AGENT_BANNED"
    node = found.find(AGENT)
    assert (node.banned, node.serial_number, node.selectors_at(0)) == (True, None, ())
    assert node.selectors == (Selector("x509pop", "a"),)


def test_another_svid_is_not_active() -> None:
    old, new = FIRST.certificate.serial, THIRD.certificate.serial
    assert reason(nodes(), caller(THIRD)) == (
        "AGENT_NOT_ACTIVE",
        f'agent "{AGENT}" expected to have serial number "{old}"; has "{new}"',
    )
    assert reason(nodes(), Caller.holding(THIRD)) == reason(nodes(), caller(THIRD))


@pytest.mark.parametrize("shown", [Caller.holding(SECOND_SVID), caller(SECOND_SVID)])
def test_the_first_use_of_a_renewed_svid_makes_it_the_current_one(shown: Caller) -> None:
    found = nodes(new_svid=SECOND_SVID)
    assert found.authorize("renew_agent", caller(FIRST), 0).svid is FIRST  # both are good until then
    assert found.authorize("renew_agent", shown, 0).svid is SECOND_SVID
    assert found.find(AGENT).new_svid is None
    assert reason(found, caller(FIRST))[0] == "AGENT_NOT_ACTIVE"


@pytest.mark.parametrize("nobody", [ANONYMOUS, OPERATOR])
def test_who_shows_no_svid_is_no_agent(nobody: Caller) -> None:
    assert reason(nodes(), nobody)[0] is None


def test_selectors_count_until_the_stored_svid_ends() -> None:
    node = nodes().find(AGENT)
    assert node.selectors_at(END - 1) == node.selectors
    assert node.selectors_at(END) == ()


def test_a_deleted_agent_is_forgotten() -> None:
    found = nodes()
    assert found.delete(str(AGENT)).spiffe_id == AGENT
    assert (len(found), list(found), found.get(AGENT)) == (0, [], None)
    with pytest.raises(NotFound, match="agent not found") as refused:
        found.delete(AGENT)
    assert (refused.value.status, refused.value.spiffe_id) == ("NOT_FOUND", AGENT)


@pytest.mark.parametrize(
    ("agent_id", "problem"),
    [
        ("", "cannot be empty"),
        ("https://example.org/spire/agent/x", "scheme is missing or invalid"),
        (
            "spiffe://example.com/spire/agent/x",
            '"spiffe://example.com/spire/agent/x" is not a member of trust domain "example.org"',
        ),
        ("spiffe://example.org", '"spiffe://example.org" is not an agent in trust domain "example.org"; path is empty'),
        (
            "spiffe://example.org/spire/agent",
            '"spiffe://example.org/spire/agent" is not an agent in trust domain "example.org"; '
            "path is not in the agent namespace",
        ),
    ],
)
def test_what_is_not_the_id_of_an_agent_is_refused_in_spires_words(agent_id: str, problem: str) -> None:
    found = nodes()
    for method in (found.find, found.ban, found.delete):
        with pytest.raises(Refused) as refused:
            method(agent_id)
        assert (refused.value.status, refused.value.message) == ("INVALID_ARGUMENT", f"invalid agent ID: {problem}")
    assert len(found) == 1


# What node aliases see


def test_node_aliases_see_an_agent_from_the_next_look_on() -> None:
    found = nodes()
    assert (found.shown_selectors(AGENT), found.refresh_due) == ((), 0)
    assert found.refresh(0)
    assert found.shown_selectors(AGENT) == (Selector("x509pop", "a"),)
    assert found.refresh_due == END
    assert not found.refresh(END - 1)


def test_an_agent_drops_out_at_the_first_look_after_its_end_and_comes_back_with_its_renewal() -> None:
    found = nodes()
    found.refresh(0)
    assert found.refresh(END)
    assert (found.shown_selectors(AGENT), found.refresh_due) == ((), None)
    longer = svid(3)
    longer.certificate.not_after = 2 * END
    found.record(attrs.evolve(nodes().find(AGENT), svid=longer))
    assert found.shown_selectors(AGENT) == ()
    assert found.refresh(END)
    assert found.shown_selectors(AGENT) == (Selector("x509pop", "a"),)


def test_a_new_agent_may_be_shown_at_once_and_others_stay_pending() -> None:
    found = nodes()
    other = SpiffeId("spiffe://example.org/spire/agent/x509pop/2")
    found.record(attrs.evolve(found.find(AGENT), spiffe_id=other))
    found.show(other, 0)
    assert (found.shown_selectors(AGENT), found.shown_selectors(other)) == ((), (Selector("x509pop", "a"),))
    bare = nodes(selectors=())
    bare.show(AGENT, 0)
    assert (bare.shown_selectors(AGENT), bare.refresh_due) == ((), None)


def test_an_agent_is_known_by_the_svids_that_count() -> None:
    found = nodes(new_svid=SECOND_SVID)
    assert found.knows(Caller.holding(FIRST))
    assert found.knows(Caller.holding(SECOND_SVID))
    assert not found.knows(Caller.holding(THIRD))
    assert not found.knows(OPERATOR)
