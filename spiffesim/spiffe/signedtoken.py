"""What a JWT-SVID and a WIT-SVID are alike: a token, taken apart when somebody looks."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from functools import cached_property
from typing import Any

import attrs

from spiffesim.errors import InvalidSvid
from spiffesim.spiffe.face import Face, Shown
from spiffesim.spiffe.jose import claims as read
from spiffesim.spiffe.jose.compact import Jws, read_jws


def _text(token: object) -> str:
    if isinstance(token, bytes) and token.isascii():
        return token.decode("ascii")
    if not isinstance(token, str):
        what = "bytes that are not ASCII" if isinstance(token, bytes) else f"a {type(token).__name__}"
        raise InvalidSvid(f"a token is a text, not {what}", code="compact", clause="RFC 7515 3.1")
    return token


@attrs.frozen(slots=False, repr=False)  # not slotted: the token is taken apart when somebody looks
class SignedToken(Shown):
    """A token, and what it says of itself; nothing about it has been verified.

    Attributes:
        token: The token, a JWS in compact serialization.
    """

    token: str = attrs.field(converter=_text)

    @property
    def issued_at(self) -> datetime | None:
        """When it was made (``iat``), or None if it does not say so in a number."""
        try:
            return read.as_datetime(read.instant(self._jws.payload, "iat"))
        except read.Broken:
            return None

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
        """Which key it says that it is signed with (``kid``), or None if it names none."""
        kid = self._jws.header.get("kid")
        return kid if isinstance(kid, str) else None

    @cached_property
    def _jws(self) -> Jws:
        return read_jws(self.token)

    # What was read is not carried along.
    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in attrs.fields(type(self))}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __str__(self) -> str:
        return self.token

    def _face(self) -> Face:
        from spiffesim.spiffe import faces

        return faces.of_token(self)
