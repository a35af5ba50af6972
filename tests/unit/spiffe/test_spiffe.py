"""The door of the standards floor: every name that it lists, from where it says."""

from __future__ import annotations

import pickle

import pytest

from spiffesim import spiffe


@pytest.mark.parametrize("name", spiffe.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(spiffe, name) is not None
    assert name in dir(spiffe)


@pytest.mark.parametrize("name", [name for name in spiffe.__all__ if name != "Matcher"])
def test_every_name_is_documented_and_travels(name: str) -> None:
    value = getattr(spiffe, name)
    assert value.__doc__
    assert value.__module__.startswith("spiffesim.spiffe.")
    assert pickle.loads(pickle.dumps(value)) is value


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'spiffesim.spiffe' has no attribute 'Spiffe'"):
        _ = spiffe.Spiffe


def test_the_first_screen_of_the_docstring_works() -> None:
    from tests.oracles import certificates as certs

    root = certs.root()
    chain = certs.ders(certs.leaf(root))
    document = spiffe.SpiffeBundle.from_x509_authorities("example.org", [root.der]).marshal()
    bundle = spiffe.SpiffeBundle.parse("example.org", document)
    assert str(spiffe.validate_x509_svid(chain, bundle, at=certs.AT)) == "spiffe://example.org/web"
    assert all(rule.answer == "passed" for rule in spiffe.examine_x509_svid(chain, bundle, at=certs.AT).rules)
