"""The commands that run: `run` and `resume`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from awo import api
from awo.cli.places import find, key_options, named, project, run_argument, runs_option, who
from awo.cli.printing import json_option, note, print_json, say
from awo.cli.progress import progress
from awo.engine.run import Ended
from awo.errors import GateRejected, Interrupted, StepFailed, WaitingForPerson

OUTCOME_CODES = {
    "completed": 0,
    "approved": 0,
    "rejected": GateRejected.exit_code,
    "abandoned": 0,
    "failed": StepFailed.exit_code,
    "waiting": WaitingForPerson.exit_code,
    "interrupted": Interrupted.exit_code,
}


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--supersedes", metavar="RUN", default="", help="The run that this one corrects.")
@runs_option
@key_options
@json_option
def run(file: Path, supersedes: str, runs: Path | None, key: Path | None, signer_id: str, *, as_json: bool) -> int:
    """Run the workflow in FILE until it is sealed or waits for a person.

    Ends with 0 when the run is sealed, 78 when it waits at a gate, 6 when a step failed.
    """
    here = project(runs)
    if not as_json:
        _note_other_project(here, file)
    identity = who(here, key, signer_id)
    older = api.find_run(here, supersedes).name if supersedes else ""
    with progress(quiet=as_json) as shown:
        ended = api.run(here, file, identity, supersedes=older, watch=shown.tell, told_folder=shown.begin)
    return _report(ended, named(here, ended.folder), _who_again(key, signer_id), as_json=as_json)


@click.command()
@run_argument
@click.option("--ask-again", is_flag=True, help="Repeat calls whose outcome is unknown, even where they cost money.")
@runs_option
@key_options
@json_option
def resume(
    run_name: str, ask_again: bool, runs: Path | None, key: Path | None, signer_id: str, *, as_json: bool
) -> int:
    """Take RUN up again where its journal ends: after a gate, a failure, a Ctrl-C or a crash."""
    here, folder = find(run_name, runs)
    identity = who(here, key, signer_id)
    with progress(quiet=as_json) as shown:
        shown.begin(folder)
        ended = api.resume(here, folder, identity, ask_again=ask_again, watch=shown.tell)
    starter = ended.facts.starter.id
    if ended.facts.outcome and identity.id != starter and not as_json:
        note(f"note: {starter} started this run, and the key of {identity.id} sealed it; --key and --as choose it")
    return _report(ended, named(here, folder), _who_again(key, signer_id), as_json=as_json)


def _note_other_project(here: api.Project, file: Path) -> None:
    """Says so when the file lies in a project whose settings and reviewers do not count here."""
    theirs = api.find_project(file.parent).root
    if theirs != here.root and (theirs / api.PROJECT_FILE).is_file():
        note(
            f"note: {file} lies in the project {theirs}, whose settings and reviewers count only for "
            f"commands that are typed inside it; this run goes to {here.runs}"
        )


def _who_again(key: Path | None, signer_id: str) -> str:
    """The options that make the next command act as the same person."""
    words = [*(("--key", str(key)) if key else ()), *(("--as", signer_id) if signer_id else ())]
    return "".join(f" {shlex.quote(word)}" for word in words)


def _report(ended: Ended, name: str, who_again: str, *, as_json: bool) -> int:
    code = OUTCOME_CODES[ended.outcome]
    if as_json:
        print_json(_as_json(ended, code))
        return code
    run_id = ended.folder.name
    for step, error in ended.failures.items():
        note(f"step {step} failed: {error}")
    match ended.outcome:
        case "completed" | "approved" | "rejected" | "abandoned":
            say(f"{run_id} is {ended.outcome} and sealed.", f"report: {ended.folder / 'report.md'}")
            say(f"next: awo verify {name}    awo export {name}")
        case "waiting":
            say(f"{run_id} waits at the gate {ended.gate} for a person.", f"report: {ended.folder / 'report.md'}")
            say(f"next: awo gates {name}, then awo approve or awo reject, then awo resume {name}{who_again}")
        case "failed":
            failed = ", ".join(ended.failures) or "see awo show"
            say(f"{run_id} has failed steps: {failed}. What does not need them is done.")
            say(f"next: awo resume {name}{who_again} tries them again")
            say(f"  or: awo seal {name}{who_again} freezes the run as failed")
            say("A run keeps the workflow that it started with. To run a corrected file, start a new run.")
        case "interrupted":
            say(f"{run_id} was stopped by {ended.signal}. Everything finished is recorded.")
            say(f"next: awo resume {name}{who_again}")
    return code


def _as_json(ended: Ended, code: int) -> dict[str, Any]:
    return {
        "run": ended.folder.name,
        "folder": str(ended.folder),
        "outcome": ended.outcome,
        "gate": ended.gate,
        "failures": {step: error.as_dict() for step, error in ended.failures.items()},
        "exit_code": code,
    }
