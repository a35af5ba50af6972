"""The key in a token that its holder proves to have: ``cnf.jwk``.

Spec: WIT-SVID 3.2, RFC 7800 3.1 and 3.2
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spiffesim.spiffe import jose
from spiffesim.spiffe.jose import PublicKey
from spiffesim.spiffe.jose.claims import Broken
from spiffesim.spiffe.jose.jsontext import kind_of


class BrokenConfirmation(Broken):
    """The claim ``cnf`` is missing, or not what it has to be.

    Attributes:
        rule: The rule of a WIT-SVID that it breaks.
    """

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(text)
        self.rule = rule


def confirmation(claims: Mapping[str, Any]) -> tuple[str, PublicKey]:
    """The algorithm and the key in ``cnf.jwk``.

    Raises:
        BrokenConfirmation: If there is none, or a proof under it would be worth nothing.
    """
    jwk = _jwk(claims)
    algorithm = jwk.get("alg")
    if not isinstance(algorithm, str) or algorithm not in jose.ALGORITHMS:
        found = f"is {algorithm!r:.80}" if "alg" in jwk else "is missing"
        raise BrokenConfirmation(
            "confirmation_algorithm", f"cnf.jwk.alg {found}; it must be one of {', '.join(jose.ALGORITHMS)}"
        )
    try:
        key = jose.key_of(jwk)
    except ValueError as error:
        raise BrokenConfirmation("confirmation_key", f"cnf.jwk {error}") from None
    if not jose.fits(algorithm, key):
        raise BrokenConfirmation("confirmation_key", f"cnf.jwk is {jose.describe(key)}, but its alg is {algorithm}")
    if jose.too_small(key):
        raise BrokenConfirmation("confirmation_key", f"cnf.jwk is {jose.describe(key)}, less than {jose.MIN_RSA_BITS}")
    return algorithm, key


def _jwk(claims: Mapping[str, Any]) -> dict[str, Any]:
    place: Any = claims
    path = ""
    for name in ("cnf", "jwk"):
        path += f".{name}" if path else name
        if name not in place:
            raise BrokenConfirmation("confirmation", f"{path} is missing, so nobody can prove to hold the key")
        place = place[name]
        if not isinstance(place, dict):
            raise BrokenConfirmation(
                "confirmation", f"{path} is {kind_of(place)}, not an object, so nobody can prove to hold the key"
            )
    found: dict[str, Any] = place
    for name in ("jwe", "jku"):
        if name in claims["cnf"]:
            raise BrokenConfirmation(
                "confirmation",
                f"cnf.{name} is there beside cnf.jwk, so which key the holder proves to have is not known",
            )
    return found
