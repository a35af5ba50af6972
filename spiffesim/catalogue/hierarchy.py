"""Hierarchies: the keys and the root certificate of a trust domain that cases are made in."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Final

from spiffesim.clock import EPOCH
from spiffesim.instants import SECOND, Microseconds, microseconds
from spiffesim.keys import Draw, Key
from spiffesim.profiles import SELF_SIGNED_CA, Template, ca_subject
from spiffesim.randomness import Randomness
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import TrustDomain

NOW: Final[Microseconds] = microseconds(EPOCH) + 12 * 3600 * SECOND
"""The instant of every case: noon of the day on which simulations begin."""

BEGIN: Final[Microseconds] = NOW - 6 * 3600 * SECOND
HIERARCHIES: Final = 16
"""How many there are. Cases share them: a key costs as much to derive as a signature."""


class Hierarchy:
    """A root authority, and keys by name below it; no two of them are the same.

    Args:
        number: Which one.
    """

    def __init__(self, number: int) -> None:
        self.trust_domain = TrustDomain("example.org")
        self._randomness = Randomness(f"catalogue {number}")
        self._keys: dict[tuple[str, str], Key] = {}

    def key(self, name: str, key_type: str = "ec-p256") -> Key:
        """The key with this name, always the same one."""
        if (name, key_type) not in self._keys:
            self._keys[name, key_type] = self.draw(name).key(key_type)
        return self._keys[name, key_type]

    def draw(self, name: str, counter: int = 0) -> Draw:
        """Where something with this name is drawn from."""
        return Draw(self._randomness, name, counter)

    @cached_property
    def root_subject(self) -> bytes:
        """The subject of the root, a Name as DER."""
        return ca_subject(self.draw("root").serial)

    @cached_property
    def root_tbs(self) -> bytes:
        """The root certificate, but for its signature."""
        key = self.key("root")
        return self._root_template.tbs(
            serial=self.draw("root").serial,
            not_before=BEGIN,
            not_after=BEGIN + 7 * 24 * 3600 * SECOND,
            subject=self.root_subject,
            spki=key.spki,
            key_id=key.key_id,
            spiffe_id=str(self.trust_domain.id("")),
        )

    @cached_property
    def root_der(self) -> bytes:
        """The root certificate."""
        return self._root_template.certificate(self.root_tbs, self.key("root").sign(self.root_tbs))

    @cached_property
    def bundle(self) -> SpiffeBundle:
        """The bundle with that root and nothing else."""
        return SpiffeBundle(self.trust_domain, x509_der=(self.root_der,))

    @cached_property
    def _root_template(self) -> Template:
        return Template(SELF_SIGNED_CA, issuer=self.root_subject, issuer_key_id=None, key_type="ec-p256")


def hierarchy(number: int) -> Hierarchy:
    """The hierarchy that the case with this number is made in."""
    return _hierarchy(number % HIERARCHIES)


_hierarchy = lru_cache(maxsize=HIERARCHIES)(Hierarchy)
