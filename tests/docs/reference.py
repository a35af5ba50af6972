"""The API reference, made of the code: ``python -m tests.docs.reference`` writes it anew."""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from functools import cached_property
from importlib import import_module
from types import ModuleType
from typing import Any, get_origin, is_typeddict

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "reference" / "api.md"
DOORWAYS = (
    "spiffesim",
    "spiffesim.spiffe",
    "spiffesim.errors",
    "spiffesim.entries",
    "spiffesim.plugins",
    "spiffesim.catalogue",
    "spiffesim.compare",
    "spiffesim.strategies",
    "spiffesim.strategies.lifecycle",
    "spiffesim.pytest_plugin",
    "spiffesim.extra.spire_config",
)
HEAD = """\
# API

Every public name in one sentence, made of the docstrings by `make docs`; the whole of each is in `help(name)`. Signatures
are without their annotations, which the package carries for type checkers.
"""


def page() -> str:
    """The whole page."""
    told: set[int] = set()
    return "\n".join([HEAD, *(part for module in doorways() for part in _section(module, told))])


def doorways() -> Iterator[ModuleType]:
    """The modules that have something to offer, in the order of the page."""
    for name in DOORWAYS:
        module = import_module(name)
        yield module
        if name == "spiffesim.plugins":
            for room in _modules(module):
                yield room
                yield from () if hasattr(room, "__all__") else _modules(room)


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    """The modules right below a package, by name."""
    for found in sorted(pkgutil.iter_modules(getattr(package, "__path__", ())), key=lambda found: found.name):
        yield import_module(f"{package.__name__}.{found.name}")


def _section(module: ModuleType, told: set[int]) -> Iterator[str]:
    """What a module offers that no section before has told."""
    values = {name: getattr(module, name) for name in public(module)}
    fresh = {name: value for name, value in values.items() if id(value) not in told and not inspect.ismodule(value)}
    if not fresh:
        return
    yield f"## {module.__name__}\n\n{sentence(module)}\n"
    told.update(map(id, fresh.values()))
    errors = [_bullet(name, value) for name, value in fresh.items() if _is_error(value)]
    if errors:
        yield "\n".join(errors) + "\n"
    for name, value in fresh.items():
        if not _is_error(value):
            yield from _entry(name, value)


def _is_error(value: Any) -> bool:
    return inspect.isclass(value) and issubclass(value, Exception)


def public(module: ModuleType) -> list[str]:
    """The names that a module offers: those of ``__all__``, or else those that it defines itself.

    They are in the order in which its docstring mentions them, or else in that of the module.
    """
    names = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]
    text = module.__doc__ or ""
    places = {name: re.search(rf"\b{name}\b", text) for name in names}
    return sorted(names, key=lambda name: found.start() if (found := places[name]) else len(text))


def _entry(name: str, value: Any) -> Iterator[str]:
    if is_typeddict(value):
        keys = ", ".join(f"`{key}`" for key in value.__annotations__)
        yield f"### `{name}`\n\n{sentence(value)} Keys: {keys}.\n"
    elif not callable(value) or get_origin(value) is not None:
        yield f"### `{name}`\n\n`{value!s}`\n"
    else:
        yield f"### `{name}{signature(value)}`\n\n{sentence(value)}\n"
        members = [*_members(value)] if inspect.isclass(value) else []
        if members:
            yield "\n".join(members) + "\n"


def _bullet(name: str, value: Any) -> str:
    return f"- `{name}`: {sentence(value)}"


def _members(kind: type) -> Iterator[str]:
    """The methods and properties of a class, its own before those of its bases."""
    seen = set()
    for owner in kind.__mro__:
        if not owner.__module__.startswith("spiffesim"):
            continue
        for name, value in vars(owner).items():
            if name.startswith("_") or name in seen or not _is_member(value):
                continue
            seen.add(name)
            yield _bullet(f"{name}{_called(value)}", value)


def _is_member(value: Any) -> bool:
    return inspect.isfunction(value) or isinstance(value, property | cached_property | classmethod | staticmethod)


def _called(value: Any) -> str:
    if isinstance(value, classmethod | staticmethod):
        value = value.__func__
    return signature(value) if inspect.isfunction(value) else ""


def signature(value: Callable[..., Any]) -> str:
    """How something is called: names and defaults; ``...`` stands for one that is no plain value."""
    if getattr(value, "_is_protocol", False):
        return ""
    parameters = inspect.signature(value).parameters.values()
    shown = [_bare(parameter) for parameter in parameters if parameter.name not in ("self", "cls", "draw")]
    return str(inspect.Signature(shown))


def _bare(parameter: inspect.Parameter) -> inspect.Parameter:
    default = parameter.default
    if default is not inspect.Parameter.empty and not _is_plain(default):
        default = _Dots()
    return parameter.replace(annotation=inspect.Parameter.empty, default=default)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | str) or value == ()


class _Dots:
    def __repr__(self) -> str:
        return "..."


def sentence(value: Any) -> str:
    """The first sentence of a docstring, as Markdown."""
    if isinstance(value, property):
        value = value.fget
    elif isinstance(value, cached_property | classmethod | staticmethod):
        value = getattr(value, "func", None) or value.__func__  # type: ignore[union-attr]  # one or the other
    paragraph = " ".join((inspect.getdoc(value) or "").partition("\n\n")[0].split())
    text = re.sub(r":\w+:`~?(?:[\w.]+\.)?([\w]+)`", r"`\1`", paragraph).replace("``", "`")
    first = re.match(r".*?[.!?](?=\s|$)", text)
    return (first[0] if first else text).removesuffix("::")


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
