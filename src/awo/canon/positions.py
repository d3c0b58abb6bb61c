"""Where a value stands in a text, and the list of what is wrong with it."""

from __future__ import annotations

from typing import Final, NamedTuple, NoReturn

from awo.errors import Problem

DEEPEST: Final = 64

Path = tuple[str | int, ...]


class Position(NamedTuple):
    """A place in a text: line and column count from 1, columns in characters; (0, 0) is the whole text."""

    line: int
    column: int


class Positions:
    """Where values and keys start, by their path from the top of the file."""

    def __init__(self) -> None:
        self.values: dict[Path, Position] = {}
        self.keys: dict[Path, Position] = {}

    def value(self, path: Path) -> Position:
        """Where the value at `path` starts; when the text has none, where the nearest value around it starts."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Position(0, 0))

    def key(self, path: Path) -> Position:
        """Where the last key of `path` stands; when the text has none, as `value`."""
        return self.keys.get(path) or self.value(path)


class Stop(Exception):
    """Reading cannot go on; `Trouble` says why."""


class Trouble:
    """The problems found in one text so far."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def add(self, at: Position, what: str, *, expected: str = "", got: str = "", hint: str = "") -> None:
        """Notes a problem and goes on."""
        self.problems.append(Problem(self.file, at.line, at.column, what, expected, got, hint))

    def stop(self, at: Position, what: str, *, expected: str = "", got: str = "", hint: str = "") -> NoReturn:
        """Notes a problem after which nothing can be read."""
        self.add(at, what, expected=expected, got=got, hint=hint)
        raise Stop

    def too_large(self, at: Position, spelled: str) -> None:
        """A number that not every reader of JSON holds without loss."""
        shown = spelled if len(spelled) <= 40 else f"{spelled[:37]}…"
        self.add(at, "a number is too large", expected="less than 2^53 in size", got=shown, hint="write it as text")

    def not_a_number(self, at: Position, spelled: str) -> None:
        """Infinity or NaN, which JSON does not have."""
        self.add(at, "this is no number that JSON has", expected="a finite number", got=spelled)
