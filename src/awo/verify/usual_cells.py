"""The usual step that asks models (one question a cell, no schema, no images): many cells are held against the plan
at once. It says yes, or nothing: whatever is not as usual is looked at cell by cell (`answers`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from awo.canon.digest import sha256_of_each
from awo.canon.json import encode_sorted_lines
from awo.derive.facts import StepFacts
from awo.errors import AwoError
from awo.evidence.records import ItemLine, Message, ModelRecord
from awo.verify.responses_again import Responses
from awo.verify.sources import Package, PackageSources
from awo.workflow.cells import Cell
from awo.workflow.templates import is_template

UNUSUAL: Final = ("schema", "images", "messages")


class Said(msgspec.Struct, gc=False):
    """What of a response becomes the value of its cell."""

    call: str
    model: str
    stop_reason: str
    text: str


_said: Final = msgspec.json.Decoder(Said)


class UsualCells:
    """The cells of one such step, whose responses were all the recorded ones and answer the requests they name."""

    def __init__(
        self, model: str, record: ModelRecord, args: dict[str, Any], responses: Responses, sources: PackageSources
    ) -> None:
        params = {**record.params, **(args.get("params") or {})}
        self._model, self._record = model, record
        self._seed, self._params = params.pop("seed", record.seed), params
        self._system, self._prompt = args.get("system") or "", args.get("prompt") or ""
        self._responses, self._sources = responses, sources

    @classmethod
    def of(cls, package: Package, step: StepFacts, responses: Responses, sources: PackageSources) -> UsualCells | None:
        """None for a step that is not so, or where a fault was found in its responses."""
        args = step.record.arguments()
        params = args.get("params") or {}
        model = args.get("model") or sources.default_model
        reader = next((one for one in package.reading.responses if one.path == responses.path), None)
        if step.record.op != "llm_map" or any(args.get(name) for name in UNUSUAL) or args.get("schema") is not None:
            return None
        if reader is None or not reader.answers_its_requests or not isinstance(model, str) or is_template(model):
            return None
        if not isinstance(params, dict) or "seed" in params or any(map(_may_be_filled_in, params.values())):
            return None
        texts = (args.get("system") or "", args.get("prompt") or "")
        record = package.plan.models.get(model)
        if record is None or not all(isinstance(text, str) for text in texts):
            return None
        return cls(model, record, args, responses, sources)

    def are_right(self, cells: Sequence[tuple[ItemLine, Cell, str]]) -> bool:
        """Whether nothing is to be said of these cells, each with its item and what is wrong with its row."""
        lines: list[int] = []
        for item, cell, fault in cells:
            if fault or item.reason is not None or len(item.calls) != 1:
                return False
            line = self._responses.only_line(cell.index, item.calls[0])
            if line is None or self._responses.recorded.model(line) != self._model:
                return False
            lines.append(line)
        try:
            return self._are_asked(cells, lines) and self._are_concluded(cells, lines)
        except (AwoError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return False

    def _are_asked(self, cells: Sequence[tuple[ItemLine, Cell, str]], lines: Sequence[int]) -> bool:
        """Whether the requests that the plan makes are those that the responses answer, by what names them."""
        turns = [self._turns(cell) for _, cell, _ in cells]
        of_seeds = [[self._seed, cell.repeat, turn] for (_, cell, _), turn in zip(cells, turns, strict=True)]
        seeds = sha256_of_each(encode_sorted_lines(of_seeds)[:-1].split(b"\n"))
        named = [
            {
                "backend": self._record.backend,
                "messages": turn,
                "model": self._record.model,
                "params": self._params,
                "repeat": cell.repeat,
                "schema_sha256": "",
                "seed": int.from_bytes(seeds[32 * at : 32 * at + 4]) >> 1,
            }
            for at, ((_, cell, _), turn) in enumerate(zip(cells, turns, strict=True))
        ]
        request = self._responses.recorded.request
        return sha256_of_each(encode_sorted_lines(named)[:-1].split(b"\n")) == b"".join(map(request, lines))

    def _turns(self, cell: Cell) -> tuple[Message, ...]:
        render = self._sources.render
        asked = Message(role="user", content=render(self._prompt, cell))
        system = render(self._system, cell) if self._system else ""
        return (Message(role="system", content=system), asked) if system else (asked,)

    def _are_concluded(self, cells: Sequence[tuple[ItemLine, Cell, str]], lines: Sequence[int]) -> bool:
        """Whether the values are what `derive.concluding` makes of the responses."""
        said = [_said.decode(self._responses.line(line)) for line in lines]
        return encode_sorted_lines(said) == encode_sorted_lines([item.value for item, _, _ in cells])


def _may_be_filled_in(value: Any) -> bool:
    return isinstance(value, (dict, list)) or (isinstance(value, str) and is_template(value))
