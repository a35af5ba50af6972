"""What a lifecycle is run against: a deployment, as operators and workloads see it, and a validator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol, TypeAlias

import attrs

from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.markup import pretty_fields
from spiffesim.spiffe.validation import validate_jwt_svid, validate_x509_svid

X509Judge: TypeAlias = Callable[[Sequence[bytes], Sequence[SpiffeBundle], datetime], object]
"""Takes certificates as DER (the leaf first), bundles and an instant; returns the SPIFFE ID, or raises."""

JwtJudge: TypeAlias = Callable[[str, Sequence[SpiffeBundle], str, datetime], object]
"""Takes a token, bundles, an audience and an instant; returns the SPIFFE ID, or raises."""


def _x509_svid(chain: Sequence[bytes], bundles: Sequence[SpiffeBundle], at: datetime) -> object:
    return validate_x509_svid(chain, bundles, at=at)


def _jwt_svid(token: str, bundles: Sequence[SpiffeBundle], audience: str, at: datetime) -> object:
    return validate_jwt_svid(token, bundles, audience=audience, at=at)


@attrs.frozen(kw_only=True)
class Validator:
    """A validator under test. What is left out is this library's own.

    Attributes:
        x509_svid: A function of certificates as DER (the leaf first), bundles and an instant: returns the SPIFFE ID,
            as text or as anything whose text it is, or raises.
        jwt_svid: The same for tokens: a function of a token, bundles, an audience and an instant.
        refuses: The exceptions by which they refuse, besides this library's; any other is a defect.
        leeway: How long after its end a token may still be accepted.

    Example:
        >>> from spiffesim.strategies.lifecycle import Lifecycle, Validator
        >>> def credulous(chain, bundles, at):
        ...     return "spiffe://example.org/root"
        >>> class Credulous(Lifecycle):
        ...     validator = Validator(x509_svid=credulous)
    """

    x509_svid: X509Judge = _x509_svid
    jwt_svid: JwtJudge = _jwt_svid
    refuses: tuple[type[Exception], ...] = (ValueError,)
    leeway: timedelta = timedelta(0)

    _repr_pretty_ = pretty_fields


class X509Documents(NamedTuple):
    """What a workload fetches.

    Attributes:
        chain: Certificates as DER, the leaf first, without the root.
        private_key: The private key of the leaf, as PKCS#8 DER.
    """

    chain: Sequence[bytes]
    private_key: bytes


class Authorities(NamedTuple):
    """Which authorities an operator has tainted.

    Attributes:
        x509: The subject key identifier of the root, in lower-case hexadecimal; empty for none.
        jwt: The key ID of the JWT key; empty for none.
    """

    x509: str
    jwt: str


class System(Protocol):
    """A deployment under test. Implement this for a system of your own, in whatever language it is written.

    It begins with one server, named ``root``. Servers and workloads go by names; a workload's is the path of its
    SPIFFE ID, and each has an agent to itself. What cannot be done is refused with one of ``refuses``.

    Attributes:
        trust_domain: The name of the trust domain.
        refuses: The exceptions by which it refuses; any other is a defect.
    """

    trust_domain: str
    refuses: tuple[type[Exception], ...]

    @property
    def now(self) -> datetime:
        """The true present instant, aware."""
        ...

    # Operators

    def nest(self, parent: str, name: str) -> None:
        """Nest a server below another one."""
        ...

    def register(self, server: str, workload: str) -> None:
        """Attest an agent, register a workload on it, and start that."""
        ...

    def deregister(self, workload: str) -> None:
        """Delete what a workload was registered with; its process runs on."""
        ...

    def rotate(self, server: str) -> None:
        """Replace the X.509 and the JWT authority of a server: new ones are known everywhere before they sign."""
        ...

    def taint(self, server: str) -> Authorities:
        """Taint the JWT key that signed before the last rotation, and at the root server the X.509 authority, too."""
        ...

    def revoke(self) -> None:
        """Revoke at the root server what was tainted there last; no rotation has come in between."""
        ...

    # Faults

    def advance(self, seconds: int) -> None:
        """Let time pass."""
        ...

    def cut(self, node: str) -> None:
        """Cut a nested server from the one above, or the agent of a workload from its server."""
        ...

    def skew(self, workload: str, seconds: int) -> None:
        """Set the clock of a workload's agent ahead, or, if negative, behind."""
        ...

    def heal(self, node: str) -> None:
        """Undo what was cut, and set the clock right."""
        ...

    # Looks

    def sequence_number(self, server: str) -> int:
        """The sequence number of a server's bundle."""
        ...

    def fetch_x509_svid(self, workload: str) -> X509Documents:
        """What the Workload API gives a workload."""
        ...

    def fetch_jwt_svid(self, workload: str, audience: str) -> str:
        """The token that the Workload API gives a workload."""
        ...

    def fetch_bundles(self, workload: str) -> Sequence[SpiffeBundle]:
        """The bundles that the Workload API gives a workload, X.509 and JWT authorities together."""
        ...

    def validate_x509_svid(self, workload: str, chain: Sequence[bytes]) -> str:
        """The SPIFFE ID of a peer's chain, as a workload judges it by its own bundles and its agent's clock."""
        ...

    def validate_jwt_svid(self, workload: str, token: str, audience: str) -> str:
        """The same for a peer's token, as the workload's agent judges it."""
        ...
