"""The commands that run: `run` and `resume`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from awo import api
from awo.cli.places import find, key_options, project, run_argument, runs_option, who
from awo.cli.printing import json_option, note, print_json, say
from awo.cli.progress import Progress, progress
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
    identity = who(here, key, signer_id)
    older = api.find_run(here, supersedes).name if supersedes else ""
    with progress(quiet=as_json) as shown:
        ended = api.run(here, file, identity, supersedes=older, watch=shown.tell, told_folder=shown.begin)
    return _report(ended, shown, as_json=as_json)


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
    return _report(ended, shown, as_json=as_json)


def _report(ended: Ended, shown: Progress, *, as_json: bool) -> int:
    code = OUTCOME_CODES[ended.outcome]
    if as_json:
        print_json(_as_json(ended, code))
        return code
    name = ended.folder.name
    for step, error in ended.failures.items():
        note(f"step {step} failed: {error}")
    match ended.outcome:
        case "completed" | "approved" | "rejected" | "abandoned":
            say(f"{name} is {ended.outcome} and sealed.", f"report: {ended.folder / 'report.md'}")
            say(f"next: awo verify {name}    awo export {name}")
        case "waiting":
            say(f"{name} waits at the gate {ended.gate} for a person.", f"report: {ended.folder / 'report.md'}")
            say(f"next: awo gates {name}, then awo approve or awo reject, then awo resume {name}")
        case "failed":
            say(f"{name} has failed steps: {', '.join(ended.failures) or 'see awo show'}. The others are done.")
            say(f"next: awo resume {name} tries them again; awo seal {name} freezes the run as failed")
        case "interrupted":
            say(f"{name} was stopped by {ended.signal}. Everything finished is recorded.")
            say(f"next: awo resume {name}")
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
