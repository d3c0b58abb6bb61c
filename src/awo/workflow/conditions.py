"""CEL expressions over `inputs` and `steps`: conditions, and the numbers and tests that claims are made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

from awo.errors import StepFailed
from awo.workflow.expression_tree import paths_in
from awo.workflow.names import BadText, Names

if TYPE_CHECKING:
    from cel_expr_python import cel  # type: ignore[import-untyped]

LONGEST_CONDITION: Final = 10_000

_PLACE = re.compile(r"<input>:(\d+):(\d+): (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")

Kind = Literal["condition", "measure", "observation", "test"]
"""A condition and a test are true or false; a measure and an observation are a number. Tests and
observations know `metrics` beside `inputs` and `steps`."""

_ROOTS: Final = ("inputs", "steps", "metrics")
_NUMBERS: Final = ("measure", "observation")
_WITH_METRICS: Final = ("observation", "test")


def check(text: str) -> None:
    """Raises `BadText` when `text` is no condition of ours."""
    _compiled(text, "condition")


def names_used(text: str, kind: Kind = "condition") -> Names:
    """What `text` refers to. Raises `BadText` when it cannot be read or says `steps` without a step."""
    try:
        paths = paths_used(text, kind)
    except _UndeclaredNames as error:
        return Names(unknown=error.names)
    used = {root: tuple(dict.fromkeys(path[1] for path in paths if path[0] == root)) for root in _ROOTS}
    return Names(inputs=used["inputs"], steps=used["steps"], metrics=used["metrics"])


def paths_used(text: str, kind: Kind = "condition") -> tuple[tuple[str, ...], ...]:
    """What `text` reads, each once in the order of first use, such as `("steps", "stats", "mean")`.

    A path is as long as names follow each other; `inputs` without a name is left out. Raises `BadText`.
    """
    return paths_in(_compiled(text, kind).serialize(), _ROOTS)


def is_true(text: str, inputs: Mapping[str, Any], steps: Mapping[str, Any]) -> bool:
    """Whether the condition holds for these values.

    Raises `StepFailed` (code `condition`) when it meets an error or is neither true nor false. The
    message never shows a value, since it may come from a model.
    """
    from cel_expr_python import cel

    answer = _evaluated(text, "condition", inputs, steps, {})
    if answer.type() != cel.Type.BOOL:
        raise StepFailed("the condition is neither true nor false", code="condition", got=text[:200])
    return bool(answer.plain_value())


def holds(
    text: str, *, inputs: Mapping[str, Any], steps: Mapping[str, Any], metrics: Mapping[str, float | None]
) -> bool:
    """Whether a test of a claim is true. Raises as `is_true` does."""
    from cel_expr_python import cel

    answer = _evaluated(text, "test", inputs, steps, metrics)
    if answer.type() != cel.Type.BOOL:
        raise StepFailed("the condition is neither true nor false", code="condition", got=text[:200])
    return bool(answer.plain_value())


def number_of(
    text: str,
    kind: Literal["measure", "observation"],
    *,
    inputs: Mapping[str, Any],
    steps: Mapping[str, Any],
    metrics: Mapping[str, float | None],
) -> float | None:
    """The number that a measure or an observation gives, NaN and infinities included; None where it is null.

    Raises `StepFailed` (code `expression`) when it meets an error or gives anything else.
    """
    from cel_expr_python import cel

    answer = _evaluated(text, kind, inputs, steps, metrics)
    if answer.type() == cel.Type.NULL:
        return None
    if answer.type() not in (cel.Type.INT, cel.Type.UINT, cel.Type.DOUBLE):
        raise StepFailed("the expression gives no number", code="expression", got=text[:200])
    return float(answer.plain_value())


def _evaluated(
    text: str, kind: Kind, inputs: Mapping[str, Any], steps: Mapping[str, Any], metrics: Mapping[str, Any]
) -> cel.Value:
    from cel_expr_python import cel

    is_number = kind in _NUMBERS
    noun, code = ("expression", "expression") if is_number else ("condition", "condition")
    try:
        named = {name: steps[name] for name in names_used(text, kind).steps if name in steps}
        data: dict[str, Any] = {"inputs": dict(inputs), "steps": named}
        if kind in _WITH_METRICS:
            data["metrics"] = dict(metrics)
        answer = _compiled(text, kind).eval(data=_whole(_without_nulls(data) if kind == "test" else data))
    except BadText as error:
        raise StepFailed(error.what, code=code, got=error.got, hint=error.hint) from error
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise StepFailed(f"the {noun} cannot be worked out", code=code) from error
    if answer.type() == cel.Type.ERROR:
        said = str(answer.value())
        if said.startswith("NOT_FOUND"):
            what, hint = f"the {noun} names a key that is not there", "ask with has(…) first"
        elif "overload" in said:
            what, hint = f"the {noun} compares or joins values of kinds that do not go together", ""
        else:
            what, hint = f"the {noun} cannot be worked out", ""
        raise StepFailed(what, code=code, got=text[:200], hint=hint)
    return answer


def names_used_for_cells(text: str) -> Names:
    """The inputs that a CEL expression over a cell names. Raises `BadText` when it is none."""
    try:
        expression = _compiled_for_cells(text)
    except _UndeclaredNames as error:
        what = f"the expression names {error.names[0]!r}, which is not there"
        raise BadText(what, expected="item, text, expected, inputs") from error
    paths = paths_in(expression.serialize(), ("inputs",))
    return Names(inputs=tuple(dict.fromkeys(path[1] for path in paths)))


def of_cell(text: str, item: Mapping[str, Any], said: str, expected: Any, inputs: Mapping[str, Any]) -> Any:
    """What a CEL expression gives for one cell: a bool, an int, a float or a text.

    `said` is the text that is looked at. Raises `StepFailed` (code `expression`) when it meets an error or
    gives anything else. The message never shows a value, since it may come from a model.
    """
    from cel_expr_python import cel

    try:
        answer = _compiled_for_cells(text).eval(
            data=_whole({"item": dict(item), "text": said, "expected": expected, "inputs": dict(inputs)})
        )
    except BadText as error:
        raise StepFailed(error.what, code="expression", got=error.got, hint=error.hint) from error
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise StepFailed("the expression cannot be worked out", code="expression", got=text[:200]) from error
    if answer.type() not in (cel.Type.BOOL, cel.Type.INT, cel.Type.UINT, cel.Type.DOUBLE, cel.Type.STRING):
        raise StepFailed("the expression gives no truth, number or text", code="expression", got=text[:200])
    return answer.plain_value()


def _without_nulls(value: Any) -> Any:
    """`value` without the keys that are null: CEL finds null unlike every number, and a claim must not pass by that."""
    match value:
        case dict():
            return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
        case list() | tuple():
            return [_without_nulls(inner) for inner in value]
        case _:
            return value


def _whole(value: Any) -> Any:
    """`value` with U+FFFD for each NUL: the library ends a text there, so that 'yes' would equal 'yes', NUL, 'no'."""
    match value:
        case str():
            return value.replace("\0", "\ufffd")
        case dict():
            return {_whole(key): _whole(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_whole(inner) for inner in value]
        case _:
            return value


class _UndeclaredNames(BadText):
    """The only fault is that names stand there which nobody declares."""

    def __init__(self, names: tuple[str, ...], kind: Kind) -> None:
        known = ", ".join(_ROOTS if kind in _WITH_METRICS else _ROOTS[:2])
        super().__init__(f"the condition names {names[0]!r}, which is not there", expected=known)
        self.names = names


@cache
def _environment() -> cel.Env:
    from cel_expr_python import cel

    mapping = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    return cel.NewEnv(variables={"inputs": mapping, "steps": mapping})


@cache
def _environment_of_claims() -> cel.Env:
    from cel_expr_python import cel

    mapping = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    return cel.NewEnv(variables={"inputs": mapping, "steps": mapping, "metrics": mapping})


@cache
def _environment_of_cells() -> cel.Env:
    from cel_expr_python import cel

    mapping = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    return cel.NewEnv(variables={"item": mapping, "text": cel.Type.STRING, "expected": cel.Type.DYN, "inputs": mapping})


@lru_cache(maxsize=256)
def _compiled_for_cells(text: str) -> cel.Expression:
    if len(text) > LONGEST_CONDITION:
        raise BadText(f"an expression is longer than {LONGEST_CONDITION} characters")
    try:
        return _environment_of_cells().compile(text)
    except RuntimeError as error:
        raise _fault(text, str(error)) from error


@lru_cache(maxsize=256)
def _compiled(text: str, kind: Kind) -> cel.Expression:
    from cel_expr_python import cel

    if len(text) > LONGEST_CONDITION:
        raise BadText(f"a condition is longer than {LONGEST_CONDITION} characters")
    try:
        expression = (_environment_of_claims() if kind in _WITH_METRICS else _environment()).compile(text)
    except RuntimeError as error:
        raise _fault(text, str(error), kind) from error
    gives = expression.return_type()
    if kind in _NUMBERS:
        if gives not in (cel.Type.INT, cel.Type.UINT, cel.Type.DOUBLE, cel.Type.DYN):
            raise BadText("this must be a number", expected="a value, such as steps.vote.agreement_ratio")
        return expression
    if gives not in (cel.Type.BOOL, cel.Type.DYN):
        raise BadText(
            "a condition must be true or false", expected="a comparison, such as steps.vote.agreement_ratio > 0.5"
        )
    return expression


def _fault(text: str, said: str, kind: Kind = "condition") -> BadText:
    places = [(int(m[1]), int(m[2]), m[3]) for m in _PLACE.finditer(said)]
    undeclared = [m[1] for _, _, what in places if (m := _UNDECLARED.search(what))]
    if places and len(undeclared) == len(places):
        return _UndeclaredNames(tuple(dict.fromkeys(undeclared)), kind)
    if not places:
        return BadText("this condition is nested too deeply or too large")
    line, column, what = next(p for p in places if not _UNDECLARED.search(p[2]))
    lines = text.splitlines()
    rest = lines[line - 1][column - 1 :][:40] if line <= len(lines) else ""
    is_syntax = what.startswith("Syntax error")
    return BadText(
        "this condition is not CEL" if is_syntax else "this condition compares or joins kinds that do not go together",
        line=line,
        got=f"{rest!r} at character {column}" if rest else "it ends too early",
    )
