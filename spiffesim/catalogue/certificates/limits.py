"""What can go beyond the limits that an issuer sets: how many issuers stand below it, and which names."""

from __future__ import annotations

from typing import Final

from spiffesim.catalogue.certificates.chain import Chain
from spiffesim.catalogue.certificates.draft import (
    ALTERNATIVE_NAMES,
    BASIC_CONSTRAINTS,
    NAME_CONSTRAINTS,
    Draft,
    address,
    ca,
    directory,
    dns,
    uri,
)
from spiffesim.catalogue.shelf import Shelf
from spiffesim.profiles import ca_subject, svid_subject
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.rules.x509 import X509_SVID
from spiffesim.spiffe.x509 import der

LIMITS: Final = Shelf[Chain](X509_SVID)

_HOST_CLAUSE: Final = "RFC 5280 4.2.1.10"


def _limit(issuer: Draft, path_length: int) -> None:
    issuer.put(BASIC_CONSTRAINTS, ca(path_length), critical=True)


def _constrain(
    issuer: Draft, *, permitted: tuple[bytes, ...] = (), excluded: tuple[bytes, ...] = (), critical: bool = True
) -> None:
    """Give an issuer name constraints: each a general name, and perhaps what follows it."""
    trees = ((0xA0, permitted), (0xA1, excluded))
    value = der.sequence(*(der.tlv(tag, *(der.sequence(base) for base in bases)) for tag, bases in trees if bases))
    issuer.put(NAME_CONSTRAINTS, value, critical=critical)


# Path length


def _root_allows_all(chain: Chain) -> None:
    _limit(chain.root, chain.depth)


@LIMITS("path_length", depth=1, repair=_root_allows_all)
def root_path_length(chain: Chain) -> None:
    """The path length of the root allows one issuer fewer than there are below it."""
    _limit(chain.root, chain.depth - 1)


def _topmost_allows_all(chain: Chain) -> None:
    _limit(chain.topmost, chain.depth - 1)


@LIMITS("path_length", depth=2, repair=_topmost_allows_all)
def intermediate_path_length(chain: Chain) -> None:
    """The path length of the topmost intermediate allows one issuer fewer than there are below it."""
    _limit(chain.topmost, chain.depth - 2)


@LIMITS("path_length", clause="RFC 5280 4.2.1.9", depth=2)
def path_length_of_none(chain: Chain) -> None:
    """The path length of the second-lowest intermediate is 0, and there is one more below it."""
    _limit(chain.draft(2), 0)


@LIMITS("path_length", clause="RFC 5280 6.1.4", depth=1)
def path_length_raised(chain: Chain) -> None:
    """The path length of the root is 0, and the intermediate that it does not allow has a larger one."""
    _limit(chain.root, chain.depth - 1)
    _limit(chain.intermediate, chain.depth + 5)


# Names outside of constraints


@LIMITS("name_constraints", depth=1)
def name_not_permitted_by_intermediate(chain: Chain) -> None:
    """The intermediate above the leaf may give out names of another trust domain only."""
    _constrain(chain.intermediate, permitted=(uri("other.example"),))


@LIMITS("name_constraints")
def name_not_permitted_by_root(chain: Chain) -> None:
    """The root may give out names of another trust domain only."""
    _constrain(chain.root, permitted=(uri("other.example"),))


@LIMITS("name_constraints", clause=_HOST_CLAUSE)
def name_excluded(chain: Chain) -> None:
    """The issuer of the leaf must not give out names of the leaf's trust domain."""
    _constrain(chain.issuer, excluded=(uri("example.org"),))


@LIMITS("name_constraints", clause=_HOST_CLAUSE)
def name_permitted_and_excluded(chain: Chain) -> None:
    """The constraints of the leaf's issuer permit the leaf's trust domain, and exclude all below org."""
    _constrain(chain.issuer, permitted=(uri("example.org"),), excluded=(uri(".org"),))


@LIMITS("name_constraints", clause=_HOST_CLAUSE)
def name_not_below_permitted(chain: Chain) -> None:
    """The constraints of the leaf's issuer permit what is below the leaf's trust domain, and not the domain itself."""
    _constrain(chain.issuer, permitted=(uri(".example.org"),))


@LIMITS("name_constraints", clause=_HOST_CLAUSE)
def name_not_permitted_though_not_critical(chain: Chain) -> None:
    """The leaf's name lies outside of constraints of its issuer that are not critical."""
    _constrain(chain.issuer, permitted=(uri("other.example"),), critical=False)


@LIMITS("name_constraints", clause="RFC 5280 6.1.3", depth=1)
def issuer_name_not_permitted(chain: Chain) -> None:
    """The root may give out names of its trust domain only, and an intermediate has the ID of another one."""
    _constrain(chain.root, permitted=(uri("example.org"),))
    chain.intermediate.name(uri("spiffe://other.example"))


@LIMITS("name_constraints", clause=_HOST_CLAUSE)
def dns_name_not_permitted(chain: Chain) -> None:
    """The leaf has a DNS name beside its ID, and the constraints of its issuer permit other DNS names."""
    chain.leaf.name(uri(chain.spiffe_id), dns("bank.example"))
    _constrain(chain.issuer, permitted=(dns("example.org"), uri("example.org")))


@LIMITS("name_constraints", clause=_HOST_CLAUSE)
def address_held_against_constraint(chain: Chain) -> None:
    """The trust domain is an IP address, which no constraint on hosts can be applied to."""
    chain.spiffe_id = chain.spiffe_id.replace("example.org", "192.0.2.1")
    chain.trust_domain = TrustDomain("192.0.2.1")
    chain.leaf.name(uri(chain.spiffe_id))
    _constrain(chain.issuer, excluded=(uri("other.example"),))


# Constraints that cannot be applied


@LIMITS("name_constraints_known", depth=1)
def directory_constraint_of_intermediate(chain: Chain) -> None:
    """The intermediate above the leaf has a critical constraint on directory names, which the leaf's subject breaks."""
    _constrain(chain.intermediate, permitted=(directory(ca_subject(0)),))


@LIMITS("name_constraints_known")
def directory_constraint_of_root(chain: Chain) -> None:
    """The root has a critical constraint on directory names, which the subject of what it issued breaks."""
    _constrain(chain.root, permitted=(directory(ca_subject(0)),))


@LIMITS("name_constraints_known")
def address_constraint(chain: Chain) -> None:
    """The leaf has an IP address beside its ID, and its issuer a critical constraint that permits others."""
    chain.leaf.name(uri(chain.spiffe_id), address(198, 51, 100, 1))
    _constrain(chain.issuer, permitted=(address(192, 0, 2, 0, 255, 255, 255, 0),))


@LIMITS("name_constraints_known")
def constraint_with_minimum(chain: Chain) -> None:
    """The constraint of the leaf's issuer has a minimum of 1."""
    _constrain(chain.issuer, permitted=(uri("example.org") + der.tlv(0x80, b"\1"),))


@LIMITS("name_constraints_known")
def constraint_with_scheme(chain: Chain) -> None:
    """The constraint of the leaf's issuer is a SPIFFE ID where a host belongs."""
    _constrain(chain.issuer, permitted=(uri("spiffe://example.org"),))


# Oddities


@LIMITS("path_length", clause="RFC 5280 4.2.1.9", answer="accepted")
def path_lengths_exact(chain: Chain) -> None:
    """Every issuer has a path length, which allows exactly the issuers that are below it."""
    for place in range(1, chain.depth + 2):
        _limit(chain.draft(place), place - 1)


@LIMITS("path_length", clause="RFC 5280 4.2.1.9", answer="accepted")
def rollover_below_path_length(chain: Chain) -> None:
    """The leaf's issuer has path length 0, and below it stands a certificate with its name and its next key."""
    _limit(chain.issuer, 0)
    chain.presented.insert(1, _rolled_over(chain))


def _rolled_over(chain: Chain) -> Draft:
    """The certificate of the next key of the leaf's issuer, signed by its key."""
    new = chain.issuer.copy()
    new.issued_by(chain.issuer)
    new.rekey(chain.hierarchy.key("next"))
    new.serial = der.integer(chain.hierarchy.draw("next").serial)
    chain.leaf.issued_by(new)
    return new


@LIMITS("name_constraints", clause="RFC 5280 6.1.3", answer="accepted")
def rollover_outside_constraints(chain: Chain) -> None:
    """A self-issued certificate below the leaf's issuer has a name that its constraints do not permit."""
    new = _rolled_over(chain)
    new.name(uri("spiffe://other.example"))
    chain.presented.insert(1, new)
    _constrain(chain.issuer, permitted=(uri("example.org"),))


@LIMITS("name_constraints", clause="X509-SVID 4.2", answer="accepted")
def name_permitted(chain: Chain) -> None:
    """The constraints of the leaf's issuer permit the leaf's trust domain."""
    _constrain(chain.issuer, permitted=(uri("other.example"), uri("example.org")))


@LIMITS("name_constraints", clause="RFC 5280 7.4", answer="accepted")
def name_permitted_in_upper_case(chain: Chain) -> None:
    """The constraints of the leaf's issuer permit the leaf's trust domain in upper case."""
    _constrain(chain.issuer, permitted=(uri("EXAMPLE.ORG"),))


@LIMITS("name_constraints", clause=_HOST_CLAUSE, answer="accepted")
def names_below_excluded(chain: Chain) -> None:
    """The constraints of the leaf's issuer exclude what is below the leaf's trust domain, and not the domain itself."""
    _constrain(chain.issuer, excluded=(uri(".example.org"), uri("ample.org")))


@LIMITS("name_constraints", clause=_HOST_CLAUSE, answer="accepted")
def names_of_another_form_constrained(chain: Chain) -> None:
    """The constraints of the leaf's issuer permit one DNS name, and the leaf has none."""
    _constrain(chain.issuer, permitted=(dns("other.example"),))


@LIMITS("name_constraints_known", clause=_HOST_CLAUSE, answer="accepted")
def directory_constraint_not_critical(chain: Chain) -> None:
    """The leaf's issuer has a constraint on directory names that is not critical, and that the leaf keeps."""
    _constrain(chain.issuer, permitted=(directory(svid_subject()),), critical=False)


@LIMITS("name_constraints_known", clause=_HOST_CLAUSE, answer="accepted")
def address_constraint_without_address(chain: Chain) -> None:
    """The leaf's issuer has a critical constraint on IP addresses, and there is none below it."""
    _constrain(chain.issuer, permitted=(address(192, 0, 2, 0, 255, 255, 255, 0),))


@LIMITS("name_constraints", clause="X509-SVID 4.2", answer="accepted", depth=1)
def issuer_without_name_below_constraints(chain: Chain) -> None:
    """The root may give out names of the leaf's trust domain only, and no intermediate has an ID."""
    _constrain(chain.root, permitted=(uri("example.org"),))
    for place in range(1, chain.depth + 1):
        chain.draft(place).drop(ALTERNATIVE_NAMES)
