"""Local authorities: what an operator does to a server's own CA and JWT keys, out of turn.

SPIRE: pkg/server/api/localauthority/v1/service.go
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from spiffesim.authorization import OPERATOR, Caller
from spiffesim.chain import CertificateLike
from spiffesim.errors import Refused, SpiffeSimError
from spiffesim.ledger import X509Element
from spiffesim.server.api import Service
from spiffesim.server.api.authoritystate import AuthorityState, AuthorityStates
from spiffesim.server.slots import ACTIVE, OLD, PREPARED, Slot, Slots
from spiffesim.spiffe.x509svid import X509Svid


class LocalAuthorityService(Service):
    """The local authority service."""

    def let_agents_catch_up(self) -> None:
        """Let its agents do what they would have done by now, before something changes here."""
        raise NotImplementedError  # the server does it, which all services together make up

    def notify_tainted(self, roots: Sequence[CertificateLike]) -> None:
        """Renew its own SVID at the next check, if that leads to one of these tainted roots."""
        raise NotImplementedError  # the server does it, which all services together make up

    def leave_tainted(self) -> None:
        """Hand roots that the server above has tainted to the worker that leads away from them."""
        raise NotImplementedError  # the server does it, which all services together make up

    # X.509

    def get_x509_authority_state(self, *, caller: Caller | X509Svid = OPERATOR) -> AuthorityStates:
        """The X.509 authorities (``spire-server localauthority x509 show``).

        Raises:
            Refused: UNAVAILABLE, before the first one is active.
        """
        self.authorize("get_x509_authority_state", caller)
        return self._states(self.keyring.x509)

    def prepare_x509_authority(self, *, caller: Caller | X509Svid = OPERATOR) -> AuthorityState:
        """Prepare a CA, in place of what is prepared or old.

        Its root is in the bundle from now on; what signed before can no longer be tainted or revoked here.

        Raises:
            Refused: UNAVAILABLE, before the first one is active; INTERNAL, if no CA can be had.
        """
        self.authorize("prepare_x509_authority", caller)
        return self._prepare(self.keyring.x509, "X.509")

    def activate_x509_authority(
        self, authority_id: str = "", *, caller: Caller | X509Svid = OPERATOR
    ) -> AuthorityState:
        """Let the prepared CA sign from now on.

        Args:
            authority_id: Its ID.
            caller: Who calls.

        Raises:
            Refused: INVALID_ARGUMENT for any other ID; INTERNAL, if it is no longer prepared.
        """
        self.authorize("activate_x509_authority", caller)
        return self._activate(self.keyring.x509, authority_id)

    def taint_x509_authority(self, authority_id: str = "", *, caller: Caller | X509Svid = OPERATOR) -> AuthorityState:
        """Mark the root that signed before as tainted: whoever has an SVID that leads to it renews it.

        Args:
            authority_id: Its ID.
            caller: Who calls.

        Raises:
            Refused: FAILED_PRECONDITION, if the server has an upstream authority; INVALID_ARGUMENT for any ID but
                that of the old authority; INTERNAL, if it is tainted already.
        """
        self.authorize("taint_x509_authority", caller)
        self._check_root("tainted")
        old = self._check_taintable(self.keyring.x509, authority_id)
        self._change("failed to taint X.509 authority", self.view.taint_x509, authority_id)
        self._notify(authority_id)
        self.note("X.509 authority tainted successfully", local_authority_id=authority_id)
        return AuthorityState.of(old)

    def revoke_x509_authority(self, authority_id: str = "", *, caller: Caller | X509Svid = OPERATOR) -> AuthorityState:
        """Remove the root that signed before, and is tainted, from the bundle.

        Args:
            authority_id: Its ID.
            caller: Who calls.

        Raises:
            Refused: FAILED_PRECONDITION, if the server has an upstream authority; INVALID_ARGUMENT for any ID but
                that of the old authority; INTERNAL, if it is not tainted.
        """
        self.authorize("revoke_x509_authority", caller)
        self._check_root("revoked")
        slots = self.keyring.x509
        problem = ""
        if not authority_id:
            problem = "no authority ID provided"
        elif authority_id == slots.current.authority_id:
            problem = "unable to use current authority"
        elif authority_id != slots.next.authority_id or slots.next.status != OLD:
            problem = "only Old local authority can be revoked"
        self._check("invalid authority ID", problem)
        self._change("failed to revoke X.509 authority", self.view.revoke_x509, authority_id)
        self.note("X.509 authority revoked successfully", local_authority_id=authority_id)
        return AuthorityState(authority_id)

    def taint_x509_upstream_authority(self, subject_key_id: str = "", *, caller: Caller | X509Svid = OPERATOR) -> str:
        """Mark the root that signed this server's old CA as tainted (``spire-server upstreamauthority taint``).

        Args:
            subject_key_id: Its subject key identifier, in hexadecimal.
            caller: Who calls.

        Returns:
            The subject key identifier in lower case.

        Raises:
            Refused: FAILED_PRECONDITION without an upstream authority; INVALID_ARGUMENT, if it did not sign the old
                CA; INTERNAL, if it is not in the bundle, or tainted already.
        """
        self.authorize("taint_x509_upstream_authority", caller)
        key_id = self._check_upstream("provided subject key id is not valid", subject_key_id)
        self._change("failed to taint upstream authority", self.view.taint_x509, key_id)
        self._notify(key_id)
        self.note("X.509 upstream authority tainted successfully", subject_key_id=subject_key_id)
        return key_id

    def revoke_x509_upstream_authority(self, subject_key_id: str = "", *, caller: Caller | X509Svid = OPERATOR) -> str:
        """Remove the root that signed this server's old CA, and is tainted, from the bundle.

        Args:
            subject_key_id: Its subject key identifier, in hexadecimal.
            caller: Who calls.

        Returns:
            The subject key identifier in lower case.

        Raises:
            Refused: As for the taint; INTERNAL, if it is not tainted.
        """
        self.authorize("revoke_x509_upstream_authority", caller)
        key_id = self._check_upstream("invalid subject key ID", subject_key_id)
        self._change("failed to revoke X.509 upstream authority", self.view.revoke_x509, key_id)
        self.note("X.509 upstream authority successfully revoked", subject_key_id=subject_key_id)
        return key_id

    def _check_root(self, what: str) -> None:
        if self.keyring.upstream is not None:
            raise Refused(
                f"local authority can't be {what} if there is an upstream authority",
                status="FAILED_PRECONDITION",
                hint=f"{self.name} has the upstream authority {self.keyring.upstream.name}; taint and revoke at the root",
            )

    def _check_upstream(self, prefix: str, subject_key_id: str) -> str:
        """The subject key identifier in lower case, if it is that of who signed the old CA."""
        if self.keyring.upstream is None:
            raise Refused("upstream authority is not configured", status="FAILED_PRECONDITION", hint=self.name)
        key_id = subject_key_id.lower()
        current, following = self.keyring.x509.current, self.keyring.x509.next
        problem = ""
        if not key_id:
            problem = "no subject key ID provided"
        elif key_id == current.upstream_authority_id:
            problem = "unable to use upstream authority singing current authority"  # so spelled
        elif key_id != following.upstream_authority_id:
            problem = "upstream authority didn't sign the old local authority"
        elif following.status == PREPARED:
            problem = "only upstream authorities signing an old authority can be used"
        self._check(prefix, problem)
        return key_id

    def _notify(self, key_id: str) -> None:
        self.notify_tainted(
            [root for root in self.view.tainted_roots if X509Element(root).subject_key_id == key_id][:1]
        )

    # JWT

    def get_jwt_authority_state(self, *, caller: Caller | X509Svid = OPERATOR) -> AuthorityStates:
        """The JWT authorities (``spire-server localauthority jwt show``).

        Raises:
            Refused: UNIMPLEMENTED, if JWT-SVIDs are disabled; UNAVAILABLE, before the first one is active.
        """
        self.authorize("get_jwt_authority_state", caller)
        self.ca.check_jwt_svids()
        return self._states(self.keyring.jwt)

    def prepare_jwt_authority(self, *, caller: Caller | X509Svid = OPERATOR) -> AuthorityState:
        """Prepare a JWT key, in place of what is prepared or old, and publish it up to the top.

        Raises:
            Refused: UNIMPLEMENTED, if JWT-SVIDs are disabled; UNAVAILABLE, before the first one is active; INTERNAL,
                if it cannot be published.
        """
        self.authorize("prepare_jwt_authority", caller)
        self.ca.check_jwt_svids()
        return self._prepare(self.keyring.jwt, "JWT")

    def activate_jwt_authority(self, authority_id: str = "", *, caller: Caller | X509Svid = OPERATOR) -> AuthorityState:
        """Let the prepared JWT key sign from now on.

        Args:
            authority_id: Its key ID.
            caller: Who calls.

        Raises:
            Refused: UNIMPLEMENTED, if JWT-SVIDs are disabled; INVALID_ARGUMENT for any other ID; INTERNAL, if it is
                no longer prepared.
        """
        self.authorize("activate_jwt_authority", caller)
        self.ca.check_jwt_svids()
        return self._activate(self.keyring.jwt, authority_id)

    def taint_jwt_authority(self, authority_id: str = "", *, caller: Caller | X509Svid = OPERATOR) -> AuthorityState:
        """Mark the JWT key that signed before as tainted, in this server's bundle: agents drop its tokens.

        Args:
            authority_id: Its key ID.
            caller: Who calls.

        Raises:
            Refused: UNIMPLEMENTED, if JWT-SVIDs are disabled; INVALID_ARGUMENT for any ID but that of the old key;
                INTERNAL, if it is tainted already.
        """
        self.authorize("taint_jwt_authority", caller)
        self.ca.check_jwt_svids()
        self._check_taintable(self.keyring.jwt, authority_id)
        self._change("failed to taint JWT authority", self.view.taint_jwt, authority_id)
        self.note("JWT authority tainted successfully", local_authority_id=authority_id)
        return AuthorityState(authority_id)

    def revoke_jwt_authority(self, authority_id: str = "", *, caller: Caller | X509Svid = OPERATOR) -> AuthorityState:
        """Remove a tainted JWT key from this server's bundle: the old one, or any other that is there.

        Args:
            authority_id: Its key ID.
            caller: Who calls.

        Raises:
            Refused: UNIMPLEMENTED, if JWT-SVIDs are disabled; INVALID_ARGUMENT for the current and the prepared key
                and for one that is not there; INTERNAL, if it is not tainted.
        """
        self.authorize("revoke_jwt_authority", caller)
        self.ca.check_jwt_svids()
        slots = self.keyring.jwt
        problem = ""
        if not authority_id:
            problem = "no authority ID provided"
        elif authority_id == slots.next.authority_id:
            problem = "unable to use a prepared key" if slots.next.status == PREPARED else ""
        elif authority_id == slots.current.authority_id:
            problem = "unable to use current authority"
        elif authority_id not in {authority.key_id for authority in self.view.jwt_authorities}:
            problem = "no JWT authority found with provided authority ID"
        self._check("invalid authority ID", problem)
        self._change("failed to revoke JWT authority", self.view.revoke_jwt, authority_id)
        self.note("JWT authority revoked successfully", local_authority_id=authority_id)
        return AuthorityState(authority_id)

    # Of both kinds

    def _states(self, slots: Slots) -> AuthorityStates:
        self._check_active(slots)
        return AuthorityStates.of(slots)

    def _check_active(self, slots: Slots) -> None:
        if slots.current.status != ACTIVE:
            raise Refused("server is initializing", status="UNAVAILABLE", hint=f"{self.name} has no active authority")

    def _prepare(self, slots: Slots, name: str) -> AuthorityState:
        self._check_active(slots)
        try:
            self.keyring.prepare(slots, self.now)
        except SpiffeSimError as error:
            message, hint = (error.message, error.hint) if isinstance(error, Refused) else (str(error), None)
            raise Refused(f"failed to prepare {name} authority: {message}", status="INTERNAL", hint=hint) from error
        finally:
            self.changed()  # even what failed has emptied the slot
        self.leave_tainted()
        return AuthorityState.of(slots.next)

    def _activate(self, slots: Slots, authority_id: str) -> AuthorityState:
        self._check_next(slots, authority_id)
        if slots.next.status != PREPARED:
            raise self._unsupported("only Prepared authorities can be activated", slots.next, "INTERNAL")
        self.let_agents_catch_up()
        self.keyring.activate_next(slots, self.now)
        self.changed()
        return AuthorityState.of(slots.current)

    def _check_taintable(self, slots: Slots, authority_id: str) -> Slot:
        if authority_id and authority_id == slots.current.authority_id:
            raise self._invalid("unable to taint current local authority", "prepare and activate another one first")
        self._check_next(slots, authority_id)
        if slots.next.status != OLD:
            raise self._unsupported("only Old local authorities can be tainted", slots.next, "INVALID_ARGUMENT")
        return slots.next

    def _check_next(self, slots: Slots, authority_id: str) -> None:
        if not authority_id:
            raise self._invalid("no authority ID provided")
        if authority_id != slots.next.authority_id:
            there = f"there is {slots.next.authority_id}" if slots.next.authority_id else "there is none"
            raise self._invalid("unexpected authority ID", f"besides the current authority {there}")

    def _check(self, prefix: str, problem: str) -> None:
        if problem:
            raise self._invalid(f"{prefix}: {problem}")

    def _invalid(self, message: str, advice: str = "") -> Refused:
        hint = f"server {self.name}{advice and f': {advice}'}"
        return Refused(message, status="INVALID_ARGUMENT", hint=hint)

    def _unsupported(self, message: str, slot: Slot, status: str) -> Refused:
        return Refused(
            f"{message}: unsupported local authority status: {slot.status}", status=status, hint=f"server {self.name}"
        )

    def _change(self, failure: str, change: Callable[[str], object], authority_id: str) -> None:
        """Change the bundle, and let those know who fetch it."""
        try:
            change(authority_id)
        except Refused as refusal:
            raise Refused(f"{failure}: {refusal.message}", status="INTERNAL", hint=refusal.hint) from refusal
        self.changed()
