"""Every response of a run beside its cell and its scores, one by one: what tables and other exports are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from awo.derive.answers import Answer, answers_of
from awo.derive.facts import StepFacts, StepStatus
from awo.errors import EvidenceError
from awo.evidence.events import Reason
from awo.evidence.records import ItemLine, ResponseLine, StepRecord
from awo.evidence.scores import SCORES_FILE, ScoreLine, ScoresValue
from awo.publish.run_reader import RunReader
from awo.workflow.cells import place_of

Status = Literal["done", "failed", "unused"]

_score_lines = msgspec.json.Decoder(ScoreLine)


@dataclass(frozen=True, slots=True)
class Scored:
    """A step that scores the answers of another."""

    step: str
    value: ScoresValue


@dataclass(frozen=True, slots=True)
class Joined:
    """One answer of a step with its response, or one response that no answer rests on (status `unused`).

    `answer` is its number in the cell, None where the response is no answer of its own. `row` and `matrix`
    are those of the data set and of every step on the way from there. `response` is None where no model
    answered, and `sha256` then ''. `scores` has the line of each step that scored the answer.
    """

    step: str
    cell: int
    answer: int | None
    item: str
    row: Mapping[str, Any]
    matrix: Mapping[str, Any]
    repeat: int
    model: str
    status: Status
    reason: Reason | None
    text: str | None
    response: ResponseLine | None
    sha256: str
    scores: Mapping[str, ScoreLine]


def scored_steps(reader: RunReader) -> list[Scored]:
    """The steps that left a line of scores for each answer, in the order of the workflow."""
    found = []
    for step in reader.facts.steps:
        name = step.record.id
        if step.status is StepStatus.DONE and reader.has_file(name, SCORES_FILE):
            try:
                found.append(Scored(name, msgspec.convert(reader.value_of(name), ScoresValue)))
            except msgspec.ValidationError:
                continue  # a file that is only called so
    return found


def names_in_lines(reader: RunReader, step: str) -> tuple[list[str], list[str]]:
    """The scores that have a label in some line of a step that scores, and the names of the groups, each once.

    Reads the whole file once. A test can give a label too; only its lines say so.
    """
    labels: dict[str, None] = {}
    groups: dict[str, None] = {}
    for line in _score_lines_of(reader, step):
        labels |= dict.fromkeys(line.labels)
        groups |= dict.fromkeys(line.groups)
    return list(labels), list(groups)


def _score_lines_of(reader: RunReader, step: str) -> Iterator[ScoreLine]:
    for line in reader.lines_of(step, SCORES_FILE):
        try:
            yield _score_lines.decode(line)
        except msgspec.MsgspecError as error:
            raise EvidenceError("a line of scores is not its shape", where=step, got=str(error)) from error


def asking_steps(reader: RunReader) -> list[StepFacts]:
    """The steps that asked a model, or whose answers were scored, in the order of the workflow."""
    scored = {one.value.of for one in scored_steps(reader)}
    return [step for step in reader.facts.steps if _asks(step) or step.record.id in scored]


def _asks(step: StepFacts) -> bool:
    calls = step.calls
    return bool(calls.responses or calls.failed or calls.unknown or calls.open)


def joined(reader: RunReader, step: StepFacts) -> Iterator[Joined]:
    """Every answer of a step in order, and then the responses on which none rests. Raises `EvidenceError`.

    A step that is not done has no answers, only responses.
    """
    join = _Join(reader, step)
    if step.status is StepStatus.DONE:
        yield from join.answers()
    yield from join.unused()


def flat(reader: RunReader, record: StepRecord, row: Mapping[str, Any], matrix: Mapping[str, Any]) -> tuple[Any, Any]:
    """Row and matrix of a cell, those of the steps it goes over taken in: the nearer step's matrix goes first."""
    while record.cells is not None and record.cells.over is not None and record.cells.over.kind == "step":
        record = reader.record_of(record.cells.over.name)
        inner, above = row.get("row"), row.get("matrix")
        matrix = {**(above if isinstance(above, dict) else {}), **matrix}
        row = inner if isinstance(inner, dict) else {}
    return row, matrix


class _Join:
    def __init__(self, reader: RunReader, step: StepFacts) -> None:
        self._reader = reader
        self._record = step.record
        self._numbers = reader.recorded.numbers_of(step.record.id)
        self._is_used = bytearray(len(self._numbers))
        self._is_done = step.status is StepStatus.DONE
        scored = [one for one in scored_steps(reader) if one.value.of == step.record.id] if self._is_done else []
        self._scores = {one.step: _Scores(reader, one.step) for one in scored}

    def answers(self) -> Iterator[Joined]:
        if self._record.cells is None:
            for answer in answers_of(self._reader, self._record.id):
                yield self._of_answer(answer, None, answer.call)
            return
        for item in self._reader.items_of(self._record.id):
            yield from self._of_item(item)

    def _of_item(self, item: ItemLine) -> Iterator[Joined]:
        answers = list(answers_of(_OneCell(self._reader, item), self._record.id))
        left = list(item.calls)
        for answer in answers:
            call = answer.call or (left[0] if len(answers) == len(item.calls) == 1 else "")
            if call in left:
                left.remove(call)
            yield self._of_answer(answer, item.reason, call)
        for call in left:
            response, sha256 = self._response(call)
            if response is not None:
                yield self._of_response(response, sha256, item.status, item)

    def unused(self) -> Iterator[Joined]:
        """Responses that no cell names. Those of a step that was done once, and that follow their schema, count."""
        run, once = self._reader.recorded, self._is_done and self._record.cells is None
        for index, number in enumerate(self._numbers):
            if not self._is_used[index]:
                response = run.read(number)
                status: Status = "done" if once and not response.schema_fault else "unused"
                yield self._of_response(response, run.sha256(number), status, None)

    def _response(self, call: str) -> tuple[ResponseLine | None, str]:
        run = self._reader.recorded
        number = run.number_called(self._record.id, call) if call else -1
        if number < 0 or run.place(number).step != self._record.id:
            return None, ""
        self._is_used[run.place(number).line] = 1
        return run.read(number), run.sha256(number)

    def _of_answer(self, answer: Answer, reason: Reason | None, call: str) -> Joined:
        response, sha256 = self._response(call)
        row, matrix = flat(self._reader, self._record, answer.row, answer.matrix)
        text = answer.text if answer.status == "done" else None
        return Joined(
            step=self._record.id,
            cell=answer.cell,
            answer=answer.number,
            item=answer.item,
            row=row,
            matrix=matrix,
            repeat=answer.repeat,
            model=response.model if response is not None else answer.model,
            status=answer.status,
            reason=reason,
            text=response.text if response is not None else text,
            response=response,
            sha256=sha256,
            scores={
                step: line for step, scores in self._scores.items() if (line := scores.at(answer.cell, answer.number))
            },
        )

    def _of_response(self, response: ResponseLine, sha256: str, status: Status, item: ItemLine | None) -> Joined:
        cells = self._record.cells
        place = place_of(response.cell, cells.matrix, cells.repeats).matrix if cells is not None else {}
        row, matrix = flat(self._reader, self._record, item.row, item.matrix) if item is not None else ({}, place)
        return Joined(
            step=self._record.id,
            cell=response.cell,
            answer=None,
            item=item.item if item is not None else "",
            row=row,
            matrix=matrix,
            repeat=response.repeat,
            model=response.model,
            status=status,
            reason=item.reason if item is not None else None,
            text=response.text,
            response=response,
            sha256=sha256,
            scores={},
        )


class _OneCell:
    """The run with one cell of a step: so the cell itself is at hand with its answers."""

    def __init__(self, reader: RunReader, item: ItemLine) -> None:
        self.default_model = reader.default_model
        self.record_of = reader.record_of
        self.value_of = reader.value_of
        self.fill = reader.fill
        self._item = item

    def items_of(self, step: str) -> Iterator[ItemLine]:
        return iter((self._item,))


class _Scores:
    """The lines of a scores.jsonl, taken in the order of the answers."""

    def __init__(self, reader: RunReader, step: str) -> None:
        self._lines = _score_lines_of(reader, step)
        self._next = next(self._lines, None)

    def at(self, cell: int, answer: int) -> ScoreLine | None:
        while self._next is not None and (self._next.cell, self._next.answer) < (cell, answer):
            self._next = next(self._lines, None)
        if self._next is None or (self._next.cell, self._next.answer) != (cell, answer):
            return None
        return self._next
