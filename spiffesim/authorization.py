"""Who calls a server, and which methods they may call.

SPIRE: pkg/server/api/middleware/authorization_opa.go, pkg/server/authpolicy/policy_data.json
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final

import attrs

from spiffesim.authority import IssuedSvid
from spiffesim.entries import RegistrationEntry
from spiffesim.errors import NotAuthorized
from spiffesim.instants import Microseconds
from spiffesim.spiffe.ids import SpiffeId

ANYONE: Final = "anyone"
LOCAL: Final = "local"
ADMIN: Final = "admin"
DOWNSTREAM: Final = "downstream"
AGENT: Final = "agent"

_OPERATOR: Final = (LOCAL, ADMIN)
_SERVICE: Final = "/spire.api.server"
_LOCAL_AUTHORITY: Final = f"{_SERVICE}.localauthority.v1.LocalAuthority"

POLICY: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    # our method: (SPIRE's full method name, who may call it)
    "mint_x509_svid": (f"{_SERVICE}.svid.v1.SVID/MintX509SVID", _OPERATOR),
    "mint_jwt_svid": (f"{_SERVICE}.svid.v1.SVID/MintJWTSVID", _OPERATOR),
    "mint_wit_svid": (f"{_SERVICE}.svid.v1.SVID/MintWITSVID", _OPERATOR),
    "new_x509_svid": (f"{_SERVICE}.svid.v1.SVID/BatchNewX509SVID", (AGENT,)),
    "new_jwt_svid": (f"{_SERVICE}.svid.v1.SVID/NewJWTSVID", (AGENT,)),
    "new_downstream_x509_ca": (f"{_SERVICE}.svid.v1.SVID/NewDownstreamX509CA", (DOWNSTREAM,)),
    "get_bundle": (f"{_SERVICE}.bundle.v1.Bundle/GetBundle", (ANYONE,)),
    "get_federated_bundle": (f"{_SERVICE}.bundle.v1.Bundle/GetFederatedBundle", (*_OPERATOR, AGENT)),
    "publish_jwt_authority": (f"{_SERVICE}.bundle.v1.Bundle/PublishJWTAuthority", (DOWNSTREAM,)),
    "count_bundles": (f"{_SERVICE}.bundle.v1.Bundle/CountBundles", _OPERATOR),
    "list_federated_bundles": (f"{_SERVICE}.bundle.v1.Bundle/ListFederatedBundles", _OPERATOR),
    "create_federated_bundle": (f"{_SERVICE}.bundle.v1.Bundle/BatchCreateFederatedBundle", _OPERATOR),
    "update_federated_bundle": (f"{_SERVICE}.bundle.v1.Bundle/BatchUpdateFederatedBundle", _OPERATOR),
    "set_federated_bundle": (f"{_SERVICE}.bundle.v1.Bundle/BatchSetFederatedBundle", _OPERATOR),
    "delete_federated_bundle": (f"{_SERVICE}.bundle.v1.Bundle/BatchDeleteFederatedBundle", _OPERATOR),
    "list_federation_relationships": (
        f"{_SERVICE}.trustdomain.v1.TrustDomain/ListFederationRelationships",
        _OPERATOR,
    ),
    "get_federation_relationship": (f"{_SERVICE}.trustdomain.v1.TrustDomain/GetFederationRelationship", _OPERATOR),
    "create_federation_relationship": (
        f"{_SERVICE}.trustdomain.v1.TrustDomain/BatchCreateFederationRelationship",
        _OPERATOR,
    ),
    "update_federation_relationship": (
        f"{_SERVICE}.trustdomain.v1.TrustDomain/BatchUpdateFederationRelationship",
        _OPERATOR,
    ),
    "delete_federation_relationship": (
        f"{_SERVICE}.trustdomain.v1.TrustDomain/BatchDeleteFederationRelationship",
        _OPERATOR,
    ),
    "refresh_bundle": (f"{_SERVICE}.trustdomain.v1.TrustDomain/RefreshBundle", _OPERATOR),
    "create_entry": (f"{_SERVICE}.entry.v1.Entry/BatchCreateEntry", _OPERATOR),
    "update_entry": (f"{_SERVICE}.entry.v1.Entry/BatchUpdateEntry", _OPERATOR),
    "delete_entry": (f"{_SERVICE}.entry.v1.Entry/BatchDeleteEntry", _OPERATOR),
    "get_entry": (f"{_SERVICE}.entry.v1.Entry/GetEntry", _OPERATOR),
    "list_entries": (f"{_SERVICE}.entry.v1.Entry/ListEntries", _OPERATOR),
    "count_entries": (f"{_SERVICE}.entry.v1.Entry/CountEntries", _OPERATOR),
    "authorized_entries": (f"{_SERVICE}.entry.v1.Entry/GetAuthorizedEntries", (AGENT,)),
    "renew_agent": (f"{_SERVICE}.agent.v1.Agent/RenewAgent", (AGENT,)),
    "create_join_token": (f"{_SERVICE}.agent.v1.Agent/CreateJoinToken", _OPERATOR),
    "get_agent": (f"{_SERVICE}.agent.v1.Agent/GetAgent", _OPERATOR),
    "list_agents": (f"{_SERVICE}.agent.v1.Agent/ListAgents", _OPERATOR),
    "count_agents": (f"{_SERVICE}.agent.v1.Agent/CountAgents", _OPERATOR),
    "ban_agent": (f"{_SERVICE}.agent.v1.Agent/BanAgent", _OPERATOR),
    "delete_agent": (f"{_SERVICE}.agent.v1.Agent/DeleteAgent", _OPERATOR),
    "get_x509_authority_state": (f"{_LOCAL_AUTHORITY}/GetX509AuthorityState", _OPERATOR),
    "prepare_x509_authority": (f"{_LOCAL_AUTHORITY}/PrepareX509Authority", _OPERATOR),
    "activate_x509_authority": (f"{_LOCAL_AUTHORITY}/ActivateX509Authority", _OPERATOR),
    "taint_x509_authority": (f"{_LOCAL_AUTHORITY}/TaintX509Authority", _OPERATOR),
    "taint_x509_upstream_authority": (f"{_LOCAL_AUTHORITY}/TaintX509UpstreamAuthority", _OPERATOR),
    "revoke_x509_authority": (f"{_LOCAL_AUTHORITY}/RevokeX509Authority", _OPERATOR),
    "revoke_x509_upstream_authority": (f"{_LOCAL_AUTHORITY}/RevokeX509UpstreamAuthority", _OPERATOR),
    "get_jwt_authority_state": (f"{_LOCAL_AUTHORITY}/GetJWTAuthorityState", _OPERATOR),
    "prepare_jwt_authority": (f"{_LOCAL_AUTHORITY}/PrepareJWTAuthority", _OPERATOR),
    "activate_jwt_authority": (f"{_LOCAL_AUTHORITY}/ActivateJWTAuthority", _OPERATOR),
    "taint_jwt_authority": (f"{_LOCAL_AUTHORITY}/TaintJWTAuthority", _OPERATOR),
    "revoke_jwt_authority": (f"{_LOCAL_AUTHORITY}/RevokeJWTAuthority", _OPERATOR),
}


@attrs.frozen
class Caller:
    """Whoever calls a server: on its local socket, anonymously, or with an X509-SVID.

    Attributes:
        spiffe_id: The ID in the client certificate; None without one.
        local: Whether the call comes over the server's own socket.
        serial: The serial number of the client certificate.
        not_after: When the client certificate ends.
        svid: The client certificate as a record, where the simulation itself is calling.
    """

    spiffe_id: SpiffeId | None = None
    local: bool = False
    serial: int | None = None
    not_after: Microseconds = 0
    svid: IssuedSvid | None = attrs.field(default=None, repr=False)

    @classmethod
    def holding(cls, svid: IssuedSvid) -> Caller:
        """A caller of the simulation's own, whose certificate need not be drawn."""
        return cls(SpiffeId(svid.spiffe_id), not_after=svid.not_after, svid=svid)

    def presents(self, svid: IssuedSvid | None) -> bool:
        """Whether the client certificate is this one."""
        if svid is None:
            return False
        return self.svid is svid if self.svid is not None else self.serial == svid.certificate.serial

    @property
    def who(self) -> str:
        """How a message calls it."""
        return "a local caller" if self.local else str(self.spiffe_id or "an anonymous caller")

    @property
    def serial_number(self) -> int | None:
        """The serial number of the client certificate."""
        return self.svid.certificate.serial if self.svid is not None else self.serial


OPERATOR: Final = Caller(local=True)
"""The operator on the server's own socket."""

ANONYMOUS: Final = Caller()
"""A caller without a client certificate."""


def allows(
    method: str, caller: Caller, admin_ids: Collection[SpiffeId], entries: Callable[[], Iterable[RegistrationEntry]]
) -> bool:
    """Whether a method is open to a caller as anything but an agent.

    As in SPIRE only what the method admits is asked: an admin that is also downstream may call the
    methods of both, and no others.

    Args:
        method: Our name of it.
        caller: Who calls.
        admin_ids: The configured admins.
        entries: Finds the entries with the caller's SPIFFE ID, whatever their parents.
    """
    allowed = POLICY[method][1]
    if ANYONE in allowed or (LOCAL in allowed and caller.local):
        return True
    if ADMIN in allowed and (caller.spiffe_id in admin_ids or any(entry.admin for entry in entries())):
        return True
    return DOWNSTREAM in allowed and any(entry.downstream for entry in entries())


def denied(method: str, caller: Caller, reason: str = "", detail: str | None = None) -> NotAuthorized:
    """The refusal of a method.

    Args:
        method: Our name of it.
        caller: Who called.
        reason: Why not, as SPIRE keeps it out of the message.
        detail: SPIRE's reason code, where there is one.
    """
    full, allowed = POLICY[method]
    return NotAuthorized(
        f"authorization denied for method {full}",
        status="PERMISSION_DENIED",
        hint=reason or f"{caller.who} called; only {' or '.join(allowed)} may",
        detail=detail,
        method=full,
        caller=caller.spiffe_id,
    )
