"""Deciding as a person does it: what is shown before, questions one by one on a terminal, files of answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import run
from typing import Any

import pytest
from tests.e2e.installed import REVIEWER, Project, of_kind, unchanged
from tests.e2e.terminal import CTRL_C, END_OF_INPUT, Terminal, terminal

CHECKLIST = """\
- [ ] {#read} I have read every answer.
- [ ] {#vote} Who was right? {choice: Ada, Ben, neither}
- [ ] {#score} How good is it? {number: 0..10 points}
- [ ] {#harm} Could it harm somebody? {expects: no} {evidence: required}
- [ ] {#why} What else is there to say? {text} (optional)
"""
GOOD = {
    "read": "yes",
    "vote": "Ada",
    "score": "7.50",
    "harm": {"answer": "no", "evidence": "outputs/ask/output.json"},
}
SIGNED = [
    {"id": "read", "answer": "yes", "evidence": ""},
    {"id": "vote", "answer": "Ada", "evidence": ""},
    {"id": "score", "answer": "7.5", "evidence": ""},
    {"id": "harm", "answer": "no", "evidence": "outputs/ask/output.json"},
]


@pytest.fixture(scope="session")
def asking_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("asking"))
    project.enrol_reviewer()
    project.write("checklist.md", CHECKLIST)
    project.write(
        "w.yaml",
        "name: x\nsteps:\n  - {id: ask, op: llm_map, prompt: hello}\n"
        "  - {id: gate, op: audit_gate, checklist: checklist.md}\n",
    )
    project.awo("run", "w.yaml").expect(78)
    return project


@pytest.fixture
def asking(asking_once: Project, tmp_path: Path) -> Project:
    """A project whose only run waits at a gate with every kind of question."""
    return asking_once.copy(tmp_path)


def who(project: Project) -> tuple[str | Path, ...]:
    return ("--key", project.key, "--as", REVIEWER)


def signed(project: Project) -> dict[str, Any]:
    (path,) = (project.latest() / "audit/decisions").glob("*-gate.json")
    found = json.loads(path.read_bytes())
    assert isinstance(found, dict)
    return found


def with_answers(project: Project, **changed: object) -> Path:
    said = {key: value for key, value in (GOOD | changed).items() if value is not None}
    return project.write("answers.json", json.dumps(said))


# --- one by one, on a terminal ------------------------------------------------------------------------


def answer_all(person: Terminal) -> None:
    for item, answer in (("read", "yes"), ("vote", "Ada"), ("score", "7.50"), ("harm", "no")):
        person.until(f"{item}: ")
        person.type(f"{answer}\n")
    person.until("evidence: ")
    person.type("outputs/ask/output.json\n")
    person.until("why: ")
    person.type("\n")


def test_a_person_is_shown_the_files_asked_one_by_one_and_told_what_they_sign(asking: Project) -> None:
    with terminal(asking, "approve", "latest", *who(asking), "--comment", "looked") as person:
        before = person.until("1/5")
        assert "outputs/gate/report.md" in before
        assert "# " in before  # the report itself begins there
        answer_all(person)
        summary = person.until("Sign this? [y/N]: ")
        for said in ("approve, as approval", REVIEWER, "reviewer", str(asking.key), "SHA256:", "4 of 5", "root "):
            assert said in summary, (said, summary)
        assert not of_kind(asking.latest(), "decision_recorded")
        person.type("y\n")
        person.until("is signed and recorded")
        assert person.end() == 0
    assert signed(asking)["answers"] == SIGNED
    assert signed(asking)["comment"] == "looked"


def test_what_cannot_be_an_answer_is_asked_again_with_the_reason(asking: Project) -> None:
    with terminal(asking, "approve", "latest", *who(asking)) as person:
        for item, wrong, says, right in (
            ("read", "\n", "an approval needs an answer", ""),
            ("read", "no\n", "an approval goes only with yes", "yes\n"),
            ("vote", "Adda\n", "did you mean 'Ada'?", "Ada\n"),
            ("score", "11\n", "from 0 to 10", "10\n"),
            ("harm", "no\n", "", ""),
            (
                "evidence",
                "outputs/ask/output.jsn\n",
                "did you mean 'outputs/ask/output.json'?",
                "https://example.org\n",
            ),
        ):
            person.until(f"{item}: ")
            person.type(wrong)
            if says:
                assert says in person.until(says)
            if right:
                person.until(f"{item}: ")
                person.type(right)
        person.until("why: ")
        person.type("fine\n")
        person.until("Sign this?")
        person.type("yes\n")
        assert person.end() == 0
    assert [answer["answer"] for answer in signed(asking)["answers"]] == ["yes", "Ada", "10", "no", "fine"]


def at_first_question(person: Terminal) -> None:
    person.until("read: ")


def at_summary(person: Terminal) -> None:
    answer_all(person)
    person.until("Sign this?")


@pytest.mark.parametrize("leave", [CTRL_C, END_OF_INPUT])
@pytest.mark.parametrize("where", [at_first_question, at_summary])
def test_who_leaves_before_signing_leaves_nothing(
    asking: Project, where: Callable[[Terminal], None], leave: str
) -> None:
    with unchanged(asking.root), terminal(asking, "approve", "latest", *who(asking)) as person:
        where(person)
        assert person.leave(leave) == 130
        assert "you left before signing: nothing was recorded" in person.seen
    asking.awo("approve", "latest", *who(asking), "--answers", with_answers(asking)).expect(0)


def test_a_no_at_the_end_signs_nothing(asking: Project) -> None:
    with unchanged(asking.root), terminal(asking, "approve", "latest", *who(asking)) as person:
        at_summary(person)
        person.type("\n")
        assert person.end() == 130


def test_a_rejection_may_leave_every_question_out(asking: Project) -> None:
    with terminal(asking, "reject", "latest", *who(asking), "--reason", "not fair") as person:
        for item in ("read", "vote", "score", "harm", "why"):
            person.until(f"{item}: ")
            person.type("\n")
        person.until("reject, as approval")
        person.until("Sign this?")
        person.type("y\n")
        assert person.end() == 0
    assert signed(asking)["answers"] == []
    assert signed(asking)["verdict"] == "reject"


def test_who_may_not_decide_is_told_so_before_any_question_and_it_is_on_record(asking: Project) -> None:
    for signer_id, said in (("starter@example.org", "is not enrolled"), ("Alice@example.org", "did you mean --as")):
        with terminal(asking, "approve", "latest", "--key", asking.key, "--as", signer_id) as person:
            assert person.end() == 2
            assert said in person.seen
            assert "1/5" not in person.seen
        assert of_kind(asking.latest(), "decision_refused")[-1]["reason"]["code"] == "unknown_signer"


def test_a_passphrase_mistyped_behind_the_questions_costs_no_answer(asking: Project) -> None:
    key = asking.top / "locked"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "right", "-f", str(key)], check=True)
    asking.awo("keys", "enrol", "carol@example.org", f"{key}.pub").expect(0)
    with terminal(asking, "approve", "latest", "--key", key, "--as", "carol@example.org") as person:
        at_summary(person)
        person.type("y\n")
        person.until("Passphrase for ")
        person.type("wrong\n")
        person.until("type it again")
        person.until("Passphrase for ")
        person.type("right\n")
        assert person.end() == 0
    assert signed(asking)["answers"] == SIGNED
    assert [event["reason"]["code"] for event in of_kind(asking.latest(), "decision_refused")] == ["key_not_opened"]


def test_nobody_is_asked_on_a_terminal_about_a_folder_that_has_changed(asking: Project) -> None:
    path = asking.latest() / "outputs/ask/output.json"
    path.write_bytes(path.read_bytes().replace(b"hello", b"hullo"))
    with terminal(asking, "approve", "latest", *who(asking)) as person:
        assert person.end() == 3
    assert "CHANGED" in person.seen
    assert "1/5" not in person.seen


def test_the_passphrase_is_asked_for_last_and_typing_it_is_the_proof_of_presence(asking: Project) -> None:
    locked = asking.top / "keys" / "locked"
    with terminal(asking, "keys", "new", REVIEWER, "--out", locked) as person:
        for _ in range(2):
            person.until(": ")
            person.type("long enough\n")
        assert person.end() == 0
    asking.awo("keys", "enrol", REVIEWER, f"{locked}.pub").expect(0)
    with terminal(asking, "approve", "latest", "--key", locked, "--as", REVIEWER) as person:
        at_summary(person)
        assert "Passphrase for" not in person.seen
        person.type("y\n")
        person.until(f"Passphrase for {locked}: ")
        person.type("long enough\n")
        assert person.end() == 0
    assert signed(asking)["presence"] == "passphrase"


def test_hostile_text_in_a_checklist_reaches_no_terminal_raw(project: Project) -> None:
    project.enrol_reviewer()
    text = '<script>alert(1)</script> [link](javascript:x) ![i](http://x) `code` ~~~ {{ "7" }} %s \\u001b[31m'
    project.write("checklist.md", f"- [ ] {{#odd}} {text}\n")
    project.write("w.yaml", "name: x\nsteps:\n  - {id: gate, op: audit_gate, checklist: checklist.md}\n")
    project.awo("run", "w.yaml").expect(78)
    assert f"odd: {text}" in project.awo("gates", "show").expect(0).out
    with terminal(project, "approve", "latest", *who(project)) as person:
        assert text in person.until("odd: ")
        person.type("yes\n")
        person.until("Sign this?")
        person.type("y\n")
        assert person.end() == 0


# --- from a file ----------------------------------------------------------------------------------------


def test_answers_from_a_file_are_signed_in_one_spelling(asking: Project) -> None:
    asking.awo("approve", "latest", *who(asking), "--answers", with_answers(asking), "--json").expect(0)
    assert signed(asking)["answers"] == SIGNED


def test_answers_of_a_yaml_file_and_typed_ones_go_together(asking: Project) -> None:
    path = asking.write(
        "answers.yaml",
        "read: yes\nscore: 7.5\nharm:\n  answer: no\n  evidence: outputs/ask/output.json\n",
    )
    asking.awo("approve", "latest", *who(asking), "--answers", path, "--answer", "vote=Ada").expect(0)
    assert signed(asking)["answers"] == SIGNED


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"vote": "Benn"}, ("one of its choices", "did you mean 'Ben'?")),
        ({"score": 11}, ("in its range", "from 0 to 10", "'11'")),
        ({"score": "NaN"}, ("in its range", "'NaN'")),
        ({"score": "1e400"}, ("in its range",)),
        ({"harm": "no"}, ("without the evidence",)),
        ({"harm": {"answer": "no", "evidence": "/etc/passwd"}}, ("neither a file shown at the gate nor an address",)),
        ({"harm": {"answer": "no", "evidence": "file:///etc/passwd"}}, ("neither a file shown",)),
        ({"reed": "yes"}, ("no item 'reed'", "did you mean 'read'?")),
        ({"vote": None, "score": None, "read": False}, ("not every required item", "vote, score", "read=no")),
    ],
)
def test_answers_that_cannot_stand_are_refused_and_the_refusal_is_on_record(
    asking: Project, changed: dict[str, object], says: tuple[str, ...]
) -> None:
    done = asking.awo("approve", "latest", *who(asking), "--answers", with_answers(asking, **changed))
    done.refused(2, *says)
    (refusal,) = of_kind(asking.latest(), "decision_refused")
    assert refusal["reason"]["code"] == "answers"
    assert not of_kind(asking.latest(), "decision_recorded")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("read: [yes]\n", ("answers.yaml:1:7", "a list")),
        ("read: yes\nread: no\n", ("answers.yaml:2:1", "twice")),
        ("read: {answer: yes, evidense: x}\n", ("answers.yaml:1:21", "did you mean 'evidence'?")),
        ("- read\n", ("not a mapping",)),
        ("score: 0.1234567890123456789\n", ("answers.yaml:1:8", "in quotes")),
        ("read: !!python/object:os.system x\n", ("answers.yaml:1:7", "tags")),
    ],
)
def test_a_file_of_answers_that_cannot_be_read_is_refused_at_its_place(
    asking: Project, text: str, says: tuple[str, ...]
) -> None:
    with unchanged(asking.runs):
        done = asking.awo("approve", "latest", *who(asking), "--answers", asking.write("answers.yaml", text))
        done.refused(2, *says)
        asking.awo("approve", "latest", *who(asking), "--answers", "gone.yaml").refused(2, "gone.yaml")


# --- what is looked at before -----------------------------------------------------------------------------


def test_show_names_all_that_a_signature_covers(asking: Project) -> None:
    out = asking.awo("gates", "show").expect(0).out
    pending = asking.awo("gates", "--json").expect(0).json["gates"][0]
    for ref in pending["shows"]:
        assert ref["sha256"] in out
        assert ref["path"] in out
    assert f"lines 1 to {pending['checkpoint']['size']} of the journal, root {pending['checkpoint']['root']}" in out
    for said in ("1 reviewer", "who started the run (runner@example.org) may not decide", "from 0 to 10 (points)"):
        assert said in out
    shown = asking.awo("gates", "show", "latest", "--json").expect(0).json
    assert shown["gate"] == pending
    assert shown["read_first"] == ["outputs/gate/report.md"]
    assert shown["changed"] == shown["decisions"] == []


@pytest.mark.parametrize("path", ["outputs/ask/output.json", "outputs/gate/report.md", "input.json"])
def test_show_says_loudly_what_has_changed(asking: Project, path: str) -> None:
    file = asking.latest() / path
    file.write_bytes(file.read_bytes().replace(b"hello", b"hullo"))
    done = asking.awo("gates", "show").expect(3)
    assert f"CHANGED: {path}" in done.err
    assert [one["path"] for one in asking.awo("gates", "show", "--json").expect(3).json["changed"]] == [path]


def test_show_of_a_run_that_waits_for_nobody_says_so(sealed: Project) -> None:
    sealed.awo("gates", "show").refused(2, "no gate of this run waits")
    sealed.awo("gates", "show", "--json").refused_in_json(2)


def test_gates_with_and_without_a_run_and_with_a_command_are_told_apart(asking: Project) -> None:
    run = asking.latest().name
    listed = asking.awo("gates").expect(0).out
    assert listed == asking.awo("gates", run).expect(0).out == asking.awo("gates", "latest").expect(0).out
    assert listed.startswith(run)
    asking.awo("gates", "nosuch").refused(2, "no run and no file 'nosuch'")
    asking.awo("gates", "--jsn").refused(2, "--json", "awo gates --help")
    assert asking.awo("gates", "remind", "--json").expect(0).json == {"reminders": []}


# --- taking back -----------------------------------------------------------------------------------------


def test_an_approval_is_taken_back_while_the_gate_is_open(asking: Project) -> None:
    settings = '[people."alice@example.org"]\nname = "Alice"\nroles = ["reviewer"]\n[gates]\nneeds = {reviewer = 2}\n'
    asking.write("awo.toml", settings)
    asking.awo("run", "w.yaml").expect(78)
    asking.awo("approve", "latest", *who(asking), "--answers", with_answers(asking)).expect(0)
    assert "Alice <alice@example.org> approved as reviewer" in asking.awo("gates", "show").expect(0).out
    again = asking.awo("approve", "latest", *who(asking), "--answers", with_answers(asking)).expect(0).out
    assert "takes the place of your earlier decision, audit/decisions/0001-" in again
    done = asking.awo("withdraw", "latest", *who(asking), "--reason", "I read it again", "--json").expect(0)
    assert done.json["verdict"] == "withdraw"
    out = asking.awo("gates", "show").expect(0).out
    assert "still needed: 2 reviewer" in out
    assert "withdrew" in out
    asking.awo("withdraw", "latest", *who(asking), "--reason", " ").refused(2, "needs a reason")


# --- a table that names no gate ------------------------------------------------------------------------


def test_a_table_of_a_misspelt_gate_is_told_before_the_run_stops_there(asking: Project) -> None:
    asking.write("awo.toml", "[gate.gaet]\nneeds = {lead = 1}\n[gate.of-another]\nsolo = true\n")
    checked = asking.awo("validate", "w.yaml").expect(0).err
    assert "awo.toml has [gate.gaet], and this workflow has no gate 'gaet'; did you mean [gate.gate]?" in checked
    assert "[gate.of-another]" in checked
    ran = asking.awo("run", "w.yaml").expect(78).err
    assert "did you mean [gate.gate]?" in ran
    assert "of-another" not in ran
    assert asking.awo("run", "w.yaml", "--json").expect(78).err == ""
