"""The columns of the tables that a run is sent out as: their names, their kinds, and what stands in each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from awo.canon.json import encode_sorted
from awo.evidence.records import ItemLine, ResponseLine, StepRecord
from awo.evidence.scores import ScoreLine
from awo.publish.joined import Joined, Scored, asking_steps, flat, joined, names_in_lines, scored_steps
from awo.publish.run_reader import RunReader

Kind = Literal["text", "int", "float", "bool", "json"]
"""`json` is text that is the JSON of the value: lists, objects, and values of kinds that no other kind holds."""

LARGEST_INT = 2**63 - 1
EXACT_IN_FLOAT = 2**53

RESPONSES: Mapping[str, Kind] = {
    "step": "text",
    "cell": "int",
    "answer": "int",
    "item": "text",
    "repeat": "int",
    "model": "text",
    "status": "text",
    "error_code": "text",
    "error": "text",
    "text": "text",
    "stop_reason": "text",
    "latency_ms": "int",
    "cost_usd": "float",
    "prompt_tokens": "int",
    "completion_tokens": "int",
    "cached_tokens": "int",
    "reasoning_tokens": "int",
    "backend": "text",
    "model_asked": "text",
    "model_answered": "text",
    "seed": "int",
    "at": "text",
    "call": "text",
    "attempt": "int",
    "tries": "int",
    "schema_fault": "text",
    "origin_run": "text",
    "sha256": "text",
}
"""The columns that every table of responses has."""

SCORES: Mapping[str, Kind] = {
    "step": "text",
    "of": "text",
    "cell": "int",
    "answer": "int",
    "item": "text",
    "repeat": "int",
    "model": "text",
    "status": "text",
    "name": "text",
    "kind": "text",
    "type": "text",
    "score": "float",
    "label": "text",
    "ratings": "json",
    "why": "text",
}

ITEMS: Mapping[str, Kind] = {
    "step": "text",
    "cell": "int",
    "item": "text",
    "repeat": "int",
    "status": "text",
    "error_code": "text",
    "error": "text",
    "value": "json",
    "calls": "json",
}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with one value for each of `names`, None where there is none. `fixed` are the kinds known beforehand.

    `rows` gives them from the first, anew each time it is begun.
    """

    names: tuple[str, ...]
    fixed: Mapping[str, Kind]
    rows: Iterable[Row]


class _Rows:
    """Rows that are read anew each time they are gone through."""

    def __init__(self, begin: Any) -> None:
        self._begin = begin

    def __iter__(self) -> Iterator[Row]:
        rows: Iterator[Row] = self._begin()
        return rows


def responses_table(reader: RunReader) -> Table:
    """One row for each answer with its response and its scores, and one for each response that is no answer.

    The scores of a step are the columns `score.NAME`, `label.NAME` and `ratings.NAME`, what it groups by
    `group.NAME`, with the id of the step before NAME where two steps have the same name for the same answers.
    A test that gives a label has two columns. The columns of the data are `row.NAME`, the names of a matrix
    `matrix.NAME`.
    """
    steps = asking_steps(reader)
    matrix, row = _places(reader, [step.record for step in steps])
    scored = [one for one in scored_steps(reader) if one.value.of in {step.record.id for step in steps}]
    scores = _score_columns(reader, scored)
    fixed = {**RESPONSES, **{name: kind for one in scores.values() for name, kind in one.fixed.items()}}
    names = [*RESPONSES]
    names[5:5] = [f"matrix.{name}" for name in matrix]
    names += [name for name in fixed if name not in RESPONSES]
    names += dict.fromkeys(column for one in scores.values() for column in one.groups.values())
    names += [f"row.{name}" for name in row]

    def begin() -> Iterator[Row]:
        empty = dict.fromkeys(names)
        for step in steps:
            for one in joined(reader, step):
                yield empty | _response_row(one, scores)

    return Table(tuple(names), fixed, _Rows(begin))


def scores_table(reader: RunReader, step: str = "") -> Table:
    """One row for each score of each answer, as the steps that score left them; those of one step, if it is named."""
    if step:
        reader.facts_of(step)
    scored = [one for one in scored_steps(reader) if step in ("", one.step)]
    matrix, _ = _places(reader, [reader.record_of(one.value.of) for one in scored])
    names = [*SCORES]
    names[6:6] = [f"matrix.{name}" for name in matrix]
    names += dict.fromkeys(f"group.{name}" for one in scored for name in names_in_lines(reader, one.step)[1])

    def begin() -> Iterator[Row]:
        empty = dict.fromkeys(names)
        for one in scored:
            asked = reader.facts_of(one.value.of)
            for answer in joined(reader, asked):
                if (line := answer.scores.get(one.step)) is not None:
                    yield from (empty | row for row in _score_rows(one, answer, line))

    return Table(tuple(names), SCORES, _Rows(begin))


def items_table(reader: RunReader, step: str) -> Table:
    """One row for each cell of a step that fans out; `value` and `calls` are JSON."""
    record = reader.record_of(step)
    matrix, row = _places(reader, [record])
    names = [*ITEMS]
    names[4:4] = [f"matrix.{name}" for name in matrix]
    names += [f"row.{name}" for name in row]

    def begin() -> Iterator[Row]:
        empty = dict.fromkeys(names)
        for item in reader.items_of(step):
            yield empty | _item_row(reader, record, item)

    return Table(tuple(names), ITEMS, _Rows(begin))


def kinds_of(table: Table) -> dict[str, Kind]:
    """The kind of every column; where the rows must be looked at, the narrowest that holds all its values exactly."""
    seen: dict[str, set[Kind | Literal["long"]]] = {name: set() for name in table.names if name not in table.fixed}
    if seen:
        for row in table.rows:
            for name, kinds in seen.items():
                if (value := row[name]) is not None:
                    kinds.add(_kind(value))
    return {name: table.fixed[name] if name in table.fixed else _widest(seen[name]) for name in table.names}


def as_kind(value: Any, kind: Kind) -> Any:
    """`value` as a column of this kind holds it."""
    if value is None:
        return None
    if kind == "json":
        return encode_sorted(value).decode()
    return float(value) if kind == "float" else value


def _kind(value: Any) -> Kind | Literal["long"]:
    """`long` is an integer that a float does not hold exactly."""
    match value:
        case bool():
            return "bool"
        case int():
            return "int" if abs(value) <= EXACT_IN_FLOAT else "long" if abs(value) <= LARGEST_INT else "json"
        case float():
            return "float"
        case str():
            return "text"
        case _:
            return "json"


def _widest(kinds: set[Kind | Literal["long"]]) -> Kind:
    if not kinds or kinds == {"text"}:
        return "text"
    if kinds <= {"int", "long"}:
        return "int"
    if kinds <= {"int", "float"}:
        return "float"
    return "bool" if kinds == {"bool"} else "json"


def _places(reader: RunReader, records: Iterable[StepRecord]) -> tuple[list[str], list[str]]:
    """The names of all matrices, and of all columns of data, that cells of these steps have."""
    matrix: dict[str, None] = {}
    row: dict[str, None] = {}
    for asked in records:
        record = asked
        while (cells := record.cells) is not None:
            matrix |= dict.fromkeys(cells.matrix)
            if cells.over is None:
                break
            if cells.over.kind == "data":
                row |= dict.fromkeys(reader.plan.data[cells.over.name].columns)
                break
            record = reader.record_of(cells.over.name)
    return list(matrix), list(row)


@dataclass(frozen=True, slots=True)
class _ScoreColumns:
    """Where what a step's lines say stands, by its name there: `values` are its scores and ratings. Those of groups
    are of any kind."""

    values: Mapping[str, tuple[str, Kind]]
    labels: Mapping[str, str]
    groups: Mapping[str, str]

    @property
    def fixed(self) -> dict[str, Kind]:
        return {**dict(self.values.values()), **dict.fromkeys(self.labels.values(), "text")}

    def row(self, line: ScoreLine) -> Row:
        row: Row = {column: line.scores.get(name, line.ratings.get(name)) for name, (column, _) in self.values.items()}
        row |= {column: line.labels.get(name) for name, column in self.labels.items()}
        return row | {column: line.groups.get(name) for name, column in self.groups.items()}


def _score_columns(reader: RunReader, scored: list[Scored]) -> dict[str, _ScoreColumns]:
    """The columns of each step that scores."""
    said = {one.step: names_in_lines(reader, one.step) for one in scored}
    scores = Counter((one.value.of, name) for one in scored for name in one.value.scores)
    groups = Counter((one.value.of, name) for one in scored for name in said[one.step][1])
    found = {}
    for one in scored:
        of, (labelled, grouped) = one.value.of, said[one.step]
        shown = {name: name if scores[of, name] == 1 else f"{one.step}.{name}" for name in one.value.scores}
        values: dict[str, tuple[str, Kind]] = {}
        for name, summary in one.value.scores.items():
            if summary.type == "ratings":
                values[name] = (f"ratings.{shown[name]}", "json")
            elif summary.type != "label":
                values[name] = (f"score.{shown[name]}", "float")
        has_label = {name for name, summary in one.value.scores.items() if summary.type == "label"} | {*labelled}
        found[one.step] = _ScoreColumns(
            values,
            {name: f"label.{shown[name]}" for name in shown if name in has_label},
            {name: f"group.{name if groups[of, name] == 1 else f'{one.step}.{name}'}" for name in grouped},
        )
    return found


def _place(joined: Joined) -> Row:
    return {
        "step": joined.step,
        "cell": joined.cell,
        "answer": joined.answer,
        "item": joined.item,
        "repeat": joined.repeat,
        "model": joined.model,
        "status": joined.status,
        **{f"matrix.{name}": value for name, value in joined.matrix.items()},
    }


def _response_row(joined: Joined, scores: Mapping[str, _ScoreColumns]) -> Row:
    row = _place(joined) | {
        "error_code": joined.reason.code if joined.reason is not None else None,
        "error": joined.reason.message if joined.reason is not None else None,
        "text": joined.text,
        "sha256": joined.sha256 or None,
        **{f"row.{name}": value for name, value in joined.row.items()},
    }
    if joined.response is not None:
        row |= _of_response(joined.response)
    for step, line in joined.scores.items():
        if step in scores:
            row |= scores[step].row(line)
    return row


def _of_response(response: ResponseLine) -> Row:
    usage = response.usage
    return {
        "stop_reason": response.stop_reason,
        "latency_ms": response.latency_ms,
        "cost_usd": float(response.cost) if response.cost else None,
        "prompt_tokens": _counted(usage.prompt_tokens),
        "completion_tokens": _counted(usage.completion_tokens),
        "cached_tokens": _counted(usage.cached_tokens),
        "reasoning_tokens": _counted(usage.reasoning_tokens),
        "backend": response.backend,
        "model_asked": response.model_asked,
        "model_answered": response.model_answered,
        "seed": response.seed,
        "at": response.at,
        "call": response.call,
        "attempt": response.attempt,
        "tries": response.tries,
        "schema_fault": response.schema_fault or None,
        "origin_run": response.origin.run_id if response.origin is not None else None,
    }


def _counted(tokens: int) -> int | None:
    return tokens if tokens >= 0 else None


def _score_rows(scored: Scored, joined: Joined, line: ScoreLine) -> Iterator[Row]:
    place = _place(joined) | {"step": scored.step, "of": scored.value.of}
    place |= {f"group.{name}": value for name, value in line.groups.items()}
    for name, summary in scored.value.scores.items():
        yield place | {
            "name": name,
            "kind": summary.kind,
            "type": summary.type,
            "score": line.scores.get(name),
            "label": line.labels.get(name),
            "ratings": line.ratings.get(name),
            "why": line.why.get(name),
        }


def _item_row(reader: RunReader, record: StepRecord, item: ItemLine) -> Row:
    row, matrix = flat(reader, record, item.row, item.matrix)
    return {
        "step": record.id,
        "cell": item.cell,
        "item": item.item,
        "repeat": item.repeat,
        "status": item.status,
        "error_code": item.reason.code if item.reason is not None else None,
        "error": item.reason.message if item.reason is not None else None,
        "value": item.value,
        "calls": item.calls,
        **{f"matrix.{name}": value for name, value in matrix.items()},
        **{f"row.{name}": value for name, value in row.items()},
    }
