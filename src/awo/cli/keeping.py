"""The command `seal`: freezes a run, and keeps it with the immutable flag and in git where that is asked for."""

from __future__ import annotations

from pathlib import Path

import click

from awo import api
from awo.cli.places import find, key_options, named, run_argument, runs_option, who
from awo.cli.printing import json_option, note, print_json, say
from awo.cli.stamping import stamp_if_asked
from awo.derive.phrases import count


@click.command()
@run_argument
@click.option(
    "--immutable",
    is_flag=True,
    help="Set the immutable flag on the sealed files, as root on Linux; also on a run that is sealed already.",
)
@click.option(
    "--commit", is_flag=True, help="Commit the sealed folder, and nothing else, to git; also of a run sealed before."
)
@runs_option
@key_options
@json_option
def seal(
    run_name: str,
    runs: Path | None,
    key: Path | None,
    signer_id: str,
    *,
    immutable: bool,
    commit: bool,
    as_json: bool,
) -> None:
    """Freeze RUN as it stands: as what it finished as, else as failed or abandoned."""
    here, folder = find(run_name, runs)
    outcome = ""
    if not ((immutable or commit) and api.is_sealed(folder)):
        outcome = api.freeze(here, folder, who(here, key, signer_id))
    said: dict[str, object] = {"run": folder.name, "outcome": outcome or api.facts(folder).outcome, "is_sealed": True}
    stamp_if_asked(here, folder)
    if outcome and not as_json:
        say(f"{folder.name} is sealed as {outcome}.")
    if commit:
        said["commit"] = _commit(here, folder, as_json=as_json)
    if immutable or here.policy.immutable:
        flags = api.make_immutable(folder) if immutable else api.flagged(folder)
        said["immutable"] = {"files": flags.files, "immutable": flags.immutable, "why": flags.why}
        if not as_json:
            (say if flags.is_all else note)(flags.said())
    if as_json:
        print_json(said)
    else:
        say(f"next: awo verify {named(here, folder)}")


def _commit(here: api.Project, folder: Path, *, as_json: bool) -> dict[str, object]:
    done = api.commit(here, folder)
    made = done.committed
    if not as_json:
        if made.was_ignored:
            note("note: .gitignore names this folder; it was added all the same (git add -f)")
        word = "commit" if made.is_new else "it is in git already, as it is here: commit"
        say(f"{word} {made.commit} with {count(made.files, 'file')}")
        say(f"seal {done.seal_sha256}{'' if not done.is_in_ledger else ', entered in the ledger'}")
    return {"commit": made.commit, "files": made.files, "is_new": made.is_new, "seal_sha256": done.seal_sha256} | {
        "was_ignored": made.was_ignored,
        "is_in_ledger": done.is_in_ledger,
    }
