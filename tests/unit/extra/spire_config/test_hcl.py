"""HCL with positions."""

from __future__ import annotations

import pytest

from spiffesim.errors import InvalidConfiguration
from spiffesim.extra.spire_config.document import Scalar
from spiffesim.extra.spire_config.hcl import read_hcl
from tests.unit.extra.conftest import plain


def complaint(text: str) -> tuple[str, int, str]:
    """The code, the line and the text of what is refused."""
    with pytest.raises(InvalidConfiguration) as refused:
        read_hcl(text, "server.conf")
    return refused.value.code, refused.value.line, str(refused.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"24h"', "24h"),
        ('""', ""),
        (r'"say \"x\"\n\u00e9\\"', 'say "x"\né\\'),
        ("8081", 8081),
        ("-1", -1),
        ("1.5", 1.5),
        ("true", True),
        ("false", False),
        ("[]", []),
        ('["a", 1, [true],]', ["a", 1, [True]]),
        ("{}", {}),
        ('{\n a = 1\n "b" = [2]\n}', {"a": 1, "b": [2]}),
        ("<<EOF\none\n  two\nEOF\n", "one\n  two\n"),
        ("<<-EOF\n    one\n      two\n    EOF\n", "one\n  two\n"),
    ],
)
def test_a_value_is_read(text: str, value: object) -> None:
    assert plain(read_hcl(f"key = {text}", "f")) == {"key": value}


def test_what_looks_like_a_template_is_a_text_in_spires_hcl() -> None:
    assert plain(read_hcl('a = "${HOME}/{{ .PluginName }} $x"', "f")) == {"a": "${HOME}/{{ .PluginName }} $x"}


def test_blocks_nest_and_comments_are_skipped() -> None:
    document = read_hcl(
        """
        # one
        server { // two
            ratelimit { signing = false } /* three
            */ bind_port = 1
        }
        """,
        "f",
    )
    assert plain(document) == {"server": {"ratelimit": {"signing": False}, "bind_port": 1}}


def test_a_label_is_one_block_inside_another() -> None:
    same = {"NodeAttestor": {"x509pop": {"plugin_data": {"a": 1}}}}
    assert plain(read_hcl('NodeAttestor "x509pop" {\nplugin_data {\na = 1\n}\n}', "f")) == same
    assert plain(read_hcl('NodeAttestor "x509pop" "plugin_data" {\na = 1\n}', "f")) == same
    assert plain(read_hcl("NodeAttestor {\nx509pop {\nplugin_data = {\na = 1\n}\n}\n}", "f")) == same


def test_blocks_with_different_labels_share_their_name() -> None:
    document = read_hcl('WorkloadAttestor "unix" {}\nWorkloadAttestor "docker" {}', "f")
    assert plain(document) == {"WorkloadAttestor": {"unix": {}, "docker": {}}}


def test_every_key_knows_its_file_its_line_and_its_whole_name() -> None:
    document = read_hcl(
        'plugins {\n\n  KeyManager "disk" {\n    plugin_data {\n      keys = 1\n    }\n  }\n}', "a/server.conf"
    )
    data = document.section("plugins").section("KeyManager").section("disk").section("plugin_data")
    assert str(data.place_of("keys")) == "a/server.conf:5: plugins.KeyManager.disk.plugin_data.keys"
    assert str(data.place_of("other")) == "a/server.conf:4: plugins.KeyManager.disk.plugin_data.other"
    assert isinstance(data.get("keys"), Scalar)


def test_windows_line_ends_count_once() -> None:
    assert complaint('a = "b"\r\nc = \r\n')[:2] == ("hcl", 2)
    assert plain(read_hcl('a = "b"\r\nc = "d"\r\n', "f")) == {"a": "b", "c": "d"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("server {\n trust_domain = 1\n trust_domain = 2\n}", 3),
        ("server {\n trust_domain = 1\n Trust_Domain = 2\n}", 3),
        ("server {\n}\nserver {\n}", 3),
        ('plugins {\n KeyManager "disk" {}\n KeyManager "disk" {}\n}', 3),
        ("data = {\n a = 1\n a = 2\n}", 3),
        ('KeyManager "disk" {}\nKeyManager = 1', 2),
        ('KeyManager = 1\nKeyManager "disk" {}', 2),
    ],
)
def test_a_repeated_key_is_refused_at_its_second_place(text: str, line: int) -> None:
    code, where, message = complaint(text)
    assert (code, where) == ("repeated_key", line)
    assert "this key is there twice, first in line" in message


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("server {\n  trust_domain = \n}", 2, "this is no HCL from column"),
        ('server {\n  "trust_domain" = 1\n}', 2, "take the quotes off"),
        ("server {\n  trust_domain = 1\n", 2, "the file ends where"),
        ('a = "b\n', 1, "the file ends where"),
        ('a = "b\nc"', 1, "does not end in its line"),
        ('{"server": {}}', 1, "this is JSON"),
        ("\x00", 1, "this is no HCL"),
        ("a = foo", 1, "a text stands in quotes"),
        ("\na = 1 + 2", 2, "is an expression"),
        ('a = ("b")', 1, "is an expression"),
        ("a = f(x)", 1, "is an expression"),
        ("a = -x", 1, "is an expression"),
        ("a = 99999999999999999999", 1, "is an expression"),
        (r'a = "\q"', 1, "which HCL does not have"),
        (r'a = "\u00zz"', 1, "which HCL does not have"),
        (r'a = "\UFFFFFFFF"', 1, "which HCL does not have"),
    ],
)
def test_what_is_no_hcl_is_refused_with_its_line(text: str, line: int, part: str) -> None:
    code, where, message = complaint(text)
    assert (code, where) == ("hcl", line)
    assert part in message
    assert message.startswith(f"server.conf:{line}: ")


@pytest.mark.parametrize("depth", [60, 3000])
def test_deep_nesting_is_refused_and_not_an_endless_recursion(depth: int) -> None:
    assert complaint("a {" * depth + "}" * depth)[0] == "nesting"
    assert complaint(f"a = {'[' * depth}{']' * depth}")[0] == "nesting"
    assert plain(read_hcl("a {" * 20 + "}" * 20, "f"))  # the control
