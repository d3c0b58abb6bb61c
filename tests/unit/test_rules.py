"""The rule book: which event may follow which."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit.shapes import strategy_for

from awo.evidence import events as ev
from awo.evidence.exchanges import LARGEST_SEGMENT_BYTES
from awo.evidence.records import CellsRecord, RetryRecord, StepRecord, json_object
from awo.lifecycle.answered import AnsweredLines
from awo.lifecycle.money import Money
from awo.lifecycle.rules import RuleBroken, RunState
from awo.lifecycle.steps import Status, StepState

AT = "2026-11-23T06:09:00.000000Z"
DIGEST = "0" * 64
REF = ev.FileRef(path="x", sha256=DIGEST, size_bytes=1)
REASON = ev.Reason(code="fault", message="it broke")
ORIGIN = ev.Origin(run_id="run_2026-11-22T06-09-00Z", step="a", line=3, sha256=DIGEST)


def step(
    id_: str, *needs: str, op: str = "llm_map", when: str = "", repeats: int = 0, max_failed: int = 0
) -> StepRecord:
    """A step; with `repeats` it fans out, over nothing."""
    cells = CellsRecord(over=None, matrix={}, repeats=repeats, max_failed=max_failed) if repeats else None
    return StepRecord(
        id=id_,
        op=op,
        args=json_object({}),
        needs=tuple(needs),
        when=when,
        retries=RetryRecord(max=0, delay_s=0),
        timeout_s=0,
        cells=cells,
    )


class Story:
    """Feeds events to a state, numbering them."""

    def __init__(self, *steps: StepRecord, budget_usd: str = "") -> None:
        self.state = RunState(steps, budget_usd)

    def tell(self, kind: type[Any], **fields: Any) -> Story:
        self.state.advance(kind(seq=self.state.size, at=AT, **fields))
        return self

    def started(self) -> Story:
        return self.tell(
            ev.RunStarted,
            format=ev.FORMAT,
            run_id="run_2026-11-23T06-09-00Z",
            software=ev.Software(name="awo", version="2"),
            input=REF,
            starter=ev.Starter(id="a", key="k"),
            supersedes="",
            solo=False,
        )

    def begun(self, id_: str, attempt: int = 1) -> Story:
        return self.tell(ev.StepStarted, step=id_, attempt=attempt)

    def done(self, id_: str, attempt: int = 1) -> Story:
        return self.begun(id_, attempt).tell(ev.StepFinished, step=id_, attempt=attempt, value=REF, files=[])

    def failed(self, id_: str, attempt: int = 1, retries_left: int = 0) -> Story:
        return self.tell(ev.StepFailed, step=id_, attempt=attempt, reason=REASON, retries_left=retries_left, files=[])

    def intended(self, id_: str, call: str, request: str = DIGEST, **fields: Any) -> Story:
        usual: dict[str, Any] = {
            "attempt": 1,
            "cell": 0,
            "repeat": 0,
            "tries": 1,
            "because": "",
            "model": "echo",
            "worst_price": "0",
        }
        return self.tell(ev.CallIntended, step=id_, call=call, request_sha256=request, **(usual | fields))

    def answered(self, id_: str, call: str, line: int, **fields: Any) -> Story:
        usual: dict[str, Any] = {"sha256": DIGEST, "size_bytes": 1, "cost": "0", "exchange": None, "recovered": False}
        return self.tell(ev.CallAnswered, step=id_, call=call, line=line, **(usual | fields))

    def no_answer(
        self, id_: str, call: str, *, may_have_cost: bool = False, exchange: ev.ExchangeRef | None = None
    ) -> Story:
        return self.tell(
            ev.CallFailed, step=id_, call=call, reason=REASON, may_have_cost=may_have_cost, exchange=exchange
        )

    def lost(self, id_: str, call: str, policy: str = "retry") -> Story:
        return self.tell(ev.CallUnknown, step=id_, call=call, policy=policy, exchange=None)

    def fanned_out(self, id_: str, cells: int, attempt: int = 1) -> Story:
        return self.tell(ev.FannedOut, step=id_, attempt=attempt, cells=cells, asks=cells)

    def reused(self, id_: str, line: int, **fields: Any) -> Story:
        usual: dict[str, Any] = {
            "attempt": 1,
            "cell": 0,
            "repeat": 0,
            "model": "echo",
            "request_sha256": DIGEST,
            "sha256": DIGEST,
            "size_bytes": 1,
            "origin": ORIGIN,
        }
        return self.tell(ev.ResponseReused, step=id_, line=line, **(usual | fields))

    def reached(self, **fields: str) -> Story:
        usual = {"step": "a", "budget": "1", "spent": "0", "unknown": "0", "worst": "0.4"}
        return self.tell(ev.BudgetReached, **(usual | fields))

    def resumed(self) -> Story:
        return self.tell(ev.RunResumed, software=ev.Software(name="awo", version="2"))

    def gate_opened(self, id_: str) -> Story:
        return self.begun(id_).tell(ev.GateOpened, gate=id_, request=REF, files=[], shows=[])

    def decided(self, id_: str, verdict: str, number: int = 1) -> Story:
        return self.tell(
            ev.DecisionRecorded,
            gate=id_,
            number=number,
            verdict=verdict,
            signer="b",
            decision=REF,
            signature=REF,
            authority=REF,
            opens=0,
            nonce="",
        )

    def closed(self, id_: str, verdict: str) -> Story:
        return self.tell(ev.GateClosed, gate=id_, verdict=verdict)

    def finished(self, outcome: str) -> Story:
        return self.tell(ev.RunFinished, outcome=outcome)


GATED = (step("a"), step("look", "a", op="audit_gate"), step("b", "look"))


def test_a_run_without_gate_finishes_as_completed() -> None:
    story = Story(step("a"), step("b", "a")).started().done("a").done("b").finished("completed")
    assert story.state.outcome == "completed"


def test_a_run_with_an_approved_gate_finishes_as_approved() -> None:
    story = Story(*GATED).started().done("a").gate_opened("look").decided("look", "approve").closed("look", "approved")
    story.tell(ev.StepFinished, step="look", attempt=1, value=REF, files=[]).done("b").finished("approved")
    assert story.state.outcome == "approved"


def test_a_rejected_gate_leaves_only_the_end() -> None:
    story = Story(*GATED).started().done("a").gate_opened("look").decided("look", "reject").closed("look", "rejected")
    with pytest.raises(RuleBroken):
        story.begun("b")
    story.finished("rejected")
    assert story.state.outcome == "rejected"


def test_an_event_with_a_gap_in_seq_is_refused() -> None:
    story = Story(step("a")).started()
    with pytest.raises(RuleBroken, match="seq is 7"):
        story.state.advance(ev.StepStarted(seq=7, at=AT, step="a", attempt=1))
    assert story.state.size == 1


def test_the_first_event_must_be_run_started() -> None:
    with pytest.raises(RuleBroken, match="first event"):
        Story(step("a")).begun("a")


def test_a_run_starts_once() -> None:
    with pytest.raises(RuleBroken, match="already"):
        Story(step("a")).started().started()


def test_nothing_follows_the_end() -> None:
    story = Story(step("a")).started().done("a").finished("completed")
    with pytest.raises(RuleBroken, match="has finished"):
        story.resumed()


def test_a_step_waits_for_what_it_needs() -> None:
    with pytest.raises(RuleBroken, match="not done"):
        Story(step("a"), step("b", "a")).started().begun("b")


def test_a_step_that_the_workflow_does_not_have_is_refused() -> None:
    with pytest.raises(RuleBroken, match="no step 'z'"):
        Story(step("a")).started().begun("z")


def test_attempts_are_counted_without_gaps() -> None:
    with pytest.raises(RuleBroken, match="attempt 2"):
        Story(step("a")).started().begun("a", attempt=2)


def test_a_failed_step_starts_again_only_with_retries_left_or_after_a_resume() -> None:
    story = Story(step("a")).started().begun("a").failed("a", retries_left=1).begun("a", 2).failed("a", 2)
    with pytest.raises(RuleBroken, match="may not start"):
        story.begun("a", 3)
    story.resumed().begun("a", 3)
    assert story.state.steps["a"].status is Status.RUNNING


def test_a_finished_step_never_starts_again() -> None:
    with pytest.raises(RuleBroken, match="done"):
        Story(step("a")).started().done("a").resumed().begun("a", 2)


def test_an_answer_needs_an_intent() -> None:
    with pytest.raises(RuleBroken, match="not intended"):
        Story(step("a")).started().begun("a").answered("a", "0", 0)


def test_a_call_has_one_outcome() -> None:
    story = Story(step("a")).started().begun("a").intended("a", "0").answered("a", "0", 0)
    with pytest.raises(RuleBroken, match="outcome already"):
        story.answered("a", "0", 1)


def test_lines_of_answers_have_no_gap() -> None:
    with pytest.raises(RuleBroken, match="line 1"):
        Story(step("a")).started().begun("a").intended("a", "0").answered("a", "0", 1)


def test_a_step_with_an_open_call_may_not_finish_or_fail() -> None:
    story = Story(step("a")).started().begun("a").intended("a", "0")
    with pytest.raises(RuleBroken, match="outcome is not recorded"):
        story.tell(ev.StepFinished, step="a", attempt=1, value=REF, files=[])
    with pytest.raises(RuleBroken, match="outcome is not recorded"):
        story.failed("a")


def test_after_a_crash_an_open_call_is_recovered_or_unknown_before_the_step_starts_again() -> None:
    story = Story(step("a")).started().begun("a").intended("a", "0").intended("a", "1", "1" * 64).resumed()
    with pytest.raises(RuleBroken, match="outcome is not recorded"):
        story.begun("a", 2)
    story.answered("a", "0", 0, recovered=True)
    story.lost("a", "1").begun("a", 2)
    answers = story.state.steps["a"].answered
    assert answers is not None
    assert answers.lines_for(DIGEST) == [0]


def test_an_answer_cannot_be_recovered_while_its_step_runs() -> None:
    with pytest.raises(RuleBroken, match="recovered"):
        Story(step("a")).started().begun("a").intended("a", "0").answered("a", "0", 0, recovered=True)


def test_a_gate_opens_only_when_nothing_runs() -> None:
    story = Story(step("a"), step("look", op="audit_gate")).started().begun("a").begun("look")
    with pytest.raises(RuleBroken, match="running"):
        story.tell(ev.GateOpened, gate="look", request=REF, files=[], shows=[])


def test_nothing_starts_while_a_gate_is_open() -> None:
    story = Story(step("a"), step("look", op="audit_gate")).started().gate_opened("look")
    with pytest.raises(RuleBroken, match="gate 'look' is open"):
        story.begun("a")


def test_a_decision_needs_an_open_gate() -> None:
    with pytest.raises(RuleBroken, match="not open"):
        Story(*GATED).started().done("a").decided("look", "approve")


def test_decisions_are_numbered_without_gaps() -> None:
    with pytest.raises(RuleBroken, match="decision 2"):
        Story(*GATED).started().done("a").gate_opened("look").decided("look", "approve", number=2)


def test_a_gate_closes_only_as_its_decisions_say() -> None:
    story = Story(*GATED).started().done("a").gate_opened("look").decided("look", "reject")
    with pytest.raises(RuleBroken, match="no decision says approve"):
        story.closed("look", "approved")


def test_a_gate_is_not_done_before_it_is_approved() -> None:
    story = Story(*GATED).started().done("a").gate_opened("look")
    with pytest.raises(RuleBroken, match="not been approved"):
        story.tell(ev.StepFinished, step="look", attempt=1, value=REF, files=[])


def test_a_skipped_step_takes_those_that_need_it_along_but_not_a_gate() -> None:
    steps = (step("a", when="false"), step("b", "a"), step("look", "a", "b", op="audit_gate"))
    story = Story(*steps).started().tell(ev.StepSkipped, step="a", reason=REASON)
    assert story.state.is_held_by_skip(story.state.steps["b"]) == "a"
    story.tell(ev.StepSkipped, step="b", reason=REASON).gate_opened("look")
    assert story.state.gates.open_gate == "look"


def test_a_step_without_condition_is_not_skipped() -> None:
    with pytest.raises(RuleBroken, match="no condition"):
        Story(step("a")).started().tell(ev.StepSkipped, step="a", reason=REASON)


@pytest.mark.parametrize("outcome", ["completed", "approved", "rejected"])
def test_a_run_with_a_failed_step_does_not_finish_of_itself(outcome: str) -> None:
    story = Story(step("a")).started().begun("a").failed("a")
    with pytest.raises(RuleBroken, match="may not finish"):
        story.finished(outcome)
    story.finished("failed")


def test_a_finished_run_is_not_abandoned() -> None:
    with pytest.raises(RuleBroken, match="may not finish as abandoned"):
        Story(step("a")).started().done("a").finished("abandoned")


def test_a_waiting_run_may_be_abandoned() -> None:
    assert Story(*GATED).started().done("a").gate_opened("look").finished("abandoned").state.outcome == "abandoned"


# --- a step that fans out ---------------------------------------------------------------------------------------


def test_a_step_that_does_its_work_once_does_not_fan_out() -> None:
    with pytest.raises(RuleBroken, match="does not fan out"):
        Story(step("a")).started().begun("a").fanned_out("a", 2)


def test_a_step_that_fans_out_says_how_often_before_it_asks() -> None:
    story = Story(step("a", repeats=2)).started().begun("a")
    with pytest.raises(RuleBroken, match="cell 0"):
        story.intended("a", "0")
    story.fanned_out("a", 2).intended("a", "0")
    with pytest.raises(RuleBroken, match="already"):
        story.fanned_out("a", 9)


def test_a_step_that_fans_out_is_not_done_before_it_has() -> None:
    story = Story(step("a", repeats=2)).started().begun("a").fanned_out("a", 2).resumed().begun("a", 2)
    with pytest.raises(RuleBroken, match="not fanned out"):
        story.tell(ev.StepFinished, step="a", attempt=2, value=REF, files=[])


def test_a_call_lies_in_a_cell_and_the_repeats_of_a_row_follow_one_another() -> None:
    story = Story(step("a", repeats=3)).started().begun("a").fanned_out("a", 6)
    with pytest.raises(RuleBroken, match="cell 6"):
        story.intended("a", "0", cell=6)
    with pytest.raises(RuleBroken, match="repeat 0"):
        story.intended("a", "0", cell=4)
    story.intended("a", "0", cell=4, repeat=1)
    with pytest.raises(RuleBroken, match="repeat 1"):
        Story(step("a")).started().begun("a").intended("a", "0", repeat=1)


def test_a_later_sending_has_a_reason_and_the_first_has_none() -> None:
    story = Story(step("a")).started().begun("a")
    for fields in ({"tries": 2}, {"because": "timeout"}):
        with pytest.raises(RuleBroken, match="has no reason"):
            story.intended("a", "0", **fields)
    story.intended("a", "0", tries=2, because="timeout")


def test_a_reused_response_takes_the_next_line_and_costs_nothing() -> None:
    story = Story(step("a"), budget_usd="0").started().begun("a")
    with pytest.raises(RuleBroken, match="line 1"):
        story.reused("a", 1)
    story.reused("a", 0).intended("a", "0").answered("a", "0", 1)
    answers = story.state.steps["a"].answered
    assert answers is not None
    assert answers.lines_for(DIGEST) == [0, 1]
    assert story.state.money.committed == 0


def test_a_reused_response_belongs_to_an_attempt_that_was_begun() -> None:
    story = Story(step("a"), step("b")).started().begun("a")
    for id_, attempt in (("a", 2), ("b", 1)):
        with pytest.raises(RuleBroken):
            story.reused(id_, 0, attempt=attempt)
    story.resumed().reused("a", 0)  # found on disk after a crash
    story.begun("a", 2).tell(ev.StepFinished, step="a", attempt=2, value=REF, files=[])
    with pytest.raises(RuleBroken):
        story.reused("a", 1, attempt=2)


# --- exchanges ----------------------------------------------------------------------------------------------------


def at(segment: int, offset: int, size_bytes: int = 10) -> ev.ExchangeRef:
    return ev.ExchangeRef(segment=segment, offset=offset, size_bytes=size_bytes, sha256=DIGEST)


def test_exchanges_stand_one_after_the_other_whatever_the_outcome() -> None:
    story = Story(step("a")).started().begun("a").intended("a", "0").intended("a", "1").intended("a", "2")
    story.answered("a", "0", 0, exchange=at(1, 0)).no_answer("a", "1", exchange=at(1, 10))
    story.tell(ev.CallUnknown, step="a", call="2", policy="retry", exchange=at(2, 0))
    assert story.state.raw_end == (2, 10)


@pytest.mark.parametrize("place", [(1, 0), (1, 9), (1, 11), (2, 1), (3, 0)])
def test_an_exchange_leaves_no_gap_and_covers_no_other(place: tuple[int, int]) -> None:
    story = Story(step("a")).started().begun("a").intended("a", "0").intended("a", "1")
    story.answered("a", "0", 0, exchange=at(1, 0))
    with pytest.raises(RuleBroken, match="segment"):
        story.answered("a", "1", 1, exchange=at(*place))


def test_the_first_exchange_begins_the_first_segment() -> None:
    story = Story(step("a")).started().begun("a").intended("a", "0")
    with pytest.raises(RuleBroken, match="segment 2"):
        story.answered("a", "0", 0, exchange=at(2, 0))


def test_a_segment_has_an_end_and_a_large_exchange_one_of_its_own() -> None:
    story = Story(step("a")).started().begun("a").intended("a", "0").intended("a", "1").intended("a", "2")
    story.answered("a", "0", 0, exchange=at(1, 0, LARGEST_SEGMENT_BYTES - 1))
    with pytest.raises(RuleBroken, match="full"):
        story.answered("a", "1", 1, exchange=at(1, LARGEST_SEGMENT_BYTES - 1, 2))
    story.answered("a", "1", 1, exchange=at(1, LARGEST_SEGMENT_BYTES - 1, 1))
    story.answered("a", "2", 2, exchange=at(2, 0, LARGEST_SEGMENT_BYTES + 1))


# --- money ----------------------------------------------------------------------------------------------------------


def test_a_call_that_could_exceed_the_budget_is_refused() -> None:
    story = Story(step("a"), budget_usd="1").started().begun("a")
    story.intended("a", "0", worst_price="0.6").answered("a", "0", 0, cost="0.5")
    with pytest.raises(RuleBroken, match=r"\$1\.10"):
        story.intended("a", "1", worst_price="0.6")
    story.intended("a", "1", worst_price="0.5")
    with pytest.raises(RuleBroken, match="budget"):
        story.intended("a", "2", worst_price="0.000000000001")
    story.intended("a", "2", worst_price="0")


def test_under_a_budget_a_call_has_a_price() -> None:
    with pytest.raises(RuleBroken, match="without a price"):
        Story(step("a"), budget_usd="1").started().begun("a").intended("a", "0", worst_price="")


def test_what_may_have_been_paid_for_counts_as_paid() -> None:
    story = Story(step("a"), budget_usd="1").started().begun("a")
    story.intended("a", "0", worst_price="0.4").no_answer("a", "0", may_have_cost=True)
    story.intended("a", "1", worst_price="0.4").lost("a", "1")
    with pytest.raises(RuleBroken, match="budget"):
        story.intended("a", "2", worst_price="0.4")
    assert story.state.money.unknown == 8 * 10**11


def test_what_cost_nothing_frees_its_reserve() -> None:
    story = Story(step("a"), budget_usd="1").started().begun("a")
    story.intended("a", "0", worst_price="0.9").no_answer("a", "0")
    story.intended("a", "1", worst_price="0.9")
    assert story.state.money.reserved == 9 * 10**11


def test_a_new_budget_holds_from_then_on() -> None:
    story = Story(step("a")).started().tell(ev.BudgetSet, usd="0.1").begun("a")
    with pytest.raises(RuleBroken, match="budget"):
        story.intended("a", "0", worst_price="0.2")
    story.tell(ev.BudgetSet, usd="0.2").intended("a", "0", worst_price="0.2")


def test_budget_reached_says_the_three_numbers_as_they_are() -> None:
    story = Story(step("a"), budget_usd="1").started().begun("a")
    story.intended("a", "0", worst_price="0.4").answered("a", "0", 0, cost="0.3")
    story.intended("a", "1", worst_price="0.4").lost("a", "1")
    for fields in ({"budget": "2"}, {"spent": "0.4"}, {"unknown": "0"}):
        with pytest.raises(RuleBroken, match="its"):
            story.reached(**({"spent": "0.3", "unknown": "0.4"} | fields))
    with pytest.raises(RuleBroken, match="within the budget"):
        story.reached(spent="0.3", unknown="0.4", worst="0.3")
    story.reached(spent="0.3", unknown="0.4")


def test_without_a_budget_none_is_reached() -> None:
    with pytest.raises(RuleBroken, match="no budget"):
        Story(step("a")).started().reached()


# --- hostile sequences ------------------------------------------------------------------------------------------------

STEPS = (step("a", repeats=2), step("look", "a", op="audit_gate"), step("b", when="true"))
PLACES = st.builds(at, st.integers(1, 2), st.sampled_from([0, 10, 20]))
SMALL: dict[str, st.SearchStrategy[Any]] = {
    "step": st.sampled_from(["a", "look", "b", "z"]),
    "gate": st.sampled_from(["look", "a"]),
    "attempt": st.integers(1, 2),
    "call": st.sampled_from(["0", "1", "2"]),
    "cell": st.integers(0, 2) | st.just(2**53 - 1),
    "cells": st.integers(0, 3) | st.just(2**53 - 1),
    "repeat": st.integers(0, 1),
    "tries": st.integers(1, 2),
    "because": st.sampled_from(["", "timeout"]),
    "line": st.integers(0, 3),
    "number": st.integers(1, 2),
    "retries_left": st.integers(0, 1),
    "worst_price": st.sampled_from(["", "0", "0.4", "2"]),
    "cost": st.sampled_from(["", "0", "0.3", "5"]),
    "usd": st.sampled_from(["0", "1"]),
    "exchange": st.none() | PLACES,
}
USUAL = (ev.StepStarted, ev.FannedOut, ev.CallIntended, ev.CallAnswered, ev.CallFailed, ev.CallUnknown, ev.RunResumed)


@st.composite
def moves(draw: st.DrawFn) -> dict[str, Any]:
    """An event of any kind, its fields near to what fits. `seq` is given when it is told."""
    kind = draw(st.sampled_from(USUAL) | st.sampled_from(get_args(ev.AnyEvent)))
    fields = {name: draw(SMALL[name]) for name in kind.__struct_fields__ if name in SMALL}
    return {"event": draw(strategy_for(kind)), "fields": fields}


def snapshot(value: Any) -> Any:
    """Everything that a state holds, as plain values."""
    if isinstance(value, (dict, list, tuple, set)):
        inner = value.items() if isinstance(value, dict) else value
        found = [snapshot(one) for one in inner]
        return sorted(found) if isinstance(value, set) else found
    if isinstance(value, (RunState, StepState, AnsweredLines, Money)):
        names = value.__dict__ if isinstance(value, RunState) else type(value).__slots__
        return {name: snapshot(getattr(value, name)) for name in names}
    return repr(value)


@settings(max_examples=150)
@given(st.lists(moves(), max_size=25))
def test_whatever_comes_is_taken_or_refused_whole_and_money_stays_within_the_budget(told: list[dict[str, Any]]) -> None:
    state = Story(*STEPS, budget_usd="1").started().state
    for one in told:
        event = replace(one["event"], seq=state.size, **one["fields"])
        before, committed = snapshot(state), state.money.committed
        try:
            state.advance(event)
        except RuleBroken:
            assert snapshot(state) == before
        else:
            assert state.size == event.seq + 1
            if isinstance(event, ev.CallIntended):
                assert state.money.budget is not None
                assert committed < state.money.committed <= state.money.budget or event.worst_price == "0"
        assert min(state.money.spent, state.money.reserved, state.money.unknown) >= 0
