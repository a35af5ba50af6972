"""How much of what a stranger presents is read at all.

No standard says how long a chain or a certificate may be, so the numbers are ours; each is far above
what SPIRE makes and what carries certificates takes, and keeps the work for one answer to a few seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from spiffesim.errors import InvalidSvid

MAX_CERTIFICATE: Final = 1 << 18
"""How many octets a certificate may have (256 KiB): what Go's TLS reads of a whole chain; SPIRE's have 600."""

MAX_CHAIN: Final = 1 << 14
"""How many certificates may be presented (16,384)."""

MAX_CHAIN_OCTETS: Final = 1 << 23
"""How many octets they may have together (8 MiB); TLS carries less than 16 MiB (RFC 8446 4.4.2)."""

MAX_PEM: Final = 1 << 24
"""How many characters a PEM text may have (16 MiB): the longest chain, in base64 and with its headers."""

MAX_PRIVATE_KEY: Final = 5 << 10
"""How many octets a private key may have (5 KiB): RSA of 8,192 bits, whose check for primes takes seconds."""

MAX_SERIAL: Final = 256
"""How many octets of a serial number are read: RFC 5280 allows 20, a rule; beyond this Python writes out no number."""

MAX_OID: Final = 128
"""How many octets of an object identifier are read: RFC 5280 B demands twenty arcs below 2**28, which take 80."""

MAX_HOST: Final = 256
"""How many characters the host of a name constraint, and a name that is held against it, may have: a DNS name and a dot."""


def check_chain(chain: Sequence[bytes]) -> None:
    """Refuse a chain that is too long to be read.

    Raises:
        InvalidSvid: Code ``chain_size``.
    """
    if len(chain) > MAX_CHAIN:
        beyond = len(chain) - MAX_CHAIN
        raise _chain_size(f"the chain has {len(chain)} certificates, {beyond} more than the {MAX_CHAIN} that are read")
    # What has no length is no certificate, and is refused when it is read.
    check_chain_octets(sum(len(data) for data in chain if isinstance(data, bytes | bytearray | memoryview)))


def check_chain_octets(octets: int) -> None:
    """Refuse a chain of too many octets.

    Raises:
        InvalidSvid: Code ``chain_size``.
    """
    if octets > MAX_CHAIN_OCTETS:
        beyond = octets - MAX_CHAIN_OCTETS
        raise _chain_size(f"the chain has {octets} octets, {beyond} more than the {MAX_CHAIN_OCTETS} that are read")


def check_certificate(data: bytes | bytearray | memoryview) -> None:
    """Refuse a certificate that is too long to be read.

    Raises:
        InvalidSvid: Code ``certificate_size``.
    """
    if len(data) > MAX_CERTIFICATE:
        beyond = len(data) - MAX_CERTIFICATE
        raise InvalidSvid(
            f"a certificate has {len(data)} octets, {beyond} more than the {MAX_CERTIFICATE} that are read",
            code="certificate_size",
            clause="RFC 5280 4.1",
            octets=len(data),
        )


def _chain_size(text: str) -> InvalidSvid:
    return InvalidSvid(
        f"{text}; present only the certificates of its own path", code="chain_size", clause="RFC 5280 6.1"
    )
