"""The commands on the ledger: show, audit, check, prove, refresh."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from awo import api
from awo.cli.keys import AsWritten
from awo.cli.places import find, named, project, run_argument, runs_option
from awo.cli.printing import json_option, note, print_json, say, table
from awo.cli.stamping import ledger_stamp
from awo.cli.witnessing import cosign, witness
from awo.derive.phrases import count

if TYPE_CHECKING:
    from awo.ledger.audit import Audit
    from awo.ledger.reader import Placed

WORDS = {
    "never_sealed": "never sealed",
    "missing": "MISSING",
    "altered": "ALTERED",
    "out_of_order": "OUT OF ORDER",
    "not_entered": "not entered",
    "late": "entered late",
    "unknown": "UNKNOWN",
}
SHOWN_OF_A_DIGEST = 16


@click.group(cls=AsWritten)
def ledger() -> None:
    """Show and audit the append-only log of all runs; hold it against copies."""


@ledger.command("show")
@click.argument("run_name", metavar="[RUN]", default="")
@runs_option
@json_option
def show(run_name: str, runs: Path | None, *, as_json: bool) -> None:
    """Show what the ledger has, of every run or of RUN."""
    here = project(runs)
    run_id = api.find_run(here, run_name).resolve().name if run_name and not _is_id(run_name) else run_name
    head, entries = api.ledger_entries(here, run_id)
    if as_json:
        print_json(head._asdict() | {"entries": [_as_dict(one) for one in entries]})
        return
    say(f"ledger: {head.origin}", f"size:   {count(head.size, 'entry', 'entries')}", f"root:   {head.root}")
    say(*(f"signed: {key}" for key in head.signed_by))
    if entries:
        say(*table([_row(one) for one in entries], ("ENTRY", "TIME", "RUN", "WHAT")))
    elif run_id:
        say(f"it has no entry of {run_id}")


@ledger.command("audit")
@click.option(
    "--strict", is_flag=True, help="Answer 3 also for runs that were never sealed, entered late, or not at all."
)
@runs_option
@json_option
def audit(runs: Path | None, *, strict: bool, as_json: bool) -> int:
    """Hold the whole ledger against the runs that are here.

    Lists runs that were started and never sealed, that are missing, altered or out of order, and those that the
    ledger lacks or got late. Ends with 3 when something speaks against the evidence, else with 0.
    """
    here = project(runs)
    head, found = api.ledger_audit(here)
    is_wrong = any(one.is_wrong for one in found.found) or (strict and bool(found.found))
    if as_json:
        rows = [
            {"kind": one.kind, "run": one.run_id, "what": one.what, "entry": one.index, "is_wrong": one.is_wrong}
            for one in found.found
        ]
        facts = {"entries": found.entries, "runs": found.runs, "sealed": found.sealed}
        print_json(head._asdict() | facts | {"is_wrong": is_wrong, "found": rows})
    else:
        lacking = {one.run_id for one in found.found if one.kind == "not_entered"}
        imported = {run_id for run_id in lacking if api.arrival(here, run_id) is not None}
        _print_audit(head, found, lacking=len(lacking - imported), imported=len(imported))
    return 3 if is_wrong else 0


@ledger.command("check")
@click.argument("copy", metavar="COPY", type=click.Path(path_type=Path))
@runs_option
@json_option
def check(copy: Path, runs: Path | None, *, as_json: bool) -> None:
    """Check that COPY, kept elsewhere, is the beginning of this ledger.

    COPY is the folder of a ledger, or a file with one of its checkpoints. Ends with 3 when the two are branches of one
    log, or when this ledger was cut.
    """
    checked = api.ledger_check(project(runs), copy)
    if as_json:
        print_json(
            {
                "origin": checked.origin,
                "copy_size": checked.copy_size,
                "size": checked.size,
                "path": list(checked.path),
            }
        )
        return
    say(f"The copy is the beginning of {checked.origin}: its {count(checked.copy_size, 'entry', 'entries')}")
    say(f"are the first of {checked.size}, unaltered.")


@ledger.command("prove")
@run_argument
@runs_option
@json_option
def prove(run_name: str, runs: Path | None, *, as_json: bool) -> None:
    """Print a proof of each entry of RUN (C2SP tlog-proof)."""
    here, folder = find(run_name, runs)
    proofs = api.ledger_prove(here, folder)
    if as_json:
        print_json({"run": folder.name, "proofs": proofs})
        return
    for number, proof in enumerate(proofs):
        if number:
            say("")
        say(*proof.removesuffix("\n").split("\n"))


@ledger.command("refresh")
@run_argument
@runs_option
@json_option
def refresh(run_name: str, runs: Path | None, *, as_json: bool) -> None:
    """Prove a sealed RUN against the newest checkpoint, in its package."""
    here, folder = find(run_name, runs)
    made = api.ledger_refresh(here, folder)
    if as_json:
        print_json({"run": folder.name, "entries": [one.index for one in made.entries]})
        return
    say(f"{folder.name} has {count(len(made.entries), 'entry', 'entries')} in the ledger, proved in its package.")
    say(f"next: awo verify {named(here, folder)}")


ledger.add_command(cosign)
ledger.add_command(ledger_stamp)
ledger.add_command(witness)


def _is_id(name: str) -> bool:
    """Whether a person means a run that may not be here any more."""
    import re

    from awo.evidence.layout import RUN_ID_PATTERN

    return bool(re.match(RUN_ID_PATTERN, name))


def _row(one: Placed) -> tuple[str, str, str, str]:
    if one.entry is None:
        return str(one.index), "", "", ascii(one.text.decode(errors="replace"))[1:81]
    said = _as_dict(one)["entry"]
    digest = said.get("seal_sha256") or said.get("sha256") or said.get("journal_sha256") or ""
    what = " ".join(
        part
        for part in (
            said["kind"].replace("_", " "),
            f"{said['what']} {said['number']} at {said['gate']}" if "gate" in said else "",
            said.get("outcome", ""),
            said.get("commit", "")[:SHOWN_OF_A_DIGEST],
            digest[:SHOWN_OF_A_DIGEST],
        )
        if part
    )
    return str(one.index), one.entry.at, one.entry.run_id, what


def _as_dict(one: Placed) -> dict[str, Any]:
    import msgspec

    said = msgspec.to_builtins(one.entry) if one.entry is not None else one.text.decode(errors="replace")
    return {"index": one.index, "entry": said}


def _print_audit(head: api.LedgerHead, found: Audit, *, lacking: int, imported: int) -> None:
    say(f"ledger: {head.origin}, {count(found.entries, 'entry', 'entries')}, whole and signed by {head.signed_by[0]}")
    say(f"runs:   {found.runs} entered, {found.sealed} of them sealed")
    rows = [(WORDS[one.kind], one.run_id, one.what) for one in found.found]
    if rows:
        say(*table(rows, ("FOUND", "RUN", "WHAT")))
    if imported:
        came = count(imported, "run")
        note(f"note: {came} of those not entered came in by `awo import`: entered where it was run, if anywhere")
    if lacking:
        note(f"next: awo ledger refresh {shlex.quote('RUN')} enters what a crash kept back")
    if not rows:
        say("Every run that was entered is here as it was entered, and sealed.")
