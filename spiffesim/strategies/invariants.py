"""Invariants: what is true of a SPIFFE trust domain whatever is done to it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis.stateful import invariant

from spiffesim.errors import NoIdentityIssued, SpiffeSimError
from spiffesim.instants import moment
from spiffesim.spiffe.jwtsvid import JwtSvid
from spiffesim.spiffe.validation import examine_jwt_svid
from spiffesim.spiffe.x509.certificate import read_certificate
from spiffesim.spiffe.x509svid import X509Svid
from spiffesim.strategies.operations import AUDIENCE, Operations
from spiffesim.workload import Workload


class Invariants(Operations):
    """What has to hold after each step, each as a method that says it.

    The rules look themselves after the two of a single document, and after ``ask``: nothing is raised but our errors.
    """

    @invariant()
    def all_holds(self) -> None:
        """All of the following; a subclass adds its own with ``@invariant()``."""
        self.sequence_numbers_never_fall()
        self.what_is_fetched_validates_everywhere()
        self.partners_validate_each_other()
        self.nothing_under_a_revoked_root_validates()
        self.revoked_keys_stay_revoked_where_they_were()

    # What is issued

    def check_x509_svid_ends_in_time(self, workload: Workload, svid: X509Svid) -> None:
        """No X509-SVID outlives the CA that issued it, and no CA in its chain the one above, up to the root."""
        chain = [read_certificate(der) for der in svid.chain]
        roots = [read_certificate(der) for der in workload.agent.view.bundle.x509_der]
        chain += [root for root in roots if root.subject_key_id == chain[-1].authority_key_id]
        for child, issuer in pairwise(chain):
            assert child.not_after <= issuer.not_after, (
                f"{svid.spiffe_id}, issued by {workload.agent.server.name}: a certificate lives until "
                f"{moment(child.not_after)}, and its issuer until {moment(issuer.not_after)}"
            )

    def check_jwt_svid_ends_in_time(self, workload: Workload, token: JwtSvid) -> None:
        """No JWT-SVID outlives the key that signed it.

        A key that its server has revoked is not looked at: it has no end that anybody could know.
        """
        for authority in workload.agent.server.view.jwt_authorities:
            if authority.key_id == token.key_id:
                assert token.expiry <= moment(authority.not_after), (
                    f"{token.spiffe_id}: a token lives until {token.expiry}, and its key until "
                    f"{moment(authority.not_after)}"
                )

    # What servers count

    def sequence_numbers_never_fall(self) -> None:
        """The sequence number of a server's bundle never falls while its datastore is kept."""
        for name, server in self.sim.servers.items():
            before, number = self.sequence_numbers.get(name, 0), server.bundle.sequence_number or 0
            assert number >= before, f"the bundle of {name} fell from {before} to {number}"
            self.sequence_numbers[name] = number

    # What validates

    def what_is_fetched_validates_everywhere(self) -> None:
        """With all links up and TTLs that respect the rule of six, whatever is fetched validates everywhere.

        That is: once everything that was done has reached everybody (``settled``), whoever is registered can fetch
        X509-SVIDs and JWT-SVIDs, and these validate at all other workloads of the trust domain. It is also what a
        world comes back to after an outage (``mend``), and what holds after a revocation for everything else.

        Not claimed, for SPIRE does not do it:

        - of what is ``lost``;
        - of documents that an agent still holds under a root or a key that was revoked before it heard of the taint:
          it renews them at their half-life.
        """
        if not (self.settled and self.follows_the_rule_of_six):
            return
        everybody = self.claimed()
        for workload in everybody:
            svid = self._fetched(workload)
            for peer in everybody:
                if peer.agent.server.trust_domain == workload.agent.server.trust_domain and svid is not None:
                    self._check_accepted(peer, workload, svid)

    def _fetched(self, workload: Workload) -> tuple[X509Svid, JwtSvid] | None:
        try:
            svid, token = workload.fetch_x509_svid(), workload.fetch_jwt_svid(audience=AUDIENCE)
        except SpiffeSimError as error:
            raise AssertionError(f"{workload.name} is registered, and gets nothing: {error}") from error
        self.check_x509_svid_ends_in_time(workload, svid)
        self.check_jwt_svid_ends_in_time(workload, token)
        return svid, token

    def _check_accepted(self, peer: Workload, workload: Workload, documents: tuple[X509Svid, JwtSvid]) -> None:
        svid, token = documents
        try:
            if _root_of(svid) not in self.revoked_roots:
                peer.validate_x509_svid(svid)
            if token.key_id not in self.revoked_tokens:
                peer.validate_jwt_svid(token, audience=AUDIENCE)
        except SpiffeSimError as error:
            raise AssertionError(
                f"{peer.name} refuses what {workload.name} fetched at {self.sim.now}: {error}"
            ) from error

    def partners_validate_each_other(self) -> None:
        """The same across trust domains whose root servers federate, for X509-SVIDs.

        Not after a forced rotation or a restart without keys: there ``https_spiffe`` does not find back. And not of
        tokens of nested servers: their keys may sign before the other trust domain's next poll.
        """
        if self.settled and self.follows_the_rule_of_six:
            claimed = {workload.name: workload for workload in self.claimed()}
            for pair in self.partners:
                if set(pair) <= set(claimed):
                    ours, theirs = (claimed[name] for name in pair)
                    for one, other in ((ours, theirs), (theirs, ours)):
                        self._check_partner(one, other)

    def _check_partner(self, one: Workload, other: Workload) -> None:
        try:
            one.validate_x509_svid(other.fetch_x509_svid())
        except SpiffeSimError as error:
            raise AssertionError(f"{one.name} refuses its partner {other.name} at {self.sim.now}: {error}") from error

    # What is revoked

    def nothing_under_a_revoked_root_validates(self) -> None:
        """Under a revoked root X.509 authority nothing validates any more.

        That is once every server that is in touch has heard of the revocation. A nested server removes a root that is gone above if it had heard of its taint, and all servers between it and
        the root server had, too. Not claimed, for SPIRE does not do it: of a server that was out of touch from the
        taint to the revocation, and of one that had tainted the root on its own: they keep the root until a day
        after its end.
        """
        for root, (servers, forged) in self.revoked_roots.items():
            for workload in self.claimed() if self.settled else ():
                server = workload.agent.server
                if server.name in servers and not self._out_of_touch(server):
                    assert not _accepts(workload, forged), (
                        f"{workload.name} accepts what is under the revoked root {root}"
                    )

    def _out_of_touch(self, server: object) -> bool:
        return getattr(server, "name", None) in self.lost

    def revoked_keys_stay_revoked_where_they_were(self) -> None:
        """A JWT key that a root server has revoked validates nothing there any more, nor at its agents' workloads.

        Servers below keep it: revocations of JWT keys do not come down. A nested server that revokes its own key has
        removed it at that instant, and that is checked; but as the server above keeps its copy, untainted, the key
        comes back with the next change of the bundle above.
        """
        for key_id, (name, forged) in self.revoked_tokens.items():
            server = self.sim.servers[name]
            if server.parent is None:
                verdict = examine_jwt_svid(forged, server.bundle, audience=AUDIENCE, at=self.sim.now)
                assert not verdict.ok, f"{name} has the revoked key {key_id} again"
                for workload in self.claimed() if self.settled else ():
                    if workload.agent.server is server:
                        refused = self.ask(workload.validate_jwt_svid, forged, audience=AUDIENCE) is None
                        assert refused, f"{workload.name} accepts what the revoked key {key_id} signed"


def _accepts(workload: Workload, svid: X509Svid) -> bool:
    try:
        workload.validate_x509_svid(svid)
    except NoIdentityIssued:
        raise
    except SpiffeSimError:
        return False
    return True


def _root_of(svid: X509Svid) -> str:
    """The subject key ID of the root above a chain, in hexadecimal."""
    return (read_certificate(svid.chain[-1]).authority_key_id or b"").hex()
