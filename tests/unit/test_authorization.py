"""Who may call what: SPIRE's table, and the order in which it is read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from spiffesim.authorization import ANONYMOUS, OPERATOR, POLICY, Caller, allows, denied
from spiffesim.entries import RegistrationEntry
from spiffesim.errors import NotAuthorized
from spiffesim.spiffe.ids import SpiffeId

WEB = SpiffeId("spiffe://example.org/web")
OPERATORS = {"local", "admin"}

# As in SPIRE's pkg/server/authpolicy/policy_data.json
EXPECTED = {
    "svid.v1.SVID/MintX509SVID": OPERATORS,
    "svid.v1.SVID/MintJWTSVID": OPERATORS,
    "svid.v1.SVID/MintWITSVID": OPERATORS,
    "svid.v1.SVID/BatchNewX509SVID": {"agent"},
    "svid.v1.SVID/NewJWTSVID": {"agent"},
    "svid.v1.SVID/NewDownstreamX509CA": {"downstream"},
    "bundle.v1.Bundle/GetBundle": {"anyone"},
    "bundle.v1.Bundle/GetFederatedBundle": OPERATORS | {"agent"},
    "bundle.v1.Bundle/PublishJWTAuthority": {"downstream"},
    "bundle.v1.Bundle/CountBundles": OPERATORS,
    "bundle.v1.Bundle/ListFederatedBundles": OPERATORS,
    "bundle.v1.Bundle/BatchCreateFederatedBundle": OPERATORS,
    "bundle.v1.Bundle/BatchUpdateFederatedBundle": OPERATORS,
    "bundle.v1.Bundle/BatchSetFederatedBundle": OPERATORS,
    "bundle.v1.Bundle/BatchDeleteFederatedBundle": OPERATORS,
    "trustdomain.v1.TrustDomain/ListFederationRelationships": OPERATORS,
    "trustdomain.v1.TrustDomain/GetFederationRelationship": OPERATORS,
    "trustdomain.v1.TrustDomain/BatchCreateFederationRelationship": OPERATORS,
    "trustdomain.v1.TrustDomain/BatchUpdateFederationRelationship": OPERATORS,
    "trustdomain.v1.TrustDomain/BatchDeleteFederationRelationship": OPERATORS,
    "trustdomain.v1.TrustDomain/RefreshBundle": OPERATORS,
    "entry.v1.Entry/BatchCreateEntry": OPERATORS,
    "entry.v1.Entry/BatchUpdateEntry": OPERATORS,
    "entry.v1.Entry/BatchDeleteEntry": OPERATORS,
    "entry.v1.Entry/GetEntry": OPERATORS,
    "entry.v1.Entry/ListEntries": OPERATORS,
    "entry.v1.Entry/CountEntries": OPERATORS,
    "entry.v1.Entry/GetAuthorizedEntries": {"agent"},
    "agent.v1.Agent/RenewAgent": {"agent"},
    "agent.v1.Agent/CreateJoinToken": OPERATORS,
    "agent.v1.Agent/GetAgent": OPERATORS,
    "agent.v1.Agent/ListAgents": OPERATORS,
    "agent.v1.Agent/CountAgents": OPERATORS,
    "agent.v1.Agent/BanAgent": OPERATORS,
    "agent.v1.Agent/DeleteAgent": OPERATORS,
    "localauthority.v1.LocalAuthority/GetX509AuthorityState": OPERATORS,
    "localauthority.v1.LocalAuthority/PrepareX509Authority": OPERATORS,
    "localauthority.v1.LocalAuthority/ActivateX509Authority": OPERATORS,
    "localauthority.v1.LocalAuthority/TaintX509Authority": OPERATORS,
    "localauthority.v1.LocalAuthority/TaintX509UpstreamAuthority": OPERATORS,
    "localauthority.v1.LocalAuthority/RevokeX509Authority": OPERATORS,
    "localauthority.v1.LocalAuthority/RevokeX509UpstreamAuthority": OPERATORS,
    "localauthority.v1.LocalAuthority/GetJWTAuthorityState": OPERATORS,
    "localauthority.v1.LocalAuthority/PrepareJWTAuthority": OPERATORS,
    "localauthority.v1.LocalAuthority/ActivateJWTAuthority": OPERATORS,
    "localauthority.v1.LocalAuthority/TaintJWTAuthority": OPERATORS,
    "localauthority.v1.LocalAuthority/RevokeJWTAuthority": OPERATORS,
}


def entry(**flags: Any) -> RegistrationEntry:
    return RegistrationEntry(spiffe_id=WEB, parent_id="spiffe://example.org/spire/server", selectors=["a:b"], **flags)


def may(method: str, caller: Caller, *entries: RegistrationEntry, admin_ids: Iterable[SpiffeId] = ()) -> bool:
    return allows(method, caller, tuple(admin_ids), lambda: entries)


def test_the_policy_is_that_of_spire() -> None:
    prefix = "/spire.api.server."
    assert {full: set(allowed) for full, allowed in POLICY.values()} == {
        f"{prefix}{name}": allowed for name, allowed in EXPECTED.items()
    }


def test_anyone_may_get_the_bundle() -> None:
    assert may("get_bundle", ANONYMOUS)
    assert not may("list_entries", ANONYMOUS)


def test_the_operator_is_local_and_nobody_else() -> None:
    assert may("list_entries", OPERATOR)
    assert not may("list_entries", Caller(WEB), entry())
    assert not may("new_downstream_x509_ca", OPERATOR)
    assert not may("new_x509_svid", OPERATOR)


def test_an_admin_is_one_by_setting_or_by_entry() -> None:
    assert may("list_entries", Caller(WEB), admin_ids=[WEB])
    assert may("list_entries", Caller(WEB), entry(), entry(admin=True))
    assert not may("list_entries", Caller(WEB), admin_ids=[SpiffeId("spiffe://example.org/other")])
    assert not may("new_downstream_x509_ca", Caller(WEB), entry(admin=True), admin_ids=[WEB])


def test_a_downstream_is_one_by_entry() -> None:
    assert may("new_downstream_x509_ca", Caller(WEB), entry(), entry(downstream=True))
    assert not may("new_downstream_x509_ca", Caller(WEB), entry())
    assert not may("list_entries", Caller(WEB), entry(downstream=True))


def test_who_is_admin_and_downstream_may_do_both() -> None:
    both = entry(admin=True), entry(downstream=True)
    assert may("list_entries", Caller(WEB), *both)
    assert may("new_downstream_x509_ca", Caller(WEB), *both)


def test_entries_are_not_looked_up_for_methods_that_they_do_not_decide() -> None:
    def looked_up() -> Iterable[RegistrationEntry]:
        raise AssertionError

    assert not allows("new_x509_svid", Caller(WEB), (), looked_up)
    assert allows("list_entries", OPERATOR, (), looked_up)
    with pytest.raises(AssertionError):
        allows("list_entries", Caller(WEB), (), looked_up)


@pytest.mark.parametrize(
    ("caller", "who"),
    [(OPERATOR, "a local caller"), (ANONYMOUS, "an anonymous caller"), (Caller(WEB), "spiffe://example.org/web")],
)
def test_a_denial_says_what_who_and_who_may(caller: Caller, who: str) -> None:
    denial = denied("new_downstream_x509_ca", caller)
    assert isinstance(denial, NotAuthorized)
    method = "/spire.api.server.svid.v1.SVID/NewDownstreamX509CA"
    assert (denial.status, denial.message) == ("PERMISSION_DENIED", f"authorization denied for method {method}")
    assert str(denial) == f"authorization denied for method {method} ({who} called; only downstream may)"
    assert (denial.method, denial.caller, denial.detail) == (method, caller.spiffe_id, None)


def test_a_denial_keeps_the_reason_out_of_spires_message() -> None:
    denial = denied("renew_agent", Caller(WEB), "it is banned", "AGENT_BANNED")
    assert denial.message == "authorization denied for method /spire.api.server.agent.v1.Agent/RenewAgent"
    assert str(denial).endswith("(it is banned)")
    assert denial.detail == "AGENT_BANNED"
