"""The multi-model workflow of AWO 1.x, as its users wrote it: scope, fan-out, vote, write, assert, gate, write."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.installed import Project

MULTI_MODEL = "multi_model.json"
CHECKLIST = """\
# Before this run is approved

- [ ] {#read} I have read every answer.
- [ ] {#fair} The vote follows from the answers.
- [ ] {#odd} Something was odd. (optional)
"""
CLAIM = {
    "id": "models-agree",
    "statement": "The stand-in models agree on one answer.",
    "assumptions": ["case and white space do not matter"],
    "predictions": [
        {"name": "agreement", "function": "agreement_ratio", "tolerance": {"metric": "ratio", "min": "0.5"}}
    ],
    "falsification_tests": [{"name": "vote", "tool": "consensus_vote", "procedure": "count", "fail_if": "ratio < 0.5"}],
}


def workflow() -> dict[str, Any]:
    """Steps with arguments beside them and in `args`, and one without an id, as old files have them."""
    return {
        "name": "multi-model consensus",
        "version": "1.0",
        "description": "Three stand-ins answer, two agree, a person looks.",
        "steps": [
            {"id": "scope", "op": "scope_validate", "args": {"claims_glob": "claims/*.json"}},
            {
                "id": "fanout",
                "op": "fanout_generate",
                "prompt": "Level is level",
                "models": ["echo", "upper", "reverse"],
                "params": {"seed": 7},
            },
            {"id": "vote", "op": "consensus_vote", "args": {"inputs_from": "fanout"}},
            {"op": "write_text", "path": "consensus.txt", "from_step": "vote", "field": "consensus_text"},
            {"id": "check", "op": "assert_contains", "from_step": "vote", "must_include": ["level"]},
            {"id": "gate", "op": "audit_gate", "args": {"checklist": "checklist.md"}},
            {"id": "final", "op": "write_text", "path": "final.txt", "text": "Approved and done."},
        ],
    }


def lay_out(project: Project) -> None:
    """Writes the workflow and the files that it reads."""
    project.write(MULTI_MODEL, json.dumps(workflow(), indent=2))
    project.write("checklist.md", CHECKLIST)
    project.write("claims/models-agree.json", json.dumps(CLAIM))
