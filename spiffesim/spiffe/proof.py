"""Proofs of possession: without one a WIT-SVID is worth nothing.

Spec: WIT-SVID 5 and 7.2
"""

from __future__ import annotations

import hashlib
from datetime import datetime

import attrs

from spiffesim.errors import InvalidInput
from spiffesim.spiffe.jose.compact import b64url_bytes, unb64url
from spiffesim.spiffe.markup import pretty_fields


@attrs.frozen
class Proof:
    """What the holder of a WIT-SVID signs to show that it has the key in ``cnf``.

    Any protocol will do whose signed bytes hold the SHA-256 of the token: the digest itself, or its
    base64url as in the ``wth`` claim of a WIMSE workload proof token. Give such a token's signing
    input (``header.payload``) as ``signed``; the claim is found inside.

    Attributes:
        signed: The bytes under the signature.
        signature: The raw signature, as ``cnf.jwk.alg`` makes it (ECDSA: r and s, not DER).
        not_after: From this instant on the proof is worth nothing; an aware datetime.

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

    def holds(self, token: bytes) -> bool:
        """Whether the signed bytes contain the SHA-256 of a token."""
        digest = hashlib.sha256(token).digest()
        text = b64url_bytes(digest)
        return any(digest in content or text in content for content in (self.signed, _payload(self.signed)))


def _payload(signed: bytes) -> bytes:
    """The payload, if the bytes are the signing input of a compact JWS."""
    header, dot, payload = signed.partition(b".")
    if not header or not dot:
        return b""
    try:
        return unb64url(payload)
    except ValueError:
        return b""
