"""What strangers send: of any size, nesting and number, and answered in our words within a documented limit.

Nothing here is timed. What is counted is work: signature checks, names held against constraints, calls of
functions; and memory.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from functools import cache
from typing import Any

import attrs
import pytest
from cryptography import x509

from spiffesim.entries import parse_entries
from spiffesim.errors import SpiffeSimError
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.bundlemap import BundleMap
from spiffesim.spiffe.ids import SpiffeId, TrustDomain
from spiffesim.spiffe.jose.compact import b64url
from spiffesim.spiffe.jwtsvid import JwtSvid
from spiffesim.spiffe.validation import (
    examine_jwt_svid,
    examine_wit_svid,
    examine_x509_svid,
    validate_jwt_svid,
    validate_wit_svid,
    validate_x509_svid,
)
from spiffesim.spiffe.witsvid import WitSvid
from spiffesim.spiffe.x509 import algorithms, constraints, path
from spiffesim.spiffe.x509.certificate import Certificate, read_certificate
from spiffesim.spiffe.x509.limits import MAX_CERTIFICATE, MAX_CHAIN, MAX_CHAIN_OCTETS, MAX_PEM
from spiffesim.spiffe.x509.path import LOOKS, SPARE_CHECKS
from spiffesim.spiffe.x509.pem import write_pem
from spiffesim.spiffe.x509svid import X509Svid, read_chain
from tests.oracles import asn1
from tests.oracles import certificates as make
from tests.oracles.certificates import AT, TD, WEB, Issued

ROOT = make.root()
INTERMEDIATE = make.intermediate(ROOT)
LEAF = make.leaf(INTERMEDIATE)
BUNDLE = SpiffeBundle("example.org", [ROOT.der])
KEY_PEM = write_pem("PRIVATE KEY", make.pkcs8(LEAF.key))
HUGE = 100_000_000
AMPLE = 5_000_000  # of texts that are looked at before their length says that they are too long


def judged(*arguments: Any, **options: Any) -> Callable[[Any], object]:
    """What examines a document, and raises the first rule that it breaks."""
    examine, *others = arguments

    def judge(document: Any) -> object:
        verdict = examine(document, *others, at=AT, **options)
        assert verdict.first is not None
        raise verdict.first

    return judge


# What takes bytes or text of strangers.
READERS: dict[str, Callable[[Any], object]] = {
    "X509Svid.parse": X509Svid.parse,
    "X509Svid.parse, of a key": lambda text: X509Svid.parse(write_pem("CERTIFICATE", LEAF.der), text),
    "X509Svid.parse_raw": lambda data: X509Svid.parse_raw(_bytes(data), make.pkcs8(LEAF.key)),
    "X509Svid.parse_raw, of a key": lambda data: X509Svid.parse_raw(LEAF.der, _bytes(data)),
    "read_chain": read_chain,
    "read_certificate": lambda data: read_certificate(_bytes(data)),
    "examine_x509_svid": lambda data: judged(examine_x509_svid, BUNDLE)([LEAF.der, _bytes(data)]),
    "validate_x509_svid": lambda data: validate_x509_svid(X509Svid([_bytes(data)], b""), BUNDLE, at=AT),
    "SpiffeBundle.parse": lambda data: SpiffeBundle.parse("example.org", data),
    "SpiffeBundle.from_pem": lambda text: SpiffeBundle.from_pem("example.org", text),
    "SpiffeBundle.from_x509_authorities": lambda data: SpiffeBundle.from_x509_authorities("a", [_bytes(data)]),
    "BundleMap.parse": BundleMap.parse,
    "JwtSvid.parse": JwtSvid.parse,
    "WitSvid.parse": WitSvid.parse,
    "examine_jwt_svid": judged(examine_jwt_svid, BUNDLE, audience="a"),
    "examine_jwt_svid, as SPIRE": judged(examine_jwt_svid, BUNDLE, audience="a", profile="spire"),
    "validate_jwt_svid": lambda token: validate_jwt_svid(token, BUNDLE, audience="a", at=AT),
    "examine_wit_svid": judged(examine_wit_svid, BUNDLE, proof=None),
    "validate_wit_svid": lambda token: validate_wit_svid(token, BUNDLE, proof=None, at=AT),
}
IDS: dict[str, Callable[[Any], object]] = {
    "SpiffeId": SpiffeId,
    "SpiffeId.parse": SpiffeId.parse,
    "TrustDomain": TrustDomain,
    "TrustDomain.parse": TrustDomain.parse,
}


def _bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data


def refused(reader: Callable[[Any], object], document: Any) -> SpiffeSimError:
    """The error of ours that a reader raises, whose text is short whatever it was given."""
    with pytest.raises(SpiffeSimError) as caught:
        reader(document)
    assert len(str(caught.value)) < 4_096
    return caught.value


def peak_of(function: Callable[[], object]) -> int:
    """How many bytes were held at once while this ran, beyond those before."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def calls_of(function: Callable[[], object]) -> int:
    """How many functions were called while this ran, of Python and of C."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(before)
    return calls


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Certificate, Certificate]]:
    """The signatures that are checked."""
    done: list[tuple[Certificate, Certificate]] = []

    def verifies(child: Certificate, issuer: Certificate) -> bool:
        done.append((child, issuer))
        return algorithms.verifies(child, issuer)

    monkeypatch.setattr(path, "verifies", verifies)
    return done


# Size


@pytest.fixture(scope="module", params=["brackets", "DER", "PEM"])
def huge(request: pytest.FixtureRequest) -> bytes:
    """A hundred million bytes."""
    made: dict[str, Callable[[], bytes]] = {
        "brackets": lambda: b"[" * HUGE,
        "DER": lambda: b"\x30\x84" + (HUGE - 6).to_bytes(4, "big") + bytes(HUGE - 6),
        "PEM": lambda: b"-----BEGIN CERTIFICATE-----\n" + b"A" * HUGE,
    }
    return made[request.param]()


@pytest.mark.parametrize("reader", READERS)
def test_a_hundred_megabytes_are_refused_unread(reader: str, huge: bytes) -> None:
    # A few copies at most, which whoever converts to bytes or to text needs; usually none.
    assert peak_of(lambda: refused(READERS[reader], huge)) < 3 * HUGE


@pytest.mark.parametrize("reader", IDS)
@pytest.mark.parametrize("text", ["a", "/", "spiffe://", "\u00e9", "%2F"])
def test_a_text_of_five_megabytes_is_no_id(reader: str, text: str) -> None:
    for document in (text * (AMPLE // len(text)), f"spiffe://example.org/{text * (AMPLE // len(text))}"):
        assert peak_of(lambda document=document: refused(IDS[reader], document)) < 6 * AMPLE  # type: ignore[misc]


@pytest.mark.parametrize("reader", IDS)
def test_an_id_of_a_million_characters_is_too_long(reader: str) -> None:
    text = f"{TD}/{'a' * 1_000_000}" if "Id" in reader else "a" * 1_000_000
    assert "more than 2" in str(refused(IDS[reader], text))  # 2,048, or 255


@pytest.mark.parametrize("size", [4, 8])
def test_a_length_that_lies_takes_no_memory(size: int) -> None:
    lies = b"\x30" + bytes([0x80 | size]) + b"\xff" * size
    for data in (lies, lies + LEAF.der, LEAF.der[:4] + lies):
        assert peak_of(lambda data=data: refused(READERS["read_certificate"], data)) < 100_000  # type: ignore[misc]
        assert peak_of(lambda data=data: refused(READERS["X509Svid.parse_raw"], data)) < 100_000  # type: ignore[misc]


# Nesting


@pytest.mark.parametrize("reader", [name for name in READERS if "key" not in name])
@pytest.mark.parametrize("opening", ["[", '{"keys":', '{"trust_domains":', '{"a":['])
def test_a_hundred_thousand_levels_of_json_are_no_recursion(reader: str, opening: str) -> None:
    nested = opening * 100_000
    refused(READERS[reader], nested)
    refused(READERS[reader], nested.encode())


@pytest.mark.parametrize("reader", ["JwtSvid.parse", "WitSvid.parse", "examine_jwt_svid", "examine_jwt_svid, as SPIRE"])
def test_nesting_within_a_token_is_no_recursion(reader: str) -> None:
    header, deep = b64url(b'{"alg":"ES256","kid":"a"}'), b64url(b'{"a":' * 10_000 + b"1" + b"}" * 10_000)
    for token in (f"{header}.{deep}.AA", f"{deep}.{header}.AA"):
        refused(READERS[reader], token)


def test_nested_values_of_der_are_no_recursion() -> None:
    def nested(levels: int) -> bytes:
        """Constructed values within each other: made from the inside, with lengths of three octets."""
        content = b"".join(b"\x30\x83" + (5 * level).to_bytes(3, "big") for level in range(levels, 0, -1))
        return b"\x30\x83" + len(content).to_bytes(3, "big") + content

    refused(READERS["read_certificate"], nested(40_000))
    # Within an extension that nobody knows it is only bytes.
    odd = asn1.remade(LEAF.der, INTERMEDIATE.key, extensions=(asn1.extension("2a0304", nested(40_000)),))
    assert read_certificate(odd).extensions.unknown_critical == ()


@pytest.mark.parametrize("where", ["issuer", "subject", "validity", "spki", "inner_algorithm"])
def test_nested_fields_are_no_recursion(where: str) -> None:
    nested = b""
    for _ in range(2_000):
        nested = asn1.sequence(nested)
    changes: dict[str, Any] = {where: nested}
    refused(READERS["read_certificate"], attrs.evolve(asn1.Parts.of(LEAF.der), **changes).der)


# Long chains


def clones(of: Issued, number: int, **changes: Any) -> list[bytes]:
    """Certificates of one name and one key, which differ in their serial numbers; their signatures are wrong."""
    parts = attrs.evolve(asn1.Parts.of(of.der), **changes)
    return [attrs.evolve(parts, serial=asn1.tlv(2, b"\1" + place.to_bytes(4, "big"))).der for place in range(number)]


@cache
def a_hundred_thousand() -> list[bytes]:
    return clones(INTERMEDIATE, 100_000)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("kind", ["same", "distinct", "of a few octets"])
def test_a_chain_of_a_hundred_thousand_is_refused_without_a_check(kind: str, turned: bool, checks: list[Any]) -> None:
    others: dict[str, Callable[[], list[bytes]]] = {
        "same": lambda: [INTERMEDIATE.der] * 100_000,
        "distinct": a_hundred_thousand,
        "of a few octets": lambda: [b"\x30\x00"] * 100_000,
    }
    chain = [LEAF.der, *others[kind]()][:: -1 if turned else 1]
    for form in (chain, X509Svid(chain, b"")):
        assert [failure.name for failure in examine_x509_svid(form, BUNDLE, at=AT).failures] == ["chain_size"]
    for read in (read_chain, lambda data: X509Svid.parse_raw(data, make.pkcs8(LEAF.key))):
        assert refused(read, b"".join(chain)).code == "chain_size"
    assert not checks


def test_a_chain_of_as_many_as_are_read_is_read_in_every_form() -> None:
    chain = [LEAF.der, *[INTERMEDIATE.der] * (MAX_CHAIN - 1)]
    assert sum(map(len, chain)) < MAX_CHAIN_OCTETS
    pem = b"".join(write_pem("CERTIFICATE", der) for der in chain)
    assert len(pem) < MAX_PEM
    assert read_chain(pem) == read_chain(b"".join(chain)) == tuple(chain)
    assert len(X509Svid.parse(pem, KEY_PEM).parsed) == MAX_CHAIN
    more = pem + write_pem("CERTIFICATE", INTERMEDIATE.der)
    assert refused(read_chain, more).code == refused(READERS["X509Svid.parse"], more + KEY_PEM).code == "chain_size"


def test_the_longest_pem_holds_the_longest_chain() -> None:
    each = bytes(MAX_CHAIN_OCTETS // MAX_CHAIN)
    assert len(write_pem("CERTIFICATE", each)) * MAX_CHAIN < MAX_PEM
    assert len(write_pem("CERTIFICATE", bytes(MAX_CERTIFICATE))) * 32 < MAX_PEM


# Candidates of the same name


def unidentified(of: Issued) -> tuple[bytes, ...]:
    """The extensions of a certificate without its key identifiers."""
    parts = asn1.Parts.of(of.der).extensions
    return tuple(each for each in parts if bytes.fromhex("551d0e") not in each and bytes.fromhex("551d23") not in each)


@pytest.mark.parametrize("number", [500, 3_000])
def test_a_search_checks_no_more_than_its_budget(number: int, checks: list[Any]) -> None:
    stranger = make.intermediate(ROOT, key=make.key("stranger"))
    decoys = clones(stranger, number, extensions=unidentified(stranger))
    verdict = examine_x509_svid([make.leaf(INTERMEDIATE, authority_key_id=None).der, *decoys], BUNDLE, at=AT)
    assert not verdict.ok
    assert len(checks) <= number + 1 + SPARE_CHECKS
    verdict = examine_x509_svid(
        [make.leaf(INTERMEDIATE, authority_key_id=None).der, *decoys, INTERMEDIATE.der], BUNDLE, at=AT
    )
    assert verdict.ok


def tower(tiers: int, width: int) -> list[bytes]:
    """A chain whose every issuer is one of several of its name, of which only the last one presented is right."""
    chain, above = [], ROOT
    for tier in range(tiers):
        name = f"tier {tier}"
        right = make.intermediate(above, name, key=make.key(name), key_id=None, authority_key_id=None)
        wrong = make.intermediate(above, name, key=make.key(f"not {name}"), key_id=None, authority_key_id=None)
        chain.append([*clones(wrong, width), right.der])
        above = right
    leaf = make.leaf(above, authority_key_id=None)
    return [leaf.der, *(der for tier in reversed(chain) for der in tier)]


@pytest.mark.parametrize("tiers", [1, 4, 8])
def test_decoys_at_every_tier_add_up_and_do_not_multiply(tiers: int, checks: list[Any]) -> None:
    chain = tower(tiers, 100)
    assert examine_x509_svid(chain, BUNDLE, at=AT).ok
    assert len(checks) <= len(chain) + 1
    checks.clear()
    assert not examine_x509_svid(chain, SpiffeBundle("example.org", [make.root("other").der]), at=AT).ok
    assert len(checks) <= len(chain) + SPARE_CHECKS


@pytest.mark.parametrize("names", [10, 40])
@pytest.mark.parametrize("identified", [True, False])
def test_everybody_who_certifies_everybody(names: int, identified: bool, checks: list[Any]) -> None:
    changes: dict[str, Any] = {} if identified else {"key_id": None, "authority_key_id": None}
    cas = [make.root(f"ca {number}", key=make.key(f"ca {number}")) for number in range(names)]
    crossed = [
        make.intermediate(signer, f"ca {number}", key=make.key(f"ca {number}"), **changes).der
        for signer in cas
        for number, ca in enumerate(cas)
        if ca is not signer
    ]
    chain = [make.leaf(cas[0]).der, *crossed]
    verdict = examine_x509_svid(chain, BUNDLE, at=AT)
    assert [failure.name for failure in verdict.failures] in (["known_authority"], ["search_budget"])
    assert len(checks) <= len(chain) + SPARE_CHECKS
    assert examine_x509_svid(chain, SpiffeBundle("example.org", [cas[-1].der]), at=AT).ok  # the control


@pytest.mark.parametrize(("kind", "cost"), [("p384", 8), ("p521", 10)])
def test_what_is_expensive_is_checked_less_often(kind: str, cost: int, checks: list[Any]) -> None:
    stranger = make.intermediate(ROOT, key=make.key("stranger", kind))
    decoys = clones(stranger, 400, extensions=unidentified(stranger))
    verdict = examine_x509_svid([make.leaf(INTERMEDIATE, authority_key_id=None).der, *decoys], BUNDLE, at=AT)
    assert [failure.name for failure in verdict.failures] == ["search_budget"]
    assert len(checks) <= 1 + (401 + SPARE_CHECKS) // cost  # the first one is looked at before anybody counts
    few = [make.leaf(INTERMEDIATE, authority_key_id=None).der, *decoys[:50], INTERMEDIATE.der]
    assert examine_x509_svid(few, BUNDLE, at=AT).ok


# Large certificates


def extended(*extensions: bytes) -> bytes:
    return asn1.remade(LEAF.der, INTERMEDIATE.key, extensions=extensions)


def unknown(number: int, *, critical: bool = False) -> list[bytes]:
    names = (
        f"2a{place >> 14 | 128:02x}{place >> 7 & 127 | 128:02x}{place & 127:02x}"
        for place in range(1 << 14, (1 << 14) + number)
    )
    return [asn1.extension(name, b"", critical=critical) for name in names]


MANY: dict[str, Callable[[int], bytes]] = {
    "alternative names": lambda n: extended(asn1.extension("551d11", asn1.sequence(b"\x82\x01a" * n))),
    "URIs": lambda n: extended(asn1.extension("551d11", asn1.sequence(b"\x86\x01a" * n))),
    "constraints": lambda n: extended(
        asn1.extension("551d1e", asn1.sequence(asn1.tlv(0xA1, asn1.sequence(b"\x82\x01a") * n)))
    ),
    "purposes": lambda n: extended(asn1.extension("551d25", asn1.sequence(b"\x06\x01\x2a" * n))),
    "extensions": lambda n: extended(*unknown(n)),
    "critical extensions": lambda n: extended(*unknown(n, critical=True)),
    "the same extension": lambda n: extended(*unknown(1) * n),
    "attributes of a name": lambda n: asn1.remade(
        LEAF.der,
        INTERMEDIATE.key,
        subject=asn1.sequence(asn1.tlv(0x31, asn1.sequence(b"\x06\x01\x2a", b"\x0c\x01a")) * n),
    ),
    "attributes of one set": lambda n: asn1.remade(
        LEAF.der,
        INTERMEDIATE.key,
        subject=asn1.sequence(asn1.tlv(0x31, asn1.sequence(b"\x06\x01\x2a", b"\x0c\x01a") * n)),
    ),
}


@pytest.mark.parametrize("what", MANY)
def test_twice_as_much_in_a_certificate_is_twice_as_much_work(what: str) -> None:
    once, twice = MANY[what](4_000), MANY[what](8_000)
    assert len(twice) <= MAX_CERTIFICATE

    def examine(leaf: bytes) -> None:
        verdict = examine_x509_svid([leaf, INTERMEDIATE.der], BUNDLE, at=AT)
        assert len(verdict.failures) < 32
        assert len(str(verdict)) < 40_000

    assert calls_of(lambda: examine(twice)) < 2.2 * calls_of(lambda: examine(once)) + 10_000
    assert refused(READERS["read_certificate"], MANY[what](90_000)).code == "certificate_size"


@pytest.mark.parametrize("number", [100, 1_000, 4_000])
def test_names_are_held_against_constraints_within_the_budget(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    held = 0
    real = constraints._within

    def within(*arguments: Any) -> bool:
        nonlocal held
        held += 1
        return real(*arguments)

    monkeypatch.setattr(constraints, "_within", within)
    hosts = [x509.UniformResourceIdentifier(f"h{place}.example.org") for place in range(number)]
    top = make.intermediate(ROOT, "constrained", extensions=[(x509.NameConstraints(None, hosts), True)])
    leaf = make.leaf(top, names=[x509.DNSName(f"n{place}.example.org") for place in range(number)])
    verdict = examine_x509_svid(make.ders(leaf, top), BUNDLE, at=AT)
    assert [failure.name for failure in verdict.failures] == (["search_budget"] if number > 100 else [])
    assert held <= LOOKS * (SPARE_CHECKS + 2)
    if number > 100:
        assert "looks at candidates and names" in str(verdict.first)


def test_a_name_longer_than_any_is_not_repeated_in_full() -> None:
    hosts = [x509.UniformResourceIdentifier(f"h{place}.example.org") for place in range(2_000)]
    top = make.intermediate(ROOT, "constrained", extensions=[(x509.NameConstraints(hosts, None), True)])
    leaf = make.leaf(top, names=[x509.DNSName("n" * 5_000)])
    verdict = examine_x509_svid(make.ders(leaf, top), BUNDLE, at=AT)
    assert [failure.name for failure in verdict.failures] == ["name_constraints"]
    assert "h7.example.org and 1992 more" in str(verdict.failures[0].detail)
    assert len(str(verdict.failures[0].detail)) < 4_096


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("-----BEGIN A-----", ""),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n", ""),
        ("-----END CERTIFICATE-----", ""),
        ("-----BEGIN A-----\n-----END A-----", ""),
        (" ", "-----BEGIN CERTIFICATE-----"),
    ],
)
def test_twice_as_much_pem_is_twice_as_much_work(text: str, more: str) -> None:
    def read(number: int) -> int:
        document = more + text * number
        return calls_of(lambda: refused(READERS["SpiffeBundle.from_pem"], document))

    assert read(40_000) < 2.2 * read(20_000) + 10_000


# Numbers


def certificate_with(**changes: Any) -> list[bytes]:
    return [LEAF.der, asn1.remade(INTERMEDIATE.der, ROOT.key, **changes)]


NINES = asn1.tlv(2, b"\x7f" + b"\xff" * 100_000)
CA = asn1.extension("551d13", asn1.sequence(b"\x01\x01\xff", NINES), critical=True)
RSA = bytes.fromhex("300d06092a864886f70d0101010500")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"serial": NINES}, "certificate_encoding"),
        ({"version": asn1.tlv(0xA0, NINES)}, "certificate_encoding"),
        ({"spki": asn1.sequence(RSA, asn1.tlv(3, b"\0", asn1.sequence(NINES, b"\x02\x01\x03")))}, "signing_key"),
        ({"spki": asn1.sequence(RSA, asn1.tlv(3, b"\0", asn1.sequence(b"\x02\x01\x7f", NINES)))}, "signing_key"),
    ],
)
def test_a_number_of_a_hundred_thousand_octets_in_a_certificate(changes: dict[str, bytes], rule: str) -> None:
    verdict = examine_x509_svid(certificate_with(**changes), BUNDLE, at=AT)
    assert [failure.name for failure in verdict.failures] == [rule]
    assert len(str(verdict)) < 40_000


def test_a_path_length_of_a_hundred_thousand_octets_is_long_enough() -> None:
    extensions = [each for each in asn1.Parts.of(INTERMEDIATE.der).extensions if bytes.fromhex("551d13") not in each]
    verdict = examine_x509_svid(certificate_with(extensions=(CA, *extensions)), BUNDLE, at=AT)
    assert verdict.ok
    assert str(verdict)


@pytest.mark.parametrize("number", ["9" * 100_000, "-" + "9" * 100_000, "0." + "9" * 100_000, "9e" + "9" * 10_000])
def test_a_number_of_a_hundred_thousand_digits_in_json(number: str) -> None:
    for name in ("spiffe_sequence", "spiffe_refresh_hint"):
        refused(READERS["SpiffeBundle.parse"], f'{{"keys":[],"{name}":{number}}}')
    refused(READERS["BundleMap.parse"], f'{{"trust_domains":{{"a":{{"keys":[],"spiffe_sequence":{number}}}}}}}')
    header = b64url(b'{"alg":"ES256","kid":"a"}')
    for name in ("exp", "iat", "nbf"):
        claims = f'{{"sub":"{WEB}","aud":["a"],"{name}":{number}}}'
        token = f"{header}.{b64url(claims.encode())}.AAAA"
        for reader in ("examine_jwt_svid", "examine_jwt_svid, as SPIRE", "examine_wit_svid"):
            refused(READERS[reader], token)


@pytest.mark.parametrize("member", ['"a":1', '"keys":[]', '"{}":1'])
@pytest.mark.parametrize("reader", ["SpiffeBundle.parse", "BundleMap.parse"])
def test_twice_as_many_members_are_twice_as_much_work(reader: str, member: str) -> None:
    def read(number: int) -> int:
        document = "{" + ",".join(member.replace("{}", str(place)) for place in range(number)) + "}"
        return calls_of(lambda: refused(READERS[reader], document))

    assert read(20_000) < 2.2 * read(10_000) + 10_000


def test_entries_of_any_nesting_are_refused() -> None:
    for document in ("[" * 100_000, '{"entries":' * 100_000, '{"entries":[{"selectors":' + "9" * 100_000 + "}]}"):
        refused(parse_entries, document)
