"""The commands on packages: `verify`, `render`, `export`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from awo import api
from awo.cli.places import find, named, passphrase_for, project, run_argument, runs_option
from awo.cli.printing import json_option, note, print_json, say
from awo.cli.scanning import scan_options, scanned_first
from awo.derive.phrases import count
from awo.errors import UsageError
from awo.evidence.layout import DECISIONS, INPUT, OUTPUTS, SUMS, VERIFIERS

if TYPE_CHECKING:
    from awo.publish.scan.findings import Scanned

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
@run_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The bundle (default: RUN.tar.gz beside the run); for --as, the folder (RUN.every-eval-ever) or the file "
    "(RUN.reviews.intoto.jsonl).",
)
@click.option(
    "--table",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write every response with its scores to FILE instead: .csv, .jsonl or .parquet.",
)
@click.option(
    "--safe-for-spreadsheets",
    is_flag=True,
    help="With --table FILE.csv: put an apostrophe before texts that a spreadsheet would take for a formula.",
)
@click.option(
    "--as",
    "form",
    type=click.Choice(["every-eval-ever", "in-toto"]),
    help="Write the scores instead, one record for each model; or the decisions, each as a signed attestation.",
)
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    envvar="AWO_KEY",
    help="With --as in-toto: the private key file that signs the attestations.",
)
@click.option(
    "--without-comments",
    is_flag=True,
    help="With --as in-toto: leave out what people wrote in their own words.",
)
@click.option(
    "--organization", metavar="NAME", default="", help="With --as every-eval-ever: the organisation that publishes."
)
@click.option(
    "--relationship",
    metavar="WORD",
    default="",
    help="With --as every-eval-ever, to the models: first_party, third_party, collaborative or other.",
)
@scan_options
@runs_option
@json_option
def export(
    run_name: str,
    output: Path | None,
    table: Path | None,
    safe_for_spreadsheets: bool,
    form: str | None,
    key: Path | None,
    without_comments: bool,
    organization: str,
    relationship: str,
    waive: tuple[str, ...],
    runs: Path | None,
    *,
    no_scan: bool,
    as_json: bool,
) -> None:
    """Write the bundle of a sealed RUN: one .tar.gz, the same bytes each time. Or a table, records or attestations.

    First the texts are searched for secrets and personal data, where `awo[scan]` is installed. What is found stops the
    export until it is withheld (`awo redact`) or let pass (--waive).
    """
    here, folder = find(run_name, runs)
    _refuse_mixed(output, table, safe_for_spreadsheets, form, organization or relationship)
    scan: Scanned | None = None
    if _is_scanned(folder, table, form, without_comments):
        parts = (DECISIONS,) if form is not None else (OUTPUTS,) if table is not None else ()
        scan = scanned_first(here, folder, f"awo export {named(here, folder)}", waive, no_scan=no_scan, parts=parts)
    if form == "in-toto":
        _export_reviews(here, folder, output, key, without_comments, as_json=as_json)
        return
    if without_comments:
        raise UsageError("--without-comments is for attestations", hint="--as in-toto")
    if table is not None:
        _export_table(folder, table, safe_for_spreadsheets, as_json=as_json)
        return
    if form is not None:
        _export_records(folder, output, organization, relationship, as_json=as_json)
        return
    bundle = api.export(folder, output)
    if as_json:
        print_json(
            {
                "run": folder.name,
                "bundle": str(bundle.path),
                "sha256": bundle.sha256,
                "size_bytes": bundle.size_bytes,
                "tar_sha256": bundle.tar_sha256,
                "scan": None if scan is None else scan.as_dict(),
            }
        )
    else:
        say(f"bundle: {bundle.path}", f"sha256: {bundle.sha256}", f"size:   {bundle.size_bytes} bytes")
        say(f"next: awo verify {shlex.quote(str(bundle.path))}")


def _is_scanned(folder: Path, table: Path | None, form: str | None, without_comments: bool) -> bool:
    """Whether what is asked for has texts that are searched first. An unsealed run gives no bundle, so none."""
    if form is not None:
        return form == "in-toto" and not without_comments
    return table is not None or api.is_sealed(folder)


def _refuse_mixed(output: Path | None, table: Path | None, safe: bool, form: str | None, told: str) -> None:
    """Raises `UsageError` for options that do not belong together."""
    if table is not None and (form is not None or output is not None):
        raise UsageError("--table names its own file and stands alone", hint="leave out --as and --output")
    if safe and table is None:
        raise UsageError("--safe-for-spreadsheets is for a table", hint="--table FILE.csv")
    if told and form != "every-eval-ever":
        raise UsageError("--organization and --relationship are for records", hint="--as every-eval-ever")


def _export_table(folder: Path, out: Path, safe: bool, *, as_json: bool) -> None:
    made = api.export_table(folder, out, safe_for_spreadsheets=safe)
    if as_json:
        print_json(
            {
                "run": folder.name,
                "table": str(made.path),
                "rows": made.rows,
                "columns": made.columns,
                "formula_like": made.formula_like,
            }
        )
        return
    say(f"table: {made.path}", f"rows:  {made.rows}", f"columns: {len(made.columns)}")
    if made.formula_like and not safe:
        note(
            f"note: {count(made.formula_like, 'text')} in it begin{'s' if made.formula_like == 1 else ''} like a "
            "formula; before you open it in a spreadsheet, export it with --safe-for-spreadsheets"
        )


def _export_records(folder: Path, out: Path | None, organization: str, relationship: str, *, as_json: bool) -> None:
    made = api.export_every_eval_ever(folder, out, organization, relationship)
    if as_json:
        print_json({"run": folder.name, "folder": str(made.path), "records": made.records, "left_out": made.left_out})
        return
    say(f"folder: {made.path}", *(f"record: {record}" for record in made.records))
    say(*(f"left out: {one}" for one in made.left_out))


def _export_reviews(
    here: api.Project, folder: Path, out: Path | None, key: Path | None, without_comments: bool, *, as_json: bool
) -> None:
    if key is None:
        raise UsageError(
            "an attestation is signed, and no key is named",
            where="--key",
            expected="a private key file",
            hint="--key KEY; make one with `awo keys new ID`",
        )
    made = api.export_reviews(here, folder, out, key, passphrase_for(key), has_texts=not without_comments)
    if as_json:
        print_json(
            {
                "run": folder.name,
                "attestations": [str(path) for path in made.paths],
                "decisions": made.decisions,
                "keyid": made.keyid,
                "public_key": made.public_key,
            }
        )
        return
    say(*(f"attestations: {path}" for path in made.paths), f"decisions: {made.decisions}", f"key id: {made.keyid}")


@click.command()
@click.argument("path", metavar="PATH", default="latest")
@click.option(
    "--standalone",
    is_flag=True,
    help="Print verify.py instead: a verifier in one file that needs nothing but Python.",
)
@click.option(
    "--trust",
    type=click.Path(path_type=Path),
    help="Whom you believe: an allowed_signers file (default: the project's reviewers/allowed_signers).",
)
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    help="What you ask of gates: an awo.toml (default: the project's own, if there is one).",
)
@click.option(
    "--ledger-keys",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The ledgers and witnesses that you believe: verifier keys, one a line (default: those of the project's own "
    "ledger).",
)
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
    require: tuple[str, ...],
    runs: Path | None,
    *,
    standalone: bool,
    as_json: bool,
) -> int:
    """Check a run folder, a bundle or a proof. Changes nothing, runs nothing, needs no network.

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
        project(runs), path, trust, policy, ledger_keys=ledger_keys, witnesses=witnesses, tsa_roots=tsa_roots
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
