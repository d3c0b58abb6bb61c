"""A blind gate: three people judge answers without names, vote unseen by each other, and open their votes."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

import pytest
from tests.e2e.installed import Done, Project, contents, of_kind

PEOPLE = ("alice", "bob", "carol")
MODELS = ("first-secret-model", "second-secret-model", "third-secret-model")
WORKFLOW = """\
name: a panel
models:
  first-secret-model: echo/echo
  second-secret-model: upper/upper
  third-secret-model: reverse/reverse
inputs:
  rows: {data: rows.csv, id: id}
steps:
  - id: ask
    op: fanout_generate
    over: rows
    prompt: "{{ item.text }}"
    models: [first-secret-model, second-secret-model, third-secret-model]
  - {id: judge, op: audit_gate, checklist: checklist.md, blind: true, of: [ask]}
  - {id: end, op: write_text, path: end.txt, text: done}
"""
TEXTS = [f"Level {number} is level" for number in range(8)]
CHECKLIST = "- [ ] {#read} I have read every answer.\n- [ ] {#fair} The best answer is fair. (optional)\n"
POLICY = "[gates]\nneeds = {reviewer = 3}\n"


class Panel(Project):
    """A project with three reviewers, each with a key, a home and a store of votes of their own."""

    def person(self, name: str) -> dict[str, str]:
        return {"HOME": str(self.top / f"home-{name}"), "XDG_STATE_HOME": str(self.top / f"state-{name}")}

    def enrol(self) -> None:
        for name in PEOPLE:
            key = self.top / "keys" / name
            self.awo("keys", "new", f"{name}@example.org", "--no-passphrase", "--out", key).expect(0)
            self.awo("keys", "enrol", f"{name}@example.org", f"{key}.pub").expect(0)

    def vote(self, name: str, verdict: str, comment: str, *more: str) -> Done:
        """Decides as this person, who says `comment`."""
        said = "--comment" if verdict == "approve" else "--reason"
        key = ("--key", self.top / "keys" / name, "--as", f"{name}@example.org")
        answers = ("--answer", "read=yes", "--answer", "fair=no" if name == "carol" else "fair=yes")
        return self.awo(verdict, "latest", *key, *answers, said, comment, *more, variables=self.person(name))

    def reveal(self, name: str, *more: str) -> Done:
        return self.awo("reveal", "latest", *more, variables=self.person(name))

    def held(self, name: str) -> list[Path]:
        return sorted((self.top / f"state-{name}" / "awo/votes" / self.latest().name).glob("*.json"))


@pytest.fixture
def panel(tmp_path: Path) -> Panel:
    """A project whose only run waits at a blind gate."""
    project = Panel(tmp_path)
    project.enrol()
    project.write("workflow.yaml", WORKFLOW)
    project.write("checklist.md", CHECKLIST)
    project.write("awo.toml", POLICY)
    project.write("rows.csv", "id,text\n" + "".join(f"r{n},{text}\n" for n, text in enumerate(TEXTS)))
    project.awo("run", "workflow.yaml").expect(78)
    return project


def test_the_page_names_no_model_and_its_order_can_be_computed_again(panel: Panel) -> None:
    run = panel.latest()
    page = (run / "outputs/judge/files/panel.md").read_text()
    request = json.loads((run / "outputs/judge/gate.json").read_text())
    seed = int(hashlib.sha256(b"awo/panel/v1:0:judge").hexdigest()[:13], 16)
    assert request["panel"] == {"seed": seed, "of": ["ask"], "path": "outputs/judge/files/panel.md"}
    assert not [model for model in (*MODELS, "echo", "upper", "reverse") if model in page]
    items = [json.loads(line) for line in (run / "outputs/ask/items.jsonl").read_text().splitlines()]
    assert [item["item"] for item in items] == [f"r{n}" for n in range(8)]
    orders = []
    for cell, chapter in enumerate(page.split("\n### ")[1:]):
        shown = [part.split("```text\n")[1].split("\n```")[0] for part in chapter.split("\n#### ")[1:]]
        order = sorted(range(3), key=lambda n: hashlib.sha256(f"{seed}:ask:{cell}:{n}".encode()).hexdigest())
        assert shown == [items[cell]["value"]["responses"][n]["text"] for n in order]
        orders.append(tuple(order))
    assert len(orders) == 8
    assert len(set(orders)) > 1
    (opened,) = of_kind(run, "gate_opened")
    shown_paths = [ref["path"] for ref in opened["shows"]]
    assert "outputs/judge/files/panel.md" in shown_paths
    assert "outputs/judge/files/panel.md" in [ref["path"] for ref in opened["files"]]


def test_a_voter_is_sent_to_the_page_and_not_to_the_report_that_names_the_models(panel: Panel) -> None:
    assert MODELS[0] in (panel.latest() / "outputs/judge/report.md").read_text()
    shown = panel.awo("gates", "show", "latest", "--json").expect(0).json
    assert shown["read_first"] == ["outputs/judge/files/panel.md"]
    printed = panel.awo("gates", "show", "latest").expect(0).out
    assert "read first: " in printed
    assert "no other file before you have voted: they name the models" in printed


def test_nobody_sees_a_vote_before_all_are_in_and_then_they_are_opened_one_after_the_other(panel: Panel) -> None:
    run = panel.latest()
    said = {name: f"comment of {name} alone" for name in PEOPLE}
    for name in ("alice", "bob"):
        done = panel.vote(name, "approve", said[name], "--json").expect(0).json
        assert (done["is_sealed_vote"], done["is_closed"]) == (True, False)
        (held,) = panel.held(name)
        assert stat.S_IMODE(held.stat().st_mode) == 0o600
        assert stat.S_IMODE(held.parent.stat().st_mode) == 0o700
        assert said[name] in held.read_text()
        written = b"\n".join(contents(run).values())
        assert not [text for text in said.values() if text.encode() in written]
        assert b'"verdict":"approve"' not in written
    panel.reveal("alice").refused(2, "no vote is opened before all are in", "1 reviewer")
    panel.vote("alice", "reject", "I have thought again").refused(2, "has voted at this gate already")
    assert of_kind(run, "decision_refused")[-1]["reason"]["code"] == "panel"
    pending = json.loads((run / "audit/gate_pending.json").read_text())
    assert (pending["voted"], pending["panel"]["of"]) == (2, ["ask"])
    assert [(need["role"], need["count"]) for need in pending["missing"]] == [("reviewer", 1)]

    assert "1 reviewer" in panel.awo("gates", "latest").expect(0).out

    last = panel.vote("carol", "approve", said["carol"], "--json").expect(0).json
    for shown in (panel.awo("gates", "latest"), panel.awo("gates", "show", "latest")):
        assert "nobody; all votes are in, and 2 lie sealed" in shown.expect(0).out
        assert f"next: alice@example.org, bob@example.org: awo reveal {run.name}, each where they voted" in shown.out
        assert "awo approve" not in shown.out
    assert (last["is_sealed_vote"], last["is_closed"]) == (False, False)
    assert [event["signer"] for event in of_kind(run, "decision_recorded")] == ["carol@example.org"]
    bob = panel.reveal("bob", "--json").expect(0).json
    assert (bob["opened"], bob["sealed"]) == (["bob@example.org"], ["alice@example.org"])
    again = panel.reveal("bob", "--json").expect(0).json
    assert (again["opened"], again["sealed"]) == ([], ["alice@example.org"])
    alice = panel.reveal("alice", "--json").expect(0).json
    assert (alice["opened"], alice["sealed"], alice["is_closed"]) == (["alice@example.org"], [], True)
    assert panel.reveal("alice", "--json").expect(0).json["opened"] == []
    panel.awo("resume", "latest").expect(0)
    report = (run / "report.md").read_text()
    assert all(text in report for text in said.values())
    assert "| `fair` | 1 of 3 (33 %) |" in report
    assert "| `verdict` | 3 of 3 (100 %) |" in report
    first = json.loads((run / "outputs/ask/items.jsonl").read_text().splitlines()[0])
    seed = json.loads((run / "outputs/judge/gate.json").read_text())["panel"]["seed"]
    order = sorted(range(3), key=lambda n: hashlib.sha256(f"{seed}:ask:0:{n}".encode()).hexdigest())
    key = " | ".join(f"`{first['value']['responses'][n]['model']}`" for n in order)
    assert f"| `ask` | r0 | {key} |" in report
    for event in of_kind(run, "decision_recorded"):
        vote = json.loads((run / f"audit/decisions/vote-{event['opens']:04d}-judge.json").read_text())
        data = (run / event["decision"]["path"]).read_bytes()
        assert vote["commitment"] == hashlib.sha256(event["nonce"].encode() + b"\n" + data).hexdigest()
    panel.awo("verify", "latest").expect(0)


def test_one_rejection_rejects_once_all_votes_are_open(panel: Panel) -> None:
    panel.vote("alice", "reject", "Not good enough.").expect(0)
    panel.vote("bob", "approve", "Fine.").expect(0)
    assert not of_kind(panel.latest(), "gate_closed")
    panel.vote("carol", "approve", "Fine, too.").expect(0)
    panel.reveal("bob").expect(0)
    done = panel.reveal("alice", "--json").expect(0).json
    assert (done["is_closed"], done["outcome"]) == (True, "rejected")
    assert "| `verdict` | 1 of 3 (33 %) |" in (panel.latest() / "report.md").read_text()
    panel.awo("verify", "latest").expect(0)


def test_another_decision_than_the_one_that_was_sealed_is_refused(panel: Panel) -> None:
    for name in PEOPLE:
        panel.vote(name, "approve", "Fine.").expect(0)
    (held,) = panel.held("alice")
    kept = held.read_text()
    held.write_text(kept.replace("Fine.", "Bad!."))
    before = (panel.latest() / "audit/journal.jsonl").read_bytes()
    panel.reveal("alice").refused(3, "not the decision that was sealed")
    assert (panel.latest() / "audit/journal.jsonl").read_bytes() == before
    held.write_text(kept)
    assert panel.reveal("alice", "--json").expect(0).json["opened"] == ["alice@example.org"]


def test_a_vote_kept_by_a_process_that_died_before_its_event_harms_nobody(panel: Panel) -> None:
    panel.vote("alice", "approve", "Fine.").expect(0)
    (held,) = panel.held("alice")
    died = json.loads(held.read_text()) | {"number": 2, "nonce": "0" * 64}
    held.with_name("0002-judge.json").write_text(json.dumps(died))  # of a vote 2 that alice never sealed
    for name in ("bob", "carol"):
        panel.vote(name, "approve", "Fine.").expect(0)
    assert panel.reveal("alice", "--json").expect(0).json["opened"] == ["alice@example.org"]
    assert panel.reveal("bob", "--json").expect(0).json["is_closed"] is True


def test_a_vote_whose_decision_is_lost_stays_sealed_and_the_run_is_kept_as_abandoned(panel: Panel) -> None:
    for name in PEOPLE:
        panel.vote(name, "approve", "Fine.").expect(0)
    (held,) = panel.held("alice")
    held.unlink()
    assert panel.reveal("alice", "--json").expect(0).json["sealed"] == ["alice@example.org", "bob@example.org"]
    assert panel.reveal("bob", "--json").expect(0).json["sealed"] == ["alice@example.org"]
    panel.vote("alice", "approve", "Fine.").refused(2, "has voted at this gate already")
    panel.awo("seal", "latest").expect(0)
    report = (panel.latest() / "report.md").read_text()
    assert "*(still sealed)*" in report
    assert "The key, told only now" not in report
    panel.awo("verify", "latest").expect(0)


def test_a_gate_may_be_blind_without_anything_to_judge(panel: Panel) -> None:
    panel.write("workflow.yaml", WORKFLOW.replace(", of: [ask]", ""))
    panel.awo("run", "workflow.yaml").expect(78)
    request = json.loads((panel.latest() / "outputs/judge/gate.json").read_text())
    assert (request["panel"]["of"], request["panel"]["path"]) == ([], "")
    assert not (panel.latest() / "outputs/judge/files").exists()
    assert panel.vote("alice", "approve", "Fine.", "--json").expect(0).json["is_sealed_vote"] is True


def test_what_a_panel_judges_must_be_answers_of_models(panel: Panel) -> None:
    panel.write(
        "bad.yaml",
        WORKFLOW.replace("  - {id: judge", "  - {id: t, op: write_text, path: a, text: b}\n  - {id: judge").replace(
            "of: [ask]", "of: [t]"
        ),
    )
    panel.awo("validate", "bad.yaml").refused(8, "no answers of models")


def test_a_gate_that_is_not_blind_has_nothing_to_reveal(panel: Panel) -> None:
    panel.write("workflow.yaml", WORKFLOW.replace(", blind: true, of: [ask]", ""))
    panel.awo("run", "workflow.yaml").expect(78)
    panel.reveal("alice").refused(2, "is not blind")
