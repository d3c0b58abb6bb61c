"""The files that docs/citing.md shows are taken as they stand, and its errors are those of the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from awo.errors import AboutInvalid
from awo.publish.about.cff import read_cff
from awo.publish.about.zenodo_json import read_zenodo_json


def block(root: Path, language: str) -> str:
    """The first block of the page in this language; '' means one without."""
    page = (root / "docs" / "citing.md").read_text(encoding="utf-8")
    found: list[tuple[str, str]] = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return next(text for name, text in found if name == language)


def test_both_files_of_the_page_name_the_same_author(root: Path) -> None:
    cff, zenodo = read_cff(block(root, "yaml").encode()), read_zenodo_json(block(root, "json").encode())
    assert cff.creators[0] == zenodo.creators[0]
    assert cff.licence == zenodo.licence == "CC-BY-4.0"
    assert zenodo.funding[0].funder == "European Commission"


def test_the_errors_of_the_page_are_those_of_the_program(root: Path) -> None:
    page = (root / "docs" / "citing.md").read_text(encoding="utf-8")
    wrong = block(root, "yaml").replace("0097", "0098").replace("CC-BY-4.0", "CC BY 4.0")
    with pytest.raises(AboutInvalid) as caught:
        read_cff(wrong.encode())
    without_places = re.compile(r"CITATION\.cff:\d+:\d+")
    shown = without_places.sub("", page)
    assert without_places.sub("", f"error: {caught.value}") in shown
