"""One thing wrong with a value, before it is known where in the file the value stands; and how values are described."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from awo.canon.located import Source
from awo.canon.positions import Path
from awo.errors import Problem, WorkflowInvalid


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a value, at `path` inside it; `is_key` when the key itself is wrong."""

    path: Path
    what: str
    expected: str = ""
    got: str = ""
    hint: str = ""
    is_key: bool = False

    def below(self, place: Path) -> Fault:
        """The same fault, seen from further out."""
        return replace(self, path=(*place, *self.path))


def named(path: Path) -> str:
    """How a sentence names the value at `path`."""
    names = [p for p in path if isinstance(p, str)]
    if path and isinstance(path[-1], int):
        return f"item {path[-1] + 1} of {names[-1]!r}" if names else f"item {path[-1] + 1}"
    return repr(names[-1]) if names else "this"


def described_value(value: Any) -> str:
    """What a value is, in a few words; text is shown in quotes and cut short."""
    match value:
        case None:
            return "nothing (null)"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {value!r}" if len(value) <= 60 else f"the text {value[:57]!r}…"
        case list():
            return "a list" if value else "an empty list"
        case dict():
            return "a mapping of keys to values" if value else "an empty mapping"
        case _:
            return type(value).__name__


def invalid(source: Source, faults: Sequence[Fault]) -> WorkflowInvalid:
    """The error that carries every fault, in the order of the file; for this the file is read a second time."""
    positions = source.positions()
    problems: list[Problem] = []
    for fault in faults:
        at = positions.key(fault.path) if fault.is_key else positions.value(fault.path)
        problems.append(Problem(source.file, at.line, at.column, fault.what, fault.expected, fault.got, fault.hint))
    problems.sort(key=lambda problem: (problem.line, problem.column))
    return WorkflowInvalid(tuple(dict.fromkeys(problems)))
