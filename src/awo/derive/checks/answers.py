"""Checks of steps that look at answers: that there are any, and that templates name columns that the cells have."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from awo.derive.checks.plan import ANSWERING, Planned, listed, matrix_of, score_args
from awo.derive.comparison import CompareArgs
from awo.derive.votes.consensus_vote import ConsensusVoteArgs
from awo.plugins import nearest
from awo.workflow.definition import Step
from awo.workflow.faults import Fault
from awo.workflow.marks import marked_in
from awo.workflow.names import BadText
from awo.workflow.templates import names_of_cells

_NO_ANSWERS: Final[Mapping[str, str]] = {
    "write_text": "writes a file",
    "statistics": "computes statistics",
    "score": "scores",
    "assert": "scores",
    "python_score": "scores",
    "claims": "judges claims",
    "scope_validate": "looks at claims",
    "assert_contains": "looks for words",
    "compare": "compares",
    "dissent": "lists dissents",
    "audit_gate": "stops for a person",
    "command": "runs a program",
    "consensus_vote": "counts votes",
    "grade": "grades",
    "prefer": "compares two answers",
    "refute": "holds an exchange",
}


def faults_of_answers(step: Step, plan: Planned) -> Iterator[Fault]:
    """What is wrong with whom `step` looks at, and with what its templates say of the cells."""
    if step.op == "audit_gate":
        yield from _of_panel(step, plan)
    seen = plan.looked_at(step)
    if seen is None or step.op not in ("score", "assert", "python_score", "consensus_vote", "compare"):
        return
    yield from _no_answers(step, seen, plan)
    columns = plan.columns_of(seen)
    for marked in marked_in(step.args):
        if marked.kind != "cell_template":
            continue
        try:
            named = names_of_cells(marked.text)
        except BadText:
            continue  # told with the references
        for part, name in named:
            known = columns if part == "row" else list(matrix_of(seen))
            if known is not None and name not in known:
                yield Fault(step.path_of(marked.path), *_not_there(part, name, seen, known))


def _no_answers(step: Step, seen: Step, plan: Planned) -> Iterator[Fault]:
    does = _NO_ANSWERS.get(seen.op)
    if does is None:
        return
    key = "inputs_from" if step.op == "consensus_vote" else "of"
    able = [other.id for other in plan.steps.values() if other.op in ANSWERING and other.id != step.id]
    what = f"the step {seen.id!r} {does}: it has no answers of models"
    args = score_args(step)
    if args is not None:
        bare = [name for name, spec in args.scores.items() if spec.reads_answer()]
        if bare:
            hint = f"or say in `value` what is scored: {listed(bare)}"
            yield Fault(step.path_of((key,)), what, listed(able) or "a step that asks models", hint=hint)
    elif isinstance(step.args, (CompareArgs, ConsensusVoteArgs)) and not step.args.field:
        hint = "or say in `field` what of its value counts"
        yield Fault(step.path_of((key,)), what, listed(able) or "a step that asks models", hint=hint)


def _of_panel(step: Step, plan: Planned) -> Iterator[Fault]:
    """A panel judges answers that models gave: a step without any would be an empty chapter of its page."""
    for number, name in enumerate(getattr(step.args, "of", ())):
        seen = plan.steps.get(name)
        if seen is not None and seen.op not in ANSWERING:
            able = [other.id for other in plan.steps.values() if other.op in ANSWERING]
            what = f"the step {name!r} has no answers of models that a panel could judge"
            yield Fault(step.path_of(("of", number)), what, listed(able) or "a step that asks models")


def _not_there(part: str, name: str, seen: Step, known: Collection[str]) -> tuple[str, str, str, str]:
    """What, expected, got and hint for a column, or a name of the matrix, that the cells of `seen` have not."""
    whose = f"the data that {seen.id!r} goes over" if part == "row" else f"the matrix of {seen.id!r}"
    if not known:
        has = "goes over no data, so its cells have no row" if part == "row" else "has no matrix"
        return f"the template names item.{part}.{name}, and the step {seen.id!r} {has}", "", "", ""
    near = nearest(name, list(known))
    hint = f"did you mean item.{part}.{near}?" if near else ""
    if not hint and part == "row" and name in matrix_of(seen):
        hint = f"did you mean item.matrix.{name}?"
    return f"{whose} has no {name!r}", listed(known), "", hint
