"""The floors and doors of the house bite: each contract refuses an import made to break it."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

VIOLATIONS = {
    "floors": ("canon/intruder.py", "import awo.engine"),
    "doer-and-judge": ("verify/intruder.py", "import awo.engine"),
    "journal": ("api_intruder.py", "from awo.engine import journal"),
    "digests": ("evidence/intruder.py", "def late() -> None:\n    import hashlib"),
    "signatures": ("engine/intruder.py", "from cryptography.hazmat.primitives import hashes"),
    "processes": ("ops/intruder.py", "from subprocess import run"),
    "templates": ("ops/intruder.py", "import jinja2"),
    "yaml": ("workflow/intruder.py", "import yaml"),
    "terminal": ("engine/intruder.py", "from rich import print"),
    "http": ("inference/intruder.py", "import aiohttp"),
    "pydantic-ai": ("inference/intruder.py", "from pydantic_ai.direct import model_request"),
    "prices": ("engine/intruder.py", "import genai_prices"),
    "parquet": ("workflow/intruder.py", "import pyarrow.parquet"),
    "frames": ("publish/intruder.py", "def late() -> None:\n    import polars"),
    "statistics": ("derive/intruder.py", "def late() -> None:\n    import scipy.stats"),
    "scores": ("derive/intruder.py", "import rapidfuzz"),
    "charts": ("derive/intruder.py", "import matplotlib"),
    "time-stamps": ("publish/intruder.py", "def late() -> None:\n    import rfc3161_client"),
    "notices": ("api_intruder.py", "def late() -> None:\n    import apprise"),
    "object-storage": ("publish/intruder.py", "def late() -> None:\n    import boto3"),
    "repositories": ("publish/intruder.py", "def late() -> None:\n    import urllib3"),
    "posts": ("publish/intruder.py", "def late() -> None:\n    import http.client"),
    "zstandard": ("publish/intruder.py", "def late() -> None:\n    import backports.zstd"),
    "scan": ("publish/scan/intruder.py", "def late() -> None:\n    import detect_secrets"),
    "llama": ("inference/intruder.py", "import xllamacpp"),
}
"""For each contract of pyproject.toml a file of src/awo and the line in it that must be refused."""


@pytest.fixture(scope="module")
def settings(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture
def house(tmp_path: Path, root: Path) -> Path:
    """A copy of the source that a test may spoil."""
    shutil.copytree(root / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(house: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    chosen = [word for contract in contracts for word in ("--contract", contract)]
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo", *chosen],
        cwd=house,
        env=os.environ | {"PYTHONPATH": str(house / "src"), "COLUMNS": "300"},
        capture_output=True,
        text=True,
    )


def test_every_contract_has_a_violation_here_and_a_reason(settings: dict[str, Any]) -> None:
    contracts = settings["tool"]["importlinter"]["contracts"]
    assert {contract["id"] for contract in contracts} == set(VIOLATIONS)
    assert [contract["id"] for contract in contracts if not contract.get("broken_contract_guidance")] == []


def test_the_source_as_it_is_keeps_every_contract(house: Path) -> None:
    answer = lint_imports(house)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert f"Contracts: {len(VIOLATIONS)} kept, 0 broken." in answer.stdout


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_contract_refuses_the_import_made_to_break_it(contract: str, house: Path) -> None:
    name, line = VIOLATIONS[contract]
    (house / "src" / "awo" / name).write_text(f"{line}\n")
    answer = lint_imports(house, contract)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert "intruder" in answer.stdout


def test_the_floors_that_contributors_read_are_those_that_are_kept(root: Path, settings: dict[str, Any]) -> None:
    kept = next(one for one in settings["tool"]["importlinter"]["contracts"] if one["id"] == "floors")["layers"]
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    floors, rooms = (
        text.partition("## Floors")[2].split("```")[1],
        text.partition("## Which room")[2].partition("##")[0],
    )
    assert [line.partition("   ")[0] for line in floors.strip().splitlines()] == kept
    named = {room for floor in kept for room in floor.split(" | ")} - {"plugins", "testing", "errors"}
    assert {room for room in named if f"`{room}`" not in rooms} == set()


def test_a_room_that_the_floors_do_not_name_is_refused(house: Path) -> None:
    cellar = house / "src" / "awo" / "cellar"
    cellar.mkdir()
    (cellar / "__init__.py").touch()
    answer = lint_imports(house, "floors")
    assert answer.returncode == 1
    assert "- awo.cellar" in answer.stdout


def test_a_banned_name_is_refused_outside_its_door_and_the_reason_is_printed(
    root: Path, settings: dict[str, Any]
) -> None:
    banned = settings["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]
    assert banned
    tops = {name.partition(".")[0] for name in banned}
    uses = "".join(f"import {top}\n" for top in sorted(tops)) + "".join(f"print({name})\n" for name in banned)
    answer = subprocess.run(
        [
            *(sys.executable, "-m", "ruff", "check", "--select", "TID251", "--output-format", "json"),
            *("--stdin-filename", "src/awo/engine/intruder.py", "-"),
        ],
        cwd=root,
        input=uses,
        capture_output=True,
        text=True,
    )
    said = {finding["message"] for finding in json.loads(answer.stdout)}
    assert said == {f"`{name}` is banned: {rule['msg']}" for name, rule in banned.items()}


def test_the_doors_of_processes_are_the_same_for_both_tools(settings: dict[str, Any]) -> None:
    contracts = {contract["id"]: contract for contract in settings["tool"]["importlinter"]["contracts"]}
    doors = {f"src/{name.replace('.', '/')}.py" for name in contracts["processes"]["allowed_importers"]}
    ignored = settings["tool"]["ruff"]["lint"]["per-file-ignores"]
    opened = {name for name, rules in ignored.items() if name.startswith("src/") and "TID251" in rules}
    networks = {
        "src/awo/inference/**",
        "src/awo/publish/post.py",
        "src/awo/web/**",
        "src/awo/publish/targets/s3_bucket.py",
        "src/awo/publish/targets/wire.py",
    }
    copies = {"src/awo/verify/second_core.py"}  # forks, and starts no program: ADR 0017
    assert opened == doors | networks | copies | {"src/awo/plugins.py", "src/awo/cli/app.py"}


def test_no_line_of_the_source_opens_a_door_for_itself(root: Path) -> None:
    files = sorted((root / "src").rglob("*.py"))
    assert files
    marks = ("noqa: " + "TID251", "ruff: " + "noqa")
    assert [path.name for path in files if any(mark in path.read_text(encoding="utf-8") for mark in marks)] == []


def test_every_file_of_the_source_says_first_what_it_is_for(root: Path) -> None:
    files = [path for folder in ("src", "tests", "benchmarks") for path in sorted((root / folder).rglob("*.py"))]
    assert files
    silent = [
        str(path.relative_to(root))
        for path in files
        if "vectors" not in path.parts and ast.get_docstring(ast.parse(path.read_bytes())) is None
    ]
    assert silent == []


def test_no_room_has_a_name_that_means_everything(root: Path) -> None:
    words = {"utils", "util", "helpers", "common", "misc", "core", "base"}
    assert [path.name for path in sorted((root / "src").rglob("*")) if path.stem in words] == []
