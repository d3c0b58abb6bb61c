"""`awo erase`: texts go, what commits to them stays, and a crash at any point leaves the old or the new run whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.e2e.installed import Project

REASON = "a participant withdrew their consent"


def erase(project: Project, *words: str | Path) -> tuple[str | Path, ...]:
    return ("erase", "latest", *words, "--reason", REASON, "--key", project.key, "--as", "alice@example.org")


def texts_of(run: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in sorted(run.rglob("*")) if path.is_file())


def test_a_step_is_destroyed_and_the_run_still_verifies(sealed: Project) -> None:
    run = sealed.latest()
    answers = [json.loads(line)["text"] for line in (run / "outputs/fanout/responses.jsonl").read_text().splitlines()]
    assert "LEVEL IS LEVEL" in answers
    sealed.awo("export").expect(0)
    done = sealed.awo(*erase(sealed, "--step", "fanout"), "--yes").expect(0)
    assert f"{run.name}.tar.gz" in done.out
    assert "step of this run that reads one that is erased, and may quote it: vote" in done.out
    assert "input.json of this run, which stays" in done.out
    assert "request_sha256" in done.out
    assert not (run / "outputs/fanout/responses.jsonl").exists()
    assert not (run / "audit/disclosure.key").exists()
    record = json.loads((run / "audit/redactions/0001.json").read_text())
    assert (record["act"], record["reason"], record["signer"]["id"]) == ("erasure", REASON, "alice@example.org")
    verified = sealed.awo("verify", "--json")
    assert [one["id"] for one in verified.json["checks"] if one["verdict"] == "failed"] == []
    assert [name for name in os.listdir(sealed.runs) if name.startswith(".erase")] == []
    for path in (run, *run.rglob("*")):
        assert path.stat().st_mode & 0o222 == 0, path
    assert "run_erased" in sealed.awo("ledger", "show", "--json").expect(0).out


def test_one_response_is_destroyed_and_the_others_stay(sealed: Project) -> None:
    run = sealed.latest()
    before = [json.loads(line)["text"] for line in (run / "outputs/fanout/responses.jsonl").read_text().splitlines()]
    sealed.awo(*erase(sealed, "--record", "fanout:1"), "--yes", "--json").expect(0)
    lines = (run / "outputs/fanout/responses.jsonl.partial").read_text().splitlines()
    shown = [json.loads(line)["shown"] for line in lines]
    assert shown[1] == {}
    assert [json.loads(one["/text"]["json"]) for one in (shown[0], shown[2])] == [before[0], before[2]]
    again = sealed.awo(*erase(sealed, "--record", "fanout:0"), "--yes", "--json").expect(0).json
    assert again["copies"]["stays"]
    assert again["copies"]["sources"] == sorted(
        one["path"] for one in json.loads((run / "input.json").read_text())["files"]
    )
    assert again["copies"]["sources"]
    assert again["record"] == 2
    sealed.awo(*erase(sealed, "--record", "fanout:0"), "--yes").refused(2, "nothing left")
    assert [one["id"] for one in sealed.awo("verify", "--json").json["checks"] if one["verdict"] == "failed"] == []


def test_a_response_and_a_value_of_the_input_go_in_one_erasure(sealed: Project) -> None:
    run = sealed.latest()
    before = json.loads((run / "input.json").read_text())
    places = ", ".join(f"/{key}" for key in before if key != "files")
    policy = sealed.write(
        "stays.yaml", f"format: awo/redaction-policy/v1\nshow: {{files: ['**'], values: {{input.json: [{places}]}}}}\n"
    )
    done = sealed.awo(*erase(sealed, "--record", "fanout:1", "--policy", policy), "--yes", "--json").expect(0).json
    assert not done["copies"]["stays"]
    texts = texts_of(run)
    assert not any(json.dumps(one["content"])[1:-1] in texts for one in before["files"])
    lines = (run / "outputs/fanout/responses.jsonl.partial").read_text().splitlines()
    assert [bool(json.loads(line)["shown"]) for line in lines] == [True, False, True]
    assert json.loads((run / "input.json.partial").read_text())["shown"]
    assert not (run / "report.md").exists()
    assert [one["id"] for one in sealed.awo("verify", "--json").json["checks"] if one["verdict"] == "failed"] == []


def test_nothing_is_destroyed_unless_somebody_says_what_why_and_yes(sealed: Project) -> None:
    run = sealed.latest()
    before = texts_of(run)
    done = sealed.awo(*erase(sealed, "--step", "fanout")).expect(2)
    assert "--yes" in done.err
    sealed.awo("erase", "latest", "--yes").refused(2, "not said, or twice")
    sealed.awo("erase", "latest", "--step", "fanout", "--key", sealed.key, "--yes").refused(2, "needs a reason")
    sealed.awo("erase", "latest", "--step", "fanout", "--reason", REASON, "--yes").refused(2, "no key is named")
    sealed.awo(*erase(sealed, "--step", "nowhere"), "--yes").refused(2, "no output of such a step")
    sealed.awo(*erase(sealed, "--record", "fanout:99"), "--yes").refused(2, "lines 0 to 2")
    sealed.awo(*erase(sealed, "--record", "fanout"), "--yes").refused(2, "STEP:LINE")
    assert "nothing was destroyed" in sealed.awo(*erase(sealed, "--step", "fanout"), "--dry-run").expect(0).out
    sealed.awo("erase", "latest", "--finish").refused(2, "no erasure")
    assert texts_of(run) == before


def test_an_unsealed_run_is_not_erased(at_gate: Project) -> None:
    at_gate.awo(*erase(at_gate, "--step", "fanout"), "--yes").refused(2, "only a sealed run")


AT = ("half made", "ready", "in the ledger", "old away", "new there", "done")
"""The steps of an erasure, at each of which a crash is played."""


def crash_at(project: Project, place: str) -> None:
    """Erases, and dies at a place: the functions of awo.seal.erase end the process there."""
    patch = project.top / "crash"
    patch.mkdir()
    (patch / "crashing.py").write_text(
        "import os, sys\n"
        "from pathlib import Path\n"
        "from awo.seal import erase\n"
        "from awo.cli.main import main\n"
        f"PLACE = {place!r}\n"
        "rename, remove, write, names = Path.rename, erase._remove, erase._write, []\n"
        "def renamed(self, target):\n"
        "    done = rename(self, target)\n"
        "    if '.erase-' in f'{self}{target}':\n"
        "        names.append(target)\n"
        "        if {'ready': 1, 'old away': 2, 'new there': 3}.get(PLACE) == len(names): os._exit(9)\n"
        "        if PLACE == 'in the ledger' and len(names) == 2: os._exit(9)\n"
        "    return done\n"
        "def written(half, files):\n"
        "    write(half, files)\n"
        "    if PLACE == 'half made': os._exit(9)\n"
        "def removed(folder):\n"
        "    if PLACE == 'done' and folder.name.endswith('.old'): os._exit(9)\n"
        "    remove(folder)\n"
        "Path.rename, erase._write, erase._remove = renamed, written, removed\n"
        "main()\n"
    )
    words = [str(word) for word in erase(project, "--step", "fanout")]
    done = subprocess.run(
        [sys.executable, str(patch / "crashing.py"), *words, "--yes"],
        cwd=project.root,
        env=project.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 9, done.stderr


@pytest.mark.parametrize("place", AT)
def test_a_crash_loses_neither_form_and_a_second_call_brings_it_to_an_end(sealed: Project, place: str) -> None:
    run = sealed.latest()
    crash_at(sealed, place)
    there = [path for path in sealed.runs.iterdir() if (path / "SHA256SUMS").exists()]
    whole = [path for path in there if not path.name.endswith(".half")]
    assert whole, "neither the old nor the new form is there"
    done = sealed.awo("erase", run.name, "--finish", "--json").expect(0)
    assert done.json["record"] == (0 if place == "half made" else 1)
    assert [name for name in os.listdir(sealed.runs) if name.startswith(".erase")] == []
    assert (run / "outputs/fanout/responses.jsonl").exists() == (place == "half made")
    assert [one["id"] for one in sealed.awo("verify", "--json").json["checks"] if one["verdict"] == "failed"] == []
    entered = sealed.awo("ledger", "show", "--json").expect(0).out.count("run_erased")
    assert entered == (0 if place == "half made" else 1)


def test_an_erasure_that_was_interrupted_must_be_finished_first(sealed: Project) -> None:
    crash_at(sealed, "ready")
    sealed.awo(*erase(sealed, "--step", "vote"), "--yes").refused(2, "was interrupted", "--finish")


def test_immutable_files_are_erased_by_root_and_are_immutable_again(sealed: Project) -> None:
    from awo.seal.immutable import immutable_now, make_changeable, why_not_in

    run = sealed.latest()
    sealed.awo("seal", "--immutable").expect(0)
    try:
        sealed.awo(*erase(sealed, "--step", "fanout"), "--yes").expect(0)
        assert not (run / "outputs/fanout/responses.jsonl").exists()
        assert immutable_now(run).is_all == (not why_not_in(sealed.runs))
    finally:
        make_changeable(sealed.root)
