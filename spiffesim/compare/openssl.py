"""The command ``openssl verify``."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from spiffesim.catalogue import X509SvidCase
from spiffesim.compare.outcome import ACCEPTED, Outcome, broken, refused
from spiffesim.compare.validator import Validator
from spiffesim.errors import InvalidConfiguration


def openssl(command: str = "openssl") -> Validator:
    """``openssl verify``; it judges X.509-SVIDs, and knows of RFC 5280 but not of SPIFFE.

    It takes some milliseconds for each case, since it is started anew.

    Args:
        command: The command.

    Raises:
        InvalidConfiguration: If it is not installed.
    """
    found = shutil.which(command)
    if found is None:
        raise InvalidConfiguration(f"the command {command!r:.200} is not there; install OpenSSL", code="command")
    return Validator("openssl", ("x509-svid",), lambda case: _judge(found, case))


def _judge(command: str, case: X509SvidCase) -> Outcome:
    if not case.chain_der:
        return refused("there is nothing to verify")
    with TemporaryDirectory() as folder:
        leaf, others, roots = (Path(folder, f"{name}.pem") for name in ("leaf", "others", "roots"))
        for file, certificates in ((leaf, case.chain_der[:1]), (others, case.chain_der[1:]), (roots, case.bundle_der)):
            file.write_text(_pem(certificates), encoding="ascii")
        # An intermediate may be an authority, as in RFC 5280 6.1; nothing that is installed here is trusted.
        asked = ["-partial_chain", "-attime", str(int(case.now.timestamp())), "-no-CApath", "-no-CAstore"]
        asked += ["-CAfile", str(roots), *(["-untrusted", str(others)] if case.chain_der[1:] else [])]
        done = subprocess.run(  # noqa: S603 - no shell reads it
            [command, "verify", *asked, str(leaf)], capture_output=True, check=False
        )
    told = done.stderr.decode(errors="replace").replace(f"{folder}/", "").strip()
    if done.returncode < 0:
        return broken(f"it was ended by signal {-done.returncode}: {told}")
    return refused(_reason(told)) if done.returncode else ACCEPTED


def _reason(told: str) -> str:
    """The line that says why, without the names of files and threads around it."""
    return next((line for line in told.splitlines() if line.startswith("error ")), told)


def _pem(certificates: Sequence[bytes]) -> str:
    return "".join(ssl.DER_cert_to_PEM_cert(each) for each in certificates)
