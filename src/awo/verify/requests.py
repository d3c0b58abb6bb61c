"""What a step that asks models must ask in a cell, by the plan alone; each recorded request is held against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from awo.canon.digest import sha256_hex
from awo.canon.json import encode_sorted
from awo.derive.judging.framing import said_of
from awo.derive.judging.grading import GradeArgs, question_text, schema_text
from awo.derive.judging.preferring import PreferArgs, question_texts
from awo.derive.judging.refuting import RefuteArgs
from awo.derive.judging.rounds import Dispute, rounds_of
from awo.errors import EvidenceError, StepFailed
from awo.evidence.events import FileRef
from awo.evidence.records import InputRecord, Message, ModelRecord, ResponseLine
from awo.verify.responses import CUT
from awo.verify.sources import PackageSources
from awo.workflow.answer_schema import text_of, why_not
from awo.workflow.cells import Cell

MOST_SHOWN: Final = 120


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the plan has it. `schema` is JSON text, '' for none."""

    model: str
    messages: tuple[Message, ...]
    params: Mapping[str, Any]
    schema: str = ""


class Requests:
    """The requests of one step, cell by cell, written from input.json and the values of earlier steps."""

    def __init__(self, op: str, args: Mapping[str, Any], plan: InputRecord, sources: PackageSources) -> None:
        self._op = op
        self._args = args
        self._plan = plan
        self._sources = sources
        self._files = {file.path: file for file in plan.files}

    def of(self, cell: Cell | None, lines: Sequence[ResponseLine]) -> list[Request]:
        """The requests that `lines` answer, in their order; more or fewer where the plan asks so.

        Raises `StepFailed` as filling in a template does, and `msgspec.ValidationError` for bad arguments.
        """
        params = self._sources.fill(self._args.get("params") or {}, cell)
        match self._op:
            case "llm_map":
                asked = [self._args.get("model") or self._sources.default_model]
                return self._same(asked, cell, params)
            case "fanout_generate":
                asked = self._args.get("models") or [line.model for line in lines]
                return self._same(asked, cell, params)
            case "grade":
                return self._graded(msgspec.convert(dict(self._args), GradeArgs), cell, params)
            case "prefer":
                return self._preferred(msgspec.convert(dict(self._args), PreferArgs), cell, params)
            case _:
                return self._refuted(msgspec.convert(dict(self._args), RefuteArgs), cell, params, lines)

    def difference(self, request: Request, line: ResponseLine, repeat: int, *, is_cell: bool) -> tuple[str, str, str]:
        """What of the request in `line` is not the plan's, and both, shortened; three empty texts where nothing is."""
        record = self._plan.models.get(request.model) or _unnamed(request.model)
        params = {**record.params, **request.params}
        seed = params.pop("seed", record.seed)
        if is_cell and "seed" not in request.params:
            seed = _seed_of_cell(seed, repeat, request.messages)
        elif isinstance(seed, int):
            seed += repeat
        schema = sha256_hex(request.schema.encode()) if request.schema else ""
        for what, expected, got in (
            ("model", request.model, line.model),
            ("text", list(request.messages), line.messages),
            ("parameters", params, line.params),
            ("seed", seed, line.seed),
            ("schema", schema, line.schema_sha256),
        ):
            one, other = encode_sorted(expected), encode_sorted(got)
            if one != other:
                return (what, *_where_they_part(one.decode(), other.decode()))
        if not request.schema:
            return "", "", ""
        if bool(why_not(request.schema, line.text)) != bool(line.schema_fault):
            return "verdict on its answer's schema", why_not(request.schema, line.text), line.schema_fault
        return "", "", ""

    def _same(self, models: Sequence[str], cell: Cell | None, params: Mapping[str, Any]) -> list[Request]:
        messages, schema = self._messages(cell), self._schema()
        return [Request(self._model(model, cell), messages, params, schema) for model in models]

    def _messages(self, cell: Cell | None) -> tuple[Message, ...]:
        """The turns of `llm_map` and `fanout_generate`; a system turn that comes out empty is none."""
        render, args = self._sources.render, self._args
        images = [self._ref(path) for path in (render(image, cell) for image in args.get("images") or ()) if path]
        given = args.get("messages") or [
            {"role": "system", "content": args.get("system") or ""},
            {"role": "user", "content": args.get("prompt") or ""},
        ]
        turns = [Message(role=turn["role"], content=render(turn["content"], cell)) for turn in given]
        turns = [turn for turn in turns if turn.role != "system" or turn.content]
        if images:
            last = max(index for index, turn in enumerate(turns) if turn.role == "user")
            turns[last] = msgspec.structs.replace(turns[last], images=images)
        return tuple(turns)

    def _schema(self) -> str:
        schema = self._args.get("schema")
        if schema is None:
            return ""
        if isinstance(schema, str):
            return text_of(self._sources.read_text(schema))
        return msgspec.json.encode(schema).decode()

    def _graded(self, args: GradeArgs, cell: Cell | None, params: Mapping[str, Any]) -> list[Request]:
        texts = {
            name: self._sources.render(getattr(args, name), cell)
            for name in ("rubric", "answer", "question", "instructions")
        }
        asked = _user(question_text(args, **texts))
        return [Request(self._model(judge, cell), asked, params, schema_text(args)) for judge in args.judges]

    def _preferred(self, args: PreferArgs, cell: Cell | None, params: Mapping[str, Any]) -> list[Request]:
        texts = {
            name: self._sources.render(getattr(args, name), cell)
            for name in ("first", "second", "criterion", "question", "instructions")
        }
        orders = question_texts(**texts)
        return [Request(self._model(judge, cell), _user(text), params) for judge in args.judges for text in orders]

    def _refuted(
        self, args: RefuteArgs, cell: Cell | None, params: Mapping[str, Any], lines: Sequence[ResponseLine]
    ) -> list[Request]:
        render = self._sources.render
        rounds = rounds_of(
            Dispute(
                statement=render(args.statement, cell),
                evidence=render(args.evidence, cell),
                proposer=self._model(args.proposer, cell),
                refuters=[self._model(refuter, cell) for refuter in args.refuters],
                rounds=args.rounds,
                answers={key: render(text, cell) for key, text in args.answers.items()},
            )
        )
        requests: list[Request] = []
        try:
            questions = next(rounds)
            while True:
                answers = lines[len(requests) : len(requests) + len(questions)]
                requests += [Request(question.model, _user(question.text), params) for question in questions]
                if len(answers) < len(questions):
                    return requests
                questions = rounds.send([said_of(line) for line in answers])
        except StopIteration:
            return requests

    def _model(self, name: str, cell: Cell | None) -> str:
        return str(self._sources.fill(name, cell)) if "{{" in name else name

    def _ref(self, path: str) -> FileRef:
        file = self._files.get(path)
        if file is None:
            raise StepFailed("the step reads a file that the workflow does not declare", code="undeclared", got=path)
        return FileRef(path=path, sha256=file.sha256, size_bytes=file.size_bytes)


def departures(
    requests: Requests, asked: Sequence[Request], lines: Sequence[ResponseLine], cell: Cell | None
) -> Iterator[EvidenceError | None]:
    """What of the requests is not the plan's; None for one that cannot be compared, since a secret was cut."""
    for request, line in zip(asked, lines, strict=False):
        repeat = cell.repeat if cell is not None else 0
        what, expected, got = requests.difference(request, line, repeat, is_cell=cell is not None)
        if not what:
            continue
        if CUT in encode_sorted(line):
            yield None
        else:
            said = f"the request has another {what} than the plan's"
            yield EvidenceError(said, where=f"call {line.call}", expected=expected, got=got)


def _user(text: str) -> tuple[Message, ...]:
    return (Message(role="user", content=text),)


def _unnamed(name: str) -> ModelRecord:
    """A model that input.json does not have: a backend of that name (spec section 3.1)."""
    return ModelRecord(backend=name, model=name, params={}, seed=0, on_unknown="")


def _seed_of_cell(seed: Any, repeat: int, messages: Sequence[Message]) -> int:
    """The seed of one request of a fan-out (spec section 3.9)."""
    return int(sha256_hex(encode_sorted([seed, repeat, messages]))[:8], 16) >> 1


def _where_they_part(one: str, other: str) -> tuple[str, str]:
    """Both texts from a little before the first character in which they differ."""
    pairs = zip(one, other, strict=False)
    at = next((index for index, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
    begin = max(0, at - MOST_SHOWN // 4)
    return one[begin : begin + MOST_SHOWN], other[begin : begin + MOST_SHOWN]
