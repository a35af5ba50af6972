"""Builds one large deployment in this process, and says what it took: ``python -m tests.benchmarks.construction``.

What the benchmarks run in a process of its own, so that the peak of its memory is that of this
deployment, and what else a run has made does not count.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
from collections.abc import Callable
from random import Random
from time import perf_counter, process_time

import attrs
import networkx as nx
import pytest

from spiffesim.errors import Refused, ValidationError
from spiffesim.simulation import Simulation
from spiffesim.spiffe import JwtSvid, X509Svid, validate_x509_svid
from spiffesim.workload import Workload
from tests.benchmarks import primitives


@attrs.frozen
class Taken:
    """What a construction took.

    Attributes:
        servers: How many servers it made.
        seconds: How long it took, by the clock on the wall.
        verifications: How long the processor worked on it, in raw P-256 verifications of the same run.
        verification: What one of those took, in seconds.
        peak: The most memory that the process has held, in bytes.
    """

    servers: int
    seconds: float
    verifications: float
    verification: float
    peak: int

    def json(self) -> str:
        return json.dumps(attrs.asdict(self))


def tree(height: int) -> Simulation:
    """A tree in which each server has three below it, and one agent and one workload each."""
    graph = nx.balanced_tree(3, height, create_using=nx.DiGraph)
    return Simulation.from_graph(graph, "example.org", seed=1, agents=True, workloads=True)


def nest(depth: int) -> Simulation:
    """A nest of this depth, and one X.509-SVID at its bottom, validated at the root bundle."""
    sim = Simulation("example.org", seed=1)
    server = sim.root
    for number in range(depth):
        server = server.nest(f"nested{number}")
    svid = server.workload("/deep").fetch_x509_svid()
    assert validate_x509_svid(svid, sim.root.bundle, at=sim.now) == svid.spiffe_id
    assert len(svid.chain) == depth + 1
    return sim


def line(depth: int) -> Simulation:
    """The servers of a nest alone, made of a graph."""
    return Simulation.from_graph(nx.path_graph(depth + 1, create_using=nx.DiGraph), "example.org", seed=1)


def take(build: Callable[[int], Simulation], size: int) -> tuple[Simulation, Taken]:
    """Build it, and look at the clock."""
    build(2)  # what the first one pays: imports, and constants of libraries
    gc.collect()
    before = primitives.verification_time()
    began, worked = perf_counter(), process_time()
    sim = build(size)
    worked, seconds = process_time() - worked, perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    verification = (before + primitives.verification_time()) / 2
    return sim, Taken(len(sim.servers), seconds, worked / verification, verification, peak)


def check(sim: Simulation, pairs: int = 50) -> None:
    """What workloads drawn by seed fetch validates at others, and a forged twin is refused."""
    workloads, drawn = list(sim.workloads.values()), Random(7)
    if len(workloads) < 2:  # a nest and a line: at the bottom, and at the top
        deepest = max(sim.servers.values(), key=lambda server: server.depth)
        workloads = [deepest.workload("/bottom"), sim.workload("/top")]
    for _ in range(pairs):
        holder, validator = drawn.sample(workloads, 2)
        svid, token = holder.fetch_x509_svid(), holder.fetch_jwt_svid(audience="nested-test")
        assert validator.validate_x509_svid(svid) == holder.spiffe_id
        assert validator.validate_jwt_svid(token, audience="nested-test").spiffe_id == holder.spiffe_id
        refuses_twins(validator, svid, token)


def forged(svid: X509Svid) -> X509Svid:
    """A twin with another signature, which ends in other bits."""
    leaf, *issuers = svid.chain
    return X509Svid((leaf[:-1] + bytes((leaf[-1] ^ 1,)), *issuers), svid.private_key_der)


def forged_token(svid: JwtSvid) -> JwtSvid:
    """A twin whose signature begins with other bits."""
    signed, _, signature = svid.token.rpartition(".")
    return JwtSvid(f"{signed}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}")


def refuses_twins(validator: Workload, svid: X509Svid, token: JwtSvid) -> None:
    """A workload refuses what is like these in all but the signature."""
    with pytest.raises(ValidationError):
        validator.validate_x509_svid(forged(svid))
    with pytest.raises(Refused):
        validator.validate_jwt_svid(forged_token(token), audience="nested-test")


BUILDS = {"tree": tree, "nest": nest, "line": line}

if __name__ == "__main__":
    name, size, *options = sys.argv[1:]
    if "no-collector" in options:
        gc.disable()
    made, taken = take(BUILDS[name], int(size))
    check(made)
    sys.stdout.write(taken.json())
