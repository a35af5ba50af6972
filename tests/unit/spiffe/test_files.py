"""Files that are written in full or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from spiffesim.spiffe.files import write_files


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_are_written_with_their_modes(tmp_path: Path) -> None:
    write_files([(tmp_path / "a", b"first", 0o600), (tmp_path / "b", b"second", 0o644)])
    assert contents(tmp_path) == {"a": b"first", "b": b"second"}
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"] == [0o600, 0o644]


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files([(tmp_path / "a", b"old", 0o600), (tmp_path / "b", b"old", 0o600)])
    synced = []

    def full(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_files([(tmp_path / "a", b"new", 0o600), (tmp_path / "b", b"new", 0o600)])
    assert contents(tmp_path) == {"a": b"old", "b": b"old"}
    monkeypatch.undo()
    write_files([(tmp_path / "a", b"new", 0o600), (tmp_path / "b", b"new", 0o600)])  # the control
    assert contents(tmp_path) == {"a": b"new", "b": b"new"}


def test_a_key_is_never_readable_by_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []
    real = os.fsync

    def note(descriptor: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    write_files([(tmp_path / "a", b"secret", 0o644)])
    assert modes == [0o600]


def test_a_folder_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_files([(tmp_path / "nowhere" / "a", b"x", 0o600)])


def test_what_stands_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_files([(tmp_path / "a", b"x", 0o600)])
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
