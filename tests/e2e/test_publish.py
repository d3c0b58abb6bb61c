"""`awo publish` as a user meets it: to a folder, again, at once with another, and what `--list` says of it all."""

from __future__ import annotations

import fcntl
import json
import shutil
from pathlib import Path

import pytest
from tests.e2e.installed import REVIEWER, Project, unchanged


@pytest.fixture(scope="module")
def published_once(sealed_once: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = sealed_once.copy(tmp_path_factory.mktemp("published"))
    for name in ("first", "second"):
        (project.root / name).mkdir()
        project.awo("publish", f"./{name}", "--key", project.key, "--as", REVIEWER).expect(0)
    return project


@pytest.fixture
def published(published_once: Project, tmp_path: Path) -> Project:
    return published_once.copy(tmp_path)


def records(project: Project) -> Path:
    return project.runs / "publications" / project.latest().name


def test_a_run_stays_as_it_was_sealed_and_its_addenda_are_trusted(sealed: Project) -> None:
    (sealed.root / "out").mkdir()
    with unchanged(sealed.latest()):
        said = sealed.awo("publish", "out/", "--key", sealed.key, "--as", REVIEWER, "--json").expect(0).json
    assert said["published"]
    run = sealed.latest().name
    assert {path.name for path in (sealed.root / "out" / run).iterdir()} == {
        f"{run}.tar.gz",
        "report.md",
        "SHA256SUMS",
        "ARRIVED.sha256",
    }
    listed = sealed.awo("publish", "--list", "latest", "--json").expect(0).json
    assert [(one["number"], one["trusted"], one["faults"]) for one in listed["addenda"]] == [(1, True, [])]
    assert sealed.awo("publish", "out/", "--json").expect(0).json["before"]
    sealed.awo("verify", "latest").expect(0)
    assert not [path.name for path in records(sealed).iterdir() if path.name.endswith(".sending")]


def test_a_chain_of_addenda_holds_and_is_listed(published: Project) -> None:
    said = published.awo("publish", "--list", "--json").expect(0).json
    assert [one["number"] for one in said["addenda"]] == [1, 2]
    assert said["drafts"] == []
    assert "alice@example.org, whom you trust" in published.awo("publish", "--list").expect(0).out
    (published.root / "reviewers" / "allowed_signers").unlink()
    assert "alice@example.org, whom no list here" in published.awo("publish", "--list").expect(0).out


SPOILED = ["changed", "unsigned_by_the_named", "first_is_missing", "of_another_run", "no_json"]


@pytest.mark.parametrize("how", SPOILED)
def test_an_addendum_that_does_not_hold_is_named_with_code_3(published: Project, how: str) -> None:
    folder = records(published)
    first, second = folder / "0001.json", folder / "0002.json"
    match how:
        case "changed":
            first.write_bytes(first.read_bytes().replace(b"/first", b"/third"))
        case "unsigned_by_the_named":
            shutil.copy(folder / "0001.json.sig", folder / "0002.json.sig")
        case "first_is_missing":
            first.unlink()
            (folder / "0001.json.sig").unlink()
        case "of_another_run":
            shutil.copytree(folder, folder.with_name("run_2026-01-01T00-00-00Z"))
        case "no_json":
            second.write_bytes(b"{" * 50)
        case _:
            pytest.fail(how)
    name = "run_2026-01-01T00-00-00Z" if how == "of_another_run" else "latest"
    done = published.awo("publish", "--list", name).expect(3)
    assert "DOES NOT HOLD" in done.out
    said = published.awo("publish", "--list", name, "--json").expect(3).json
    assert not said["sound"]
    if how == "first_is_missing":
        (published.root / "fourth").mkdir()
        published.awo("publish", "./fourth").refused(3, "earlier addendum")


def to_out(project: Project) -> tuple[str, ...]:
    """What publishes the newest run to a folder of its own, which is made here."""
    (project.root / "out").mkdir(exist_ok=True)
    return ("publish", "./out", "--key", str(project.key), "--as", REVIEWER, "--json")


def test_an_addendum_whose_signature_a_crash_kept_back_is_written_again(sealed: Project) -> None:
    first = sealed.awo(*to_out(sealed)).expect(0).json
    Path(f"{first['addendum']}.sig").unlink()
    again = sealed.awo(*to_out(sealed)).expect(0).json
    assert (again["addendum"], again["before"]) == (first["addendum"], False)
    assert [path.name for path in sorted(records(sealed).glob("0*"))] == ["0001.json", "0001.json.sig"]
    assert sealed.awo("publish", "--list", "--json").expect(0).json["sound"]


def test_whoever_sealed_the_run_is_said_to_have_signed_of_it(project: Project) -> None:
    project.write("w.json", json.dumps({"name": "one", "steps": [{"id": "ask", "op": "llm_map", "prompt": "Yes?"}]}))
    project.awo("run", "w.json").expect(0)
    (project.root / "out").mkdir()
    project.awo("publish", "./out").expect(0)
    assert "with the key that sealed the run" in project.awo("publish", "--list").expect(0).out


def test_a_deposit_file_of_another_seal_is_not_gone_on_from(sealed: Project) -> None:
    sealed.awo(*to_out(sealed)).expect(0)
    (path,) = records(sealed).glob("*.deposit.json")
    said = json.loads(path.read_bytes()) | {"seal_sha256": "0" * 64, "phase": "sent"}
    path.write_bytes(json.dumps(said, sort_keys=True, separators=(",", ":")).encode())
    sealed.awo("publish", "./out").refused(3, "another run or place")
    path.write_bytes(b"{}")
    sealed.awo("publish", "./out").refused(3, path.name)


def test_two_processes_never_publish_one_run_at_once(sealed: Project) -> None:
    (sealed.root / "out").mkdir()
    folder = records(sealed)
    folder.mkdir(parents=True)
    with (folder / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sealed.awo("publish", "./out").refused(2, "another process is publishing this run")
    assert list((sealed.root / "out").iterdir()) == []
    sealed.awo("publish", "./out").expect(0)


def test_what_is_not_sealed_or_not_there_is_refused(at_gate: Project) -> None:
    at_gate.awo("publish", "./out").refused(2, "only a sealed run is published", "awo resume")
    at_gate.awo("publish").refused(2, "nothing says where")
    at_gate.awo("publish", "zenod", "latest").refused(2, "did you mean zenodo")
    at_gate.awo("publish", "zenodo", "latest", "--retain-until", "2036-12-31").refused(2, "--retain-until")
    assert not (at_gate.runs / "publications").exists()


def test_options_belong_to_their_places(sealed: Project) -> None:
    sealed.awo("publish", "./out", "--sandbox").refused(2, "--sandbox is for Zenodo")
    sealed.awo("publish", "./out", "--api", "records").refused(2, "--api is for repositories")
    sealed.awo("publish", "invenio:http://repository.example", "latest").refused(2, "not encrypted")
    sealed.awo("publish", "zenodo", "latest").refused(7, "ZENODO_TOKEN")
    sealed.awo("publish", "zenodo", "latest", "--sandbox").refused(7, "ZENODO_SANDBOX_TOKEN")
    sealed.awo("publish", "--list", "latest").expect(0)


def test_what_does_not_verify_is_not_published(sealed: Project) -> None:
    (sealed.root / "out").mkdir()
    report = sealed.latest() / "report.md"
    report.chmod(0o644)
    report.write_text("Another report.\n")
    sealed.awo("publish", "./out").refused(3, "does not verify", "EP-2")
    assert list((sealed.root / "out").iterdir()) == []


def test_another_bundle_of_a_published_seal_is_refused(sealed: Project) -> None:
    sealed.awo(*to_out(sealed)).expect(0)
    sealed.write("policy.yaml", "format: awo/redaction-policy/v1\nreason: for the test\nshow:\n  files: [report.md]\n")
    sealed.awo("redact", "latest", "--policy", "policy.yaml", "--no-scan").expect(0)
    (bundle,) = sealed.runs.glob("*.redacted.tar.gz")
    sealed.awo("publish", "./out", bundle).refused(3, "published there with another bundle", "nothing was changed")


@pytest.mark.parametrize("where", ["runs/{run}", "runs/{run}/audit", "runs", "runs/publications", "link"])
def test_nothing_is_published_into_a_run_or_into_the_folder_of_the_runs(sealed: Project, where: str) -> None:
    (sealed.runs / "publications").mkdir(exist_ok=True)
    (sealed.root / "link").symlink_to(sealed.latest())
    with unchanged(sealed.runs):
        sealed.awo("publish", f"folder:{where.format(run=sealed.latest().name)}").refused(2, "into the folder of the")


def test_nothing_is_published_into_a_run_of_another_project(sealed: Project, tmp_path: Path) -> None:
    other = sealed.copy(tmp_path / "other")
    (other.latest() / "audit" / "deep").mkdir()
    with unchanged(other.latest()):
        sealed.awo("publish", other.latest() / "audit" / "deep").refused(2, "the folder of a run itself")


@pytest.mark.parametrize("data", [b"", b"\xff\x00", b'{"format":"awo/deposit/v2"}'])
def test_a_broken_deposit_file_is_named_with_what_to_do_and_nothing_is_lost(sealed: Project, data: bytes) -> None:
    (sealed.root / "out").mkdir()
    sealed.awo("publish", "./out").expect(0)
    (path,) = records(sealed).glob("*.deposit.json")
    kept = json.loads(path.read_bytes())
    path.write_bytes(data)
    for words in (["--list"], ["./out"]):
        sealed.awo("publish", *words).refused(3, path.name, "awo/deposit/v1", "move it away")
    path.unlink()
    sealed.awo("publish", "./out").expect(0)
    assert len(sealed.awo("publish", "--list", "--json").expect(0).json["addenda"]) == 1
    assert {**json.loads(path.read_bytes()), "at": ""} == {**kept, "at": ""}
