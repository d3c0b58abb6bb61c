"""A run with two models, a claim and a gate in every form of `awo export --as`, and what other people's libraries say
of them: made once, judged in one process."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.installed import Project
from tests.peers import peer_python

JUDGE = Path(__file__).parents[1] / "conformance" / "forms_judge.py"
EMAIL = "jane.roe@" + "hospital-nord.de"
PROMPT = f"Write to {EMAIL} about "
MODEL = "loud/2:b"
FLOW = {
    "name": "Two models, a claim & a gate",
    "description": "Asks two stand-ins.",
    "inputs": {"rows": {"data": "rows.csv", "id": "id"}},
    "models": {
        "plain": {"backend": "echo", "model": "echo", "params": {"temperature": 0.5, "max_tokens": 9}},
        MODEL: {"backend": "upper", "model": "upper", "seed": 3},
    },
    "steps": [
        {
            "id": "ask",
            "op": "fanout_generate",
            "over": "rows",
            "prompt": PROMPT + "{{ item.text }}",
            "models": ["plain", MODEL],
        },
        {"id": "vote", "op": "consensus_vote", "inputs_from": "ask"},
        {
            "id": "verdicts",
            "op": "claims",
            "metrics": {"agreement": "steps.vote.mean_agreement"},
            "claims_glob": "claims/*.yaml",
        },
        {"id": "review", "op": "audit_gate", "checklist": "checklist.md"},
        {"id": "final", "op": "write_text", "path": "a note, ünused #1.txt", "text": "Done."},
    ],
}
CLAIM = """
- id: they agree / always
  statement: Both stand-ins say the same but for case.
  falsification_tests: [{name: differ, fail_if: metrics.agreement < 0.1}]
"""
FORMS = {
    "slsa": ".provenance.intoto.jsonl",
    "bagit": ".bag",
    "prov": ".prov.json",
    "spans": ".otlp.jsonl",
    "sbom": ".cdx.json",
}


@dataclass(frozen=True)
class Made:
    """The run, what each form wrote of it (as --json says), and what the libraries of others read there."""

    project: Project
    run: Path
    said: dict[str, dict[str, Any]]
    judged: dict[str, Any]

    def path(self, form: str) -> Path:
        return Path(self.said[form]["path"])

    def statements(self) -> list[Any]:
        lines = self.path("slsa").read_text().splitlines()
        return [json.loads(base64.b64decode(json.loads(line)["payload"]), parse_float=no_float) for line in lines]


def no_float(text: str) -> float:
    raise AssertionError(f"a floating-point number: {text}")


def make(top: Path) -> Made:
    """The run, its forms and what is made of them, below `top`. Whoever calls gives back the write permission."""
    project = Project(top)
    project.enrol_reviewer()
    project.write("rows.csv", "id,text\n1,Good\n2,bad day\n3,level\n")
    project.write("claims/all.yaml", CLAIM)
    project.write("checklist.md", "- [ ] {#read} It was read.\n")
    project.write("flow.json", json.dumps(FLOW))
    project.awo("run", "flow.json").expect(78)
    project.approve(answers=("read=yes",)).expect(0)
    project.awo("resume", "latest").expect(0)
    run = project.latest()
    options: dict[str, list[Any]] = {"slsa": ["--key", project.key], "bagit": ["--no-scan"]}
    said = {
        form: project.awo("export", "latest", "--as", form, *options.get(form, []), "--json").expect(0).json
        for form in FORMS
    }
    full = ("--as", "spans", "--with-content", "--no-scan", "-o", top / "full.jsonl", "--json")
    said["full spans"] = project.awo("export", "latest", *full).expect(0).json
    paths = {form: Path(found["path"]) for form, found in said.items()}
    bundles = {"good": paths["slsa"]} | _tampered_bundles(paths["slsa"], top)
    bags = {"good": paths["bagit"]} | _tampered_bags(paths["bagit"], run.name, top)
    asked = {
        "key": said["slsa"]["public_key"],
        "bundles": bundles,
        "prov": {"good": paths["prov"]},
        "spans": {"bare": paths["spans"], "full": paths["full spans"]},
        "bags": bags,
    }
    done = subprocess.run(
        [peer_python(), JUDGE], input=json.dumps(asked, default=str).encode(), capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr.decode()
    return Made(project, run, said, json.loads(done.stdout))


def _tampered_bundles(bundle: Path, top: Path) -> dict[str, Path]:
    """Each line of the bundle with another payload, another signature, another key's id."""
    first = json.loads(bundle.read_text().splitlines()[0])
    payload = base64.b64decode(first["payload"])
    (signature,) = first["signatures"]
    broken = {
        "payload": first
        | {"payload": base64.b64encode(payload.replace(b'"approved"', b'"rejected"', 1)[:-1]).decode()},
        "type": first | {"payloadType": "application/json"},
        "signature": first | {"signatures": [signature | {"sig": base64.b64encode(bytes(64)).decode()}]},
        "keyid": first | {"signatures": [signature | {"keyid": "0" * 64}]},
    }
    paths = {name: top / f"{name}.jsonl" for name in broken}
    for name, envelope in broken.items():
        paths[name].write_text(json.dumps(envelope) + "\n")
    return paths


def _tampered_bags(bag: Path, run: str, top: Path) -> dict[str, Path]:
    paths = {name: top / f"{name}.bag" for name in ("altered", "lost", "added", "told otherwise")}
    for path in paths.values():
        shutil.copytree(bag, path)
    report = paths["altered"] / "data" / run / "report.md"
    report.write_bytes(report.read_bytes().replace(b"e", b"a", 1))
    (paths["lost"] / "data" / run / "report.md").unlink()
    (paths["added"] / "data" / "more.txt").write_text("more")
    info = paths["told otherwise"] / "bag-info.txt"
    info.write_text(info.read_text().replace("Bagging-Date: 2", "Bagging-Date: 1"))
    return paths
