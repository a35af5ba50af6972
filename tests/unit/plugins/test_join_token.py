"""Join tokens: good for one agent, once, for a while."""

from __future__ import annotations

import pickle
from datetime import timedelta

import pytest

from spiffesim.errors import AttestationFailed, Refused
from spiffesim.plugins.node_attestor import Attestation, NodeAttestor
from spiffesim.plugins.node_attestor.join_token import JoinTokenAttestor, JoinTokens
from spiffesim.plugins.testing import StandInServer
from tests.unit.keyrings import MINUTE, NOW, SECOND

TEN_MINUTES = timedelta(minutes=10)
USED = "failed to attest: join token does not exist or has already been used"


def server_with(*tokens: str) -> StandInServer:
    server = StandInServer()
    for token in tokens:
        server.join_tokens.create(token, TEN_MINUTES, NOW)
    return server


def test_an_agent_is_called_by_its_token_and_cannot_attest_again() -> None:
    server = server_with("abc", "def")
    attestor = JoinTokenAttestor("abc")
    assert attestor.attest(server, NOW) == Attestation("/join_token/abc", (), can_reattest=False)
    assert isinstance(attestor, NodeAttestor)
    assert (attestor.name, attestor.can_reattest, len(server.join_tokens)) == ("join_token", False, 1)
    with pytest.raises(AttestationFailed) as caught:
        attestor.attest(server, NOW)
    assert (caught.value.message, caught.value.status) == (USED, "INVALID_ARGUMENT")
    assert JoinTokenAttestor("def").attest(server, NOW).path == "/join_token/def"


def test_an_unknown_token_is_refused_in_the_same_words() -> None:
    with pytest.raises(AttestationFailed) as caught:
        JoinTokenAttestor("abc").attest(server_with("def"), NOW)
    assert (caught.value.message, caught.value.status) == (USED, "INVALID_ARGUMENT")
    assert "create another one" in str(caught.value)


def test_an_agent_without_a_token_has_nothing_to_show() -> None:
    with pytest.raises(AttestationFailed) as caught:
        JoinTokenAttestor("").attest(server_with("abc"), NOW)
    assert caught.value.message == "nodeattestor(join_token): join token was not provided"
    assert caught.value.status == "INVALID_ARGUMENT"


def test_a_token_is_good_through_its_last_second() -> None:
    server = server_with("abc")
    JoinTokenAttestor("abc").attest(server, NOW + 10 * MINUTE)
    server = server_with("abc")
    with pytest.raises(AttestationFailed) as caught:
        JoinTokenAttestor("abc").attest(server, NOW + 10 * MINUTE + 1)
    assert (caught.value.message, caught.value.status) == ("join token expired", "INVALID_ARGUMENT")
    assert "at 2030-01-01T00:10:00Z; now it is 2030-01-01T00:10:00.000001Z" in str(caught.value)


def test_an_expired_token_is_used_up_all_the_same() -> None:
    # SPIRE deletes it before it looks at its expiry.
    server = server_with("abc")
    with pytest.raises(AttestationFailed, match="join token expired"):
        JoinTokenAttestor("abc").attest(server, NOW + 11 * MINUTE)
    with pytest.raises(AttestationFailed, match="does not exist or has already been used"):
        JoinTokenAttestor("abc").attest(server, NOW)


def test_the_expiry_of_a_token_is_a_whole_second() -> None:
    tokens = JoinTokens()
    tokens.create("abc", TEN_MINUTES, NOW + 999_999)
    with pytest.raises(AttestationFailed, match="join token expired"):
        tokens.redeem("abc", NOW + 10 * MINUTE + 1)
    tokens.create("abc", timedelta(seconds=1), NOW)
    tokens.redeem("abc", NOW + SECOND)


@pytest.mark.parametrize("ttl", [timedelta(0), timedelta(milliseconds=999), timedelta(days=-1)])
def test_a_token_lives_for_a_second_at_least(ttl: timedelta) -> None:
    tokens = JoinTokens()
    with pytest.raises(Refused) as caught:
        tokens.create("abc", ttl, NOW)
    assert (caught.value.message, caught.value.status) == (
        "ttl is required, you must provide one",
        "INVALID_ARGUMENT",
    )
    assert len(tokens) == 0


def test_a_token_is_given_out_once() -> None:
    tokens = JoinTokens()
    tokens.create("abc", TEN_MINUTES, NOW)
    with pytest.raises(Refused, match="failed to create token: ") as caught:
        tokens.create("abc", TEN_MINUTES, NOW)
    assert caught.value.status == "INTERNAL"
    tokens.redeem("abc", NOW)
    tokens.create("abc", TEN_MINUTES, NOW)


def test_a_token_is_not_shown_by_accident() -> None:
    assert repr(JoinTokenAttestor("secret")) == "<JoinTokenAttestor>"


def test_tokens_pickle() -> None:
    tokens = pickle.loads(pickle.dumps(server_with("abc").join_tokens))
    tokens.redeem("abc", NOW)
