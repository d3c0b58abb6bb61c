"""docs/commands.md has every command with its arguments, options and help texts, and no other command."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from tests.docs.commands_page import commands_of, options_of, sections_of, usage_of

from awo.cli.app import app

COMMANDS = dict(commands_of(app, "awo"))


@pytest.fixture(scope="module")
def sections(root: Path) -> dict[str, str]:
    return sections_of((root / "docs" / "commands.md").read_text(encoding="utf-8"))


def test_every_command_has_a_section_in_the_programs_order(sections: dict[str, str]) -> None:
    assert list(sections) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_says_a_commands_arguments_and_options_as_its_help_does(name: str, sections: dict[str, str]) -> None:
    section = sections[name] + "\n"
    assert usage_of(name, COMMANDS[name]) in section, "next: make reference"
    assert options_of(COMMANDS[name]) in section, "next: make reference"


def test_every_option_and_every_command_explains_itself() -> None:
    mute = [
        f"{name} {parameter.name}"
        for name, command in COMMANDS.items()
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.help
    ]
    mute += [name for name, command in COMMANDS.items() if not command.help]
    assert mute == []


def test_every_command_that_does_something_takes_json() -> None:
    without = [
        name
        for name, command in COMMANDS.items()
        if not isinstance(command, click.Group) and "--json" not in {o for p in command.params for o in p.opts}
    ]
    assert without == []
