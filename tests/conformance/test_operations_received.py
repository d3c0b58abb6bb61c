"""The operation that receives keeps the contract of `awo.testing.operations`."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit import foreign_results as made

from awo import plugins
from awo.testing.fake_desk import FakeDesk
from awo.testing.fake_sources import FakeSources
from awo.testing.operations import CHECKS, Case, Check, Example, Failure

BLOBS = {
    "log.eval": made.eval_log([made.sample("a"), made.sample("b")]),
    "packed.eval": made.eval_log([made.sample()], made.ZSTANDARD),
    "log.json": made.json_log([made.sample()]),
    "results.json": made.promptfoo([made.result(), {"no": "result"}]),
    "new.json": made.promptfoo([], 9),
    "text.json": b"Hello",
    **{f"run/{path}": data for path, data in made.awo_1x().items()},
}


def desk() -> FakeDesk:
    return FakeDesk(sources=FakeSources(blobs=BLOBS))


def example(**args: Any) -> Example:
    return Example(args, desk)


CASES: dict[str, dict[str, Any]] = {
    "receive": {
        "works": [
            example(form="inspect", file="log.eval"),
            example(form="inspect", file="packed.eval"),
            example(form="inspect", file="log.json"),
            example(form="promptfoo", file="results.json"),
            example(form="awo-1x", files="run/**"),
        ],
        "refused": [
            {},
            {"form": "inspect"},
            {"form": "csv", "file": "a.csv"},
            {"form": "inspect", "files": "run/**"},
            {"form": "awo-1x", "file": "log.json"},
            {"form": "promptfoo", "file": "a.json", "files": "run/**"},
        ],
        "fails": [
            Failure("received_form", example(form="inspect", file="text.json")),
            Failure("received_form", example(form="promptfoo", file="log.eval")),
            Failure("received_form", example(form="awo-1x", files="none/**")),
            Failure("received_version", example(form="promptfoo", file="new.json")),
            Failure("missing_input", example(form="inspect", file="none.eval")),
        ],
    },
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_operation_that_receives_keeps_the_contract(check: Check, name: str) -> None:
    check(Case(plugins.load(plugins.OPERATIONS, name, "operation"), **CASES[name]))


@pytest.mark.parametrize("path", ["log.eval", "log.json", "results.json"])
def test_the_original_is_kept_byte_for_byte(path: str) -> None:
    from awo.derive.received.step import ReceiveArgs, read

    form: Any = "promptfoo" if path == "results.json" else "inspect"
    derived = read(ReceiveArgs(form=form, file=path), FakeSources(blobs=BLOBS))
    kept = derived.files[f"original/{path}"]
    assert b"".join(kept) == BLOBS[path]
    assert (len(kept), kept[0], kept[:1]) == (sum(1 for _ in kept), next(iter(kept)), [next(iter(kept))])
