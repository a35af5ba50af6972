"""Private keys: PKCS#8 and the older forms, loaded.

Spec: RFC 5958 2, RFC 7468 10
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spiffesim.errors import InvalidSvid
from spiffesim.spiffe.x509.limits import MAX_PRIVATE_KEY

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes


def load_key(data: bytes, *, trusted: bool) -> PrivateKeyTypes:
    """The private key in DER, not encrypted.

    Args:
        data: PKCS#8, SEC 1 or PKCS#1.
        trusted: Whether to spare the check that RSA's primes are primes, which takes 35 to 270 ms.

    Raises:
        InvalidSvid: If it cannot be loaded, or has more than ``MAX_PRIVATE_KEY`` octets.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        if len(data) > MAX_PRIVATE_KEY:
            raise ValueError(f"it has {len(data)} octets, {len(data) - MAX_PRIVATE_KEY} more than {MAX_PRIVATE_KEY}")
        return load_der_private_key(data, None, unsafe_skip_rsa_key_validation=trusted)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidSvid(
            f"the private key cannot be loaded: {error}", code="private_key", clause="RFC 5958 2"
        ) from None


def as_pkcs8(label: str, data: bytes) -> bytes:
    """The private key of a PEM block with this label as PKCS#8, which it may not be.

    Raises:
        InvalidSvid: If it cannot be loaded.
    """
    if label == "PRIVATE KEY":
        return data
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = load_key(data, trusted=True)  # it is checked in full once it is PKCS#8
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
