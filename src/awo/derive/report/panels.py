"""A blind gate in the report: how it was blinded, when votes were sealed and opened, who agreed, and the key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from awo.derive.facts import GateFacts, RunFacts, StepStatus
from awo.derive.markdown import table
from awo.derive.numbers import number
from awo.derive.panel_agreement import Alpha, Shared, agreement_of
from awo.derive.panels import unblinded
from awo.derive.phrases import moment
from awo.derive.report.reader import Reader
from awo.derive.report.shown import ROWS_SHOWN, has_value_to_read, items_file, line, more, named, word
from awo.errors import StepFailed
from awo.evidence.events import DecisionRecorded
from awo.evidence.gates import GateRequest, Panel
from awo.evidence.layout import JOURNAL
from awo.evidence.records import ItemLine, StepRecord
from awo.workflow import templates
from awo.workflow.cells import Cell

PEOPLE_SHOWN: Final = 30
LETTERS_SHOWN: Final = 12


def panel(facts: RunFacts, gate: GateFacts, request: GateRequest, read: Reader) -> str:
    """The part of a gate's section that only a blind gate has, with the key once it has closed; '' for any other."""
    if request.panel is None:
        return ""
    opened = {one.opens: one for one in gate.decisions if one.opens}
    said = ["#### A blind gate\n", _how(request.panel), _votes(gate, opened)]
    if gate.votes and len(opened) == len(gate.votes):
        said.append(_agreement(request, list(opened.values()), read))
    if gate.verdict:
        said.append(_key(facts, request.panel, read))
    return "\n".join(part for part in said if part)


def _how(asked: Panel) -> str:
    said = "People voted sealed: each signed a commitment, and no vote was to be opened before all were in."
    if asked.of:
        steps = ", ".join(word(step) for step in asked.of)
        said += (
            f" They judged the answers of {steps} without the names of models, in an order from the seed {asked.seed}:"
            f" {named(asked.path)}."
        )
    return (
        f"{said} This is a procedure: it keeps nobody from reading the run's folder, where the names of models stand, "
        "and an answer may say by itself who wrote it.\n"
    )


def _votes(gate: GateFacts, opened: dict[int, DecisionRecorded]) -> str:
    if not gate.votes:
        return ""
    shown = gate.votes[:PEOPLE_SHOWN]
    rows = [
        [
            f"{vote.number}",
            line(vote.signer),
            moment(vote.at),
            moment(opened[vote.number].at) if vote.number in opened else "*(still sealed)*",
            named(vote.vote.path),
        ]
        for vote in shown
    ]
    header = ["vote", "of", "sealed", "opened", "file"]
    return table(header, rows) + more(len(gate.votes), len(shown), "vote", named(JOURNAL))


def _agreement(request: GateRequest, opened: list[DecisionRecorded], read: Reader) -> str:
    decisions = [read.decision(event.decision.path) for event in opened[:PEOPLE_SHOWN]]
    found = agreement_of(request.checklist, decisions)
    rows = [_shared(one) for one in (found.verdicts, *found.items[:ROWS_SHOWN])]
    said = [
        "How far they agree, by the votes as they were sealed:\n",
        table(["item", "pairs that say the same", "what each said"], rows),
        more(len(found.items), ROWS_SHOWN, "item", word("gate.json")),
    ]
    kinds = {item.kind for item in request.checklist}
    if kinds & {"choice", "yes_no"}:
        said.append(_alpha(found.nominal, "items with choices"))
    if "number" in kinds:
        said.append(_alpha(found.interval, "items with numbers"))
    said.append(more(len(opened), len(decisions), "person", named(JOURNAL), "people"))
    return "\n".join(part for part in said if part)


def _shared(one: Shared) -> list[str]:
    answers = "; ".join(f"{line(person)}: {line(answer)}" for person, answer in one.answers)
    if one.same is None:
        return [word(one.item), f"*({one.why})*", answers]
    return [word(one.item), f"{one.same:,} of {one.pairs:,} ({100 * one.same / one.pairs:.0f} %)", answers]


def _alpha(alpha: Alpha, what: str) -> str:
    value = number(alpha.value) if alpha.value is not None else f"none: {alpha.why}"
    return f"Krippendorff's alpha, {alpha.level}, over {alpha.items:,} {what} with two answers or more: {value}.\n"


def _key(facts: RunFacts, asked: Panel, read: Reader) -> str:
    if not asked.of:
        return ""
    answers = _Answers(facts, read)
    skipped = [step for step in asked.of if not answers.has_answers(step)]
    groups, has_more = unblinded(answers, asked.of, asked.seed, ROWS_SHOWN, skipped)
    if not groups:
        return ""
    letters = [one.letter for one in max(groups, key=lambda group: len(group.answers)).answers[:LETTERS_SHOWN]]
    rows = []
    for group in groups:
        models = [word(one.answer.model) for one in group.answers[:LETTERS_SHOWN]]
        item = line(group.item) + (f" repeat {group.repeat}" if group.repeat else "")
        rows.append([word(group.step), item, *models, *[""] * (len(letters) - len(models))])
    rest = "\nThe letters of the other items follow from the seed in the same way (spec section 3.6).\n"
    said = "The key, told only now: which model stood under which letter.\n\n"
    return said + table(["step", "item", *letters], rows) + (rest if has_more else "")


class _Answers:
    """The answers of the run's steps as the report may read them; implements `awo.derive.answers.AnswerSources`."""

    def __init__(self, facts: RunFacts, read: Reader) -> None:
        self._steps = {step.record.id: step for step in facts.steps}
        self._inputs = facts.input.inputs
        self._read = read
        self.default_model = facts.input.default_model

    def has_answers(self, step: str) -> bool:
        """Whether the step is done and its answers can be read here."""
        found = self._steps.get(step)
        if found is None or found.status is not StepStatus.DONE:
            return False
        return bool(items_file(found)) if found.record.cells else has_value_to_read(found)

    def record_of(self, step: str) -> StepRecord:
        return self._steps[step].record

    def value_of(self, step: str) -> Any:
        value = self._steps[step].value
        return None if value is None else self._read.value(value.path)

    def items_of(self, step: str) -> Iterator[ItemLine]:
        return self._read.items(items_file(self._steps[step]))

    def fill(self, value: Any, cell: Cell | None = None) -> Any:
        """What no answer says and the workflow only as a template stays as it stands there."""
        try:
            return templates.fill(value, inputs=self._inputs, steps={}, cell=cell)
        except StepFailed:
            return value
