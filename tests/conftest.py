"""What all tests share: the plugin under test, and how hard Hypothesis looks."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester", "spiffesim.pytest_plugin"]

# The same examples in every run, so that a red run is a change's own doing.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
# New examples each time, and more of them: HYPOTHESIS_PROFILE=nightly make test
settings.register_profile(
    "nightly", max_examples=1000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how deep the trees of the property tests were."""
    reports = (report for reports in terminalreporter.stats.values() for report in reports)
    properties = (pair for report in reports for pair in getattr(report, "user_properties", ()))
    depths = sorted({depth for name, value in properties if name == "depths" for depth in value})
    if depths:
        terminalreporter.section("depths of the trees of servers")
        terminalreporter.write_line(", ".join(map(str, depths)))
