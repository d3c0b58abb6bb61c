"""Which lines a metric, a comparison or an agreement is about: the names it says, held against those that are there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from awo.derive.statistics.factors import Factor, label_of
from awo.derive.statistics.table import ABSENT, PRESENT, UNUSABLE, Column, Table
from awo.errors import StepFailed
from awo.plugins import nearest

NUMBERS: Final = ("test", "grade", "measure")
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Chosen:
    """The lines that have a score and fit `where`.

    `values` are its numbers, 0 where a test or a grade is missing, NaN where a measure is. `missing` marks the
    lines that failed or have none. `why` says why there are no lines, or that some numbers could not be used.
    """

    column: Column
    lines: NDArray[np.intp]
    values: NDArray[np.float64]
    missing: NDArray[np.bool_]
    why: str

    def only(self, mask: NDArray[np.bool_]) -> Chosen:
        """Those of the lines that `mask` has."""
        return Chosen(self.column, self.lines[mask], self.values[mask], self.missing[mask], self.why)


def column_of(table: Table, name: str, kinds: Collection[str], where: str) -> Column:
    """The score `name`, which must be of one of `kinds`. Raises `StepFailed`: `no_such_score`, `score_type`."""
    kind = table.kinds.get(name)
    if kind is None:
        raise _unknown(table, "no_such_score", "score", name, table.kinds, where)
    if kind not in kinds:
        raise StepFailed(
            f"the score {name!r} is of the type {kind}, which cannot be used here",
            code="score_type",
            where=_place(table, where),
            expected=" or ".join(kinds),
            is_final=True,
        )
    return table.columns[name]


def factor_of(table: Table, name: str, where: str) -> Factor:
    """The factor `name`. Raises `StepFailed` `no_such_factor` where there are lines and none has it."""
    if table.lines and name not in table.factor_names:
        raise _unknown(table, "no_such_factor", "factor", name, table.factor_names, where)
    return table.factors[name]


def code_of(table: Table, name: str, value: Any, where: str) -> int | None:
    """The code of a value that must be there; None without lines. Raises `StepFailed` `no_such_value`."""
    factor = factor_of(table, name, where)
    code = factor.code_of(value)
    if code is None and table.lines:
        known = {label_of(there): None for there in factor.values}
        raise _unknown(table, "no_such_value", f"answer with the {name}", label_of(value), known, where)
    return code


def chosen_lines(table: Table, column: Column, where: Mapping[str, Any], place: str) -> Chosen:
    """The lines of `column` that fit `where`. Raises `StepFailed` `no_such_factor`."""
    mask = column.state != ABSENT
    why = "" if mask.any() else "no answer has this score"
    for name, value in where.items():
        factor = factor_of(table, name, f"{place}.where")
        code = factor.code_of(value)
        if code is None:
            why = why or _no_answer(name, value, factor)
            mask = np.zeros_like(mask)
        else:
            mask = mask & (factor.codes == code)
    if not why and not mask.any():
        why = "no answer fits `where`"
    lines = np.flatnonzero(mask)
    return _chosen(table, column, lines, why)


def _chosen(table: Table, column: Column, lines: NDArray[np.intp], why: str) -> Chosen:
    state, values = column.state[lines], column.numbers[lines]
    missing = state != PRESENT
    if column.kind in ("test", "grade"):
        values = np.where(missing, 0.0, values)
        missing = missing | table.failed[lines]
    unusable = int(np.count_nonzero(state == UNUSABLE))
    if unusable and not why:
        why = f"{unusable} of the scores are numbers that cannot be computed with, and count as missing"
    return Chosen(column, lines, values, missing, why)


def _no_answer(name: str, value: Any, factor: Factor) -> str:
    near = nearest(label_of(value), [label_of(there) for there in factor.values])
    return f"no answer has {name} = {shown(label_of(value))}" + (f"; {shown(near)} is near" if near else "")


def shown(text: str) -> str:
    """A value in a sentence: quoted, and cut where it is long."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def _unknown(table: Table, code: str, kind: str, name: str, known: Collection[str], where: str) -> StepFailed:
    names = sorted(known)
    near = nearest(name, names)
    return StepFailed(
        f"there is no {kind} {shown(name)}",
        code=code,
        where=_place(table, where),
        expected=", ".join(shown(each)[1:-1] for each in names[:_SHOWN]) or "no name: there are none",
        hint=f"did you mean {shown(near)}?" if near else "",
        is_final=True,
    )


def _place(table: Table, where: str) -> str:
    return f"step {table.step}, {where}"
