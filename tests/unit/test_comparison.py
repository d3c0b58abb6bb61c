"""Answers side by side: which arms say the same, how often, and a page that no text can take over."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from tests.unit.test_votes import cell, fanned, sources

from awo.derive.comparison import DERIVATION, ROWS_ON_PAGE, CompareArgs
from awo.derive.seam import Derived
from awo.errors import StepFailed
from awo.evidence.records import ItemLine
from awo.evidence.votes import ComparisonLine, ComparisonValue
from awo.testing.fake_sources import FakeSources


def derived(items: Sequence[ItemLine], **args: Any) -> Derived:
    return DERIVATION.compute(msgspec.convert({"of": "ask", **args}, CompareArgs), sources(items))


def compared(items: Sequence[ItemLine], **args: Any) -> tuple[ComparisonValue, list[ComparisonLine], str]:
    made = derived(items, **args)
    return (
        msgspec.convert(msgspec.to_builtins(made.value), ComparisonValue),
        [msgspec.json.decode(line, type=ComparisonLine) for line in made.files["comparison.jsonl"]],
        b"".join(made.files["comparison.md"]).decode(),
    )


def test_models_are_compared_item_by_item_and_pair_by_pair() -> None:
    items = [
        cell(0, "x", {"a": "Yes", "b": "yes", "c": "no"}),
        cell(1, "y", {"a": "no", "b": "no", "c": "no"}),
        cell(2, "z", None),
    ]
    value, lines, _ = compared(items)
    assert [(line.item, line.distinct, line.is_same) for line in lines] == [
        ("x", 2, False),
        ("y", 1, True),
        ("z", 0, None),
    ]
    assert (value.lines, value.same, value.different, value.incomplete) == (3, 1, 1, 1)
    assert [(pair.a, pair.b, pair.same, pair.lines) for pair in value.pairs] == [
        ("a", "b", 2, 2),
        ("a", "c", 1, 2),
        ("b", "c", 1, 2),
    ]
    assert [(arm.arm, arm.answers, arm.missing) for arm in value.arms] == [("a", 2, 1), ("b", 2, 1), ("c", 2, 1)]


def test_the_arms_may_be_those_of_a_matrix() -> None:
    record = fanned("ask", "llm_map", model="echo")
    cells = record.cells
    assert cells is not None
    record = msgspec.structs.replace(record, cells=msgspec.structs.replace(cells, matrix={"prompt": ["short", "long"]}))
    items = [
        msgspec.structs.replace(
            cell(number, "x", None),
            matrix={"prompt": prompt},
            status="done",
            value={"text": text, "model": "echo", "call": str(number)},
        )
        for number, (prompt, text) in enumerate([("short", "yes"), ("long", "YES")])
    ]
    made = DERIVATION.compute(
        CompareArgs(of="ask", by="prompt"), FakeSources(records={"ask": record}, items={"ask": items})
    )
    (line,) = (msgspec.json.decode(line, type=ComparisonLine) for line in made.files["comparison.jsonl"])
    assert ([one.arm for one in line.answers], line.model, line.matrix, line.is_same) == (
        ["short", "long"],
        "echo",
        {},
        True,
    )


def test_a_model_that_is_asked_twice_in_a_cell_is_two_arms() -> None:
    item = cell(0, "x", {"a": "p"})
    item.value["responses"].append({"model": "a", "text": "q", "call": "9"})
    value, _, _ = compared([item])
    assert [arm.arm for arm in value.arms] == ["a", "a (2)"]


def test_a_pair_that_never_met_has_no_share_and_says_why() -> None:
    value, _, _ = compared([cell(0, "x", {"a": "p"}), cell(1, "y", {"b": "p"})])
    assert [(pair.share, pair.why) for pair in value.pairs] == [(None, "no line has an answer of both")]


@pytest.mark.parametrize(
    ("items", "args", "code"),
    [
        ([cell(0, "x", None)], {}, "nothing_to_compare"),
        ([cell(0, "x", {"a": "p"})], {"by": "prompt"}, "unknown_arms"),
        ([cell(0, "x", {f"m{number}": "p" for number in range(51)})], {}, "too_many_arms"),
    ],
)
def test_what_cannot_be_compared_is_one_clear_failure(items: list[ItemLine], args: dict[str, Any], code: str) -> None:
    with pytest.raises(StepFailed) as caught:
        derived(items, **args)
    assert caught.value.code == code


def test_the_page_is_bounded_and_shows_foreign_text_as_text() -> None:
    evil = "| x |\n# done\n<script>alert(1)</script> ![i](https://evil.example/i)"
    many = [cell(number, f"i{number}", {"a": evil, "b": "fine"}) for number in range(ROWS_ON_PAGE + 5)]
    _, _, page = compared(many)
    assert "5 more lines" in page
    assert re.search(r"(?<!\\)<", page) is None
    assert "\n# done" not in page
    assert len(re.findall(r"^\| i\d", page, re.MULTILINE)) == ROWS_ON_PAGE
