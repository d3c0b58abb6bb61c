"""The chronicle: what a journal amounts to, in every order that the rule book permits."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.a_run import KEY, RUN_ID, Told, plan, ref, reviewed_run, step

from awo.canon.time import spell
from awo.derive.facts import CallCounts, StepStatus
from awo.errors import EvidenceError
from awo.evidence import events as ev
from awo.evidence.merkle import MerkleTree
from awo.lifecycle.chronicle import FAILED_CALLS_KEPT, Chronicle
from awo.lifecycle.rules import RuleBroken, RunState, Status


def test_a_whole_run_is_told() -> None:
    told = reviewed_run()
    facts = told.facts()
    assert facts.outcome == "approved"
    assert facts.ended_at == told.events[-1].at
    assert facts.run_id == RUN_ID
    assert [one.record.id for one in facts.steps] == [one.id for one in told.plan.steps]
    assert {one.record.id: one.status.value for one in facts.steps} == {
        "scope": "done",
        "complaint": "done",
        "vote": "done",
        "check": "done",
        "count": "done",
        "extra": "skipped",
        "summary": "done",
        "gate": "done",
        "conclusion": "done",
    }
    assert facts.calls == CallCounts(answered=4)
    assert facts.calls_by_model == {name: CallCounts(answered=1) for name in ("first", "second", "warm", "echo")}
    (gate,) = facts.gates
    assert gate.verdict == "approved"
    assert [one.signer for one in gate.decisions] == ["bob@example.org"]
    assert facts.open_gate is None


def test_the_checkpoint_is_the_merkle_root_of_the_lines() -> None:
    told = reviewed_run()
    tree = MerkleTree()
    for event in told.events:
        tree.append(ev.encode(event))
    facts = told.facts()
    assert facts.checkpoint == ev.Checkpoint(size=len(told.events), root=tree.root().hex())
    assert facts.event_count == len(told.events)


def test_a_gate_remembers_the_journal_up_to_its_opening() -> None:
    told = Told([step("gate", "audit_gate")])
    told.start()
    told.begin("gate")
    told.gate("gate")
    at_opening = told.facts().checkpoint
    told.decide("gate")
    facts = told.facts()
    assert facts.gates[0].checkpoint == at_opening
    assert at_opening.size == 4
    assert facts.open_gate is not None
    assert facts.steps[0].status is StepStatus.WAITING


def test_a_line_that_the_caller_has_is_not_spelled_again() -> None:
    told = reviewed_run()
    again = Chronicle(told.plan)
    for event in told.events:
        again.add(event, ev.encode(event))
    assert again.facts() == told.facts()


def test_the_last_reason_and_the_files_of_failed_attempts_are_kept() -> None:
    told = Told([step("one", "command")])
    told.start()
    told.begin("one")
    told.fail("one", "exit_code", "first", retries_left=1)
    assert told.facts().steps[0].status is StepStatus.RUNNING
    told.begin("one", 2)
    told.fail("one", "time_limit", "second", attempt=2)
    (one,) = told.facts().steps
    assert one.status is StepStatus.FAILED
    assert one.attempts == 2
    assert one.reason == ev.Reason(code="time_limit", message="second")
    assert [file.path for file in one.failed_files] == [
        "outputs/one/attempt-1/stderr.txt",
        "outputs/one/attempt-2/stderr.txt",
    ]


def test_recovered_failed_and_unknown_calls_are_counted_apart() -> None:
    told = Told([step("one", "fanout_generate")])
    told.start()
    told.begin("one")
    told.answer("one", "echo", "?", "!")
    failed = told.call("one", "upper")
    told.say(ev.CallFailed, step="one", call=failed, reason=ev.Reason(code="model", message="no"))
    lost = told.call("one", "upper")
    told.say(ev.CallUnknown, step="one", call=lost, policy="retry")
    told.answer("one", "upper", "?", "!", recovered=True)
    facts = told.facts()
    assert facts.calls == CallCounts(answered=2, failed=1, unknown=1, recovered=1)
    assert facts.calls_by_model["upper"] == CallCounts(answered=1, failed=1, unknown=1, recovered=1)
    assert facts.steps[0].calls == facts.calls
    assert [one.call for one in facts.failed_calls] == [failed]


def test_only_the_first_failed_calls_are_kept() -> None:
    told = Told([step("one", "fanout_generate")])
    told.start()
    told.begin("one")
    for _ in range(FAILED_CALLS_KEPT + 5):
        call = told.call("one", "echo")
        told.say(ev.CallFailed, step="one", call=call, reason=ev.Reason(code="model", message="no"))
    assert len(told.facts().failed_calls) == FAILED_CALLS_KEPT
    assert told.facts().calls.failed == FAILED_CALLS_KEPT + 5


def test_a_model_that_comes_back_with_other_facts_is_marked() -> None:
    told = Told([step("one", "llm_map")])
    told.start()
    told.say(ev.ModelRecorded, model="m", facts={"threads": 2})
    told.say(ev.ModelRecorded, model="m", facts={"threads": 2})
    assert not told.facts().models["m"].has_changed
    told.say(ev.ModelRecorded, model="m", facts={"threads": 4})
    told.say(ev.ModelRecorded, model="m", facts={"threads": 4})
    assert told.facts().models["m"].has_changed
    assert told.facts().models["m"].facts == {"threads": 4}


def test_resumes_cuts_interruptions_and_refusals_are_kept_in_order() -> None:
    told = Told([step("gate", "audit_gate")])
    told.start()
    told.say(ev.RunInterrupted, signal="SIGINT")
    told.say(ev.TailCut, path="audit/journal.jsonl", cut_bytes=9, sha256="0" * 64)
    told.say(ev.RunResumed, software=ev.Software(name="awo", version="2.1"))
    told.say(
        ev.DecisionRefused, gate="gate", signer="eve@example.org", reason=ev.Reason(code="closed", message="not open")
    )
    facts = told.facts()
    assert [one.signal for one in facts.interruptions] == ["SIGINT"]
    assert [one.cut_bytes for one in facts.tail_cuts] == [9]
    assert [one.software.version for one in facts.resumes] == ["2.1"]
    assert [one.signer for one in facts.refusals] == ["eve@example.org"]


@pytest.mark.parametrize(("verdict", "word"), [("rejected", "reject"), ("revised", "revise")])
def test_a_gate_that_says_no_leaves_its_step_failed_with_that_reason(verdict: str, word: str) -> None:
    told = Told([step("gate", "audit_gate")])
    told.start()
    told.begin("gate")
    told.gate("gate")
    told.decide("gate", word)
    told.close("gate", verdict)
    (gate,) = told.facts().steps
    assert gate.status is StepStatus.FAILED
    assert gate.reason is not None
    assert gate.reason.code == verdict


def test_a_journal_without_its_first_event_has_no_facts() -> None:
    with pytest.raises(EvidenceError, match="run_started"):
        Chronicle(plan([])).facts()


def test_an_event_of_an_unknown_step_is_refused() -> None:
    told = Told([step("one", "llm_map")])
    told.start()
    with pytest.raises(EvidenceError, match="no step 'two'"):
        told.begin("two")


# --- any order that the rule book permits -------------------------------------------------------

STEPS = [
    step("ask", "fanout_generate"),
    msgspec.structs.replace(step("maybe", "command"), when="false"),
    step("gate", "audit_gate", ["ask", "maybe"]),
    step("after", "write_text", ["gate"]),
]
EXPECTED = {
    Status.DONE: {StepStatus.DONE},
    Status.FAILED: {StepStatus.FAILED, StepStatus.RUNNING},
    Status.SKIPPED: {StepStatus.SKIPPED},
    Status.GATE_OPEN: {StepStatus.WAITING},
    Status.GATE_APPROVED: {StepStatus.RUNNING},
    Status.GATE_REJECTED: {StepStatus.FAILED},
    Status.RUNNING: {StepStatus.RUNNING},
    Status.WAITING: {StepStatus.NOT_RUN, StepStatus.RUNNING},
}


def any_event(pick: Random, seq: int, state: RunState) -> ev.AnyEvent:
    """Some event, allowed or not, over the four steps."""
    id_ = pick.choice(["ask", "maybe", "gate", "after"])
    attempt = state.steps[id_].attempts
    reason = ev.Reason(code="x", message="x")
    call = str(pick.randrange(max(1, state.calls)))
    noise: list[Callable[..., Any]] = [
        lambda **f: ev.EnvironmentRecorded(environment={}, **f),
        lambda **f: ev.ModelRecorded(model="m", facts={"n": pick.randrange(2)}, **f),
        lambda **f: ev.RunResumed(software=ev.Software(name="awo", version="2"), **f),
        lambda **f: ev.RunInterrupted(signal="SIGINT", **f),
        lambda **f: ev.TailCut(path="x", cut_bytes=1, sha256="0" * 64, **f),
        lambda **f: ev.DecisionRefused(gate="gate", signer="eve", reason=reason, **f),
    ]
    moves: list[Callable[..., Any]] = [
        lambda **f: ev.StepStarted(step=id_, attempt=attempt + 1, **f),
        lambda **f: ev.CallIntended(
            step=id_,
            attempt=attempt,
            call=str(state.calls),
            model="m",
            request_sha256="0" * 64,
            worst_price="0",
            **f,
        ),
        lambda **f: ev.CallAnswered(
            step=id_,
            call=call,
            line=state.steps[id_].lines,
            sha256="0" * 64,
            size_bytes=1,
            recovered=state.steps[id_].status is not Status.RUNNING,
            **f,
        ),
        lambda **f: ev.CallFailed(step=id_, call=call, reason=reason, **f),
        lambda **f: ev.CallUnknown(step=id_, call=call, policy=pick.choice(["retry", "fail"]), **f),
        lambda **f: ev.StepFinished(step=id_, attempt=max(1, attempt), value=ref("v"), files=[ref("w")], **f),
        lambda **f: ev.StepFailed(
            step=id_, attempt=max(1, attempt), reason=reason, retries_left=pick.randrange(2), files=[], **f
        ),
        lambda **f: ev.StepSkipped(step=id_, reason=reason, **f),
        lambda **f: ev.GateOpened(gate="gate", request=ref("g"), shows=[], **f),
        lambda **f: ev.DecisionRecorded(
            gate="gate",
            number=len(state.decisions) + 1,
            verdict=pick.choice(["approve", "reject", "revise", "withdraw"]),
            signer="bob",
            decision=ref("d"),
            signature=ref("s"),
            **f,
        ),
        lambda **f: ev.GateClosed(gate="gate", verdict=pick.choice(["approved", "rejected", "revised"]), **f),
    ]
    ends: list[Callable[..., Any]] = [
        lambda **f: ev.RunFinished(
            outcome=pick.choice(["completed", "approved", "rejected", "failed", "abandoned"]), **f
        ),
    ]
    (kind,) = pick.choices([moves, noise, ends], weights=[200, 4, 1])
    event: ev.AnyEvent = pick.choice(kind)(seq=seq, at=spell(seq))
    return event


@given(st.integers(min_value=0, max_value=2**32))
def test_no_order_that_the_rule_book_permits_breaks_the_chronicle(seed: int) -> None:
    pick = Random(seed)
    state, chronicle = RunState(STEPS), Chronicle(plan(STEPS))
    started = ev.RunStarted(
        seq=0,
        at=spell(0),
        format="awo/journal/v1",
        run_id=RUN_ID,
        software=ev.Software(name="awo", version="2"),
        input=ref("input.json"),
        starter=ev.Starter(id="alice", key=KEY),
        supersedes="",
        solo=False,
    )
    state.advance(started)
    chronicle.add(started)
    for _ in range(300):
        event = any_event(pick, state.size, state)
        try:
            state.advance(event)
        except RuleBroken:
            continue
        chronicle.add(event)
        facts = chronicle.facts()
        for one in facts.steps:
            assert one.status in EXPECTED[state.steps[one.record.id].status]
            assert one.attempts == state.steps[one.record.id].attempts
        assert facts.outcome == state.outcome
        assert (facts.open_gate.gate if facts.open_gate else "") == (state.open_gate if not state.outcome else "")
        assert facts.event_count == state.size


def test_a_step_that_is_packed_gives_back_its_times_and_its_value() -> None:
    told = Told([step("one", "llm_map"), step("two", "llm_map")])
    told.start()
    told.begin("one")
    began = told.events[-1].at
    value = ev.FileRef(path="outputs/one/output.json", sha256="0f" * 32, size_bytes=7)
    told.say(ev.StepFinished, step="one", attempt=1, value=value, files=[])
    elsewhere = ev.FileRef(path="outputs/ö/else.json", sha256="00" * 32, size_bytes=0)
    told.begin("two")
    told.say(ev.StepFinished, step="two", attempt=1, value=elsewhere, files=[])
    one, two = told.facts().steps
    assert (one.started_at, one.finished_at, one.value) == (began, told.events[3].at, value)
    assert two.value == elsewhere


def test_a_step_that_has_not_begun_has_no_times_and_no_value() -> None:
    told = Told([step("one", "llm_map")])
    told.start()
    (one,) = told.facts().steps
    assert (one.started_at, one.finished_at, one.value, one.attempts) == ("", "", None, 0)
