"""The JWT-SVID as a value.

Spec: JWT-SVID 2 and 3
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

import attrs

from spiffesim.errors import InvalidSvid
from spiffesim.instants import microseconds, rfc3339
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.jose import claims as read
from spiffesim.spiffe.signedtoken import SignedToken


@attrs.frozen(slots=False, repr=False)  # not slotted: as SignedToken
class JwtSvid(SignedToken):
    """A JWT-SVID: a token, and what it says of itself.

    Nothing about it has been verified, least of all its signature: for that there is
    :func:`~spiffesim.spiffe.validation.validate_jwt_svid`. :meth:`parse` reads the token at once;
    without it, a token that cannot be read is found out by whoever looks at an attribute.

    Attributes:
        token: The token, a JWS in compact serialization.
        hint: What the issuer says it is for, where a workload has several.
    """

    hint: str = ""

    @classmethod
    def parse(cls, token: str | bytes, *, hint: str = "") -> JwtSvid:
        """Read a token without verifying it: no signature, no audience, no instant, no rule of its header.

        Raises:
            InvalidSvid: If it is not a JWS over claims with ``sub``, ``aud`` and ``exp``.
        """
        svid = cls(token, hint)
        svid._read  # noqa: B018  # takes it apart
        return svid

    @property
    def spiffe_id(self) -> SpiffeId:
        """Whose it is (``sub``)."""
        return self._read[0]

    @property
    def audience(self) -> tuple[str, ...]:
        """Whom it is for (``aud``)."""
        return self._read[1]

    @property
    def expiry(self) -> datetime:
        """From when on it is worth nothing (``exp``); at most the end of the year 9999."""
        return self._read[2]

    @cached_property
    def _read(self) -> tuple[SpiffeId, tuple[str, ...], datetime]:
        claims = self._jws.payload
        try:
            return read.subject(claims), read.audience(claims), read.as_datetime(read.instant(claims, "exp"))
        except read.Broken as error:
            raise InvalidSvid(f"this is not a JWT-SVID: {error}", code="claims", clause="JWT-SVID 3") from None

    def __repr__(self) -> str:
        try:
            until = rfc3339(microseconds(self.expiry))
            return f"<JwtSvid {self.spiffe_id} for {', '.join(self.audience):.80}, until {until}>"
        except InvalidSvid:
            return f"<JwtSvid of {len(self.token)} characters that cannot be read>"
