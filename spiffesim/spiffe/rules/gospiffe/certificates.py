"""The profile ``go-spiffe`` of X.509-SVIDs: what ``x509svid.Verify`` of go-spiffe 2.8 does not ask.

It looks at the leaf's URI, its CA flag and two bits of its key usage, and leaves the rest to the path validation of Go's
``crypto/x509``, for any purpose. So the rules of ours that are named here are not asked; all others are, since it or Go
asks them, too. (``x509svid.Parse`` asks for more than ``Verify``: for a path, and for a key usage.)

Not followed is where Go differs in how it reads: it takes ``SPIFFE://`` and an empty fragment in a URI, serial numbers of
more than 20 octets, RSA keys from 1024 bits on, and critical policies; and it refuses keys on secp256k1, chains that take
more than 100 signature checks, and constraints on names that are not hosts.

go-spiffe: svid/x509svid/verify.go
"""

from __future__ import annotations

from typing import Final

import attrs

from spiffesim.spiffe.rules.x509 import X509_SVID as BY_THE_LETTER
from spiffesim.spiffe.verdict import Rulebook
from spiffesim.spiffe.x509.certificate import Anchors, Certificate
from spiffesim.spiffe.x509.problems import Problem, issuer_problems, leaf_problems

NOT_ASKED: Final = frozenset(
    {
        # of the leaf
        "spiffe_id_path",
        "key_usage_present",
        "key_usage_critical",
        "digital_signature",
        "extended_key_usage",
        "critical_names",
        # of issuers
        "issuer_key_usage",
        "issuer_usage_critical",
        "issuer_one_uri",
        "issuer_spiffe_id",
        "issuer_without_path",
        # of any certificate
        "issuer_name",
        "validity_encoding",
    }
)

X509_SVID: Final = Rulebook(
    "x509-svid/go-spiffe",
    [
        attrs.evolve(rule, needs=tuple(name for name in rule.needs if name not in NOT_ASKED))
        for rule in BY_THE_LETTER.rules
        if rule.name not in NOT_ASKED
    ],
)


def read_certificate(certificate: Certificate) -> Certificate:
    """A certificate of which only the problems are known that go-spiffe sees."""
    seen = Certificate(certificate.der)
    seen.leaf_problems = _seen(leaf_problems(seen))
    seen.issuer_problems = _seen(issuer_problems(seen))
    return seen


def read_anchors(anchors: Anchors) -> Anchors:
    """The authorities of a bundle, likewise."""
    return Anchors(map(read_certificate, anchors.certificates))


def _seen(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    return tuple(problem for problem in problems if problem.rule not in NOT_ASKED)
