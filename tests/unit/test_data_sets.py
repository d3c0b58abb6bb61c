"""Data sets are read row by row exactly as they stand, or refused with the line that is wrong."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.canon.digest import sha256_hex
from awo.workflow.datasets import BadData, DataFormat, count_rows, format_of, read_rows, read_values

COLUMNS = ["text", "label"]


def _bad(data: bytes, kind: DataFormat, id_column: str = "") -> BadData:
    with pytest.raises(BadData) as caught:
        count_rows(data, kind, id_column)
    return caught.value


# --- CSV ------------------------------------------------------------------------------------------------


def test_csv_values_are_text_and_know_the_line_they_begin_on() -> None:
    data = b'\xef\xbb\xbfa,"b ""c"""\r\n1,"two\nlines"\r\n"x, y",\r\n'
    rows = list(read_values(data, "csv"))
    assert rows == [({"a": "1", 'b "c"': "two\nlines"}, 2), ({"a": "x, y", 'b "c"': ""}, 4)]


_CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(st.lists(st.tuples(_CELL, _CELL), min_size=1, max_size=5))
def test_what_another_writer_wrote_as_csv_is_read_as_it_was(rows: list[tuple[str, str]]) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows([COLUMNS, *rows])
    read = [tuple(values.values()) for values, _ in read_values(out.getvalue().encode(), "csv")]
    assert read == rows


@pytest.mark.parametrize(
    ("data", "line", "what"),
    [
        (b"", 0, "the file is empty"),
        (b"a,b\n", 0, "the data set has no rows"),
        (b"a,b,a\n1,2,3\n", 1, "the column 'a' stands here twice"),
        (b"a,,b\n1,2,3\n", 1, "a column has no name"),
        (b"a,b\n1,2\n3\n", 3, "the row has not as many values as the header"),
        (b"a,b\n1,2,3\n", 2, "the row has not as many values as the header"),
        (b'a,b\n"1\n",2\n1,2,3\n', 4, "the row has not as many values as the header"),
        (b"a,b\n1,2\n\n3,4\n", 3, "there is an empty line"),
        (b'a,b\n1,"2\n', 2, "this row is not CSV (RFC 4180)"),
        (b'a,b\n1,2\n"1"x,2\n', 3, "this row is not CSV (RFC 4180)"),
        (b"a,b\n1,\xff\n", 2, "the file is not UTF-8 text"),
        (b"a,b\n1," + b"x" * (16 * 2**20 + 1), 2, "a line is too long"),
    ],
)
def test_csv_that_does_not_fit_is_refused_with_its_line(data: bytes, line: int, what: str) -> None:
    error = _bad(data, "csv")
    assert (error.line, error.what) == (line, what)


# --- JSON lines -----------------------------------------------------------------------------------------

_KEYS = st.dictionaries(st.sampled_from(["a", "b:", "c d"]), st.just(0), min_size=1)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["x", ":"]), inner, max_size=2),
    max_leaves=5,
)


@given(_KEYS, st.lists(_JSON, min_size=1, max_size=4))
def test_json_lines_are_read_as_they_were_written(keys: dict[str, int], values: list[Any]) -> None:
    rows = [dict.fromkeys(keys, value) for value in values]
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    assert [row for row, _ in read_values(data, "jsonl")] == rows


@pytest.mark.parametrize(
    ("data", "line", "what"),
    [
        (b"", 0, "the data set has no rows"),
        (b'{"a":1}\n\n{"a":2}\n', 2, "there is an empty line"),
        (b'{"a":1}\n{"a":\n', 2, "this line is not JSON"),
        (b'{"a":NaN}\n', 1, "this line is not JSON"),
        (b'{"a":"\xff"}\n', 1, "this line is not JSON"),
        (b'{"a":1}\n[1]\n', 2, "this line is no JSON object"),
        (b'{"a":1,"a":1}\n', 1, "the key 'a' stands here twice"),
        (b'{"a":{"b":1,"b":1}}\n', 1, "the key 'b' stands here twice"),
        (b'{"a":1,"b":1}\n{"a":1}\n', 2, "the row lacks 'b'"),
        (b'{"a":1}\n{"a":1,"b":1}\n', 2, "the row has the key 'b', which line 1 has not"),
        (b'{"a":1}\n{"b":1}\n', 2, "the row lacks 'a'"),
        (b'{"":1}\n', 1, "a column has no name"),
    ],
)
def test_json_lines_that_do_not_fit_are_refused_with_their_line(data: bytes, line: int, what: str) -> None:
    error = _bad(data, "jsonl")
    assert (error.line, error.what) == (line, what)


def test_a_colon_in_a_text_is_no_key() -> None:
    assert list(read_values(b'{"a":"b:c","d":"\\"e\\":"}\n', "jsonl")) == [({"a": "b:c", "d": '"e":'}, 1)]


# --- ids ------------------------------------------------------------------------------------------------


def test_an_id_follows_from_the_content_and_a_second_row_of_it_is_numbered() -> None:
    ids = [row.id for row in read_rows(b"b,a\n1,2\n3,4\n1,2\n1,2\n", "csv")]
    first, second = sha256_hex(b'{"a":"2","b":"1"}')[:16], sha256_hex(b'{"a":"4","b":"3"}')[:16]
    assert ids == [first, second, f"{first}-2", f"{first}-3"]


def test_an_id_does_not_depend_on_the_order_or_the_number_of_rows() -> None:
    ids = {row.values["a"]: row.id for row in read_rows(b"a,b\n1,x\n2,y\n", "csv")}
    again = {row.values["a"]: row.id for row in read_rows(b"b,a\ny,2\nz,3\nx,1\n", "csv")}
    assert {name: again[name] for name in ids} == ids


def test_an_id_may_stand_in_a_column() -> None:
    assert [row.id for row in read_rows(b'{"n":7}\n{"n":"x"}\n', "jsonl", "n")] == ["7", "x"]


@pytest.mark.parametrize(
    ("data", "id_column", "line", "what"),
    [
        (b'{"n":7}\n{"n":8}\n{"n":"7"}\n', "n", 3, "the id of this row is that of line 1"),
        (b'{"n":7}\n{"n":true}\n', "n", 2, "a row has no usable id"),
        (b'{"n":7}\n{"n":""}\n', "n", 2, "a row has no usable id"),
        (b'{"name":7}\n', "nam", 0, "there is no column 'nam' to take ids from"),
    ],
)
def test_ids_that_cannot_be_used_are_refused(data: bytes, id_column: str, line: int, what: str) -> None:
    error = _bad(data, "jsonl", id_column)
    assert (error.line, error.what) == (line, what)


def test_a_column_of_ids_that_is_misspelt_is_told_the_right_word() -> None:
    assert _bad(b'{"name":7}\n', "jsonl", "nam").hint == "did you mean 'name'?"


# --- how much is read -----------------------------------------------------------------------------------


def test_what_comes_after_the_limit_is_not_looked_at() -> None:
    data = b"a,b\n1,2\n3,4\n5\n"
    assert [row.values["a"] for row in read_rows(data, "csv", limit=2)] == ["1", "3"]
    assert count_rows(data, "csv", limit=2).rows == 2
    assert _bad(data, "csv").line == 4


def test_memory_does_not_grow_with_the_file() -> None:
    data = b"a\n" + b"some words in a row\n" * 50_000
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_values(data, "csv")) == 50_000
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()


def test_a_name_says_its_format() -> None:
    names = ["a.csv", "a.CSV", "x/b.jsonl", "b.ndjson", "c.parquet", "d.json"]
    assert [format_of(name) for name in names] == ["csv", "csv", "jsonl", "jsonl", "parquet", None]
