"""The tree of commands. A command's module is imported only when that command is asked for."""

from __future__ import annotations

import importlib
from typing import Any

import click

from awo import __version__
from awo.plugins import nearest

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("awo.cli.project:init", "Set up a project: awo.toml, reviewers/, an example workflow."),
    "validate": ("awo.cli.workflows:validate", "Check a workflow file and list every problem."),
    "plan": ("awo.cli.planning:plan", "Say what a workflow will ask, and what it can cost at most."),
    "run": ("awo.cli.running:run", "Run a workflow until it is sealed or waits for a person."),
    "resume": ("awo.cli.running:resume", "Take a run up again where its journal ends."),
    "retry": ("awo.cli.running:retry", "Do again only what failed in a run."),
    "replay": ("awo.cli.running:replay", "Run a run again, answered from its own responses."),
    "rescore": ("awo.cli.running:rescore", "Run another workflow over a run's responses."),
    "watch": ("awo.cli.watching:watch", "Watch a run that is at work, from another terminal."),
    "status": ("awo.cli.looking:status", "Say how a run stands."),
    "list": ("awo.cli.looking:list_runs", "List the runs of the project."),
    "show": ("awo.cli.looking:show", "Show a run: steps, models, decisions, files."),
    "gates": ("awo.cli.gates:gates", "List the gates that wait, and what they ask."),
    "approve": ("awo.cli.deciding:approve", "Approve a run at its open gate, with a signature."),
    "reject": ("awo.cli.deciding:reject", "Reject a run at its open gate, with a reason; seals it."),
    "withdraw": ("awo.cli.deciding:withdraw", "Take back what you decided at an open gate."),
    "revise": ("awo.cli.revising:revise", "Send a run back at its gate, or make the run that revises it."),
    "reveal": ("awo.cli.panels:reveal", "Open the sealed votes of a blind gate."),
    "seal": ("awo.cli.keeping:seal", "Freeze a failed or abandoned run as it stands."),
    "verify": ("awo.cli.packages:verify", "Check a run folder or bundle; changes nothing."),
    "render": ("awo.cli.packages:render", "Rebuild the views of an unsealed run."),
    "stamp": ("awo.cli.stamping:stamp", "Put a time stamp of an authority on the seal of a run."),
    "prove": ("awo.cli.proving:prove", "Prove one record of a sealed run in a few kilobytes."),
    "export": ("awo.cli.exporting:export", "Write a sealed run as one bundle, or in another form."),
    "publish": ("awo.cli.publishing:publish", "Publish a sealed run, or say where it was published."),
    "import": ("awo.cli.importing:import_", "Bring in a bundle, or results of other software."),
    "cite": ("awo.cli.citing:cite", "Say how to cite a sealed run."),
    "statement": ("awo.cli.citing:statement", "Write a run's AI-use statement and methods paragraph."),
    "scan": ("awo.cli.scanning:scan", "Look for secrets and personal data in a run or bundle."),
    "ledger": ("awo.cli.ledger:ledger", "Look after the log over all runs, and have it witnessed."),
    "redact": ("awo.cli.redacting:redact", "Publish a sealed run with texts withheld."),
    "erase": ("awo.cli.erasing:erase", "Destroy texts of a sealed run, with a signed reason."),
    "open-redaction": ("awo.cli.redacting:open_redaction", "Check originals against a redacted bundle."),
    "keys": ("awo.cli.keys:keys", "Make keys, enrol reviewers, list who may decide."),
    "schema": ("awo.cli.workflows:schema", "Print the JSON Schema of workflow files."),
    "doctor": ("awo.cli.project:doctor", "Say what this machine has and what is missing."),
}


class Commands(click.Group):
    """A group whose commands are rows of a table."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        module, _, attribute = row[0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = nearest(args[0], list(COMMANDS))
            hint = f" Did you mean {near!r}?" if near else ""
            raise click.UsageError(f"there is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="awo %(version)s")
def app() -> None:
    """Run AI-assisted research and leave every run behind as evidence that a stranger can check.

    RUN is a run's id, its path, or `latest`. Every command takes --json.
    """
