"""Reads data sets row by row, in bounded memory: CSV and JSONL here, Parquet in `parquet`.

Nothing is guessed or mended: a row that does not fit is an error with its line, never a row with gaps.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, NamedTuple, assert_never

import msgspec

from awo.canon.digest import sha256_hex
from awo.canon.json import encode_sorted
from awo.workflow.names import did_you_mean

DataFormat = Literal["csv", "jsonl", "parquet"]
ENDINGS: Final[dict[str, DataFormat]] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
LONGEST_LINE_BYTES: Final = 16 * 2**20
ID_DIGITS: Final = 16

Values = dict[str, Any]


class Row(NamedTuple):
    """One row: its id, its values by column, and the line it begins on (Parquet: its number), from 1."""

    id: str
    values: Values
    line: int


class BadData(Exception):
    """A data set that cannot be used. `line` counts from 1 (in Parquet, rows); 0 means the whole file."""

    def __init__(self, what: str, *, line: int = 0, expected: str = "", got: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.line = line
        self.expected = expected
        self.got = got
        self.hint = hint


class RowIds:
    """Gives the rows of one data set their ids, in order; about 80 bytes are kept for each.

    Without `column`, an id is the first 16 hex digits of the SHA-256 of the row's values as sorted
    compact JSON; a row that stands again gets `-2`, `-3` and so on.
    """

    def __init__(self, column: str = "") -> None:
        self._column = column
        self._seen: set[int] = set()
        self._again: dict[int, int] = {}

    def of(self, values: Values) -> str:
        """The id of the next row."""
        if self._column:
            return _text_of_id(values[self._column])
        digits = sha256_hex(encode_sorted(values))[:ID_DIGITS]
        key = int(digits, 16)
        if key not in self._seen:
            self._seen.add(key)
            return digits
        times = self._again.get(key, 1) + 1
        self._again[key] = times
        return f"{digits}-{times}"


def format_of(path: str) -> DataFormat | None:
    """The format that a file's name says; None when it says none."""
    return next((kind for ending, kind in ENDINGS.items() if path.lower().endswith(ending)), None)


def read_rows(source: Path | bytes, kind: DataFormat, id_column: str = "", limit: int = 0) -> Iterator[Row]:
    """The rows with their ids, at most `limit` (0: all). `source` is a file or its whole content.

    Raises `BadData`, `OSError` as `open` does, and `CannotCheck` where Parquet cannot be read.
    """
    ids = RowIds(id_column)
    for values, line in read_values(source, kind, limit):
        yield Row(ids.of(values), values, line)


def read_values(source: Path | bytes, kind: DataFormat, limit: int = 0) -> Iterator[tuple[Values, int]]:
    """As `read_rows`, without ids: each row's values by column, and the line it begins on."""
    with _opened(source) as stream:
        rows = _rows_of(stream, kind)
        yield from islice(rows, limit) if limit else rows


class Counted(NamedTuple):
    """What a whole data set was found to be."""

    rows: int
    columns: tuple[str, ...]


def count_rows(source: Path | bytes, kind: DataFormat, id_column: str = "", limit: int = 0) -> Counted:
    """Goes through a data set once: every row that would be used fits, and its id is its own. Raises as `read_rows`."""
    columns: tuple[str, ...] = ()
    rows = 0
    seen: set[int] = set()
    for values, line in read_values(source, kind, limit):
        if not rows:
            columns = tuple(values)
            if id_column and id_column not in values:
                raise BadData(
                    f"there is no column {id_column!r} to take ids from",
                    expected=", ".join(columns),
                    hint=did_you_mean(id_column, list(columns)),
                )
        rows += 1
        if id_column:
            text = _text_of_id(values[id_column], line)
            if (key := hash(text)) in seen:
                _refuse_second(source, kind, id_column, text, line)
            seen.add(key)
    if not rows:
        raise BadData("the data set has no rows", hint="a step that goes over it would do nothing")
    return Counted(rows, columns)


def _refuse_second(source: Path | bytes, kind: DataFormat, id_column: str, text: str, line: int) -> None:
    """Looks for the row that has this id already. Does nothing when only the hashes of two ids are equal."""
    for values, earlier in read_values(source, kind):
        if earlier >= line:
            return
        if _text_of_id(values[id_column]) == text:
            raise BadData(
                f"the id of this row is that of line {earlier}",
                line=line,
                got=repr(text[:60]),
                hint=f"give each row a {id_column!r} of its own, or leave `id` out",
            )


def _text_of_id(value: Any, line: int = 0) -> str:
    """The text of an id: a text that is not empty, or a whole number."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise BadData("a row has no usable id", line=line, expected="text that is not empty, or a whole number")


# --- lines --------------------------------------------------------------------------------------------------


def _rows_of(stream: BinaryIO, kind: DataFormat) -> Iterator[tuple[Values, int]]:
    match kind:
        case "csv":
            return _csv_rows(stream)
        case "jsonl":
            return _jsonl_rows(stream)
        case "parquet":
            from awo.workflow.parquet import parquet_rows

            return parquet_rows(stream)
        case _:
            assert_never(kind)


@contextmanager
def _opened(source: Path | bytes) -> Iterator[BinaryIO]:
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream:
        yield stream


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines with their ends, each of bounded length; a byte order mark at the start is dropped."""
    number = 0
    while line := stream.readline(LONGEST_LINE_BYTES + 1):
        number += 1
        if len(line) > LONGEST_LINE_BYTES:
            raise BadData("a line is too long", line=number, expected=f"at most {LONGEST_LINE_BYTES} bytes")
        yield line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


def _text_lines(stream: BinaryIO) -> Iterator[str]:
    for number, line in enumerate(_lines(stream), start=1):
        try:
            yield line.decode()
        except UnicodeDecodeError as error:
            raise BadData("the file is not UTF-8 text", line=number, hint="save it as UTF-8") from error


# --- CSV ----------------------------------------------------------------------------------------------------


def _csv_rows(stream: BinaryIO) -> Iterator[tuple[Values, int]]:
    """RFC 4180 with a header line; every value is text."""
    import csv

    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_LINE_BYTES))  # one number for the whole process
    reader = csv.reader(_text_lines(stream), strict=True)
    line = 1
    try:
        columns = next(reader, None)
        if columns is None:
            raise BadData("the file is empty", expected="a header line with the names of the columns")
        _check_columns(columns)
        width = len(columns)
        line = reader.line_num + 1
        for fields in reader:
            if len(fields) != width:
                raise _ragged(fields, columns, line)
            yield dict(zip(columns, fields, strict=True)), line
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadData(
            "this row is not CSV (RFC 4180)", line=line, got=_csv_sentence(str(error)), hint=_CSV_HINT
        ) from error


_CSV_HINT: Final = 'quote a value that holds a comma, a quote or a line break, and double its quotes: "say ""yes"""'


def _csv_sentence(said: str) -> str:
    if "unexpected end" in said:
        return "a quote is not closed"
    if "expected after" in said:
        return "text after a closing quote"
    if "new-line character" in said:
        return "a carriage return inside a value without quotes"
    return "a value that is too long" if "field limit" in said else said


def _check_columns(columns: list[str]) -> None:
    seen: set[str] = set()
    for number, name in enumerate(columns, start=1):
        if not name.strip():
            raise BadData("a column has no name", line=1, got=f"column {number} of {len(columns)}")
        if name in seen:
            raise BadData(f"the column {name!r} stands here twice", line=1, hint="give every column a name of its own")
        seen.add(name)


def _ragged(fields: list[str], columns: list[str], line: int) -> BadData:
    if not fields:
        return BadData("there is an empty line", line=line, hint="remove it")
    hint = "quote a value that holds a comma" if len(fields) > len(columns) else ""
    got = f"{len(fields)} value{'s' if len(fields) != 1 else ''}"
    return BadData(
        "the row has not as many values as the header", line=line, expected=str(len(columns)), got=got, hint=hint
    )


# --- JSON lines ---------------------------------------------------------------------------------------------


def _jsonl_rows(stream: BinaryIO) -> Iterator[tuple[Values, int]]:
    """One JSON object a line, the same keys in each; values are any JSON."""
    decode = msgspec.json.Decoder().decode
    columns: list[str] = []
    for number, line in enumerate(_lines(stream), start=1):
        try:
            values = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if not line.strip():
                raise BadData("there is an empty line", line=number, hint="remove it") from error
            raise BadData("this line is not JSON", line=number, expected="one JSON object", got=str(error)) from error
        if type(values) is not dict:
            raise BadData("this line is no JSON object", line=number, expected='one like {"text": "…", "label": 1}')
        # Every key has a colon. As many colons as keys: no key can stand twice, and no text has one.
        if line.count(b":") != len(values):
            _refuse_doubled(line, number)
        if number == 1:
            columns = list(values)
            _check_columns(columns)
        elif len(values) != len(columns) or any(name not in values for name in columns):
            raise _other_keys(values, columns, number)
        yield values, number


def _refuse_doubled(line: bytes, number: int) -> None:
    import json

    def pairs(found: list[tuple[str, Any]]) -> None:
        if len({name for name, _ in found}) != len(found):
            names = [name for name, _ in found]
            twice = next(name for name in names if names.count(name) > 1)
            raise BadData(f"the key {twice!r} stands here twice", line=number, hint="keep one of them")

    json.loads(line, object_pairs_hook=pairs)


def _other_keys(values: Values, columns: list[str], line: int) -> BadData:
    lacking = [name for name in columns if name not in values]
    if lacking:
        return BadData(
            f"the row lacks {lacking[0]!r}",
            line=line,
            expected=f"the keys of line 1: {', '.join(columns)}",
            hint="write null where there is no value",
        )
    more = next(name for name in values if name not in columns)
    return BadData(f"the row has the key {more!r}, which line 1 has not", line=line, expected=", ".join(columns))
