"""The commands on packages: `seal`, `verify`, `render`, `export`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from awo import api
from awo.cli.places import find, key_options, named, project, run_argument, runs_option, who
from awo.cli.printing import json_option, print_json, say
from awo.errors import UsageError
from awo.evidence.layout import INPUT, SUMS

PARTS = (INPUT, SUMS, "audit", "outputs")
"""What a package has in its folder. A folder with none of it is something else."""


@click.command()
@run_argument
@runs_option
@key_options
@json_option
def seal(run_name: str, runs: Path | None, key: Path | None, signer_id: str, *, as_json: bool) -> None:
    """Freeze RUN as it stands: as what it finished as, else as failed or abandoned."""
    here, folder = find(run_name, runs)
    outcome = api.freeze(folder, who(here, key, signer_id))
    if as_json:
        print_json({"run": folder.name, "outcome": outcome, "is_sealed": True})
    else:
        say(f"{folder.name} is sealed as {outcome}.", f"next: awo verify {named(here, folder)}")


@click.command()
@run_argument
@runs_option
@json_option
def render(run_name: str, runs: Path | None, *, as_json: bool) -> None:
    """Rebuild the views of RUN (report.md, metadata.json, audit/status.json) from its journal."""
    _, folder = find(run_name, runs)
    api.render(folder)
    if as_json:
        print_json({"run": folder.name, "report": str(folder / "report.md")})
    else:
        say(f"report: {folder / 'report.md'}")


@click.command()
@run_argument
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The bundle (default: RUN.tar.gz beside the run)."
)
@runs_option
@json_option
def export(run_name: str, output: Path | None, runs: Path | None, *, as_json: bool) -> None:
    """Write the bundle of a sealed RUN: one .tar.gz, the same bytes each time."""
    _, folder = find(run_name, runs)
    bundle = api.export(folder, output)
    if as_json:
        print_json(
            {
                "run": folder.name,
                "bundle": str(bundle.path),
                "sha256": bundle.sha256,
                "size_bytes": bundle.size_bytes,
                "tar_sha256": bundle.tar_sha256,
            }
        )
    else:
        say(f"bundle: {bundle.path}", f"sha256: {bundle.sha256}", f"size:   {bundle.size_bytes} bytes")
        say(f"next: awo verify {shlex.quote(str(bundle.path))}")


@click.command()
@click.argument("path", metavar="PATH", default="latest")
@click.option(
    "--trust",
    type=click.Path(path_type=Path),
    help="Whom you believe: an allowed_signers file (default: the project's reviewers/allowed_signers).",
)
@click.option(
    "--require",
    multiple=True,
    metavar="CHAPTER",
    help="Answer 7 unless this chapter was checked in full.",
)
@runs_option
@json_option
def verify(path: str, trust: Path | None, require: tuple[str, ...], runs: Path | None, *, as_json: bool) -> int:
    """Check a run folder or a bundle. Changes nothing, runs nothing, needs no network.

    PATH is a run's id, a folder, a .tar.gz or `latest`. Ends with 0 when it verifies, 3 when it
    does not, 7 when something could not be checked.
    """
    from awo.cli.verdict import print_verdict
    from awo.verify.report import exit_code

    _refuse_other_folder(Path(path))
    report = api.verify(project(runs), path, trust)
    needed = frozenset(require)
    code = exit_code(report, needed)
    if as_json:
        print_json(report.as_dict(needed))
    else:
        print_verdict(report, needed)
    return code


def _refuse_other_folder(folder: Path) -> None:
    """Raises `UsageError` for a folder that has nothing of a package in it: that is a slip, not evidence."""
    if not folder.is_dir() or any((folder / name).exists() for name in PARTS):
        return
    runs = folder if api.run_folders(api.find_project(folder, folder)) else folder / "runs"
    inside = api.run_folders(api.find_project(folder, runs))
    raise UsageError(
        "this folder is not a run",
        where=str(folder),
        expected="a run's folder or its .tar.gz",
        hint=f"awo verify {shlex.quote(str(inside[-1]))}" if inside else "see `awo list`",
    )
