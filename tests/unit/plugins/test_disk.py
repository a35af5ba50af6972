"""The disk upstream authority: a CA in files."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from spiffesim.authority import IssuedSvid
from spiffesim.chain import ders
from spiffesim.errors import NotSupported, Refused
from spiffesim.instants import microseconds
from spiffesim.plugins.upstream_authority import MintedCa, UpstreamAuthority
from spiffesim.plugins.upstream_authority.disk import DiskUpstreamAuthority
from spiffesim.profiles import WORKLOAD_SVID
from spiffesim.server.ca import ServerCa
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.validation import validate_x509_svid
from spiffesim.spiffe.x509.pem import write_pem
from tests.oracles import certificates as made
from tests.oracles import profiles
from tests.oracles.certificates import AT, Issued
from tests.unit.keyrings import ca_request, jwt_authority, make_keyring

NOW = microseconds(AT)
ROOT = made.root("disk root", uris=())
INTERMEDIATE = made.intermediate(ROOT, "disk intermediate")
ISSUING = made.intermediate(INTERMEDIATE, "disk issuing")


def pem(*issued: Issued) -> bytes:
    return b"".join(write_pem("CERTIFICATE", each.der) for each in issued)


def key_pem(key: Any) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def disk(*chain: Issued, key: Any = None, bundle: tuple[Issued, ...] | None = None) -> DiskUpstreamAuthority:
    return DiskUpstreamAuthority(
        certificate=pem(*chain),
        private_key=key_pem(key or chain[0].key),
        bundle=None if bundle is None else pem(*bundle),
    )


def mint(authority: DiskUpstreamAuthority, **changes: Any) -> MintedCa:
    return authority.mint_x509_ca(ca_request(now=NOW, **changes))


# What it signs


def test_without_a_bundle_the_certificate_is_the_root() -> None:
    authority = disk(ROOT)
    assert isinstance(authority, UpstreamAuthority)
    minted = mint(authority, subject=lambda: bytes.fromhex("300d310b3009060355040613025553"))
    assert ders(minted.roots) == (ROOT.der,)
    assert len(minted.chain) == 1
    certificate = profiles.read(next(iter(minted.chain)).der)
    profiles.assert_has_the_common_base(
        certificate,
        ROOT.certificate,
        extensions=profiles.CA_EXTENSIONS,
        uri="spiffe://example.org",
        now=AT,
        ttl=timedelta(hours=24),
    )
    assert profiles.names_in(certificate.subject) == profiles.single((profiles.COUNTRY, "US"))  # as the CSR has it
    assert (authority.name, repr(authority)) == ("disk", "<DiskUpstreamAuthority>")


def test_with_a_bundle_all_certificates_of_the_file_are_presented() -> None:
    minted = mint(disk(ISSUING, INTERMEDIATE, bundle=(ROOT, made.root("another"))))
    assert ders(minted.chain)[1:] == (ISSUING.der, INTERMEDIATE.der)
    assert ders(minted.roots) == (ROOT.der, made.root("another").der)
    profiles.read(ders(minted.chain)[0]).verify_directly_issued_by(ISSUING.certificate)


def test_with_a_bundle_a_root_may_sign_too_and_is_presented() -> None:
    # SPIRE presents all of the file; nobody needs it.
    minted = mint(disk(ROOT, bundle=(ROOT,)))
    assert ders(minted.chain)[1:] == (ROOT.der,)


@pytest.mark.parametrize("kind", ["p256", "p384", "p521", "rsa-2048"])
def test_a_ca_of_every_kind_of_key_signs(kind: str) -> None:
    root = made.root("disk root", key=made.key("disk root", kind), uris=())
    minted = mint(disk(root))
    profiles.read(ders(minted.chain)[0]).verify_directly_issued_by(root.certificate)


@pytest.mark.parametrize(
    ("asked", "lives"),
    [
        (timedelta(hours=5), timedelta(hours=5)),
        (timedelta(days=300), timedelta(days=1)),  # the CA's own end
        (timedelta(0), timedelta(hours=1)),
        (timedelta(seconds=-1), timedelta(hours=1)),
    ],
)
def test_a_ca_lives_as_long_as_it_likes_and_no_longer_than_its_signer(asked: timedelta, lives: timedelta) -> None:
    certificate = profiles.read(ders(mint(disk(ROOT), preferred_ttl=asked).chain)[0])
    assert certificate.not_valid_after_utc == AT + lives
    assert certificate.not_valid_before_utc == AT - timedelta(seconds=10)


def test_a_signer_without_a_key_identifier_gives_none_to_refer_to() -> None:
    root = made.root("disk root", key_id=None)
    certificate = profiles.read(ders(mint(disk(root)).chain)[0])
    assert profiles.AUTHORITY_KEY not in [extension.oid for extension in certificate.extensions]
    certificate.verify_directly_issued_by(root.certificate)


def test_the_same_request_gives_the_same_bytes() -> None:
    assert ders(mint(disk(ROOT)).chain) == ders(mint(disk(ROOT)).chain)


def test_it_publishes_nothing() -> None:
    with pytest.raises(NotSupported, match="publishing upstream is unsupported") as caught:
        disk(ROOT).publish_jwt_key(jwt_authority())
    assert caught.value.plugin == "disk"


@pytest.mark.parametrize("bundle", [None, (ROOT,)])
def test_a_server_below_it_presents_its_own_ca_and_what_comes_from_the_disk(
    bundle: tuple[Issued, ...] | None,
) -> None:
    authority = disk(ROOT) if bundle is None else disk(ISSUING, INTERMEDIATE, bundle=bundle)
    keyring = make_keyring(upstream=authority)
    keyring.start(NOW)
    ca = ServerCa(keyring)
    own = ca.authority.certificate.der
    issuer = ROOT if bundle is None else ISSUING
    profiles.assert_is_upstream_signed_ca(own, issuer.der, now=AT)
    draw = ca_request().draw
    svid: IssuedSvid = ca.sign_svid(
        WORKLOAD_SVID, draw, spiffe_id="spiffe://example.org/web", now=NOW, ttl=3_600_000_000
    )
    chain = svid.draw().chain
    assert chain[1:] == ((own,) if bundle is None else (own, ISSUING.der, INTERMEDIATE.der))
    profiles.assert_is_workload_svid(chain[0], own, spiffe_id="spiffe://example.org/web", now=AT)
    roots = SpiffeBundle("example.org", x509_der=(ROOT.der,))
    assert keyring.view.bundle.x509_der == roots.x509_der
    assert str(validate_x509_svid(chain, roots, at=AT)) == "spiffe://example.org/web"
    # A nested CA counts the certificates that its signer presents.
    below = ca.sign_downstream_ca(draw, draw.key(), now=NOW, ttl=timedelta(hours=1))
    number = 1 if bundle is None else 3
    profiles.assert_is_downstream_ca(ders(below.chain)[0], own, number=number, now=AT, ttl=timedelta(hours=1))


# What cannot be loaded


def refused(authority: DiskUpstreamAuthority, now: int = NOW) -> Refused:
    with pytest.raises(Refused) as caught:
        authority.mint_x509_ca(ca_request(now=now))
    assert caught.value.status == "INVALID_ARGUMENT"
    return caught.value


def parts(**changes: Any) -> DiskUpstreamAuthority:
    fields: dict[str, Any] = {"certificate": pem(ROOT), "private_key": key_pem(ROOT.key), "bundle": None}
    return DiskUpstreamAuthority(**{**fields, **changes})


BROKEN_PEM = "the text holds no PEM block"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"private_key": b"nothing"}, "unable to load upstream CA key: "),
        ({"private_key": "nothing"}, "unable to load upstream CA key: "),
        ({"private_key": pem(ROOT)}, "unable to load upstream CA key: "),
        (
            {
                "private_key": ROOT.key.private_bytes(
                    Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
                )
            },
            "unable to load upstream CA key: ",
        ),
        (
            {"private_key": key_pem(made.key("x", "ed25519"))},
            "unable to load upstream CA key: a key of type Ed25519PrivateKey cannot sign here",
        ),
        ({"certificate": b"nothing"}, f"unable to load upstream CA cert: {BROKEN_PEM}"),
        (
            {"certificate": key_pem(ROOT.key)},
            "unable to load upstream CA cert: there is a PEM block named 'PRIVATE KEY'",
        ),
        (
            {"certificate": write_pem("CERTIFICATE", ROOT.der[:-1])},
            "unable to load upstream CA cert: ",
        ),
        ({"bundle": "nothing"}, f"unable to load upstream CA bundle: {BROKEN_PEM}"),
        (
            {"certificate": pem(ROOT, INTERMEDIATE)},
            "with no bundle_file_path configured only self-signed CAs are supported",
        ),
        (
            {"private_key": key_pem(INTERMEDIATE.key)},
            "unable to load upstream CA: certificate and private key do not match",
        ),
    ],
)
def test_what_cannot_be_loaded_is_refused_in_spires_words(changes: dict[str, Any], text: str) -> None:
    assert refused(parts(**changes)).message.startswith(text)
    mint(parts())


def test_the_name_of_a_file_is_no_pem(files: Callable[..., Path]) -> None:
    names = {"certificate": pem(ROOT), "private_key": key_pem(ROOT.key), "bundle": pem(ROOT)}
    for field, content in names.items():
        path = files(f"{field}.pem", content)
        assert (
            refused(parts(**{field: str(path)})).hint
            == f"a text is PEM itself; for a file give Path({str(path)!r:.80})"
        )
        mint(parts(**{field: path}))
    assert refused(parts(certificate="-----BEGIN CERTIFICATE-----")).hint is None


UNVALIDATED = (
    "unable to load upstream CA: certificate cannot be validated with the provided bundle or is not self-signed"
)


@pytest.mark.parametrize(
    "authority",
    [
        disk(ISSUING, bundle=(ROOT,)),  # without the intermediate
        disk(ISSUING, INTERMEDIATE, bundle=(made.root("another"),)),
        disk(made.intermediate(made.root("disk root", key=made.key("forged"))), bundle=(ROOT,)),
        disk(made.root("disk root", not_after=AT - timedelta(seconds=1))),
        disk(made.root("disk root", not_before=AT + timedelta(seconds=1))),
        disk(made.intermediate(ROOT, not_after=AT - timedelta(seconds=1)), bundle=(ROOT,)),
        disk(INTERMEDIATE, bundle=(made.root("disk root", uris=(), not_after=AT - timedelta(seconds=1)),)),
    ],
)
def test_a_ca_that_does_not_lead_to_its_bundle_is_refused(authority: DiskUpstreamAuthority) -> None:
    found = refused(authority)
    assert found.message == UNVALIDATED
    assert "; now it is 2030-01-01T12:00:00Z" in str(found)


def test_a_bundle_of_a_thousand_decoys_ends_in_an_error_and_not_in_a_wait() -> None:
    decoys = tuple(made.root("disk root", key=made.key(f"decoy {number}"), key_id=None) for number in range(1010))
    signer = made.intermediate(ROOT, authority_key_id=None)
    assert refused(disk(signer, bundle=(*decoys, ROOT))).message == UNVALIDATED
    mint(disk(signer, bundle=(*decoys[:10], ROOT)))


@pytest.mark.parametrize(
    ("signer", "problem"),
    [
        (made.root("no ca", constraints=(False, None)), "X509 CA produced an invalid X509-SVID chain: "),
        (made.root("no signer", usage=("crl_sign",)), "X509 CA produced an invalid X509-SVID chain: "),
        # Here SPIRE, for which Go looks, is content.
        (made.root("no usage", usage=None), " has no key usage"),
    ],
)
def test_a_certificate_that_is_no_ca_loads_but_what_it_mints_is_refused(signer: Issued, problem: str) -> None:
    mint(disk(signer))
    keyring = make_keyring(upstream=disk(signer))
    with pytest.raises(Refused, match="X509 CA minted by upstream authority is invalid: ") as caught:
        keyring.start(NOW)
    assert problem in caught.value.message
    assert caught.value.status == "INVALID_ARGUMENT"


# Files


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def test_files_are_read_again_at_every_mint(files: Callable[..., Path]) -> None:
    certificate, key = files("ca.crt", pem(ROOT)), files("ca.key", key_pem(ROOT.key))
    authority = DiskUpstreamAuthority(certificate=certificate, private_key=key)
    assert ders(mint(authority).roots) == (ROOT.der,)
    newer = made.root("newer")
    files("ca.crt", pem(newer))
    files("ca.key", key_pem(newer.key))
    minted = mint(authority)
    assert ders(minted.roots) == (newer.der,)
    profiles.read(ders(minted.chain)[0]).verify_directly_issued_by(newer.certificate)


@pytest.mark.parametrize("broken", ["ca.crt", "ca.key", "bundle.crt"])
def test_files_that_have_become_bad_change_nothing(files: Callable[..., Path], broken: str, tmp_path: Path) -> None:
    authority = DiskUpstreamAuthority(
        certificate=files("ca.crt", pem(INTERMEDIATE)),
        private_key=files("ca.key", key_pem(INTERMEDIATE.key)),
        bundle=files("bundle.crt", pem(ROOT)),
    )
    good = mint(authority)
    for spoil in (lambda: files(broken, b"nothing"), (tmp_path / broken).unlink):
        spoil()
        again = mint(authority)
        assert ders(again.chain) == ders(good.chain)
        assert ders(again.roots) == (ROOT.der,)


@pytest.mark.parametrize(("name", "what"), [("ca.crt", "cert"), ("ca.key", "key"), ("bundle.crt", "bundle")])
def test_a_file_that_is_not_there_is_refused_until_it_is(files: Callable[..., Path], name: str, what: str) -> None:
    contents = {"ca.crt": pem(INTERMEDIATE), "ca.key": key_pem(INTERMEDIATE.key), "bundle.crt": pem(ROOT)}
    paths = {each: files(each, content) for each, content in contents.items()}
    paths[name].unlink()
    authority = DiskUpstreamAuthority(
        certificate=paths["ca.crt"], private_key=paths["ca.key"], bundle=paths["bundle.crt"]
    )
    found = refused(authority)
    assert found.message.startswith(f"unable to load upstream CA {what}: ")
    assert name in found.message
    files(name, contents[name])
    mint(authority)


def test_a_ca_that_has_expired_since_signs_what_is_refused_then() -> None:
    authority = disk(made.root("disk root", not_after=AT + timedelta(hours=6)))
    keyring = make_keyring(upstream=authority)
    keyring.start(NOW)
    later = microseconds(AT + timedelta(hours=7))
    keyring.rotate(later)
    noted = keyring.journal.where(kind="Unable to rotate X509 CA")
    assert [event.data["error"].partition(" (")[0] for event in noted] == [
        "X509 CA minted by upstream authority is invalid: invalid upstream-signed X509 CA: invalid X509 CA: "
        "already expired as of 2030-01-01T18:00:00Z"
    ]


def test_it_pickles_with_the_ca_that_was_read_last(files: Callable[..., Path]) -> None:
    authority = DiskUpstreamAuthority(
        certificate=files("ca.crt", pem(ROOT)), private_key=files("ca.key", key_pem(ROOT.key))
    )
    minted = mint(authority)
    files("ca.key", b"nothing")
    other = pickle.loads(pickle.dumps(authority))
    assert ders(mint(other).chain) == ders(minted.chain)
