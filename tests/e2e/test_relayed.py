"""Approvals in a protected environment of GitHub, taken up by the CI's key: what is recorded, said, and refused."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.raw_server import answer, say, serving
from tests.e2e.github_runner import SHA, TOKEN, Runner, commands_in
from tests.e2e.installed import Done, Project, contents, of_kind

CI = "ci@example.org"
SETTINGS = f"""\
[gates]
needs = {{ "github:awo-release" = 1 }}

[people."{CI}"]
relays = "github"
roles = ["github:awo-release"]
"""
WORKFLOW = """\
name: released
steps:
  - {id: note, op: write_text, path: out.txt, text: hello}
  - {id: release, op: audit_gate, checklist: list.md}
"""
WORDS = "Read in full.\r\nread=yes\r\n<b>bold</b> \u202e"


def review(
    login: str = "Octo-Cat", state: str = "approved", environment: str = "awo-release", **more: Any
) -> dict[str, Any]:
    """A review as GitHub's API has it."""
    return {
        "state": state,
        "comment": WORDS,
        "environments": [{"id": 1, "name": environment, "url": "https://api.github.invalid/x"}],
        "user": {"login": login, "id": 583231, "type": "User"},
    } | more


@pytest.fixture(scope="module")
def at_gate_of_ci(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("relayed"))
    project.key = project.top / "keys" / "ci"
    project.awo("keys", "new", CI, "--no-passphrase", "--out", project.key).expect(0)
    project.awo("keys", "enrol", CI, f"{project.key}.pub").expect(0)
    project.write("awo.toml", SETTINGS)
    project.write("list.md", "- [ ] {#read} I have read it.\n")
    project.write("w.yaml", WORKFLOW)
    project.awo("run", "w.yaml").expect(78)
    return project


@pytest.fixture
def here(at_gate_of_ci: Project, tmp_path: Path) -> Project:
    project = at_gate_of_ci.copy(tmp_path)
    project.key = tmp_path / "keys" / "ci"
    return project


def runner_says(api: str, **more: str) -> dict[str, str]:
    """The variables of a job."""
    return {
        "GITHUB_REPOSITORY": "octo/study",
        "GITHUB_RUN_ID": "42",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_API_URL": api,
        "GITHUB_SHA": SHA,
        "GITHUB_ACTOR": "maker",
        "GITHUB_TRIGGERING_ACTOR": "maker",
        "GITHUB_TOKEN": TOKEN,
    } | more


def relay(project: Project, variables: Mapping[str, str], *more: str) -> Done:
    words = ("approve", "latest", "--relayed", "github", "--key", str(project.key), "--as", CI, *more)
    return project.awo(*words, variables=variables)


def test_an_approval_is_recorded_with_actor_environment_and_run_and_told_apart_from_a_signature(here: Project) -> None:
    with serving(say(answer(200, json.dumps([review()]).encode()))) as api:
        done = relay(here, runner_says(api.url)).expect(0)
    assert "no signature of a person" in done.err
    request = api.requests[0]
    assert request.startswith(b"GET /repos/octo/study/actions/runs/42/approvals HTTP/1.1\r\n")
    assert f"Authorization: Bearer {TOKEN}\r\n".encode() in request
    here.awo("resume").expect(0)
    run = here.latest()
    decision = json.loads(next((run / "audit/decisions").glob("0001-release.json")).read_text())
    assert decision["signer"]["id"] == CI
    assert decision["signer"]["role"] == "github:awo-release"
    assert decision["signer"]["name"] == f"GitHub, relayed by {CI}"
    assert decision["presence"] == "not proved"
    assert decision["answers"] == [{"answer": "yes", "evidence": "", "id": "read"}]
    lines = decision["comment"].split("\n")
    assert lines[:7] == [
        "Relayed from GitHub's protected environment; no signature of a person.",
        "approved by: Octo-Cat",
        "environment: awo-release",
        "workflow run: https://github.com/octo/study/actions/runs/42",
        f"commit: {SHA}",
        "triggered by: maker",
        f"asked at: {api.url}",
    ]
    assert lines[10:] == ["Read in full.", "read=yes", "<b>bold</b> \ufffd"]
    said = "relayed from GitHub's protected environment awo-release, where Octo-Cat approved"
    whose = f"https://github.com/octo/study/actions/runs/42, as {api.url} answered; no signature of a person"
    checked = here.awo("verify", "latest", "--trust", here.root / "reviewers/allowed_signers").expect(0)
    assert f"RELAYED: audit/decisions/0001-release.json is {said} {whose}" in checked.out
    assert said in here.awo("show").expect(0).out
    report = (run / "report.md").read_text()
    assert "no signature of a person" in report
    assert "GitHub, relayed by" in report
    assert "<b>" not in report
    assert not [name for name, data in contents(here.top).items() if TOKEN.encode() in data]


@pytest.mark.parametrize(
    ("reviews", "code", "says"),
    [
        ([], 2, "nobody has approved the environment awo-release"),
        ([review(environment="staging")], 2, "approvals for staging"),
        ([review(), review("carol", state="rejected")], 2, "carol did not approve"),
        ([review("deploy[bot]")], 2, "is no person"),
        ([review(environment="awo-relea\u017fe")], 2, "nobody has approved"),
        ([review("Maker")], 2, "triggered this workflow run and approved it"),
        ([review(comment="fine")], 2, "read"),
        ([review("a b")], 7, "not a list of reviews"),
        ({"message": "x"}, 7, "not a list of reviews"),
    ],
    ids=[
        "nobody",
        "another environment",
        "rejected",
        "a machine",
        "a look-alike",
        "self-review",
        "no answers",
        "a hostile login",
        "no list",
    ],
)
def test_what_is_no_approval_is_refused_and_the_gate_waits(here: Project, reviews: Any, code: int, says: str) -> None:
    with serving(say(answer(200, json.dumps(reviews).encode()))) as api:
        relay(here, runner_says(api.url)).refused(code, says)
    here.awo("resume").expect(78)


def test_a_server_that_refuses_or_is_down_and_wrong_variables_are_clear_errors_without_the_token(here: Project) -> None:
    with serving(say(answer(403, b"{}"))) as api:
        relay(here, runner_says(api.url)).refused(7, "status 403", "actions: read")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    gone = runner_says(f"http://127.0.0.1:{port}")
    relay(here, gone).refused(7, "cannot be reached")
    relay(here, gone | {"GITHUB_TOKEN": ""}).refused(7, "GITHUB_TOKEN", "no token")
    relay(here, gone | {"GITHUB_TOKEN": "a\nb: c-secret"}).refused(7, "GITHUB_TOKEN", "cannot be one")
    relay(here, gone | {"GITHUB_RUN_ID": "../7"}).refused(2, "GITHUB_RUN_ID", "a job that runs there")
    relay(here, gone | {"GITHUB_RUN_ATTEMPT": "2"}).refused(2, "start the workflow anew")
    relay(here, gone | {"GITHUB_API_URL": "http://api.github.invalid"}).refused(2, "without TLS")
    relay(here, gone, "--comment", "mine").refused(2, "nothing is added")
    assert not [name for name, data in contents(here.top).items() if TOKEN.encode() in data]


def test_a_gate_that_asks_people_takes_no_relay_and_a_relay_decides_nothing_itself(here: Project) -> None:
    words = ("approve", "latest", "--key", str(here.key), "--as", CI, "--answer", "read=yes")
    here.awo(*words).refused(2, "decides nothing itself")
    here.awo("reject", "latest", "--key", here.key, "--as", CI, "--reason", "x").refused(2, "decides nothing itself")
    here.write("awo.toml", SETTINGS.replace('"github:awo-release" = 1 }', "reviewer = 1 }"))
    here.awo("run", "w.yaml").expect(78)
    relay(here, runner_says("https://api.github.invalid")).refused(2, "takes no approval from GitHub", "[gate.release]")
    assert [one["reason"]["code"] for one in of_kind(here.latest(), "decision_refused")] == ["role"]
    here.write("awo.toml", f'[people."{CI}"]\nname = "CI"\n')
    relay(here, runner_says("https://api.github.invalid")).refused(2, f"awo.toml does not say that {CI} is a relay")


def test_the_action_relays_resumes_and_seals_and_leaves_no_key_and_no_token_behind(here: Project) -> None:
    key = here.key.read_text()
    here.key.unlink()
    with serving(say(answer(200, json.dumps([review()]).encode()))) as api:
        variables = {"GITHUB_API_URL": api.url}
        runner = Runner(here)
        done = runner.act(variables, **{"command": "relay", "as": CI, "key": key}).expect(0, "sealed")
    assert done.outputs["outcome"] == "approved"
    statements = Path(done.outputs["attestation"])
    assert statements.parent == Path(done.outputs["bundle"]).parent
    assert statements.name == f"{done.outputs['run']}.provenance.intoto.jsonl"
    assert statements.read_text().count('"payloadType"') == 2
    secret = key.split("\n")[2].encode()
    for planted in (TOKEN.encode(), secret):
        assert not [name for name, data in contents(here.top).items() if planted in data]
        assert planted.decode() not in done.log + done.summary
    assert commands_in(done.log) == []


def test_the_action_without_an_approval_says_so_and_fails(here: Project) -> None:
    with serving(say(answer(200, b"[]"))) as api:
        inputs = {"command": "relay", "as": CI, "key": here.key.read_text()}
        done = Runner(here).act({"GITHUB_API_URL": api.url}, **inputs).expect(2, "waiting")
    assert "nobody has approved" in done.summary
    assert "no failure" not in done.summary
