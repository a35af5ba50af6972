"""The explanations of verdicts that are kept word by word in ``explanations.txt``.

``python -m tests.golden.explanations`` writes them anew. Read what has changed as somebody would who has only the
text: who, what, by how much, by which clause, and what next?
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from spiffesim import Simulation, catalogue, spiffe
from spiffesim.spiffe.documents import examine_bundle, examine_bundle_map, examine_spiffe_id
from spiffesim.spiffe.verdict import Verdict

FILE: Final = Path(__file__).with_suffix(".txt")
HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
_HEADING: Final = re.compile(r"^## (.*)\n", re.MULTILINE)

X509: Final = {
    "leaf_is_ca": 3,
    "two_spiffe_ids": 0,
    "url_as_id": 0,
    "no_key_usage": 1,
    "key_usage_not_critical": 0,
    "only_for_servers": 0,
    "leaf_ended": 2,
    "leaf_begins_later": 1,
    "leaf_begins_after_its_end": 0,
    "topmost_intermediate_ended": 3,
    "intermediate_begins_later": 3,
    "root_ended": 1,
    "root_begins_in_a_microsecond": 0,
    "topmost_intermediate_missing": 3,
    "own_root_presented": 1,
    "empty_bundle": 0,
    "bundle_of_another_trust_domain": 1,
    "leaf_signature_flipped": 0,
    "signed_by_sibling": 1,
    "intermediate_signed_with_sha1": 1,
    "small_rsa_key_of_root": 0,
    "topmost_intermediate_not_ca": 3,
    "root_path_length": 2,
    "name_not_permitted_by_root": 3,
    "unknown_critical_extension_of_intermediate": 1,
    "byte_after_intermediate": 1,
    "empty_chain": 0,
}
"""Defects of X.509-SVIDs, each with the number of intermediates."""

JWT: Final = (
    "alg_none",
    "hs256_with_public_key_pem",
    "header_jku",
    "p256_key_for_es384",
    "one_part",
    "sub_with_query",
    "aud_other",
    "exp_missing",
    "expired",
    "not_begun",
    "kid_unknown",
    "no_bundles",
    "signature_all_zero",
)
"""Defects of JWT-SVIDs."""

WIT: Final = ("proof_missing", "proof_expired", "proof_of_another_token", "cnf_symmetric", "aud_present", "not_begun")
"""Defects of WIT-SVIDs."""


def cases() -> dict[str, Callable[[], Verdict]]:
    """What is judged, by a name."""
    return dict(_cases())


def _cases() -> Iterator[tuple[str, Callable[[], Verdict]]]:
    """The rejections first, then what is accepted."""
    for name, depth in X509.items():
        case = partial(catalogue.x509_svid_case, name, depth=depth)
        yield f"x509_svid_case({name!r}, depth={depth})", partial(_examined, case)
    for name in JWT:
        yield f"jwt_svid_case({name!r})", partial(_examined, partial(catalogue.jwt_svid_case, name))
    for name in WIT:
        yield f"wit_svid_case({name!r})", partial(_examined, partial(catalogue.wit_svid_case, name))
    yield "all of a chain has ended", partial(_chain, 400 * 24 * HOUR)
    yield "a token for others that has ended, too", partial(_token, "db", HOUR)
    yield "a token that has ended even with leeway", partial(_token, "reports", HOUR, leeway=30 * timedelta(seconds=1))
    yield "a token that has ended for SPIRE", partial(_token, "reports", HOUR, profile="spire")
    yield "a SPIFFE ID with a query", partial(examine_spiffe_id, "spiffe://example.org/web?admin")
    yield "a bundle with a key twice", partial(examine_bundle, "example.org", '{"keys": [], "keys": []}')
    yield "a bundle map without bundles", partial(examine_bundle_map, "{}")
    yield "accepted: a chain of four", partial(_examined, partial(catalogue.x509_svid_case, depth=3))
    yield "accepted: a chain with a sequence number", partial(_chain, timedelta(0))
    yield "accepted: a token", partial(_token, "reports", MINUTE)
    yield "accepted: a token and its proof", partial(_examined, catalogue.wit_svid_case)
    yield (
        "accepted: a bundle with an entry of a future kind",
        partial(examine_bundle, "example.org", '{"keys": [{"kty": "OKP", "use": "jwt-svid"}]}'),
    )


def _examined(case: Callable[[], Any]) -> Verdict:
    verdict: Verdict = case().examine()
    return verdict


def _deployment() -> Simulation:
    sim = Simulation("example.org", seed=1)
    sim.workload("/web")
    return sim


def _chain(later: timedelta) -> Verdict:
    sim = _deployment()
    svid = sim.workload("/web").fetch_x509_svid()
    return spiffe.examine_x509_svid(svid, sim.root.bundle, at=sim.now + later)


def _token(audience: str, later: timedelta, **more: Any) -> Verdict:
    sim = _deployment()
    token = sim.workload("/web").fetch_jwt_svid(audience="reports")
    return spiffe.examine_jwt_svid(token, sim.root.bundle, audience=audience, at=sim.now + later, **more)


def kept() -> dict[str, str]:
    """The texts in the file, by name."""
    _, *parts = _HEADING.split(FILE.read_text(encoding="ascii"))
    return {name: text.strip("\n") for name, text in zip(parts[::2], parts[1::2], strict=True)}


if __name__ == "__main__":
    told = "\n".join(f"## {name}\n\n{examine().explain()}\n" for name, examine in cases().items())
    FILE.write_text(told, encoding="ascii")
