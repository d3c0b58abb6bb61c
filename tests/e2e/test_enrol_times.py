"""A key is good from one day to another: for AWO, for ssh-keygen, and for the record of a refusal."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.e2e.installed import Project, of_kind

CAROL = "carol@example.org"
ANSWERS = ("--answer", "read=yes", "--answer", "fair=yes")


@pytest.fixture
def key(project: Project) -> Path:
    path = project.top / "carol"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path, "-C", CAROL], check=True)
    return path


def test_the_days_of_a_key_are_written_as_openssh_reads_them(project: Project, key: Path) -> None:
    days = ("--from", "2026-01-01", "--until", "2026-06-30")
    line = project.awo("keys", "enrol", CAROL, f"{key}.pub", *days, "--json").expect(0).json["line"]
    assert 'valid-after="20260101000000Z",valid-before="20260630235959Z"' in line
    (row,) = project.awo("keys", "list", "--json").expect(0).json["reviewers"]
    assert (row["from"], row["until"]) == ("2026-01-01T00:00:00+00:00", "2026-06-30T23:59:59+00:00")
    for moment, code in (("20260630235959Z", 0), ("20260701000000Z", 255)):
        assert _found(project.root / "reviewers/allowed_signers", key, moment) == code


def test_a_key_is_enrolled_again_for_other_days_and_not_twice_for_one(project: Project, key: Path) -> None:
    project.awo("keys", "enrol", CAROL, f"{key}.pub", "--until", "2026-06-30").expect(0)
    project.awo("keys", "enrol", CAROL, f"{key}.pub", "--from", "2026-06-30").refused(2, "already", "allowed_signers:1")
    project.awo("keys", "enrol", CAROL, f"{key}.pub", "--from", "2026-07-01").expect(0)
    project.awo("keys", "enrol", CAROL, f"{key}.pub").refused(2, "already")


def test_days_that_are_none_or_the_wrong_way_round_are_refused(project: Project, key: Path) -> None:
    wrong = ("--from", "2026-07-01", "--until", "2026-06-30")
    project.awo("keys", "enrol", CAROL, f"{key}.pub", *wrong).refused(2, "--until", "2026-07-01")
    project.awo("keys", "enrol", CAROL, f"{key}.pub", "--from", "tomorrow").refused(2, "--from")
    assert not (project.root / "reviewers").exists()


def test_a_decision_outside_the_days_of_a_key_is_refused_and_recorded(at_gate: Project) -> None:
    path = at_gate.top / "carol"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path, "-C", CAROL], check=True)
    at_gate.awo("keys", "enrol", CAROL, f"{path}.pub", "--until", "2020-12-31").expect(0)
    at_gate.awo("approve", "latest", "--key", path, "--as", CAROL, *ANSWERS).refused(2, CAROL, "2020-12-31")
    (refusal,) = of_kind(at_gate.latest(), "decision_refused")
    assert refusal["reason"]["code"] == "expired"


def _found(signers: Path, key: Path, moment: str) -> int:
    text = key.with_name("text")
    text.write_text("x")
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", "awo-decision", text], check=True)
    asked: list[str | Path] = ["-f", signers, "-I", CAROL, "-n", "awo-decision", "-s", text.with_name("text.sig")]
    with text.open("rb") as signed:
        done = subprocess.run(
            ["ssh-keygen", "-Y", "verify", *asked, "-O", f"verify-time={moment}"],
            stdin=signed,
            check=False,
            capture_output=True,
        )
    text.with_name("text.sig").unlink()
    return done.returncode


def test_whoever_enrols_one_key_under_two_ids_is_told(project: Project, key: Path) -> None:
    assert "note:" not in project.awo("keys", "enrol", CAROL, f"{key}.pub").expect(0).err
    done = project.awo("keys", "enrol", "dan@example.org", f"{key}.pub").expect(0)
    assert (
        f"only one of these can decide at a gate, since their keys or ids are alike: dan@example.org, {CAROL}"
        in done.err
    )
