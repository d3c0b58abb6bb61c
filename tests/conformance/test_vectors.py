"""Every committed vector is judged as its expected.json says, and every check has one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.vectors.builder import RUN_ID
from tests.vectors.make import BUNDLE, HERE, files_of, vectors

from awo import plugins
from awo.gate.project import read_policy
from awo.ledger.reader import read_keys
from awo.sign.allowed_signers import AllowedSigners
from awo.sign.timestamp import read_roots
from awo.verify.checks import CHECKS, NOT_BUILT
from awo.verify.judge import verify
from awo.verify.report import exit_code

SPEC = HERE.parents[1] / "docs" / "spec" / "evidence-package-v1.md"
FOLDERS = sorted(path.parent for path in HERE.glob("*/*/expected.json"))


def source_of(vector: Path) -> Path:
    return vector / BUNDLE if (vector / BUNDLE).exists() else vector / RUN_ID


def expected_of(vector: Path) -> Any:
    return json.loads((vector / "expected.json").read_text())


@pytest.mark.parametrize("vector", FOLDERS, ids=lambda path: path.name)
def test_a_vector_is_judged_as_it_expects(vector: Path) -> None:
    expected = expected_of(vector)
    trust = AllowedSigners.parse((vector / "trust").read_text(), where="trust")
    policy = read_policy((vector / "policy").read_text(), where="policy")
    keys, roots = vector / "ledger_keys", vector / "roots.pem"
    report = verify(
        source_of(vector),
        trust=trust,
        trust_name="trust",
        policy=policy,
        policy_name="policy",
        ledger_keys=read_keys(keys.read_text(), "ledger_keys") if keys.exists() else (),
        witnesses=expected.get("witnesses", 0),
        roots=read_roots(roots.read_bytes(), "roots.pem") if roots.exists() else None,
        roots_name="roots.pem",
    )
    said = {verdict: [one.check.id for one in report.results(verdict)] for verdict in ("failed", "not_checked")}
    said["not_checked"] = [id_ for id_ in said["not_checked"] if id_ not in NOT_BUILT]
    assert said == {verdict: expected[verdict] for verdict in said}
    assert exit_code(report, frozenset(expected["require"])) == expected["exit_code"]
    first = next(iter((*report.results("failed"), *report.results("not_checked"))))
    assert first.findings[0].where == expected["where"]


def check_of(folder: Path) -> str:
    """`EP-2.9` of `EP-2.9-missing`."""
    return "-".join(folder.name.split("-")[:2])


def test_each_check_that_is_built_has_a_bad_vector_of_its_name() -> None:
    names = [path.name for path in (HERE / "bad").iterdir()]
    built = {check.id for check in CHECKS} - NOT_BUILT
    assert built <= set(names)
    assert {check_of(Path(name)) for name in names} == built


def test_each_check_passes_in_a_good_vector_but_for_the_report_that_no_version_writes_again() -> None:
    expected = [expected_of(path) for path in (HERE / "good").iterdir()]
    passed = {check.id for check in CHECKS for one in expected if check.id not in (*one["failed"], *one["not_checked"])}
    assert {check.id for check in CHECKS} - passed == {"EP-5.4"}


def test_the_page_of_the_vectors_names_every_file_and_key_that_they_have() -> None:
    page = (HERE / "README.md").read_text()
    names = {path.name for folder in FOLDERS for path in folder.iterdir()} | set().union(*map(expected_of, FOLDERS))
    proofs = json.loads((HERE / "proofs" / "expected.json").read_text())
    names |= set().union(*proofs.values())
    assert [name for name in sorted(names) if f"`{name}`" not in page and f"`{name}/`" not in page] == []


def test_a_bad_vector_fails_the_check_that_it_is_called_by() -> None:
    for folder in (HERE / "bad").iterdir():
        expected = expected_of(folder)
        assert check_of(folder) in (expected["failed"] or expected["not_checked"])[:1]


def test_the_specification_lists_the_checks_in_order_with_their_titles_and_against_whom_they_hold() -> None:
    rows = re.findall(r"^\| (EP-[0-9.]+) \| ([^|]+) \| [^|]+ \| ([opr ]+) \|$", SPEC.read_text(), re.MULTILINE)
    letters = {"outsider": "o", "operator": "p", "reviewer": "r"}
    assert rows == [
        (check.id, check.title, " ".join(letters[party] for party in check.holds_against)) for check in CHECKS
    ]


def test_the_specification_lists_every_operation_that_is_computed_again() -> None:
    _, _, section = SPEC.read_text().partition("### 8.2 Derived results")
    listed = re.search(r"carries: ([^.]+)\. Section 3", section)
    assert listed is not None
    later = re.findall(r"^A step with `op` `([a-z_]+)` keeps", section, re.MULTILINE)  # section 15, after the freeze
    assert sorted(re.findall(r"`([a-z_]+)`", listed[1]) + later) == sorted(plugins.DERIVATIONS)


def test_the_committed_vectors_are_those_that_their_maker_makes() -> None:
    made = {f"{name}/{path}": data for name, one in vectors().items() for path, data in files_of(one).items()}
    committed = {
        path.relative_to(HERE).as_posix(): path.read_bytes()
        for top in ("good", "bad")
        for path in (HERE / top).rglob("*")
        if path.is_file()
    }
    packed = {path for path in made if path.endswith(BUNDLE)}  # their bytes depend on the build of zlib
    assert made.keys() == committed.keys()
    assert [path for path in made if path not in packed and made[path] != committed[path]] == []
