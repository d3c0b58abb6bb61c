"""Gates and time: approvals that expire, deadlines that pass, clocks that run backwards; the clock is the test's."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from awo import api
from awo.canon import time
from awo.engine import at_gate, pictures
from awo.engine.authors import workflow_authors
from awo.engine.decide import Choice, Decided
from awo.engine.folder import alone_in
from awo.errors import EvidenceError, UsageError
from awo.evidence.gates import Answer
from awo.evidence.layout import GATE_PENDING, JOURNAL, SEAL

STARTER, ALICE, BOB = "runner@example.org", "alice@example.org", "bob@example.org"
HOUR_US = 3_600_000_000
WORKFLOW: dict[str, Any] = {
    "name": "times",
    "steps": [
        {"id": "ask", "op": "fanout_generate", "prompt": "hello", "models": ["echo", "upper"]},
        {"id": "gate", "op": "audit_gate", "checklist": "checklist.md"},
    ],
}
PEOPLE = f'[people."{BOB}"]\nroles = ["lead"]\n'


@dataclass
class Gate:
    """A project whose run waits, and a clock that goes on by itself and may be moved."""

    project: api.Project
    at_us: int = 1_798_761_600_000_000

    def now(self) -> str:
        self.at_us += 1000
        return time.spell(self.at_us)

    @property
    def run(self) -> Path:
        return api.find_run(self.project, "latest")

    def start(self, gates: str) -> Gate:
        root = self.project.root
        (root / "awo.toml").write_text(f"[gates]\n{gates}\n{PEOPLE}")
        self.project = api.find_project(root)
        api.run(self.project, root / "workflow.json", self.person(STARTER))
        return self

    def person(self, name: str) -> api.Identity:
        return api.identity(self.project, self.project.root / name, name, lambda: "")

    def say(self, name: str, **choice: Any) -> Decided:
        said = {"verdict": "approve", "answers": ["read=yes"], "comment": "because"} | choice
        full = Choice(signer_id=name, meaning="review", **said)
        return api.decide(self.project, self.run, full, lambda: self.person(name).signer)

    def resume(self) -> str:
        return api.resume(self.project, self.run, self.person(STARTER)).outcome

    def kinds(self, last: int) -> list[str]:
        return [event["kind"] for event in self.events()][-last:]

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.run / JOURNAL).read_bytes().splitlines()]

    def verdict(self) -> str:
        return api.verify(self.project, "latest", None).verdict


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    (tmp_path / "workflow.json").write_text(json.dumps(WORKFLOW))
    (tmp_path / "checklist.md").write_text("- [ ] {#read} It was read.\n")
    made = Gate(api.find_project(tmp_path))
    for name in (STARTER, ALICE, BOB):
        api.new_key(name, tmp_path / name, "")
        api.enrol(made.project, name, tmp_path / f"{name}.pub")
    monkeypatch.setattr(time, "now", made.now)
    return made


# --- approvals that expire ---------------------------------------------------------------------------------


def test_an_approval_that_expires_before_the_run_goes_on_opens_the_gate_again(gate: Gate) -> None:
    gate.start('lasts = "36h"')
    assert gate.say(ALICE).is_closed
    gate.at_us += 37 * HOUR_US
    assert gate.resume() == "waiting"
    assert gate.kinds(2) == ["gate_closed", "gate_lapsed"]
    pending = api.pending_gate(gate.run)
    assert pending is not None
    assert [(need.role, need.count) for need in pending.missing] == [("reviewer", 1)]
    assert gate.say(ALICE).is_closed
    assert gate.resume() == "approved"
    assert gate.verdict() == "passed"


def test_an_approval_that_has_expired_does_not_count_beside_a_later_one(gate: Gate) -> None:
    gate.start('lasts = "36h"\nneeds = { reviewer = 1, lead = 1 }')
    assert not gate.say(ALICE).is_closed
    gate.at_us += 37 * HOUR_US
    assert not gate.say(BOB).is_closed
    assert gate.say(ALICE).is_closed


def test_a_clock_that_is_moved_back_brings_no_expired_approval_back(gate: Gate) -> None:
    gate.start('lasts = "36h"')
    gate.say(ALICE)
    gate.at_us += 37 * HOUR_US
    assert gate.resume() == "waiting"
    gate.at_us -= 30 * HOUR_US
    assert gate.resume() == "waiting"
    assert gate.kinds(1) == ["gate_lapsed"]


# --- deadlines -----------------------------------------------------------------------------------------------


def test_a_gate_whose_deadline_has_passed_is_rejected_by_the_next_command_and_sealed(gate: Gate) -> None:
    gate.start('deadline = "14d"\nthen = "reject"')
    gate.at_us += 14 * 24 * HOUR_US
    assert gate.resume() == "rejected"
    assert gate.kinds(3) == ["deadline_passed", "gate_closed", "run_finished"]
    assert json.loads((gate.run / SEAL).read_bytes())["sealer"]["id"] == STARTER
    assert gate.verdict() in ("passed", "incomplete")


def test_a_decision_after_a_deadline_that_rejects_is_refused_and_seals_the_run(gate: Gate) -> None:
    gate.start('deadline = "90m"\nthen = "reject"')
    gate.at_us += 2 * HOUR_US
    with pytest.raises(UsageError, match="deadline of the gate 'gate' has passed"):
        gate.say(ALICE)
    assert gate.kinds(3) == ["deadline_passed", "gate_closed", "run_finished"]
    assert json.loads((gate.run / SEAL).read_bytes())["sealer"]["id"] == ALICE
    assert gate.verdict() == "passed"


def test_what_was_decided_before_the_deadline_counts_after_it(gate: Gate) -> None:
    gate.start('deadline = "90m"\nthen = "reject"')
    gate.say(ALICE)
    gate.at_us += 2 * HOUR_US
    assert gate.resume() == "approved"


def test_after_an_escalation_other_people_are_asked_and_said_to_be_missing(gate: Gate) -> None:
    gate.start('needs = { reviewer = 2 }\ndeadline = "90m"\nthen = "escalate"\nescalate = { reviewer = 1, lead = 1 }')
    with pytest.raises(UsageError, match="does not have the role"):
        gate.say(BOB)
    gate.say(ALICE)
    gate.at_us += 2 * HOUR_US
    assert gate.resume() == "waiting"
    pending = json.loads((gate.run / GATE_PENDING).read_bytes())
    assert pending["is_escalated"]
    assert pending["missing"] == [{"role": "lead", "count": 1}]
    assert gate.say(BOB).is_closed
    assert gate.resume() == "approved"
    assert gate.verdict() == "passed"


def test_a_deadline_after_which_the_gate_waits_is_recorded_once(gate: Gate) -> None:
    gate.start('deadline = "90m"')
    gate.at_us += 2 * HOUR_US
    assert gate.resume() == gate.resume() == "waiting"
    assert [event["then"] for event in gate.events() if event["kind"] == "deadline_passed"] == ["wait"]
    assert gate.say(ALICE).is_closed


# --- clocks and staleness ----------------------------------------------------------------------------------


def test_a_clock_that_was_moved_back_is_told_by_how_much(gate: Gate) -> None:
    gate.start("")
    gate.at_us -= 2 * HOUR_US
    with pytest.raises(UsageError, match="clock is 7200 s behind") as caught:
        gate.say(ALICE)
    assert "set the clock" in caught.value.hint
    assert gate.events()[-1]["reason"]["code"] == "clock"
    gate.at_us += 2 * HOUR_US
    assert gate.say(ALICE).is_closed


def test_a_decision_before_the_one_before_it_is_refused(gate: Gate) -> None:
    gate.start("needs = { reviewer = 1, lead = 1 }")
    gate.at_us += 2 * HOUR_US
    gate.say(ALICE)
    gate.at_us -= HOUR_US
    with pytest.raises(UsageError, match="clock"):
        gate.say(BOB)


def test_somebody_who_was_shown_another_gate_signs_nothing(gate: Gate) -> None:
    gate.start("")
    pending = api.pending_gate(gate.run)
    assert pending is not None
    with pytest.raises(EvidenceError, match="not what you were shown"):
        gate.say(ALICE, seen=type(pending.checkpoint)(size=pending.checkpoint.size, root="0" * 64))
    assert gate.events()[-1]["reason"]["code"] == "stale"
    assert gate.say(ALICE, seen=pending.checkpoint).is_closed


def test_answers_of_a_file_or_a_dialogue_are_signed_as_those_that_are_typed(gate: Gate) -> None:
    gate.start("")
    decided = gate.say(ALICE, answers=[], given=[Answer(id="read", answer="yes", evidence="outputs/gate/report.md")])
    signed = json.loads((gate.run / decided.path).read_bytes())
    assert signed["answers"] == [{"id": "read", "answer": "yes", "evidence": "outputs/gate/report.md"}]


def test_a_decision_waits_for_another_process_and_then_says_so(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    gate.start("")
    monkeypatch.setattr(at_gate, "LOCK_WAIT_S", 0.1)
    with alone_in(gate.run), pytest.raises(UsageError, match="another process is working on this run"):
        gate.say(ALICE)
    assert gate.say(ALICE).is_closed


def test_a_decision_that_leaves_the_gate_open_draws_no_picture_again(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.start("needs = { reviewer = 1, lead = 1 }")
    asked: list[object] = []

    def has_none(facts: object) -> bool:
        asked.append(facts)
        return False

    monkeypatch.setattr(pictures, "has_pictures", has_none)
    report = (gate.run / "report.md").read_bytes()
    gate.say(ALICE)
    assert (gate.run / "report.md").read_bytes() != report
    assert len(asked) == 1  # whether what is there is right, and not again for drawing them


# --- authors -----------------------------------------------------------------------------------------------


def test_everybody_who_committed_the_workflow_file_is_its_author_under_any_name_it_had(tmp_path: Path) -> None:
    def git(*arguments: str, author: str = "a@example.org") -> None:
        identity = ("-c", "user.name=a", "-c", f"user.email={author}")
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    old, new = tmp_path / "old.yaml", tmp_path / "sub" / "new [1].yaml"
    old.write_text("".join(f"line {number}\n" for number in range(50)))
    (tmp_path / "other").write_text("other")
    git("add", "old.yaml")
    git("commit", "-qm", "first", author="Alice@Example.org")
    git("add", "other")
    git("commit", "-qm", "other", author="nobody@example.org")
    new.parent.mkdir()
    git("mv", "old.yaml", "sub/new [1].yaml")
    git("commit", "-qm", "moved", author="bob@example.org")
    assert workflow_authors(new) == ["alice@example.org", "bob@example.org"]
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{tmp_path}", "shallow"], cwd=tmp_path, check=True)
    with pytest.raises(UsageError, match="git cannot say") as caught:
        workflow_authors(tmp_path / "shallow/sub/new [1].yaml")
    assert "unshallow" in caught.value.hint
