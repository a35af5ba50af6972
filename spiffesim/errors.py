"""Every exception that leaves spiffesim, in one tree.

::

    SpiffeSimError
    ├── InvalidInput (also a ValueError)
    │   ├── InvalidSpiffeId
    │   ├── InvalidTrustDomain
    │   ├── InvalidSvid
    │   ├── InvalidBundle
    │   ├── InvalidEntry
    │   ├── InvalidConfiguration
    │   └── InvalidTopology
    ├── ClockError
    ├── Refused                 .status .message: the simulated SPIRE said no
    │   ├── AttestationFailed
    │   ├── NoIdentityIssued
    │   ├── NotAuthorized
    │   ├── NoActiveAuthority
    │   ├── NotFound
    │   ├── AlreadyExists
    │   └── Unavailable
    ├── PluginError
    │   ├── UnknownPlugin
    │   ├── WrongCardinality
    │   └── NotSupported
    └── ValidationError         .code .clause .verdict
        ├── Malformed
        ├── UntrustedDomain
        ├── UnknownAuthority
        ├── BadSignature
        ├── Expired
        ├── NotYetValid
        ├── WrongAudience
        ├── ConstraintViolation
        └── UnexpectedPeer
    SpiffeSimWarning (a UserWarning)
    └── RealTimeWarning

Each error carries ``code`` (a stable name), ``clause`` (the section of the standard that it
rests on, or None) and its facts as attributes, and pickles with all of them.
"""

from __future__ import annotations

from typing import Any, ClassVar


class SpiffeSimError(Exception):
    """The base of every error of this library.

    Args:
        message: What happened, to whom, by how much, and what to do next.
        code: A stable name for programs; defaults to the name of the class' kind.
        clause: The section of a standard, such as ``"X509-SVID 5.2"``.
        **facts: What the message was made of; each becomes an attribute.
    """

    default_code: ClassVar[str] = "error"

    def __init__(self, message: str, *, code: str | None = None, clause: str | None = None, **facts: Any) -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.clause = clause
        self.__dict__.update(facts)

    def __getattr__(self, name: str) -> Any:
        # Only here so that type checkers let callers read the facts.
        raise AttributeError(f"{type(self).__name__} carries no fact {name!r}")


class InvalidInput(SpiffeSimError, ValueError):
    """A value handed to the library is not what it has to be."""

    default_code = "invalid_input"


class InvalidSpiffeId(InvalidInput):
    """A text is not a SPIFFE ID."""

    default_code = "invalid_spiffe_id"


class InvalidTrustDomain(InvalidInput):
    """A text is not the name of a trust domain."""

    default_code = "invalid_trust_domain"


class InvalidSvid(InvalidInput):
    """Bytes or text cannot be read as an SVID, or its key does not belong to it."""

    default_code = "invalid_svid"


class InvalidBundle(InvalidInput):
    """A bundle document or bundle map cannot be accepted."""

    default_code = "invalid_bundle"


class InvalidEntry(InvalidInput):
    """A registration entry could not even be formed (before any server saw it)."""

    default_code = "invalid_entry"


class InvalidConfiguration(InvalidInput):
    """A configuration says something that cannot be built."""

    default_code = "invalid_configuration"


class InvalidTopology(InvalidInput):
    """A graph is not a deployment: cyclic, two-rooted, empty, or with equal names."""

    default_code = "invalid_topology"


class ClockError(SpiffeSimError):
    """Virtual time does not go backwards, nor beyond the year 9999."""

    default_code = "clock"


class Refused(SpiffeSimError):
    """The simulated system said no.

    Attributes:
        status: The name of the gRPC status code, such as ``"PERMISSION_DENIED"``.
        message: SPIRE's own text, verbatim.
        detail: SPIRE's reason where it travels beside the message (``"AGENT_BANNED"``), or None.
    """

    default_code = "refused"

    def __init__(
        self,
        message: str,
        *,
        status: str,
        hint: str | None = None,
        detail: str | None = None,
        code: str | None = None,
        clause: str | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(message if hint is None else f"{message} ({hint})", code=code, clause=clause, **facts)
        self.status = status
        self.message = message
        self.hint = hint
        self.detail = detail

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[SpiffeSimError], args: tuple[Any, ...], facts: dict[str, Any]) -> SpiffeSimError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(facts)
    return error


class AttestationFailed(Refused):
    """A node or a workload could not prove what it is."""

    default_code = "attestation_failed"


class NoIdentityIssued(Refused):
    """No registration entry gives this workload an identity (``no identity issued``)."""

    default_code = "no_identity_issued"


class NotAuthorized(Refused):
    """The caller may not call this method."""

    default_code = "not_authorized"


class NoActiveAuthority(Refused):
    """The server has no authority to sign with."""

    default_code = "no_active_authority"


class NotFound(Refused):
    """What the call names does not exist."""

    default_code = "not_found"


class AlreadyExists(Refused):
    """What the call would create is already there.

    Attributes:
        existing: What is there, where SPIRE returns it.
    """

    default_code = "already_exists"


class Unavailable(Refused):
    """The service cannot answer now."""

    default_code = "unavailable"


class PluginError(SpiffeSimError):
    """A plugin is unknown, there are too many or too few of a kind, or it cannot do what is asked."""

    default_code = "plugin"


class UnknownPlugin(PluginError):
    """SPIRE has no plugin of this kind and name."""

    default_code = "unknown_plugin"


class WrongCardinality(PluginError):
    """A kind of plugin that must be there once is missing or there twice."""

    default_code = "wrong_cardinality"


class NotSupported(PluginError):
    """The plugin does not implement this method (gRPC UNIMPLEMENTED)."""

    default_code = "not_supported"


class ValidationError(SpiffeSimError):
    """A document was judged and refused.

    Attributes:
        code: The name of the first rule that failed, as in the verdict.
        clause: The section that the rule comes from.
        verdict: The whole judgement, every rule with its answer.
    """

    default_code = "invalid"


class Malformed(ValidationError):
    """The document is not well-formed."""

    default_code = "malformed"


class UntrustedDomain(ValidationError):
    """No bundle is held for the trust domain of the SVID."""

    default_code = "untrusted_domain"


class UnknownAuthority(ValidationError):
    """Nothing in the bundle of the trust domain could have issued the document."""

    default_code = "unknown_authority"


class BadSignature(ValidationError):
    """A signature does not verify."""

    default_code = "bad_signature"


class Expired(ValidationError):
    """The document, or one that it hangs on, is past its end.

    Attributes:
        not_after: The end, an aware UTC datetime.
        at: The instant of the judgement.
    """

    default_code = "expired"


class NotYetValid(ValidationError):
    """The document, or one that it hangs on, has not begun.

    Attributes:
        not_before: The beginning, an aware UTC datetime.
        at: The instant of the judgement.
    """

    default_code = "not_yet_valid"


class WrongAudience(ValidationError):
    """The token was made for somebody else."""

    default_code = "wrong_audience"


class ConstraintViolation(ValidationError):
    """The document is well-formed and signed, but breaks a rule of its profile."""

    default_code = "constraint_violation"


class UnexpectedPeer(ValidationError):
    """The document is valid, but it is not of somebody that we talk to.

    Attributes:
        spiffe_id: Whose it is.
    """

    default_code = "unexpected_peer"


class SpiffeSimWarning(UserWarning):
    """The base of every warning of this library."""


class RealTimeWarning(SpiffeSimWarning):
    """``ssl`` uses real time, and this document is outside real time."""
