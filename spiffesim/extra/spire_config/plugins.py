"""Plugins: the ``plugins`` section of a server's or an agent's configuration file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeAlias, TypeVar

import attrs

from spiffesim.errors import InvalidInput, NotSupported, PluginError
from spiffesim.extra.spire_config.document import Note, Place, Section
from spiffesim.extra.spire_config.schema import PLUGIN
from spiffesim.plugins.catalog import CATALOGS, PluginKind, kind_of

ReadData: TypeAlias = Callable[[str, Place], Section]
"""Reads a file of plugin data: its path in the container, and where that is named."""

P = ParamSpec("P")
Result = TypeVar("Result")


@attrs.frozen
class Plugin:
    """A plugin that a configuration file turns on.

    Attributes:
        kind: Its kind, such as ``NodeAttestor``.
        name: Its name, such as ``x509pop``.
        place: Where it stands.
        data: Its own configuration.
        external: Whether it is a program of somebody else's.
    """

    kind: PluginKind
    name: str
    place: Place
    data: Section
    external: bool

    def why_not(self) -> str:
        """Why it is not simulated; empty if it is."""
        if self.external:
            return f"not simulated: {self.name} is a program of somebody else's"
        try:
            self.kind.require(self.name)
        except NotSupported as error:
            return str(error)
        return ""


class Plugins:
    """The plugins of one server or agent.

    Args:
        document: Its configuration file.
        side: ``server`` or ``agent``.
        read_data: Reads a file of plugin data.
        notes: Takes remarks on what is not simulated.

    Raises:
        InvalidConfiguration: If SPIRE has no such plugin, or needs more or fewer of a kind.
    """

    def __init__(self, document: Section, side: str, read_data: ReadData, notes: list[Note]) -> None:
        if "plugins" not in document:
            raise document.place_of("plugins").error("plugins section must be configured", code="missing_key")
        section = document.section("plugins")
        self.place = section.place
        self._read_data = read_data
        self._notes = notes
        self._plugins = [plugin for name in section for plugin in self._of_kind(section, side, name)]
        for kind in CATALOGS[side].values():
            with_place(self.place.inside(kind.name), kind.check_count, len(self.of(kind.name)))
        key_manager = self.first("KeyManager")
        if key_manager is not None and key_manager.name != "memory":
            notes.append(Note(key_manager.place, "simulated as memory: keys are drawn from the seed"))

    def of(self, kind: str) -> list[Plugin]:
        """The plugins of a kind, in the order of the file."""
        return [plugin for plugin in self._plugins if plugin.kind.name == kind]

    def first(self, kind: str) -> Plugin | None:
        """The plugin of a kind of which there is one at most."""
        return next(iter(self.of(kind)), None)

    def note_others(self, used: Iterable[str]) -> None:
        """Note the plugins of all kinds but those that somebody makes something of."""
        for plugin in self._plugins:
            if plugin.kind.name not in used:
                self._notes.append(Note(plugin.place, _REASONS.get(plugin.kind.name) or plugin.why_not()))

    def _of_kind(self, section: Section, side: str, name: str) -> list[Plugin]:
        kind = with_place(section.place_of(name), kind_of, side, name)
        named = section.section(name)
        return [plugin for plugin in (self._plugin(kind, named, key) for key in named) if plugin is not None]

    def _plugin(self, kind: PluginKind, named: Section, name: str) -> Plugin | None:
        body = named.section(name)
        body.check_known(PLUGIN)
        external = bool(body.text("plugin_cmd"))
        if not external:
            with_place(body.place, kind.check, name)
        if not body.flag("enabled", default=True):
            self._notes.append(Note(body.place, "disabled, in SPIRE as here"))
            return None
        if "plugin_data" in body and "plugin_data_file" in body:
            raise body.place.error("only one of [plugin_data, plugin_data_file] can be used", code="plugin_data")
        file = body.text("plugin_data_file")
        data = self._read_data(file, body.place_of("plugin_data_file")) if file else body.section("plugin_data")
        for key in ("plugin_args", "plugin_checksum"):
            body.get(key)  # they go with plugin_cmd
        return Plugin(kind, name, body.place, data, external)


_REASONS = {
    "DataStore": "not simulated: the data store is in memory, and there is no SQL",
}


def with_place(place: Place, call: Callable[P, Result], *args: P.args, **options: P.kwargs) -> Result:
    """What a call returns; what it refuses is told with its place.

    Raises:
        InvalidConfiguration: With the facts ``file``, ``line`` and ``key``.
    """
    try:
        return call(*args, **options)
    except (PluginError, InvalidInput) as error:
        raise place.error(str(error), code=error.code) from error
