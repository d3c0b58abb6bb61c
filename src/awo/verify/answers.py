"""Holds the values of steps that asked models against the responses that they rest on."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from awo.canon.json import encode_sorted
from awo.derive.concluding import NotConcluded, calls_of, concluded, templates_of
from awo.derive.facts import StepFacts
from awo.errors import CannotCheck, EvidenceError, StepFailed
from awo.evidence.layout import items_path, responses_path
from awo.evidence.records import ItemLine, ResponseLine
from awo.verify.compared import differences
from awo.verify.findings import MOST_FINDINGS, Answer
from awo.verify.sources import Package, PackageSources
from awo.workflow.cells import Cell

CONCLUDED_AS_FAILURES = ("objection_stands", "refuters_unclear")
"""Reasons of failed cells that follow from their answers."""


class Responses:
    """The responses of one step by their calls, each read when it is asked for. About 100 bytes a line."""

    def __init__(self, package: Package, step: str) -> None:
        self._package = package
        self._path = responses_path(step)
        journal = package.reading.journal
        recorded = journal.lines.get(self._path) if journal is not None else None
        self._sizes: Sequence[int] = recorded.sizes if recorded is not None else ()
        calls = recorded.calls if recorded is not None else ()
        self._numbers = {call: number for number, call in enumerate(calls)}
        self._offsets = array("Q")
        offset = 0
        for size_bytes in self._sizes:
            self._offsets.append(offset)
            offset += size_bytes + 1

    def of(self, calls: Iterable[str]) -> list[ResponseLine]:
        """The responses of these calls, in their order. Raises as `Package.held`, and `EvidenceError`."""
        found = []
        for call in calls:
            number = self._numbers.get(call)
            if number is None:
                raise EvidenceError("the value rests on a call that has no answer", got=f"call {call}")
            found.append(self._package.response(self._path, self._offsets[number], self._sizes[number]))
        return found


class Asked:
    """A step that asked models. `check` finds each of its values that its responses do not give."""

    def __init__(self, package: Package, step: StepFacts, answer: Answer) -> None:
        self._package = package
        self._step = step
        self._op = step.record.op
        self._args: Mapping[str, Any] = step.record.arguments()
        self._templates = templates_of(self._op, self._args)
        self._sources = PackageSources(package, step.record.id)
        self._responses = Responses(package, step.record.id)
        self._answer = answer

    def check(self) -> None:
        """Raises as `Package` where the step cannot be read."""
        step = self._step
        if step.record.cells is not None:
            path = items_path(step.record.id)
            if any(reader.path == path and reader.misshapen for reader in self._package.reading.items):
                raise CannotCheck("the items are not in their shape", where=path)
            for item in self._package.items(path):
                if self._answer.left_out:
                    return
                self._item(item, f"{path}:{item.cell + 1}")
        elif step.value is not None:
            value = self._package.value(step.value.path)
            self._held_against(lambda: calls_of(self._op, value), value, step.value.path, None)

    def _item(self, item: ItemLine, where: str) -> None:
        cell = Cell(index=item.cell, item_id=item.item, row=item.row, matrix=item.matrix, repeat=item.repeat)
        if item.reason is None:
            self._held_against(lambda: item.calls, item.value, where, cell)
        elif item.reason.code in CONCLUDED_AS_FAILURES:
            self._held_against(lambda: item.calls, None, where, cell, item.reason.code)

    def _held_against(self, calls: Any, got: Any, where: str, cell: Cell | None, code: str = "") -> None:
        answer = self._answer
        try:
            lines = self._responses.of(calls())
            moved = next((line for line in lines if cell is not None and line.cell != cell.index), None)
            if moved is not None:
                raise EvidenceError("the value rests on an answer to another cell", got=f"call {moved.call}")
            texts = {name: self._sources.render(text, cell) for name, text in self._templates.items()}
            data = encode_sorted(concluded(self._op, self._args, lines, texts))
        except NotConcluded as error:
            answer.cannot(where, str(error))
        except EvidenceError as error:
            answer.fail(where, error.what, error.expected, error.got)
        except StepFailed as error:
            if error.code != code:
                answer.fail(where, f"the answers give another end: {error.what}", error.expected, error.got)
        else:
            if code:
                answer.fail(where, "the cell failed, and its answers give a value", code)
            elif data != encode_sorted(got):
                for one in islice(differences(msgspec.json.decode(data), got), MOST_FINDINGS):
                    place = f"{where}: {one.place}" if one.place else where
                    answer.fail(place, "the recorded value is not the one that its responses give", *one[1:])
