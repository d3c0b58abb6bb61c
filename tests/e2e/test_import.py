"""`awo import`: another machine's package comes in whole or not at all, and foreign results become a package."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from tests.e2e.installed import REVIEWER, Project, contents, of_kind, unchanged, writable
from tests.unit import foreign_results as made

SCORED = """
name: answers of others, scored here
inputs:
  received: {data: received.jsonl, id: id}
steps:
  - id: answer
    op: llm_map
    over: received
    model: echo
    prompt: "{{ item.answer }}"
  - id: scored
    op: score
    of: answer
    scores:
      names_the_sum: {kind: contains, expected: "{{ item.row.target[0] }}"}
      claimed: {kind: equals, value: "{{ item.row.scores.match }}", expected: C}
"""

BRACKETS = "brackets that do not close, or more than 100 levels of them"
KILLED = """
import os, signal, sys
import {module} as room
from awo.cli.main import main
def die(*given, **more):
    os.kill(os.getpid(), signal.SIGKILL)
room.{name} = die
sys.argv = ["awo", *sys.argv[1:]]
main()
"""

OVERTAKEN = """
import subprocess, sys
import awo.receive.packages as room
from awo.cli.main import main
unpack = room._unpack
def overtaken(*given):
    other = [sys.executable, "-c", "from awo.cli.main import main; main()", *sys.argv[1:]]
    subprocess.run(other, check=True, stdout=subprocess.DEVNULL)
    return unpack(*given)
room._unpack = overtaken
sys.argv = ["awo", *sys.argv[1:]]
main()
"""

CHANGES = """
import sys
from pathlib import Path
import awo.receive.packages as room
from awo.cli.main import main
file = Path(sys.argv[-1]) / "outputs/received/files/received.jsonl"
unpack = room._unpack
def changed(*given):
    file.write_bytes(file.read_bytes() + b" ") if "{change}" == "altered" else file.unlink()
    return unpack(*given)
room._unpack = changed
sys.argv = ["awo", *sys.argv[1:]]
main()
"""

FULL = """
import errno, os, shutil, sys
from awo.cli.main import main
def full(*given, **more):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
import awo.receive.packages as room
room._write_all = full
shutil.copyfile = full
sys.argv = ["awo", *sys.argv[1:]]
main()
"""


@pytest.fixture(scope="session")
def received_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with one run: a log of Inspect that was received."""
    project = Project(tmp_path_factory.mktemp("received"))
    project.enrol_reviewer()
    samples = [made.sample(number) for number in range(3)]
    bad = [("samples/torn.json", b"{"), ("samples/sly.json", b'{"id": "\\u001b[31m\\u202e", "input": ""}')]
    (project.root / "log.eval").write_bytes(made.eval_log(samples, made.ZSTANDARD, more=bad))
    project.awo("import", "inspect", "log.eval", "--key", project.key, "--as", REVIEWER).expect(0)
    return project


@pytest.fixture(scope="session")
def bundle(received_once: Project) -> Path:
    """The bundle of that run."""
    place = received_once.top / "run.tar.gz"
    received_once.awo("export", "latest", "--output", place).expect(0)
    return place


def killed(project: Project, module: str, name: str, *arguments: str | Path) -> None:
    """Runs `awo` until it calls `module.name`, and kills it there."""
    program = KILLED.format(module=module, name=name)
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, cwd=project.root, env=project.environment, capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


# --- foreign results --------------------------------------------------------------------------------------------


def test_a_received_log_is_a_package_that_says_what_was_not_witnessed(received_once: Project) -> None:
    run = received_once.latest()
    original = (received_once.root / "log.eval").read_bytes()
    assert (run / "outputs/received/files/original/log.eval").read_bytes() == original
    assert not (run / "outputs/received/responses.jsonl").exists()
    assert not (run / "audit/raw").exists()
    assert not of_kind(run, "call_intended")
    value = json.loads((run / "outputs/received/output.json").read_text())
    assert (value["answers"], value["not_understood"], value["reasons"]) == (4, 1, {BRACKETS: 1})
    plan = json.loads((run / "input.json").read_text())
    assert [file["path"] for file in plan["files"]] == ["log.eval"]
    assert str(received_once.top) not in (run / "input.json").read_text()
    report = (run / "report.md").read_text()
    assert "## Received, not witnessed" in report
    assert re.search(r"with these digests, were received by \W*alice", report)
    assert "claimed, not recomputed" in report
    shown = received_once.awo("show", "latest").expect(0)
    assert "Received, not witnessed: 4 answers that Inspect 0.3.285 claims to have had" in shown.out
    assert received_once.awo("show", "latest", "--json").expect(0).json["received"][0]["answers"] == 4
    assert list((received_once.runs / "imports").iterdir()) == []


def test_verify_computes_the_received_answers_again(received_once: Project, tmp_path: Path) -> None:
    found = received_once.awo("verify", "latest", "--require", "derivation", "--json").expect(0).json
    assert {one["id"]: one["verdict"] for one in found["checks"]}["EP-5.2"] == "passed"


def test_what_was_received_can_be_scored_by_another_workflow(received_once: Project, tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("scored.yaml", SCORED)
    lines = (received_once.latest() / "outputs/received/files/received.jsonl").read_text()
    project.write("received.jsonl", "".join(f"{line}\n" for line in lines.splitlines()[:3]))
    project.awo("run", "scored.yaml").expect(0)
    value = json.loads((project.latest() / "outputs/scored/output.json").read_text())
    assert {name: score["mean"] for name, score in value["scores"].items()} == {"names_the_sum": 1.0, "claimed": 1.0}


def test_promptfoo_and_awo_1x_become_packages_too(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("results: odd name.json", made.promptfoo([made.result()]).decode())
    found = project.awo("import", "promptfoo", "results: odd name.json", "--json").expect(0).json
    assert found["received"]["originals"][0]["path"] == "outputs/received/files/original/original.json"
    folder = project.root / "run_2025-10-02T08-32-50Z"
    for path, data in made.awo_1x().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    project.awo("import", "awo-1x", folder, "--title", "An old run").expect(0)
    run = project.latest()
    kept = run / "outputs/received/files/original"
    assert contents(kept) == contents(folder)
    project.awo("verify", run, "--require", "derivation").expect(0)
    assert "An old run" in project.awo("list").expect(0).out


@pytest.mark.parametrize(
    ("form", "name", "says"),
    [
        ("inspect", "none.eval", "there is no such file"),
        ("inspect", "text.txt", "this is no log of Inspect"),
        ("promptfoo", "text.txt", "these are no results of promptfoo"),
        ("promptfoo", "folder", "this is no file"),
        ("awo-1x", "text.txt", "this is no folder"),
        ("awo-1x", "folder", "this is no run of AWO 1.x"),
        ("awo-1x", "linked", "only regular files are received"),
        ("awo-1x", "hidden", "cannot be kept under its name"),
    ],
)
def test_what_is_not_of_the_form_is_refused_before_anything_is_made(
    tmp_path: Path, form: str, name: str, says: str
) -> None:
    project = Project(tmp_path)
    project.write("text.txt", "\x1b[31mno")
    project.write("folder/steps/a.json", "{}")
    project.write("linked/index.json", "{}")
    (project.root / "linked/steps").symlink_to("/etc")
    project.write("hidden/index.json", "{}")
    project.write("hidden/.env", "x")
    with unchanged(project.root):
        project.awo("import", form, name).refused(2, says)


def test_a_killed_receipt_goes_on_with_resume(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (project.root / "log.eval").write_bytes(made.eval_log([made.sample()]))
    killed(project, "awo.engine.attempts", "Workshop._attempt", "import", "inspect", "log.eval")
    (project.root / "log.eval").unlink()
    project.awo("resume", "latest").expect(0)
    project.awo("verify", "latest").expect(0)
    assert list((project.runs / "imports").iterdir()) == []


# --- packages ---------------------------------------------------------------------------------------------------


def test_a_bundle_comes_in_as_it_was_sealed_and_read_only(received_once: Project, bundle: Path, tmp_path: Path) -> None:
    project = Project(tmp_path)
    trust = received_once.root / "reviewers/allowed_signers"
    found = project.awo("import", bundle, "--trust", trust, "--require", "authority", "--json").expect(0).json
    origin = received_once.latest()
    place = project.runs / origin.name
    assert contents(place) == contents(origin)
    modes = {stat.S_IMODE(path.lstat().st_mode) for path in place.rglob("*") if path.is_file()}
    assert modes == {0o444}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (place, *place.rglob("*")) if path.is_dir()} == {0o555}
    note = json.loads((project.runs / "imports" / f"{origin.name}.json").read_text())
    assert note == found["arrival"]
    assert (note["from"], note["kind"], note["verdict"]) == ("run.tar.gz", "bundle", "passed")
    assert (note["size_bytes"], note["required"]) == (bundle.stat().st_size, ["authority"])
    assert not (project.runs / "ledger").exists()
    assert "imported" in project.awo("list").expect(0).out
    assert "imported: run.tar.gz (bundle" in project.awo("show", "latest").expect(0).out
    assert project.awo("list", "--json").expect(0).json["runs"][0]["imported"]["from"] == "run.tar.gz"
    project.write("flow.yaml", "name: x\nsteps:\n  - {id: a, op: llm_map, model: echo, prompt: hello}\n")
    project.awo("run", "flow.yaml").expect(0)
    with unchanged(project.root):  # the proofs of the ledger that it is in are not put away for others
        project.awo("ledger", "refresh", origin.name).refused(2, "this run was imported, so it is not entered here")
    audited = project.awo("ledger", "audit").expect(0)
    assert "1 run of those not entered came in by `awo import`" in audited.err
    assert "awo ledger refresh" not in audited.err
    with unchanged(project.root):
        again = project.awo("import", bundle).expect(0)
        assert "is here already, with the same seal; nothing was done" in again.out
        assert project.awo("import", origin, "--json").expect(0).json["imported"] is False


def test_a_folder_comes_in_too(received_once: Project, tmp_path: Path) -> None:
    project = Project(tmp_path)
    origin = received_once.latest()
    project.awo("import", origin).expect(0)
    assert contents(project.runs / origin.name) == contents(origin)
    assert json.loads((project.runs / "imports" / f"{origin.name}.json").read_text())["kind"] == "folder"


def test_another_run_of_the_same_id_is_never_touched(received_once: Project, bundle: Path, tmp_path: Path) -> None:
    project = received_once.copy(tmp_path)
    seal = project.latest() / "audit/seal.json"
    writable(project.latest())
    seal.write_bytes(seal.read_bytes() + b" ")
    with unchanged(project.root):
        project.awo("import", bundle).refused(2, "another run of this id is here already", "--runs OTHER_FOLDER")
    project.awo("import", bundle, "--runs", project.top / "other").expect(0)


def test_what_does_not_verify_or_cannot_be_checked_is_refused(
    received_once: Project, bundle: Path, tmp_path: Path
) -> None:
    project = Project(tmp_path)
    spoilt = project.top / "spoilt.tar.gz"
    tar = bytearray(gzip.decompress(bundle.read_bytes()))
    place = tar.index(b'"answer":"It is 2."')
    tar[place + 10 : place + 18] = b"It is 3."
    spoilt.write_bytes(repacked(bytes(tar)))
    with unchanged(project.root):
        project.awo("import", spoilt).refused(3, "does not verify, and was not imported")
        project.awo("import", bundle, "--require", "authority").refused(7, "--allow-incomplete")
        project.awo("import", bundle, "--require", "autority").refused(2, "did you mean 'authority'?")
        project.awo("import", project.top / "none.tar.gz").refused(2, "there is nothing to import")
        project.awo("import", "inspect", project.top / "none.eval", "--json").refused_in_json(2)
        project.awo("import", received_once.root / "log.eval").refused(3, "does not verify, and was not imported")
    found = project.awo("import", bundle, "--require", "authority", "--allow-incomplete", "--json").expect(0).json
    assert (found["verdict"], found["arrival"]["verdict"]) == ("incomplete", "incomplete")


def repacked(tar: bytes) -> bytes:
    """The bundle of these bytes, compressed as a bundle is."""
    import struct
    import zlib

    packer = zlib.compressobj(wbits=-15)
    body = packer.compress(tar) + packer.flush()
    return bytes.fromhex("1f8b08000000000000ff") + body + struct.pack("<II", zlib.crc32(tar), len(tar))


def test_an_archive_with_a_name_that_leaves_the_folder_writes_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path)
    evil = project.top / "evil.tar.gz"
    with tarfile.open(evil, "w:gz") as archive:
        archive.add(__file__, arcname="../../evil.py")
    with unchanged(project.top / "project"):
        project.awo("import", evil).expect(3)
    assert not (project.top / "evil.py").exists()


def test_a_run_that_is_not_sealed_is_not_imported(received_once: Project, tmp_path: Path) -> None:
    project = received_once.copy(tmp_path)
    run = project.latest()
    writable(run)
    for name in ("seal.json", "seal.json.sig", "registration.json", "disclosure.key"):
        (run / "audit" / name).unlink(missing_ok=True)
    (run / "SHA256SUMS").unlink()
    project.awo("import", run, "--runs", project.top / "other").refused(2, "this run is not sealed")


@pytest.mark.parametrize(
    ("module", "name"),
    [("awo.receive.packages", "_refuse_other"), ("awo.receive.packages", "fsync_folder"), ("awo.canon.json", "pretty")],
)
def test_a_killed_import_leaves_nothing_half(bundle: Path, tmp_path: Path, module: str, name: str) -> None:
    project = Project(tmp_path)
    where = "awo.receive.arrival" if name == "pretty" else module
    killed(project, where, name, "import", bundle)
    assert project.awo("list", "--json").expect(0).json == {"runs": []}
    assert list(project.runs.glob(".awo-import-*"))
    project.awo("import", bundle).expect(0)
    assert not list(project.runs.glob(".awo-import-*"))
    project.awo("verify", "latest").expect(0)


def test_an_import_that_another_process_makes_is_left_alone(bundle: Path, tmp_path: Path) -> None:
    import fcntl

    project = Project(tmp_path)
    theirs = project.runs / ".awo-import-theirs"
    theirs.mkdir(parents=True)
    descriptor = os.open(theirs, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        project.awo("import", bundle).expect(0)
        assert theirs.is_dir()
    finally:
        os.close(descriptor)


def test_of_two_imports_at_once_one_brings_it_in_and_its_note_stays(bundle: Path, tmp_path: Path) -> None:
    project = Project(tmp_path)
    command = [sys.executable, "-c", OVERTAKEN, "import", str(bundle), "--json"]
    done = subprocess.run(command, cwd=project.root, env=project.environment, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["imported"] is False
    assert "imported: run.tar.gz (bundle" in project.awo("show", "latest").expect(0).out
    assert not list(project.runs.glob(".awo-import-*"))
    project.awo("verify", "latest").expect(0)


@pytest.mark.parametrize("change", ["altered", "missing"])
def test_a_folder_that_changes_after_it_was_verified_is_not_taken_over(
    received_once: Project, tmp_path: Path, change: str
) -> None:
    project = Project(tmp_path)
    origin = project.top / "origin" / received_once.latest().name
    shutil.copytree(received_once.latest(), origin)
    writable(origin)
    command = [sys.executable, "-c", CHANGES.format(change=change), "import", str(origin)]
    done = subprocess.run(command, cwd=project.root, env=project.environment, capture_output=True, timeout=60)
    assert done.returncode == 3, done.stderr.decode()
    assert "the package has changed since it was verified; nothing was taken over" in done.stderr.decode()
    assert not [path for path in project.runs.iterdir() if path.name != "imports"]


def test_a_disk_that_is_full_is_said_to_be_and_leaves_nothing(bundle: Path, tmp_path: Path) -> None:
    project = Project(tmp_path)
    command = [sys.executable, "-c", FULL, "import", str(bundle)]
    done = subprocess.run(command, cwd=project.root, env=project.environment, capture_output=True, timeout=60)
    assert done.returncode != 0
    assert b"the package cannot be put among the runs" in done.stderr
    assert b"No space left on device" in done.stderr
    assert list(project.runs.iterdir()) == []
    project.write("results.json", made.promptfoo([made.result()]).decode())
    again = subprocess.run(
        [*command[:3], "import", "promptfoo", "results.json"],
        cwd=project.root,
        env=project.environment,
        capture_output=True,
        timeout=60,
    )
    assert b"this cannot be copied" in again.stderr
    assert list((project.runs / "imports").iterdir()) == []
