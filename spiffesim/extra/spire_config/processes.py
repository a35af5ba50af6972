"""Processes: what an agent's attestors find when they look at a container, or at what an entry asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

from spiffesim.entries import Selector
from spiffesim.extra.spire_config.compose import Service
from spiffesim.plugins.workload_attestor import DockerContainer, KubernetesPod, ProcessAttributes

_SOMEBODY: Final = 65534  # the user nobody, where an entry asks for an executable and for no user


def attributes_of(service: Service) -> ProcessAttributes:
    """The main process of a container."""
    container = DockerContainer(
        labels={name: str(label.value) for name, label in service.labels.items()},
        image=service.image,
        env=tuple(f"{name}={variable.value}" for name, variable in service.environment.items()),
    )
    user, _, group = service.user.partition(":")
    attributes = ProcessAttributes(docker=container)
    if user.isdecimal():
        attributes["uid"] = int(user)
    if group.isdecimal():
        attributes["gid"] = int(group)
    return attributes


def attributes_for(selectors: Iterable[Selector]) -> ProcessAttributes:
    """A process that has certain selectors, as far as there can be one.

    Of two selectors that exclude each other, such as ``unix:uid:1`` and ``unix:uid:2``, it has one.
    """
    by_type: dict[str, list[tuple[str, str]]] = {}
    for selector in selectors:
        name, _, value = selector.value.partition(":")
        by_type.setdefault(selector.type, []).append((name, value))
    attributes: dict[str, Any] = {}
    if "unix" in by_type:
        attributes |= _unix(by_type["unix"])
    if "docker" in by_type:
        attributes["docker"] = _container(by_type["docker"])
    if "k8s" in by_type:
        attributes["kubernetes"] = _pod(by_type["k8s"])
    return cast("ProcessAttributes", attributes)


def _unix(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    attributes: dict[str, Any] = {"uid": _SOMEBODY}
    for name, value in pairs:
        if name in ("uid", "gid") and value.isdecimal():
            attributes[name] = int(value)
        elif name in ("user", "group", "path", "sha256"):
            attributes[name] = value
        elif name == "supplementary_gid" and value.isdecimal():
            attributes.setdefault("supplementary_gids", []).append(int(value))
        elif name == "supplementary_group":
            attributes.setdefault("supplementary_groups", []).append(value)
    return attributes


def _container(pairs: Sequence[tuple[str, str]]) -> DockerContainer:
    single = dict(pairs)
    return DockerContainer(
        labels=[_pair(value) for name, value in pairs if name == "label"],
        env=tuple(value for name, value in pairs if name == "env"),
        image=single.get("image_id", ""),
        image_config_digest=single.get("image_config_digest", ""),
    )


def _pod(pairs: Sequence[tuple[str, str]]) -> KubernetesPod:
    single = dict(pairs)
    return KubernetesPod(
        namespace=single.get("ns", "default"),
        service_account=single.get("sa", "default"),
        name=single.get("pod-name", ""),
        uid=single.get("pod-uid", ""),
        node_name=single.get("node-name", ""),
        labels=[_pair(value) for name, value in pairs if name == "pod-label"],
        images=[(value, "") for name, value in pairs if name == "pod-image"],
        init_images=[(value, "") for name, value in pairs if name == "pod-init-image"],
        container_name=single.get("container-name", ""),
        container_image=(single.get("container-image", ""), ""),
    )


def _pair(value: str) -> tuple[str, str]:
    name, _, rest = value.partition(":")
    return name, rest
