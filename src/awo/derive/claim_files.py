"""Reads claims from the JSON and YAML files that a workflow declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from awo.canon.located import read_any
from awo.errors import StepFailed, WorkflowInvalid


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as it was written, any JSON value, and the file it stands in (empty: in the workflow)."""

    source: str
    content: Any


class Texts(Protocol):
    """The declared files: a part of `Sources`."""

    def read_text(self, path: str) -> str:
        """The text of a declared file. Raises `StepFailed`."""

    def files_matching(self, pattern: str) -> list[str]:
        """The declared files that a glob of the workflow matched, sorted."""


def claims_matching(texts: Texts, pattern: str) -> list[Claim]:
    """The claims in every file that `pattern` matched, by file name and then in the order of the file.

    A file is one claim or a list of claims. Raises `StepFailed` `claims_unreadable` for a file
    that is neither JSON nor YAML.
    """
    claims: list[Claim] = []
    for path in texts.files_matching(pattern):
        try:
            content, _ = read_any(texts.read_text(path).encode(), path)
        except WorkflowInvalid as error:
            first = error.problems[0]
            raise StepFailed(
                f"this file of claims cannot be read: {first.what}",
                code="claims_unreadable",
                where=first.where,
                expected="JSON or YAML: a claim, or a list of claims",
                got=first.got,
                hint=first.hint,
            ) from error
        found = content if isinstance(content, list) else [content]
        claims += [Claim(source=path, content=one) for one in found]
    return claims
