"""The rules of bundle documents and bundle maps, and what their readers pass over.

Spec: SPIFFE Trust Domain and Bundle 4 and 5, X509-SVID 6.2
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from spiffesim.spiffe import jwks
from spiffesim.spiffe import requirements as given
from spiffesim.spiffe.markup import shorten
from spiffesim.spiffe.verdict import Finding, Rule, Rulebook

_TEXT: Final = given.BEFORE_JSON + given.JSON


def _each(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Rules that are asked of each bundle of a map."""
    return tuple(attrs.evolve(rule, scope="part") for rule in rules)


BUNDLE: Final = Rulebook.in_turn(
    "bundle", _TEXT + given.JWK_SET + given.UNICODE + given.KEYS + given.ENTRIES + given.NUMBERS + given.MEMBERS
)
"""The rules of bundle documents."""

BUNDLE_MAP: Final = Rulebook.in_turn(
    "bundle-map",
    (
        *(_TEXT + given.UNIQUE_TRUST_DOMAINS + given.MAP[:1] + given.UNICODE + given.MAP[1:] + given.BUNDLES),
        *_each(given.KEYS + given.ENTRIES + given.NUMBERS + given.MEMBERS),
        *given.INNER_HINT,
    ),
)
"""The rules of bundle maps."""

_MEMBERS: Final = frozenset({"keys", "spiffe_sequence", "spiffe_refresh_hint"})
_KEY: Final = {"EC": frozenset({"kty", "use", "crv", "x", "y"}), "RSA": frozenset({"kty", "use", "n", "e"})}
_OWN: Final = {jwks.X509: "x5c", jwks.JWT: "kid", jwks.WIT: "kid"}


def skipped_in_bundle(document: Mapping[str, Any]) -> Iterator[Finding]:
    """What was ignored in the object of a bundle document that was read."""
    yield from _others("members", "the bundle", document, _MEMBERS, {})
    for index, entry in enumerate(document["keys"]):
        yield from _skipped_in_entry(index, entry)


def skipped_in_map(document: Mapping[str, Any]) -> Iterator[Finding]:
    """What was ignored in the object of a bundle map that was read."""
    yield from _others("members", "the bundle map", document, frozenset({"trust_domains"}), {})
    for name, bundle in document["trust_domains"].items():
        hint = Finding("inner_refresh_hint", "the bundle has a refresh hint, which means nothing in a map")
        for finding in (*(hint,) * ("spiffe_refresh_hint" in bundle), *skipped_in_bundle(bundle)):
            yield attrs.evolve(
                finding,
                detail=f"in the bundle of {name}: {finding.detail}",
                facts={**finding.facts, "trust_domain": name},
            )


def _skipped_in_entry(index: int, entry: Mapping[str, Any]) -> Iterator[Finding]:
    kty: Any = entry.get("kty")
    use: Any = entry.get("use")
    which = f"entry {index} of the bundle"
    facts = {"index": index}
    if not jwks.known(kty, jwks.KEY_TYPES):
        yield Finding("kty", f"{which} is ignored: {_found('kty', entry)}, not EC or RSA", facts=facts)
    elif not jwks.known(use, jwks.USES):
        yield Finding("use", f"{which} is ignored: {_found('use', entry)}, not {', '.join(jwks.USES)}", facts=facts)
    elif use == jwks.X509 and not entry.get("x5c"):
        problem = "is empty" if "x5c" in entry else "is missing"
        yield Finding("x5c_present", f"x509-svid {which} is ignored: its x5c {problem}", facts=facts)
    else:
        if use == jwks.X509 and len(entry["x5c"]) > 1:
            more = len(entry["x5c"]) - 1
            text = f"of x509-svid {which} only the first certificate counts; {more} more are ignored"
            yield Finding("x5c_single", text, facts=facts)
        yield from _others("entry_members", f"{use} {which}", entry, _KEY[kty] | {_OWN[use]}, facts)


def _found(name: str, entry: Mapping[str, Any]) -> str:
    return f"its {name} is {shorten(repr(entry[name]), 40)}" if name in entry else f"its {name} is missing"


def _others(
    rule: str, whose: str, document: Mapping[str, Any], known: frozenset[str], facts: Mapping[str, Any]
) -> Iterator[Finding]:
    """Members that nobody reads: told once, by the first of their names."""
    names = [name for name in document if name not in known]
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        text = f"{whose} has a member {shorten(repr(names[0]), 40)}{more}, which means nothing here"
        yield Finding(rule, text, facts=facts)
