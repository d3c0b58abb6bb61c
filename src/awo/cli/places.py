"""The options that say where and who: the project, the runs, the key, the id."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from awo import api
from awo.canon.usd import PATTERN_OR_EMPTY, picodollars, usd
from awo.errors import UsageError
from awo.sign.seam import NotTyped

F = TypeVar("F", bound=Callable[..., Any])

runs_option = click.option(
    "--runs", type=click.Path(path_type=Path), help="Where the runs are (default: runs/ of the project)."
)


class _Dollars(click.ParamType[str]):
    """An amount of US dollars, in the one spelling that the record has."""

    name = "USD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value).removeprefix("$")
        try:
            amount = usd(picodollars(text)) if text else ""
        except ValueError:
            amount = "?"
        if not re.match(PATTERN_OR_EMPTY, amount):
            self.fail(f"{value!r} is not an amount of US dollars like 5 or 0.25", param, ctx)
        return amount


budget_option = click.option(
    "--budget", type=_Dollars(), metavar="USD", default="", help="What all calls of the run together may cost at most."
)
run_argument = click.argument("run_name", metavar="RUN", default="latest")


def key_options(command: F) -> F:
    """Adds --key and --as."""
    command = click.option(
        "--as", "signer_id", metavar="ID", envvar="AWO_ID", default="", help="Your id, as in allowed_signers."
    )(command)
    return click.option(
        "--key",
        type=click.Path(path_type=Path),
        envvar="AWO_KEY",
        help="Your SSH key: a private key file, or a .pub file whose key the ssh-agent has.",
    )(command)


def project(runs: Path | None = None) -> api.Project:
    """The project around the current folder."""
    return api.find_project(Path.cwd(), runs)


def find(run_name: str, runs: Path | None) -> tuple[api.Project, Path]:
    """The project and the run that RUN names."""
    here = project(runs)
    return here, api.find_run(here, run_name).resolve()


def named(here: api.Project, folder: Path) -> str:
    """What to type for a run from here: its id, or its path when it is not among the project's own runs."""
    folder = folder.resolve()
    return folder.name if folder.parent == (here.root / "runs").resolve() else shlex.quote(str(folder))


def passphrase_for(key: Path | None) -> Callable[[], str]:
    """Asks for a key's passphrase: from AWO_KEY_PASSPHRASE_FILE, else on the terminal. Raises `UsageError`.

    One from a file shows no person's presence, and says so.
    """

    def ask() -> str:
        if file := os.environ.get("AWO_KEY_PASSPHRASE_FILE"):
            try:
                return NotTyped(Path(file).read_text(encoding="utf-8").rstrip("\n"))
            except OSError as error:
                raise UsageError("the passphrase file cannot be read", where=file, got=str(error.strerror)) from error
        if not sys.stdin.isatty():
            raise UsageError(
                "the key needs a passphrase, and there is no terminal to ask on",
                where=str(key or ""),
                hint="type the command on a terminal; without one, the ssh-agent (--key KEY.pub) or "
                "AWO_KEY_PASSPHRASE_FILE, where the gate accepts that nobody typed it",
            )
        text: str = click.prompt(f"Passphrase for {key}", hide_input=True, err=True)
        return text

    return ask


def who(here: api.Project, key: Path | None, signer_id: str) -> api.Identity:
    """Who acts, from --key and --as."""
    return api.identity(here, key, signer_id, passphrase_for(key))
