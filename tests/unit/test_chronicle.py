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
from awo.canon.usd import PICO, picodollars, usd
from awo.derive.facts import CallCounts, CellFacts, MoneyFacts, StepStatus
from awo.errors import EvidenceError
from awo.evidence import events as ev
from awo.evidence.merkle import MerkleTree
from awo.evidence.records import CellsRecord
from awo.lifecycle.call_tally import ANY_OTHER_CODE, CODES_TOLD_APART
from awo.lifecycle.chronicle import FAILED_CALLS_KEPT, LIMIT_CHANGES_KEPT, Chronicle
from awo.lifecycle.rules import RuleBroken, RunState
from awo.lifecycle.steps import Status


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
    told.no_answer("one", failed)
    told.lose("one", told.call("one", "upper"))
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
        told.no_answer("one", told.call("one", "echo"))
    assert len(told.facts().failed_calls) == FAILED_CALLS_KEPT
    assert told.facts().calls.failed == FAILED_CALLS_KEPT + 5


def test_reused_responses_are_no_calls_and_retried_ones_are_counted_by_their_outcome_too() -> None:
    told = Told([step("one", "llm_map")])
    told.start()
    told.begin("one")
    told.no_answer("one", told.call("one", "m"), "timeout")
    told.answer("one", "m", "?", "!", tries=2, because="timeout")
    told.reuse("one", "m")
    told.call("one", "n")
    facts = told.facts()
    assert facts.calls == CallCounts(answered=1, failed=1, reused=1, retried=1, open=1)
    assert facts.calls_by_model["m"] == CallCounts(answered=1, failed=1, reused=1, retried=1)
    assert facts.calls_by_model["n"] == CallCounts(open=1)
    assert facts.calls.responses == 2
    assert facts.failures_by_code == {"timeout": 1}


def test_a_fan_out_counts_the_cells_that_have_a_response_also_over_attempts() -> None:
    told = Told([step("one", "fanout_generate"), step("two", "llm_map", ["one"])])
    told.start()
    assert told.facts().steps[0].cells is None
    told.begin("one")
    told.say(ev.FannedOut, step="one", attempt=1, cells=4, asks=8)
    told.answer("one", "m", "?", "!", cell=3)
    told.answer("one", "n", "?", "!", cell=3)
    told.reuse("one", "m", cell=0)
    assert told.facts().steps[0].cells == CellFacts(planned=4, asks=8, answered=2)
    told.say(ev.RunResumed, software=ev.Software(name="awo", version="2"))
    told.begin("one", 2)
    told.say(ev.FannedOut, step="one", attempt=2, cells=4, asks=8)
    told.answer("one", "m", "?", "!", attempt=2, cell=1)
    told.finish("one", {}, attempt=2)
    one, two = told.facts().steps
    assert one.cells == CellFacts(planned=4, asks=8, answered=3)
    assert one.calls == CallCounts(answered=3, reused=1)
    assert two.cells is None


def test_money_is_three_numbers_for_each_model_and_calls_without_a_price_are_counted_apart() -> None:
    told = Told([step("one", "llm_map")], budget_usd="5")
    told.start()
    told.begin("one")
    told.answer("one", "m", "?", "!", worst_price="0.5", cost="0.125")
    told.answer("one", "m", "?", "!", worst_price="0.5", cost="")
    told.no_answer("one", told.call("one", "m", worst_price="0.25"), may_have_cost=True)
    told.no_answer("one", told.call("one", "m", worst_price="0.25"))
    told.lose("one", told.call("one", "m", worst_price="1"))
    told.call("one", "m", worst_price="2")
    told.answer("one", "n", "?", "!", worst_price="", cost="")
    facts = told.facts()
    amounts = MoneyFacts(spent=PICO // 8, reserved=2 * PICO, unknown=7 * PICO // 4)
    assert facts.money_by_model == {"m": amounts, "n": MoneyFacts(unpriced=1)}
    assert facts.money == msgspec.structs.replace(amounts, unpriced=1)
    assert facts.budget_usd == "5"


def test_a_run_stands_still_for_money_until_it_is_taken_up_again() -> None:
    told = Told([step("one", "llm_map")], budget_usd="1")
    told.start()
    told.begin("one")
    stop = told.say(ev.BudgetReached, step="one", budget="1", spent="0.9", unknown="0", worst="0.2")
    assert told.facts().budget_reached == stop
    told.say(ev.RunResumed, software=ev.Software(name="awo", version="2"))
    told.say(ev.BudgetSet, usd="2.5")
    facts = told.facts()
    assert facts.budget_reached is None
    assert facts.budget_stops == 1
    assert facts.budget_usd == "2.5"
    assert [one.usd for one in facts.budgets] == ["2.5"]


def test_only_the_first_changes_of_the_limit_are_kept_and_all_are_counted() -> None:
    told = Told([step("one", "llm_map")])
    told.start()
    reason = ev.Reason(code="rate_limited", message="429")
    for number in range(LIMIT_CHANGES_KEPT + 4, 4, -1):
        told.say(ev.LimitChanged, model="m", in_flight=number, reason=reason)
    last = told.say(ev.LimitChanged, model="m", in_flight=8, reason=reason)
    facts = told.facts()
    assert len(facts.limit_changes) == LIMIT_CHANGES_KEPT
    limit = facts.limits["m"]
    assert (limit.changes, limit.lowest, limit.last) == (LIMIT_CHANGES_KEPT + 1, 5, last)


def test_a_journal_with_very_many_codes_does_not_fill_the_memory() -> None:
    told = Told([step("one", "llm_map")])
    told.start()
    for number in range(CODES_TOLD_APART + 3):
        told.no_answer("one", told.call("one", "m"), f"code_{number}")
    codes = told.facts().failures_by_code
    assert len(codes) == CODES_TOLD_APART + 1
    assert codes[ANY_OTHER_CODE] == 3


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
        ev.DecisionRefused,
        gate="gate",
        verdict="approve",
        signer="eve@example.org",
        key="",
        reason=ev.Reason(code="closed", message="not open"),
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
    msgspec.structs.replace(
        step("ask", "fanout_generate"), cells=CellsRecord(over=None, matrix={"n": [1, 2, 3]}, repeats=1, max_failed=0)
    ),
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
        lambda **f: ev.DecisionRefused(gate="gate", verdict="reject", signer="eve", key="", reason=reason, **f),
        lambda **f: ev.LimitChanged(model="m", in_flight=pick.randrange(9), reason=reason, **f),
        lambda **f: ev.BudgetSet(usd=str(pick.randrange(1, 90)), **f),
        lambda **f: ev.BudgetReached(
            step=id_,
            budget=usd(state.money.budget or 0),
            spent=usd(state.money.spent),
            unknown=usd(state.money.unknown),
            worst="1000",
            **f,
        ),
    ]
    moves: list[Callable[..., Any]] = [
        lambda **f: ev.StepStarted(step=id_, attempt=attempt + 1, **f),
        lambda **f: ev.CallIntended(
            step=id_,
            attempt=attempt,
            call=str(state.calls),
            cell=pick.randrange(3),
            repeat=0,
            tries=pick.choice([1, 2]),
            because=pick.choice(["", "timeout"]),
            model=pick.choice(["m", "n"]),
            request_sha256="0" * 64,
            worst_price=pick.choice(["", "0", "0.5"]),
            **f,
        ),
        lambda **f: ev.CallAnswered(
            step=id_,
            call=call,
            line=state.steps[id_].lines,
            sha256="0" * 64,
            size_bytes=1,
            cost=pick.choice(["", "0", "0.25"]),
            exchange=None,
            recovered=state.steps[id_].status is not Status.RUNNING,
            **f,
        ),
        lambda **f: ev.CallFailed(
            step=id_, call=call, reason=reason, may_have_cost=pick.choice([True, False]), exchange=None, **f
        ),
        lambda **f: ev.CallUnknown(step=id_, call=call, policy=pick.choice(["retry", "fail"]), exchange=None, **f),
        lambda **f: ev.FannedOut(step=id_, attempt=max(1, attempt), cells=3, asks=3, **f),
        lambda **f: ev.ResponseReused(
            step=id_,
            attempt=max(1, attempt),
            cell=pick.randrange(3),
            repeat=0,
            model="m",
            request_sha256="0" * 64,
            line=state.steps[id_].lines,
            sha256="0" * 64,
            size_bytes=1,
            origin=ev.Origin(run_id=RUN_ID, step=id_, line=0, sha256="0" * 64),
            **f,
        ),
        lambda **f: ev.StepFinished(step=id_, attempt=max(1, attempt), value=ref("v"), files=[ref("w")], **f),
        lambda **f: ev.StepFailed(
            step=id_, attempt=max(1, attempt), reason=reason, retries_left=pick.randrange(2), files=[], **f
        ),
        lambda **f: ev.StepSkipped(step=id_, reason=reason, **f),
        lambda **f: ev.GateOpened(gate="gate", request=ref("g"), files=[], shows=[], **f),
        lambda **f: ev.DecisionRecorded(
            gate="gate",
            number=len(state.gates.all_decisions) + 1,
            verdict=pick.choice(["approve", "reject", "revise", "withdraw"]),
            signer="bob",
            decision=ref("d"),
            signature=ref("s"),
            authority=ref("a"),
            opens=pick.choice([0, 0, len(state.gates.all_votes)]),
            nonce=pick.choice(["", "a" * 64]),
            **f,
        ),
        lambda **f: ev.VoteCommitted(
            gate="gate",
            number=len(state.gates.all_votes) + 1,
            signer="bob",
            vote=ref("v"),
            signature=ref("s"),
            authority=ref("a"),
            **f,
        ),
        lambda **f: ev.DeadlinePassed(gate="gate", then=pick.choice(["wait", "reject", "escalate"]), **f),
        lambda **f: ev.GateLapsed(gate="gate", **f),
        lambda **f: ev.PeopleTold(gate="gate", occasion="opened", sent=1, failed=0, **f),
        lambda **f: ev.StepReused(step=id_, run_id="run_2026-11-23T06-09-00Z", value=ref("r"), files=[], **f),
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
        assert (facts.open_gate.gate if facts.open_gate else "") == (state.gates.open_gate if not state.outcome else "")
        assert facts.event_count == state.size
        money = state.money
        assert (facts.money.spent, facts.money.reserved, facts.money.unknown) == (
            money.spent,
            money.reserved,
            money.unknown,
        )
        assert picodollars(facts.budget_usd or "0") == (money.budget or 0)
        assert facts.calls.open == sum(len(one.open_calls or ()) for one in state.steps.values())
        assert [one.calls.responses for one in facts.steps] == [one.lines for one in state.steps.values()]


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
