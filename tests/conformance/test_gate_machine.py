"""A state machine that decides, withdraws, resumes, tampers and moves the clock at the gates of a real run.

The model of what must happen is written here from the documentation, without the code of `awo.gate`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from awo import api
from awo.canon import time
from awo.engine.decide import Choice
from awo.errors import AwoError, EvidenceError, UsageError
from awo.evidence import events as ev
from awo.evidence.layout import DECISIONS, GATE_PENDING, INPUT, JOURNAL, SEAL_SIGNATURE
from awo.evidence.records import InputRecord
from awo.lifecycle.rules import RunState

Word = Literal["approve", "reject", "revise", "withdraw"]

STARTER, ALICE, BOB, CAROL, DAVE, EVE = (
    f"{name}@example.org" for name in ("runner", "alice", "bob", "carol", "dave", "eve")
)
NO_LEDGER = "[ledger]\nenabled = false\n"  # copies of one project go their own ways here, and a ledger refuses that
ROLES: Final[dict[str, tuple[str, ...]]] = {
    STARTER: ("reviewer",),
    ALICE: ("reviewer",),
    BOB: ("reviewer",),
    CAROL: ("reviewer", "lead"),
    DAVE: ("lead",),
    EVE: (),  # enrolled, and in no role that a gate asks for
}
PEOPLE = st.sampled_from(sorted(ROLES))
GATES: Final = ("first", "second")
HOUR_S: Final = 3600
T0_US: Final = 1_798_761_600_000_000  # 2027-01-01
TICK_US: Final = 1000
MINUTE_US: Final = 60_000_000


@dataclass(frozen=True)
class Rules:
    """What awo.toml says of both gates, and what the model needs to know of it."""

    toml: str
    needs: dict[str, int]
    redecide: bool = True
    lasts_s: int = 0
    deadline_s: int = 0
    then: Literal["wait", "reject", "escalate"] = "wait"
    escalate: dict[str, int] | None = None


POLICIES: Final = (
    Rules("needs = { reviewer = 2 }", {"reviewer": 2}),
    Rules(
        'needs = { reviewer = 1, lead = 1 }\nredecide = false\nlasts = "2h"',
        {"reviewer": 1, "lead": 1},
        redecide=False,
        lasts_s=2 * HOUR_S,
    ),
    Rules(
        'needs = { reviewer = 2 }\ndeadline = "3h"\nthen = "reject"',
        {"reviewer": 2},
        deadline_s=3 * HOUR_S,
        then="reject",
    ),
    Rules(
        'needs = { reviewer = 2 }\nlasts = "2h"\ndeadline = "3h"\nthen = "escalate"\nescalate = { lead = 1 }',
        {"reviewer": 2},
        lasts_s=2 * HOUR_S,
        deadline_s=3 * HOUR_S,
        then="escalate",
        escalate={"lead": 1},
    ),
)


class Clock:
    """The machine's clock, as the test sets it."""

    def __init__(self) -> None:
        self.at_us = T0_US

    def now(self) -> str:
        self.at_us += TICK_US
        return time.spell(self.at_us)


@dataclass(frozen=True)
class Said:
    """A decision that was accepted, as its signed bytes have it."""

    person: str
    word: Word
    role: str
    key: str
    expires_at: str


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ROLES:
        api.new_key(name, folder / name, "")
    return folder


def _make_template(top: Path, keys: Path, rules: Rules) -> None:
    """A project whose run waits at its first gate under these rules."""
    people = "".join(f'[people."{name}"]\nroles = {json.dumps(list(roles))}\n' for name, roles in ROLES.items())
    (top / "awo.toml").write_text(f"{NO_LEDGER}[gates]\n{rules.toml}\n{people}")
    (top / "checklist.md").write_text("- [ ] {#read} It was read.\n- [ ] {#nice} It is nice. (optional)\n")
    steps: list[dict[str, Any]] = [
        {"id": "ask", "op": "fanout_generate", "prompt": "hello", "models": ["echo", "upper"]},
        {"id": "first", "op": "audit_gate", "checklist": "checklist.md"},
        {"id": "again", "op": "fanout_generate", "prompt": "and now", "models": ["echo"], "needs": ["first"]},
        {"id": "second", "op": "audit_gate", "checklist": "checklist.md", "needs": ["again"]},
    ]
    (top / "workflow.json").write_text(json.dumps({"name": "two-gates", "steps": steps}))
    project = api.find_project(top)
    for name in ROLES:
        api.enrol(project, name, keys / f"{name}.pub")
    api.run(project, top / "workflow.json", api.identity(project, keys / STARTER, STARTER, lambda: ""))


class GateMachine(RuleBasedStateMachine):
    """`state` is what the model thinks: the gate that is open, approved and not gone on from, or the end of the run."""

    keys: Path
    templates: Any

    def __init__(self) -> None:
        super().__init__()
        self.real_now = time.now
        self.clock = Clock()
        time.now = self.clock.now
        self.top = Path(tempfile.mkdtemp(prefix="awo-gates-"))
        self.state = "open"
        self.gate = 0
        self.said: list[Said] = []
        self.refused = 0
        self.is_late = False
        self.known_lines: list[bytes] = []
        self.known_files: dict[str, bytes] = {}

    @initialize(policy=st.sampled_from(POLICIES))
    def begin(self, policy: Rules) -> None:
        self.policy = policy
        shutil.copytree(self.templates(policy), self.top, dirs_exist_ok=True)
        self.project = api.find_project(self.top)
        self.run = api.find_run(self.project, "latest")
        self.clock.at_us = T0_US + MINUTE_US  # the template took less

    def teardown(self) -> None:
        time.now = self.real_now
        try:
            if self.state in ("completed", "rejected"):
                report = api.verify(self.project, "latest", None)
                assert report.verdict != "failed", [r for r in report.checks if r.verdict == "failed"]
        finally:
            for path in (self.top, *self.top.rglob("*")):
                path.chmod(0o755 if path.is_dir() else 0o644)
            shutil.rmtree(self.top)

    # --- what people do --------------------------------------------------------------------------------

    @rule(person=PEOPLE)
    def somebody_approves(self, person: str) -> None:
        self._attempt(person, "approve")

    @rule(person=st.sampled_from([ALICE, BOB, CAROL, DAVE]), minutes=st.sampled_from([0, 1, 70]))
    def somebody_who_may_approves_after_a_while(self, person: str, minutes: int) -> None:
        self.clock.at_us += minutes * MINUTE_US
        self._attempt(person, "approve")

    @precondition(lambda self: self.said)
    @rule(person=st.sampled_from([ALICE, BOB, CAROL]))
    def somebody_withdraws(self, person: str) -> None:
        self._attempt(person, "withdraw")

    @precondition(lambda self: self.said or self.state != "open")
    @rule(person=st.sampled_from([EVE, STARTER, BOB, CAROL]), word=st.sampled_from(["reject", "revise"]))
    def somebody_says_no(self, person: str, word: Word) -> None:
        self._attempt(person, word, from_step="ask" if word == "revise" else "")

    @rule(person=PEOPLE, how=st.sampled_from(["answer", "key", "passphrase", "step", "clock", "shown"]))
    def an_attempt_goes_wrong(self, person: str, how: str) -> None:
        match how:
            case "answer":
                self._attempt(person, "approve", answers=["nice=yes"], is_wrong=True)
            case "key":
                self._attempt(person, "approve", key=DAVE if person != DAVE else ALICE, is_wrong=True)
            case "passphrase":
                self._attempt(person, "approve", key="", is_wrong=True)
            case "step":
                self._attempt(person, "revise", from_step="asc", is_wrong=True)
            case "clock":
                right, self.clock.at_us = self.clock.at_us, T0_US - HOUR_S * 1_000_000
                self._attempt(person, "approve", is_wrong=True, is_past=True)
                self.clock.at_us = right
            case _:
                self._alter_for_a_decision(person)

    @precondition(lambda self: self.state in ("open", "approved"))
    @rule()
    def a_process_dies_in_the_middle_of_a_line(self) -> None:
        with (self.run / JOURNAL).open("ab") as journal:
            journal.write(b'{"at":"2027')

    @precondition(lambda self: self.state == "approved")
    @rule(minutes=st.sampled_from([0, 0, 0, 130]))
    def the_run_goes_on_behind_a_gate(self, minutes: int) -> None:
        self.clock.at_us += minutes * MINUTE_US
        self.the_run_is_resumed()

    @precondition(lambda self: self.state == "approved" or (self.state == "open" and self.said))
    @rule()
    def the_run_is_resumed(self) -> None:
        ended = self._resume()
        self._deadline()
        if self.state == "approved" and not self._has_all():  # lapsed
            self.state = "open"
            self._deadline()
        if self.state == "approved":
            self.gate += 1
            self.state = "open" if self.gate < len(GATES) else "completed"
            self.said, self.is_late = [], False
        expected = {"open": "waiting", "completed": "approved", "rejected": "rejected"}
        assert ended == expected[self.state]

    # --- what must hold --------------------------------------------------------------------------------

    @invariant()
    def nothing_that_was_recorded_has_changed_and_the_rule_book_agrees(self) -> None:
        *lines, _ = (self.run / JOURNAL).read_bytes().split(b"\n")
        assert lines[: len(self.known_lines)] == self.known_lines
        files = {str(path): path.read_bytes() for path in (self.run / DECISIONS).glob("*")}
        assert self.known_files.items() <= files.items()
        self.known_lines, self.known_files = lines, files
        book = RunState(msgspec.json.decode((self.run / INPUT).read_bytes(), type=InputRecord).steps)
        events = [ev.decode(line, number) for number, line in enumerate(lines)]
        for event in events:
            book.advance(event)
        assert sum(isinstance(event, ev.DecisionRefused) for event in events) == self.refused
        assert bool(book.gates.open_gate) == (self.state == "open")
        assert bool(book.outcome) == (self.state in ("completed", "rejected"))
        if book.gates.open_gate:
            assert book.gates.open_gate == GATES[self.gate]
        assert (self.run / SEAL_SIGNATURE).exists() == bool(book.outcome)
        closed = [event.verdict for event in events if isinstance(event, ev.GateClosed)]
        lapsed = sum(isinstance(event, ev.GateLapsed) for event in events)
        assert closed.count("approved") - lapsed == self.gate + (self.state == "approved")

    @invariant()
    def what_is_missing_is_told(self) -> None:
        if self.state != "open" or self._is_overdue():
            return
        pending = api.pending_gate(self.run)
        assert pending is not None
        assert {need.role: need.count for need in pending.missing} == self._missing()
        view = json.loads((self.run / GATE_PENDING).read_bytes())
        assert view["checkpoint"]["root"] == pending.checkpoint.root

    # --- the model -------------------------------------------------------------------------------------

    def _attempt(
        self,
        person: str,
        word: Word,
        *,
        answers: list[str] | None = None,
        key: str | None = None,
        from_step: str = "",
        is_wrong: bool = False,
        is_past: bool = False,
    ) -> None:
        given = answers if answers is not None else ["read=yes"] if word == "approve" else []
        changes = ["do it again"] if word == "revise" else []
        choice = Choice(
            verdict=word,
            signer_id=person,
            meaning="review",
            answers=given,
            comment="because",
            required_changes=changes,
            from_step=from_step,
        )
        if not is_past:
            self._deadline()
        before = self._recorded()
        if self.state != "open":
            with pytest.raises(UsageError, match=r"no gate of this run is open|has passed|sealed"):
                api.decide(self.project, self.run, choice, lambda: self._signer(person))
            assert self._recorded() == before
        elif is_wrong or not self._may(person, word):
            with pytest.raises(AwoError):
                api.decide(self.project, self.run, choice, lambda: self._signer(person if key is None else key))
            assert self._recorded() == before
            self.refused += 1
        else:
            decided = api.decide(self.project, self.run, choice, lambda: self._signer(person))
            path = self.run / decided.path
            self._take(person, word, json.loads(path.read_bytes()))
            self._ask_ssh(path, person)
            assert decided.is_closed == (self.state != "open")
            assert (decided.outcome == "rejected") == (self.state == "rejected")

    def _may(self, person: str, word: Word) -> bool:
        own = [said for said in self.said if said.person == person]
        needed = set(self._needs()) | {said.role for said in own if said.word != "withdraw"}
        if person == STARTER or not needed & set(ROLES[person]):
            return False
        if word == "withdraw":
            return bool(own) and own[-1].word == "approve"
        is_over = bool(own) and own[-1].expires_at != "" and own[-1].expires_at <= time.spell(self.clock.at_us)
        return self.policy.redecide or not own or is_over

    def _take(self, person: str, word: Word, signed: dict[str, Any]) -> None:
        assert (signed["verdict"], signed["signer"]["id"], signed["gate"]) == (word, person, GATES[self.gate])
        assert signed["signer"]["role"] in ROLES[person]
        said = Said(person, word, signed["signer"]["role"], signed["signer"]["key"], signed["expires_at"])
        assert bool(said.expires_at) == (word == "approve" and bool(self.policy.lasts_s))
        self.said.append(said)
        if word in ("reject", "revise"):
            self.state = "rejected"
        elif self._has_all():
            self.state = "approved"

    def _needs(self) -> dict[str, int]:
        is_escalated = self.is_late and self.policy.escalate is not None
        return self.policy.escalate or {} if is_escalated else self.policy.needs

    def _missing(self) -> dict[str, int]:
        """How many approvals of which role are still missing now, from what was signed."""
        now = time.spell(self.clock.at_us)
        last = {said.person: said for said in self.said}.values()
        count = [one for one in last if one.word == "approve" and (not one.expires_at or now < one.expires_at)]
        assert len({one.key for one in count}) == len(count)
        short = {role: n - sum(one.role == role for one in count) for role, n in self._needs().items()}
        return {role: n for role, n in short.items() if n > 0}

    def _has_all(self) -> bool:
        return not self._missing()

    def _is_overdue(self) -> bool:
        opened = [json.loads(line)["at"] for line in self._lines() if b'"kind":"gate_opened"' in line][-1]
        deadline_s = self.policy.deadline_s
        return bool(deadline_s) and not self.is_late and time.spell(self.clock.at_us) >= time.later(opened, deadline_s)

    def _deadline(self) -> None:
        """What the next command makes of a deadline that has passed."""
        if self.state != "open" or not self._is_overdue():
            return
        self.is_late = True
        if self.policy.then == "reject":
            self.state = "rejected"
        elif self._has_all():
            self.state = "approved"

    def _alter_for_a_decision(self, person: str) -> None:
        """Nobody signs what is not what was shown, and no run goes on from it."""
        if self.state != "open":
            return
        shown = self.run / "outputs/ask/output.json"
        whole = shown.read_bytes()
        shown.write_bytes(whole + b" ")
        self._attempt(person, "approve", is_wrong=True)
        if self.state == "open":
            with pytest.raises(EvidenceError, match="altered"):
                self._resume()
        shown.parent.chmod(0o755)
        shown.chmod(0o644)
        shown.write_bytes(whole)

    # --- hands -----------------------------------------------------------------------------------------

    def _resume(self) -> str:
        return api.resume(self.project, self.run, self._identity(STARTER)).outcome

    def _identity(self, name: str) -> api.Identity:
        return _identity(self.keys, name)

    def _signer(self, name: str) -> Any:
        if not name:
            raise UsageError("the passphrase does not open this key")
        return self._identity(name).signer

    def _lines(self) -> list[bytes]:
        return (self.run / JOURNAL).read_bytes().split(b"\n")

    def _recorded(self) -> int:
        return sum(b'"kind":"decision_recorded"' in line for line in self._lines())

    def _ask_ssh(self, path: Path, person: str) -> None:
        """Whether the real ssh-keygen believes the signature, by the project's list, at the time of the decision."""
        at = "".join(c for c in json.loads(path.read_bytes())["at"][:19] if c.isdigit()) + "Z"
        command: list[str | Path] = [
            "ssh-keygen",
            "-Y",
            "verify",
            "-f",
            self.project.reviewers_file,
            "-n",
            "awo-decision",
            "-I",
            person,
        ]
        done = subprocess.run(
            [*command, "-s", f"{path}.sig", f"-Overify-time={at}"],
            input=path.read_bytes(),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@cache
def _identity(keys: Path, name: str) -> api.Identity:
    return api.identity(api.find_project(keys), keys / name, name, lambda: "")


def test_gates_do_what_a_model_of_them_says_whatever_people_and_clocks_do(
    keys: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made: dict[str, Path] = {}

    def template(rules: Rules) -> Path:
        if rules.toml not in made:
            made[rules.toml] = tmp_path_factory.mktemp("template")
            _make_template(made[rules.toml], keys, rules)
        return made[rules.toml]

    GateMachine.keys = keys
    GateMachine.templates = staticmethod(template)
    run_state_machine_as_test(
        GateMachine, settings=settings(max_examples=40, stateful_step_count=20, deadline=None, derandomize=True)
    )
