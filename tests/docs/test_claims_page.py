"""The page on claims: its workflow passes the check, and it names every key and verdict that there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from awo import api
from awo.derive.claim_shape import FalsificationTest, Prediction, StatedClaim, Tolerance
from awo.derive.verdicts import Verdict
from awo.workflow.load import parse

TEXT = (Path(__file__).parents[2] / "docs" / "claims.md").read_text(encoding="utf-8")


def test_the_workflow_on_the_page_of_claims_is_one() -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert "claims" in {step.op for step in parse(block.encode(), "claims.yaml", api.operations()).steps}


def test_the_page_names_every_key_of_a_claim_and_every_verdict() -> None:
    shapes = (StatedClaim, Prediction, FalsificationTest, Tolerance)
    keys = {name for shape in shapes for name in shape.__struct_fields__}
    assert [key for key in sorted(keys) if f"`{key}`" not in TEXT] == []
    assert [word for word in get_args(Verdict) if f"**{word.replace('_', ' ')}**" not in TEXT] == []
