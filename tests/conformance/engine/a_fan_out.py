"""A run that maps a model over rows, straight through the engine, with a model whose every answer a test decides."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.unit.a_run import plan, step

from awo import plugins
from awo.canon.digest import sha256_hex
from awo.engine.reading import events_of
from awo.engine.run import Again, Ended, Surroundings, resume, start
from awo.evidence import events as ev
from awo.evidence.layout import items_path
from awo.evidence.records import (
    NO_LIMITS,
    CellsRecord,
    DataRecord,
    InputFile,
    InputRecord,
    ItemLine,
    LimitsRecord,
    ModelRecord,
    OverRecord,
    PriceRecord,
    json_object,
)
from awo.evidence.secrets import SecretCutter
from awo.gate.policy import Policy
from awo.inference.seam import Backend, Reply, Request

Answers = Callable[[str, int], Awaitable[str]]
"""From the prompt and how often it was asked before to the answer; may raise `ModelFailed`."""

DOLLARS = PriceRecord(input_usd_per_mtok="0", output_usd_per_mtok="100000", source="workflow")
"""Ten cents a token of the answer, and nothing for the prompt."""


class Scripted:
    """A backend that answers as a test says, and counts."""

    is_free = False
    is_remote = True
    concurrency = 8
    endpoint = ""
    answers: Answers
    asked: dict[str, int]
    in_flight = 0
    most_in_flight = 0

    def check(self) -> None:
        return

    async def open(self) -> dict[str, Any]:
        return {"asked": "scripted"}

    async def ask(self, request: Request, timeout_s: float) -> Reply:
        kind = type(self)
        prompt = request.turns[-1].content
        before = kind.asked.get(prompt, 0)
        kind.asked[prompt] = before + 1
        kind.in_flight += 1
        kind.most_in_flight = max(kind.most_in_flight, kind.in_flight)
        try:
            text = await kind.answers(prompt, before)
        finally:
            kind.in_flight -= 1
        return Reply(text=text, model_answered="scripted", stop_reason="stop", prompt_tokens=1, completion_tokens=1)

    async def close(self) -> None:
        return


def open_scripted(model: str, params: Mapping[str, Any], seed: int, root: Path) -> Backend:
    return Scripted()


@dataclass
class Project:
    """A folder with rows, and runs over them."""

    top: Path
    rows: list[dict[str, Any]]
    changes: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    cells: dict[str, Any] = field(default_factory=dict)
    args: dict[str, Any] = field(default_factory=dict)

    @property
    def around(self) -> Surroundings:
        return Surroundings(
            project=self.top,
            runs=self.top / "runs",
            workflow_root=self.top,
            policy=Policy(),
            secrets=SecretCutter({}),
            watch=lambda events, state: None,
        )

    def plan(self) -> InputRecord:
        data = "".join(json.dumps(row) + "\n" for row in self.rows)
        file = InputFile(
            path="rows.jsonl",
            sha256=sha256_hex(data.encode()),
            size_bytes=len(data.encode()),
            encoding="utf-8",
            content=data,
        )
        over = OverRecord(kind="data", name="rows")
        cells = CellsRecord(over=over, matrix={}, repeats=1, max_failed=0)
        ask = msgspec.structs.replace(
            step("ask", "llm_map"),
            args=json_object({"prompt": "{{ item.text }}", "model": "m", **self.args}),
            cells=msgspec.structs.replace(cells, **self.cells),
        )
        model = ModelRecord(
            backend="scripted", model="scripted", params={"max_tokens": 1}, seed=0, on_unknown="", limits=quick()
        )
        return plan(
            [ask],
            files=[file],
            data={
                "rows": DataRecord(
                    path="rows.jsonl", format="jsonl", id_column="", rows=len(self.rows), columns=["text"]
                )
            },
            models={"m": msgspec.structs.replace(model, **self.model)},
            **self.changes,
        )

    def run(self) -> Ended:
        going = start(self.plan(), self.top / "runs", self.around, ev.Starter(id="a", key="k"), "", lambda folder: None)
        return asyncio.run(going)

    def resume(self, folder: Path, **again: Any) -> Ended:
        return asyncio.run(resume(folder, self.around, Again(**again)))


def quick(**changes: Any) -> LimitsRecord:
    """Limits under which a test does not wait."""
    return msgspec.structs.replace(NO_LIMITS, tries=1, **changes)


def texts(count: int) -> list[dict[str, Any]]:
    return [{"text": f"row {number}"} for number in range(count)]


def items(folder: Path) -> list[ItemLine]:
    """items.jsonl, parsed."""
    lines = (folder / items_path("ask")).read_bytes().splitlines()
    return [msgspec.json.decode(line, type=ItemLine) for line in lines]


def events(folder: Path, *kinds: type[Any]) -> list[Any]:
    """The events of these kinds."""
    return [event for event in events_of(folder) if isinstance(event, kinds)]


def script(monkeypatch: pytest.MonkeyPatch, answers: Answers) -> None:
    """Makes the backend `scripted` answer so, from a count of zero."""
    monkeypatch.setattr(plugins, "BACKENDS", {**plugins.BACKENDS, "scripted": f"{__name__}:open_scripted"})
    monkeypatch.setattr(Scripted, "answers", staticmethod(answers), raising=False)
    monkeypatch.setattr(Scripted, "asked", {}, raising=False)
    monkeypatch.setattr(Scripted, "in_flight", 0)
    monkeypatch.setattr(Scripted, "most_in_flight", 0)
