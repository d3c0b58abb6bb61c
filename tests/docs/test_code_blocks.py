"""Code in the documents is real: JSON and YAML can be read, and commands and their options exist."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import yaml

from awo.cli.app import app

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks_in(document: Path) -> list[tuple[str, str]]:
    """The language and the text of each fenced block."""
    return _BLOCK.findall(document.read_text(encoding="utf-8"))


def why_unreadable(language: str, text: str) -> str:
    """What a reader of the language says against `text`; empty when it can be read."""
    try:
        if language == "json":
            json.loads(text)
        elif language == "yaml":
            yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        return str(error)
    return ""


def why_not_a_command(line: str) -> str:
    """What is wrong with a line that starts with `awo`: the first word that the program does not know."""
    words = line.split()[1:]
    command: click.Command = app
    context = click.Context(app)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name = words.pop(0)
        if name not in command.list_commands(context):
            if not (default := getattr(command, "default", "")):  # `awo import BUNDLE` leaves a word out
                return name
            words, name = [name, *words], default
        found = command.get_command(context, name)
        assert found is not None
        command = found
    known = {spelling for parameter in command.get_params(context) for spelling in parameter.opts}
    strange = [word for word in words if re.match(r"--?[a-z]", word) and word.partition("=")[0] not in known]
    return strange[0] if strange else ""


def test_bad_blocks_and_bad_commands_are_found() -> None:
    assert why_unreadable("json", '{"a": }')
    assert why_unreadable("yaml", "a: [1")
    assert why_unreadable("text", "{") == ""
    assert why_not_a_command("awo polish latest") == "polish"
    assert why_not_a_command("awo run FILE --faster") == "--faster"
    assert why_not_a_command("awo run FILE --json   it runs") == ""


def test_every_json_and_yaml_block_can_be_read(documents: list[Path], root: Path) -> None:
    faults = {
        f"{document.relative_to(root)}: {text[:40]!r}": why
        for document in documents
        for language, text in blocks_in(document)
        if (why := why_unreadable(language, text))
    }
    assert faults == {}


def test_every_command_in_a_block_exists_with_its_options(documents: list[Path], root: Path) -> None:
    lines = [
        (document, line.removeprefix("$ "))
        for document in documents
        for _, text in blocks_in(document)
        for line in text.replace("\\\n", " ").splitlines()
        if line.removeprefix("$ ").startswith("awo ")
    ]
    assert lines
    faults = {
        f"{document.relative_to(root)}: {line}": why for document, line in lines if (why := why_not_a_command(line))
    }
    assert faults == {}
