"""SVIDs that the server signs: for agents, for nested servers, and for operators without an entry."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from spiffesim import RegistrationEntry, Simulation
from spiffesim.authorization import OPERATOR, Caller
from spiffesim.errors import InvalidEntry, InvalidInput, NotFound, Refused
from spiffesim.keys import Key
from spiffesim.randomness import Randomness
from spiffesim.server import Server
from spiffesim.spiffe.x509svid import X509Svid

WEB = "spiffe://example.org/web"
NOW = 1893456000  # 2030-01-01T00:00:00Z


@pytest.fixture
def sim() -> Simulation:
    return Simulation("example.org", seed=1)


@pytest.fixture
def server(sim: Simulation) -> Server:
    return sim.root


def part(token: str, place: int) -> dict[str, Any]:
    text = token.split(".")[place]
    read: dict[str, Any] = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return read


def uris(certificate: x509.Certificate) -> list[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def refused(status: str, message: str, call: Any) -> None:
    with pytest.raises(Refused) as refusal:
        call()
    assert (refusal.value.status, refusal.value.message) == (status, message)


# For agents


def entry_of(server: Server, **fields: Any) -> tuple[Caller, RegistrationEntry]:
    """An agent, and an entry that it knows."""
    agent = server.agent()
    entry = server.create_entry(
        **{"spiffe_id": WEB, "parent_id": agent.spiffe_id, "selectors": ["unix:uid:1"], **fields}
    )
    server.reload_entries()
    return agent.caller, entry


def test_an_agent_gets_what_the_entry_says(server: Server) -> None:
    caller, entry = entry_of(server, x509_svid_ttl=120, dns_names=["b.example.org", "a.example.org"])
    leaf = server.new_x509_svid(caller, entry.id, key_type="ec-p384").draw().leaf
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert uris(leaf) == [WEB]
    assert names.get_values_for_type(x509.DNSName) == ["b.example.org", "a.example.org"]
    assert leaf.subject.rfc4514_string() == "CN=b.example.org,O=SPIRE,C=US"
    assert (leaf.not_valid_before_utc.timestamp(), leaf.not_valid_after_utc.timestamp()) == (NOW - 10, NOW + 120)
    public_key = leaf.public_key()
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    assert public_key.curve.name == "secp384r1"


def test_without_a_lifetime_of_its_own_an_svid_gets_the_servers(server: Server) -> None:
    caller, entry = entry_of(server)
    leaf = server.new_x509_svid(caller, entry.id).draw().leaf
    assert leaf.not_valid_after_utc.timestamp() == NOW + 3600
    token = server.new_jwt_svid(caller, entry.id, ["db"])
    assert part(token, 1) == {"aud": ["db"], "exp": NOW + 300, "iat": NOW, "sub": WEB}


def test_each_new_svid_has_a_key_and_a_serial_number_of_its_own(server: Server) -> None:
    caller, entry = entry_of(server)
    first, second = (server.new_x509_svid(caller, entry.id).draw() for _ in range(2))
    assert first.serial_number != second.serial_number
    assert first.private_key_der != second.private_key_der


def test_a_jwt_svid_is_signed_by_the_key_in_the_bundle(server: Server) -> None:
    caller, entry = entry_of(server, jwt_svid_ttl=60)
    token = server.new_jwt_svid(caller, entry.id, ["db", "", "cache"])
    header = part(token, 0)
    assert {**header, "kid": ""} == {"alg": "ES256", "kid": "", "typ": "JWT"}
    key = load_der_public_key(server.bundle.jwt_spki[header["kid"]])
    read = jwt.decode(token, key, ["ES256"], options={"verify_exp": False, "verify_iat": False, "verify_aud": False})  # type: ignore[arg-type]  # an EC key
    assert read == {"aud": ["db", "cache"], "exp": NOW + 60, "iat": NOW, "sub": WEB}  # empty names are dropped


def test_a_token_gets_an_id_of_its_own_where_the_entry_asks_for_it(server: Server) -> None:
    caller, entry = entry_of(server, jwt_svid_include_jti=True)
    first, second = (part(server.new_jwt_svid(caller, entry.id, ["db"]), 1)["jti"] for _ in range(2))
    assert (len(first), len(second)) == (22, 22)
    assert first != second


def test_an_entry_of_somebody_else_is_not_found(server: Server) -> None:
    caller, entry = entry_of(server)
    other = server.agent("other").caller
    for call in (
        lambda: server.new_x509_svid(other, entry.id),
        lambda: server.new_jwt_svid(other, entry.id, ["db"]),
        lambda: server.new_x509_svid(caller, "nothing"),
    ):
        with pytest.raises(NotFound) as refusal:
            call()
        assert (refusal.value.status, refusal.value.message) == ("NOT_FOUND", "entry not found or not authorized")
    server.new_x509_svid(caller, entry.id)


def test_an_entry_counts_when_the_server_has_looked(server: Server) -> None:
    caller, entry = entry_of(server)
    server.delete_entry(entry.id)
    server.new_x509_svid(caller, entry.id)  # not yet
    server.reload_entries()
    refused("NOT_FOUND", "entry not found or not authorized", lambda: server.new_x509_svid(caller, entry.id))


def test_disabled_jwt_svids_are_told_before_anything_else(server: Server) -> None:
    caller, entry = entry_of(server)
    assert server.new_jwt_svid(caller, entry.id, ["db"])
    server.disable_jwt_svids()
    disabled = "UNIMPLEMENTED", "JWT functionality is disabled"
    refused(*disabled, lambda: server.new_jwt_svid(caller, "nothing", []))
    refused(*disabled, lambda: server.mint_jwt_svid("nonsense", []))
    server.new_x509_svid(caller, entry.id)


def test_an_audience_is_one_name_at_least(server: Server) -> None:
    caller, entry = entry_of(server)
    for call in (
        lambda audience: server.new_jwt_svid(caller, entry.id, audience),
        lambda audience: server.mint_jwt_svid(WEB, audience),
    ):
        refused("INVALID_ARGUMENT", "at least one audience is required", lambda call=call: call([]))
        empty = "failed to sign JWT-SVID: invalid JWT-SVID audience: cannot be empty"
        refused("INTERNAL", empty, lambda call=call: call(["", ""]))


@pytest.mark.parametrize("name", ["half \ud800", 5, None, b"db"])
def test_an_audience_is_made_of_texts(server: Server, name: Any) -> None:
    caller, entry = entry_of(server)
    for call in (
        lambda audience: server.new_jwt_svid(caller, entry.id, audience),
        lambda audience: server.mint_jwt_svid(WEB, audience),
    ):
        with pytest.raises(InvalidInput, match="an audience is a text that UTF-8 can write, not ") as caught:
            call(["db", name])
        assert (caught.value.code, caught.value.name) == ("audience", name)
        assert call(["db", "caf\u00e9"])


def test_an_expired_ca_signs_nothing(sim: Simulation, server: Server) -> None:
    caller, entry = entry_of(server)
    sim.world.clock.move(sim.world.clock.after(timedelta(hours=24, seconds=1)))  # and nobody rotated anything
    ended = "2030-01-02T00:00:00Z"
    alive = Caller(caller.spiffe_id, serial=caller.serial_number, not_after=sim.world.now)
    refused(
        "INTERNAL",
        f"failed to sign X509-SVID: invalid workload X509-SVID: invalid X509-SVID: already expired as of {ended}",
        lambda: server.new_x509_svid(alive, entry.id),
    )
    refused(
        "INTERNAL",
        f'failed to sign JWT-SVID: invalid JWT-SVID "exp" claim: already expired as of {ended}',
        lambda: server.new_jwt_svid(alive, entry.id, ["db"]),
    )


# For nested servers


def test_a_downstream_gets_a_ca(server: Server) -> None:
    key = Key(Randomness(2), "nested", 0)
    nested = server.agent().workload("/nested", downstream=True).fetch_x509_svid()
    minted = server.new_downstream_x509_ca(key, preferred_ttl=timedelta(hours=2), caller=nested)
    (certificate,) = (x509.load_der_x509_certificate(each.der) for each in minted.chain)
    root = server.bundle.x509_authorities[0]
    assert uris(certificate) == ["spiffe://example.org"]
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certificate.public_key() == key.public_key
    assert certificate.not_valid_after_utc.timestamp() == NOW + 7200
    assert [each.der for each in minted.roots] == list(server.bundle.x509_der)
    certificate.verify_directly_issued_by(root)
    capped = server.new_downstream_x509_ca(key, preferred_ttl=timedelta(days=9), caller=nested)
    usual = server.new_downstream_x509_ca(key, caller=nested)
    ends = [x509.load_der_x509_certificate(next(iter(each.chain)).der).not_valid_after_utc for each in (capped, usual)]
    assert ends == [root.not_valid_after_utc] * 2


# For operators


def test_an_operator_mints_an_x509_svid_without_an_entry(server: Server) -> None:
    svid = server.mint_x509_svid(WEB, ttl=timedelta(seconds=89, milliseconds=1), dns_names=["*.example.org"])
    assert isinstance(svid, X509Svid)
    assert uris(svid.leaf) == [WEB]
    assert svid.leaf.subject.rfc4514_string() == "CN=*.example.org,O=SPIRE,C=US"
    assert svid.not_after == datetime(2030, 1, 1, 0, 1, 30, tzinfo=UTC)  # a fraction counts as a second
    svid.leaf.verify_directly_issued_by(server.bundle.x509_authorities[0])
    assert server.count_entries() == 0


@pytest.mark.parametrize("ttl", [None, timedelta(0), timedelta(seconds=-5)])
def test_no_lifetime_means_the_default(server: Server, ttl: timedelta | None) -> None:
    assert server.mint_x509_svid(WEB, ttl=ttl).not_after.timestamp() == NOW + 3600
    assert server.mint_jwt_svid(WEB, "db", ttl=ttl).expiry.timestamp() == NOW + 300


def test_a_lifetime_is_capped_by_the_ca(server: Server) -> None:
    assert server.mint_x509_svid(WEB, ttl=timedelta(days=30)).not_after.timestamp() == NOW + 86400
    assert server.mint_jwt_svid(WEB, "db", ttl=timedelta(days=30)).expiry.timestamp() == NOW + 86400


def test_an_operator_mints_a_jwt_svid_without_an_entry(server: Server) -> None:
    svid = server.mint_jwt_svid(WEB, ["db", "cache"], ttl=timedelta(minutes=1))
    assert svid.claims == {"aud": ["db", "cache"], "exp": NOW + 60, "iat": NOW, "sub": WEB}


@pytest.mark.parametrize(
    ("spiffe_id", "problem"),
    [
        ("", "cannot be empty"),
        ("https://example.org/web", "scheme is missing or invalid"),
        ("spiffe://example.com/web", '"spiffe://example.com/web" is not a member of trust domain "example.org"'),
        (
            "spiffe://example.org",
            '"spiffe://example.org" is not a workload in trust domain "example.org"; path is empty',
        ),
        (
            "spiffe://example.org/spire/server",
            '"spiffe://example.org/spire/server" is not a workload in trust domain "example.org"; '
            "path is in the reserved namespace",
        ),
    ],
)
def test_only_ids_of_workloads_are_minted(spiffe_id: str, problem: str) -> None:
    server = Simulation(seed=1, feature_flags=["wit-svid"]).root
    refused("INVALID_ARGUMENT", f"CSR URI SAN is invalid: {problem}", lambda: server.mint_x509_svid(spiffe_id))
    refused("INVALID_ARGUMENT", f"invalid SPIFFE ID: {problem}", lambda: server.mint_jwt_svid(spiffe_id, "db"))
    refused("INVALID_ARGUMENT", f"invalid SPIFFE ID: {problem}", lambda: server.mint_wit_svid(spiffe_id))
    with pytest.raises(InvalidEntry):
        server.mint_x509_svid(7)  # type: ignore[arg-type]  # the point


def test_dns_names_are_checked(server: Server) -> None:
    message = "CSR DNS name is invalid: name must be ascii"
    refused("INVALID_ARGUMENT", message, lambda: server.mint_x509_svid(WEB, dns_names=["dömain"]))
    with pytest.raises(Refused, match="CSR DNS name contains a wildcard that covers another non-wildcard name"):
        server.mint_x509_svid(WEB, dns_names=["*.example.org", "a.example.org"])


def test_a_wit_svid_is_minted_behind_its_flag(server: Server) -> None:
    refused("UNIMPLEMENTED", "WIT functionality is disabled", lambda: server.mint_wit_svid(WEB, caller=OPERATOR))
    flagged = Simulation("example.org", seed=1, feature_flags=["wit-svid"]).root
    svid = flagged.mint_wit_svid(WEB)
    claims = part(svid.token, 1)
    assert part(svid.token, 0)["typ"] == "wit+jwt"
    assert {**claims, "cnf": ""} == {"cnf": "", "exp": NOW + 3600, "iat": NOW, "sub": WEB}
    assert flagged.mint_wit_svid(WEB, ttl=timedelta(minutes=1)).expiry.timestamp() == NOW + 60
    assert set(claims["cnf"]["jwk"]) == {"kty", "crv", "x", "y", "alg"}
    assert part(svid.token, 0)["kid"] in flagged.bundle.wit_spki
    assert part(svid.token, 0)["kid"] not in flagged.bundle.jwt_spki
