"""The order of steps: which must be done before which. Pure; steps are numbers, 0 first in the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

MOST_CYCLES: Final = 20


def cycles(needs: Sequence[Sequence[int]]) -> list[list[int]]:
    """Circles in which each step needs the next and the last needs the first; at most 20, none sharing a step.

    Time and memory are linear in steps and needs, for each circle found.
    """
    found: list[list[int]] = []
    if all(need < step for step, own in enumerate(needs) for need in own):
        return found
    left = set(range(len(needs)))
    while len(found) < MOST_CYCLES:
        left = _without_free(needs, left)
        if not left:
            break
        circle = _circle_from(min(left), needs, left)
        found.append(circle)
        left -= set(circle)
    return found


def with_barriers(needs: Sequence[Sequence[int]], gates: Sequence[int]) -> list[Sequence[int]]:
    """The needs with those that gates add. `needs` must have no circles; `gates` are steps, in order.

    A gate needs every step before it in the file, unless that step depends on the gate. Every step
    after it needs the gate, unless the gate depends on that step; where other needs say so already,
    that one is left out, so that a step names few gates. Needs are unique, in the order of the file.
    """
    if not gates:
        return [own if len(own) < 2 else sorted(set(own)) for own in needs]
    plan = _Plan(needs)
    reach = _reach_of_forward_needs(needs)
    start = 0
    latest: list[int] = []
    crossed: list[int] = []
    for gate in gates:
        if reach[gate] >= gate:
            crossed.append(gate)
            continue
        # No need crosses this gate: what is before it cannot depend on it, nor it on what is after it.
        plan.before[gate] = range(gate)
        plan.settle(crossed, start, gate, latest)
        latest, start, crossed = [gate], gate + 1, []
    plan.settle(crossed, start, len(needs), latest)
    return plan.result()


class _Plan:
    """The order while gates are added to it: what each step needs, and what a gate makes it wait for.

    `gates_of` has, for each step, the last gates that it waits for; `before`, for each gate, the
    steps that it waits for, of which `needs` only has those that other needs do not imply.
    """

    def __init__(self, needs: Sequence[Sequence[int]]) -> None:
        self.needs = [set(own) for own in needs]
        self.gates_of: list[set[int]] = [set() for _ in needs]
        self.before: dict[int, Iterable[int]] = {}

    def settle(self, gates: Sequence[int], start: int, end: int, latest: Sequence[int]) -> None:
        """Adds gates that needs cross, one after the other, each by looking at who depends on whom.

        Steps outside `start` to `end` are cut off by gates that no need crosses: `latest` is the one before.
        """
        for step in range(start, end):
            self.gates_of[step].update(latest)
        for gate in gates:
            above = _reached(gate, self._dependents(start, end))
            self.before[gate] = [step for step in range(gate) if step not in above]
            below = _reached(gate, self._needs_within(start, end))
            self.needs[gate].update(step for step in range(start, gate) if step not in above and step not in below)
            below = _reached(gate, self._needs_within(start, end))
            for step in range(gate + 1, end):
                if step not in below and step not in above:
                    self.gates_of[step] -= below
                    self.gates_of[step].add(gate)

    def result(self) -> list[Sequence[int]]:
        return [
            sorted(own.union(self.gates_of[step], self.before.get(step, ()))) for step, own in enumerate(self.needs)
        ]

    def _needs_within(self, start: int, end: int) -> dict[int, list[int]]:
        return {
            step: [n for own in (self.needs[step], self.gates_of[step]) for n in own if n >= start]
            for step in range(start, end)
        }

    def _dependents(self, start: int, end: int) -> dict[int, list[int]]:
        dependents: dict[int, list[int]] = {}
        for step, own in self._needs_within(start, end).items():
            for need in own:
                dependents.setdefault(need, []).append(step)
        return dependents


def _without_free(needs: Sequence[Sequence[int]], left: set[int]) -> set[int]:
    """`left` without every step that waits for no circle."""
    waiting = {step: sum(1 for n in set(needs[step]) if n in left) for step in left}
    dependents: dict[int, list[int]] = {}
    for step in left:
        for need in set(needs[step]):
            if need in left:
                dependents.setdefault(need, []).append(step)
    free = [step for step, count in waiting.items() if not count]
    gone: set[int] = set()
    while free:
        step = free.pop()
        gone.add(step)
        for dependent in dependents.get(step, ()):
            waiting[dependent] -= 1
            if not waiting[dependent]:
                free.append(dependent)
    return left - gone


def _circle_from(step: int, needs: Sequence[Sequence[int]], left: set[int]) -> list[int]:
    """The circle that one runs into from `step`, which waits for one, beginning with its first step in the file."""
    seen: dict[int, int] = {}
    walk: list[int] = []
    while step not in seen:
        seen[step] = len(walk)
        walk.append(step)
        step = min(n for n in needs[step] if n in left)
    circle = walk[seen[step] :]
    first = circle.index(min(circle))
    return circle[first:] + circle[:first]


def _reach_of_forward_needs(needs: Sequence[Sequence[int]]) -> list[int]:
    """For each step, the furthest step that it or one before it needs; -1 when none needs any."""
    reach: list[int] = []
    furthest = -1
    for own in needs:
        furthest = max(furthest, *own) if own else furthest
        reach.append(furthest)
    return reach


def _reached(step: int, neighbours: Mapping[int, Sequence[int]]) -> set[int]:
    """Every step that one comes to from `step`, itself left out."""
    reached: set[int] = set()
    todo = [step]
    while todo:
        for other in neighbours.get(todo.pop(), ()):
            if other not in reached:
                reached.add(other)
                todo.append(other)
    return reached
