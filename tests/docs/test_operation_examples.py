"""Each workflow that the page of operations shows passes the check, but for the files that it reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from awo import api
from awo.workflow.load import parse

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
BLOCKS = re.findall(r"^```yaml\n(name: .*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", BLOCKS, ids=lambda text: text.splitlines()[0].removeprefix("name: "))
def test_each_workflow_on_the_page_of_operations_is_one(text: str) -> None:
    assert parse(text.encode(), "operations.yaml", api.operations()).steps


def test_operations_that_judge_are_shown_in_workflows() -> None:
    shown = {step.op for text in BLOCKS for step in parse(text.encode(), "operations.yaml", api.operations()).steps}
    assert {"grade", "prefer", "refute"} <= shown
