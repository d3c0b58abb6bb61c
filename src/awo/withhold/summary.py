"""What a redaction leaves, counted for people, and what still tells something about what is withheld."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from awo.evidence.disclosure import form_of
from awo.evidence.layout import REPORT
from awo.evidence.redaction import RedactedFile
from awo.withhold.choice import kind_of

SHORT_BYTES: Final = 256
"""A file of at most so many bytes can often be guessed whole, and its digest stands in SHA256SUMS and the journal."""

_QUOTE: Final = (REPORT, "files/panel.md")


@dataclass(frozen=True, slots=True)
class Kind:
    """The files of one kind: how many are shown, shown in part and withheld, and how many lines, values or files of
    them are withheld."""

    name: str
    shown: int
    partial: int
    withheld: int
    parts_withheld: int


@dataclass(frozen=True, slots=True)
class Summary:
    """`guessable` are short files that are not shown; `keys_shown` files that are cut and whose keys show.

    `asked` are files of responses of which something is withheld: the journal has a digest of each request without a
    salt, so that a prompt that is guessed word for word can be checked. `nearly_shown` are other files of which a part
    is shown: whoever knows what is missing can check it by the digest of the whole.

    `quoting` are reports and pages for panels that are shown whole while texts are withheld: they quote prompts and
    answers.
    """

    kinds: tuple[Kind, ...]
    guessable: tuple[str, ...]
    keys_shown: tuple[str, ...]
    quoting: tuple[str, ...]
    asked: tuple[str, ...]
    nearly_shown: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "kinds": [
                {
                    "kind": kind.name,
                    "shown": kind.shown,
                    "partial": kind.partial,
                    "withheld": kind.withheld,
                    "parts_withheld": kind.parts_withheld,
                }
                for kind in self.kinds
            ],
            "guessable": list(self.guessable),
            "keys_shown": list(self.keys_shown),
            "quoting": list(self.quoting),
            "asked": list(self.asked),
            "nearly_shown": list(self.nearly_shown),
        }


def summary_of(files: Sequence[RedactedFile]) -> Summary:
    """The summary of the rows of a record."""
    states = Counter((kind_of(row.path), row.state) for row in files)
    parts: Counter[str] = Counter()
    for row in files:
        parts[kind_of(row.path)] += row.withheld
    names = sorted({name for name, _ in states})
    return Summary(
        kinds=tuple(
            Kind(name, states[name, "shown"], states[name, "partial"], states[name, "withheld"], parts[name])
            for name in names
        ),
        guessable=tuple(
            row.path
            for row in files
            if row.withheld and row.size_bytes <= SHORT_BYTES and form_of(row.path) != "responses"
        ),
        keys_shown=tuple(row.path for row in files if row.state == "partial" and form_of(row.path) == "value"),
        quoting=tuple(
            row.path for row in files if row.state == "shown" and row.path.endswith(_QUOTE) and any(parts.values())
        ),
        asked=tuple(row.path for row in files if row.withheld and form_of(row.path) == "responses"),
        nearly_shown=tuple(row.path for row in files if row.state == "partial" and form_of(row.path) != "responses"),
    )
