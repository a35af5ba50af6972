"""Authority states: what an operator is told of a server's own authorities.

SPIRE: proto/spire/api/server/localauthority/v1
"""

from __future__ import annotations

from datetime import datetime

import attrs

from spiffesim.instants import moment
from spiffesim.server.slots import OLD, PREPARED, Slot, Slots
from spiffesim.spiffe.markup import pretty_fields


@attrs.frozen
class AuthorityState:
    """One authority of a server.

    Attributes:
        authority_id: A CA's subject key identifier in hexadecimal, a JWT key's key ID.
        expires_at: When it ends; None where SPIRE does not say.
        upstream_authority_subject_key_id: Who signed the CA, in hexadecimal; empty for nobody above.
    """

    authority_id: str
    expires_at: datetime | None = None
    upstream_authority_subject_key_id: str = ""

    _repr_pretty_ = pretty_fields

    @classmethod
    def of(cls, slot: Slot) -> AuthorityState:
        """What is, or was, in a slot."""
        return cls(slot.authority_id, moment(slot.not_after), slot.upstream_authority_id)


@attrs.frozen
class AuthorityStates:
    """The authorities of one kind that a server has.

    Attributes:
        active: The one that signs.
        prepared: The one that is ready to take over, if any.
        old: The one that signed before, while nothing is prepared in its place.
    """

    active: AuthorityState
    prepared: AuthorityState | None = None
    old: AuthorityState | None = None

    _repr_pretty_ = pretty_fields

    @classmethod
    def of(cls, slots: Slots) -> AuthorityStates:
        """What is in both slots of one kind."""
        following = slots.next
        return cls(
            AuthorityState.of(slots.current),
            prepared=AuthorityState.of(following) if following.status == PREPARED else None,
            old=AuthorityState.of(following) if following.status == OLD and following.authority_id else None,
        )
