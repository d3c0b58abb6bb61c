"""What docs/commands.md must say of each command, taken from the program. `make reference` writes it into the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from awo.cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"

_HEADING = re.compile(r"^#{2,3} (awo [a-z0-9 -]+)$", re.MULTILINE)
_USAGE = re.compile(r"^`awo .*`$", re.MULTILINE)
_TABLE = re.compile(r"^\| option \|.*\n(?:\|.*\n)+", re.MULTILINE)


def commands_of(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    """Every command below `group` with its full name, groups before what they hold."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        full_name = f"{prefix} {name}"
        yield full_name, command
        if isinstance(command, click.Group):
            yield from commands_of(command, full_name)


def usage_of(name: str, command: click.Command) -> str:
    """The command with its arguments, as a line of the page."""
    pieces = command.collect_usage_pieces(click.Context(command))
    return f"`{' '.join([name, *pieces])}`"


def options_of(command: click.Command) -> str:
    """The table of the command's options, `--help` left out; empty when it has none."""
    context = click.Context(command)
    records = [
        record
        for parameter in command.params
        if isinstance(parameter, click.Option) and (record := parameter.get_help_record(context))
    ]
    rows = [f"| `{spelling}` | {text} |" for spelling, text in (_escaped(record) for record in records)]
    return "\n".join(["| option | what it does |", "|---|---|", *rows]) + "\n" if rows else ""


def _escaped(record: tuple[str, str]) -> tuple[str, str]:
    return record[0].replace("|", "\\|"), record[1].replace("|", "\\|")


def sections_of(page: str) -> dict[str, str]:
    """The text under each command's heading, by the command's full name."""
    parts = _HEADING.split(page)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def brought_up_to_date(page: str) -> str:
    """The page with usage and options of each command as the program has them; prose stays as it is."""
    opening = _HEADING.split(page)[0]
    sections = sections_of(page)
    said = [opening.rstrip()]
    for name, command in commands_of(app, "awo"):
        prose = _TABLE.sub("", _USAGE.sub("", sections.get(name, ""), count=1)).strip()
        parts = [
            f"## {name}",
            usage_of(name, command),
            prose or (command.help or "").strip(),
            options_of(command).strip(),
        ]
        said.append("\n\n".join(part for part in parts if part))
    return "\n\n".join(said) + "\n"


if __name__ == "__main__":
    PAGE.write_text(brought_up_to_date(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
