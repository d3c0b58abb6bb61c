"""CITATION.cff has what CFF 1.2 requires and agrees with the program."""

from __future__ import annotations

import tomllib
from pathlib import Path

import yaml

import awo


def test_the_citation_agrees_with_the_package(root: Path) -> None:
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["cff-version"] == "1.2.0"
    assert citation["authors"] == project["authors"]
    assert citation["license"] == project["license"]
    assert citation["version"] == awo.__version__
