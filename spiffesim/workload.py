"""Workload: a simulated process; its face is the Workload API.

SPIRE: pkg/agent/endpoints/workload/handler.go
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from spiffesim.agent import Agent, Identity
from spiffesim.authority import IssuedSvid
from spiffesim.entries import Selector
from spiffesim.errors import InvalidSpiffeId, NoIdentityIssued, Refused
from spiffesim.instants import moment
from spiffesim.plugins.workload_attestor import Process
from spiffesim.spiffe.bundle import BundleMap, SpiffeBundle
from spiffesim.spiffe.ids import SpiffeId
from spiffesim.spiffe.jwtsvid import JwtSvid
from spiffesim.spiffe.validation import examine_jwt_svid, validate_x509_svid
from spiffesim.spiffe.x509svid import X509Svid, read_chain
from spiffesim.world import World


class Workload:
    """A process on an agent's node.

    Make one with ``Agent.workload(...)``, which also registers it, or ``Agent.process(...)``.

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
    def spiffe_id(self) -> SpiffeId:
        """Its first SPIFFE ID.

        Raises:
            NoIdentityIssued: If it has none.
        """
        return self._identities()[0].entry.spiffe_id

    @property
    def not_after(self) -> datetime:
        """When its first X509-SVID ends."""
        return moment(self.default_svid.not_after)

    @property
    def default_svid(self) -> IssuedSvid:
        """Its first X509-SVID as a record: the one with the lowest entry ID."""
        return self._identities()[0].svid

    # X.509

    def fetch_x509_svid(self) -> X509Svid:
        """Its X509-SVID, private key included; the first, if it has several.

        Raises:
            NoIdentityIssued: PERMISSION_DENIED, if no entry matches its selectors.
            Unavailable: If its agent has ended.
        """
        identity = self._identities()[0]
        return identity.svid.draw(identity.entry.hint)

    def fetch_x509_svids(self) -> tuple[X509Svid, ...]:
        """All of its X509-SVIDs, one an entry, by entry ID."""
        return tuple(identity.svid.draw(identity.entry.hint) for identity in self._identities())

    def fetch_x509_bundles(self) -> BundleMap:
        """The X.509 bundles that it needs: its own trust domain's, and those that its entries federate with."""
        self._identities()
        return BundleMap(_x509_only(bundle) for bundle in self._bundles())

    # JWT

    def fetch_jwt_svid(self, *, audience: str | Sequence[str], spiffe_id: SpiffeId | str | None = None) -> JwtSvid:
        """A JWT-SVID for an audience; the first, if it has several identities.

        Args:
            audience: Whom it is for: one name or several.
            spiffe_id: Which of its identities; by default the first.
        """
        return self._jwt_svids(audience, spiffe_id, first=True)[0]

    def fetch_jwt_svids(
        self, *, audience: str | Sequence[str], spiffe_id: SpiffeId | str | None = None
    ) -> tuple[JwtSvid, ...]:
        """JWT-SVIDs of all its identities, or of those with one SPIFFE ID."""
        return self._jwt_svids(audience, spiffe_id)

    def _jwt_svids(
        self, audience: str | Sequence[str], spiffe_id: SpiffeId | str | None, *, first: bool = False
    ) -> tuple[JwtSvid, ...]:
        names = (audience,) if isinstance(audience, str) else tuple(audience)
        if not names:
            raise _invalid("audience must be specified")
        wanted = _requested(spiffe_id)
        identities = [
            identity for identity in self._identities() if wanted is None or identity.entry.spiffe_id == wanted
        ]
        if not identities:
            raise self._no_identity(f"none of its entries has SPIFFE ID {wanted}")
        return tuple(self.agent.jwt_svid(identity.entry, names) for identity in identities[: 1 if first else None])

    def fetch_jwt_bundles(self) -> BundleMap:
        """The JWT bundles that it needs, as for X.509; they hold no other keys."""
        self._identities()
        return BundleMap(_jwt_only(bundle) for bundle in self._bundles())

    # Validation

    def validate_x509_svid(self, svid: X509Svid | Sequence[bytes] | bytes | str) -> SpiffeId:
        """Validate a peer's X509-SVID, strictly, against the bundles that this workload would fetch.

        Args:
            svid: The SVID, its chain as DER (leaf first), or its PEM.

        Returns:
            The peer's SPIFFE ID.

        Raises:
            ValidationError: With the rule and the clause that it breaks.
        """
        chain = read_chain(svid) if isinstance(svid, bytes | str) else svid
        self._identities()
        bundles = [_x509_only(bundle) for bundle in self._bundles()]
        return validate_x509_svid(chain, bundles, at=self.world.clock.now, memo=self.world.memo)

    def validate_jwt_svid(self, token: JwtSvid | str, *, audience: str) -> JwtSvid:
        """Validate a token as SPIRE's agent does (``ValidateJWTSVID``).

        Args:
            token: The token.
            audience: Who this workload is.

        Raises:
            Refused: INVALID_ARGUMENT, with SPIRE's text.

        SPIRE: pkg/common/jwtsvid/validate.go
        """
        text = token.token if isinstance(token, JwtSvid) else token
        if not audience:
            raise _invalid("audience must be specified")
        if not text:
            raise _invalid("svid must be specified")
        self.agent.check_running()
        verdict = examine_jwt_svid(text, self._bundles(), audience=audience, at=self.world.clock.now, profile="spire")
        if verdict.first is not None:
            raise Refused(str(verdict.first), status="INVALID_ARGUMENT", verdict=verdict, code=verdict.first.code)
        return JwtSvid.parse(text)

    # Attestation

    def _identities(self) -> list[Identity]:
        identities = _without_duplicate_hints(self.agent.identities(self.selectors))
        if not identities:
            raise self._no_identity()
        return identities

    def _no_identity(self, reason: str = "") -> NoIdentityIssued:
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

    def _bundles(self) -> list[SpiffeBundle]:
        """Its own trust domain's bundle, then those that its entries federate with, by name."""
        held = self.agent.federated
        names = {
            name
            for identity in self.agent.identities(self.selectors)
            for name in identity.entry.federates_with
            if name in held
        }
        return [self.agent.view.bundle, *(held[name] for name in sorted(names))]

    def __repr__(self) -> str:
        return f"<Workload {self.name}>"


def _invalid(message: str) -> Refused:
    return Refused(message, status="INVALID_ARGUMENT")


def _requested(spiffe_id: SpiffeId | str | None) -> SpiffeId | None:
    if spiffe_id is None:
        return None
    try:
        return SpiffeId.parse(spiffe_id)
    except InvalidSpiffeId as error:
        raise _invalid(f"invalid requested SPIFFE ID: {error.reason}") from error


def _without_duplicate_hints(identities: Iterable[Identity]) -> list[Identity]:
    """Of identities with the same hint only the oldest entry, then the one with the lowest ID.

    SPIRE: pkg/agent/common/hintsfilter
    """
    kept = list(identities)
    best: dict[str, Identity] = {}
    for identity in kept:
        hint = identity.entry.hint
        rival = best.get(hint)
        if hint and (rival is None or _older(identity) < _older(rival)):
            best[hint] = identity
    return [identity for identity in kept if not identity.entry.hint or best[identity.entry.hint] is identity]


def _older(identity: Identity) -> tuple[int, str]:
    return identity.entry.created_at, identity.entry.id


def _x509_only(bundle: SpiffeBundle) -> SpiffeBundle:
    return bundle.x509_bundle


def _jwt_only(bundle: SpiffeBundle) -> SpiffeBundle:
    return bundle.jwt_bundle
