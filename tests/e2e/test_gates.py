"""Gates as people meet them: two at a time, with the wrong passphrase, in several roles, alone, too late."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.e2e.installed import RUNNER, Done, Project, contents, events, of_kind

ALICE, BOB, CAROL = "alice@example.org", "bob@example.org", "carol@example.org"
WORKFLOW = """\
name: one gate
steps:
  - {id: ask, op: llm_map, prompt: What repeats?}
  - {id: look, op: audit_gate, checklist: checklist.md}
  - {id: end, op: write_text, path: end.txt, text: done}
"""
CHECKLIST = "- [ ] {#read} I have read the answer.\n"
READ = ("--answer", "read=yes")
SECRET = "hunter2-and-then-some"


def make_key(path: Path, passphrase: str = "") -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-C", "", "-N", passphrase, "-f", path], check=True)


class Gated(Project):
    """A project with three people who have keys; all are enrolled, with roles from awo.toml."""

    def lay_out(self, policy: str) -> None:
        self.write("w.yaml", WORKFLOW)
        self.write("checklist.md", CHECKLIST)
        self.write("awo.toml", policy)
        lines = []
        for name in (ALICE, BOB, CAROL):
            make_key(self.key_of(name))
            public = Path(f"{self.key_of(name)}.pub").read_text().strip()
            lines.append(f'{name} namespaces="awo-decision,awo-seal" {public}\n')
        self.write("reviewers/allowed_signers", "".join(lines))

    def key_of(self, name: str) -> Path:
        return self.top / "keys" / name.partition("@")[0]

    def words(self, verdict: str, name: str, *more: str) -> tuple[str | Path, ...]:
        return (verdict, "latest", "--key", self.key_of(name), "--as", name, *more)

    def say(self, verdict: str, name: str, *more: str) -> Done:
        return self.awo(*self.words(verdict, name, *more))

    def waits(self, *more: str | Path) -> Gated:
        """Starts the run, which waits at its gate."""
        self.awo("run", "w.yaml", *more).expect(78)
        return self

    def codes(self) -> list[str]:
        """Why attempts to decide were refused, by the journal."""
        return [event["reason"]["code"] for event in of_kind(self.latest(), "decision_refused")]

    def missing(self) -> list[dict[str, object]]:
        (gate,) = self.awo("gates", "latest", "--json").expect(0).json["gates"]
        found: list[dict[str, object]] = gate["missing"]
        return found


@pytest.fixture
def gated(tmp_path: Path) -> Gated:
    return Gated(tmp_path)


# --- two at the same moment ------------------------------------------------------------------------------


def test_two_people_who_decide_at_the_same_moment_are_both_recorded(gated: Gated) -> None:
    gated.lay_out("[gates]\nneeds = { reviewer = 2 }\n")
    gated.waits()
    with (
        gated.start(*gated.words("approve", ALICE, *READ)) as first,
        gated.start(*gated.words("approve", BOB, *READ)) as second,
    ):
        first.end().expect(0)
        second.end().expect(0)
    recorded = of_kind(gated.latest(), "decision_recorded")
    assert {event["signer"] for event in recorded} == {ALICE, BOB}
    assert [event["number"] for event in recorded] == [1, 2]
    assert of_kind(gated.latest(), "gate_closed")[0]["verdict"] == "approved"


def test_of_two_at_the_same_moment_where_one_is_enough_the_second_is_told_that_the_gate_was_closed(
    gated: Gated,
) -> None:
    gated.lay_out("")
    gated.waits()
    with (
        gated.start(*gated.words("approve", ALICE, *READ)) as first,
        gated.start(*gated.words("approve", BOB, *READ)) as second,
    ):
        ended = [first.end(), second.end()]
    assert sorted(done.code for done in ended) == [0, 2]
    late = next(done for done in ended if done.code == 2)
    late.refused(2, "no gate of this run is open", "the gate 'look' was closed: approve by ")
    assert len(of_kind(gated.latest(), "decision_recorded")) == 1


# --- refused, and on record ------------------------------------------------------------------------------


def test_a_wrong_passphrase_at_an_open_gate_is_on_record(gated: Gated) -> None:
    gated.lay_out("")
    gated.waits()
    locked = gated.top / "keys/locked"
    make_key(locked, "the right one")
    typed = gated.write("typed", "the wrong one\n")
    words = ("approve", "latest", "--key", locked, "--as", ALICE, *READ)
    gated.awo(*words, variables={"AWO_KEY_PASSPHRASE_FILE": str(typed)}).refused(2, "passphrase")
    (refused,) = of_kind(gated.latest(), "decision_refused")
    assert (refused["signer"], refused["key"]) == (ALICE, "")
    assert refused["reason"]["code"] == "key_not_opened"
    gated.awo("keys", "enrol", ALICE, f"{locked}.pub").expect(0)
    typed.write_text("the right one\n")
    gated.awo(*words, variables={"AWO_KEY_PASSPHRASE_FILE": str(typed)}).expect(0)
    signed = json.loads((gated.latest() / "audit/decisions/0001-look.json").read_bytes())
    assert signed["presence"] == "not proved"  # a file typed it


def test_an_agent_that_does_not_have_the_key_is_on_record(gated: Gated) -> None:
    gated.lay_out("")
    gated.waits()
    public = f"{gated.key_of(ALICE)}.pub"
    gated.awo("approve", "latest", "--key", public, "--as", ALICE, *READ).refused(7, "agent")
    assert gated.codes() == ["key_not_opened"]


def test_a_secret_in_a_decision_is_refused_on_record_and_written_nowhere(gated: Gated) -> None:
    gated.lay_out("")
    gated.waits()
    said = ("--comment", f"the token is {SECRET}")
    done = gated.awo(*gated.words("approve", ALICE, *READ, *said), variables={"MY_TOKEN": SECRET})
    done.refused(2, "MY_TOKEN")
    words = ("approve", "latest", "--key", gated.key_of(ALICE), "--as", SECRET, *READ)
    gated.awo(*words, variables={"MY_TOKEN": SECRET}).refused(2, "MY_TOKEN")
    assert gated.codes() == ["secret", "secret"]
    assert not [path for path, data in contents(gated.latest()).items() if SECRET.encode() in data]


def test_a_decision_after_a_shown_file_has_changed_is_stale_and_that_is_on_record(gated: Gated) -> None:
    gated.lay_out("")
    gated.waits()
    shown = gated.latest() / "outputs/look/report.md"
    whole = shown.read_bytes()
    shown.write_bytes(whole + b"\nAll is well.\n")
    gated.say("approve", ALICE, *READ).refused(3, "stale", "outputs/look/report.md")
    assert gated.codes() == ["stale"]
    shown.write_bytes(whole)
    gated.say("approve", ALICE, *READ).expect(0)


def test_with_nobody_enrolled_every_decision_is_refused_with_the_command_that_enrols(gated: Gated) -> None:
    gated.lay_out("")
    (gated.root / "reviewers/allowed_signers").unlink()
    gated.waits()
    gated.say("approve", ALICE, *READ).refused(2, "nobody is enrolled", "awo keys enrol")
    assert gated.codes() == ["no_reviewers"]


def test_a_list_of_reviewers_that_cannot_be_read_refuses_the_decision_on_record(gated: Gated) -> None:
    gated.lay_out("")
    gated.waits()
    gated.write("reviewers/allowed_signers", "alice@example.org ssh-rot13 AAAA\n")
    gated.say("approve", ALICE, *READ).refused(2, "reviewers/allowed_signers:1")
    (gated.root / "reviewers/allowed_signers").write_bytes(b"\xff\n")
    gated.say("approve", ALICE, *READ).refused(2, "reviewers/allowed_signers")
    assert gated.codes() == ["refused", "refused"]


# --- who, and how many -------------------------------------------------------------------------------------


ONE_OF_EACH = f"""\
[gates]
needs = {{ reviewer = 1, lead = 1 }}

[people."{CAROL}"]
name = "Carol"
roles = ["lead"]
"""


def test_a_gate_that_asks_for_one_of_each_role_takes_them_in_any_order(gated: Gated) -> None:
    gated.lay_out(ONE_OF_EACH)
    gated.waits()
    gated.say("approve", CAROL, *READ).expect(0)
    assert gated.missing() == [{"role": "reviewer", "count": 1}]
    gated.awo("resume", "latest").expect(78)
    gated.say("approve", ALICE, *READ).expect(0)
    assert of_kind(gated.latest(), "gate_closed")[0]["verdict"] == "approved"
    gated.awo("resume", "latest").expect(0)


def test_two_of_one_role_do_not_make_up_for_another(gated: Gated) -> None:
    gated.lay_out(ONE_OF_EACH)
    gated.waits()
    for name in (ALICE, BOB):
        gated.say("approve", name, *READ).expect(0)
    assert gated.missing() == [{"role": "lead", "count": 1}]
    gated.say("approve", CAROL, *READ).expect(0)
    gated.awo("resume", "latest").expect(0)


def test_who_started_the_run_decides_alone_only_where_that_is_allowed_and_then_it_is_said(gated: Gated) -> None:
    gated.lay_out("")
    gated.waits("--key", gated.key_of(ALICE), "--as", ALICE)
    gated.say("approve", ALICE, *READ).refused(2, "started this run")
    assert gated.codes() == ["starter"]
    gated.write("awo.toml", "[gates]\nsolo = true\n")
    gated.waits("--key", gated.key_of(ALICE), "--as", ALICE)
    done = gated.say("approve", ALICE, *READ).expect(0)
    assert "solo" in done.err
    gated.awo("resume", "latest", "--key", gated.key_of(ALICE), "--as", ALICE).expect(0)
    assert "no independent review" in (gated.latest() / "report.md").read_text()
    assert "SOLO" in gated.awo("verify", "latest").expect(0).out


BY_AUTHOR = '[gates]\nseparate_from = ["author"]\n'


def test_who_wrote_the_workflow_by_git_may_not_decide_on_it(gated: Gated) -> None:
    gated.lay_out(BY_AUTHOR + f'\n[people."{ALICE}"]\ngit = ["Alice.At.Home@example.org"]\n')
    gated.awo("run", "w.yaml").refused(2, "separate_from", "not committed")

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=alice.at.home@example.ORG")
        subprocess.run(["git", *identity, *arguments], cwd=gated.root, check=True, env=gated.environment)

    git("init", "-q")
    gated.awo("run", "w.yaml").refused(2, "separate_from", "not committed")
    git("add", "w.yaml")
    git("commit", "-qm", "first")
    gated.write("w.yaml", WORKFLOW + "# more\n")
    gated.awo("run", "w.yaml").refused(2, "separate_from", "changes that are not committed")
    gated.write("w.yaml", WORKFLOW)
    gated.waits()
    assert json.loads((gated.latest() / "input.json").read_bytes())["authors"] == ["alice.at.home@example.org"]
    gated.say("approve", ALICE, *READ).refused(2, "wrote the workflow")
    assert gated.codes() == ["author"]
    gated.say("approve", BOB, *READ).expect(0)


def test_a_rejection_seals_the_run_with_the_key_of_whoever_rejected_it(gated: Gated) -> None:
    gated.lay_out("[gates]\nneeds = { reviewer = 2 }\n")
    gated.waits()
    gated.say("approve", ALICE, *READ).expect(0)
    gated.say("reject", BOB, "--reason", "It does not follow.").expect(0)
    run = gated.latest()
    assert [event["kind"] for event in events(run)][-2:] == ["gate_closed", "run_finished"]
    assert json.loads((run / "audit/seal.json").read_bytes())["sealer"]["id"] == BOB
    named = {line.split()[0] for line in (run / "audit/allowed_signers").read_text().splitlines()}
    assert named == {ALICE, BOB}
    assert RUNNER not in named
    gated.awo("verify", "latest").expect(0)
