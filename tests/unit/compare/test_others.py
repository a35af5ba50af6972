"""The adapters of validators that others have made."""

from __future__ import annotations

import importlib.util
import stat
from itertools import takewhile
from pathlib import Path
from typing import Any

import attrs
import pytest

from spiffesim import catalogue, compare
from spiffesim.compare.outcome import ACCEPTED, Outcome
from spiffesim.errors import InvalidConfiguration
from tests.oracles.verifiers import OPENSSL

RIGHT = catalogue.x509_svid_case()


def fake(folder: Path, text: str) -> str:
    """A command of our own."""
    command = folder / "openssl"
    command.write_text(f"#!/bin/sh\n{text}\n", encoding="ascii")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return str(command)


@pytest.mark.skipif(OPENSSL is None, reason="needs the openssl command")
def test_openssl_knows_paths_but_not_spiffe() -> None:
    openssl = compare.openssl()
    forged = catalogue.x509_svid_case(number=1)
    forged = attrs.evolve(forged, bundle_der=RIGHT.bundle_der)
    assert openssl(RIGHT) == ACCEPTED
    assert openssl(catalogue.x509_svid_case(depth=3)) == ACCEPTED
    assert openssl(forged).answer == "refused"
    assert "unable to get local issuer certificate" in openssl(forged).reason
    assert openssl(catalogue.x509_svid_case("leaf_is_ca")) == ACCEPTED


def test_openssl_is_told_the_instant_the_roots_and_the_intermediates(tmp_path: Path) -> None:
    command = fake(tmp_path, f'echo "$@" >> {tmp_path}/asked')
    compare.openssl(command)(RIGHT)
    compare.openssl(command)(catalogue.x509_svid_case(depth=1))
    shallow, deep = (tmp_path / "asked").read_text(encoding="utf-8").splitlines()
    assert shallow.startswith("verify -partial_chain -attime 1893499200 -no-CApath -no-CAstore -CAfile ")
    assert ("-untrusted" in shallow, "-untrusted" in deep) == (False, True)


@pytest.mark.parametrize(
    ("text", "answer", "reason"),
    [
        ("exit 0", "accepted", ""),
        ("echo expired >&2; exit 2", "refused", "expired"),
        ("echo leaf.pem >&2; echo error 10: expired >&2; exit 2", "refused", "error 10: expired"),
        ("kill -SEGV $$", "broken", "it was ended by signal 11: "),
    ],
)
def test_openssl_accepts_refuses_or_crashes(tmp_path: Path, text: str, answer: Any, reason: str) -> None:
    assert compare.openssl(fake(tmp_path, text))(RIGHT) == Outcome(answer, reason)


def test_openssl_is_not_asked_about_nothing(tmp_path: Path) -> None:
    openssl = compare.openssl(fake(tmp_path, "exit 0"))
    assert openssl(attrs.evolve(RIGHT, chain_der=())).answer == "refused"
    assert openssl(RIGHT) == ACCEPTED


def test_openssl_that_is_not_there_is_told_at_once() -> None:
    with pytest.raises(InvalidConfiguration, match="install OpenSSL"):
        compare.openssl("no-such-openssl")


# cryptography


def test_cryptography_refuses_nothing_and_what_another_trust_domain_vouches_for() -> None:
    cryptography = compare.cryptography_verifier()
    elsewhere = attrs.evolve(RIGHT, trust_domain=type(RIGHT.trust_domain)("other.test"))
    assert cryptography(RIGHT) == ACCEPTED
    assert cryptography(attrs.evolve(RIGHT, chain_der=())) == Outcome("refused")
    assert cryptography(elsewhere) == Outcome("refused")
    assert cryptography(attrs.evolve(RIGHT, chain_der=(b"\x30\x00",))).answer == "refused"


# PyJWT

PYJWT = compare.pyjwt()


def test_pyjwt_takes_right_tokens_of_every_key_and_refuses_what_is_changed() -> None:
    right = catalogue.jwt_svid_case()
    start, signature = right.token.rsplit(".", 1)
    assert PYJWT(right) == ACCEPTED
    assert PYJWT(attrs.evolve(right, token=f"{start}.{signature[::-1]}")).answer == "refused"
    assert PYJWT(attrs.evolve(right, audience="somebody else")).answer == "refused"
    assert PYJWT(attrs.evolve(right, bundles=type(right.bundles)())) == Outcome(
        "refused", "no key of the trust domain has this kid"
    )


def test_pyjwt_answers_every_token_without_breaking() -> None:
    cases = takewhile(lambda case: case.number == 0, compare.cases(kinds=["jwt-svid"]))
    answers = [PYJWT(case) for case in cases]
    assert len(answers) > 100
    assert not [answer.reason for answer in answers if answer.answer == "broken"]


# py-spiffe

IDS = ("spiffe://example.org/web", "spiffe://example.org/", "https://example.org/web", "", "spiffe://example.org/\x00")
STAND_IN = """
from spiffe.errors import PySpiffeError

class SpiffeId:
    def __init__(self, text):
        if text != "spiffe://example.org/web":
            raise PySpiffeError("no")
"""


def test_py_spiffe_judges_spiffe_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("spiffe") is None:  # then only that it would be asked
        package = tmp_path / "spiffe"
        package.mkdir()
        (package / "__init__.py").write_text(STAND_IN, encoding="ascii")
        (package / "errors.py").write_text("class PySpiffeError(Exception): ...\n", encoding="ascii")
        monkeypatch.syspath_prepend(tmp_path)
    py_spiffe = compare.py_spiffe()
    right = catalogue.spiffe_id_case()
    answers = [py_spiffe(attrs.evolve(right, text=text)).answer for text in IDS]
    assert answers == ["accepted", "refused", "refused", "refused", "refused"]


def test_py_spiffe_that_is_not_installed_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "spiffe", None)
    with pytest.raises(InvalidConfiguration, match="pip install spiffe"):
        compare.py_spiffe()
