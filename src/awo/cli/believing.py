"""The options that say whom a reader believes: of `verify`, and of what is verified before it is imported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Final = (
    click.option(
        "--trust",
        type=click.Path(path_type=Path),
        help="Whom you believe: an allowed_signers file (default: the project's reviewers/allowed_signers).",
    ),
    click.option(
        "--policy",
        type=click.Path(path_type=Path),
        help="What you ask of gates: an awo.toml (default: the project's own, if there is one).",
    ),
    click.option(
        "--ledger-keys",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The ledgers and witnesses that you believe: verifier keys, one a line (default: those of the project's "
        "own ledger).",
    ),
)


def belief_options(command: F) -> F:
    """Adds --trust, --policy and --ledger-keys, in this order."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
