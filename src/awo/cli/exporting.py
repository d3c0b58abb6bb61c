"""The command `export`: the bundle, a table, records, or any form of `awo.plugins.EXPORT_FORMS`."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from click.core import ParameterSource

from awo import api
from awo.cli.places import find, named, passphrase_for, run_argument, runs_option
from awo.cli.printing import json_option, note, print_json, say
from awo.cli.scanning import scan_options, scanned_first
from awo.derive.phrases import count
from awo.errors import UsageError
from awo.evidence.layout import DECISIONS, OUTPUTS
from awo.plugins import EXPORT_FORMS

if TYPE_CHECKING:
    from awo.publish.scan.findings import Scanned

RECORDS: Final = "every-eval-ever"
REVIEWS: Final = "in-toto"
SPANS: Final = "spans"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked for: the options of `export` that say what is written, and where."""

    output: Path | None
    table: Path | None
    safe: bool
    form: str
    key: Path | None
    is_key_typed: bool
    without_comments: bool
    with_content: bool
    organization: str
    relationship: str

    @property
    def is_of_seam(self) -> bool:
        return self.form in EXPORT_FORMS

    def refuse_mixed(self) -> None:
        """Raises `UsageError` for options that do not belong together."""
        if self.table is not None and (self.form or self.output is not None):
            raise UsageError("--table names its own file and stands alone", hint="leave out --as and --output")
        if self.safe and self.table is None:
            raise UsageError("--safe-for-spreadsheets is for a table", hint="--table FILE.csv")
        if (self.organization or self.relationship) and self.form != RECORDS:
            raise UsageError("--organization and --relationship are for records", hint=f"--as {RECORDS}")
        if self.without_comments and self.form != REVIEWS:
            raise UsageError("--without-comments is for attestations", hint=f"--as {REVIEWS}")
        if self.with_content and self.form != SPANS:
            raise UsageError("--with-content is for spans", hint=f"--as {SPANS}")
        if self.is_key_typed and self.form not in _signed():
            signed = " or ".join(f"--as {form}" for form in _signed())
            raise UsageError("--key is for what is signed", hint=signed)


def _signed() -> list[str]:
    return [REVIEWS, *(name for name in EXPORT_FORMS if api.export_form_of(name).is_signed)]


@click.command()
@run_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Where to write (default: beside the run, called as the run with the ending of what is written).",
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
    type=click.Choice([RECORDS, REVIEWS, *EXPORT_FORMS]),
    default=None,
    help="Write another form instead of the bundle: docs/provenance.md says which is for whom.",
)
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    envvar="AWO_KEY",
    help="With --as in-toto or slsa: the private key file that signs.",
)
@click.option(
    "--without-comments",
    is_flag=True,
    help="With --as in-toto: leave out what people wrote in their own words.",
)
@click.option("--with-content", is_flag=True, help="With --as spans: the texts of prompts and answers, too.")
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
@click.pass_context
def export(
    context: click.Context,
    run_name: str,
    output: Path | None,
    table: Path | None,
    safe_for_spreadsheets: bool,
    form: str | None,
    key: Path | None,
    without_comments: bool,
    with_content: bool,
    organization: str,
    relationship: str,
    waive: tuple[str, ...],
    runs: Path | None,
    *,
    no_scan: bool,
    as_json: bool,
) -> None:
    """Write the bundle of a sealed RUN: one .tar.gz, the same bytes each time. Or a table, or one of many other forms.

    First the texts are searched for secrets and personal data, where `awo[scan]` is installed. What is found stops the
    export until it is withheld (`awo redact`) or let pass (--waive).
    """
    here, folder = find(run_name, runs)
    is_key_typed = context.get_parameter_source("key") is ParameterSource.COMMANDLINE
    asked = _Asked(
        output,
        table,
        safe_for_spreadsheets,
        form or "",
        key,
        is_key_typed,
        without_comments,
        with_content,
        organization,
        relationship,
    )
    asked.refuse_mixed()
    if asked.is_of_seam:
        api.refuse_unsealed_form(folder, asked.form)
    scan: Scanned | None = None
    parts = _scanned_parts(folder, asked)
    if parts is not None:
        scan = scanned_first(here, folder, f"awo export {named(here, folder)}", waive, no_scan=no_scan, parts=parts)
    if asked.is_of_seam:
        _export_form(here, folder, asked, scan, as_json=as_json)
    elif asked.form == REVIEWS:
        _export_reviews(here, folder, asked, as_json=as_json)
    elif asked.form == RECORDS:
        _export_records(folder, asked, as_json=as_json)
    elif table is not None:
        _export_table(folder, table, asked.safe, as_json=as_json)
    else:
        _export_bundle(here, folder, output, scan, as_json=as_json)


def _scanned_parts(folder: Path, asked: _Asked) -> tuple[str, ...] | None:
    """The beginnings of the paths whose texts are searched first, () for all; None where no texts leave.

    An unsealed run gives no bundle, so nothing of it is searched.
    """
    if asked.is_of_seam:
        if asked.with_content:
            return (OUTPUTS,)
        return None if api.export_form_of(asked.form).holds == "facts" else ()
    if asked.form == REVIEWS:
        return None if asked.without_comments else (DECISIONS,)
    if asked.form == RECORDS:
        return None
    if asked.table is not None:
        return (OUTPUTS,)
    return () if api.is_sealed(folder) else None


def _export_bundle(here: api.Project, folder: Path, out: Path | None, scan: Scanned | None, *, as_json: bool) -> None:
    bundle = api.export(here, folder, out)
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
        return
    say(f"bundle: {bundle.path}", f"sha256: {bundle.sha256}", f"size:   {bundle.size_bytes} bytes")
    say(f"next: awo verify {shlex.quote(str(bundle.path))}")


def _export_form(here: api.Project, folder: Path, asked: _Asked, scan: Scanned | None, *, as_json: bool) -> None:
    key = _needed_key(asked) if api.export_form_of(asked.form).is_signed else None
    made = api.export_form(
        here,
        folder,
        asked.form,
        asked.output,
        key=key,
        passphrase=passphrase_for(key),
        has_content=asked.with_content,
    )
    if as_json:
        told = {"run": folder.name, "form": asked.form, "path": str(made.path), **made.facts}
        print_json(told | {"scan": None if scan is None else scan.as_dict()})
        return
    say(f"{asked.form}: {made.path}", *made.lines)


def _needed_key(asked: _Asked) -> Path:
    if asked.key is None:
        raise UsageError(
            "an attestation is signed, and no key is named",
            where="--key",
            expected="a private key file",
            hint="--key KEY; make one with `awo keys new ID`",
        )
    return asked.key


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


def _export_records(folder: Path, asked: _Asked, *, as_json: bool) -> None:
    made = api.export_every_eval_ever(folder, asked.output, asked.organization, asked.relationship)
    if as_json:
        print_json({"run": folder.name, "folder": str(made.path), "records": made.records, "left_out": made.left_out})
        return
    say(f"folder: {made.path}", *(f"record: {record}" for record in made.records))
    say(*(f"left out: {one}" for one in made.left_out))


def _export_reviews(here: api.Project, folder: Path, asked: _Asked, *, as_json: bool) -> None:
    key = _needed_key(asked)
    made = api.export_reviews(
        here, folder, asked.output, key, passphrase_for(key), has_texts=not asked.without_comments
    )
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
