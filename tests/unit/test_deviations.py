"""What the journal tells otherwise than the plan: each kind of deviation, and none where all went as planned."""

from __future__ import annotations

import re
from typing import Any

from tests.unit.a_run import Told, fanned, model, step

from awo.derive.deviations import deviations
from awo.derive.report import report
from awo.evidence import events as ev
from awo.evidence.plan_changes import PlanChange
from awo.evidence.verdicts import RegisteredClaim

CLAIM = RegisteredClaim(
    id="faster", step="verdicts", statement="It is faster.", sha256="0" * 64, attempt=3, earlier=["run_a", "run_b"]
)


def found(told: Told, **more: Any) -> list[tuple[str, str, str]]:
    return [(one.kind, one.subject, one.what) for one in deviations(told.facts(), **more)]


def failed(told: Told, id_: str, attempt: int, retries_left: int) -> None:
    reason = ev.Reason(code="command_exit", message="it ended with 1")
    told.say(ev.StepFailed, step=id_, attempt=attempt, reason=reason, retries_left=retries_left, files=[])


def test_a_run_that_went_as_planned_has_no_deviation() -> None:
    told = Told([step("a", "command")])
    told.start()
    told.begin("a")
    told.finish("a", {"x": 1})
    told.say(ev.RunFinished, outcome="completed")
    assert found(told) == []
    assert "Deviations" not in report(told.facts(), told)


def test_steps_that_were_skipped_failed_or_done_again_are_deviations() -> None:
    told = Told([step("a", "command"), step("b", "command"), step("c", "command"), step("d", "command")])
    told.start()
    told.begin("a")
    failed(told, "a", 1, 1)
    told.begin("a", 2)
    told.finish("a", {}, attempt=2)
    told.say(ev.StepSkipped, step="b", reason=ev.Reason(code="condition", message="its condition was false"))
    told.begin("c")
    failed(told, "c", 1, 0)
    told.say(ev.RunFinished, outcome="failed")
    assert found(told) == [
        ("step skipped", "b", "it was not done"),
        ("step failed", "c", "it failed after 1 attempt"),
        ("step re-run after a failure", "a", "it took 2 attempts"),
        ("step not done", "d", "the run ended before it"),
    ]


def test_a_process_that_was_killed_is_no_failure_of_its_step() -> None:
    told = Told([step("a", "command")])
    told.start()
    told.begin("a")
    told.say(ev.RunResumed, software=ev.Software(name="awo", version="2.0"))
    told.begin("a", 2)
    told.finish("a", {}, attempt=2)
    assert found(told) == []


def test_excluded_items_lost_calls_money_and_models_are_deviations() -> None:
    told = Told([fanned("ask")], models={"m": model("llama", "x")}, budget_usd="1")
    told.start()
    told.begin("ask")
    told.say(ev.FannedOut, step="ask", attempt=1, cells=10, asks=10)
    told.lose("ask", told.call("ask", "m"))
    told.say(ev.BudgetSet, usd="2.5")
    told.say(ev.ModelRecorded, model="m", facts={"weights": "a"})
    told.say(ev.ModelRecorded, model="m", facts={"weights": "b"})
    told.say(ev.LimitChanged, model="m", in_flight=2, reason=ev.Reason(code="rate_limited", message="slow down"))
    assert found(told, failed_cells={"ask": 3}) == [
        ("items excluded", "ask", "3 of 10 cells failed"),
        ("calls without a known outcome", "ask", "1 call may have been worked on unseen"),
        ("budget changed", "", "from $1.00 to $2.50"),
        ("model changed", "m", "a later opening of it gave other facts of itself than the first"),
        ("limit changed", "m", "1 change of how many calls may be in flight, 2 at the least"),
    ]


def test_a_run_taken_up_elsewhere_is_a_deviation() -> None:
    told = Told([step("a", "command")])
    told.start(environment={"python": {"version": "3.11.7"}, "cpu": {"model": "x"}})
    told.say(ev.RunResumed, software=ev.Software(name="awo", version="2.1"))
    told.say(ev.EnvironmentRecorded, environment={"python": {"version": "3.12.1"}, "cpu": {"model": "x"}})
    assert [(one.kind, one.said) for one in deviations(told.facts())] == [
        ("taken up under another version", "2.1"),
        ("taken up on a changed machine", "python"),
    ]


def test_a_registered_claim_without_a_verdict_is_a_deviation_once_the_run_has_ended() -> None:
    told = Told([step("verdicts", "claims")], claims=[CLAIM])
    told.start()
    assert found(told) == []
    told.say(ev.RunFinished, outcome="abandoned")
    assert found(told) == [
        ("step not done", "verdicts", "the run ended before it"),
        ("claim not judged", "faster", "it was registered, and its step was not done"),
    ]


def test_the_chapter_shows_registered_claims_by_attempt_and_every_deviation() -> None:
    told = Told([step("verdicts", "claims")], claims=[CLAIM])
    told.start()
    assert "So far the journal tells nothing otherwise than the plan." in report(told.facts(), told)
    told.say(ev.RunFinished, outcome="abandoned")
    text = report(told.facts(), told)
    chapter = re.search(r"^## Deviations from the plan$(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert chapter is not None
    assert "| `faster` | `verdicts` | It is faster. | 3 | `run_a`, `run_b` |" in chapter[1]
    assert "| claim not judged | `faster` | it was registered, and its step was not done: verdicts |" in chapter[1]


def test_a_re_scoring_says_what_it_scores_again_and_of_no_call_that_came_first() -> None:
    change = PlanChange(kind="step", name="scored", how="changed", what="args.scores.took: added")
    told = Told([step("verdicts", "claims")], claims=[CLAIM], rescores="run_first", changes=[change])
    told.start()
    told.say(ev.RunFinished, outcome="completed")
    text = report(told.facts(), told)
    assert "The plan differs from that of `run_first`, which this run scores again:" in text
    assert "1 claim registered, as the earlier run had registered them." in text
    assert "What the journal tells otherwise than the plan in input.json:" in text
    assert "before the first call" not in text
    assert "supersedes" not in text
