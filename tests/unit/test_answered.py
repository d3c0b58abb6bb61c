"""The answered requests of a step, beside a plain list of them."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from awo.lifecycle.answered import AnsweredLines

DIGESTS = [f"{number:064x}" for number in range(4)]
LINES = st.lists(
    st.tuples(
        st.sampled_from(DIGESTS),
        st.binary(min_size=32, max_size=32).map(bytes.hex),
        st.integers(0, 2**40),
        st.integers(0, 5) | st.just(2**53 - 1),
    ),
    max_size=20,
)


@given(LINES)
def test_lines_are_found_by_their_request_and_place(told: list[tuple[str, str, int, int]]) -> None:
    lines = AnsweredLines()
    end = 0
    for number, (request, sha256, size_bytes, cell) in enumerate(told):
        assert len(lines) == number
        lines.add(request, sha256, size_bytes, cell)
        assert lines.span(number) == (end, size_bytes)
        end += size_bytes + 1
        assert lines.end_bytes == end
    assert [lines.sha256(number) for number in range(len(told))] == [one[1] for one in told]
    for request in DIGESTS:
        assert lines.lines_for(request) == [number for number, one in enumerate(told) if one[0] == request]
    assert lines.cells() == {one[3] for one in told}


def test_the_cells_that_were_answered_do_not_change_under_whoever_asked() -> None:
    lines = AnsweredLines()
    before = lines.cells()
    lines.add(DIGESTS[0], DIGESTS[1], 1, 7)
    assert before == frozenset()
    assert lines.cells() == {7}


def test_a_large_number_of_a_cell_takes_no_more_memory_than_a_small_one() -> None:
    lines = AnsweredLines()
    lines.add(DIGESTS[0], DIGESTS[1], 1, 2**53 - 1)
    assert sys.getsizeof(lines.cells()) < 1000
