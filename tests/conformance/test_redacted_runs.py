"""Runs of which texts are withheld, as folders of a project: a command that needs such a text says so, once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.vectors.builder import RUN_ID, Package, gzip_of, tar_of
from tests.vectors.redacted import ALL, PROMPTS, TRUST, usual
from tests.vectors.stories import completed

from awo import api
from awo.cli.app import app
from awo.errors import EvidenceError, TextWithheld
from awo.evidence import layout
from awo.sign.allowed_signers import AllowedSigners
from awo.verify.judge import verify


def project_with(tmp_path: Path, package: Package) -> Path:
    (tmp_path / "awo.toml").write_text("")
    package.write(tmp_path / "runs")
    return tmp_path / "runs"


def run(runs: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--runs", str(runs)], standalone_mode=False)


@pytest.fixture
def without_a_plan(tmp_path: Path) -> Path:
    return project_with(tmp_path, usual(run=completed, hide={layout.INPUT: ["/name"]}, act="erasure"))


@pytest.mark.parametrize("words", [("status", RUN_ID), ("show", RUN_ID), ("show", "latest", "--json")])
def test_a_command_that_needs_the_plan_names_the_redaction(without_a_plan: Path, words: tuple[str, ...]) -> None:
    result = run(without_a_plan, *words)
    assert isinstance(result.exception, TextWithheld)
    assert isinstance(result.exception, EvidenceError)  # whoever passes over what cannot be read passes over it, too
    assert "input.json is withheld by a redaction of this run, or was erased" in result.exception.what
    assert "awo verify" in result.exception.hint
    assert result.exception.exit_code == 7


def test_a_list_of_runs_says_which_one_cannot_be_read(without_a_plan: Path) -> None:
    (told,) = json.loads(run(without_a_plan, "list", "--json").stdout)["runs"]
    assert told["state"] == "cannot be read: input.json is withheld by a redaction of this run, or was erased"


def test_a_run_whose_plan_is_there_is_shown_without_what_is_withheld(tmp_path: Path) -> None:
    runs = project_with(tmp_path, usual(run=completed))
    assert "completed, sealed" in run(runs, "show", RUN_ID).stdout
    assert api.facts(runs / RUN_ID).calls.responses == 1


def test_a_redacted_package_is_judged_alike_as_a_folder_and_as_a_bundle(tmp_path: Path) -> None:
    package = usual(hide={**PROMPTS, layout.INPUT: ["/name"], layout.METADATA: ALL})
    (tmp_path / "package.tar.gz").write_bytes(gzip_of(tar_of(package)))
    sources = (package.write(tmp_path), tmp_path / "package.tar.gz")
    trust = AllowedSigners.parse(TRUST, where="trust")
    folder, bundle = (verify(source, trust=trust) for source in sources)
    assert (folder.verdict, folder.checks) == ("passed", bundle.checks)
    assert folder.redaction == bundle.redaction
