"""The trials of a lifecycle: a validator judges what was fetched and what was forged, at many instants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final

from spiffesim.errors import SpiffeSimError
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.strategies.lifecycle.claims import AUDIENCES, Claims
from spiffesim.strategies.lifecycle.documents import Document, JwtDocument, X509Document
from spiffesim.strategies.lifecycle.forgery import JWT_FORGERIES, X509_FORGERIES, stranger
from spiffesim.strategies.lifecycle.system import Validator

_SECOND: Final = timedelta(seconds=1)


class Trials(Claims):
    """What a lifecycle puts a validator through.

    Attributes:
        validator: The validator under test.
    """

    validator: ClassVar[Validator] = Validator()

    # Fetched

    def check_validator(self, workload: str) -> None:
        """The validator accepts what a workload gets, for as long as it is valid, and no longer."""
        bundles = self.bundles_of(workload)
        if bundles is None:
            return
        svid, token = self.fetch_x509(workload), self.fetch_jwt(workload)
        if self.model.is_whole(workload):
            assert svid is not None, f"{workload} is registered, and gets no X509-SVID"
            assert token is not None, f"{workload} is registered, and gets no JWT-SVID"
            self._check_x509_instants(svid, bundles)
            self._check_jwt_instants(token, bundles)
            self._check_audience(token, bundles)
        for document in self.held.values():
            self._check_held(workload, document, bundles)

    def bundles_of(self, workload: str) -> Sequence[SpiffeBundle] | None:
        """The bundles that a workload gets, and another trust domain's; None for a refusal."""
        bundles = self.ask(lambda: self.world.fetch_bundles(workload))
        return None if bundles is None else [*bundles, stranger().bundle]

    def _check_x509_instants(self, svid: X509Document, bundles: Sequence[SpiffeBundle]) -> None:
        for at in (svid.begins, self.world.now, svid.ends):
            self.check_verdict(svid, bundles, at, accepted=True)
        for at in (svid.begins - _SECOND, svid.ends + _SECOND):
            self.check_verdict(svid, bundles, at, accepted=False)

    def _check_jwt_instants(self, token: JwtDocument, bundles: Sequence[SpiffeBundle]) -> None:
        for at in (self.world.now, token.ends - _SECOND):
            self.check_verdict(token, bundles, at, accepted=True)
        self.check_verdict(token, bundles, token.ends + self.validator.leeway + _SECOND, accepted=False)

    def _check_audience(self, token: JwtDocument, bundles: Sequence[SpiffeBundle]) -> None:
        other = JwtDocument(token.owner, token.claimed, token.token, AUDIENCES[1])
        self.check_verdict(other, bundles, self.world.now, accepted=False)
        fetched = self.fetch_jwt(token.owner, AUDIENCES[1])
        assert fetched is not None, f"{token.owner} is registered, and gets no JWT-SVID for {AUDIENCES[1]}"
        self.check_verdict(fetched, bundles, self.world.now, accepted=True)

    def _check_held(self, workload: str, document: Document, bundles: Sequence[SpiffeBundle]) -> None:
        expected = self.model.expects(workload, document, self.world.now, self.validator.leeway)
        if expected is not None:
            self.check_verdict(document, bundles, self.model.clock(workload, self.world.now), accepted=expected)

    # Forged

    def check_forgeries(self, workload: str, right: Document | None) -> None:
        """The validator and the workload refuse all forgeries of a document, and accept the document itself."""
        bundles = self.bundles_of(workload)
        assert bundles is not None, f"{workload} is registered, and gets no bundles"
        assert right is not None, f"{workload} is registered, and gets nothing to forge"
        self.check_verdict(right, bundles, self.world.now, accepted=True)
        self.check_judged(workload, right)
        for name, forged in _forgeries(right, bundles[0]):
            self.check_verdict(forged, bundles, self.world.now, accepted=False, what=f"forged ({name}) ")
            accepted = self.accepted_by(workload, forged) is not None
            assert not accepted, f"{workload} accepts the forged ({name}) {right.kind} document"

    # Verdicts

    def check_verdict(
        self, document: Document, bundles: Sequence[SpiffeBundle], at: datetime, *, accepted: bool, what: str = ""
    ) -> None:
        """The validator accepts a document at an instant and says whose it is, or refuses it.

        Args:
            document: What it is shown.
            bundles: What it trusts.
            at: The instant.
            accepted: What it has to answer.
            what: What kind of document that is.
        """
        answer = self.verdict(document, bundles, at)
        seen = f"{what}{document.kind} document of {document.owner} at {at}, valid from {document.begins} until"
        if accepted:
            assert answer is not None, f"the validator refuses the {seen} {document.ends}"
            assert answer == document.spiffe_id, f"the validator takes {document.spiffe_id} for {answer}"
        else:
            assert answer is None, f"the validator accepts the {seen} {document.ends}"

    def verdict(self, document: Document, bundles: Sequence[SpiffeBundle], at: datetime) -> str | None:
        """Whose the validator says that a document is, at an instant; None if it refuses it."""
        try:
            if isinstance(document, X509Document):
                return str(self.validator.x509_svid(document.chain, bundles, at))
            assert isinstance(document, JwtDocument)
            return str(self.validator.jwt_svid(document.token, bundles, document.audience, at))
        except SpiffeSimError:  # what is left out of a validator is ours, and refuses so
            return None
        except self.validator.refuses:
            return None


def _forgeries(right: Document, bundle: SpiffeBundle) -> Iterator[tuple[str, Document]]:
    if isinstance(right, X509Document):
        for name, forge in X509_FORGERIES.items():
            yield name, X509Document(right.owner, False, tuple(forge(right)), right.private_key)
    elif isinstance(right, JwtDocument):
        for name, sign in JWT_FORGERIES.items():
            yield name, JwtDocument(right.owner, False, sign(right, bundle), right.audience)
