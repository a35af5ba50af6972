"""The unix workload attestor: SPIRE's vocabulary for a process."""

from __future__ import annotations

import pytest

from spiffesim.plugins.workload_attestor import Process, WorkloadAttestor
from spiffesim.plugins.workload_attestor.unix import UnixWorkloadAttestor

EVERYTHING = Process(
    uid=1001,
    user="web",
    gid=100,
    group="users",
    supplementary_gids=[4, 27],
    supplementary_groups=["adm", "sudo"],
    path="/usr/bin/web",
    sha256="ab" * 32,
)
PLAIN = [
    "unix:uid:1001",
    "unix:user:web",
    "unix:gid:100",
    "unix:group:users",
    "unix:supplementary_gid:4",
    "unix:supplementary_gid:27",
    "unix:supplementary_group:adm",
    "unix:supplementary_group:sudo",
]


def found(process: Process, **options: bool) -> list[str]:
    return [str(selector) for selector in UnixWorkloadAttestor(**options).attest(process)]


def test_a_process_has_a_user_and_groups() -> None:
    assert isinstance(UnixWorkloadAttestor(), WorkloadAttestor)
    assert UnixWorkloadAttestor().name == "unix"
    assert found(EVERYTHING) == PLAIN


def test_its_executable_is_looked_at_only_when_asked_for() -> None:
    assert found(EVERYTHING, discover_workload_path=True) == [
        *PLAIN,
        "unix:path:/usr/bin/web",
        f"unix:sha256:{'ab' * 32}",
    ]


@pytest.mark.parametrize(
    ("process", "selectors"),
    [
        (Process(), []),
        (Process(uid=0), ["unix:uid:0"]),
        (Process(gid=0), ["unix:gid:0"]),
        (Process(user="web"), ["unix:user:web"]),
        (Process(path="/bin/web"), ["unix:path:/bin/web"]),
        (Process(sha256="ab"), []),  # of what?
    ],
)
def test_what_is_not_known_is_no_selector(process: Process, selectors: list[str]) -> None:
    assert found(process, discover_workload_path=True) == selectors
