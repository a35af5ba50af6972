"""Bundles that are not JSON, or not the JSON of which everybody reads the same."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.documents.draft import Document
from spiffesim.catalogue.shelf import Shelf
from spiffesim.spiffe.jose.jsontext import MAX_DEPTH
from spiffesim.spiffe.requirements import MAX_DOCUMENT
from spiffesim.spiffe.rules.bundle import BUNDLE
from spiffesim.spiffe.x509.pem import write_pem

TEXT: Final = Shelf[Document](BUNDLE)


# Before anybody reads JSON


@TEXT("encoding")
def latin_1(document: Document) -> None:
    """A member is in Latin-1, so that the document is not UTF-8."""
    document.add_member(b'"n\xe9e": 1')


@TEXT("encoding")
def overlong_utf_8(document: Document) -> None:
    """A slash in the name of a member is written in two bytes, which UTF-8 forbids."""
    document.add_member(b'"a\xc0\xafb": 1')


@TEXT("encoding")
def surrogate_in_utf_8(document: Document) -> None:
    """Half of a surrogate pair stands in the bytes, which UTF-8 forbids."""
    document.add_member(b'"\xed\xa0\x80": 1')


@TEXT("encoding")
def utf_16(document: Document) -> None:
    """The document is UTF-16 with its byte order mark."""
    document.rewrite = lambda data: data.decode().encode("utf-16")


@TEXT("encoding", clause="SPIFFE Trust Domain and Bundle 4")
def certificate_for_document(document: Document) -> None:
    """The document is the certificate itself, in DER."""
    document.rewrite = lambda _: document.hierarchy.root_der


@TEXT("byte_order_mark")
def byte_order_mark(document: Document) -> None:
    """The document begins with a byte order mark."""
    document.rewrite = lambda data: b"\xef\xbb\xbf" + data


def _nested(levels: int) -> bytes:
    return b'"extra": ' + b"[" * levels + b"]" * levels


def _as_deep_as_can_be(document: Document) -> None:
    document.add_member(_nested(MAX_DEPTH - 1))


@TEXT("nesting", repair=_as_deep_as_can_be)
def nested_too_deeply(document: Document) -> None:
    """A member is nested one level deeper than is read."""
    document.add_member(_nested(MAX_DEPTH))


@TEXT("nesting")
def hundred_thousand_brackets(document: Document) -> None:
    """A member is an array in an array, and so on, 100,000 times."""
    document.add_member(_nested(100_000))


@TEXT("nesting")
def brackets_that_never_close(document: Document) -> None:
    """The document is 100,000 opening brackets, and nothing else."""
    document.rewrite = lambda _: b"[" * 100_000


# JSON


@TEXT("json")
def empty_document(document: Document) -> None:
    """The document has no bytes."""
    document.rewrite = lambda _: b""


@TEXT("json")
def whitespace_alone(document: Document) -> None:
    """The document is a newline."""
    document.rewrite = lambda _: b"\n"


@TEXT("json")
def document_cut_off(document: Document) -> None:
    """The last brace of the document is missing."""
    document.rewrite = lambda data: data.rstrip()[:-1]


@TEXT("json")
def trailing_garbage(document: Document) -> None:
    """Something that is not JSON follows the document."""
    document.rewrite = lambda data: data + b"x"


@TEXT("json")
def second_document(document: Document) -> None:
    """A second document follows, which some readers never see."""
    document.rewrite = lambda data: data + b'{"keys": []}'


@TEXT("json")
def null_at_the_end(document: Document) -> None:
    """A null character follows the document."""
    document.rewrite = lambda data: data + b"\0"


@TEXT("json", clause="SPIFFE Trust Domain and Bundle 4")
def pem_for_json(document: Document) -> None:
    """The document is PEM."""
    document.rewrite = lambda _: write_pem("CERTIFICATE", document.hierarchy.root_der)


@TEXT("json", clause="RFC 8259 4")
def trailing_comma(document: Document) -> None:
    """A comma stands behind the last member."""
    document.rewrite = lambda data: data.rstrip()[:-1] + b",}"


@TEXT("json")
def comment(document: Document) -> None:
    """The document has a comment."""
    document.rewrite = lambda data: b"// a bundle\n" + data


@TEXT("json", clause="RFC 8259 7")
def single_quotes(document: Document) -> None:
    """A string stands in single quotes."""
    document.add_member(b"'extra': 1")


@TEXT("json", clause="RFC 8259 7")
def control_character(document: Document) -> None:
    """A string has a newline that is not escaped."""
    document.add_member(b'"ex\ntra": 1')


@TEXT("json", clause="RFC 8259 7")
def unknown_escape(document: Document) -> None:
    """A string has an escape that JSON does not have."""
    document.add_member(rb'"\x61": 1')


@TEXT("json", clause="RFC 8259 6")
def leading_zero(document: Document) -> None:
    """A number begins with a zero."""
    document.add_member(b'"extra": 07')


@TEXT("json", clause="RFC 8259 6")
def hexadecimal_number(document: Document) -> None:
    """A number is hexadecimal."""
    document.add_member(b'"extra": 0x7')


@TEXT("json", clause="RFC 8259 3")
def literal_in_upper_case(document: Document) -> None:
    """The literal true is spelled as in Python."""
    document.add_member(b'"extra": True')


@TEXT("finite_numbers")
def not_a_number(document: Document) -> None:
    """A member is NaN."""
    document.add_member(b'"extra": NaN')


@TEXT("finite_numbers")
def infinite_number(document: Document) -> None:
    """A member is Infinity."""
    document.add_member(b'"extra": Infinity')


@TEXT("finite_numbers")
def infinite_negative_number(document: Document) -> None:
    """A member is -Infinity."""
    document.add_member(b'"extra": -Infinity')


@TEXT("number_range")
def million_digits(document: Document) -> None:
    """A whole number has a million digits."""
    document.add_member(b'"extra": ' + b"9" * 1_000_000)


@TEXT("number_range")
def huge_exponent(document: Document) -> None:
    """A number has an exponent that no float has."""
    document.add_member(b'"extra": 1e400')


@TEXT("unique_members")
def two_sequence_numbers(document: Document) -> None:
    """The sequence number is there twice."""
    document.replace('"spiffe_sequence":', b'"spiffe_sequence": 1, "spiffe_sequence":')


@TEXT("unique_members")
def two_arrays_of_keys(document: Document) -> None:
    """There are two arrays of keys, the first of them empty."""
    document.replace('"keys":', b'"keys": [], "keys":')


@TEXT("unique_members")
def two_arrays_of_keys_one_escaped(document: Document) -> None:
    """There are two arrays of keys, and the name of one is written with an escape."""
    document.replace('"keys":', rb'"\u006beys": [], "keys":')


@TEXT("unique_members")
def two_uses(document: Document) -> None:
    """An entry has two values of use."""
    document.replace('"use": "jwt-svid"', b'"use": "jwt-svid", "use": "wit-svid"')


@TEXT("unique_members")
def ten_thousand_equal_members(document: Document) -> None:
    """A member is there 10,000 times."""
    document.add_member(b",".join([b'"extra": 1'] * 10_000))


@TEXT("surrogates")
def half_a_surrogate_pair(document: Document) -> None:
    """A string has an escape for half of a surrogate pair."""
    document.add_member(rb'"extra": "\ud800"')


# What is not an object


@TEXT("jwk_set")
def keys_without_object(document: Document) -> None:
    """The document is the array of keys alone, without the object around it."""
    document.rewrite = lambda data: b"[" + data + b"]"


@TEXT("jwk_set")
def null_document(document: Document) -> None:
    """The document is null."""
    document.rewrite = lambda _: b"null"


@TEXT("jwk_set")
def document_in_a_string(document: Document) -> None:
    """The document is a string, and the JSON stands in it."""
    document.rewrite = lambda data: b'"' + data.strip().replace(b'"', rb"\"").replace(b"\n", rb"\n") + b'"'


# Size: last, since it is the dearest to draw and to show


def _largest(document: Document) -> None:
    document.rewrite = lambda data: data.ljust(MAX_DOCUMENT)


@TEXT("size", repair=_largest)
def document_too_large(document: Document) -> None:
    """The document is one byte larger than 4 MiB, of which most are spaces."""
    document.rewrite = lambda data: data.ljust(MAX_DOCUMENT + 1)
