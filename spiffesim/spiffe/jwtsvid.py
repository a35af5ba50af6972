"""The JWT-SVID as a value.

Spec: JWT-SVID 2 and 3
"""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

import attrs

from spiffesim.errors import InvalidSvid
from spiffesim.spiffe import claims as read
from spiffesim.spiffe.compact import Jws, read_jws
from spiffesim.spiffe.ids import SpiffeId


@attrs.frozen(slots=False, repr=False)  # not slotted: the token is taken apart when somebody looks
class JwtSvid:
    """A JWT-SVID: a token, and what it says of itself.

    Nothing about it has been verified, least of all its signature: for that there is
    :func:`~spiffesim.spiffe.validation.validate_jwt_svid`. :meth:`parse` reads the token at once;
    without it, a token that cannot be read is found out by whoever looks at an attribute.

    Attributes:
        token: The token, a JWS in compact serialization.
        hint: What the issuer says it is for, where a workload has several.
    """

    token: str = attrs.field(converter=lambda token: text_of(token))
    hint: str = ""

    @classmethod
    def parse(cls, token: str | bytes, *, hint: str = "") -> JwtSvid:
        """Read a token without verifying it: no signature, no audience, no instant, no rule of its header.

        Raises:
            InvalidSvid: If it is not a JWS over claims with ``sub``, ``aud`` and ``exp``.
        """
        svid = cls(token, hint)
        _ = svid.spiffe_id, svid.audience, svid.expiry
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

    @property
    def issued_at(self) -> datetime | None:
        """When it was made (``iat``), or None if it does not say so in a number."""
        return optional_instant(self._jws.payload, "iat")

    @property
    def claims(self) -> dict[str, Any]:
        """All its claims, a copy."""
        return deepcopy(self._jws.payload)

    @property
    def header(self) -> dict[str, Any]:
        """Its JOSE header, a copy."""
        return deepcopy(self._jws.header)

    @property
    def key_id(self) -> str | None:
        """Which key it says that it is signed with (``kid``)."""
        return self._jws.header.get("kid")

    @cached_property
    def _jws(self) -> Jws:
        return read_jws(self.token)

    @cached_property
    def _read(self) -> tuple[SpiffeId, tuple[str, ...], datetime]:
        claims = self._jws.payload
        try:
            return read.subject(claims), read.audience(claims), read.as_datetime(read.instant(claims, "exp"))
        except read.Broken as error:
            raise InvalidSvid(f"this is not a JWT-SVID: {error}", code="claims", clause="JWT-SVID 3") from None

    # What was read is not carried along.
    def __getstate__(self) -> dict[str, Any]:
        return {"token": self.token, "hint": self.hint}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __str__(self) -> str:
        return self.token

    def __repr__(self) -> str:
        return represent(self, "JwtSvid")


def text_of(token: object) -> str:
    """A token as text.

    Raises:
        InvalidSvid: If it is neither text nor ASCII bytes.
    """
    if isinstance(token, str):
        return token
    try:
        return token.decode("ascii")  # type: ignore[attr-defined,no-any-return]  # what has no decode is refused below
    except (AttributeError, UnicodeDecodeError):
        raise InvalidSvid(
            f"a token is a text, not {type(token).__name__}", code="compact", clause="RFC 7515 3.1"
        ) from None


def optional_instant(claims: dict[str, Any], name: str) -> datetime | None:
    """The instant of a claim that nobody has to set."""
    try:
        return read.as_datetime(read.instant(claims, name))
    except read.Broken:
        return None
