"""Counts the scores of an author's function again: its numbers are on record, and what they amount to follows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, Final

import msgspec

from awo.derive.answers import Answer as Answered
from awo.derive.answers import answers_of
from awo.derive.facts import StepFacts
from awo.derive.scores.seam import Outcome, Scored
from awo.derive.scores.tally import ScoresKept
from awo.errors import CannotCheck, StepFailed
from awo.evidence.layout import file_path
from awo.evidence.scores import SCORES_FILE, ScoreLine, ScoresValue
from awo.verify.compared import differences
from awo.verify.findings import Answer
from awo.verify.sources import Package, PackageSources

KIND: Final = "python"

_lines = msgspec.json.Decoder(ScoreLine)


def counted_again(package: Package, step: StepFacts, answer: Answer) -> None:
    """scores.jsonl has a line for each answer of the step `of`, each where its answer stands; the step's value
    counts these lines; and each kind names the function and the file of the plan.

    Raises as `Package`, and `CannotCheck` where the step's arguments or value are not those of its operation.
    """
    id_, args = step.record.id, step.record.arguments()
    path, of = file_path(id_, SCORES_FILE), args.get("of")
    try:
        value = msgspec.convert(package.value(step.value.path) if step.value else None, ScoresValue)
    except msgspec.ValidationError as error:
        raise CannotCheck("the value is not one of scores", where=path, got=str(error)) from error
    if not isinstance(of, str):
        raise CannotCheck("the arguments do not say whose answers are scored", where=path)
    kind = _kind(package, args)
    kept = ScoresKept({name: Outcome(one.kind, one.type, one.threshold, one.type == "label")
                       for name, one in value.scores.items()})  # fmt: skip
    for name, one in value.scores.items():
        if one.kind != kind:
            answer.fail(path, f"the score {name} is of another function than the plan's", kind, one.kind)
    number = 0
    for number, (told, line) in enumerate(zip_longest(_answers(package, id_, of), package.records(path, _lines)), 1):
        where = f"{path}:{number}"
        if told is None or line is None:
            answer.fail(where, "there is not one line for each answer", "an answer" if line is None else "no answer")
            return
        said = _of_line(line)
        if said != _of_answer(told):
            answer.fail(where, "the line is not that of its answer", str(_of_answer(told)), str(said))
            return
        if told.status == "failed" and any(one is not None for one in (*line.scores.values(), *line.labels.values())):
            answer.fail(where, "an answer that failed has a score")
        package.tick()
        kept.add(told, _scored(line, value), {})
    again = msgspec.to_builtins(kept.value(of, id_))
    top = step.value.path if step.value else path
    for wrong in differences(again, msgspec.to_builtins(value)):
        answer.fail(f"{top}: {wrong.place}", "the value does not count its lines", wrong.expected, wrong.got)


def _answers(package: Package, step: str, of: str) -> Iterator[Answered]:
    try:
        yield from answers_of(PackageSources(package, step), of)
    except StepFailed as error:
        raise CannotCheck("the answers that are scored cannot be read", where=of, got=error.what) from error


def _kind(package: Package, args: Any) -> str:
    file = next((one for one in package.plan.files if one.path == args.get("file")), None)
    return f"{KIND}:{args.get('function', 'score')}@{file.sha256[:16] if file is not None else ''}"


def _of_line(line: ScoreLine) -> tuple[Any, ...]:
    return line.cell, line.answer, line.item, line.matrix, line.repeat, line.model, line.status


def _of_answer(one: Answered) -> tuple[Any, ...]:
    return one.cell, one.number, one.item, dict(one.matrix), one.repeat, one.model, one.status


def _scored(line: ScoreLine, value: ScoresValue) -> dict[str, Scored]:
    """The scores of a line, by name; one that the line does not have is missing."""
    return {name: Scored(line.scores.get(name), "", line.labels.get(name)) for name in value.scores}
