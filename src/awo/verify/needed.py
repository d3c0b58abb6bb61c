"""Which outputs chapter 5 reads again: said before they stream by, so that only those are kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Final

from awo import plugins
from awo.derive.facts import RunFacts, StepFacts, StepStatus
from awo.errors import CannotCheck
from awo.evidence.layout import FILES_FOLDER, ITEMS_FILE, OUTPUTS, REPORT, RESPONSES_FILE, VALUE_FILE

VALUE, LINES, FILES, OWN, SHOWN, HEADS, BELOW, KEPT = 1, 2, 4, 8, 16, 32, 64, 128

STEPS_SHOWN: Final = 100
"""The report reads no more steps of one operation than this."""

TEXTS_SHOWN: Final = ("write_text",)
"""Operations of whose files the report shows the beginning."""

SCORING_PROGRAM: Final = "python_score"
"""Its function is not run again; what its lines amount to is counted again."""

KEEPS_ORIGINALS: Final = ("receive",)
"""Operations that are computed again from files of their own."""

HEAD_BYTES: Final = 1 << 16
WHOLE: Final = -1


class Needed:
    """`most_bytes` says of each output how much of it is read again. One small number for each step.

    `asked`: operations whose values are held against their responses. `derived`: those that are computed
    again, by name, and whether they read lines of other steps. `is_reported`: whether the report is made again.
    """

    def __init__(self, facts: RunFacts, asked: Collection[str], derived: dict[str, bool], *, is_reported: bool) -> None:
        self._steps: dict[str, int] = {}
        self._records = {step.record.id: step.record for step in facts.steps} if derived else {}
        self._is_reported = is_reported
        shown: Counter[str] = Counter()
        for step in facts.steps:
            op, id_ = step.record.op, step.record.id
            self._add_for_the_plan(step, asked)
            if op in derived and step.status in (StepStatus.DONE, StepStatus.FAILED):
                self._add(id_, VALUE | OWN | (KEPT if op in KEEPS_ORIGINALS else 0))
                self._add_values_below(id_)
                if derived[op]:
                    for need in step.record.needs:
                        self._add(need, LINES | FILES)
            if is_reported and _has_begun(step):
                shown[op] += 1
                if shown[op] <= STEPS_SHOWN:
                    self._add(id_, VALUE | LINES | SHOWN | (HEADS if op in TEXTS_SHOWN else 0))

    def most_bytes(self, path: str) -> int:
        """How much of the file at `path` is kept: 0 for nothing, -1 for all."""
        if path == REPORT:
            return WHOLE if self._is_reported else 0
        top, _, rest = path.partition("/")
        step, _, name = rest.partition("/")
        flags = self._steps.get(step, 0) if top == OUTPUTS else 0
        if not flags:
            return 0
        if name == VALUE_FILE:
            return WHOLE if flags & VALUE else 0
        if name in (ITEMS_FILE, RESPONSES_FILE):
            return WHOLE if flags & LINES else 0
        if name.startswith(f"{FILES_FOLDER}/"):
            if flags & (FILES | KEPT) or (flags & OWN and name.endswith(".jsonl")):
                return WHOLE
            return HEAD_BYTES if flags & HEADS else 0
        is_own = bool(flags & OWN) and name.endswith(".jsonl")
        return WHOLE if is_own or (flags & SHOWN and name.endswith(f"/{ITEMS_FILE}")) else 0

    def _add_for_the_plan(self, step: StepFacts, asked: Collection[str]) -> None:
        """What the requests of a step, its cells, its condition and the scores of its program are held against."""
        record, id_, is_done = step.record, step.record.id, step.status is StepStatus.DONE
        scores = record.op == SCORING_PROGRAM and is_done
        if record.op in asked and is_done:
            self._add(id_, VALUE | LINES)
            over = record.cells.over if record.cells is not None else None
            if over is not None and over.kind == "step":
                self._add(over.name, LINES)
        if scores:
            self._add(id_, VALUE | OWN)
        if record.when or scores or (record.op in asked and is_done):
            for need in record.needs:
                self._add(need, VALUE | LINES if scores else VALUE)

    def _add_values_below(self, step: str) -> None:
        """What a result rests on is looked through to its beginning: a claim counts what failed below it."""
        waiting = list(self._records[step].needs)
        while waiting:
            need = waiting.pop()
            record = self._records.get(need)
            if record is not None and not self._steps.get(need, 0) & BELOW:
                self._add(need, VALUE | BELOW)
                waiting += record.needs

    def _add(self, step: str, flags: int) -> None:
        self._steps[step] = self._steps.get(step, 0) | flags


def derived_in(facts: RunFacts) -> dict[str, bool]:
    """The operations of the run that are computed again, and whether they read lines of other steps.

    One that cannot be loaded here reads nothing: its check will say so.
    """
    found: dict[str, bool] = {}
    for op in sorted({step.record.op for step in facts.steps} & plugins.DERIVATIONS.keys()):
        try:
            found[op] = plugins.load(plugins.DERIVATIONS, op, "derivation").reads_lines
        except CannotCheck:
            found[op] = False
    return found


def _has_begun(step: StepFacts) -> bool:
    return step.status not in (StepStatus.NOT_RUN, StepStatus.SKIPPED)
