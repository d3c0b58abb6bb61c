"""Rows of a Parquet file as plain JSON values, batch by batch. The only door to `pyarrow`, which is an extra."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from awo.errors import CannotCheck
from awo.workflow.datasets import BadData, Values

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_A_BATCH: Final = 2048

_EPOCH: Final = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - a column without time zone stays without
_UNITS: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}

_Convert = Callable[["pa.Array"], list[Any]]


def parquet_rows(stream: BinaryIO) -> Iterator[tuple[Values, int]]:
    """The rows with their numbers from 1. Decimals become text, times ISO text (UTC where the column has a zone).

    Raises `BadData` for a column that plain JSON cannot hold, and `CannotCheck` without pyarrow.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet as pq
    except ImportError as error:
        raise CannotCheck(
            "a Parquet file needs the package pyarrow, which is not installed", hint="pip install 'awo[parquet]'"
        ) from error
    try:
        file = pq.ParquetFile(stream)
        converters = _converters(file.schema_arrow)
        number = 0
        for batch in file.iter_batches(batch_size=ROWS_A_BATCH):
            columns = [converters[name](column) for name, column in zip(batch.schema.names, batch.columns, strict=True)]
            for values in zip(*columns, strict=True):
                number += 1
                yield dict(zip(converters, values, strict=True)), number
    except (pa.ArrowException, OSError) as error:
        raise BadData("the file is not Parquet, or it is damaged", got=str(error).splitlines()[0][:200]) from error
    except (OverflowError, ValueError) as error:
        raise BadData("a date lies outside the years 1 to 9999") from error


def _converters(schema: pa.Schema) -> dict[str, _Convert]:
    found: dict[str, _Convert] = {}
    for column in schema:
        if column.name in found:
            raise BadData(f"the column {column.name!r} stands here twice")
        if not column.name.strip():
            raise BadData("a column has no name", got=f"column {len(found) + 1} of {len(schema)}")
        found[column.name] = _converter(column.name, column.type)
    return found


def _converter(name: str, kind: pa.DataType) -> _Convert:
    """How an array of this type becomes plain values."""
    from pyarrow import types

    if types.is_dictionary(kind):
        inner = _converter(name, kind.value_type)
        return lambda array: inner(array.dictionary_decode())
    if types.is_timestamp(kind):
        return lambda array: [_instant(value, kind.unit, kind.tz) for value in _as_integers(array)]
    if types.is_time(kind):
        return lambda array: [_time_of_day(value, kind.unit) for value in _as_integers(array)]
    if types.is_date(kind):
        return lambda array: [None if value is None else value.isoformat() for value in array.to_pylist()]
    if types.is_decimal(kind):
        return lambda array: [None if value is None else format(value, "f") for value in array.to_pylist()]
    if types.is_floating(kind):
        return lambda array: [_finite(name, value) for value in array.to_pylist()]
    if _is_plain(kind):
        return lambda array: [_checked(name, value) for value in array.to_pylist()]
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        hint = "write text, or put the bytes into files and their paths into the column"
        raise BadData(f"the column {name!r} holds bytes, which are no plain value", hint=hint)
    raise BadData(
        f"the column {name!r} has a type that is not read",
        expected="text, numbers, true or false, times, decimals, and lists or structs of text and numbers",
        got=str(kind),
    )


def _is_plain(kind: pa.DataType) -> bool:
    """Whether pyarrow's own Python values are plain JSON, except for numbers that are none."""
    from pyarrow import types

    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _is_plain(kind.value_type)
    if types.is_struct(kind):
        return all(_is_plain(kind.field(index).type) for index in range(kind.num_fields))
    return bool(
        types.is_boolean(kind)
        or types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_null(kind)
    )


def _checked(name: str, value: Any) -> Any:
    if isinstance(value, (list, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            _checked(name, inner)
        return value
    return _finite(name, value) if isinstance(value, float) else value


def _finite(name: str, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise BadData(f"the column {name!r} holds a number that JSON has not", got=str(value))
    return value


def _as_integers(array: pa.Array) -> list[int | None]:
    import pyarrow as pa

    width = array.type.bit_width
    integers: list[int | None] = array.view(pa.int64() if width == 64 else pa.int32()).to_pylist()
    return integers


def _instant(value: int | None, unit: str, zone: str | None) -> str | None:
    if value is None:
        return None
    seconds, part = divmod(value, _UNITS[unit])
    try:
        whole = (_EPOCH + dt.timedelta(seconds=seconds)).isoformat()
    except OverflowError as error:
        raise BadData("a date lies outside the years 1 to 9999") from error
    return whole + _fraction(part, unit) + ("+00:00" if zone else "")


def _time_of_day(value: int | None, unit: str) -> str | None:
    if value is None:
        return None
    seconds, part = divmod(value, _UNITS[unit])
    return (_EPOCH + dt.timedelta(seconds=seconds)).time().isoformat() + _fraction(part, unit)


def _fraction(part: int, unit: str) -> str:
    digits = len(str(_UNITS[unit])) - 1
    return f".{part:0{digits}d}" if part else ""
