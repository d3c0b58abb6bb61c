"""The ledger of a real project: kept through kills, whole with two runs at once, and loud about what was dropped."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.installed import Project, unchanged, wait_for, writable
from tests.vectors.stories import completed

from awo.canon.json import canonical

WORKFLOW = "name: greet\nsteps:\n  - {id: greet, op: llm_map, model: echo, prompt: hi}\n"
SLOW = 'name: slow\nsteps:\n  - {id: wait, op: command, shell: "sleep 30"}\n'


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with one sealed run."""
    project = Project(tmp_path_factory.mktemp("ledger"))
    project.write("greet.yaml", WORKFLOW)
    project.awo("run", "greet.yaml").expect(0)
    return project


@pytest.fixture
def project(once: Project, tmp_path: Path) -> Project:
    return once.copy(tmp_path)


def audit(project: Project, code: int = 0, *more: str) -> list[tuple[str, str]]:
    found: dict[str, Any] = project.awo("ledger", "audit", "--json", *more).expect(code).json
    return [(row["kind"], row["run"]) for row in found["found"]]


def kinds(project: Project) -> list[str]:
    shown = project.awo("ledger", "show", "--json").expect(0).json
    return [row["entry"]["kind"] for row in shown["entries"]]


def test_a_run_is_entered_when_it_starts_and_when_it_is_sealed_and_its_package_proves_it(project: Project) -> None:
    assert kinds(project) == ["run_started", "run_sealed"]
    assert audit(project) == []
    done = project.awo("verify", "--json").expect(0).json
    verdicts = {row["id"]: row["verdict"] for row in done["checks"]}
    assert (verdicts["EP-6.1"], verdicts["EP-6.2"]) == ("passed", "passed")
    assert done["meaning"]["completeness"].startswith("shown for this run")


def test_a_stranger_needs_keys_of_their_own(project: Project, tmp_path: Path) -> None:
    bundle = tmp_path / "run.tar.gz"
    project.awo("export", "latest", "--no-scan", "-o", bundle).expect(0)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = project.awo("verify", bundle, "--json", folder=elsewhere).expect(0).json
    assert {"EP-6.2"} <= set(done["not_checked"])
    keys = project.runs / "ledger" / "keys"
    done = project.awo("verify", bundle, "--json", "--ledger-keys", keys, folder=elsewhere).expect(0).json
    assert "EP-6.2" not in done["not_checked"]
    asked = project.awo("verify", bundle, "--ledger-keys", keys, "--witnesses", "1", "--json", folder=elsewhere)
    assert "EP-6.2" in asked.expect(0).json["not_checked"]


def test_a_decision_is_entered_between_the_start_and_the_seal(sealed: Project) -> None:
    assert kinds(sealed) == ["run_started", "decision_recorded", "run_sealed"]
    assert audit(sealed) == []


def test_a_killed_run_is_listed_as_never_sealed_and_a_dropped_one_is_wrong(project: Project) -> None:
    project.write("slow.yaml", SLOW)
    with project.start("run", "slow.yaml") as run:
        folder = wait_for(project, "step_started", step="wait")
        assert run.kill_group()
    assert audit(project) == [("never_sealed", folder.name)]
    assert audit(project, 3, "--strict") == [("never_sealed", folder.name)]
    assert kinds(project)[-1] == "run_started"
    shutil.rmtree(folder)
    assert audit(project, 3) == [("missing", folder.name)]
    assert "dropped" in project.awo("ledger", "audit").expect(3).out


def test_a_killed_run_that_is_ended_is_in_order(project: Project) -> None:
    project.write("slow.yaml", SLOW)
    with project.start("run", "slow.yaml") as run:
        wait_for(project, "step_started", step="wait")
        assert run.kill_group()
    project.awo("seal", "latest").expect(0)
    assert audit(project) == []
    project.awo("verify").expect(0)


def test_two_runs_at_once_are_both_entered(project: Project) -> None:
    with project.start("run", "greet.yaml") as one, project.start("run", "greet.yaml") as two:
        assert {one.end().code, two.end().code} == {0}
    assert sorted(kinds(project)) == ["run_sealed"] * 3 + ["run_started"] * 3
    assert audit(project) == []


def test_a_seal_that_was_made_anew_is_wrong(project: Project) -> None:
    run = project.latest()
    writable(run)
    for name in ("SHA256SUMS", "audit/seal.json", "audit/seal.json.sig", "audit/registration.json"):
        (run / name).unlink()
    (run / "report.md").write_text("# Better\n")
    project.awo("seal", "latest").refused(3, "another entry of this run")
    assert [kind for kind, _ in audit(project, 3)] == ["altered"]


def test_a_copy_held_elsewhere_finds_that_the_ledger_was_rolled_back_or_branched(
    project: Project, tmp_path: Path
) -> None:
    ledger, older = project.runs / "ledger", tmp_path / "older"
    shutil.copytree(ledger, older)
    project.awo("run", "greet.yaml").expect(0)
    project.awo("ledger", "check", older).expect(0)
    newer = tmp_path / "newer"
    shutil.copytree(ledger, newer)
    shutil.rmtree(ledger)
    shutil.copytree(older, ledger)
    with unchanged(newer):
        project.awo("ledger", "check", newer / "checkpoint").refused(3, "cut or rolled back")
        project.awo("ledger", "check", newer).refused(3, "cut or rolled back")
    project.awo("run", "greet.yaml").refused(3, "does not continue what this machine has signed")
    for last in (project.top / "config/awo/keys/ledger").glob("*.last"):
        last.unlink()  # somebody who wants a second branch
    project.awo("run", "greet.yaml").expect(0)
    project.awo("ledger", "check", newer).refused(3, "two branches")


def test_an_audit_finds_that_an_older_ledger_was_put_back_to_hide_a_run(project: Project, tmp_path: Path) -> None:
    ledger, older = project.runs / "ledger", tmp_path / "older"
    shutil.copytree(ledger, older)
    project.awo("run", "greet.yaml").expect(0)
    dropped = project.latest()
    writable(dropped)
    shutil.rmtree(dropped)
    shutil.rmtree(ledger)
    shutil.copytree(older, ledger)
    with unchanged(project.root):
        project.awo("ledger", "audit").refused(3, "does not continue what this machine has signed")


def test_an_audit_goes_on_where_a_crash_kept_the_checkpoint_back(project: Project) -> None:
    checkpoint = project.runs / "ledger/checkpoint"
    before = checkpoint.read_bytes()
    project.awo("run", "greet.yaml").expect(0)
    checkpoint.write_bytes(before)
    assert audit(project) == []
    checkpoint.write_bytes(before.replace(b"\n2\n", b"\n0\n"))
    project.awo("ledger", "audit").refused(3, "a signature of the note does not hold")


def test_a_run_that_was_made_beside_the_ledger_and_entered_when_it_was_good_is_listed(project: Project) -> None:
    """Long after its first event: it may be the best of many."""
    made = completed().freeze().write(project.runs)
    assert audit(project, 3, "--strict") == [("not_entered", made.name)]
    project.awo("ledger", "refresh", made.name).expect(0)
    assert audit(project, 3, "--strict") == [("late", made.name)]


def test_with_ml_dsa_two_keys_of_the_ledger_sign_each_checkpoint_and_both_are_checked(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("awo.toml", "[ledger]\nml_dsa = true\n")
    project.write("greet.yaml", WORKFLOW)
    project.awo("run", "greet.yaml").expect(0)
    both = (project.runs / "ledger/keys").read_text().splitlines(keepends=True)
    signed = project.awo("ledger", "show", "--json").expect(0).json["signed_by"]
    assert signed == ["+".join(key.split("+")[:2]) for key in both]
    assert len(set(signed)) == 2
    assert audit(project) == []
    for known in (both, both[:1], both[1:]):
        keys = project.write("known", "".join(known))
        done = project.awo("verify", "--json", "--ledger-keys", keys).expect(0).json
        assert {row["id"]: row["verdict"] for row in done["checks"]}["EP-6.2"] == "passed"
    run = project.latest()
    writable(run)
    record = json.loads((run / "audit/registration.json").read_text())
    text, _, lines = record["checkpoint"].rpartition("\n\n")
    first, second = lines.splitlines()
    swapped = second.translate(str.maketrans("Aa", "aA")).rpartition(" ")[2]
    changed = f"{second.rpartition(' ')[0]} {second.rpartition(' ')[2][:40]}{swapped[40:]}"
    assert changed != second
    record["checkpoint"] = f"{text}\n\n{first}\n{changed}\n"
    (run / "audit/registration.json").write_bytes(canonical(record))
    failed = project.awo("verify", "--json", "--ledger-keys", project.write("known", "".join(both))).expect(3).json
    assert [row["id"] for row in failed["checks"] if row["verdict"] == "failed"] == ["EP-6.2"]


def test_a_ledger_that_was_altered_is_found_by_every_command_that_uses_it(project: Project) -> None:
    bundle = project.runs / "ledger/tile/entries/000.p/2"
    bundle.write_bytes(bundle.read_bytes().replace(b"completed", b"abandoned"))
    for words in (["ledger", "audit"], ["ledger", "show"], ["run", "greet.yaml"]):
        project.awo(*words).refused(3, "altered" if words[0] == "ledger" else "not those of the tree")


def test_without_a_ledger_nothing_is_entered_and_verify_says_so(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("awo.toml", "[ledger]\nenabled = false\n")
    project.write("greet.yaml", WORKFLOW)
    project.awo("run", "greet.yaml").expect(0)
    assert not (project.runs / "ledger").exists()
    done = project.awo("verify", "--json").expect(0).json
    assert {"EP-6.1", "EP-6.2"} <= set(done["not_checked"])
    project.awo("ledger", "refresh", "latest").refused(2, "turns the ledger off")
    project.awo("ledger", "audit").refused(2, "no ledger here yet")
    project.write("awo.toml", "")
    assert len(project.awo("ledger", "refresh", "latest", "--json").expect(0).json["entries"]) == 2
    assert audit(project) == []


def test_where_nothing_can_be_entered_nothing_is_run(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("greet.yaml", WORKFLOW)
    project.runs.mkdir()
    (project.runs / "ledger").write_text("in the way")
    project.awo("run", "greet.yaml").refused(7, "the ledger cannot be written", "enabled = false")
    assert [path.name for path in project.runs.iterdir()] == ["ledger"]


def test_proofs_of_a_run_are_those_of_tlog_proof(project: Project) -> None:
    proofs = project.awo("ledger", "prove", "latest", "--json").expect(0).json["proofs"]
    assert [proof.split("\n")[2] for proof in proofs] == ["index 0", "index 1"]
    assert all(proof.startswith("c2sp.org/tlog-proof@v1\nextra ") for proof in proofs)
    checkpoint = (project.runs / "ledger/checkpoint").read_text()
    assert all(proof.endswith(f"\n\n{checkpoint}") for proof in proofs)


def test_a_refresh_leaves_the_package_sealed_and_proved_against_the_newest_checkpoint(project: Project) -> None:
    run = project.latest()
    project.awo("run", "greet.yaml").expect(0)
    project.awo("ledger", "refresh", run.name).expect(0)
    record = json.loads((run / "audit/registration.json").read_text())
    assert record["checkpoint"].split("\n")[1] == "4"
    assert not (run / "audit").stat().st_mode & 0o222
    project.awo("verify", run.name).expect(0)
