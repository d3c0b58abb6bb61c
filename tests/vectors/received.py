"""The packages of a run that received what others made: as it came, and what somebody who cheats would have."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
from tests.vectors.builder import Package, step
from tests.vectors.record import sha256
from tests.vectors.stories import Vector

from awo import plugins
from awo.canon.json import pretty
from awo.derive.seam import Derivation
from awo.evidence import layout
from awo.evidence.received import ORIGINAL, RECEIVE, RECEIVED_FILE
from awo.evidence.records import InputFile
from awo.testing.fake_sources import FakeSources

STEP, NAME = "received", "results.json"
KEPT = f"{ORIGINAL}/{NAME}"
RESULTS = [
    {
        "testIdx": number,
        "promptIdx": 0,
        "provider": {"id": "somebody:model"},
        "prompt": {"raw": "Which colour?"},
        "response": {"output": colour},
        "success": colour == "blue",
        "score": float(colour == "blue"),
    }
    for number, colour in enumerate(("blue", "red"))
]
TEXT = json.dumps({"results": {"version": 3, "results": [*RESULTS, {"more": True}]}}, indent=1) + "\n"


def received(
    lines: Callable[[str], str] = lambda text: text,
    kept: Callable[[str], str] = lambda text: text,
    change: Callable[[Any], Any] = lambda value: value,
) -> Package:
    """Two answers and a part that is none. `lines`, `kept` and `change` make another list, original and value."""
    data = TEXT.encode()
    declared = InputFile(path=NAME, sha256=sha256(data), size_bytes=len(data), encoding="utf-8", content=TEXT)
    package = Package([step(STEP, RECEIVE, form="promptfoo", file=NAME)], files=[declared])
    derivation: Derivation[Any] = plugins.load(plugins.DERIVATIONS, RECEIVE, "derivation")
    args = msgspec.json.decode(package.input.steps[0].args, type=derivation.args)
    derived = derivation.compute(args, FakeSources(step=STEP, files={NAME: TEXT}))
    value = change(msgspec.json.decode(pretty(msgspec.to_builtins(derived.value))))
    package.start(STEP)
    listed = b"".join(derived.files[RECEIVED_FILE]).decode()
    package.finish(STEP, value, {KEPT: kept(TEXT), RECEIVED_FILE: lines(listed)})
    package.end("completed")
    return package


def good() -> dict[str, Vector]:
    """The vectors that verify."""
    return {"received": Vector(received().freeze(), 0)}


def bad() -> dict[str, Vector]:
    """The vectors that fail, by the id of their check and a word."""
    path, original = layout.file_path(STEP, RECEIVED_FILE), layout.file_path(STEP, KEPT)
    another_answer = received(lines=lambda text: text.replace('"answer":"red"', '"answer":"blue"'))
    another_file = received(kept=lambda text: text.replace('"red"', '"blue"'))
    nothing_left_out = received(change=lambda value: value | {"not_understood": 0, "left_out": [], "reasons": {}})
    where = f"{layout.value_path(STEP)}: "
    return {
        "EP-5.2-received": Vector(another_answer.freeze(), 3, ("EP-5.2",), where=f"{path}:2: answer"),
        "EP-5.2-original": Vector(another_file.freeze(), 3, ("EP-5.2",), where=original),
        "EP-5.2-understood": Vector(nothing_left_out.freeze(), 3, ("EP-5.2",), where=f"{where}not_understood"),
    }
