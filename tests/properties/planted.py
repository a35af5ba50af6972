"""Bugs to plant: validators that forget something, and places where a line of servers and agents breaks."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

import pytest

from spiffesim.agent.jwtcache import JwtCache
from spiffesim.agent.minter import Minter
from spiffesim.agent.svidcache import SvidCache
from spiffesim.authority import IssuedCertificate, X509Authority
from spiffesim.instants import moment
from spiffesim.server.loops import Redialer
from spiffesim.server.mint import Mint
from spiffesim.server.nested import Nested
from spiffesim.server.view import View
from spiffesim.spiffe import SpiffeBundle, examine_jwt_svid, examine_x509_svid, validate_x509_svid
from spiffesim.spiffe.jose.compact import b64url
from spiffesim.spiffe.jwtsvid import JwtSvid
from spiffesim.spiffe.verdict import Verdict
from spiffesim.strategies.lifecycle import Lifecycle, Validator
from spiffesim.strategies.lifecycle.documents import read_part
from spiffesim.workload import Workload

Bundles: TypeAlias = Sequence[SpiffeBundle]
Plant: TypeAlias = Callable[[pytest.MonkeyPatch], None]

# ------------------------------------------------------------------------------------------------- validators


def forgiven(verdict: Verdict, *rules: str) -> object:
    """Whose a document is for somebody who does not know these rules."""
    if not {failure.name for failure in verdict.failures} <= set(rules):
        raise ValueError("refused")
    return verdict.spiffe_id


def x509_without(*rules: str) -> Validator:
    def judge(chain: Sequence[bytes], bundles: Bundles, at: datetime) -> object:
        return forgiven(examine_x509_svid(chain, bundles, at=at), *rules)

    return Validator(x509_svid=judge)


def jwt_without(*rules: str) -> Validator:
    def judge(token: str, bundles: Bundles, audience: str, at: datetime) -> object:
        return forgiven(examine_jwt_svid(token, bundles, audience=audience, at=at), *rules)

    return Validator(jwt_svid=judge)


def merged(bundles: Bundles) -> Bundles:
    """All authorities, whosever they are, for each trust domain."""
    roots = [der for bundle in bundles for der in bundle.x509_der]
    keys = {name: spki for bundle in bundles for name, spki in bundle.jwt_spki.items()}
    return [SpiffeBundle(bundle.trust_domain, x509_der=roots, jwt_spki=keys) for bundle in bundles]


def with_merged_roots(chain: Sequence[bytes], bundles: Bundles, at: datetime) -> object:
    return forgiven(examine_x509_svid(chain, merged(bundles), at=at))


def with_merged_keys(token: str, bundles: Bundles, audience: str, at: datetime) -> object:
    return forgiven(examine_jwt_svid(token, merged(bundles), audience=audience, at=at))


def taking_a_public_key_for_a_secret(token: str, bundles: Bundles, audience: str, at: datetime) -> object:
    """Whatever the header says is the algorithm is the algorithm."""
    header, (signed, _, signature) = read_part(token, 0), token.rpartition(".")
    if header["alg"] == "HS256":
        secret = bundles[0].jwt_spki[header["kid"]]
        if hmac.compare_digest(b64url(hmac.digest(secret, signed.encode(), hashlib.sha256)), signature):
            return read_part(token, 1)["sub"]
    return forgiven(examine_jwt_svid(token, bundles, audience=audience, at=at))


class Judging(Lifecycle, only=("fetch", "forge_x509_svid", "forge_jwt_svid", "advance", "rotate")):
    """Aimed at validators: neither nested servers nor faults are needed to see through one."""


class ForgetsNotBefore(Lifecycle):
    validator = x509_without("not_before")


class ForgetsNotAfter(Judging):
    validator = x509_without("not_after")


class ForgetsTheSignature(Judging):
    validator = x509_without("signature")


class ForgetsTheCaFlag(Judging):
    validator = x509_without("issuer_is_ca", "issuer_key_usage", "issuer_key_cert_sign", "issuer_without_path")


class MergesRoots(Lifecycle):
    validator = Validator(x509_svid=with_merged_roots)


class ForgetsTheAudience(Judging):
    validator = jwt_without("intended")


class ForgetsTheExpiry(Judging):
    validator = jwt_without("unexpired")


class ForgetsTheSignatureOfTokens(Judging):
    validator = jwt_without("signature")


class ForgetsTheKeyId(Judging):
    validator = jwt_without("authority")


class AcceptsNone(Judging):
    validator = jwt_without("algorithm")


class MergesKeys(Judging):
    validator = Validator(jwt_svid=with_merged_keys)


class TakesAPublicKeyForASecret(Judging):
    validator = Validator(jwt_svid=taking_a_public_key_for_a_secret)


VALIDATORS: Final[tuple[type[Lifecycle], ...]] = (
    ForgetsNotBefore,
    ForgetsNotAfter,
    ForgetsTheSignature,
    ForgetsTheCaFlag,
    MergesRoots,
    ForgetsTheAudience,
    ForgetsTheExpiry,
    ForgetsTheSignatureOfTokens,
    ForgetsTheKeyId,
    AcceptsNone,
    MergesKeys,
    TakesAPublicKeyForASecret,
)

# ------------------------------------------------------------------------------------------------- the line


def jwt_keys_stay_below(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Mint.publish

    def publish(self: Mint, authority: Any, now: int, *, everywhere: bool = False) -> None:
        if everywhere or self.upstream is None:
            right(self, authority, now, everywhere=everywhere)
        else:
            self.view.add_jwt_authority(authority)

    monkeypatch.setattr(Mint, "publish", publish)


def a_taint_stops_at_the_first_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Nested.leave_tainted

    def leave_tainted(self: Nested) -> None:
        if self.parent is not None and self.parent.parent is not None:
            self.keyring.newly_tainted.clear()
        right(self)

    monkeypatch.setattr(Nested, "leave_tainted", leave_tainted)


def svids_are_never_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Minter, "catch_up", lambda self: None)


def tokens_are_never_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JwtCache, "_expires_soon", lambda *_: False)


def a_revoked_root_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(View, "revoke_x509", lambda self, subject_key_id: None)


def a_revoked_key_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(View, "revoke_jwt", lambda self, key_id: None)


def tainted_tokens_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JwtCache, "taint", lambda self, key_ids: {})


def svids_outlive_their_ca(monkeypatch: pytest.MonkeyPatch) -> None:
    right = X509Authority.sign

    def sign(self: X509Authority, *args: Any, **fields: Any) -> IssuedCertificate:
        certificate = right(self, *args, **fields)
        if not certificate.profile.ca:
            certificate.not_after = self.not_after + 1_000_000
        return certificate

    monkeypatch.setattr(X509Authority, "sign", sign)


def deleted_entries_stay_at_agents(monkeypatch: pytest.MonkeyPatch) -> None:
    right = SvidCache.update

    def update(self: SvidCache, entries: Any) -> Any:
        kept = {entry.id: entry for entry in [*self._entries.values(), *entries]}
        return right(self, kept.values())

    monkeypatch.setattr(SvidCache, "update", update)


def judges_go_by_true_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def validate(self: Workload, chain: Sequence[bytes]) -> object:
        return validate_x509_svid(chain, self.fetch_x509_bundles(), at=moment(self.world.now))

    monkeypatch.setattr(Workload, "validate_x509_svid", validate)


def the_old_chain_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Mint._upstream_signed

    def upstream_signed(self: Mint, key: Any, now: int) -> X509Authority:
        authority = right(self, key, now)
        authority.chain = vars(self).setdefault("first_chain", authority.chain)
        return authority

    monkeypatch.setattr(Mint, "_upstream_signed", upstream_signed)


def a_sequence_number_falls(monkeypatch: pytest.MonkeyPatch) -> None:
    right = View.taint_jwt

    def taint_jwt(self: View, key_id: str) -> None:
        right(self, key_id)
        self._changes -= 9

    monkeypatch.setattr(View, "taint_jwt", taint_jwt)


def agents_never_hear_of_new_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    right = View.copy

    def copy(self: View, server: View) -> Any:
        held = self._x509
        copied = right(self, server)
        self._x509 = held or self._x509
        return copied

    monkeypatch.setattr(View, "copy", copy)


def news_from_above_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Nested, "upstream_news", property(lambda self: False))


def a_connection_is_never_dialled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Redialer, "wait", lambda self: None)


def tokens_of_one_audience_serve_all(monkeypatch: pytest.MonkeyPatch) -> None:
    right = JwtCache.fetch

    def fetch(self: JwtCache, entry: Any, audience: Any, now: int, **calls: Any) -> JwtSvid:
        return right(self, entry, ("orders",), now, **calls)

    monkeypatch.setattr(JwtCache, "fetch", fetch)


class Operating(Lifecycle, only=("register", "rotate", "taint", "revoke")):
    """Aimed at what operators do at one server."""


class Tiers(Lifecycle, only=("nest", "rotate", "taint")):
    """Aimed at news between servers."""

    most_workloads = 3


class Line(Lifecycle, only=("nest", "taint")):
    """Aimed at news through three tiers: each server below the one before."""

    most_workloads = 3

    @property
    def parents(self) -> list[str]:
        return super().parents[-1:]


class Outages(Lifecycle, only=("cut", "heal", "rotate")):
    """Aimed at what comes after an outage of the one nested server, with which it begins."""

    def __init__(self) -> None:
        super().__init__()
        self.nest(parent="root", name="s1")

    @property
    def fragile(self) -> list[str]:
        return [node for node in super().fragile if node == "s1"]


AIMED: Final[tuple[type[Lifecycle], ...]] = (Judging, Operating, Tiers, Line, Outages)

DEPLOYMENTS: Final[Mapping[Plant, type[Lifecycle]]] = {
    svids_are_never_renewed: Lifecycle,
    tokens_are_never_renewed: Lifecycle,
    a_revoked_root_stays: Operating,
    a_revoked_key_stays: Operating,
    tainted_tokens_are_kept: Lifecycle,
    svids_outlive_their_ca: Lifecycle,
    deleted_entries_stay_at_agents: Lifecycle,
    judges_go_by_true_time: Lifecycle,
    a_sequence_number_falls: Lifecycle,
    agents_never_hear_of_new_roots: Lifecycle,
    tokens_of_one_audience_serve_all: Lifecycle,
    jwt_keys_stay_below: Tiers,
    a_taint_stops_at_the_first_tier: Line,
    the_old_chain_is_served: Tiers,
    news_from_above_is_not_heard: Tiers,
    a_connection_is_never_dialled_again: Outages,
}
"""Each with the machine that looks for it."""
