"""The page of scores names every kind, and the phrases of a refusal as they are looked for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from awo import api
from awo.derive.scores.kinds import AnySpec
from awo.derive.scores.recorded import REFUSALS
from awo.workflow.load import parse

PAGE = (Path(__file__).parents[2] / "docs" / "scores.md").read_text(encoding="utf-8")


def test_every_kind_stands_in_a_table_of_the_page_and_no_other_does() -> None:
    tables = PAGE.partition("## Texts")[2].partition("## Refusals")[0]
    named = {
        word
        for row in re.findall(r"^\| ([^|]+) \|", tables, re.MULTILINE)
        for word in re.findall(r"`([a-z_0-9]+)`", row)
    }
    assert named == {kind.__struct_config__.tag for kind in get_args(AnySpec)}


def test_the_page_has_the_phrases_of_a_refusal() -> None:
    section = PAGE.partition("## Refusals")[2]
    assert tuple(re.findall(r"`([^`]*)`", section)[: len(REFUSALS)]) == REFUSALS


def test_each_workflow_on_the_page_of_scores_is_one() -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    steps = [step for text in blocks for step in parse(text.encode(), "scores.yaml", api.operations()).steps]
    assert {"grade", "score", "statistics"} <= {step.op for step in steps}
