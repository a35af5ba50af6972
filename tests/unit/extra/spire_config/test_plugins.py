"""The plugins of a configuration file."""

from __future__ import annotations

import pytest

from tests.unit.extra.conftest import Folder

FILE = "root/server.conf"
KEY_MANAGER = '    KeyManager "memory" {}\n'


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        (
            'KeyManager "memry" {}',
            "plugins.KeyManager.memry",
            'no built-in plugin "memry" for type "KeyManager"; did you mean memory?',
        ),
        ('KeyManagr "memory" {}', "plugins.KeyManagr", 'unsupported plugin type "KeyManagr"; did you mean KeyManager?'),
        ('keymanager "memory" {}', "plugins.keymanager", "did you mean KeyManager?"),
        ("", "plugins.KeyManager", "expected exactly 1 but got 0"),
        ('KeyManager "memory" { enabled = false }', "plugins.KeyManager", "expected exactly 1 but got 0"),
        ('KeyManager "memory" {}\n KeyManager "disk" {}', "plugins.KeyManager", "expected exactly 1 but got 2"),
        ('KeyManager "memory" { plugin_dta {} }', "plugins.KeyManager.memory.plugin_dta", "did you mean plugin_data?"),
        (
            'KeyManager "memory" {\n plugin_data {}\n plugin_data_file = "/x"\n }',
            "plugins.KeyManager.memory",
            "only one of",
        ),
        ('WorkloadAttestor "unix" {}\n KeyManager "memory" {}', "plugins.WorkloadAttestor", "unsupported plugin type"),
        ("KeyManager = 1", "plugins.KeyManager", "here belongs a block"),
    ],
)
def test_what_spires_catalog_refuses_is_refused_with_its_place(
    folder: Folder, text: str, key: str, message: str
) -> None:
    error = folder.edit(FILE, KEY_MANAGER, f"    {text}\n").refused()
    assert (error.file, error.key) == (FILE, key)
    assert message in str(error)


def test_the_same_plugin_twice_is_a_repeated_key(folder: Folder) -> None:
    error = folder.edit(FILE, KEY_MANAGER, KEY_MANAGER * 2).refused()
    assert (error.code, error.key, error.line) == ("repeated_key", "plugins.KeyManager.memory", 21)


def test_what_spire_has_and_the_simulation_has_not_is_a_note(folder: Folder) -> None:
    text = 'Notifier "k8sbundle" {}\n BundlePublisher "aws_s3" {}\n CredentialComposer "uniqueid" {}\n'
    notes = folder.edit(FILE, KEY_MANAGER, f"{KEY_MANAGER} {text}").notes()
    for kind, name in (("Notifier", "k8sbundle"), ("BundlePublisher", "aws_s3"), ("CredentialComposer", "uniqueid")):
        (note,) = [note for note in notes if f"plugins.{kind}.{name}: " in note]
        assert note.endswith(f'SPIRE has the {kind} "{name}", which is not simulated; of this kind there are: none')


def test_a_plugin_that_is_turned_off_is_noted_and_not_counted(folder: Folder) -> None:
    notes = folder.edit(FILE, KEY_MANAGER, f'{KEY_MANAGER} KeyManager "disk" {{ enabled = false }}\n').notes()
    assert f"{FILE}:21: plugins.KeyManager.disk: disabled, in SPIRE as here" in notes


def test_a_key_manager_on_disk_is_simulated_as_memory(folder: Folder) -> None:
    notes = folder.edit(FILE, KEY_MANAGER, ' KeyManager "disk" { plugin_data { keys_path = "/x" } }\n').notes()
    assert f"{FILE}:20: plugins.KeyManager.disk: simulated as memory: keys are drawn from the seed" in notes


def test_a_program_of_somebody_elses_may_have_any_name(folder: Folder) -> None:
    text = f'{KEY_MANAGER} Notifier "mine" {{\n plugin_cmd = "/bin/mine"\n plugin_checksum = "00"\n plugin_args = ["-v"]\n }}\n'
    notes = folder.edit(FILE, KEY_MANAGER, text).notes()
    assert f"{FILE}:21: plugins.Notifier.mine: not simulated: mine is a program of somebody else's" in notes


def test_plugin_data_may_lie_in_a_file_of_its_own(folder: Folder) -> None:
    folder.edit(
        FILE,
        '        plugin_data {\n            ca_bundle_path = "/run/spire/config/node-ca.pem"\n        }\n',
        '        plugin_data_file = "/run/spire/config/x509pop.conf"\n',
    )
    error = folder.refused()
    assert (error.code, error.key) == ("missing_file", "plugins.NodeAttestor.x509pop.plugin_data_file")
    notes = folder.write("root/x509pop.conf", 'ca_bundle_path = "/run/spire/config/other-ca.pem"\n').notes()
    assert "root/x509pop.conf:1: ca_bundle_path: root/other-ca.pem does not exist: made by the simulation" in notes
