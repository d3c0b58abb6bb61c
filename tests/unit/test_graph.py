"""The order of steps: circles are found, and gates are barriers in the order of the file."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awo.workflow.graph import MOST_CYCLES, cycles, with_barriers


def _depends_on(needs: Sequence[Sequence[int]], step: int) -> set[int]:
    reached: set[int] = set()
    todo = list(needs[step])
    while todo:
        at = todo.pop()
        if at not in reached:
            reached.add(at)
            todo += needs[at]
    return reached


@st.composite
def graphs(draw: st.DrawFn) -> list[list[int]]:
    """Needs without circles, in which a step may need a later one: the numbers are shuffled."""
    size = draw(st.integers(1, 9))
    order = draw(st.permutations(range(size)))
    needs: list[list[int]] = [[] for _ in range(size)]
    for place, step in enumerate(order):
        needs[step] = draw(st.lists(st.sampled_from(order[:place]), unique=True, max_size=2)) if place else []
    return needs


@given(graphs())
def test_a_graph_without_circles_has_none(needs: list[list[int]]) -> None:
    assert cycles(needs) == []


@given(graphs(), st.data())
def test_a_need_that_closes_a_circle_is_found(needs: list[list[int]], data: st.DataObject) -> None:
    step = data.draw(st.integers(0, len(needs) - 1))
    target = data.draw(st.sampled_from(sorted(_depends_on(needs, step) | {step})))
    closed = [[*own, step] if number == target else own for number, own in enumerate(needs)]
    found = cycles(closed)
    assert found
    for circle in found:
        assert circle[0] == min(circle)
        assert all(after in closed[at] for at, after in zip(circle, [*circle[1:], circle[0]], strict=True))


def test_a_circle_is_named_from_its_first_step_in_the_file() -> None:
    assert cycles([[], [3], [1], [2], [1]]) == [[1, 3, 2]]


def test_a_step_that_needs_itself_is_a_circle_of_one() -> None:
    assert cycles([[], [1]]) == [[1]]


def test_circles_that_share_no_step_are_all_found_up_to_a_limit() -> None:
    assert cycles([[1], [0], [3], [2]]) == [[0, 1], [2, 3]]
    assert len(cycles([[step] for step in range(MOST_CYCLES + 5)])) == MOST_CYCLES


def test_a_gate_needs_all_before_it_and_all_after_it_name_only_the_gate() -> None:
    assert with_barriers([[], [], [], [], [3]], [2]) == [[], [], [0, 1], [2], [2, 3]]


def test_after_two_gates_a_step_names_only_the_second() -> None:
    assert with_barriers([[], [], [], [], []], [1, 3]) == [[], [0], [1], [0, 1, 2], [3]]


def test_a_step_before_the_gate_that_depends_on_it_is_left_out() -> None:
    assert with_barriers([[], [2], []], [2]) == [[], [2], [0]]


def test_a_step_after_the_gate_that_the_gate_depends_on_is_left_out() -> None:
    assert with_barriers([[], [2], [], []], [1]) == [[], [0, 2], [], [1]]


def test_a_step_before_the_gate_pulls_what_it_needs_before_the_gate() -> None:
    assert with_barriers([[2], [], []], [1]) == [[2], [0], []]


@given(graphs(), st.data())
def test_gates_are_barriers_and_make_no_circles(needs: list[list[int]], data: st.DataObject) -> None:
    gates = sorted(data.draw(st.sets(st.integers(0, len(needs) - 1), max_size=4)))
    after = with_barriers(needs, gates)
    assert cycles(after) == []
    for step, own in enumerate(needs):
        assert set(own) <= set(after[step])
        assert after[step] == sorted(set(after[step]))
    for gate in gates:
        for step in range(len(needs)):
            if step < gate:
                assert step in after[gate] or gate in _depends_on(after, step)
            elif step > gate:
                assert gate in _depends_on(after, step) or step in _depends_on(after, gate)


@given(graphs(), st.data())
def test_one_gate_adds_what_its_definition_says_and_no_more(needs: list[list[int]], data: st.DataObject) -> None:
    gate = data.draw(st.integers(0, len(needs) - 1))
    after = with_barriers(needs, [gate])
    before = {step for step in range(gate) if gate not in _depends_on(needs, step)}
    assert set(after[gate]) == before | set(needs[gate])
    needed = set().union(*({step} | _depends_on(needs, step) for step in after[gate]))
    for step in range(len(needs)):
        if step != gate:
            if step > gate and step not in needed:
                assert gate in _depends_on(after, step)
            elif gate not in _depends_on(needs, step):
                assert set(after[step]) == set(needs[step])


@pytest.mark.parametrize("last_need", [[], [9_999]])
def test_of_many_gates_each_step_names_few(last_need: list[int]) -> None:
    needs: list[list[int]] = [[number - 1] if number % 100 else [] for number in range(9_999)]
    gates = list(range(550, 9_999, 1_000))
    after = with_barriers([last_need, *needs[1:], []], gates)
    assert sum(len(own) for step, own in enumerate(after) if step not in gates) < 3 * len(after)
    assert all(len(after[gate]) == gate - (0 if not last_need else len(last_need) - 1) for gate in gates)
