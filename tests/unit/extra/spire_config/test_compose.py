"""What a compose file says of its containers."""

from __future__ import annotations

import pytest

from spiffesim.extra.spire_config.compose import Compose, read_compose
from spiffesim.extra.spire_config.document import Note
from tests.unit.extra.conftest import COMPOSE, Folder


def read(folder: Folder, text: str) -> tuple[Compose, list[Note]]:
    notes: list[Note] = []
    return read_compose(folder.write(COMPOSE, text).path, notes), notes


def test_labels_and_environment_come_as_mapping_or_as_list(folder: Folder) -> None:
    text = "services:\n  a:\n    labels: {x: y}\n    environment: [P=1, Q]\n  b:\n    labels:\n      - x=y=z\n"
    compose, _ = read(folder, text)
    a, b = compose.services["a"], compose.services["b"]
    assert {key: label.value for key, label in a.labels.items()} == {"x": "y"}
    assert {key: variable.value for key, variable in a.environment.items()} == {"P": "1", "Q": ""}
    assert b.labels["x"].value == "y=z"
    assert (b.labels["x"].place.line, b.labels_place.line) == (7, 6)


def test_a_service_answers_to_all_its_names(folder: Folder) -> None:
    compose, _ = read(
        folder,
        "services:\n  a:\n    hostname: h\n    container_name: c\n    networks:\n      n: {aliases: [x, y]}\n      m:\n"
        "  b:\n    networks: [n]\n",
    )
    assert compose.services["a"].names == {"a", "h", "c", "x", "y"}
    assert compose.services["b"].names == {"b"}


def test_variables_have_their_defaults_and_a_note(folder: Folder) -> None:
    compose, notes = read(
        folder, "services:\n  a:\n    image: 'spire:${VERSION:-1}$$'\n    user: ${WHO}\n    labels:\n      - a=$B\n"
    )
    service = compose.services["a"]
    assert (service.image, service.user, service.labels["a"].value) == ("spire:1$", "", "")
    assert [(note.place.line, note.text.partition(": ")[2]) for note in notes] == [
        (3, "$VERSION is its default, '1'"),
        (4, "$WHO is empty"),
        (6, "$B is empty"),
    ]


def test_what_is_not_simulated_is_noted(folder: Folder) -> None:
    _, notes = read(
        folder,
        "version: '3'\nname: x\nvolumes:\n  v:\nservices:\n  a:\n    image: nginx\n    ports: ['1:1']\n    cap_add: [X]\n",
    )
    assert [str(note) for note in notes] == [
        f"{COMPOSE}:8: services.a.ports: not simulated: there are no sockets, and every service reaches every other",
        f"{COMPOSE}:9: services.a.cap_add: not simulated",
        f"{COMPOSE}:1: version: not simulated: compose files need none",
        f"{COMPOSE}:2: name: not simulated",
    ]


def test_docker_takes_the_first_of_several_files(folder: Folder) -> None:
    folder.write("compose.yml", "services: {first: {}}")
    notes: list[Note] = []
    assert list(read_compose(folder.path, notes).services) == ["first"]
    assert [str(note) for note in notes] == [f"{COMPOSE}:1: not read: compose.yml comes first"]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("services: {}", "missing_key", 1),
        ("a: b", "missing_key", 1),
        ("a: b\nservices: [x]", "missing_key", 2),
        ("services:\n  a: text", "value", 2),
        ("services:\n  a:\n    labels: [x=1, x=2]", "repeated_key", 3),
        ("services:\n  a: {}\n  a: {}", "repeated_key", 3),
        ("services:\n  a:\n    image: [x]", "value", 3),
    ],
)
def test_what_docker_would_not_take_is_refused_with_its_line(folder: Folder, text: str, code: str, line: int) -> None:
    error = folder.write(COMPOSE, text).refused()
    assert (error.code, error.file, error.line) == (code, COMPOSE, line)


def test_a_file_that_is_no_text_is_refused(folder: Folder) -> None:
    assert folder.write(COMPOSE, b"services: \xff").refused().code == "unreadable_file"


def test_a_file_that_cannot_be_read_is_refused(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    error = folder.refused()
    assert error.code == "unreadable_file"
    assert str(error).endswith("docker-compose.yaml cannot be read: Permission denied")
