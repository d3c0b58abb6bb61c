"""How a run ended, or why it stands still: one sentence, the exit code, and what to type next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from awo.canon.usd import for_people, picodollars
from awo.cli.printing import say
from awo.errors import AwoError, GateRejected, Interrupted, OverBudget, StepFailed, WaitingForPerson
from awo.evidence.events import BudgetReached
from awo.evidence.records import StepRecord
from awo.plugins import DERIVATIONS

OUTCOME_CODES: Final = {
    "completed": 0,
    "approved": 0,
    "rejected": GateRejected.exit_code,
    "abandoned": 0,
    "failed": StepFailed.exit_code,
    "waiting": WaitingForPerson.exit_code,
    "paused": OverBudget.exit_code,
    "interrupted": Interrupted.exit_code,
}

_ARGUMENT_CODES: Final = frozenset(
    {"condition", "expression", "field_missing", "field_not_text", "language", "no_answers", "no_dissent", "no_scores"}
    | {"function_failed", "function_missing", "function_result", "no_such_factor", "no_such_score", "no_such_value"}
    | {"not_a_rate", "nothing_to_compare", "nothing_to_vote", "same_arms", "schema", "score_type", "scores"}
    | {"template", "test_unfit", "too_many_arms", "too_many_groups", "too_many_raters", "unknown_arms"}
    | {"unknown_model"}
)
"""By what a derived step fails where its arguments do not fit the answers."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run stands once no process works on it. `name` is what to type for it, `who_again` the options
    that make the next command act as the same person. `over_budget` is set when it is paused. `results` are the
    lines that say what the run found. `can_rescore` is set when every step failed by what the workflow says of
    answers that are there (`is_of_the_workflow`)."""

    outcome: str
    folder: Path
    name: str
    is_sealed: bool = True
    gate: str = ""
    failed: tuple[str, ...] = ()
    signal: str = ""
    over_budget: BudgetReached | None = None
    who_again: str = ""
    can_rescore: bool = False
    results: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        return OUTCOME_CODES[self.outcome]


def is_of_the_workflow(step: StepRecord, error: AwoError) -> bool:
    """Whether a step failed by its arguments, over answers that are there: trying again gives the same."""
    computes = step.op in DERIVATIONS or step.op == "python_score"
    return computes and isinstance(error, StepFailed) and error.code in _ARGUMENT_CODES


def next_attempt(name: str, who_again: str = "") -> str:
    """What to type after a rejection: change the workflow, and make the run that revises the rejected one."""
    return f"next: change what has to change, then awo revise {name}{who_again}"


def say_ending(end: Ending) -> None:
    """Says it on stdout."""
    run_id, name, again = end.folder.name, end.name, end.who_again
    say(*end.results)
    match end.outcome:
        case "waiting":
            say(f"{run_id} waits at the gate {end.gate} for a person.", f"report: {end.folder / 'report.md'}")
            say(f"next: awo gates {name}, then awo approve, awo reject or awo revise")
            say(f"      after an approval: awo resume {name}{again}")
        case "paused":
            _say_paused(end)
        case "interrupted":
            by = f" by {end.signal}" if end.signal else ""
            say(f"{run_id} was stopped{by}. Everything finished is recorded.")
            say(f"next: awo resume {name}{again}")
        case _ if end.is_sealed and end.outcome in ("completed", "approved", "rejected", "abandoned", "failed"):
            say(f"{run_id} is {end.outcome} and sealed.", f"report: {end.folder / 'report.md'}")
            if end.outcome == "rejected":
                say(next_attempt(name, again), f"  or: awo verify {name}    awo export {name}")
                return
            say(f"next: awo verify {name}    awo export {name}")
            if end.outcome == "failed":
                say(f"  or: change the workflow, then awo revise {name}{again} takes over what is done")
        case "failed":
            failed = ", ".join(end.failed) or "see awo show"
            say(f"{run_id} has failed steps: {failed}. What does not need them is done.")
            resume = f"awo resume {name}{again} tries them again"
            if end.can_rescore:
                say(f"next: awo rescore {name} --workflow FILE{again} computes what a corrected FILE says of the same")
                say("      answers, as a new run; nothing is asked and nothing is paid")
                say(f"  or: {resume}")
            else:
                say(f"next: {resume}")
            say(f"  or: awo seal {name}{again} freezes the run as failed")
            say("A run keeps the workflow that it started with. To run a corrected file, start a new run; or seal")
            say(f"this one, then awo revise {name}{again} takes over what is done and the correction does not touch.")
        case _:
            say(f"{run_id} is {end.outcome}, and not sealed yet.", f"next: awo resume {name}{again} seals it")


def _say_paused(end: Ending) -> None:
    stop = end.over_budget
    say(f"{end.folder.name} is paused: the next call could exceed the budget. Everything finished is recorded.")
    if stop is None:
        say(f"next: awo resume {end.name} --budget USD{end.who_again}")
        return
    budget, spent, unknown, worst = (
        picodollars(amount) for amount in (stop.budget, stop.spent, stop.unknown, stop.worst)
    )
    say(
        f"  budget {for_people(budget)}, spent {for_people(spent)}, possibly spent {for_people(unknown)}; "
        f"the next call, of {stop.step}, costs at most {for_people(worst)}"
    )
    say(f"next: awo resume {end.name} --budget USD{end.who_again}, with at least {for_people(spent + unknown + worst)}")
