"""The picture of a run's steps: a Mermaid flowchart in which shape and colour say how each step stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from awo.derive.facts import RunFacts, StepFacts, StepStatus
from awo.derive.markdown import shorten, visible
from awo.plugins import GATE_OPERATION

STEPS_DRAWN: Final = 60
LABEL_CHARACTERS: Final = 40

_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _,/")

_ACT_LATER: Final = {ord(c): f"⟨U+{ord(c):04X}⟩" for c in "$\\"}

_CLASSES: Final = """\
  classDef done fill:#dafbe1,stroke:#1a7f37,color:#116329
  classDef failed fill:#ffebe9,stroke:#cf222e,color:#82071e,stroke-width:2px
  classDef skipped fill:#f6f8fa,stroke:#8c959f,color:#57606a,stroke-dasharray:4 3
  classDef waiting fill:#fff8c5,stroke:#9a6700,color:#633c01,stroke-width:2px
  classDef running fill:#ddf4ff,stroke:#0969da,color:#0a3069
  classDef not_run fill:#ffffff,stroke:#8c959f,color:#57606a,stroke-dasharray:2 3
"""

_SIGN: Final = {
    StepStatus.DONE: "✓",
    StepStatus.FAILED: "✗",
    StepStatus.SKIPPED: "skipped",
    StepStatus.WAITING: "waits",
    StepStatus.RUNNING: "running",
    StepStatus.NOT_RUN: "not run",
}


def label(text: str) -> str:
    """The inside of a quoted Mermaid label that shows `visible(text)`: all but plain ASCII as entity codes.

    Mermaid acts on `$$` and a back slash after it has decoded those codes, so both become signs.
    """
    shown = shorten(visible(text).translate(_ACT_LATER), LABEL_CHARACTERS)
    return "".join(c if c in _PLAIN else f"#{ord(c)};" for c in shown)


def flowchart(facts: RunFacts) -> str:
    """The Mermaid text, without its fence. Of more than 60 steps the first 59, and a box that counts the rest."""
    steps = facts.steps if len(facts.steps) <= STEPS_DRAWN else facts.steps[: STEPS_DRAWN - 1]
    number_of = {step.record.id: number for number, step in enumerate(steps)}
    lines = ["flowchart TD"]
    lines += [_box(number, step) for number, step in enumerate(steps)]
    lines += [f"  n{start} --> n{end}" for start, end in _arrows(steps, number_of)]
    left_out = len(facts.steps) - len(steps)
    if left_out:
        lines.append(f'  rest["{left_out} more steps"]:::not_run')
        lines.append(f"  n{len(steps) - 1} -.-> rest")
    return "\n".join(lines) + "\n" + _CLASSES


def _box(number: int, step: StepFacts) -> str:
    said = f"{label(step.record.id)}<br/>{label(step.record.op)} {label(_SIGN[step.status])}"
    opening, closing = ("{{", "}}") if step.record.op == GATE_OPERATION else ("[", "]")
    return f'  n{number}{opening}"{said}"{closing}:::{step.status.value}'


def _arrows(steps: Sequence[StepFacts], number_of: dict[str, int]) -> list[tuple[int, int]]:
    """The needs that no other path implies, so that a gate behind twenty steps gets few arrows."""
    needs = [{number_of[need] for need in step.record.needs if need in number_of} for step in steps]
    behind: list[set[int]] = [set() for _ in steps]
    for number in _in_order(needs):
        behind[number] = set().union(needs[number], *(behind[need] for need in needs[number]))
    arrows = []
    for number, direct in enumerate(needs):
        implied = set[int]().union(*(behind[need] for need in direct))
        arrows += [(need, number) for need in sorted(direct - implied)]
    return arrows


def _in_order(needs: Sequence[set[int]]) -> list[int]:
    """The steps, each after what it needs; steps in a cycle (which no workflow has) are left out."""
    order: list[int] = []
    placed: set[int] = set()
    waiting = list(range(len(needs)))
    while ready := [number for number in waiting if needs[number] <= placed]:
        order += ready
        placed.update(ready)
        waiting = [number for number in waiting if number not in placed]
    return order
