"""The commands that decide at a gate: `approve`, `reject`, `withdraw`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import click

from awo import api
from awo.cli.asking import ask, can_ask
from awo.cli.choosing import (
    answer_option,
    answers_option,
    as_option,
    choice_from,
    key_option,
    meaning_option,
    reason_option,
)
from awo.cli.places import find, named, passphrase_for, run_argument, runs_option
from awo.cli.printing import json_option, note, print_json, say
from awo.cli.telling import tell_decided
from awo.engine.decide import Decided
from awo.evidence.gates import Meaning

Said = Literal["approve", "reject", "withdraw"]


@click.command()
@run_argument
@answer_option
@answers_option
@click.option("--comment", metavar="TEXT", default="", help="What you want to say with it.")
@meaning_option
@key_option
@as_option
@runs_option
@json_option
def approve(
    run_name: str,
    answers: tuple[str, ...],
    answers_file: Path | None,
    comment: str,
    meaning: Meaning,
    key: Path,
    signer_id: str,
    runs: Path | None,
    *,
    as_json: bool,
) -> None:
    """Approve RUN at its open gate. Every required item of the checklist needs an answer.

    On a terminal, without --answer and --answers, the files to read are named and the questions are asked one by one.
    """
    _decide("approve", run_name, runs, answers, answers_file, comment, meaning, key, signer_id, as_json=as_json)


@click.command()
@run_argument
@answer_option
@answers_option
@reason_option("the rejection")
@meaning_option
@key_option
@as_option
@runs_option
@json_option
def reject(
    run_name: str,
    answers: tuple[str, ...],
    answers_file: Path | None,
    comment: str,
    meaning: Meaning,
    key: Path,
    signer_id: str,
    runs: Path | None,
    *,
    as_json: bool,
) -> None:
    """Reject RUN at its open gate. The run is sealed as rejected and kept as evidence.

    On a terminal, without --answer and --answers, the questions are asked one by one; each may be left out.
    """
    _decide("reject", run_name, runs, answers, answers_file, comment, meaning, key, signer_id, as_json=as_json)


@click.command()
@run_argument
@reason_option("the withdrawal")
@meaning_option
@key_option
@as_option
@runs_option
@json_option
def withdraw(
    run_name: str, comment: str, meaning: Meaning, key: Path, signer_id: str, runs: Path | None, *, as_json: bool
) -> None:
    """Take back what you decided on RUN, while its gate is still open.

    It is a new signed decision: what you said before stays on record, and no longer counts.
    """
    _decide("withdraw", run_name, runs, (), None, comment, meaning, key, signer_id, as_json=as_json)


def _decide(
    verdict: Said,
    run_name: str,
    runs: Path | None,
    answers: tuple[str, ...],
    answers_file: Path | None,
    comment: str,
    meaning: Meaning,
    key: Path,
    signer_id: str,
    *,
    as_json: bool,
) -> None:
    here, folder = find(run_name, runs)
    name = named(here, folder)
    choice = choice_from(
        verdict,
        signer_id=signer_id,
        meaning=meaning,
        comment=comment,
        answers=answers,
        answers_file=answers_file,
    )
    has_answers = bool(answers) or answers_file is not None
    if verdict != "withdraw" and not has_answers and can_ask(as_json=as_json):
        asked = ask(here, folder, name, choice, key)
        choice = replace(choice, given=asked.answers, seen=asked.seen)
    decided = api.decide(here, folder, choice, lambda: api.open_key(key, passphrase_for(key)))
    tell_decided(here, folder)
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
    _say(decided, folder.name, name)


def _say(decided: Decided, run: str, name: str) -> None:
    """What was recorded, what came of it, and what to type next."""
    if decided.is_sealed_vote:
        say(
            f"{decided.path}: your vote is signed and lies sealed. What it says is kept on this machine only.",
            f"next: when all have voted, awo reveal {name}",
        )
        return
    say(f"{decided.path} is signed and recorded.")
    if decided.outcome:
        say(f"{run} is {decided.outcome} and sealed.", f"next: awo verify {name}")
    elif decided.is_closed:
        say(f"the gate {decided.gate} is approved.", f"next: awo resume {name}")
    else:
        say(f"the gate {decided.gate} waits for more people: awo gates {name}")
