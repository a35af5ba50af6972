"""What importing costs, and what the front door offers."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points, metadata
from pathlib import Path

import pytest

import spiffesim

# Whatever is imported beyond the standard library and ourselves, as top-level names.
FOREIGN = """
import sys
before = set(sys.modules)
{statement}
new = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(*sorted(new - set(sys.stdlib_module_names) - {{"spiffesim"}}))
"""


def foreign_modules(statement: str) -> set[str]:
    """The third-party packages that a fresh interpreter has loaded after a statement."""
    # -I keeps the environment out; -S would lose the installed package.
    program = [sys.executable, "-I", "-c", FOREIGN.format(statement=statement)]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_no_third_party_module() -> None:
    assert foreign_modules("import spiffesim") == set()
    assert foreign_modules("import spiffesim.spiffe") == set()
    assert foreign_modules("import spiffesim; spiffesim.errors.Expired") == set()
    assert "cryptography" in foreign_modules("import spiffesim; spiffesim.SpiffeBundle")  # the control


def test_a_spiffe_id_alone_loads_no_cryptography() -> None:
    assert foreign_modules("from spiffesim import SpiffeId; SpiffeId('spiffe://example.org/web')") <= {"attr", "attrs"}


def test_the_pytest_plugin_loads_nothing_of_the_simulation_before_a_test_asks() -> None:
    loaded = foreign_modules("import pytest; before = set(sys.modules); import spiffesim.pytest_plugin")
    assert loaded == set()
    assert "pytest" in foreign_modules("import spiffesim.pytest_plugin")  # the control


def test_an_x509_svid_is_minted_without_pyjwt() -> None:
    minted = 'import spiffesim; spiffesim.Simulation(seed=1).workload("/web").fetch_x509_svid()'
    loaded = foreign_modules(minted)
    assert "cryptography" in loaded
    assert "jwt" not in loaded
    assert "hypothesis" not in loaded


@pytest.mark.parametrize("name", spiffesim.__all__)
def test_the_front_door_has_every_name_that_it_lists(name: str) -> None:
    assert getattr(spiffesim, name) is not None
    assert name in dir(spiffesim)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'spiffesim' has no attribute 'Simulaton'"):
        _ = spiffesim.Simulaton


def test_the_map_in_the_docstring_names_every_public_class() -> None:
    assert spiffesim.__doc__ is not None
    assert [name for name in spiffesim.__all__ if name not in spiffesim.__doc__] == []


def test_the_installed_package_says_its_version_and_carries_its_types() -> None:
    assert metadata("spiffesim")["Version"] == spiffesim.__version__
    assert (Path(spiffesim.__file__).parent / "py.typed").exists()


def test_the_installed_package_registers_its_fixture_and_its_command() -> None:
    assert entry_points(group="pytest11")["spiffesim"].value == "spiffesim.pytest_plugin"
    assert entry_points(group="console_scripts")["spiffesim"].value == "spiffesim.cli:main"
