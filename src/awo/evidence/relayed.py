"""An approval that was given elsewhere and a machine's key passes on: how it differs from a signature. ADR 0020.

The format of a decision is that of any other (spec section 3.6). Three things in it say what this one is: its signer's
role begins with `github:` and names the environment, the printed name says that it is relayed, and its comment begins
as `comment_of` writes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Relay = Literal["github"]
"""From where approvals can be relayed."""

GITHUB: Final = "github:"
"""What the role of a relay begins with; the name of the protected environment follows."""

FIRST_LINE: Final = "Relayed from GitHub's protected environment; no signature of a person."
LONGEST_WORDS: Final = 4_000
"""As many characters of what was said on GitHub as are taken over."""

_LABELS: Final = ("approved by", "environment", "workflow run", "commit", "triggered by", "asked at")
_LOGIN: Final = r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?"
_LOGINS: Final = rf"{_LOGIN}(?:, {_LOGIN})*"
_WORD: Final = r"[!-~]+"
_FORMS: Final = (_LOGINS, _WORD, _WORD, _WORD, _LOGINS, _WORD)
_LINES: Final = re.compile("\n".join(f"{label}: ({form})" for label, form in zip(_LABELS, _FORMS, strict=True)))
"""The facts are names and addresses. A sentence in their place would be read as one of AWO's, by `in_words`."""


@dataclass(frozen=True, slots=True)
class Relayed:
    """What GitHub said of an approval. `approvers` are login names, `run_url` is the address of the workflow run,
    `commit` the one that it ran on, `asked_at` the address of the server that answered, and `words` is what the
    approvers wrote, cut after `LONGEST_WORDS` characters."""

    approvers: tuple[str, ...]
    environment: str
    run_url: str
    commit: str
    triggered_by: str
    asked_at: str
    words: str = ""


def looks_relayed(role: str) -> bool:
    """Whether a reader could take this role for a relay's: by its prefix in any case."""
    return role.casefold().startswith(GITHUB)


def environment_of(role: str) -> str:
    """The protected environment whose approval this role relays; '' for the role of a person."""
    return role.removeprefix(GITHUB) if role.startswith(GITHUB) else ""


def comment_of(relayed: Relayed) -> str:
    """The comment of the decision: one line of warning, one line for each fact, then what was said on GitHub."""
    values = (
        ", ".join(relayed.approvers),
        relayed.environment,
        relayed.run_url,
        relayed.commit,
        relayed.triggered_by,
        relayed.asked_at,
    )
    facts = [f"{label}: {value}" for label, value in zip(_LABELS, values, strict=True)]
    said = ["", "What was written on GitHub:", "", relayed.words] if relayed.words else []
    return "\n".join([FIRST_LINE, *facts, *said])


def read_comment(comment: str) -> Relayed | None:
    """What `comment_of` made this comment of; None for every other text."""
    first, *lines = comment.split("\n")
    found = _LINES.fullmatch("\n".join(lines[: len(_LABELS)]))
    rest = lines[len(_LABELS) :]
    if first != FIRST_LINE or found is None or (rest and rest[:3] != ["", "What was written on GitHub:", ""]):
        return None
    facts = dict(zip(_LABELS, found.groups(), strict=True))
    return Relayed(
        approvers=tuple(facts["approved by"].split(", ")),
        environment=facts["environment"],
        run_url=facts["workflow run"],
        commit=facts["commit"],
        triggered_by=facts["triggered by"],
        asked_at=facts["asked at"],
        words="\n".join(rest[3:]),
    )


def in_words(role: str, comment: str) -> str:
    """One sentence about a decision in this role: that it is relayed, and from where; '' for that of a person."""
    environment = environment_of(role)
    if not environment:
        return ""
    told = read_comment(comment)
    if told is None or told.environment != environment:
        who = "and does not say who approved there"
    else:
        who = f"where {', '.join(told.approvers)} approved {told.run_url}, as {told.asked_at} answered"
    return f"relayed from GitHub's protected environment {environment}, {who}; no signature of a person"
