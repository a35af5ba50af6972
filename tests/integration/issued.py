"""Everything that a small deployment issues, as those see it who read it without us.

Certificates as cryptography reads them, tokens taken apart by hand, documents as Python's JSON has them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any, Final

import attrs
from cryptography import x509

from spiffesim import Simulation
from spiffesim.server import Server
from spiffesim.server.bundledocument import write_document
from tests.oracles.profiles import key_id, read
from tests.oracles.tokens import unb64

TRUST_DOMAIN: Final = "example.org"
DEPTHS: Final = (0, 2)
SHORT_LIVED: Final = timedelta(minutes=1)


@attrs.frozen
class Token:
    """A token, taken apart.

    Attributes:
        text: As it is presented.
        asked_for: The SPIFFE ID that it was asked for.
        document: The bundle document of the server that signed it.
    """

    text: str
    asked_for: str
    document: dict[str, Any]

    @property
    def header(self) -> dict[str, Any]:
        return self._part(0)

    @property
    def claims(self) -> dict[str, Any]:
        return self._part(1)

    def _part(self, place: int) -> dict[str, Any]:
        part: dict[str, Any] = json.loads(unb64(self.text.split(".")[place]))
        return part


@attrs.frozen
class Issued:
    """What a deployment has issued.

    Attributes:
        chains: X.509-SVIDs, leaf first, each with the root that it leads to as its last certificate.
        jwts: JWT-SVIDs.
        wits: WIT-SVIDs.
        documents: Bundle documents: of servers, and of their bundle endpoints.
        maps: Bundle maps, as workloads get them.
    """

    chains: list[list[x509.Certificate]] = attrs.Factory(list)
    jwts: list[Token] = attrs.Factory(list)
    wits: list[Token] = attrs.Factory(list)
    documents: list[dict[str, Any]] = attrs.Factory(list)
    maps: list[dict[str, Any]] = attrs.Factory(list)

    @property
    def leaves(self) -> list[x509.Certificate]:
        return [chain[0] for chain in self.chains]

    @property
    def authorities(self) -> list[x509.Certificate]:
        """The CA certificates, roots included; each once."""
        return list({above.serial_number: above for chain in self.chains for above in chain[1:]}.values())

    @property
    def bundles(self) -> list[dict[str, Any]]:
        """Every bundle, those inside maps included."""
        return self.documents + [bundle for document in self.maps for bundle in document["trust_domains"].values()]

    def entries(self, use: str) -> list[dict[str, Any]]:
        """The keys of one use in all bundles."""
        return [key for bundle in self.bundles for key in bundle["keys"] if key["use"] == use]


def uris(certificate: x509.Certificate) -> list[str]:
    """The URIs among the alternative names of a certificate."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def deployment(depth: int, **settings: Any) -> tuple[Simulation, Server]:
    """A trust domain, and the server that is nested so deep in it."""
    sim = Simulation(TRUST_DOMAIN, seed=11, feature_flags=["wit-svid"], **settings)
    server = sim.root
    for number in range(depth):
        server = server.nest(f"nested{number}")
    return sim, server


@cache
def issued(depth: int) -> Issued:
    """What a server of that depth and those around it issue: at first, and after three days of rotations."""
    sim, server = deployment(depth)
    server.federate_with(sim.add_trust_domain("other.test"))
    workload = server.workload("/web", dns_names=["web.example.org"], federates_with=["other.test"])
    found = Issued()
    for _ in range(2):
        for one in dict.fromkeys((sim.root, server)):
            _gather(found, one)
        root = sim.root.bundle.x509_der
        found.chains.append(whole(workload.fetch_x509_svid().chain, root))
        document = json.loads(server.bundle.marshal())
        token = workload.fetch_jwt_svid(audience="db").token
        found.jwts.append(Token(token, f"spiffe://{TRUST_DOMAIN}/web", document))
        found.maps.append(json.loads(workload.fetch_x509_bundles().marshal()))
        sim.advance(days=3)
    return found


def _gather(found: Issued, server: Server) -> None:
    """What one server issues to itself, to its agents and to operators."""
    roots = server.bundle.x509_der
    minted = server.mint_x509_svid(f"spiffe://{TRUST_DOMAIN}/minted", ttl=SHORT_LIVED)
    for svid in (server.svid, server.agent().svid, minted):
        found.chains.append(whole(svid.chain, roots))
    document = json.loads(server.bundle.marshal())
    found.documents.extend((document, json.loads(write_document(server.bundle, timedelta(minutes=5)))))
    asked_for = f"spiffe://{TRUST_DOMAIN}/minted"
    found.jwts.append(Token(server.mint_jwt_svid(asked_for, ["db", "cache"]).token, asked_for, document))
    found.wits.append(Token(server.mint_wit_svid(asked_for).token, asked_for, document))


def whole(chain: Sequence[bytes], roots: Sequence[bytes]) -> list[x509.Certificate]:
    """A chain up to the root that its last certificate names, as cryptography reads it."""
    certificates = [read(der) for der in chain]
    above = certificates[-1].extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    return [*certificates, *(root for root in map(read, roots) if key_id(root) == above)]
