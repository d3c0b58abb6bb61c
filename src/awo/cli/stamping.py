"""The command `stamp`, `awo ledger stamp`, and the stamp that a seal gets by itself where awo.toml asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from awo import api
from awo.cli.places import find, named, project, run_argument, runs_option
from awo.cli.printing import json_option, note, print_json, say
from awo.errors import AwoError

tsa_option = click.option(
    "--tsa", metavar="URL", default="", help="The authority (RFC 3161 over HTTP; default: that of [time] in awo.toml)."
)


@click.command()
@run_argument
@tsa_option
@runs_option
@json_option
def stamp(run_name: str, tsa: str, runs: Path | None, *, as_json: bool) -> None:
    """Put a time stamp of an authority on the seal of RUN: proof that it was there by then.

    Only the digest of the seal leaves this machine. A stamp that is there is replaced.
    """
    here, folder = find(run_name, runs)
    written = api.stamp_run(here, folder, tsa)
    if as_json:
        print_json({"run": folder.name, **_as_json(written)})
        return
    say(f"stamp: {written.path}", f"says:  {written.stamp.said}")
    say(f"next: awo verify {named(here, folder)} --tsa-roots FILE, with the authority's root certificate")


@click.command(name="stamp")
@tsa_option
@runs_option
@json_option
def ledger_stamp(tsa: str, runs: Path | None, *, as_json: bool) -> None:
    """Put a time stamp of an authority on the ledger's newest checkpoint.

    `awo ledger refresh RUN` carries it into the package of a run.
    """
    written = api.stamp_ledger(project(runs), tsa)
    if as_json:
        print_json(_as_json(written))
        return
    say(f"stamp: {written.path}", f"says:  {written.stamp.said}", "next: awo ledger refresh RUN")


def stamp_if_asked(here: api.Project, folder: Path) -> None:
    """Stamps a seal where awo.toml asks for that and no stamp is there. What fails is a note: the run stays sealed."""
    if not here.policy.time.stamp or not api.is_sealed(folder) or api.is_stamped(folder):
        return
    try:
        written = api.stamp_run(here, folder)
    except AwoError as error:
        reason = f" ({error.got})" if error.got else ""
        note(
            f"note: the seal of {folder.name} has no time stamp: {error.what}{reason}; the run is sealed all the same; "
            f"next: awo stamp {named(here, folder)}"
        )
        return
    note(f"the seal of {folder.name} is stamped: {written.stamp.said}")


def _as_json(written: Any) -> dict[str, Any]:
    said = written.stamp
    return {
        "stamp": str(written.path),
        "at": f"{said.at:%Y-%m-%dT%H:%M:%S.%fZ}",
        "authority": said.authority,
        "policy": said.policy,
        "serial_number": str(said.serial_number),
        "digest": said.hash_name,
        "imprint": said.imprint.hex(),
    }
