"""docs/adr/README.md lists every decision, and each has the parts of the template."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STATUSES = {"accepted", "superseded", "rejected"}


@pytest.fixture
def decisions(root: Path) -> list[Path]:
    return sorted((root / "docs" / "adr").glob("[0-9]*.md"))


def test_decisions_are_numbered_from_one_without_gaps(decisions: list[Path]) -> None:
    assert decisions
    assert [path.name[:4] for path in decisions] == [f"{n:04d}" for n in range(1, len(decisions) + 1)]


def test_the_index_has_each_decision_with_its_title_in_order(decisions: list[Path], root: Path) -> None:
    index = (root / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"\[(\d{4})\]\(([^)]+)\) \| (.+?) \|", index)
    titles = [path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ") for path in decisions]
    wanted = [
        (path.name[:4], path.name, title.partition(". ")[2]) for path, title in zip(decisions, titles, strict=True)
    ]
    assert rows == wanted


def test_each_decision_has_the_parts_of_the_template(decisions: list[Path], root: Path) -> None:
    template = (root / "docs" / "adr" / "template.md").read_text(encoding="utf-8")
    parts = re.findall(r"^## (.+)$", template, re.MULTILINE)
    assert "Bad consequences" in parts
    for path in decisions:
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == parts, path.name
        status = re.search(r"^Status: (\w+)", text, re.MULTILINE)
        assert status is not None, path.name
        assert status.group(1) in STATUSES, path.name
