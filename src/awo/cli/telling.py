"""Once a command has said everything: tells people of a gate. What could not be told is a line on stderr, no more."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from awo import api
from awo.cli.printing import note


def tell_opened(here: api.Project, folder: Path) -> None:
    """At the end of the command, tells people that a gate waits, if somebody is to be told."""
    _at_the_end(lambda: api.tell_opened(here, folder))


def tell_decided(here: api.Project, folder: Path) -> None:
    """At the end of the command, tells people of the decision or vote that was recorded, if somebody is to be told."""
    _at_the_end(lambda: api.tell_decided(here, folder))


def note_trouble(told: api.Told) -> None:
    """One line on stderr where something could not be told."""
    if told.why:
        note(f"note: {told.why}")


def _at_the_end(tell: Callable[[], api.Told]) -> None:
    """A server that is slow must not keep back what the command says; and the exit code stays as it is."""

    def end() -> None:
        sys.stdout.flush()
        note_trouble(tell())

    click.get_current_context().call_on_close(end)
