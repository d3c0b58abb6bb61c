"""What a step that asks models must make of their answers: the one way from recorded responses to its value.

The operations conclude with it, and the judge concludes again from responses.jsonl.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from awo.derive.judging.framing import part_of, said_of
from awo.derive.judging.grading import GradeArgs, grade_of
from awo.derive.judging.preferring import PreferArgs, preference_of
from awo.derive.judging.refuting import RefuteArgs, refuse_standing
from awo.derive.judging.rounds import Dispute, replayed, rounds_of
from awo.errors import StepFailed
from awo.evidence.judgements import RefutationValue
from awo.evidence.records import ResponseLine
from awo.workflow.templates import is_template
from awo.workflow.words import Args

A = TypeVar("A", bound=Args)
NO_TEXTS: Final[Mapping[str, str]] = {}


class NotConcluded(Exception):
    """The value cannot be computed again here: why, as a sentence without its full stop."""


def concluded(
    op: str, args: Mapping[str, Any], lines: Sequence[ResponseLine], texts: Mapping[str, str] = NO_TEXTS
) -> Any:
    """The value, plain JSON, that a cell (or a step done once) has by its recorded answers.

    `args`: the step's arguments as input.json has them. `lines`: its responses in the order in which their
    answers were given out, which is that of `calls` of its item, or of `calls_of` its value. `texts`: the
    templates of `templates_of`, filled in.

    Raises `StepFailed` with the code that such a step fails with (`schema`, `objection_stands`,
    `refuters_unclear`), or `calls` where the lines are not those that this step asks for; and
    `NotConcluded` for another operation, or where a text of `texts` is missing. A step or cell that
    failed with a code of its calls never came to a conclusion: ask only of the others.
    """
    conclude = _CONCLUSIONS.get(op)
    if conclude is None:
        raise NotConcluded(f"nothing is known of how {op} comes to its value")
    return conclude(args, lines, texts)


def calls_of(op: str, value: Any) -> list[str]:
    """The calls that the value of a step done once rests on, in the order in which `concluded` takes their lines.

    Raises `NotConcluded` for another operation, or a value that does not say.
    """
    try:
        match op:
            case "llm_map":
                found = [value["call"]]
            case "fanout_generate":
                found = [response["call"] for response in value["responses"]]
            case "grade":
                found = [verdict["call"] for verdict in value["verdicts"]]
            case "prefer":
                found = [call for vote in value["votes"] for call in vote["calls"]]
            case "refute":
                found = value["calls"]
            case _:
                raise NotConcluded(f"nothing is known of how {op} comes to its value")
        return msgspec.convert(found, list[str])
    except (LookupError, TypeError, msgspec.ValidationError) as error:
        raise NotConcluded("the value does not say on which calls it rests") from error


def templates_of(op: str, args: Mapping[str, Any]) -> dict[str, str]:
    """The templates whose texts are part of the value, by the name under which `concluded` looks in `texts`."""
    match op:
        case "prefer":
            given = {name: args.get(name, name.removesuffix("_is")) for name in ("first_is", "second_is")}
        case "refute":
            answers = args.get("answers")
            given = {f"answers.{key}": text for key, text in (answers if isinstance(answers, dict) else {}).items()}
        case _:
            given = {}
    return {name: text for name, text in given.items() if isinstance(text, str)}


def answer_of(line: ResponseLine, *, has_schema: bool) -> dict[str, Any]:
    """`{"text", "model", "call", "stop_reason"}` of one response; `model` is its name in the workflow.

    With a schema also `parsed`: the JSON value that the text spells.
    """
    value = {"text": line.text, "model": line.model, "call": line.call, "stop_reason": line.stop_reason}
    return {**value, "parsed": msgspec.json.decode(line.text)} if has_schema else value


# --- one for each operation -------------------------------------------------------------------------


def _answer(args: Mapping[str, Any], lines: Sequence[ResponseLine], texts: Mapping[str, str]) -> dict[str, Any]:
    model = args.get("model")
    _fit([model if isinstance(model, str) else None], lines)
    return _checked_answer(args, lines[0])


def _answers(args: Mapping[str, Any], lines: Sequence[ResponseLine], texts: Mapping[str, str]) -> dict[str, Any]:
    models = args.get("models")
    _fit(models if isinstance(models, list) else [None] * len(lines), lines)
    return {"responses": [_checked_answer(args, line) for line in lines], "count": len(lines)}


def _checked_answer(args: Mapping[str, Any], line: ResponseLine) -> dict[str, Any]:
    has_schema = args.get("schema") is not None
    if has_schema != bool(line.schema_sha256):
        raise StepFailed("an answer was asked for with another schema", code="calls", got=f"call {line.call}")
    if line.schema_fault:
        raise StepFailed("the answer does not follow its schema", code="schema", got=line.schema_fault)
    try:
        return answer_of(line, has_schema=has_schema)
    except (msgspec.DecodeError, RecursionError) as error:
        raise StepFailed("the answer does not follow its schema", code="schema", got="it is not JSON") from error


def _grade(args: Mapping[str, Any], lines: Sequence[ResponseLine], texts: Mapping[str, str]) -> Any:
    grading = _parsed(GradeArgs, args)
    _fit(grading.judges, lines)
    return msgspec.to_builtins(grade_of(grading, [said_of(line) for line in lines]))


def _preference(args: Mapping[str, Any], lines: Sequence[ResponseLine], texts: Mapping[str, str]) -> Any:
    preferring = _parsed(PreferArgs, args)
    _fit([judge for judge in preferring.judges for _ in range(2)], lines)
    filled = _filled("prefer", args, texts)
    return msgspec.to_builtins(
        preference_of(filled["first_is"], filled["second_is"], [said_of(line) for line in lines])
    )


def _refutation(args: Mapping[str, Any], lines: Sequence[ResponseLine], texts: Mapping[str, str]) -> Any:
    refuting = _parsed(RefuteArgs, args)
    answers = _filled("refute", args, texts)
    statement = part_of(lines[0].messages, "statement") if lines else None
    if statement is None:
        raise StepFailed("the recorded answers begin with no question about a statement", code="calls")
    dispute = Dispute(
        statement=statement,
        evidence="",
        proposer=refuting.proposer,
        refuters=refuting.refuters,
        rounds=refuting.rounds,
        answers={key: answers[f"answers.{key}"] for key in refuting.answers},
    )
    value: RefutationValue = replayed(rounds_of(dispute), [said_of(line) for line in lines])
    return msgspec.to_builtins(refuse_standing(refuting, value))


def _parsed(kind: type[A], args: Mapping[str, Any]) -> A:
    try:
        return msgspec.convert(dict(args), kind)
    except msgspec.ValidationError as error:
        raise NotConcluded(f"the arguments on record are not valid: {error}") from error


def _filled(op: str, args: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, str]:
    """The texts that are part of the value: those given, and templates with nothing to fill in as they are."""
    filled: dict[str, str] = {}
    for name, template in templates_of(op, args).items():
        if name not in texts and is_template(template):
            raise NotConcluded(f"the text of `{name}` is needed")
        filled[name] = texts.get(name, template)
    return filled


def _fit(models: Sequence[str | None], lines: Sequence[ResponseLine]) -> None:
    """Raises `StepFailed` unless there is a line for each model, of that model where its name is no template."""
    if len(models) != len(lines):
        raise StepFailed(
            "there are not as many answers as the step asks for",
            code="calls",
            expected=f"{len(models)}",
            got=f"{len(lines)}",
        )
    for model, line in zip(models, lines, strict=True):
        if model is not None and not is_template(model) and model != line.model:
            raise StepFailed(
                "an answer is of another model", code="calls", where=f"call {line.call}", expected=model, got=line.model
            )


_Conclude = Callable[[Mapping[str, Any], Sequence[ResponseLine], Mapping[str, str]], Any]
_CONCLUSIONS: Final[Mapping[str, _Conclude]] = {
    "llm_map": _answer,
    "fanout_generate": _answers,
    "grade": _grade,
    "prefer": _preference,
    "refute": _refutation,
}
