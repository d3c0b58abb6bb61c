"""What reaches the terminal: no hostile text raw, one JSON object where one is asked for, help for every command."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from tests.e2e.installed import Done, Project

COMMANDS = (
    *("init", "validate", "plan", "run", "resume", "retry", "replay", "rescore", "watch", "status", "list", "show"),
    *("gates", "approve", "reject", "withdraw", "revise", "reveal"),
    *("seal", "verify", "render", "export", "keys", "schema", "doctor"),
    *("prove", "stamp", "ledger", "scan", "redact", "open-redaction", "erase"),
    *("cite", "statement", "publish", "import"),
)
ELSEWHERE = {"prove", "stamp", "ledger", "scan", "redact", "open-redaction", "erase"} | set(COMMANDS[-4:])
"""Commands whose own tests read their JSON."""
KEY_COMMANDS = ("new", "enrol", "list")
GATE_COMMANDS = ("show", "remind")
ESCAPE, BIDI, BELL, HIDDEN = "\x1b[2J\x1b[31m", "\u202e", "\x07", "\u200b\ufeff"
HOSTILE = f"ev{ESCAPE}il{BIDI}{BELL}{HIDDEN}\u009b31m"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def assert_harmless(*printed: Done) -> None:
    """Nothing that drives a terminal; line ends apart. Colour of our own is not printed where there is no terminal."""
    for done in printed:
        for text in (done.out, done.err):
            raw = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c != "\n"}
            assert not raw, (raw, text)


def test_hostile_text_of_a_workflow_is_never_printed_raw(project: Project) -> None:
    project.write("checklist.md", "- [ ] {#read} I have read it.\n")
    text = {
        "name": HOSTILE,
        "description": HOSTILE,
        "steps": [
            {"id": "ask", "op": "llm_map", "prompt": HOSTILE},
            {"id": "gate", "op": "audit_gate", "checklist": "checklist.md"},
            {"id": "say", "op": "command", "argv": ["sh", "-c", 'printf "$0" >&2; exit 3', HOSTILE]},
        ],
    }
    project.write("w.json", json.dumps(text))
    project.enrol_reviewer()
    printed = [project.awo(*words) for words in (("validate", "w.json"), ("plan", "w.json"))]
    printed += [project.awo("run", "w.json").expect(78), project.awo("watch").expect(78)]
    arguments = ("approve", "latest", "--key", project.key, "--as", "alice@example.org", "--answer", "read=yes")
    printed += [
        project.awo(*words) for words in (("status",), ("list",), ("show",), ("gates",), ("gates", "show"), arguments)
    ]
    printed += [project.awo("resume").expect(6), project.awo("show"), project.awo("seal").expect(0)]
    printed += [project.awo("verify").expect(0), project.awo("list")]
    printed += [project.awo(*words).expect(0) for words in (("cite",), ("statement",), ("export", "--as", "crate.zip"))]
    assert_harmless(*printed)


HOSTILE_WORKFLOWS = {
    "as a step's id": {"name": "x", "steps": [{"id": HOSTILE, "op": "llm_map", "prompt": "x"}]},
    "as an operation": {"name": "x", "steps": [{"id": "a", "op": HOSTILE}]},
    "as a key": {"name": "x", "steps": [{"id": "a", "op": "llm_map", "prompt": "x", HOSTILE: 1}]},
    "as a model": {"name": "x", "steps": [{"id": "a", "op": "llm_map", "prompt": "x", "model": HOSTILE}]},
    "as a file": {"name": "x", "steps": [{"id": "a", "op": "audit_gate", "checklist": HOSTILE}]},
    "as a template": {"name": "x", "steps": [{"id": "a", "op": "llm_map", "prompt": "{{ inputs." + HOSTILE + " }}"}]},
    "as a condition": {"name": "x", "steps": [{"id": "a", "op": "llm_map", "prompt": "x", "when": HOSTILE}]},
    "as a path": {"name": "x", "steps": [{"id": "a", "op": "write_text", "path": HOSTILE, "text": "x"}]},
}


@pytest.mark.parametrize("case", HOSTILE_WORKFLOWS)
def test_hostile_text_in_a_refused_workflow_is_never_printed_raw(project: Project, case: str) -> None:
    project.write("w.json", json.dumps(HOSTILE_WORKFLOWS[case]))
    assert_harmless(project.awo("run", "w.json").expect(8))


def test_hostile_text_in_arguments_is_never_printed_raw(at_gate: Project) -> None:
    for words in (
        ("resume", HOSTILE),
        ("verify", HOSTILE),
        ("run", HOSTILE),
        (HOSTILE,),
        ("gates", f"--{HOSTILE}"),
        ("approve", "latest", "--key", at_gate.key, "--as", HOSTILE, "--answer", "read=yes", "--answer", "fair=yes"),
        ("approve", "latest", "--key", at_gate.key, "--as", "alice@example.org", "--answer", f"{HOSTILE}=yes"),
        ("keys", "new", HOSTILE, "--no-passphrase", "--out", "key"),
    ):
        done = at_gate.awo(*words)
        assert done.code != 0, words
        assert_harmless(done)


def test_a_checklist_with_hostile_text_is_refused_before_anybody_reads_it(project: Project) -> None:
    project.write("checklist.md", f"- [ ] {HOSTILE}\n")
    project.write("w.yaml", "name: x\nsteps:\n  - {id: gate, op: audit_gate, checklist: checklist.md}\n")
    done = project.awo("run", "w.yaml")
    done.refused(8, "checklist.md:1")
    assert_harmless(done)


def test_hostile_text_in_a_comment_is_never_printed_raw(at_gate: Project) -> None:
    done = at_gate.approve("latest", "--comment", HOSTILE)
    assert_harmless(done)
    shown = [at_gate.awo(*words) for words in (("show",), ("resume",), ("verify",))]
    assert_harmless(*shown)


def test_hostile_text_in_a_data_set_and_in_a_matrix_is_never_printed_raw(project: Project) -> None:
    project.write("rows.jsonl", json.dumps({"id": HOSTILE, "text": HOSTILE}) + "\n")
    text = {
        "name": "x",
        "inputs": {"rows": {"data": "rows.jsonl", "id": "id"}},
        "models": {"m": {"backend": "echo"}},
        "steps": [
            {
                "id": "ask",
                "op": "llm_map",
                "model": "m",
                "over": "rows",
                "matrix": {"tone": [HOSTILE]},
                "prompt": "{{ item.text }} {{ matrix.tone }}",
            }
        ],
    }
    project.write("w.json", json.dumps(text))
    printed = [project.awo("plan", "w.json").expect(0), project.awo("run", "w.json").expect(0)]
    printed += [project.awo(*words).expect(0) for words in (("watch",), ("show",), ("plan", "latest"))]
    assert_harmless(*printed)
    report = (project.latest() / "report.md").read_text()
    assert not {c for c in report if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c != "\n"}


def test_a_report_draws_nothing_and_hides_nothing(project: Project) -> None:
    project.write("w.json", json.dumps({"name": HOSTILE, "steps": [{"id": "a", "op": "llm_map", "prompt": HOSTILE}]}))
    project.awo("run", "w.json").expect(0)
    text = (project.latest() / "report.md").read_text()
    assert not {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c != "\n"}


def test_every_command_prints_one_json_object_and_nothing_else(sealed: Project) -> None:
    sealed.write("plain.yaml", "name: x\nsteps:\n  - {id: a, op: llm_map, prompt: x}\n")
    sealed.awo("run", "multi_model.json").expect(78)
    key = ("--key", sealed.key, "--as", "alice@example.org")
    uses = {
        "init": ("init", "new"),
        "validate": ("validate", "plain.yaml"),
        "plan": ("plan", "plain.yaml"),
        "run": ("run", "plain.yaml"),
        "watch": ("watch",),
        "replay": ("replay",),
        "rescore": ("rescore", "latest", "--workflow", "plain.yaml"),
        "status": ("status",),
        "list": ("list",),
        "show": ("show",),
        "gates": ("gates",),
        "verify": ("verify",),
        "export": ("export",),
        "schema": ("schema",),
        "doctor": ("doctor",),
        "approve": ("approve", sealed.latest().name, *key, "--answer", "read=yes", "--answer", "fair=yes"),
        "render": ("render", sealed.latest().name),
        "resume": ("resume", sealed.latest().name),
        "retry": ("retry", sealed.latest().name),
        "reject": ("reject", sealed.latest().name, *key, "--reason", "late"),
        "withdraw": ("withdraw", sealed.latest().name, *key, "--reason", "late"),
        "revise": ("revise", sealed.latest().name, *key, "--reason", "late", "--change", "all"),
        "reveal": ("reveal", sealed.latest().name),
        "seal": ("seal", sealed.latest().name),
    }
    assert sorted([*uses, "keys"]) == sorted(set(COMMANDS) - ELSEWHERE)
    late = ("reject", "withdraw", "revise", "reveal", "seal", "retry")  # the run is sealed by then
    for name, words in uses.items():
        done = sealed.awo(*words, "--json").expect(2 if name in late else 0)
        assert done.json, name
    for code, words in (
        (0, ("new", "bob@example.org", "--no-passphrase")),
        (2, ("enrol", "bob@example.org", "gone")),
        (0, ("list",)),
    ):
        assert sealed.awo("keys", *words, "--json").expect(code).json


def test_the_version_is_printed_and_nothing_else(project: Project) -> None:
    assert re.fullmatch(r"awo \d+\.\d+\.\S+\n", project.awo("--version").expect(0).out)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(project: Project, command: str) -> None:
    for flag in ("--help", "-h"):
        text = project.awo(command, flag).expect(0).out
        assert text.startswith(f"Usage: awo {command} [OPTIONS]")
        summary, _, options = text.partition("\n\n")[2].partition("Options:")
        assert len(summary.split()) > 3
        assert "--help" in options


def test_help_lists_every_command(project: Project) -> None:
    text = project.awo("--help").expect(0).out
    listed = re.findall(r"^  ([a-z-]+)  ", text.partition("Commands:")[2], re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)
    assert project.awo().expect(2).err.startswith("Usage: awo")


@pytest.mark.parametrize("command", KEY_COMMANDS)
def test_every_command_on_keys_has_help(project: Project, command: str) -> None:
    assert project.awo("keys", command, "--help").expect(0).out.startswith(f"Usage: awo keys {command} [OPTIONS]")


@pytest.mark.parametrize("command", GATE_COMMANDS)
def test_every_command_on_gates_has_help(project: Project, command: str) -> None:
    assert project.awo("gates", command, "--help").expect(0).out.startswith(f"Usage: awo gates {command} [OPTIONS]")


def test_output_into_a_pipe_that_closes_early_is_no_fault(sealed: Project) -> None:
    with sealed.start("schema", "event") as printing:
        printing.close_output()
        done = printing.end()
    assert done.code == 141
    assert b"Traceback" not in done.stderr
    assert b"fault" not in done.stderr
