"""The campaign of kills: `kill -9` at random moments of a fan-out run with a gate. Nothing is lost or asked twice.

A story has four kills: while it runs, while it is taken up again, while a person decides, and behind
the gate. Half of the moments are drawn from the time that the part usually takes, half from the bytes
that it usually writes to the journal, so that kills also land where time is short. A few stories run
always; `pytest -m campaign` runs enough for more than 200 kills.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.e2e.installed import REVIEWER, Done, Project, events, of_kind, run_folders
from tests.e2e.multi_model import CHECKLIST

BEFORE, BEHIND, MODELS = 4, 2, 8
CHAIN = [f"fan{number}" for number in range(BEFORE + BEHIND)]
STORIES_IN_CI = 3
STORIES_IN_CAMPAIGN = 72


class Part(NamedTuple):
    """What a part of a story takes when nobody kills it: time, and the journal's size at its end."""

    seconds: float
    journal_bytes: int


class Usual(NamedTuple):
    """The parts of a story."""

    run: Part
    approve: Part
    resume: Part


@dataclass
class Story:
    """One run on its way through the kills, and what it had on disk at each of them."""

    project: Project
    chance: random.Random
    kills: int = 0
    journals: list[bytes] = field(default_factory=list)

    def killed(self, usual: Part, *arguments: str | Path) -> None:
        """Begins a command and kills its group somewhere between its start and its usual end."""
        by_time = self.chance.random() < 0.5
        target = self.chance.uniform(self.journal_bytes(), usual.journal_bytes)
        with self.project.start(*arguments) as running:
            if by_time:
                time.sleep(self.chance.uniform(0, usual.seconds))
            else:
                while running.is_running and self.journal_bytes() < target:
                    time.sleep(0.0005)
                time.sleep(self.chance.uniform(0, 0.004))
            self.kills += running.kill_group()
        self.journals += [whole_lines(folder) for folder in self.newest()]

    def newest(self) -> list[Path]:
        """The newest run that has its first event; none when it was killed too early for that."""
        return [folder for folder in run_folders(self.project.runs)[-1:] if events(folder)]

    def journal_bytes(self) -> int:
        """How much of the newest run's journal is written."""
        paths = [folder / "audit/journal.jsonl" for folder in run_folders(self.project.runs)[-1:]]
        return sum(path.stat().st_size for path in paths if path.exists())

    @property
    def is_waiting(self) -> bool:
        return any(events(folder)[-1]["kind"] == "gate_opened" for folder in self.newest())


def whole_lines(folder: Path) -> bytes:
    data = (folder / "audit/journal.jsonl").read_bytes()
    return data[: data.rfind(b"\n") + 1]


def workflow() -> str:
    """Fan-outs in a chain with commands that take a moment between them, and a gate before the last ones.

    Each fan-out asks one of its models twice: that request has two answers, and no more.
    """
    names = [f"m{number}" for number in range(MODELS)]
    backends = ("echo", "upper", "reverse")
    steps: list[dict[str, object]] = []
    for number, fan in enumerate(CHAIN):
        if number == BEFORE:
            steps.append({"id": "gate", "op": "audit_gate", "checklist": "checklist.md"})
        before = [f"wait{number - 1}"] if number else []
        prompt = f"{fan} after {{{{ steps.fan{number - 1}.count }}}}" if number else fan
        steps += [
            {"id": fan, "op": "fanout_generate", "prompt": prompt, "models": [*names, "m0"], "needs": before},
            {"id": f"vote{number}", "op": "consensus_vote", "inputs_from": fan},
            {"id": f"wait{number}", "op": "command", "argv": ["sleep", "0.02"], "needs": fan},
        ]
    steps.append(
        {"id": "last", "op": "write_text", "path": "last.txt", "text": "done", "needs": f"wait{len(CHAIN) - 1}"}
    )
    models = {name: {"backend": backends[number % 3], "seed": number} for number, name in enumerate(names)}
    return json.dumps({"name": "killed", "models": models, "steps": steps})


def new_project(top: Path) -> Project:
    project = Project(top)
    project.enrol_reviewer()
    project.write("killed.json", workflow())
    project.write("checklist.md", CHECKLIST)
    project.awo("keys", "new", "awo-seal", "--no-passphrase").expect(0)
    return project


@pytest.fixture(scope="session")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Usual:
    """Measured once on this machine."""
    project = new_project(tmp_path_factory.mktemp("usual"))

    def measured(command: Callable[[], Done], code: int) -> Part:
        begun = time.monotonic()
        command().expect(code)
        seconds = time.monotonic() - begun
        return Part(seconds, (project.latest() / "audit/journal.jsonl").stat().st_size)

    return Usual(
        run=measured(lambda: project.awo("run", "killed.json"), 78),
        approve=measured(project.approve, 0),
        resume=measured(lambda: project.awo("resume"), 0),
    )


def tell(project: Project, usual: Usual, seed: int) -> tuple[Story, Path]:
    """A run from its start to its seal through four kills."""
    story = Story(project, random.Random(seed))
    story.killed(usual.run, "run", "killed.json")
    if not story.newest():
        story.project.awo("run", "killed.json").expect(78)
    story.killed(usual.run, "resume", "latest")
    project.awo("resume", "latest").expect(78)

    decision = (
        "approve",
        "latest",
        "--key",
        project.key,
        "--as",
        REVIEWER,
        "--answer",
        "read=yes",
        "--answer",
        "fair=yes",
    )
    story.killed(usual.approve, *decision)
    if story.is_waiting or of_kind(project.latest(), "decision_recorded") == []:
        project.awo(*decision).expect(0)

    story.killed(usual.resume, "resume", "latest")
    run = project.latest()
    if not (run / "audit/seal.json.sig").exists():
        project.awo("resume", "latest").expect(0)
    return story, run


def check(story: Story, run: Path) -> None:
    """Nothing that was on disk at a kill is gone, no answer is there twice, none was asked for again."""
    final = (run / "audit/journal.jsonl").read_bytes()
    for before in story.journals:
        assert final.startswith(before), "a line that had been written is gone or changed"
    answered = of_kind(run, "call_answered")
    assert len({event["call"] for event in answered}) == len(answered)
    requests = {event["call"]: (event["step"], event["request_sha256"]) for event in of_kind(run, "call_intended")}
    answers = Counter(requests[event["call"]] for event in answered)
    for fan in CHAIN:
        counts = sorted(count for (step, _), count in answers.items() if step == fan)
        assert counts == [1] * (MODELS - 1) + [2], (fan, counts)
        lines = (run / f"outputs/{fan}/responses.jsonl").read_bytes().split(b"\n")
        assert lines.pop() == b""
        named = {event["line"]: event["sha256"] for event in answered if event["step"] == fan}
        assert named == {number: sha256(line).hexdigest() for number, line in enumerate(lines)}
    unknown = of_kind(run, "call_unknown")
    assert len(requests) == len(answered) + len(unknown)
    assert [event["step"] for event in of_kind(run, "step_finished")].count("last") == 1
    assert (run / "outputs/last/files/last.txt").read_text() == "done"
    assert len(of_kind(run, "decision_recorded")) == 1
    verdict = story.project.awo("verify", run, "--json").expect(0).json
    assert (verdict["verdict"], verdict["outcome"]) == ("passed", "approved")


@pytest.mark.parametrize("seed", range(STORIES_IN_CI))
def test_a_killed_run_loses_nothing_repeats_no_finished_call_and_verifies(
    tmp_path: Path, usual: Usual, seed: int
) -> None:
    story, run = tell(new_project(tmp_path), usual, seed)
    check(story, run)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(1000, 1000 + STORIES_IN_CAMPAIGN))
def test_in_a_campaign_of_kills_none_loses_or_repeats_anything(tmp_path: Path, usual: Usual, seed: int) -> None:
    """`pytest -rP` shows how many kills found their process alive, and where in the run."""
    story, run = tell(new_project(tmp_path), usual, seed)
    check(story, run)
    at_events = [journal.count(b"\n") for journal in story.journals]
    print(f"kills: {story.kills}, at events: {at_events}, calls without outcome: {len(of_kind(run, 'call_unknown'))}")
