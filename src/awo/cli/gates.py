"""The commands that look at gates: `gates`, `gates show`; `gates remind` lies in its own file and is loaded late."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from awo import api
from awo.cli.gate_words import decision_in_words, question_in_words, to_approve
from awo.cli.places import find, named, project, run_argument, runs_option
from awo.cli.printing import harmless, json_option, note, print_json, say
from awo.derive.gate_words import needed, rules_in_words
from awo.derive.phrases import count, moment, size
from awo.engine.showing import Changed
from awo.errors import AwoError, EvidenceError, UsageError
from awo.evidence.gates import Decision, GatePending
from awo.gate.answers import wanted

FILES_SHOWN = 20
SUBCOMMANDS = ("show", "remind")
_WAITING = "waiting"


class _Unnamed(click.Context):
    """Of the command that has no name of its own: errors and usage name the group."""

    @property
    def command_path(self) -> str:
        return self.parent.command_path if self.parent is not None else super().command_path


class _Gates(click.Group):
    """`awo gates [RUN]`, and commands below it. What is no command's name is a run's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args[:1] and (args[0] in SUBCOMMANDS or args[0] in ctx.help_option_names):
            return super().parse_args(ctx, args)
        return super().parse_args(ctx, [_WAITING, *args])

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        match cmd_name:
            case "show":
                return show_gate
            case "remind":
                from awo.cli.reminding import remind

                return remind
            case _:
                return waiting if cmd_name == _WAITING else None

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return ["[OPTIONS]", "[RUN]"]


@click.group(cls=_Gates, invoke_without_command=True)
@runs_option
@json_option
def gates(**options: Any) -> None:
    """List the gates that wait in RUN, or in all runs of the project."""


@click.command()
@click.argument("run_name", metavar="[RUN]", default="")
@runs_option
@json_option
def waiting(run_name: str, runs: Path | None, *, as_json: bool) -> None:
    """List the gates that wait in RUN, or in all runs of the project."""
    here = project(runs)
    if run_name:
        _, folder = find(run_name, runs)
        pending = api.pending_gate(folder)
        found = [(folder, pending)] if pending is not None else []
    else:
        found = _waiting(api.run_folders(here))
    if as_json:
        print_json({"gates": [pending for _, pending in found]})
        return
    if not found:
        say("no gate waits")
    for folder, pending in found:
        _print_gate(pending, named(here, folder), api.votes_to_open(folder) if pending.voted else ())


waiting.context_class = _Unnamed


@click.command("show")
@run_argument
@click.option("--all", "has_all", is_flag=True, help=f"Name every file, and not only the first {FILES_SHOWN}.")
@runs_option
@json_option
def show_gate(run_name: str, runs: Path | None, *, has_all: bool, as_json: bool) -> int:
    """Show what a signature at the open gate of RUN will cover.

    Every file and the journal are hashed anew. Where something is not as it was when the gate opened, that is said
    and the command ends with 3: a decision would be refused as stale.
    """
    here, folder = find(run_name, runs)
    name = named(here, folder)
    gate = api.shown_gate(folder)
    if gate is None:
        raise UsageError("no gate of this run waits", where=folder.name, hint=f"`awo status {name}` says how it stands")
    code = EvidenceError.exit_code if gate.changed else 0
    if as_json:
        print_json(
            {
                "run": folder.name,
                "gate": gate.pending,
                "starter": gate.starter,
                "authors": gate.authors,
                "decisions": gate.decisions,
                "read_first": gate.read_first,
                "changed": [{"path": c.path, "expected": c.expected, "got": c.got} for c in gate.changed],
            }
        )
        return code
    pending = gate.pending
    print_changes(gate.changed, name)
    say(f"{pending.run_id}: gate {pending.gate}, open since {moment(pending.opened_at)}")
    to_open = api.votes_to_open(folder) if pending.voted else ()
    say(f"still needed: {_needed(pending, to_open)}", "rules:")
    rules = rules_in_words(
        pending.rules,
        gate.starter.id,
        gate.authors,
        deadline_at=pending.deadline_at,
        is_escalated=pending.is_escalated,
    )
    say(*(f"  {rule}" for rule in rules))
    _print_decisions(gate.decisions, pending)
    say("checklist:")
    for item in pending.checklist:
        say(f"  {item.id}: {item.text}", f"    {question_in_words(item)}")
    checkpoint = pending.checkpoint
    say("a signature covers:", f"  lines 1 to {checkpoint.size} of the journal, root {checkpoint.root}")
    _print_files(gate.pending, show_all=has_all)
    say(*(f"read first: {folder / path}" for path in gate.read_first))
    if pending.panel is not None and pending.panel.path and not gate.decisions:
        say("no other file before you have voted: they name the models")
    say(f"next: {what_next(to_open, name) if to_open else to_approve(pending, name)}")
    return code


def what_next(to_open: Sequence[str], name: str) -> str:
    """What the people do whose votes lie sealed, now that all are in."""
    return f"{', '.join(to_open)}: awo reveal {name}, each where they voted"


def _needed(pending: GatePending, to_open: Sequence[str]) -> str:
    if to_open:
        return f"nobody; all votes are in, and {count(len(to_open), 'lies', 'lie')} sealed"
    return needed(pending.missing)


def print_changes(changed: Sequence[Changed], name: str) -> None:
    """Says loudly, on stderr, what is not as it was shown."""
    for one in changed:
        click.echo(
            click.style("CHANGED", fg="red", bold=True)
            + f": {harmless(one.path)}: expected {harmless(one.expected)}, got {harmless(one.got)}",
            err=True,
        )
    if changed:
        note(
            f"the folder is not what it was when the gate opened: a decision on {name} would be refused as stale",
            "next: restore it from a copy",
        )


def _print_decisions(decisions: Sequence[Decision], pending: GatePending) -> None:
    if pending.panel is not None and pending.voted and not decisions:
        say(f"decisions so far: {count(pending.voted, 'vote lies', 'votes lie')} sealed")
        return
    say("decisions so far:" + ("" if decisions else " none"))
    for decision in decisions:
        say(f"  {decision_in_words(decision)}")
        if decision.comment:
            say(f"    {decision.comment}")


def _print_files(pending: GatePending, *, show_all: bool) -> None:
    listed = pending.shows if show_all else pending.shows[:FILES_SHOWN]
    say(f"  {count(len(pending.shows), 'file')}:")
    for ref in listed:
        say(f"    {ref.sha256}  {size(ref.size_bytes):>9}  {ref.path}")
    if len(listed) < len(pending.shows):
        say(f"    and {len(pending.shows) - len(listed)} more: --all names them")


def _waiting(folders: list[Path]) -> list[tuple[Path, GatePending]]:
    """The gates of the runs that can be read. A run that cannot is named on stderr: it must hide no other."""
    found = []
    for folder in folders:
        try:
            pending = api.pending_gate(folder)
        except AwoError as error:
            note(f"{folder.name} cannot be read: {error.what}")
            continue
        if pending is not None:
            found.append((folder, pending))
    return found


def _print_gate(pending: GatePending, name: str, to_open: Sequence[str]) -> None:
    say(f"{pending.run_id}: {pending.gate} waits since {moment(pending.opened_at)}")
    say(f"  needs: {_needed(pending, to_open)}")
    if pending.deadline_at:
        say(f"  deadline: {moment(pending.deadline_at)}")
    say("  checklist:")
    for item in pending.checklist:
        wants = "" if item.kind == "yes_no" else f" ({wanted(item)})"
        say(f"    {item.id}{'' if item.required else ' (optional)'}: {item.text}{wants}")
    lines, files = pending.checkpoint.size, len(pending.shows)
    say(f"  your signature will cover lines 1 to {lines} of the journal and {count(files, 'file')}:")
    for ref in pending.shows[:FILES_SHOWN]:
        say(f"    {ref.sha256[:16]}  {ref.path}")
    if files > FILES_SHOWN:
        say(f"    and {files - FILES_SHOWN} more: awo gates show {name} --all")
    say(f"  look: awo gates show {name}")
    if to_open:
        say(f"  next: {what_next(to_open, name)}")
        return
    say(f"  next: {to_approve(pending, name)}")
    say(f"    or: awo reject {name} --key KEY --as ID --reason TEXT")
    say(f"    or: awo revise {name} --key KEY --as ID --reason TEXT --change TEXT")
