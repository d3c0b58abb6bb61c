"""The page of standards names only what exists: checks, files, events and fields; and so does the predicate's page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import msgspec
import pytest

from awo.api import PROJECT_FILE, REVIEWERS
from awo.cli.app import app
from awo.evidence import layout
from awo.evidence.events import AnyEvent
from awo.evidence.gates import Meaning, Presence, Verdict
from awo.evidence.human_review import PREDICATE_TYPE, HumanReview
from awo.evidence.schemas import SHAPES, schema_of
from awo.gate.project import read_policy
from awo.verify.checks import CHECKS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "standards.md").read_text(encoding="utf-8")
PREDICATE = (DOCS / "spec" / "human-review-v1.md").read_text(encoding="utf-8")
OTHERS = {"sha256sum", "ssh-keygen", *get_args(Meaning), *get_args(Presence), *get_args(Verdict)}
"""Programs, and the words that a decision may hold."""

FILES = {
    PROJECT_FILE,
    REVIEWERS,
    *(layout.INPUT, layout.METADATA, layout.REPORT, layout.JOURNAL, layout.SUMS, layout.SEAL),
    *(layout.gate_request_path("<gate>"), layout.gate_report_path("<gate>"), layout.responses_path("<step>")),
    layout.raw_path(1),
    layout.decision_path(1, "<gate>"),
    layout.authority_path(layout.decision_path(1, "<gate>")),
}


def named(page: str) -> list[str]:
    """Everything that a page sets as code, outside its fenced blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL))


def fields(kind: Any) -> Iterator[str]:
    """The names of all fields of a shape on disk, at any depth."""
    for definition in schema_of(kind)["$defs"].values():
        yield from definition.get("properties", {})


def kinds_of_events() -> set[str]:
    return {str(kind.__struct_config__.tag) for kind in get_args(AnyEvent)}


def is_known(word: str) -> bool:
    """Whether a word that is set as code is something that AWO has."""
    if word.startswith("awo "):
        return word.split()[1] in app.list_commands(click.Context(app))
    if word == "require_commit":
        return read_policy("require_commit = true", where="test").require_commit
    known = {name for kind in SHAPES for name in fields(kind)}
    return word in FILES | kinds_of_events() | OTHERS | known


def test_every_check_on_the_page_exists() -> None:
    ids = set(re.findall(r"EP-\d+\.\d+", PAGE))
    assert ids
    assert ids <= {check.id for check in CHECKS}


@pytest.mark.parametrize("word", sorted(set(named(PAGE))))
def test_every_name_on_the_page_is_one_that_awo_has(word: str) -> None:
    assert is_known(word), word


@pytest.mark.parametrize("word", ["decision_forgotten", "audit/nothing.json", "awo comply", "EP-4.99"])
def test_a_name_that_awo_has_not_is_found(word: str) -> None:
    assert not is_known(word)


def test_the_page_promises_nothing_that_only_an_organisation_can_keep() -> None:
    assert re.findall(r"\bcomplian\w*|\bcertified\b|\bguarantee\w*", PAGE, re.IGNORECASE) == []
    assert "no legal advice" in PAGE


def test_every_row_says_what_is_left_to_the_reader_or_has_an_empty_cell_for_it() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| section", "| ---"))]
    assert len(rows) > 60
    assert {line.count(" |") for line in rows} == {4}


def test_the_table_of_the_predicate_has_its_keys_in_their_order() -> None:
    table = PREDICATE.partition("A consumer must ignore")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
    keys = [key for cell in cells for key in re.findall(r"`([a-z_0-9]+)`", cell)]
    assert keys == [field.name for field in msgspec.structs.fields(HumanReview)]


def test_the_predicates_page_names_its_type_and_its_schema() -> None:
    assert f"`{PREDICATE_TYPE}`" in PREDICATE
    assert f"`{schema_of('human-review')['$id']}`" in PREDICATE
