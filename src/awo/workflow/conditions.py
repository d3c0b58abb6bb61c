"""Conditions: CEL expressions over `inputs` and `steps` that are true or false."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from awo.errors import StepFailed
from awo.workflow.names import BadText, Names

if TYPE_CHECKING:
    from cel_expr_python import cel  # type: ignore[import-untyped]

LONGEST_CONDITION: Final = 10_000

_PLACE = re.compile(r"<input>:(\d+):(\d+): (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")

# Field numbers of cel.expr (github.com/google/cel-spec, proto/cel/expr): the tree that the compiler gives out.
_ANY_VALUE, _CHECKED_EXPR = 2, 4
_CONSTANT, _IDENTIFIER, _SELECT, _CALL = 3, 4, 5, 6
_STRING_CONSTANT = 6
_INDEX_FUNCTION = b"_[_]"


def check(text: str) -> None:
    """Raises `BadText` when `text` is no condition of ours."""
    _compiled(text)


def names_used(text: str) -> Names:
    """What `text` refers to. Raises `BadText` when it cannot be read or says `steps` without a step."""
    try:
        expression = _compiled(text)
    except _UndeclaredNames as error:
        return Names(unknown=error.names)
    inputs: dict[str, None] = {}
    steps: dict[str, None] = {}
    checked = dict(_fields(expression.serialize()))[_ANY_VALUE]
    _collect(dict(_fields(checked))[_CHECKED_EXPR], inputs, steps)
    return Names(tuple(inputs), tuple(steps))


def is_true(text: str, inputs: Mapping[str, Any], steps: Mapping[str, Any]) -> bool:
    """Whether the condition holds for these values.

    Raises `StepFailed` (code `condition`) when it meets an error or is neither true nor false. The
    message never shows a value, since it may come from a model.
    """
    from cel_expr_python import cel

    try:
        named = {name: steps[name] for name in names_used(text).steps if name in steps}
        answer = _compiled(text).eval(data={"inputs": dict(inputs), "steps": named})
    except BadText as error:
        raise StepFailed(error.what, code="condition", got=error.got, hint=error.hint) from error
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise StepFailed("the condition cannot be worked out", code="condition") from error
    kind = answer.type()
    if kind == cel.Type.ERROR:
        said = str(answer.value())
        if said.startswith("NOT_FOUND"):
            what, hint = "the condition names a key that is not there", "ask with has(…) first"
        elif "overload" in said:
            what, hint = "the condition compares or joins values of kinds that do not go together", ""
        else:
            what, hint = "the condition cannot be worked out", ""
        raise StepFailed(what, code="condition", got=text[:200], hint=hint)
    if kind != cel.Type.BOOL:
        raise StepFailed("the condition is neither true nor false", code="condition", got=text[:200])
    return bool(answer.plain_value())


def check_cell_expression(text: str) -> None:
    """Raises `BadText` when `text` is no CEL expression over `item`, `text`, `expected` and `inputs`."""
    _compiled_for_cells(text)


def of_cell(text: str, item: Mapping[str, Any], said: str, expected: Any, inputs: Mapping[str, Any]) -> Any:
    """What a CEL expression gives for one cell: a bool, an int, a float or a text.

    `said` is the text that is looked at. Raises `StepFailed` (code `expression`) when it meets an error or
    gives anything else. The message never shows a value, since it may come from a model.
    """
    from cel_expr_python import cel

    try:
        answer = _compiled_for_cells(text).eval(
            data={"item": dict(item), "text": said, "expected": expected, "inputs": dict(inputs)}
        )
    except BadText as error:
        raise StepFailed(error.what, code="expression", got=error.got, hint=error.hint) from error
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise StepFailed("the expression cannot be worked out", code="expression", got=text[:200]) from error
    if answer.type() not in (cel.Type.BOOL, cel.Type.INT, cel.Type.UINT, cel.Type.DOUBLE, cel.Type.STRING):
        raise StepFailed("the expression gives no truth, number or text", code="expression", got=text[:200])
    return answer.plain_value()


class _UndeclaredNames(BadText):
    """The only fault is that names stand there which nobody declares."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(f"the condition names {names[0]!r}, which is not there", expected="inputs, steps")
        self.names = names


@cache
def _environment() -> cel.Env:
    from cel_expr_python import cel

    mapping = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    return cel.NewEnv(variables={"inputs": mapping, "steps": mapping})


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
def _compiled(text: str) -> cel.Expression:
    from cel_expr_python import cel

    if len(text) > LONGEST_CONDITION:
        raise BadText(f"a condition is longer than {LONGEST_CONDITION} characters")
    try:
        expression = _environment().compile(text)
    except RuntimeError as error:
        raise _fault(text, str(error)) from error
    if expression.return_type() not in (cel.Type.BOOL, cel.Type.DYN):
        raise BadText(
            "a condition must be true or false", expected="a comparison, such as steps.vote.agreement_ratio > 0.5"
        )
    return expression


def _fault(text: str, said: str) -> BadText:
    places = [(int(m[1]), int(m[2]), m[3]) for m in _PLACE.finditer(said)]
    undeclared = [m[1] for _, _, what in places if (m := _UNDECLARED.search(what))]
    if places and len(undeclared) == len(places):
        return _UndeclaredNames(tuple(dict.fromkeys(undeclared)))
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


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The length-delimited fields of a protocol buffer message, in order; numbers are passed over."""
    index = 0
    while index < len(message):
        tag, index = _varint(message, index)
        match tag & 7:
            case 0:
                _, index = _varint(message, index)
            case 1:
                index += 8
            case 2:
                length, index = _varint(message, index)
                yield tag >> 3, message[index : index + length]
                index += length
            case _:
                index += 4


def _varint(message: bytes, index: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[index]
        index += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, index
        shift += 7


def _collect(expr: bytes, inputs: dict[str, None], steps: dict[str, None]) -> None:
    """Notes what `inputs.` and `steps.` are followed by anywhere in an expression."""
    for number, content in _fields(expr):
        if number == _IDENTIFIER and dict(_fields(content)).get(1) == b"steps":
            raise BadText(
                "'steps' must be followed by a name", expected='steps.ID, or steps["ID"] for an id with a hyphen'
            )
        reference = _reference(number, content)
        if reference:
            (inputs if reference[0] == b"inputs" else steps)[reference[1].decode()] = None
        elif number not in (_CONSTANT, _IDENTIFIER):
            for inner in _expressions_in(number, content):
                _collect(inner, inputs, steps)


def _reference(number: int, content: bytes) -> tuple[bytes, bytes] | None:
    """The pair (`inputs` or `steps`, name) that a selection or an index means; None when it means neither."""
    fields = list(_fields(content))
    if number == _SELECT:
        parts = dict(fields)
        root, name = _identifier(parts.get(1, b"")), parts.get(2, b"")
    elif number == _CALL and dict(fields).get(2) == _INDEX_FUNCTION:
        operands = [inner for field, inner in fields if field == 3]
        root, name = _identifier(operands[0]), _text(operands[1])
    else:
        return None
    return (root, name) if root in (b"inputs", b"steps") and name else None


def _identifier(expr: bytes) -> bytes:
    return next((dict(_fields(c)).get(1, b"") for n, c in _fields(expr) if n == _IDENTIFIER), b"")


def _text(expr: bytes) -> bytes:
    return next((dict(_fields(c)).get(_STRING_CONSTANT, b"") for n, c in _fields(expr) if n == _CONSTANT), b"")


# Which fields of each kind of expression hold expressions, and which hold entries whose fields 3 and 4 do
# (a key and a value). Select 5, call 6, list 7, struct 8, comprehension 9.
_INNER: Final = {_SELECT: (1,), _CALL: (1, 3), 7: (1,), 9: (2, 4, 5, 6, 7)}


def _expressions_in(number: int, content: bytes) -> Iterator[bytes]:
    for field, inner in _fields(content):
        if field in _INNER.get(number, ()):
            yield inner
        elif number == 8 and field == 2:
            yield from (part for part_number, part in _fields(inner) if part_number in (3, 4))
