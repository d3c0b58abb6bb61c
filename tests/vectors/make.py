"""Writes the vectors: `python -m tests.vectors.make` makes the folders beside this file anew, byte for byte the same.

A vector is a folder with a package (a run's folder, or package.tar.gz), the reader's list `trust` and
settings `policy` (an awo.toml), and expected.json. The folder of a bad package is called as the check that it fails,
with a word after it where one check has several.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.vectors import cheated, derived, fan_out, gated, stories
from tests.vectors.builder import RUN_ID
from tests.vectors.stories import Vector

from awo.evidence.layout import REPORT

HERE = Path(__file__).parent
BUNDLE = "package.tar.gz"
REPORT_CHECK = "EP-5.4"


def vectors() -> dict[str, Vector]:
    """Every vector by the name of its folder: `good/NAME` or `bad/ID`."""
    good = stories.good() | gated.good() | fan_out.good() | derived.good()
    bad = stories.bad() | cheated.bad() | fan_out.bad() | derived.bad()
    return {f"good/{name}": one for name, one in good.items()} | {f"bad/{name}": one for name, one in bad.items()}


def files_of(vector: Vector) -> dict[str, bytes]:
    """The files of the vector's folder, by path from it."""
    not_checked = vector.not_checked
    if REPORT_CHECK not in (*vector.failed, *not_checked):
        not_checked = (*not_checked, REPORT_CHECK)  # awo 0 wrote these reports: no version can make them again
    expected = {
        "exit_code": vector.exit_code,
        "failed": vector.failed,
        "not_checked": not_checked,
        "where": vector.where or REPORT,
        "require": vector.require,
    }
    files = {
        "expected.json": json.dumps(expected, indent=2).encode() + b"\n",
        "trust": vector.trust.encode(),
        "policy": vector.policy.encode(),
    }
    if vector.bundle:
        return files | {BUNDLE: vector.bundle}
    return files | {f"{RUN_ID}/{path}": data for path, data in vector.package.files.items()}


def main() -> None:
    """Makes every folder anew."""
    made = vectors()
    for top in ("good", "bad"):
        shutil.rmtree(HERE / top, ignore_errors=True)
    for name, vector in made.items():
        for path, data in files_of(vector).items():
            place = HERE / name / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)


if __name__ == "__main__":
    main()
