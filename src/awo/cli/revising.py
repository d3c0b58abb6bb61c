"""The command `revise`: sends a run back at its open gate, and makes the run that revises a sealed one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from awo import api
from awo.cli.choosing import answer_option, answers_option, choice_from, meaning_option
from awo.cli.deciding import say_decided, warn_of_starter
from awo.cli.places import budget_option, find, key_options, named, passphrase_for, run_argument, runs_option, who
from awo.cli.printing import json_option, note, print_json
from awo.cli.progress import progress
from awo.cli.running import report_end, who_again
from awo.cli.stamping import stamp_if_asked
from awo.cli.telling import tell_decided
from awo.errors import UsageError
from awo.evidence.earlier import EarlierRun
from awo.evidence.gates import Meaning


@click.command()
@run_argument
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--from", "from_step", metavar="STEP", default="", help="The step to do again, with all that rests on it."
)
@click.option("--reason", "comment", default="", help="At an open gate: why; it is signed.")
@click.option("--change", "changes", multiple=True, help="At an open gate: what has to change; it is signed.")
@answer_option
@answers_option
@meaning_option
@budget_option
@click.option("--cache", is_flag=True, help="Use responses of the project's other runs again for equal requests.")
@runs_option
@key_options
@json_option
def revise(run_name: str, file: Path | None, runs: Path | None, *, as_json: bool, **options: Any) -> int:
    """Send RUN back at its open gate (--reason, --change), or make the run that revises a sealed RUN.

    The new run is made from FILE, by default the file that RUN was made from. Steps that no change touches are taken
    over from RUN; what they asked is not asked again. --from does a step again, and all that rests on it, in any case.
    """
    here, folder = find(run_name, runs)
    said = {name: options.pop(name) for name in ("comment", "changes", "answers", "answers_file", "meaning")}
    decides = bool(said["comment"] or said["changes"] or said["answers"] or said["answers_file"])
    if decides and not api.is_sealed(folder):
        _refuse_what_is_of_the_new_run(file, options)
        who_and_where = {name: options[name] for name in ("from_step", "key", "signer_id")}
        return _send_back(here, folder, **said, **who_and_where, as_json=as_json)
    if decides:
        raise UsageError(
            "this run is sealed, so nobody can decide on it any more",
            where="--reason" if said["comment"] else "--change",
            hint=f"without them, `awo revise {named(here, folder)}` makes the run that revises it",
        )
    return _run(here, folder, file, as_json=as_json, **options)


def _run(
    here: api.Project,
    folder: Path,
    file: Path | None,
    *,
    from_step: str,
    budget: str,
    cache: bool,
    key: Path | None,
    signer_id: str,
    as_json: bool,
) -> int:
    """Makes the run that revises a sealed one."""
    identity = who(here, key, signer_id)
    with progress(quiet=as_json) as shown:
        ended = api.revise(
            here,
            folder,
            file,
            identity,
            from_step=from_step,
            budget_usd=budget,
            cache=cache,
            watch=shown.tell,
            told_attempt=lambda attempt: None if as_json else _say_what_was_asked(attempt),
            told_folder=shown.begin,
        )
    return report_end(ended, named(here, ended.folder), who_again(key, signer_id), as_json=as_json)


def _say_what_was_asked(attempt: EarlierRun) -> None:
    """What the person who said no to the run asked for, so that whoever made it again sees it first."""
    if attempt.reason:
        note(f"{attempt.run_id} was not approved: {attempt.reason}")
    for change in attempt.required_changes:
        note(f"  asked for: {change}")


def _send_back(
    here: api.Project,
    folder: Path,
    *,
    comment: str,
    changes: tuple[str, ...],
    answers: tuple[str, ...],
    answers_file: Path | None,
    meaning: Meaning,
    from_step: str,
    key: Path | None,
    signer_id: str,
    as_json: bool,
) -> int:
    """The decision of a person, at the open gate."""
    for name, value, expected in (
        ("--change", "".join(changes).strip(), "what has to change, once for each change"),
        ("--as", signer_id, "your id in reviewers/allowed_signers"),
    ):
        if not value:
            raise _lacking(name, expected)
    if key is None:
        raise _lacking("--key", "your SSH key")
    choice = choice_from(
        "revise",
        signer_id=signer_id,
        meaning=meaning,
        comment=comment,
        answers=answers,
        answers_file=answers_file,
        required_changes=changes,
        from_step=from_step,
    )
    decided = api.decide(here, folder, choice, lambda: api.open_key(key, passphrase_for(key)))
    tell_decided(here, folder)
    stamp_if_asked(here, folder)
    if as_json:
        print_json({"run": folder.name, "verdict": "revise", **decided._asdict()})
        return 0
    warn_of_starter(decided)
    say_decided(decided, folder, named(here, folder), "sent back")
    return 0


def _lacking(option: str, expected: str) -> UsageError:
    return UsageError("to send a run back, more must be said", where=option, expected=expected)


def _refuse_what_is_of_the_new_run(file: Path | None, options: dict[str, Any]) -> None:
    given = [
        name
        for name, value in (
            ("FILE", file),
            ("--budget", options["budget"]),
            ("--cache", options["cache"]),
        )
        if value
    ]
    if given:
        raise UsageError(
            f"{given[0]} belongs to the run that comes after, and this one waits for a decision",
            hint="send it back first; `awo revise RUN` then makes the next run",
        )
