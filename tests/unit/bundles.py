"""Bundles for tests, as texts: what they hold is told by letters."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

from spiffesim.authority import JwtAuthority
from spiffesim.errors import Refused
from spiffesim.ledger import Ledger
from spiffesim.server.view import View
from tests.unit.keyrings import DAY, EXAMPLE_ORG, NOW


@attrs.frozen
class Root:
    """A root that somebody else made."""

    name: str
    not_after: int = NOW + DAY
    not_before: int = 0
    key: str = attrs.field(default=attrs.Factory(lambda self: self.name, takes_self=True))

    @property
    def der(self) -> bytes:
        return self.name.encode()

    subject = der

    @property
    def subject_key_id(self) -> bytes:
        return self.key.encode()


def ski(name: str) -> str:
    return name.encode().hex()


def key(name: str, not_after: int = NOW + DAY) -> JwtAuthority:
    return JwtAuthority.published(name, b"", not_after)


def a_view(*roots: str, keys: str = "", ledger: Ledger | None = None) -> View:
    view = View(ledger or Ledger(EXAMPLE_ORG))
    for root in roots:
        view.add_root(Root(root))
    for name in keys:
        view.add_jwt_authority(key(name))
    return view


def below(parent: View) -> View:
    view = View(parent.ledger)
    view.catch_up(parent)
    return view


def x509(view: View) -> str:
    """The roots, with a star behind what is tainted."""
    return " ".join(str(element.certificate.name) + "*" * element.tainted for element in view.x509_elements)  # type: ignore[attr-defined]  # ours


def jwt(view: View) -> str:
    return " ".join(element.key_id + "*" * element.tainted for element in view.jwt_elements)


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        call()
    return refused.value.status, refused.value.message


def view_keys(view: View) -> list[str]:
    return list(view.bundle.jwt_spki)
