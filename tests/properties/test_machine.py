"""The state machine: what operators, time and faults do breaks no invariant, and a planted bug does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, TypeAlias

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from spiffesim import Simulation
from spiffesim.authority import IssuedCertificate, X509Authority
from spiffesim.profiles import jwt_claims
from spiffesim.server.api.localauthority import LocalAuthorityService
from spiffesim.server.loops import Redialer
from spiffesim.server.nested import Nested
from spiffesim.server.view import View
from spiffesim.strategies import TrustDomainMachine
from tests.properties.worlds import few

TestTrustDomain = TrustDomainMachine.TestCase
TestTrustDomain.settings = settings(
    few(30), stateful_step_count=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def test_a_machine_is_configured_by_subclassing() -> None:
    begun: list[Simulation] = []

    class Calm(TrustDomainMachine):
        worlds = st.builds(Simulation, st.just("example.net"), seed=st.just(7))
        faults = ()
        spans = st.just(timedelta(minutes=1))
        largest = 4

        def teardown(self) -> None:
            begun.append(self.sim)
            assert self.broken_since is None

    run_state_machine_as_test(Calm, settings=settings(max_examples=5, stateful_step_count=10, database=None))
    assert {sim.root.trust_domain.name for sim in begun} == {"example.net"}
    assert max(len(sim.servers) + len(sim.agents) + len(sim.workloads) for sim in begun) < 4 + 6  # a partner brings six


# ---------------------------------------------------------------------------------------------------- planted bugs

Plant: TypeAlias = Callable[[pytest.MonkeyPatch], None]


def svids_outlive_their_ca(monkeypatch: pytest.MonkeyPatch) -> None:
    right = X509Authority.sign

    def sign(self: X509Authority, *args: Any, **fields: Any) -> IssuedCertificate:
        certificate = right(self, *args, **fields)
        if not certificate.profile.ca:
            certificate.not_after = self.not_after + 1_000_000
        return certificate

    monkeypatch.setattr(X509Authority, "sign", sign)


def tokens_outlive_their_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def claims(**said: Any) -> dict[str, Any]:
        return jwt_claims(**{**said, "expires_at": said["expires_at"] + 30 * 24 * 3600})

    monkeypatch.setattr("spiffesim.server.ca.jwt_claims", claims)


def a_taint_counts_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    right = View.taint_jwt

    def taint_jwt(self: View, key_id: str) -> None:
        right(self, key_id)
        self._changes -= 9

    monkeypatch.setattr(View, "taint_jwt", taint_jwt)


def a_taint_is_lost_on_its_way_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Nested, "leave_tainted", lambda self: self.keyring.newly_tainted.clear())


def a_revoked_root_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(View, "revoke_x509", lambda self, subject_key_id: None)


def a_revoked_key_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(View, "revoke_jwt", lambda self, key_id: None)


def news_stays_above(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Nested, "upstream_news", property(lambda self: False))


def a_connection_is_never_dialled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Redialer, "wait", lambda self: None)


def agents_stay_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spiffesim.agent.startup.Starter.run", lambda self: True)


def a_foreign_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(self: LocalAuthorityService, *_: object) -> object:
        raise KeyError("old")

    monkeypatch.setattr(LocalAuthorityService, "_check_taintable", look_up)


HARD: Final = settings(
    max_examples=150,
    stateful_step_count=25,
    phases=[Phase.generate],
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
PLANTS: Final[tuple[tuple[Plant, str], ...]] = (
    (svids_outlive_their_ca, "and its issuer until"),
    (tokens_outlive_their_key, "and its key until"),
    (a_taint_counts_backwards, "fell from"),
    (a_taint_is_lost_on_its_way_down, "hangs on the tainted root"),
    (a_revoked_root_stays, "under the revoked root"),
    (a_revoked_key_stays, "still has the key that it revoked"),
    (news_stays_above, "still hangs on"),
    (a_connection_is_never_dialled_again, "refuses what"),
    (agents_stay_down, "gets nothing"),
    (a_foreign_exception, "old"),
)


def two_tiers(number: int) -> Simulation:
    """A root and a nested server, each with a workload."""
    hours = timedelta(hours=1)
    sim = Simulation("example.org", seed=number, key_manager="disk", ca_ttl=216 * hours, agent_ttl=36 * hours)
    nested = sim.root.nest("nested", key_manager="disk", ca_ttl=36 * hours, agent_ttl=6 * hours)
    sim.workload("/web")
    nested.workload("/db")
    return sim


class Small(TrustDomainMachine):
    """A machine over one world, in which three things may break."""

    worlds = st.builds(two_tiers, st.integers(0, 9))
    faults = ("cut", "stop", "pause")
    largest = 6


@pytest.mark.parametrize(("plant", "said"), PLANTS, ids=[plant.__name__ for plant, _ in PLANTS])
def test_a_planted_bug_is_found(plant: Plant, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    with pytest.raises((AssertionError, KeyError)) as found:
        run_state_machine_as_test(Small, settings=HARD)
    assert said in str(found.value)


def test_without_a_planted_bug_nothing_is_found() -> None:
    run_state_machine_as_test(Small, settings=settings(HARD, max_examples=10))
