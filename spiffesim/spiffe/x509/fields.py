"""The fields of a certificate, each read strictly from DER.

A function whose name ends in ``_at`` reads the field that begins at a place, and says where it ends.

Spec: RFC 5280 4.1
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from spiffesim.instants import Microseconds
from spiffesim.spiffe.x509 import der
from spiffesim.spiffe.x509.der import DerError

# How every SubjectPublicKeyInfo of a P-256 key with an uncompressed point begins.
_P256: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")


def version_at(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The version of a certificate: 1 where it is left out."""
    if data[at:end][:1] != b"\xa0":
        return 1, at
    start, stop = der.content_at(data, at, end, 0xA0)
    inside, number_end = der.content_at(data, start, stop, der.INTEGER)
    number = der.integer_of(data, inside, number_end)
    # X.690 11.5: version 1 is the default and would be left out.
    if number not in (1, 2) or number_end != stop:
        raise DerError("there is no such version")
    return number + 1, stop


def algorithm_at(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    """An AlgorithmIdentifier, as DER."""
    _, stop = der.content_at(data, at, end, der.SEQUENCE)
    algorithm = data[at:stop]
    (_algorithm_seen if stop - at <= _SHORT else _check_algorithm)(algorithm)
    return algorithm, stop


def name_at(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    """A Name, as DER."""
    _, stop = der.content_at(data, at, end, der.SEQUENCE)
    name = data[at:stop]
    (_name_seen if stop - at <= _SHORT else _check_name)(name)
    return name, stop


class Validity(NamedTuple):
    """When a certificate is valid, and how it says so.

    Attributes:
        not_before: Its first instant.
        not_after: Its last instant.
        utc_times: Whether each of them is written as UTCTime.
    """

    not_before: Microseconds
    not_after: Microseconds
    utc_times: tuple[bool, bool]


def validity_at(data: bytes, at: int, end: int) -> tuple[Validity, int]:
    """The two instants between which a certificate is valid, both included."""
    _, stop = der.content_at(data, at, end, der.SEQUENCE)
    validity = data[at:stop]
    return (_validity_seen if stop - at <= _SHORT else _read_validity)(validity), stop


def _read_validity(validity: bytes) -> Validity:
    start, stop = der.whole(validity, der.SEQUENCE)
    tag, inside, middle = der.value_at(validity, start, stop)
    not_before = der.time_of(tag, validity[inside:middle])
    other, inside, last = der.value_at(validity, middle, stop)
    not_after = der.time_of(other, validity[inside:last])
    if last != stop:
        raise DerError("something follows the validity")
    return Validity(not_before, not_after, (tag == der.UTC_TIME, other == der.UTC_TIME))


def _check_algorithm(algorithm: bytes) -> None:
    start, end = der.whole(algorithm, der.SEQUENCE)
    inside, stop = der.content_at(algorithm, start, end, der.OID)
    der.dotted(algorithm[inside:stop])
    if stop < end and der.value_at(algorithm, stop, end)[2] != end:
        raise DerError("something follows the parameters of an algorithm")


def _check_name(name: bytes) -> None:
    start, end = der.whole(name, der.SEQUENCE)
    for tag, begin, inside, stop in der.values(name, start, end):
        if tag != der.SET or inside == stop:
            raise DerError(f"the name has no set of attributes at byte {begin}")
        attributes = [name[first:last] for _, first, _, last in der.values(name, inside, stop)]
        if attributes != sorted(attributes):
            raise DerError(f"the attributes at byte {begin} of the name are not in order")
        for attribute in attributes:
            _check_attribute(attribute)


def _check_attribute(attribute: bytes) -> None:
    start, end = der.whole(attribute, der.SEQUENCE)
    inside, stop = der.content_at(attribute, start, end, der.OID)
    der.dotted(attribute[inside:stop])
    tag, inside, last = der.value_at(attribute, stop, end)
    if last != end:
        raise DerError("something follows an attribute of the name")
    if tag == der.UTF8_STRING:
        try:
            attribute[inside:last].decode("utf-8")
        except UnicodeDecodeError:
            raise DerError("a UTF8String of the name is not UTF-8") from None


# The same few algorithms, names and validities come again and again, so each short one is read once.
_SHORT: Final = 512
_algorithm_seen = lru_cache(maxsize=256)(_check_algorithm)
_name_seen = lru_cache(maxsize=1024)(_check_name)
_validity_seen = lru_cache(maxsize=1024)(_read_validity)


def check_spki(spki: bytes) -> None:
    """Check a SubjectPublicKeyInfo from the outside; whether its key can be used shows when it is loaded.

    Raises:
        DerError: If it is not one.
    """
    if spki.startswith(_P256) and len(spki) == 91:
        return
    if der.bits_of(spki, *_spki_bits(spki))[0]:
        raise DerError("the public key has unused bits")


def key_algorithm(spki: bytes) -> bytes:
    """The AlgorithmIdentifier in a SubjectPublicKeyInfo, both as DER."""
    start, end = der.whole(spki, der.SEQUENCE)
    return spki[start : der.content_at(spki, start, end, der.SEQUENCE)[1]]


def _spki_bits(spki: bytes) -> tuple[int, int]:
    start, end = der.whole(spki, der.SEQUENCE)
    _, at = algorithm_at(spki, start, end)
    bits, stop = der.content_at(spki, at, end, der.BIT_STRING)
    if stop != end:
        raise DerError("something follows the public key")
    return bits, stop


def key_bits(spki: bytes) -> bytes:
    """The bits of the public key in a SubjectPublicKeyInfo."""
    start, end = _spki_bits(spki)
    return spki[start + 1 : end]
