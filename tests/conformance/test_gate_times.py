"""Gates and time: approvals that expire, deadlines that pass, clocks that run backwards; the clock is the test's."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Callable
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
from awo.engine.panels import reveal
from awo.errors import EvidenceError, UsageError
from awo.evidence.gates import Answer
from awo.evidence.layout import GATE_PENDING, JOURNAL, SEAL

STARTER, ALICE, BOB = "runner@example.org", "alice@example.org", "bob@example.org"
NO_LEDGER = "[ledger]\nenabled = false\n"  # copies of one project go their own ways here, and a ledger refuses that
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
        (root / "awo.toml").write_text(f"{NO_LEDGER}[gates]\n{gates}\n{PEOPLE}")
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


# --- the moment itself ---------------------------------------------------------------------------------------


def us(text: str) -> int:
    return round(time.read(text).timestamp() * 1_000_000)


def in_turn(gate: Gate, until_us: int, act: Callable[[Gate], None]) -> list[Gate]:
    """Copies of the project in which `act` was done 0, 1, 2, … ms before a moment, so that it falls between any two
    looks at the clock."""
    done = []
    for before_ms in range(16):
        top = gate.project.root / f"copy-{before_ms}"
        shutil.copytree(gate.project.root, top, ignore=shutil.ignore_patterns("copy-*"))
        one = Gate(api.find_project(top), until_us - 1000 * before_ms)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(time, "now", one.now)
            act(one)
        done.append(one)
    return done


def faults(gate: Gate) -> list[str]:
    return [
        finding.what
        for check in api.verify(gate.project, "latest", None).checks
        if check.verdict == "failed"
        for finding in check.findings
    ]


def test_a_gate_that_closes_or_is_passed_while_an_approval_expires_verifies(gate: Gate) -> None:
    gate.start('lasts = "36h"\nneeds = { reviewer = 1, lead = 1 }')
    path = gate.say(ALICE).path
    expires_us = us(json.loads((gate.run / path).read_bytes())["expires_at"])

    def decide_and_go_on(one: Gate) -> None:
        one.say(BOB)
        one.resume()

    said = in_turn(gate, expires_us, decide_and_go_on)
    assert {of.kinds(1)[0] for of in said} >= {"decision_recorded", "gate_lapsed", "run_finished"}
    assert [faults(one) for one in said] == [[]] * len(said)


@pytest.mark.parametrize("then", ['"reject"', '"escalate"\nescalate = { lead = 1 }'])
def test_who_decides_while_the_deadline_passes_is_in_time_or_refused(gate: Gate, then: str) -> None:
    gate.start(f'deadline = "90m"\nthen = {then}')
    (opened,) = [event["at"] for event in gate.events() if event["kind"] == "gate_opened"]
    refused = []

    def decide(one: Gate) -> None:
        try:
            one.say(ALICE)
        except UsageError:
            refused.append(one.events()[-1].get("reason", {}).get("code"))

    said = in_turn(gate, us(opened) + 90 * 60 * 1_000_000, decide)
    assert "deadline" in refused
    assert len(refused) < len(said)
    assert [faults(one) for one in said] == [[]] * len(said)


def test_a_clock_that_was_ahead_before_the_gate_opened_lets_no_approval_expire(gate: Gate) -> None:
    second = {"id": "second", "op": "audit_gate", "checklist": "checklist.md", "needs": ["gate"]}
    (gate.project.root / "workflow.json").write_text(json.dumps(WORKFLOW | {"steps": [*WORKFLOW["steps"], second]}))
    gate.start('lasts = "36h"')
    assert gate.say(ALICE).is_closed
    gate.at_us -= 365 * 24 * HOUR_US
    assert gate.resume() == "waiting"
    assert gate.kinds(1) == ["gate_opened"]
    assert gate.say(ALICE).is_closed
    assert gate.resume() == "approved"
    assert faults(gate) == []


def test_a_clock_that_is_set_back_while_somebody_signs_makes_no_decision_of_the_future(gate: Gate) -> None:
    gate.start("")
    signer = gate.person(ALICE).signer

    class Slow:
        key, presence = signer.key, signer.presence

        def sign(self, data: bytes, namespace: str) -> bytes:
            gate.at_us -= HOUR_US
            return signer.sign(data, namespace)

    choice = Choice("approve", ALICE, "review", answers=["read=yes"])
    assert api.decide(gate.project, gate.run, choice, Slow).is_closed
    assert faults(gate) == []


# --- blind gates -----------------------------------------------------------------------------------------------


def blind(gate: Gate, gates: str) -> Gate:
    steps = [step | ({"blind": True} if step["op"] == "audit_gate" else {}) for step in WORKFLOW["steps"]]
    (gate.project.root / "workflow.json").write_text(json.dumps(WORKFLOW | {"steps": steps}))
    return gate.start(gates)


def test_votes_that_were_all_in_are_opened_also_after_an_escalation(
    gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = 'deadline = "90m"\nthen = "escalate"\nescalate = { lead = 1 }'
    blind(gate, f"needs = {{ reviewer = 2 }}\nseparate_from = []\n{lead}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "of-alice"))
    assert gate.say(ALICE).is_sealed_vote
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "of-starter"))
    assert not gate.say(STARTER).is_sealed_vote
    gate.at_us += 2 * HOUR_US
    with pytest.raises(UsageError, match="the votes at this gate are being opened"):
        gate.say(BOB)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "of-alice"))
    opened = asyncio.run(reveal(gate.run))
    assert (opened.opened, opened.sealed, opened.is_closed) == ((ALICE,), (), False)
    assert gate.say(BOB).is_closed
    assert gate.resume() == "approved"
    assert faults(gate) == []


def test_who_has_two_roles_votes_in_the_one_that_the_others_leave(
    gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the first vote would take the only place of somebody who can take no other, and no vote is ever changed."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    roles = f"""[people."{ALICE}"]\nroles = ["reviewer", "lead"]\n[people."{BOB}"]\nroles = ["reviewer"]\n"""
    monkeypatch.setattr("tests.conformance.test_gate_times.PEOPLE", roles)
    blind(gate, "needs = { reviewer = 1, lead = 1 }")
    gate.say(ALICE)
    gate.say(BOB)
    assert asyncio.run(reveal(gate.run)).is_closed
    assert gate.resume() == "approved"


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
