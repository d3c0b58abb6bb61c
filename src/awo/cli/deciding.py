"""The commands that decide at a gate: `approve`, `reject`, `withdraw`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Literal

import click

from awo import api
from awo.cli.choosing import (
    answer_option,
    answers_option,
    as_option,
    can_ask,
    choice_from,
    key_option,
    meaning_option,
    reason_option,
)
from awo.cli.ending import next_attempt
from awo.cli.gates import what_next
from awo.cli.places import find, named, passphrase_for, run_argument, runs_option
from awo.cli.printing import json_option, note, print_json, say
from awo.cli.stamping import stamp_if_asked
from awo.cli.telling import tell_decided
from awo.engine.decide import Choice, Decided
from awo.errors import Interrupted, UsageError
from awo.evidence.gates import Meaning
from awo.evidence.relayed import in_words
from awo.sign.seam import WrongPassphrase

TRIES = 3

Said = Literal["approve", "reject", "withdraw"]


@click.command()
@run_argument
@answer_option
@answers_option
@click.option("--comment", metavar="TEXT", default="", help="What you want to say with it.")
@click.option(
    "--relayed",
    type=click.Choice(["github"]),
    help="In a job of a protected environment: take up what was approved on GitHub, with the key of the CI.",
)
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
    relayed: str | None,
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
    if relayed is not None:
        if answers or answers_file is not None or comment:
            raise UsageError(
                "what is relayed was said on GitHub, and nothing is added to it",
                where="--relayed",
                hint="leave out --answer, --answers and --comment; lines like ITEM=ANSWER on GitHub are answers",
            )
        _relay(run_name, runs, meaning, key, signer_id, as_json=as_json)
        return
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
        from awo.cli.asking import ask  # much to load for who gives the answers at once

        try:
            asked = ask(here, folder, name, choice, key)
        except (KeyboardInterrupt, click.Abort) as left:
            again = f"awo {verdict} {name} asks again"
            raise Interrupted("you left before signing: nothing was recorded", hint=again) from left
        choice = replace(choice, given=asked.answers, seen=asked.seen)
    decided = _signed(here, folder, choice, key)
    tell_decided(here, folder)
    stamp_if_asked(here, folder)
    if as_json:
        print_json({"run": folder.name, "verdict": verdict, **decided._asdict()})
        return
    warn_of_starter(decided)
    say_decided(decided, folder, name)


def _relay(run_name: str, runs: Path | None, meaning: Meaning, key: Path, signer_id: str, *, as_json: bool) -> None:
    """Takes up an approval on GitHub. Nobody is asked anything, and it says that it is nobody's signature."""
    here, folder = find(run_name, runs)
    choice = api.relayed_from_github(here, folder, choice_from("approve", signer_id=signer_id, meaning=meaning))
    decided = _signed(here, folder, choice, key)
    tell_decided(here, folder)
    stamp_if_asked(here, folder)
    if as_json:
        said = {"relayed": choice.relayed, "comment": choice.comment}
        print_json({"run": folder.name, "verdict": "approve", **decided._asdict(), **said})
        return
    note(in_words(choice.relayed, choice.comment))
    say_decided(decided, folder, named(here, folder))


def _signed(here: api.Project, folder: Path, choice: Choice, key: Path) -> Decided:
    """The decision, recorded. Who answered the questions one by one may mistype their passphrase twice and keeps the
    answers; each time is a refusal on record."""
    can_type_again = bool(choice.given) and choice.seen is not None and "AWO_KEY_PASSPHRASE_FILE" not in os.environ
    left = TRIES if can_type_again else 1
    while True:
        left -= 1
        try:
            return api.decide(here, folder, choice, lambda: api.open_key(key, passphrase_for(key)))
        except WrongPassphrase as error:
            if not left:
                raise
            note(f"{error.what}; type it again")


def warn_of_starter(decided: Decided) -> None:
    """Says openly where somebody decided on a run of their own, or may have."""
    if decided.solo:
        note("warning: you started this run and decided on it yourself (solo); the record and the report say so")
    elif decided.starter == api.OWN_KEY_ID:
        note(
            "note: this run was started without --key and --as, so its record names only a machine; "
            "nobody can see from it whether somebody else decided"
        )


def say_decided(decided: Decided, folder: Path, name: str, came_to: str = "rejected") -> None:
    """What was recorded, what came of it, and what to type next. `came_to` is what the decision made of the run."""
    if decided.is_sealed_vote:
        say(
            f"{decided.path}: your vote is signed and lies sealed. What it says is kept on this machine only.",
            f"next: when all have voted, awo reveal {name}",
        )
        return
    say(f"{decided.path} is signed and recorded.")
    if decided.replaces:
        say(f"it takes the place of your earlier decision, {decided.replaces}, which stays on record")
    if decided.outcome:
        say(f"{folder.name} is {came_to} and sealed.", next_attempt(name), f"  or: awo verify {name}")
    elif decided.is_closed:
        say(f"the gate {decided.gate} is approved.", f"next: awo resume {name}")
    elif to_open := api.votes_to_open(folder):
        say("all votes are in, and yours is open.", f"next: {what_next(to_open, name)}")
    else:
        say(f"the gate {decided.gate} waits for more people: awo gates {name}")
