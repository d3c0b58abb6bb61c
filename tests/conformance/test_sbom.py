"""Bills of materials pass the strict JSON validator of cyclonedx-python-lib."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from tests.peers import peer_python
from tests.unit.a_run import model, reviewed_run
from tests.unit.test_sbom import AT, COMMIT, HOSTILE, told_with

from awo.engine.environment import environment_facts
from awo.gate.environment import EnvironmentSettings
from awo.publish.forms.sbom import SPEC_VERSION, sbom_bytes

VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
validator = JsonStrictValidator(SchemaVersion.from_version(sys.argv[1]))
for name in sys.argv[2:]:
    error = validator.validate_str(open(name, encoding="utf-8").read())
    print(name, "" if error is None else repr(error)[:2000])
"""
RICH: dict[str, Any] = {
    "python": {"version": "3.11.7", "implementation": "CPython"},
    "platform": {"system": "Linux", "release": "6.1", "machine": "x86_64"},
    "container": {"looked": "found", "kind": "docker", "digest": f"sha256:{'d' * 64}"},
    "gpu": {"looked": "found", "devices": [], "drivers": {"nvidia": "535.1"}},
    "git": {"commit": COMMIT, "remote": "https://host.example/a.git", "is_dirty": True},
    "distributions": {
        "hashed": "RECORD",
        "found": [
            {"name": "a", "version": "1", "record_sha256": "a" * 64, "licence": "Apache-2.0 AND MIT"},
            {"name": "b", "version": "2", "address": "https://host.example/b c.git", "commit": COMMIT},
            {"name": "c", "version": "3", "archive_sha256": "b" * 64, "editable": True},
            {"name": "c", "version": "3"},
        ],
    },
    "system_packages": {
        "looked": "found",
        "manager": "rpm",
        "system": "fedora",
        "found": [{"name": "libx", "version": "2:1.0-3", "architecture": "x86_64"}] * 2,
    },
}


def test_bills_of_materials_are_valid_by_the_schema_with_nothing_beside_it(tmp_path: Path) -> None:
    here = environment_facts(tmp_path, EnvironmentSettings(system_packages=True), environment={"HOME": str(tmp_path)})
    runs = [reviewed_run(), told_with(RICH), told_with(here), told_with({}, models={"one": model("echo")})]
    runs += [told_with(dict.fromkeys(RICH, value)) for value in HOSTILE]
    files = []
    for number, told in enumerate(runs):
        files.append(tmp_path / f"{number}.json")
        files[-1].write_bytes(sbom_bytes(told.facts(), AT))
    bad = tmp_path / "bad.json"
    bad.write_bytes(sbom_bytes(reviewed_run().facts(), AT).replace(b'"bomFormat"', b'"bomForm"'))
    done = subprocess.run(
        [peer_python(), "-c", VALIDATE, SPEC_VERSION, *files, bad], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    *good, last = done.stdout.splitlines()
    assert [line for line in good if line.split(" ", 1)[1].strip()] == []
    assert len(good) == len(files)
    assert last.removeprefix(str(bad)).strip(), "the validator takes anything"
