"""Writes the vectors: `python -m tests.vectors.make` makes the folders beside this file anew, byte for byte the same.

A vector is a folder with a package (a run's folder, or package.tar.gz), the reader's list `trust` and
settings `policy` (an awo.toml), where they have them the verifier keys of ledgers and witnesses that the reader
believes (`ledger_keys`) and the authorities of time stamps (`roots.pem`), and expected.json. The folder of a bad
package is called as the check that it fails, with a word after it where one check has several. A proof is a file
`proofs/good/NAME.json` or `proofs/bad/ID.json`; what is expected of all of them is in `proofs/expected.json`, with
`authority` required and `proofs/trust` believed.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.vectors import cheated, derived, fan_out, gated, proved, received, redacted, registered, stamped, stories
from tests.vectors.builder import RUN_ID
from tests.vectors.stories import Vector

from awo.evidence.layout import REGISTRATION, REPORT, TIME_STAMP

HERE = Path(__file__).parent
BUNDLE = "package.tar.gz"
PROOFS = "proofs"
REPORT_CHECK = "EP-5.4"
LEDGER_CHECKS = ("EP-6.1", "EP-6.2")
STAMP_CHECK = "EP-6.3"


def vectors() -> dict[str, Vector]:
    """Every vector by the name of its folder: `good/NAME` or `bad/ID`."""
    good = stories.good() | gated.good() | fan_out.good() | derived.good() | redacted.good() | registered.good()
    good |= stamped.good() | received.good()
    bad = stories.bad() | cheated.bad() | fan_out.bad() | derived.bad() | redacted.bad() | registered.bad()
    bad |= stamped.bad() | received.bad()
    return {f"good/{name}": one for name, one in good.items()} | {f"bad/{name}": one for name, one in bad.items()}


def files_of(vector: Vector) -> dict[str, bytes]:
    """The files of the vector's folder, by path from it."""
    not_checked = vector.not_checked
    if REPORT_CHECK not in (*vector.failed, *not_checked):
        not_checked = (*not_checked, REPORT_CHECK)  # awo 0 wrote these reports: no version can make them again
    if TIME_STAMP not in vector.package.files:
        not_checked = (*not_checked, STAMP_CHECK)
    if REGISTRATION not in vector.package.files:
        not_checked = (*not_checked, *LEDGER_CHECKS)
    not_checked = tuple(sorted(not_checked, key=lambda id_: [int(part) for part in id_[3:].split(".")]))
    expected = {
        "exit_code": vector.exit_code,
        "failed": vector.failed,
        "not_checked": not_checked,
        "where": vector.where or REPORT,
        "require": vector.require,
    } | ({"witnesses": vector.witnesses} if vector.witnesses else {})
    files = {
        "expected.json": json.dumps(expected, indent=2).encode() + b"\n",
        "trust": vector.trust.encode(),
        "policy": vector.policy.encode(),
    } | ({"ledger_keys": vector.ledger_keys.encode()} if vector.ledger_keys else {})
    files |= {"roots.pem": vector.roots.encode()} if vector.roots else {}
    if vector.bundle:
        return files | {BUNDLE: vector.bundle}
    return files | {f"{RUN_ID}/{path}": data for path, data in vector.package.files.items()}


def proof_files() -> dict[str, bytes]:
    """The files of the proofs, by path from the folder of the vectors."""
    made = proved.proofs()
    expected = json.dumps({name: one.expected for name, one in made.items()}, indent=2).encode() + b"\n"
    return {f"{PROOFS}/{name}.json": one.data for name, one in made.items()} | {
        f"{PROOFS}/expected.json": expected,
        f"{PROOFS}/trust": proved.TRUST.encode(),
    }


def main() -> None:
    """Makes every folder anew."""
    made = vectors()
    for top in ("good", "bad", PROOFS):
        shutil.rmtree(HERE / top, ignore_errors=True)
    files = {f"{name}/{path}": data for name, vector in made.items() for path, data in files_of(vector).items()}
    for path, data in (files | proof_files()).items():
        place = HERE / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


if __name__ == "__main__":
    main()
