"""A sealed run is published with texts withheld, by the policies of examples/, and originals are held against it."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest
from tests.e2e.installed import Project, contents, unchanged, writable

EXAMPLES = Path(__file__).parents[2] / "examples" / "redaction"
SECRETS = ("Mirabelle-Zwetschge", "Quitten-Apfel")
WORKFLOW = f"""\
name: secrets to keep
inputs:
  people: {{data: people.csv, id: id}}
steps:
  - {{id: ask, op: llm_map, over: people, prompt: "{SECRETS[0]} {{{{ item.word }}}}", model: upper}}
  - {{id: fanout, op: fanout_generate, prompt: "{SECRETS[1]}", models: [upper]}}
  - {{id: vote, op: consensus_vote, inputs_from: fanout}}
  - {{id: look, op: audit_gate, checklist: checklist.md}}
"""
POLICY = "format: awo/redaction-policy/v1\nreason: in confidence\nshow:\n  responses: [text]\n"


@pytest.fixture(scope="module")
def sealed_secrets(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("secrets"))
    project.enrol_reviewer()
    project.write("people.csv", "id,word\n1,Aprikosen-Baum\n2,Pflaumen-Kern\n")
    project.write("checklist.md", "- [ ] {#read} I have read the answers.\n")
    project.write("w.yaml", WORKFLOW)
    project.write("policy.yaml", POLICY)
    project.awo("run", "w.yaml").expect(78)
    project.approve(answers=("read=yes",)).expect(0)
    project.awo("resume", "latest").expect(0)
    return project


def redact(project: Project, policy: Path | str, out: str, *more: str) -> Path:
    """The bundle of a redaction, which the run does not notice."""
    with unchanged(project.latest()):
        project.awo("redact", "latest", "--policy", policy, "-o", out, "--no-scan", *more).expect(0)
    return project.root / out


def unpacked(bundle: Path, folder: Path) -> dict[str, bytes]:
    """Every file of a bundle."""
    with tarfile.open(bundle) as archive:
        archive.extractall(folder, filter="data")
    return contents(folder)


@pytest.fixture(scope="module")
def bundle(sealed_secrets: Project) -> Path:
    return redact(sealed_secrets, "policy.yaml", "shared.tar.gz")


def test_no_byte_of_the_bundle_has_what_is_withheld_and_it_verifies(
    sealed_secrets: Project, bundle: Path, tmp_path: Path
) -> None:
    files = unpacked(bundle, tmp_path)
    everything = b"\n".join(files.values())
    for word in (*SECRETS, "Aprikosen-Baum", "Pflaumen-Kern"):
        assert word.encode() not in everything
        assert word.upper().encode() in everything, "what the models answered is shown"
    assert not [path for path in files if path.endswith(("disclosure.key", "input.json", "report.md"))]
    report = sealed_secrets.awo("verify", bundle, "--json").expect(0).json
    assert report["verdict"] == "passed"


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.iterdir()))
def test_every_policy_of_the_examples_makes_a_bundle_that_verifies(
    sealed_secrets: Project, name: str, tmp_path: Path
) -> None:
    made = redact(sealed_secrets, EXAMPLES / name, f"{name}.tar.gz")
    everything = b"\n".join(unpacked(made, tmp_path).values())
    assert b"Aprikosen-Baum" not in everything
    assert SECRETS[1].upper().encode() in everything
    sealed_secrets.awo("verify", made).expect(0)


def test_originals_that_come_later_are_held_against_the_bundle(
    sealed_secrets: Project, bundle: Path, tmp_path: Path
) -> None:
    run = sealed_secrets.latest()
    whole = sealed_secrets.awo("open-redaction", bundle, run, "--json").expect(0).json
    results = {file["path"]: file["result"] for file in whole["files"]}
    assert set(results.values()) == {"matches"}
    assert {"input.json", "report.md", "outputs/ask/responses.jsonl"} <= set(results)
    assert not (run / "outputs/vote/files/dissent.jsonl").read_bytes()
    assert "outputs/vote/files/dissent.jsonl" in results, "an empty file is withheld, too"
    one = sealed_secrets.awo("open-redaction", bundle, run / "outputs/ask/responses.jsonl").expect(0)
    assert "matches: outputs/ask/responses.jsonl" in one.out
    assert "still withheld: " in one.out
    sealed_secrets.awo("open-redaction", bundle, "w.yaml").expect(7)

    line = (run / "outputs/ask/responses.jsonl").read_bytes().splitlines(keepends=True)[1]
    part = tmp_path / "responses.jsonl"
    part.write_bytes(line)
    found = sealed_secrets.awo("open-redaction", bundle, f"outputs/ask/responses.jsonl={part}", "--json").expect(0).json
    assert [(file["result"], file["said"]) for file in found["files"] if file["given"]] == [
        ("in part", "1 of the 2 lines")
    ]


def test_an_altered_original_is_found_with_its_line_and_its_key(
    sealed_secrets: Project, bundle: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy" / sealed_secrets.latest().name
    shutil.copytree(sealed_secrets.latest(), copy)
    writable(copy)
    for path in ("outputs/ask/responses.jsonl", "input.json"):
        file = copy / path
        file.write_bytes(
            file.read_bytes().replace(b"Pflaumen-Kern", b"Pflaumen-Korn").replace(b"Zwetschge", b"Zwetschke")
        )
    found = sealed_secrets.awo("open-redaction", bundle, copy, "--json").expect(3).json
    bad = {file["path"]: file["differences"] for file in found["files"] if file["result"] == "differs"}
    assert set(bad) == {"outputs/ask/responses.jsonl", "input.json"}
    where = [(one["where"], one["what"]) for one in bad["outputs/ask/responses.jsonl"]]
    assert ("outputs/ask/responses.jsonl:2", "this is not the line that was sealed: messages") in where
    alone = sealed_secrets.awo(
        "open-redaction", bundle, f"outputs/ask/responses.jsonl={copy}/outputs/ask/responses.jsonl"
    )
    assert "this line was never recorded" in alone.expect(3).out


def test_a_redacted_bundle_can_be_redacted_further_and_nothing_comes_back(
    sealed_secrets: Project, bundle: Path, tmp_path: Path
) -> None:
    all_shown = sealed_secrets.write(
        "all.yaml", "format: awo/redaction-policy/v1\nreason: again\nshow: {files: ['**']}\n"
    )
    sealed_secrets.awo("redact", bundle, "--policy", all_shown, "-o", "second.tar.gz", "--no-scan").expect(0)
    files = unpacked(sealed_secrets.root / "second.tar.gz", tmp_path)
    assert b"Aprikosen-Baum" not in b"\n".join(files.values())
    (second,) = (path for path in files if path.endswith("0002.json"))
    assert json.loads(files[second])["number"] == 2
    sealed_secrets.awo("verify", "second.tar.gz").expect(0)


def test_a_dry_run_says_what_would_show_and_writes_nothing(sealed_secrets: Project) -> None:
    before = contents(sealed_secrets.root)
    policy = sealed_secrets.write("dry.yaml", POLICY + "  files: [nope.md, 'nope/**']\n")
    done = sealed_secrets.awo("redact", "latest", "--policy", policy, "--dry-run").expect(0)
    assert "prompts and answers" in done.out
    assert "nope.md, which this run does not have" in done.err
    assert "this fits nothing in the run: show.files: nope/**" in done.err
    assert "a guess at a prompt, word for word, can be checked" in done.out
    policy.write_text(POLICY + "  items: [value]\n")
    done = sealed_secrets.awo("redact", "latest", "--policy", policy, "--dry-run").expect(0)
    assert "where a file is shown in part: outputs/ask/items.jsonl" in done.out
    policy.write_text(POLICY + "  files: [report.md]\n")
    done = sealed_secrets.awo("redact", "latest", "--policy", policy, "--dry-run").expect(0)
    assert "reports quote prompts and answers: report.md" in done.err
    policy.unlink()
    assert contents(sealed_secrets.root) == before


def test_bad_uses_are_refused_with_one_error(sealed_secrets: Project, bundle: Path) -> None:
    bad = sealed_secrets.write("bad.yaml", "format: awo/redaction-policy/v1\nshw: {}\n")
    redact_latest = ("redact", "latest", "--no-scan", "-o", "x.tar.gz", "--policy")
    sealed_secrets.awo(*redact_latest, bad).refused(2, "bad.yaml:2:1", "did you mean 'show'?")
    mute = sealed_secrets.write("mute.yaml", "format: awo/redaction-policy/v1\n")
    sealed_secrets.awo(*redact_latest, mute).refused(2, "nobody says why")
    sealed_secrets.awo(*redact_latest, "gone.yaml").refused(2, "cannot be read")
    run = sealed_secrets.latest()
    sealed_secrets.awo("open-redaction", run, bundle).refused(2, "nothing of this package is withheld")
    sealed_secrets.awo("open-redaction", bundle, "gone").refused(2, "there is no such original")
    sealed_secrets.awo("status", bundle).refused(2, "this is a file", "awo verify")
    assert not (sealed_secrets.root / "x.tar.gz").exists()


def test_an_unpacked_redaction_shows_exports_and_refuses_what_needs_its_texts(
    sealed_secrets: Project, bundle: Path, tmp_path: Path
) -> None:
    unpacked(bundle, tmp_path)
    (folder,) = filter(Path.is_dir, tmp_path.iterdir())
    sealed_secrets.awo("export", folder, "-o", tmp_path / "again.tar.gz", "--no-scan").expect(0)
    for command in (
        ("show",),
        ("status",),
        ("export", "--table", "t.csv"),
        ("replay",),
        ("rescore", "--workflow", "w.yaml"),
    ):
        done = sealed_secrets.awo(command[0], folder, *command[1:])
        assert done.code in (0, 2, 3, 7), (command, done.code, done.err)
        assert "Traceback" not in done.err
