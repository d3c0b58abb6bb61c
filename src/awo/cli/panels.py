"""The command `reveal`: opens the sealed votes of a blind gate."""

from __future__ import annotations

from pathlib import Path

import click

from awo import api
from awo.cli.ending import next_attempt
from awo.cli.places import find, key_options, named, run_argument, runs_option, who
from awo.cli.printing import json_option, print_json, say
from awo.cli.stamping import stamp_if_asked
from awo.cli.telling import tell_decided


@click.command()
@run_argument
@key_options
@runs_option
@json_option
def reveal(run_name: str, runs: Path | None, key: Path | None, signer_id: str, *, as_json: bool) -> None:
    """Open the sealed votes of RUN that you hold, once everybody has voted.

    A key is needed only where the run is rejected by it, and so sealed.
    """
    here, folder = find(run_name, runs)
    revealed = api.reveal(here, folder, lambda: who(here, key, signer_id))
    if revealed.opened:
        tell_decided(here, folder)
        stamp_if_asked(here, folder)
    name = named(here, folder)
    if as_json:
        print_json({"run": folder.name, **revealed._asdict()})
        return
    if revealed.opened:
        say(f"opened: {', '.join(revealed.opened)}")
    else:
        say("no vote that is still sealed lies on this machine")
    if revealed.sealed:
        say(
            f"still sealed: {', '.join(revealed.sealed)}",
            f"next: they type `awo reveal {name}` where they voted",
        )
    elif revealed.outcome:
        came_to = "sent back" if api.facts(folder).gates[-1].verdict == "revised" else revealed.outcome
        say(f"{folder.name} is {came_to} and sealed.", next_attempt(name), f"  or: awo verify {name}")
    elif revealed.is_closed:
        say(f"the gate {revealed.gate} is approved.", f"next: awo resume {name}")
    else:
        say(f"all votes are open, and the gate {revealed.gate} waits for more people: awo gates {name}")
