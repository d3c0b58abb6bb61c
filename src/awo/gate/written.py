"""A mapping that a person wrote in YAML or JSON for a gate: a checklist, or a file of answers."""

from __future__ import annotations

from typing import Any

from awo.canon import located
from awo.canon.located import Source
from awo.canon.positions import Path
from awo.errors import UsageError, WorkflowInvalid
from awo.gate.items import why_not_plain


def read_mapping(data: bytes, file: str) -> tuple[dict[str, Any], Source]:
    """The mapping that `data` spells, read as workflow files are. Raises `UsageError` with the first problem's line."""
    try:
        value, source = located.read_any(data, file)
    except WorkflowInvalid as error:
        first = error.problems[0]
        raise UsageError(
            first.what, where=first.where, expected=first.expected, got=first.got, hint=first.hint
        ) from error
    if not isinstance(value, dict):
        raise UsageError("the file is not a mapping of keys to values", where=f"{file}:1:1")
    return value, source


def place(source: Source, path: Path, *, is_key: bool = False) -> str:
    """`file:line:column` of the value, or of the key, at `path`: the file is read a second time for it."""
    positions = source.positions()
    at = positions.key(path) if is_key else positions.value(path)
    return f"{source.file}:{at.line}:{at.column}" if at.line else source.file


def shown(value: Any) -> str:
    """A value in an error, short and harmless."""
    if isinstance(value, str):
        return repr(value)[:80] if not why_not_plain(value) else ascii(value)[:80]
    return {dict: "a mapping", list: "a list", type(None): "nothing", bool: str(value).lower()}.get(
        type(value), ascii(value)[:80]
    )
