"""Tables: kinds of columns, CSV of hostile texts, and frames of every library say the same."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.errors import CannotCheck, UsageError
from awo.publish.columns import Kind, Row, Table, kinds_of
from awo.publish.eval_facts import portable
from awo.publish.frames import frame_of
from awo.publish.tables import FORMULA_SIGNS, write_csv

HOSTILE = [
    '=HYPERLINK("http://x","y")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "\n=1",
    'a "quoted", word',
    "two\r\nlines",
    "",
    " ",
    "NULL",
    "\x00\x1b[31m",
    "\u202eabc",
    "🙂",
    "'=1",
]


def table(rows: list[Row], fixed: dict[str, Kind] | None = None) -> Table:
    return Table(tuple(rows[0]), fixed or {}, rows)


def csv_of(made: Table, **how: Any) -> bytes:
    stream = io.BytesIO()
    write_csv(made, stream, **how)
    return stream.getvalue()


def read_back(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([None, None], "text"),
        (["a", None], "text"),
        ([1, 2], "int"),
        ([2**60, 1], "int"),
        ([1, 0.5], "float"),
        ([2**60, 0.5], "json"),
        ([2**70], "json"),
        ([True, None], "bool"),
        ([True, 1], "json"),
        (["1", 1], "json"),
        ([[1], None], "json"),
        ([{"a": 1}], "json"),
    ],
)
def test_a_column_has_the_narrowest_kind_that_holds_its_values_exactly(values: list[Any], kind: Kind) -> None:
    assert kinds_of(table([{"x": value} for value in values]))["x"] == kind


def test_a_kind_that_is_known_is_not_looked_for() -> None:
    assert kinds_of(table([{"x": None}], {"x": "int"})) == {"x": "int"}


def test_texts_are_exact_in_csv_numbers_have_no_quotes_and_nothing_is_nothing() -> None:
    data = csv_of(table([{"t": "1", "n": 1, "f": 0.1, "b": True, "none": None, "empty": "", "l": [1, "a"]}]))
    assert data == b'"t","n","f","b","none","empty","l"\r\n"1",1,0.1,true,,"","[1,""a""]"\r\n'


@given(st.lists(st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5))
def test_every_text_comes_back_from_csv_as_it_was(texts: list[str]) -> None:
    read = read_back(csv_of(table([{f"c{n}": text for n, text in enumerate(texts)}])))
    assert read == [[f"c{n}" for n in range(len(texts))], texts]


def test_a_csv_file_that_is_safe_for_spreadsheets_has_no_field_that_begins_like_a_formula() -> None:
    stream = io.BytesIO()
    rows, formulas = write_csv(table([{"x": text, "n": -1} for text in HOSTILE]), stream, safe_for_spreadsheets=True)
    read = read_back(stream.getvalue())[1:]
    assert rows == len(HOSTILE)
    assert formulas == 7
    assert not any(x.startswith(FORMULA_SIGNS) for x, _ in read)
    assert [
        x.removeprefix("'") if text.startswith(FORMULA_SIGNS) else x for (x, _), text in zip(read, HOSTILE, strict=True)
    ] == HOSTILE
    assert {n for _, n in read} == {"-1"}, "a number is no text"


ROWS: list[Row] = [
    {"t": "=1", "n": 1, "f": 0.5, "b": True, "j": [1, "a"], "mixed": "1"},
    {"t": None, "n": None, "f": None, "b": None, "j": None, "mixed": 1},
    {"t": "", "n": 2**60 + 1, "f": -1.5, "b": False, "j": {"k": None}, "mixed": None},
]
PLAIN = [
    {"t": "=1", "n": 1, "f": 0.5, "b": True, "j": '[1,"a"]', "mixed": '"1"'},
    {"t": None, "n": None, "f": None, "b": None, "j": None, "mixed": "1"},
    {"t": "", "n": 2**60 + 1, "f": -1.5, "b": False, "j": '{"k":null}', "mixed": None},
]


def test_a_frame_of_polars_has_every_value_and_its_type() -> None:
    frame = frame_of(table(ROWS), "polars")
    assert frame.to_dicts() == PLAIN
    assert [str(kind) for kind in frame.dtypes] == ["String", "Int64", "Float64", "Boolean", "String", "String"]


def test_a_frame_of_pandas_has_every_value_and_its_type() -> None:
    frame = frame_of(table(ROWS), "pandas")
    assert [str(kind) for kind in frame.dtypes] == ["string", "Int64", "Float64", "boolean", "string", "string"]
    assert frame.astype(object).where(frame.notna(), None).to_dict("records") == PLAIN


def test_an_arrow_table_has_every_value() -> None:
    assert frame_of(table(ROWS), "arrow").to_pylist() == PLAIN


def test_rows_have_the_values_themselves() -> None:
    assert frame_of(table(ROWS), "rows") == ROWS


@pytest.mark.parametrize("as_", ["polars", "pandas", "arrow"])
def test_a_table_without_rows_is_a_frame_with_its_columns(as_: str) -> None:
    frame = frame_of(Table(("a", "b"), {"a": "int"}, []), as_)
    assert list(frame.schema.names if as_ == "arrow" else frame.columns) == ["a", "b"]


def test_polars_comes_before_pandas_and_pandas_before_arrow(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for missing in ("", "polars", "pandas"):
        if missing:
            monkeypatch.setitem(sys.modules, missing, None)
        made.append(type(frame_of(table(ROWS))).__module__.partition(".")[0])
    assert made == ["polars", "pandas", "pyarrow"]
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CannotCheck) as refused:
        frame_of(table(ROWS))
    assert "polars" in refused.value.hint
    assert frame_of(table(ROWS), "rows") == ROWS


def test_a_library_that_was_chosen_and_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(CannotCheck, match="pandas is not installed"):
        frame_of(table(ROWS), "pandas")
    with pytest.raises(UsageError) as refused:
        frame_of(table(ROWS), "panda")
    assert "pandas" in refused.value.expected


def test_rows_are_read_once_for_a_table_whose_kinds_are_known() -> None:
    times = 0

    class Once:
        def __iter__(self) -> Iterator[Row]:
            nonlocal times
            times += 1
            return iter([{"x": 1}])

    assert csv_of(Table(("x",), {}, Once())) == b'"x"\r\n1\r\n'
    assert times == 1


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("meta-llama", "meta-llama"),
        ("../../etc", "etc"),
        ("..", "unknown"),
        ("", "unknown"),
        ("a b/c", "a-b-c"),
        ("data", "data-"),
        ("CON.txt", "CON.txt-"),
        ("静か", "unknown"),
        ("x" * 300, "x" * 100),
    ],
)
def test_a_name_becomes_a_part_of_a_path_that_every_system_takes(name: str, part: str) -> None:
    assert portable(name) == part
