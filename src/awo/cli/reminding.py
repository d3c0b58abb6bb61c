"""`awo gates remind`: for cron. Tells people of deadlines, and does what a deadline that has passed asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from awo import api
from awo.cli.ending import next_attempt
from awo.cli.places import find, key_options, named, project, runs_option, who
from awo.cli.printing import json_option, note, print_json, say
from awo.cli.stamping import stamp_if_asked
from awo.cli.telling import note_trouble
from awo.derive.phrases import moment
from awo.errors import AwoError
from awo.gate.durations import FORM, read_duration


class _Duration(click.ParamType[int]):
    """A time like 90m, 24h or 3d, in seconds."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        seconds = read_duration(str(value))
        if not seconds:
            self.fail(f"{value!r} is not {FORM.partition(';')[0]}", param, ctx)
        return seconds


@click.command()
@click.argument("run_name", metavar="[RUN]", default="")
@click.option(
    "--within",
    "within_s",
    type=_Duration(),
    metavar="TIME",
    help="Remind of deadlines nearer than this, as 24h (default: a quarter of the gate's time, at most a day).",
)
@click.option("--test", "is_test", is_flag=True, help="Only send a test message to everybody.")
@runs_option
@key_options
@json_option
def remind(
    run_name: str,
    within_s: int | None,
    runs: Path | None,
    key: Path | None,
    signer_id: str,
    *,
    is_test: bool,
    as_json: bool,
) -> int:
    """Tell people which gates of RUN, or of all runs, are near their deadline; act on deadlines that have passed.

    Meant for cron. Everybody is told once of each deadline. AWO_NOTIFY_URLS says whom to tell; without it only
    the deadlines that have passed are acted on. A run that a deadline rejects is sealed.
    """
    here = project(runs)
    if is_test:
        return _test(here, as_json=as_json)
    folders = [find(run_name, runs)[1]] if run_name else api.run_folders(here)
    done: list[api.Reminder] = []
    for folder in folders:
        try:
            if api.is_sealed(folder) or (reminder := api.remind(here, folder, within_s=within_s)) is None:
                continue
        except AwoError as error:
            if run_name:
                raise
            note(f"{folder.name} is passed over: {error.what}")
            continue
        done.append(reminder)
        note_trouble(reminder.told)
        if not as_json:
            _say(reminder)
        if reminder.outcome:
            _seal(here, folder, lambda: who(here, key, signer_id), as_json=as_json)
    if as_json:
        print_json({"reminders": [asdict(reminder) for reminder in done]})
    elif not done:
        say("no deadline is near")
    return 0


def _test(here: api.Project, *, as_json: bool) -> int:
    told = api.send_test(here)
    note_trouble(told)
    if as_json:
        print_json({"test": asdict(told)})
    elif told.sent or told.failed:
        say(f"a test message went to {told.sent} of {told.sent + told.failed} addresses")
    elif not told.why:
        say("nobody is to be told: AWO_NOTIFY_URLS and AWO_NOTIFY_URLS_FILE are not set")
    return 0


def _seal(here: api.Project, folder: Path, identity: Callable[[], api.Identity], *, as_json: bool) -> None:
    """Seals a run that its deadline has ended. Without a key it stays as it is, and the next gates are looked at."""
    name = named(here, folder)
    try:
        api.seal_finished(here, folder, identity())
        stamp_if_asked(here, folder)
    except AwoError as error:
        note(f"{folder.name} could not be sealed: {error.what}; next: awo resume {name}")
        return
    if not as_json:
        say("  it is sealed.", f"  {next_attempt(name)}", f"    or: awo verify {name}")


def _say(reminder: api.Reminder) -> None:
    verb = "is near" if reminder.what == "near" else "has passed"
    say(f"{reminder.run}: the deadline of {reminder.gate}, {moment(reminder.deadline_at)}, {verb}")
    if reminder.outcome:
        say(f"  the run is {reminder.outcome}")
    if reminder.told.sent:
        say(f"  told {reminder.told.sent} of {reminder.told.sent + reminder.told.failed} addresses")
