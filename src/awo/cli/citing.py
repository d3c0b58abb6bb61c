"""The commands for a paper: `cite` and `statement`."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from awo import api
from awo.api.citing import CiteForm, StatementKind
from awo.cli.places import find, named, run_argument, runs_option
from awo.cli.printing import harmless, json_option, note, print_json, say

output_option = click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE instead of the terminal."
)


@click.command()
@run_argument
@click.option(
    "--as",
    "form",
    type=click.Choice(get_args(CiteForm)),
    help="Print this form alone (default: a reference in plain text, and BibTeX).",
)
@output_option
@runs_option
@json_option
def cite(run_name: str, form: CiteForm | None, output: Path | None, runs: Path | None, *, as_json: bool) -> None:
    """Say how to cite a sealed RUN: its authors, title, DOI and the digest of its seal.

    Authors, licence and funding are what .zenodo.json and CITATION.cff beside awo.toml say; all else is the run's own.
    A DOI is used when the signed addendum that says so holds.
    """
    here, folder = find(run_name, runs)
    cited = api.cite(here, folder, form or "bibtex")
    text = cited.text if form else f"{cited.line}\n\n{cited.text}"
    if output is not None:
        api.write_text(folder, output, text)
    if as_json:
        print_json(
            {
                "run": cited.run_id,
                "form": form or "bibtex",
                "reference": cited.line,
                "text": cited.text,
                "doi": cited.doi,
                "authors": list(cited.authors),
                "sources": list(cited.sources),
                "notes": list(cited.notes),
                "output": str(output) if output is not None else "",
            }
        )
        return
    if output is None:
        click.echo(harmless(text), nl=False)
    else:
        say(f"written: {output}")
    note(*(f"note: {one}" for one in cited.notes))
    if not cited.authors:
        note("note: nobody has said who the authors are", "next: write a CITATION.cff beside awo.toml: docs/citing.md")
    if not cited.doi:
        note(f"note: this run has no DOI; `awo publish zenodo {named(here, folder)}` asks for one")


@click.command()
@run_argument
@click.option(
    "--as",
    "kind",
    type=click.Choice(get_args(StatementKind)),
    help="The statement on the use of AI alone, or the methods paragraph alone (default: both).",
)
@output_option
@runs_option
@json_option
def statement(
    run_name: str, kind: StatementKind | None, output: Path | None, runs: Path | None, *, as_json: bool
) -> None:
    """Write the AI-use statement and the methods paragraph of RUN, from its evidence alone.

    What the run has not recorded is called unknown. Read both before you use them: what happened outside the run is
    not in them.
    """
    here, folder = find(run_name, runs)
    stated = api.state(here, folder, (kind,) if kind else get_args(StatementKind))
    text = "\n".join(stated.texts.values())
    if output is not None:
        api.write_text(folder, output, text)
    if as_json:
        print_json(
            {
                "run": stated.run_id,
                "is_sealed": stated.is_sealed,
                "statements": stated.texts,
                "notes": list(stated.notes),
                "output": str(output) if output is not None else "",
            }
        )
        return
    if output is None:
        click.echo(harmless(text), nl=False)
    else:
        say(f"written: {output}")
    note(*(f"note: {one}" for one in stated.notes))
    if not stated.is_sealed:
        note("note: the run is not sealed, so the numbers may still change")
