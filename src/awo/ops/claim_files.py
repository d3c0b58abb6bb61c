"""Reads claims from the JSON and YAML files that a workflow declared."""

from __future__ import annotations

from awo.canon.located import read_any
from awo.derive.claims import Claim
from awo.errors import StepFailed, WorkflowInvalid
from awo.ops.seam import Desk


def claims_matching(desk: Desk, pattern: str) -> list[Claim]:
    """The claims in every file that `pattern` matched, by file name and then in the order of the file.

    A file is one claim or a list of claims. Raises `StepFailed` `claims_unreadable` for a file
    that is neither JSON nor YAML.
    """
    claims: list[Claim] = []
    for path in desk.files_matching(pattern):
        try:
            content, _ = read_any(desk.read_text(path).encode(), path)
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
