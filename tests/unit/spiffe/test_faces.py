"""What chains, bundles, tokens and verdicts show of themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from hypothesis.vendor.pretty import pretty

from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.bundlemap import BundleMap
from spiffesim.spiffe.faces import name_text
from spiffesim.spiffe.jwtsvid import JwtSvid
from spiffesim.spiffe.validation import examine_x509_svid
from spiffesim.spiffe.verdict import Verdict
from spiffesim.spiffe.witsvid import WitSvid
from spiffesim.spiffe.x509svid import X509Svid
from tests.oracles.certificates import AT, HOUR, Issued, intermediate, key, leaf, pkcs8, root
from tests.oracles.tokens import bundle_of, ec_key, jwt_svid, spki, wit_svid

ROOT = root()
MIDDLE = intermediate(ROOT, not_after=AT + 12 * HOUR)
LEAF = leaf(MIDDLE, not_before=AT - HOUR, not_after=AT + HOUR, serial=0xABC)


def svid(*chain: Issued, hint: str = "") -> X509Svid:
    return X509Svid((certificate.der for certificate in chain), pkcs8(key("workload")), hint)


def parsed(value: Any) -> ET.Element:
    """The HTML of a value, which is well-formed XML, too."""
    return ET.fromstring(value._repr_html_())


def cells(value: Any) -> list[list[str]]:
    """The table of a value's HTML, without its head."""
    rows = parsed(value).findall(".//tbody/tr")
    return [["".join(cell.itertext()) for cell in row] for row in rows]


# Chains


def test_a_chain_shows_who_signed_whom_and_when() -> None:
    assert str(svid(LEAF, MIDDLE)).splitlines() == [
        "X509Svid of spiffe://example.org/web",
        "  2 certificates, until 2030-01-01T13:00:00Z",
        "",
        "               SPIFFE ID                                      not before            not after"
        "             key    serial number  subject",
        "leaf           spiffe://example.org/web                       2030-01-01T11:00:00Z  2030-01-01T13:00:00Z"
        "  P-256  abc            CN=workload",
        "└ signed by    spiffe://example.org                           2029-12-31T12:00:00Z  2030-01-02T00:00:00Z"
        "  P-256  1              CN=intermediate",
        f"  └ signed by  an authority of the bundle, key {ROOT.key_id.hex()[:6]}…{ROOT.key_id.hex()[-6:]}",
    ]


def test_a_chain_that_ends_in_its_root_names_nothing_above_it() -> None:
    assert len(cells(svid(LEAF, MIDDLE))) == 3
    assert len(cells(svid(LEAF, MIDDLE, ROOT))) == 3
    assert "authority of the bundle" not in str(svid(LEAF, MIDDLE, ROOT))


def test_an_authority_without_a_key_identifier_is_just_an_authority() -> None:
    orphan = leaf(ROOT, authority_key_id=None)
    assert cells(svid(orphan))[-1][:2] == ["└ signed by", "an authority of the bundle"]


def test_a_notebook_draws_the_validity_of_each_certificate_within_that_of_the_chain() -> None:
    bars = [bar.get("style") for bar in parsed(svid(LEAF, MIDDLE)).findall(".//div[@class='span']/div")]
    # 36 hours in all, from noon to midnight of the next day; the leaf has the two around the next noon.
    assert bars == ["margin-left:63.9%;width:5.6%", "margin-left:0.0%;width:100.0%"]


def test_a_certificate_that_ends_before_it_begins_has_no_width() -> None:
    swapped = Issued(LEAF.der.replace(b"300101130000Z", b"291231130000Z"), None)
    bar = parsed(svid(swapped, MIDDLE)).find(".//div[@class='span']/div")
    assert bar is not None
    assert bar.get("style") == "margin-left:63.9%;width:0.0%"


def test_a_chain_says_what_it_is_for() -> None:
    assert "2 certificates, until 2030-01-01T13:00:00Z, for internal" in str(svid(LEAF, MIDDLE, hint="internal"))


def test_a_chain_that_cannot_be_read_says_why() -> None:
    broken = X509Svid((b"\x30\x03",), b"")
    assert str(broken).startswith("An X509Svid that cannot be read: certificate_encoding\n  2 bytes are not")
    assert parsed(broken).find(".//span[@class='badge bad']") is not None


def test_a_leaf_without_uri_belongs_to_nobody() -> None:
    nameless = leaf(ROOT, uris=())
    assert str(svid(nameless)).startswith("X509Svid of nobody, for its leaf has no URI\n")


def test_a_key_that_cannot_be_used_is_said_to_be_unusable() -> None:
    zeros = LEAF.der.replace(LEAF.certificate.public_key().public_numbers().x.to_bytes(32, "big"), bytes(32))  # type: ignore[union-attr]  # an EC key
    assert cells(svid(Issued(zeros, None), MIDDLE))[0][5] == "unusable"
    assert cells(svid(LEAF, MIDDLE))[0][5] == "P-256"


def test_a_long_chain_shows_its_ends() -> None:
    long = svid(LEAF, *[MIDDLE] * 9_999)
    rows = cells(long)
    assert len(rows) == 41
    assert rows[0][0] == "leaf"
    assert rows[35][:2] == ["…", "9,961 more"]
    assert "10,000 certificates" in str(long)


def name(*attributes: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(*attribute) for attribute in attributes])


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (name((NameOID.COUNTRY_NAME, "US"), (NameOID.COMMON_NAME, "Zoë")), "C=US, CN=Zoë"),
        (name((NameOID.EMAIL_ADDRESS, "a@example.org")), "1.2.840.113549.1.9.1=a@example.org"),
        (name((NameOID.X500_UNIQUE_IDENTIFIER, "1")), "x500UniqueIdentifier=1"),
        (name(), ""),
    ],
)
def test_a_name_reads_attribute_by_attribute(subject: x509.Name, text: str) -> None:
    assert name_text(subject.public_bytes()) == text


def test_an_attribute_in_a_foreign_encoding_is_shown_as_far_as_it_goes() -> None:
    bmp = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "é", _type=_ASN1Type.BMPString)])
    assert name_text(bmp.public_bytes()) == "CN=\x00\ufffd"


def test_a_long_name_is_shortened() -> None:
    long = name_text(name(*[(NameOID.COMMON_NAME, "x" * 64)] * 9).public_bytes())
    assert long.startswith(f"CN={'x' * 13}…{'x' * 12}, CN=")
    assert len(long) == 100


# Bundles

BUNDLE = SpiffeBundle(
    "example.org",
    x509_der=(ROOT.der,),
    jwt_spki={"jwt-key": spki(ec_key())},
    wit_spki={"wit-key": spki(ec_key(2, "P-384"))},
    sequence_number=7,
    refresh_hint=timedelta(minutes=5),
)


def test_a_bundle_shows_its_authorities() -> None:
    assert str(BUNDLE).splitlines() == [
        "SpiffeBundle of example.org",
        "  1 X.509, 1 JWT, 1 WIT authorities, sequence number 7, refreshed every 0:05:00",
        "",
        "use        key ID                                    not before            not after             key    subject",
        f"x509-svid  {ROOT.key_id.hex()}  2029-12-31T12:00:00Z  2030-01-02T12:00:00Z  P-256  CN=root",
        "jwt-svid   jwt-key                                                                               P-256",
        "wit-svid   wit-key                                                                               P-384",
    ]
    assert [row[:2] for row in cells(BUNDLE)] == [
        ["x509-svid", ROOT.key_id.hex()],
        ["jwt-svid", "jwt-key"],
        ["wit-svid", "wit-key"],
    ]


def test_an_empty_bundle_shows_no_table() -> None:
    empty = SpiffeBundle("example.org")
    assert str(empty) == "SpiffeBundle of example.org\n  0 X.509, 0 JWT, 0 WIT authorities"
    assert parsed(empty).find(".//table") is None


def test_a_bundle_that_cannot_be_used_says_why() -> None:
    broken = SpiffeBundle("example.org", x509_der=(LEAF.der,), jwt_spki={"bad": b"\x30\x00"})
    assert "the certificate of spiffe://example.org/web is no" in str(broken)
    assert cells(broken) == [["jwt-svid", "bad", "", "", "unusable", ""]]


def test_a_bundle_map_shows_its_bundles() -> None:
    both = BundleMap([bundle_of(), bundle_of(trust_domain="other.test")])
    assert str(both) == f"{both.bundles[0]}\n\n{both.bundles[1]}"
    assert both._repr_html_() == both.bundles[0]._repr_html_() + both.bundles[1]._repr_html_()
    assert pretty(both) == str(both)


# Tokens


def test_a_token_shows_its_header_and_its_claims_but_prints_as_itself() -> None:
    token = JwtSvid.parse(jwt_svid())
    assert str(token) == token.token
    assert pretty(token).splitlines() == [
        "JwtSvid of spiffe://example.org/web",
        "",
        "        name  value",
        'header  alg   "ES256"',
        f'header  kid   "{token.key_id}"',
        'header  typ   "JWT"',
        'claim   aud   ["reports"]',
        f"claim   exp   {int(token.expiry.timestamp())}",
        f"claim   iat   {int(token.expiry.timestamp()) - 300}",
        'claim   sub   "spiffe://example.org/web"',
    ]
    assert cells(token)[0] == ["header", "alg", '"ES256"']


def test_a_wit_svid_shows_itself_without_its_private_key() -> None:
    token = WitSvid(wit_svid(), b"secret")
    assert "secret" not in pretty(token)
    assert pretty(token).startswith("WitSvid of spiffe://example.org/web\n")


def test_a_token_that_cannot_be_read_says_why() -> None:
    assert pretty(JwtSvid("a.b")).startswith("A JwtSvid that cannot be read: ")


# Verdicts


def examined(at: datetime, *chain: Issued) -> Verdict:
    return examine_x509_svid([certificate.der for certificate in chain], BUNDLE, at=at)


def test_a_verdict_shows_every_rule_with_its_clause_and_its_answer() -> None:
    verdict = examined(AT, LEAF, MIDDLE)
    lines = str(verdict).splitlines()
    assert lines[0] == "x509-svid of spiffe://example.org/web: accepted"
    assert (
        lines[1] == f"  judged at 2030-01-01T12:00:00Z, 0 of {len({rule.name for rule in verdict.rules})} rules failed"
    )
    told = {line[10:34].strip() for line in lines[4:]}
    assert told == {rule.name for rule in verdict.rules}
    assert (
        "✓ passed  one_uri                 X509-SVID 2        leaf         "
        "Its alternative names have exactly one URI." in lines
    )
    assert "✓ passed  issuer_is_ca            X509-SVID 4.1      1 to 2       An issuer is a CA certificate." in lines
    assert parsed(verdict).findtext(".//span[@class='badge good']") == "accepted"


def test_a_refusal_begins_with_what_failed() -> None:
    verdict = examined(AT + 2 * HOUR, LEAF, MIDDLE)
    assert str(verdict).startswith("x509-svid of spiffe://example.org/web: refused\n")
    assert cells(verdict)[0] == [
        "✗ failed",
        "not_after",
        "RFC 5280 6.1.3",
        "leaf",
        "spiffe://example.org/web expired 1:00:00 ago (not after 13:00:00Z, now 14:00:00Z)",
    ]
    assert parsed(verdict).find(".//tbody/tr").get("class") == "bad"  # type: ignore[union-attr]  # there is one
    # The others passed the same rule.
    assert ["✓ passed", "not_after", "RFC 5280 6.1.3", "1 to 2", "It has not ended."] in cells(verdict)


def test_rules_that_were_not_reached_are_faint() -> None:
    verdict = examine_x509_svid([], BUNDLE, at=AT)
    assert str(verdict).startswith("x509-svid of an unreadable subject: refused\n")
    moods = [row.get("class") for row in parsed(verdict).findall(".//tbody/tr")]
    assert moods[0] == "bad"
    assert set(moods[1:]) == {"faint", "good"} or set(moods[1:]) == {"faint"}


def test_a_verdict_on_a_deep_chain_has_no_row_a_certificate() -> None:
    verdict = Verdict("x509-svid", None, AT, (), depth=1_000)
    assert ["✓ passed", "version", "RFC 5280 4.1.2.1", "leaf to 1000", "It is a certificate of version 3."] in cells(
        verdict
    )
    assert len(cells(verdict)) < 60


def test_answers_and_findings_show_their_fields() -> None:
    verdict = examined(AT + 2 * HOUR, LEAF, MIDDLE)
    assert pretty(verdict.failures[0]).startswith("Answer(\n    name='not_after',\n    clause='RFC 5280 6.1.3',")
    assert pretty(verdict.findings[0]).startswith("Finding(\n    rule='not_after',")
    assert pretty(verdict) == str(verdict)


# Hostile texts

EVIL = "</style><script>alert(1)</script>\x1b[2J\u202e"


def test_hostile_names_are_shown_and_do_nothing() -> None:
    subject = name((NameOID.COMMON_NAME, EVIL))
    hostile = leaf(ROOT, "spiffe://example.org/<b>", subject=subject)
    bundle = SpiffeBundle("example.org", x509_der=(root(subject=subject).der,), jwt_spki={EVIL: spki(ec_key())})
    token = JwtSvid(jwt_svid({"sub": EVIL, EVIL: EVIL}))
    for value in (svid(hostile), bundle, token, examine_x509_svid([hostile.der], BUNDLE, at=AT)):
        html = value._repr_html_()
        assert parsed(value).find(".//script") is None
        assert parsed(value).find(".//b") is None
        for text in (html, pretty(value)):
            assert "\x1b" not in text
            assert "\u202e" not in text
    assert "CN=</style><scri…script>\\x1b[2J\\u202e" in str(svid(hostile))  # a terminal has no tags
