"""Prompts and other texts with `{{ inputs.NAME }}`, `{{ steps.ID.FIELD }}`, `{{ item.COLUMN }}`: Jinja2, cut down.

A template can read what it is given and shape it into text, and nothing else: loops, conditions,
variables and a list of pure filters; no macros, no includes, no chance, no clock. Loops and texts
are bounded. A text of literals and plain references, the usual case, never wakes Jinja2.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from awo.errors import StepFailed
from awo.workflow.cells import Cell
from awo.workflow.names import CELL_NAMES, BadText, Names

LONGEST_TEMPLATE: Final = 1_000_000
LONGEST_RESULT: Final = 10_000_000

# {{ steps.vote.consensus_text }}, {{ item['a b'][0].text }}: what can be filled in without Jinja2.
_REFERENCE = re.compile(
    r"""\{\{\s*(?:(inputs|steps|item|matrix)((?:\.[A-Za-z_][A-Za-z0-9_]*|\['[^'\\\n]*'\]|\["[^"\\\n]*"\]|\[[0-9]{1,9}\])+)"""
    r"""|(item|matrix|repeat))\s*\}\}"""
)
_PART = re.compile(r"""\.([A-Za-z_][A-Za-z0-9_]*)|\['([^']*)'\]|\["([^"]*)"\]|\[([0-9]+)\]""")

Part = str | tuple[str | int, ...]


def is_template(text: str) -> bool:
    """Whether anything in `text` is filled in."""
    return "{{" in text or "{%" in text or "{#" in text


def names_used(text: str) -> Names:
    """What `text` refers to. Raises `BadText` when it is no template of ours."""
    parts = _plain_parts(text)
    if parts is None:
        from awo.workflow import sandbox

        return sandbox.names_of(sandbox.parsed(text))
    found: dict[str, dict[str, None]] = {"inputs": {}, "steps": {}, "item": {}, "matrix": {}}
    cell: dict[str, None] = {}
    for part in parts:
        if isinstance(part, tuple):
            root = str(part[0])
            if root in CELL_NAMES:
                cell[root] = None
            if len(part) > 1:
                found[root][str(part[1])] = None
    return Names(
        inputs=tuple(found["inputs"]),
        steps=tuple(found["steps"]),
        cell=tuple(cell),
        columns=tuple(found["item"]),
        matrix=tuple(found["matrix"]),
    )


def names_of_cells(text: str) -> tuple[tuple[str, str], ...]:
    """What follows `item.row.` and `item.matrix.` in `text`, such as `("row", "answer")`, each once.

    Raises `BadText` as `names_used` does.
    """
    parts = _plain_parts(text)
    if parts is None:
        from awo.workflow import sandbox

        return sandbox.names_of_cells(sandbox.parsed(text))
    deep = [part for part in parts if isinstance(part, tuple) and len(part) > 2 and part[0] == "item"]
    return tuple(dict.fromkeys((str(part[1]), str(part[2])) for part in deep if part[1] in ("row", "matrix")))


def render(text: str, *, inputs: Mapping[str, Any], steps: Mapping[str, Any], cell: Cell | None = None) -> str:
    """`text` filled in: texts as they are, every other value as JSON. `cell` is the place of a fan-out, if any.

    Raises `StepFailed` (code `template`) for a name that is not there, a text of more than 10 MB,
    loops that go round too often, and whatever else goes wrong while filling in.
    """
    try:
        parts = _plain_parts(text)
        if parts is None:
            from awo.workflow import sandbox

            return sandbox.render(text, _roots(inputs, steps, cell))
        return text if len(parts) == 1 else _filled_in(parts, _roots(inputs, steps, cell))
    except BadText as error:
        raise _failed(error) from error


def fill(value: Any, *, inputs: Mapping[str, Any], steps: Mapping[str, Any], cell: Cell | None = None) -> Any:
    """`value` with every text in it filled in; a text that is one plain reference becomes the value itself.

    Keys of mappings stay as they are. Raises as `render`.
    """
    if isinstance(value, str):
        if not is_template(value):
            return value
        if (path := sole_reference(value)) is None:
            return render(value, inputs=inputs, steps=steps, cell=cell)
        try:
            return _looked_up(path, _roots(inputs, steps, cell))
        except BadText as error:
            raise _failed(error) from error
    if isinstance(value, Mapping):
        return {key: fill(inner, inputs=inputs, steps=steps, cell=cell) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill(inner, inputs=inputs, steps=steps, cell=cell) for inner in value]
    return value


def sole_reference(text: str) -> tuple[str | int, ...] | None:
    """The path of the one plain reference that `text` is, such as `("matrix", "model")`; else None.

    Raises `BadText` when `text` is too long to be a template.
    """
    match _plain_parts(text):
        case ("", tuple(path), ""):
            return path
        case _:
            return None


def as_text(value: Any) -> str:
    """How a value looks inside a text: text as it is, anything else as one line of JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadText("this cannot be written into a text", got=type(value).__name__) from error


def not_there(name: str) -> BadText:
    """The error for a name that a value does not have."""
    return BadText(f"the template names {name!r}, which is not there")


@lru_cache(maxsize=256)
def _plain_parts(text: str) -> tuple[Part, ...] | None:
    """Literal texts and references in turn; None when only Jinja2 can read `text`."""
    if len(text) > LONGEST_TEMPLATE and is_template(text):
        raise BadText(f"a template is longer than {LONGEST_TEMPLATE} characters")
    if not is_template(text):
        return (text,)
    if "{%" in text or "{#" in text or "\r" in text:
        return None
    parts: list[Part] = []
    index = 0
    while (start := text.find("{{", index)) >= 0:
        match = _REFERENCE.match(text, start)
        if match is None:
            return None
        path = tuple(int(p[3]) if p[3] else p[0] or p[1] or p[2] for p in _PART.findall(match[2] or ""))
        if path and isinstance(path[0], int):
            return None
        parts += (text[index:start], (match[1] or match[3], *path))
        index = match.end()
    parts.append(text[index:])
    return tuple(parts)


def _roots(inputs: Mapping[str, Any], steps: Mapping[str, Any], cell: Cell | None) -> dict[str, Any]:
    """What a template may begin a reference with."""
    if cell is None:
        return {"inputs": inputs, "steps": steps}
    return {"inputs": inputs, "steps": steps, "item": cell.row, "matrix": cell.matrix, "repeat": cell.repeat}


def _filled_in(parts: tuple[Part, ...], roots: Mapping[str, Any]) -> str:
    pieces: list[str] = []
    length = 0
    for part in parts:
        pieces.append(part if isinstance(part, str) else as_text(_looked_up(part, roots)))
        length += len(pieces[-1])
        if length > LONGEST_RESULT:
            raise BadText(f"the text is longer than {LONGEST_RESULT} characters")
    return "".join(pieces)


def _looked_up(path: tuple[str | int, ...], roots: Mapping[str, Any]) -> Any:
    value: Any = roots
    for name in path:
        is_fitting = isinstance(value, (dict, Mapping)) if isinstance(name, str) else isinstance(value, (list, str))
        if not is_fitting:
            raise not_there(str(name))
        try:
            value = value[name]
        except LookupError as error:
            raise not_there(str(name)) from error
    return value


def _failed(error: BadText) -> StepFailed:
    return StepFailed(
        error.what,
        code="template",
        where=f"line {error.line} of the template" if error.line else "",
        expected=error.expected,
        got=error.got,
        hint=error.hint,
    )
