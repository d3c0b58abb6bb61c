"""The commands on keys: `keys new`, `keys enrol`, `keys list`."""

from __future__ import annotations

import shlex
import sys
from datetime import datetime
from pathlib import Path

import click

from awo import api
from awo.cli.places import project
from awo.cli.printing import json_option, note, print_json, say, table
from awo.errors import UsageError


class AsWritten(click.Group):
    """A group that lists its commands in the order of this file, which is the order of use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=AsWritten)
def keys() -> None:
    """Make keys, enrol reviewers, list who may decide."""


@keys.command("new")
@click.argument("key_id", metavar="ID")
@click.option("--out", type=click.Path(path_type=Path), help="The private key's file (default: in your configuration).")
@click.option("--no-passphrase", is_flag=True, help="Leave the key unprotected; a decision then proves no presence.")
@json_option
def new(key_id: str, out: Path | None, *, no_passphrase: bool, as_json: bool) -> None:
    """Make an Ed25519 key for ID, for example alice@example.org. Never overwrites."""
    passphrase = "" if no_passphrase else _new_passphrase()
    path, key = api.new_key(key_id, out, passphrase)
    if as_json:
        print_json({"id": key_id, "key": str(path), "public_key": f"{path}.pub", "fingerprint": key.fingerprint})
    else:
        say(f"key:    {path}", f"public: {path}.pub", f"fingerprint: {key.fingerprint}")
        say(f"next: awo keys enrol {shlex.quote(key_id)} {shlex.quote(f'{path}.pub')}")


@keys.command("enrol", short_help="Let ID decide in this project.")
@click.argument("reviewer", metavar="ID")
@click.argument("public_key", metavar="KEY.pub", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "first",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The first day on which the key may sign, as 2026-11-23, in UTC.",
)
@click.option(
    "--until", "last", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="The last day on which it may."
)
@json_option
def enrol(reviewer: str, public_key: Path, first: datetime | None, last: datetime | None, *, as_json: bool) -> None:
    """Let ID decide in this project: adds the key to reviewers/allowed_signers."""
    here = project()
    line = api.enrol(
        here, reviewer, public_key, first=first.date() if first else None, last=last.date() if last else None
    )
    if as_json:
        print_json({"id": reviewer, "file": str(here.reviewers_file), "line": line})
    else:
        say(f"{reviewer} is enrolled in {here.reviewers_file}", "next: put that file under version control")
        if alike := api.enrolled_alike(here, reviewer, public_key):
            both = ", ".join([reviewer, *alike])
            note(f"note: only one of these can decide at a gate, since their keys or ids are alike: {both}")


@keys.command("list")
@json_option
def list_keys(*, as_json: bool) -> None:
    """List who may decide in this project."""
    here = project()
    reviewers = here.reviewers()
    rows = [
        (
            ",".join(line.principals),
            line.key.fingerprint,
            ",".join(line.namespaces) or "any",
            line.valid_after.isoformat() if line.valid_after else "",
            line.valid_before.isoformat() if line.valid_before else "",
        )
        for line in (reviewers.lines if reviewers else ())
    ]
    if as_json:
        names = ("id", "fingerprint", "namespaces", "from", "until")
        print_json(
            {"reviewers": [dict(zip(names, (a, b, c.split(","), *ends), strict=True)) for a, b, c, *ends in rows]}
        )
    elif not rows:
        say("nobody is enrolled", "next: awo keys enrol ID KEY.pub")
    else:
        say(*table(rows, ("ID", "FINGERPRINT", "MAY SIGN", "FROM", "UNTIL")))


def _new_passphrase() -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            "a passphrase is asked for on a terminal, and there is none",
            hint="use --no-passphrase, or make the key with ssh-keygen -t ed25519",
        )
    text: str = click.prompt("Passphrase for the new key", hide_input=True, confirmation_prompt=True, err=True)
    return text
