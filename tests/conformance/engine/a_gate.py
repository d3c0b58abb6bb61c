"""A project on disk whose run waits at a gate, for tests that break it there; driven through `awo.api`."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from awo import api
from awo.engine.decide import Choice, Decided, ProjectRules, decide
from awo.engine.run import Ended
from awo.evidence.layout import JOURNAL
from awo.evidence.secrets import SecretCutter

STARTER, REVIEWER = "runner@example.org", "alice@example.org"
STEPS: list[dict[str, Any]] = [
    {"id": "ask", "op": "fanout_generate", "prompt": "hello", "models": ["echo", "upper"]},
    {"id": "make", "op": "command", "shell": "echo made > made.txt", "outputs": ["made.txt"]},
    {"id": "gate", "op": "audit_gate", "checklist": "checklist.md"},
    {"id": "use", "op": "command", "argv": ["find", "steps", "-type", "f"], "from_steps": ["make"]},
]


@dataclass(frozen=True)
class AtGate:
    """A project with one run."""

    project: api.Project
    starter: api.Identity
    reviewer: api.Identity

    @property
    def run(self) -> Path:
        return api.find_run(self.project, "latest")

    def decide(self, verdict: Literal["approve", "reject"]) -> Decided:
        """Decides as the reviewer, and does no more: a run that this ends is not sealed yet."""
        choice = Choice(
            verdict=verdict,
            signer_id=self.reviewer.id,
            meaning="approval",
            answers=["read=yes"] if verdict == "approve" else [],
            comment="because",
        )
        rules = ProjectRules(self.project.policy, self.project.reviewers, SecretCutter({}))
        return asyncio.run(decide(self.run, choice, lambda: self.reviewer.signer, rules))

    def resume(self) -> Ended:
        return api.resume(self.project, self.run, self.starter)

    def kinds(self) -> list[str]:
        """The kinds of the events on disk."""
        return [json.loads(line)["kind"] for line in (self.run / JOURNAL).read_bytes().splitlines()]

    def forget(self, last: int) -> None:
        """Takes the last lines of the journal away, as if the process had been killed before it wrote them."""
        lines = (self.run / JOURNAL).read_bytes().splitlines(keepends=True)
        (self.run / JOURNAL).write_bytes(b"".join(lines[:-last]))


def start(top: Path, steps: list[dict[str, Any]]) -> AtGate:
    """Runs these steps as far as they go in a new project below `top`."""
    project = api.find_project(top)
    (top / "workflow.json").write_text(json.dumps({"name": "crashes", "steps": steps}))
    (top / "checklist.md").write_text("- [ ] {#read} It was read.\n")
    identities = [_identity(project, top, name) for name in (STARTER, REVIEWER)]
    api.enrol(project, REVIEWER, top / f"{REVIEWER}.pub")
    found = AtGate(project, *identities)
    api.run(project, top / "workflow.json", found.starter)
    return found


def _identity(project: api.Project, top: Path, name: str) -> api.Identity:
    api.new_key(name, top / name, "")
    return api.identity(project, top / name, name, lambda: "")
