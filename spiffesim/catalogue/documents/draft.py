"""Documents as objects of JSON that have yet to be written down: what the edits of their defects are given."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from spiffesim.catalogue.hierarchy import Hierarchy, hierarchy
from spiffesim.keys import Key
from spiffesim.spiffe import jose
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.jose.jsontext import write_json

Entry = dict[str, Any]

X509: Final = 0
JWT: Final = 1
WIT: Final = 2
"""The places of a right bundle's entries."""


class Document:
    """A document that has yet to be written down.

    Args:
        number: What tells it from others.
        fields: Its object of JSON, which edits change in place.

    Attributes:
        rewrite: What the written document goes through.
    """

    def __init__(self, number: int, fields: dict[str, Any]) -> None:
        self.number = number
        self.hierarchy = hierarchy(number)
        self.fields = fields
        self.rewrite: Callable[[bytes], bytes] | None = None

    def replace(self, old: str, new: bytes) -> None:
        """Let other bytes stand in the place of the first such text of the written document."""
        self.rewrite = lambda data: new.join(data.split(old.encode(), 1))

    def add_member(self, written: bytes) -> None:
        """Let a member, written like this, stand in front of the others."""
        self.rewrite = lambda data: data.replace(b"{", b"{" + written + b",", 1)

    def encode(self) -> bytes:
        """The document."""
        data = write_json(self.fields, indent=4) + b"\n"
        return data if self.rewrite is None else self.rewrite(data)


class BundleDraft(Document):
    """A bundle with one authority of each kind, as an object of JSON.

    Args:
        number: What tells it from others.

    Attributes:
        trust_domain: Whose bundle it is.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number, bundle_of(hierarchy(number), number).document())
        self.trust_domain = self.hierarchy.trust_domain

    @property
    def entries(self) -> list[Any]:
        """The entries of ``keys``."""
        found: list[Any] = self.fields["keys"]
        return found

    @property
    def x509(self) -> Entry:
        """The x509-svid entry."""
        return self._entry(X509)

    @property
    def jwt(self) -> Entry:
        """The jwt-svid entry."""
        return self._entry(JWT)

    @property
    def wit(self) -> Entry:
        """The wit-svid entry."""
        return self._entry(WIT)

    def _entry(self, place: int) -> Entry:
        found: Entry = self.entries[place]
        return found

    # What edits put into it

    def key(self, name: str, key_type: str = "ec-p256") -> Key:
        """The key with this name, always the same one."""
        return self.hierarchy.key(name, key_type)

    def rsa(self) -> Entry:
        """Make the JWT authority one with an RSA key, and give it back."""
        self.entries[JWT] = {"use": "jwt-svid", "kid": self.jwt["kid"], **jwk(self.key("jwt authority", "rsa-2048"))}
        return self.jwt

    def certify(self, certificate: bytes, public_key: Any) -> None:
        """Make the X.509 authority another one."""
        self.entries[X509] = {"use": "x509-svid", **jose.jwk_of(public_key), "x5c": [x5c(certificate)]}


class MapDraft(Document):
    """A map of two bundles, as an object of JSON.

    Args:
        number: What tells it from others.

    Attributes:
        bundle: The first of them.
    """

    def __init__(self, number: int) -> None:
        self.bundle = BundleDraft(number)
        other = hierarchy(number + 1)
        foreign = SpiffeBundle("example.com", jwt_spki={"foreign": other.key("jwt authority").spki}, sequence_number=1)
        self.bundle.fields.pop("spiffe_refresh_hint")
        bundles = {str(self.bundle.trust_domain): self.bundle.fields, "example.com": foreign.document()}
        super().__init__(number, {"trust_domains": bundles})

    @property
    def bundles(self) -> dict[str, Any]:
        """The bundles, by trust domain."""
        found: dict[str, Any] = self.fields["trust_domains"]
        return found


def bundle_of(hierarchy: Hierarchy, number: int) -> SpiffeBundle:
    """The right bundle with this number: one authority of each kind."""
    return SpiffeBundle(
        hierarchy.trust_domain,
        x509_der=(hierarchy.root_der,),
        jwt_spki={f"jwt-{number}": hierarchy.key("jwt authority").spki},
        wit_spki={f"wit-{number}": hierarchy.key("wit authority").spki},
        sequence_number=number + 1,
        refresh_hint=timedelta(minutes=5),
    )


def jwk(key: Key) -> dict[str, str]:
    """The public half of a key as a JWK."""
    return jose.jwk_of(key.public_key)


def x5c(certificate: bytes) -> str:
    """A certificate as it stands in ``x5c``."""
    return b64encode(certificate).decode("ascii")
