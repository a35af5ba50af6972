"""Where the files and sockets of containers lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from spiffesim.errors import InvalidConfiguration
from spiffesim.extra.spire_config.document import Note
from spiffesim.extra.spire_config.volumes import Location, Mount, locate, read_mounts
from spiffesim.extra.spire_config.yamltext import read_yaml

HERE = Path("/deployment")


def mounts(text: str, notes: list[Note] | None = None) -> tuple[Mount, ...]:
    node = read_yaml(f"volumes:\n{text}", "compose.yaml").get("volumes")
    return tuple(read_mounts(node, HERE, [] if notes is None else notes))


def test_a_path_lies_where_its_volume_says() -> None:
    found = mounts("- ./root/server:/opt/spire/conf/server:ro")
    assert locate(found, "a", "/opt/spire/conf/server/server.conf") == Location(
        "host", "/deployment/root/server/server.conf"
    )
    assert locate(found, "a", "/opt/spire/conf/server") == Location("host", "/deployment/root/server")
    assert locate(found, "a", "/opt/spire/conf/servers/x") == Location("service a", "/opt/spire/conf/servers/x")


def test_the_innermost_volume_counts() -> None:
    found = mounts("- ./outer:/opt\n- ./inner:/opt/spire/")
    assert locate(found, "a", "/opt/spire/x").host == Path("/deployment/inner/x")
    assert locate(found, "a", "/opt/x").host == Path("/deployment/outer/x")


def test_two_spellings_of_a_path_are_one() -> None:
    (one,), (two,) = mounts("- ./a/../b:/x"), mounts("- ./b/:/y/")
    assert locate((one,), "a", "/x/./sock") == locate((two,), "b", "/y/sock")


def test_a_named_volume_is_shared_by_its_name() -> None:
    (one,), (two,) = mounts("- sockets:/x"), mounts("- type: volume\n  source: sockets\n  target: /y")
    assert locate((one,), "a", "/x/sock") == locate((two,), "b", "/y/sock") == Location("volume sockets", "/sock")
    assert locate((one,), "a", "/x/sock").host is None


def test_what_is_in_no_volume_is_the_containers_own() -> None:
    assert locate((), "a", "/x") != locate((), "b", "/x")
    assert locate(mounts("- /anonymous"), "a", "/anonymous/x").root == "service a"
    assert locate(mounts("- type: tmpfs\n  target: /x"), "a", "/x/y").root == "service a"


def test_a_container_sees_a_socket_inside_what_it_mounts() -> None:
    (mount,) = mounts("- ./sockets:/x")
    assert mount.shows(Location("host", "/deployment/sockets/api.sock"))
    assert not mount.shows(Location("host", "/deployment/sockets2/api.sock"))
    assert not mount.shows(Location("volume sockets", "/deployment/sockets/api.sock"))


def test_the_long_form_is_read_and_its_other_keys_are_noted() -> None:
    notes: list[Note] = []
    found = mounts("- type: bind\n  source: ./a\n  target: /x\n  read_only: true", notes)
    assert locate(found, "a", "/x/y").host == Path("/deployment/a/y")
    assert [note.place.line for note in notes] == [5]


@pytest.mark.parametrize("text", ["- relative", "- ./a:relative", "- {type: bind, source: ./a}"])
def test_what_is_no_volume_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        mounts(text)
    assert (refused.value.file, refused.value.line) == ("compose.yaml", 2)
