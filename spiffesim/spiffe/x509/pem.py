"""PEM, the textual encoding of certificates and keys (RFC 7468)."""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64

from spiffesim.spiffe.x509.limits import MAX_PEM

# The label is bounded, so that a text of many beginnings is not read again from each of them.
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,64})-----([A-Za-z0-9+/=\s]*)-----END \1-----")


def write_pem(label: str, data: bytes) -> bytes:
    """One block, with lines of 64 characters."""
    name = label.encode("ascii")
    lines = b"".join([b2a_base64(data[at : at + 48]) for at in range(0, len(data), 48)])
    return b"".join((b"-----BEGIN ", name, b"-----\n", lines, b"-----END ", name, b"-----\n"))


def read_pem(pem: bytes | str) -> list[tuple[str, bytes]]:
    """The blocks of a text, each its label and its bytes; what stands between them is skipped (RFC 7468 2).

    Raises:
        ValueError: With the reason, if there is none, one is broken, or the text is longer than ``MAX_PEM``.
    """
    if not isinstance(pem, bytes | str):
        raise ValueError(f"PEM is text, not {type(pem).__name__}")
    if len(pem) > MAX_PEM:
        raise ValueError(f"the text has {len(pem)} characters, {len(pem) - MAX_PEM} more than {MAX_PEM}")
    text = pem if isinstance(pem, str) else pem.decode("utf-8", "replace")
    blocks = _BLOCK.findall(text)
    if len(blocks) != text.count("-----BEGIN ") or not blocks:
        raise ValueError("the text holds no PEM block" if not blocks else "the text holds a broken PEM block")
    return [(label, _content(label, lines)) for label, lines in blocks]


def _content(label: str, lines: str) -> bytes:
    try:
        return a2b_base64("".join(lines.split()), strict_mode=True)
    except Base64Error as error:
        raise ValueError(f"the PEM block {label!r} is not base64: {error}") from None


def read_certificates(pem: bytes | str) -> list[bytes]:
    """The certificates of a text that holds nothing else, in their order.

    Raises:
        ValueError: With the reason, if there is none, one is broken, or there is something else.
    """
    blocks = read_pem(pem)
    for label, _ in blocks:
        if label != "CERTIFICATE":
            raise ValueError(f"there is a PEM block named {label!r} where only certificates belong")
    return [data for _, data in blocks]
