"""The fixture, in a pytest of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from spiffesim.simulation import Simulation


def test_the_fixture_begins_at_the_real_present(spiffe_simulation: Simulation) -> None:
    assert abs(datetime.now(UTC) - spiffe_simulation.now) < timedelta(minutes=1)
    svid = spiffe_simulation.workload("/web").fetch_x509_svid()
    assert svid.not_before < datetime.now(UTC) < svid.not_after


def test_the_fixture_takes_its_seed_from_the_test(
    spiffe_simulation: Simulation, request: pytest.FixtureRequest
) -> None:
    assert spiffe_simulation.seed == request.node.nodeid


def test_the_same_test_draws_the_same_keys_in_every_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pathlib, pytest

        @pytest.mark.parametrize("name", ["one", "two"])
        def test_a(spiffe_simulation, name):
            key = spiffe_simulation.workload("/web").fetch_x509_svid().private_key_der
            with pathlib.Path(name).open("a") as keys:
                print(key.hex(), file=keys)
        """
    )
    for _ in range(2):
        pytester.runpytest_subprocess().assert_outcomes(passed=2)
    one, one_again = (pytester.path / "one").read_text().split()
    two, two_again = (pytester.path / "two").read_text().split()
    assert one == one_again
    assert two == two_again
    assert one != two


def test_the_fixture_is_listed_with_its_sentence(pytester: pytest.Pytester) -> None:
    pytester.runpytest_subprocess("--fixtures").stdout.fnmatch_lines(
        ["spiffe_simulation*", "*A simulation of the trust domain ``example.org``*"]
    )
