"""Workload: a simulated process; its face is the Workload API.

SPIRE: pkg/agent/endpoints/workload/handler.go
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from spiffesim.agent import Agent
from spiffesim.agent.hints import without_duplicates
from spiffesim.agent.stream import BundleStream, X509Stream
from spiffesim.agent.svidcache import Identity
from spiffesim.authority import IssuedSvid
from spiffesim.entries import RegistrationEntry, Selector
from spiffesim.errors import InvalidSpiffeId, NoIdentityIssued, Refused
from spiffesim.golang import raw_url_decoded
from spiffesim.instants import moment
from spiffesim.plugins.workload_attestor import Process
from spiffesim.profiles import read_audience
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.bundlemap import BundleMap
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.jose.compact import b64url
from spiffesim.spiffe.jwtsvid import JwtSvid
from spiffesim.spiffe.validation import examine_jwt_svid, validate_x509_svid
from spiffesim.spiffe.x509svid import X509Svid, read_chain
from spiffesim.world import Node, World


class Workload(Node):
    """A process on an agent's node.

    Make one with ``Agent.workload(...)``, which also registers it, or ``Agent.process(...)``.

    Every method of the Workload API raises ``Unavailable`` (UNAVAILABLE) once the agent has ended, and
    those that fetch ``NoIdentityIssued`` (PERMISSION_DENIED) if no entry matches its selectors.

    Attributes:
        name: Its name in the simulation.
        agent: The agent whose Workload API it calls.
        process: What the operating system knows about it.
    """

    def __init__(self, world: World, name: str, agent: Agent, process: Process) -> None:
        self.world = world
        self.name = name
        self.agent = agent
        self.process = process

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """What the agent's workload attestors find out about it."""
        return self.agent.selectors(self.process)

    @property
    def depth(self) -> int:
        """How many servers stand above it."""
        return self.agent.depth

    @property
    def spiffe_id(self) -> SpiffeId:
        """Its first SPIFFE ID.

        Raises:
            NoIdentityIssued: If it has none.
        """
        return self._entries()[0].spiffe_id

    @property
    def not_after(self) -> datetime:
        """When its first X509-SVID ends.

        Raises:
            NoIdentityIssued: If it has none.
        """
        first = self._entries()[0]
        at_hand = [identity for identity in self.agent.identities(self.selectors) if identity.entry is first]
        if not at_hand:
            raise self.no_identity(f"its agent holds no SVID for {first.spiffe_id} yet")
        return moment(at_hand[0].svid.not_after)

    @property
    def default_svid(self) -> IssuedSvid:
        """Its first X509-SVID as a record: the one with the lowest entry ID."""
        return self._identities()[0].svid

    @property
    def held_svid(self) -> IssuedSvid | None:
        """The same, if its agent holds one; None where it would have to be minted, or there is none."""
        at_hand = self.agent.identities(self.selectors)
        kept = without_duplicates([identity.entry for identity in at_hand])
        return next((identity.svid for identity in at_hand if identity.entry in kept), None)

    # X.509

    def fetch_x509_svid(self) -> X509Svid:
        """Its X509-SVID, private key included; the first, if it has several.

        Raises:
            NoIdentityIssued: PERMISSION_DENIED, if no entry matches its selectors.
            Unavailable: If its agent has ended, or cannot get the SVID from its server.
        """
        identity = self._identities()[0]
        return identity.svid.draw(identity.entry.hint)

    def fetch_x509_svids(self) -> tuple[X509Svid, ...]:
        """All of its X509-SVIDs, one an entry, by entry ID.

        Raises:
            NoIdentityIssued: As for one.
            Unavailable: As for one.
        """
        return tuple(identity.svid.draw(identity.entry.hint) for identity in self._identities())

    def fetch_x509_bundles(self) -> BundleMap:
        """The X.509 bundles that it needs: its own trust domain's, and those that its entries federate with.

        Raises:
            NoIdentityIssued: PERMISSION_DENIED, if no entry matches its selectors.
            Unavailable: If its agent has ended.
        """
        return BundleMap(bundle.x509_bundle for bundle in self._fetch_bundles())

    def watch_x509(self) -> X509Stream:
        """A stream of its X509-SVIDs and X.509 bundles: the present ones first, then whatever it is told of.

        Iterate over it, let time pass, and iterate again; each update has its instant. While it is open its
        SVIDs are renewed one by one as time passes.

        Raises:
            Unavailable: If its agent has ended.
        """
        self.agent.check_running()
        stream = X509Stream(self)
        self.agent.open_stream(stream)
        return stream

    def watch_x509_bundles(self) -> BundleStream:
        """A stream of the X.509 bundles that it needs: the present ones first, then each time they change.

        Raises:
            Unavailable: If its agent has ended.
        """
        return self._watch_bundles("x509_bundle")

    def _watch_bundles(self, kind: str) -> BundleStream:
        self.agent.check_running()
        stream = BundleStream(self, kind)
        self.agent.open_stream(stream)
        return stream

    # JWT

    def fetch_jwt_svid(self, *, audience: str | Sequence[str], spiffe_id: SpiffeId | str | None = None) -> JwtSvid:
        """A JWT-SVID for an audience; the first, if it has several identities.

        Args:
            audience: Whom it is for: one name or several.
            spiffe_id: Which of its identities; by default the first.

        Raises:
            Refused: INVALID_ARGUMENT without an audience, or if the SPIFFE ID is none.
            NoIdentityIssued: PERMISSION_DENIED, if no entry matches its selectors, or none with that
                SPIFFE ID.
            Unavailable: If its agent has ended, or the server refuses.
        """
        return self.fetch_jwt_svids(audience=audience, spiffe_id=spiffe_id)[0]

    def fetch_jwt_svids(
        self, *, audience: str | Sequence[str], spiffe_id: SpiffeId | str | None = None
    ) -> tuple[JwtSvid, ...]:
        """JWT-SVIDs of all its identities, or of those with one SPIFFE ID; all of them or none.

        Args:
            audience: Whom they are for: one name or several.
            spiffe_id: Which of its identities; by default all.

        Raises:
            Refused: As for one.
            NoIdentityIssued: As for one.
            Unavailable: As for one.
        """
        self.agent.check_running()
        names = read_audience(audience)
        if not names:
            raise _invalid("audience must be specified")
        wanted = _requested(spiffe_id)
        entries = [entry for entry in self._entries() if wanted is None or entry.spiffe_id == wanted]
        if not entries:
            raise self.no_identity(f"none of its entries has SPIFFE ID {wanted}")
        return tuple(self.agent.jwt_svid(entry, names) for entry in entries)

    def fetch_jwt_bundles(self) -> BundleMap:
        """The JWT bundles that it needs, as for X.509; they hold no other keys.

        Raises:
            NoIdentityIssued: As for X.509.
            Unavailable: As for X.509.
        """
        return BundleMap(bundle.jwt_bundle for bundle in self._fetch_bundles())

    def watch_jwt_bundles(self) -> BundleStream:
        """A stream of the JWT bundles that it needs, as for X.509.

        Raises:
            Unavailable: If its agent has ended.
        """
        return self._watch_bundles("jwt_bundle")

    # Validation

    def validate_x509_svid(self, svid: X509Svid | Sequence[bytes] | bytes | str) -> SpiffeId:
        """Validate a peer's X509-SVID, strictly, against the bundles that this workload would fetch, by its node's clock.

        Args:
            svid: The SVID, its chain as DER (leaf first), or its PEM.

        Returns:
            The peer's SPIFFE ID.

        Raises:
            ValidationError: With the rule and the clause that it breaks.
            InvalidSvid: If it is not even certificates.
            NoIdentityIssued: If this workload has no identity, and so no bundles.
        """
        chain = read_chain(svid) if isinstance(svid, bytes | str) else svid
        bundles = [bundle.x509_bundle for bundle in self._fetch_bundles()]
        return validate_x509_svid(chain, bundles, at=moment(self.agent.now), memo=self.world.memo)

    def validate_jwt_svid(self, token: JwtSvid | str | bytes, *, audience: str) -> JwtSvid:
        """Validate a token as SPIRE's agent does (``ValidateJWTSVID``), which does so for any process.

        Args:
            token: The token.
            audience: Who this workload is.

        Returns:
            The token taken apart, as SDKs do with what the agent has accepted. Go also accepts other
            spellings of base64url; here it has the one of the standard.

        Raises:
            Refused: INVALID_ARGUMENT, with SPIRE's text.
            Unavailable: If its agent has ended.

        SPIRE: pkg/common/jwtsvid/validate.go
        """
        self.agent.check_running()
        text = token.token if isinstance(token, JwtSvid) else token
        if not audience:
            raise _invalid("audience must be specified")
        if not text:
            raise _invalid("svid must be specified")
        verdict = examine_jwt_svid(text, self._bundles(), audience=audience, at=moment(self.agent.now), profile="spire")
        if verdict.first is not None:
            raise Refused(str(verdict.first), status="INVALID_ARGUMENT", verdict=verdict, code=verdict.first.code)
        return JwtSvid.parse(_canonical(text))

    # Attestation

    def _entries(self) -> list[RegistrationEntry]:
        """Its entries, without those whose hint an older one has; the first is the default."""
        self.agent.check_running()
        entries = without_duplicates(self.agent.matching(self.selectors))
        if not entries:
            raise self.no_identity()
        return entries

    def _identities(self) -> list[Identity]:
        """The same with their X509-SVIDs."""
        self.agent.check_running()
        identities = self.agent.subscribe(self.selectors)
        kept = without_duplicates([identity.entry for identity in identities])
        if not kept:
            raise self.no_identity()
        return [identity for identity in identities if identity.entry in kept]

    def no_identity(self, reason: str = "") -> NoIdentityIssued:
        """The refusal that it gets without an identity, which says what it lacks."""
        selectors = self.selectors
        nearest = self.agent.nearest(selectors)
        if not reason and nearest is None:
            reason = f"{self.agent.name} has no entries; register one, and settle or advance"
        elif not reason and nearest is not None:
            missing = ", ".join(str(selector) for selector in nearest.selectors if selector not in selectors)
            reason = f"the nearest entry is {nearest.spiffe_id}, which also wants {missing}"
        return NoIdentityIssued(
            "no identity issued",
            status="PERMISSION_DENIED",
            hint=f"workload {self.name}: {reason}",
            workload=self.name,
            selectors=selectors,
        )

    def _fetch_bundles(self) -> list[SpiffeBundle]:
        self._identities()
        return self._bundles()

    def _bundles(self) -> list[SpiffeBundle]:
        """Its own trust domain's bundle, then those that its entries federate with, by name."""
        return [self.agent.view.bundle, *self.agent.bundles(self.agent.identities(self.selectors))]

    def __repr__(self) -> str:
        return f"<Workload {self.name}>"


def _invalid(message: str) -> Refused:
    return Refused(message, status="INVALID_ARGUMENT")


def _requested(spiffe_id: SpiffeId | str | None) -> SpiffeId | None:
    """The identity asked for; as in SPIRE an empty text asks for all."""
    if not spiffe_id:
        return None
    try:
        return SpiffeId.parse(spiffe_id)
    except InvalidSpiffeId as error:
        raise _invalid(f"invalid requested SPIFFE ID: {error.reason}") from error


def _canonical(token: str | bytes) -> str:
    """A token that Go has decoded, spelled as everybody spells it."""
    parts = (token.encode() if isinstance(token, str) else token).split(b".")
    return ".".join(b64url(raw_url_decoded(part)) for part in parts)
