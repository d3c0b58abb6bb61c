"""Parquet files become plain JSON values, or are refused with the column that cannot."""

from __future__ import annotations

import datetime as dt
import decimal
import io
import sys
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from awo.errors import CannotCheck
from awo.workflow import parquet
from awo.workflow.datasets import BadData, read_rows, read_values


def _file(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def _values(array: pa.Array) -> list[Any]:
    return [values["x"] for values, _ in read_values(_file(pa.table({"x": array})), "parquet")]


@pytest.mark.parametrize(
    ("array", "values"),
    [
        (pa.array(["a", None, "é"]), ["a", None, "é"]),
        (pa.array([1, 2**62, None]), [1, 2**62, None]),
        (pa.array([0.5, None]), [0.5, None]),
        (pa.array([True, False]), [True, False]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
        (pa.array([[1, 2], None, []]), [[1, 2], None, []]),
        (pa.array([{"k": "v", "n": [1]}]), [{"k": "v", "n": [1]}]),
        (pa.array([decimal.Decimal("1.50"), None]), ["1.50", None]),
        (pa.array([dt.date(2026, 11, 23), None]), ["2026-11-23", None]),
        (pa.array([dt.time(1, 2, 3, 4), None]), ["01:02:03.000004", None]),
        (
            pa.array([0, 1, -1], pa.timestamp("s")),
            ["1970-01-01T00:00:00", "1970-01-01T00:00:01", "1969-12-31T23:59:59"],
        ),
        (pa.array([1_500, None], pa.timestamp("ms")), ["1970-01-01T00:00:01.500", None]),
        (pa.array([1], pa.timestamp("ns")), ["1970-01-01T00:00:00.000000001"]),
        (pa.array([0], pa.timestamp("us", tz="Europe/Vienna")), ["1970-01-01T00:00:00+00:00"]),
        (pa.array([None], pa.null()), [None]),
    ],
)
def test_a_column_becomes_plain_values(array: pa.Array, values: list[Any]) -> None:
    assert _values(array) == values


@pytest.mark.parametrize(
    ("array", "what"),
    [
        (pa.array([b"x"]), "the column 'x' holds bytes, which are no plain value"),
        (pa.array([dt.timedelta(1)]), "the column 'x' has a type that is not read"),
        (pa.array([[dt.date(2026, 1, 1)]]), "the column 'x' has a type that is not read"),
        (pa.array([float("nan")]), "the column 'x' holds a number that JSON has not"),
        (pa.array([[float("inf")]]), "the column 'x' holds a number that JSON has not"),
        (pa.array([2**31 - 1], pa.int32()).view(pa.date32()), "a date lies outside the years 1 to 9999"),
        (pa.array([2**50], pa.timestamp("s")), "a date lies outside the years 1 to 9999"),
    ],
)
def test_what_json_cannot_hold_is_refused(array: pa.Array, what: str) -> None:
    with pytest.raises(BadData) as caught:
        _values(array)
    assert caught.value.what == what


def test_rows_come_batch_by_batch_with_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROWS_A_BATCH", 3)
    data = _file(pa.table({"a": list(range(8)), "b c": [str(n) for n in range(8)]}))
    rows = list(read_rows(data, "parquet", "b c", limit=7))
    assert [row.line for row in rows] == list(range(1, 8))
    assert rows[-1].id == "6"
    assert rows[-1].values == {"a": 6, "b c": "6"}


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", _file(pa.table({"x": ["a" * 100] * 100}))[:-20]])
def test_a_file_that_is_not_parquet_is_refused(data: bytes) -> None:
    with pytest.raises(BadData) as caught:
        list(read_values(data, "parquet"))
    assert caught.value.what == "the file is not Parquet, or it is damaged"


def test_without_pyarrow_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CannotCheck) as caught:
        list(read_values(b"", "parquet"))
    assert caught.value.hint == "pip install 'awo[parquet]'"
