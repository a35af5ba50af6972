"""Public keys by key ID, as a bundle holds them: bytes first, keys when somebody looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from spiffesim.errors import InvalidBundle
from spiffesim.spiffe.jose.jsontext import repeated

if TYPE_CHECKING:
    from spiffesim.spiffe.jose import PublicKey

Pairs: TypeAlias = tuple[tuple[str, bytes], ...]
"""Key IDs, each with its SubjectPublicKeyInfo DER."""


class Authorities(Mapping[str, "PublicKey"]):
    """Public keys by key ID, each loaded when it is first looked up.

    Raises:
        InvalidBundle: On looking up a key that cannot be loaded, or with which no SVID can be signed.
    """

    __slots__ = ("_keys", "_spki")

    def __init__(self, spki: Mapping[str, bytes]) -> None:
        self._spki = spki
        self._keys: dict[str, PublicKey] = {}

    def __getitem__(self, key_id: str) -> PublicKey:
        key = self._keys.get(key_id)
        if key is None:
            from spiffesim.spiffe.jwks import load_key

            key = self._keys[key_id] = load_key(self._spki[key_id])
        return key

    def __contains__(self, key_id: object) -> bool:
        return key_id in self._spki

    def __iter__(self) -> Iterator[str]:
        return iter(self._spki)

    def __len__(self) -> int:
        return len(self._spki)

    def __repr__(self) -> str:
        return f"<Authorities {', '.join(self) or 'none'}>"


def pairs_of(keys: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> Pairs:
    """Keys by key ID as a value that neither changes nor hashes.

    Raises:
        InvalidBundle: If a key ID comes twice.
    """
    pairs = tuple(keys.items() if isinstance(keys, Mapping) else keys)
    if len(dict(pairs)) != len(pairs):
        raise InvalidBundle(
            f"two keys of the bundle have the key ID {repeated(name for name, _ in pairs)!r:.80}",
            code="unique_key_id",
            clause="WIT-SVID 6.1",
        )
    return pairs
