"""The packages of the campaign of mutations, with what their readers believe and the files of another run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.vectors.builder import RUN_ID
from tests.vectors.make import vectors
from tests.vectors.stories import Vector

from awo import api
from awo.canon import time
from awo.evidence.layout import ALLOWED_SIGNERS, PARTIAL, REDACTIONS, REGISTRATION, SEAL, TIME_STAMP
from awo.gate.project import Policy, read_policy
from awo.ledger.reader import read_keys
from awo.sign.timestamp import read_roots

UNSEALED = ("unsealed", "over-budget")
REAL = "real"
NAMES = sorted(
    name.removeprefix("good/") for name in vectors() if name.startswith("good/") and not name.endswith(UNSEALED)
)
REPLAYED = {
    "registered": "registered-without-a-gate",
    "registered-unknown": "registered-without-a-gate",
    "registered-unwitnessed": "registered-without-a-gate",
    "registered-witnessed": "registered-without-a-gate",
}
"""Where the files of another run come from, if not from the vector before: that may be the same run, otherwise
registered, and its registration is a true one."""
OUTSIDE_THE_SEAL = frozenset({REGISTRATION, TIME_STAMP})
"""What is made after the seal and vouches for it from outside: it can be taken away, and nobody can tell that it was
there. To whoever has it, such an edit is one that a check cannot be made any more, which is said with its place."""


@dataclass(slots=True)
class Sample:
    """A sealed package with what its reader believes, and the files of another run."""

    name: str
    files: Mapping[str, bytes]
    other: Mapping[str, bytes]
    run_id: str
    mtime: int
    trust: str
    believed: dict[str, Any] = field(default_factory=dict)

    def is_left_to_others(self, changed: Mapping[str, bytes | None]) -> bool:
        """Whether verify.py says of such an edit that it does not judge it: what records of redactions say is away."""
        is_redacted = any(path.startswith(f"{REDACTIONS}/") for path in (*self.files, *changed))
        return is_redacted and all(
            data is None or path in OUTSIDE_THE_SEAL or path.startswith(f"{REDACTIONS}/") or path.endswith(PARTIAL)
            for path, data in changed.items()
        )


@cache
def good() -> dict[str, Vector]:
    return {name.removeprefix("good/"): one for name, one in vectors().items()}


def of_vector(name: str) -> Sample:
    vector = good()[name]
    other = good()[REPLAYED.get(name, NAMES[NAMES.index(name) - 1])].package.files
    believed: dict[str, Any] = {
        "policy": read_policy(vector.policy, where="policy"),
        "ledger_keys": read_keys(vector.ledger_keys, "keys"),
        "witnesses": vector.witnesses,
        "roots": read_roots(vector.roots.encode(), "roots") if vector.roots else None,
    }
    return Sample(name, vector.package.files, other, RUN_ID, vector.package.mtime, vector.trust, believed)


WORKFLOW = {
    "name": "mutated",
    "steps": [
        {"id": "ask", "op": "fanout_generate", "prompt": "hello", "models": ["echo", "upper"]},
        {"id": "again", "op": "llm_map", "prompt": "good day", "needs": ["ask"]},
        {"id": "gate", "op": "audit_gate", "checklist": "checklist.md", "needs": ["again"]},
        {"id": "save", "op": "write_text", "path": "greeting.txt", "text": "good day\n", "needs": ["gate"]},
    ],
}


def real_run(top: Path) -> Sample:
    """The second of two runs of one project, by the engine from its first event to its seal."""
    (top / "workflow.json").write_text(json.dumps(WORKFLOW))
    (top / "checklist.md").write_text("- [ ] {#read} It was read.\n")
    project = api.find_project(top)
    people = []
    for name in ("otto", "rita"):
        api.new_key(name, top / name, "")
        api.enrol(project, name, top / f"{name}.pub")
        people.append(api.identity(project, top / name, name, lambda: ""))
    starter, reviewer = people
    folders = [approved_run(project, starter, reviewer) for _ in range(2)]
    other, files = (files_of(folder) for folder in folders)
    keys = (project.runs / "ledger" / "keys").read_text()
    sealed_at = time.read(json.loads(files[SEAL])["at"])
    believed = {"policy": Policy(), "ledger_keys": read_keys(keys, "keys"), "witnesses": 0, "roots": None}
    trust = files[ALLOWED_SIGNERS].decode()
    return Sample(REAL, files, other, folders[1].name, int(sealed_at.timestamp()), trust, believed)


def approved_run(project: api.Project, starter: api.Identity, reviewer: api.Identity) -> Path:
    from awo.engine.decide import Choice

    folder = api.run(project, project.root / "workflow.json", starter).folder
    choice = Choice(
        verdict="approve", signer_id=reviewer.id, meaning="approval", answers=["read=yes"], comment="because"
    )
    api.decide(project, folder, choice, lambda: reviewer.signer)
    api.resume(project, folder, starter)
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
