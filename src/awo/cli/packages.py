"""The commands on packages: `verify` and `render`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from awo import api
from awo.cli.believing import belief_options
from awo.cli.places import find, project, run_argument, runs_option
from awo.cli.printing import json_option, print_json, say
from awo.errors import UsageError
from awo.evidence.layout import INPUT, SUMS, VERIFIERS

PARTS = (INPUT, SUMS, "audit", "outputs")
"""What a package has in its folder. A folder with none of it is something else."""


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
@click.argument("path", metavar="PATH", default="latest")
@click.option(
    "--standalone",
    is_flag=True,
    help="Print verify.py instead: a verifier in one file that needs nothing but Python.",
)
@belief_options
@click.option(
    "--witnesses",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="How many of these witnesses must have signed the ledger's checkpoint.",
)
@click.option(
    "--tsa-roots",
    metavar="FILE",
    default="",
    help="The authorities of time stamps that you trust: their root certificates in PEM, or `system` for those of this "
    "machine (default: none).",
)
@click.option(
    "--clone",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A clone of the run's git repository, to compare with (default: the one around the project, where it has the "
    "run's commit).",
)
@click.option(
    "--require",
    multiple=True,
    metavar="CHAPTER",
    help="Answer 7 unless this chapter was checked in full.",
)
@runs_option
@json_option
def verify(
    path: str,
    trust: Path | None,
    policy: Path | None,
    ledger_keys: Path | None,
    witnesses: int,
    tsa_roots: str,
    clone: Path | None,
    require: tuple[str, ...],
    runs: Path | None,
    *,
    standalone: bool,
    as_json: bool,
) -> int:
    """Check a run folder, a bundle or a proof. Changes nothing, runs nothing of it, needs no network.

    PATH is a run's id, a folder, a .tar.gz, a proof or `latest`. Ends with 0 when it verifies, 3 when it
    does not, 7 when something could not be checked.
    """
    from awo.cli.verdict import print_verdict
    from awo.verify.report import exit_code

    if standalone:
        from awo.canon.digest import sha256_hex
        from awo.verify.verifiers import verifier

        text = verifier(VERIFIERS[0])
        if as_json:
            print_json({"name": VERIFIERS[0], "sha256": sha256_hex(text), "text": text.decode()})
        else:
            click.echo(text, nl=False)
        return 0
    _refuse_other_folder(Path(path))
    report = api.verify(
        project(runs),
        path,
        trust,
        policy,
        ledger_keys=ledger_keys,
        witnesses=witnesses,
        tsa_roots=tsa_roots,
        clone=clone,
    )
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
