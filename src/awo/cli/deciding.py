"""The commands at a gate: `gates`, `approve`, `reject`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

import click

from awo import api
from awo.cli.places import find, named, passphrase_for, project, run_argument, runs_option
from awo.cli.printing import json_option, note, print_json, say
from awo.derive.phrases import moment
from awo.engine.decide import Choice
from awo.errors import AwoError, UsageError
from awo.evidence.gates import GatePending, Meaning

MEANINGS = get_args(Meaning)
answer_option = click.option(
    "--answer", "answers", multiple=True, metavar="ITEM=yes|no", help="The answer to one item of the checklist."
)
key_option = click.option(
    "--key",
    type=click.Path(path_type=Path),
    envvar="AWO_KEY",
    required=True,
    help="Your SSH key: a private key file, or a .pub file whose key the ssh-agent has.",
)
as_option = click.option(
    "--as", "signer_id", metavar="ID", envvar="AWO_ID", required=True, help="Your id in reviewers/allowed_signers."
)
meaning_option = click.option(
    "--meaning", type=click.Choice(MEANINGS), default="approval", show_default=True, help="What your signature means."
)


@click.command()
@click.argument("run_name", metavar="[RUN]", default="")
@runs_option
@json_option
def gates(run_name: str, runs: Path | None, *, as_json: bool) -> None:
    """List the gates that wait in RUN, or in all runs of the project."""
    here = project(runs)
    if run_name:
        _, folder = find(run_name, runs)
        pending = api.pending_gate(folder)
        waiting = [(folder, pending)] if pending is not None else []
    else:
        waiting = _waiting(api.run_folders(here))
    if as_json:
        print_json({"gates": [pending for _, pending in waiting]})
        return
    if not waiting:
        say("no gate waits")
    for folder, pending in waiting:
        _print_gate(pending, named(here, folder))


@click.command()
@run_argument
@answer_option
@click.option("--comment", default="", help="What you want to say with it.")
@meaning_option
@key_option
@as_option
@runs_option
@json_option
def approve(run_name: str, runs: Path | None, **options: Any) -> None:
    """Approve RUN at its open gate. Every required item needs --answer ITEM=yes."""
    _decide("approve", run_name, runs, **options)


@click.command()
@run_argument
@answer_option
@click.option("--reason", "comment", required=True, help="Why; it is signed with the rejection.")
@meaning_option
@key_option
@as_option
@runs_option
@json_option
def reject(run_name: str, runs: Path | None, **options: Any) -> None:
    """Reject RUN at its open gate. The run is sealed as rejected and kept as evidence."""
    _decide("reject", run_name, runs, **options)


def _decide(
    verdict: Literal["approve", "reject"],
    run_name: str,
    runs: Path | None,
    *,
    answers: tuple[str, ...],
    comment: str,
    meaning: Meaning,
    key: Path,
    signer_id: str,
    as_json: bool,
) -> None:
    here, folder = find(run_name, runs)
    if not comment.strip() and verdict == "reject":
        raise UsageError("a rejection needs a reason", where="--reason", expected="a text that is not empty")
    signer = api.open_key(key, passphrase_for(key))
    choice = Choice(verdict=verdict, signer_id=signer_id, meaning=meaning, answers=answers, comment=comment)
    decided = api.decide(here, folder, choice, signer)
    if verdict == "reject":
        api.seal_finished(folder, api.Identity(signer_id, signer))
    name = named(here, folder)
    if as_json:
        print_json({"run": folder.name, "verdict": verdict, **decided._asdict()})
        return
    if decided.solo:
        note("warning: you started this run and decided on it yourself (solo); the record and the report say so")
    elif api.facts(folder).starter.id == api.OWN_KEY_ID:
        note(
            "note: this run was started without --key and --as, so its record names only a machine; "
            "nobody can see from it whether somebody else decided"
        )
    say(f"{decided.path} is signed and recorded.")
    if verdict == "reject":
        say(f"{folder.name} is rejected and sealed.", f"next: awo verify {name}")
    elif decided.is_closed:
        say(f"the gate {decided.gate} is approved.", f"next: awo resume {name}")
    else:
        say(f"the gate {decided.gate} waits for more people: awo gates {name}")


def _waiting(folders: list[Path]) -> list[tuple[Path, GatePending]]:
    """The gates of the runs that can be read. A run that cannot is named on stderr: it must hide no other."""
    found = []
    for folder in folders:
        try:
            pending = api.pending_gate(folder)
        except AwoError as error:
            note(f"{folder.name} cannot be read: {error.what}")
            continue
        if pending is not None:
            found.append((folder, pending))
    return found


def _print_gate(pending: GatePending, name: str) -> None:
    say(f"{pending.run_id}: {pending.gate} waits since {moment(pending.opened_at)}")
    say("  needs: " + ", ".join(f"{need.count} {need.role}" for need in pending.missing))
    say("  checklist:")
    for item in pending.checklist:
        say(f"    {item.id}{'' if item.required else ' (optional)'}: {item.text}")
    size, files = pending.checkpoint.size, len(pending.shows)
    say(f"  your signature will cover lines 1 to {size} of the journal and {files} files:")
    for ref in pending.shows[:20]:
        say(f"    {ref.sha256[:16]}  {ref.path}")
    if len(pending.shows) > 20:
        say(f"    and {len(pending.shows) - 20} more in audit/gate_pending.json")
    answers = " ".join(f"--answer {item.id}=yes" for item in pending.checklist if item.required)
    say(f"  next: awo approve {name} --key KEY --as ID {answers}")
    say(f"    or: awo reject {name} --key KEY --as ID --reason TEXT")
