"""A run as one table in a file: CSV, JSON lines or Parquet, written row by row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from awo.canon.json import encode_sorted
from awo.errors import UsageError
from awo.publish.columns import Row, Table, as_kind, responses_table
from awo.publish.placing import new_file, refuse_place
from awo.publish.run_reader import RunReader

FORMATS: Final = (".csv", ".jsonl", ".parquet")

FORMULA_SIGNS: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""With one of these a text begins that spreadsheets take for a formula (OWASP, CSV injection). The last four
are the wide forms of the first four."""


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table on disk. `formula_like` counts the texts that a spreadsheet could take for a formula: in a CSV
    file that was made safe they have a mark before them, else they stand as they are."""

    path: Path
    rows: int
    columns: tuple[str, ...]
    formula_like: int


def export_table(folder: Path, out: Path, *, safe_for_spreadsheets: bool = False) -> TableFile:
    """Writes every response of the run in `folder`, with its scores, to `out`, in the format that its name ends in.

    Texts are exact unless `safe_for_spreadsheets` puts an apostrophe before those of a CSV file that begin
    like a formula. A file that is there is kept when its bytes are the same, and refused otherwise. Raises
    `UsageError`, `EvidenceError` for a run that is altered, `CannotCheck` without pyarrow, `DiskTrouble`.
    """
    kind = out.suffix.lower()
    if kind not in FORMATS:
        raise UsageError(
            "the name of a table says its format", where=str(out), expected=", ".join(f"NAME{one}" for one in FORMATS)
        )
    if safe_for_spreadsheets and kind != ".csv":
        raise UsageError("only a CSV file is made safe for spreadsheets", where=str(out), expected="NAME.csv")
    refuse_place(folder, out, "--table")
    table = responses_table(RunReader(folder))
    with new_file(out, "--table") as stream:
        if kind == ".parquet":
            from awo.publish.arrow_tables import write_parquet

            return TableFile(out, write_parquet(table, stream), table.names, 0)
        if kind == ".jsonl":
            return TableFile(out, _write_json_lines(table, stream), table.names, 0)
        rows, formula_like = write_csv(table, stream, safe_for_spreadsheets=safe_for_spreadsheets)
        return TableFile(out, rows, table.names, formula_like)


def write_csv(table: Table, stream: IO[bytes], *, safe_for_spreadsheets: bool = False) -> tuple[int, int]:
    """RFC 4180 in UTF-8: texts in quotes, numbers, true and false without, nothing at all for no value.

    Lists and objects are texts of JSON. Gives the number of rows, and of texts that begin like a formula.
    """
    count = formulas = 0
    stream.write(_csv_line(map(_quoted, table.names)))
    for row in table.rows:
        count += 1
        fields = []
        for name in table.names:
            value = _plain(row, name, table)
            if isinstance(value, str):
                if value.startswith(FORMULA_SIGNS):
                    formulas += 1
                    value = f"'{value}" if safe_for_spreadsheets else value
                fields.append(_quoted(value))
            else:
                fields.append("" if value is None else encode_sorted(value).decode())
        stream.write(_csv_line(iter(fields)))
    return count, formulas


def _write_json_lines(table: Table, stream: IO[bytes]) -> int:
    """One object a line, every column in each; lists and objects as themselves."""
    count = 0
    for row in table.rows:
        count += 1
        stream.write(encode_sorted({name: row[name] for name in table.names}) + b"\n")
    return count


def _plain(row: Row, name: str, table: Table) -> Any:
    value = row[name]
    is_nested = isinstance(value, (list, dict)) or table.fixed.get(name) == "json"
    return as_kind(value, "json") if is_nested else value


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _csv_line(fields: Iterator[str]) -> bytes:
    return (",".join(fields) + "\r\n").encode()
