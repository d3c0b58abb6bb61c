"""The command `erase`: destroys texts of a sealed run, with a signed reason."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from awo import api
from awo.cli.places import find, key_options, named, project, run_argument, runs_option, who
from awo.cli.printing import json_option, note, print_json, say, table
from awo.derive.phrases import count
from awo.errors import UsageError

if TYPE_CHECKING:
    from awo.evidence.redaction import RedactedFile, Redaction

MOST_LISTED = 20


@click.command()
@run_argument
@click.option("--policy", type=click.Path(path_type=Path), help="Destroy what this policy does not show, too.")
@click.option("--step", "steps", multiple=True, metavar="ID", help="Destroy what this step gave; may be repeated.")
@click.option(
    "--record",
    "records",
    multiple=True,
    metavar="STEP:LINE",
    help="Destroy this response (lines of responses.jsonl count from 0); may be repeated.",
)
@click.option("--reason", metavar="TEXT", default="", help="Why; it is signed and stays in the run.")
@click.option("--dry-run", is_flag=True, help="Print what would be destroyed, and where else it may be.")
@click.option("--yes", is_flag=True, help="Do not ask. Needed where there is no terminal.")
@click.option("--finish", is_flag=True, help="Bring an erasure to its end that was interrupted.")
@key_options
@runs_option
@json_option
def erase(
    run_name: str,
    policy: Path | None,
    steps: tuple[str, ...],
    records: tuple[str, ...],
    reason: str,
    key: Path | None,
    signer_id: str,
    runs: Path | None,
    *,
    dry_run: bool,
    yes: bool,
    finish: bool,
    as_json: bool,
) -> None:
    """Destroy texts of a sealed RUN for good and keep what commits to them, with a signed reason.

    The run still verifies, and says what is gone, why and who says so. Copies elsewhere are not reached; those that can
    be seen from here are listed.
    """
    what = api.ToErase(policy, steps, records)
    if finish == (policy is not None or bool(steps or records)):
        expected = "--finish alone" if finish else "--step, --record or --policy FILE"
        raise UsageError("what is to be destroyed is not said, or twice", expected=expected)
    if finish:
        _finish(project(runs), run_name, as_json=as_json)
        return
    here, folder = find(run_name, runs)
    if not dry_run and not reason.strip() and policy is None:
        raise UsageError("an erasure needs a reason", where="--reason", hint='--reason "why the texts go"')
    if not dry_run and key is None:
        raise UsageError(
            "an erasure is signed, and no key is named", where="--key", expected="your key", hint="--key KEY --as ID"
        )
    files = api.files_to_erase(folder, what)
    copies = api.copies_of(here, folder, (*steps, *(one.partition(":")[0] for one in records)), files)
    found = {"run": folder.name, "files": [_row(one) for one in files], "copies": copies._asdict()}
    if not as_json:
        _say_files(files)
        say("these texts may also be in:", *(f"  {line}" for line in copies.said()))
    if dry_run:
        print_json(found | {"record": 0}) if as_json else say("nothing was destroyed (--dry-run)")
        return
    identity = who(here, key, signer_id)
    if not yes:
        _ask(folder)
    record = api.erase(here, folder, what, reason, identity)
    if as_json:
        print_json(found | {"record": record.number, "reason": record.reason, "signer": record.signer.id})
    else:
        _say_done(record, named(here, folder))


def _finish(here: api.Project, run_name: str, *, as_json: bool) -> None:
    folder = api.unfinished_erasure(here, run_name)
    if folder is None:
        raise UsageError("no erasure of this run was interrupted", where=run_name)
    record = api.finish_erasure(here, folder)
    if as_json:
        print_json({"run": folder.name, "record": record.number if record is not None else 0})
    elif record is None:
        say(f"{folder.name}: the erasure had destroyed nothing yet, and was taken back.")
    else:
        _say_done(record, named(here, folder))


def _ask(folder: Path) -> None:
    """Raises `UsageError` unless somebody types the run's id on a terminal."""
    if not sys.stdin.isatty():
        raise UsageError(
            "texts are destroyed for good, and there is no terminal to ask on", where=folder.name, hint="--yes"
        )
    typed: str = click.prompt(f"What is listed is destroyed for good. Type {folder.name} to go on", err=True)
    if typed.strip() != folder.name:
        raise UsageError("this is not the run's id, so nothing was destroyed", expected=folder.name, got=typed[:80])


def _row(one: RedactedFile) -> dict[str, Any]:
    return {"path": one.path, "state": one.state, "withheld": one.withheld, "kind": one.kind}


def _say_files(files: list[RedactedFile]) -> None:
    rows = [(one.path, one.kind, "all" if one.state == "withheld" else count(one.withheld, "part")) for one in files]
    say(*table(rows[:MOST_LISTED], ("FILE", "WHAT", "GOES")))
    if len(rows) > MOST_LISTED:
        say(f"and {count(len(rows) - MOST_LISTED, 'more file')}")


def _say_done(record: Redaction, name: str) -> None:
    gone = [one for one in record.files if one.state != "shown"]
    say(f"{record.run_id}: the texts are destroyed; record {record.number}, signed by {record.signer.id}.")
    note(
        f"{count(len(gone), 'file')} of this run {'is' if len(gone) == 1 else 'are'} withheld, whole or in part, by now"
    )
    say(f"next: awo verify {name}")
