"""The extensions of a certificate that we process, read strictly from DER.

Spec: RFC 5280 4.2
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from spiffesim.spiffe.x509 import der, fields
from spiffesim.spiffe.x509.der import DerError

DIGITAL_SIGNATURE: Final = 1 << 0
KEY_CERT_SIGN: Final = 1 << 5
CRL_SIGN: Final = 1 << 6

SERVER_AUTH: Final = bytes.fromhex("2b06010505070301")
CLIENT_AUTH: Final = bytes.fromhex("2b06010505070302")

# The forms of a general name: the number of its tag.
OTHER: Final = 0
EMAIL: Final = 1
DNS: Final = 2
DIRECTORY: Final = 4
URI: Final = 6
ADDRESS: Final = 7
REGISTERED: Final = 8

_CONSTRUCTED_FORMS: Final = frozenset((0, 3, 4, 5))  # otherName, x400Address, directoryName, ediPartyName


class Subtree(NamedTuple):
    """One permitted or excluded stretch of names.

    Attributes:
        form: The form of general name, such as ``URI``.
        base: Its content: for a URI or a DNS name, the text of the host.
        plain: Whether it is without ``minimum`` and ``maximum``, as RFC 5280 demands.
    """

    form: int
    base: bytes
    plain: bool


class NameConstraints(NamedTuple):
    """The names that a CA may give out.

    Attributes:
        permitted: Where any stretch of a form is given, a name of that form has to lie in one.
        excluded: No name may lie in one of these.
    """

    permitted: tuple[Subtree, ...]
    excluded: tuple[Subtree, ...]


class Extensions:
    """What the extensions of one certificate say; absent ones are None or empty.

    Attributes:
        present: The content of each object identifier, with whether it is critical.
        repeated: Those that are there more than once, dotted.
        unknown_critical: Those that are critical and that we do not process, dotted.
        key_usage: A mask of the bits, such as ``KEY_CERT_SIGN``.
        name_forms: Which forms of general name the subject alternative name has.
    """

    repeated: tuple[str, ...] = ()
    unknown_critical: tuple[str, ...] = ()
    is_ca: bool = False
    path_length: int | None = None
    key_usage: int | None = None
    extended_key_usage: tuple[bytes, ...] | None = None
    subject_key_id: bytes | None = None
    authority_key_id: bytes | None = None
    uris: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()
    name_forms: tuple[int, ...] = ()
    name_constraints: NameConstraints | None = None

    def __init__(self) -> None:
        self.present: dict[bytes, bool] = {}


def read_extensions(data: bytes, at: int, limit: int) -> Extensions:
    """The extensions whose SEQUENCE begins here and ends at the limit.

    Raises:
        DerError: If they are not well-formed.
    """
    read = Extensions()
    repeated, unknown_critical = [], []
    at, end = der.content_at(data, at, limit, der.SEQUENCE)
    if end != limit or at == end:
        raise DerError("the extensions are empty, or something follows them")
    while at < end:
        stop = der.content_at(data, at, end, der.SEQUENCE)[1]
        octets = data[at:stop]
        # Most extensions of a trust domain's certificates are the same bytes again and again.
        name, critical, said = _extension_seen(octets) if stop - at <= _SHORT else _extension(octets)
        if name in read.present:
            repeated.append(der.dotted(name))
        else:
            read.present[name] = critical
            read.__dict__.update(said)
            if critical and name not in _READERS:
                unknown_critical.append(der.dotted(name))
        at = stop
    read.repeated, read.unknown_critical = tuple(repeated), tuple(unknown_critical)
    return read


_SHORT: Final = 96
_Fields: TypeAlias = tuple[tuple[str, Any], ...]


def _extension(octets: bytes) -> tuple[bytes, bool, _Fields]:
    """One extension: its object identifier, whether it is critical, and what it says."""
    start, end = der.content_at(octets, 0, len(octets), der.SEQUENCE)
    name_start, at = der.content_at(octets, start, end, der.OID)
    name, critical = octets[name_start:at], False
    if at < end and octets[at] == der.BOOLEAN:
        flag_start, flag_end = der.content_at(octets, at, end, der.BOOLEAN)
        critical, at = der.true_of(octets, flag_start, flag_end), flag_end
    inside, stop = der.content_at(octets, at, end, der.OCTET_STRING)
    if stop != end:
        raise DerError("something follows the value of an extension")
    reader = _READERS.get(name)
    if reader is not None:
        return name, critical, reader(octets, inside, stop)
    der.dotted(name)
    return name, critical, ()


_extension_seen = lru_cache(maxsize=4096)(_extension)


def _inside(data: bytes, start: int, end: int, tag: int) -> int:
    """Where the content begins of the one value that lies between start and end."""
    inside, stop = der.content_at(data, start, end, tag)
    if stop != end:
        raise DerError(f"something follows the value at byte {start}")
    return inside


def _key_usage(data: bytes, start: int, end: int) -> _Fields:
    unused, octets = der.bits_of(data, _inside(data, start, end, der.BIT_STRING), end)
    if len(octets) > 2:
        raise DerError("the key usage has more bits than there are usages")
    if octets and not octets[-1] >> unused & 1:  # X.690 11.2.2: bits that are named end with a 1
        raise DerError("the key usage ends with bits that are 0, which are left out")
    mask = 0
    for place, octet in enumerate(octets):
        for bit in range(8):
            mask |= bool(octet & 0x80 >> bit) << (8 * place + bit)
    return (("key_usage", mask),)


def _extended_key_usage(data: bytes, start: int, end: int) -> _Fields:
    purposes = []
    for tag, _, inside, stop in der.values(data, _inside(data, start, end, der.SEQUENCE), end):
        if tag != der.OID or inside == stop:
            raise DerError("an extended key usage is not an object identifier")
        purposes.append(data[inside:stop])
    if not purposes:
        raise DerError("the extended key usage is empty")
    return (("extended_key_usage", tuple(purposes)),)


def _basic_constraints(data: bytes, start: int, end: int) -> _Fields:
    at = _inside(data, start, end, der.SEQUENCE)
    is_ca, path_length = False, None
    if at < end and data[at] == der.BOOLEAN:
        inside, at = der.content_at(data, at, end, der.BOOLEAN)
        is_ca = der.true_of(data, inside, at)
    if at < end:
        inside, at = der.content_at(data, at, end, der.INTEGER)
        path_length = der.integer_of(data, inside, at)
        if at != end or path_length < 0:
            raise DerError("the basic constraints have a negative path length, or something follows it")
    return ("is_ca", is_ca), ("path_length", path_length)


def _subject_key_id(data: bytes, start: int, end: int) -> _Fields:
    return (("subject_key_id", data[_inside(data, start, end, der.OCTET_STRING) : end]),)


def _authority_key_id(data: bytes, start: int, end: int) -> _Fields:
    at, key_id, last = _inside(data, start, end, der.SEQUENCE), None, -1
    for tag, _, inside, stop in der.values(data, at, end):
        if tag not in (0x80, 0xA1, 0x82) or tag & 0x1F <= last:
            raise DerError("the authority key identifier has a member that does not belong there")
        last = tag & 0x1F
        if tag == 0x80:
            key_id = data[inside:stop]
        elif tag == 0x82:
            der.integer_of(data, inside, stop)
        else:
            _general_names(data, inside, stop)
    return (("authority_key_id", key_id),)


def _general_name(data: bytes, tag: int, start: int, end: int) -> tuple[int, bytes]:
    """The form of a general name, and its content."""
    form = tag & 0x1F
    if form > 8 or tag & 0xC0 != 0x80 or bool(tag & 0x20) != (form in _CONSTRUCTED_FORMS):
        raise DerError(f"tag 0x{tag:02x} is not that of a general name")
    content = data[start:end]
    if form in (EMAIL, DNS, URI):
        if not content.isascii():
            raise DerError("a general name has characters beyond ASCII")
    elif form == DIRECTORY:
        if fields.name_at(data, start, end)[1] != end:
            raise DerError("something follows the name of a directory")
    elif form == REGISTERED:
        der.dotted(content)
    elif form == OTHER:
        _other_name(data, start, end)
    return form, content


def _other_name(data: bytes, start: int, end: int) -> None:
    inside, at = der.content_at(data, start, end, der.OID)
    der.dotted(data[inside:at])
    inside, stop = der.content_at(data, at, end, 0xA0)
    if stop != end or der.value_at(data, inside, stop)[2] != stop:
        raise DerError("a name of another form is not one value")


def _general_names(data: bytes, start: int, end: int) -> list[tuple[int, bytes]]:
    """The forms and the contents of the general names that lie here."""
    return [_general_name(data, tag, inside, stop) for tag, _, inside, stop in der.values(data, start, end)]


def _alternative_names(data: bytes, start: int, end: int) -> _Fields:
    uris, dns_names, forms = [], [], []
    for form, content in _general_names(data, _inside(data, start, end, der.SEQUENCE), end):
        forms.append(form)
        if form == URI:
            uris.append(content.decode())
        elif form == DNS:
            dns_names.append(content.decode())
        elif form == ADDRESS and len(content) not in (4, 16):
            raise DerError(f"an IP address has {len(content)} octets, not 4 or 16")
    return ("uris", tuple(uris)), ("dns_names", tuple(dns_names)), ("name_forms", tuple(forms))


def _name_constraints(data: bytes, start: int, end: int) -> _Fields:
    found: dict[int, tuple[Subtree, ...]] = {}
    for tag, _, inside, stop in der.values(data, _inside(data, start, end, der.SEQUENCE), end):
        if tag not in (0xA0, 0xA1) or tag in found or 0xA1 in found or inside == stop:
            raise DerError("the name constraints have a member that does not belong there")
        found[tag] = tuple(_subtree(data, *value) for value in der.values(data, inside, stop))
    if not found:
        raise DerError("the name constraints are empty")
    return (("name_constraints", NameConstraints(found.get(0xA0, ()), found.get(0xA1, ()))),)


def _subtree(data: bytes, tag: int, _begin: int, start: int, end: int) -> Subtree:
    if tag != der.SEQUENCE:
        raise DerError("a name constraint is not a sequence")
    name_tag, inside, stop = der.value_at(data, start, end)
    form, content = _general_name(data, name_tag, inside, stop)
    if form == ADDRESS and len(content) not in (8, 32):
        raise DerError(f"a constraint on IP addresses has {len(content)} octets, not 8 or 32")
    # RFC 5280 4.2.1.10: minimum is 0 (so DER leaves it out) and maximum is absent.
    return Subtree(form, content, plain=stop == end)


def _information_access(data: bytes, start: int, end: int) -> _Fields:
    at = _inside(data, start, end, der.SEQUENCE)
    if at == end:
        raise DerError("the authority information access is empty")
    while at < end:
        at, stop = der.content_at(data, at, end, der.SEQUENCE)
        inside, at = der.content_at(data, at, stop, der.OID)
        der.dotted(data[inside:at])
        if len(_general_names(data, at, stop)) != 1:
            raise DerError("there is not one place at which the authority is found")
        at = stop
    return ()


KEY_USAGE: Final = bytes.fromhex("551d0f")
EXTENDED_KEY_USAGE: Final = bytes.fromhex("551d25")
BASIC_CONSTRAINTS: Final = bytes.fromhex("551d13")
SUBJECT_KEY_ID: Final = bytes.fromhex("551d0e")
AUTHORITY_KEY_ID: Final = bytes.fromhex("551d23")
ALTERNATIVE_NAMES: Final = bytes.fromhex("551d11")
NAME_CONSTRAINTS: Final = bytes.fromhex("551d1e")
# Without a say in the validity of a path: it is read, so that it can be accepted even where it is marked critical.
AUTHORITY_INFO_ACCESS: Final = bytes.fromhex("2b06010505070101")

_READERS: Final[dict[bytes, Callable[[bytes, int, int], _Fields]]] = {
    KEY_USAGE: _key_usage,
    EXTENDED_KEY_USAGE: _extended_key_usage,
    BASIC_CONSTRAINTS: _basic_constraints,
    SUBJECT_KEY_ID: _subject_key_id,
    AUTHORITY_KEY_ID: _authority_key_id,
    ALTERNATIVE_NAMES: _alternative_names,
    NAME_CONSTRAINTS: _name_constraints,
    AUTHORITY_INFO_ACCESS: _information_access,
}
