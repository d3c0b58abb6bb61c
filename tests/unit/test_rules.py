"""The rule book: which event may follow which."""

from __future__ import annotations

from typing import Any

import pytest

from awo.evidence import events as ev
from awo.evidence.records import RetryRecord, StepRecord, json_object
from awo.lifecycle.rules import RuleBroken, RunState, Status

AT = "2026-11-23T06:09:00.000000Z"
DIGEST = "0" * 64
REF = ev.FileRef(path="x", sha256=DIGEST, size_bytes=1)
REASON = ev.Reason(code="fault", message="it broke")


def step(id_: str, *needs: str, op: str = "llm_map", when: str = "") -> StepRecord:
    return StepRecord(
        id=id_,
        op=op,
        args=json_object({}),
        needs=tuple(needs),
        when=when,
        retries=RetryRecord(max=0, delay_s=0),
        timeout_s=0,
    )


class Story:
    """Feeds events to a state, numbering them."""

    def __init__(self, *steps: StepRecord) -> None:
        self.state = RunState(steps)

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

    def intended(self, id_: str, call: str, request: str = DIGEST, attempt: int = 1) -> Story:
        return self.tell(
            ev.CallIntended,
            step=id_,
            attempt=attempt,
            call=call,
            model="echo",
            request_sha256=request,
            worst_price="0",
        )

    def answered(self, id_: str, call: str, line: int, *, recovered: bool = False) -> Story:
        return self.tell(
            ev.CallAnswered, step=id_, call=call, line=line, sha256=DIGEST, size_bytes=1, recovered=recovered
        )

    def resumed(self) -> Story:
        return self.tell(ev.RunResumed, software=ev.Software(name="awo", version="2"))

    def gate_opened(self, id_: str) -> Story:
        return self.begun(id_).tell(ev.GateOpened, gate=id_, request=REF, shows=[])

    def decided(self, id_: str, verdict: str, number: int = 1) -> Story:
        return self.tell(
            ev.DecisionRecorded, gate=id_, number=number, verdict=verdict, signer="b", decision=REF, signature=REF
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
    story.tell(ev.CallUnknown, step="a", call="1", policy="retry").begun("a", 2)
    answers = story.state.steps["a"].answered
    assert answers is not None
    assert [answer.line for answer in answers[DIGEST]] == [0]


def test_an_answer_cannot_be_recovered_while_its_step_runs() -> None:
    with pytest.raises(RuleBroken, match="recovered"):
        Story(step("a")).started().begun("a").intended("a", "0").answered("a", "0", 0, recovered=True)


def test_a_gate_opens_only_when_nothing_runs() -> None:
    story = Story(step("a"), step("look", op="audit_gate")).started().begun("a").begun("look")
    with pytest.raises(RuleBroken, match="running"):
        story.tell(ev.GateOpened, gate="look", request=REF, shows=[])


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
    assert story.state.open_gate == "look"


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
