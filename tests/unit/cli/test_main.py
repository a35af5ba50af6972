"""The ``spiffesim`` command, as somebody at a terminal meets it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spiffesim import __version__
from spiffesim.cli import main
from spiffesim.cli.main import INTERRUPTED, OK, WRONG

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "nested"
TRANSCRIPT = Path(__file__).with_name("transcript.txt").read_text(encoding="utf-8")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "spiffesim.cli", *arguments]
    return subprocess.run(command, capture_output=True, check=False, cwd=ROOT, env={**os.environ, **environment})


def without_notes(output: str) -> str:
    """What is printed apart from the notes."""
    heading, _, rest = output.partition("\n\n")
    assert heading.split("\n")[0].endswith("that is not simulated, and what was made up")
    assert all(line.startswith("  ") for line in heading.split("\n")[1:])
    return rest


def test_the_demo_prints_the_tutorial(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == OK
    printed = capsys.readouterr()
    assert printed.out == TRANSCRIPT
    assert printed.err == ""


def test_it_ends_with_spires_own_words() -> None:
    assert TRANSCRIPT.splitlines()[-3:] == [
        "SVID is valid.",
        "SPIFFE ID : spiffe://example.org/nestedA/workload",
        'Claims    : {"aud":["nested-test"],"exp":1893456300,"iat":1893456000,"sub":"spiffe://example.org/nestedA/workload"}',
    ]


def test_every_process_prints_the_same_bytes() -> None:
    done = run("demo", PYTHONHASHSEED="1", PYTHONIOENCODING="utf-8")
    assert done.returncode == OK
    assert done.stdout.decode() == TRANSCRIPT
    assert done.stderr == b""


def test_another_seed_prints_other_keys(capsys: pytest.CaptureFixture[str]) -> None:
    main(["demo", "--seed", "8"])
    other = capsys.readouterr().out
    assert other != TRANSCRIPT
    assert other.splitlines()[-3:] == TRANSCRIPT.splitlines()[-3:]
    main(["demo", "--seed", "7"])
    assert capsys.readouterr().out == TRANSCRIPT


def test_the_example_prints_the_same_and_its_notes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--config", str(EXAMPLE)]) == OK
    printed = capsys.readouterr()
    assert without_notes(printed.out) == TRANSCRIPT
    assert printed.out.startswith("26 notes: ")
    assert printed.err == ""


def test_without_entries_the_example_prints_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "x")
    (tmp_path / "x" / "entries.json").unlink()
    assert main(["demo", "--config", str(tmp_path / "x")]) == OK
    assert without_notes(capsys.readouterr().out) == TRANSCRIPT


def test_the_demo_needs_no_extra(capsys: pytest.CaptureFixture[str]) -> None:
    program = (
        "import sys; from spiffesim.cli import main; main(['demo']); "
        "print(*{'hcl2', 'lark', 'yaml', 'hypothesis', 'pytest'} & set(sys.modules))"
    )
    command = [sys.executable, "-X", "utf8", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
    assert done.stdout == f"{TRANSCRIPT}\n"
    main(["demo", "--config", str(EXAMPLE)])
    capsys.readouterr()
    assert {"hcl2", "yaml"} <= set(sys.modules)  # the control


@pytest.mark.parametrize("missing", ["hcl2", "yaml"])
def test_a_missing_extra_is_told_with_what_to_install(
    missing: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(["demo", "--config", str(EXAMPLE)]) == WRONG
    assert capsys.readouterr().err == (
        f"spiffesim: --config needs {missing}, which is not installed: pip install 'spiffesim[spire-config]' "
        "(see spiffesim --help)\n"
    )


def test_the_installed_command_is_this_one() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("spiffesim"), "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"spiffesim {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"], ["--version"]])
def test_help_and_version_are_no_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == OK
    assert "spiffesim" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([], "COMMAND"),
        (["dmo"], "dmo"),
        (["demo", "--seed", "x"], "--seed"),
        (["demo", "--config"], "--config"),
        (["demo", "--speed"], "--speed"),
    ],
)
def test_a_usage_error_is_one_line(arguments: list[str], part: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == WRONG
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("spiffesim: ")
    assert printed.err.endswith(" (see spiffesim --help)\n")
    assert printed.err.count("\n") == 1
    assert part in printed.err


def test_a_configuration_error_is_one_line_that_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "x"
    shutil.copytree(EXAMPLE, folder)
    (folder / "root" / "server.conf").write_text("server {\n  trust_domain = \n}\n")
    assert main(["demo", "--config", str(folder)]) == WRONG
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        f"spiffesim: {folder}/root/server.conf:2: this is no HCL from column 18 on: 'trust_domain ='\n"
    )


def test_an_error_keeps_its_words_and_names_files_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "x"
    shutil.copytree(EXAMPLE, folder)
    compose = folder / "docker-compose.yaml"
    compose.write_text(compose.read_text().replace("name: nestedA-server", "name: nestedX-server"))
    assert main(["demo", "--config", str(folder)]) == WRONG
    error = capsys.readouterr().err
    assert error.startswith(
        f"spiffesim: {folder}/docker-compose.yaml:28: services.nestedA-server.labels.org.example.name: "
    )
    assert "the nearest entry, spiffe://example.org/nestedA, wants" in error
    (folder / "root").rename(tmp_path / "outside")
    (tmp_path / "outside" / "server.conf").write_text("server {")
    compose.write_text(compose.read_text().replace("./root:", f"{tmp_path}/outside:"))
    assert main(["demo", "--config", f"{folder}/"]) == WRONG
    assert capsys.readouterr().err.startswith(f"spiffesim: {tmp_path}/outside/server.conf:1: ")


def test_a_directory_that_is_none_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "docker-compose.txt"
    file.write_text("")
    nothing = "there is no docker-compose.yaml"
    for path, found in ((tmp_path / "missing", nothing), (tmp_path, nothing), (file, "this is a file")):
        assert main(["demo", "--config", str(path)]) == WRONG
        error = capsys.readouterr().err
        assert error == f"spiffesim: {path}:1: {found}; name the directory that holds a docker-compose.yaml\n"


def test_a_directory_that_may_not_be_read_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: object) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.is_file", refuse)
    assert main(["demo", "--config", str(tmp_path)]) == WRONG
    error = capsys.readouterr().err
    assert error.startswith(f"spiffesim: {tmp_path}:1: ")
    assert error.endswith("cannot be looked at: Permission denied\n")


def test_an_interruption_is_no_traceback(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_seed: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("spiffesim.cli.tutorial.nested_tutorial", interrupt)
    assert main(["demo"]) == INTERRUPTED
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "spiffesim: interrupted\n")


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "spiffesim.cli", "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == OK
    process.stderr.close()


def test_a_terminal_without_lines_draws_the_tree_in_ascii() -> None:
    done = run("demo", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == OK
    drawn = done.stdout.decode("ascii")
    lines = str.maketrans({"├": "|", "└": "`", "│": "|", "─": "-"})
    assert drawn == TRANSCRIPT.translate(lines)


def test_what_a_terminal_cannot_show_is_escaped(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    shutil.copytree(EXAMPLE, folder)
    compose = folder / "docker-compose.yaml"
    compose.write_text(f"{compose.read_text()}x-ümlaut: 1\n")
    done = run("demo", "--config", str(folder), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == OK
    assert b"x-\\xfcmlaut: not simulated" in done.stdout
