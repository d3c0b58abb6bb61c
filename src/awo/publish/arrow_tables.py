"""Tables as Arrow and Parquet. With `workflow/parquet.py` the only door to `pyarrow`, which is an extra."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Final

from awo.errors import CannotCheck
from awo.publish.columns import Kind, Row, Table, as_kind, kinds_of

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_A_GROUP: Final = 4096


def write_parquet(table: Table, stream: IO[bytes]) -> int:
    """Writes the table in groups of rows; gives how many rows there are. Raises `CannotCheck` without pyarrow."""
    arrow = _arrow()
    from pyarrow import parquet

    kinds = kinds_of(table)
    schema = _schema(arrow, kinds)
    count = 0
    with parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        for rows in _groups(table):
            count += len(rows)
            writer.write_table(_of_rows(arrow, schema, kinds, rows))
    return count


def arrow_table(table: Table) -> pa.Table:
    """The whole table in memory. Raises `CannotCheck` without pyarrow."""
    arrow = _arrow()
    kinds = kinds_of(table)
    schema = _schema(arrow, kinds)
    parts = [_of_rows(arrow, schema, kinds, rows) for rows in _groups(table)]
    return arrow.concat_tables(parts) if parts else schema.empty_table()


def _arrow() -> Any:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise CannotCheck(
            "this needs the package pyarrow, which is not installed", hint="pip install 'awo[parquet]'"
        ) from error
    return pa


def _schema(arrow: Any, kinds: Mapping[str, Kind]) -> pa.Schema:
    types = {
        "text": arrow.string(),
        "int": arrow.int64(),
        "float": arrow.float64(),
        "bool": arrow.bool_(),
        "json": arrow.string(),
    }
    return arrow.schema([(name, types[kind]) for name, kind in kinds.items()])


def _of_rows(arrow: Any, schema: pa.Schema, kinds: Mapping[str, Kind], rows: list[Row]) -> pa.Table:
    columns = {name: [as_kind(row[name], kind) for row in rows] for name, kind in kinds.items()}
    return arrow.table(columns, schema=schema)


def _groups(table: Table) -> Iterator[list[Row]]:
    rows = iter(table.rows)
    while group := list(islice(rows, ROWS_A_GROUP)):
        yield group
