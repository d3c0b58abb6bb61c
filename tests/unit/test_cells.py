"""The cells of a fan-out have one order, and each can be found by its number."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from awo.workflow.cells import NO_ROWS, Cell, cells, count, place_of
from awo.workflow.datasets import Row

ROWS = [Row("x", {"t": 1}, 2), Row("y", {"t": 2}, 3)]


def test_rows_turn_slowest_then_the_matrix_with_its_last_name_fastest_then_repeats() -> None:
    found = list(cells(ROWS, {"a": [1, 2], "b": ["p", "q"]}, 2))
    assert [cell.index for cell in found] == list(range(16))
    assert [(c.item_id, c.matrix["a"], c.matrix["b"], c.repeat) for c in found[:9]] == [
        ("x", 1, "p", 0),
        ("x", 1, "p", 1),
        ("x", 1, "q", 0),
        ("x", 1, "q", 1),
        ("x", 2, "p", 0),
        ("x", 2, "p", 1),
        ("x", 2, "q", 0),
        ("x", 2, "q", 1),
        ("y", 1, "p", 0),
    ]


def test_without_rows_and_matrix_there_is_one_cell_for_each_repeat() -> None:
    assert list(cells(NO_ROWS, {}, 2)) == [Cell(0, "", {}, {}, 0), Cell(1, "", {}, {}, 1)]


_MATRIX = st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(), min_size=1, max_size=3), max_size=3)


@given(st.integers(0, 3), _MATRIX, st.integers(1, 3))
def test_the_place_of_a_number_is_the_cell_that_has_it(rows: int, matrix: dict[str, list[Any]], repeats: int) -> None:
    found = list(cells([Row(str(number), {}, 1) for number in range(rows)], matrix, repeats))
    assert len(found) == count(rows, matrix, repeats)
    for cell in found:
        place = place_of(cell.index, matrix, repeats)
        assert (str(place.row), place.matrix, place.repeat) == (cell.item_id, cell.matrix, cell.repeat)
        assert list(place.matrix) == list(matrix)


@given(st.lists(st.integers(1, 3), max_size=3), st.integers(1, 3), st.integers(1, 3))
def test_rows_turn_slowest_then_the_matrix_then_repeats(lengths: list[int], repeats: int, rows: int) -> None:
    matrix = {f"m{place}": list(range(length)) for place, length in enumerate(lengths)}
    places = [place_of(number, matrix, repeats) for number in range(count(rows, matrix, repeats))]
    keys = [(place.row, *(place.matrix[name] for name in matrix), place.repeat) for place in places]
    assert keys == sorted(set(keys))
    assert len(keys) == len(places)
