"""Tables as data frames of the library that is installed. The only door to pandas and polars."""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

from awo.errors import CannotCheck, UsageError
from awo.publish.columns import Kind, Table, as_kind, kinds_of

FrameKind = Literal["polars", "pandas", "arrow", "rows"]
LIBRARIES: Final = ("polars", "pandas", "arrow")
"""The order in which a library is looked for."""

MISSING: Final = "pip install polars, or pandas, or 'awo[parquet]' for pyarrow; as_=\"rows\" needs none"


def frame_of(table: Table, as_: str | None = None) -> Any:
    """The table as a frame of polars or pandas, an Arrow table, or a list of rows (dict by column).

    Without `as_`, the first that is installed of polars, pandas and pyarrow. A column of the kind `json` is
    text in a frame, and the value itself in rows. In pandas, columns have the types that know a missing
    value (`string`, `Int64`, `Float64`, `boolean`). Raises `CannotCheck` naming what is not installed.
    """
    if as_ == "rows":
        return list(table.rows)
    if as_ is not None and as_ not in LIBRARIES:
        raise UsageError("there is no such frame", where="as_", expected=", ".join(get_args(FrameKind)), got=repr(as_))
    missing: ImportError | CannotCheck | None = None
    for library in LIBRARIES if as_ is None else (as_,):
        try:
            return _FRAMES[library](table)
        except (ImportError, CannotCheck) as error:
            missing = error
    raise CannotCheck(
        "no library for data frames is installed" if as_ is None else f"{as_} is not installed", hint=MISSING
    ) from missing


def _polars(table: Table) -> Any:
    import polars as pl

    types: dict[Kind, Any] = {
        "text": pl.String,
        "int": pl.Int64,
        "float": pl.Float64,
        "bool": pl.Boolean,
        "json": pl.String,
    }
    kinds, columns = _columns(table)
    return pl.DataFrame(columns, schema={name: types[kind] for name, kind in kinds.items()})


def _pandas(table: Table) -> Any:
    import pandas as pd

    types: dict[Kind, Any] = {
        "text": "string",
        "int": "Int64",
        "float": "Float64",
        "bool": "boolean",
        "json": "string",
    }
    kinds, columns = _columns(table)
    made = {name: pd.array(values, dtype=types[kinds[name]]) for name, values in columns.items()}
    return pd.DataFrame(made, columns=list(kinds))


def _arrow(table: Table) -> Any:
    from awo.publish.arrow_tables import arrow_table

    return arrow_table(table)


_FRAMES: Final = {"polars": _polars, "pandas": _pandas, "arrow": _arrow}


def _columns(table: Table) -> tuple[dict[str, Kind], dict[str, list[Any]]]:
    rows = list(table.rows)
    kinds = kinds_of(Table(table.names, table.fixed, rows))
    return kinds, {name: [as_kind(row[name], kind) for row in rows] for name, kind in kinds.items()}
