"""Maps of bundles, and which bundle answers for an SVID: that of its own trust domain, and no other.

There is no merged pool of roots here.

Spec: SPIFFE Trust Domain and Bundle 5
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, TypeAlias

import attrs

from spiffesim.errors import InvalidBundle, InvalidInput, InvalidTrustDomain
from spiffesim.spiffe import jwks
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.jose import jsontext
from spiffesim.spiffe.jose.jsontext import kind_of
from spiffesim.spiffe.markup import pretty_lines
from spiffesim.spiffe.requirements import clause_of


def _all(bundles: Iterable[SpiffeBundle]) -> tuple[SpiffeBundle, ...]:
    return tuple(_each(bundles))


@attrs.frozen(slots=False, repr=False)
class BundleMap:
    """Bundles by trust domain, in the order given.

    Args:
        bundles: At most one a trust domain.

    Raises:
        InvalidBundle: If two are of the same trust domain.

    Spec: SPIFFE Trust Domain and Bundle 5
    """

    bundles: tuple[SpiffeBundle, ...] = attrs.field(default=(), converter=_all)

    def __attrs_post_init__(self) -> None:
        if len(self._by_name) != len(self.bundles):
            raise _duplicate(jsontext.repeated(bundle.trust_domain.name for bundle in self.bundles))

    @classmethod
    def parse(cls, data: bytes | str) -> BundleMap:
        """Read a bundle map document; all of it or nothing.

        The refresh hints of the bundles in it mean nothing, and are left out.

        Args:
            data: The JSON text, at most 4 MiB of it.

        Raises:
            InvalidBundle: If it, a name, or a bundle in it is broken, or a name comes twice; the code is the rule
                of :func:`examine_bundle_map` that failed.

        Spec: SPIFFE Trust Domain and Bundle 5.1
        """
        return cls.of_document(read_document(data))

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> BundleMap:
        """The map in the object of a document; see `parse`.

        Raises:
            InvalidBundle: Likewise.
        """
        if "trust_domains" not in document:
            raise _refuse_map("trust_domains", "its trust_domains are missing; they may be an empty object")
        inside = document["trust_domains"]
        if not isinstance(inside, dict):
            raise _refuse_map("trust_domains_object", f"its trust_domains are {kind_of(inside)}, not an object")
        return cls(_member(name, bundle) for name, bundle in inside.items())

    def marshal(self) -> bytes:
        """The bundle map document, without the bundles' refresh hints, which mean nothing in a map."""
        inside = {}
        for bundle in self.bundles:
            inside[bundle.trust_domain.name] = document = bundle.document()
            document.pop("spiffe_refresh_hint", None)
        return jsontext.write_json({"trust_domains": inside}, indent=4) + b"\n"

    @cached_property
    def _by_name(self) -> Mapping[str, SpiffeBundle]:
        return {bundle.trust_domain.name: bundle for bundle in self.bundles}

    def get(self, trust_domain: TrustDomain | str) -> SpiffeBundle | None:
        """The bundle of a trust domain, or None."""
        return self._by_name.get(TrustDomain.parse(trust_domain).name)

    def __iter__(self) -> Iterator[SpiffeBundle]:
        return iter(self.bundles)

    def __len__(self) -> int:
        return len(self.bundles)

    def __getstate__(self) -> dict[str, Any]:
        return {"bundles": self.bundles}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        return f"<BundleMap {', '.join(self._by_name)}>"

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.bundles))

    def _repr_html_(self) -> str:
        return "".join(bundle._repr_html_() for bundle in self.bundles)

    _repr_pretty_ = pretty_lines


Bundles: TypeAlias = SpiffeBundle | BundleMap | Iterable[SpiffeBundle]
"""What the functions that validate take: a bundle, a map of them, or any iterable of them."""


def bundle_for(bundles: Bundles, trust_domain: TrustDomain) -> SpiffeBundle | None:
    """The one bundle that may answer for a trust domain, or None.

    Raises:
        InvalidInput: If something in there is not a bundle, or two are of the same trust domain.
    """
    if isinstance(bundles, SpiffeBundle):
        return bundles if bundles.trust_domain.name == trust_domain.name else None
    if isinstance(bundles, BundleMap):
        return bundles._by_name.get(trust_domain.name)
    found = None
    for bundle in _each(bundles):
        if bundle.trust_domain.name == trust_domain.name:
            if found is not None:
                raise _duplicate(trust_domain.name)
            found = bundle
    return found


def _each(bundles: object) -> Iterator[SpiffeBundle]:
    if not isinstance(bundles, Iterable) or isinstance(bundles, bytes | str):
        raise InvalidInput(
            f"bundles are a SpiffeBundle, a BundleMap or an iterable of them, not {type(bundles).__name__}"
        )
    for bundle in bundles:
        if not isinstance(bundle, SpiffeBundle):
            raise InvalidInput(f"there is a {type(bundle).__name__} among the bundles, not a SpiffeBundle")
        yield bundle


def _duplicate(name: str) -> InvalidBundle:
    return InvalidBundle(
        f"there are two bundles of {name}, so which is to be trusted is not known",
        code="unique_trust_domains",
        clause=clause_of("unique_trust_domains"),
        trust_domain=name,
    )


def read_document(data: bytes | str) -> dict[str, Any]:
    """The object of a bundle map document.

    Raises:
        InvalidBundle: If there is none, or if a trust domain comes twice in it.
    """
    try:
        return jwks.read_document("a bundle map", data)
    except InvalidBundle as error:
        if error.code == "unique_members" and jsontext.repeats(data, "trust_domains"):
            code = "unique_trust_domains"
            raise InvalidBundle(f"{error}, so which to trust is not known", code=code, clause=clause_of(code)) from None
        raise


def _refuse_map(code: str, reason: str) -> InvalidBundle:
    return InvalidBundle(f"the bundle map cannot be read: {reason}", code=code, clause=clause_of(code))


def _member(name: str, document: object) -> SpiffeBundle:
    try:
        trust_domain = TrustDomain(name)
    except InvalidTrustDomain as error:
        raise _refuse_map(error.code, f"{error}") from None
    if not isinstance(document, dict):
        raise _refuse_map("bundle_object", f"the bundle of {name} is {kind_of(document)}, not an object")
    try:
        return SpiffeBundle(trust_domain, **{**jwks.read_bundle(document), "refresh_hint": None})
    except InvalidBundle as error:
        facts = {"index": error.index} if hasattr(error, "index") else {}
        raise InvalidBundle(
            f"in the bundle of {name}: {error}", code=error.code, clause=error.clause, trust_domain=name, **facts
        ) from None
