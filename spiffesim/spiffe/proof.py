"""Proofs of possession: without one a WIT-SVID is worth nothing.

Spec: WIT-SVID 5 and 7.2
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import attrs

from spiffesim.errors import InvalidInput, InvalidSvid
from spiffesim.instants import Microseconds, microseconds
from spiffesim.spiffe.jose import claims as claims_of
from spiffesim.spiffe.jose.compact import b64url_bytes, read_part, unb64url
from spiffesim.spiffe.markup import pretty_fields

TYPE: Final = "wpt+jwt"
"""The ``typ`` of a WIMSE workload proof token."""


@attrs.frozen(slots=False)  # not slotted: a token is read once, when somebody looks
class Proof:
    """What the holder of a WIT-SVID signs to show that it has the key in ``cnf``.

    A WIMSE workload proof token names the WIT-SVID in its claim ``wth``; give its signing input (``header.payload``) as
    ``signed``. Of any other protocol, such as HTTP message signatures, the signed bytes have to hold the token itself or
    its SHA-256; whoever takes such a proof has to see to it that the holder signs nothing that others choose.

    Attributes:
        signed: The bytes under the signature.
        signature: The raw signature, as ``cnf.jwk.alg`` makes it (ECDSA: r and s, not DER).
        not_after: From this instant on the proof is worth nothing, if it does not end earlier by its own ``exp``; an
            aware datetime.

    Raises:
        InvalidInput: If one of them is of another type.
    """

    signed: bytes
    signature: bytes
    not_after: datetime

    _repr_pretty_ = pretty_fields

    def __attrs_post_init__(self) -> None:
        for name, kind in (("signed", bytes), ("signature", bytes), ("not_after", datetime)):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise InvalidInput(
                    f"{name} of a proof is a {kind.__name__}, not a {type(value).__name__}", code="proof"
                )

    @property
    def ends(self) -> Microseconds:
        """From when on it is worth nothing: by whoever received it, and by its own ``exp``."""
        claims, latest = self._token[0], microseconds(self.not_after)
        return latest if claims is None else min(latest, claims_of.instant(claims, "exp"))

    @property
    def problem(self) -> str | None:
        """What is wrong with it if it is a token, whatever it is about; None if nothing is."""
        return self._token[1]

    def names(self, token: bytes) -> bool:
        """Whether it is about a token, and not about another one; with a ``problem`` it is about none."""
        digest = hashlib.sha256(token).digest()
        text = b64url_bytes(digest)
        claims, problem = self._token
        if claims is not None:
            return claims.get("wth") == text.decode("ascii")
        return problem is None and any(part in self.signed for part in (digest, text, token))

    @cached_property
    def _token(self) -> tuple[dict[str, Any] | None, str | None]:
        """Its claims, if what is signed is a WIMSE workload proof token; or what is wrong with the token that it is."""
        try:
            claims = _workload_proof_token(self.signed)
            if claims is not None:
                claims_of.instant(claims, "exp")
        except (InvalidSvid, claims_of.Broken) as error:
            return None, str(error)
        return claims, None


def _workload_proof_token(signed: bytes) -> dict[str, Any] | None:
    """The claims of the token that these bytes are, if they are one.

    Raises:
        InvalidSvid: If it is a token of another type, or one that cannot be read.
    """
    parts = signed.split(b".")
    if len(parts) != 2:  # the signing input of a JWS
        return None
    try:
        raw_header, raw_payload = map(unb64url, parts)
        header = read_part("header", raw_header)
    except (ValueError, InvalidSvid):
        return None
    if header.get("typ") != TYPE:
        found = f"is {header['typ']!r:.80}" if "typ" in header else "is missing"
        raise InvalidSvid(f"its typ {found}, not {TYPE!r}", code="proof_type", clause="WIT-SVID 5")
    return read_part("payload", raw_payload)
