"""The WIT-SVID as a value, with the key that its holder proves to have.

Spec: WIT-SVID 2 and 3
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

import attrs

from spiffesim.errors import InvalidSvid
from spiffesim.instants import SECOND, microseconds, moment, rfc3339
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.jose import claims as read
from spiffesim.spiffe.jose.compact import b64url, unb64url
from spiffesim.spiffe.proof import Proof
from spiffesim.spiffe.signedtoken import SignedToken
from spiffesim.spiffe.x509.privatekey import load_key

if TYPE_CHECKING:
    from spiffesim.spiffe.jose import PrivateKey, PublicKey


@attrs.frozen(slots=False, repr=False)  # not slotted: as SignedToken
class WitSvid(SignedToken):
    """A WIT-SVID: a token over the holder's public key, and, with its holder, the private one.

    Nothing about it has been verified: for that there is
    :func:`~spiffesim.spiffe.validation.validate_wit_svid`, which wants a proof, too. :meth:`parse`
    reads the token at once; without it, a token that cannot be read is found out by whoever looks at
    an attribute.

    Attributes:
        token: The token, a JWS in compact serialization.
        private_key_der: The private key to ``cnf``, as PKCS#8 DER; None with everybody but the holder.
        hint: What the issuer says it is for, where a workload has several.
    """

    private_key_der: bytes | None = None
    hint: str = ""

    @classmethod
    def parse(cls, token: str | bytes, *, private_key_der: bytes | None = None, hint: str = "") -> WitSvid:
        """Read a token without verifying it: no signature, no instant, no rule of its header.

        Args:
            token: The token.
            private_key_der: The private key of its holder, as PKCS#8 DER.
            hint: What the issuer says it is for.

        Raises:
            InvalidSvid: If it is not a JWS over claims with ``sub``, ``exp`` and ``cnf``, or the
                private key is not the one that ``cnf`` is about.
        """
        svid = cls(token, private_key_der, hint)
        svid._read  # noqa: B018  # takes it apart
        if private_key_der is not None:
            svid.private_key  # noqa: B018  # checks that it belongs
        return svid

    @property
    def spiffe_id(self) -> SpiffeId:
        """Whose it is (``sub``)."""
        return self._read[0]

    @property
    def expiry(self) -> datetime:
        """From when on it is worth nothing (``exp``); at most the end of the year 9999."""
        return self._read[1]

    @property
    def confirmation_key(self) -> PublicKey:
        """The public key that the holder proves to have (``cnf.jwk``)."""
        return self._read[3]

    @property
    def confirmation_algorithm(self) -> str:
        """What the holder signs with (``cnf.jwk.alg``)."""
        return self._read[2]

    @cached_property
    def private_key(self) -> PrivateKey:
        """The private key to ``cnf``.

        Raises:
            InvalidSvid: If it is not there, cannot be read, or is another key.
        """
        if self.private_key_der is None:
            raise _no_key("only its holder has the private key, and it was not given")
        key = load_key(self.private_key_der, trusted=False)
        if key.public_key() != self.confirmation_key:
            raise _no_key("its private key is not the one that cnf is about")
        return cast("PrivateKey", key)

    def prove(self, *, audience: str, not_after: datetime, jti: str | None = None) -> Proof:
        """Prove to somebody that the holder has the key, by a WIMSE workload proof token.

        Args:
            audience: For whom the proof is: the URI that is called.
            not_after: When the proof ends, to the second; better soon.
            jti: What makes the proof unique, for a peer that takes each only once.

        Raises:
            InvalidSvid: If the private key is not there, or the token cannot be read.
            ClockError: If the instant has no time zone.
            InvalidInput: If its algorithm cannot be deterministic (PS256, PS384, PS512).

        Spec: WIT-SVID 5
        """
        from spiffesim.spiffe import jose

        private_key = self.private_key  # first, since it reads the token
        seconds = microseconds(not_after) // SECOND
        claims: dict[str, Any] = {"aud": audience, "exp": seconds}
        if jti is not None:
            claims["jti"] = jti
        claims["wth"] = b64url(sha256(self.token.encode("ascii")).digest())
        header = {"typ": "wpt+jwt", "alg": self.confirmation_algorithm}
        signed, _, signature = jose.sign(header, claims, private_key).rpartition(".")
        return Proof(signed.encode("ascii"), unb64url(signature), moment(seconds * SECOND))

    @cached_property
    def _read(self) -> tuple[SpiffeId, datetime, str, PublicKey]:
        from spiffesim.spiffe.jose.confirmation import confirmation

        claims = self._jws.payload
        try:
            algorithm, key = confirmation(claims)
            return read.subject(claims), read.as_datetime(read.instant(claims, "exp")), algorithm, key
        except read.Broken as error:
            raise InvalidSvid(f"this is not a WIT-SVID: {error}", code="claims", clause="WIT-SVID 3") from None

    def __repr__(self) -> str:
        try:
            key = "without its key" if self.private_key_der is None else "with its key"
            return f"<WitSvid {self.spiffe_id} {key}, until {rfc3339(microseconds(self.expiry))}>"
        except InvalidSvid:
            return f"<WitSvid of {len(self.token)} characters that cannot be read>"


def _no_key(reason: str) -> InvalidSvid:
    return InvalidSvid(f"the WIT-SVID proves nothing: {reason}", code="private_key", clause="WIT-SVID 3.2")
