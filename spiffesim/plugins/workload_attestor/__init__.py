"""Workload attestors: how an agent finds out what a workload is.

A workload is a simulated process, and a :class:`Process` says of it what the operating system,
Docker or the kubelet would say. Each attestor turns its part of that into selectors.

SPIRE: pkg/agent/plugin/workloadattestor
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias, TypedDict, runtime_checkable

import attrs

from spiffesim.entries import Selector
from spiffesim.errors import InvalidInput
from spiffesim.spiffe.markup import pretty_fields

Pairs: TypeAlias = tuple[tuple[str, str], ...]
Owners: TypeAlias = tuple[tuple[str, str, str], ...]


def _pairs(values: Mapping[str, str] | Iterable[tuple[str, str]]) -> Pairs:
    pairs = tuple(values.items() if isinstance(values, Mapping) else values)
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise InvalidInput(f"labels are {{name: value}}, and images pairs of texts; {pair!r:.80} is neither")
    return tuple(sorted(pairs))


def _owners(values: Iterable[tuple[str, str, str]]) -> Owners:
    return tuple(values)


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(values)


def _numbers(values: Iterable[int]) -> tuple[int, ...]:
    return tuple(values)


def _selectors(values: Iterable[Selector | str]) -> tuple[Selector, ...]:
    return tuple(Selector.parse(value) for value in values)


def _check_kind(kind: type) -> Callable[[object, attrs.Attribute[Any], object], None]:
    def check(_process: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value is not None and not isinstance(value, kind):
            raise InvalidInput(f"{attribute.name} is a {kind.__name__}, not {value!r:.80}")

    return check


@attrs.frozen(kw_only=True)
class DockerContainer:
    """What Docker says of the container that a process runs in.

    Attributes:
        labels: Its labels.
        image: The image that it was started from, such as ``nginx:1.27``.
        image_config_digest: The digest of the image's configuration, ``sha256:...``.
        env: Its environment, each ``NAME=value``.
    """

    labels: Pairs = attrs.field(default=(), converter=_pairs)
    image: str = ""
    image_config_digest: str = ""
    env: tuple[str, ...] = attrs.field(default=(), converter=_texts)

    _repr_pretty_ = pretty_fields


@attrs.frozen(kw_only=True)
class KubernetesPod:
    """What the kubelet says of the pod that a process runs in, and of its container there.

    Attributes:
        namespace: The pod's namespace.
        service_account: Its service account.
        name: Its name.
        uid: Its UID.
        node_name: The node that it runs on.
        labels: Its labels.
        owners: What owns it, each ``(kind, name, uid)``.
        images: The images of its containers, each ``(image, image ID)``.
        init_images: The images of its init containers, likewise.
        container_name: The name of the process' own container.
        container_image: The image of the process' own container, ``(image, image ID)``.
    """

    namespace: str = "default"
    service_account: str = "default"
    name: str = ""
    uid: str = ""
    node_name: str = ""
    labels: Pairs = attrs.field(default=(), converter=_pairs)
    owners: Owners = attrs.field(default=(), converter=_owners)
    images: Pairs = attrs.field(default=(), converter=_pairs)
    init_images: Pairs = attrs.field(default=(), converter=_pairs)
    container_name: str = ""
    container_image: tuple[str, str] = ("", "")

    _repr_pretty_ = pretty_fields


@attrs.frozen(kw_only=True)
class Process:
    """What is known of a process.

    Attributes:
        uid: Its effective user ID; None if the operating system says nothing of it.
        user: The name of that user, if it has one.
        gid: Its effective group ID.
        group: The name of that group.
        supplementary_gids: Its other groups.
        supplementary_groups: Their names.
        path: The path of its executable.
        sha256: The SHA-256 of its executable, in hexadecimal.
        docker: The container that it runs in, if any.
        kubernetes: The pod that it runs in, if any.
        selectors: Selectors that it simply has (attestor ``declared``); ``type:value``.
    """

    uid: int | None = None
    user: str = ""
    gid: int | None = None
    group: str = ""
    supplementary_gids: tuple[int, ...] = attrs.field(default=(), converter=_numbers)
    supplementary_groups: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    path: str = ""
    sha256: str = ""
    docker: DockerContainer | None = attrs.field(default=None, validator=_check_kind(DockerContainer))
    kubernetes: KubernetesPod | None = attrs.field(default=None, validator=_check_kind(KubernetesPod))
    selectors: tuple[Selector, ...] = attrs.field(default=(), converter=_selectors)

    _repr_pretty_ = pretty_fields

    def with_selectors(self, *selectors: Selector | str) -> Process:
        """The same process with more declared selectors."""
        return attrs.evolve(self, selectors=(*self.selectors, *selectors))


class ProcessAttributes(TypedDict, total=False):
    """The attributes of a `Process` as keyword arguments."""

    uid: int | None
    user: str
    gid: int | None
    group: str
    supplementary_gids: Iterable[int]
    supplementary_groups: Iterable[str]
    path: str
    sha256: str
    docker: DockerContainer | None
    kubernetes: KubernetesPod | None
    selectors: Iterable[Selector | str]


@runtime_checkable
class WorkloadAttestor(Protocol):
    """One way to find out what a process is."""

    @property
    def name(self) -> str:
        """The name of the plugin, which is the type of its selectors."""
        ...

    def attest(self, process: Process) -> Iterable[Selector]:
        """The selectors of a process; none where this attestor knows nothing of it."""
        ...
