"""An upstream authority that is slow, or fails: what a fault makes of a sound one."""

from __future__ import annotations

from typing import Final

from spiffesim.authority import JwtAuthority
from spiffesim.errors import Refused, Unavailable
from spiffesim.instants import SECOND, Microseconds
from spiffesim.plugins.upstream_authority import CaRequest, MintedCa, Receiver, UpstreamAuthority

TIMEOUT: Final = 5 * SECOND
"""How long a server waits for its JWT key to be published. SPIRE: pkg/server/ca/manager/manager.go (publishJWKTimeout)"""


class ImpairedUpstreamAuthority:
    """A sound upstream authority behind a fault.

    Args:
        sound: The upstream authority.
        delay: How long each call takes.
        message: What it says to each call; empty if it answers.
    """

    def __init__(self, sound: UpstreamAuthority, delay: Microseconds, message: str) -> None:
        self.sound = sound
        self.delay = delay
        self.message = message

    @property
    def name(self) -> str:
        """The name of the plugin."""
        return self.sound.name

    def mint_x509_ca(self, request: CaRequest) -> MintedCa:
        """Sign a CA, however long that takes.

        Raises:
            Refused: INTERNAL, if it fails; or what the sound one raises.
        """
        self._fail()
        return self.sound.mint_x509_ca(request)

    def publish_jwt_key(self, authority: JwtAuthority) -> Receiver | None:
        """Take a JWT key.

        Raises:
            Refused: INTERNAL, if it fails; or what the sound one raises.
            Unavailable: DEADLINE_EXCEEDED, if all the way up takes too long. Those above have the key nevertheless.
        """
        self._fail()
        receiver = self.sound.publish_jwt_key(authority)
        if self.delay + _delay_above(receiver) <= TIMEOUT:
            return receiver
        if receiver is not None:
            receiver.keyring.publish(authority, receiver.now)
            receiver.changed()
        raise Unavailable(
            f"upstreamauthority({self.name}): context deadline exceeded",
            status="DEADLINE_EXCEEDED",
            hint=f"publishing took more than {TIMEOUT // SECOND} s; those above have the key by now",
        )

    def _fail(self) -> None:
        if self.message:
            raise Refused(f"upstreamauthority({self.name}): {self.message}", status="INTERNAL")

    def __repr__(self) -> str:
        return f"<ImpairedUpstreamAuthority of {self.sound!r}>"


def _delay_above(receiver: Receiver | None) -> Microseconds:
    """How long the servers above take in all."""
    delay = 0
    while receiver is not None and receiver.keyring.upstream is not None:
        upstream = receiver.keyring.upstream
        delay += getattr(upstream, "delay", 0)
        receiver = getattr(getattr(upstream, "sound", upstream), "parent", None)
    return delay
