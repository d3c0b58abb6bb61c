"""The main job: a workflow of AWO 1.x goes to its gate, is decided, sealed, verified and exported, all by hand."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import jsonschema_rs
import pytest
from tests.e2e.installed import REVIEWER, RUNNER, Done, Project, contents, events, run_folders, unchanged
from tests.e2e.multi_model import CHECKLIST, MULTI_MODEL

SCHEMAS = Path(__file__).parents[2] / "schema"

GATELESS = """\
name: no gate
steps:
  - {id: ask, op: llm_map, prompt: What repeats?}
  - {id: keep, op: write_text, path: answer.txt, from_step: ask, field: text}
"""


TWO_GATES = """\
name: two gates
steps:
  - {id: ask, op: llm_map, prompt: What repeats?}
  - {id: first, op: audit_gate, checklist: checklist.md}
  - {id: keep, op: write_text, path: answer.txt, from_step: ask, field: text}
  - {id: second, op: audit_gate, checklist: checklist.md}
  - {id: end, op: write_text, path: end.txt, text: done}
"""


def ssh_keygen(*arguments: str | Path, message: Path) -> subprocess.CompletedProcess[bytes]:
    with message.open("rb") as stream:
        return subprocess.run(["ssh-keygen", *arguments], stdin=stream, capture_output=True)


def enrol_runner(project: Project) -> None:
    """Lets the project believe the key that AWO made for this machine."""
    project.awo("keys", "enrol", RUNNER, project.top / "config/awo/keys/awo-seal.pub").expect(0)


def checks(done: Done) -> dict[str, str]:
    """What `awo verify --json` found, by the check's id."""
    return {check["id"]: check["verdict"] for check in done.json["checks"]}


# --- up to the gate ------------------------------------------------------------------------------------


def test_the_workflow_of_awo_1x_stops_at_its_gate_with_everything_before_it_done(at_gate: Project) -> None:
    run = at_gate.latest()
    status = at_gate.awo("status", "--json").expect(0).json
    assert (status["state"], status["gate"], status["outcome"]) == ("waits for a person", "gate", "")
    assert status["steps"] == {"done": 5, "running": 1} or status["steps"].get("done") == 5
    assert events(run)[-1]["kind"] == "gate_opened"
    vote = json.loads((run / "outputs/vote/output.json").read_text())
    assert (vote["consensus_text"], vote["agreement_ratio"]) == ("Level is level", pytest.approx(2 / 3, abs=0.01))
    assert (run / "outputs/step_004/files/consensus.txt").read_text() == "Level is level"
    assert json.loads((run / "audit/status.json").read_text())["status"] == "pending"
    assert not (run / "outputs/final").exists()


def test_the_gates_that_wait_are_printed_in_the_published_shape(at_gate: Project) -> None:
    printed = at_gate.awo("gates", "--json").expect(0).json
    assert list(printed) == ["gates"]
    (gate,) = printed["gates"]
    jsonschema_rs.validator_for(json.loads((SCHEMAS / "gate.schema.json").read_text())).validate(gate)
    assert [(item["id"], item["required"]) for item in gate["checklist"]] == [
        ("read", True),
        ("fair", True),
        ("odd", False),
    ]
    assert gate["missing"] == gate["needs"] == [{"role": "reviewer", "count": 1}]
    assert "outputs/fanout/responses.jsonl" in {shown["path"] for shown in gate["shows"]}
    assert gate["checkpoint"]["size"] == len(events(at_gate.latest()))
    assert json.loads((at_gate.latest() / "audit/gate_pending.json").read_text()) == gate


def test_resuming_before_anybody_has_decided_waits_on_and_changes_no_truth(at_gate: Project) -> None:
    run = at_gate.latest()
    with unchanged(run / "outputs"):
        before = (run / "audit/journal.jsonl").read_bytes()
        at_gate.awo("resume").expect(78)
        assert (run / "audit/journal.jsonl").read_bytes() == before


# --- approved ----------------------------------------------------------------------------------------


def test_an_approved_run_goes_on_behind_the_gate_and_is_sealed(at_gate: Project) -> None:
    run = at_gate.latest()
    decided = at_gate.approve("latest", "--comment", "Read twice.", "--json").expect(0).json
    assert (decided["verdict"], decided["is_closed"], decided["solo"]) == ("approve", True, False)
    assert not (run / "audit/gate_pending.json").exists()
    resumed = at_gate.awo("resume", "latest", "--json").expect(0).json
    assert resumed == {
        "run": run.name,
        "folder": str(run),
        "outcome": "approved",
        "gate": "",
        "failures": {},
        "exit_code": 0,
        "money": {"budget_usd": "", "spent_usd": "0", "reserved_usd": "0", "unknown_usd": "0"},
        "worst_next_usd": "",
        "reruns": [],
    }
    assert (run / "outputs/final/files/final.txt").read_text() == "Approved and done."
    assert json.loads((run / "audit/status.json").read_text()) == {
        "format": "awo/status/v1",
        "run_id": run.name,
        "status": "approved",
        "outcome": "approved",
        "gates": [{"gate": "gate", "status": "approved", "decisions": ["audit/decisions/0001-gate.json"]}],
    }
    assert "Read twice." in (run / "report.md").read_text()


def test_a_sealed_run_verifies_and_says_what_it_could_not_check(sealed: Project) -> None:
    done = sealed.awo("verify", "latest", "--json").expect(0)
    assert done.json["verdict"] == "passed"
    found = checks(done)
    assert "failed" not in found.values()
    assert found["EP-4.7"] == "not_checked"  # nobody has said that the runner's key is believed
    assert sealed.awo("verify", "--require", "authority").code == 7


def test_authority_is_checked_once_the_project_believes_everybody_who_signed(sealed: Project) -> None:
    enrol_runner(sealed)
    done = sealed.awo("verify", "latest", "--require", "authority", "--json").expect(0)
    assert {checks(done)[f"EP-4.{number}"] for number in range(1, 9)} == {"passed"}


def test_a_stranger_verifies_the_bundle_in_another_place_with_their_own_trust(sealed: Project, tmp_path: Path) -> None:
    enrol_runner(sealed)
    bundle = Path(sealed.awo("export", "--json").expect(0).json["bundle"])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    sent = elsewhere / "sent.tar.gz"
    bundle.rename(sent)
    trust = elsewhere / "believed"
    (sealed.root / "reviewers/allowed_signers").rename(trust)
    stranger = Project(tmp_path / "stranger")
    arguments = ("verify", sent, "--trust", trust, "--require", "authority", "--json")
    done = stranger.awo(*arguments, folder=elsewhere).expect(0)
    assert done.json["verdict"] == "passed"
    assert checks(stranger.awo("verify", sent, "--json").expect(0))["EP-4.8"] == "not_checked"
    assert sorted(path.name for path in elsewhere.iterdir()) == ["believed", "sent.tar.gz"]


def test_outsiders_tools_check_the_package_without_awo(sealed: Project) -> None:
    run = sealed.latest()
    assert subprocess.run(["sha256sum", "--quiet", "--strict", "-c", "SHA256SUMS"], cwd=run).returncode == 0
    for signer, namespace, name in (
        (RUNNER, "awo-seal", "audit/seal.json"),
        (REVIEWER, "awo-decision", "audit/decisions/0001-gate.json"),
    ):
        signature = f"{run / name}.sig"
        claimed = ("-Y", "verify", "-f", run / "audit/allowed_signers", "-I", signer, "-n", namespace, "-s", signature)
        assert ssh_keygen(*claimed, message=run / name).returncode == 0
        other = "awo-seal" if namespace == "awo-decision" else "awo-decision"
        in_another = (*claimed[:6], other, *claimed[7:])
        assert ssh_keygen(*in_another, message=run / name).returncode != 0


def test_the_same_run_is_exported_to_the_same_bytes_from_anywhere(sealed: Project, tmp_path: Path) -> None:
    first = sealed.awo("export", "-o", tmp_path / "first.tar.gz", "--json").expect(0).json
    moved = sealed.copy(tmp_path / "moved")
    second = moved.awo("export", "-o", tmp_path / "second.tar.gz", "--json").expect(0).json
    assert (tmp_path / "first.tar.gz").read_bytes() == (tmp_path / "second.tar.gz").read_bytes()
    assert first["tar_sha256"] == second["tar_sha256"]
    sealed.awo("export", "-o", tmp_path / "first.tar.gz").expect(0)  # again, over the same bytes


def test_after_the_seal_no_file_and_no_folder_can_be_written_to(sealed: Project) -> None:
    run = sealed.latest()
    for path in (run, *run.rglob("*")):
        assert path.stat().st_mode & 0o222 == 0, path


@pytest.mark.parametrize("command", ["resume", "seal", "render", "approve", "reject"])
def test_every_command_that_would_change_a_sealed_run_refuses(sealed: Project, command: str) -> None:
    with unchanged(sealed.root):
        match command:
            case "approve":
                done = sealed.approve()
            case "reject":
                done = sealed.reject()
            case _:
                done = sealed.awo(command, "latest")
        assert "sealed" in done.expect(2).err


# --- other ends --------------------------------------------------------------------------------------


def test_a_rejected_run_is_sealed_kept_and_verifies(at_gate: Project) -> None:
    run = at_gate.latest()
    at_gate.reject(reason="The vote counts one model twice.").expect(0)
    decision = json.loads((run / "audit/decisions/0001-gate.json").read_text())
    assert (decision["verdict"], decision["comment"]) == ("reject", "The vote counts one model twice.")
    assert json.loads((run / "audit/seal.json").read_text())["outcome"] == "rejected"
    assert "The vote counts one model twice." in (run / "report.md").read_text()
    done = at_gate.awo("verify", "latest", "--json").expect(0)
    assert (done.json["verdict"], done.json["outcome"]) == ("passed", "rejected")
    assert at_gate.awo("verify", at_gate.awo("export", "--json").expect(0).json["bundle"]).code == 0


def test_a_rejected_run_whose_sealing_was_cut_off_is_sealed_by_resume_which_answers_5(at_gate: Project) -> None:
    run = at_gate.latest()
    at_gate.reject().expect(0)
    for path in [run, *run.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    (run / "audit/seal.json.sig").unlink()
    (run / "audit/registration.json").unlink()
    at_gate.forget_ledger()  # which has the seal: a crash would have come before it
    at_gate.awo("resume", "latest").expect(5)
    at_gate.awo("verify").expect(0)


def test_a_workflow_without_a_gate_ends_sealed(project: Project) -> None:
    project.write("plain.yaml", GATELESS)
    ended = project.awo("run", "plain.yaml", "--json").expect(0).json
    assert (ended["outcome"], ended["exit_code"]) == ("completed", 0)
    assert json.loads((project.latest() / "audit/status.json").read_text())["status"] == "not_required"
    project.awo("verify").expect(0)


def test_a_run_with_two_gates_stops_at_each_and_each_shows_what_came_before(project: Project) -> None:
    project.enrol_reviewer()
    project.write("checklist.md", CHECKLIST)
    project.write("two.yaml", TWO_GATES)
    project.awo("run", "two.yaml").expect(78)
    run = project.latest()
    project.approve().expect(0)
    assert project.awo("resume", "--json").expect(78).json["gate"] == "second"
    (gate,) = project.awo("gates", "--json").expect(0).json["gates"]
    shown = {file["path"] for file in gate["shows"]}
    assert {"outputs/ask/output.json", "outputs/first/output.json", "outputs/keep/files/answer.txt"} <= shown
    project.approve().expect(0)
    project.awo("resume").expect(0)
    assert sorted(path.name for path in (run / "audit/decisions").iterdir()) == [
        "0001-first.authority.json",
        "0001-first.json",
        "0001-first.json.sig",
        "0002-second.authority.json",
        "0002-second.json",
        "0002-second.json.sig",
    ]
    project.awo("verify").expect(0)


def test_a_run_that_nobody_will_take_up_again_is_sealed_as_abandoned(at_gate: Project) -> None:
    done = at_gate.awo("seal", "latest", "--json").expect(0).json
    assert (done["outcome"], done["is_sealed"]) == ("abandoned", True)
    assert not (at_gate.latest() / "audit/gate_pending.json").exists()
    at_gate.awo("verify").expect(0)
    at_gate.approve().expect(2)


def test_runs_that_start_in_one_second_have_names_of_their_own(project: Project) -> None:
    project.write("plain.yaml", GATELESS)
    names: list[str] = []
    for _ in range(8):
        with (
            project.start("run", "plain.yaml") as first,
            project.start("run", "plain.yaml") as second,
            project.start("run", "plain.yaml") as third,
        ):
            for one in (first, second, third):
                one.end().expect(0)
        names = [folder.name for folder in run_folders(project.runs)]
        if any(name.endswith("Z-2") for name in names):
            break
    assert any(name.endswith("Z-2") for name in names), names
    assert len(set(names)) == len(names)
    of_same_second = next(name for name in names if name.endswith("Z-2"))
    assert project.awo("verify", of_same_second, "--json").expect(0).json["run_id"] == of_same_second
    datetime.strptime(of_same_second[:-2], "run_%Y-%m-%dT%H-%M-%SZ").replace(tzinfo=UTC)


def test_a_correction_names_the_run_that_it_supersedes(sealed: Project) -> None:
    older = sealed.latest().name
    with unchanged(sealed.latest()):
        sealed.awo("run", MULTI_MODEL, "--supersedes", older).expect(78)
    newer = sealed.latest()
    assert events(newer)[0]["supersedes"] == older
    sealed.reject(newer.name).expect(0)
    assert json.loads((newer / "audit/seal.json").read_text())["supersedes"] == older
    assert older in (newer / "report.md").read_text()
    sealed.awo("verify", newer.name).expect(0)


def test_a_correction_of_a_run_that_is_not_there_is_refused_before_anything_starts(sealed: Project) -> None:
    with unchanged(sealed.root):
        done = sealed.awo("run", MULTI_MODEL, "--supersedes", "run_2001-01-01T00-00-00Z").expect(2)
    assert "run_2001-01-01T00-00-00Z" in done.err


def test_rendering_rebuilds_the_views_of_an_open_run_byte_for_byte(at_gate: Project) -> None:
    run = at_gate.latest()
    before = contents(run)
    for view in ("report.md", "metadata.json", "audit/status.json", "audit/gate_pending.json"):
        (run / view).write_text("lost")
    (run / "audit/gate_pending.json").unlink()
    at_gate.awo("render").expect(0)
    assert contents(run) == before
