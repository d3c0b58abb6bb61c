"""Which steps of a revision nothing has touched: worked out from its own input.json alone (spec section 3.1). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from awo.derive.plan_changes import MOST_CHANGES, ORDER_OF_INPUTS
from awo.evidence.plan_changes import PlanChange
from awo.evidence.records import InputRecord, StepRecord
from awo.plugins import GATE_OPERATION
from awo.workflow import globs

DEFAULT_MODEL: Final = "llm_map"
"""The one operation that may leave its model to the workflow."""

TOUCHING_SETTINGS: Final = ("seed", "default_model", ORDER_OF_INPUTS)

_named_input = re.compile(
    r"""inputs(?:\.([A-Za-z_][A-Za-z0-9_]*)|\['([^'\\]*)'\]|\["([^"\\]*)"\])(?![A-Za-z0-9_(])""", re.ASCII
)
_pattern_signs = re.compile(r"[*?\[]")


def untouched(plan: InputRecord) -> frozenset[str]:
    """The steps, gates aside, whose work in the run that `plan` revises can stand; none where it revises no run.

    A step is touched that a change names or may reach (when in doubt it does), or that needs a touched step. A gate
    orders and computes nothing: what reaches it stops there. `revised_from` and all that comes after it, behind gates
    too, is touched.
    """
    if not plan.revises or len(plan.changes) >= MOST_CHANGES or any(_touches_all(one) for one in plan.changes):
        return frozenset()
    changed = _Changed(plan)
    reached = {record.id for record in plan.steps if record.op != GATE_OPERATION and changed.reaches(record)}
    touched = _with_all_below(done_again(plan) | reached, _below(plan), lambda record: record.op != GATE_OPERATION)
    return frozenset(record.id for record in plan.steps if record.op != GATE_OPERATION and record.id not in touched)


def done_again(plan: InputRecord) -> frozenset[str]:
    """`revised_from` and all that comes after it, behind gates too: no answer of another run stands there."""
    if not plan.revised_from:
        return frozenset()
    return frozenset(_with_all_below([plan.revised_from], _below(plan), lambda record: True))


def says_more_than_pace(change: PlanChange) -> bool:
    """Whether a change concerns more than how often, how fast and for how much models are asked."""
    return change.kind != "setting" or change.name in TOUCHING_SETTINGS


def asks_default(record: StepRecord) -> bool:
    """Whether a step leaves it to the workflow which model it asks."""
    return record.op == DEFAULT_MODEL and not record.arguments().get("model")


def texts_of(record: StepRecord) -> Iterator[str]:
    """Every text in a step's arguments, its condition and its matrix."""
    yield from _texts([record.arguments(), record.when, record.cells.matrix if record.cells is not None else {}])


def _below(plan: InputRecord) -> dict[str, list[StepRecord]]:
    below: dict[str, list[StepRecord]] = {}
    for record in plan.steps:
        for need in record.needs:
            below.setdefault(need, []).append(record)
    return below


def _with_all_below(
    steps: Collection[str], below: Mapping[str, Sequence[StepRecord]], passes: Callable[[StepRecord], bool]
) -> set[str]:
    """`steps`, and whatever comes after one of them by way of steps that pass it on. `needs` may lead in a circle."""
    reached, waiting = set(steps), list(steps)
    while waiting:
        for record in below.get(waiting.pop(), ()):
            if record.id not in reached and passes(record):
                reached.add(record.id)
                waiting.append(record.id)
    return reached


def _touches_all(change: PlanChange) -> bool:
    return change.kind == "setting" and change.name == "seed"


class _Changed:
    """The names of what the plan says otherwise, by kind, and whether that reaches a step."""

    def __init__(self, plan: InputRecord) -> None:
        named: dict[str, set[str]] = {}
        for change in plan.changes:
            named.setdefault(change.kind, set()).add(change.name)
        self._steps = named.get("step", set())
        self._models = named.get("model", set())
        self._inputs = named.get("input", set())
        self._files = named.get("file", set())
        self._data = named.get("data set", set())
        self._data |= {name for name, data in plan.data.items() if data.path in self._files}
        self._is_default_another = "default_model" in named.get("setting", set()) or plan.default_model in self._models
        self._known_inputs = plan.inputs.keys() | self._inputs
        self._are_inputs_others = bool(self._inputs) or ORDER_OF_INPUTS in named.get("setting", set())
        self._gates = [record.id for record in plan.steps if record.op == GATE_OPERATION]

    def reaches(self, record: StepRecord) -> bool:
        """Whether anything that changed may reach this step itself."""
        cells = record.cells
        if record.id in self._steps or (cells is not None and cells.over is not None and cells.over.name in self._data):
            return True
        if self._is_default_another and asks_default(record):
            return True
        args, texts = record.arguments(), list(texts_of(record))
        if not self._models.isdisjoint(texts) or any(self._names_input(text) for text in texts):
            return True
        return any(self._names_gate(text) for text in texts) or self._reads_changed_file(args, texts)

    def _names_input(self, text: str) -> bool:
        """Whether a text may name an input that changed; one that names inputs in a way of its own may name any."""
        mentions = text.count("inputs") if self._are_inputs_others else 0
        if not mentions:
            return False
        found = [dot or one or two for dot, one, two in _named_input.findall(text)]
        return len(found) < mentions or any(name in self._inputs or name not in self._known_inputs for name in found)

    def _names_gate(self, text: str) -> bool:
        """Whether a text may name what people decided: that is asked anew."""
        return any(text == gate or ("steps" in text and gate in text) for gate in self._gates)

    def _reads_changed_file(self, args: Mapping[str, Any], texts: Collection[str]) -> bool:
        if not self._files:
            return False
        if any("{" in str(image) for image in args.get("images") or ()):
            return True  # which file a template gives is not known before
        if not self._files.isdisjoint(texts):
            return True
        patterns = [text for text in texts if _pattern_signs.search(text) and "\n" not in text and len(text) <= 1000]
        return any(globs.matches(pattern, path) for pattern in patterns for path in self._files)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a plain value; keys of mappings are none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
