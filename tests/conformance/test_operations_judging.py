"""The operations that ask models to judge keep the contract of every operation."""

from __future__ import annotations

from typing import Any

import pytest

from awo import plugins
from awo.testing.fake_desk import FakeDesk
from awo.testing.operations import CHECKS, Case, Check, Example, Failure
from awo.workflow.cells import Cell

CELL = Cell(0, "r1", {"value": {"text": "Paris"}, "row": {"question": "Capital?"}}, {"who": "strict"}, 0)
ANSWERS = {
    "strict": lambda _: "Right.\n**GRADE: Correct**\nPREFER: TIE",
    "lost": lambda _: "I would rather not.",
    "objector": lambda asked: "STANDS" if "-- begin reply " in asked else "OBJECTION: It is not so.",
    "content": lambda _: "NO OBJECTION",
    "proposer": lambda _: "REPLY: It is so, since I say it.",
}


def desk() -> FakeDesk:
    return FakeDesk(cell=CELL, answers=ANSWERS, inputs={"rubric": "Names Paris."})


def example(**args: Any) -> Example:
    return Example(args, desk)


PAIR = {"first": "Paris", "second": "Lyon", "criterion": "It is true."}
TALK = {"statement": "All swans are white.", "proposer": "proposer"}

CASES: dict[str, dict[str, Any]] = {
    "grade": {
        "works": [
            example(rubric="{{ inputs.rubric }}", judges=["strict"]),
            example(rubric="x", answer="y", question="{{ item.row.question }}", judges=["strict", "lost", "echo"]),
            example(rubric="x", judges=["{{ matrix.who }}"], choices={"yes": 1, "no": 0}, aggregate="majority"),
            example(rubric="x", judges=["lost"], schema=True, params={"max_tokens": 9}, instructions="Be kind."),
        ],
        "refused": [
            {},
            {"rubric": "x"},
            {"rubric": "x", "judges": []},
            {"rubric": "x", "judges": ["echo"], "choices": {"yes": 1}},
            {"rubric": "x", "judges": ["echo"], "choices": {"yes": 1, "no": 2}},
            {"rubric": "x", "judges": ["echo"], "choices": {"yes": 1, "YES": 0}},
            {"rubric": "x", "judges": ["echo"], "choices": {"yes": 1, " no": 0}},
            {"rubric": "x", "judges": ["echo"], "aggregate": "mode"},
        ],
        "fails": [
            Failure("model", example(rubric="x", judges=["ghost"])),
            Failure("template", example(rubric="{{ inputs.nothing }}", judges=["strict"])),
            Failure("template", example(rubric="x", judges=["{{ item.row }}"])),
        ],
    },
    "prefer": {
        "works": [
            example(**PAIR, judges=["strict"]),
            example(**PAIR, judges=["strict", "lost", "echo"], question="Capital?", first_is="{{ item.value.text }}"),
        ],
        "refused": [{}, PAIR, PAIR | {"judges": []}, PAIR | {"judges": ["echo"], "criterion": None}],
        "fails": [
            Failure("model", example(**PAIR, judges=["ghost"])),
            Failure("template", example(**PAIR, judges=["strict"], first_is="{{ item.nothing }}")),
        ],
    },
    "refute": {
        "works": [
            example(**TALK, refuters=["content", "content"]),
            example(**TALK, refuters=["objector", "content", "lost"], on_standing="report", evidence="A photograph."),
            example(
                **TALK, refuters=["objector"], rounds=3, on_standing="report", answers={"o2-1": "See the photograph."}
            ),
        ],
        "refused": [
            {},
            {**TALK, "refuters": []},
            {**TALK, "refuters": ["echo"], "rounds": 0},
            {**TALK, "refuters": ["echo"], "rounds": 11},
            {**TALK, "refuters": ["echo"], "on_standing": "ignore"},
            {**TALK, "refuters": ["echo"], "answers": {"o1-1": 3}},
        ],
        "fails": [
            Failure("objection_stands", example(**TALK, refuters=["objector"])),
            Failure("refuters_unclear", example(**TALK, refuters=["lost"])),
            Failure("model", example(**TALK, refuters=["ghost"])),
            Failure("template", example(statement="{{ steps.x }}", proposer="proposer", refuters=["content"])),
        ],
    },
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_operation_that_judges_keeps_the_contract(check: Check, name: str) -> None:
    operation = plugins.load(plugins.OPERATIONS, name, "operation")
    assert operation.name == name
    check(Case(operation, **CASES[name]))
