"""The catalog: the plugins that SPIRE has built in, by kind, and which of them are simulated.

SPIRE: pkg/server/catalog, pkg/agent/catalog
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

import attrs

from spiffesim.errors import NotSupported, UnknownPlugin, WrongCardinality
from spiffesim.spiffe.markup import pretty_fields


@attrs.frozen
class PluginKind:
    """One kind of plugin of a SPIRE server or agent.

    Attributes:
        name: Its name, such as ``NodeAttestor``.
        built_in: The plugins of this kind that SPIRE has.
        simulated: Those of them that behave here as they do there.
        minimum: How many of them a SPIRE process needs.
        maximum: How many it may have; None for any number.
    """

    name: str
    built_in: tuple[str, ...]
    simulated: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int | None = None

    _repr_pretty_ = pretty_fields

    def check(self, plugin: str) -> None:
        """Check that SPIRE has such a plugin.

        Raises:
            UnknownPlugin: With SPIRE's text, and the nearest name that it has.

        SPIRE: pkg/common/catalog/catalog.go (loadPlugin)
        """
        if plugin not in self.built_in:
            raise UnknownPlugin(
                f'no built-in plugin "{plugin}" for type "{self.name}"{_nearest(plugin, self.built_in)}',
                kind=self.name,
                plugin=plugin,
            )

    def require(self, plugin: str) -> None:
        """Check that such a plugin is simulated.

        Raises:
            UnknownPlugin: If SPIRE has none such.
            NotSupported: If SPIRE has it and the simulation has not, naming those that it has.
        """
        self.check(plugin)
        if plugin not in self.simulated:
            there_are = ", ".join(self.simulated) or "none"
            raise NotSupported(
                f'SPIRE has the {self.name} "{plugin}", which is not simulated; of this kind there are: {there_are}',
                kind=self.name,
                plugin=plugin,
            )

    def check_count(self, count: int) -> None:
        """Check that there are neither too few plugins of this kind nor too many.

        Raises:
            WrongCardinality: With SPIRE's text.

        SPIRE: pkg/common/catalog/constraints.go
        """
        if self.minimum == self.maximum != count:
            problem = f"exactly {self.minimum}"
        elif count < self.minimum:
            problem = f"at least {self.minimum}"
        elif self.maximum is not None and count > self.maximum:
            problem = f"at most {self.maximum}"
        else:
            return
        raise WrongCardinality(
            f'plugin type "{self.name}" constraint not satisfied: expected {problem} but got {count}',
            kind=self.name,
            count=count,
        )


_NODE_ATTESTORS: Final = (
    "aws_iid",
    "azure_imds",
    "azure_msi",
    "gcp_iit",
    "http_challenge",
    "join_token",
    "k8s_psat",
    "sshpop",
    "tpm_devid",
    "x509pop",
)


def _table(*kinds: PluginKind) -> dict[str, PluginKind]:
    return {kind.name: kind for kind in kinds}


CATALOGS: Final = {
    "server": _table(
        PluginKind(
            "BundlePublisher",
            ("aws_rolesanywhere_trustanchor", "aws_s3", "azure_blob", "gcp_cloudstorage", "k8s_configmap"),
        ),
        PluginKind("CredentialComposer", ("uniqueid",)),
        PluginKind("DataStore", ("sql",), minimum=1, maximum=1),
        PluginKind(
            "KeyManager",
            ("aws_kms", "azure_key_vault", "disk", "gcp_kms", "hashicorp_vault", "memory"),
            ("disk", "memory"),
            minimum=1,
            maximum=1,
        ),
        PluginKind("NodeAttestor", _NODE_ATTESTORS, ("join_token", "x509pop")),
        PluginKind("Notifier", ("gcs_bundle", "k8sbundle")),
        PluginKind(
            "UpstreamAuthority",
            ("aws_pca", "awssecret", "cert-manager", "disk", "ejbca", "gcp_cas", "spire", "vault"),
            ("disk", "spire"),
            maximum=1,
        ),
    ),
    "agent": _table(
        PluginKind("KeyManager", ("disk", "memory"), ("memory",), minimum=1, maximum=1),
        PluginKind("NodeAttestor", _NODE_ATTESTORS, ("join_token", "x509pop"), minimum=1, maximum=1),
        PluginKind("SVIDStore", ("aws_secretsmanager", "gcp_secretmanager")),
        PluginKind(
            "WorkloadAttestor",
            ("docker", "k8s", "slurm", "systemd", "unix", "windows"),
            ("docker", "k8s", "unix"),
            minimum=1,
        ),
    ),
}
"""The kinds of plugins by name, of a ``server`` and of an ``agent``."""


def kind_of(side: str, name: str) -> PluginKind:
    """A kind of plugin.

    Args:
        side: ``server`` or ``agent``.
        name: Its name, such as ``NodeAttestor``.

    Raises:
        UnknownPlugin: With SPIRE's text, and the nearest kind that there is.
    """
    catalog = CATALOGS[side]
    kind = catalog.get(name)
    if kind is None:
        raise UnknownPlugin(f'unsupported plugin type "{name}"{_nearest(name, catalog)}', kind=name)
    return kind


def _nearest(name: str, names: Iterable[str]) -> str:
    """The nearest name as a question, or all of them if none comes near."""
    near = difflib.get_close_matches(name, list(names), 1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names)}"
