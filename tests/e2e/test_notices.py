"""Telling people, as a user meets it: a webhook on this machine, deadlines by cron, and addresses that nobody sees."""

from __future__ import annotations

import base64
import json
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from click.testing import CliRunner
from tests.e2e.installed import REVIEWER, RUNNER, Done, Project, contents, of_kind
from tests.e2e.multi_model import MULTI_MODEL, lay_out

from awo import api, plugins
from awo.canon import time
from awo.cli.reminding import remind

TOKEN = "tok-7d1e9a55b0c3"
PASSWORD = "correct/horse battery"
COMMENT = "The comment that nobody else should read."


class Hook:
    """A webhook that keeps what it got; `url` is its address, with a token and a password in it."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        got = self.got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        port = self.server.server_address[1]
        self.url = f"json://bot:{urllib.parse.quote(PASSWORD, safe='')}@127.0.0.1:{port}/hook/{TOKEN}"

    @property
    def variables(self) -> dict[str, str]:
        return {"AWO_NOTIFY_URLS": self.url}

    @property
    def texts(self) -> list[str]:
        return [f"{one['title']}\n{one['message']}" for one in self.got]


@pytest.fixture
def hook() -> Iterator[Hook]:
    one = Hook()
    threading.Thread(target=one.server.serve_forever, daemon=True).start()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def ready(project: Project) -> Project:
    """A project with a reviewer and a workflow that has a gate."""
    project.enrol_reviewer()
    lay_out(project)
    return project


def told(project: Project) -> list[tuple[str, int, int]]:
    return [(one["occasion"], one["sent"], one["failed"]) for one in of_kind(project.latest(), "people_told")]


def assert_kept(project: Project, hook: Hook, *printed: Done) -> None:
    """No part of the address stands anywhere below the project, or was printed."""
    address = hook.url.partition("://")[2]
    parts = [address, TOKEN, PASSWORD, urllib.parse.quote(PASSWORD, safe="")]
    spelled = [part.encode() for part in parts]
    spelled += [base64.b64encode(part.encode()).rstrip(b"=")[:-1] for part in parts]
    places = contents(project.root) | {"terminal": b"".join(done.stdout + done.stderr for done in printed)}
    for name, data in places.items():
        for part in spelled:
            assert part not in data, f"{part!r} stands in {name}"


def test_people_are_told_when_a_gate_opens_and_when_it_is_decided(ready: Project, hook: Hook) -> None:
    ran = ready.awo("run", MULTI_MODEL, variables=hook.variables).expect(78)
    run = ready.latest().name
    assert told(ready) == [("opened", 1, 0)]
    assert f"Run: {run}" in hook.texts[0]
    assert "Needed: 1 reviewer" in hook.texts[0]
    again = ready.awo("resume", variables=hook.variables).expect(78)
    assert told(ready) == [("opened", 1, 0)]  # it waits as before: nothing new to tell
    words = ("approve", "--key", ready.key, "--as", REVIEWER, "--answer", "read=yes", "--answer", "fair=yes")
    approved = ready.awo(*words, "--comment", COMMENT, variables=hook.variables).expect(0)
    assert len(hook.texts) == 2
    assert hook.texts[1].startswith(f"AWO: gate gate is approved ({run})\n{REVIEWER} approves.")
    ended = ready.awo("resume", variables=hook.variables).expect(0)
    checked = ready.awo("verify", variables=hook.variables).expect(0)
    assert_kept(ready, hook, ran, again, approved, ended, checked)
    everything = "".join(hook.texts)
    for private in (COMMENT, "Level is level", str(ready.top), "read every answer"):
        assert private not in everything
    assert "could not be" not in ran.err + approved.err


def test_a_rejection_is_told_after_the_seal(ready: Project, hook: Hook) -> None:
    ready.awo("run", MULTI_MODEL).expect(78)
    words = ("reject", "--key", ready.key, "--as", REVIEWER, "--reason", COMMENT)
    done = ready.awo(*words, variables=hook.variables).expect(0)
    (text,) = hook.texts
    assert "gate gate is rejected" in text
    assert COMMENT not in text
    ready.awo("verify").expect(0)
    assert_kept(ready, hook, done)


def test_of_a_blind_gate_only_the_number_of_votes_is_told(ready: Project, hook: Hook) -> None:
    ready.write("awo.toml", "[gates]\nneeds = { reviewer = 2 }\n")
    steps = [
        {"id": "ask", "op": "fanout_generate", "prompt": "Level", "models": ["echo", "upper"]},
        {"id": "look", "op": "audit_gate", "checklist": "checklist.md", "blind": True, "of": ["ask"]},
    ]
    ready.write("blind.json", json.dumps({"name": "x", "steps": steps}))
    second, bob = ready.top / "keys" / "bob", "bob@example.org"
    ready.awo("keys", "new", bob, "--no-passphrase", "--out", second).expect(0)
    ready.awo("keys", "enrol", bob, f"{second}.pub").expect(0)
    ready.awo("run", "blind.json", variables=hook.variables).expect(78)
    answers = ("--answer", "read=yes", "--answer", "fair=yes")
    ready.awo("approve", "--key", ready.key, "--as", REVIEWER, *answers, variables=hook.variables).expect(0)
    ready.awo("reject", "--key", second, "--as", bob, "--reason", COMMENT, variables=hook.variables).expect(0)
    ready.awo("reveal", "--key", second, "--as", bob, variables=hook.variables).expect(0)
    assert "1 vote is in." in hook.texts[1]
    assert "2 votes are in" in hook.texts[2]
    assert "gate look is rejected" in hook.texts[3]
    assert len(hook.texts) == 4
    for text in hook.texts:
        assert not any(word in text for word in (REVIEWER, bob, COMMENT, "rejects", "approves"))


def test_nothing_is_sent_unless_asked_for(ready: Project, hook: Hook) -> None:
    ready.awo("run", MULTI_MODEL).expect(78)
    ready.approve().expect(0)
    assert hook.got == []
    assert told(ready) == []


@pytest.mark.parametrize("address", [f"json://127.0.0.1:1/{TOKEN}", f"nosuch://{TOKEN}", TOKEN])
def test_a_notice_that_fails_changes_no_exit_code_and_shows_no_address(ready: Project, address: str) -> None:
    done = ready.awo("run", MULTI_MODEL, variables={"AWO_NOTIFY_URLS": address}).expect(78)
    assert done.err.count("1 of 1 notices could not be sent") == 1
    assert told(ready) == [("opened", 0, 1)]
    assert TOKEN.encode() not in done.stdout + done.stderr
    assert all(TOKEN.encode() not in data for data in contents(ready.root).values())


def test_without_apprise_one_line_says_how_to_get_it(
    ready: Project, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready.awo("run", MULTI_MODEL).expect(78)
    monkeypatch.setenv("AWO_NOTIFY_URLS", hook.url)
    monkeypatch.setattr(plugins, "missing_modules", list)
    heard = api.tell_opened(api.find_project(ready.root), ready.latest())
    assert (heard.sent, heard.failed) == (0, 0)
    assert heard.why.endswith("apprise is not installed; next: pip install 'awo[notify]'")
    assert "\n" not in heard.why
    assert told(ready) == []


def test_json_output_stays_one_object_when_a_notice_fails(ready: Project) -> None:
    variables = {"AWO_NOTIFY_URLS": f"json://127.0.0.1:1/{TOKEN}"}
    assert ready.awo("run", MULTI_MODEL, "--json", variables=variables).expect(78).json["outcome"] == "waiting"


def test_addresses_come_from_a_file_that_only_its_owner_reads(ready: Project, hook: Hook) -> None:
    file = ready.top / "addresses"
    file.write_text(f"# the team\n{hook.url}\n")
    variables = {"AWO_NOTIFY_URLS_FILE": str(file)}
    file.chmod(0o644)
    refused = ready.awo("run", MULTI_MODEL, variables=variables).expect(78)
    assert "others on this machine may read" in refused.err
    assert hook.got == []
    file.chmod(0o600)
    resumed = ready.awo("resume", variables=variables).expect(78)
    assert told(ready) == [("opened", 1, 0)]
    assert_kept(ready, hook, refused, resumed)


def test_a_command_that_prints_the_address_is_cut(ready: Project, hook: Hook) -> None:
    line = (
        'echo "$AWO_NOTIFY_URLS"; printf %s "$AWO_NOTIFY_URLS" | base64 -w0; echo; echo '
        + TOKEN[:9]
        + '"'
        + TOKEN[9:]
        + '"'
    )
    step = {"id": "leak", "op": "command", "env": ["AWO_NOTIFY_URLS"], "shell": line}
    ready.write("leak.json", json.dumps({"name": "x", "steps": [step]}))
    done = ready.awo("run", "leak.json", variables=hook.variables).expect(0)
    assert b"[secret AWO_NOTIFY_URLS" in (ready.latest() / "outputs/leak/files/stdout.txt").read_bytes()
    assert_kept(ready, hook, done)


# --- reminders ----------------------------------------------------------------------------------------


def with_deadline(project: Project, deadline: str, then: str = "wait") -> None:
    project.write("awo.toml", f'[project]\nname = "Aurora"\n[gates]\ndeadline = "{deadline}"\nthen = "{then}"\n')


def test_a_deadline_that_is_near_is_told_once(ready: Project, hook: Hook) -> None:
    with_deadline(ready, "20h")
    ready.awo("run", MULTI_MODEL).expect(78)
    early = ready.awo("gates", "remind", variables=hook.variables).expect(0)
    assert "no deadline is near" in early.out
    near = ready.awo("gates", "remind", "--within", "24h", "--json", variables=hook.variables).expect(0)
    (reminder,) = near.json["reminders"]
    assert (reminder["gate"], reminder["what"], reminder["told"]["sent"]) == ("gate", "near", 1)
    again = ready.awo("gates", "remind", "--within", "24h", variables=hook.variables).expect(0)
    assert told(ready) == [("deadline", 1, 0)]
    assert "must be decided within 19 h" in hook.texts[0]
    assert "Project: Aurora" in hook.texts[0]
    assert_kept(ready, hook, early, near, again)
    ready.approve().expect(0)
    ready.awo("resume").expect(0)
    ready.awo("verify").expect(0)


@pytest.mark.parametrize("then", ["wait", "reject"])
def test_a_deadline_that_passed_is_acted_on_and_told_once(
    ready: Project, hook: Hook, then: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_deadline(ready, "20h", then)
    ready.awo("run", MULTI_MODEL).expect(78)
    here, folder = api.find_project(ready.root), ready.latest()
    tomorrow = time.later(time.now(), 24 * 3600)
    monkeypatch.setattr(time, "now", lambda: tomorrow)
    monkeypatch.setenv("AWO_NOTIFY_URLS", hook.url)
    reminder = api.remind(here, folder)
    assert reminder is not None
    assert (reminder.what, reminder.outcome) == ("passed", "rejected" if then == "reject" else "")
    assert reminder.told == api.Told(sent=1)
    assert len(of_kind(folder, "deadline_passed")) == 1
    assert told(ready) == ([] if then == "reject" else [("deadline", 1, 0)])  # a finished run takes no more events
    assert "the deadline of gate gate has passed" in hook.texts[0]
    assert api.remind(here, folder) is None
    assert len(hook.texts) == 1
    assert_kept(ready, hook)


@pytest.mark.parametrize("can_seal", [True, False])
def test_a_run_that_its_deadline_rejects_is_sealed_where_there_is_a_key(
    ready: Project, can_seal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_deadline(ready, "20h", "reject")
    ready.awo("run", MULTI_MODEL).expect(78)
    tomorrow = time.later(time.now(), 24 * 3600)
    monkeypatch.setattr(time, "now", lambda: tomorrow)
    monkeypatch.chdir(ready.root)
    for name, value in ready.environment.items():
        monkeypatch.setenv(name, value)
    key = () if can_seal else ("--key", str(ready.top / "no-such-key"))
    done = CliRunner().invoke(remind, [*key, "--as", RUNNER] if key else [])
    assert done.exit_code == 0, done.output
    assert api.is_sealed(ready.latest()) is can_seal
    assert ("could not be sealed" in done.stderr) is not can_seal


def test_a_reminder_that_reaches_nobody_is_tried_three_times(ready: Project) -> None:
    with_deadline(ready, "20h")
    ready.awo("run", MULTI_MODEL).expect(78)
    for _ in range(5):
        ready.awo("gates", "remind", "--within", "24h", variables={"AWO_NOTIFY_URLS": "json://127.0.0.1:1/"}).expect(0)
    assert told(ready) == [("deadline", 0, 1)] * 3


def test_a_test_message_arrives_and_changes_no_run(ready: Project, hook: Hook) -> None:
    done = ready.awo("gates", "remind", "--test", variables=hook.variables).expect(0)
    assert "went to 1 of 1" in done.out
    assert "This is a test" in hook.texts[0]
    off = ready.awo("gates", "remind", "--test").expect(0)
    assert "nobody is to be told" in off.out


def test_doctor_counts_addresses_and_shows_none(ready: Project, hook: Hook) -> None:
    done = ready.awo("doctor", variables={"AWO_NOTIFY_URLS": f"{hook.url} mailto://u:{TOKEN}@host"}).expect(0)
    (row,) = [line for line in done.out.splitlines() if line.startswith("notices")]
    assert "json 1, mailto 1" in row
    assert_kept(ready, hook, done)
    assert "none yet" in next(line for line in ready.awo("doctor").out.splitlines() if line.startswith("notices"))
