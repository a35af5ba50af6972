"""Records: cases as JSON objects, for files and for validators in other processes.

The members are the attributes of the case: bytes as base64, instants as in RFC 3339, bundles as their keys. A new
kind of case needs nothing here.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

import attrs

from spiffesim import catalogue
from spiffesim.catalogue import (
    KINDS,
    BundleCase,
    BundleMapCase,
    Case,
    Defect,
    JwtSvidCase,
    Kind,
    SpiffeIdCase,
    WitSvidCase,
    X509SvidCase,
)
from spiffesim.errors import InvalidInput, SpiffeSimError
from spiffesim.spiffe.bundle import SpiffeBundle
from spiffesim.spiffe.bundlemap import BundleMap
from spiffesim.spiffe.ids import TrustDomain
from spiffesim.spiffe.proof import Proof

_OURS: Final = ("defect", "number", "twin")  # what every case has, and no validator is told
_DEFAULTS: Final = {"spiffe_id": "", "depth": 0}  # of what is not told either, since it is about the right document
_CLASSES: Final[Mapping[Kind, type[Case]]] = {
    "spiffe-id": SpiffeIdCase,
    "x509-svid": X509SvidCase,
    "jwt-svid": JwtSvidCase,
    "wit-svid": WitSvidCase,
    "bundle": BundleCase,
    "bundle-map": BundleMapCase,
}


def question(case: Case) -> dict[str, Any]:
    """What a validator is told: the document, and what it holds to judge it by; not what is wrong with it.

    Args:
        case: The case.
    """
    told = (name for name in _fields(type(case)) if name not in _DEFAULTS)
    return {"kind": case.kind, **{name: _written(getattr(case, name)) for name in told}}


def record(case: Case) -> dict[str, Any]:
    """All of a case: the question, the right answer, and what is wrong.

    Args:
        case: The case.
    """
    defect = case.defect
    about = {
        "defect": None if defect is None else {name: getattr(defect, name) for name in _DEFECT},
        "number": case.number,
        "repaired": case.twin,
        "right": "accepted" if case.should_pass else "refused",
    }
    hints: dict[str, Any] = {name: getattr(case, name) for name in _DEFAULTS if name in _fields(type(case))}
    return {**about, **question(case), **hints}


def case_of(found: object) -> Case:
    """A case, from its record or from a mere question.

    Args:
        found: A JSON object.

    Raises:
        InvalidInput: If it is neither.
    """
    if not isinstance(found, Mapping):
        raise _invalid(f"a case is a JSON object, not {found!r:.80}")
    kind = found.get("kind")
    if kind not in KINDS:
        raise _invalid(f"a case has a kind ({', '.join(KINDS)}), not {kind!r:.80}")
    defect = found.get("defect")
    about = {
        "defect": None if defect is None else _defect(defect, kind),
        "number": _read(int, found.get("number", 0), "number"),
        "twin": _read(bool, found.get("repaired", False), "repaired"),
    }
    made = _CLASSES[kind]
    hints = get_type_hints(made)
    given: dict[str, Any] = {
        name: _read(hints[name], found.get(name, _DEFAULTS.get(name)), name) for name in _fields(made)
    }
    return made(**about, **given)


def _fields(made: type[Case]) -> tuple[str, ...]:
    """The names of what the cases of this class have, and others have not."""
    return tuple(field.name for field in attrs.fields(made) if field.name not in _OURS)


def _invalid(text: str) -> InvalidInput:
    return InvalidInput(text, code="case")


# Defects

_DEFECT: Final = ("name", "clause", "sentence", "rule", "answer", "depth")


def _defect(found: object, kind: Kind) -> Defect:
    """The defect of the catalogue with this name, or one that somebody else has thought of."""
    if not isinstance(found, Mapping) or not isinstance(found.get("name"), str):
        raise _invalid(f"a defect is a JSON object with a name, not {found!r:.80}")
    known = [one for one in catalogue.defects(kind) + catalogue.oddities(kind) if one.name == found["name"]]
    if known:
        return known[0]
    if found.get("answer", "refused") not in ("refused", "ignored", "accepted"):
        raise _invalid(
            f'the right answer to a defect is "refused", "ignored" or "accepted", not {found["answer"]!r:.80}'
        )
    texts = {name: _read(str, found.get(name, ""), name) for name in ("clause", "sentence", "rule")}
    answer: Any = found.get("answer", "refused")
    return Defect(found["name"], kind, answer=answer, depth=_read(int, found.get("depth", 0), "depth"), **texts)


# Values


def _written(value: object) -> Any:
    """A value as JSON."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, TrustDomain):
        return value.name
    if isinstance(value, BundleMap):
        return [_written(bundle) for bundle in value.bundles]
    if isinstance(value, SpiffeBundle):
        return {name: _written(getattr(value, name)) for name in _BUNDLE}
    if isinstance(value, Proof):
        return {name: _written(getattr(value, name)) for name in _PROOF}
    if isinstance(value, Mapping):
        return {name: _written(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return [_written(each) for each in value]
    return value


def _read(kind: Any, value: object, name: str) -> Any:
    """A value of a type, from JSON."""
    try:
        return _reader(kind)(value)
    except (ValueError, TypeError, KeyError, OverflowError, SpiffeSimError) as error:
        raise _invalid(f"the member {name!r} of a case cannot be read: {error!s:.200}") from None


def _reader(kind: Any) -> Callable[[Any], Any]:
    """What reads a value of a type."""
    if get_origin(kind) in (Union, UnionType):
        first, *_ = get_args(kind)
        optional = type(None) in get_args(kind)
        return lambda value: None if optional and value is None else _reader(first)(value)
    if get_origin(kind) is tuple:
        return lambda value: tuple(_reader(get_args(kind)[0])(each) for each in _exactly(list)(value))
    return _READERS[kind]


def _exactly(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"it is {value!r:.80}, not of type {kind.__name__}")
        return value

    return read


def _bytes(value: str) -> bytes:
    return b64decode(_exactly(str)(value), validate=True)


def _instant(value: str) -> datetime:
    found = datetime.fromisoformat(_exactly(str)(value))
    if found.tzinfo is None:
        raise ValueError(f"the instant {value!r:.80} has no time zone")
    return found.astimezone(UTC)


_BUNDLE: Final = ("trust_domain", "x509_der", "jwt_spki", "wit_spki")  # not as a document, which cannot hold every key
_PROOF: Final = ("signed", "signature", "not_after")


def _bundle(value: Any) -> SpiffeBundle:
    trust_domain, certificates, *keys = (value[name] for name in _BUNDLE)
    jwt, wit = ({_exactly(str)(name): _bytes(key) for name, key in each.items()} for each in map(_exactly(dict), keys))
    ders = tuple(map(_bytes, _exactly(list)(certificates)))
    return SpiffeBundle(_exactly(str)(trust_domain), x509_der=ders, jwt_spki=jwt, wit_spki=wit)


def _proof(value: Any) -> Proof:
    signed, signature, not_after = (value[name] for name in _PROOF)
    return Proof(_bytes(signed), _bytes(signature), _instant(not_after))


_READERS: Final[Mapping[Any, Callable[[Any], Any]]] = {
    bool: _exactly(bool),
    int: _exactly(int),
    str: _exactly(str),
    bytes: _bytes,
    datetime: _instant,
    TrustDomain: lambda value: TrustDomain(_exactly(str)(value)),
    BundleMap: lambda value: BundleMap(map(_bundle, _exactly(list)(value))),
    Proof: _proof,
}
