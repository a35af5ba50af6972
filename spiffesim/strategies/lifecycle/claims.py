"""The claims of a lifecycle: what has to be true of a system, by the model of what was done to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import ClassVar, Final, TypeVar

from hypothesis.stateful import RuleBasedStateMachine

from spiffesim.strategies.lifecycle.documents import Document, JwtDocument, X509Document, root_of
from spiffesim.strategies.lifecycle.model import Model
from spiffesim.strategies.lifecycle.simulated import SimulatedSystem
from spiffesim.strategies.lifecycle.system import System

_Answer = TypeVar("_Answer")

AUDIENCES: Final = ("orders", "billing")


class Claims(RuleBasedStateMachine):
    """What a lifecycle claims.

    Attributes:
        system: What makes the system under test.
        patience: How long news takes at most to reach everybody.
        recovery: How long it takes at most, once what was cut is joined again, until all have tried again.
        longest_outage: How long whatever is cut off comes back by itself; after more nothing is claimed of it.
        leeway: For how long beyond their validity the system's workloads may accept tokens.
        world: The system.
        model: What was done to it.
        held: The first valid document that each workload has fetched of each authority, by both.
        sequence_numbers: The sequence number of each server's bundle when it was looked at last.
        checked_at: When everything was looked at last.
    """

    system: ClassVar[Callable[[], System]] = SimulatedSystem
    patience: ClassVar[timedelta] = timedelta(minutes=2)
    recovery: ClassVar[timedelta] = timedelta(minutes=15)
    longest_outage: ClassVar[timedelta] = timedelta(hours=1)
    leeway: ClassVar[timedelta] = timedelta(minutes=1)

    def __init__(self) -> None:
        super().__init__()
        self.world: System = type(self).system()
        self.model = Model()
        self.held: dict[tuple[str, str], Document] = {}
        self.sequence_numbers: dict[str, int] = {}
        self.checked_at: datetime | None = None

    def wait(self) -> None:
        """Let what was done reach everybody."""
        self.world.advance(round(self.patience.total_seconds()))
        self.model.give_up(self.world.now, self.longest_outage)

    # Questions

    def ask(self, call: Callable[[], _Answer]) -> _Answer | None:
        """What the system answers; None for a refusal. What it raises that is no refusal fails the machine."""
        try:
            return call()
        except self.world.refuses:
            return None

    def fetch_x509(self, workload: str) -> X509Document | None:
        """The X509-SVID that a workload gets; None for a refusal."""
        fetched = self.ask(lambda: self.world.fetch_x509_svid(workload))
        if fetched is None:
            return None
        return X509Document(workload, self.model.is_whole(workload), tuple(fetched.chain), fetched.private_key)

    def fetch_jwt(self, workload: str, audience: str = AUDIENCES[0]) -> JwtDocument | None:
        """The JWT-SVID that a workload gets; None for a refusal."""
        token = self.ask(lambda: self.world.fetch_jwt_svid(workload, audience))
        if token is None:
            return None
        return JwtDocument(workload, self.model.is_whole(workload), token, audience)

    def accepted_by(self, judge: str, document: Document) -> str | None:
        """Whose a workload says that a document is; None if it refuses it."""
        if isinstance(document, X509Document):
            return self.ask(lambda: self.world.validate_x509_svid(judge, document.chain))
        assert isinstance(document, JwtDocument)
        return self.ask(lambda: self.world.validate_jwt_svid(judge, document.token, document.audience))

    # What holds after each step

    def check_everything(self) -> None:
        """All that is claimed of the system; nothing is looked at again until its clock moves."""
        if self.world.now == self.checked_at:
            return
        self.checked_at = self.world.now
        self.check_sequence_numbers()
        self.check_deregistered()
        for workload in self.model.homes:
            for document in self._check_fetched(workload):
                self._hold(document)
        for document in self.held.values():
            for judge in self.model.homes:
                self.check_judged(judge, document)
        self._let_go()

    def _hold(self, document: Document) -> None:
        """Keep the first of its kind, which everybody judges; only its owner judges the others."""
        key = document.owner, document.authority
        if key not in self.held or (document.claimed and not self.held[key].claimed):
            self.held[key] = document
        else:
            self.check_judged(document.owner, document)

    def _let_go(self) -> None:
        """Forget what has ended by everybody's clock."""
        clocks = [self.model.clock(judge, self.world.now) for judge in self.model.homes]
        earliest = min(clocks, default=self.world.now) - self.leeway
        self.held = {key: document for key, document in self.held.items() if document.ends >= earliest}

    def check_sequence_numbers(self) -> None:
        """The sequence number of a bundle never falls."""
        for server in self.model.parents:
            before, number = self.sequence_numbers.get(server, 0), self.world.sequence_number(server)
            assert number >= before, f"the bundle of {server} fell from {before} to {number}"
            self.sequence_numbers[server] = number

    def check_deregistered(self) -> None:
        """Who is no longer registered gets nothing any more, once that has reached its agent."""
        for workload in filter(self.model.is_whole, self.model.deregistered):
            got = self.fetch_x509(workload), self.fetch_jwt(workload)
            assert got == (None, None), f"{workload} is no longer registered, and still gets documents"

    def _check_fetched(self, workload: str) -> list[Document]:
        svid, cached = self.fetch_x509(workload), self.fetch_jwt(workload)
        new = self.fetch_jwt(workload, f"whoever looks at {self.world.now.isoformat()}")  # no cache has that
        if self.model.works_on(workload):
            assert svid is not None, f"{workload} is registered, and gets no X509-SVID"
            self.check_chain(svid)
            self.check_is_whose(workload, svid)
        if self.model.is_whole(workload):
            for document in (svid, cached, new):
                assert document is not None, f"{workload} is registered, and does not get all documents"
                self.check_is_whose(workload, document)
                self.check_current(document)
                self.check_untainted(document)
        return [document for document in (svid, cached, new) if document is not None]

    def check_is_whose(self, workload: str, document: Document) -> None:
        """A workload gets its own documents."""
        spiffe_id = f"spiffe://{self.world.trust_domain}{workload}"
        assert document.spiffe_id == spiffe_id, f"{workload} gets the documents of {document.spiffe_id}"

    def check_chain(self, svid: X509Document) -> None:
        """No certificate is valid when its issuer is not, up to the root."""
        bundles = self.ask(lambda: self.world.fetch_bundles(svid.owner)) or ()
        roots = [
            der for bundle in bundles if str(bundle.trust_domain) == self.world.trust_domain for der in bundle.x509_der
        ]
        root = root_of(svid.certificates[-1], roots)
        for child, issuer in pairwise((*svid.certificates, *((root,) if root is not None else ()))):
            assert child.not_valid_after_utc <= issuer.not_valid_after_utc, (
                f"{svid.owner}: a certificate lives until {child.not_valid_after_utc}, "
                f"and its issuer until {issuer.not_valid_after_utc}"
            )

    def check_current(self, document: Document) -> None:
        """Nobody who is in touch gets what has ended: it is renewed before."""
        now = self.world.now
        assert now < document.ends, f"{document.owner} gets at {now} what ended at {document.ends}"

    def check_untainted(self, document: Document) -> None:
        """Nobody who is in touch gets what hangs on a tainted authority."""
        tainted = document.authority in self.model.tainted
        assert not tainted, f"{document.owner} still gets what hangs on the tainted {document.authority}"

    def check_judged(self, judge: str, document: Document) -> None:
        """A workload accepts what it has to accept, and refuses what it has to refuse."""
        expected = self.model.expects(judge, document, self.world.now, self.leeway)
        if expected is None:
            return
        answer = self.accepted_by(judge, document)
        seen = f"of {document.owner}, valid from {document.begins} until {document.ends}, at {self.world.now}"
        if expected:
            assert answer is not None, f"{judge} refuses the {document.kind} document {seen}"
            assert answer == document.spiffe_id, f"{judge} takes the document of {document.spiffe_id} for {answer}'s"
        else:
            assert answer is None, f"{judge} accepts the {document.kind} document {seen}"
