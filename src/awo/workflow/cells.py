"""The cells of a step that fans out: each row, each combination of the matrix, each repeat; in this order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, Final

import msgspec

from awo.workflow.datasets import Row

MOST_CELLS: Final = 10_000_000


class Cell(msgspec.Struct, frozen=True, gc=False):
    """One place of a fan-out: what templates see as `item`, `matrix` and `repeat`, and the row's id.

    `index` counts from 0 over the whole step; `repeat` counts from 0. Without a row, `item_id` is ''.
    """

    index: int
    item_id: str
    row: Mapping[str, Any]
    matrix: Mapping[str, Any]
    repeat: int


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a cell lies: its row's number from 0, its matrix values, its repeat from 0."""

    row: int
    matrix: Mapping[str, Any]
    repeat: int


NO_ROWS: Final = (Row("", {}, 0),)
"""What a step without a data set goes over: once, without a row."""


def count(rows: int, matrix: Mapping[str, Sequence[Any]], repeats: int) -> int:
    """How many cells there are; `rows` is 1 for a step that goes over nothing."""
    return rows * cells_a_row(matrix, repeats)


def cells_a_row(matrix: Mapping[str, Sequence[Any]], repeats: int) -> int:
    """How many cells each row has."""
    return prod(len(values) for values in matrix.values()) * repeats


def combinations(matrix: Mapping[str, Sequence[Any]]) -> tuple[dict[str, Any], ...]:
    """Every combination of the matrix, its last name turning fastest; one empty combination for an empty matrix."""
    return tuple(dict(zip(matrix, values, strict=True)) for values in product(*matrix.values()))


def cells(rows: Iterable[Row], matrix: Mapping[str, Sequence[Any]], repeats: int) -> Iterator[Cell]:
    """The cells of all rows in order: rows slowest, then the matrix, then repeats."""
    turns = combinations(matrix)
    index = 0
    for row in rows:
        for values in turns:
            for repeat in range(repeats):
                yield Cell(index, row.id, row.values, values, repeat)
                index += 1


def place_of(index: int, matrix: Mapping[str, Sequence[Any]], repeats: int) -> Place:
    """The place of cell `index`, without going through those before it; the first one where there are no cells."""
    if not cells_a_row(matrix, repeats):
        return Place(0, {}, 0)
    rest, repeat = divmod(index, repeats)
    values: dict[str, Any] = {}
    for name in reversed(list(matrix)):
        rest, at = divmod(rest, len(matrix[name]))
        values[name] = matrix[name][at]
    return Place(rest, {name: values[name] for name in matrix}, repeat)


def row_id(item_id: str, matrix: Mapping[str, Any], repeat: int) -> str:
    """The id of a cell as a row of a step over it: that of its own row, with what tells its cells apart behind it."""
    parts = [item_id] if item_id else []
    parts += [f"{name}={msgspec.json.encode(value).decode()}" for name, value in matrix.items()]
    parts += [f"repeat={repeat}"] if repeat or not parts else []
    return " ".join(parts)
