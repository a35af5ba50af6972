"""The x509pop node attestor: both halves, and what travels between them."""

from __future__ import annotations

import base64
import hashlib
import json
import pickle
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import NameOID

from spiffesim.errors import AttestationFailed, InvalidConfiguration, InvalidSvid, Refused
from spiffesim.instants import microseconds
from spiffesim.plugins.node_attestor import Attestation
from spiffesim.plugins.node_attestor.x509pop import X509PopAttestor, X509PopVerifier, messages
from spiffesim.plugins.testing import StandInServer
from spiffesim.spiffe.bundle import SpiffeBundle
from tests.oracles import asn1
from tests.oracles import certificates as made
from tests.oracles.certificates import AT, Issued

NOW = microseconds(AT)
OURS, THEIRS = b"\x01" * 32, b"\x02" * 32
ROOT = made.root("pki root", uris=())
MIDDLE = made.intermediate(ROOT, "pki middle", uris=())
NODE_KEY = made.key("node")
KINDS = ("p256", "p384", "p521", "rsa-2048")


def node(signer: Issued = ROOT, **changes: Any) -> Issued:
    """The certificate of a node."""
    fields = {"subject": made.named("node-1"), "key": NODE_KEY, "serial": 0x1234, **changes}
    return made.Shape(**fields).signed_by(signer)


NODE = node()


@attrs.define
class Exchange:
    """One attestation, in which each message can be changed on its way."""

    verifier: X509PopVerifier = attrs.field(factory=lambda: X509PopVerifier([ROOT.der]))
    chain: tuple[Issued, ...] = (NODE,)
    key: Any = None
    payload: bytes | None = None
    answer: Any = None
    server: StandInServer = attrs.field(factory=StandInServer)
    now: int = NOW
    challenges: list[bytes] = attrs.field(factory=list)

    def attestor(self) -> X509PopAttestor:
        return X509PopAttestor(made.ders(*self.chain), self.key or self.chain[0].key)

    def respond(self, challenge: bytes) -> bytes:
        self.challenges.append(challenge)
        answer = self.attestor().respond(challenge, THEIRS)
        return answer if self.answer is None else self.answer(answer)

    def run(self) -> Attestation:
        payload = self.attestor().payload if self.payload is None else self.payload
        return self.verifier.attest(payload, self.respond, OURS, self.server, self.now)

    def refused(self) -> AttestationFailed:
        with pytest.raises(AttestationFailed) as caught:
            self.run()
        return caught.value


def sha1(der: bytes) -> str:
    return hashlib.sha1(der).hexdigest()


def selectors(attestation: Attestation) -> list[str]:
    return [str(selector) for selector in attestation.selectors]


# What a right attestation gives


@pytest.mark.parametrize("kind", KINDS)
def test_a_node_that_holds_the_key_of_its_certificate_is_attested(kind: str) -> None:
    leaf = node(key=made.key("node", kind))
    attestation = Exchange(chain=(leaf,)).run()
    assert attestation.path == f"/x509pop/{sha1(leaf.der)}"
    assert attestation.can_reattest
    assert selectors(attestation) == [
        "x509pop:subject:cn:node-1",
        f"x509pop:ca:fingerprint:{sha1(ROOT.der)}",
        "x509pop:serialnumber:1234",
    ]


def test_the_cas_on_the_path_are_selectors() -> None:
    leaf = node(MIDDLE)
    attestation = Exchange(chain=(leaf, MIDDLE)).run()
    assert selectors(attestation)[1:3] == [
        f"x509pop:ca:fingerprint:{sha1(MIDDLE.der)}",
        f"x509pop:ca:fingerprint:{sha1(ROOT.der)}",
    ]


@pytest.mark.parametrize(
    ("serial", "text"),
    [(1, "01"), (0x80, "80"), (0x123, "0123"), (2**128 - 1, "f" * 32), (2**159 - 1, "7f" + "f" * 38)],
)
def test_a_serial_number_is_in_hexadecimal_with_an_even_number_of_digits(serial: int, text: str) -> None:
    attestation = Exchange(chain=(node(serial=serial),)).run()
    assert f"x509pop:serialnumber:{text}" in selectors(attestation)


COUNTRY_OF_NO_LETTERS = asn1.sequence(asn1.tlv(0x31, asn1.sequence(asn1.tlv(6, b"\x55\x04\x06"), asn1.tlv(0x13, b""))))


@pytest.mark.parametrize(
    ("changes", "selector"),
    [({"serial": asn1.tlv(2, b"\0")}, "serialnumber:00"), ({"subject": COUNTRY_OF_NO_LETTERS}, "serialnumber:1234")],
)
def test_what_cryptography_only_warns_of_is_taken_whatever_the_filters(
    changes: dict[str, bytes], selector: str
) -> None:
    der = asn1.remade(NODE.der, ROOT.key, **changes)
    with pytest.warns(UserWarning, match=r"wasn't positive|length must be"):  # the control
        _named_and_numbered(der)
    attestation = Exchange(payload=messages.payload([der])).run()  # the filters of the tests make errors of warnings
    assert f"x509pop:{selector}" in selectors(attestation)


def _named_and_numbered(der: bytes) -> tuple[x509.Name, int]:
    certificate = x509.load_der_x509_certificate(der)
    return certificate.subject, certificate.serial_number


def test_a_root_that_cryptography_cannot_read_is_an_error_of_the_server() -> None:
    organization = asn1.sequence(asn1.tlv(6, b"\x55\x04\x0a"), asn1.tlv(0x13, b"a"))
    twice = asn1.sequence(asn1.tlv(0x31, organization, organization))
    root = asn1.remade(ROOT.der, ROOT.key, subject=twice, issuer=twice)
    error = Exchange(verifier=X509PopVerifier([ROOT.der, root])).refused()
    assert error.status == "INTERNAL"
    assert str(error).startswith("nodeattestor(x509pop): unable to parse a root certificate: ")
    Exchange(verifier=X509PopVerifier([ROOT.der])).run()  # the control


def test_a_node_without_a_common_name_has_no_selector_for_it() -> None:
    attestation = Exchange(chain=(node(subject=made.named("")),)).run()
    assert [text for text in selectors(attestation) if "subject" in text] == []


def test_of_two_common_names_the_last_counts() -> None:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in ("first", "last")])
    assert "x509pop:subject:cn:last" in selectors(Exchange(chain=(node(subject=subject),)).run())


@pytest.mark.parametrize(
    ("uris", "found"),
    [
        (["x509pop://example.org/cluster/eu/1"], ["cluster:eu/1"]),
        (["x509pop://example.org/a/1", "x509pop://example.org/b/2"], ["a:1", "b:2"]),
        (["x509pop://example.org/a/1", "x509pop://example.org/a/2"], ["a:2"]),
        (["x509pop://example.org//a/b%20c/?query#part"], ["a:b c"]),
        (["x509pop://example.org/alone", "x509pop://example.org/"], []),
        (["x509pop://other.org/a/1", "https://example.org/a/1", "spiffe://example.org/a/1"], []),
        ([], []),
    ],
)
def test_uris_of_the_trust_domain_are_selectors(uris: list[str], found: list[str]) -> None:
    attestation = Exchange(chain=(node(uris=uris),)).run()
    assert [text for text in selectors(attestation) if ":san:" in text] == [f"x509pop:san:{pair}" for pair in found]


def test_a_chain_may_be_as_long_as_the_server_allows() -> None:
    cas = [ROOT]
    for number in range(12):
        cas.append(made.intermediate(cas[-1], f"ca {number}", uris=()))
    chain = (node(cas[-1]), *reversed(cas[1:]))
    verifier = X509PopVerifier([ROOT.der], max_intermediates=12)
    attestation = Exchange(verifier=verifier, chain=chain).run()
    assert len([text for text in selectors(attestation) if ":ca:" in text]) == 13
    assert Exchange(chain=chain).refused().message == "nodeattestor(x509pop): too many intermediate certificates"


# What travels


def test_the_first_message_is_the_chain_in_base64() -> None:
    payload = X509PopAttestor([b"leaf", b"intermediate"], NODE_KEY).payload
    assert payload == b'{"certificates":["bGVhZg==","aW50ZXJtZWRpYXRl"]}'


def test_a_challenge_is_a_nonce_for_one_kind_of_key() -> None:
    nonce = base64.b64encode(OURS).decode()
    ecdsa, other = Exchange(), Exchange(chain=(node(key=made.key("node", "rsa-2048")),))
    for exchange in (ecdsa, other):
        exchange.run()
    assert ecdsa.challenges == [f'{{"rsa_signature":null,"ecdsa_signature":{{"nonce":"{nonce}"}}}}'.encode()]
    assert other.challenges == [f'{{"rsa_signature":{{"nonce":"{nonce}"}},"ecdsa_signature":null}}'.encode()]


def unpacked(answer: bytes, kind: str) -> dict[str, bytes]:
    message = json.loads(answer)
    assert list(message) == ["rsa_signature", "ecdsa_signature"]
    assert [name for name, part in message.items() if part is not None] == [kind]
    return {name: base64.b64decode(value) for name, value in message[kind].items()}


@pytest.mark.parametrize("kind", KINDS[:3])
def test_an_ecdsa_answer_signs_the_sha256_of_both_nonces(kind: str) -> None:
    key = made.key("node", kind)
    challenge = messages.challenge(key.public_key(), OURS)
    answer = X509PopAttestor([NODE.der], key).respond(challenge, THEIRS)
    part = unpacked(answer, "ecdsa_signature")
    assert set(part) == {"nonce", "r", "s"}
    assert part["nonce"] == THEIRS
    signature = encode_dss_signature(int.from_bytes(part["r"], "big"), int.from_bytes(part["s"], "big"))
    key.public_key().verify(signature, OURS + THEIRS, ec.ECDSA(hashes.SHA256()))
    assert answer == X509PopAttestor([NODE.der], key).respond(challenge, THEIRS)  # deterministic


def test_an_rsa_answer_is_pss_over_the_sha256_of_both_nonces() -> None:
    key = made.key("node", "rsa-2048")
    answer = X509PopAttestor([NODE.der], key).respond(messages.challenge(key.public_key(), OURS), THEIRS)
    part = unpacked(answer, "rsa_signature")
    assert set(part) == {"nonce", "signature"}
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
    key.public_key().verify(part["signature"], OURS + THEIRS, scheme, hashes.SHA256())


def test_a_server_takes_pss_with_any_salt_as_spires_agents_make_it() -> None:
    key: rsa.RSAPrivateKey = made.key("node", "rsa-2048")
    leaf = node(key=key)

    def salted(_: bytes) -> bytes:
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
        part = {"nonce": THEIRS, "signature": key.sign(OURS + THEIRS, scheme, hashes.SHA256())}
        return json.dumps(
            {"rsa_signature": {name: base64.b64encode(value).decode() for name, value in part.items()}}
        ).encode()

    assert Exchange(chain=(leaf,), answer=salted).run().path == f"/x509pop/{sha1(leaf.der)}"


# Refusals, in the order of SPIRE's checks


def test_a_server_without_x509pop_says_so() -> None:
    with pytest.raises(Refused) as caught:
        X509PopAttestor([NODE.der], NODE_KEY).attest(StandInServer(), NOW)
    assert caught.value.message == ('error getting node attestor: could not find node attestor type "x509pop"')
    assert (caught.value.status, caught.value.hint) == (
        "FAILED_PRECONDITION",
        'server root has none; set its node_attestors["x509pop"]',
    )


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b"", "missing attestation payload"),
        (b"{", "failed to unmarshal data: it "),
        (b"[]", "failed to unmarshal data: it "),
        (b'{"certificates":"x"}', "failed to unmarshal data: certificates are not an array"),
        (b'{"certificates":["%"]}', "failed to unmarshal data: a value is not base64"),
        (b'{"certificates":[5]}', "failed to unmarshal data: a value is not base64"),
        (b"{}", "no certificate to attest"),
        (b'{"certificates":null}', "no certificate to attest"),
        (b'{"certificates":[]}', "no certificate to attest"),
        (json.dumps({"certificates": [""] * 6}).encode(), "too many intermediate certificates"),
        (b'{"certificates":["eHg="]}', "unable to parse leaf certificate: "),
        (b'{"certificates":[null]}', "unable to parse leaf certificate: "),
        (
            json.dumps({"certificates": [b64(NODE.der), b64(MIDDLE.der), "eHg="]}).encode(),
            "unable to parse intermediate certificate 1: ",
        ),
    ],
)
def test_a_broken_first_message_is_an_invalid_argument(payload: bytes, text: str) -> None:
    refused = Exchange(payload=payload).refused()
    assert refused.message.startswith(f"nodeattestor(x509pop): {text}")
    assert refused.status == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("chain", "which"),
    [
        ((node(key=made.key("large", "rsa-3072")),), "leaf certificate"),
        (
            (node(MIDDLE), made.intermediate(ROOT, "large ca", key=made.key("large", "rsa-3072"))),
            "intermediate certificate 0",
        ),
    ],
)
def test_a_key_may_be_as_large_as_the_server_allows(chain: tuple[Issued, ...], which: str) -> None:
    verifier = X509PopVerifier([ROOT.der], max_rsa_key_size=3071)
    refused = Exchange(verifier=verifier, chain=chain, key=NODE_KEY).refused()
    assert refused.message == f"nodeattestor(x509pop): {which} key size too large"
    assert (refused.status, refused.hint) == ("INVALID_ARGUMENT", "3072 bits, more than 3071")


def test_a_key_of_the_largest_size_passes() -> None:
    verifier = X509PopVerifier([ROOT.der], max_rsa_key_size=3072)
    Exchange(verifier=verifier, chain=(node(key=made.key("large", "rsa-3072")),)).run()


OTHER = made.root("other root", uris=())
USAGELESS = made.intermediate(ROOT, "usageless", uris=(), usage=None)


@pytest.mark.parametrize(
    "chain",
    [
        (node(OTHER),),
        (node(MIDDLE),),  # without the intermediate
        (node(MIDDLE), OTHER),
        (
            node(made.intermediate(ROOT, "no ca", usage=("crl_sign",))),
            made.intermediate(ROOT, "no ca", usage=("crl_sign",)),
        ),
        (node(NODE), NODE),  # a node's certificate is no CA
        (attrs.evolve(NODE, der=NODE.der[:-1] + bytes([NODE.der[-1] ^ 1])),),
        (node(not_after=AT - timedelta(seconds=1)),),
        (node(not_before=AT + timedelta(seconds=1)),),
    ],
)
def test_a_chain_that_does_not_lead_to_a_root_is_refused(chain: tuple[Issued, ...]) -> None:
    refused = Exchange(chain=chain, key=NODE_KEY).refused()
    assert refused.message.startswith("nodeattestor(x509pop): certificate verification failed: ")
    assert refused.status == "PERMISSION_DENIED"


def test_an_issuer_without_a_key_usage_passes_as_in_go() -> None:
    Exchange(chain=(node(USAGELESS), USAGELESS)).run()


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=1), timedelta(microseconds=1)])
def test_a_certificate_is_good_up_to_its_last_instant(ahead: timedelta) -> None:
    leaf = node(not_before=AT, not_after=AT + timedelta(hours=1))
    Exchange(chain=(leaf,), now=NOW).run()
    Exchange(chain=(leaf,), now=microseconds(AT + timedelta(hours=1))).run()
    early = Exchange(chain=(leaf,), now=microseconds(AT - timedelta(microseconds=1))).refused()
    assert early.message.startswith("nodeattestor(x509pop): certificate verification failed: ")
    if ahead:
        late = Exchange(chain=(leaf,), now=microseconds(AT + timedelta(hours=1) + ahead)).refused()
        assert late.message.startswith("nodeattestor(x509pop): certificate verification failed: ")


def test_a_fraction_of_a_second_too_late_is_too_late() -> None:
    leaf = node(not_after=AT)
    refused = Exchange(chain=(leaf,), now=NOW + 1).refused()
    assert refused.message == (
        "nodeattestor(x509pop): certificate verification failed: x509: certificate has expired or is not yet valid: "
        "it ended at 2030-01-01T12:00:00Z"
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"usage": ("key_encipherment",)}, "certificate not intended for digital signature use"),
        ({"usage": None}, "certificate not intended for digital signature use"),
        ({"key": made.key("node", "ed25519")}, "unsupported public key type Ed25519PublicKey"),
    ],
)
def test_a_certificate_that_cannot_answer_is_an_internal_error(changes: dict[str, Any], text: str) -> None:
    refused = Exchange(chain=(node(**changes),)).refused()
    assert refused.message == f"nodeattestor(x509pop): unable to generate challenge: {text}"
    assert refused.status == "INTERNAL"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"", "it "),
        (b"{", "it "),
        (b'{"ecdsa_signature":5}', "ecdsa_signature is not an object"),
        (b'{"ecdsa_signature":{"nonce":"%"}}', "a value is not base64"),
        (b'{"ecdsa_signature":{"nonce":5}}', "a value is not base64"),
    ],
)
def test_a_broken_response_is_an_invalid_argument(answer: bytes, text: str) -> None:
    refused = Exchange(answer=lambda _: answer).refused()
    assert refused.message.startswith(f"nodeattestor(x509pop): unable to unmarshal challenge response: {text}")
    assert refused.status == "INVALID_ARGUMENT"


def with_parts(**parts: bytes) -> Any:
    """An answer some of whose parts are others."""

    def change(answer: bytes) -> bytes:
        message = json.loads(answer)
        kind = next(name for name, part in message.items() if part)
        message[kind].update({name: b64(value) for name, value in parts.items()})
        return json.dumps(message).encode()

    return change


@pytest.mark.parametrize(
    ("kind", "answer", "text"),
    [
        ("p256", lambda _: b"{}", "expecting ECDSA response"),
        ("p256", lambda _: b'{"ecdsa_signature":null,"rsa_signature":{}}', "expecting ECDSA response"),
        ("rsa-2048", lambda _: b"{}", "expecting RSA response"),
        ("p256", with_parts(nonce=b"short"), "invalid response nonce"),
        ("p256", lambda _: b'{"ecdsa_signature":{}}', "invalid response nonce"),
        ("p256", with_parts(nonce=b"\x03" * 32), "ECDSA signature verify failed"),
        ("p256", with_parts(r=b""), "ECDSA signature verify failed"),
        ("p256", with_parts(s=b"\xff" * 100), "ECDSA signature verify failed"),
        ("rsa-2048", with_parts(nonce=b"\x03" * 32), "RSA signature verify failed"),
        ("rsa-2048", with_parts(signature=b""), "RSA signature verify failed"),
        ("rsa-2048", with_parts(signature=b"\xff" * 256), "RSA signature verify failed"),
    ],
)
def test_an_answer_that_proves_nothing_is_refused(kind: str, answer: Any, text: str) -> None:
    chain = (node(key=made.key("node", kind)),)
    refused = Exchange(chain=chain, answer=answer).refused()
    assert refused.message == f"nodeattestor(x509pop): challenge response verification failed: {text}"
    assert refused.status == "PERMISSION_DENIED"


@pytest.mark.parametrize("kind", ["p256", "rsa-2048"])
def test_another_key_of_the_same_kind_proves_nothing(kind: str) -> None:
    refused = Exchange(chain=(node(key=made.key("node", kind)),), key=made.key("thief", kind)).refused()
    assert "signature verify failed" in refused.message


def test_a_server_with_a_bad_nonce_of_its_own_is_told() -> None:
    exchange = Exchange()
    question = messages.challenge(NODE_KEY.public_key(), OURS)
    answer = exchange.attestor().respond(question, THEIRS)
    with pytest.raises(AttestationFailed, match="challenge response verification failed: invalid challenge nonce"):
        exchange.verifier.attest(exchange.attestor().payload, lambda _: answer, b"short", exchange.server, NOW)


@pytest.mark.parametrize(
    ("key", "challenge", "text"),
    [
        (NODE_KEY, b"{", "unable to unmarshal challenge: it "),
        (NODE_KEY, b'{"ecdsa_signature":[]}', "unable to unmarshal challenge: ecdsa_signature is not an object"),
        (NODE_KEY, b"{}", "failed to calculate challenge response: expecting ECDSA challenge"),
        (made.key("node", "rsa-2048"), b"{}", "failed to calculate challenge response: expecting RSA challenge"),
        (NODE_KEY, b'{"ecdsa_signature":{}}', "failed to calculate challenge response: invalid challenge nonce"),
        (
            made.key("node", "ed25519"),
            b"{}",
            "failed to calculate challenge response: unsupported private key type Ed25519PrivateKey",
        ),
    ],
)
def test_an_agent_refuses_a_challenge_that_is_not_for_its_key(key: Any, challenge: bytes, text: str) -> None:
    with pytest.raises(AttestationFailed) as caught:
        X509PopAttestor([NODE.der], key).respond(challenge, THEIRS)
    assert caught.value.message.startswith(f"nodeattestor(x509pop): {text}")
    assert caught.value.status == "INTERNAL"


def test_a_private_key_that_is_none_is_refused() -> None:
    server = StandInServer(node_attestors={"x509pop": X509PopVerifier([ROOT.der])})
    with pytest.raises(InvalidSvid, match="the private key cannot be loaded"):
        X509PopAttestor([NODE.der], b"nothing").attest(server, NOW)


# Mode spiffe

SPIRE_ROOT = made.root("spire root")
SVID = made.leaf(SPIRE_ROOT, "spiffe://example.org/spire-exchange/node/1")


def spiffe_exchange(leaf: Issued = SVID, **options: Any) -> Exchange:
    bundle = SpiffeBundle("example.org", x509_der=(SPIRE_ROOT.der,))
    return Exchange(
        verifier=X509PopVerifier(mode="spiffe", **options), chain=(leaf,), server=StandInServer(bundle=bundle)
    )


def test_in_mode_spiffe_a_node_shows_an_svid_and_is_called_by_its_path() -> None:
    attestation = spiffe_exchange().run()
    assert attestation.path == "/x509pop/node/1"
    assert f"x509pop:ca:fingerprint:{sha1(SPIRE_ROOT.der)}" in selectors(attestation)
    assert repr(spiffe_exchange().verifier) == "<X509PopVerifier, mode spiffe>"


@pytest.mark.parametrize("prefix", ["/spire-exchange/node", "/spire-exchange/node/"])
def test_the_prefix_of_the_svid_ends_with_a_slash_either_way(prefix: str) -> None:
    assert spiffe_exchange(svid_prefix=prefix).run().path == "/x509pop/1"


@pytest.mark.parametrize(
    ("leaf", "text", "status"),
    [
        (made.leaf(SPIRE_ROOT, "spiffe://example.org/web"), "x509 cert doesnt match SVID prefix", "PERMISSION_DENIED"),
        (made.leaf(SPIRE_ROOT, "spiffe://example.org"), "x509 cert doesnt match SVID prefix", "PERMISSION_DENIED"),
        (made.leaf(SPIRE_ROOT, "https://example.org/x"), "valid SVID x509 cert not found", "PERMISSION_DENIED"),
        (node(SPIRE_ROOT), "valid SVID x509 cert not found", "PERMISSION_DENIED"),
        (
            made.leaf(SPIRE_ROOT, "spiffe://example.org/spire-exchange/a%20b"),
            "failed to make spiffe id: ",
            "INTERNAL",
        ),
        (NODE, "certificate verification failed: ", "PERMISSION_DENIED"),
    ],
)
def test_in_mode_spiffe_everything_else_is_refused(leaf: Issued, text: str, status: str) -> None:
    refused = spiffe_exchange(leaf).refused()
    assert refused.message.startswith(f"nodeattestor(x509pop): {text}")
    assert refused.status == status


def test_an_empty_bundle_trusts_nobody() -> None:
    exchange = spiffe_exchange()
    exchange.server = StandInServer()
    assert exchange.refused().message == (
        "nodeattestor(x509pop): certificate verification failed: x509: certificate signed by unknown authority"
    )


# Configuration


@pytest.mark.parametrize(
    ("options", "text", "code"),
    [
        ({}, "one of ca_bundle_path or ca_bundle_paths must be configured", "roots"),
        ({"mode": "tofu"}, "mode can only be either spiffe or external_pki, not 'tofu'", "mode"),
        (
            {"mode": "spiffe", "roots": [ROOT.der]},
            "you can not use ca_bundle_path or ca_bundle_paths in spiffe mode",
            "roots",
        ),
        (
            {"roots": [ROOT.der], "max_intermediates": 0},
            "max_intermediates must be greater than 0",
            "max_intermediates",
        ),
        ({"roots": [ROOT.der], "max_rsa_key_size": -1}, "max_rsa_key_size must be greater than 0", "max_rsa_key_size"),
        ({"roots": [b"-----BEGIN"]}, "unable to load trust bundle: 10 bytes are not an X.509 certificate", "roots"),
    ],
)
def test_a_wrong_configuration_is_refused_in_spires_words(options: dict[str, Any], text: str, code: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        X509PopVerifier(**options)
    assert str(caught.value).startswith(f"x509pop: {text}")
    assert caught.value.code == code


# As an agent does it, and no signature more than it takes


class Counting(X509PopAttestor):
    """It counts its signatures."""

    signatures = 0

    def respond(self, challenge: bytes, nonce: bytes) -> bytes:
        self.signatures += 1
        return super().respond(challenge, nonce)


def server_with(verifier: X509PopVerifier | None = None) -> StandInServer:
    return StandInServer(node_attestors={"x509pop": verifier or X509PopVerifier([ROOT.der])})


def test_a_second_attestation_with_the_same_certificate_makes_no_signature() -> None:
    server, attestor = server_with(), Counting([NODE.der], NODE_KEY)
    first = attestor.attest(server, NOW)
    assert attestor.signatures == 1
    assert attestor.attest(server, NOW + 3_600_000_000) == first
    again = Counting([NODE.der], made.pkcs8(NODE_KEY))  # the same node, after a restart
    assert again.attest(server, NOW) == first
    assert (attestor.signatures, again.signatures) == (1, 0)


def test_somebody_with_the_certificate_but_not_the_key_is_not_helped_by_the_memory() -> None:
    server = server_with()
    Counting([NODE.der], NODE_KEY).attest(server, NOW)
    thief = Counting([NODE.der], made.key("thief"))
    for _ in range(2):
        with pytest.raises(AttestationFailed, match="ECDSA signature verify failed"):
            thief.attest(server, NOW)
    assert thief.signatures == 2


def test_the_memory_ends_with_the_certificates() -> None:
    leaf = node(not_after=AT + timedelta(hours=1))
    server, attestor = server_with(), Counting([leaf.der], NODE_KEY)
    attestor.attest(server, NOW)
    attestor.attest(server, microseconds(AT + timedelta(hours=1)))
    assert attestor.signatures == 1
    with pytest.raises(AttestationFailed, match="certificate verification failed"):
        attestor.attest(server, microseconds(AT + timedelta(hours=1, microseconds=1)))
    with pytest.raises(AttestationFailed, match="certificate verification failed"):
        attestor.attest(server, microseconds(datetime(2000, 1, 1, tzinfo=AT.tzinfo)))
    attestor.attest(server, NOW)
    assert attestor.signatures == 1


def test_where_one_path_ends_another_one_is_looked_for() -> None:
    short = made.intermediate(ROOT, "pki middle", uris=(), not_after=AT + timedelta(minutes=1), serial=2)
    leaf = node(MIDDLE)
    server, attestor = server_with(), Counting(made.ders(leaf, short, MIDDLE), NODE_KEY)
    assert len(attestor.attest(server, NOW).selectors) == 4
    later = attestor.attest(server, microseconds(AT + timedelta(hours=1)))
    assert f"x509pop:ca:fingerprint:{sha1(MIDDLE.der)}" in selectors(later)


def test_new_roots_are_a_new_question() -> None:
    verifier = X509PopVerifier(mode="spiffe")
    server, attestor = server_with(verifier), Counting([SVID.der], SVID.key)
    server.bundle = SpiffeBundle("example.org", x509_der=(SPIRE_ROOT.der,))
    attestor.attest(server, NOW)
    server.bundle = SpiffeBundle("example.org", x509_der=(OTHER.der,))
    with pytest.raises(AttestationFailed):
        attestor.attest(server, NOW)
    server.bundle = SpiffeBundle("example.org", x509_der=(SPIRE_ROOT.der, OTHER.der))
    attestor.attest(server, NOW)
    assert attestor.signatures == 2


def test_nonces_come_from_the_stream_of_the_certificate() -> None:
    heard: list[bytes] = []

    class Listening(X509PopAttestor):
        def respond(self, challenge: bytes, nonce: bytes) -> bytes:
            heard.append(base64.b64decode(json.loads(challenge)["ecdsa_signature"]["nonce"]) + nonce)
            return super().respond(challenge, nonce)

    server = server_with()
    Listening([NODE.der], NODE_KEY).attest(server, NOW)
    stream = f"root x509pop {sha1(NODE.der)}"
    assert heard == [server.randomness.bytes(stream, 0, 64)]
    server.node_attestors["x509pop"] = X509PopVerifier([ROOT.der])
    Listening([NODE.der], NODE_KEY).attest(server, NOW)
    assert heard[1] == server.randomness.bytes(stream, 1, 64)


def test_an_attestor_says_who_it_is() -> None:
    attestor = X509PopAttestor([NODE.der], NODE_KEY)
    assert (attestor.name, attestor.can_reattest) == ("x509pop", True)
    assert repr(attestor) == f"<X509PopAttestor {sha1(NODE.der)}>"
    assert repr(X509PopAttestor([], NODE_KEY)) == "<X509PopAttestor no certificate>"
    with pytest.raises(AttestationFailed, match="no certificate to attest"):
        X509PopAttestor([], NODE_KEY).attest(server_with(), NOW)


def test_both_halves_pickle() -> None:
    server, attestor = server_with(), Counting([NODE.der], NODE_KEY)
    first = attestor.attest(server, NOW)
    other_server, other = pickle.loads(pickle.dumps((server, attestor)))
    assert other.attest(other_server, NOW) == first
    assert other.signatures == 1


# Anything may come


@pytest.mark.parametrize("position", range(0, len(NODE.der), 3))
def test_a_node_with_any_byte_flipped_is_refused_and_nothing_else_happens(position: int) -> None:
    for bit in (0x01, 0x80):
        der = bytearray(NODE.der)
        der[position] ^= bit
        refused = Exchange(chain=(attrs.evolve(NODE, der=bytes(der)),), key=NODE_KEY).refused()
        assert refused.message.startswith("nodeattestor(x509pop): ")
