"""The spire upstream authority: a nested server asks its parent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from spiffesim.authorization import Caller, denied
from spiffesim.chain import Chain, ders
from spiffesim.errors import NotAuthorized
from spiffesim.plugins.upstream_authority import UpstreamAuthority
from spiffesim.plugins.upstream_authority.spire import SpireUpstreamAuthority
from tests.oracles import profiles
from tests.oracles.tokens import AT
from tests.unit.keyrings import FakeParent, ca_request, jwt_authority, spire_upstream, started


def parent_of(authority: SpireUpstreamAuthority) -> FakeParent:
    assert isinstance(authority.parent, FakeParent)
    return authority.parent


def test_a_parent_signs_the_ca_of_a_nested_server() -> None:
    keyring = started()
    authority = spire_upstream(keyring)
    assert isinstance(authority, UpstreamAuthority)
    request = ca_request(preferred_ttl=timedelta(hours=7))
    minted = authority.mint_x509_ca(request)
    assert isinstance(minted.chain, Chain)
    root = keyring.view.roots[0]
    certificate = profiles.assert_is_downstream_ca(
        minted.chain.head.der, root.der, number=1, now=AT, ttl=timedelta(hours=7)
    )
    assert profiles.key_id(certificate) == request.key.key_id
    assert ders(minted.roots) == (root.der,)
    assert parent_of(authority).called == ["new_downstream_x509_ca spiffe://example.org/nested"]
    assert (authority.name, repr(authority)) == ("spire", "<SpireUpstreamAuthority>")


def test_a_token_key_is_handed_to_the_parent() -> None:
    authority = spire_upstream(started())
    assert authority.publish_jwt_key(jwt_authority()) is authority.parent
    assert parent_of(authority).called == ["publish_jwt_authority spiffe://example.org/nested"]


class Refusing(FakeParent):
    """A parent that has no downstream entry for the caller."""

    def authorize(self, method: str, caller: Caller) -> Caller:
        raise denied(method, caller)


def test_what_the_parent_refuses_is_refused() -> None:
    keyring = started()
    authority = SpireUpstreamAuthority(spire_upstream(keyring).client, Refusing(keyring))
    for call in (lambda: authority.mint_x509_ca(ca_request()), lambda: authority.publish_jwt_key(jwt_authority())):
        with pytest.raises(NotAuthorized, match="authorization denied for method") as caught:
            call()
        assert caught.value.status == "PERMISSION_DENIED"
