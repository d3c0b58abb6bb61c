"""The command `import`: a package of another machine, or results of other software that become one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from awo import api
from awo.cli.believing import belief_options
from awo.cli.importing_words import arrival_as_dict, arrival_in_words, received_in_words
from awo.cli.places import key_options, named, project, runs_option, who
from awo.cli.printing import json_option, note, print_json, say
from awo.cli.progress import progress
from awo.cli.running import report_end, who_again
from awo.cli.verdict import unchecked_chapters
from awo.evidence.layout import REDACTIONS

if TYPE_CHECKING:
    from awo.evidence.received import Form

DEFAULT: Final = "package"


class PathFirst(click.Group):
    """A group for which a word that is none of its commands belongs to the command `default`."""

    default = DEFAULT

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group("import", cls=PathFirst)
def import_() -> None:
    """Bring in a bundle of another machine, or results of other software.

    `awo import BUNDLE` is `awo import package BUNDLE`. Results of Inspect, promptfoo and AWO 1.x become a run of their
    own, which says that AWO received them and witnessed nothing in them.
    """


@import_.command(DEFAULT)
@click.argument("path", type=click.Path(path_type=Path))
@belief_options
@click.option(
    "--require", multiple=True, metavar="CHAPTER", help="Import nothing unless this chapter was checked in full."
)
@click.option("--allow-incomplete", is_flag=True, help="Import also what could not be checked in full.")
@runs_option
@json_option
def package(
    path: Path,
    trust: Path | None,
    policy: Path | None,
    ledger_keys: Path | None,
    require: tuple[str, ...],
    runs: Path | None,
    *,
    allow_incomplete: bool,
    as_json: bool,
) -> None:
    """Verify a bundle or a package's folder, and put it among the runs, read-only.

    Ends with 0 when it is there, also when it was there before with the same seal; 3 when it does not verify, 7 when
    it could not be checked in full, 2 when another run of its id is here.
    """
    here = project(runs)
    done = api.import_package(
        here,
        path,
        trust,
        policy,
        ledger_keys=ledger_keys,
        required=frozenset(require),
        allow_incomplete=allow_incomplete,
    )
    if as_json:
        print_json(
            {
                "run": done.note.run_id,
                "folder": str(done.folder),
                "imported": not done.was_here,
                "outcome": done.report.outcome,
                "verdict": done.note.verdict,
                "not_checked": [result.check.id for result in done.report.results("not_checked")],
                "arrival": arrival_as_dict(done.note),
            }
        )
        return
    if done.was_here:
        say(f"{done.note.run_id} is here already, with the same seal; nothing was done.")
        say(f"folder: {done.folder}")
    else:
        say(f"{done.note.run_id} ({done.report.outcome}) was verified and imported.", f"folder: {done.folder}")
        say(f"from: {arrival_in_words(done.note)}")
        say("It was not run here, so it is not entered in this project's ledger.")
    if done.note.verdict == "incomplete":
        note("note: it could not be checked in full; `awo verify` says what is missing")
    if done.note.is_redacted:
        note("note: what was given is redacted: texts of it are withheld")
    elif done.was_here and (done.folder / REDACTIONS).is_dir():
        note("note: what is here is redacted and what was given is not; move the folder away, then import it again")
    if open_chapters := unchecked_chapters(done.report):
        note(f"note: {', '.join(open_chapters)}; --trust and --ledger-keys say whom you believe")
    look = "" if (done.folder / REDACTIONS).is_dir() else f"awo show {named(here, done.folder)}    "
    say(f"next: {look}awo verify {named(here, done.folder)}")


title_option = click.option(
    "--title", metavar="TEXT", default="", help="What the run is called (default: the software and the file's name)."
)


@import_.command("inspect")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@title_option
@runs_option
@key_options
@json_option
def inspect(path: Path, title: str, runs: Path | None, key: Path | None, signer_id: str, *, as_json: bool) -> int:
    """Make a package of a log of Inspect: a .eval file, or the log as JSON."""
    return _receive("inspect", path, title, runs, key, signer_id, as_json=as_json)


@import_.command("promptfoo")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@title_option
@runs_option
@key_options
@json_option
def promptfoo(path: Path, title: str, runs: Path | None, key: Path | None, signer_id: str, *, as_json: bool) -> int:
    """Make a package of results of promptfoo: what `promptfoo eval -o results.json` wrote."""
    return _receive("promptfoo", path, title, runs, key, signer_id, as_json=as_json)


@import_.command("awo-1x")
@click.argument("path", metavar="FOLDER", type=click.Path(path_type=Path))
@title_option
@runs_option
@key_options
@json_option
def awo_1x(path: Path, title: str, runs: Path | None, key: Path | None, signer_id: str, *, as_json: bool) -> int:
    """Make a package of the folder of a run of AWO 1.x."""
    return _receive("awo-1x", path, title, runs, key, signer_id, as_json=as_json)


def _receive(
    form: Form, path: Path, title: str, runs: Path | None, key: Path | None, signer_id: str, *, as_json: bool
) -> int:
    here = project(runs)
    identity = who(here, key, signer_id)
    with progress(quiet=as_json) as shown:
        ended, value = api.import_results(
            here, form, path, identity, title=title, watch=shown.tell, told_folder=shown.begin
        )
    if not as_json:
        say(*received_in_words(value))
    again = who_again(key, signer_id)
    return report_end(ended, named(here, ended.folder), again, as_json=as_json, more={"received": value})
