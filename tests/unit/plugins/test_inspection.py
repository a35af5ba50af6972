"""What a server asks of a CA that a third party has minted: each rule with an answer that breaks it alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from spiffesim.chain import ders
from spiffesim.errors import Refused
from spiffesim.plugins.inspection import inspect
from spiffesim.plugins.upstream_authority import CaRequest, MintedCa
from tests.oracles import tokens
from tests.oracles.certificates import usage
from tests.oracles.tokens import AT
from tests.unit.keyrings import ca_request

TD = "spiffe://example.org"
DAY = timedelta(days=1)


@attrs.define
class Answer:
    """What a third party's plugin would answer, one certificate after the other."""

    request: CaRequest = attrs.field(factory=ca_request)
    ca: dict[str, Any] = attrs.field(factory=dict)
    root: dict[str, Any] = attrs.field(factory=dict)

    def chain_and_root(self) -> tuple[bytes, bytes]:
        key = tokens.ec_key(100)
        root = certificate("root", key, key.public_key(), **{"uris": (), **self.root})
        return certificate("ca", key, **{"public_key": self.request.public_key, **self.ca}), root

    def minted(self) -> MintedCa:
        ca, root = self.chain_and_root()
        return MintedCa.from_der([ca], [root])


def certificate(
    name: str,
    signer: ec.EllipticCurvePrivateKey,
    public_key: Any,
    *,
    issuer: str = "root",
    uris: tuple[str, ...] = (TD,),
    ca: bool | None = True,
    usages: tuple[str, ...] | None = ("key_cert_sign", "crl_sign"),
    begins: timedelta = -DAY,
    ends: timedelta = 30 * DAY,
    path_length: int | None = None,
) -> bytes:
    """A CA certificate by cryptography's builder."""
    builder = (
        x509.CertificateBuilder()
        .serial_number(17)
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(public_key)
        .not_valid_before(AT + begins)
        .not_valid_after(AT + ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
    if usages is not None:
        builder = builder.add_extension(usage(*usages), critical=True)
    if uris:
        names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri) for uri in uris])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, hashes.SHA256(), ecdsa_deterministic=True).public_bytes(serialization.Encoding.DER)


def test_a_right_answer_becomes_the_chain() -> None:
    answer = Answer()
    minted = answer.minted()
    chain = inspect(minted, answer.request, "third")
    assert ders(chain) == (minted.chain[0].der,)  # type: ignore[index]  # a third party's is a tuple
    assert chain.head.der == minted.chain[0].der  # type: ignore[index]  # likewise


@pytest.mark.parametrize(
    "ca",
    [
        {"uris": ()},  # a signing certificate should be an SVID, but need not be
        {"usages": ("key_cert_sign",)},
        {"usages": ("key_cert_sign", "crl_sign", "digital_signature")},
        {"path_length": 0},
        {"begins": timedelta(0)},
        {"ends": timedelta(0)},
    ],
)
def test_what_spire_leaves_open_passes(ca: dict[str, Any]) -> None:
    answer = Answer(ca=ca)
    inspect(answer.minted(), answer.request, "third")


CA = "invalid upstream-signed X509 CA: invalid X509 CA: "


@pytest.mark.parametrize(
    ("ca", "problem"),
    [
        ({"ca": None}, f"{CA}basic constraints are not valid"),
        ({"ca": False}, f"{CA}cA constraint is not set"),
        ({"usages": None}, f"{CA}keyCertSign key usage must be set"),
        ({"usages": ("crl_sign",)}, f"{CA}keyCertSign key usage must be set"),
        (
            {"usages": ("key_cert_sign", "key_encipherment")},
            f"{CA}only keyCertSign, cRLSign, or digitalSignature key usage can be set",
        ),
        ({"uris": ("spiffe://other.org",)}, f'{CA}expected URI SAN "{TD}" but got "spiffe://other.org"'),
        ({"uris": (f"{TD}/server",)}, f'{CA}expected URI SAN "{TD}" but got "{TD}/server"'),
        ({"uris": (TD, f"{TD}/b")}, f'{CA}expected URI SAN "{TD}" but got ["{TD}" "{TD}/b"]'),
        ({"begins": timedelta(seconds=1)}, f"{CA}not yet valid until 2030-01-01T00:00:01Z"),
        ({"ends": timedelta(seconds=-1)}, f"{CA}already expired as of 2029-12-31T23:59:59Z"),
        (
            {"public_key": tokens.ec_key(5).public_key()},
            "failed to sign validation certificate: x509: provided PrivateKey doesn't match parent's PublicKey "
            "(it certifies another key than the one that was asked for)",
        ),
    ],
)
def test_a_ca_that_cannot_sign_is_refused_in_spires_words(ca: dict[str, Any], problem: str) -> None:
    answer = Answer(ca=ca)
    with pytest.raises(Refused) as caught:
        inspect(answer.minted(), answer.request, "third")
    assert caught.value.message == f"X509 CA minted by upstream authority is invalid: {problem}"
    assert (caught.value.status, caught.value.plugin) == ("INVALID_ARGUMENT", "third")
    assert str(caught.value).endswith("(upstream authority third)")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda answer: answer.ca.update(issuer="somebody"), "authorit"),
        (lambda answer: answer.root.update(ends=timedelta(seconds=-1)), "expired"),
        (lambda answer: answer.root.update(ca=False), "CA"),
        (lambda answer: answer.root.update(usages=("crl_sign",)), "keyCertSign"),
        (lambda answer: answer.root.update(uris=("spiffe://other.org/x",)), ""),
    ],
)
def test_a_chain_that_does_not_lead_to_the_roots_is_refused(change: Callable[[Answer], None], reason: str) -> None:
    answer = Answer()
    change(answer)
    with pytest.raises(Refused) as caught:
        inspect(answer.minted(), answer.request, "third")
    prefix = "X509 CA minted by upstream authority is invalid: X509 CA produced an invalid X509-SVID chain: "
    assert caught.value.message.startswith(prefix)
    assert reason in caught.value.message
    assert caught.value.status == "INVALID_ARGUMENT"


def test_another_root_of_the_same_name_is_not_the_one() -> None:
    answer = Answer()
    ca, _ = answer.chain_and_root()
    forged = certificate("root", tokens.ec_key(101), tokens.ec_key(101).public_key(), uris=())
    with pytest.raises(Refused, match="produced an invalid X509-SVID chain"):
        inspect(MintedCa.from_der([ca], [forged]), answer.request, "third")


# An answer that is none


@pytest.mark.parametrize(
    ("minted", "problem"),
    [
        (lambda ca, root: MintedCa.from_der([], [root]), "plugin response missing X.509 CA chain"),
        (lambda ca, root: MintedCa.from_der([ca], []), "plugin response missing upstream X.509 roots"),
        (
            lambda ca, root: MintedCa((ca,), (root,)),
            "plugin response has malformed X.509 CA chain: 'bytes' object has no attribute 'der'",
        ),
        (
            lambda ca, root: MintedCa(MintedCa.from_der([ca], []).chain, (root,)),
            "plugin response has malformed upstream X.509 roots: 'bytes' object has no attribute 'der'",
        ),
        (lambda ca, root: None, "plugin closed stream unexpectedly: it answered NoneType"),
    ],
)
def test_an_incomplete_answer_is_an_internal_error_in_spires_words(
    minted: Callable[[bytes, bytes], Any], problem: str
) -> None:
    answer = Answer()
    with pytest.raises(Refused) as caught:
        inspect(minted(*answer.chain_and_root()), answer.request, "third")
    assert caught.value.message == f"upstreamauthority(third): {problem}"
    assert (caught.value.status, caught.value.plugin) == ("INTERNAL", "third")


@attrs.frozen
class Broken:
    """Something that says it is a certificate."""

    der: bytes = b"\x30\x00"


def test_bytes_that_are_no_certificate_are_refused_too() -> None:
    answer = Answer()
    roots = answer.minted().roots
    with pytest.raises(Refused, match=r"malformed X\.509 CA chain: 2 bytes are not an X.509 certificate") as caught:
        inspect(MintedCa((Broken(),), roots), answer.request, "third")  # type: ignore[arg-type]  # that is the point
    assert "MintedCa.from_der takes certificates as DER" in str(caught.value)
